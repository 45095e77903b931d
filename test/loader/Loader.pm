# Loader.pm - what the loader's tests share: running pcap2pg, reading its
# flows, writing small captures.
package Loader;

use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Socket qw(AF_INET AF_INET6 inet_pton);
use Test::More;

our @EXPORT = qw($root $pcap2pg $dir $data run flows summary address pcap
  write_file ethernet ipv4 ipv6 tcp udp icmp conn_state);

our $root = abs_path(dirname(abs_path(__FILE__)) . '/../..');
our $pcap2pg = $ENV{PCAP2PG} // "$root/build/pcap2pg";
our $dir = tempdir(CLEANUP => 1);
our $data = $ENV{TEST_DATA} // "$root/../shared";

BAIL_OUT("$pcap2pg is missing: run make build") if !-x $pcap2pg;

# Runs pcap2pg with a shell's arguments: (exit status, stdout, stderr).
sub run
{
	my ($arguments) = @_;
	my $out = `timeout 60 $pcap2pg $arguments 2>$dir/stderr`;
	my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
	return ($status, $out, slurp("$dir/stderr"));
}

sub slurp
{
	my ($file) = @_;
	open(my $in, '<', $file) or die "$file: $!";
	local $/;
	return scalar(<$in>) // '';
}

sub write_file
{
	my ($file, $bytes) = @_;
	open(my $out, '>:raw', $file) or die "$file: $!";
	print $out $bytes;
	close($out) or die "$file: $!";
	return $file;
}

# The rows of a CSV text with a header, as hashes.
sub table
{
	my ($text) = @_;
	my ($header, @lines) = split /\n/, $text;
	return if !defined $header;
	my @names = split /,/, $header;
	return map { my %row; @row{@names} = split /,/, $_, -1; \%row } @lines;
}

sub read_table { return table(slurp($_[0])); }

# The flows of captures; options and files as for the shell.
sub flows
{
	my ($status, $out, $err) = run("-q --print $_[0]");
	diag("pcap2pg $_[0]: status $status: $err") if $status != 0;
	return table($out);
}

# The counts of the one-line summary.
sub summary
{
	my ($err) = @_;
	my %count;
	$count{$2} = $1 while $err =~ /(\d+) (packets|IP|flows|bytes),/g;
	return \%count;
}

# Any spelling of an address to one.
sub address
{
	my ($text) = @_;
	return unpack 'H*', inet_pton($text =~ /:/ ? AF_INET6 : AF_INET, $text) // die "address $text";
}

sub conn_state
{
	return (qw(- S0 S1 SF REJ S2 S3 RSTO RSTR RSTOS0 RSTRH SH SHR OTH))[ $_[0] ];
}

# ---- captures by hand: pcap(link, [seconds, frame], ...) --------------------

sub pcap
{
	my ($link, @frames) = @_;
	return join '', pack('VvvVVVV', 0xa1b2c3d4, 2, 4, 0, 0, 65535, $link), map {
		my ($time, $frame, $wire) = @$_;
		my $us = sprintf('%.0f', $time * 1e6);
		pack('VVVV', int($us / 1e6), $us % 1e6, length $frame, $wire // length $frame) . $frame
	} @frames;
}

sub ethernet
{
	my ($type, $payload, @vlans) = @_;
	return pack('H12 H12', '020000000001', '020000000002')
	  . join('', map { pack 'nn', 0x8100, $_ } @vlans) . pack('n', $type) . $payload;
}

# Options: id, offset (bytes), more, length, ttl
sub ipv4
{
	my ($protocol, $src, $dst, $payload, %o) = @_;
	my $fragment = ($o{more} ? 0x2000 : 0) | ($o{offset} // 0) / 8;
	return pack('CCnnnCCn', 0x45, 0, $o{length} // 20 + length $payload, $o{id} // 1, $fragment,
		$o{ttl} // 64, $protocol, 0) . inet_pton(AF_INET, $src) . inet_pton(AF_INET, $dst) . $payload;
}

sub ipv6
{
	my ($next, $src, $dst, $payload) = @_;
	return pack('NnCC', 0x60000000, length $payload, $next, 64)
	  . inet_pton(AF_INET6, $src) . inet_pton(AF_INET6, $dst) . $payload;
}

my %flag = (F => 1, S => 2, R => 4, P => 8, A => 16, U => 32);

# Flags as letters, e.g. 'SA'.
sub tcp
{
	my ($src, $dst, $flags, $seq, $ack, $payload) = @_;
	my $bits = 0;
	$bits |= $flag{$_} for split //, $flags;
	return pack('nnNNCCnnn', $src, $dst, $seq // 0, $ack // 0, 0x50, $bits, 8192, 0, 0) . ($payload // '');
}

sub udp
{
	my ($src, $dst, $payload) = @_;
	return pack('nnnn', $src, $dst, 8 + length $payload, 0) . $payload;
}

sub icmp
{
	my ($type, $code) = @_;
	return pack('CCnnn', $type, $code, 0, 1, 1);
}

1;
