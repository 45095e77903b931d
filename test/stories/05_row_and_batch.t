# Story 5: one row alone is scored as in a batch, bit for bit.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Story;
use Test::More;

sql(q{CREATE TABLE points AS SELECT sin(i) AS a, cos(i * 0.7) AS b, CASE WHEN i % 3 = 0 THEN 'tcp' ELSE 'udp' END AS c, i % 50 = 0 AS bad
	FROM generate_series(1, 1000) i; UPDATE points SET a = 9 WHERE bad; INSERT INTO points VALUES (NULL, 1, 'icmp', true)});
for my $algorithm (qw(isolation_forest kmeans dbscan lof random_forest autoencoder dnn))
{
	my $label = $algorithm =~ /^(random_forest|dnn)$/ ? ", label => 'bad'" : '';
	my $options = $algorithm =~ /^(autoencoder|dnn)$/ ? q{, options => '{"epochs": 20}'} : '';
	my $columns = $label ? 'a, b, c, bad' : 'a, b, c';
	sql("SELECT anomaly_train('m', 'SELECT $columns FROM points', '$algorithm'$label$options)");
	is(sql("SELECT count(*), count(*) FILTER (WHERE float8send(d.score) <> float8send(anomaly_score('m', d.\"row\")))
		FROM anomaly_detect_query('m', 'SELECT * FROM points', NULL::points, min_severity => 0) d"), '1001|0', "$algorithm: 1,001 rows alone and together");
}
done_testing();
