-- What triage teaches: precision, labels, what is left out of training, advice.
SET client_min_messages = warning;
SET timezone = 'America/New_York';		-- weeks are UTC's all the same
SELECT anomaly_create_flow_store('school');
SELECT anomaly_ensure_chunks('school', '2026-01-05 00:00+00', '2026-01-20 00:00+00');
-- n ports of a host tried by a source, among its ordinary flows to another
CREATE PROCEDURE hand.lesson(start timestamptz, src inet, n int) LANGUAGE sql AS $$
	INSERT INTO school.flow SELECT f.* FROM generate_series(1, n) i,
	hand.flow(start + interval '50 ms' * i, src, '10.0.0.5', i, 6, 4, 0, 0, 1, 1, 2) f;
	INSERT INTO school.flow SELECT f.* FROM generate_series(1, 40) i, hand.flow(start + interval '1 hour' + interval '20 s' * i, src, '10.0.0.8', 443, 6, 3, 100 * i, 300 * i) f
$$;
-- true 300, 200; false 60, 70; benign 250; duplicate 400; not judged 80; the last of a Sunday night, true 90
CALL hand.lesson('2026-01-05 12:00+00', '10.0.0.31', 300);
CALL hand.lesson('2026-01-06 12:00+00', '10.0.0.32', 200);
CALL hand.lesson('2026-01-07 12:00+00', '10.0.0.33', 60);
CALL hand.lesson('2026-01-08 12:00+00', '10.0.0.34', 70);
CALL hand.lesson('2026-01-08 12:00+00', '10.0.0.35', 250);
CALL hand.lesson('2026-01-09 12:00+00', '10.0.0.36', 400);
CALL hand.lesson('2026-01-19 02:00+00', '10.0.0.37', 80);
CALL hand.lesson('2026-01-12 01:00+00', '10.0.0.38', 90);
SELECT week, kind, name, alerts, judged, "precision" FROM school.triage_precision ORDER BY 1;
SELECT count(*) FROM school.flow_label;
SELECT count(*) FROM anomaly_threshold_advice('school');
SELECT anomaly_triage('school', array_agg(id), 'close', r) FROM school.alert
JOIN (VALUES ('10.0.0.31', 'true_positive'), ('10.0.0.32', 'true_positive'), ('10.0.0.33', 'false_positive'), ('10.0.0.34', 'false_positive'),
	('10.0.0.35', 'benign_positive'), ('10.0.0.36', 'duplicate'), ('10.0.0.38', 'true_positive')) v(s, r) ON source = s::inet GROUP BY r ORDER BY r;
SELECT week, kind, name, alerts, judged, true_positives AS t, false_positives AS f, benign_positives AS b, round("precision"::numeric, 3) AS "precision"
FROM school.triage_precision ORDER BY 1;
-- labels: each flow once; the attack's flows and not the others
SELECT src_addr, label, count(*), count(DISTINCT (dst_port, start_time)) AS different, count(*) FILTER (WHERE dst_addr <> '10.0.0.5') AS other FROM school.flow_label GROUP BY 1, 2 ORDER BY 1;
-- left out of normal training: the flows of true alerts and duplicates, no others
SELECT src_addr, count(*) FILTER (WHERE dst_addr = '10.0.0.5') AS attack, count(*) FILTER (WHERE dst_addr = '10.0.0.8') AS ordinary FROM school.flow_normal GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM school.flow_feature f LEFT JOIN school.flow_normal n USING (src_addr, start_time, dst_port)
WHERE (n.src_addr IS NULL) <> (f.dst_addr = '10.0.0.5' AND f.src_addr IN ('10.0.0.31', '10.0.0.32', '10.0.0.36', '10.0.0.38'));
-- both can be trained on
SELECT rows_used, (metrics ->> 'positives')::int > 0 AS measured FROM anomaly_train('school', 'SELECT *, (label <> ''normal'') AS attack FROM school.flow_label',
	features => anomaly_flow_features(), label => 'attack', options => '{"missing": "impute"}');
SELECT rows_used = (SELECT count(*) FROM school.flow_normal) AS same FROM anomaly_train('school', 'SELECT * FROM school.flow_normal', features => anomaly_flow_features());
SELECT anomaly_drop('school');

-- Advice: the weakest true alert had 90 ports in its minute, so that 60 and 70
-- could have been spared and 250 could not.
SELECT * FROM anomaly_threshold_advice('school');
UPDATE school.threat_condition SET threshold = 90 WHERE rule = 'vertical_scan';
SELECT anomaly_backfill('school', NULL, '2026-01-07 00:00+00', '2026-01-08 00:00+00') AS detections;
-- An undone decision is no evidence.
SELECT anomaly_triage('school', array_agg(id), 'undo') FROM school.alert WHERE source IN ('10.0.0.33', '10.0.0.34');
SELECT count(*) FROM anomaly_threshold_advice('school');

-- A watch: true alerts down to p 10^-4 at their third flow, false ones at 10^-3.
INSERT INTO school.watch (model, enabled, min_severity, alert_severity, alert_flows, threshold_value) VALUES ('hand', false, 25, 50, 3, 50) RETURNING id AS w \gset
INSERT INTO school.detection (start_time, end_time, score, p_value, severity, confidence, watch_id, model_version, src_port, dst_port, protocol,
	src_addr, dst_addr, threat, model, reasons, targets, ports)
SELECT timestamptz '2026-01-12 10:00+00' + interval '1 min' * j, timestamptz '2026-01-12 10:00+00' + interval '1 min' * j, 0.7, p, 60, 0.9, :w, 1, 40000, 443, 6,
	inet '10.0.2.0' + i, '192.0.2.1', 'suspicious', 'hand', '[{"feature": "x", "value": "1", "expected": "2", "share": 1}]', '{192.0.2.1}', '{443}'
FROM (VALUES (1, 1e-5), (2, 1e-4), (3, 1e-3), (4, 5e-4)) a(i, p), generate_series(1, 5) j;
SELECT alerts FROM anomaly_set_threshold('school', :w, 'p_value', 0.005, '2026-01-12 00:00+00', '2026-01-13 00:00+00');
SELECT anomaly_triage('school', array_agg(id), 'close', r) FROM school.alert
JOIN (VALUES ('10.0.2.1', 'true_positive'), ('10.0.2.2', 'true_positive'), ('10.0.2.3', 'false_positive'), ('10.0.2.4', 'benign_positive')) v(s, r) ON source = s::inet GROUP BY r ORDER BY r;
SELECT kind, name, feature, operator, current, advised, true_alerts, false_alerts, false_spared FROM anomaly_threshold_advice('school') WHERE kind = 'watch';
SELECT week, name, judged, "precision" FROM school.triage_precision WHERE kind = 'model';
SELECT error FROM school.tally;
