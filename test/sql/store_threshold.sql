-- Thresholds and debouncing: what is previewed is what applying does, and both
-- are what counting by hand gives.
SET client_min_messages = warning;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
SELECT anomaly_create_flow_store('dial');
SELECT anomaly_ensure_chunks('dial', '2026-01-05', '2026-01-09');
-- A watch whose findings are made by hand: 24 sources on four days, each with 3
-- to 8 flows a minute apart, of p-values from 0.01 down to 10^-7.
INSERT INTO dial.watch (model, enabled, min_severity, alert_severity, alert_flows, threshold_value) VALUES ('hand', false, 25, 50, 3, 50) RETURNING id AS w \gset
INSERT INTO dial.detection (start_time, end_time, score, p_value, severity, confidence, watch_id, model_version, src_port, dst_port, protocol,
	src_addr, dst_addr, threat, model, reasons, targets, ports)
SELECT t, t, 1 - p ^ 0.1, p, least(25 * (-log(p) - 1), 100), 1 - p, :w, 1, 40000, 443, 6, inet '10.0.0.0' + i, '192.0.2.1', 'suspicious', 'hand',
	'[{"feature": "x", "value": "1", "expected": "2", "share": 1}]', '{192.0.2.1}', '{443}'
FROM generate_series(1, 24) i CROSS JOIN LATERAL generate_series(1, 3 + i % 6) j
CROSS JOIN LATERAL (SELECT (0.01 * 10 ^ (-5 * hand.draw('depth ' || i % 8, j)))::float8 AS p,
	timestamptz '2026-01-05 10:00' + interval '1 day' * (i % 4) + interval '1 min' * j AS t) x;
INSERT INTO dial.score_hour SELECT timestamptz '2026-01-05' + interval '1 hour' * h, :w, 0, 100, 0 FROM generate_series(0, 95) h;
SELECT count(*) AS detections, min(severity) >= 25 AS severe FROM dial.detection;

-- by hand: the flows and sources that a p-value or score lets pass
CREATE FUNCTION hand.passing(p float8, s float8, OUT flows bigint, OUT alerts bigint) LANGUAGE sql AS $$
	SELECT coalesce(sum(n), 0), count(*) FILTER (WHERE n >= 3)
	FROM (SELECT count(*) FILTER (WHERE p_value <= p OR score >= s) AS n FROM dial.detection WHERE src_addr < '10.0.1.0' GROUP BY src_addr) x
$$;
CREATE FUNCTION hand.raised(OUT alerts bigint, OUT detections bigint) LANGUAGE sql AS $$
	SELECT (SELECT count(*) FROM dial.alert WHERE watch_id IS NOT NULL), count(*) FROM dial.detection WHERE alert_id IS NOT NULL
$$;
-- each kind, previewed, compared, applied, compared again
CREATE FUNCTION hand.turn(kind text, value float8, OUT shown record, OUT untouched bool, OUT by_hand bool, OUT applied bool, OUT held bool)
LANGUAGE plpgsql AS $$
DECLARE
	before record;
	done record;
	cut record;
BEGIN
	SELECT (SELECT max(id) FROM dial.watch_log) AS log, (SELECT md5(string_agg(a::text, ',' ORDER BY id)) FROM dial.alert a) AS alerts,
		   (SELECT md5(string_agg(d::text, ',' ORDER BY id)) FROM dial.detection d) AS found, w::text AS watch INTO before FROM dial.watch w WHERE model = 'hand';
	SELECT p.flows, p.alerts, p.alerts_before INTO shown
	FROM anomaly_preview_threshold('dial', (SELECT id FROM dial.watch WHERE model = 'hand'), kind, value, '2026-01-05', '2026-01-09') p;
	untouched := before IS NOT DISTINCT FROM (SELECT x FROM (SELECT (SELECT max(id) FROM dial.watch_log) AS log, (SELECT md5(string_agg(a::text, ',' ORDER BY id)) FROM dial.alert a) AS alerts,
		   (SELECT md5(string_agg(d::text, ',' ORDER BY id)) FROM dial.detection d) AS found, w::text AS watch FROM dial.watch w WHERE model = 'hand') x);
	SELECT s.flows, s.alerts, s.alerts_before INTO done
	FROM anomaly_set_threshold('dial', (SELECT id FROM dial.watch WHERE model = 'hand'), kind, value, '2026-01-05', '2026-01-09') s;
	applied := shown = done;
	SELECT h.* INTO cut FROM dial.watch w, hand.passing(CASE WHEN w.threshold_kind = 'severity' THEN 10 ^ -(value / 25 + 1) ELSE w.alert_p_value END, w.alert_score) h WHERE model = 'hand';
	by_hand := (shown.flows, shown.alerts) = (cut.flows, cut.alerts);
	held := shown.alerts = (SELECT count(*) FROM dial.alert WHERE watch_id IS NOT NULL);
END $$;
SELECT k AS kind, v AS value, t.* FROM (VALUES (1, 'severity', 50), (2, 'severity', 25), (3, 'severity', 90), (4, 'p_value', 0.001), (5, 'p_value', 0.00001),
	(6, 'score', 0.5), (7, 'score', 0.7), (8, 'p_value', 0), (9, 'contamination', 0.005), (10, 'contamination', 0.001), (11, 'contamination', 0.5),
	(12, 'budget', 0), (13, 'budget', 1), (14, 'budget', 2.5), (15, 'budget', 5), (16, 'budget', 100), (17, 'severity', 50)) c(n, k, v),
	hand.turn(k, v) t ORDER BY n;
