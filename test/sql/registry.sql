-- The registry: versions, activation, rollback, immutability, rights.
\set VERBOSITY terse
CREATE TABLE rows AS SELECT sin(i) AS a, cos(i) AS b FROM generate_series(1, 500) i;
SELECT version FROM anomaly_train('reg', 'SELECT * FROM rows', options => '{"seed": 1}');
SELECT version FROM anomaly_train('reg', 'SELECT * FROM rows', options => '{"seed": 2}');
SELECT version FROM anomaly_train('reg', 'SELECT * FROM rows', options => '{"seed": 3}');
SELECT version, parent_version FROM anomaly.model_version WHERE model = 'reg' ORDER BY 1;
SELECT * FROM anomaly.model;

-- The active version scores.
CREATE FUNCTION scores_as() RETURNS int LANGUAGE sql AS $$
	SELECT version FROM anomaly.model_version, rows r
	WHERE model = 'reg' AND anomaly_score(body, r) = anomaly_score('reg', r)
	GROUP BY version HAVING count(*) = 500 $$;
SELECT scores_as(), anomaly_activate('reg', 1);
SELECT scores_as();
SELECT anomaly_rollback('reg');
SELECT anomaly_activate('reg', 3);
SELECT anomaly_rollback('reg'), anomaly_rollback('reg');
SELECT scores_as();
SELECT anomaly_activate('reg', 9);
SELECT anomaly_activate('nobody', 1);
SELECT anomaly_rollback('nobody');
SELECT anomaly_drop('nobody');
-- A training starts from what is active, and never reuses a number.
SELECT version FROM anomaly_train('reg', 'SELECT * FROM rows');
SELECT version, parent_version FROM anomaly.model_version ORDER BY version DESC LIMIT 1;

-- A training that is rolled back, or fails, leaves nothing.
BEGIN;
SELECT version FROM anomaly_train('reg', 'SELECT * FROM rows');
SELECT version FROM anomaly_train('other', 'SELECT * FROM rows');
ROLLBACK;
SELECT anomaly_train('broken', 'SELECT 1/(3 - i) AS x FROM generate_series(1, 100) i');
SELECT * FROM anomaly.model;
SELECT count(*) FROM anomaly.model_version;

-- Versions are immutable; only their model takes them along.
UPDATE anomaly.model_version SET threshold = 0;
DELETE FROM anomaly.model_version WHERE version = 1;
SELECT anomaly_drop('reg');
SELECT count(*) FROM anomaly.model_version;
SELECT anomaly_score('reg', r) FROM rows r LIMIT 1;
-- A dropped name starts again at version 1, and the old model does not haunt it.
SELECT version FROM anomaly_train('reg', 'SELECT * FROM rows', options => '{"seed": 8}');
SELECT scores_as();
BEGIN;
DROP EXTENSION pg_anomaly CASCADE;
CREATE EXTENSION pg_anomaly;
SELECT version FROM anomaly_train('reg', 'SELECT a, b + a AS b FROM rows');
SELECT count(DISTINCT anomaly_score('reg', r)) > 400 AS scores,
	   bool_and(anomaly_score('reg', r) = anomaly_score(body, r)) AS the_new_one
FROM rows r, anomaly.model_version GROUP BY version;
ROLLBACK;
SELECT scores_as();

-- Rights are the tables'.
CREATE ROLE regress_reader;
CREATE ROLE regress_trainer;
GRANT SELECT ON rows TO regress_trainer, regress_reader;
GRANT USAGE ON SCHEMA anomaly TO regress_trainer, regress_reader;
SET ROLE regress_reader;
\set VERBOSITY sqlstate
SELECT anomaly_score('reg', r) FROM rows r LIMIT 1;
\set VERBOSITY terse
RESET ROLE;
GRANT SELECT ON anomaly.model, anomaly.model_version TO regress_reader, regress_trainer;
GRANT INSERT ON anomaly.model, anomaly.model_version TO regress_trainer;
GRANT UPDATE ON anomaly.model TO regress_trainer;
SET ROLE regress_reader;
SELECT anomaly_score('reg', r) > 0 AS scored FROM rows r LIMIT 1;
SELECT version FROM anomaly_train('reg', 'SELECT * FROM rows');
SELECT anomaly_activate('reg', 1);
SELECT anomaly_drop('reg');
SET ROLE regress_trainer;
SELECT version FROM anomaly_train('reg', 'SELECT * FROM rows');
SELECT created_by FROM anomaly.model_version ORDER BY version;
SELECT version FROM anomaly_train('theirs', 'SELECT * FROM pg_catalog.pg_authid');
RESET ROLE;
-- A cached model is no way around a right taken away.
SET ROLE regress_reader;
SELECT anomaly_score('reg', r) > 0 AS scored FROM rows r LIMIT 1;
RESET ROLE;
REVOKE SELECT ON anomaly.model_version FROM regress_reader;
SET ROLE regress_reader;
SELECT anomaly_score('reg', r) > 0 AS scored FROM rows r LIMIT 1;
RESET ROLE;

-- A reader's transaction may be read-only; a trainer's may not.
BEGIN READ ONLY;
SELECT anomaly_score('reg', r) > 0 AS scored FROM rows r LIMIT 1;
SELECT count(*) FROM anomaly_detect_query('reg', 'SELECT * FROM rows', NULL::rows);
SAVEPOINT s;
SELECT anomaly_train('reg', 'SELECT * FROM rows');
ROLLBACK TO s;
SHOW transaction_read_only;
ROLLBACK;

DROP FUNCTION scores_as();
SELECT anomaly_drop('reg');
DROP TABLE rows;
DROP OWNED BY regress_reader, regress_trainer;
DROP ROLE regress_reader, regress_trainer;
SELECT detector, option, type, "default", min, max FROM anomaly_detectors() WHERE detector = 'isolation_forest' AND option IN ('seed', 'missing', 'trees');
SELECT count(*) FROM anomaly_detectors() WHERE description = '' OR summary = '' OR reference = '' OR description IS NULL;
