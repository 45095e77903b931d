# What becomes of packets: captures made here, flows worked out by hand.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Loader;
use Test::More;

my ($A, $B) = ('10.0.0.1', '10.0.0.2');
my ($A6, $B6) = ('2001:db8::1', '2001:db8::2');
my $t0 = 1_700_000_000;

# Flows of Ethernet frames, each [seconds after t0, frame, length on the wire].
sub meter
{
	my ($options, @frames) = @_;
	my $file = write_file("$dir/flow.pcap", pcap(1, map { [ $t0 + $_->[0], @$_[ 1, 2 ] ] } @frames));
	my @flows = sort { $a->{start_time} cmp $b->{start_time} } flows("$options $file");
	return @flows;
}

sub frame4 { return ethernet(0x0800, ipv4(@_)); }
sub frame6 { return ethernet(0x86dd, ipv6(@_)); }

# A TCP segment between A:1000 and B:2000; "from" is A or B.
sub segment
{
	my ($time, $from, @tcp) = @_;
	my @ends = $from eq 'A' ? ($A, $B, 1000, 2000) : ($B, $A, 2000, 1000);
	return [ $time, frame4(6, @ends[ 0, 1 ], tcp(@ends[ 2, 3 ], @tcp)) ];
}

sub datagram { my ($time, $payload) = @_; return [ $time, frame4(17, $A, $B, udp(1000, 2000, $payload // 'x')) ]; }

sub columns { my ($f, @names) = @_; return join ' ', map { $f->{$_} eq '' ? '-' : $f->{$_} } @names; }

# ---- one connection, every column -------------------------------------------

my @handshake = (segment(0, 'A', 'S', 100), segment(0.01, 'B', 'SA', 500, 101), segment(0.03, 'A', 'A', 101, 501));
my @close = (segment(1, 'A', 'FA', 105, 508), segment(1.1, 'B', 'FA', 508, 106), segment(1.2, 'A', 'A', 106, 509));
my ($f, @more) = meter('', @handshake, segment(0.1, 'A', 'PA', 101, 501, 'four'),
	segment(0.2, 'B', 'PA', 501, 105, 'seven..'), @close);
is(@more, 0, 'one connection, one flow');
is(columns($f, qw(src_addr src_port dst_addr dst_port protocol)), "$A 1000 $B 2000 6", 'from whom to whom');
is($f->{start_time}, '2023-11-14 22:13:20.000000+00', 'begins with its first packet');
is(columns($f, qw(duration_us rtt_us)), '1200000 30000', 'duration and round trip');
is(columns($f, qw(src_packets dst_packets src_bytes dst_bytes src_payload dst_payload)),
	'5 3 204 127 4 7', 'packets, bytes, payload');
is(columns($f, qw(src_tcp_flags dst_tcp_flags end_reason)), '27 27 3', 'flags, end by FIN');
is(conn_state($f->{state}), 'SF', 'state');
is(columns($f, qw(length_min length_max)), '40 47', 'shortest and longest');
cmp_ok(abs($f->{length_mean} - 331 / 8), '<', 1e-4, 'mean length');
cmp_ok(abs($f->{length_stddev} - sqrt((6 * 1600 + 44**2 + 47**2) / 8 - (331 / 8)**2)), '<', 1e-3, 'its deviation');
cmp_ok(abs($f->{iat_mean_us} - 1.2e6 / 7), '<', 1, 'mean gap');
my @gaps = (10, 20, 70, 100, 800, 100, 100);    # milliseconds
my ($mean, $squares) = (1200 / 7, 0);
$squares += ($_ - $mean)**2 for @gaps;
cmp_ok(abs($f->{iat_stddev_us} / 1000 - sqrt($squares / 7)), '<', 0.01, 'its deviation');
is(columns($f, qw(retransmits fragments bad_fragments urgent vlan ttl tunnel)), '0 0 0 0 - 64 0', 'nothing odd');

# ---- connection states (Zeek's manual, conn.log) ----------------------------

my %states = (
	S0 => [ $handshake[0] ],
	REJ => [ $handshake[0], segment(0.1, 'B', 'RA', 0, 101) ],
	S1 => [@handshake],
	S2 => [ @handshake, $close[0] ],
	S3 => [ @handshake, segment(1, 'B', 'FA', 501, 101) ],
	RSTO => [ @handshake, segment(1, 'A', 'R', 101) ],
	RSTR => [ @handshake, segment(1, 'B', 'R', 501) ],
	RSTOS0 => [ $handshake[0], segment(1, 'A', 'R', 101) ],
	RSTRH => [ $handshake[1], segment(1, 'B', 'R', 501) ],
	SH => [ $handshake[0], segment(1, 'A', 'F', 101) ],
	SHR => [ $handshake[1], segment(1, 'B', 'F', 501) ],
	OTH => [ segment(0, 'A', 'A', 101, 501, 'x'), segment(0.1, 'B', 'A', 501, 102) ],
);
for my $state (sort keys %states)
{
	my @flows = meter('', @{ $states{$state} });
	is(join(' ', map { conn_state($_->{state}) . " $_->{src_addr}" } @flows), "$state $A", "$state, opened by A");
}
is(join(' ', map { conn_state($_->{state}) } meter('', datagram(0))), 'S0', 'UDP without an answer');
is(join(' ', map { conn_state($_->{state}) } meter('', datagram(0), [ 1, frame4(17, $B, $A, udp(2000, 1000, 'y')) ])),
	'SF', 'UDP with one');
is((meter('', [ 0, frame4(17, $B, $A, udp(53, 1000, 'y')) ]))[0]{src_addr}, $A, 'what comes from port 53 is an answer');
is((meter('', [ 0, frame4(17, $A, '239.1.1.1', udp(53, 1000, 'y')) ]))[0]{src_addr}, $A, 'but not to a multicast group');

# ---- who asked whom ---------------------------------------------------------

# First packets between two ports: A is the source of what B's port sends first.
sub opener
{
	my ($flags, $src, $dst, $target) = @_;
	return (meter('', [ 0, frame4(6, $B, $target // $A, tcp($src, $dst, $flags, 1, 1, 'x')) ]))[0]{src_addr};
}
is(opener('PA', 443, 40000), $A, 'midstream from a server');
is(opener('PA', 40000, 443), $B, 'midstream to a server');
is(opener('PA', 40000, 50000), $B, 'midstream, no server: whoever came first');
is(opener('PA', 22, 443), $A, 'midstream, two servers: the lower port');
is(opener('PA', 443, 22), $B, 'the other way round');
is(opener('SA', 40000, 443), $A, 'a SYN/ACK is an answer');
is(opener('S', 443, 40000), $B, 'a SYN is none');
is(opener('', 53, 40000, '224.0.0.251'), '10.0.0.2', 'nobody answers from a group');
my @reordered = meter('', segment(0, 'B', 'SA', 500, 101), segment(0.1, 'A', 'S', 100), segment(0.2, 'A', 'A', 101, 501));
is(join(', ', map { columns($_, qw(src_addr src_packets)) . ' ' . conn_state($_->{state}) } @reordered), "$A 2 S1", 'SYN/ACK before its SYN');

# Connection attempts on the same ports.
my @again = (segment(0, 'A', 'S', 100), segment(1, 'A', 'S', 100), segment(2, 'A', 'S', 900));
is(join(' ', map { $_->{src_packets} } meter('', @again)), '2 1', 'a SYN with another number is another attempt');
is(join(' ', map { conn_state($_->{state}) } meter('', map { $_, segment($_->[0] + 0.1, 'B', 'RA', 0, 101) } @again[ 0, 1 ])),
	'REJ REJ', 'so is one after a refusal');

# ---- payload is counted in sequence numbers -----------------------------------

sub payload { return join ', ', map { columns($_, qw(src_payload dst_payload)) } meter(@_); }
my $hello = segment(0.1, 'A', 'PA', 101, 501, 'hello');
is(payload('', @handshake, $hello, segment(0.2, 'A', 'PA', 101, 501, 'hello, you')), '10 0', 'sent twice counts once');
is(payload('', @handshake, segment(0.1, 'B', 'A', 501, 1101)), '1000 0', 'acknowledged counts although it was not seen');
is(payload('', @handshake, segment(0.1, 'A', 'PA', 201, 501, 'x')), '101 0', 'a gap counts');
is(payload('', @handshake, $hello, segment(1, 'B', 'RA', 501, 106, 'reason')), '5 0', "a reset's data does not");
is(payload('', @handshake, $hello, segment(1, 'A', 'FPA', 106, 501, 'bye'), segment(2, 'B', 'FA', 501, 110)), '8 0', 'SYN and FIN are no payload');
is(payload('', segment(0, 'A', 'A', 4294967295, 1, 'ab'), segment(1, 'A', 'A', 1, 1, 'cd')), '4 0', 'numbers wrap');
is(payload('--active=10', @handshake, map { segment($_, 'A', 'PA', 100 + $_, 501, 'x') } 1 .. 19), '9 0, 10 0', 'slices share it out');

# ---- where flows end --------------------------------------------------------

sub ends { return join ' ', map { "$_->{src_packets}:$_->{end_reason}" } meter(@_); }

is(ends('', datagram(0), datagram(60)), '2:4', 'silent for the idle timeout: still one flow');
is(ends('', datagram(0), datagram(60.000001)), '1:1 1:4', 'silent for longer: two');
is(ends('--idle=100', datagram(0), datagram(90)), '2:4', '--idle');
is(ends('', map { datagram($_ * 50) } 0 .. 14), '6:2 6:2 3:4', 'active timeout: slices of 300 seconds');
is(join(' ', map { $_->{src_addr} } meter('', datagram(0), map { [ $_ * 50, frame4(17, $B, $A, udp(2000, 1000, 'y')) ] } 1 .. 8)),
	"$A $A", 'a slice keeps its originator, whoever goes on');
is(ends('--active=0', map { datagram($_ * 50) } 0 .. 14), '15:4', 'no active timeout');
is(ends('', @handshake, segment(299, 'A', 'A', 101, 501)), '3:4', 'an open connection may be silent longer');
is(ends('', segment(0, 'A', 'S', 100), segment(61, 'A', 'S', 100)), '1:1 1:4', 'nobody answers: 60 s');
is(ends('--tcp-attempt=5', segment(0, 'A', 'S', 100), segment(6, 'A', 'S', 100)), '1:1 1:4', '--tcp-attempt');
is(ends('--tcp-half-closed=20', @handshake, $close[0], segment(30, 'A', 'A', 106, 508)), '3:1 1:4', '--tcp-half-closed');
is(ends('--tcp-half-closed=20', @handshake, segment(30, 'A', 'A', 106, 508)), '3:4', 'not if both are open');
is(ends('', @handshake, @close, segment(4, 'A', 'A', 106, 509)), '5:3', 'late packets join a closed connection');
is(ends('', @handshake, @close, segment(2, 'A', 'S', 900)), '4:3 1:4', 'a new SYN is a new connection');
is(ends('', datagram(0), datagram(86400 * 400), datagram(5)), '1:1 1:4 1:4', 'a clock that jumps on and back');
is(ends('', datagram(1), datagram(0.5), datagram(2)), '3:4', 'a little disorder is none');
is(columns((meter('', datagram(1), datagram(0.5), datagram(2)))[0], qw(start_time duration_us iat_mean_us)),
	'2023-11-14 22:13:20.500000+00 1500000 750000', 'begin, duration and mean gap are as if in order');

my @scan = map { [ $_ / 10, frame4(6, $A, $B, tcp(1000, 2000 + $_, 'S')) ] } 0 .. 99;
my @evicted = meter('--max-flows=10', @scan);
is(join(' ', scalar(@evicted), scalar grep { $_->{end_reason} == 5 } @evicted), '100 90', 'a full table loses no packet');
is(join(' ', map { $_->{dst_port} } grep { $_->{end_reason} == 4 } @evicted), join(' ', 2090 .. 2099), 'the oldest make room');
like((run("--dry-run --max-flows=10 $dir/flow.pcap"))[2], qr/: 90 flows ended early, to make room/, 'which is counted');

# ---- ICMP, fragments, odd lengths -------------------------------------------

my @ping = ([ 0, frame4(1, $A, $B, icmp(8, 0)) ], [ 0.1, frame4(1, $B, $A, icmp(0, 0)) ]);
my @icmp = meter('', @ping, [ 0.2, frame4(1, $B, $A, icmp(3, 1)) ]);
is(join(', ', map { columns($_, qw(src_addr src_port dst_port src_packets dst_packets)) } @icmp),
	"$A 8 0 1 1, $B 3 1 1 0", 'ICMP: request and reply are one, an error another');
is(scalar meter('', @ping, [ 0.2, frame4(1, $B, $A, icmp(8, 0)) ]), 2, 'two hosts that ping each other');

my $whole = udp(1000, 2000, 'z' x 40);
my @first = (0, frame4(17, $A, $B, substr($whole, 0, 24), id => 7, more => 1));
my @last = (1, frame4(17, $A, $B, substr($whole, 24), id => 7, offset => 24));
is(join(', ', map { columns($_, qw(src_port dst_port src_packets src_payload fragments bad_fragments)) } meter('', [@first], [@last])),
	'1000 2000 2 40 2 0', 'a later fragment has the ports of the first');
is(join(', ', map { columns($_, qw(src_port src_packets duration_us src_payload)) } meter('', [@last], [ 2, $first[1] ])),
	'1000 2 1000000 40', 'one that comes before it waits for it');
is(join(', ', map { columns($_, qw(src_port src_packets)) } meter('', [@last], [ 32, $first[1] ])),
	'0 1, 1000 1', 'but not for ever');
is(join(', ', map { columns($_, qw(src_port src_packets)) } meter('', [@last])), '0 1', 'one whose first never comes');
my @middle = map { [ 1 + $_ / 1000, frame4(17, $A, $B, 'm' x 8, id => $_, offset => 8, more => 1) ] } 0 .. 4999;
is(join(', ', map { columns($_, qw(src_port src_packets fragments)) } meter('', @middle)), '0 5000 5000', 'thousands that wait: none is lost');
is(join(', ', map { columns($_, qw(src_packets bad_fragments)) } meter('', map { [ $_, $first[1] ], [ $_ + 0.1, $last[1] ] } 1 .. 3)),
	'6 0', 'an identification may come again when its datagram is whole');
my $teardrop = frame4(17, $A, $B, 'y' x 16, id => 7, offset => 8);
is(join(', ', map { columns($_, qw(fragments bad_fragments)) } meter('', [@first], [ 1, $teardrop ])), '2 1', 'overlapping fragments');
my $death = frame4(1, $A, $B, 'y' x 800, offset => 65528);
is((meter('', [ 0, $death ]))[0]{bad_fragments}, 1, 'a fragment beyond 64 KB');

my $padded = frame4(17, $A, $B, udp(1000, 2000, 'ab')) . "\0" x 16;
is(columns((meter('', [ 0, $padded ]))[0], qw(src_bytes src_payload)), '30 2', 'Ethernet padding is not payload');
my $headless = frame4(17, $A, $B, '') . pack('nn', 1000, 2000) . "\0" x 22;
is(columns((meter('', [ 0, $headless ]))[0], qw(src_port dst_port src_payload)), '0 0 0', 'nor is it a header');
my $offloaded = frame4(6, $A, $B, tcp(1000, 2000, 'A', 1, 1, 'x' x 100), length => 0);
is(columns((meter('', [ 0, $offloaded ]))[0], qw(src_bytes src_payload)), '140 100', 'length 0: segmented after the capture');
my $cut = substr(frame4(6, $A, $B, tcp(1000, 2000, 'A', 1, 1, 'x' x 100)), 0, 38);
is(columns((meter('', [ 0, $cut, 154 ]))[0], qw(src_port src_bytes)), '1000 140', 'cut by the snap length');
is(scalar meter('', [ 0, substr($cut, 0, 30) ]), 0, 'without a whole IP header: no flow');

my $data = segment(0.1, 'A', 'PA', 101, 501, 'four');
is((meter('', @handshake, $data, $data))[0]{retransmits}, 1, 'a retransmission');
is((meter('', @handshake, $data, segment(30, 'A', 'A', 104, 501, 'r')))[0]{retransmits}, 0, 'a keep-alive is none');
is((meter('', segment(0, 'A', 'AU', 1, 1, 'x')))[0]{urgent}, 1, 'urgent');

# ---- IPv6, VLANs ------------------------------------------------------------

# hop-by-hop, destination options, authentication header, then UDP
my $extended = pack('CCx6', 60, 0) . pack('CCx6', 51, 0) . pack('CCx10', 17, 1) . udp(1000, 2000, 'xyz');
is(columns((meter('', [ 0, frame6(0, $A6, $B6, $extended) ]))[0], qw(src_addr protocol src_port src_bytes src_payload)),
	"$A6 17 1000 79 3", 'IPv6 extension headers');
sub fragment6 { my ($offset, $more, $bytes) = @_; return frame6(44, $A6, $B6, pack('CCnN', 17, 0, $offset | $more, 9) . $bytes); }
is(join(', ', map { columns($_, qw(src_port src_packets src_payload)) }
		meter('', [ 0, fragment6(0, 1, substr($whole, 0, 24)) ], [ 1, fragment6(24, 0, substr($whole, 24)) ])),
	'1000 2 40', 'IPv6 fragments');

my @vlans = map { [ $_, ethernet(0x0800, ipv4(17, $A, $B, udp(1000, 2000, 'x')), 100 + $_, 7) ] } 0, 1;
is(join(', ', map { columns($_, qw(vlan src_packets)) } meter('', @vlans)), '100 2', 'the outer VLAN');
is(join(', ', map { columns($_, qw(vlan src_packets)) } meter('--key-vlan', @vlans)), '100 1, 101 1', '--key-vlan');

done_testing();
