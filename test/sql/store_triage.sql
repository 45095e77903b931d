-- What people decide about alerts: which ways are open, that all is logged and
-- nothing can be tidied up, and that suppressions silence what they name.
SET client_min_messages = warning;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT anomaly_create_flow_store('desk');
SELECT anomaly_ensure_chunks('desk', '2026-01-05', '2026-01-08');
-- n ports of a host tried by a source in a minute
CREATE PROCEDURE hand.scan(start timestamptz, src inet, dst inet = '10.0.0.5', n int = 60, first_port int = 1) LANGUAGE sql AS $$
	INSERT INTO desk.flow SELECT f.* FROM generate_series(0, n - 1) i,
	hand.flow(start + interval '0.1 s' * i, src, dst, first_port + i, 6, 4, 0, 0, 1, 1, 2) f
$$;
CALL hand.scan('2026-01-05 10:00', '10.0.0.66');
CALL hand.scan('2026-01-05 10:00', '10.0.0.67');
CALL hand.scan('2026-01-05 10:00', '10.0.0.68');
SELECT id AS a FROM desk.alert WHERE source = '10.0.0.66' \gset
SELECT id AS b FROM desk.alert WHERE source = '10.0.0.67' \gset
SELECT id AS c FROM desk.alert WHERE source = '10.0.0.68' \gset
CREATE VIEW hand.desk AS SELECT source, state, resolution, assignee FROM desk.alert ORDER BY source;

-- one way through
SELECT anomaly_triage('desk', ARRAY[:a], 'acknowledge', note => 'looking');
SELECT anomaly_triage('desk', ARRAY[:a], 'assign', assignee => 'kim');
SELECT anomaly_triage('desk', ARRAY[:a, :b], 'close', 'false_positive', note => 'our own scanner');
TABLE hand.desk;
SELECT anomaly_triage('desk', ARRAY[:b, :b, NULL], 'note', note => 'asked the owner');
SELECT anomaly_triage('desk', '{}', 'acknowledge');
-- and back, step by step; what was taken back is not taken back again
SELECT anomaly_triage('desk', ARRAY[:a], 'undo');
TABLE hand.desk;
SELECT anomaly_triage('desk', ARRAY[:a], 'undo'), anomaly_triage('desk', ARRAY[:b], 'undo');
TABLE hand.desk;
SELECT anomaly_triage('desk', ARRAY[:a], 'undo');
TABLE hand.desk;
SELECT anomaly_triage('desk', ARRAY[:a], 'undo');
SELECT id, alert_id = :a AS a, action, note, undoes, old_state, state, old_resolution, resolution, old_assignee, assignee FROM desk.triage_log ORDER BY id;
SELECT count(*) FILTER (WHERE session_role = session_user AND acting_role = current_user AND api_user IS NULL AND at BETWEEN now() - interval '1 hour' AND clock_timestamp()) = count(*) AS who_and_when
FROM desk.triage_log;

