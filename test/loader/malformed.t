# Captures that are broken, odd or have crashed other tools: pcap2pg ends in
# time, says 0 or 1, never dies of a signal or a sanitizer, and reads every
# packet record there is, or says that it did not.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;

BEGIN
{
	# The sanitized build makes every read past an end, and every overflow, an end.
	my $root = "$FindBin::RealBin/../..";
	my $made = system("make -s -C $root/loader asan >/dev/null 2>&1") == 0;
	$ENV{PCAP2PG} = "$root/build/asan/pcap2pg" if $made;
	$ENV{ASAN_OPTIONS} = $ENV{UBSAN_OPTIONS} = 'exitcode=99';
}
use Loader;
use Test::More;

my @captures = glob "$data/pcaps/malformed/*";
plan skip_all => "no captures in $data/pcaps/malformed: set TEST_DATA" if !@captures;
diag('no sanitizers here: only crashes and hangs will show') if $pcap2pg !~ /asan/;

# The packets of a capture by walking from record to record, and whether the
# walk ends where the file does.
sub walk_classic
{
	my ($bytes, $order, $head) = @_;
	my ($at, $packets) = (24, 0);
	while ($at + $head <= length $bytes)
	{
		$at += $head + unpack("L$order", substr($bytes, $at + 8, 4));
		return ($packets, 0) if $at > length $bytes;
		$packets++;
	}
	return ($packets, $at == length $bytes);
}

sub walk_pcapng
{
	my ($bytes) = @_;
	my ($at, $packets, $order) = (0, 0, '<');
	while ($at + 12 <= length $bytes)
	{
		$order = unpack('V', substr($bytes, $at + 8, 4)) == 0x1a2b3c4d ? '<' : '>' if substr($bytes, $at, 4) eq "\n\r\r\n";
		my ($type, $length) = unpack("L${order}2", substr($bytes, $at, 8));
		return ($packets, 0) if $length < 12 || $at + $length > length $bytes;
		$packets++ if $type == 2 || $type == 3 || $type == 6;
		$at += $length;
	}
	return ($packets, $at == length $bytes);
}

sub walk
{
	my ($bytes) = @_;
	return walk_pcapng($bytes) if $bytes =~ /^\n\r\r\n/;
	my $order = $bytes =~ /^\xa1\xb2/ ? '>' : '<';
	my $magic = unpack("L$order", $bytes);
	return walk_classic($bytes, $order, $magic == 0xa1b2cd34 ? 24 : 16);
}

my ($loaded, $truncated, $refused) = (0, 0, 0);
for my $capture (@captures)
{
	my ($status, $out, $err) = run("--print '$capture'");
	my ($name) = $capture =~ m{([^/]+)$};
	my $rows = () = $out =~ /\n/g;
	my $count = Loader::summary($err);
	my $sound = 0;
	if ($status == 1)
	{
		$refused++;
		$sound = $rows == 1 && $err =~ /^pcap2pg: .*\Q$name\E: /;
	}
	elsif ($status == 0)
	{
		$loaded++;
		$truncated++ if $err =~ /, truncated$/m;
		my ($packets, $whole) = walk(Loader::slurp($capture));
		$sound = $rows == 1 + $count->{flows} && $count->{packets} == $packets && ($whole || $err =~ /, truncated$/m);
	}
	ok($sound && $err !~ /Sanitizer|runtime error/, $name) or diag("status $status, $rows lines: $err");
}
diag("$loaded read, $truncated of them truncated, $refused refused");
done_testing();
