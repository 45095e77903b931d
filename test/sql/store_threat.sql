-- Threat rules fire on attacks and not on an ordinary day, and what they find
-- becomes incidents.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT anomaly_create_flow_store('guard');
SELECT anomaly_ensure_chunks('guard', '2026-01-05', '2026-01-06');
CREATE VIEW hand.incident AS
	SELECT host(source) AS source, threat, title, severity, to_char(first_seen, 'DD HH24:MI:SS') AS first_seen,
		   to_char(last_seen, 'DD HH24:MI:SS') AS last_seen, flow_count, detection_count, target_count
	FROM guard.alert ORDER BY alert.first_seen, alert.source;

-- An ordinary day: a busy resolver, web browsing with the odd refused
-- connection, an administrator's sessions, polling of time and mail, a nightly
-- backup of 2 GB to a server inside, a 40 MB download.
INSERT INTO guard.flow SELECT f.* FROM generate_series(1, 5000) i,
	hand.flow(timestamptz '2026-01-05 08:00' + interval '0.4 s' * i, '10.0.0.2', inet '192.0.2.0' + (200 * hand.draw('zone', i))::int, 53, 17,
	CASE i % 20 WHEN 0 THEN 1 ELSE 3 END, 60, 120, 1, sign(i % 20)::int, 0) f;
INSERT INTO guard.flow SELECT f.* FROM generate_series(1, 8000) i,
	hand.flow(timestamptz '2026-01-05 08:00' + interval '8 hours' * hand.draw('web', i), inet '10.0.0.100' + i % 20,
	inet '203.0.113.0' + (200 * hand.draw('site', i))::int, 443, 6, CASE WHEN i % 100 = 0 THEN 4 ELSE 3 END) f;
INSERT INTO guard.flow SELECT f.* FROM generate_series(1, 30) i,
	hand.flow(timestamptz '2026-01-05 09:00' + interval '11 min' * i, '10.0.0.101', '10.0.0.4', 22) f;
INSERT INTO guard.flow SELECT f.* FROM generate_series(1, 1300) i,
	hand.flow(timestamptz '2026-01-05 00:00' + interval '64 s' * i, '10.0.0.102', '198.51.100.123', 123, 17, 3, 48, 48, 1, 1, 0) f;
INSERT INTO guard.flow SELECT f.* FROM generate_series(1, 90) i,
	hand.flow(timestamptz '2026-01-05 08:00' + interval '5 min' * i, '10.0.0.103', '10.0.0.3', 993) f;
INSERT INTO guard.flow SELECT * FROM hand.flow('2026-01-05 02:00', '10.0.0.3', '10.0.0.5', 873, 6, 3, 2000000000, 10000, 1400000, 700000);
INSERT INTO guard.flow SELECT * FROM hand.flow('2026-01-05 11:00', '10.0.0.104', '203.0.113.9', 443, 6, 3, 20000, 40000000, 9000, 27000);
TABLE hand.incident;
SELECT count(*) FROM guard.detection;

-- A scan of 10,000 ports in 18 minutes, arriving in three batches, the middle
-- one last: one incident of 10,000 flows.
CREATE TABLE hand.scan AS SELECT f.* FROM generate_series(1, 10000) i,
	hand.flow(timestamptz '2026-01-05 10:00:00.05' + interval '108 ms' * (i - 1), '10.0.0.66', '10.0.0.5', i,
	6, 4, 0, 0, 1, 1, 2) f;
INSERT INTO guard.flow SELECT * FROM hand.scan WHERE dst_port <= 3000;
TABLE hand.incident;
INSERT INTO guard.flow SELECT * FROM hand.scan WHERE dst_port > 7000;
INSERT INTO guard.flow SELECT * FROM hand.scan WHERE dst_port BETWEEN 3001 AND 7000;
TABLE hand.incident;
SELECT targets, ports[1:3] AS ports, cardinality(ports) AS listed, indicators, watch_id, model, reasons FROM guard.alert;
SELECT count(*) AS windows, count(DISTINCT alert_id) AS alerts, sum(flow_count) AS flows FROM guard.detection;

-- The others: each attack and its twin that stays below the thresholds.  Port
-- 445 is tried at one host after the other.
CREATE PROCEDURE hand.attack(start timestamptz, last_octet int, n int, step interval, dst inet, port int, protocol int, state int,
	sent int8, got int8, packets int, answers int, flags int = 27) LANGUAGE sql AS $$
	INSERT INTO guard.flow SELECT f.* FROM generate_series(1, n) i,
	hand.flow(start + step * i, inet '10.0.1.0' + last_octet, CASE WHEN port = 445 THEN dst + i ELSE dst END, port,
		protocol, state, sent, got, packets, answers, flags) f
