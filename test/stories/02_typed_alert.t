# Story 2: a typed alert under ten minutes: an empty server, a capture, and no setting changed.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Story;
use Test::More;
use File::Temp qw(tempdir);

my $dir = tempdir(CLEANUP => 1);
my $begin = time;
my ($pcapgen, $pcap2pg) = (program('pcapgen'), program('pcap2pg'));
is(system("$pcapgen --days=1 --scale=0.2 -o $dir/day.pcap --truth $dir/truth.csv 2>/dev/null"), 0, 'a capture');
sql("SELECT anomaly_create_flow_store('netflow')");
is(system("$pcap2pg --store netflow $dir/day.pcap >/dev/null 2>&1"), 0, 'is loaded');
my %alert = map { $_ => 1 } split /\n/, sql("SELECT DISTINCT host(source) || ' ' || threat FROM netflow.alert");
my $took = time - $begin;
open(my $truth, '<', "$dir/truth.csv") or die;
my (undef, @attacks) = map { [ split /,/ ] } <$truth>;
my @typed = grep { $alert{"$_->[2] $_->[1]"} } @attacks;
cmp_ok(scalar @attacks, '>', 0, 'attacks were placed');
cmp_ok(scalar @typed, '>', 0, sprintf('%d of %d have an alert with the right threat', scalar @typed, scalar @attacks));
cmp_ok($took, '<', 600, "after $took s");
done_testing();
