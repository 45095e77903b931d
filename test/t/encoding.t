# A model made where text is of another encoding is refused, not shown as garbage.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Cluster;
use Test::More;

# One category, in Latin 1: Zürich, whose ü is no UTF-8 by itself.
my $fit = "SELECT anomaly_fit(p, 'isolation_forest', '{}') FROM
	(SELECT sin(i) AS a, CASE WHEN i %% 10 = 0 THEN 'Bern' ELSE %s END AS city FROM generate_series(1, 100) i) p";
sql("CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'");
sql('CREATE EXTENSION pg_anomaly', 'bytes');

my $latin = sql(sprintf($fit, q{E'Z\\xfcrich'}), 'bytes');
my $utf8 = sql(sprintf($fit, q{E'Z\\xc3\\xbcrich'}), 'bytes');
is(sql("SELECT '$utf8'::anomaly_model::text = '$utf8'"), 't', 'valid text comes in');
my $refused = <<SQL;
DO \$\$
BEGIN
	PERFORM '$latin'::anomaly_model;
	RAISE 'came in';
EXCEPTION WHEN SQLSTATE 'PA013' THEN
END
\$\$
SQL
is(eval { sql($refused); 'refused' } // $@, 'refused', 'other bytes are refused as PA013');
done_testing;
