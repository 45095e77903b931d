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

# Not read yet, each for its link layer or what lies between that and IP.
my %skip = (
	'arkime__80211http.pcap' => '802.11 with radiotap',
	'mercury__quic_ppp.pcap' => 'PPP',
	'zeek__llc.pcap' => 'FDDI',
	'zeek__pppoe.pcap' => 'PPPoE',
	'arkime__mpls-basic.pcap' => 'MPLS',
	'zeek__mixed-vlan-mpls.pcap' => 'MPLS',
);

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
	my ($id) = @_;
	my %sums;
	for my $f (flows("$pcaps/pcaps/$id"))
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
	my ($id) = @_;
	my %sums;
	for my $t (Loader::read_table("$pcaps/truth/$id/tshark_biflow_outer.csv"))
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
	SKIP:
	{
		skip "$id: $skip{$id}", 1 if $skip{$id};
		is_deeply(ours($id), theirs($id), $id);
	}
}
done_testing();
