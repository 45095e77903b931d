-- The registry: models by name.  Nothing is granted here: whoever shall score
-- needs USAGE on the schema anomaly and SELECT on both tables, whoever shall
-- train INSERT on both and UPDATE on anomaly.model too, whoever shall drop
-- models DELETE on anomaly.model.

CREATE TABLE anomaly.model (
	name text PRIMARY KEY CHECK (name <> ''),
	active_version int,
	last_version int NOT NULL
);
COMMENT ON TABLE anomaly.model IS 'models by name';
COMMENT ON COLUMN anomaly.model.name IS 'what anomaly_train and anomaly_score call it';
COMMENT ON COLUMN anomaly.model.active_version IS 'the version that scores';
COMMENT ON COLUMN anomaly.model.last_version IS 'the highest number given to a version';

CREATE TABLE anomaly.model_version (
	model text NOT NULL REFERENCES anomaly.model ON DELETE CASCADE,
	version int NOT NULL,
	id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
	body @extschema@.anomaly_model NOT NULL,
	algorithm text NOT NULL,
	query text NOT NULL,
	label text,
	features text[] NOT NULL,
	options jsonb NOT NULL,
	rows_used bigint NOT NULL,
	rows_skipped bigint NOT NULL,
	threshold float8 NOT NULL,
	metrics jsonb NOT NULL,
	warnings text[] NOT NULL,
	parent_version int,
	created_by name NOT NULL DEFAULT current_user,
	created_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (model, version)
);
COMMENT ON TABLE anomaly.model_version IS 'what was trained, never changed afterwards';
COMMENT ON COLUMN anomaly.model_version.model IS 'name of the model';
COMMENT ON COLUMN anomaly.model_version.version IS '1, 2, ... per model';
COMMENT ON COLUMN anomaly.model_version.id IS 'unique over all models, never used again';
COMMENT ON COLUMN anomaly.model_version.body IS 'the fitted detector';
COMMENT ON COLUMN anomaly.model_version.algorithm IS 'name of the detector';
COMMENT ON COLUMN anomaly.model_version.query IS 'the training query';
COMMENT ON COLUMN anomaly.model_version.label IS 'column of the query that tells normal rows from anomalous ones';
COMMENT ON COLUMN anomaly.model_version.features IS 'columns a row needs to be scored';
COMMENT ON COLUMN anomaly.model_version.options IS 'every option with its value, defaults too';
COMMENT ON COLUMN anomaly.model_version.rows_used IS 'rows learnt from';
COMMENT ON COLUMN anomaly.model_version.rows_skipped IS 'rows left out; warnings say why';
COMMENT ON COLUMN anomaly.model_version.threshold IS 'score above which a row is anomalous';
COMMENT ON COLUMN anomaly.model_version.metrics IS
	'rows_distinct and rows_held_out; with a label also what anomaly_evaluate finds on the training query';
COMMENT ON COLUMN anomaly.model_version.warnings IS 'what training had to leave out';
COMMENT ON COLUMN anomaly.model_version.parent_version IS 'version that was active before';
COMMENT ON COLUMN anomaly.model_version.created_by IS 'who trained';
COMMENT ON COLUMN anomaly.model_version.created_at IS 'start of the training transaction';

-- pg_dump takes the rows along, and the sequence, so that training goes on
-- after a restore.
SELECT pg_catalog.pg_extension_config_dump('anomaly.model', '');
SELECT pg_catalog.pg_extension_config_dump('anomaly.model_version', '');
SELECT pg_catalog.pg_extension_config_dump('anomaly.model_version_id_seq', '');

CREATE FUNCTION anomaly.keep_version() RETURNS trigger
	LANGUAGE plpgsql PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF TG_OP = 'UPDATE' OR EXISTS (SELECT FROM anomaly.model WHERE name = OLD.model) THEN
		RAISE EXCEPTION 'version % of model "%" cannot be changed', OLD.version, OLD.model
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Train a new version, or drop the model with anomaly_drop().';
	END IF;
	RETURN OLD;
END
$$;
COMMENT ON FUNCTION anomaly.keep_version() IS
	'trigger: a version is never updated, and deleted only with its model';

CREATE TRIGGER keep_version BEFORE UPDATE OR DELETE ON anomaly.model_version
	FOR EACH ROW EXECUTE FUNCTION anomaly.keep_version();
COMMENT ON TRIGGER keep_version ON anomaly.model_version IS 'versions are immutable';

CREATE FUNCTION @extschema@.anomaly_activate(model text, version int) RETURNS int
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pga_activate';
COMMENT ON FUNCTION @extschema@.anomaly_activate(text, int) IS
	'makes a version the one that scores, from the next statement on and for others from the commit on; gives its number back';

CREATE FUNCTION @extschema@.anomaly_rollback(model text) RETURNS int
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pga_rollback';
COMMENT ON FUNCTION @extschema@.anomaly_rollback(text) IS
	'activates the version that was active when the active one was trained; gives its number back';

CREATE FUNCTION @extschema@.anomaly_drop(model text) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pga_drop';
COMMENT ON FUNCTION @extschema@.anomaly_drop(text) IS
	'deletes a model with all its versions';
