-- Models on guard: what they find, that they lose nothing, and that looking
-- again finds the same.
SET client_min_messages = error;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
SELECT anomaly_create_flow_store('tower');
SELECT anomaly_ensure_chunks('tower', '2026-01-05', '2026-01-07');
CREATE FUNCTION hand.web(t0 timestamptz, n int, stream text) RETURNS SETOF shape.flow LANGUAGE sql AS $$
	SELECT f.* FROM generate_series(1, n) i,
	hand.flow(t0 + interval '20 hours' * hand.draw(stream, i), inet '10.0.0.100' + (20 * hand.draw(stream || 'c', i))::int,
		inet '203.0.113.0' + (90 * hand.draw(stream || 's', i))::int, (ARRAY[443, 443, 80])[1 + i % 3], 6, 3, (300 + 900 * hand.draw(stream || 'o', i))::int8,
		(2000 + 60000 * hand.draw(stream || 'i', i))::int8, 5 + (6 * hand.draw(stream || 'p', i))::int, 8 + (40 * hand.draw(stream || 'q', i))::int) f
$$;
INSERT INTO tower.flow SELECT * FROM hand.web('2026-01-05', 4000, 'monday');
SELECT version, rows_used FROM anomaly_train('clean', 'SELECT * FROM tower.flow_feature', features => anomaly_flow_features());

\set VERBOSITY sqlstate
SELECT anomaly_watch('tower', 'unheard of');
SELECT anomaly_watch('nowhere', 'clean');
SELECT anomaly_unwatch('tower', 1);
SELECT anomaly_backfill('tower', 1, '2026-01-05', '2026-01-06');
\set VERBOSITY default
SELECT anomaly_watch('tower', 'clean', alert_severity => 25) AS watch \gset
SELECT id = :watch AS same, model, enabled, min_severity, alert_severity, alert_flows, error FROM tower.watch;

-- An ordinary day under watch, and 40 flows of one host that are unlike any
-- other, but break no rule: large transfers inside, over an odd port.
CREATE TABLE hand.odd AS SELECT f.* FROM generate_series(1, 40) i,
	hand.flow(timestamptz '2026-01-06 03:00' + interval '50 s' * i, '10.0.0.200', '10.0.0.7', 31337, 6, 7,
	900000000 + i * 1000, 30, 600000, 1) f;
INSERT INTO tower.flow SELECT * FROM hand.web('2026-01-06', 3000, 'tuesday') UNION ALL SELECT * FROM hand.odd;
SELECT error FROM tower.watch;

-- every flow is in the cube; every severe one is a detection, with the numbers
-- that the scoring functions give for the row by itself
SELECT sum(flows) AS scored FROM tower.score_hour;
CREATE TABLE hand.scored AS
	SELECT f.start_time, f.src_addr, f.dst_addr, f.src_port, f.dst_port, (anomaly_detect('clean', f)).*
	FROM tower.flow_feature f WHERE start_time >= '2026-01-06';
SELECT (SELECT count(*) FROM tower.detection) = count(*) FILTER (WHERE severity >= 25) AS all_found,
	   (SELECT sum(anomalous) FROM tower.score_hour) = count(*) FILTER (WHERE is_anomaly) AS all_anomalous FROM hand.scored;
SELECT count(*) AS differing FROM tower.detection d
WHERE NOT EXISTS (SELECT FROM hand.scored s
	WHERE (s.start_time, s.src_addr, s.dst_addr, s.src_port, s.dst_port, s.score, s.p_value, s.severity)
		= (d.start_time, d.src_addr, d.dst_addr, d.src_port, d.dst_port, d.score, d.p_value, d.severity));
SELECT bin, flows FROM tower.score_hour EXCEPT
SELECT floor(score * 100), count(*) FROM hand.scored GROUP BY date_trunc('hour', start_time), 1;
SELECT count(*) AS odd_found FROM tower.detection WHERE src_addr = '10.0.0.200';
SELECT count(*) FILTER (WHERE jsonb_array_length(reasons) = 0) AS without_reasons, count(*) FILTER (WHERE model_version <> 1 OR model <> 'clean') AS other_model,
	   count(*) FILTER (WHERE severity < 25) AS mild FROM tower.detection;

-- many of one host are an incident; single flows of others are not
SELECT host(source) AS source, threat, title, detection_count, flow_count, targets, ports, model, model_version, watch_id = :watch AS watch,
	   state, first_seen, last_seen::timestamp(0) FROM tower.alert;
SELECT a.score = max(d.score) AS top_score, a.severity = max(d.severity) AS top_severity, a.p_value = min(d.p_value) AS least_p_value
FROM tower.alert a JOIN tower.detection d ON d.alert_id = a.id GROUP BY a.id;
SELECT detections = (SELECT count(*) FROM tower.detection) AS tally_agrees FROM tower.tally;

