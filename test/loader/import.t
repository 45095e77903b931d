# pcap2pg --csv: rows of text as flows, bad ones set aside.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Loader;
use Test::More;

my $n = 0;

# The flows of a text; options as for the shell.  Messages go to $told.
my $told;
sub import_text
{
	my ($text, $options) = @_;
	my $file = write_file("$dir/rows." . ++$n, $text);
	my ($status, $out, $err) = run("--csv --print " . ($options // '') . " $file");
	$told = $err;
	return ($status, Loader::table($out));
}

sub only { my ($text, $options) = @_; my ($status, @rows) = import_text($text, $options); diag($told) if $status; return $rows[0]; }

# The lines that were set aside, and why.
sub aside { return { $told =~ /line (\d+): (.*)/g }; }

# ---- what a file may look like ----------------------------------------------

my $header = "start_time,duration_s,src_addr,dst_addr,src_port,dst_port,protocol,src_bytes,dst_bytes,src_packets,dst_packets\n";
my $row = "2024-03-01 12:00:00.25+00,1.5,10.0.0.1,10.0.0.2,40000,443,tcp,1000,2000,10,20\n";
my %plain = (start_time => '2024-03-01 12:00:00.250000+00', duration_us => 1500000, src_addr => '10.0.0.1', dst_addr => '10.0.0.2',
	src_port => 40000, dst_port => 443, protocol => 6, src_bytes => 1000, dst_bytes => 2000, src_packets => 10, dst_packets => 20);

my %look = (
	'plain' => $header . $row,
	'CR LF' => ($header . $row) =~ s/\n/\r\n/gr,
	'byte order mark' => "\xef\xbb\xbf$header$row",
	'no end of line' => $header . ($row =~ s/\n//r),
	'semicolons' => ($header . $row) =~ s/,/;/gr,
	'tabs' => ($header . $row) =~ s/,/\t/gr,
	'bars' => ($header . $row) =~ s/,/|/gr,
	'quotes' => join("\n", map { join ',', map { qq{"$_"} } split /,/ } split /\n/, $header . $row) . "\n",
	'spaces' => ($header . $row) =~ s/,/ , /gr,
	'blank lines' => "\n\n$header\n  \n$row\n\n",
	'names in capitals' => uc($header) . $row,
	'names with spaces' => $header =~ s/_/ /gr . $row,
	'ISO 8601' => $header . $row =~ s/2024-03-01 12:00:00.25\+00/"2024-03-01T13:30:00,25+0130"/r,
	'slashes in the date' => $header . $row =~ s{2024-03-01 12:00:00.25\+00}{2024/03/01 12:00:00.25}r,
	'seconds since 1970' => $header . $row =~ s/2024-03-01 12:00:00.25\+00/1709294400.25/r,
	'milliseconds since 1970' => $header . $row =~ s/2024-03-01 12:00:00.25\+00/1709294400250/r,
	'numbers of a data frame' => $header . $row =~ s/,443,tcp,1000/,443.0,6.0,1.0e3/r,
	'unknown columns' => join("\n", map { "$_,\"a, \"\"b\"\"\nc\"" } split /\n/, $header . $row) . "\n",
);
for my $name (sort keys %look)
{
	my $flow = only($look{$name});
	is_deeply({ map { $_ => $flow->{$_} } keys %plain }, \%plain, $name);
}
is_deeply({ map { $_ => only($row, '--map start_time=1,duration_s=2,src_addr=3,dst_addr=4,src_port=5,dst_port=6,protocol=7,src_bytes=8,dst_bytes=9,src_packets=10,dst_packets=11')->{$_} } keys %plain },
	\%plain, 'no header, columns by number');
my $foreign = only("when;who;whom;how many bytes\n2024-03-01T12:00:00Z;10.0.0.1;10.0.0.2;3000\n", q{--map 'start_time=when,src_addr=who,dst_addr=whom,bytes=How_many.bytes'});
is("@$foreign{qw(src_addr dst_addr)} " . ($foreign->{src_bytes} + $foreign->{dst_bytes}), '10.0.0.1 10.0.0.2 3000', 'a map by names');
is(only($header =~ s/duration_s/Elapsed/r . $row, '--profile flow --map duration_ms=elapsed')->{duration_us}, 1500, 'a map on top of a profile');
is(only($header . $row =~ s/10.0.0.1,10.0.0.2/2001:db8::1,2001:db8::2/r)->{dst_addr}, '2001:db8::2', 'IPv6');

# ---- what is set aside ------------------------------------------------------

my %bad = (
	'too few fields' => $row =~ s/,20$//r,
	'too many fields' => $row =~ s/$/,1/r,
	'"duration_s": "soon" is not a number' => $row =~ s/,1.5,/,soon,/r,
	'"src_bytes": "nan" is not a finite number' => $row =~ s/,1000,/,nan,/r,
	'"src_bytes": "1e999" is not a finite number' => $row =~ s/,1000,/,1e999,/r,
	'"src_port": "65536" is out of range, 0 to 65535' => $row =~ s/40000/65536/r,
	'"dst_bytes": "-2" is out of range, 0 to 9.00719925474099e+15' => $row =~ s/,2000,/,-2,/r,
	'"src_addr": "10.0.0.256" is not an IP address' => $row =~ s/10.0.0.1/10.0.0.256/r,
	'"dst_addr": "::1" is of another IP version than the flow\'s other address' => $row =~ s/10.0.0.2/::1/r,
	'"start_time": "2024-02-30 12:00:00" is not a time' => $row =~ s/2024-03-01 12:00:00.25\+00/2024-02-30 12:00:00/r,
	'"start_time": "2024-03-01 25:00:00" is not a time' => $row =~ s/12:00:00.25\+00/25:00:00/r,
	'"protocol": "arp" is not a protocol of IP' => $row =~ s/tcp/arp/r,
	'"src_packets" is empty' => $row =~ s/,10,/,,/r,
	'"start_time" is empty' => $row =~ s/^[^,]*//r,
	'its time is not from 1970 to 9999' => $row =~ s/2024/1969/r,
	'a quote that is not closed' => $row =~ s/tcp/"tcp/r,
	'text behind a closing quote' => $row =~ s/tcp/"t"cp/r,
	'a zero byte' => $row =~ s/tcp/t\0cp/r,
	'the line is longer than 65536 bytes' => $row =~ s/tcp/'x' x 200000/er,
	'"protocol": "?[2Jtcp" is not a protocol of IP' => $row =~ s/tcp/\e[2Jtcp/r,
);
for my $reason (sort keys %bad)
{
	my ($status, @rows) = import_text($header . $row . $bad{$reason} . $row . $row);
	is("$status " . scalar(@rows), '0 3', "$reason: the other rows are taken");
	is_deeply(aside(), { 3 => $reason }, 'with line and reason');
}
my ($status, @rows) = import_text(join '', $header, map { $_ % 5000 ? $row : $row =~ s/10.0.0.1/"10.0.0.1/r } 1 .. 20000);
is(scalar(@rows), 19996, 'open quotes take nothing with them');
($status, @rows) = import_text(join '', $header, $row, $row =~ s/tcp/"tcp/r, $row, $row =~ s/tcp/"tcp/r, $row);
is(scalar(@rows) . ' ' . join(' ', sort keys %{ aside() }), '3 3 5', 'nor do two that close each other');
is(join(' ', map { $_->{ended_at} } (import_text($header . $row x 2 . $row =~ s/12:00:00/11:59:59/r . $row =~ s/12:00/10:00/r))[ 1 .. 4 ]),
	'2024-03-01 12:00:01.750000+00 2024-03-01 12:00:01.750001+00 2024-03-01 12:00:01.750002+00 2024-03-01 10:00:01.750000+00',
	'ended_at goes up, but for times that jump back');
($status, @rows) = import_text($header . join '', ($row =~ s/tcp/carp/r) x 3);
ok($status == 1 && @rows == 0 && $told =~ /no line of it is a flow; nothing of it was loaded/, 'none is a flow');
($status) = import_text('');
ok($status == 1 && $told =~ /it is empty/, 'an empty file');
($status) = import_text(pcap(1, [ 1_700_000_000, ethernet(0x0800, ipv4(17, '10.0.0.1', '10.0.0.2', udp(1, 2, 'x'))) ]));
ok($status == 1 && $told =~ /it is no text/, 'a capture');
($status) = import_text("colour,taste\nred,sweet\n");
ok($status == 1 && $told =~ /its columns are not known; name them with --map/, 'other columns');
($status) = import_text($header . $row, '--map ttl=hops');
ok($status == 1 && $told =~ /there is no column "hops"/, 'a map to a column that is not there');
is((import_text($header))[0], 0, 'a header alone');

for my $usage ('--map ttl', '--map colour=ttl', '--profile nonesuch', '--filter tcp', '--start soon')
{
	is((run("--csv --print $usage $dir/rows.1"))[0], 2, "usage: --csv $usage");
}
is((run("--print --profile zeek $dir/rows.1"))[0], 2, 'usage: a profile without --csv');

# ---- profiles ---------------------------------------------------------------

my $at = q{--start '2024-03-01 00:00:00'};
my @a = (import_text("packet_size,connection_duration,bytes_sent,bytes_received,packets_per_second,unique_destinations,failed_connections,port_scan_indicators,is_anomaly\n"
	  . "512.5,10,6000,3000,1.8,4,2,1,0\n0,0,0,0,0,0,0,0,1\n", $at))[ 1, 2 ];
is(join(' ', map { $_ // 'undef' } @{ $a[0] }{qw(length_mean duration_us src_bytes dst_bytes src_packets dst_packets src_distinct_dsts src_failed src_distinct_ports)}),
	'512.5 10000000 6000 3000 12 6 4 2 1', 'connection: 18 packets, divided as the bytes are');
is(join(' ', map { $_->{start_time} } @a), '2024-03-01 00:00:00.000000+00 2024-03-01 00:00:01.000000+00', 'rows without a time are a second apart');
is("$a[0]{count}|$a[0]{serror_rate}|$a[0]{protocol}", '||255', 'what it does not say is not made up');
my $b = only("Duration,PacketCount,ByteCount,SourcePort,DestinationPort,Protocol,Label\n0.5,5,500,1234,80,TCP,normal\n", $at);
is(join(' ', @$b{qw(duration_us src_packets dst_packets src_bytes dst_bytes src_port dst_port protocol)}), '500000 3 2 300 200 1234 80 6',
	'basic: totals divided, the odd packet is the originator\'s');
my $c = only("timestamp,bytes_transferred,packet_count,connection_duration,retransmission_rate,bytes_per_packet,packets_per_second,protocol\n"
	  . "2024-03-01 08:00:00,4000,40,2,0.1,100,20,UDP\n");
is(join(' ', @$c{qw(start_time retransmits length_mean)}, $c->{src_packets} + $c->{dst_packets}, $c->{src_bytes} + $c->{dst_bytes}),
	'2024-03-01 08:00:00.000000+00 4 100 40 4000', 'transfer');
my @k = (import_text("0,tcp,http,SF,181,5450,0,2,1,@{[ join ',', (0) x 13 ]},8,9,0.00,0.10,0.20,0.30,0.40,0.50,0.60,11,12,0.11,0.12,0.13,0.14,0.15,0.16,0.17,0.18,normal.\n"
	  . "3,icmp,ecr_i,SF,1032,0,1,0,0,@{[ join ',', (0) x 13 ]},511,511,0,0,0,0,1,0,0,255,255,1,0,1,0,0,0,0,0,smurf.\n", $at))[ 1, 2 ];
is(join(' ', @{ $k[0] }{qw(protocol dst_port state src_payload dst_payload bad_fragments urgent count srv_count srv_diff_host_rate dst_host_count dst_host_srv_rerror_rate)}),
	'6 80 3 181 5450 2 1 8 9 0.600000024 11 0.180000007', 'kdd, without header');
is("$k[1]{protocol} $k[1]{src_port} " . ($k[1]{src_addr} eq $k[1]{dst_addr} ? 'land' : ''), '1 0 land', 'its ICMP services and land');
my $ctu = only("StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label\n"
	  . "2011/08/10 09:46:53.047277,3550.182373,udp,212.50.71.179,39678,  <->,147.32.84.229,13363,CON,0,0,12,875,413,flow=Background\n");
is(join(' ', @$ctu{qw(start_time duration_us src_bytes dst_bytes src_port)}, $ctu->{src_packets} + $ctu->{dst_packets}),
	'2011-08-10 09:46:53.047277+00 3550182373 413 462 39678 12', 'argus, the other side of a total');
my $n17 = only("firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows\n2024-03-01 08:00:00.123,0.5,ICMP,10.0.0.1,0,10.0.0.2,8.0,3,252,1\n");
is(join(' ', @$n17{qw(start_time protocol src_port dst_port src_packets src_bytes dst_packets)}), '2024-03-01 08:00:00.123000+00 1 8 0 3 252 0', 'nfdump17');

# ---- what other tools write -------------------------------------------------

# Sums of columns of a text, "-" and nothing being 0.
sub sums
{
	my ($columns, @table) = @_;
	return join ' ', scalar(@table), map { my $c = $_; my $sum = 0; $sum += ($_->{$c} =~ /^[\d.]+$/ ? $_->{$c} : 0) for @table; $sum } @$columns;
}

SKIP: {
	skip "no captures in $data", 1 if !-d "$data/pcaps/zeek";
	my $checked = 0;
	my @columns = qw(orig_pkts resp_pkts orig_ip_bytes resp_ip_bytes orig_bytes resp_bytes id.orig_p id.resp_p);
	for my $log (glob("$data/pcaps/zeek/*conn*.log"))
	{
		my $text = Loader::slurp($log) =~ s/X{10}\.X{6}/1700000000.123456/gr;
		my ($fields) = $text =~ /^#fields\t(.*id\.orig_h.*conn_state.*)$/m or next;
		my @names = split /\t/, $fields;
		my @told = map { my %r; @r{@names} = split /\t/, $_, -1; \%r } grep { !/^#/ && length } split /\n/, $text;
		my @ours = (import_text($text))[ 1 .. @told ];
		is(join(' ', map { "$_->{src_addr} $_->{dst_addr} " . conn_state($_->{state}) } @ours),
			join(' ', map { "$_->{'id.orig_h'} $_->{'id.resp_h'} $_->{conn_state}" } @told), "$log: ends and states");
		my @json = map { my $r = $_; '{' . join(', ', map { my $v = $r->{$_};
			$v eq '-' ? () : qq{"$_": } . ($v =~ /^\d+(\.\d+)?$/ ? $v : $v eq '(empty)' ? '[]' : qq{"$v"}) } @names) . "}\n" } @told;
		is_deeply([ (import_text(join '', @json))[ 1 .. @told ] ], \@ours, "$log: the same as JSON");
		# Payload that Zeek does not tell is estimated from the bytes.
		my @stated = map { $told[$_]{orig_bytes} eq '-' ? { %{ $ours[$_] }, src_payload => 0, dst_payload => 0 } : $ours[$_] } 0 .. $#told;
		is(sums([qw(src_packets dst_packets src_bytes dst_bytes src_payload dst_payload src_port dst_port)], @stated), sums(\@columns, @told), "$log: its numbers");
		$checked++;
	}
	cmp_ok($checked, '>', 50, 'logs of Zeek were read');

	my ($argus, $argus_rows) = (0, 0);
	for my $table (glob("$data/pcaps/truth/*/argus5_merged.csv"))
	{
		my @told = grep { $_->{Proto} =~ /^(tcp|udp|icmp|ipv6-icmp|sctp)$/ } Loader::table(Loader::slurp($table) =~ s/\r//gr);
		next if !@told;
		my @ours = grep { $_->{protocol} =~ /^(6|17|1|58|132)$/ } Loader::table((run("-q --csv --print $table"))[1]);
		is(sums([qw(src_packets dst_packets src_bytes dst_bytes)], @ours), sums([qw(SrcPkts DstPkts SrcBytes DstBytes)], @told), "$table: its numbers")
		  if !grep { /rtc?p/ } Loader::slurp($table);
		$argus++;
	}
	cmp_ok($argus, '>', 10, 'tables of argus were read');
}

# Conversations of our own, through nfdump, and through our own CSV.
my @frames = map { my ($i, $t) = ($_, 1_700_000_000 + $_ * 2);
	([ $t, ethernet(0x0800, ipv4(17, "10.0.0.$i", '192.0.2.1', udp(1024 + $i, 53, 'q' x $i))) ],
	[ $t + 1, ethernet(0x0800, ipv4(17, '192.0.2.1', "10.0.0.$i", udp(53, 1024 + $i, 'r' x 60))) ],
	[ $t + 1, ethernet(0x0800, ipv4(1, "10.0.0.$i", '192.0.2.1', icmp(8, 0))) ]) } 1 .. 50;
my $capture = write_file("$dir/own.pcap", pcap(1, @frames));
SKIP: {
	my $nfdump = `nfdump -V 2>&1`;
	skip 'nfdump is not installed', 3 if $? != 0;
	mkdir "$dir/nf";
	system("nfpcapd -r $capture -w $dir/nf >/dev/null 2>&1") == 0 or die 'nfpcapd failed';
	my $text = `TZ=UTC nfdump -N -R $dir/nf -o csv`;
	my @ours = (import_text($text))[ 1 .. 200 ];
	@ours = grep { $_ } @ours;
	is($told =~ /set aside|bad lines/ ? $told : '', '', 'nfdump: every line');
	my ($bytes, $packets) = (0, 0);
	$bytes += $_->{src_bytes} + $_->{dst_bytes}, $packets += $_->{src_packets} + $_->{dst_packets} for @ours;
	is("$packets $bytes", "150 " . eval { my $sum = 0; $sum += length($_->[1]) - 14 for @frames; $sum }, 'as much as was captured');
	is(scalar(grep { $_->{protocol} == 1 && $_->{src_port} == 8 && $_->{dst_port} == 0 } @ours), 50, 'ICMP types and codes');
}
my $printed = (run("-q --print $capture"))[1];
is((run('-q --csv --print ' . write_file("$dir/own.csv", $printed)))[1], $printed, 'what --print wrote comes out again');
is((run("-q --csv --print - <$dir/own.csv"))[1], $printed, 'from a pipe, too');
system("gzip -k $dir/own.csv") == 0 or die 'gzip failed';
is((run("-q --csv --print $dir/own.csv.gz"))[1], $printed, 'compressed, too');

done_testing();
