# Story 7: a clean day has at most 1.2 times the alerts that were configured.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Story;
use Test::More;
use File::Temp qw(tempdir);

# Three clean working days: the model learns from the first, its budget is taken
# from the second, and holds on the third.
my $dir = tempdir(CLEANUP => 1);
my ($pcapgen, $pcap2pg) = (program('pcapgen'), program('pcap2pg'));
my ($budget, $contamination) = (5, 0.01);
system("$pcapgen --attacks=none --days=3 --scale=0.5 -o $dir/days.pcap --truth $dir/truth.csv 2>/dev/null") == 0 or die;
sql("SELECT anomaly_create_flow_store('netflow')");
system("$pcap2pg --store netflow $dir/days.pcap >/dev/null 2>&1") == 0 or die;
sql(qq{SELECT anomaly_train('office', 'SELECT * FROM netflow.flow_feature WHERE start_time < ''2026-01-07''', features => anomaly_flow_features(),
	options => '{"contamination": $contamination}'); SELECT anomaly_watch('netflow', 'office')});
my $share = sql("SELECT count(*) FILTER (WHERE d.is_anomaly)::float8 / count(*) FROM netflow.flow_feature f, anomaly_detect('office', f) d WHERE start_time >= '2026-01-07'");
cmp_ok($share, '<=', 1.2 * $contamination, sprintf('%.2f %% of the flows are anomalous, with a contamination of %g %%', 100 * $share, 100 * $contamination));
sql("SELECT anomaly_backfill('netflow', 1, '2026-01-06', '2026-01-07');
	SELECT anomaly_set_threshold('netflow', 1, 'budget', $budget, '2026-01-06', '2026-01-07');
	SELECT anomaly_backfill('netflow', 1, '2026-01-07', '2026-01-08')");
my $alerts = sql("SELECT count(*) FROM netflow.alert WHERE first_seen >= '2026-01-07'");
cmp_ok($alerts, '<=', 1.2 * $budget, "$alerts alerts, with a budget of $budget a day");
done_testing();
