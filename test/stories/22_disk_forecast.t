# Story 22: the forecast of a full disk is within 20 %.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Story;
use Test::More;

by_hand();
# Two weeks of working days and weekends, one day of them a flood; then the days
# go on, and the disk fills.
sub a_day
{
	my ($n) = @_;
	sql("SELECT anomaly_ensure_chunks('netflow', date_trunc('day', now()) + interval '$n days', date_trunc('day', now()) + interval '$n days');
		INSERT INTO netflow.flow SELECT f.* FROM (SELECT date_trunc('day', now()) + interval '$n days' AS at) d,
		LATERAL generate_series(1, ((CASE WHEN extract(isodow FROM d.at) > 5 THEN 700 ELSE 1400 END) * (0.9 + 0.2 * hand.draw('size', 100 + $n))
			* CASE WHEN $n = -6 THEN 5 ELSE 1 END)::int) i,
		hand.flow(d.at + interval '1 day' * hand.draw('at', i), inet '10.0.0.1' + i % 50, '192.0.2.1', 443) f");
	return;
}
sql("SELECT anomaly_create_flow_store('netflow')");
a_day($_) for -14 .. -1;
sql("UPDATE anomaly.flow_store SET capacity = 1.5 * (SELECT sum(bytes) FROM netflow.disk)");
my ($forecast, $capacity) = split /\|/, sql('SELECT days_to_full, capacity FROM netflow.health');
my ($before, $bytes, $days) = (0, sql('SELECT bytes FROM netflow.health'), 0);
while ($bytes < $capacity && $days < 60)
{
	$before = $bytes;
	a_day($days++);
	$bytes = sql('SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = $$netflow$$::regnamespace AND relkind = $$r$$');
}
my $actual = $days - 1 + ($capacity - $before) / ($bytes - $before);
cmp_ok(abs($forecast / $actual - 1), '<=', 0.2, sprintf('full in %.1f days, as forecast: %.1f', $actual, $forecast));
is(sql('SELECT disk_forecast FROM netflow.health'), 'full', 'and then it says so');
done_testing();
