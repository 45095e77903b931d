# An interface: real clients and servers in two network namespaces, a database
# that comes and goes, a program that is killed.  Every flow is stored, once.
use strict;
use warnings;
use FindBin;
use IO::Socket::INET;
use lib $FindBin::RealBin;
use Loader;
use Test::More;
use Time::HiRes qw(sleep time);

my ($server, $client, $S, $C) = ("pga$$-server", "pga$$-client", '10.77.0.1', '10.77.0.2');
my @children;
my $made;
our $cluster;					# Store's

BEGIN
{
	plan skip_all => 'network namespaces need root' if $> != 0;
	for my $program (qw(ip curl ssh ssh-keygen sshd dig nmap hping3))
	{
		plan skip_all => "$program is not installed" if system("PATH=\$PATH:/usr/sbin; command -v $program >/dev/null") != 0;
	}
}

END
{
	my $status = $?;
	if ($made)
	{
		kill 'KILL', @children if @children;
		system("umount $dir/small 2>/dev/null");
		system("ip netns del $_ 2>/dev/null") for $server, $client;
	}
	$? = $status;
}

plan skip_all => 'cannot make network namespaces' if system("ip netns add $server 2>/dev/null") != 0;
$made = 1;
system("ip netns add $client && ip link add pga0 netns $server type veth peer name pga1 netns $client
	ip -n $server addr add $S/24 dev pga0 && ip -n $server link set pga0 up && ip -n $server link set lo up
	ip -n $client addr add $C/24 dev pga1 && ip -n $client link set pga1 up") == 0 or BAIL_OUT('no network');
my @in_server = ('ip', 'netns', 'exec', $server);
my $in_client = "ip netns exec $client";

require Store;
Store->import;

# ---- servers, which write down who came -------------------------------------

sub serve
{
	my ($log, $code) = @_;
	write_file($log, '');
	my $pid = fork() // die "fork: $!";
	if (!$pid)
	{
		exec @in_server, $^X, '-MIO::Socket::INET', '-MIO::Handle', '-e', "open(L, '>>', '$log'); L->autoflush(1); $code" or die;
	}
	push @children, $pid;
}

# An ear that stays open, so that no connection fails while a first one is served.
serve("$dir/http", qq{
	my \$s = IO::Socket::INET->new(LocalAddr => '$S:8080', Listen => 100, ReuseAddr => 1) or die; print L "0\\n";
	while (my \$c = \$s->accept) { print L \$c->peerport, "\\n"; while (<\$c>) { last if /^\\r?\$/ }
		print \$c "HTTP/1.0 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nhello"; close \$c; }});
# Answers a question with itself, marked as an answer.
serve("$dir/dns", qq{
	my \$s = IO::Socket::INET->new(LocalAddr => '$S:53', Proto => 'udp') or die; print L "0\\n"; my \$q;
	while (my \$from = \$s->recv(\$q, 4096)) { print L ((sockaddr_in(\$from))[0], "\\n"); substr(\$q, 2, 2) = "\\x81\\x80"; \$s->send(\$q); }});
# OpenSSH's, with keys of its own; the namespace has its own mounts as well.
system("ssh-keygen -q -t ed25519 -N '' -f $dir/host_key && ssh-keygen -q -t ed25519 -N '' -f $dir/key && cp $dir/key.pub $dir/keys") == 0 or die;
write_file("$dir/sshd_config", join "\n", "ListenAddress $S:2222", "HostKey $dir/host_key", "AuthorizedKeysFile $dir/keys", 'StrictModes no',
	'UsePAM no', 'PermitRootLogin prohibit-password', 'PidFile none', 'LogLevel VERBOSE', '');
push @children, fork() // die "fork: $!";
if (!$children[-1])
{
	exec @in_server, 'sh', '-c', "mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec /usr/sbin/sshd -D -f $dir/sshd_config -E $dir/sshd" or die;
}
ok(wait_for(sub { -s "$dir/http" && -s "$dir/dns" && -e "$dir/sshd" && Loader::slurp("$dir/sshd") =~ /listening on/ }), 'servers');

sub shell
{
	system("$in_client ssh -q -n -F none -i $dir/key -p 2222 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root\@$S echo hello >>$dir/said") == 0
	  or diag('ssh failed: ', Loader::slurp("$dir/sshd")) for 1 .. $_[0];
}

sub logged_in { return join ' ', sort { $a <=> $b } Loader::slurp("$dir/sshd") =~ /^Connection from $C port (\d+)/mg; }
sub came { return join ' ', sort { $a <=> $b } grep { $_ } split /\n/, Loader::slurp("$dir/$_[0]"); }
sub fetch { system("$in_client curl -s -o /dev/null http://$S:8080/") == 0 or diag('curl failed') for 1 .. $_[0]; }
sub ports { return sql("SELECT string_agg(src_port::text, ' ' ORDER BY src_port) FROM netflow.flow WHERE src_addr = '$C' AND $_[0]"); }

# SYNs to closed ports, each a flow of its own.
sub knock
{
	my ($first, $count) = @_;
	system("$in_client hping3 -q -S -i u500 -c $count -s $first -p ++$first $S >/dev/null 2>&1");
}

sub knocked
{
	my ($first, $count) = @_;
	my $last = $first + $count - 1;
	return sql("SELECT count(*) || ' of ' || count(DISTINCT dst_port) FROM netflow.flow WHERE protocol = 6 AND dst_port BETWEEN $first AND $last");
}

my $user = (getpwuid((stat $ENV{PGHOST})[4]))[0];
my $spool = "$dir/spool";
system("chmod 755 $dir; install -d -o $user -m 700 $spool $dir/status") == 0 or die;
my @timeouts = qw(--idle=2 --tcp-attempt=2 --tcp-idle=20 --tcp-closed=1 --icmp-idle=2);
my @capture = (@in_server, $pcap2pg, '-i', 'pga0', "--user=$user", @timeouts,
	'--flush-time=0.2', '--flush-flows=100', "--health=$dir/status/health", '-f', "host $C and not arp");

sub capture
{
	my ($messages, @more) = @_;
	my $pid = loader_start($messages, @capture, @more);
	ok(wait_for(sub { Loader::slurp($messages) =~ /capturing on/ }), 'capturing') or diag(Loader::slurp($messages));
	return $pid;
}

sub health { return -e "$dir/status/health" ? Loader::slurp("$dir/status/health") : ''; }

# ---- what was made is what is stored ----------------------------------------

new_store('live_test');
my $pid = capture("$dir/live.err", "--spool=$spool");
like(Loader::slurp("/proc/$pid/status"), qr/^Uid:\s+(?!0)(\d+)\s+\1\s+\1/m, 'not root any more');
fetch(15);
shell(4);
system("$in_client dig +tries=1 +time=2 \@$S name$_.example >/dev/null") for 1 .. 8;
system("$in_client nmap -sT -Pn -n --max-retries 0 -p 1-50 $S >/dev/null 2>&1");
knock(2000, 40);
ok(wait_for(q{SELECT count(*) = 117 FROM netflow.flow}), 'the flows end though nothing more is heard')
  or diag(sql('SELECT protocol, dst_port, count(*) FROM netflow.flow GROUP BY 1, 2'));
is(ports('protocol = 6 AND dst_port = 8080'), came('http'), "curl's connections");
is(Loader::slurp("$dir/said"), "hello\n" x 4, 'ssh runs its commands');
is(ports('protocol = 6 AND dst_port = 2222'), logged_in(), "ssh's connections");
is(sql(q{SELECT count(*) || min(conn_state) || max(conn_state) || (min(src_payload) > 1000) || (min(dst_payload) > 1000) FROM netflow.flow_feature WHERE dst_port = 2222}),
	'4SFSFtruetrue', 'whole ones, with a handshake of keys');
is(ports('protocol = 17 AND dst_port = 53'), came('dns'), "dig's questions");
is(sql(q{SELECT count(*) || ' of ' || count(DISTINCT dst_port) FROM netflow.flow_feature WHERE dst_port BETWEEN 1 AND 50 AND conn_state = 'REJ'}),
	'50 of 50', "nmap's ports");
is(knocked(2000, 40), '40 of 40', "hping3's SYNs");
is(sql(q{SELECT DISTINCT conn_state || ' ' || dst_payload FROM netflow.flow_feature WHERE dst_port = 8080}), 'SF 43', 'with what was said');
ok(wait_for(sub { health() =~ / packets=[1-9]\d* .* flows=117 .* kernel_drops=0 .* stored=117 waiting=0 .* error=""$/ }), 'the health line')
  or diag(health());
kill 'USR1', $pid;
ok(wait_for(sub { Loader::slurp("$dir/live.err") =~ /pcap2pg: time=.* flows=117 / }), 'SIGUSR1: the same at once');
fetch(1);
is(loader_end($pid, 'TERM'), 0, 'a clean end');
is(ports('protocol = 6 AND dst_port = 8080'), came('http'), 'with what was under way');
is(sql(q{SELECT concat_ws(' ', state, interface, flows, drops, interface_drops, evicted, packets = ip_packets + other_packets,
	ip_packets = (SELECT sum(src_packets + dst_packets) FROM netflow.flow)) FROM netflow.capture}), 'loaded pga0 118 0 0 0 t t', 'its row in capture');
is(join(' ', glob("$spool/*")), "$spool/lock", 'an empty spool');

# ---- the database goes, the program dies ------------------------------------

$pid = capture("$dir/away.err", "--spool=$spool");
fetch(3);
system("$cluster stop loader") == 0 or die;
my $until = time + ($ENV{OUTAGE} // 5);
do { fetch(5); sleep 0.5 } while time < $until;
system("$cluster start loader") == 0 or die;
fetch(2);
ok(wait_for(sub { ports('dst_port = 8080') eq came('http') }), 'the server was away: nothing lost, nothing twice');
like(Loader::slurp("$dir/away.err"), qr/; trying again\n.*flows are stored again/s, 'says so');

system("$cluster stop loader") == 0 or die;
knock(10000, 3000);
ok(wait_for(sub { health() =~ / open=0 .* waiting=3\d\d\d / && `ls $spool/*-*` =~ /\d{20}/ }), 'waiting in the spool') or diag(health());
ok(wait_for(sub { my $n = () = `ls $spool/*-*` =~ /\d{20}/g; $n >= 30 }), 'all of it');
is(loader_end($pid, 'KILL'), 137, 'killed');
system("cp -a $spool $dir/again") == 0 or die;
system("$cluster start loader") == 0 or die;
srand 11;
my $kills = 0;
for (1 .. 10)
{
	$pid = loader_start("$dir/kill.err", @capture, "--spool=$spool");
	sleep 0.1 + rand(0.4);
	$kills++ if loader_end($pid, 'KILL') == 137;
}
is($kills, 10, 'and ten times more while the spool is emptied');
$pid = capture("$dir/rest.err", "--spool=$spool");
ok(wait_for(sub { knocked(10000, 3000) eq '3000 of 3000' }), 'nothing lost, nothing twice') or diag(knocked(10000, 3000));
is(sql(q{SELECT count(*) FROM netflow.capture c WHERE flows <> (SELECT count(*) FROM netflow.flow f WHERE f.capture_id = c.id)}), 0, 'as the rows in capture say');
ok(wait_for(q{SELECT count(*) = 1 FROM netflow.capture WHERE state = 'capturing'}), 'what was cut off is closed');
is(sql(q{SELECT DISTINCT error FROM netflow.capture WHERE error IS NOT NULL}), 'cut off: flows that were open are missing', 'and marked');
is(loader_end($pid, 'INT'), 0, 'a clean end');

# A COMMIT whose answer was lost leaves a batch that is stored in the spool.
sql(q{UPDATE netflow.capture SET state = 'capturing', finished_at = NULL WHERE error IS NOT NULL});
$pid = capture("$dir/again.err", "--spool=$dir/again");
ok(wait_for(sub { my @left = glob("$dir/again/*-*"); @left == 1 }), 'batches that are stored already');
is(knocked(10000, 3000), '3000 of 3000', 'are not stored again');
is(loader_end($pid, 'INT'), 0, 'a clean end');

# ---- no room ----------------------------------------------------------------

system("mkdir -p $dir/small && mount -t tmpfs -o size=1m,mode=700,uid=$user tmpfs $dir/small") == 0 or die;
$pid = capture("$dir/small.err", "--spool=$dir/small");
system("$cluster stop loader") == 0 or die;
knock(20000, 4000);
ok(wait_for(sub { Loader::slurp("$dir/small.err") =~ /cannot keep \d+ flows: No space left on device; nothing is read/ }), 'a full disk: says so')
  or diag(Loader::slurp("$dir/small.err"));
ok(wait_for(sub { health() =~ /error="spool: cannot keep/ }), 'in the health line too');
system("$cluster start loader") == 0 or die;
ok(wait_for(sub { knocked(20000, 4000) eq '4000 of 4000' }), 'goes on when there is room: nothing lost, nothing twice') or diag(knocked(20000, 4000));
is(loader_end($pid, 'TERM'), 0, 'a clean end');
is(sql(q{SELECT concat_ws(' ', state, flows, drops) FROM netflow.capture ORDER BY id DESC LIMIT 1}), 'loaded 4000 0', 'the kernel dropped nothing');

# ---- without a database -----------------------------------------------------

$pid = loader_start("$dir/any.err", 'sh', '-c', "exec @in_server $pcap2pg -i any --print @timeouts -f 'tcp port 8080' >$dir/any.csv");
ok(wait_for(sub { Loader::slurp("$dir/any.err") =~ /capturing on any/ }), '-i any --print') or diag(Loader::slurp("$dir/any.err"));
fetch(2);
sleep 0.5;
is(loader_end($pid, 'INT'), 0, 'ends');
is(join(', ', map { "$_->{src_addr} $_->{dst_port} $_->{dst_payload}" } Loader::read_table("$dir/any.csv")), "$C 8080 43, $C 8080 43", 'two flows');
is((run('-i nowhere0 --dry-run'))[0], 1, 'an interface that is not there');
is((run("-i pga0 $pcap2pg"))[0], 2, 'interface or file');
done_testing();
