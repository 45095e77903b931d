# A flood of SYNs from made-up addresses, each a flow of its own: memory stays
# where it is, nothing is lost, and the rows show what it was.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use List::Util qw(sum0 max);
use Loader;
use Test::More;

my $generator = "$data/tools/floodgen.py";
plan skip_all => "no $generator: set TEST_DATA" if !-r $generator;
plan skip_all => 'python3 is not installed' if system('command -v python3 >/dev/null') != 0;

my ($flows, $most) = (200_000, 20_000);
my $flood = "$dir/flood.pcap";
system("python3 $generator $flows $flood") == 0 or die 'no flood';

# The rows, what was said, and the most memory (kB) that was in use when so many
# packets of the flood had come through a pipe.
sub meter
{
	my ($packets) = @_;
	my $bytes = substr(Loader::slurp($flood), 0, 24 + 76 * $packets);
	pipe(my $from, my $to) or die "pipe: $!";
	my $pid = fork() // die "fork: $!";
	if (!$pid)
	{
		close $to;
		open(STDIN, '<&', $from) or die;
		open(STDOUT, '>', "$dir/flood.csv") or die;
		open(STDERR, '>', "$dir/flood.err") or die;
		exec $pcap2pg, '--print', "--max-flows=$most", '-' or die "exec: $!";
	}
	close $from;
	print $to $bytes;
	$to->flush;
	my ($memory) = Loader::slurp("/proc/$pid/status") =~ /VmHWM:\s+(\d+)/;	# it waits for more
	close $to;
	waitpid $pid, 0;
	is($?, 0, "$packets packets") or diag(Loader::slurp("$dir/flood.err"));
	return ($memory, Loader::slurp("$dir/flood.err"));
}

my ($before) = meter($flows / 4);
my ($after, $said) = meter($flows);
cmp_ok($after, '<', $before * 1.1, "memory: $before kB after a quarter, $after kB at the end");
cmp_ok($after, '<', 64 * 1024, 'for twenty thousand flows');

my @rows = Loader::read_table("$dir/flood.csv");
is(sum0(map { $_->{src_packets} + $_->{dst_packets} } @rows), $flows, 'every packet is in a row');
my $evicted = grep { $_->{end_reason} == 5 } @rows;
cmp_ok($evicted, '>=', $flows - $most - 1000, 'most flows had to make room');
like($said, qr/\b$evicted flows ended early/, 'which is counted');
my @middle = @rows[ $most .. $evicted - 1 ];
is(scalar(grep { conn_state($_->{state}) eq 'S0' } @rows), $flows, 'attempts without an answer');
is(scalar(grep { $_->{count} == $most && $_->{serror_rate} == 1 && $_->{dst_host_count} == 100 } @middle),
	scalar @middle, 'and each sees the flood around it');
done_testing();
