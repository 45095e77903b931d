-- Reports: summaries add up to the rows themselves, exports are flat, and the
-- report of a viewer says what SQL says.
SET client_min_messages = warning;
SET timezone = 'UTC';
\set VERBOSITY terse
CREATE ROLE pga_test_viewer;
SELECT anomaly_create_flow_store('told');
SELECT anomaly_ensure_chunks('told', '2026-01-05', '2026-01-14');
INSERT INTO told.flow SELECT f.* FROM generate_series(1, 4000) i,
	hand.flow(timestamptz '2026-01-05' + interval '10 days' * hand.draw('when', i), inet '10.0.0.1' + (9 * hand.draw('who', i))::int,
	inet '192.0.2.0' + (9 * hand.draw('whom', i))::int, 443, 6, 3, (9000 * hand.draw('out', i))::int8, (90000 * hand.draw('in', i))::int8) f;
-- three scans of a host, on a Tuesday, on the Sunday and over its midnight
INSERT INTO told.flow SELECT f.* FROM (VALUES (timestamptz '2026-01-06 10:00', inet '10.0.0.66'), ('2026-01-11 12:00', '10.0.0.67'), ('2026-01-11 23:59', '10.0.0.68')) s(at, who),
	generate_series(1, 900) i, hand.flow(s.at + interval '0.1 s' * i, s.who, '10.0.0.5', i, 6, 4, 0, 0, 1, 1, 2) f;
SELECT anomaly_create_api('told', 'pga_test_viewer');
SELECT id AS a, source FROM told.alert WHERE source = '10.0.0.66' \gset
SELECT anomaly_triage('told', ARRAY[:a], 'close', 'true_positive');
SELECT anomaly_triage('told', '{2}', 'acknowledge');

SELECT day, alerts, critical + major + lesser AS bands, undecided, true_positives, false_positives, sources, alert_flows, most_frequent FROM told.summary_day WHERE alerts > 0 ORDER BY 1;
SELECT count(*) AS days, count(*) FILTER (WHERE (s.flows, s.failed, s.packets, s.bytes) <> (r.flows, r.failed, r.packets, r.bytes)) AS differing
FROM told.summary_day s FULL JOIN (SELECT start_time::date AS day, count(*) AS flows, count(*) FILTER (WHERE state IN (1, 4, 7, 8, 9, 10, 11)) AS failed,
	sum(src_packets + dst_packets) AS packets, sum(src_bytes + dst_bytes) AS bytes FROM told.flow GROUP BY 1) r USING (day);
SELECT week, extract(isodow FROM week) AS monday, alerts, flows FROM told.summary_week ORDER BY 1;
SELECT count(*), count(*) FILTER (WHERE start_time < '2026-01-12') AS first_week FROM told.flow;

SELECT count(*) = (SELECT count(*) FROM told.alert) AS all_alerts FROM told.alert_export;
SELECT first_seen, duration_s, source, threat, band, state, resolution, flow_count, targets, reasons ~ '^\w+ [0-9.]+, expected .+ \(\d+ %\)' AS reasons, ports ~ '^[0-9 ]+$' AS ports
FROM told.alert_export ORDER BY first_seen;
SELECT reasons FROM told.alert_export WHERE id = :a;
SELECT reasons FROM told.alert WHERE id = :a;
SELECT anomaly.reasons_text('[{"feature": "bytes", "value": "7", "expected": "<= 3", "share": 0.75}, {"feature": "service", "value": "http", "expected": "dns", "share": 0.25}]');
SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid IN ('told.alert_export'::regclass, 'told.detection_export'::regclass) AND attnum > 0
	AND (atttypid IN ('json'::regtype, 'jsonb'::regtype) OR atttypid::regtype::text LIKE '%[]');

-- a page after the other has every row once
SET ROLE pga_test_viewer;
CREATE TEMP TABLE page (start_time timestamptz, id int8);
DO $$
DECLARE
	last record;
	n int;
BEGIN
	SELECT timestamptz '-infinity' AS start_time, 0::int8 AS id INTO last;
	LOOP
		INSERT INTO page SELECT e.start_time, e.id FROM told_api.detections_export e
		WHERE e.start_time >= last.start_time AND (e.start_time > last.start_time OR e.id > last.id) ORDER BY 1, 2 LIMIT 2;
		GET DIAGNOSTICS n = ROW_COUNT;
		EXIT WHEN n = 0;
		SELECT p.start_time, p.id INTO last FROM page p ORDER BY 1 DESC, 2 DESC LIMIT 1;
	END LOOP;
END $$;
RESET ROLE;
SELECT count(*) = count(DISTINCT id) AS once, count(*) > 2 AS pages, count(*) = (SELECT count(*) FROM told.detection) AS all_of_them FROM page;

-- the report
SET ROLE pga_test_viewer;
SELECT told_api.report('2026-01-05', '2026-01-12') AS r \gset
RESET ROLE;
SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(:'r') k;
SELECT n ->> 'name' AS name, (n -> 'value')::float8 = (SELECT count(*) FROM told.flow WHERE start_time < '2026-01-12') AS same FROM jsonb_array_elements(:'r'::jsonb -> 'numbers') n WHERE n ->> 'name' = 'flows';
SELECT :'r'::jsonb -> 'alerts' -> 'total' AS total, :'r'::jsonb #> '{alerts,by_state}' AS states, jsonb_array_length(:'r'::jsonb #> '{alerts,worst}') AS worst;
SELECT w ->> 'source' AS source, w ->> 'threat' AS threat, w ->> 'reasons' = anomaly.reasons_text(a.reasons) AS reasons, jsonb_array_length(w -> 'playbook') > 0 AS playbook
FROM jsonb_array_elements(:'r'::jsonb #> '{alerts,worst}') w JOIN told.alert a ON a.id = (w ->> 'id')::int8 ORDER BY 1;
SELECT jsonb_array_length(:'r'::jsonb -> 'days') AS days, jsonb_array_length(:'r'::jsonb -> 'sources') AS sources, :'r'::jsonb #>> '{health,store}' AS store;
SELECT d ->> 'action' AS action, d ->> 'resolution' AS resolution, d -> 'times' AS times FROM jsonb_array_elements(told_api.report('2026-01-05', now() + interval '1 hour') -> 'decisions') d ORDER BY 1;
SELECT t ->> 'address' AS busiest, (t -> 'flows')::int8 = (SELECT max(n) FROM (SELECT count(*) AS n FROM told.flow WHERE start_time < '2026-01-12' GROUP BY src_addr) x) AS same
FROM jsonb_array_elements(:'r'::jsonb -> 'talkers') WITH ORDINALITY t(t, i) WHERE i = 1;
-- nothing there, too long, no period
SELECT r -> 'days' AS days, r #> '{alerts,total}' AS total, r -> 'sources' AS sources FROM told_api.report('2020-01-01', '2020-01-02') r;
SELECT (r ->> 't0')::timestamptz FROM told_api.report('1900-01-01', '2026-01-12') r;
SELECT r #> '{alerts,total}' AS total FROM told_api.report('2026-01-12', '2026-01-05') r;
SELECT anomaly_drop_flow_store('told');
DROP OWNED BY pga_test_viewer;
DROP ROLE pga_test_viewer;
