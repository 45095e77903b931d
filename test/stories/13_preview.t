# Story 13: what a preview counts is what applying gives.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Story;
use Test::More;

by_hand();
store('netflow');
ordinary('netflow', '2026-01-05', 4000);
sql("SELECT anomaly_train('m', 'SELECT * FROM netflow.flow_feature', features => anomaly_flow_features()); SELECT anomaly_watch('netflow', 'm', alert_flows => 2)");
sql(q{INSERT INTO netflow.flow SELECT f.* FROM generate_series(1, 600) i, hand.flow(timestamptz '2026-01-06' + interval '2 minutes' * i,
	inet '10.0.0.1' + i % 23, '198.51.100.9', 443, 6, 3, (1000 * 1.02 ^ (i % 400))::int8, 2000, src_port => 1024 + i) f});
my $period = "'2026-01-06', '2026-01-07'";
my %counts;
for my $threshold ("'severity', 25", "'severity', 60", "'p_value', 0.002", "'contamination', 0.1", "'budget', 3", "'score', 0.6")
{
	my $preview = sql("SELECT flows, alerts FROM anomaly_preview_threshold('netflow', 1, $threshold, $period)");
	is(sql("SELECT flows, alerts FROM anomaly_set_threshold('netflow', 1, $threshold, $period)"), $preview, "$threshold: $preview flows and alerts");
	is(sql("SELECT count(*) FROM netflow.alert WHERE watch_id = 1 AND last_seen >= '2026-01-06'"), (split /\|/, $preview)[1], "$threshold: so many alerts are there");
	$counts{$preview}++;
}
cmp_ok(scalar keys %counts, '>', 2, 'thresholds differ in what they give');
done_testing();
