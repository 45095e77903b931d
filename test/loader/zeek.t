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

# Logs with connections for which we have no flow: part of the name, how many, why.
my @known = (
	[ 'checksums_ignore_nets__conn-failed', 2, 'Zeek drops packets with a bad checksum' ],
	[ 'field-name-map2', 1, 'likewise: all of the responder' ],
	[ 'pcap\.dynamic-filter', 1, 'Zeek changes its filter on the way' ],
	[ 'skip_analyzer', 7, 'Zeek is told to log what is inside a tunnel as if it were outside' ],
	[ 'gre-aruba-amsdu', 1, 'one frame aggregates two packets; we count the first' ],
	[ 'gtp\.inner_teredo', 6, 'empty IPv6 packets inside of Teredo: for us a flow inside, for Zeek none' ],
	[ 'gtp\.outer_ip_frag', 2, 'Zeek counts reassembled datagrams, not fragments' ],
	[ 'tunnels\.teredo__', 6, 'Zeek ends a DNS connection with its answer, one half-closed by its first packet after 3 s' ],
	[ 'vxlan-unknown-internal-packet', 3, 'Zeek does not count these packets' ],
	[ 'vntag-in-vlan', 1, 'Zeek does not count this packet' ],
	[ 'logging\.(field-extension(?!-invalid)|field-name-map__|scope_sep)', 1, 'bare mode: Zeek knows no server ports, 80 is one' ],
	[ 'cisco-fabric-path', 8, 'IPv6 with a payload length of 0: for us segmented by the network card, its bytes are those of the frame' ],
	[ 'max-depth-exceeded', 1, 'Zeek goes no deeper than the second of three tunnels, for us neither the outermost nor the inside' ],
	[ 'netcontrol\.packetfilter', 2, 'Zeek drops a connection on the way' ],
	[ 'ftp\.gridftp', 1, 'Zeek stops following the connection' ],
	[ 'misordered-ntp', 1, "Zeek turns it by what NTP's payload says" ],
	[ 'half-duplex-client', 8, 'Zeek gives up a SYN after 5 s although its sender goes on' ],
);

# Logs that tell nothing of a flow.
my @nothing = (
	[ 'core.tcp.bad-checksum-syn__conn.log', 'no packets: Zeek drops the only one for its checksum' ],
	[ 'core.udp-corrupt__conn.log', 'likewise' ],
	[ 'scripts.base.protocols.vlan.vlan-0-qinq__conn.log.cut', 'VLAN numbers alone' ],
	[ 'scripts.base.protocols.vlan.vlan-0__conn.log.cut', 'likewise' ],
);

