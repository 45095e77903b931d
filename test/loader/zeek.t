# pcap2pg against the connection logs of Zeek's own tests: who opened the
# connection, how it ended, packets, bytes and payload of each side.
#
# Zeek logs a tunnelled packet in the connection inside and in the one outside.
# We count it once; what is outside is compared with --outer.  What is neither
# the innermost nor the outermost of nested tunnels is no flow of ours.
# Many of the logs come from configurations that keep only some connections:
# what Zeek logs must be among our flows, not the reverse.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Loader;
use Test::More;

my $zeek = "$data/pcaps/zeek";
plan skip_all => "no captures in $zeek: set TEST_DATA" if !-r "$zeek/INDEX.tsv";

# Logs in which connections differ, by part of the name, and why.
my @known = (
	[ 'skip_analyzer' => 'Zeek is told to log what is inside a tunnel as if it were outside' ],
	[ 'tunnels\.ayiya__' => 'Zeek waits longer for more ICMP' ],
	[ 'gre-aruba-amsdu' => 'one frame aggregates two packets; we count the first' ],
	[ 'gtp\.inner_teredo' => 'Zeek does not count empty IPv6 packets inside of Teredo' ],
	[ 'vntag-in-vlan' => 'Zeek does not count this packet' ],
	[ 'checksums_ignore_nets__conn-failed' => 'Zeek drops packets with a bad checksum' ],
	[ 'gtp\.outer_ip_frag' => 'Zeek counts reassembled datagrams, not fragments' ],
	[ 'vxlan-unknown-internal-packet' => 'Zeek does not count these packets' ],
	[ 'pcap\.dynamic-filter' => 'Zeek changes its filter on the way' ],
	[ 'netcontrol\.packetfilter' => 'Zeek drops a connection on the way' ],
	[ 'ftp\.gridftp' => 'Zeek stops following the connection' ],
	[ 'tunnels\.teredo__' => 'Zeek ends a DNS connection early, a half-closed one after 3 s' ],
	[ 'half-duplex-client' => 'Zeek gives up an unanswered SYN after 5 s' ],
	[ 'logging\.field-extension(?!-invalid)' => 'bare mode: Zeek knows no server ports, 80 is one' ],
	[ 'misordered-ntp' => "Zeek turns it by what NTP's payload says" ],
);

my %protocol = (icmp => 1, tcp => 6, udp => 17);

# our column, by Zeek's
my %column = (
	conn_state => 'state', orig_pkts => 'src_packets', orig_ip_bytes => 'src_bytes',
	resp_pkts => 'dst_packets', resp_ip_bytes => 'dst_bytes',
	orig_bytes => 'src_payload', resp_bytes => 'dst_payload',
);

# Connections of a log, as hashes; none if it does not say whose they are.
sub theirs
{
	my ($log) = @_;
	my @lines = grep { !/^#+ |^#(?!fields)/ } split /\n/, Loader::slurp($log);
	my @names = grep { $_ ne '#fields' } split /\t/, shift @lines // '';
	my @rows = map { my %c; @c{@names} = split /\t/; \%c } grep { !/^#/ } @lines;
	my %parent = map { $_ => 1 } map { split /,/, $_->{tunnel_parents} // '' } @rows;
	return grep {
		my $row = $_;
		!(grep { !defined $row->{$_} } qw(id.orig_h id.orig_p id.resp_h id.resp_p))
		  && ($row->{proto} // 'tcp') ne 'unknown_transport'
		  && !(is_inside($row) && $parent{ $row->{uid} // '' })
	} @rows;
}

sub is_inside { return ($_[0]{tunnel_parents} // '-') !~ /^(-|\(empty\))$/; }

# Zeek's responder "port" of ICMP is a code or the reply's type: not compared.
sub is_same
{
	my ($c, $f) = @_;
	my $icmp = $f->{protocol} == 1 || $f->{protocol} == 58;
	return 0 if $c->{proto} && $icmp != ($c->{proto} eq 'icmp');
	return 0 if $c->{proto} && !$icmp && $protocol{ $c->{proto} } != $f->{protocol};
	return 0 if $c->{'id.orig_p'} != $f->{src_port} || (!$icmp && $c->{'id.resp_p'} != $f->{dst_port});
	return 0 if $c->{'id.orig_h'} ne $f->{src_addr} || $c->{'id.resp_h'} ne $f->{dst_addr};
	for my $name (grep { exists $c->{$_} && $c->{$_} ne '-' } keys %column)
	{
		# Zeek counts TCP payload in sequence numbers: once, sent or only acknowledged.
		next if $name =~ /_bytes$/ && $name !~ /ip/ && $f->{protocol} == 6
		  && ($f->{retransmits} > 0 || ($c->{missed_bytes} // 0) > 0 || $f->{state} =~ /^(?!3$)/);
		my $ours = $name eq 'conn_state' ? conn_state($f->{state}) : $f->{ $column{$name} };
		return 0 if $c->{$name} ne $ours;
	}
	return 1;
}

# Zeek's connections for which no flow of ours is left.
sub without_partner
{
	my ($theirs, $ours) = @_;
	my @left = @$ours;
	my @missing;
	for my $c (@$theirs)
	{
		my ($partner) = grep { is_same($c, $left[$_]) } 0 .. $#left;
		defined $partner ? splice(@left, $partner, 1) : push(@missing, $c);
	}
	return @missing;
}

sub text
{
	my ($c) = @_;
	return join ' ', map { "$_=$c->{$_}" } grep { defined $c->{$_} }
	  qw(id.orig_h id.orig_p id.resp_h id.resp_p), sort keys %column;
}

my $compared = 0;
for (split /\n/, Loader::slurp("$zeek/INDEX.tsv"))
{
	my ($trace, $log) = split /\t/;
	next if $trace eq 'trace';
	my @theirs = theirs("$zeek/$log") or next;
	my ($why) = map { $_->[1] } grep { $log =~ $_->[0] } @known;
	SKIP:
	{
		skip "$log: $why", 1 if $why;
		my $vlan = $log =~ /vlan_fivetuple(-|_lookup)/ ? '--key-vlan' : '';
		my @outside = flows("--active=0 $vlan --outer $zeek/$trace");
		my @missing = without_partner([ grep { !is_inside($_) } @theirs ], \@outside);
		my @inside = grep { $_->{tunnel} > 0 } flows("--active=0 $vlan $zeek/$trace");
		push @missing, without_partner([ grep { is_inside($_) } @theirs ], \@inside);
		is(scalar @missing, 0, "$log: $trace") or diag(map { text($_) . "\n" } @missing);
		$compared += @theirs;
	}
}
cmp_ok($compared, '>', 100, "$compared connections compared");
done_testing();
