# Store.pm - for tests of the loader that need a database: a private cluster
# with one flow store, dropped when the test ends.
package Store;

use strict;
use warnings;
use Exporter qw(import);
use Loader;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw($cluster new_store sql wait_for loader_start loader_end fingerprint);

our $cluster = "$root/test/stack/cluster.sh";

system("$cluster start loader") == 0 or BAIL_OUT('no cluster');
{
	my $environment = `$cluster env loader`;
	$ENV{$1} = $2 while $environment =~ /(PG[A-Z_]+)=(\S+)/g;
}

$ENV{PGOPTIONS} = "-c client_min_messages=warning";

my @running;

END
{
	my $status = $?;
	kill 'KILL', @running if @running;
	system("$cluster drop loader");
	$? = $status;
}

# A database with an empty store.
sub new_store
{
	my ($name) = @_;
	$ENV{PGDATABASE} = 'postgres';
	sql("DROP DATABASE IF EXISTS $name WITH (FORCE)");
	sql("CREATE DATABASE $name");
	$ENV{PGDATABASE} = $name;
	sql('CREATE EXTENSION IF NOT EXISTS pg_anomaly; SELECT anomaly_create_flow_store()');
}

sub sql
{
	my ($query) = @_;
	open(my $in, '-|', 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-c', $query) or die "psql: $!";
	local $/;
	my $out = <$in> // '';
	close $in or die "failed: $query";
	$out =~ s{\n\z}{};
	return $out;
}

# A file's fingerprint, as the openssl program and SQL make it.
sub fingerprint
{
	my ($file) = @_;
	my $key = sql(q{SELECT encode(capture_key, 'hex') FROM anomaly.flow_store WHERE name = 'netflow'});
	my $tag = `openssl mac -cipher AES-128-GCM -macopt hexkey:$key -macopt hexiv:@{[ '00' x 12 ]} -in $file GMAC`;
	die 'no openssl' if $tag !~ /^([0-9A-F]{32})$/m;
	return sql("SELECT encode(sha256('\\x$1'::bytea || int8send(@{[ -s $file ]})), 'hex')");
}

# Waits until the code, or the query, says yes.
sub wait_for
{
	my ($what, $seconds) = @_;
	for (my $end = time + ($seconds // 60); time < $end; sleep 0.05)
	{
		return 1 if ref $what ? $what->() : sql($what) eq 't';
	}
	return 0;
}

# pcap2pg in the background; its messages go to a file.
sub loader_start
{
	my ($messages, @arguments) = @_;
	write_file($messages, '');
	my $pid = fork() // die "fork: $!";
	if (!$pid)
	{
		open(STDERR, '>', $messages) or die "$messages: $!";
		exec @arguments or die "exec: $!";
	}
	push @running, $pid;
	return $pid;
}

# Sends it a signal, if one is given, and waits; the exit status, or 128 + signal.
sub loader_end
{
	my ($pid, $signal) = @_;
	kill $signal, $pid if $signal;
	waitpid $pid, 0;
	@running = grep { $_ != $pid } @running;
	return $? & 127 ? 128 + ($? & 127) : $? >> 8;
}

1;
