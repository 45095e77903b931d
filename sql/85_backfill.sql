-- Backfill: judging the past again.
--
-- After a watch begins, a model changes, a rule is edited, or a step of the
-- trigger failed, the flows of a period are taken through the same statements
-- as new ones (75_watch.sql), chunk by chunk.  What was found for the period
-- before is deleted first, so that it ends the same however often it runs.
-- Alerts keep their ids where they still have detections.

-- What is deleted: rows of the enabled watches, or of one, and with no watch
-- named rollups, windows and what the rules found.  Alerts and sources that
-- lost detections are returned.
CREATE FUNCTION anomaly.forget_period(store name, watch int, lo timestamptz, hi timestamptz,
	OUT alerts int8[], OUT sources inet[])
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF watch IS NULL THEN
		EXECUTE format($q$
		WITH minutes AS (DELETE FROM %1$I.flow_minute WHERE minute >= $1 AND minute < $2 RETURNING flows),
		hours AS (DELETE FROM %1$I.flow_hour WHERE hour >= $1 AND hour < $2),
		windows AS (DELETE FROM %1$I.source_minute WHERE minute >= $1 AND minute < $2),
		targets AS (DELETE FROM %1$I.target_minute WHERE minute >= $1 AND minute < $2),
		days AS (DELETE FROM %1$I.source_day WHERE day >= $1 AND day < $2),
		services AS (DELETE FROM %1$I.service_day WHERE day >= $1 AND day < $2),
		peers AS (DELETE FROM %1$I.peer_day WHERE day >= $1 AND day < $2)
		UPDATE %1$I.tally t SET error = NULL, error_at = NULL,
			flows = t.flows - (SELECT coalesce(sum(m.flows), 0) FROM minutes m)
		$q$, store) USING lo, hi;
	END IF;
	EXECUTE format($q$
	WITH again AS (
		SELECT id FROM %1$I.watch WHERE CASE WHEN $3 IS NULL THEN enabled ELSE id = $3 END
	), scores AS (
		DELETE FROM %1$I.score_hour WHERE hour >= $1 AND hour < $2 AND watch_id IN (SELECT id FROM again)
	), gone AS (
		DELETE FROM %1$I.detection d
		WHERE start_time >= $1 AND start_time < $2
		  AND CASE WHEN watch_id IS NULL THEN $3 IS NULL ELSE watch_id IN (SELECT id FROM again) END
		RETURNING alert_id, src_addr
	), counted AS (
		UPDATE %1$I.tally SET detections = detections - (SELECT count(*) FROM gone)
	)
	SELECT coalesce(array_agg(DISTINCT alert_id) FILTER (WHERE alert_id IS NOT NULL), '{}'),
		   coalesce(array_agg(DISTINCT src_addr), '{}')
	FROM gone
	$q$, store) INTO alerts, sources USING lo, hi, watch;
END
$$;
COMMENT ON FUNCTION anomaly.forget_period(name, int, timestamptz, timestamptz) IS
	'deletes what a period''s flows led to, before it is made again';

CREATE FUNCTION @extschema@.anomaly_backfill(store name, watch_id int, t0 timestamptz, t1 timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET work_mem = '64MB'
AS $$
DECLARE
	unit CONSTANT text := CASE WHEN watch_id IS NULL THEN 'day' ELSE 'hour' END;
	since CONSTANT timestamptz := date_trunc(unit, t0);
	until CONSTANT timestamptz := date_trunc(unit, t1 - interval '1 microsecond') + ('1 ' || unit)::interval;
	forgotten record;
	sources inet[];
	found_sources inet[];
	part record;
	step record;
	detections bigint;
BEGIN
	IF t0 IS NULL OR t1 IS NULL OR t0 >= t1 THEN
		RAISE EXCEPTION 'no period from % to %', t0, t1 USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF watch_id IS NULL THEN
		PERFORM anomaly.store(store);
	ELSE
		PERFORM anomaly.check_watch(store, watch_id);
	END IF;
	PERFORM anomaly.lock_store(store);
	SELECT * INTO forgotten FROM anomaly.forget_period(store, watch_id, since, until);
	sources := forgotten.sources;
	FOR part IN
		SELECT greatest(c.lo, since) AS lo, least(c.hi, until) AS hi FROM anomaly.chunks(store, 'flow') c
		WHERE c.lo < until AND c.hi > since ORDER BY 1
	LOOP
		-- as in flow_inserted(), which has to keep its own loop: only the trigger
		-- function itself sees new_flows, and it goes on after an error
		FOR step IN
			SELECT s.* FROM anomaly.steps(store, format('(SELECT * FROM %I.flow WHERE start_time >= %L AND start_time < %L)',
														store, part.lo, part.hi), part.lo, part.hi) s
			WHERE watch_id IS NULL OR s.watch = watch_id
		LOOP
			EXECUTE step.statement INTO found_sources;
			sources := sources || found_sources;
			IF step.watch IS NOT NULL THEN
				PERFORM anomaly.note_error(store, step.watch, NULL);
			END IF;
		END LOOP;
	END LOOP;
	PERFORM anomaly.raise_alerts(store, sources, since, until);
	PERFORM anomaly.summarize_alerts(store, forgotten.alerts);
	EXECUTE format('UPDATE %I.tally SET revision = revision + 1', store);
	EXECUTE format('SELECT count(*) FROM %I.detection d WHERE d.start_time >= $1 AND d.start_time < $2 '
				   'AND ($3 IS NULL OR d.watch_id = $3)', store) INTO detections USING since, until, watch_id;
	RETURN detections;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_backfill(name, int, timestamptz, timestamptz) IS
	'scores the flows of a period (whole hours) again for a watch; with NULL, makes everything again for whole days: '
	'rollups, rules and all enabled watches; returns the detections of the period';