-- Every action from every state: thirteen ways lead somewhere.
CREATE FUNCTION hand.try(state text, action text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	alert int8 := (SELECT id FROM desk.alert WHERE source = '10.0.0.68');
	led text;
BEGIN
	IF state <> 'open' THEN
		PERFORM anomaly_triage('desk', ARRAY[alert], CASE state WHEN 'closed' THEN 'close' ELSE 'acknowledge' END,
							   CASE state WHEN 'closed' THEN 'duplicate' END);
	END IF;
	PERFORM anomaly_triage('desk', ARRAY[alert], action, CASE action WHEN 'close' THEN 'true_positive' END,
						   CASE action WHEN 'assign' THEN 'kim' END, 'x');
	SELECT a.state || coalesce(', ' || a.resolution, '') || coalesce(', ' || a.assignee, '') INTO led FROM desk.alert a WHERE id = alert;
	RAISE EXCEPTION '%', led USING ERRCODE = 'PX000';
EXCEPTION WHEN SQLSTATE 'PX000' THEN
	RETURN SQLERRM;
WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
SELECT s AS state, a AS action, hand.try(s, a) AS led FROM unnest('{open,acknowledged,closed}'::text[]) s,
	unnest('{acknowledge,close,reopen,assign,note,undo}'::text[]) a;
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT anomaly_triage('desk', ARRAY[:a, :c], 'close', 'true_positive');
SELECT anomaly_triage('desk', ARRAY[:c], 'acknowledge');
SELECT anomaly_triage('desk', ARRAY[:b, :c], 'acknowledge');
TABLE hand.desk;			-- all or none
SELECT anomaly_triage('desk', ARRAY[:b], 'close');
SELECT anomaly_triage('desk', ARRAY[:b], 'close', 'whatever');
SELECT anomaly_triage('desk', ARRAY[:b], 'acknowledge', 'duplicate');
SELECT anomaly_triage('desk', ARRAY[:b], 'acknowledge', assignee => 'kim');
SELECT anomaly_triage('desk', ARRAY[:b], 'note');
SELECT anomaly_triage('desk', ARRAY[:b], 'erase');
SELECT anomaly_triage('desk', ARRAY[:b], NULL);
SELECT anomaly_triage('desk', ARRAY[:b, 424242], 'acknowledge');
\set VERBOSITY sqlstate
SELECT anomaly_triage('desk', ARRAY[:b, 424242], 'acknowledge');
SELECT anomaly_triage('nowhere', ARRAY[:b], 'acknowledge');
\set VERBOSITY terse

-- No way around the log, and the log says who without being told.
UPDATE desk.alert SET state = 'acknowledged' WHERE id = :b;
UPDATE desk.alert SET assignee = 'nobody' WHERE id = :a;
UPDATE desk.triage_log SET note = 'nothing happened';
DELETE FROM desk.triage_log;
TRUNCATE desk.triage_log;
BEGIN;
SET LOCAL request.jwt.claims = '{"sub": "lee", "role": "analyst"}';
INSERT INTO desk.triage_log (id, at, session_role, acting_role, api_user, alert_id, action, old_state, state, hash)
	VALUES (1, 'epoch', 'nobody', 'nobody', 'nobody', :b, 'acknowledge', 'closed', 'closed', '\x00');
SELECT id = (SELECT count(*) FROM desk.triage_log) AS last, at > 'epoch' AS dated, session_role = session_user AS login, api_user, old_state, state, length(hash) AS hash
FROM desk.triage_log ORDER BY triage_log.id DESC LIMIT 1;
INSERT INTO desk.triage_log (action) VALUES ('close');
ROLLBACK;
SELECT entries = (SELECT count(*) FROM desk.triage_log) AS all_hold, head = (SELECT hash FROM desk.triage_log ORDER BY id DESC LIMIT 1) AS head, broken, problem
FROM anomaly_verify_log('desk');
-- the chain as another would compute it
WITH RECURSIVE chain AS (
	SELECT l.id, l.hash, sha256(convert_to(jsonb_strip_nulls(to_jsonb(l) - 'hash')::text, 'UTF8')) AS mine FROM desk.triage_log l WHERE id = 1
	UNION ALL
	SELECT l.id, l.hash, sha256(c.mine || convert_to(jsonb_strip_nulls(to_jsonb(l) - 'hash')::text, 'UTF8')) FROM chain c JOIN desk.triage_log l ON l.id = c.id + 1
)
SELECT count(*) FILTER (WHERE hash = mine) = count(*) AS same FROM chain;
-- whoever has the power to switch the triggers off leaves a trace
CREATE FUNCTION hand.tamper(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text;
BEGIN
	ALTER TABLE desk.triage_log DISABLE TRIGGER ALL;
	EXECUTE change;
	SELECT format('%s hold, %s', entries, problem) INTO found FROM anomaly_verify_log('desk');
	RAISE EXCEPTION '%', found USING ERRCODE = 'PX000';
EXCEPTION WHEN SQLSTATE 'PX000' THEN
	RETURN SQLERRM;
END
$$;
SELECT c AS change, hand.tamper(c) FROM unnest(ARRAY[
	'UPDATE desk.triage_log SET note = ''nothing'' WHERE id = 4',
	'UPDATE desk.triage_log SET at = at + interval ''1 us'' WHERE id = 2',
	'UPDATE desk.triage_log SET api_user = ''lee'' WHERE id = 1',
	'DELETE FROM desk.triage_log WHERE id = 3',
	'DELETE FROM desk.triage_log WHERE id = 1',
	'UPDATE desk.triage_log SET hash = sha256(hash) WHERE id = 5']) c;
SET timezone = 'Asia/Kolkata';		-- the reader's settings change nothing
SET datestyle = 'German';
SELECT broken, problem FROM anomaly_verify_log('desk');
SET timezone = 'UTC';
RESET datestyle;

-- A closed alert whose source goes on is open again, one that is only looked at
-- again is not.  10.0.0.68 was closed as true, 10.0.0.66 is acknowledged.
SELECT anomaly_triage('desk', ARRAY[:a], 'reopen'), anomaly_triage('desk', ARRAY[:a], 'acknowledge');
SELECT anomaly_backfill('desk', NULL, '2026-01-05', '2026-01-06') > 0 AS done;
TABLE hand.desk;
CALL hand.scan('2026-01-05 10:20', '10.0.0.68');
CALL hand.scan('2026-01-05 10:20', '10.0.0.66');
TABLE hand.desk;
SELECT count(*) AS alerts FROM desk.alert;
SELECT action, note, old_state, old_resolution, state FROM desk.triage_log WHERE alert_id = :c ORDER BY id DESC LIMIT 1;
-- past the gap it is another alert
SELECT anomaly_triage('desk', ARRAY[:c], 'close', 'true_positive');
CALL hand.scan('2026-01-05 12:00', '10.0.0.68');
SELECT state, first_seen::time, last_seen::time FROM desk.alert WHERE source = '10.0.0.68' ORDER BY id;
-- An acknowledged alert that reaches a higher band is open again.
UPDATE desk.threat_rule SET severity = 60 WHERE rule = 'vertical_scan';
CALL hand.scan('2026-01-06 10:00', '10.0.0.69');
SELECT id AS d FROM desk.alert WHERE source = '10.0.0.69' \gset
SELECT anomaly_triage('desk', ARRAY[:d], 'acknowledge');
UPDATE desk.threat_rule SET severity = 70 WHERE rule = 'vertical_scan';
CALL hand.scan('2026-01-06 10:05', '10.0.0.69');
SELECT severity, state FROM desk.alert WHERE id = :d;		-- still major
UPDATE desk.threat_rule SET severity = 90 WHERE rule = 'vertical_scan';
CALL hand.scan('2026-01-06 10:10', '10.0.0.69');
SELECT severity, state FROM desk.alert WHERE id = :d;
SELECT action, note FROM desk.triage_log WHERE alert_id = :d ORDER BY id;

-- Suppressions: silent, counted, back after expiry.
SELECT anomaly_suppress('desk', 'our own scanner', source => '10.0.9.0/24', threat => 'port_scan') AS s \gset
CALL hand.scan('2026-01-07 10:00', '10.0.9.1');
CALL hand.scan('2026-01-07 10:01', '10.0.9.1');
CALL hand.scan('2026-01-07 10:00', '10.0.8.1');
SELECT source, threat FROM desk.alert WHERE first_seen >= '2026-01-07';
SELECT src_addr, alert_id IS NULL AS no_alert, suppression_id = :s AS silenced, flow_count FROM desk.detection WHERE start_time >= '2026-01-07' ORDER BY 1, start_time;
CALL hand.scan('2026-01-07 10:01:30', '10.0.9.1', n => 10);		-- the same window grows
SELECT hits, last_hit IS NOT NULL AS hit FROM desk.suppression;
SELECT anomaly_unsuppress('desk', :s);
CALL hand.scan('2026-01-07 14:00', '10.0.9.2');
SELECT source, threat FROM desk.alert WHERE first_seen >= '2026-01-07' AND source <<= '10.0.9.0/24';
SELECT hits FROM desk.suppression;
SELECT action, suppression_id = :s AS s, note LIKE '%10.0.9.0/24%our own scanner' AS says_what FROM desk.triage_log WHERE suppression_id IS NOT NULL ORDER BY id;
-- expiry comes by itself
BEGIN;
SELECT anomaly_suppress('desk', 'for a moment', source => '10.0.7.0/24', expires_at => clock_timestamp() + interval '10 ms') > 0 AS made;
CALL hand.scan('2026-01-07 10:00', '10.0.7.1');
SELECT count(*) FROM desk.alert WHERE source <<= '10.0.7.0/24';
COMMIT;
SELECT pg_sleep(0.02);
CALL hand.scan('2026-01-07 11:00', '10.0.7.2');
SELECT count(*) FROM desk.alert WHERE source <<= '10.0.7.0/24';

-- All that is named must agree, and the whole of a detection.
CREATE FUNCTION hand.silent(VARIADIC suppressions text[]) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
	s text;
	silent bool;
BEGIN
	FOREACH s IN ARRAY suppressions LOOP
		EXECUTE 'SELECT anomaly_suppress(''desk'', ''test'', ' || s || ')';
	END LOOP;
	CALL hand.scan('2026-01-08 10:00', '10.0.6.1', n => 60);
	INSERT INTO desk.flow SELECT f.* FROM generate_series(1, 400) i,
		hand.flow(timestamptz '2026-01-08 11:00' + interval '5 ms' * i, '10.0.6.1', '10.0.0.5', 80, 6, 1, 0, 0, 1, 0, 2) f;
	SET CONSTRAINTS ALL IMMEDIATE;
	SELECT bool_and(suppression_id IS NOT NULL) INTO silent FROM desk.detection
	WHERE src_addr = '10.0.6.1' AND start_time >= '2026-01-08' AND rule = 'syn_flood';
	RAISE EXCEPTION '%', silent USING ERRCODE = 'PX000';
EXCEPTION WHEN SQLSTATE 'PX000' THEN
	RETURN SQLERRM::bool;
END
$$;
SELECT s AS suppression, hand.silent(s) FROM unnest(ARRAY[
	'source => ''10.0.6.1''', 'source => ''10.0.6.2''', 'source => ''0.0.0.0/0''', 'source => ''::/0''', 'target => ''10.0.0.0/24''',
	'target => ''10.0.0.6''', 'ports => ''{80}''', 'ports => ''{443}''', 'ports => ''{80,443}''', 'threat => ''ddos''',
	'threat => ''port_scan''', 'rule => ''syn_flood''', 'rule => ''udp_flood''', 'model => ''office''', 'protocol => 17',
	'source => ''10.0.6.1'', threat => ''port_scan''', 'source => ''10.0.6.1'', threat => ''ddos'', ports => ''{80}''']) s;
-- a scan of 60 ports is not silenced by the 20 that are listed
SELECT anomaly_suppress('desk', 'listed', ports => (SELECT array_agg(p) FROM generate_series(1, 20) p)) > 0 AS made;
CALL hand.scan('2026-01-08 12:00', '10.0.6.3', n => 60);
SELECT count(*) FROM desk.alert WHERE source = '10.0.6.3';

-- suppressed is not in the page's findings, but in the count
SELECT count(*) FILTER (WHERE suppression_id IS NOT NULL) > 0 AS some, (SELECT detections FROM desk.tally) = count(*) AS counted FROM desk.detection;
\set VERBOSITY default
SELECT anomaly_suppress('desk', 'everything');
SELECT anomaly_suppress('desk', '', source => '10.0.0.1');
SELECT anomaly_suppress('desk', 'late', source => '10.0.0.1', expires_at => '2026-01-01');
SELECT anomaly_suppress('desk', 'never', source => '10.0.0.1', expires_at => NULL);
SELECT anomaly_suppress('desk', 'many', ports => '{}');
SELECT anomaly_unsuppress('desk', :s);
\set VERBOSITY sqlstate
SELECT anomaly_unsuppress('desk', :s);
\set VERBOSITY default
SELECT entries = (SELECT count(*) FROM desk.triage_log) AS all_hold, broken FROM anomaly_verify_log('desk');
SELECT error FROM desk.tally;
SELECT anomaly_suppress('desk', E' \n', source => '10.0.0.1');
SELECT anomaly_suppress('desk', 'no port', ports => '{80,65536}');
SELECT anomaly_suppress('desk', 'no port', ports => '{80,NULL}');
SELECT anomaly_suppress('desk', 'no protocol', protocol => 256);
SELECT anomaly_suppress('desk', 'misspelt', rule => 'sin_flood');
SELECT anomaly_triage('desk', ARRAY[:b], 'note', note => '');
