#!/usr/bin/env perl
# What the defaults find, and what they cry wolf about: a week of pcapgen's
# office per seed, live, with one round of triage.
#
#   recall.pl [SEED ...] [--OPTION ...]      (1 2 3; options are pcapgen's)
#
# Of each week the first day is clean, and a model of the default algorithm is
# trained on it; the other six have all of pcapgen's attacks.  A watch with
# default settings sees the second day and the third; then an analyst goes
# through the alerts once: those that belong to an attack are closed as true,
# the others as false and suppressed by source and threat.  What counts are the
# four days that follow.  Flows come in batches of 1,000, as they do live.
#
# An attack is found when an alert has its source, its threat and some of its
# time.  An alert is false when no attack by its source was going on.
#
# Captures of attacks follow, where there are any (TEST_DATA).
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::RealBin/../e2e";
use Way;

my @options = grep { /^--/ } @ARGV;
my @seeds = grep { !/^--/ } @ARGV;
@seeds = (1, 2, 3) if !@seeds;
my ($first, $triaged, $counted, $end) = map { "2026-01-$_" } qw(05 06 08 12);
my $counted_days = 4;
my $dir = tempdir(CLEANUP => 1);
my (%placed, %found, %rule, @false, $before);

$ENV{TZ} = 'UTC';				# editcap's times are local
cluster_start();
week($_) for @seeds;
report();
captures();

sub week
{
	my ($seed) = @_;
	my (undef, @truth) = generate("$dir/week.pcap", "--seed=$seed", '--days=7', '--attack-days=2,3,4,5,6,7', @options);
	cut($first, $triaged, 'learn.pcap');
	cut($triaged, $counted, 'triage.pcap');
	cut($counted, $end, 'count.pcap');
	unlink "$dir/week.pcap";

	new_store("week_$seed");
	replay("$dir/learn.pcap");
	learn("start_time < '$triaged'");
	watch();
	replay("$dir/triage.pcap");
	$before += triage(\@truth);
	replay("$dir/count.pcap");
	die "a step failed\n" if sql('SELECT count(error) FROM (SELECT error FROM netflow.watch UNION ALL SELECT error FROM netflow.tally) e');

	my @alerts = alerts("first_seen >= '$counted'");
	for my $t (grep { $_->{start} ge $counted } @truth)
	{
		$placed{ $t->{threat} }{ $t->{attack} }++;
		$found{ $t->{attack} }++ if grep { of_attack($_, $t) && $_->{threat} eq $t->{threat} } @alerts;
	}
	push @false, map { "seed $seed: $_->{source}: $_->{title}, from $_->{from}: $_->{reasons}" } false_ones(\@alerts, \@truth);
	count_rules(\@truth);
	return;
}

# A part of the week, in a file of its own.
sub cut
{
	my ($from, $to, $name) = @_;
	system("editcap -F pcap -A '$from 00:00:00' -B '$to 00:00:00' $dir/week.pcap $dir/$name") == 0 or die "editcap failed\n";
	return;
}

sub replay
{
	my ($file) = @_;
	my $printed = `$build/pcap2pg -q --store netflow --replay 1000000 --flush-flows 1000 $file 2>&1`;
	die "pcap2pg failed: $printed" if $? != 0;
	unlink $file;
	return;
}

sub alerts
{
	my ($condition) = @_;
	my @names = qw(id source threat title from to reasons);
	return map { my %alert; @alert{@names} = @$_; \%alert } rows(qq{
		SELECT id, host(source), threat, title, to_char(first_seen, 'YYYY-MM-DD"T"HH24:MI:SS'),
			   to_char(last_seen, 'YYYY-MM-DD"T"HH24:MI:SS'),
			   (SELECT string_agg(concat_ws(' ', r ->> 'feature', r ->> 'value'), ', ') FROM jsonb_array_elements(reasons) r)
		FROM netflow.alert WHERE $condition ORDER BY first_seen});
}

