# Files, formats, filters, options: what pcap2pg reads and what it says.
use strict;
use warnings;
use FindBin;
use IO::Handle;
use lib $FindBin::RealBin;
use Loader;
use Socket qw(AF_INET inet_pton);
use Test::More;

my ($A, $B) = ('10.0.0.1', '10.0.0.2');
my $t0 = 1_700_000_000;
my $ip = ipv4(17, $A, $B, udp(1000, 53, 'x'));
my $ip6 = ipv6(17, '2001:db8::1', '2001:db8::2', udp(1000, 53, 'x'));
my $frame = ethernet(0x0800, $ip);

sub keys_of { return join ' ', map { "$_->{src_addr}:$_->{src_port}" } @_; }

# ---- link layers ------------------------------------------------------------

my %links = (
	'Ethernet' => [ 1, $frame ],
	'802.3 with SNAP' => [ 1, pack('H24 n H16', '02' x 12, 8 + length $ip, 'aaaa030000000800') . $ip ],
	'802.3 with SNAP of bridges' => [ 1, pack('H24 n H16', '02' x 12, 8 + length $ip, 'aaaa030000f80800') . $ip ],
	'802.3 with IP in LLC' => [ 1, pack('H24 n H6', '02' x 12, 3 + length $ip, '060603') . $ip ],
	'QinQ' => [ 1, pack('H24 nn', '02' x 12, 0x88a8, 5) . pack('nnn', 0x8100, 6, 0x0800) . $ip ],
	'MPLS' => [ 1, ethernet(0x8847, pack('NN', 16 << 12, 17 << 12 | 0x100) . $ip) ],
	'MPLS to IPv6' => [ 1, ethernet(0x8847, pack('N', 17 << 12 | 0x100) . $ip6) ],
	'MPLS, a pseudowire' => [ 1, ethernet(0x8847, pack('NN', 17 << 12 | 0x100, 0) . $frame) ],
	'MPLS, a pseudowire without control word' => [ 1, ethernet(0x8848, pack('N', 17 << 12 | 0x100) . pack('H*', '1' x 24) . pack('n', 0x0800) . $ip) ],
	'PPPoE' => [ 1, ethernet(0x8864, pack('CCnnn', 0x11, 0, 7, 2 + length $ip, 0x0021) . $ip) ],
	'PPPoE, IPv6' => [ 1, ethernet(0x8864, pack('CCnnn', 0x11, 0, 7, 2 + length $ip6, 0x0057) . $ip6) ],
	'PPPoE, protocol in one byte' => [ 1, ethernet(0x8864, pack('CCnnC', 0x11, 0, 7, 1 + length $ip, 0x21) . $ip) ],
	'provider backbone bridge' => [ 1, ethernet(0x88e7, pack('N', 1000) . $frame) ],
	'FabricPath' => [ 1, ethernet(0x8903, pack('n', 1) . $frame) ],
	'VN-Tag' => [ 1, ethernet(0x8926, pack('Nn', 0, 0x0800) . $ip) ],
	'PPP' => [ 9, pack('n', 0x0021) . $ip ],
	'PPP with address and control' => [ 9, pack('nn', 0xff03, 0x0057) . $ip6 ],
	'PPP in HDLC framing' => [ 50, pack('nn', 0xff03, 0x0021) . $ip ],
	'PPP, a direction before it' => [ 204, pack('Cnn', 1, 0xff03, 0x0021) . $ip ],
	'PPP of pppd' => [ 166, pack('Cn', 1, 0x0021) . $ip ],
	'PPPoE without Ethernet' => [ 51, pack('CCnnn', 0x11, 0, 7, 2 + length $ip, 0x0021) . $ip ],
	"Cisco's HDLC" => [ 104, pack('nn', 0x0f00, 0x0800) . $ip ],
	"Cisco's HDLC, a direction before it" => [ 205, pack('Cnn', 0, 0x8f00, 0x86dd) . $ip6 ],
	'frame relay' => [ 107, pack('H8', '184103cc') . $ip ],
	"frame relay, Cisco's" => [ 107, pack('nn', 0x18e1, 0x86dd) . $ip6 ],
	'frame relay, SNAP' => [ 107, pack('H16 n', '1841030080000000', 0x86dd) . $ip6 ],
	'SLIP' => [ 8, 'd' . 'h' x 15 . $ip ],
	"Sun's ATM" => [ 123, pack('CCn H16', 0x82, 0, 5, 'aaaa030000000800') . $ip ],
	"Solaris' interfaces" => [ 226, "\1\2" . 'x' x 22 . $ip ],
	"macOS' interfaces" => [ 258, pack('VVV x96', 108, 1, 1) . $frame ],
	"Broadcom's switch tag" => [ 281, pack('H24 N n', '02' x 12, 1, 0x0800) . $ip ],
	"Broadcom's switch tag in front" => [ 282, pack('N', 1) . $frame ],
	"Marvell's switch tag" => [ 284, pack('H24 N n', '02' x 12, 1, 0x0800) . $ip ],
	"Marvell's switch tag with an EtherType" => [ 285, pack('H24 n n N n', '02' x 12, 0xdada, 0, 1, 0x86dd) . $ip6 ],
	'FDDI' => [ 10, pack('H2 H24 H16', '54', '02' x 12, 'aaaa030000000800') . $ip ],
	'ATM, RFC 1483' => [ 100, pack('H16', 'aaaa030000000800') . $ip ],
	'IP over Firewire' => [ 138, pack('H32 n', '02' x 16, 0x0800) . $ip ],
	'Infiniband' => [ 242, pack('H80 nn', '00' x 40, 0x0800, 0) . $ip ],
	"OpenBSD's IPsec" => [ 109, pack('VNN', 2, 1, 0) . $ip ],
	"OpenBSD's packet filter log" => [ 117, pack('C C x59', 61, 2) . "\0\0\0" . $ip ],
	'netfilter log' => [ 239, pack('CCn', 2, 0, 0) . pack('vvNvva4', 8, 1, 0x08000100, 7, 10, "eth") . pack('vv', 4 + length $ip, 9) . $ip ],
	'per-packet information' => [ 192, pack('CCvV', 0, 0, 8, 1) . $frame ],
	'BSD loopback, little-endian' => [ 0, pack('V', 2) . $ip ],
	'BSD loopback, big-endian' => [ 0, pack('N', 2) . $ip ],
	'BSD loopback, IPv6 of macOS' => [ 0, pack('V', 30) . $ip6 ],
	'OpenBSD loopback' => [ 108, pack('N', 2) . $ip ],
	'raw IP' => [ 101, $ip ],
	'raw IPv6' => [ 101, $ip6 ],
	'raw, IPv4 alone' => [ 228, $ip ],
	'raw, IPv6 alone' => [ 229, $ip6 ],
	'Linux cooked' => [ 113, pack('nnnx8n', 0, 1, 6, 0x0800) . $ip ],
	'Linux cooked, version 2' => [ 276, pack('nx2Nx12', 0x86dd, 1) . $ip6 ],
);

