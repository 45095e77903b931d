# Window features against their definition: in numbers worked out by hand, and
# in SQL, slowly, over the stored flows (loader/window.h has it in words).
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Loader;
use Store;
use Test::More;

my @features = qw(count srv_count serror_rate srv_serror_rate rerror_rate srv_rerror_rate same_srv_rate
  diff_srv_rate srv_diff_host_rate dst_host_count dst_host_srv_count dst_host_same_srv_rate
  dst_host_diff_srv_rate dst_host_same_src_port_rate dst_host_srv_diff_host_rate dst_host_serror_rate
  dst_host_srv_serror_rate dst_host_rerror_rate dst_host_srv_rerror_rate
  src_distinct_dsts src_distinct_ports src_failed);

# ---- by hand ----------------------------------------------------------------

my $t0 = 1_700_000_000;

sub syn
{
	my ($time, $src, $dst, $port, $src_port, @more) = @_;
	return map {
		my ($later, $back, $flags) = @$_;
		my @tcp = $back ? ($port, $src_port, $flags) : ($src_port, $port, $flags);
		[ $t0 + $time + $later, ethernet(0x0800, ipv4(6, $back ? ($dst, $src) : ($src, $dst), tcp(@tcp, 1, 1))) ]
	} [ 0, 0, 'S' ], @more;
}

sub meter
{
	my ($options, @frames) = @_;
	@frames = sort { $a->[0] <=> $b->[0] } @frames;
	return flows("$options " . write_file("$dir/window.pcap", pcap(1, @frames)));
}

sub values_of { my ($f, @names) = @_; return join ' ', map { $f->{$_} } @names; }

# Three connection attempts in a second, the last 5 s before: two hosts, two services.
my ($A, $B, $C) = ('10.0.0.1', '10.0.0.2', '10.0.0.3');
my @f = meter('', syn(0, $A, $B, 80, 1000), syn(5, $A, $B, 80, 1000 + 1), syn(5.5, $A, $B, 22, 1002), syn(6, $A, $C, 80, 1002));
is(join(' ', map { $_->{ended_at} =~ /:(\d\d\.\d)/ } @f), '20.0 25.0 25.5 26.0', 'unanswered: over after a minute, as they began');
is(values_of($f[0], @features), '1 1 1 1 0 0 1 0 0 1 1 1 0 1 0 1 1 0 0 1 1 1', 'the first is alone');
is(values_of($f[1], qw(count srv_count dst_host_count dst_host_srv_count src_failed)), '1 1 2 2 2', 'the second 5 s later');
is(values_of($f[2], qw(count srv_count same_srv_rate diff_srv_rate)), '2 1 0.5 1', 'another service: half the same, two of two differ');
is(values_of($f[3], qw(count srv_count srv_diff_host_rate dst_host_count dst_host_srv_count dst_host_same_src_port_rate)),
	'1 2 1 1 3 1', 'another host');
is(values_of($f[3], qw(src_distinct_dsts src_distinct_ports src_failed)), '2 2 4', 'all from one source');
is(sprintf('%.4f', $f[3]{dst_host_srv_diff_host_rate}), '0.6667', 'two hosts in the last three of the service');

@f = meter('', syn(0, $A, $B, 80, 1000), syn(2, $A, $B, 80, 1001), syn(4.000001, $A, $B, 80, 1002));
is(join(' ', map { $_->{count} } @f), '1 2 1', 'two seconds, inclusive');
@f = meter('', map { syn($_ * 60, $A, "10.0.0.@{[10 + $_]}", 80, 1000) } 0 .. 2);
is(join(' ', map { $_->{src_distinct_dsts} } @f), '1 2 2', 'sixty seconds, inclusive');
@f = meter('', syn(0, $A, $B, 81, 1000, [ 0.1, 1, 'RA' ]), syn(1, $A, $B, 81, 1001, [ 0.1, 1, 'SA' ], [ 0.2, 0, 'A' ], [ 0.3, 0, 'R' ]),
	syn(1.5, $A, $B, 81, 1002, [ 0.1, 1, 'SA' ], [ 0.2, 0, 'A' ], [ 0.3, 0, 'FA' ], [ 0.4, 1, 'FA' ]));
