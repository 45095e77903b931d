# Story 1: CREATE EXTENSION on an unmodified server.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Story;
use Test::More;

my $started = sql('SELECT pg_postmaster_start_time()');
is(sql('SHOW shared_preload_libraries'), '', 'nothing is preloaded');
is(sql('SELECT string_agg(extname, $$ $$ ORDER BY extname) FROM pg_extension'), 'pg_anomaly plpgsql', 'no other extension is there');
is(sql("SELECT count(*) FROM (SELECT 1 FROM anomaly_train('m', 'SELECT sin(i) AS a, cos(i) AS b FROM generate_series(1, 500) i')) t"), 1, 'it trains');
is(sql("SELECT anomaly_score('m', r) > 0 FROM (SELECT 9.0 AS a, 9.0 AS b) r"), 't', 'and scores');
is(sql('SELECT pg_postmaster_start_time()'), $started, 'without a restart');
done_testing();
