# Story 20: dump, restore: score checksums are equal, and training goes on.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::RealBin/../t";
use Cluster;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $checksum = "SELECT count(*), sum(hashfloat8(anomaly_score(m.name, p))::bigint),
	sum(hashfloat8(anomaly_score(v.body, p))::bigint)
	FROM points p, anomaly.model m JOIN anomaly.model_version v ON v.model = m.name";

sql("CREATE TABLE points AS SELECT sin(i) AS a, cos(i * 0.7) AS b,
	CASE WHEN i % 3 = 0 THEN 'tcp' ELSE 'udp' END AS c FROM generate_series(1, 2000) i");
sql("SELECT anomaly_train('dumped', 'SELECT * FROM points', options => jsonb_build_object('seed', n))
	FROM generate_series(1, 3) n");
sql("SELECT anomaly_activate('dumped', 2)");
sql("CREATE TABLE kept AS SELECT anomaly_fit(p, 'isolation_forest', '{}') AS model FROM points p");
# a flow store, with an alert that somebody closed
sql("SELECT anomaly_create_flow_store('stored')");
sql("INSERT INTO stored.alert (source, threat, title, severity, confidence, first_seen, last_seen, flow_count, detection_count,
	target_count, targets, ports, reasons, indicators) VALUES ('10.0.0.1', 'ddos', 'Flood', 80, 1, now(), now(), 1, 1, 1, '{10.0.0.2}', '{80}', '[1]', '{}')");
sql("SELECT anomaly_triage('stored', '{1}', 'close', 'duplicate', note => 'Zürich')");
my $log = 'SELECT l, v FROM stored.triage_log l, anomaly_verify_log($$stored$$) v';
my $logged = sql($log);
my $before = sql($checksum);
my $registry = sql('SELECT to_jsonb(v) - $$body$$ FROM anomaly.model_version v ORDER BY id');

for my $format (qw(plain custom))
{
	my $file = "$dir/$format";
	my $copy = "restored_$format";
	is(system('pg_dump', '-F', $format, '-f', $file, $db), 0, "$format: dumped");
	sql("CREATE DATABASE $copy TEMPLATE template0");
	my @restore = $format eq 'plain'
		? ('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d', $copy, '-f', $file)
		: ('pg_restore', '--exit-on-error', '-d', $copy, $file);
	is(system(@restore), 0, "$format: restored");
	is(sql($checksum, $copy), $before, "$format: all versions score the same");
	is(sql('SELECT to_jsonb(v) - $$body$$ FROM anomaly.model_version v ORDER BY id', $copy), $registry,
		"$format: the registry is the same");
	is(sql('SELECT model::text FROM kept', $copy), sql('SELECT model::text FROM kept'),
		"$format: a model in a user's table is the same");
	is(sql($log, $copy), $logged, "$format: the triage log holds");
	is(sql("SELECT anomaly_triage('stored', '{1}', 'reopen')", $copy), 1, "$format: and triage goes on");
	is(sql('SELECT entries, broken FROM anomaly_verify_log($$stored$$)', $copy), '2|', "$format: with the next entry");
	is(sql("SELECT version FROM anomaly_train('dumped', 'SELECT * FROM points')", $copy), 4,
		"$format: training goes on with the next version");
	is(sql('SELECT max(id) > 3 AND count(*) = count(DISTINCT id) FROM anomaly.model_version', $copy), 't',
		"$format: ids are not used again");
	is(sql("SELECT parent_version FROM anomaly.model_version WHERE version = 4", $copy), 2,
		"$format: the active version was restored");
}

# The same seed and rows give the same bytes in another database.
is(sql('SELECT body::text FROM anomaly.model_version WHERE version = 4', 'restored_plain'),
	sql('SELECT body::text FROM anomaly.model_version WHERE version = 4', 'restored_custom'),
	'the same training twice gives the same bytes');

done_testing();
