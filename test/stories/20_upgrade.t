# Story 20, the other half: the extension is updated to a following release with
# data in place, then the server is upgraded by pg_upgrade.  Scores, alerts and
# logs are the same after each, and work goes on.
#
# The following release is made here from this one, with a change of each kind:
# a table of the extension, a function's result, a new function, a store's table,
# a view with more columns, one with others, the API.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin;
use IPC::Open2 qw(open2);
use lib $FindBin::RealBin;
use Story;
use Test::More;

my $cluster = "$root/test/stack/cluster.sh";
my $dir = tempdir(CLEANUP => 1);
my ($now) = slurp("$root/extension/pg_anomaly.control") =~ /default_version = '(.*)'/;
my $next = "$now.next";
my $extensions = extensions_dir();

END
{
	my $status = $?;
	system("$cluster drop upgrade_$_") for qw(old new);
	unlink glob("$extensions/pg_anomaly--*$next.sql") if $extensions;
	$? = $status;
}

sub slurp
{
	open my $in, '<', $_[0] or die "$_[0]: $!";
	local $/;
	return <$in>;
}

sub spew
{
	my ($file, $text) = @_;
	open my $out, '>', $file or die "$file: $!";
	print {$out} $text;
	close $out or die "$file: $!";
	return;
}

# Where the private server looks for scripts.
sub extensions_dir
{
	chomp(my $directory = `bash -c '. "$root/test/stack/lib.sh"; echo "\$BASE/pgroot\$(\$PG_CONFIG --sharedir)/extension"'`);
	return $directory;
}

sub connect_to
{
	my ($name) = @_;
	my $environment = `$cluster env $name`;
	$ENV{$1} = $2 while $environment =~ /(PG[A-Z]+)=(\S+)/g;
	$ENV{PGDATABASE} = $db;
	return;
}