-- looking back finds the same, however often
CREATE FUNCTION hand.findings() RETURNS text LANGUAGE sql AS $$
	SELECT md5(string_agg(x, E'\n' ORDER BY x)) FROM (
		SELECT format('%s %s %s %s %s %s %s', start_time, src_addr, dst_port, score, severity, reasons, alert_id) FROM tower.detection
		UNION ALL SELECT format('%s %s %s %s %s %s', id, source, threat, flow_count, first_seen, reasons) FROM tower.alert
		UNION ALL SELECT format('%s %s %s %s', hour, bin, flows, anomalous) FROM tower.score_hour WHERE hour >= '2026-01-06') r(x) $$;
SELECT hand.findings() AS findings \gset
SELECT count(*) AS detections FROM tower.detection \gset
SELECT anomaly_backfill('tower', :watch, '2026-01-06', '2026-01-07') = :detections AS same_number;
SELECT hand.findings() = :'findings' AS same;
SELECT anomaly_backfill('tower', :watch, '2026-01-06', '2026-01-07') = :detections AS same_number;
SELECT hand.findings() = :'findings' AS same;
-- part of a period leaves the rest alone
SELECT anomaly_backfill('tower', :watch, '2026-01-06 03:10', '2026-01-06 03:20') > 0 AS done;
SELECT hand.findings() = :'findings' AS same;
-- and so does everything made again
SELECT anomaly_backfill('tower', NULL, '2026-01-06', '2026-01-07') = :detections AS same_number;
SELECT hand.findings() = :'findings' AS same;
SELECT anomaly_backfill('tower', :watch, '2026-01-07', '2026-01-06');

-- A model that fails loses no flow: the watch keeps the error, the other watch
-- and the rules go on.
SELECT version FROM anomaly_train('other', 'SELECT * FROM tower.flow_feature WHERE start_time < ''2026-01-06''', features => '{src_bytes,dst_bytes,service}');
SELECT anomaly_watch('tower', 'other') > :watch AS second;
SELECT count(*) AS flows FROM tower.flow \gset
SELECT anomaly_drop('clean');
INSERT INTO tower.flow SELECT * FROM hand.web('2026-01-07', 500, 'wednesday');
INSERT INTO tower.flow SELECT f.* FROM generate_series(0, 500) i,
	hand.flow(timestamptz '2026-01-07 10:00' + interval '0.1 s' * i, '10.0.0.66', '10.0.0.5', i, 6, 4, 0, 0, 1, 1, 2) f;
SELECT count(*) - :flows AS added FROM tower.flow;
SELECT model, error IS NOT NULL AS failed, error_at IS NOT NULL AS dated, error LIKE '%clean%' AS names_it FROM tower.watch ORDER BY id;
SELECT error FROM tower.tally;
SELECT w.model, sum(s.flows) FROM tower.score_hour s JOIN tower.watch w ON w.id = s.watch_id WHERE hour >= '2026-01-07' GROUP BY 1;
SELECT host(source) AS source, threat, flow_count FROM tower.alert WHERE first_seen >= '2026-01-07';
-- with the model back the watch recovers, and a backfill fills the hole
SELECT version FROM anomaly_train('clean', 'SELECT * FROM tower.flow_feature WHERE start_time < ''2026-01-06''', features => anomaly_flow_features());
INSERT INTO tower.flow SELECT * FROM hand.web('2026-01-07', 10, 'late');
SELECT model, error FROM tower.watch ORDER BY id;
SELECT sum(flows) FROM tower.score_hour WHERE watch_id = :watch AND hour >= '2026-01-07';
SELECT anomaly_backfill('tower', :watch, '2026-01-07', '2026-01-08') >= 0 AS done;
SELECT sum(flows) FROM tower.score_hour WHERE watch_id = :watch AND hour >= '2026-01-07';

-- a broken rule table loses no flow either
ALTER TABLE tower.threat_rule RENAME TO gone;
INSERT INTO tower.flow SELECT * FROM hand.web('2026-01-07', 10, 'later');
SELECT error FROM tower.tally;
ALTER TABLE tower.gone RENAME TO threat_rule;
SELECT anomaly_backfill('tower', NULL, '2026-01-07', '2026-01-08') >= 0 AS done;
SELECT error, flows = (SELECT count(*) FROM tower.flow) AS flows_agree FROM tower.tally;

-- paused, changed, ended
UPDATE tower.watch SET enabled = false;
INSERT INTO tower.flow SELECT * FROM hand.web('2026-01-07', 10, 'unwatched');
SELECT sum(flows) FROM tower.score_hour WHERE watch_id = :watch AND hour >= '2026-01-07';
SELECT anomaly_watch('tower', 'clean', min_severity => 75, alert_flows => 3) = :watch AS same;
SELECT enabled, min_severity, alert_severity, alert_flows FROM tower.watch WHERE id = :watch;
SELECT anomaly_watch('tower', 'clean', min_severity => 10);
SELECT anomaly_watch('tower', 'clean', alert_flows => 0);
SELECT anomaly_unwatch('tower', :watch);
SELECT count(*) FROM tower.watch WHERE id = :watch;
SELECT count(*) > 0 AS kept FROM tower.detection WHERE watch_id = :watch;
SELECT anomaly_drop('other');
SELECT anomaly_drop('clean');
