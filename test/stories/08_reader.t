# Story 8: a reader cannot train (42501).
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Story;
use Test::More;

sql(q{SELECT anomaly_train('m', 'SELECT i, sin(i) AS a FROM generate_series(1, 500) i');
	CREATE ROLE story_reader; GRANT USAGE ON SCHEMA anomaly TO story_reader; GRANT SELECT ON anomaly.model, anomaly.model_version TO story_reader});
my $as = 'SET ROLE story_reader;';
is(sql("$as SELECT anomaly_score('m', r) > 0 FROM (SELECT 1 AS i, 9.0 AS a) r"), 't', 'a reader scores');
my %attempt = (
	'train' => q{SELECT anomaly_train('mine', 'SELECT i, sin(i) AS a FROM generate_series(1, 500) i')},
	'train a new version' => q{SELECT anomaly_train('m', 'SELECT i, sin(i) AS a FROM generate_series(1, 500) i')},
	'activate' => q{SELECT anomaly_activate('m', 1)}, 'drop' => q{SELECT anomaly_drop('m')},
	'import' => q{SELECT anomaly_import(anomaly_export('m'), 'copy')}, 'make a store' => q{SELECT anomaly_create_flow_store('mine')});
is(sqlstate("$as $attempt{$_}"), '42501', "cannot $_") for sort keys %attempt;
is(sql('SELECT count(*), max(version) FROM anomaly.model_version'), '1|1', 'nothing changed');
roles_gone('^story_reader$');
done_testing();
