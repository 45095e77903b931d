# Story 4: unlabelled data trains; its metrics are NULL.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Story;
use Test::More;

my $measures = '{roc_auc,pr_auc,accuracy,precision,recall,f1}';
my $known = "SELECT count(metrics ->> m) FROM anomaly_train('%s', 'SELECT a, b%s FROM points'%s), unnest('$measures'::text[]) m";
sql('CREATE TABLE points AS SELECT sin(i) AS a, cos(i * 0.7) AS b, false AS bad FROM generate_series(1, 1000) i UNION ALL SELECT 7, 7 + i, true FROM generate_series(1, 20) i');
for my $algorithm (qw(isolation_forest kmeans dbscan lof random_forest))
{
	is(sql(sprintf($known, "plain_$algorithm", '', ", '$algorithm'")), 0, "$algorithm: nothing was measured without a label");
}
is(sql(sprintf($known, 'labelled', ', bad', ", label => 'bad'")), 6, 'everything with one');
done_testing();