# Some logs are written with other names.
my %alias = (
	map { ($_->[0] => 'id.orig_h', $_->[1] => 'id.orig_p', $_->[2] => 'id.resp_h', $_->[3] => 'id.resp_p') }
	  [qw(src src_port dst dst_port)], [qw(src_ip src_port dst_ip dst_port)], [qw(id_orig_h id_orig_p id_resp_h id_resp_p)],
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
	unshift @lines, join "\t", qw(id.orig_h id.orig_p id.resp_h id.resp_p proto service community_id) if "@lines" =~ /^\d+\./;
	my @names = map { $alias{$_} // $_ } grep { $_ ne '#fields' } split /\t/, shift @lines // '';
	my @rows = map { my %c; @c{@names} = split /\t/; \%c } grep { !/^#/ } @lines;
	my %parent = map { $_ => 1 } map { split /,/, $_->{tunnel_parents} // '' } @rows;
	return grep {
		my $row = $_;
		!(grep { !defined $row->{$_} } qw(id.orig_h id.resp_h))
		  && !(is_inside($row) && $parent{ $row->{uid} // '' })
	} @rows;
}

sub is_inside { return ($_[0]{tunnel_parents} // '-') !~ /^(-|\(empty\))$/; }

# Histories, of logs that tell no more: for each direction, in upper and lower
# case, S or H (SYN), F, R, D (data).  Of those that Zeek gave up (X) what it
# has seen before.  Not those with flags that exclude each other (I, Q), or bad
# checksums (C).
sub histories
{
	my ($log) = @_;
	my @lines = grep { !/^#/ } split /\n/, Loader::slurp($log);
	my @names = split /\t/, shift @lines // '';
	my ($column) = grep { $names[$_] eq 'history' } 0 .. $#names;
	return defined $column ? grep { !/^-$|[IQC]/i } map { (split /\t/)[$column] } @lines : ();
}

sub has_history
{
	my ($f, $history) = @_;
	for (['src', $history], [ 'dst', $history =~ tr/a-zA-Z/A-Za-z/r ])
	{
		my ($side, $letters) = @$_;
		my $flags = $f->{"${side}_tcp_flags"};
		my $data = $f->{ $side . ($f->{protocol} == 6 ? '_payload' : '_packets') };
		$data = 0 if $letters =~ /F/ && $letters !~ /D/;    # with the FIN alone: no D
		if ($history =~ /X/)
		{
			my %seen = (D => $data > 0, S => $flags & 2, H => $flags & 2, F => $flags & 1, R => $flags & 4);
			return 0 if grep { exists $seen{$_} && !$seen{$_} } split //, $letters;
			next;
		}
		return 0 if ($letters =~ /D/) != ($data > 0) || ($letters =~ /[SH]/) != (($flags & 2) > 0);
		return 0 if ($letters =~ /F/) != ($flags & 1) || ($letters =~ /R/) != (($flags & 4) > 0);
	}
	return 1;
}

# Zeek's responder "port" of ICMP is a code or the reply's type: not compared.
sub is_same
{
	my ($c, $f) = @_;
	my $icmp = $f->{protocol} == 1 || $f->{protocol} == 58;
	my $other = ($c->{proto} // '') eq 'unknown_transport';
	return 0 if $other && $f->{protocol} != ($c->{ip_proto} // $f->{protocol});
	return 0 if $c->{proto} && $icmp != ($c->{proto} eq 'icmp');
	return 0 if $c->{proto} && !$icmp && !$other && $protocol{ $c->{proto} } != $f->{protocol};
	return 0 if !$other && defined $c->{'id.orig_p'} && ($c->{'id.orig_p'} != $f->{src_port} || (!$icmp && $c->{'id.resp_p'} != $f->{dst_port}));
	return 0 if $c->{'id.orig_h'} ne $f->{src_addr} || $c->{'id.resp_h'} ne $f->{dst_addr};
	for my $name (grep { exists $c->{$_} && $c->{$_} ne '-' } keys %column)
	{
		next if $other && $name =~ /^(conn_state|(orig|resp)_bytes)$/;    # Zeek has none for them
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

my ($compared, @silent) = (0);
for (split /\n/, Loader::slurp("$zeek/INDEX.tsv"))
{
	my ($trace, $log) = split /\t/;
	next if $trace eq 'trace';
	my @theirs = theirs("$zeek/$log");
	if (!@theirs)
	{
		my @histories = histories("$zeek/$log") or push @silent, $log;
		my @ours = map { flows("--active=0 $_ $zeek/$trace") } '', '--outer';
		my @missing = grep { my $history = $_; !grep { has_history($_, $history) } @ours } @histories;
		is("@missing", '', "$log: $trace: history") if @histories;
		$compared += @histories;
		next;
	}
	my ($known) = grep { $log =~ $_->[0] } @known;
	my $vlan = $log =~ /vlan_fivetuple(-|_lookup)/ ? '--key-vlan' : '';
	my $options = "--active=0 --icmp-idle=60 --tcp-attempt=5 $vlan";
	my @outside = flows("$options --outer $zeek/$trace");
	my @missing = without_partner([ grep { !is_inside($_) } @theirs ], \@outside);
	my @inside = grep { $_->{tunnel} > 0 } flows("$options $zeek/$trace");
	push @missing, without_partner([ grep { is_inside($_) } @theirs ], \@inside);
	is(scalar @missing, $known ? $known->[1] : 0, "$log: $trace" . ($known ? " ($known->[2])" : ''))
	  or diag(map { text($_) . "\n" } @missing);
	$compared += @theirs;
}
cmp_ok($compared, '>', 700, "$compared connections compared");
is(join(' ', sort @silent), join(' ', sort map { $_->[0] } @nothing), 'the logs that tell nothing to compare are known');
note("$_->[0]: $_->[1]") for @nothing;
done_testing();
