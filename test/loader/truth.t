# pcap2pg against tshark on captures of many kinds: every packet and every byte
# of the IP layer, per conversation and direction.
#
# tshark's tables have no timeouts, so our rows are summed per conversation.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Loader;
use Test::More;

my $pcaps = "$data/pcaps";
plan skip_all => "no captures in $pcaps: set TEST_DATA" if !-r "$pcaps/index.csv";

# Where the two name a conversation differently; the code makes both names one.
sub without_ports { my ($key) = @_; @$key[ 2, 4 ] = (0, 0); return; }

my %renamed = (
	# Later fragments carry no ports: a conversation of its own for tshark; for
	# us part of the first fragment's.  Equal when ports are left out.
	'tcpdump__afs.pcap' => \&without_ports,
	# The same for IPv6, where tshark does not even see the protocol behind the
	# hop-by-hop header: UDP, says the fragment header.
	'zeek__ipv6-reassembly-state-leak.pcap' => sub { without_ports($_[0]); $_[0][0] = 17; },
	# AH (51) authenticates a packet in the clear; the conversation is OSPF (89).
	'tcpdump__OSPFv3_with_AH.pcap' => sub { $_[0][0] = 89; },
);

# tshark puts the fragments of 39 tunnelled packets together: it counts the
# first of each as GRE and the second as the packet inside.  For us both are
# packets of the inner flow, with the bytes that each brings.  So bytes of the
# inner flows must be equal, and packets in all.
sub without_fragment_packets
{
	my ($sums) = @_;
	my $packets = 0;
	$packets += $_->[0] for values %$sums;
	return { all => $packets, map { $_ => $sums->{$_}[1] } grep { !/^47 / } keys %$sums };
}
my %inner_fragments = map { $_ => 1 } 'zeek__erspan.pcap';

# A reply's type, by request: RFC 792, RFC 4443, RFC 4861
my %reply = ('1/8' => 0, '1/0' => 8, '58/128' => 129, '58/135' => 136, '58/133' => 134);

# packets and bytes of one direction
sub add
{
	my ($id, $sums, $packets, $bytes, @key) = @_;
	return if $packets == 0;
	$renamed{$id}->(\@key) if $renamed{$id};
	my $sum = $sums->{join ' ', @key} //= [ 0, 0 ];
	$sum->[0] += $packets;
	$sum->[1] += $bytes;
}

sub ours
{
	my ($id, $option) = @_;
	my %sums;
	for my $f (flows("$option $pcaps/pcaps/$id"))
	{
		my ($src, $dst) = map { address($_) } @$f{qw(src_addr dst_addr)};
		my @back = ($dst, $f->{dst_port}, $src, $f->{src_port});
		@back = ($dst, $reply{"$f->{protocol}/$f->{src_port}"} // $f->{src_port}, $src, $f->{dst_port})
		  if $f->{protocol} == 1 || $f->{protocol} == 58;
		add($id, \%sums, @$f{qw(src_packets src_bytes protocol)}, $src, $f->{src_port}, $dst, $f->{dst_port});
		add($id, \%sums, @$f{qw(dst_packets dst_bytes protocol)}, @back);
	}
	return \%sums;
}

sub theirs
{
	my ($id, $side) = @_;
	my %sums;
	for my $t (Loader::read_table("$pcaps/truth/$id/tshark_biflow_$side.csv"))
	{
		my ($src, $dst) = map { address($_) } @$t{qw(src dst)};
		add($id, \%sums, @$t{qw(pkts_fwd l3bytes_fwd proto)}, $src, $t->{sport}, $dst, $t->{dport});
		add($id, \%sums, @$t{qw(pkts_rev l3bytes_rev proto)}, $dst, $t->{dport}, $src, $t->{sport});
	}
	return \%sums;
}

for my $row (Loader::read_table("$pcaps/index.csv"))
{
	my $id = $row->{id};
	my @inside = (ours($id, ''), theirs($id, 'inner'));
	@inside = map { without_fragment_packets($_) } @inside if $inner_fragments{$id};
	is_deeply(@inside, "$id, inside of tunnels");
	is_deeply(ours($id, '--outer'), theirs($id, 'outer'), "$id, outside of them");
}
done_testing();
