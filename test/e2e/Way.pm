# Way.pm - what the end-to-end tests share: a private cluster, databases with
# a flow store in them, and the programs of the build.
package Way;

use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use Test::More;

our @EXPORT = qw($root $build cluster_start new_store sql rows load learn watch
  generate read_truth labelled_captures other_captures %usual_rule captured_rules);

our $root = abs_path(dirname(abs_path(__FILE__)) . '/../..');
our $build = "$root/build";

my $cluster = 'gen';
my $started = 0;

# Starts the cluster afresh and points libpq at it; it goes when the test ends.
sub cluster_start
{
	-x "$build/$_" or BAIL_OUT("$build/$_ is missing: run make stage") for qw(pcap2pg pcapgen);
	$started = 1;
	system("$root/test/stack/cluster.sh drop $cluster") == 0
	  && system("$root/test/stack/cluster.sh start $cluster fsync=off") == 0
	  or BAIL_OUT('no cluster');
	my $environment = `$root/test/stack/cluster.sh env $cluster`;
	$ENV{$1} = $2 while $environment =~ /(PG[A-Z]+)=(\S+)/g;
	return;
}

END
{
	my $status = $?;
	system("$root/test/stack/cluster.sh drop $cluster") if $started;
	$? = $status;
}

# The rows of a query, one array of columns each; dies on an error.
sub rows
{
	my ($query) = @_;
	open my $psql, '-|', 'psql', '-XqAt', '-F', "\t", '-v', 'ON_ERROR_STOP=1', '-c', $query
	  or die "psql: $!";
	my @rows = map { chomp; $_ eq '' ? [''] : [ split /\t/, $_, -1 ] } <$psql>;
	close $psql or die "failed: $query\n";
	return @rows;
}

# The first column of the first row.
sub sql
{
	my @rows = rows(@_);
	return @rows ? $rows[0][0] : undef;
}

# A new database with an empty store, which following calls talk to.
sub new_store
{
	my ($database) = @_;
	$ENV{PGDATABASE} = 'postgres';
	sql("CREATE DATABASE $database");
	$ENV{PGDATABASE} = $database;
	sql('CREATE EXTENSION pg_anomaly');
	sql(q{SELECT anomaly_create_flow_store('netflow')});
	return $database;
}

# Loads captures; returns the exit status and what the loader printed.
sub load
{
	my @files = map { quotemeta } @_;
	my $printed = `$build/pcap2pg --store netflow @files 2>&1`;
	return ($? >> 8, $printed);
}

# Trains on the flows of a condition; returns the rows used.
sub learn
{
	my ($condition) = @_;
	return sql(qq{SELECT rows_used FROM anomaly_train('office',
		\$\$SELECT * FROM netflow.flow_feature WHERE $condition\$\$,
		features => anomaly_flow_features())});
}

sub watch
{
	return sql(q{SELECT anomaly_watch('netflow', 'office')});
}

# A generated capture and its truth: the packets it said, and the attacks.
sub generate
{
	my ($file, @options) = @_;
	my $printed = `$build/pcapgen @options -o $file --truth $file.csv 2>&1`;
	die "pcapgen failed: $printed" if $? != 0;
	my ($packets) = $printed =~ /(\d+) packets/;
	return ($packets, read_truth("$file.csv"));
}

sub read_truth
{
	my ($file) = @_;
	open my $f, '<', $file or die "$file: $!";
	chomp(my ($head, @lines) = <$f>);
	my @names = split /,/, $head;
	return map { my %row; @row{@names} = split /,/, $_, -1; \%row } @lines;
}

# The rule that is there to tell each of pcapgen's usual attacks.
our %usual_rule = (
	syn_flood => 'syn_flood',
	port_scan => 'vertical_scan',
	host_scan => 'horizontal_scan',
	brute_force => 'login_guessing',
	exfiltration => 'large_upload',
	beacon => 'beacon');

# Captures and what an analyst sees in them: attacker, threat and the rule that
# is there to tell it if there is one, and why no default rule does, if none does.
my @labelled = (
	[ 'nDPI__synscan.pcap', '172.16.0.8', 'port_scan', 'vertical_scan' ],
	[ 'zeek__bruteforce.pcap', '192.168.56.1', 'brute_force', 'login_guessing' ],
	[ 'nDPI__dns-tunnel-iodine.pcap', '10.0.2.30', 'tunnel', 'dns_tunnel' ],
	[ 'nDPI__icmp-tunnel.pcap', '192.168.154.131', 'tunnel', 'icmp_tunnel' ],
	[ 'packet-captures__amp.UDP.snmp.src161.pcapng', '10.10.10.10', 'ddos', 'reflection' ],	# the victim
	[ 'try-zeek__http.pcap' ],
	[ 'nDPI__1kxun.pcap' ],
	[ 'joy__kali-password-attack_hydra.pcap', '192.168.1.2', 'brute_force', 'login_burst' ],
	[ 'StratosphereLinuxIPS__test12-icmp-portscan.pcap', '192.168.1.109', 'port_scan', 'ping_sweep' ],
	[ 'suricata-verify__rsmurf6.pcap', 'ff02::1', 'ddos', 'icmp_flood' ],	# its source is forged
	[ 'nDPI__trickbot.pcap', '10.12.29.101', 'beaconing', undef, 'one connection' ]);

# The rules that the captures test.
sub captured_rules
{
	return grep { defined } map { $_->[3] } @labelled;
}

# Those in TEST_DATA, with their paths.
sub labelled_captures
{
	my $captures = ($ENV{TEST_DATA} // "$root/../shared") . '/pcaps/pcaps';
	return if !-d $captures;
	return map { [ "$captures/$_->[0]", @$_[ 1 .. 4 ] ] } @labelled;
}

# The other captures beside them, of which none is of an attack.
sub other_captures
{
	my %labelled = map { $_->[0] => 1 } labelled_captures();
	my ($directory) = map { s{/[^/]*$}{}r } keys %labelled;
	return defined $directory ? grep { !$labelled{$_} } sort glob(quotemeta($directory) . '/*') : ();
}

1;
