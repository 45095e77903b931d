# pcap2pg and the database: each file whole, once, or not at all.
use strict;
use warnings;
use FindBin;
use IO::Handle;
use lib $FindBin::RealBin;
use Loader;
use Store;
use POSIX qw(WNOHANG);
use Test::More;
use Time::HiRes qw(sleep time);

sub captures { return sql('SELECT count(*) FROM netflow.capture'); }
sub stored { return sql('SELECT count(*) FROM netflow.flow'); }

# Starts pcap2pg on a pipe; returns its process and the pipe's other end.
sub start_piped
{
	pipe(my $from, my $to) or die "pipe: $!";
	my $pid = fork() // die "fork: $!";
	if (!$pid)
	{
		close $to;
		open(STDIN, '<&', $from) or die;
		open(STDERR, '>', "$dir/piped") or die;
		exec $pcap2pg, '-' or die "exec: $!";
	}
	close $from;
	$to->autoflush(1);
	return ($pid, $to);
}

my $loading = q{SELECT exists(SELECT FROM pg_stat_activity WHERE application_name = 'pcap2pg' AND state = 'idle in transaction')};
my $gone = q{SELECT NOT exists(SELECT FROM pg_stat_activity WHERE application_name = 'pcap2pg')};

# Answered and unanswered UDP, pings, TCP of both IP versions, on several days.
my $t0 = 1_700_000_000;
my @frames;
for my $i (0 .. 2999)
{
	my ($a, $b, $t) = ("10.0.0.@{[ 1 + $i % 50 ]}", '192.0.2.1', $t0 + $i * 60);
	push @frames, [ $t, ethernet(0x0800, ipv4(17, $a, $b, udp(1024 + $i, 53, 'q' x (1 + $i % 9)))) ];
	push @frames, [ $t + 0.01, ethernet(0x0800, ipv4(17, $b, $a, udp(53, 1024 + $i, 'r' x 60)), 12) ] if $i % 3;
	push @frames, [ $t + 1, ethernet(0x86dd, ipv6(6, '2001:db8::a', '2001:db8::b', tcp(1024 + $i, 22, 'S', 1))) ] if $i % 5 == 0;
	push @frames, [ $t + 2, ethernet(0x0800, ipv4(1, $a, $b, icmp(8, 0))) ] if $i % 7 == 0;
	push @frames, [ $t + 3, ethernet(0x0806, 'x' x 28) ] if $i % 100 == 0;
}
my $bytes = pcap(1, @frames);
my $file = write_file("$dir/many.pcap", $bytes);

# ---- before there is a store ------------------------------------------------

sql('DROP DATABASE IF EXISTS loader_test');
sql('CREATE DATABASE loader_test');
$ENV{PGDATABASE} = 'loader_test';
my ($status, $out, $err) = run("-d nonesuch $file");
is($status, 3, 'no such database');
if (sql(q{SELECT count(*) FROM pg_extension WHERE extname = 'pg_anomaly'}) == 0)
{
	($status, $out, $err) = run($file);
	ok($status == 3 && $err =~ /no extension pg_anomaly.*hint: .*CREATE EXTENSION/s, 'no extension: says how to make it');
	sql('CREATE EXTENSION pg_anomaly');
}
($status, $out, $err) = run($file);
ok($status == 3 && $err =~ /no flow store "netflow".*hint: .*anomaly_create_flow_store\('netflow'\)/s, 'no store: says how to make it');
sql('SELECT anomaly_create_flow_store()');

# ---- a file, whole ----------------------------------------------------------

($status, $out, $err) = run($file);
is($status, 0, 'loaded') or diag($err);
my $count = Loader::summary($err);
is(sql(q{SELECT concat_ws(' ', packets, ip_packets, other_packets, flows, file_bytes, state, truncated) FROM netflow.capture}),
	"@{[ scalar @frames ]} @{[ @frames - 30 ]} 30 $count->{flows} @{[ length $bytes ]} loaded f", 'its row in capture');
