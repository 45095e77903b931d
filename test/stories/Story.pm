# What stories share beside the cluster: flows made by hand (test/sql/store_0_setup.sql)
# and the loader's programs.
package Story;

use strict;
use warnings;
use Exporter qw(import);
use FindBin;
use lib "$FindBin::RealBin/../t";
use Cluster;
use Test::More;

$ENV{PGOPTIONS} //= '-c client_min_messages=warning';

our @EXPORT = (@Cluster::EXPORT, qw(by_hand store scan ordinary roles_gone program));

# hand.flow, hand.draw and a helper for scans.
sub by_hand
{
	system('psql', '-Xq', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-f', "$root/test/sql/store_0_setup.sql") == 0
		or BAIL_OUT('no flows by hand');
	return;
}

# A store with chunks for the first week of 2026-01-05.
sub store
{
	my ($name) = @_;
	sql("SELECT anomaly_create_flow_store('$name'); SELECT anomaly_ensure_chunks('$name', '2026-01-05', '2026-01-11')");
	return;
}

# A source tries n ports of a host, ten a second.
sub scan
{
	my ($store, $source, $start, $n) = @_;
	sql("INSERT INTO $store.flow SELECT f.* FROM generate_series(1, $n) i,
		hand.flow(timestamptz '$start' + interval '0.1 s' * i, '$source', '10.0.0.5', i, 6, 4, 0, 0, 1, 1, 2) f");
	return;
}

# n flows of fifty hosts to web servers, over a day.
sub ordinary
{
	my ($store, $day, $n) = @_;
	sql("INSERT INTO $store.flow SELECT f.* FROM generate_series(1, $n) i,
		hand.flow(timestamptz '$day' + interval '1 day' * hand.draw('$day', i), inet '10.0.0.1' + i % 50,
		inet '203.0.113.0' + (90 * hand.draw('to', i))::int, 443, 6, 3, (300 + 900 * hand.draw('out', i))::int8,
		(2000 + 60000 * hand.draw('in', i))::int8, src_port => 1024 + i) f");
	return;
}

# Roles outlive the database: takes those of a pattern away.
sub roles_gone
{
	my ($pattern) = @_;
	for my $role (split /\n/, sql("SELECT quote_ident(rolname) FROM pg_roles WHERE rolname ~ '$pattern'"))
	{
		sql("DROP OWNED BY $role; DROP ROLE $role");
	}
	return;
}

# The path of a program of the build.
sub program
{
	my ($name) = @_;
	-x "$root/build/$name" or BAIL_OUT("build/$name is missing: run make stage");
	return "$root/build/$name";
}

1;
