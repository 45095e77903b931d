-- Scoring one row.  The model is a name, looked up in the registry under the
-- query's snapshot, or a value; the row is a record, whose column names bind
-- the features, or two arrays of values and names.
--
-- By name the functions are STABLE: an IMMUTABLE one would keep an old version
-- in a prepared plan.  All are PARALLEL SAFE.

-- ---- anomaly_score ----

CREATE FUNCTION @extschema@.anomaly_score(model text, "row" record) RETURNS float8
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'pga_score_name_row';
COMMENT ON FUNCTION @extschema@.anomaly_score(text, record) IS
	'anomaly score of a row under the active version of a model; an unknown model is PA001, missing or wrong columns are PA004, PA012, PA014, NaN and infinity PA009';

CREATE FUNCTION @extschema@.anomaly_score(model @extschema@.anomaly_model, "row" record) RETURNS float8
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'pga_score_value_row';
COMMENT ON FUNCTION @extschema@.anomaly_score(@extschema@.anomaly_model, record) IS
	'anomaly score of a row under a model given as a value; missing or wrong columns are PA004, PA012, PA014, NaN and infinity PA009';

CREATE FUNCTION @extschema@.anomaly_score(model text, "values" float8[], names text[]) RETURNS float8
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'pga_score_name_arrays';
COMMENT ON FUNCTION @extschema@.anomaly_score(text, float8[], text[]) IS
	'anomaly score of named values under the active version of a model; an unknown model is PA001, missing or wrong columns are PA004, PA012, PA014, NaN and infinity PA009';

CREATE FUNCTION @extschema@.anomaly_score(model @extschema@.anomaly_model, "values" float8[], names text[]) RETURNS float8
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'pga_score_value_arrays';
COMMENT ON FUNCTION @extschema@.anomaly_score(@extschema@.anomaly_model, float8[], text[]) IS
	'anomaly score of named values under a model given as a value; missing or wrong columns are PA004, PA012, PA014, NaN and infinity PA009';

-- ---- anomaly_score_series ----

CREATE FUNCTION @extschema@.anomaly_score_series(model text, "row" record) RETURNS float8
	LANGUAGE c STABLE WINDOW PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'pga_score_series_name';
COMMENT ON FUNCTION @extschema@.anomaly_score_series(text, record) IS
	'window function: anomaly score of a row after the rows before it in its window partition, under the active version of a model; use the model''s own partition and order in OVER (PARTITION BY ... ORDER BY ...); models that do not look back score as anomaly_score; errors as there';

CREATE FUNCTION @extschema@.anomaly_score_series(model @extschema@.anomaly_model, "row" record) RETURNS float8
	LANGUAGE c IMMUTABLE WINDOW PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'pga_score_series_value';
COMMENT ON FUNCTION @extschema@.anomaly_score_series(@extschema@.anomaly_model, record) IS
	'window function: anomaly score of a row after the rows before it in its window partition, under a model given as a value, the same for the whole partition; errors as of anomaly_score';

CREATE FUNCTION anomaly.series_of(model text, OUT history int, OUT partition_column text, OUT order_column text)
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pga_series_of';
COMMENT ON FUNCTION anomaly.series_of(text) IS
	'rows that a model looks back at, 0 for most, and the columns that say which series a row belongs to and where in it; an unknown model is PA001';

-- ---- anomaly_detect ----

CREATE FUNCTION @extschema@.anomaly_detect(model text, "row" record) RETURNS @extschema@.anomaly_detection
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'pga_detect_name_row';
COMMENT ON FUNCTION @extschema@.anomaly_detect(text, record) IS
	'score, p-value, severity and verdict of a row under the active version of a model; an unknown model is PA001, missing or wrong columns are PA004, PA012, PA014, NaN and infinity PA009';

CREATE FUNCTION @extschema@.anomaly_detect(model @extschema@.anomaly_model, "row" record) RETURNS @extschema@.anomaly_detection
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'pga_detect_value_row';
COMMENT ON FUNCTION @extschema@.anomaly_detect(@extschema@.anomaly_model, record) IS
	'score, p-value, severity and verdict of a row under a model given as a value; missing or wrong columns are PA004, PA012, PA014, NaN and infinity PA009';

CREATE FUNCTION @extschema@.anomaly_detect(model text, "values" float8[], names text[]) RETURNS @extschema@.anomaly_detection
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'pga_detect_name_arrays';
COMMENT ON FUNCTION @extschema@.anomaly_detect(text, float8[], text[]) IS
	'score, p-value, severity and verdict of named values under the active version of a model; an unknown model is PA001, missing or wrong columns are PA004, PA012, PA014, NaN and infinity PA009';

