-- Scoring: names bind, one row alone scores as in a batch, and what is wrong says so.
\set VERBOSITY terse
CREATE FUNCTION u(i int) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$ SELECT (hashint4(i)::bigint & 65535) / 65536.0 $$;
CREATE TABLE work AS
SELECT i AS id, sin(i) AS a, cos(i * 0.7) AS b, i % 10 AS c, i % 7 = 0 AS d,
	   CASE WHEN i % 20 = 0 THEN 'rare' ELSE 'common' END AS e
FROM generate_series(1, 3000) i;
INSERT INTO work VALUES (9001, 40, -40, 99, true, 'never seen'), (9002, 0.1, NULL, NULL, NULL, NULL);
SELECT features FROM anomaly_train('work', 'SELECT a, b, c, d, e FROM work WHERE id < 9000');

-- Scores of an isolation forest lie between 0 and 1.
SELECT bool_and(anomaly_score('work', w) > 0 AND anomaly_score('work', w) <= 1) FROM work w;
-- In a round cloud (sums of uniform numbers) the stranger leads, and its severity
-- goes beyond what 400 held-out rows could count.
CREATE TABLE cloud AS
SELECT i AS id, u(i) + u(i + 50000) + u(i + 100000) + u(i + 150000) AS x,
	   u(i + 200000) + u(i + 250000) + u(i + 300000) + u(i + 350000) AS y
FROM generate_series(1, 4000) i;
INSERT INTO cloud VALUES (0, 30, -30);
SELECT rows_used FROM anomaly_train('cloud', 'SELECT x, y FROM cloud WHERE id > 0', options => '{"holdout": 0.1}');
SELECT id, severity > 25 AS severe, p_value < 1.0 / 400 AS beyond
FROM cloud c, anomaly_detect('cloud', c) ORDER BY score DESC LIMIT 1;

-- Order and number of columns do not matter, only names.
SELECT count(*) FROM work w, LATERAL (SELECT w.e, w.d, w.c, 'x' AS other, w.b, w.a) turned
WHERE anomaly_score('work', w) <> anomaly_score('work', turned);
WITH turned AS (SELECT e, d, c, b, a FROM work WHERE id = 5)
SELECT anomaly_score('work', turned) = (SELECT anomaly_score('work', w) FROM work w WHERE id = 5) FROM turned;
-- Types may differ within their class.
SELECT count(*) FROM work w,
	LATERAL (SELECT a, b, c::numeric AS c, d, e::varchar AS e FROM work v WHERE v.id = w.id) other
WHERE anomaly_score('work', w) <> anomaly_score('work', other);
-- A dropped column before the others.
CREATE TABLE dropped AS SELECT 1 AS gone, * FROM work;
ALTER TABLE dropped DROP COLUMN gone;
SELECT count(*) FROM work w JOIN dropped x USING (id)
WHERE anomaly_score('work', w) <> anomaly_score('work', x);
-- A column added later, read through its default.
ALTER TABLE dropped DROP COLUMN c;
ALTER TABLE dropped ADD COLUMN c int DEFAULT 3;
SELECT count(*) FROM dropped x, LATERAL (SELECT x.a, x.b, 3 AS c, x.d, x.e) y
WHERE anomaly_score('work', x) <> anomaly_score('work', y);

-- One row alone scores as in a batch, and in any block.
CREATE TABLE scored AS
	SELECT ("row").id, score, p_value, severity, is_anomaly, reasons
	FROM anomaly_detect_query('work', 'SELECT * FROM work', NULL::work);
SELECT count(*) AS rows, count(*) FILTER (WHERE s.score IS DISTINCT FROM anomaly_score('work', w)
	OR (s.score, s.p_value, s.severity, s.is_anomaly)::anomaly_detection IS DISTINCT FROM anomaly_detect('work', w)) AS different
FROM scored s JOIN work w USING (id);
SELECT count(*) AS different
FROM anomaly_detect_query('work', 'SELECT * FROM work ORDER BY md5(id::text) LIMIT 777', NULL::work) q
JOIN scored s ON s.id = (q."row").id WHERE s.score <> q.score;

-- p-value, severity and verdict say the same thing.
SELECT count(*) FILTER (WHERE p_value <= 0 OR p_value > 1) AS bad_p,
	   count(*) FILTER (WHERE abs(severity - greatest(0, least(100, 25 * (-log(p_value::numeric) - 1)))) > 1e-5) AS bad_severity,
	   count(*) FILTER (WHERE is_anomaly <> (score > v.threshold)) AS bad_verdict
FROM scored, anomaly.model_version v WHERE v.model = 'work';
-- A higher score never has a higher p-value.
SELECT count(*) FROM (SELECT p_value, lag(p_value) OVER (ORDER BY score) AS before FROM scored) s
WHERE p_value > before;

-- min_severity filters; reasons are for severe rows only.
SELECT (SELECT count(*) FROM anomaly_detect_query('work', 'TABLE work', NULL::work, s)) =
	   (SELECT count(*) FROM scored WHERE severity >= s) AS same
