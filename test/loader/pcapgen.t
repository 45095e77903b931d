# pcapgen against tshark: are the packets right, is the truth true, is the
# same seed the same capture?
use strict;
use warnings;
use Digest::SHA;
use File::Temp qw(tempdir);
use FindBin;
use Test::More;

my $root = "$FindBin::RealBin/../..";
my $pcapgen = "$root/build/pcapgen";
my $dir = tempdir(CLEANUP => 1);

plan skip_all => 'tshark is not installed' if system('command -v tshark >/dev/null') != 0;
BAIL_OUT("$pcapgen is missing: run make build") if !-x $pcapgen;

# Runs pcapgen; returns its exit status and what it printed.
sub pcapgen
{
	my $printed = `$pcapgen @_ 2>&1`;
	return ($? >> 8, $printed);
}

sub sha256
{
	return Digest::SHA->new(256)->addfile($_[0], 'b')->hexdigest;
}

# Rows of the frames that match, one field a column.
sub tshark
{
	my ($file, $filter, @fields) = @_;
	my $fields = join ' ', map { "-e $_" } @fields;
	my @lines = `tshark -n -r $file -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE -o sctp.checksum:crc-32c -Y '$filter' -T fields $fields 2>$dir/tshark.err`;
	die "tshark failed: " . `cat $dir/tshark.err` if $? != 0;
	chomp @lines;
	return map { [ split /\t/, $_, -1 ] } @lines;
}

sub read_truth
{
	open my $f, '<', $_[0] or die "$_[0]: $!";
	chomp(my ($head, @lines) = <$f>);
	my @names = split /,/, $head;
	return map { my %row; @row{@names} = split /,/, $_, -1; \%row } @lines;
}

# ---- options -----------------------------------------------------------------

my ($status, $printed) = pcapgen('--help');
is($status, 0, '--help succeeds');
like($printed, qr/--attacks/, '... and names the options');

for my $case (
	[ 'no output', '', qr/give -o FILE/ ],
	[ 'unknown option', "-o $dir/x --nonsense", qr/wrong option/ ],
	[ 'stray argument', "-o $dir/x more", qr/unexpected argument "more"/ ],
	[ 'attack days beyond the last', "-o $dir/x --days=3 --attack-days=2,4", qr/days from 1 to 3 .* not "2,4"/ ],
	[ 'unknown attack', "-o $dir/x --attacks=beacon,heist", qr/unknown attack "heist"/ ],
	[ 'no days', "-o $dir/x --days=0", qr/from 1 to 366, not "0"/ ],
	[ 'words for days', "-o $dir/x --days=two", qr/not "two"/ ],
	[ 'too few hosts', "-o $dir/x --hosts=7", qr/from 8 to 150/ ],
	[ 'negative seed', "-o $dir/x --seed=-1", qr/--seed/ ],
	[ 'scale zero', "-o $dir/x --scale=0", qr/--scale/ ],
	[ 'scale not a number', "-o $dir/x --scale=nan", qr/--scale/ ],
	[ 'not a time', "-o $dir/x --start=monday", qr/--start/ ],
	[ 'not a midnight', "-o $dir/x --start=2026-01-05T01:00:00Z", qr/midnight/ ],
	[ 'two things on one output', '-o - --truth=-', qr/both/ ])
{
	my ($name, $options, $message) = @$case;
	($status, $printed) = pcapgen($options);
	is($status, 2, "$name: refused");
	like($printed, $message, "$name: says why");
	ok(!-e "$dir/x", "$name: nothing written");
}

($status, $printed) = pcapgen("-o $dir/missing/x.pcap");
is($status, 1, 'directory that is not there: fails');
like($printed, qr/could not create/, '... and says why');
SKIP:
{
	skip '/dev/full is not here', 2 if !-e '/dev/full';
	($status, $printed) = pcapgen('-o /dev/full');
	is($status, 1, 'full disk: fails');
	like($printed, qr/could not write/, '... and says why');
}

# ---- determinism -------------------------------------------------------------

my $small = '--days=1 --hosts=8 --scale=0.3';

