-- anomaly_fit: one model per group; serial, parallel and in any order the same.
\set VERBOSITY terse
CREATE TABLE flow AS
SELECT i AS id, i % 4 AS site, sin(i) AS a, i * 7919 % 1000 AS b, CASE WHEN i % 9 = 0 THEN 'x' ELSE 'y' END AS c
FROM generate_series(1, 40000) i;
ANALYZE flow;
ALTER TABLE flow SET (parallel_workers = 2);
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;

CREATE TABLE fitted (how text, model anomaly_model);
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF)
SELECT anomaly_fit(f, 'isolation_forest', '{"seed": 3, "max_rows": 1024}') FROM flow f;
INSERT INTO fitted SELECT 'parallel', m FROM (
	SELECT anomaly_fit(f, 'isolation_forest', '{"seed": 3, "max_rows": 1024}') AS m FROM flow f OFFSET 0) s;
SET parallel_leader_participation = off;
CREATE TABLE without_leader AS
	SELECT anomaly_fit(f, 'isolation_forest', '{"seed": 3, "max_rows": 1024}') AS m FROM flow f;
INSERT INTO fitted SELECT 'without leader', m FROM without_leader;
RESET parallel_leader_participation;
SET max_parallel_workers_per_gather = 0;
INSERT INTO fitted SELECT 'serial', anomaly_fit(f, 'isolation_forest', '{"seed": 3, "max_rows": 1024}') FROM flow f;
INSERT INTO fitted SELECT 'shuffled', anomaly_fit(f, 'isolation_forest', '{"seed": 3, "max_rows": 1024}' ORDER BY md5(id::text)) FROM flow f;
INSERT INTO fitted SELECT 'window', anomaly_fit(f, 'isolation_forest', '{"seed": 3, "max_rows": 1024}') OVER () FROM flow f LIMIT 1;
INSERT INTO fitted SELECT 'trained', v.body
FROM anomaly_train('flow', 'SELECT * FROM flow', options => '{"seed": 3, "max_rows": 1024}') t
JOIN anomaly.model_version v USING (model);
SELECT count(*), count(DISTINCT model::text) AS different FROM fitted;

-- The parallel plan really ran in parallel and is parallel safe to score with.
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT sum(anomaly_score('flow', f)) FROM flow f;
CREATE TABLE checksums AS
	SELECT 'parallel' AS how, sum(hashfloat8(anomaly_score('flow', f))::bigint) AS checksum,
		   sum(hashfloat8(anomaly_score(v.body, f))::bigint) AS by_value
	FROM flow f, (SELECT body FROM anomaly.model_version WHERE model = 'flow') v;
SET max_parallel_workers_per_gather = 0;
INSERT INTO checksums
	SELECT 'serial', sum(hashfloat8(anomaly_score('flow', f))::bigint), sum(hashfloat8(anomaly_score(v.body, f))::bigint)
	FROM flow f, (SELECT body FROM anomaly.model_version WHERE model = 'flow') v;
SELECT count(*), count(DISTINCT checksum), bool_and(checksum = by_value) FROM checksums;

-- One model per group, each that of its rows alone.
SELECT g.site, g.model::text = (
	SELECT anomaly_fit(r, 'isolation_forest', '{}')::text
	FROM (SELECT a, b, c FROM flow WHERE site = g.site) r) AS same
FROM (SELECT site, anomaly_fit(r, 'isolation_forest', '{}') AS model
	  FROM (SELECT site, a, b, c FROM flow) f, LATERAL (SELECT f.a, f.b, f.c) r GROUP BY site) g
ORDER BY site;

-- The state's text carries everything: it can be combined elsewhere.
CREATE AGGREGATE fit_text(record, text, jsonb) (
	SFUNC = anomaly_fit_add, STYPE = anomaly_fit_state, COMBINEFUNC = anomaly_fit_combine, PARALLEL = SAFE);
CREATE AGGREGATE fit_merge(anomaly_fit_state) (
	SFUNC = anomaly_fit_combine, STYPE = anomaly_fit_state, FINALFUNC = anomaly_fit_final);
SELECT fit_merge(state::text::anomaly_fit_state ORDER BY part DESC)::text = (SELECT model::text FROM fitted WHERE how = 'serial') AS same
FROM (SELECT b % 7 AS part, fit_text(f, 'isolation_forest', '{"seed": 3, "max_rows": 1024}') AS state FROM flow f GROUP BY 1) s;
SELECT state::text = state::text::anomaly_fit_state::text AS exact
FROM (SELECT fit_text(f, 'isolation_forest', '{}') AS state FROM flow f WHERE id < 1000) s;
-- States of other columns or options do not mix.
SELECT fit_merge(state) FROM (
	SELECT fit_text(f, 'isolation_forest', '{"seed": 1}') AS state FROM flow f
	UNION ALL SELECT fit_text(f, 'isolation_forest', '{"seed": 2}') FROM flow f) s;
SELECT fit_merge(state) FROM (
	SELECT fit_text(f, 'isolation_forest', '{"trees": 1}') AS state FROM flow f
	UNION ALL SELECT fit_text(f, 'isolation_forest', '{"trees": 2}') FROM flow f) s;

-- Edges.
SELECT anomaly_fit(f, 'isolation_forest', '{}') IS NULL AS nothing FROM flow f WHERE false;
SELECT anomaly_fit(ROW(a, b), 'isolation_forest', '{}') FROM flow;
SELECT anomaly_fit(f, 'isolation_forest', '{}') FROM flow f WHERE id < 5;
SELECT anomaly_fit(f, 'nonsense', '{}') FROM flow f;
SELECT anomaly_fit(f, 'isolation_forest', '{"tree": 3}') FROM flow f;
SELECT anomaly_fit(f, 'isolation_forest', jsonb_build_object('seed', id)) FROM flow f;
SELECT anomaly_fit(f, NULL, '{}') FROM flow f;
SELECT anomaly_fit_add(NULL, f, 'isolation_forest', '{}') FROM flow f LIMIT 1;
SELECT anomaly_fit(r, 'isolation_forest', '{}') IS NOT NULL AS fitted
FROM (SELECT id, a, now() AS at FROM flow) r;

-- A group that cannot be learnt from has no model, and spoils no other.
SELECT n, anomaly_fit(r, 'isolation_forest', '{}') IS NOT NULL AS fitted
FROM (SELECT width_bucket(id, '{5,21}'::int[]) AS n, a, CASE WHEN id < 21 THEN 0 ELSE b END AS b FROM flow WHERE id < 500) f,
	LATERAL (SELECT CASE WHEN n = 1 THEN 0 ELSE a END AS a, f.b) r GROUP BY n ORDER BY n;
-- Rows with NaN or infinity are skipped and counted, null rows ignored.
SELECT anomaly_fit(r, 'isolation_forest', '{}') IS NOT NULL AS fitted
FROM (SELECT id, CASE WHEN id <= 5 THEN 'NaN' ELSE a END AS a FROM flow) r;
SELECT anomaly_fit(CASE WHEN id % 2 = 0 THEN f END, 'isolation_forest', '{}')::text =
	   anomaly_fit(f, 'isolation_forest', '{}') FILTER (WHERE id % 2 = 0)::text AS same FROM flow f;

RESET ALL;
SELECT anomaly_drop(name) FROM anomaly.model;
DROP AGGREGATE fit_text(record, text, jsonb);
DROP AGGREGATE fit_merge(anomaly_fit_state);
DROP TABLE flow, fitted, without_leader, checksums;
