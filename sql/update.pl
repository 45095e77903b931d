#!/usr/bin/env perl
# Writes an update script of the extension, to its standard output.
#
#   update.pl HEAD [SCRIPT ...]
#
# HEAD is what the release says in sql/update/A--B.sql (97_upgrade.sql tells what
# belongs there); all functions and comments of the scripts of B follow, so that
# none can be forgotten.  On the way to a later release they come with the last
# step.  Servers since 13.8 and 14.5 let an extension's script replace what is a
# member of the extension, and nothing else (CVE-2022-2625).
use strict;
use warnings;

die "usage: update.pl HEAD [SCRIPT ...]\n" if !@ARGV;
my ($head, @scripts) = @ARGV;

sub slurp
{
	my ($file) = @_;
	open my $in, '<', $file or die "$file: $!\n";
	local $/;
	return <$in>;
}

print "\\echo Use \"ALTER EXTENSION pg_anomaly UPDATE\" to load this file. \\quit\n\n";
print "SET LOCAL search_path TO pg_catalog, pg_temp;\n\n";
print slurp($head), "\n";
for my $script (@scripts)
{
	# a statement begins a line and ends one, outside of $tag$ ... $tag$ and '...'
	my $text = slurp($script);
	while ($text =~ /\G(?:--[^\n]*\n|\s+|\\[^\n]*\n)*((?:\$(\w*)\$.*?\$\2\$|'(?:[^']|'')*'|--[^\n]*\n|[^;'\$]|\$)+;[ \t]*(?:--[^\n]*)?\n)/gcs)
	{
		my $statement = $1;
		print "$statement\n" if $statement =~ s/^CREATE FUNCTION/CREATE OR REPLACE FUNCTION/ || $statement =~ /^COMMENT ON/;
	}
	my $rest = substr $text, pos($text) // 0;
	die "$script: cannot read from: " . substr($rest, 0, 60) . "\n" if $rest =~ /^\s*[^\s-]/m;
}
