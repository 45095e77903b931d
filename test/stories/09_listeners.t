# Story 9: two listeners and a latecomer all see the alert.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Story;
use Test::More;
use File::Temp qw(tempdir);
use Time::HiRes qw(sleep);

my $dir = tempdir(CLEANUP => 1);
by_hand();
store('netflow');
# psql prints what it was told when its next statement ends
my @listener = map {
	open(my $out, '-|', "{ echo 'LISTEN netflow; SELECT 1;'; while [ ! -e $dir/raised ]; do sleep 0.1; done; echo 'SELECT 2;'; } | PGAPPNAME=listener psql -XqAt 2>&1") // die;
	$out
} 1 .. 2;
wait_for("SELECT count(*) = 2 FROM pg_stat_activity WHERE application_name = 'listener' AND state = 'idle' AND query = 'SELECT 1;'");
scan('netflow', '10.0.0.66', '2026-01-05 10:00', 60);
my $alert = sql('SELECT id FROM netflow.alert');
open(my $raised, '>', "$dir/raised") or die;
for my $n (1, 2)
{
	my $heard = do { local $/; readline $listener[ $n - 1 ] };
	like($heard, qr/"netflow" with payload "\{"alert": $alert\}"/, "listener $n hears of it");
}
is(sql('SELECT id, state FROM netflow.alert'), "$alert|open", 'whoever comes later sees it too');
is(sql('SELECT id, state FROM netflow.alert'), "$alert|open", 'and so does the next');
done_testing();
