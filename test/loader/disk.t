# A database on a disk that is full: the error is told, nothing is half stored,
# and pcap2pg goes on when there is space again.  The disk is a small tmpfs in a
# mount namespace of this test's own, in which the server runs as well.
use strict;
use warnings;
use FindBin;
use Test::More;

BEGIN
{
	plan skip_all => 'a small disk needs root' if $> != 0;
	if (!$ENV{IN_MOUNT_NAMESPACE})
	{
		plan skip_all => 'cannot make a mount namespace' if system('unshare -m true 2>/dev/null') != 0;
		$ENV{IN_MOUNT_NAMESPACE} = 1;
		exec 'unshare', '-m', $^X, $0 or die "unshare: $!";
	}
}

use lib $FindBin::RealBin;
use Loader;
use Store;

my $user = (getpwuid((stat $ENV{PGHOST})[4]))[0];
my $disk = "$dir/disk";
system("chmod 755 $dir && mkdir $disk && mount -t tmpfs -o size=64m,mode=700,uid=$user tmpfs $disk") == 0 or die 'no tmpfs';
END
{
	my $status = $?;
	system("$cluster drop loader; umount $disk") if $disk;
	$? = $status;
}

$ENV{PGDATABASE} = 'postgres';
sql("CREATE TABLESPACE small LOCATION '$disk'");
sql('CREATE DATABASE disk_test TABLESPACE small');
$ENV{PGDATABASE} = 'disk_test';
sql('CREATE EXTENSION pg_anomaly; SELECT anomaly_create_flow_store()');

# Fills the disk but for so many MB.
sub fill
{
	my ($free) = @_;
	system("dd if=/dev/zero of=$disk/filler bs=16k 2>/dev/null; truncate -s -${free}M $disk/filler");
}

sub make_room { unlink "$disk/filler" or die "filler: $!"; }

# All that is stored, and how much of it is stored twice.
sub stored { return sql(q{SELECT count(*) || ' flows of ' || count(DISTINCT (src_addr, src_port)) FROM netflow.flow}); }
sub rows { return sql(q{SELECT coalesce(string_agg(concat_ws(' ', state, flows), ', ' ORDER BY id), 'none') FROM netflow.capture}); }

# Every packet a flow of its own.
sub capture
{
	my ($name, $flows, $interval) = @_;
	return write_file("$dir/$name", pcap(1, map {
		[ 1_700_000_000 + $_ * $interval, ethernet(0x0800, ipv4(17, "10.0.@{[ int($_ / 250) ]}.@{[ 1 + $_ % 250 ]}", '192.0.2.1', udp(1024 + $_, 53, 'query'))) ]
	} 0 .. $flows - 1));
}

# ---- a file -----------------------------------------------------------------

my $file = capture('file.pcap', 30000, 0.001);
fill(4);
my ($status, $out, $err) = run($file);
is($status, 3, 'no space for a file: an error');
like($err, qr/ERROR:.*No space left on device/, 'that says why');
is(stored() . ', ' . rows(), '0 flows of 0, none', 'nothing is half loaded');
($status, $out, $err) = run($file);
is($status, 3, 'as long as there is none');
make_room();
($status, $out, $err) = run($file);
is($status, 0, 'loaded when there is space') or diag($err);
is(stored() . ', ' . rows(), '30000 flows of 30000, loaded 30000', 'all of it, once');

# ---- as if live -------------------------------------------------------------

sql('TRUNCATE netflow.flow, netflow.capture CASCADE');
my $even = capture('even.pcap', 8000, 0.01);
my $pid = loader_start("$dir/replay.err", $pcap2pg, '-q', '--idle=2', '--replay=20', '--flush-flows=100', '--flush-time=0.05', $even);
ok(wait_for('SELECT count(*) > 100 FROM netflow.flow'), 'a replay under way');
fill(0);
ok(wait_for(sub { Loader::slurp("$dir/replay.err") =~ /No space left on device; trying again/ }), 'no space: says so')
  or diag(Loader::slurp("$dir/replay.err"));
is(sql(q{SELECT f.n = c.flows AND f.n < 8000 FROM netflow.capture c, (SELECT count(*) AS n FROM netflow.flow) f}), 't', 'whole batches are stored');
make_room();
is(loader_end($pid), 0, 'goes on when there is space');
is(stored() . ', ' . rows(), '8000 flows of 8000, loaded 8000', 'every flow, once');
like(Loader::slurp("$dir/replay.err"), qr/flows are stored again/, 'and says so');

done_testing();
