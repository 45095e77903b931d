# Captures that are broken, odd or have crashed other tools: pcap2pg ends in
# time, says 0 or 1, and never dies of a signal or a sanitizer.
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
		$sound = $rows == 1 + $count->{flows};
	}
	ok($sound && $err !~ /Sanitizer|runtime error/, $name) or diag("status $status, $rows lines: $err");
}
diag("$loaded read, $truncated of them truncated, $refused refused");
done_testing();
