# Story 16: retrain under eight scorers: no error; roll back: the same scores;
# kill -9: no half model.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../t";
use Cluster;
use Test::More;
use Time::HiRes qw(sleep);

sql(<<'SQL');
CREATE TABLE traffic AS
	SELECT i, sin(i) + sin(i * 0.3) AS a, cos(i * 0.7) AS b, false AS attack FROM generate_series(1, 5000) i
	UNION ALL SELECT i, 4 + sin(i), 9 + cos(i), true FROM generate_series(1, 100) i;
SELECT anomaly_train('guard', 'SELECT a, b, attack FROM traffic', label => 'attack', options => '{"trees": 50}');
SQL
my $scores = "SELECT sum(hashfloat8(anomaly_score('guard', t))::bigint) FROM (SELECT a, b FROM traffic) t";
my $first = sql($scores);
is(sql("SELECT activated FROM anomaly_retrain('guard')"), 't', 'a new version scores');
isnt(sql($scores), $first, 'differently');
is(sql("SELECT anomaly_rollback('guard')"), 1, 'rolled back');
is(sql($scores), $first, 'it scores as it did');

# Eight scorers while models come and go: nobody sees an error, nor a version that is not there.
open(my $script, '>', "$root/build/story-score.sql") or die;
print $script "SELECT sum(anomaly_score('guard', t)) FROM (SELECT a, b FROM traffic LIMIT 300) t;\n";
close $script;
my $bench = open(my $out, '-|', "pgbench -n -c 8 -j 2 -T 6 -f $root/build/story-score.sql $db 2>&1") // die;
my $runs = 0;
while (sql("SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'pgbench' AND datname = current_database()") eq 't' || $runs == 0)
{
	sql("SELECT anomaly_retrain('guard')");
	$runs++;
}
my $report = do { local $/; <$out> };
close $out;
is($?, 0, "eight scorers through $runs retrainings");
like($report, qr/number of failed transactions: 0 \(/, 'no error');
unlike($report, qr/ERROR/, 'none at all');

# kill -9 while the new version is written but not committed, and while it is computed.
sql("SELECT anomaly_train('kept', 'SELECT sin(i) AS a, cos(i) AS b FROM generate_series(1, 1000) i')");
my $kept = "SELECT sum(hashfloat8(anomaly_score('kept', p))::bigint) FROM (SELECT sin(i) AS a, cos(i) AS b FROM generate_series(1, 1000) i) p";
my $before = sql($kept);
my %moment = (
	'while it trains' => "SELECT anomaly_train('kept', 'SELECT i AS a, sin(i) AS b FROM generate_series(1, 500000000) i')",
	'before it commits' => "SELECT anomaly_train('kept', 'SELECT i AS a, sin(i) AS b FROM generate_series(1, 1000) i'), pg_sleep(600)",
);
for my $when (sort keys %moment)
{
	my (undef, $out) = start_sql($moment{$when});
	my $pid = wait_for("SELECT pid FROM pg_stat_activity WHERE query LIKE '%anomaly_train(''kept''%' AND pid <> pg_backend_pid() AND state = 'active'");
	sleep 0.5;
	is(kill('KILL', $pid), 1, "killed $when");
	close $out;
	wait_for('SELECT NOT pg_is_in_recovery()');
	is(sql('SELECT count(*) FROM anomaly.model_version WHERE model = $$kept$$'), 1, "$when: no half version");
	is(sql('SELECT active_version FROM anomaly.model WHERE name = $$kept$$'), 1, "$when: the old version is active");
	is(sql($kept), $before, "$when: and scores as before");
}
is(sql("SELECT version FROM anomaly_train('kept', 'SELECT sin(i) AS a, cos(i) AS b FROM generate_series(1, 1000) i')"),
	2, 'training goes on');

done_testing();