is(sql(q{SELECT encode(fingerprint, 'hex') FROM netflow.capture}), fingerprint($file), 'its fingerprint');
is(sql(q{SELECT extract(epoch FROM last_packet - first_packet)::int FROM netflow.capture}), int($frames[-1][0] - $t0), 'its period');
is(stored(), $count->{flows}, 'its flows');
is(sql('SELECT sum(src_packets + dst_packets) FROM netflow.flow'), @frames - 30, 'every IP packet in one of them');

run("-q --print $file >$dir/many.csv");
my $columns = (split /\n/, Loader::slurp("$dir/many.csv"))[0];
my $differences = do
{
	open(my $psql, '|-', "psql -XqAt -v ON_ERROR_STOP=1 >$dir/differences") or die "psql: $!";
	print $psql "CREATE TEMP TABLE text (LIKE netflow.flow);\n\\copy text ($columns) FROM '$dir/many.csv' (FORMAT csv, HEADER)\n",
	  "SELECT count(*) FROM (TABLE text EXCEPT ALL TABLE netflow.flow) d;\n",
	  "SELECT count(*) FROM (TABLE netflow.flow EXCEPT ALL TABLE text) d;\n";
	close $psql or die 'psql failed';
	Loader::slurp("$dir/differences");
};
is($differences, "0\n0\n", 'the same rows as --print');

# ---- once -------------------------------------------------------------------

($status, $out, $err) = run($file);
ok($status == 0 && $err =~ /\Q$file\E: already loaded as capture 1 \(\Q$file\E\)/, 'a second time: says so');
system("cp $file $dir/copy.pcap");
($status, $out, $err) = run("- < $dir/copy.pcap");
ok($status == 0 && $err =~ /standard input: already loaded as capture 1/, 'the same bytes from a pipe: likewise');
is(captures() . ' ' . stored(), "1 $count->{flows}", 'and changes nothing');

