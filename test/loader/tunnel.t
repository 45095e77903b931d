# Packets inside of packets: the inner flow counts, once; "tunnel" says what it
# came through; what cannot be read inside is the flow between the tunnel's ends.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Loader;
use Test::More;

my ($A, $B) = ('10.0.0.1', '10.0.0.2');
my ($A6, $B6) = ('2001:db8::1', '2001:db8::2');
my ($P, $Q) = ('192.0.2.1', '192.0.2.2');    # the tunnel's ends
my $t0 = 1_700_000_000;

my %kind = (
	none => 0, GRE => 1, ERSPAN => 2, IPIP => 3, '6in4' => 4, VXLAN => 5, Geneve => 6,
	GTP => 7, Teredo => 8, AYIYA => 9, EtherIP => 10, MPLS => 11,
);

my $ip = ipv4(17, $A, $B, udp(1000, 53, 'x' x 8));
my $ip6 = ipv6(17, $A6, $B6, udp(1000, 53, 'x' x 8));
my $frame = ethernet(0x0800, $ip);
my $tagged = ethernet(0x86dd, $ip6, 77);

# source, its port, packets, IP bytes, payload, tunnel
sub text { return join ', ', map { my $f = $_; join ' ', map { $f->{$_} } qw(src_addr src_port src_packets src_bytes src_payload tunnel) } @_; }

sub meter
{
	my ($options, @packets) = @_;
	my $n = 0;
	my $file = write_file("$dir/tunnel.pcap", pcap(101, map { [ $t0 + $n++, $_ ] } @packets));
	return text(sort { $a->{start_time} cmp $b->{start_time} } flows("$options $file"));
}

sub gre { my ($flags, $protocol, $rest) = @_; return ipv4(47, $P, $Q, pack('nn', $flags, $protocol) . $rest); }
sub over { my ($port, $rest) = @_; return ipv4(17, $P, $Q, udp(40000, $port, $rest)); }

my $gtp_all = pack('CCnN nCC', 0x37, 255, 4 + 4 + 8 + length $ip, 1, 1, 0, 0x85)
  . pack('CnC', 1, 1, 0x32) . pack('Cx6C', 2, 0);
my @tunnels = (
	[ GRE => gre(0, 0x0800, $ip) ],
	[ GRE => gre(0xb000, 0x86dd, pack('NNN', 0, 1, 2) . $ip6), 'checksum, key, sequence' ],
	[ GRE => gre(0x4000, 0x0800, pack('nn', 0, 0) . pack('nCCN', 0x0800, 0, 4, 1) . pack('N', 0) . $ip), 'source route' ],
	[ GRE => gre(0, 0x6558, $frame), 'Ethernet inside' ],
	[ GRE => gre(0, 0x8847, pack('N', 0x100) . $ip), 'MPLS inside' ],
	[ GRE => gre(0x3081, 0x880b, pack('nnNN', length $ip, 1, 1, 1) . pack('nn', 0xff03, 0x0021) . $ip), 'PPTP' ],
	[ GRE => gre(0, 0x9000, pack('H4 x2 H36 x2 H16', '0801', '02' x 18, 'aaaa030000000800') . $ip), 'of an access point' ],
	[ GRE => over(4754, pack('nn', 0, 0x0800) . $ip), 'over UDP' ],
	[ ERSPAN => gre(0, 0x88be, $frame), 'type I' ],
	[ ERSPAN => gre(0x1000, 0x88be, pack('NNN', 1, 0x10000000, 0) . $frame), 'type II' ],
	[ ERSPAN => gre(0x1000, 0x22eb, pack('N NNN', 1, 0x20000000, 0, 0) . $frame), 'type III' ],
	[ ERSPAN => gre(0x1000, 0x22eb, pack('N NNN NN', 1, 0x20000000, 0, 1, 0, 0) . $frame), 'type III, optional header' ],
	[ IPIP => ipv4(4, $P, $Q, $ip) ],
	[ IPIP => ipv6(4, '2001:db8:f::1', '2001:db8:f::2', $ip), 'in IPv6' ],
	[ '6in4' => ipv4(41, $P, $Q, $ip6) ],
	[ '6in4' => ipv6(60, '2001:db8:f::1', '2001:db8:f::2', pack('CCx6', 41, 0) . $ip6), 'in IPv6, an option before it' ],
	[ VXLAN => over(4789, pack('NN', 0x08000000, 5 << 8) . $frame) ],
	[ VXLAN => over(8472, pack('NN', 0x08000000, 5 << 8) . $tagged), "Linux's old port, a VLAN inside" ],
	[ VXLAN => over(4790, pack('NN', 0x0c000002, 5 << 8) . $ip6), 'GPE' ],
	[ Geneve => over(6081, pack('nnN', 0, 0x6558, 5 << 8) . $frame) ],
	[ Geneve => over(6081, pack('nnN', 2 << 8, 0x86dd, 5 << 8) . 'options!' . $ip6), 'options' ],
	[ GTP => over(2152, pack('CCnN', 0x30, 255, length $ip, 1) . $ip) ],
	[ GTP => over(2152, pack('CCnN nCC', 0x32, 255, 4 + length $ip, 1, 9, 0, 0) . $ip), 'sequence number' ],
	[ GTP => over(2152, $gtp_all . $ip), 'extension headers' ],
	[ Teredo => over(3544, $ip6) ],
	[ Teredo => over(3544, pack('nCC x2 x4 x8 x1', 1, 2, 4) . pack('nnN', 0, 1, 1) . $ip6), 'authentication and origin' ],
	[ Teredo => ipv4(17, $P, $Q, udp(40000, 50000, ipv6(17, '2001:0:1::1', $B6, udp(1000, 53, 'x' x 8)))), 'between clients', '2001:0:1::1' ],
	[ AYIYA => over(5072, pack('CCCCN', 0x44, 0x52, 0x11, 41, 1) . 'i' x 16 . 's' x 20 . $ip6) ],
	[ EtherIP => ipv4(97, $P, $Q, pack('n', 0x3000) . $frame) ],
	[ MPLS => ipv4(137, $P, $Q, pack('N', 0x100) . $ip) ],
	[ MPLS => over(6635, pack('N', 0x100) . $ip6), 'over UDP' ],
);
for (@tunnels)
{
	my ($name, $bytes, $what, $source) = @$_;
	my $length = $source || $bytes =~ /\Q$ip6\E$/ ? length $ip6 : length $ip;
	$source //= $length == length $ip6 ? $A6 : $A;
	my $title = $name . ($what ? ", $what" : '');
	is(meter('', $bytes), "$source 1000 1 $length 8 $kind{$name}", $title);
	unlike(meter('--outer', $bytes), qr/ 1000 /, "$title, --outer");
}
is(meter('--outer', gre(0, 0x0800, $ip)), "$P 0 1 60 40 0", 'the flow between the ends');
is(meter('', gre(0, 0x0800, gre(0, 0x0800, over(4789, pack('NN', 0x08000000, 0) . $frame)))), "$A 1000 1 36 8 1",
	'a tunnel in a tunnel in a tunnel: one packet, the outermost kind');
