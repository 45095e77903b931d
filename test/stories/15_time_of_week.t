# Story 15: Monday 09:00 is quiet, the same volume at 03:00 is not.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Story;
use Test::More;

# eight weeks of hours: busy from eight to six on working days
sql(q{CREATE TABLE hourly AS SELECT h AS hour, (CASE WHEN extract(isodow FROM h) < 6 AND extract(hour FROM h) BETWEEN 8 AND 17 THEN 1000 ELSE 40 END
	* (1 + 0.1 * sin(i * 1.7)))::int AS flows FROM generate_series(timestamptz '2025-11-03 00:00+00', '2025-12-28 23:00+00', '1 hour') WITH ORDINALITY g(h, i)});
sql(q{SELECT anomaly_train('weekly', 'SELECT * FROM hourly', 'seasonal', options => '{"order": "hour"}')});
my $verdict = q{SELECT d.is_anomaly FROM (SELECT timestamptz '%s+00' AS hour, 1000 AS flows) r, anomaly_detect('weekly', r) d};
is(sql(sprintf($verdict, '2025-12-29 09:00')), 'f', 'a thousand flows on a Monday at nine');
is(sql(sprintf($verdict, '2025-12-29 03:00')), 't', 'a thousand at three in the night');
is(sql(sprintf($verdict, '2026-01-03 09:00')), 't', 'or on a Saturday at nine');
done_testing();
