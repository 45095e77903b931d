# The attacks that pcapgen places when asked: packets, flows, and by the rules
# alone, without a model or a watch, an alert of each from its source, at its
# time, for the rule that is there to tell it; no other rule, and nobody else.
# Then the rules that are off by default, and that each default rule is tested.
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
	database_guessing => 'database_guessing',
	slow_ping_sweep => 'icmp_heavy',
	sctp_sweep => 'other_protocol',
	udp_flood => 'udp_flood',
	spoofed_syn_flood => 'spread_syn_flood',
	spoofed_udp_flood => 'spread_udp_flood');
# Where the store knows three days before.
my %known_rule = (
	unusual_upload => 'unusual_upload',
	database_guessing => 'database_guessing');
# Off by default, or never fired by so small an office, and what they show in.
my %quiet_rule = (
	new_service => 'database_guessing',
	new_peer => 'unusual_upload',
	traffic_spike => 'unusual_upload',
	traffic_doubled => 'unusual_upload',
	one_hour => 'unusual_upload',
	byte_rate => 'unusual_upload');
my $byte_rate = 100e3;			# instead of 100 MB/s, which is more than a capture here can hold
my @seeds = split ' ', $ENV{SEEDS} // '1';
my $dir = tempdir(CLEANUP => 1);

cluster_start();
for (@seeds)
{
	rare($_);
	known($_);
}
tested();
done_testing();

sub rare
{
	my ($seed) = @_;
	my $name = "seed $seed";
	my ($packets, @truth) = generate("$dir/$seed.pcap",
		"--seed=$seed --days=1 --scale=0.3 --attacks=" . join ',', sort keys %rule);

	new_store("rare_$seed");
	alerted($name, $seed, $packets, \%rule, @truth);
	unlink "$dir/$seed.pcap";
	return;
}

# A store that knows the days before: with the rules as they are, and then with
# those that are quiet.
sub known
{
	my ($seed) = @_;
	my $name = "seed $seed, fourth day";
	my ($packets, @truth) = generate("$dir/$seed.pcap",
		"--seed=$seed --days=4 --attack-days=4 --scale=0.6 --attacks=" . join ',', sort keys %known_rule);

	new_store("known_$seed");
	alerted($name, $seed, $packets, \%known_rule, @truth);

	new_store("quiet_$seed");
	my $quiet = join ',', sort keys %quiet_rule;
	is(sql(qq{WITH u AS (UPDATE netflow.threat_rule SET enabled = true WHERE rule = ANY ('{$quiet}') RETURNING 1)
		SELECT count(*) FROM u}), keys %quiet_rule, "$name: the quiet rules are there");
	sql("UPDATE netflow.threat_condition SET threshold = $byte_rate WHERE rule = 'byte_rate'");
	is((load("$dir/$seed.pcap"))[0], 0, "$name: loads with the quiet rules");
	is(sql('SELECT count(*) FROM netflow.tally WHERE error IS NOT NULL'), 0, "$name: the quiet rules are well");
	for my $rule (sort keys %quiet_rule)
	{
		my ($t) = grep { $_->{attack} eq $quiet_rule{$rule} } @truth;
		cmp_ok(sql(qq{SELECT count(*) FROM netflow.detection d JOIN netflow.alert a ON a.id = d.alert_id
			WHERE d.rule = '$rule' AND a.threat = 'suspicious' AND a.source = '$t->{src}' AND d.src_addr = '$t->{src}'
			AND (d.dst_addr IS NULL OR d.dst_addr = '$t->{dst}' AND d.dst_port = $t->{dst_port})
			AND d.start_time <= '$t->{end}' AND d.end_time >= '$t->{start}'}), '>=', 1, "$name: $t->{attack}: $rule by $t->{src}");
	}
	# an ordinary day has such things: told, not judged
	my $attackers = join ',', map { $_->{src} } @truth;
	diag("$name: $_->[0] of clean hosts: $_->[1] windows, $_->[2] hosts") for rows(qq{SELECT rule, count(*), count(DISTINCT src_addr)
		FROM netflow.detection WHERE rule = ANY ('{$quiet}') AND src_addr <> ALL ('{$attackers}') GROUP BY 1 ORDER BY 1});
	unlink "$dir/$seed.pcap";
	return;
}

# Every default rule that raises alerts (those of flows only add indicators) is
# tested with packets: here, by office.t or by captures.t.
sub tested
{
	my %tested = map { $_ => 1 } values %rule, values %known_rule, keys %quiet_rule, values %usual_rule, captured_rules();
	is_deeply([ map { $_->[0] } rows(q{SELECT rule FROM netflow.threat_rule WHERE scope <> 'flow' ORDER BY rule COLLATE "C"}) ],
		[ sort keys %tested ], 'every default rule that raises alerts has a test with packets');
	return;
}

# Loads a capture, and compares its alerts with the truth.
sub alerted
{
	my ($name, $seed, $packets, $rule, @truth) = @_;

	is(join(' ', sort map { $_->{attack} } @truth), join(' ', sort keys %$rule), "$name: all are placed");
	my ($status, $printed) = load("$dir/$seed.pcap");
	is($status, 0, "$name: loads") or diag($printed);
	is(sql('SELECT packets FROM netflow.capture'), $packets, "$name: every packet is counted");
	is(sql('SELECT count(*) FROM netflow.tally WHERE error IS NOT NULL'), 0, "$name: the rules are well");
	found("$name: $_->{attack}", $rule->{ $_->{attack} }, $_) for @truth;

	# floods from forged sources that are close in time are one alert
	is_deeply([ sort map { "@$_" } rows('SELECT host(source), threat, unnest(indicators) FROM netflow.alert') ],
		[ sort map { "$_->{src} $_->{threat} $rule->{$_->{attack}}" } @truth ], "$name: no other rule, and nobody else");
	return;
}

# One attack: the flows that the loader made of it, and its alert.
sub found
{
	my ($name, $rule, $t) = @_;
	my $source = $t->{src} eq '0.0.0.0' ? q{src_addr <<= '198.18.0.0/15'} : qq{src_addr = '$t->{src}'};
	my $port = $t->{dst_port} eq '' ? 'protocol = 1' : "dst_port = $t->{dst_port}";

	is(sql("SELECT count(*) FROM netflow.flow WHERE $source AND dst_addr <<= '$t->{dst}' AND $port"),
		$t->{flows}, "$name: flows as placed");
	is(sql(qq{SELECT count(*) FROM netflow.alert
		WHERE source = '$t->{src}' AND threat = '$t->{threat}' AND '$rule' = ANY (indicators)
		AND first_seen <= '$t->{end}' AND last_seen >= '$t->{start}'}), 1,
		"$name: $t->{threat} by $t->{src}, for the rule $rule");
	return;
}
