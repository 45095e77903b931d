# Story 21: tenant A sees nothing of B.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Story;
use Test::More;

by_hand();
for my $tenant (qw(story_a story_b))
{
	store($tenant);
	sql("SELECT anomaly_create_roles('$tenant'); SELECT anomaly_create_api('$tenant', '${tenant}_viewer')");
}
scan('story_b', '10.0.0.66', '2026-01-05 10:00', 60);
my $relations = sql("SELECT count(*) FROM pg_class WHERE relnamespace IN ('story_b'::regnamespace, 'story_b_api'::regnamespace) AND relkind IN ('r', 'p', 'v')");
cmp_ok($relations, '>', 40, "$relations relations of B");
sql(q{CREATE FUNCTION attempt(role name, statement text) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN EXECUTE format('SET LOCAL ROLE %I', role); EXECUTE statement; RETURN 'done'; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$});
for my $kind (qw(viewer analyst admin loader))
{
	for my $statement ('SELECT * FROM %s LIMIT 1', 'INSERT INTO %s DEFAULT VALUES', 'DELETE FROM %s')
	{
		is(sql("SELECT count(*) FROM pg_class c WHERE relnamespace IN ('story_b'::regnamespace, 'story_b_api'::regnamespace) AND relkind IN ('r', 'p', 'v')
			AND attempt('story_a_$kind', format('$statement', c.oid::regclass)) <> '42501'"), 0, "${kind} of A: $statement");
	}
}
is(sql("SET ROLE story_a_admin; SELECT string_agg(name, ' ') FROM anomaly.flow_store"), 'story_a', 'not even that B is there');
is(sqlstate("SET ROLE story_a_admin; SELECT anomaly_triage('story_b', '{1}', 'acknowledge')"), 'PA017', 'B is an unknown store');
is(sql("SET ROLE story_b_viewer; SELECT count(*) FROM story_b_api.alerts"), 1, 'while B sees its alert');
sql("SELECT anomaly_drop_flow_store('$_')") for qw(story_a story_b);
roles_gone('^story_[ab]_');
done_testing();
