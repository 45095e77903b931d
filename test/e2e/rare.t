# The attacks that pcapgen places when asked: packets, flows, and by the rules
# alone, without a model or a watch, an alert of each from its source, at its
# time, for the rule that is there to tell it; no other rule, and nobody else.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use Way;

my %rule = (
	night_upload => 'night_upload',
	slow_brute_force => 'slow_login_guessing',
	mail_guessing => 'mail_guessing',
	slow_ping_sweep => 'icmp_heavy',
	udp_flood => 'udp_flood',
	spoofed_syn_flood => 'spread_syn_flood',
	spoofed_udp_flood => 'spread_udp_flood');
my @seeds = split ' ', $ENV{SEEDS} // '1';
my $dir = tempdir(CLEANUP => 1);

cluster_start();
rare($_) for @seeds;
done_testing();

sub rare
{
	my ($seed) = @_;
	my $name = "seed $seed";
	my ($packets, @truth) = generate("$dir/$seed.pcap",
		"--seed=$seed --days=1 --scale=0.3 --attacks=" . join ',', sort keys %rule);

	is(join(' ', sort map { $_->{attack} } @truth), join(' ', sort keys %rule), "$name: all are placed");
	new_store("rare_$seed");
	my ($status, $printed) = load("$dir/$seed.pcap");
	is($status, 0, "$name: loads") or diag($printed);
	is(sql('SELECT packets FROM netflow.capture'), $packets, "$name: every packet is counted");
	is(sql('SELECT count(*) FROM netflow.tally WHERE error IS NOT NULL'), 0, "$name: the rules are well");
	found("$name: $_->{attack}", $_) for @truth;

	# floods from forged sources that are close in time are one alert
	is_deeply([ sort map { "@$_" } rows('SELECT host(source), threat, unnest(indicators) FROM netflow.alert') ],
		[ sort map { "$_->{src} $_->{threat} $rule{$_->{attack}}" } @truth ], "$name: no other rule, and nobody else");
	unlink "$dir/$seed.pcap";
	return;
}

# One attack: the flows that the loader made of it, and its alert.
sub found
{
	my ($name, $t) = @_;
	my $source = $t->{src} eq '0.0.0.0' ? q{src_addr <<= '198.18.0.0/15'} : qq{src_addr = '$t->{src}'};
	my $port = $t->{dst_port} eq '' ? 'protocol = 1' : "dst_port = $t->{dst_port}";

	is(sql("SELECT count(*) FROM netflow.flow WHERE $source AND dst_addr <<= '$t->{dst}' AND $port"),
		$t->{flows}, "$name: flows as placed");
	is(sql(qq{SELECT count(*) FROM netflow.alert
		WHERE source = '$t->{src}' AND threat = '$t->{threat}' AND '$rule{$t->{attack}}' = ANY (indicators)
		AND first_seen <= '$t->{end}' AND last_seen >= '$t->{start}'}), 1,
		"$name: $t->{threat} by $t->{src}, for the rule $rule{$t->{attack}}");
	return;
}