is(join(', ', map { values_of($_, qw(rerror_rate serror_rate src_failed)) } @f[ 0, 1 ]), '1 0 1, 1 0 1', 'refused, reset: resets; refused: failed');
is(sprintf('%.4f', $f[2]{rerror_rate}), '0.6667', 'closed well: not');
@f = meter('', syn(0, $A, $B, 81, 1000, [ 0.1, 0, 'FA' ]));
is(values_of($f[0], qw(serror_rate rerror_rate)), '1 0', 'closed without an answer: a SYN error');
@f = meter('--active=50', syn(0, $A, $B, 81, 1000, map { [ $_ * 40, $_ % 2, $_ == 1 ? 'SA' : 'A' ] } 1 .. 3));
is(join(', ', map { "$_->{end_reason} $_->{serror_rate}" } @f), '2 0, 4 1', 'a slice of what goes on: no error; open to the end: one');
@f = meter('', map { syn($_ * 10, $A, $B, 80, 1000 + $_) } 0 .. 149);
is(values_of($f[149], qw(count dst_host_count dst_host_same_src_port_rate)), '1 100 0.00999999978', 'the last hundred, no more');
@f = meter('--max-flows=2', map { syn($_ / 10, $A, $B, 80, 1000 + $_) } 0 .. 9);
is($f[9]{count}, 2, 'no more than --max-flows in a window');

# ---- by SQL -----------------------------------------------------------------

new_store('window_test');
my $office = "$dir/office.pcap";
system("$root/build/pcapgen --seed 3 --hosts 8 --days 1 --scale 0.1 -o $office 2>$dir/pcapgen.err") == 0 or die;
my @captures = ($office, grep { -r $_ } map { "$data/pcaps/pcaps/$_" } qw(nDPI__1kxun.pcap nDPI__synscan.pcap nDPI__badpackets.pcap));

# Everything at once, within two seconds: beyond 512 flows of a host and a service, ends in one microsecond.
push @captures, write_file("$dir/burst.pcap", pcap(1, sort { $a->[0] <=> $b->[0] }
		map { (syn($_ / 400, "10.1.0.@{[ $_ % 7 ]}", "10.2.0.@{[ $_ % 3 ]}", 80 + $_ % 5, 2000 + $_, $_ % 2 ? [ 0.1, 1, 'RA' ] : ()),
			[ $t0 + 3 + int($_ / 9), ethernet(0x0800, ipv4(1, "10.3.0.@{[ $_ % 9 ]}", $A, icmp(8, 0))) ]) } 0 .. 899));
my ($status, $out, $err) = run(join ' ', @captures);
is($status, 0, 'loaded') or diag($err);

is(sql('SELECT count(*) FROM netflow.flow WHERE ended_at IS NULL'), 0, 'every flow has its end');
is(sql('SELECT count(*) FROM (SELECT FROM netflow.flow GROUP BY capture_id, ended_at HAVING count(*) > 1) d'), 0, 'no two ends are alike');
is(sql('SELECT count(*) FROM netflow.flow WHERE end_reason IN (1, 4) AND ended_at < start_time + duration_us * interval \'1 microsecond\''),
	0, 'no end before the last packet');

# The definition.  p: the flows up to and including f.
my $definition = <<'SQL';
CREATE TEMP TABLE f AS
	SELECT capture_id, ended_at, src_addr, dst_addr, src_port,
		ARRAY[protocol, CASE WHEN protocol IN (1, 58) THEN src_port ELSE dst_port END] AS service,
		protocol = 6 AND end_reason <> 2 AND conn_state IN ('S0', 'S1', 'S2', 'S3', 'SH') AS s,
		protocol = 6 AND end_reason <> 2 AND conn_state IN ('REJ', 'RSTO', 'RSTR', 'RSTOS0', 'RSTRH') AS r, failed
	FROM netflow.flow_feature;