$$;
CALL hand.attack('2026-01-05 12:00', 1, 2000, '5 ms', '10.0.0.5', 80, 6, 1, 0, 0, 1, 0, 2);		-- SYN flood
CALL hand.attack('2026-01-05 12:00', 101, 200, '5 ms', '10.0.0.5', 80, 6, 1, 0, 0, 1, 0, 2);
CALL hand.attack('2026-01-05 12:10', 2, 1, '1 s', '10.0.0.5', 9999, 17, 1, 9000000, 0, 90000, 0, 0);	-- UDP flood
CALL hand.attack('2026-01-05 12:10', 102, 1, '1 s', '10.0.0.5', 9999, 17, 3, 9000000, 9000000, 90000, 90000, 0);
CALL hand.attack('2026-01-05 12:20', 3, 250, '0.1 s', '10.9.0.0', 445, 6, 1, 0, 0, 1, 0, 2);		-- scan of many hosts
CALL hand.attack('2026-01-05 12:20', 103, 20, '0.1 s', '10.9.0.0', 445, 6, 1, 0, 0, 1, 0, 2);
CALL hand.attack('2026-01-05 12:30', 4, 100, '2 s', '10.0.0.4', 22, 6, 3, 1500, 2000, 12, 14);		-- password guessing
CALL hand.attack('2026-01-05 12:30', 104, 10, '2 s', '10.0.0.4', 22, 6, 3, 1500, 2000, 12, 14);
CALL hand.attack('2026-01-05 13:00', 5, 100, '20 s', '10.0.0.4', 3389, 6, 3, 1500, 2000, 12, 14);	-- the same, slowly
CALL hand.attack('2026-01-05 13:00', 105, 100, '100 s', '10.0.0.4', 3389, 6, 3, 1500, 2000, 12, 14);
CALL hand.attack('2026-01-05 14:00', 6, 60, '4 min', '198.51.100.9', 443, 6, 3, 500000, 5000, 400, 100);	-- slow exfiltration
CALL hand.attack('2026-01-05 14:00', 106, 60, '4 min', '10.0.0.9', 443, 6, 3, 500000, 5000, 400, 100);
CALL hand.attack('2026-01-05 14:30', 7, 40, '60 s', '198.51.100.7', 443, 6, 3, 400, 600, 6, 6);		-- beacon
CALL hand.attack('2026-01-05 14:30', 107, 8, '60 s', '198.51.100.7', 443, 6, 3, 400, 600, 6, 6);
SELECT * FROM hand.incident WHERE source LIKE '10.0.1.%';
SELECT count(*) AS without_reasons FROM guard.alert WHERE jsonb_array_length(reasons) = 0;
SELECT a.id FROM guard.alert a, jsonb_array_elements(reasons) r GROUP BY a.id HAVING abs(sum((r ->> 'share')::numeric) - 1) > 0.001;

-- Attacks of a source within the gap are one incident, later ones another.
CALL hand.attack('2026-01-05 12:20', 1, 400, '5 ms', '10.0.0.5', 80, 6, 1, 0, 0, 1, 0, 2);
CALL hand.attack('2026-01-05 13:10', 1, 400, '5 ms', '10.0.0.5', 80, 6, 1, 0, 0, 1, 0, 2);
SELECT source, first_seen, last_seen, flow_count, detection_count FROM hand.incident WHERE source = '10.0.1.1';
-- What comes late closes the gap between two: the older one remains.
CALL hand.attack('2026-01-05 12:45', 1, 400, '5 ms', '10.0.0.5', 80, 6, 1, 0, 0, 1, 0, 2);
SELECT source, first_seen, last_seen, flow_count, detection_count FROM hand.incident WHERE source = '10.0.1.1';
SELECT count(*) AS lost FROM guard.detection d WHERE NOT EXISTS (SELECT FROM guard.alert a WHERE a.id = d.alert_id);

-- Judging again changes nothing ...
CREATE TABLE hand.alerts AS SELECT id, source, threat, severity, first_seen, last_seen, flow_count, detection_count, reasons FROM guard.alert;
SELECT count(*) AS detections FROM guard.detection \gset
SELECT anomaly_backfill('guard', NULL, '2026-01-05', '2026-01-06') = :detections AS same_detections;
SELECT count(*) FROM (TABLE hand.alerts EXCEPT SELECT id, source, threat, severity, first_seen, last_seen, flow_count, detection_count, reasons FROM guard.alert) x;
SELECT (SELECT count(*) FROM hand.alerts) = count(*) AS same FROM guard.alert;
SELECT detections = (SELECT count(*) FROM guard.detection) AS tally_agrees FROM guard.tally;
-- ... unless a rule did.
UPDATE guard.threat_condition SET threshold = 100 WHERE rule = 'syn_flood';
UPDATE guard.threat_rule SET enabled = false WHERE rule = 'beacon';
SELECT anomaly_backfill('guard', NULL, '2026-01-05', '2026-01-06') > 0 AS done;
SELECT source, threat, flow_count FROM hand.incident WHERE threat IN ('ddos', 'beaconing') AND source <> '10.0.1.1';

-- Rules name features that exist, in their own scope.
INSERT INTO guard.threat_condition VALUES ('syn_flood', 'source_minute', 'sins', '>=', 1);
INSERT INTO guard.threat_condition VALUES ('syn_flood', 'peer_day', 'gap_cv', '>=', 1);
-- What has no expression is looked up.
SELECT feature FROM unnest('{source_minute,target_minute,source_day,peer_day,flow}'::text[]) scope, anomaly.threat_measures(scope)
WHERE expression IS NULL AND coalesce(anomaly.window_lookup('guard', feature, '10.0.0.101', '10.0.0.2', 1, 6, '2026-01-05'),
	anomaly.window_lookup('guard', feature, '10.0.0.101', '10.0.0.2', 1, 6, '2026-01-05 15:00')) IS NULL;
-- Every threat has a playbook.
SELECT DISTINCT threat FROM guard.threat_rule EXCEPT SELECT threat FROM guard.playbook WHERE step = 1;

-- What counts as inside is the store's to say.
UPDATE anomaly.flow_store SET home = '{198.51.100.0/24}' WHERE name = 'guard';
SELECT anomaly_backfill('guard', NULL, '2026-01-05', '2026-01-06') > 0 AS done;
SELECT source FROM hand.incident WHERE threat = 'data_exfiltration' ORDER BY 1;
