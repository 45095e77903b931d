# Rules about the code itself that a compiler does not check.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Cluster;
use Test::More;

my $extension = "$root/extension";
my $members = "SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
	AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_anomaly')";

sub slurp
{
	open(my $in, '<', $_[0]) or die "$_[0]: $!";
	local $/;
	return <$in>;
}

# ---- the library ----
my @exported = map { (split)[-1] } grep { / [TDBRV] / } `nm -D --defined-only $extension/pg_anomaly.so`;
ok(@exported > 20, 'symbols were listed');
is_deeply([ grep { !/^(Pg_magic_func|_PG_init|pga_\w+|pg_finfo_pga_\w+)$/ } @exported ], [],
	'only our symbols are exported');
my %function = map { $_ => 1 } grep { /^pga_/ } @exported;
is_deeply([ grep { !$function{$_} } map { /^pg_finfo_(\w+)/ ? $1 : () } @exported ], [],
	'every declared function exists');
is(sql("SELECT count(*) FROM pg_proc WHERE oid IN ($members) AND probin IS NOT NULL AND prosrc NOT LIKE 'pga\\_%'"),
	0, 'every C function of the script has our prefix');
my %called = map { $_ => 1 } split /\n/, sql("SELECT DISTINCT prosrc FROM pg_proc WHERE oid IN ($members) AND probin IS NOT NULL");
is_deeply([ grep { !$called{$_} } sort keys %function ], [], 'every exported function is called by the script');

# ---- the C files ----
my @core = glob("$extension/core/*.[ch]");
my @glue = glob("$extension/*.[ch]");
ok(@core > 10 && @glue > 10, 'files were found');
is_deeply([ grep { slurp($_) =~ /#include\s+"(postgres|fmgr|utils\/|pg_compat|host)/ } @core ], [],
	'the core knows no PostgreSQL');
is_deeply([ grep { slurp($_) =~ /#include\s+"core\/(?!core\.h)/ } @glue ], [],
	'the server side sees core.h alone');
is_deeply([ grep { !/pg_compat\.h$/ && slurp($_) =~ /PG_VERSION_NUM/ } @glue ], [],
	'server versions differ in pg_compat.h alone');
is_deeply([ grep { my $lines = () = slurp($_) =~ /\n/g; $lines > 700 } @core, @glue ], [],
	'no file is longer than 700 lines');

# ---- the SQL objects ----
is(sql("SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p
	WHERE oid IN ($members) AND obj_description(oid, 'pg_proc') IS NULL"), '', 'every function has a comment');
is(sql("SELECT string_agg(oid::regtype::text, ', ') FROM pg_type t
	WHERE oid IN ($members) AND typtype IN ('b', 'c', 'e') AND typcategory <> 'A'
	AND (typrelid = 0 OR (SELECT relkind FROM pg_class WHERE oid = typrelid) = 'c')
	AND obj_description(oid, 'pg_type') IS NULL"), '', 'every type has a comment');
is(sql("SELECT string_agg(oid::regclass::text, ', ') FROM pg_class
	WHERE oid IN ($members) AND relkind IN ('r', 'p', 'v', 'm') AND obj_description(oid, 'pg_class') IS NULL"),
	'', 'every relation has a comment');
is(sql("SELECT string_agg(attrelid::regclass || '.' || attname, ', ') FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
	WHERE attrelid IN ($members) AND relkind IN ('r', 'p', 'v', 'm', 'c') AND attnum > 0
	AND NOT attisdropped AND col_description(attrelid, attnum) IS NULL"), '', 'every column has a comment');
# An immutable SQL function is left bare, so that it can be inlined.
is(sql("SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p JOIN pg_language l ON l.oid = prolang
	WHERE p.oid IN ($members) AND (lanname = 'plpgsql' OR lanname = 'sql' AND provolatile <> 'i')
	AND NOT EXISTS (SELECT FROM unnest(proconfig) c WHERE c LIKE 'search_path=%')"), '',
	'functions that look names up pin their search_path');
is(sql("SELECT string_agg(oid::regprocedure::text, ', ') FROM pg_proc WHERE oid IN ($members) AND prosecdef"), '',
	'no function runs with its owner\'s rights');
is(sql("SELECT string_agg(oid::regclass::text, ', ') FROM pg_class
	WHERE oid IN ($members) AND relnamespace = 'anomaly'::regnamespace AND relkind = 'r'
	AND NOT oid = ANY (SELECT unnest(extconfig) FROM pg_extension WHERE extname = 'pg_anomaly')"), '',
	'every table is dumped');

# ---- the script ----
my @scripts = glob("$root/sql/[0-9][0-9]_*.sql");
my @bare;
for my $script (@scripts)
{
	my $text = slurp($script);
	push @bare, "$script: $1" while $text =~ /^(CREATE OR REPLACE [^\n]*)/gm;
	while ($text =~ /CREATE FUNCTION\s+(\S+?)\s*\((.*?)\bAS\s+['\$]/gs)
	{
		my ($name, $definition) = ($1, $2);
		push @bare, "$name: no parallel label" if $definition !~ /PARALLEL (SAFE|RESTRICTED|UNSAFE)|VOLATILE/;
	}
}
is_deeply(\@bare, [], 'functions are created plainly, and say whether they are parallel safe unless they are volatile');

done_testing();
