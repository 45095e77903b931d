package Cluster;

# A private cluster for a test, with the extension in database postgres; it is
# dropped when the test ends.  When SHARED_CLUSTER names one that runs, the test
# has a database of its own there instead.

use strict;
use warnings;
use Exporter qw(import);
use FindBin;
use POSIX qw(_exit);
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw($root $db sql sqlstate start_sql wait_for);
our $root = "$FindBin::RealBin/../..";
my $script = "$root/test/stack/cluster.sh";
my $shared = $ENV{SHARED_CLUSTER};
my $name = $shared // 'tap';
our $db = 'postgres';

$shared or system("$script drop $name && $script start $name") == 0 or BAIL_OUT('no cluster');
my $environment = `$script env $name`;
$ENV{$1} = $2 while $environment =~ /(PG[A-Z]+)=(\S+)/g;
if ($shared)
{
	my ($test) = $0 =~ m{(\w+)\.t$};
	sql("CREATE DATABASE test_$test");
	$ENV{PGDATABASE} = $db = "test_$test";
}
sql('CREATE EXTENSION pg_anomaly');

END
{
	my $status = $?;
	system("$script drop $name") if !$shared;
	$? = $status;
}

sub run
{
	my ($query, $database) = @_;
	open(my $in, '-|', 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose',
		'-d', $database // $db, '-c', $query) or die "psql: $!";
	local $/;
	my $out = <$in> // '';
	close $in;
	$out =~ s{\n\z}{};
	return ($? >> 8, $out);
}

# What a query prints; it must succeed.
sub sql
{
	my ($status, $out) = run(@_);
	die "failed: $_[0]" if $status != 0;
	return $out;
}

# The SQLSTATE that a query ends with; empty when it succeeds.
sub sqlstate
{
	my (undef, $out) = start_sql(@_);
	my $answer = do { local $/; <$out> };
	close $out;
	return $answer =~ /^(?:psql:.*?)?ERROR:\s+(\w{5})/m ? $1 : '';
}

# Starts a query in a session of its own; returns the psql's pid and a file
# handle on what it prints, errors too.
sub start_sql
{
	my ($query) = @_;
	my $pid = open(my $out, '-|') // die "fork: $!";
	if ($pid == 0)
	{
		open(STDERR, '>&', \*STDOUT);
		exec('psql', '-XqAt', '-v', 'VERBOSITY=sqlstate', '-c', $query) or _exit(127);
	}
	return ($pid, $out);
}

# Waits until a query prints something true, at most 20 s; returns that.
sub wait_for
{
	my ($query) = @_;
	for (1 .. 400)
	{
		my $out = `psql -XqAt -c "$query" $db 2>/dev/null`;
		chomp $out;
		return $out if $? == 0 && $out ne '' && $out ne 'f';
		sleep 0.05;
	}
	die "waited in vain: $query";
}

1;
