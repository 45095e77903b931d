# Fifty sessions score, five decide about alerts and one loads flows while the
# model they use is retrained and activated.  Every session gives up on a lock
# after 200 ms, and each retraining stays open for longer than that: a wait for
# it would be an error.  What was scored meanwhile must be what the version
# named beside it gives.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Cluster;
use File::Temp qw(tempdir);
use Test::More;

my $dir = tempdir(CLEANUP => 1);

# A pgbench of its own: what it prints is in the file handle.
sub start_bench
{
	my ($name, $script, $options) = @_;
	open(my $out, '>', "$dir/$name.sql") or die "$name: $!";
	print $out $script;
	close $out;
	open(my $bench, '-|', "PGAPPNAME=busy PGOPTIONS='-c lock_timeout=200ms' pgbench -n -M prepared $options -f $dir/$name.sql postgres 2>&1")
		or die "pgbench: $!";
	return $bench;
}

system('psql', '-Xq', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-f', "$root/test/sql/store_0_setup.sql") == 0 or BAIL_OUT('no flows');
sql(<<'SQL');
SELECT anomaly_create_flow_store('net');
SELECT anomaly_ensure_chunks('net', '2026-01-05', '2026-01-06');
CREATE SEQUENCE batch START 61;	-- 1 to 60 are there beforehand
-- Flow i of a batch: a page from the web, or every tenth one a large transfer to an odd port.
CREATE FUNCTION traffic(batch int8) RETURNS SETOF shape.flow LANGUAGE sql AS $$
	SELECT f.* FROM generate_series(1, 40) i, hand.flow(timestamptz '2026-01-05' + batch * interval '10 s' + i * interval '0.2 s',
		inet '10.0.0.1' + (i + batch) % 50, inet '203.0.113.0' + (90 * hand.draw('to', batch * 40 + i))::int,
		CASE WHEN i % 10 = 0 THEN 31337 ELSE 443 END, 6, CASE WHEN i % 10 = 0 THEN 7 ELSE 3 END,
		CASE WHEN i % 10 = 0 THEN 900000000 ELSE (300 + 900 * hand.draw('out', batch * 40 + i))::int8 END,
		(2000 + 60000 * hand.draw('in', batch * 40 + i))::int8, src_port => 1024 + ((batch * 40 + i) % 60000)::int) f
$$;
INSERT INTO net.flow SELECT f.* FROM generate_series(1, 50) b, traffic(b) f;
SELECT anomaly_train('guard', 'SELECT * FROM net.flow_feature WHERE dst_port = 443', features => anomaly_flow_features(),
	options => '{"trees": 50}');
SELECT anomaly_watch('net', 'guard', alert_flows => 1);
INSERT INTO net.flow SELECT f.* FROM generate_series(51, 60) b, traffic(b) f;
CREATE TABLE probe AS SELECT row_number() OVER (ORDER BY start_time) AS i, f.* FROM net.flow_feature f;
CREATE TABLE verdict (version int, i int8, score float8);
-- What one analyst does with any alert; what two want at once is refused to the second.
CREATE FUNCTION decide(n int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	any_alert int8 := (SELECT id FROM net.alert ORDER BY random() LIMIT 1);
	what text := ('{acknowledge,close,reopen,assign,note,undo}'::text[])[n];
BEGIN
	PERFORM anomaly_triage('net', ARRAY[any_alert], what, CASE WHEN what = 'close' THEN 'false_positive' END,
		CASE WHEN what = 'assign' THEN 'ada' END, CASE WHEN what = 'note' THEN 'seen' END);
EXCEPTION WHEN SQLSTATE 'PA031' THEN
	NULL;
END
$$;
SQL
cmp_ok(sql('SELECT count(*) FROM net.alert'), '>', 10, 'there are alerts to decide about');

my %bench = (
	'fifty scorers' => start_bench('score', <<'SQL', '-c 50 -j 2 -t 24 -R 100'),
\set i random(1, 2300)
INSERT INTO verdict SELECT m.active_version, p.i, anomaly_score('guard', p)
	FROM anomaly.model m, probe p WHERE m.name = 'guard' AND p.i BETWEEN :i AND :i + 9;
SQL
	'five analysts' => start_bench('decide', "\\set n random(1, 6)\nSELECT decide(:n);\n", '-c 5 -t 48 -R 20'),
	'a loader' => start_bench('load', "INSERT INTO net.flow SELECT f.* FROM nextval('batch') b, LATERAL traffic(b) f;\n",
		'-c 1 -t 36 -R 3'));
wait_for("SELECT count(*) >= 56 FROM pg_stat_activity WHERE application_name = 'busy'");

my $runs = 0;
while (sql("SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'busy'") eq 't')
{
	my $answer = sql("SET lock_timeout = '200ms'; BEGIN; SELECT activated, failed FROM anomaly_retrain('guard');
		SELECT pg_sleep(0.6); COMMIT");
	$runs++ if $answer =~ /^t\|f$/m;
}
cmp_ok($runs, '>=', 2, 'versions took over meanwhile');
for my $name (sort keys %bench)
{
	my $out = $bench{$name};
	my $report = do { local $/; <$out> };
	close $out;
	is($?, 0, "$name: ended well");
	unlike($report, qr/ERROR|WARNING|FATAL/, "$name: no error, no lock waited for, no step that failed");
}

cmp_ok(sql('SELECT count(DISTINCT version) FROM verdict'), '>=', 2, 'scorers saw versions change');
is(sql("SELECT count(*) FROM verdict r LEFT JOIN anomaly.model_version v ON v.model = 'guard' AND v.version = r.version
	LEFT JOIN probe p USING (i) WHERE anomaly_score(v.body, p) IS DISTINCT FROM r.score"), 0,
	'every score is that of the version named beside it');
cmp_ok(sql('SELECT count(DISTINCT model_version) FROM net.detection WHERE watch_id IS NOT NULL'), '>=', 2, 'detections name several versions');
is(sql("SELECT count(*) FROM net.detection d
	LEFT JOIN anomaly.model_version v ON v.model = d.model AND v.version = d.model_version
	LEFT JOIN net.flow_feature f USING (start_time, src_addr, src_port, dst_addr, dst_port)
	WHERE d.watch_id IS NOT NULL AND anomaly_score(v.body, f) IS DISTINCT FROM d.score"), 0,
	'every detection names an existing version, the one that gave its score');
is(sql("SELECT count(*) FROM net.alert a LEFT JOIN anomaly.model_version v ON v.model = a.model AND v.version = a.model_version
	WHERE a.watch_id IS NOT NULL AND v.version IS NULL"), 0, 'so does every alert');
is(sql("SELECT count(*), (SELECT flows FROM net.tally), (SELECT sum(flows) FROM net.score_hour) + 50 * 40 FROM net.flow"),
	join('|', (sql('SELECT 40 * last_value FROM batch')) x 3), 'every flow is there, counted and scored, once');
is(sql('SELECT count(*) - (SELECT entries FROM anomaly_verify_log($$net$$)), count(*) > 0 FROM net.triage_log'), '0|t',
	'the log of decisions holds');
is(sql("SELECT count(*) FROM net.alert a JOIN net.triage_log l ON l.id = a.triage_id
	WHERE (l.state, l.alert_id) IS DISTINCT FROM (a.state, a.id)
	   OR l.id <> (SELECT max(id) FROM net.triage_log x WHERE x.alert_id = a.id)"), 0, 'alerts are in the state it says');

done_testing();
