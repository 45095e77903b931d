# Story 3: ten dirty rows among a thousand: 990 in, ten set aside with reasons.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Story;
use Test::More;

store('netflow');
sql("SELECT anomaly_create_api('netflow', current_user)");
my @lines = map { sprintf('2026-01-05 %02d:%02d:00,10.0.0.%d,192.0.2.1,%d,443,tcp,%d', $_ % 24, $_ % 60, $_ % 250, 1024 + $_, $_) } 1 .. 1000;
my %dirty = (7 => 'rubbish', 100 => "$lines[100],more", 101 => $lines[101] =~ s/10\.0/ten.0/r, 300 => $lines[300] =~ s/2026/twenty/r,
	301 => $lines[301] =~ s/,443,/,99999,/r, 555 => $lines[555] =~ s/tcp/"tcp/r, 700 => $lines[700] =~ s/,443,/,https,/r,
	701 => $lines[701] =~ s/\d+$/-1/r, 702 => $lines[702] =~ s/\d+$/many/r, 999 => '2026-01-05');
@lines[keys %dirty] = values %dirty;
my $array = join(',', map { "'" . s/'/''/gr . "'" } @lines);
is(sql("SELECT flows, rejected FROM netflow_api.import_flows('{start_time,src_addr,dst_addr,src_port,dst_port,protocol,src_bytes}', ARRAY[$array])"),
	'990|10', '990 in, ten aside');
is(sql('SELECT count(*) FROM netflow.flow'), 990, '990 flows are there');
is(sql('SELECT string_agg(line::text, $$ $$ ORDER BY line) FROM netflow.reject'), join(' ', map { $_ + 1 } sort { $a <=> $b } keys %dirty), 'the ten lines by number');
is(sql("SELECT count(*) FROM netflow_api.rejects WHERE length(reason) > 5 AND raw <> ''"), 10, 'each with its reason and its text');
done_testing();
