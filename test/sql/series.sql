-- Series: a row judged by its time of the week and by the rows before it.
\set VERBOSITY terse
CREATE FUNCTION u(i int) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$ SELECT (hashint4(i)::bigint & 65535) / 65536.0 $$;
-- Six weeks of an office and of a shop that is closed at night and has no rows then.
CREATE TABLE traffic (site text, hour timestamp, flows int, bytes float8);
INSERT INTO traffic
SELECT site, hour, round(level * (0.9 + 0.2 * u(i))), round(level * 700 * (0.9 + 0.2 * u(i + 5000)))
FROM generate_series(0, 6 * 168 - 1) i,
	LATERAL (SELECT timestamp '2026-01-03' + i * interval '1 hour' AS hour) t,
	LATERAL (VALUES
		('office', CASE WHEN extract(isodow FROM hour) < 6 AND extract(hour FROM hour) BETWEEN 8 AND 17 THEN 1000 ELSE 50 END),
		('shop', CASE WHEN extract(hour FROM hour) BETWEEN 9 AND 19 THEN 300 END)) s(site, level)
WHERE level IS NOT NULL;
SELECT features, warnings FROM anomaly_train('weekly', 'SELECT * FROM traffic', 'seasonal',
	options => '{"partition": "site", "order": "hour"}');
SELECT * FROM anomaly.series_of('weekly');

-- Monday 09:00 is quiet, and the same volume at 03:00 or on Saturday is not.
SELECT to_char(hour, 'Dy HH24:MI') AS at, flows, anomaly_band(severity) AS band, is_anomaly
FROM (VALUES
	('office', timestamp '2026-02-16 09:00', 1000, 700000::float8),
	('office', '2026-02-16 03:00', 1000, 700000),
	('office', '2026-02-16 03:00', 50, 35000),
	('office', '2026-02-14 09:00', 1000, 700000),
	('office', '2026-02-16 09:00', 50, 35000)) t(site, hour, flows, bytes), anomaly_detect('weekly', t);
-- What is usual in the office is not in the shop.
SELECT t.site, is_anomaly FROM (VALUES ('office'), ('shop')) s(site),
	LATERAL (SELECT s.site, timestamp '2026-02-16 11:00' AS hour, 1000 AS flows, 700000::float8 AS bytes) t,
	anomaly_detect('weekly', t) ORDER BY t.site;

-- A week that follows; Tuesday 10:00 to 12:00 of the office never arrived.
CREATE TABLE week AS
SELECT site, hour + interval '42 days' AS hour, flows, bytes FROM traffic
WHERE hour < '2026-01-10' AND NOT (site = 'office' AND hour BETWEEN '2026-01-06 10:00' AND '2026-01-06 12:00');
SELECT (q."row").site, (q."row").hour, (q."row").flows, is_anomaly FROM anomaly_detect_query('weekly', 'SELECT * FROM week', NULL::week, 50) q;
-- What was expected is of that hour, and of a gap the first one missing.
SELECT feature, value, abs(expected::float8 / usual - 1) < 0.1 AS as_usual, share > 0.2 AS counts
FROM (SELECT 'office' AS site, timestamp '2026-02-16 03:00' AS hour, 1000 AS flows, 700000::float8 AS bytes) t,
	anomaly_explain('weekly', t) e JOIN (VALUES ('flows', 50), ('bytes', 35000)) u(name, usual) ON name = feature ORDER BY feature;
