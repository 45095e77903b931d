# Retraining: champion against challenger, and on a real pg_cron schedule.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Cluster;
use Test::More;
use Time::HiRes qw(sleep);

# Rows of a kind: normal ones near the origin, attacks far out.
sql(<<'SQL');
SELECT setseed(0.1);
CREATE TABLE traffic AS
	SELECT i, random() + random() AS a, random() * 5 AS b, false AS attack FROM generate_series(1, 5000) i
	UNION ALL SELECT i, 4 + random(), 9 + random(), true FROM generate_series(1, 100) i;
CREATE TABLE polluted AS
	SELECT i, (random() * 10)::float8 AS a, random() * 20 AS b, false AS attack FROM generate_series(1, 5000) i;
SELECT anomaly_train('guard', 'SELECT a, b, attack FROM traffic', label => 'attack', options => '{"trees": 50}');
SELECT anomaly_train('plain', 'SELECT a, b FROM traffic WHERE NOT attack', options => '{"trees": 50}');
SQL

my $scores = "SELECT sum(hashfloat8(anomaly_score('guard', t))::bigint) FROM (SELECT a, b FROM traffic) t";
my $first = sql($scores);

is(sql("SELECT activated, failed, measure, champion, challenger FROM anomaly_retrain('guard')"),
	't|f|roc_auc|1|2', 'a challenger as good takes over');
is(sql("SELECT active_version FROM anomaly.model WHERE name = 'guard'"), 2, 'and is active');
is(sql("SELECT rows_used FROM anomaly.model_version WHERE model = 'guard' AND version = 2"),
	sql("SELECT count(*) FROM (SELECT a, b, attack FROM traffic) r WHERE NOT attack AND hashtextextended(r::text, 0) & 1023 >= 205"),
	'it did not see the held-out fifth');

# Trained on rows among which the attacks look normal, it ranks them worse.
my $worse = sql("SELECT activated, failed, challenger, reason FROM anomaly_retrain('guard',
	'SELECT a, b, attack FROM polluted', holdout => 'SELECT a, b, attack FROM traffic')");
like($worse, qr/^f\|f\|3\|roc_auc [0-9.]+ of version 3, [0-9.]+ of version 2: worse, kept but not activated$/,
	'a worse challenger is kept, not activated, and says why');
is(sql("SELECT active_version FROM anomaly.model WHERE name = 'guard'"), 2, 'the champion stays');
is(sql("SELECT count(*) FROM anomaly.model_version WHERE model = 'guard'"), 3, 'the challenger is there to look at');

# Without a label the share of anomalous rows is compared with what was promised.
like(sql("SELECT activated, measure FROM anomaly_retrain('plain')"), qr/^t\|rate_error$/, 'unlabelled: as good');
like(sql("SELECT activated, reason FROM anomaly_retrain('plain', 'SELECT a, b FROM traffic WHERE a < 0.4',
	holdout => 'SELECT a, b FROM traffic WHERE NOT attack')"), qr/^f\|rate_error .* worse/, 'unlabelled: one that cries wolf is not activated');

is(sql("SELECT activated, failed, challenger IS NULL, reason ~ 'does not exist' FROM anomaly_retrain('guard', 'SELECT 1 FROM nowhere')"),
	'f|t|t|t', 'an error is a row of the history');
is(sql("SELECT failures, is_stale FROM anomaly_model_status() WHERE model = 'guard'"), '1|f', 'and counts as a failure');
is(sql("SELECT is_stale FROM anomaly_model_status('-1 s') WHERE model = 'guard'"), 't', 'an old version is stale');
is(sql('SELECT count(*) FROM anomaly.retraining'), 5, 'every run is in the history');

sql("SELECT anomaly_activate('guard', 1)");
is(sql($scores), $first, 'the first version scores as it did');

# Without pg_cron a clear refusal.
my ($status, $answer) = (0, '');
{
	my (undef, $psql) = start_sql("SELECT anomaly_schedule_retrain('guard', '* * * * *')");
	$answer = do { local $/; <$psql> };
	close $psql;
}
like($answer, qr/0A000/, 'without pg_cron it says so');

SKIP:
{
	my $library = `pg_config --pkglibdir`;
	chomp $library;
	skip 'pg_cron is not installed', 4 unless -e "$library/pg_cron.so";
	my $cluster = "$root/test/stack/cluster.sh";
	system("$cluster stop tap && $cluster start tap \"shared_preload_libraries = 'pg_cron'\" \"cron.host = '$ENV{PGHOST}'\"") == 0
		or BAIL_OUT('no restart');
	sql('CREATE EXTENSION pg_cron');
	my $before = sql("SELECT last_version FROM anomaly.model WHERE name = 'guard'");
	like(sql("SELECT anomaly_schedule_retrain('guard', '* * * * *')"), qr/^\d+$/, 'scheduled');
	my $ran = 0;
	for (1 .. 140)
	{
		last if $ran = sql("SELECT last_version FROM anomaly.model WHERE name = 'guard'") > $before;
		sleep 1;
	}
	ok($ran, 'pg_cron retrained the model');
	is(sql("SELECT failed, run_by FROM anomaly.retraining ORDER BY id DESC LIMIT 1"), 'f|postgres', 'the run is in the history');
	is(sql("SELECT anomaly_unschedule_retrain('guard'), anomaly_unschedule_retrain('guard')"), 't|f', 'unscheduled');
}

done_testing();
