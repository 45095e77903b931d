# A file played as if live, cut off by whatever: every flow is stored, and once.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Loader;
use Store;
use Test::More;
use Time::HiRes qw(sleep time);

my $office = "$dir/office.pcap";
system("$root/build/pcapgen --seed 5 --hosts 8 --days 1 --scale 0.05 -o $office 2>/dev/null") == 0 or die;

# What a whole load of it stores, in another store, is the truth.
new_store('replay_test');
sql(q{SELECT anomaly_create_flow_store('truth')});
is((run("-q -s truth $office"))[0], 0, 'loaded as a file');
my $columns = sql(q{SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
	WHERE attrelid = 'truth.flow'::regclass AND attnum > 0 AND attname <> 'capture_id'});
my $flows = sql('SELECT count(*) FROM truth.flow');

sub differences
{
	return sql(qq{SELECT (SELECT count(*) FROM (SELECT $columns FROM truth.flow EXCEPT ALL SELECT $columns FROM netflow.flow) d)
		|| ' lost ' || (SELECT count(*) FROM (SELECT $columns FROM netflow.flow EXCEPT ALL SELECT $columns FROM truth.flow) d) || ' doubled'});
}

sub row { return sql(q{SELECT concat_ws(' ', count(*), min(state), min(flows), min(packets)) FROM netflow.capture}); }

my ($status, $out, $err) = run("-q --replay=1000000 $office");
is($status, 0, 'replayed') or diag($err);
is(differences(), '0 lost 0 doubled', 'the same flows');
is(row(), "1 loaded $flows " . sql('SELECT packets FROM truth.capture'), 'its row in capture');
($status, $out, $err) = run("--replay=1000000 $office");
like($err, qr/already loaded as capture 1/, 'a second time: says so');
like((run("--replay=1 -"))[2], qr/only a regular file/, 'standard input cannot be replayed');

# ---- killed -----------------------------------------------------------------

# Eighty seconds in four, a flow every ten milliseconds; small batches, so that
# many are under way.
my $even = write_file("$dir/even.pcap", pcap(1, map {
	[ 1_700_000_000 + $_ / 100, ethernet(0x0800, ipv4(17, '10.0.0.' . $_ % 200, '192.0.2.1', udp(1024 + $_, 53, 'query'))) ]
} 0 .. 7999));
my @replay = ($pcap2pg, '-q', '--idle=2', '--replay=20', '--flush-flows=100', '--flush-time=0.05', $even);
srand 7;
new_store('replay_test2');
sql(q{SELECT anomaly_create_flow_store('truth')});
my $begin = time;
run("-q --idle=2 -s truth $even");
my $load_seconds = time - $begin;
$flows = sql('SELECT count(*) FROM truth.flow');
my $stops = 0;
for my $i (1 .. 10)
{
	# Half of them wherever they are, half when they have stored something.
	my $before = sql('SELECT coalesce(max(flows), 0) FROM netflow.capture');
	my $pid = loader_start("$dir/replay.err", map { s/^--replay=\K20$/10/r } @replay);
	wait_for("SELECT max(flows) > $before FROM netflow.capture") if $i % 2;
	sleep rand(0.4);
	$stops++ if loader_end($pid, 'KILL') == 137;
}
is($stops, 10, 'killed at ten points of a replay');
my $part = sql('SELECT flows FROM netflow.capture');
cmp_ok($part, '>', 0, "$part of $flows flows are stored");
cmp_ok($part, '<', $flows, 'not all of them');
is(sql('SELECT count(*) FROM netflow.flow'), $part, 'as many as its row says');
is(row() =~ s/ \d+$//r, "1 capturing $part", 'it is not complete');
($status, $out, $err) = run("-q --idle=30 --replay=1000000 $even");
ok($status == 3 && $err =~ /was begun with other settings: idle=2 /, 'other settings would make other flows');
($status, $out, $err) = run("-q --idle=2 --replay=1000000 $even");
is($status, 0, 'started again') or diag($err);
is(differences(), '0 lost 0 doubled', 'every flow, once');
is(row() =~ s/ \d+$//r, "1 loaded $flows", 'complete');

sql('TRUNCATE netflow.flow, netflow.capture CASCADE');
$stops = 0;
for my $i (1 .. 10)
{
	my $pid = loader_start("$dir/load.err", $pcap2pg, '-q', '--idle=2', $even);
	sleep rand($load_seconds);
	$stops++ if loader_end($pid, 'KILL') == 137;
	my $now = sql('SELECT count(*) FROM netflow.flow');
	ok($now == 0 || $now == $flows, 'killed in a load: all or nothing');
	sql('TRUNCATE netflow.flow, netflow.capture CASCADE') if $now && $i < 10;
}
($status, $out, $err) = run("-q --idle=2 $even");
is($status, 0, 'and then loaded') or diag($err);
is(differences(), '0 lost 0 doubled', "killed at $stops points of a load: every flow, once");

# ---- stopped ----------------------------------------------------------------

# Slowly: it must outlast the other one's attempts, however fast the server is.
sql('TRUNCATE netflow.flow, netflow.capture CASCADE');
my $pid = loader_start("$dir/int.err", map { s/^--replay=\K20$/2/r } @replay);
ok(wait_for('SELECT count(*) > 100 FROM netflow.flow'), 'under way');
my ($other, undef, $problem) = run("-q --idle=2 --replay=1000 $even");
ok($other == 3 && $problem =~ /another program is loading/, 'two at once: one is told');
is(loader_end($pid, 'INT'), 130, 'interrupted');
like(Loader::slurp("$dir/int.err"), qr/start it again/, 'says how to go on');
is((run("-q --idle=2 --replay=1000000 $even"))[0], 0, 'started again');
is(differences(), '0 lost 0 doubled', 'every flow, once');

# ---- the database goes ------------------------------------------------------

sql('TRUNCATE netflow.flow, netflow.capture CASCADE');
$pid = loader_start("$dir/away.err", @replay);
ok(wait_for('SELECT count(*) > 100 FROM netflow.flow'), 'under way');
for (1 .. 5)
{
	sql(q{SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'pcap2pg'});
	sleep 0.2;
}
system("$cluster stop loader") == 0 or die;
sleep 3;
system("$cluster start loader") == 0 or die;
is(loader_end($pid), 0, 'connections cut, the server stopped: goes on');
is(differences(), '0 lost 0 doubled', 'every flow, once');
my $told = Loader::slurp("$dir/away.err");
like($told, qr/; trying again.*flows are stored again/s, 'and says so');

# An error of the server, such as a full disk, is waited for as well.
sql('TRUNCATE netflow.flow, netflow.capture CASCADE');
sql(q{CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
	CREATE TRIGGER full_disk AFTER INSERT ON netflow.flow EXECUTE FUNCTION full()});
$pid = loader_start("$dir/full.err", @replay);
ok(wait_for(sub { Loader::slurp("$dir/full.err") =~ /No space left on device; trying again/ }), 'no space: says so');
is(sql('SELECT count(*) FROM netflow.flow'), 0, 'nothing half stored');
sql('DROP TRIGGER full_disk ON netflow.flow');
is(loader_end($pid), 0, 'goes on when there is space');
is(differences(), '0 lost 0 doubled', 'every flow, once');

done_testing();