SELECT reasons->0->>'feature' AS feature, reasons->0->>'value' AS value, reasons->0->>'expected' AS expected, (reasons->0->>'share')::float8 > 0.9 AS mostly
FROM anomaly_detect_query('weekly', 'SELECT * FROM week', NULL::week, 50);
-- The row after the gap is what tells; alone it says nothing, and no night of the shop is a gap.
SELECT anomaly_score('weekly', w) < 3 AS quiet_alone FROM week w WHERE site = 'office' AND hour = '2026-02-17 13:00';
SELECT site, hour, score > 3 AS loud
FROM (SELECT *, anomaly_score_series('weekly', w) OVER (PARTITION BY site ORDER BY hour) AS score FROM week w) s
WHERE score > 3 ORDER BY site, hour;
-- It scores as the zero of the worst missing hour would have.
SELECT max(anomaly_score('weekly', t)) = (SELECT max(score) FROM anomaly_detect_query('weekly', 'SELECT * FROM week', NULL::week))
FROM generate_series(timestamp '2026-02-17 10:00', '2026-02-17 12:00', '1 hour') h,
	LATERAL (SELECT 'office' AS site, h AS hour, 0 AS flows, 0::float8 AS bytes) t;

-- However a series is scored, the numbers are the same: window function by name
-- and by value, and detect_query, over partitions longer than a block of rows.
CREATE TABLE gaps AS SELECT * FROM traffic WHERE hashtext(site || hour) % 5 <> 0;
CREATE TABLE scored AS
SELECT site, hour, anomaly_score_series('weekly', g) OVER w AS by_name,
	anomaly_score_series((SELECT body FROM anomaly.model_version WHERE model = 'weekly'), g) OVER w AS by_value
FROM gaps g WINDOW w AS (PARTITION BY site ORDER BY hour);
SELECT count(*) > 1000 AS many, count(*) FILTER (WHERE by_name <> by_value) AS differ FROM scored;
SELECT count(*) AS differ
FROM anomaly_detect_query('weekly', 'SELECT * FROM gaps ORDER BY md5(gaps::text)', NULL::gaps) q
JOIN scored s ON (s.site, s.hour) = ((q."row").site, (q."row").hour) WHERE s.by_name IS DISTINCT FROM q.score;
-- The later rows with the earlier ones to look back at, in pieces: the same again.
CREATE TABLE late AS SELECT * FROM gaps WHERE hour >= '2026-01-20 13:00';
CREATE TABLE pieces AS
SELECT (q."row").site, (q."row").hour, q.score
FROM anomaly_detect_query('weekly', 'SELECT * FROM late', NULL::gaps,
	context => 'SELECT * FROM gaps WHERE hour < ''2026-01-20 13:00''') q;
SELECT count(*) = (SELECT count(*) FROM late) AS none_twice, count(*) FILTER (WHERE s.by_name <> p.score) AS differ
FROM pieces p JOIN scored s USING (site, hour);
SELECT count(*) AS first_rows_that_differ
FROM anomaly_detect_query('weekly', 'SELECT * FROM late', NULL::gaps) q
JOIN pieces p ON (p.site, p.hour) = ((q."row").site, (q."row").hour) WHERE p.score <> q.score;
SELECT FROM anomaly_detect_query('weekly', 'SELECT * FROM late', NULL::gaps, context => 'SELECT site FROM gaps');
SELECT FROM anomaly_detect_query('weekly', 'SELECT flows, bytes, site FROM late', NULL::gaps);

-- Rows that are NULL are no part of the series, and score NULL.
SELECT count(*) FILTER (WHERE h.site IS NULL AND h.score IS NULL) AS nulls,
	count(*) FILTER (WHERE h.score IS DISTINCT FROM s.by_name AND h.site IS NOT NULL) AS differ
FROM (SELECT g.site, g.hour, anomaly_score_series('weekly', g) OVER (PARTITION BY coalesce(g.site, h.site) ORDER BY h.hour) AS score
	  FROM traffic h LEFT JOIN gaps g USING (site, hour)) h
LEFT JOIN scored s USING (site, hour);
SELECT count(*) AS scored FROM (SELECT anomaly_score_series(NULL::text, g) OVER () AS score FROM gaps g) s WHERE score IS NOT NULL;