is(meter('', gre(0, 0x0800, $ip), $ip), "$A 1000 2 72 16 1", 'inside and outside are one flow');

# ---- what stays outside -----------------------------------------------------

my %outside = (
	'GRE, nothing inside' => [ gre(0, 0x0800, ''), "$P 0 1 24 4 0" ],
	'GRE, ARP inside' => [ gre(0, 0x6558, ethernet(0x0806, 'x' x 28)), "$P 0 1 66 46 0" ],
	'GRE of an unknown version' => [ gre(2, 0x0800, $ip), "$P 0 1 60 40 0" ],
	'IP in IP, longer than what carries it' => [ ipv4(4, $P, $Q, ipv4(17, $A, $B, udp(1, 2, 'x'), length => 1000)), "$P 0 1 49 29 0" ],
	'VXLAN without an identifier' => [ over(4789, pack('NN', 0, 0) . $frame), "$P 40000 1 86 58 0" ],
	'GTP, an echo request' => [ over(2152, pack('CCnN', 0x32, 1, 4, 0) . 'xxxx'), "$P 40000 1 40 12 0" ],
	'GTP, an extension header of no length' => [ over(2152, pack('CCnN nCC C', 0x34, 255, 40, 1, 0, 0, 0x85, 0) . $ip), "$P 40000 1 77 49 0" ],
	'a port of GTP, something else' => [ over(2152, 'something else altogether'), "$P 40000 1 53 25 0" ],
	'IPv6 in UDP, no address of Teredo' => [ over(50000, $ip6), "$P 40000 1 84 56 0" ],
	'a port of Teredo, IPv4 inside' => [ over(3544, $ip), "$P 40000 1 64 36 0" ],
);
is(meter('', $outside{$_}[0]), $outside{$_}[1], $_) for sort keys %outside;
my $deep = $ip;
$deep = ipv4(4, $P, $Q, $deep) for 1 .. 9;
is(meter('', $deep), "$P 0 1 56 36 3", 'nine deep: the ninth is not entered');
my $cut = substr(gre(0, 0x0800, $ip), 0, 40);
is(text(flows(write_file("$dir/cut.pcap", pcap(101, [ $t0, $cut, 60 ])))), "$P 0 1 60 40 0", 'the snap length hides the inner header');
my $cut_ports = substr(gre(0, 0x0800, $ip), 0, 44);
is(text(flows(write_file("$dir/cut.pcap", pcap(101, [ $t0, $cut_ports, 60 ])))), "$A 0 1 36 8 1", 'or only the ports inside');

# ---- fragments --------------------------------------------------------------

# A tunnelled packet of 1028 bytes in three fragments of the outer one.
my $big = ipv4(17, $A, $B, udp(1000, 53, 'x' x 1000));
my $whole = pack('nn', 0, 0x0800) . $big;
my @pieces = map { ipv4(47, $P, $Q, substr($whole, $_->[0], 400), id => 9, offset => $_->[0], more => $_->[1]) } [ 0, 1 ], [ 400, 1 ], [ 800, 0 ];
is(meter('', @pieces), "$A 1000 3 1028 1000 1", 'fragments of a tunnel: bytes of the inner packet');
is(meter('', @pieces[ 2, 1, 0 ]), "$A 1000 3 1028 1000 1", 'in any order');
is(meter('--outer', @pieces), "$P 0 3 1092 1032 0", 'outside');
my @inner = map { gre(0, 0x0800, $_) } ipv4(17, $A, $B, substr(udp(1000, 53, 'x' x 40), 0, 24), id => 3, more => 1),
  ipv4(17, $A, $B, 'x' x 24, id => 3, offset => 24);
is(meter('', @inner), "$A 1000 2 88 40 1", 'a tunnel of fragments');

done_testing();