CREATE FUNCTION @extschema@.anomaly_detect(model @extschema@.anomaly_model, "values" float8[], names text[]) RETURNS @extschema@.anomaly_detection
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'pga_detect_value_arrays';
COMMENT ON FUNCTION @extschema@.anomaly_detect(@extschema@.anomaly_model, float8[], text[]) IS
	'score, p-value, severity and verdict of named values under a model given as a value; missing or wrong columns are PA004, PA012, PA014, NaN and infinity PA009';

-- ---- anomaly_classify ----

CREATE FUNCTION @extschema@.anomaly_classify(model text, "row" record) RETURNS @extschema@.anomaly_classification
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'pga_classify_name_row';
COMMENT ON FUNCTION @extschema@.anomaly_classify(text, record) IS
	'class, confidence and probabilities that a supervised detector gives a row under the active version of a model; an unknown model is PA001, missing or wrong columns are PA004, PA012, PA014, NaN and infinity PA009; a model that tells no classes is PA019';

CREATE FUNCTION @extschema@.anomaly_classify(model @extschema@.anomaly_model, "row" record) RETURNS @extschema@.anomaly_classification
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'pga_classify_value_row';
COMMENT ON FUNCTION @extschema@.anomaly_classify(@extschema@.anomaly_model, record) IS
	'class, confidence and probabilities that a supervised detector gives a row under a model given as a value; missing or wrong columns are PA004, PA012, PA014, NaN and infinity PA009; a model that tells no classes is PA019';

CREATE FUNCTION @extschema@.anomaly_classify(model text, "values" float8[], names text[]) RETURNS @extschema@.anomaly_classification
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'pga_classify_name_arrays';
COMMENT ON FUNCTION @extschema@.anomaly_classify(text, float8[], text[]) IS
	'class, confidence and probabilities that a supervised detector gives named values under the active version of a model; an unknown model is PA001, missing or wrong columns are PA004, PA012, PA014, NaN and infinity PA009; a model that tells no classes is PA019';

CREATE FUNCTION @extschema@.anomaly_classify(model @extschema@.anomaly_model, "values" float8[], names text[]) RETURNS @extschema@.anomaly_classification
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'pga_classify_value_arrays';
COMMENT ON FUNCTION @extschema@.anomaly_classify(@extschema@.anomaly_model, float8[], text[]) IS
	'class, confidence and probabilities that a supervised detector gives named values under a model given as a value; missing or wrong columns are PA004, PA012, PA014, NaN and infinity PA009; a model that tells no classes is PA019';

-- ---- anomaly_explain ----

CREATE FUNCTION @extschema@.anomaly_explain(model text, "row" record, top int DEFAULT 3)
	RETURNS TABLE (feature text, value text, expected text, share float8)
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1000 ROWS 3 AS 'MODULE_PATHNAME', 'pga_explain_name_row';
COMMENT ON FUNCTION @extschema@.anomaly_explain(text, record, int) IS
	'the features that make a row anomalous, at most top of them: value, what would be expected, and share of the excess (all shares sum to 1); of a row under the active version of a model';

CREATE FUNCTION @extschema@.anomaly_explain(model @extschema@.anomaly_model, "row" record, top int DEFAULT 3)
	RETURNS TABLE (feature text, value text, expected text, share float8)
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 3 AS 'MODULE_PATHNAME', 'pga_explain_value_row';
COMMENT ON FUNCTION @extschema@.anomaly_explain(@extschema@.anomaly_model, record, int) IS
	'the features that make a row anomalous, at most top of them: value, what would be expected, and share of the excess (all shares sum to 1); of a row under a model given as a value';

CREATE FUNCTION @extschema@.anomaly_explain(model text, "values" float8[], names text[], top int DEFAULT 3)
	RETURNS TABLE (feature text, value text, expected text, share float8)
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1000 ROWS 3 AS 'MODULE_PATHNAME', 'pga_explain_name_arrays';
COMMENT ON FUNCTION @extschema@.anomaly_explain(text, float8[], text[], int) IS
	'the features that make a row anomalous, at most top of them: value, what would be expected, and share of the excess (all shares sum to 1); of named values under the active version of a model';

CREATE FUNCTION @extschema@.anomaly_explain(model @extschema@.anomaly_model, "values" float8[], names text[], top int DEFAULT 3)
	RETURNS TABLE (feature text, value text, expected text, share float8)
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 3 AS 'MODULE_PATHNAME', 'pga_explain_value_arrays';
COMMENT ON FUNCTION @extschema@.anomaly_explain(@extschema@.anomaly_model, float8[], text[], int) IS
	'the features that make a row anomalous, at most top of them: value, what would be expected, and share of the excess (all shares sum to 1); of named values under a model given as a value';