-- A model per group, and not per row.
CREATE TABLE per_site AS SELECT site, anomaly_fit(t, 'seasonal', '{"order": "hour"}') AS model FROM traffic t GROUP BY site;
SELECT site, count(*) FILTER (WHERE score > 3) AS loud
FROM (SELECT site, anomaly_score_series(model, w) OVER (PARTITION BY site ORDER BY hour) AS score
	  FROM (SELECT hour, flows, bytes, site FROM week) w JOIN per_site USING (site)) s
GROUP BY site ORDER BY site;
SELECT anomaly_score_series(model, w) OVER (ORDER BY hour)
FROM (SELECT hour, flows, bytes, site FROM week) w JOIN per_site USING (site);

-- The only column of times is the order, and the model says so.
SELECT version FROM anomaly_train('unnamed', 'SELECT hour, flows FROM traffic WHERE site = ''office''', 'seasonal');
SELECT * FROM anomaly.series_of('unnamed');

-- A model that looks back further: the same numbers on every way.
SELECT warnings FROM anomaly_train('recurrent', 'SELECT * FROM traffic', 'lstm', features => '{flows,bytes}',
	options => '{"partition": "site", "order": "hour", "layers": [8], "window": 12, "epochs": 2}');
SELECT * FROM anomaly.series_of('recurrent');
CREATE TABLE recurrent AS
SELECT site, hour, anomaly_score_series('recurrent', t) OVER (PARTITION BY site ORDER BY hour) AS score FROM traffic t;
SELECT count(*) AS rows, count(*) FILTER (WHERE r.score <> q.score) AS differ
FROM anomaly_detect_query('recurrent', 'SELECT * FROM traffic ORDER BY md5(traffic::text)', NULL::traffic) q
JOIN recurrent r ON (r.site, r.hour) = ((q."row").site, (q."row").hour);
SELECT count(*) AS rows, count(*) FILTER (WHERE r.score <> q.score) AS differ
FROM anomaly_detect_query('recurrent', 'SELECT * FROM traffic WHERE hour >= ''2026-02-01''', NULL::traffic,
	context => 'SELECT * FROM traffic WHERE hour < ''2026-02-01'' AND hour >= ''2026-01-30''') q
JOIN recurrent r ON (r.site, r.hour) = ((q."row").site, (q."row").hour);
DROP TABLE recurrent;

-- A model that does not look back scores row by row.
SELECT version FROM anomaly_train('plain', 'SELECT flows, bytes FROM traffic');
SELECT * FROM anomaly.series_of('plain');
SELECT count(*) AS differ
FROM (SELECT anomaly_score('plain', t) AS alone, anomaly_score_series('plain', t) OVER (PARTITION BY site ORDER BY hour) AS score FROM traffic t) s
WHERE alone <> score;

-- Evaluation looks back too: the row after the gap is found, rows without a label count for nothing.
CREATE TABLE labelled AS
SELECT *, CASE WHEN hour > '2026-02-19' THEN NULL ELSE site = 'office' AND hour = '2026-02-17 13:00' END AS gap FROM week;
SELECT rows = (SELECT count(gap) FROM labelled) AS all_labelled, positives, roc_auc, tp, fn
FROM anomaly_evaluate('weekly', 'SELECT * FROM labelled ORDER BY md5(labelled::text)', 'gap');

-- The planner keeps by-name calls up to date and may fold those by value.
EXPLAIN (COSTS OFF) SELECT anomaly_score_series('weekly', w) OVER (PARTITION BY site ORDER BY hour) FROM week w;
SELECT proname, provolatile, proparallel, prokind FROM pg_proc WHERE proname = 'anomaly_score_series' ORDER BY provolatile;
SELECT anomaly_score_series('weekly', w) FROM week w;
SELECT anomaly_score_series('week', w) OVER () FROM week w;

SELECT count(anomaly_drop(name)::text) FROM anomaly.model;
DROP TABLE traffic, week, gaps, scored, late, pieces, per_site, labelled;
DROP FUNCTION u;
