# Story 11: triage has who, when and note; an illegal transition is an error.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Story;
use Test::More;

by_hand();
store('netflow');
scan('netflow', '10.0.0.66', '2026-01-05 10:00', 60);
my $alert = sql('SELECT id FROM netflow.alert');
sql("SELECT anomaly_triage('netflow', '{$alert}', 'acknowledge', note => 'looking'); SELECT anomaly_triage('netflow', '{$alert}', 'close', 'true_positive', note => 'blocked')");
is(sql("SELECT action, state, session_role, note, at BETWEEN now() - interval '1 minute' AND clock_timestamp() FROM netflow.triage_log ORDER BY id"),
	"acknowledge|acknowledged|$ENV{PGUSER}|looking|t\nclose|closed|$ENV{PGUSER}|blocked|t", 'who, when and note');
is(sqlstate("SELECT anomaly_triage('netflow', '{$alert}', 'acknowledge')"), 'PA031', 'a closed alert cannot be acknowledged');
is(sqlstate("SELECT anomaly_triage('netflow', '{$alert}', 'close', 'duplicate')"), 'PA031', 'nor closed again');
is(sqlstate("UPDATE netflow.alert SET state = 'open', resolution = NULL"), '55000', 'nor changed past the log');
is(sql('SELECT state, resolution FROM netflow.alert'), 'closed|true_positive', 'it stays as it was');
is(sql("SELECT entries, broken FROM anomaly_verify_log('netflow')"), '2|', 'the log holds');
done_testing();
