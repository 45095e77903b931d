# Story 10: no alert without reasons.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Story;
use Test::More;

by_hand();
store('netflow');
ordinary('netflow', '2026-01-05', 3000);
sql("SELECT anomaly_train('m', 'SELECT * FROM netflow.flow_feature', features => anomaly_flow_features()); SELECT anomaly_watch('netflow', 'm', alert_severity => 30, alert_flows => 1)");
scan('netflow', '10.0.0.66', '2026-01-06 10:00', 100);
sql(q{INSERT INTO netflow.flow SELECT f.* FROM generate_series(1, 30) i,
	hand.flow(timestamptz '2026-01-06 12:00' + interval '9 s' * i, '10.0.0.7', '198.51.100.9', 443, 6, 3, 500000, 2000, src_port => 2000 + i) f});
is(sql('SELECT count(DISTINCT watch_id IS NULL) FROM netflow.alert'), 2, 'alerts of rules and of a model');
for my $table (qw(alert detection))
{
	is(sql("SELECT count(*) FROM netflow.$table t WHERE jsonb_array_length(reasons) = 0
		OR EXISTS (SELECT FROM jsonb_array_elements(t.reasons) r WHERE r ->> 'feature' IS NULL OR r ->> 'value' IS NULL OR r ->> 'expected' IS NULL)
		OR (SELECT sum((r ->> 'share')::float8) FROM jsonb_array_elements(t.reasons) r) NOT BETWEEN 0 AND 1.001"),
		0, "each $table has feature, value, what was expected, and shares that sum to 1 at most");
}
is(sqlstate(q{INSERT INTO netflow.alert (source, threat, title, severity, confidence, first_seen, last_seen, flow_count, detection_count, target_count,
	targets, ports, reasons, indicators) VALUES ('10.0.0.1', 'ddos', 'x', 80, 1, now(), now(), 1, 1, 1, '{}', '{}', '[]', '{}')}), '23514', 'one without is refused');
done_testing();
