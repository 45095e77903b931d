# pcap2pg --csv and the database: good rows in, bad rows aside, once.
use strict;
use warnings;
use Digest::SHA;
use FindBin;
use lib $FindBin::RealBin;
use Loader;
use Store;
use Test::More;

# The least that a database can hold: what is set aside must fit all the same.
sql(q{CREATE DATABASE import_test TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'});
$ENV{PGDATABASE} = 'import_test';
sql('CREATE EXTENSION pg_anomaly');
sql('SELECT anomaly_create_flow_store()');

# ---- ten dirty rows among a thousand ----------------------------------------

my @rows = map { my $i = $_; my $hour = sprintf '%02d', $i % 24; my $day = sprintf '%02d', 1 + $i % 5;
	"2024-03-$day $hour:00:00,@{[ $i / 10 ]},@{[ $i * 7 ]},@{[ $i * 11 ]},10.0.0.@{[ $i % 250 ]},192.0.2.1,@{[ 1024 + $i ]},443,tcp" } 1 .. 1000;
my %dirty = (
	3 => 'x' x 5000,
	99 => '',
	100 => $rows[99] =~ s/,tcp//r,
	101 => $rows[100] =~ s/tcp/tcp,tcp/r,
	230 => $rows[229] =~ s/10\.0\.0\./ten.zero./r,
	231 => $rows[230] =~ s/^2024/twenty/r,
	500 => $rows[499] =~ s/tcp/"tcp/r,
	501 => $rows[500] =~ s/tcp/caf\xe9 \xe2\x82\xac \\ \x01/r,
	777 => $rows[776] =~ s/,443,/,99999,/r,
	998 => $rows[997] =~ s/,77,|,\d+,(?=10\.)/,-1,/r,
	1000 => $rows[999] =~ s/192/\0/r,
);
delete $dirty{99};	# ten are left
$rows[ $_ - 1 ] = $dirty{$_} for keys %dirty;
my $text = join "\n", 'start_time,duration_s,src_bytes,dst_bytes,src_addr,dst_addr,src_port,dst_port,protocol', @rows, '';
my $file = write_file("$dir/thousand.csv", $text);

my ($status, $out, $err) = run("--csv --dry-run $file");
ok($status == 0 && $err =~ /10 lines set aside/, 'a dry run says what would be set aside');
is(sql('SELECT count(*) FROM netflow.capture'), 0, 'and does nothing');
($status, $out, $err) = run("--csv $file");
is($status, 0, 'loaded') or diag($err);
is(sql('SELECT count(*) FROM netflow.flow'), 990, '990 rows are in');
is(sql(q{SELECT string_agg(line::text, ' ' ORDER BY line) FROM netflow.reject}),
	join(' ', map { $_ + 1 } sort { $a <=> $b } keys %dirty), '10 are set aside, by their lines');
my @good = grep { !$dirty{$_} } 1 .. 1000;
my ($src, $dst) = (0, 0);
$src += $_ * 7, $dst += $_ * 11 for @good;
is(sql('SELECT sum(src_bytes), sum(dst_bytes) FROM netflow.flow'), "$src|$dst", 'the others as they were');
is(sql(q{SELECT string_agg(line || ' ' || reason, '; ' ORDER BY line) FROM netflow.reject}),
	join('; ', '4 too few fields', '101 too few fields', '102 too many fields', '231 "src_addr": "ten.zero.230" is not an IP address',
		'232 "start_time": "twenty-03-02 15:00:00" is not a time', '501 a quote that is not closed',
		'502 "protocol": "caf? ??? \ ?" is not a protocol of IP',
		'778 "dst_port": "99999" is out of range, 0 to 65535',
		'999 "dst_bytes": "-1" is out of range, 0 to 9.00719925474099e+15', '1001 a zero byte'), 'each with its reason');
is(sql('SELECT raw FROM netflow.reject WHERE line = 101'), $dirty{100}, 'and its text');
is(sql('SELECT length(raw) FROM netflow.reject WHERE line = 4'), 1997, 'cut where it is long');
like(sql('SELECT raw FROM netflow.reject WHERE line = 502'), qr/,caf\\xe9 \\xe2\\x82\\xac \\ \\x01$/, 'in printable ASCII');
is(sql(q{SELECT concat_ws(' ', flows, rejected, file_bytes, encode(sha256, 'hex'), state, truncated, drops IS NULL) FROM netflow.capture}),
	"990 10 @{[ length $text ]} @{[ Digest::SHA::sha256_hex($text) ]} loaded f t", 'its row in capture');
is(sql('SELECT min(start_time) = (SELECT first_packet FROM netflow.capture),
	max(start_time + duration_us * interval \'1 microsecond\') = (SELECT last_packet FROM netflow.capture) FROM netflow.flow'), 't|t', 'its period');

# ---- once, whole, or not at all ---------------------------------------------

my $stored = 'SELECT (SELECT count(*) FROM netflow.capture), (SELECT count(*) FROM netflow.flow), (SELECT count(*) FROM netflow.reject)';
($status, $out, $err) = run("--csv $file");
ok($status == 0 && $err =~ /already loaded as capture 1/, 'a second time: says so');
($status, $out, $err) = run("--csv - <$file");
ok($status == 0 && $err =~ /already loaded as capture 1/, 'from a pipe, too');
is(sql($stored), '1|990|10', 'and changes nothing');

my $hopeless = write_file("$dir/hopeless.csv", join "\n", 'start_time,src_addr,dst_addr', ('never,here,there') x 3000, '');
($status, $out, $err) = run("--csv $hopeless $dir/missing.csv");
ok($status == 1 && $err =~ /nothing of it was loaded/, 'a file without a single flow is an error');
is(sql($stored), '1|990|10', 'of which nothing stays');

my $many = write_file("$dir/many.csv", join "\n", (split /\n/, $text)[0], map { ($rows[0], "bad $_") } 1 .. 20000);
($status, $out, $err) = run("--csv -q $many");
is(sql($stored), '2|20990|20010', 'as many bad rows as there are');
is(sql('SELECT sum(substr(raw, 5)::int) = sum((line - 1) / 2) AND count(DISTINCT line) = 20000 FROM netflow.reject WHERE capture_id > 1'), 't', 'each under its line');

sql(q{CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no more flows'; END $$;
	CREATE TRIGGER refuse AFTER INSERT ON netflow.flow EXECUTE FUNCTION refuse()});
($status, $out, $err) = run('--csv ' . write_file("$dir/refused.csv", "$text\n"));
ok($status == 3 && $err =~ /no more flows/, 'an error of the database');
is(sql($stored), '2|20990|20010', 'takes the rejects along');

sql('DELETE FROM netflow.capture WHERE id > 1');
is(sql('SELECT count(*) FROM netflow.reject'), 10, 'rejects go with their capture');

# ---- the same through SQL -------------------------------------------------------

sql("DROP TRIGGER refuse ON netflow.flow");

# Every mixture of what a line of argus may say and leave out.
my %argus = (StartTime => 'start_time', Proto => 'protocol', SrcAddr => 'src_addr', DstAddr => 'dst_addr', LastTime => 'end_time', Dur => 'duration_s',
	Sport => 'src_port', Dport => 'dst_port', SrcPkts => 'src_packets', DstPkts => 'dst_packets', TotPkts => 'packets',
	SrcBytes => 'src_bytes', DstBytes => 'dst_bytes', TotBytes => 'bytes');
my @header = ('StartTime', 'Proto', 'SrcAddr', 'DstAddr', sort grep { !/^(StartTime|Proto|SrcAddr|DstAddr)$/ } keys %argus);
my @mixed = map { my $i = $_; join ',', map { my $column = $argus{$_}; my $u = (hex substr Digest::SHA::sha256_hex("$i $column"), 0, 8) / 2**32;
	$column eq 'start_time' ? sprintf('2024-05-%02d 10:00:%02d.25', 1 + $i % 3, 25 * $u) :
	$column =~ /addr/ ? ($i % 4 || $i % 400 == 0 && $column =~ /src/ ? '10.0.0.' : '2001:db8::') . int(200 * $u) :
	$u < 0.5 ? '' :
	$column eq 'end_time' ? sprintf('2024-05-%02d 10:00:%02d.25', 1 + $i % 3, 10 + 40 * $u) :
	$column eq 'duration_s' ? sprintf('%.3f', 10 * $u) :
	$column =~ /port/ ? int(60000 * $u) :
	$column eq 'protocol' ? (qw(tcp udp ICMP 17 47 unknown sctp 58))[8 * (2 * $u - 1)] : int(exp(8 * $u)) } @header } 1 .. 2000;
my $mixture = write_file("$dir/mixture.csv", join "\n", join(',', @header), @mixed, '');
($status, $out, $err) = run("--csv -q $mixture");
is($status, 0, 'a file of every mixture') or diag($err);
my ($capture) = sql('SELECT max(id) FROM netflow.capture');
open(my $load, '|-', 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1') or die;
print $load "CREATE TABLE line (n serial, text text);\nCOPY line (text) FROM STDIN (DELIMITER E'\\x01');\n", map("$_\n", @mixed), "\\.\n",
	"SELECT anomaly_create_flow_store('api');\n",
	"SELECT anomaly_import_flows('api', '{@{[ join ',', map { $argus{$_} } @header ]}}', (SELECT array_agg(text ORDER BY n) FROM line), first_line => 2);\n";
close $load or die;
my $columns = sql(q{SELECT string_agg(attname, ', ') FROM pg_attribute WHERE attrelid = 'netflow.flow'::regclass AND attnum BETWEEN 1 AND
	(SELECT attnum FROM pg_attribute WHERE attrelid = 'netflow.flow'::regclass AND attname = 'dst_addr') AND attname NOT IN ('capture_id', 'ended_at')});
is(sql("SELECT (SELECT count(*) FROM api.flow) > 1000, (SELECT count(*) FROM api.flow) = (SELECT count(*) FROM netflow.flow WHERE capture_id = $capture)"),
	't|t', 'as many flows as anomaly_import_flows takes');
is(sql("SELECT count(*) FROM (SELECT $columns FROM api.flow EXCEPT ALL SELECT $columns FROM netflow.flow WHERE capture_id = $capture) d"),
	0, 'the same ones');
is(sql("SELECT (SELECT string_agg(line || reason, '; ' ORDER BY line) FROM api.reject)
	= (SELECT string_agg(line || replace(reason, 'DstAddr', 'dst_addr'), '; ' ORDER BY line) FROM netflow.reject WHERE capture_id = $capture)"),
	't', 'and the same lines set aside, for the same reasons');

# ---- the same file by both ways -------------------------------------------------

sub through_sql
{
	my ($content, $options) = @_;
	my ($head, @lines) = split /\n/, $content;
	my $quoted = join ',', map { "'$_'" } @lines;
	return "SELECT flows FROM anomaly_import_flows('netflow', anomaly_import_columns('{$head}'), ARRAY[$quoted], 'uploaded',
		sha256 => '\\x@{[ Digest::SHA::sha256_hex($content) ]}' $options)";
}

my @twice = map { my $i = $_; join "\n", 'start_time,src_addr,dst_addr', (map { "2024-06-01 10:00:0$_,10.0.0.$i,10.0.0.1" } 1 .. 9), '' } 1 .. 3;
my @file = map { write_file("$dir/twice$_.csv", $twice[$_]) } 0 .. 2;
is(sql(through_sql($twice[0], '')), 9, 'a file through SQL');
($status, $out, $err) = run("--csv $file[0]");
ok($status == 0 && $err =~ /already loaded as capture \d+ \(uploaded\)/, '... is known to pcap2pg');
($status, $out, $err) = run("--csv -q $file[1]");
is($status, 0, 'a file by pcap2pg');
like(`psql -Xq -v VERBOSITY=verbose -c "@{[ through_sql($twice[1], '') =~ s/\\\\/\\\\\\/r ]}" 2>&1`, qr/23505: +a file of the same content is in flow store "netflow" already/, '... is known to SQL');
is(sql(through_sql($twice[2], ', last => false')), 9, 'the first lines of a file');
($status, $out, $err) = run("--csv $file[2]");
ok($status == 0 && $err =~ /already begun as capture \d+/, '... it is begun');
is(sql(q{SELECT count(*) FROM netflow.flow WHERE start_time >= '2024-06-01' AND start_time < '2024-06-02'}), 27, 'none is there twice');

done_testing();
