# A training that is cancelled or runs into a timeout leaves nothing.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Cluster;
use Test::More;
use Time::HiRes qw(sleep time);

# Long in the scan, long in the fit, and long in the evaluation.
my %long = (
	'the scan' => "SELECT anomaly_train('long', 'SELECT i, sin(i) AS a FROM generate_series(1, 500000000) i')",
	'the fit' => "SELECT anomaly_train('long',
		'SELECT ' || (SELECT string_agg(format('sin(i * %s) AS c%s', n, n), ', ') FROM generate_series(1, 60) n)
		|| ' FROM generate_series(1, 30000) i',
		options => '{\"trees\": 1000, \"sample_size\": 4096, \"extension_level\": 9}')",
);

for my $phase (sort keys %long)
{
	my (undef, $out) = start_sql("SET maintenance_work_mem = '1GB'; $long{$phase}");
	my $pid = wait_for("SELECT pid FROM pg_stat_activity WHERE query LIKE '%anomaly_train(''long''%' AND pid <> pg_backend_pid() AND state = 'active'");
	sleep($phase eq 'the fit' ? 1.5 : 0.5);
	my $begin = time;
	sql("SELECT pg_cancel_backend($pid)");
	my $answer = do { local $/; <$out> };
	my $took = 1000 * (time - $begin);
	close $out;
	like($answer, qr/57014/, "$phase: cancelled");
	cmp_ok($took, '<', 1000, sprintf('%s: at once (%.0f ms with two psql starts)', $phase, $took));
}

my (undef, $timed) = start_sql("SET statement_timeout = '200ms'; $long{'the scan'}");
like(do { local $/; <$timed> }, qr/57014/, 'statement_timeout ends a training');
is(sql('SELECT count(*) FROM anomaly.model'), 0, 'no model is left');
is(sql('SELECT count(*) FROM anomaly.model_version'), 0, 'no version is left');

done_testing();