# Does the alert say something about the attack's source, at its time?
sub of_attack
{
	my ($alert, $truth) = @_;
	return $alert->{source} eq $truth->{src} && $alert->{from} le $truth->{end} && $alert->{to} ge $truth->{start};
}

sub false_ones
{
	my ($alerts, $truth) = @_;
	return grep { my $alert = $_; !grep { of_attack($alert, $_) } @$truth } @$alerts;
}

# One round, through the functions that people have; gives the false alerts.
sub triage
{
	my ($truth) = @_;
	my @alerts = alerts('true');
	my %false = map { $_->{id} => $_ } false_ones(\@alerts, $truth);
	for my $alert (@alerts)
	{
		my $wrong = $false{ $alert->{id} };
		sql(sprintf "SELECT anomaly_triage('netflow', '{%d}', 'close', '%s')", $alert->{id}, $wrong ? 'false_positive' : 'true_positive');
		sql("SELECT anomaly_suppress('netflow', 'known', source => '$wrong->{source}', threat => '$wrong->{threat}')") if $wrong;
	}
	return scalar keys %false;
}

# How often each rule fired on windows of attackers while they attacked, and on others, all week.
sub count_rules
{
	my ($truth) = @_;
	my $attacks = join ', ', map { "('$_->{src}'::inet, '$_->{start}'::timestamptz, '$_->{end}'::timestamptz)" } @$truth;
	for (rows(qq{
		SELECT r.rule, count(d.id) FILTER (WHERE a.hit), count(d.id) FILTER (WHERE NOT a.hit)
		FROM netflow.threat_rule r LEFT JOIN netflow.detection d USING (rule)
		CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM (VALUES $attacks) t(src, lo, hi)
			WHERE src = d.src_addr AND lo <= d.end_time AND hi >= d.start_time) AS hit) a
		WHERE r.enabled AND r.scope <> 'flow' GROUP BY 1}))
	{
		$rule{ $_->[0] }[0] += $_->[1];
		$rule{ $_->[0] }[1] += $_->[2];
	}
	return;
}

sub report
{
	my $weeks = @seeds;
	for my $threat (sort keys %placed)
	{
		for my $attack (sort keys %{ $placed{$threat} })
		{
			my ($n, $hits) = ($placed{$threat}{$attack}, $found{$attack} // 0);
			printf "%-18s %-14s %3d of %3d found as such, recall %.3f\n", $threat, $attack, $hits, $n, $hits / $n;
		}
	}
	printf "false alerts, two days before triage: %d, %.2f a day\n", $before, $before / (2 * $weeks);
	printf "false alerts, four days after it: %d, %.2f a day\n", scalar @false, @false / ($counted_days * $weeks);
	print "  $_\n" for @false;
	print "windows that rules fired on, of attackers and of others, $weeks weeks:\n";
	printf "  %-20s %5d %5d\n", $_, @{ $rule{$_} } for sort keys %rule;
	return;
}

# Each on its own, judged by the rules: a capture of minutes has no clean day.
sub captures
{
	my $n = 0;
	for my $case (labelled_captures())
	{
		my ($file, $attacker, $threat, undef, $untold) = @$case;
		new_store('capture_' . ++$n);
		my ($status, $printed) = load($file);
		die "$file: $printed\n" if $status;
		my @alerts = map { "$_->{threat} by $_->{source}" } alerts('true');
		my $hits = grep { defined $attacker && $_ eq "$threat by $attacker" } @alerts;
		printf "%-50s %s; alerts: %s\n", $file =~ s{.*/}{}r,
		  !defined $attacker ? 'no attack' : $hits ? 'found' : "missed $threat by $attacker" . (defined $untold ? " ($untold)" : ''), join(', ', @alerts) || 'none';
	}
	my @others = other_captures();
	return if !@others;
	new_store('captures_others');
	load(@others);				# some end in the middle of a packet
	my @alerts = map { "$_->{threat} by $_->{source}" } alerts('true');
	printf "%d captures without an attack: alerts: %s\n", scalar @others, join(', ', @alerts) || 'none';
	return;
}
