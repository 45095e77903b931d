# Story 18: the dashboard's numbers are SQL's.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Story;
use Test::More;

by_hand();
store('netflow');
ordinary('netflow', '2026-01-05', 3000);
ordinary('netflow', '2026-01-06', 5000);
scan('netflow', '10.0.0.66', '2026-01-06 10:00', 900);
sql("CREATE ROLE story_viewer; SELECT anomaly_create_api('netflow', 'story_viewer')");
my ($t0, $t1) = ('2026-01-06', '2026-01-07');
my $flows = "FROM netflow.flow WHERE start_time >= '$t0' AND start_time < '$t1'";
my %number = map { split /\|/ } split /\n/, sql("SET ROLE story_viewer; SELECT name, value FROM netflow_api.kpi('$t0', '$t1')");
my %truth = (flows => "SELECT count(*) $flows", bytes => "SELECT sum(src_bytes + dst_bytes) $flows", packets => "SELECT sum(src_packets + dst_packets) $flows",
	alerts => 'SELECT count(*) FROM netflow.alert', detections => 'SELECT count(*) FROM netflow.detection', sources => 'SELECT count(DISTINCT src_addr) FROM netflow.detection');
is_deeply([ sort keys %number ], [ sort keys %truth ], 'the tiles');
is($number{$_}, sql($truth{$_}), "$_: $number{$_}") for sort keys %truth;
is(sql("SET ROLE story_viewer; SELECT sum(flows), sum(bytes), sum(critical + major + minor + warning) FROM netflow_api.timeline('$t0', '$t1')"),
	join('|', @number{qw(flows bytes detections)}), 'the timeline adds up to them');
is(sql("SET ROLE story_viewer; SELECT sum(detections) FROM netflow_api.swimlane('$t0', '$t1')"), $number{detections}, 'so do the hosts');
is(sql("SET ROLE story_viewer; SELECT sum(alerts), sum(detections) FROM netflow_api.threat_types('$t0', '$t1')"), "$number{alerts}|$number{detections}", 'and the threats');
is(sql('SET ROLE story_viewer; SELECT flows FROM netflow_api.status'), sql('SELECT count(*) FROM netflow.flow'), 'and the status');
roles_gone('^story_viewer$');
done_testing();