FROM unnest('{0, 10, 25, 60, 100}'::float8[]) s;
SELECT count(*) FROM scored WHERE (reasons IS NOT NULL) <> (severity >= 25);
SELECT max(jsonb_array_length(reasons)) AS top FROM anomaly_detect_query('work', 'TABLE work', NULL::work, 25, 2);
-- Columns of the query go to the row type by name.
SELECT ("row").* FROM anomaly_detect_query('work',
	'SELECT 7 AS extra, e, d, c, b, a, id FROM work WHERE id = 7', NULL::work);
SELECT count(*) FROM anomaly_detect_query('work', 'SELECT * FROM work WHERE false', NULL::work);

-- Values with names.
SELECT features FROM anomaly_train('numbers', 'SELECT a, b, d FROM work WHERE id < 9000');
SELECT count(*) FROM work w WHERE anomaly_score('numbers', w) IS DISTINCT FROM
	anomaly_score('numbers', ARRAY[d::int, 0, a, b], '{d,other,a,b}') AND id < 9000;
SELECT anomaly_detect('numbers', '{1,2,0}', '{a,b,d}') =
	   (SELECT anomaly_detect('numbers', r) FROM (SELECT 1.0 AS a, 2.0 AS b, false AS d) r) AS same;
SELECT anomaly_score('numbers', '{1,NULL,0}', '{a,b,d}') =
	   (SELECT anomaly_score('numbers', r) FROM (SELECT 1.0 AS a, NULL::float8 AS b, false AS d) r) AS same;
SELECT anomaly_score('numbers', '{1,2}', '{a,b,d}');
SELECT anomaly_score('numbers', '{1,2}', '{a,b}');
SELECT anomaly_score('numbers', '{1,NaN,1}', '{a,b,d}');
SELECT anomaly_score('numbers', '{1,2,3}', '{a,b,NULL}');
SELECT anomaly_score('work', '{1,2,3,1,0}', '{a,b,c,d,e}');

-- NULLs.
SELECT anomaly_score('work', NULL::work), anomaly_score(NULL::text, w) FROM work w LIMIT 1;

-- plpgsql keeps a call site for the whole transaction: a retraining in it counts at
-- once, and no longer when it is undone.
DO $$
DECLARE
	r work;
	s float8[];
BEGIN
	SELECT * INTO r FROM work WHERE id = 11;
	FOR i IN 1 .. 4 LOOP
		BEGIN
			IF i IN (2, 4) THEN
				PERFORM anomaly_train('work', 'SELECT a, b, c, d, e FROM work WHERE id < 9000', options => '{"seed": 99}');
			END IF;
			s[i] := anomaly_score('work', r);
			IF i = 2 THEN
				RAISE EXCEPTION 'undo';
			END IF;
		EXCEPTION WHEN raise_exception THEN
			NULL;
		END;
	END LOOP;
	RAISE NOTICE 'changed: %, undone: %, changed: %', s[1] <> s[2], s[1] = s[3], s[2] = s[4];
	FOR i IN 1 .. 2 LOOP
		s[i] := anomaly_score('work', r);
		PERFORM anomaly_activate('work', 1);
	END LOOP;
	RAISE NOTICE 'activated: %', s[1] = s[4] AND s[2] = s[3];
END $$;
-- A prepared statement with a generic plan follows too.
PREPARE one AS SELECT anomaly_score('work', w) FROM work w WHERE id = 11;
SET plan_cache_mode = force_generic_plan;
CREATE TABLE seen1 AS EXECUTE one;
SELECT version FROM anomaly_train('work', 'SELECT a, b, c, d, e FROM work WHERE id < 9000', options => '{"seed": 99}');
CREATE TABLE seen2 AS EXECUTE one;
SELECT anomaly_rollback('work');
CREATE TABLE seen3 AS EXECUTE one;
SELECT a.anomaly_score <> b.anomaly_score AS changed, a.anomaly_score = c.anomaly_score AS back
FROM seen1 a, seen2 b, seen3 c;
RESET plan_cache_mode;

-- Many models by value in one query.
CREATE TABLE models AS SELECT c % 3 AS part, anomaly_fit(w, 'isolation_forest', '{"trees": 10}') AS model
	FROM (SELECT a, b, c FROM work WHERE id < 9000) w GROUP BY 1;
SELECT count(*), count(DISTINCT anomaly_score(model, w)) > 1000 AS various
FROM work w JOIN models ON part = c % 3 WHERE id < 9000;
-- The cache may be as small as it likes.
SET pg_anomaly.cache_size = 0;
SELECT count(*) FROM scored s JOIN work w USING (id) WHERE s.score <> anomaly_score('work', w);
SELECT count(*) FROM work w, models WHERE id < 20 AND anomaly_score(model, w) IS NULL;
RESET pg_anomaly.cache_size;

SELECT anomaly_drop(name) FROM anomaly.model;
DROP TABLE work, cloud, dropped, scored, models, seen1, seen2, seen3;
DROP FUNCTION u;
