# Files of others' profiles come out of the views of the same names as they
# went in.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Loader;
use Store;
use Test::More;

# Feeds psql; what it prints.
sub psql
{
	my ($script) = @_;
	write_file("$dir/script.sql", $script);
	my $out = `psql -XqAt -v ON_ERROR_STOP=1 -f $dir/script.sql`;
	die "psql failed: $script" if $? != 0;
	chomp $out;
	return $out;
}

new_store('profile_test');
sql(q{SELECT anomaly_create_flow_store('kdd')});

# Loads a file, and says in how many rows the view differs from it.  The file
# is read a second time by COPY, into a table with its own columns and types.
sub differences
{
	my ($view, $types, $text, $store) = @_;
	$store //= 'netflow';
	my $time = $view eq 'flow_transfer' ? 'timestamp' : 'start_time';
	my $file = write_file("$dir/$view.csv", $text);
	my ($status, $out, $err) = run("-s $store --csv --start '2024-03-01' $file");
	is($status, 0, "$view: loaded") or diag($err);
	my $rows = () = $text =~ /\n/g;
	my $columns = join ', ', map { (split / /)[0] } split /, /, $types;
	return psql("CREATE TABLE file (n serial, $types);\n\\copy file ($columns) FROM '$file' (FORMAT csv, HEADER)\n"
		  . "SELECT count(*) = $rows - 1 FROM file;\n"
		  . "WITH ours AS (SELECT row_number() OVER (ORDER BY f.$time) AS n, f.* FROM (SELECT * FROM $store.$view) f),\n"
		  . "told AS (SELECT n, $columns FROM file), made AS (SELECT n, @{[ join ', ', map { my ($name, $type) = /(\S+) (.*)/; qq{$name\:\:$type} } split /, /, $types ]} FROM ours)\n"
		  . "SELECT count(*) FROM ((TABLE told EXCEPT TABLE made) UNION ALL (TABLE made EXCEPT TABLE told)) d;\nDROP TABLE file; DELETE FROM $store.flow; DELETE FROM $store.capture;");
}

srand 7;
my $some = sub { return int rand $_[0] };

is(differences('flow_connection', 'packet_size real, connection_duration float8, bytes_sent int8, bytes_received int8, packets_per_second numeric(12,3), unique_destinations int, failed_connections int, port_scan_indicators int',
	join("\n", 'packet_size,connection_duration,bytes_sent,bytes_received,packets_per_second,unique_destinations,failed_connections,port_scan_indicators',
		(map { my $s = 1 + $some->(100); join ',', 64 + $some->(1400) + 0.5, $s, $some->(1e6), $some->(1e6), (1 + $some->(500)) . '.000', $some->(50), $some->(9), $some->(4) } 1 .. 500), '')),
	"t\n0", 'connection');
is(differences('flow_basic', '"Duration" float8, "PacketCount" int8, "ByteCount" int8, "SourcePort" int, "DestinationPort" int, "Protocol" text',
	join("\n", 'Duration,PacketCount,ByteCount,SourcePort,DestinationPort,Protocol',
		(map { join ',', $some->(100) / 4, 1 + $some->(1e5), $some->(1e9), $some->(65536), $some->(65536), (qw(TCP UDP ICMP))[ $_ % 3 ] } 1 .. 500), '')),
	"t\n0", 'basic');
is(differences('flow_transfer', 'bytes_transferred int8, packet_count int8, connection_duration float8, retransmission_rate numeric(6,3), bytes_per_packet numeric(12,3), protocol text',
	join("\n", 'bytes_transferred,packet_count,connection_duration,retransmission_rate,bytes_per_packet,protocol',
		(map { my ($p, $size) = (1000, 40 + $some->(1400)); join ',', $p * $size, $p, $some->(100) / 4, sprintf('%.3f', $some->(200) / 1000), "$size.000", (qw(TCP UDP))[ $_ % 2 ] } 1 .. 500), '')),
	"t\n0", 'transfer');

# Nothing divides by a duration of 0.
psql("INSERT INTO netflow.capture (source, state) VALUES ('hand', 'loaded');");
run('--csv --start 2024-03-01 ' . write_file("$dir/zero.csv", "Duration,PacketCount,ByteCount,Protocol\n0,0,0,TCP\n0,3,300,UDP\n"));
is(psql(q{SELECT count(*) FROM netflow.flow_basic b, netflow.flow_connection c, netflow.flow_transfer t, netflow.flow_kdd k
	WHERE b.start_time = c.start_time AND c.start_time = t.timestamp AND t.timestamp = k.start_time
	AND b."PacketsPerSecond" + b."BytesPerSecond" + b."BytesPerPacket" + b."DurationPerPacket" + c.bytes_ratio + c.connection_efficiency
		+ t.retransmission_rate + t.bytes_per_packet + t.packets_per_second < 'Infinity'}), 2, 'a duration of 0');
is(psql(q{SELECT packets_per_second, round(bytes_ratio::numeric, 9), connection_efficiency FROM netflow.flow_connection ORDER BY start_time DESC LIMIT 1}),
	'3000|1.980198020|200', 'derived columns, by hand');

SKIP: {
	my $kdd = "$data/data/nslkdd/KDDTest+.csv.gz";
	skip "no $kdd", 3 if !-f $kdd;
	# A port tells the service but for those that have none, or none of their own.
	my @lines = split /\n/, `zcat $kdd`;
	my $header = shift @lines;
	my @content = split /,/, 'hot,num_failed_logins,logged_in,num_compromised,root_shell,su_attempted,num_root,num_file_creations,num_shells,num_access_files,num_outbound_cmds,is_host_login,is_guest_login';
	my @names = split /,/, $header;
	my %type = (map({ $_ => 'text' } @content, qw(protocol_type service flag label difficulty)), map { $_ => 'real' } grep { /_rate$/ } @names);
	my @derived = grep { my $n = $_; !grep { $_ eq $n } @content, 'label', 'difficulty' } @names;
	my %at; @at{@names} = 0 .. $#names;
	my @kept = grep { my $service = (split /,/)[2]; $service !~ /^(other|private|urh_i|urp_i|domain|domain_u|oth_i|link|efs|ntp_u|tftp_u)$/ } @lines;
	my @rows = map { my @f = split /,/; join ',', @f[ @at{@derived} ] } @kept;
	cmp_ok(scalar(@rows), '>', 10000, 'connections of NSL-KDD');
	is(differences('flow_kdd', join(', ', map { my $t = $type{$_} // 'int8'; "$_ $t" } @derived), join("\n", join(',', @derived), @rows, ''), 'kdd'),
		"t\n0", 'kdd');
}

done_testing();
