# Story 19: retention drops partitions; no row is deleted from them.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Story;
use Test::More;

by_hand();
sql(q{SELECT anomaly_create_flow_store('netflow', retain => '3 days'); SELECT anomaly_ensure_chunks('netflow', now() - interval '9 days', now())});
sql(q{INSERT INTO netflow.flow SELECT f.* FROM generate_series(0, 9) d, generate_series(1, 200) i,
	hand.flow(now() - interval '1 day' * d - interval '1 s' * i, '10.0.0.1', '192.0.2.1', 443) f});
# whoever deletes is found out
sql(q{CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''rows are deleted from %'', TG_TABLE_NAME; END'});
sql(qq{CREATE TRIGGER refuse BEFORE DELETE ON netflow.$_ FOR EACH ROW EXECUTE FUNCTION refuse()}) for qw(flow detection);
my $kept = sql("SELECT count(*) FROM anomaly.chunks('netflow', 'flow') WHERE hi > now() - interval '3 days' AND lo <= now()");
my $dropped = sql("SELECT count(*) FROM anomaly.chunks('netflow', 'flow') WHERE hi <= now() - interval '3 days'");
my $young = sql("SELECT count(*) FROM netflow.flow f WHERE EXISTS (SELECT FROM anomaly.chunks('netflow', 'flow') c WHERE f.start_time >= c.lo AND c.hi > now() - interval '3 days')");
cmp_ok($dropped, '>', 3, "$dropped chunks have expired");
is(sql("SELECT chunks_dropped FROM anomaly_maintain('netflow')"), $dropped, 'they are dropped');
is(sql("SELECT count(*) FROM anomaly.chunks('netflow', '$_') WHERE hi <= now() - interval '3 days'"), 0, "none of $_ is left") for qw(flow detection);
is(sql("SELECT count(*) FROM anomaly.chunks('netflow', 'flow') WHERE lo <= now()"), $kept, 'the others are');
is(sql('SELECT count(*), (SELECT flows FROM netflow.tally) FROM netflow.flow'), "$young|$young", 'with their flows');
is(sqlstate('DELETE FROM netflow.flow'), 'P0001', 'a DELETE would have been seen');
done_testing();
