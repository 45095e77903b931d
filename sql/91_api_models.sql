-- The API, continued: models, how they were measured, and what admins do with
-- them.
--
-- A store's models are those on watch there, and those trained by a query that
-- names the store.  Numbers are what training measured (measured_on says on
-- what); of a model that was trained without labels they are NULL.

CREATE FUNCTION anomaly.make_api_models(store name, api name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE VIEW %1$I.models AS
		SELECT v.model, v.version, v.version = m.active_version AS active,
			   EXISTS (SELECT FROM %2$I.watch w WHERE w.model = v.model AND w.enabled) AS on_watch,
			   v.algorithm, v.label IS NOT NULL AS labelled, v.features, v.options, v.rows_used, v.rows_skipped, v.threshold, v.warnings,
			   v.parent_version, v.created_by AS trained_by, v.created_at AS trained_at
		FROM anomaly.model_version v JOIN anomaly.model m ON m.name = v.model
		WHERE EXISTS (SELECT FROM %2$I.watch w WHERE w.model = v.model) OR v.query ~ %3$L;
	COMMENT ON VIEW %1$I.models IS 'versions of the models on watch here or trained on this store';

	CREATE VIEW %1$I.evaluations AS
		SELECT v.model, v.version, v.metrics ->> 'measured_on' AS measured_on,
			   coalesce(v.metrics ->> 'rows', v.metrics -> 'classes' ->> 'rows')::float8::int8 AS rows,
			   coalesce(v.metrics ->> 'positives', v.metrics #>> '{classes,anomalous,positives}')::float8::int8 AS positives,
			   coalesce(v.metrics ->> 'roc_auc', v.metrics #>> '{classes,macro,roc_auc}')::float8 AS roc_auc,
			   coalesce(v.metrics ->> 'pr_auc', v.metrics #>> '{classes,macro,pr_auc}')::float8 AS pr_auc,
			   coalesce(v.metrics ->> 'accuracy', v.metrics #>> '{classes,accuracy}')::float8 AS accuracy,
			   coalesce(v.metrics ->> 'precision', v.metrics #>> '{classes,macro,precision}')::float8 AS "precision",
			   coalesce(v.metrics ->> 'recall', v.metrics #>> '{classes,macro,recall}')::float8 AS recall,
			   coalesce(v.metrics ->> 'f1', v.metrics #>> '{classes,macro,f1}')::float8 AS f1,
			   coalesce(v.metrics #> '{classes,confusion}', CASE WHEN v.metrics ? 'tp' THEN jsonb_build_object(
					'normal', jsonb_build_object('normal', v.metrics -> 'tn', 'anomalous', v.metrics -> 'fp'),
					'anomalous', jsonb_build_object('normal', v.metrics -> 'fn', 'anomalous', v.metrics -> 'tp')) END) AS confusion,
			   v.metrics #> '{classes,of}' AS classes, coalesce(v.metrics -> 'curve', v.metrics #> '{classes,anomalous,curve}') AS curve,
			   coalesce(v.metrics ->> 'tp', v.metrics #>> '{classes,anomalous,tp}')::float8::int8 AS tp,
			   coalesce(v.metrics ->> 'fp', v.metrics #>> '{classes,anomalous,fp}')::float8::int8 AS fp,
			   v.metrics -> 'importance' AS importance
		FROM anomaly.model_version v JOIN %1$I.models m USING (model, version);
	COMMENT ON VIEW %1$I.evaluations IS 'what training measured of each version; NULL is not measured';
	COMMENT ON COLUMN %1$I.evaluations.precision IS 'as recall and f1: of anomalous rows, or for a model that tells classes the mean over these';
	COMMENT ON COLUMN %1$I.evaluations.confusion IS 'rows: {actual: {predicted: count}}';
	COMMENT ON COLUMN %1$I.evaluations.curve IS '[[score, true positives, false positives], ...] with the threshold at each score, highest first; a model that tells classes scores how little a row is normal';
	COMMENT ON COLUMN %1$I.evaluations.tp IS 'rows above the threshold of the model that are no normal ones; fp: that are';

	CREATE VIEW %1$I.retrainings AS
		SELECT r.id, r.model, r.champion, r.challenger, r.activated, r.measure, r.champion_value, r.challenger_value, r.reason, r.failed,
			   r.run_by, r.started_at, r.finished_at
		FROM anomaly.retraining r WHERE r.model IN (SELECT m.model FROM %1$I.models m);
	COMMENT ON VIEW %1$I.retrainings IS 'runs of anomaly_retrain on the models of this store';
	$ddl$, api, store, '(^|[^[:alnum:]_$"])' || regexp_replace(quote_ident(store), '([^[:alnum:]_])', '\\\1', 'g') || '\.');
END
$$;
COMMENT ON FUNCTION anomaly.make_api_models(name, name) IS 'makes the views of an API schema that show models';

CREATE FUNCTION anomaly.make_api_model_write(store name, api name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE FUNCTION %1$I.check_model(model text) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $f$
	BEGIN
		IF NOT EXISTS (SELECT FROM %1$I.models m WHERE m.model = check_model.model) THEN
			RAISE EXCEPTION 'flow store "%%" has no model "%%"', %2$L, model USING ERRCODE = 'PA001',
				HINT = 'Its models are those on watch here or trained on this store.';
		END IF;
	END
	$f$;
	COMMENT ON FUNCTION %1$I.check_model(text) IS 'fails unless a model is one of this store';

	CREATE FUNCTION %1$I.activate(model text, version int) RETURNS int
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $f$
		SELECT %1$I.check_model(model);
		UPDATE %2$I.tally SET revision = revision + 1;
		SELECT @extschema@.anomaly_activate(model, version)
	$f$;
	COMMENT ON FUNCTION %1$I.activate(text, int) IS 'makes a version of a model the one that scores; gives its number back';

	CREATE FUNCTION %1$I.rollback(model text) RETURNS int
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $f$
		SELECT %1$I.check_model(model);
		UPDATE %2$I.tally SET revision = revision + 1;
		SELECT @extschema@.anomaly_rollback(model)
	$f$;
	COMMENT ON FUNCTION %1$I.rollback(text) IS 'activates the version that was active before; gives its number back';

	-- The training query means what it means to whoever logs in here.
	CREATE FUNCTION %1$I.retrain(model text,
		OUT challenger int, OUT champion int, OUT activated bool, OUT reason text, OUT failed bool)
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $f$
		SELECT %1$I.check_model(model);
		UPDATE %2$I.tally SET revision = revision + 1;
		SELECT r.challenger, r.champion, r.activated, r.reason, r.failed
		FROM @extschema@.anomaly_retrain(model, path => (SELECT s.reset_val FROM pg_settings s WHERE s.name = 'search_path')) r;
	$f$;
	COMMENT ON FUNCTION %1$I.retrain(text) IS 'trains a challenger and activates it unless it is worse; says what came of it';

	CREATE FUNCTION %1$I.drift(model text, t0 timestamptz, t1 timestamptz)
	RETURNS TABLE (feature text, rows bigint, psi float8, ks float8, missing float8, missing_trained float8, unknown float8, verdict text)
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $f$
		SELECT %1$I.check_model(model);
		SELECT d.* FROM @extschema@.anomaly_drift(model, coalesce((SELECT format(
			'SELECT f.* FROM ROWS FROM (pg_catalog.unnest(%%L::pg_catalog.timestamptz[]), pg_catalog.unnest(%%L::pg_catalog.timestamptz[])) w(lo, hi)
			 CROSS JOIN LATERAL (SELECT * FROM %2$I.flow_feature WHERE start_time >= lo AND start_time < hi) f', array_agg(w.lo), array_agg(w.hi))
			FROM %1$I.sampled_windows(t0, t1) w), '')) d ORDER BY d.psi DESC NULLS LAST, d.feature
	$f$;
	COMMENT ON FUNCTION %1$I.drift(text, timestamptz, timestamptz) IS
		'how far the flows of a period, or a sample of some 50,000, have moved from those the active version learnt from, most moved feature first';

	CREATE FUNCTION %1$I.sample(profile text, n int = 1000, seed int8 = 0) RETURNS SETOF json
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $f$ SELECT * FROM @extschema@.anomaly_sample(profile, least(greatest(coalesce(n, 1000), 0), 5000), coalesce(seed, 0)) $f$;
	COMMENT ON FUNCTION %1$I.sample(text, int, int8) IS 'made-up labelled rows to try training on, at most 5,000; profiles as of anomaly_sample';
	$ddl$, api, store);
END
$$;
COMMENT ON FUNCTION anomaly.make_api_model_write(name, name) IS 'makes the functions of an API schema that change models';
