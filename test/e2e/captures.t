# The whole way on real captures: each is loaded, learnt from, watched and
# looked back over; known attacks in them raise the right alert.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use Way;

my @cases = labelled_captures();
plan skip_all => 'no captures: set TEST_DATA' if !@cases;

cluster_start();
for my $case (@cases)
{
	my ($path, $attacker, $threat, $rule, $untold) = @$case;
	my ($file) = $path =~ m{([^/]*)$};
	my ($name) = $file =~ /__(\w+)/;
	my ($status, $printed);

	new_store("capture_$name");
	($status, $printed) = load($path);
	is($status, 0, "$file: loads") or diag($printed);
	my ($packets) = `tshark -n -r '$path' -T fields -e frame.number 2>/dev/null | tail -1`;
	is(sql('SELECT packets FROM netflow.capture'), $packets + 0, "$file: packets as tshark counts them")
	  if defined $packets;

	my ($flows, $from, $to) = @{
		(rows(q{SELECT count(*), min(start_time), max(start_time) + interval '1 us' FROM netflow.flow}))[0] };
	my $learnt = eval { learn('true') };
	if (defined $learnt)
	{
		my $watch = watch();
		sql("SELECT anomaly_backfill('netflow', $watch, '$from', '$to')");
		is(sql('SELECT error FROM netflow.watch'), '', "$file: scored");
		is(sql(qq{SELECT sum(flows) FROM netflow.score_hour}), $flows, "$file: every flow has a score");
	}
	else
	{
		cmp_ok($flows, '<', 10, "$file: only too few flows are refused");
	}
	diag("$file: $flows flows; alerts: "
		  . join(', ', map { "$_->[0] by $_->[1]" } rows('SELECT threat, host(source) FROM netflow.alert')));
	if (defined $attacker && !defined $untold)
	{
		is(sql(qq{SELECT count(*) FROM netflow.alert WHERE threat = '$threat' AND source = '$attacker'}),
			1, "$file: one $threat alert, for $attacker");
		is(sql(qq{SELECT count(*) FROM netflow.alert WHERE threat = '$threat' AND source <> '$attacker'}),
			0, "$file: ... and for nobody else");
		is(sql(qq{SELECT count(*) FROM netflow.alert WHERE source = '$attacker' AND '$rule' = ANY (indicators)}),
			1, "$file: ... for the rule $rule");
	}
	else
	{
		is(sql(q{SELECT count(*) FROM netflow.alert WHERE threat IN ('ddos', 'port_scan', 'tunnel')}),
			0, "$file: no flood, no scan, no tunnel");
	}
	my ($again) = load($path);
	is($again, 0, "$file: a second load is no error");
	is(sql('SELECT count(*) FROM netflow.flow'), $flows, "$file: ... and adds nothing");
}

# All others, one after the other in one store.
new_store('capture_others');
load(other_captures());
cmp_ok(sql('SELECT count(*) FROM netflow.flow'), '>', 1000, 'other captures: loaded');
is(sql(q{SELECT string_agg(threat || ' by ' || host(source), ', ') FROM netflow.alert}), '', '... and not one alert');
done_testing();
