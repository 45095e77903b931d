-- Training: from a query into the registry, or as an aggregate into a value.

CREATE FUNCTION @extschema@.anomaly_train(
	model text,
	query text,
	algorithm text DEFAULT 'isolation_forest',
	label text DEFAULT NULL,
	features text[] DEFAULT NULL,
	exclude text[] DEFAULT NULL,
	options jsonb DEFAULT '{}')
	RETURNS TABLE (
		model text,
		version int,
		algorithm text,
		rows_used bigint,
		rows_skipped bigint,
		features text[],
		threshold float8,
		metrics jsonb,
		warnings text[])
	LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'pga_train_model';
COMMENT ON FUNCTION @extschema@.anomaly_train(text, text, text, text, text[], text[], jsonb) IS
'trains a detector on the rows of a query, stores it as a new version of the model and activates it
query: one SELECT, run read-only with the caller''s rights (PA011); it must give at least 10 rows (PA006, PA007)
algorithm and options: see anomaly_detectors(); the same rows, options and seed give the same model (PA002, PA003, PA005)
label: column that says which rows are normal (false, 0, ''normal''); only these are learnt from, and metrics tell how all labelled rows score (PA016)
features, exclude: columns to use or to leave out; without them all columns of a usable type (PA004, PA008, PA010, PA014)
rows with NaN or infinity are skipped and counted (PA009 when none is left); memory is bounded by maintenance_work_mem (PA015)';

-- ---- anomaly_fit: one model per group -----------------------------------------

CREATE TYPE @extschema@.anomaly_fit_state;

CREATE FUNCTION @extschema@.anomaly_fit_state_in(cstring) RETURNS @extschema@.anomaly_fit_state
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pga_fit_state_in';
CREATE FUNCTION @extschema@.anomaly_fit_state_out(@extschema@.anomaly_fit_state) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pga_fit_state_out';
CREATE FUNCTION @extschema@.anomaly_fit_state_recv(internal) RETURNS @extschema@.anomaly_fit_state
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pga_fit_state_recv';
CREATE FUNCTION @extschema@.anomaly_fit_state_send(@extschema@.anomaly_fit_state) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pga_fit_state_send';
COMMENT ON FUNCTION @extschema@.anomaly_fit_state_in(cstring) IS 'I/O: exact, checked';
COMMENT ON FUNCTION @extschema@.anomaly_fit_state_out(@extschema@.anomaly_fit_state) IS 'I/O: exact';
COMMENT ON FUNCTION @extschema@.anomaly_fit_state_recv(internal) IS 'I/O: exact, checked';
COMMENT ON FUNCTION @extschema@.anomaly_fit_state_send(@extschema@.anomaly_fit_state) IS 'I/O: exact';

CREATE TYPE @extschema@.anomaly_fit_state (
	INPUT = @extschema@.anomaly_fit_state_in,
	OUTPUT = @extschema@.anomaly_fit_state_out,
	RECEIVE = @extschema@.anomaly_fit_state_recv,
	SEND = @extschema@.anomaly_fit_state_send,
	INTERNALLENGTH = VARIABLE,
	STORAGE = extended
);
COMMENT ON TYPE @extschema@.anomaly_fit_state IS
	'what anomaly_fit has seen so far; it can be sent to another process or machine and combined there';

CREATE FUNCTION @extschema@.anomaly_fit_add(
	state @extschema@.anomaly_fit_state, "row" record, algorithm text, options jsonb)
	RETURNS @extschema@.anomaly_fit_state
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pga_fit_add';
COMMENT ON FUNCTION @extschema@.anomaly_fit_add(@extschema@.anomaly_fit_state, record, text, jsonb) IS
	'transition function of anomaly_fit';

CREATE FUNCTION @extschema@.anomaly_fit_combine(
	a @extschema@.anomaly_fit_state, b @extschema@.anomaly_fit_state)
	RETURNS @extschema@.anomaly_fit_state
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pga_fit_combine';
COMMENT ON FUNCTION @extschema@.anomaly_fit_combine(@extschema@.anomaly_fit_state, @extschema@.anomaly_fit_state) IS
	'combine function of anomaly_fit; the order of combining leaves no trace';

CREATE FUNCTION @extschema@.anomaly_fit_final(state @extschema@.anomaly_fit_state)
	RETURNS @extschema@.anomaly_model
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pga_fit_final';
COMMENT ON FUNCTION @extschema@.anomaly_fit_final(@extschema@.anomaly_fit_state) IS
	'final function of anomaly_fit: trains on the rows seen';

CREATE AGGREGATE @extschema@.anomaly_fit("row" record, algorithm text, options jsonb) (
	SFUNC = @extschema@.anomaly_fit_add,
	STYPE = @extschema@.anomaly_fit_state,
	COMBINEFUNC = @extschema@.anomaly_fit_combine,
	FINALFUNC = @extschema@.anomaly_fit_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE @extschema@.anomaly_fit(record, text, jsonb) IS
'trains a detector on the rows of each group and gives it back as a value; NULL, with a warning, where a group has too few rows or no column that varies
The model is the same, byte for byte, for serial and parallel plans and any order of rows.
algorithm and options: see anomaly_detectors(); errors as of anomaly_train';

CREATE FUNCTION @extschema@.anomaly_detectors()
	RETURNS TABLE (
		detector text,
		option text,
		type text,
		"default" text,
		min float8,
		max float8,
		description text,
		summary text,
		reference text)
	LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 20 AS 'MODULE_PATHNAME', 'pga_list_detectors';
COMMENT ON FUNCTION @extschema@.anomaly_detectors() IS
	'all detectors with their options, types, defaults and inclusive ranges, and the papers they follow';
