-- Fresh models: has the traffic moved, and is a new version better?

CREATE FUNCTION @extschema@.anomaly_drift(model text, query text)
	RETURNS TABLE (
		feature text,
		rows bigint,
		psi float8,
		ks float8,
		missing float8,
		missing_trained float8,
		unknown float8,
		verdict text)
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 10000 AS 'MODULE_PATHNAME', 'pga_drift_query';
COMMENT ON FUNCTION @extschema@.anomaly_drift(text, text) IS
'how far the rows of a query have moved from those the active version of a model was trained on, a row per feature
query: one SELECT, run read-only with the caller''s rights (PA011)
psi: population stability index over about ten bins, 0 for the same distribution (Siddiqi 2006); ks: largest gap between both cumulative distributions, 0 to 1, of numbers
missing, missing_trained: share of NULLs now and in training; unknown: share of texts that training did not see
verdict: shifted when psi is 0.25 or more, or missing moved or unknown rose by more than 0.05; moderate from psi 0.1 on; else stable
What cannot be told is NULL: without rows, or of models trained by versions that kept no distributions.';

-- ---- champion against challenger -------------------------------------------------

CREATE TABLE anomaly.retraining (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	model text NOT NULL,
	champion int NOT NULL,
	challenger int,
	activated bool NOT NULL,
	measure text,
	champion_value float8,
	challenger_value float8,
	reason text NOT NULL,
	failed bool NOT NULL,
	query text NOT NULL,
	run_by name NOT NULL DEFAULT session_user,
	started_at timestamptz NOT NULL,
	finished_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE anomaly.retraining IS 'every run of anomaly_retrain and what came of it';
COMMENT ON COLUMN anomaly.retraining.id IS 'in the order they ended';
COMMENT ON COLUMN anomaly.retraining.model IS 'name of the model, which may be gone by now';
COMMENT ON COLUMN anomaly.retraining.champion IS 'version that was active before';
COMMENT ON COLUMN anomaly.retraining.challenger IS 'version that was trained; NULL when training failed';
COMMENT ON COLUMN anomaly.retraining.activated IS 'the challenger took over';
COMMENT ON COLUMN anomaly.retraining.measure IS
	'roc_auc and macro_f1: higher is better; rate_error, |ln(share of anomalous rows / contamination)|: lower is better';
COMMENT ON COLUMN anomaly.retraining.champion_value IS 'of the champion on the held-out rows';
COMMENT ON COLUMN anomaly.retraining.challenger_value IS 'of the challenger on the same rows';
COMMENT ON COLUMN anomaly.retraining.reason IS 'why it was activated or not, or the error';
COMMENT ON COLUMN anomaly.retraining.failed IS 'an error ended it';
COMMENT ON COLUMN anomaly.retraining.query IS 'training rows, held-out ones included; the next retraining takes it again';
COMMENT ON COLUMN anomaly.retraining.run_by IS 'who ran it';
COMMENT ON COLUMN anomaly.retraining.started_at IS 'when it began';
COMMENT ON COLUMN anomaly.retraining.finished_at IS 'when it ended';
CREATE INDEX ON anomaly.retraining (model, id);
SELECT pg_catalog.pg_extension_config_dump('anomaly.retraining', '');
SELECT pg_catalog.pg_extension_config_dump('anomaly.retraining_id_seq', '');

-- The functions below pin their search_path, but a query given to them means
-- what it means to its author: path is the caller's, which the default of
-- anomaly_retrain's argument still sees, set while a query runs.

CREATE FUNCTION anomaly.measure_active(
	model text, holdout text, label text, contamination float8, path text,
	OUT measure text, OUT value float8, OUT noise float8)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	e record;
	rate text;
	share float8;
	n bigint;
BEGIN
	noise := 0;
	IF label IS NOT NULL THEN
		PERFORM set_config('search_path', path, true);
		SELECT * INTO e FROM @extschema@.anomaly_evaluate(model, holdout, label);
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
		IF e.classes IS NOT NULL THEN
			measure := 'macro_f1';
			value := (e.classes->'macro'->>'f1')::float8;
		ELSE
			measure := 'roc_auc';
			value := e.roc_auc;
		END IF;
		IF value IS NOT NULL THEN
			RETURN;
		END IF;
	END IF;
	rate := format('SELECT pg_catalog.avg(d.is_anomaly::pg_catalog.int4), pg_catalog.count(*)
					FROM (%s) r, %s.anomaly_detect($1, r) d', holdout, '@extschema@');
	PERFORM set_config('search_path', path, true);
	EXECUTE rate INTO share, n USING model;
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	IF n = 0 THEN
		RAISE EXCEPTION 'no held-out row to compare versions on'
			USING ERRCODE = 'PA006', HINT = 'Give anomaly_retrain a holdout query that has rows.';
	END IF;
	measure := 'rate_error';
	-- Half a row, so that none at all is a number too.
	value := abs(ln(greatest(share, 0.5 / n) / contamination));
	-- Two standard errors of the ratio of two shares, were both as promised.
	noise := 2 * sqrt(2 / greatest(n * contamination, 1));
END
$$;
COMMENT ON FUNCTION anomaly.measure_active(text, text, text, float8, text) IS
	'how well the active version of a model does on held-out rows, and what chance alone may do; anomaly_retrain compares two of these';

-- The challenger must not have seen what it is measured on: a fifth of the rows,
-- by their hash, so that equal rows are on one side.
CREATE FUNCTION anomaly.part_of_query(query text, held_out bool) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
	AS $$SELECT format('SELECT * FROM (%s) r WHERE pg_catalog.hashtextextended(r::pg_catalog.text, 0)
		OPERATOR(pg_catalog.&) 1023 OPERATOR(pg_catalog.%s) 205', query, CASE WHEN held_out THEN '<' ELSE '>=' END)$$;
COMMENT ON FUNCTION anomaly.part_of_query(text, bool) IS
	'a query over a fifth of the rows of a query, or over the other four';

CREATE FUNCTION @extschema@.anomaly_retrain(
	model text,
	query text DEFAULT NULL,
	holdout text DEFAULT NULL,
	tolerance float8 DEFAULT 0.01,
	path text DEFAULT pg_catalog.current_setting('search_path'))
	RETURNS anomaly.retraining
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v anomaly.model_version;
	run anomaly.retraining;
	before record;
	after record;
	contamination float8;
	sequential bool;
	training text;
	held_out text;
BEGIN
	SELECT mv.* INTO v FROM anomaly.model m
	JOIN anomaly.model_version mv ON mv.model = m.name AND mv.version = m.active_version
	WHERE m.name = anomaly_retrain.model;
	IF v.model IS NULL THEN
		RAISE EXCEPTION 'model "%" does not exist', model
			USING ERRCODE = 'PA001', HINT = 'anomaly_train() makes the first version.';
	END IF;
	IF (tolerance BETWEEN 0 AND 1) IS NOT TRUE THEN
		RAISE EXCEPTION 'argument "tolerance" is % but must be between 0 and 1', tolerance USING ERRCODE = 'PA005';
	END IF;
	query := coalesce(query, (SELECT r.query FROM anomaly.retraining r
							  WHERE r.model = v.model AND r.challenger = v.version ORDER BY r.id DESC LIMIT 1), v.query);
	contamination := (v.options->>'contamination')::float8;
	-- Series would be torn by leaving rows out.
	sequential := v.options ? 'order';
	training := CASE WHEN holdout IS NULL AND NOT sequential THEN anomaly.part_of_query(query, false) ELSE query END;
	held_out := CASE WHEN holdout IS NOT NULL THEN holdout WHEN sequential THEN query
				ELSE anomaly.part_of_query(query, true) END;
	run.model := v.model;
	run.champion := v.version;
	run.started_at := clock_timestamp();
	run.activated := false;
	run.failed := false;
	BEGIN
		before := anomaly.measure_active(v.model, held_out, v.label, contamination, path);
		PERFORM set_config('search_path', path, true);
		SELECT t.version INTO run.challenger FROM @extschema@.anomaly_train(
			v.model, training, v.algorithm, v.label, v.features, NULL, v.options) t;
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
		after := anomaly.measure_active(v.model, held_out, v.label, contamination, path);
		run.measure := before.measure;
		run.champion_value := before.value;
		run.challenger_value := after.value;
		run.activated := CASE WHEN before.measure = 'rate_error' THEN after.value <= before.value + tolerance + after.noise
						 ELSE after.value >= before.value - tolerance END;
		run.reason := format('%s %s of version %s, %s of version %s: %s', run.measure,
			round(after.value::numeric, 4), run.challenger, round(before.value::numeric, 4), run.champion,
			CASE WHEN run.activated THEN 'activated' ELSE 'worse, kept but not activated' END);
		IF NOT run.activated THEN
			PERFORM @extschema@.anomaly_activate(v.model, run.champion);
		END IF;
	EXCEPTION WHEN OTHERS THEN
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
		run.challenger := NULL;
		run.activated := false;
		run.failed := true;
		run.reason := format('%s (%s)', SQLERRM, SQLSTATE);
		RAISE WARNING 'model "%" was not retrained: %', v.model, run.reason;
	END;
	INSERT INTO anomaly.retraining (model, champion, challenger, activated, measure, champion_value,
									challenger_value, reason, failed, query, started_at)
	VALUES (run.model, run.champion, run.challenger, run.activated, run.measure, run.champion_value,
			run.challenger_value, run.reason, run.failed, anomaly_retrain.query, run.started_at)
	RETURNING * INTO run;
	RETURN run;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_retrain(text, text, text, float8, text) IS
'trains a challenger as the active version was trained and lets it take over unless it is worse on the same held-out rows; gives back its row of anomaly.retraining
query: other training rows than the ones before; holdout: rows to compare on, labelled as the training rows are; without it a fifth of the query''s rows, by hash, is kept out of training (series are not torn: a sequence detector is compared on all its rows)
compared are, with a label, the area under the ROC curve or the macro F1 of a supervised model, which may fall by tolerance; without one, how far the share of anomalous rows is from contamination, |ln(share / contamination)|, which may rise by tolerance and two standard errors of a ratio of two such shares
path: search_path that the queries are read with, the caller''s
An error in training is a row with failed and a warning, and the champion stays; an unknown model is PA001.';

-- ---- on a schedule --------------------------------------------------------------------

CREATE FUNCTION anomaly.require_cron() RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') THEN
		RAISE EXCEPTION 'extension pg_cron is not installed in this database'
			USING ERRCODE = 'feature_not_supported',
				  HINT = 'Add pg_cron to shared_preload_libraries, set cron.database_name and run CREATE EXTENSION pg_cron; or call anomaly_retrain() from any other scheduler.';
	END IF;
END
$$;
COMMENT ON FUNCTION anomaly.require_cron() IS 'fails with a hint where pg_cron is missing';

CREATE FUNCTION @extschema@.anomaly_schedule_retrain(
	model text, schedule text, query text DEFAULT NULL, holdout text DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	job bigint;
BEGIN
	PERFORM anomaly.require_cron();
	IF NOT EXISTS (SELECT FROM anomaly.model m WHERE m.name = anomaly_schedule_retrain.model) THEN
		RAISE EXCEPTION 'model "%" does not exist', model USING ERRCODE = 'PA001';
	END IF;
	EXECUTE 'SELECT cron.schedule($1, $2, $3)' INTO job
	USING 'retrain ' || model, schedule,
		format('SELECT %s.anomaly_retrain(%L, %L, %L)', '@extschema@', model, query, holdout);
	RETURN job;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_schedule_retrain(text, text, text, text) IS
'retrains a model on a pg_cron schedule, such as ''0 4 * * *'', as the calling role; gives back the number of the job "retrain MODEL", which replaces an earlier one
query, holdout: see anomaly_retrain; without pg_cron in this database it fails with a hint (0A000); an unknown model is PA001';

CREATE FUNCTION @extschema@.anomaly_unschedule_retrain(model text) RETURNS bool
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	done bool;
BEGIN
	PERFORM anomaly.require_cron();
	EXECUTE 'SELECT cron.unschedule(jobname) FROM cron.job WHERE jobname = $1' INTO done USING 'retrain ' || model;
	RETURN coalesce(done, false);
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_unschedule_retrain(text) IS
	'ends the schedule of a model; false when there was none';

CREATE FUNCTION @extschema@.anomaly_model_status(stale_after interval DEFAULT '30 days')
	RETURNS TABLE (
		model text,
		algorithm text,
		active_version int,
		trained_at timestamptz,
		is_stale bool,
		last_retraining timestamptz,
		last_result text,
		failures int)
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
	SELECT m.name, v.algorithm, v.version, v.created_at, v.created_at < now() - stale_after,
		r.finished_at, r.reason,
		(SELECT count(*)::int FROM anomaly.retraining f
		 WHERE f.model = m.name AND f.failed
		   AND f.id > coalesce((SELECT max(s.id) FROM anomaly.retraining s WHERE s.model = m.name AND NOT s.failed), 0))
	FROM anomaly.model m
	JOIN anomaly.model_version v ON v.model = m.name AND v.version = m.active_version
	LEFT JOIN LATERAL (SELECT * FROM anomaly.retraining x WHERE x.model = m.name ORDER BY x.id DESC LIMIT 1) r ON true
	ORDER BY m.name
$$;
COMMENT ON FUNCTION @extschema@.anomaly_model_status(interval) IS
'each model: its active version, whether that is older than stale_after, and how its last retraining ended
failures: retrainings that failed since the last one that did not';
