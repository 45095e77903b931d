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
	'rows_distinct and rows_held_out; with a label also what anomaly_evaluate finds on the training query, and in curve [score, true positives, false positives] of thresholds; of a supervised model the same on held-out rows in classes, where anomalous takes all classes but the normal one together';
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

-- ---- moving models between databases ------------------------------------------------

CREATE FUNCTION anomaly.store_imported(
	model text, body @extschema@.anomaly_model, query text, label text, options jsonb,
	rows_used bigint, rows_skipped bigint, metrics jsonb, warnings text[])
	RETURNS int LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pga_store_imported';
COMMENT ON FUNCTION anomaly.store_imported(text, @extschema@.anomaly_model, text, text, jsonb, bigint, bigint, jsonb, text[]) IS
	'stores a trained model as a new version and activates it; gives its number back; anomaly_import calls it with arguments it has checked';

CREATE FUNCTION @extschema@.anomaly_export(model text, version int DEFAULT NULL) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	result jsonb;
BEGIN
	SELECT to_jsonb(v) - '{id,version,parent_version,created_by,created_at}'::text[]
		|| jsonb_build_object('format', 'pg_anomaly model 1', 'exported_version', v.version,
							  'trained_by', v.created_by, 'trained_at', v.created_at)
	INTO result
	FROM anomaly.model m JOIN anomaly.model_version v ON v.model = m.name
		AND v.version = coalesce(anomaly_export.version, m.active_version)
	WHERE m.name = anomaly_export.model;
	IF result IS NULL THEN
		RAISE EXCEPTION 'model "%" has no version %', model, coalesce(version::text, 'that is active')
			USING ERRCODE = 'PA001', HINT = 'SELECT model, version FROM anomaly.model_version lists what there is.';
	END IF;
	RETURN result;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_export(text, int) IS
'a model as one JSON document that anomaly_import takes in any database: the fitted detector and what is known of its training
version: NULL for the active one; an unknown model or version is PA001';

CREATE FUNCTION @extschema@.anomaly_import(exported jsonb, model text DEFAULT NULL) RETURNS int
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	name text := coalesce(model, exported->>'model');
	missing text;
BEGIN
	IF exported IS NULL OR exported->>'format' IS DISTINCT FROM 'pg_anomaly model 1' THEN
		RAISE EXCEPTION 'not a model that anomaly_export made'
			USING ERRCODE = 'PA013', HINT = 'The document has a field "format" with the value "pg_anomaly model 1".';
	END IF;
	SELECT field INTO missing
	FROM unnest('{body,query,options,rows_used,rows_skipped,metrics,warnings}'::text[]) field
	WHERE exported->>field IS NULL LIMIT 1;
	IF missing IS NOT NULL OR coalesce(name, '') = '' THEN
		RAISE EXCEPTION 'exported model has no field "%"', coalesce(missing, 'model')
			USING ERRCODE = 'PA013', HINT = 'Take the document as anomaly_export() gave it.';
	END IF;
	RETURN anomaly.store_imported(
		name, (exported->>'body')::@extschema@.anomaly_model, exported->>'query', exported->>'label',
		exported->'options', (exported->>'rows_used')::bigint, (exported->>'rows_skipped')::bigint,
		exported->'metrics', ARRAY(SELECT jsonb_array_elements_text(exported->'warnings')));
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_import(jsonb, text) IS
'stores a model that anomaly_export made as a new version and activates it; gives its number back; scores are those of the original, bit for bit
model: another name for it; a damaged or foreign document is PA013';