pcapgen("$small --seed=7 -o $dir/a.pcap --truth=$dir/a.csv");
pcapgen("$small --seed=7 -o $dir/b.pcap --truth=$dir/b.csv");
pcapgen("$small --seed=8 -o $dir/c.pcap --truth=$dir/c.csv");
is(sha256("$dir/a.pcap"), sha256("$dir/b.pcap"), 'same seed, same capture');
is(sha256("$dir/a.csv"), sha256("$dir/b.csv"), 'same seed, same truth');
isnt(sha256("$dir/a.pcap"), sha256("$dir/c.pcap"), 'another seed, another capture');
system("$pcapgen $small --seed=7 -o - 2>/dev/null >$dir/d.pcap");
is(sha256("$dir/d.pcap"), sha256("$dir/a.pcap"), 'standard output carries the same bytes');

pcapgen("$small --seed=7 --attacks=none -o $dir/none.pcap --truth=$dir/none.csv");
is(scalar read_truth("$dir/none.csv"), 0, 'no attacks, no truth');
pcapgen("$small --seed=7 --attacks=beacon,syn_flood -o $dir/two.pcap --truth=$dir/two.csv");
is(join(' ', sort map { $_->{attack} } read_truth("$dir/two.csv")),
	'beacon syn_flood', 'only the attacks asked for');
pcapgen("$small --days=3 --seed=7 --attack-days=2,3 --attacks=beacon,syn_flood -o $dir/days.pcap --truth=$dir/days.csv");
is(join(' ', sort map { "$_->{attack}/" . substr($_->{start}, 0, 10) } read_truth("$dir/days.csv")),
	'beacon/2026-01-06 beacon/2026-01-07 syn_flood/2026-01-06 syn_flood/2026-01-07', 'attacks on the days asked for');
my ($beacon) = grep { $_->{attack} eq 'beacon' } read_truth("$dir/a.csv");
my ($same) = grep { $_->{attack} eq 'beacon' } read_truth("$dir/two.csv");
is_deeply($same, $beacon, '... and they are the same without the others');

# ---- the packets -------------------------------------------------------------

my $pcap = "$dir/full.pcap";
($status, $printed) = pcapgen("--seed=3 -o $pcap --truth=$dir/full.csv");
is($status, 0, 'two days: written');
my ($packets) = $printed =~ /(\d+) packets/;
cmp_ok(-s $pcap, '<', 170e6, 'of moderate size');

# One look at everything: a field that a frame does not have is empty.
my @names = qw(frame.time_epoch _ws.col.Protocol tcp.stream udp.stream ip.src ip.dst
  tcp.srcport tcp.dstport udp.srcport udp.dstport ipv6.version _ws.malformed ip.checksum.status tcp.checksum.status
  udp.checksum.status icmp.checksum.status icmpv6.checksum.status tcp.analysis.flags
  tcp.analysis.retransmission dns.flags.response dns.response_to dns.flags.rcode);
my @all;
for my $row (tshark($pcap, 'frame', @names))
{
	my %frame;
	@frame{@names} = @$row;
	push @all, \%frame;
}

is(scalar @all, $packets, 'as many packets as it said');
is(count('_ws.malformed', qr/./), 0, 'tshark finds no malformed packet');
for my $layer (qw(ip tcp udp icmp icmpv6))
{
	# 0 is bad, 1 good
	is(count("$layer.checksum.status", qr/0/), 0, "no bad checksum in $layer");
	cmp_ok(count("$layer.checksum.status", qr/1/), '>', 100, "... and $layer was checked");
}
is(scalar(grep { $_->{'tcp.analysis.flags'} ne '' && $_->{'tcp.analysis.retransmission'} eq '' } @all),
	0, 'no gap, no disorder, no overrun window in any TCP stream');
