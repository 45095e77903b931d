# anomaly_community_id against the identifiers that Suricata 7 wrote.
#
# Suricata leaves the specification in three places, where its values are not
# taken for right (the specification's own are in test/sql/community_id.sql):
# it hashes ports of protocols that have none, it compares the ports of equal
# addresses in the machine's byte order, and it orders the ends of ICMPv6
# messages that have no answer, or takes the packet that an error quotes.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;

my @tables;
BEGIN
{
	my $data = $ENV{TEST_DATA} // "$FindBin::RealBin/../../../shared";
	@tables = glob("$data/pcaps/truth/*/suricata7_flow.csv");
	plan skip_all => "no captures in $data/pcaps" if !@tables;
}
use Cluster;

my %number = (TCP => 6, UDP => 17, SCTP => 132, ICMP => 1, 'IPv6-ICMP' => 58);
my ($rows, $other) = (0, 0);
open(my $psql, '|-', 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', 'postgres') or die "psql: $!";
print $psql "CREATE TABLE told (file text, protocol int2, src inet, src_port int, dst inet, dst_port int, id text);\nCOPY told FROM STDIN (FORMAT csv);\n";
for my $file (@tables)
{
	open(my $in, '<', $file) or die "$file: $!";
	my $header = <$in>;
	$header =~ s{\s+\z}{};
	my @names = split /,/, $header;
	while (my $line = <$in>)
	{
		$line =~ s{\s+\z}{};
		my %f;
		@f{@names} = split /,/, $line, -1;
		next if $f{community_id} eq '';
		my $protocol = $number{ $f{proto} } // 0;
		my $one_way = $protocol == 58 && ($f{sport} < 128 || $f{sport} == 143);
		$other++, next if !$protocol || $f{src} eq $f{dst} || $one_way;
		$rows++;
		print $psql join(',', $file, $protocol, $f{src}, $f{sport} || 0, $f{dst}, $f{dport} || 0, $f{community_id}), "\n";
	}
}
print $psql "\\.\n";
close $psql or die 'psql failed';

note("$other flows left out");
cmp_ok($other, '<', 20, 'few are left out');
cmp_ok($rows, '>', 1000, 'flows were read');
is(sql("SELECT count(*) FROM told WHERE anomaly_community_id(src, dst, protocol, src_port, dst_port) <> id"),
	0, "$rows flows of Suricata have its identifier")
  or diag(sql("SELECT DISTINCT ON (protocol) file, protocol, src, src_port, dst, dst_port, id FROM told
	WHERE anomaly_community_id(src, dst, protocol, src_port, dst_port) <> id"));

done_testing();