my $twice = write_file("$dir/twice.pcap", pcap(1, map { [ $_->[0] + 86400 * 30, $_->[1] ] } @frames));
my @pids = map { my $pid = fork() // die; exec "$pcap2pg $twice 2>$dir/twice.$_" if !$pid; $pid } 1, 2;
is(join(' ', map { waitpid $_, 0; $? >> 8 } @pids), '0 0', 'two loads of one file at once');
is(captures() . ' ' . stored(), '2 ' . 2 * $count->{flows}, 'one of them wins');
is(() = "@{[ map { Loader::slurp(qq{$dir/twice.$_}) } 1, 2 ]}" =~ /already loaded as capture/g, 1, 'the other says so');

# ---- or not at all ----------------------------------------------------------

my $kept = captures() . ' ' . stored();
my $late = pcap(1, map { [ $_->[0] + 86400 * 60, $_->[1] ] } @frames);
for my $signal ('KILL', 'INT', 'TERM')
{
	my ($pid, $pipe) = start_piped();
	print $pipe substr($late, 0, length($late) / 2);
	ok(wait_for($loading), "$signal: in the middle of a load");
	kill $signal, $pid;
	waitpid $pid, 0;
	is($? & 127 || $? >> 8, $signal eq 'KILL' ? 9 : 130, 'it ends');
	ok(wait_for($gone), 'and its session');
	is(captures() . ' ' . stored(), $kept, 'nothing is left');
}
like(Loader::slurp("$dir/piped"), qr/interrupted/, 'an interrupt is told');

sql(q{CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no more flows'; END $$;
	CREATE TRIGGER refuse AFTER INSERT ON netflow.flow EXECUTE FUNCTION refuse()});
($status, $out, $err) = run(write_file("$dir/late.pcap", $late) . " $file");
ok($status == 3 && $err =~ /no more flows/, 'an error of the database');
is(captures() . ' ' . stored(), $kept, 'undoes the file');
sql('DROP TRIGGER refuse ON netflow.flow');

# Killed while the server is at work on what it has got, and will be for long.
sql(q{CREATE FUNCTION doze() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NULL; END $$;
	CREATE TRIGGER doze AFTER INSERT ON netflow.flow EXECUTE FUNCTION doze()});
my $dozer = loader_start("$dir/doze.err", $pcap2pg, "$dir/late.pcap");
ok(wait_for(q{SELECT exists(SELECT FROM pg_stat_activity WHERE application_name = 'pcap2pg' AND wait_event = 'PgSleep')}), 'the server at work');
is(loader_end($dozer, 'KILL'), 137, 'pcap2pg killed');
SKIP: {
	skip 'the server cannot look whether its client is there', 1
	  if sql(q{SELECT count(*) FROM pg_settings WHERE name = 'client_connection_check_interval'}) == 0;
	ok(wait_for($gone), 'the server notices');
}
is(captures() . ' ' . stored(), $kept, 'nothing is left');
sql(q{SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'pcap2pg'});
sql('DROP TRIGGER doze ON netflow.flow');

write_file("$dir/foreign", 'text');
($status, $out, $err) = run("$dir/foreign $dir/late.pcap");
is($status, 1, 'a foreign file among others');
is(captures(), 3, 'does not stop them');

my $cut = write_file("$dir/cut.pcap", substr($bytes, 0, 10000));
($status, $out, $err) = run($cut);
is($status, 0, 'a truncated file');
is(sql(q{SELECT concat_ws(' ', truncated, error IS NOT NULL, state) FROM netflow.capture WHERE source LIKE '%cut.pcap'}),
	't t loaded', 'is marked');

# A file that grows between its hash and its end: pcap2pg has to wait for us
# right between the two.
$kept = captures() . ' ' . stored();
my $growing = write_file("$dir/growing.pcap", pcap(1, map { [ $_->[0] + 86400 * 90, $_->[1] ] } @frames));
open(my $locker, '|-', "psql -Xq >/dev/null") or die "psql: $!";
$locker->autoflush(1);
print $locker "BEGIN; LOCK TABLE netflow.capture IN EXCLUSIVE MODE;\n";
ok(wait_for(q{SELECT exists(SELECT FROM pg_locks WHERE relation = 'netflow.capture'::regclass AND mode = 'ExclusiveLock' AND granted)}),
	'held up');
my $grower = fork() // die;
exec "$pcap2pg $growing 2>$dir/growing.err" if !$grower;
ok(wait_for(q{SELECT exists(SELECT FROM pg_stat_activity WHERE application_name = 'pcap2pg' AND wait_event_type = 'Lock')}),
	'between hash and packets');
system("cat $dir/cut.pcap >>$growing");
print $locker "COMMIT;\n";
close $locker;
waitpid $grower, 0;
is($? >> 8, 1, 'a file that changes');
like(Loader::slurp("$dir/growing.err"), qr/changed while it was read; nothing of it was loaded/, 'is told');
is(captures() . ' ' . stored(), $kept, 'and not loaded');

# ---- stores, filters, days --------------------------------------------------

sql(q{SELECT anomaly_create_flow_store('My "store"')});
($status, $out, $err) = run(qq{-s 'My "store"' -f icmp $file});
is($status, 0, 'a store with an odd name') or diag($err);
is(sql(q{SELECT concat_ws(' ', count(*), min(protocol), max(protocol)) FROM "My ""store""".flow}), '429 1 1', 'a filter');
is(sql(q{SELECT filter FROM "My ""store""".capture}), 'icmp', 'is remembered');
is((run(qq{-s nowhere $file}))[0], 3, 'an unknown store');

my $scattered = write_file("$dir/days.pcap", pcap(1, map { [ $t0 + 86400 * 500 * $_, $frames[0][1] ] } 0 .. 8));
is((run($scattered))[0], 0, 'days far apart');
is(sql(qq{SELECT count(DISTINCT tableoid) FROM netflow.flow WHERE capture_id = (SELECT id FROM netflow.capture WHERE source = '$scattered')}),
	9, 'each in its chunk');

done_testing();
