\echo Use "CREATE EXTENSION pg_anomaly" to load this file. \quit

-- Whatever the caller's search_path is: every name below is qualified.
SET LOCAL search_path TO pg_catalog, pg_temp;

-- Relations and helpers live here; what users call lives in the extension's schema.
CREATE SCHEMA anomaly;
COMMENT ON SCHEMA anomaly IS 'pg_anomaly: models, their versions, flow stores';

-- ---- anomaly_model: a fitted detector --------------------------------------

CREATE TYPE @extschema@.anomaly_model;

CREATE FUNCTION @extschema@.anomaly_model_in(cstring) RETURNS @extschema@.anomaly_model
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pga_model_in';
CREATE FUNCTION @extschema@.anomaly_model_out(@extschema@.anomaly_model) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pga_model_out';
CREATE FUNCTION @extschema@.anomaly_model_recv(internal) RETURNS @extschema@.anomaly_model
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pga_model_recv';
CREATE FUNCTION @extschema@.anomaly_model_send(@extschema@.anomaly_model) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pga_model_send';
COMMENT ON FUNCTION @extschema@.anomaly_model_in(cstring) IS
	'I/O: base64 of a model''s bytes; PA013 when they are no model';
COMMENT ON FUNCTION @extschema@.anomaly_model_out(@extschema@.anomaly_model) IS 'I/O';
COMMENT ON FUNCTION @extschema@.anomaly_model_recv(internal) IS
	'I/O: a model''s bytes; PA013 when they are no model';
COMMENT ON FUNCTION @extschema@.anomaly_model_send(@extschema@.anomaly_model) IS 'I/O';

-- Models hardly compress; uncompressed they are faster to read.
CREATE TYPE @extschema@.anomaly_model (
	INPUT = @extschema@.anomaly_model_in,
	OUTPUT = @extschema@.anomaly_model_out,
	RECEIVE = @extschema@.anomaly_model_recv,
	SEND = @extschema@.anomaly_model_send,
	INTERNALLENGTH = VARIABLE,
	STORAGE = external
);
COMMENT ON TYPE @extschema@.anomaly_model IS
	'a fitted detector with its features, preprocessing and calibration; the same bytes on every architecture';

-- ---- what a row's score means --------------------------------------------------

CREATE TYPE @extschema@.anomaly_detection AS (
	score float8,
	p_value float8,
	severity float8,
	is_anomaly bool
);
COMMENT ON TYPE @extschema@.anomaly_detection IS 'result of anomaly_detect';
COMMENT ON COLUMN @extschema@.anomaly_detection.score IS
	'the detector''s own number; higher is more anomalous';
COMMENT ON COLUMN @extschema@.anomaly_detection.p_value IS
	'share of held-out normal rows that score at least as high, above 0 and at most 1';
COMMENT ON COLUMN @extschema@.anomaly_detection.severity IS
	'25 (-log10(p_value) - 1), from 0 to 100: 25 is one in a hundred, 50 one in a thousand';
COMMENT ON COLUMN @extschema@.anomaly_detection.is_anomaly IS
	'score is above the model''s threshold';

CREATE TYPE @extschema@.anomaly_classification AS (
	class text,
	confidence float8,
	probabilities jsonb
);
COMMENT ON TYPE @extschema@.anomaly_classification IS 'result of anomaly_classify';
COMMENT ON COLUMN @extschema@.anomaly_classification.class IS
	'the most likely class; normal, or a class of the label';
COMMENT ON COLUMN @extschema@.anomaly_classification.confidence IS
	'probability of that class, from 0 to 1';
COMMENT ON COLUMN @extschema@.anomaly_classification.probabilities IS
	'probability of each class; they sum to 1';

CREATE FUNCTION @extschema@.anomaly_severity(p_value float8) RETURNS float8
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pga_severity_of';
COMMENT ON FUNCTION @extschema@.anomaly_severity(float8) IS
	'severity, 0 to 100, of a p-value between 0 and 1: 25 (-log10(p) - 1), clamped';

CREATE FUNCTION @extschema@.anomaly_band(severity float8) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pga_band';
COMMENT ON FUNCTION @extschema@.anomaly_band(float8) IS
	'name of a severity: critical from 75, major from 50, minor from 25, else warning';
