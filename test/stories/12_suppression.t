# Story 12: a suppression with expiry: silent, counted, back after expiry.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Story;
use Test::More;

by_hand();
store('netflow');
sql("SELECT anomaly_suppress('netflow', 'our own scanner', source => '10.0.0.66', threat => 'port_scan', expires_at => now() + interval '4 s')");
scan('netflow', '10.0.0.66', '2026-01-05 10:00', 60);
scan('netflow', '10.0.0.67', '2026-01-05 10:00', 60);
is(sql('SELECT source FROM netflow.alert'), '10.0.0.67', 'silent, while another source is not');
is(sql('SELECT hits FROM netflow.suppression'), sql("SELECT count(*) FROM netflow.detection WHERE src_addr = '10.0.0.66'"), 'counted');
cmp_ok(sql('SELECT hits FROM netflow.suppression'), '>', 0, 'more than nothing');
wait_for('SELECT expires_at < now() FROM netflow.suppression');
scan('netflow', '10.0.0.66', '2026-01-06 10:00', 60);
is(sql("SELECT first_seen::date FROM netflow.alert WHERE source = '10.0.0.66'"), '2026-01-06', 'back after expiry, with what came since');
done_testing();
