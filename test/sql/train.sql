-- anomaly_train: columns, labels, options, what is left out.
\set VERBOSITY terse
CREATE TYPE mood AS ENUM ('calm', 'busy');
CREATE DOMAIN percent AS numeric CHECK (VALUE BETWEEN 0 AND 100);
CREATE TABLE sensor AS
SELECT i AS id,
	   (sin(i) * 10)::float4 AS temperature,
	   (i % 50)::int2 AS small,
	   (i * 7919 % 1000)::int8 AS big,
	   (i * 31 % 100)::percent AS load,
	   i % 3 = 0 AS door,
	   make_interval(secs => i % 60) AS since,
	   CASE i % 4 WHEN 0 THEN 'north' ELSE 'south' END AS site,
	   (CASE i % 5 WHEN 0 THEN 'a' ELSE 'b' END)::char(3) AS code,
	   (CASE WHEN i % 6 = 0 THEN 'busy' ELSE 'calm' END)::mood AS mood,
	   '10.0.0.1'::inet AS address,
	   now() AS seen,
	   jsonb '{}' AS extra
FROM generate_series(1, 2000) i;

-- All usable columns; the others are named in the warnings.
SELECT version, algorithm, rows_used, rows_skipped, features, warnings
FROM anomaly_train('sensor', 'SELECT * FROM sensor', exclude => '{id}');

-- Chosen columns.
SELECT version, features FROM anomaly_train('sensor', 'SELECT * FROM sensor',
	features => '{temperature,load}');
SELECT features FROM anomaly_train('sensor', 'SELECT load, temperature FROM sensor');

-- The same rows, options and seed give the same model, in whatever order; another seed another one.
SELECT count(*) FROM (VALUES ('id'), ('id DESC'), ('md5(id::text)')) o(key),
	LATERAL anomaly_train('order', 'SELECT temperature, load FROM sensor ORDER BY ' || key, options => '{"seed": 7}');
SELECT count(*) FROM generate_series(1, 3) n,
	LATERAL anomaly_train('seed', 'SELECT temperature, load FROM sensor', options => jsonb_build_object('seed', n));
SELECT model, count(*), count(DISTINCT body::text) AS different
FROM anomaly.model_version WHERE model IN ('order', 'seed') GROUP BY 1 ORDER BY 1;

-- The threshold lets about the wanted share of rows like these pass.
SELECT count(*) FROM unnest('{0.01,0.05,0.2}'::float8[]) c,
	LATERAL anomaly_train('share', 'SELECT temperature, big FROM sensor',
		options => jsonb_build_object('contamination', c, 'holdout', 0.5));
SELECT v.options -> 'contamination' AS contamination,
	   avg(((anomaly_detect(v.body, s)).is_anomaly)::int) BETWEEN 0.5 * c AND 1.5 * c AS as_wanted
FROM anomaly.model_version v, LATERAL (SELECT (v.options ->> 'contamination')::float8 AS c) o, sensor s
WHERE model = 'share' GROUP BY v.options, c ORDER BY c;

-- Options are kept, and can be given again.
SELECT options - 'sample_size' - 'max_depth' - 'extension_level' AS options
FROM anomaly.model_version WHERE model = 'share' AND version = 2;
SELECT count(*) FROM anomaly.model_version v, LATERAL anomaly_train('share', v.query, options => v.options)
WHERE v.model = 'share' AND v.version = 2;
SELECT count(*), count(DISTINCT body::text) AS different
FROM anomaly.model_version WHERE model = 'share' AND version IN (2, 4);

-- Constant and all-NULL columns are left out with a warning.
SELECT features, warnings FROM anomaly_train('dull',
	'SELECT temperature, 5 AS five, NULL::int AS nothing FROM sensor');

-- NULLs: filled in, skipped, or refused.
SELECT rows_used, rows_skipped FROM anomaly_train('holes',
	'SELECT nullif(small, 3) AS small, big FROM sensor');
SELECT rows_used, rows_skipped FROM anomaly_train('holes',
	'SELECT nullif(small, 3) AS small, big FROM sensor', options => '{"missing": "skip"}');
SELECT rows_used FROM anomaly_train('holes',
	'SELECT nullif(small, 3) AS small, big FROM sensor', options => '{"missing": "error"}');

-- NaN and infinity: the rows are skipped and counted.
SELECT rows_used, rows_skipped, warnings FROM anomaly_train('wild',
	$$SELECT CASE WHEN id <= 10 THEN 'NaN' WHEN id <= 15 THEN '-infinity' ELSE temperature END::float8 AS x,
			 CASE WHEN id = 20 THEN '1e500' ELSE load END::numeric AS y FROM sensor$$);

-- A label: only normal rows are learnt from, and the metrics say how all score.
CREATE TABLE labelled AS
	SELECT sin(i) AS x, cos(i) AS y, false AS attack FROM generate_series(1, 1000) i
	UNION ALL SELECT 5 + i, -5 - i, true FROM generate_series(1, 20) i
	UNION ALL SELECT 0, 0, NULL FROM generate_series(1, 7) i;
SELECT rows_used, rows_skipped, features, warnings,
	   metrics ->> 'measured_on' AS measured_on, metrics -> 'rows' AS rows,
	   metrics -> 'positives' AS positives, metrics -> 'roc_auc' AS roc_auc,
	   metrics -> 'recall' AS recall
FROM anomaly_train('labelled', 'SELECT * FROM labelled', label => 'attack');
-- Numbers and texts label as well.
SELECT query, m.metrics -> 'positives' AS positives
FROM (VALUES ('SELECT x, y, attack::int AS l FROM labelled'),
			 ('SELECT x, y, CASE WHEN attack THEN ''dos'' WHEN NOT attack THEN ''Normal'' END AS l FROM labelled')) q(query),
	LATERAL anomaly_train('labelled', query, label => 'l') m;
-- Without a label nothing is claimed.
SELECT metrics ?| '{roc_auc,precision,recall,f1}' AS claimed
FROM anomaly_train('labelled', 'SELECT x, y FROM labelled');

-- A large table is sampled; all its rows count.
SELECT rows_used, metrics -> 'rows_distinct' AS distinct_rows, warnings
FROM anomaly_train('large', 'SELECT sin(i) AS a, i FROM generate_series(1, 5000) i',
	options => '{"max_rows": 1024}');

-- What the registry keeps.
SELECT model, version, algorithm, query, label, features, rows_used, rows_skipped,
	   parent_version, created_by = current_user AS by_me, created_at > now() - interval '1 minute' AS just_now,
	   threshold > 0 AS threshold
FROM anomaly.model_version WHERE model = 'sensor' ORDER BY version;

SELECT anomaly_drop(name) FROM anomaly.model;
SELECT count(*) FROM anomaly.model_version;
DROP TABLE sensor, labelled;
DROP DOMAIN percent;
DROP TYPE mood;