CREATE INDEX ON f (capture_id, dst_addr, ended_at);
CREATE INDEX ON f (capture_id, service, ended_at);
CREATE INDEX ON f (capture_id, src_addr, ended_at);
ANALYZE f;
CREATE FUNCTION pg_temp.differing(kinds bigint, of bigint) RETURNS real IMMUTABLE LANGUAGE sql
AS 'SELECT CASE WHEN kinds > 1 THEN kinds::float8 / of ELSE 0 END';
CREATE TEMP TABLE expected AS
SELECT f.capture_id, f.ended_at, h.*, v.srv_count, v.srv_serror_rate, v.srv_rerror_rate, v.srv_diff_host_rate, h100.*,
	v100.dst_host_srv_count, v100.dst_host_srv_serror_rate, v100.dst_host_srv_rerror_rate, v100.dst_host_srv_diff_host_rate, s.*
FROM f,
LATERAL (SELECT count(*), avg(s::int)::real AS serror_rate, avg(r::int)::real AS rerror_rate,
		avg((p.service = f.service)::int)::real AS same_srv_rate, pg_temp.differing(count(DISTINCT p.service), count(*)) AS diff_srv_rate
	FROM f p WHERE p.capture_id = f.capture_id AND p.dst_addr = f.dst_addr
		AND p.ended_at BETWEEN f.ended_at - interval '2 s' AND f.ended_at) h,
LATERAL (SELECT count(*) AS srv_count, avg(s::int)::real AS srv_serror_rate, avg(r::int)::real AS srv_rerror_rate,
		pg_temp.differing(count(DISTINCT p.dst_addr), count(*)) AS srv_diff_host_rate
	FROM f p WHERE p.capture_id = f.capture_id AND p.service = f.service
		AND p.ended_at BETWEEN f.ended_at - interval '2 s' AND f.ended_at) v,
LATERAL (SELECT count(*) AS dst_host_count, avg(s::int)::real AS dst_host_serror_rate, avg(r::int)::real AS dst_host_rerror_rate,
		avg((p.service = f.service)::int)::real AS dst_host_same_srv_rate,
		pg_temp.differing(count(DISTINCT p.service), count(*)) AS dst_host_diff_srv_rate,
		avg((p.src_port = f.src_port)::int)::real AS dst_host_same_src_port_rate
	FROM (SELECT * FROM f p WHERE p.capture_id = f.capture_id AND p.dst_addr = f.dst_addr AND p.ended_at <= f.ended_at
		ORDER BY p.ended_at DESC LIMIT 100) p) h100,
LATERAL (SELECT count(*) AS dst_host_srv_count, avg(s::int)::real AS dst_host_srv_serror_rate, avg(r::int)::real AS dst_host_srv_rerror_rate,
		pg_temp.differing(count(DISTINCT p.dst_addr), count(*)) AS dst_host_srv_diff_host_rate
	FROM (SELECT * FROM f p WHERE p.capture_id = f.capture_id AND p.service = f.service AND p.ended_at <= f.ended_at
		ORDER BY p.ended_at DESC LIMIT 100) p) v100,
LATERAL (SELECT count(DISTINCT p.dst_addr) AS src_distinct_dsts, count(DISTINCT p.service) AS src_distinct_ports,
		count(*) FILTER (WHERE p.failed) AS src_failed
	FROM f p WHERE p.capture_id = f.capture_id AND p.src_addr = f.src_addr
		AND p.ended_at BETWEEN f.ended_at - interval '60 s' AND f.ended_at) s;
SQL
my $compare = join ",\n", map { "count(*) FILTER (WHERE f.$_ IS DISTINCT FROM e.$_)" } @features;
my ($total, @wrong) = split /\|/, sql("$definition SELECT count(*), $compare FROM netflow.flow_feature f LEFT JOIN expected e USING (capture_id, ended_at);");
cmp_ok($total, '>', 3000, "$total flows");
is($wrong[$_], 0, "$features[$_] equals its definition") for 0 .. $#features;
is(sql('SELECT count(DISTINCT count) > 50 AND max(dst_host_count) = 100 AND max(src_distinct_ports) > 50 AND min(serror_rate) = 0 AND max(serror_rate) = 1 FROM netflow.flow'),
	't', 'which the flows put to the test');

done_testing();
