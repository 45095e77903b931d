# The whole way on generated traffic: packets, flows, a model of the clean first
# day, a watch, and on the second day an alert for every attack that was placed
# and next to none for anybody else.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use Way;

my @seeds = split ' ', $ENV{SEEDS} // '1 2 3';
my $second_day = '2026-01-06';
my $dir = tempdir(CLEANUP => 1);
my ($placed, $found, $days, $false) = (0, 0, 0, 0);

cluster_start();
office($_) for @seeds;
live($seeds[-1]);
diag("all seeds: $found of $placed attacks have an alert, $false false alerts in $days days");
done_testing();

# One seed: loaded at once, then looked back over, as the demo does.
sub office
{
	my ($seed) = @_;
	my $pcap = "$dir/$seed.pcap";
	my ($packets, @truth) = generate($pcap, "--seed=$seed");

	new_store("office_$seed");
	my ($status, $printed) = load($pcap);
	is($status, 0, "seed $seed: loads") or diag($printed);
	is(sql('SELECT packets FROM netflow.capture'), $packets, "seed $seed: every packet is counted");
	cmp_ok(learn("start_time < '$second_day'"), '>', 10000, "seed $seed: learns from the first day");
	my $watch = watch();
	sql("SELECT anomaly_backfill('netflow', $watch, '$second_day', '2026-01-07')");
	judge("seed $seed", \@truth);
	attack_flows("seed $seed", \@truth);
	unlink $pcap if $seed ne $seeds[-1];
	return;
}

# The second day arrives while the watch stands: the same alerts as looking back.
sub live
{
	my ($seed) = @_;
	my $pcap = "$dir/$seed.pcap";
	my @truth = read_truth("$pcap.csv");
	# What rules raised; a model of a cut capture differs in the last digits.
	my $alerts = q{SELECT source, threat, title, severity, flow_count, last_seen
		FROM netflow.alert WHERE watch_id IS NULL ORDER BY 1, 2, 3};
	my @looking_back = rows($alerts);

	$ENV{TZ} = 'UTC';			# editcap's times are local
	system("editcap -F pcap -B '$second_day 00:00:00' $pcap $dir/first.pcap") == 0
	  && system("editcap -F pcap -A '$second_day 00:00:00' $pcap $dir/second.pcap") == 0
	  or die 'editcap failed';
	new_store("live_$seed");
	load("$dir/first.pcap");
	learn("start_time < '$second_day'");
	watch();
	my ($status, $printed) = load("$dir/second.pcap");
	is($status, 0, 'live: the second day loads under watch') or diag($printed);
	is_deeply([ rows($alerts) ], \@looking_back, 'live: the alerts that looking back raises');
	judge('live', \@truth);
	return;
}

# What the alerts say, against the truth.
sub judge
{
	my ($name, $truth) = @_;
	my %attacker = map { $_->{src} => 1 } @$truth;

	is(sql('SELECT count(*) FROM netflow.watch WHERE error IS NOT NULL'), 0, "$name: the watch is well");
	is(sql('SELECT count(*) FROM netflow.tally WHERE error IS NOT NULL'), 0, "$name: the rules are well");
	for my $t (@$truth)
	{
		my ($alerts) = rows(qq{SELECT count(*), max(severity), sum(flow_count) FROM netflow.alert
			WHERE source = '$t->{src}' AND threat = '$t->{threat}'
			AND first_seen <= '$t->{end}' AND last_seen >= '$t->{start}'});
		cmp_ok($alerts->[0], '>=', 1, "$name: $t->{attack} by $t->{src} raises $t->{threat}");
		cmp_ok(sql(qq{SELECT count(*) FROM netflow.alert WHERE source = '$t->{src}' AND threat = '$t->{threat}'
			AND '$usual_rule{$t->{attack}}' = ANY (indicators)}), '>=', 1, "$name: ... for the rule $usual_rule{$t->{attack}}");
		diag("$name: $t->{attack}: $alerts->[0] alerts, severity $alerts->[1],"
			  . " $alerts->[2] of $t->{flows} flows") if $alerts->[0] > 0;
		$placed++;
		$found++ if $alerts->[0] > 0;
	}

	my @false = grep { !$attacker{ $_->[0] } } rows(
		q{SELECT host(source), first_seen::date, threat, severity, flow_count, reasons
		FROM netflow.alert ORDER BY first_seen});
	for my $day ('2026-01-05', $second_day)
	{
		my $in_day = grep { $_->[1] eq $day } @false;
		cmp_ok($in_day, '<=', 2, "$name: clean hosts have at most two alerts on $day");
	}
	diag("$name: false alert: @$_") for @false;
	$false += @false;
	$days += 2;

	is(sql(q{SELECT count(*) FROM netflow.alert WHERE jsonb_array_length(reasons) = 0
		OR EXISTS (SELECT FROM jsonb_array_elements(reasons) r
			WHERE NOT r ?& '{feature,value,expected,share}')}), 0, "$name: every alert has its reasons");
	my ($count) = rows('SELECT (SELECT count(*) FROM netflow.alert), (SELECT count(*) FROM netflow.detection)');
	diag("$name: $count->[0] alerts from $count->[1] detections");
	return;
}

# The flows that the loader made of each attack, against the truth.
sub attack_flows
{
	my ($name, $truth) = @_;
	for my $t (@$truth)
	{
		my $port = $t->{dst_port} eq '' ? '' : "AND dst_port = $t->{dst_port}";
		is(sql(qq{SELECT count(*) FROM netflow.flow WHERE src_addr = '$t->{src}' AND protocol = 6
			AND dst_addr <<= '$t->{dst}' $port}), $t->{flows}, "$name: $t->{attack}: flows as placed");
	}
	return;
}
