-- The type anomaly_model: exact in and out, and one validator at every door.
\set VERBOSITY terse
CREATE TABLE points AS
	SELECT sin(i) AS a, cos(i * 0.7) AS b, i % 5 AS c FROM generate_series(1, 500) i;
SELECT version, rows_used, features FROM anomaly_train('type', 'SELECT * FROM points');

-- Text goes out and in without a loss, and so does binary.
SELECT body::text::anomaly_model::text = body::text AS same
FROM anomaly.model_version WHERE model = 'type';
CREATE TABLE copied (body anomaly_model);
\copy (SELECT body FROM anomaly.model_version WHERE model = 'type') TO 'model.bin' WITH (FORMAT binary)
\copy copied FROM 'model.bin' WITH (FORMAT binary)
SELECT c.body::text = v.body::text AS same
FROM copied c, anomaly.model_version v WHERE v.model = 'type';

-- A value scores like its name.
SELECT bool_and(anomaly_score('type', p) = anomaly_score(c.body, p)) AS same
FROM points p, copied c;

-- What is no model is refused, with PA013.
CREATE FUNCTION state_of(model text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM model::anomaly_model;
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
SELECT state_of(''), state_of('not base64!'), state_of('AAAA'), state_of(repeat('A', 4000));

-- Every truncation of the first 200 bytes, every 997th beyond; one byte more.
WITH m AS (SELECT decode(body::text, 'base64') AS bytes FROM copied)
SELECT state_of(replace(encode(substr(bytes, 1, n), 'base64'), E'\n', '')) AS state, count(*) > 250 AS many
FROM m, generate_series(0, length(bytes) - 1) n WHERE n < 200 OR n % 997 = 0 GROUP BY 1;
WITH m AS (SELECT decode(body::text, 'base64') AS bytes FROM copied)
SELECT state_of(replace(encode(bytes || '\x00', 'base64'), E'\n', '')) FROM m;

-- A changed byte anywhere is noticed.
WITH m AS (SELECT decode(body::text, 'base64') AS bytes FROM copied)
SELECT state_of(replace(encode(set_byte(bytes, n, get_byte(bytes, n) # 1), 'base64'), E'\n', '')) AS state,
	   count(*) > 250 AS many
FROM m, generate_series(0, length(bytes) - 1) n WHERE n < 200 OR n % 997 = 0 GROUP BY 1;

-- The same for the state of the aggregate, and through the binary door.
CREATE FUNCTION fit_state_of(state text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM state::anomaly_fit_state;
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
SELECT fit_state_of(''), fit_state_of('AAAA'), fit_state_of('AQ=='), fit_state_of('*');
CREATE TABLE bytes AS SELECT '\x00010203'::bytea AS body;
\copy bytes TO 'bytes.bin' WITH (FORMAT binary)
\copy copied FROM 'bytes.bin' WITH (FORMAT binary)

-- Severity and its bands.
SELECT p, anomaly_severity(p) AS severity, anomaly_band(anomaly_severity(p)) AS band
FROM unnest('{1, 0.1, 0.01, 0.001, 0.0001, 0.00001, 0}'::float8[]) p;
SELECT s, anomaly_band(s) FROM unnest('{0, 24.999, 25, 49.999, 50, 74.999, 75, 100}'::float8[]) s;
SELECT anomaly_severity(-0.1);
SELECT anomaly_severity('NaN');
SELECT anomaly_severity(NULL) IS NULL, anomaly_band(NULL) IS NULL;

SELECT anomaly_drop('type');
DROP TABLE points, copied, bytes;
DROP FUNCTION state_of, fit_state_of;
