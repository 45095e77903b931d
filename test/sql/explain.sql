-- anomaly_explain: the planted reason comes first, and shares sum to one.
\set VERBOSITY terse
CREATE TABLE host AS
SELECT i AS id, 100 + 10 * sin(i) AS bytes, 20 + 5 * cos(i * 1.3) AS packets, i % 3 AS errors,
	   CASE WHEN i % 50 = 0 THEN 'udp' ELSE 'tcp' END AS protocol, make_interval(secs => i % 100) AS duration
FROM generate_series(1, 4000) i;
INSERT INTO host VALUES
	(5001, 100000, 20, 1, 'tcp', '50s'),
	(5002, 100, 20, 1, 'gre', '50s'),
	(5003, 100, 20, 1, 'tcp', '9 days'),
	(5004, 100, NULL, 500, 'tcp', '50s');
SELECT features FROM anomaly_train('host', 'SELECT bytes, packets, errors, protocol, duration FROM host WHERE id < 5000');

SELECT id, feature, value, expected FROM host h, anomaly_explain('host', h, 1) WHERE id > 5000 ORDER BY id;
SELECT id, count(*) AS features, abs(sum(share) - 1) < 1e-9 AS whole, min(share) > 0 AS positive
FROM host h, anomaly_explain('host', h, 100) WHERE id > 5000 GROUP BY id ORDER BY id;
-- Largest first, at most top of them, and the same as the block path's.
SELECT bool_and(share <= before) FROM (
	SELECT share, lag(share) OVER (PARTITION BY id) AS before FROM host h, anomaly_explain('host', h, 5) WHERE id > 5000) s;
SELECT max(n) FROM (SELECT count(*) AS n FROM host h, anomaly_explain('host', h) WHERE id < 50 OR id > 5000 GROUP BY id) s;
SELECT count(*) > 10 AS enough, bool_and(q.reasons = (SELECT jsonb_agg(to_jsonb(e)) FROM anomaly_explain('host', h) e)) AS same
FROM anomaly_detect_query('host', 'SELECT * FROM host', NULL::host, 25) q JOIN host h ON h.id = (q."row").id;
-- By value and with names.
SELECT e.* IS NOT DISTINCT FROM f.* AS same
FROM anomaly.model_version v, host h, anomaly_explain('host', h, 1) e, anomaly_explain(v.body, h, 1) f
WHERE v.model = 'host' AND h.id = 5001;
SELECT anomaly_train('plain', 'SELECT bytes, packets FROM host WHERE id < 5000') IS NOT NULL AS trained;
SELECT feature, value FROM anomaly_explain('plain', '{20,100000}', '{packets,bytes}', 1);

SELECT * FROM host h, anomaly_explain('host', h, 0) WHERE id = 5001;
SELECT anomaly_drop(name) FROM anomaly.model;
DROP TABLE host;
