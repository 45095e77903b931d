# Story 14: a scan of 10,000 flows is one incident.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Story;
use Test::More;

by_hand();
store('netflow');
# in ten batches, as a loader brings them
sql("INSERT INTO netflow.flow SELECT f.* FROM generate_series(1000 * $_ + 1, 1000 * ($_ + 1)) i,
	hand.flow(timestamptz '2026-01-05 10:00' + interval '0.1 s' * i, '10.0.0.66', '10.0.0.5', i, 6, 4, 0, 0, 1, 1, 2) f") for 0 .. 9;
is(sql('SELECT count(*) FROM netflow.flow'), 10000, '10,000 flows');
is(sql('SELECT source, threat, flow_count, target_count FROM netflow.alert'), '10.0.0.66|port_scan|10000|1', 'one alert, of all of them');
is(sql('SELECT count(*) FROM netflow.detection WHERE alert_id IS NULL'), 0, 'nothing beside it');
done_testing();