# Both scripts of the following release.
sub following_release
{
	my %change = (
		'50_flow' => [
			[ 'SELECT 1$$;', 'SELECT 2$$;' ],
			[ "\tCHECK (partition_interval >=", "\tfollowing int4 DEFAULT 5,\n\tCHECK (partition_interval >=" ] ],
		'54_profile' => [ [ 'AS bytes_transferred', 'AS octets' ] ],
		'60_rollup' => [ [ "\t\tPRIMARY KEY (src_addr, minute)", "\t\tnovel int8 NOT NULL DEFAULT 7,\n\t\tPRIMARY KEY (src_addr, minute)" ] ],
		'80_store' => [ [ 'edge timestamptz) RETURNS bigint', 'edge timestamptz) RETURNS numeric' ] ],
		'82_status' => [ [ 'END AS disk_forecast', 'END AS disk_forecast, 2 AS generation' ] ],
		'90_api' => [ [ "SELECT 1, c.claims", "SELECT 2, c.claims" ] ]);
	my @scripts;
	for my $script (sort glob("$root/sql/[0-9]*.sql"))
	{
		my $text = slurp($script);
		my ($name) = $script =~ m{(\w+)\.sql$};
		for (@{ $change{$name} // [] })
		{
			my ($from, $to) = @$_;
			$text =~ s/\Q$from\E/$to/ or BAIL_OUT("$script has no $from");
		}
		spew("$dir/$name.sql", $text);
		push @scripts, "$dir/$name.sql";
	}
	spew("$dir/98_following.sql", <<'SQL');
CREATE FUNCTION anomaly.upgrade_store_1(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('ALTER TABLE %I.source_minute ADD COLUMN novel int8 NOT NULL DEFAULT 7', store);
	EXECUTE format('DROP VIEW %I.flow_transfer', store);
END
$$;
COMMENT ON FUNCTION anomaly.upgrade_store_1(name) IS 'to layout 2';
SQL
	push @scripts, "$dir/98_following.sql";
	spew("$dir/head.sql", "ALTER TABLE anomaly.flow_store ADD COLUMN following int4 DEFAULT 5;\n"
		  . "DROP FUNCTION anomaly.trim_rollups(name, timestamptz);\n");
	spew("$extensions/pg_anomaly--$next.sql", join '', map { slurp($_) } @scripts);
	spew("$extensions/pg_anomaly--$now--$next.sql", scalar `perl $root/sql/update.pl $dir/head.sql @scripts`);
	return;
}

# All that a database holds of the extension and of the store site: kind, name
# and a digest of the rest.
my $described = q{
	WITH place AS (
		SELECT oid, nspname FROM pg_namespace WHERE nspname IN ('anomaly', 'site', 'site_api', 'site_login')
	), relation AS (
		SELECT c.oid::regclass::text AS name, c.* FROM pg_class c JOIN place p ON p.oid = relnamespace WHERE NOT relispartition
	), said AS (
		SELECT 'function' AS kind, p.oid::regprocedure::text AS name, concat_ws(' ', pg_get_function_result(p.oid), provolatile,
			   proparallel, proisstrict, prosecdef, proconfig, prosrc, proowner::regrole, proacl::text, obj_description(p.oid, 'pg_proc')) AS text
		FROM pg_proc p
		WHERE pronamespace IN (SELECT oid FROM place) OR EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
			WHERE d.objid = p.oid AND d.deptype = 'e' AND e.extname = 'pg_anomaly')
		UNION ALL
		SELECT relkind::text, name, concat_ws(' ', relowner::regrole, relrowsecurity, obj_description(oid, 'pg_class'),
			   (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(relacl) a))
		FROM relation
		UNION ALL
		SELECT 'definition', name, pg_get_viewdef(oid) FROM relation WHERE relkind = 'v'
		UNION ALL
		SELECT 'column', r.name || '.' || attname, concat_ws(' ', format_type(atttypid, atttypmod), attnotnull, attacl::text,
			   pg_get_expr(adbin, adrelid), col_description(r.oid, attnum))
		FROM relation r JOIN pg_attribute a ON attrelid = r.oid AND attnum > 0 AND NOT attisdropped
		LEFT JOIN pg_attrdef ON adrelid = r.oid AND adnum = attnum
		UNION ALL
		SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid IN (SELECT oid FROM relation)
		UNION ALL
		SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM relation) AND NOT tgisinternal
		UNION ALL
		SELECT 'policy', polrelid::regclass || '.' || polname, pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid IN (SELECT oid FROM relation)
	)
	SELECT kind, name, md5(text) FROM said ORDER BY 1, 2};

# The lines that two descriptions have not in common.
sub differences
{
	my %times;
	$times{$_}++ for map { split /\n/ } @_;
	return [ grep { $times{$_} == 1 } sort keys %times ];
}

# A store with all that belongs to one.
sub full_store
{
	my ($store) = @_;
	sql("SELECT anomaly_create_flow_store('$store')");
	sql("SELECT count(*) FROM anomaly_create_roles('$store')");
	sql("SELECT anomaly_create_api('$store', 'visitor')");
	sql("SELECT anomaly_create_login('$store', 'web')");
	return;
}

# What must not change; 10.0.2.2 comes while the extension is updated.
sub state_of
{
	my %state = (
		scores => "SELECT count(*), sum(hashfloat8(anomaly_score(m.name, f))::bigint), sum(hashfloat8(anomaly_score(v.body, f))::bigint)
			FROM site.flow_feature f, anomaly.model m JOIN anomaly.model_version v ON v.model = m.name
			WHERE f.src_addr <> '10.0.2.2'",
		registry => 'SELECT to_jsonb(v) - $$body$$, md5(body::text) FROM anomaly.model_version v ORDER BY id',
		alerts => q{SELECT a FROM site.alert a WHERE source <> '10.0.2.2' ORDER BY id},
		detections => q{SELECT d FROM site.detection d WHERE src_addr <> '10.0.2.2' ORDER BY id},
		rollups => q{SELECT (to_jsonb(s) - 'novel')::text FROM site.source_minute s WHERE src_addr <> '10.0.2.2'
			UNION ALL SELECT p::text FROM site.peer_day p WHERE src_addr <> '10.0.2.2' ORDER BY 1},
		log => 'SELECT l FROM site.triage_log l ORDER BY id',
		verified => 'SELECT anomaly_verify_log($$site$$)',
		users => 'SELECT name, kind, hash FROM site_login.api_user');
	return { map { $_ => sql($state{$_}) } keys %state };
}

# A session that stays, and what it answers to a query.
sub session
{
	my $pid = open2(my $out, my $in, 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1');
	return sub {
		my ($query) = @_;
		print {$in} "$query;\n\\echo .\n";
		$in->flush;
		my $answer = '';
		while (defined(my $line = <$out>))
		{
			last if $line eq ".\n";
			$answer .= $line;
		}
		return $answer;
	};
}

# Scoring, loading, triage and training go on after what.
my $hour = 10;
sub goes_on
{
	my ($what) = @_;
	my $source = '10.0.3.' . $hour++;
	scan('site', $source, "2026-01-06 $hour:00", 100);
	is(sql("SELECT threat FROM site.alert WHERE source = '$source'"), 'port_scan', "$what: a new scan is told");
	is(sql("SELECT flows - (SELECT count(*) FROM site.flow), coalesce(error, '') FROM site.tally"), '0|', "$what: and counted");
	is(sql('SELECT count(*) FROM site.watch WHERE error IS NOT NULL'), 0, "$what: the watch scores");
	is(sql("SELECT anomaly_triage('site', ARRAY[id], 'close', 'true_positive') FROM site.alert WHERE source = '$source'"), 1, "$what: triage goes on");
	is(sql('SELECT broken FROM anomaly_verify_log($$site$$)'), '', "$what: the log holds");
	my $versions = sql('SELECT max(version) FROM anomaly.model_version');
	is(sql("SELECT version FROM anomaly_train('guard', 'SELECT * FROM site.flow_feature', features => anomaly_flow_features())"),
		$versions + 1, "$what: training goes on");
	is(sql('SELECT anomaly_activate($$guard$$, 1)'), '1', "$what: the first version again");
	return;
}

# ---- a store with history ----
system("$cluster drop upgrade_$_; ") for qw(old new);
system("$cluster start upgrade_old fsync=off") == 0 or BAIL_OUT('no cluster');
following_release();
$db = 'upgraded';
connect_to('upgrade_old');
sql("CREATE DATABASE $db", 'postgres');
sql('CREATE ROLE visitor; CREATE ROLE web LOGIN; CREATE ROLE stranger; CREATE EXTENSION pg_anomaly; CREATE EXTENSION pgcrypto');
by_hand();
full_store('site');
full_store('other');
sql("SELECT anomaly_ensure_chunks('site', '2026-01-05', '2026-01-11')");
ordinary('site', '2026-01-05', 2000);
sql("SELECT version FROM anomaly_train('guard', 'SELECT * FROM site.flow_feature', features => anomaly_flow_features())");
sql("SELECT version FROM anomaly_train('forest', 'SELECT f.*, dst_payload > 40000 AS large FROM site.flow_feature f', 'random_forest', 'large', features => '{src_payload,service,bytes_per_s}')");
sql("SELECT anomaly_watch('site', 'guard')");
scan('site', '10.0.1.1', '2026-01-05 10:00', 300);
sql("SELECT anomaly_triage('site', '{1}', 'close', 'duplicate', note => 'Zürich')");
sql("SELECT anomaly_set_login('site', 'ann', 'admin', 'correct horse battery')");
sql('GRANT USAGE ON SCHEMA site TO stranger; GRANT SELECT ON site.flow_feature TO stranger');
my $score = 'SELECT sum(hashfloat8(anomaly_score($$guard$$, f))::bigint) FROM site.flow_feature f WHERE start_time < $$2026-01-06$$';
my $old = session();
$old->("PREPARE score AS $score");
my $scored = $old->('EXECUTE score');
cmp_ok($scored, '!=', 0, 'a session has scored');
my $before = state_of();

# ---- ALTER EXTENSION UPDATE ----
my ($pid, $load) = start_sql(q{BEGIN; INSERT INTO site.flow SELECT f.* FROM generate_series(1, 100) i,
	hand.flow(timestamptz '2026-01-06 08:00' + interval '0.1 s' * i, '10.0.2.2', '10.0.0.5', i, 6, 4, 0, 0, 1, 1, 2) f;
	SELECT pg_sleep(2); COMMIT});
wait_for(q{SELECT count(*) FROM pg_stat_activity WHERE query ~ 'pg_sleep' AND wait_event = 'PgSleep'});
sql("BEGIN; LOCK TABLE site.flow IN SHARE ROW EXCLUSIVE MODE; ALTER EXTENSION pg_anomaly UPDATE TO '$next'; SELECT anomaly_upgrade_flow_store('site'); COMMIT");
is(join('', <$load>), "\n", 'a load under way ends first');
is(sql("SELECT layout, following FROM anomaly.flow_store WHERE name = 'site'"), '2|5', 'the store has the new layout');
is(sql('SELECT sum(novel) FROM site.source_minute') / sql('SELECT count(*) FROM site.source_minute'), 7, 'its table the new column');
is(sql('SELECT generation FROM site.health'), 2, 'its view the new column');
is(sql('SELECT count(octets) = count(*) FROM site.flow_transfer'), 't', 'another view other columns');
is(sql('SET ROLE visitor; SELECT version FROM site_api.session()'), 2, 'the API is new, for the same viewer');
is(sql(q{SET ROLE visitor; SELECT token IS NOT NULL FROM site_login.open_session('ann', 'correct horse battery')}), 't', 'who could log in can');
is(sql('SET ROLE stranger; SELECT count(*) > 0 FROM site.flow_feature'), 't', 'who was granted a view has it');
is(sql("SELECT alarm FROM site.alarm WHERE alarm = 'old_layout'"), '', 'no alarm for it');
is(sql("SELECT alarm FROM other.alarm WHERE alarm = 'old_layout'"), 'old_layout', 'an alarm for the other store');
is(sql("SELECT alarm FROM other_api.alarms WHERE alarm = 'old_layout'"), 'old_layout', 'on the page, too');
is(sql("SELECT threat FROM site.alert WHERE source = '10.0.2.2'"), 'port_scan', 'the load under way was judged');
my $after = state_of();
is($after->{$_}, $before->{$_}, "update: the same $_") for sort keys %$before;
is($old->('EXECUTE score'), $scored, 'a prepared statement of before goes on');
is($old->($score), $scored, 'so does its session');
is(sql("SELECT anomaly_upgrade_flow_store('site')"), 2, 'a second upgrade does no harm');
is(sqlstate("SET ROLE stranger; SELECT anomaly_upgrade_flow_store('other')"), '42501', 'a stranger cannot');
is(sql("SELECT anomaly_upgrade_flow_store('other')"), 1, 'the other store can wait');
is(sql("SELECT alarm FROM other.alarm WHERE alarm = 'old_layout'"), '', 'and has no alarm then');
is(sqlstate("BEGIN; UPDATE anomaly.flow_store SET layout = 3 WHERE name = 'other'; SELECT anomaly_upgrade_flow_store('other')"), '0A000',
	'a store of a later release is refused');
goes_on('update');

# Made anew by the following release: the same but for what is in it.
sql('CREATE DATABASE anew', 'postgres');
my $upgraded = sql($described);
($db, $ENV{PGDATABASE}) = ('anew') x 2;
sql("CREATE EXTENSION pg_anomaly VERSION '$next'; CREATE EXTENSION pgcrypto");
full_store($_) for qw(site other);
sql('GRANT USAGE ON SCHEMA site TO stranger; GRANT SELECT ON site.flow_feature TO stranger');
my $anew = sql($described);
cmp_ok(scalar split(/\n/, $anew), '>', 800, 'what a store is was described');
is_deeply(differences($upgraded, $anew), [], 'upgraded and new are the same');
($db, $ENV{PGDATABASE}) = ('upgraded') x 2;
undef $old;

# ---- pg_upgrade ----
$before = state_of();
is(system("$cluster upgrade upgrade_old upgrade_new"), 0, 'pg_upgrade');
connect_to('upgrade_new');
$after = state_of();
is($after->{$_}, $before->{$_}, "pg_upgrade: the same $_") for sort keys %$before;
# a view's text is written anew from its tree, which may take other parentheses
is_deeply([ grep { !/^definition/ } @{ differences($upgraded, sql($described)) } ], [], 'pg_upgrade: the same objects and rights');
goes_on('pg_upgrade');

done_testing();