-- a share of the flows is kept to, and the next p-value would be too many
SELECT c, flows <= c * 9600 AS kept, (SELECT count(*) FROM dial.detection WHERE p_value <= (
	SELECT min(d.p_value) FROM dial.detection d WHERE d.p_value > p.p_value)) > c * 9600 AS next_is_too_many FROM unnest('{0.001,0.002,0.005,0.01}'::float8[]) c,
	anomaly_preview_threshold('dial', :w, 'contamination', c, '2026-01-05', '2026-01-09') p;
-- and so is a budget: of all p-values there are, the largest that keeps to it
SELECT b, p.alerts <= 4 * b AS kept, (SELECT count(*) FROM (SELECT DISTINCT p_value FROM dial.detection) d
	WHERE d.p_value > p.p_value AND (hand.passing(d.p_value, NULL)).alerts <= 4 * b AND (hand.passing(d.p_value, NULL)).alerts > p.alerts) AS better
FROM unnest('{0,0.5,1,2,3,4,5}'::float8[]) b, anomaly_preview_threshold('dial', :w, 'budget', b, '2026-01-05', '2026-01-09') p;
-- for what comes alone
SELECT * FROM anomaly_set_threshold('dial', :w, 'p_value', 0.00001);
SELECT (hand.raised()).alerts AS as_before;
SELECT threshold_kind, threshold_value, alert_p_value, alert_score FROM dial.watch;
-- an alert that somebody decided about stays whatever the threshold
SELECT alerts FROM anomaly_set_threshold('dial', :w, 'severity', 50, '2026-01-05', '2026-01-09');
SELECT min(id) AS a FROM dial.alert \gset
SELECT anomaly_triage('dial', ARRAY[:a], 'acknowledge');
SELECT alerts FROM anomaly_set_threshold('dial', :w, 'p_value', 0, '2026-01-05', '2026-01-09');
SELECT id = :a AS that_one, state, detection_count > 0 AS whole FROM dial.alert;
SELECT alerts FROM anomaly_preview_threshold('dial', :w, 'budget', 1, '2026-01-05', '2026-01-09');

-- the history has every change, by whatever way
UPDATE dial.watch SET alert_flows = 4;
SELECT action, threshold_kind, threshold_value, alert_p_value, alert_flows, session_role = session_user AS who FROM dial.watch_log ORDER BY id DESC LIMIT 4;
DELETE FROM dial.watch_log;
UPDATE dial.watch_log SET threshold_value = 1;

SELECT anomaly_set_threshold('dial', :w, 'guess', 1);
SELECT anomaly_set_threshold('dial', :w, 'severity', 10);
SELECT anomaly_set_threshold('dial', :w, 'p_value', 'NaN');
SELECT anomaly_set_threshold('dial', :w, 'p_value', NULL);
SELECT anomaly_set_threshold('dial', :w, 'budget', 5);
SELECT anomaly_set_threshold('dial', :w, 'severity', 50, '2026-01-09', '2026-01-05');
SELECT anomaly_set_threshold('dial', :w, 'contamination', 0.001, '2025-01-05', '2025-01-06');
SELECT anomaly_preview_threshold('dial', :w, 'severity', 50, NULL, NULL);
SELECT anomaly_preview_threshold('dial', :w, 'budget', 5, '-infinity', 'infinity');
SELECT anomaly_set_threshold('dial', NULL, 'severity', 50);
\set VERBOSITY sqlstate
SELECT anomaly_set_threshold('dial', 77, 'severity', 50);
SELECT anomaly_set_threshold(NULL, 77, 'severity', 50);
\set VERBOSITY terse

-- Debouncing: a rule that must fire in 3 of 5 minutes.
UPDATE dial.threat_rule SET fire_windows = 3, of_windows = 5 WHERE rule = 'vertical_scan';
CREATE PROCEDURE hand.scans(src inet, VARIADIC minutes int[]) LANGUAGE sql AS $$
	INSERT INTO dial.flow SELECT f.* FROM unnest(minutes) m, generate_series(1, 60) i,
	hand.flow(timestamptz '2026-01-06 12:00' + interval '1 min' * m + interval '0.1 s' * i, src, '10.0.0.5', i, 6, 4, 0, 0, 1, 1, 2) f
$$;
CALL hand.scans('10.0.1.1', 0, 2, 4);
CALL hand.scans('10.0.1.2', 0, 2, 5);
CALL hand.scans('10.0.1.3', 0, 1);
CALL hand.scans('10.0.1.4', 0); CALL hand.scans('10.0.1.4', 1); CALL hand.scans('10.0.1.4', 3); CALL hand.scans('10.0.1.4', 20);
CALL hand.scans('10.0.1.5', 4); CALL hand.scans('10.0.1.5', 2); CALL hand.scans('10.0.1.5', 0);
SELECT source, detection_count, flow_count, first_seen::time, last_seen::time FROM dial.alert WHERE source <<= '10.0.1.0/24' ORDER BY 1;
SELECT src_addr, count(*) FILTER (WHERE alert_id IS NULL) AS pending FROM dial.detection WHERE src_addr <<= '10.0.1.0/24' GROUP BY 1 ORDER BY 1;
UPDATE dial.threat_rule SET fire_windows = 6 WHERE rule = 'vertical_scan';
SELECT error FROM dial.tally;