# 802.11: frame control as hex, what follows the three addresses and the
# sequence number, then LLC.
sub wifi { my ($control, $more) = @_; return pack('H4 x2 H36 x2 H*', $control, '02' x 18, $more // '') . pack('H16', 'aaaa030000000800') . $ip; }
%links = (
	%links,
	'802.11' => [ 105, wifi('0801') ],
	'802.11, quality of service' => [ 105, wifi('8801', '0000') ],
	'802.11, HT control' => [ 105, wifi('8881', '000000000000') ],
	'802.11, four addresses' => [ 105, wifi('0803', '02' x 6) ],
	'802.11, aggregated' => [ 105, wifi('8802', '8000' . '02' x 12 . '0030') ],
	'802.11 with radiotap' => [ 127, pack('CCvV', 0, 0, 8, 0) . wifi('0802') ],
	'802.11, radiotap says it is padded' => [ 127, pack('CCvVVx4x8C', 0, 0, 25, 0x80000003, 0, 0x20) . wifi('8802', '00000000') ],
	'802.11 with a Prism header' => [ 119, pack('V x140', 0x44) . wifi('0802') ],
	'802.11 with an AVS header' => [ 163, pack('NN x56', 0x80211001, 64) . wifi('0802') ],
);
for my $name (sort keys %links)
{
	my ($link, $bytes) = @{ $links{$name} };
	my $file = write_file("$dir/link.pcap", pcap($link, [ $t0, $bytes ]));
	my $source = $bytes =~ /\Q$ip6\E/ ? '2001:db8::1' : $A;
	is(keys_of(flows($file)), "$source:1000", $name);
}

my %silent = (
	'802.11, encrypted' => [ 105, wifi('0841') ],
	'802.11, a later fragment' => [ 105, pack('H4 x2 H36 H4', '0801', '02' x 18, '1100') . substr(wifi('0801'), 24) ],
	'802.11 without data' => [ 105, wifi('4801') ],
	'802.11, a beacon' => [ 105, wifi('8000') ],
	'ARP' => [ 1, ethernet(0x0806, 'x' x 28) ],
	'PPP, link control' => [ 9, pack('n', 0xc021) . 'x' x 20 ],
	'MPLS without an end' => [ 1, ethernet(0x8847, pack('N', 16 << 12) x 5) ],
	'VLAN without an end' => [ 1, ethernet(0x8100, pack('nn', 1, 0x8100) x 5) ],
);
for my $name (sort keys %silent)
{
	my ($link, $bytes) = @{ $silent{$name} };
	is(scalar flows(write_file("$dir/link.pcap", pcap($link, [ $t0, $bytes ]))), 0, "$name: no flow");
}

# ---- classic variants -------------------------------------------------------

my $plain = pcap(1, [ $t0 + 0.25, $frame ]);
my $swapped = pack('NnnNNNN', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1) . pack('NNNN', $t0, 250000, (length $frame) x 2) . $frame;
my $nanoseconds = pack('VvvVVVV', 0xa1b23c4d, 2, 4, 0, 0, 65535, 1) . pack('VVVV', $t0, 250000999, (length $frame) x 2) . $frame;
for ([ 'microseconds' => $plain ], [ 'the other byte order' => $swapped ], [ 'nanoseconds' => $nanoseconds ])
{
	my ($f) = flows(write_file("$dir/variant.pcap", $_->[1]));
	is($f->{start_time}, '2023-11-14 22:13:20.250000+00', $_->[0]);
}

# ---- pcapng -----------------------------------------------------------------

# Blocks in either byte order; "order" is '<' or '>' as in pack.
sub block
{
	my ($order, $type, $body) = @_;
	$body .= "\0" x (-length($body) % 4);
	my $length = pack("L$order", 12 + length $body);
	return pack("L$order", $type) . $length . $body . $length;
}
sub section { my ($o) = @_; return block($o, 0x0a0d0d0a, pack("L${o}S${o}S${o}q$o", 0x1a2b3c4d, 1, 0, -1)); }
sub interface
{
	my ($o, $link, $snaplen, $resolution) = @_;
	my $option = defined $resolution ? pack("S${o}S${o}Cx3", 9, 1, $resolution) . pack("L$o", 0) : '';
	return block($o, 1, pack("S${o}x2L$o", $link, $snaplen) . $option);
}
sub enhanced
{
	my ($o, $id, $ticks, $bytes) = @_;
	return block($o, 6, pack("L$o" x 5, $id, $ticks >> 32, $ticks & 0xffffffff, (length $bytes) x 2) . $bytes);
}
sub simple { my ($o, $bytes) = @_; return block($o, 3, pack("L$o", length $bytes) . $bytes); }

for my $o ('<', '>')
{
	my $file = write_file("$dir/mixed.pcapng", section($o)
		  . interface($o, 1, 65535) . interface($o, 101, 100, 9) . interface($o, 1, 0, 0x80 | 10)
		  . enhanced($o, 0, $t0 * 1e6, $frame)
		  . enhanced($o, 1, ($t0 + 1) * 1_000_000_000, ipv4(17, $B, $A, udp(7, 7, 'x')))
		  . block($o, 0xbad, 'unknown blocks are skipped')
		  . enhanced($o, 2, ($t0 + 2) * 1024 + 512, ethernet(0x0800, ipv4(17, $A, $B, udp(8, 8, 'x')))));
	my @flows = sort { $a->{start_time} cmp $b->{start_time} } flows($file);
	is(keys_of(@flows), "$A:1000 $B:7 $A:8", "pcapng $o: interfaces of different link types");
	is(join(' ', map { substr $_->{start_time}, 17, 9 } @flows), '20.000000 21.000000 22.500000', 'and of different clocks');
	is(keys_of(flows("-f 'port 7' $file")), "$B:7", 'a filter fits each of them');
}
my $sections = section('<') . interface('<', 1, 20) . enhanced('<', 0, $t0 * 1e6, $frame)
  . section('>') . interface('>', 101, 0) . simple('>', $ip);
my @two = flows(write_file("$dir/sections.pcapng", $sections));
is(join(' ', map { $_->{src_packets} } @two), '2', 'a second section in the other byte order');

my $strange = section('<') . interface('<', 129, 0) . interface('<', 1, 0)
  . enhanced('<', 0, $t0 * 1e6, 'atm') . enhanced('<', 1, $t0 * 1e6, $frame);
my ($mixed, $csv, $told) = run('--print ' . write_file("$dir/strange.pcapng", $strange));
is(() = $csv =~ /\n/g, 2, 'an interface that cannot be read does not hide the others');
like($told, qr/warning: .*: 1 packets of link types that are not supported \(129\)/, 'and is told');

my $offset = block('<', 1, pack('Sx2L', 1, 0) . pack('SSq', 14, 8, 3600) . pack('L', 0));
is((flows(write_file("$dir/offset.pcapng", section('<') . $offset . enhanced('<', 0, $t0 * 1e6, $frame))))[0]{start_time},
	'2023-11-14 23:13:20.000000+00', 'an interface whose clock has an offset');
my $snapped = block('<', 3, pack('L', 1000) . substr(ethernet(0x0800, ipv4(17, $A, $B, udp(1000, 53, 'x' x 958))), 0, 60));
is((flows(write_file("$dir/snapped.pcapng", section('<') . interface('<', 1, 60) . $snapped)))[0]{src_bytes},
	986, 'a simple packet cut at the snap length');

# ---- damage -----------------------------------------------------------------

my $long = pcap(1, map { [ $t0 + $_, $frame ] } 0 .. 9);
my %damaged = (
	'cut in a packet' => [ substr($long, 0, -5), 9 ],
	'cut in a packet header' => [ substr($long, 0, -length($frame) - 5), 9 ],
	'pcapng cut in a block' => [ substr($sections, 0, -5), 1 ],
	'pcapng with a wrong length' => [ substr($sections, 0, -4) . pack('N', 99), 1 ],
);
for my $name (sort keys %damaged)
{
	my ($bytes, $packets) = @{ $damaged{$name} };
	my ($status, $out, $err) = run('--dry-run ' . write_file("$dir/damaged", $bytes));
	is("$status " . Loader::summary($err)->{packets}, "0 $packets", "$name: what was before it");
	like($err, qr{warning: $dir/damaged: .*, truncated$}s, 'with a warning');
}

# ---- compressed -------------------------------------------------------------

# Each tool writes its format; one that is missing here is left out.
my $many = write_file("$dir/many.pcap", pcap(1, map { [ $t0 + $_ / 100, $frame ] } 0 .. 9999));
my $all = (run("-q --print $many"))[1];
for my $tool (qw(gzip zstd xz))
{
	SKIP:
	{
		skip "no $tool here", 6 if system("$tool -qc $many >$dir/packed 2>/dev/null") != 0;
		is((run("-q --print $dir/packed"))[1], $all, "$tool");
		is((run("-q --print - <$dir/packed"))[1], $all, "$tool, from a pipe");
		system("head -c 100000 $many | $tool -qc >$dir/two; tail -c +100001 $many | $tool -qc >>$dir/two");
		is((run("-q --print $dir/two"))[1], $all, "$tool, in two parts");
		system("$tool -qc $dir/sections.pcapng >$dir/packed.ng");
		is((run("-q --print $dir/packed.ng"))[1], (run("-q --print $dir/sections.pcapng"))[1], "$tool of pcapng");
		my $packed = Loader::slurp("$dir/packed");
		my ($status, $out, $err) = run('--dry-run ' . write_file("$dir/cut", substr($packed, 0, length($packed) / 2)));
		like("$status $err", qr/^0 .*warning: .*cut: $tool: the compressed data end early.*, truncated$/s, "$tool, cut short: said so");
		($status, $out, $err) = run('--dry-run ' . write_file("$dir/more", "$packed something else"));
		like("$status $err", qr/^0 .*warning: .*more: $tool: .* 10000 packets .*, truncated$/s, "$tool, followed by something else: said so");
	}
}
is((run('--dry-run ' . write_file("$dir/no.gz", "\x1f\x8b\x08 but no gzip at all")))[0], 1, 'no capture in it: exit 1');

# ---- a pipe that a signal interrupts ------------------------------------------

local $SIG{PIPE} = 'IGNORE';
my $pid = open(my $pipe, '|-', "exec $pcap2pg -q --print - >$dir/piped 2>/dev/null") or die $!;
$pipe->autoflush(1);
my $bytes = Loader::slurp($many);
print $pipe substr($bytes, 0, 100_000);
for (1 .. 5) { select undef, undef, undef, 0.1; kill 'USR1', $pid; }
print $pipe substr($bytes, 100_000);
close $pipe;
is("$? " . Loader::slurp("$dir/piped"), "0 $all", 'a signal that asks for statistics loses nothing');

# ---- files and exit codes ---------------------------------------------------

my $good = write_file("$dir/good.pcap", $plain);
my %bad = (
	text => [ "$dir/foreign", "no capture at all\n", 'not a capture file' ],
	nothing => [ "$dir/empty", '', 'not a capture file' ],
	'a link type' => [ "$dir/arcnet.pcap", pcap(129, [ $t0, 'x' ]), 'link type ARCNET_LINUX \(129\) is not supported' ],
);
for my $name (sort keys %bad)
{
	my ($file, $bytes, $message) = @{ $bad{$name} };
	my ($status, $out, $err) = run('-q --print ' . write_file($file, $bytes) . " $good");
	is($status, 1, "$name: exit 1");
	like($err, qr{^pcap2pg: \Q$file\E: $message}, 'named');
	is(() = $out =~ /\n/g, 2, 'and the other file goes on');
}
is((run("--dry-run $dir/missing $dir"))[0], 1, 'a missing file, a directory');
my @usage = ('', '--frobnicate x', '-d', '--idle=soon x', '--idle=-1 x', '--max-flows=0 x', "-f 'port port' x");
is((run($_))[0], 2, "usage: '$_'") for @usage;
my ($status, $out) = run('--help');
ok($status == 0 && $out =~ /^usage: pcap2pg/, '--help');
ok((run('--version'))[1] =~ /^pcap2pg \d+\.\d+\.\d+$/, '--version');

is((run("-q --print - < $good"))[1], (run("-q --print $good"))[1], 'standard input');
is((run("-q --print - < $dir/sections.pcapng"))[1], (run("-q --print $dir/sections.pcapng"))[1], 'also as pcapng, from a pipe');
is(join(' ', map { $_->{capture_id} } flows("$good $dir/damaged $good")), '1 2 3', 'several files, each for itself');
is((run("--dry-run -f 'tcp' $good"))[2] =~ s/.*?(\d+ packets).*/$1/sr, '0 packets', 'a filter that leaves nothing');
is((run("-q $good --print >/dev/full"))[0], 1, 'a full disk is noticed');

done_testing();
