# Story 6: the same seed gives the same model, serial or parallel.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Story;
use Test::More;

sql('CREATE TABLE points AS SELECT sin(i) AS a, cos(i * 0.7) AS b FROM generate_series(1, 20000) i; ANALYZE points');
my $fit = q{SELECT md5(anomaly_fit(p, '%s', '{"seed": %d}')::text) FROM points p};
my $parallel = 'SET max_parallel_workers_per_gather = 4; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; ';
for my $algorithm (qw(isolation_forest kmeans))
{
	my $serial = sql('SET max_parallel_workers_per_gather = 0; ' . sprintf($fit, $algorithm, 7));
	like(sql("${parallel}EXPLAIN " . sprintf($fit, $algorithm, 7)), qr/Gather/, "$algorithm: a parallel plan");
	is(sql($parallel . sprintf($fit, $algorithm, 7)), $serial, "$algorithm: the same model");
	isnt(sql(sprintf($fit, $algorithm, 8)), $serial, "$algorithm: another one with another seed");
}
done_testing();
