-- Drift: nothing, bytes times three, NULLs, new texts.
SELECT setseed(0.75);
CREATE TABLE seen AS
	SELECT i, exp(6 + random() + random() + random()) AS bytes, (random() * 20)::int AS packets,
		CASE WHEN random() < 0.8 THEN 'tcp' ELSE 'udp' END AS proto
	FROM generate_series(1, 20000) i;
SELECT version FROM anomaly_train('seen', 'SELECT bytes, packets, proto FROM seen WHERE i <= 10000');
SELECT feature, rows, verdict FROM anomaly_drift('seen', 'SELECT * FROM seen WHERE i > 10000');

-- Bytes times three: one row says so.
SELECT feature, verdict, psi > 0.25 AS psi, ks > 0.3 AS ks
FROM anomaly_drift('seen', 'SELECT 3 * bytes AS bytes, packets, proto FROM seen WHERE i > 10000')
WHERE verdict <> 'stable';

-- The Kolmogorov-Smirnov distance against SQL's own cumulative distributions.
WITH both_sides AS (
	SELECT bytes AS v, true AS trained FROM seen WHERE i <= 10000
	UNION ALL SELECT bytes * 1.5, false FROM seen WHERE i > 10000
), cumulative AS (
	SELECT v, sum(trained::int) OVER (ORDER BY v) / 10000.0 AS a, sum((NOT trained)::int) OVER (ORDER BY v) / 10000.0 AS b
	FROM both_sides
), exact AS (SELECT max(abs(a - b)) AS ks FROM cumulative)
SELECT abs(d.ks - exact.ks) < 0.035 AS near
FROM exact, anomaly_drift('seen', 'SELECT bytes * 1.5 AS bytes, packets, proto FROM seen WHERE i > 10000') d
WHERE d.feature = 'bytes';

SELECT feature, verdict, round(missing::numeric, 1) AS missing, missing_trained, round(unknown::numeric, 1) AS unknown
FROM anomaly_drift('seen', $$SELECT bytes, CASE WHEN i % 5 > 0 THEN packets END AS packets,
	CASE WHEN i % 2 = 0 THEN 'gre' ELSE proto END AS proto FROM seen WHERE i > 10000$$);
SELECT * FROM anomaly_drift('seen', 'SELECT * FROM seen WHERE false');
SELECT * FROM anomaly_drift('seen', 'SELECT 1 AS bytes');
SELECT * FROM anomaly_drift('nobody', 'SELECT 1');
SELECT anomaly_drop('seen');
DROP TABLE seen;