my $again = count('tcp.analysis.retransmission', qr/./);
cmp_ok($again, '>', 20, 'some segments are sent twice');
cmp_ok($again, '<', $packets / 500, '... but few');
is(scalar(grep { $all[$_]{'frame.time_epoch'} < $all[ $_ - 1 ]{'frame.time_epoch'} } 1 .. $#all),
	0, 'ordered by time');

cmp_ok(count('_ws.col.Protocol', qr/^$_$/), '>', 100, "tshark sees $_")
  for qw(DNS NTP HTTP SMTP SSHv2 TLSv1.3 ICMP ICMPv6 TCP);
cmp_ok(count('ipv6.version', qr/6/), '>', $packets / 20, 'some of it is IPv6');
is(scalar(grep { $_->{'dns.flags.response'} eq '1' && $_->{'dns.response_to'} eq '' } @all),
	0, 'every DNS answer has its question');
is(count('dns.flags.rcode', qr/[^03]/), 0, 'DNS answers are yes or no such name');

sub count
{
	my ($field, $pattern) = @_;
	return scalar grep { $_->{$field} =~ $pattern } @all;
}

# ---- the truth ---------------------------------------------------------------

my $start = 1767571200;    # 2026-01-05T00:00:00Z
my @truth = read_truth("$dir/full.csv");
is(join(' ', sort map { $_->{attack} } @truth),
	'beacon brute_force exfiltration host_scan port_scan syn_flood', 'six attacks');
my %attackers = map { $_->{src} => 1 } @truth;
is(scalar keys %attackers, 6, 'each with an attacker of its own');

# The jump host is only visited by administrators, and no host but the attacker
# uses the scanned service or talks to the attackers' machines.
my $tally = {};
add_up($tally, $_, @truth) for @all;
for my $t (@truth)
{
	check_truth($tally->{ $t->{attack} }, $t);
	cmp_ok(epoch($t->{start}), '>=', $start + 86400, "$t->{attack}: on the second day");
}

pcapgen("$small --seed=7 --attacks=usual -o $dir/usual.pcap --truth=$dir/usual.csv");
is(sha256("$dir/usual.pcap"), sha256("$dir/a.pcap"), 'the usual attacks are the default');

my @rare = qw(database_guessing mail_guessing night_upload sctp_sweep slow_brute_force slow_ping_sweep spoofed_syn_flood
  spoofed_udp_flood udp_flood unusual_upload);
pcapgen("$small --seed=7 --attacks=all -o $dir/every.pcap --truth=$dir/every.csv");
my @every = read_truth("$dir/every.csv");
is(join(' ', sort map { $_->{attack} } @every), join(' ', sort @rare, map { $_->{attack} } @truth), 'all: the rare ones too');
is(scalar(keys %{ { map { $_->{src} => 1 } @every } }), @every - 1, 'only the forged ones have a source in common');
my %usual = map { $_->{attack} => $_ } read_truth("$dir/a.csv");
is_deeply([ grep { $usual{ $_->{attack} } } @every ], [ read_truth("$dir/a.csv") ], '... the usual ones as without them');
pcapgen("$small --seed=7 --attacks=" . join(',', @rare) . " -o $dir/rare.pcap --truth=$dir/rare.csv");
@truth = read_truth("$dir/rare.csv");
is_deeply(\@truth, [ grep { !$usual{ $_->{attack} } } @every ], '... and these as without the usual');

@names = qw(frame.time_epoch tcp.stream udp.stream ip.src ip.dst tcp.srcport tcp.dstport
  udp.srcport udp.dstport icmp.type sctp.srcport sctp.dstport sctp.chunk_type sctp.checksum.status pgsql.type _ws.col.Info
  _ws.malformed ip.checksum.status);
$tally = {};
for my $row (tshark("$dir/rare.pcap", 'ip', @names))
{
	my %frame;
	@frame{@names} = @$row;
	$frame{'_ws.malformed'} eq '' && $frame{'ip.checksum.status'} eq '1' or $tally->{bad}++;
	$tally->{sctp}{"$frame{'sctp.chunk_type'} $frame{'sctp.checksum.status'}"}++ if $frame{'sctp.srcport'} ne '';
	$tally->{postgres}{ $frame{'_ws.col.Info'} }++ if $frame{'pgsql.type'} ne '';
	add_up($tally, \%frame, @truth);
}
is($tally->{bad}, undef, 'rare attacks: tshark finds nothing wrong');
check_truth($tally->{ $_->{attack} }, $_) for @truth;
cmp_ok(scalar keys %{ $tally->{$_}{sources} }, '>=', 200, "$_: from many addresses") for qw(spoofed_syn_flood spoofed_udp_flood);
ok(!(grep { !/^198\.1[89]\./ } map { keys %{ $tally->{$_}{sources} } } qw(spoofed_syn_flood spoofed_udp_flood)),
	'... of those for benchmarks');
my ($upload) = grep { $_->{attack} eq 'night_upload' } @truth;
like($upload->{start}, qr/T0[0-4]:/, 'night_upload: by night');
my %placed = map { $_->{attack} => $_ } @truth;
# one chunk, an INIT (1), whose CRC-32C is good (1)
is_deeply($tally->{sctp}, { '1 1' => $placed{sctp_sweep}{packets} }, 'sctp_sweep: INITs with the right checksum');
is_deeply([ sort values %{ $tally->{postgres} } ], [ ($placed{database_guessing}{flows}) x 4 ],
	'database_guessing: tshark reads four messages of PostgreSQL in each connection');

# A frame of an attack's conversations, added to what is known of the attack.
sub add_up
{
	my ($known, $frame, @attacks) = @_;
	for my $t (@attacks)
	{
		my $sender = between($frame, $t) or next;
		my $sum = $known->{ $t->{attack} } //= {};
		$sum->{packets}++;
		# tshark has no streams of ICMP and SCTP: a host each
		$sum->{flows}{ join '/', map { $frame->{$_} // '' } qw(tcp.stream udp.stream),
			$frame->{'tcp.stream'} . $frame->{'udp.stream'} eq '' ? 'ip.dst' : () } = 1;
		$sum->{sources}{ $frame->{'ip.src'} } = 1 if $sender eq 'src';
		$sum->{first} //= $frame->{'frame.time_epoch'};
		$sum->{last} = $frame->{'frame.time_epoch'};
	}
	return;
}

sub check_truth
{
	my ($sum, $t) = @_;
	is($sum->{packets}, $t->{packets}, "$t->{attack}: packets as tshark counts them");
	is(scalar keys %{ $sum->{flows} }, $t->{flows}, "$t->{attack}: flows as tshark counts them");
	is(epoch($t->{start}), sprintf('%.6f', $sum->{first}), "$t->{attack}: starts with its first packet");
	is(epoch($t->{end}), sprintf('%.6f', $sum->{last}), "$t->{attack}: ends with its last packet");
	return;
}

# Which side of this attack sent the frame, if it belongs to its conversations?
sub between
{
	my ($frame, $t) = @_;
	my ($layer) = grep { ($frame->{"$_.stream"} // '') ne '' } qw(tcp udp);
	$layer //= 'sctp' if ($frame->{'sctp.srcport'} // '') ne '';
	return if !defined $layer && $t->{attack} ne 'slow_ping_sweep';
	for ([ 'src', 'dst' ], [ 'dst', 'src' ])
	{
		my ($from, $to) = @$_;
		next if !within($frame->{"ip.$from"}, $t->{src}) || !within($frame->{"ip.$to"}, $t->{dst});
		return $from if !defined $layer && ($frame->{'icmp.type'} // '') ne '';
		return $from if defined $layer && ($t->{dst_port} eq '' || $frame->{"$layer.${to}port"} eq $t->{dst_port});
	}
	return;
}

# Is the address this one, or of this network?  0.0.0.0 is anybody.
sub within
{
	my ($address, $network) = @_;
	my ($base, $bits) = split m{/}, $network;
	return 1 if $address eq $network || $network eq '0.0.0.0';
	return 0 if !defined $bits || $address !~ /^\d+\.\d+\.\d+\.\d+$/;
	return !((unpack('N', pack 'C4', split /\./, $address) ^ unpack('N', pack 'C4', split /\./, $base)) >> 32 - $bits);
}

sub epoch
{
	my ($seconds, $fraction) = $_[0] =~ /^(.*)(\.\d{6})Z$/;
	my $epoch = `date -u -d '${seconds}Z' +%s`;
	chomp $epoch;
	return "$epoch$fraction";
}

# ---- the shape of a day ------------------------------------------------------

# New conversations of each hour of the clean first day
my (@by_hour, %known);
for (@all)
{
	my $stream = join '/', $_->{'tcp.stream'}, $_->{'udp.stream'};
	my $hour = int(($_->{'frame.time_epoch'} - $start) / 3600);
	$by_hour[$hour]++ if $hour < 24 && !$known{$stream}++;
}
my ($night, $day, $total) = (0, 0, 0);
$night += $by_hour[$_] // 0 for 0 .. 5;
$day += $by_hour[$_] // 0 for 9 .. 11, 14 .. 16;
$total += $_ // 0 for @by_hour;
cmp_ok($total, '>', 12000, 'an ordinary day has its flows');
cmp_ok($total, '<', 25000, '... and not too many');
cmp_ok($night, '<', $day / 5, 'six hours of night are far below six of the office');
cmp_ok($night, '>', 50, '... but not silent');

pcapgen("--seed=3 --start=2026-01-10T00:00:00Z --days=1 --attacks=none -o $dir/saturday.pcap");
my @saturday = tshark("$dir/saturday.pcap", 'frame', 'frame.number');
my @monday = grep { $_->{'frame.time_epoch'} < $start + 86400 } @all;
cmp_ok(scalar @saturday, '<', @monday / 3, 'a Saturday is quiet');

done_testing();
