-- Thresholds: how much a model's findings have to stand out to raise alerts.
--
-- A watch keeps every flow from min_severity up as a detection; its threshold
-- says which of them count towards an alert.  It is set as
--
--   severity, p_value, score   that very number
--   contamination              the share of a period's flows that may pass
--   budget                     alerts a day that the model alone may raise
--
-- The latter two are turned into the p-value that keeps to them over a period,
-- so that they go on to hold when the model is trained again.  A preview is the
-- change itself, made and taken back: it cannot differ from what applying does.
-- Every change of a watch, however it is made, is a row of watch_log.

CREATE FUNCTION anomaly.make_threshold_tables(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE TABLE %1$I.watch_log (
		id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
		at timestamptz NOT NULL DEFAULT clock_timestamp(),
		session_role name NOT NULL DEFAULT session_user,
		acting_role name NOT NULL DEFAULT current_user,
		api_user text DEFAULT anomaly.api_user(),
		action text NOT NULL,
		watch_id int4 NOT NULL,
		model text NOT NULL,
		enabled bool NOT NULL,
		min_severity float8 NOT NULL,
		alert_severity float8 NOT NULL,
		alert_flows int4 NOT NULL,
		alert_p_value float8,
		alert_score float8,
		threshold_kind text NOT NULL,
		threshold_value float8
	);
	COMMENT ON TABLE %1$I.watch_log IS 'every watch as it was begun (INSERT), changed (UPDATE) and ended (DELETE); kept by a trigger';
	CREATE TRIGGER anomaly_log_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON %1$I.watch_log
		FOR EACH STATEMENT EXECUTE FUNCTION anomaly.log_kept();
	CREATE TRIGGER anomaly_watch_logged AFTER INSERT OR DELETE OR UPDATE OF
		enabled, min_severity, alert_severity, alert_flows, alert_p_value, alert_score, threshold_kind, threshold_value ON %1$I.watch
		FOR EACH ROW EXECUTE FUNCTION anomaly.watch_logged();
	$ddl$, store);
END
$$;
COMMENT ON FUNCTION anomaly.make_threshold_tables(name) IS 'makes the table watch_log of a new store';

CREATE FUNCTION anomaly.watch_logged() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($q$
		INSERT INTO %I.watch_log (action, watch_id, model, enabled, min_severity, alert_severity, alert_flows,
			alert_p_value, alert_score, threshold_kind, threshold_value)
		VALUES ($1, ($2).id, ($2).model, ($2).enabled, ($2).min_severity, ($2).alert_severity, ($2).alert_flows,
			($2).alert_p_value, ($2).alert_score, ($2).threshold_kind, ($2).threshold_value)$q$, TG_TABLE_SCHEMA)
	USING TG_OP, CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION anomaly.watch_logged() IS 'trigger: what is done to watches is in watch_log';

-- Has a watch's findings of a period raise their alerts again.  Alerts that
-- somebody decided about stay; so do alerts of rules with what joined them.
CREATE FUNCTION anomaly.realert(store name, watch int, t0 timestamptz, t1 timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	sources inet[];
	alerts int8[];
BEGIN
	EXECUTE format($q$
		SELECT coalesce(array_agg(DISTINCT d.src_addr), '{}'), coalesce(array_agg(DISTINCT a.id) FILTER (WHERE a.id IS NOT NULL), '{}')
		FROM %1$I.detection d
		LEFT JOIN %1$I.alert a ON a.id = d.alert_id AND a.watch_id = $1 AND a.triage_id IS NULL
		WHERE d.watch_id = $1 AND d.start_time >= $2 AND d.start_time < $3 AND (d.alert_id IS NULL OR a.id IS NOT NULL)$q$, store)
	INTO sources, alerts USING watch, t0, t1;
	EXECUTE format('UPDATE %I.detection SET alert_id = NULL WHERE alert_id = ANY ($1) AND start_time >= $2 AND start_time < $3', store)
	USING alerts, t0, t1;
	PERFORM anomaly.raise_alerts(store, sources, t0, t1);
	PERFORM anomaly.summarize_alerts(store, alerts);
END
$$;
COMMENT ON FUNCTION anomaly.realert(name, int, timestamptz, timestamptz) IS 'judges again which of a watch''s findings of a period make alerts';

-- The largest p-value that at most k of these are at or below; 0 when even the
-- smallest has too many.
CREATE FUNCTION anomaly.p_value_for(p_values float8[], k bigint) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(max(p) FILTER (WHERE n <= k), 0)
	FROM (SELECT p, count(*) OVER (ORDER BY p) AS n FROM unnest(p_values) p) c
$$;
COMMENT ON FUNCTION anomaly.p_value_for(float8[], bigint) IS 'largest of some p-values that at most k of them are at or below';

-- For each alert that a watch could raise over a period, were its threshold no
-- obstacle, the p-value from which on it is raised.
CREATE FUNCTION anomaly.critical_p_values(store name, watch int, t0 timestamptz, t1 timestamptz) RETURNS float8[]
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	critical float8[];
BEGIN
	EXECUTE format('UPDATE %I.watch SET alert_score = NULL, alert_p_value = 1 WHERE id = $1', store) USING watch;
	PERFORM anomaly.realert(store, watch, t0, t1);
	EXECUTE format($q$
		SELECT array_agg(p_value) FROM (
			SELECT d.p_value, row_number() OVER (PARTITION BY d.alert_id ORDER BY d.p_value) AS n, w.alert_flows
			FROM %1$I.detection d JOIN %1$I.alert a ON a.id = d.alert_id JOIN %1$I.watch w ON w.id = a.watch_id
			WHERE a.watch_id = $1 AND a.triage_id IS NULL AND a.last_seen >= $2 AND a.first_seen < $3) x
		WHERE n = alert_flows$q$, store) INTO critical USING watch, t0, t1;
	RAISE EXCEPTION USING ERRCODE = 'PA039', MESSAGE = 'taken back';
EXCEPTION WHEN SQLSTATE 'PA039' THEN
	RETURN coalesce(critical, '{}');
END
$$;
COMMENT ON FUNCTION anomaly.critical_p_values(name, int, timestamptz, timestamptz) IS
	'p-values from which on a watch raises each of its possible alerts of a period';

-- The p-value that a share of flows, or a budget of alerts, comes to.
CREATE FUNCTION anomaly.threshold_p_value(store name, watch int, kind text, value float8, t0 timestamptz, t1 timestamptz) RETURNS float8
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	scored bigint;
	p_values float8[];
	decided bigint;
	days CONSTANT float8 := extract(epoch FROM t1 - t0) / 86400;
BEGIN
	IF kind = 'budget' THEN
		EXECUTE format('SELECT count(*) FROM %I.alert WHERE watch_id = $1 AND triage_id IS NOT NULL AND last_seen >= $2 AND first_seen < $3', store)
		INTO decided USING watch, t0, t1;
		RETURN anomaly.p_value_for(anomaly.critical_p_values(store, watch, t0, t1), greatest(floor(value * days)::bigint - decided, 0));
	END IF;
	EXECUTE format('SELECT sum(flows) FROM %I.score_hour WHERE watch_id = $1 AND hour >= $2 AND hour < $3', store)
	INTO scored USING watch, t0, t1;
	IF scored IS NULL THEN
		RAISE EXCEPTION 'watch % scored no flows from % to %', watch, t0, t1 USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Run anomaly_backfill for that time, or name another.';
	END IF;
	EXECUTE format('SELECT array_agg(p_value) FROM %I.detection WHERE watch_id = $1 AND start_time >= $2 AND start_time < $3', store)
	INTO p_values USING watch, t0, t1;
	RETURN anomaly.p_value_for(coalesce(p_values, '{}'), floor(value * scored)::bigint);
END
$$;
COMMENT ON FUNCTION anomaly.threshold_p_value(name, int, text, float8, timestamptz, timestamptz) IS
	'p-value of a watch that keeps a period to a share of flows or a budget of alerts';

CREATE FUNCTION anomaly.check_threshold(kind text, value float8, t0 timestamptz, t1 timestamptz) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	range float8[] := CASE kind WHEN 'severity' THEN '{25,100}' WHEN 'score' THEN '{0,Infinity}' WHEN 'p_value' THEN '{0,0.01}'
		WHEN 'contamination' THEN '{0,0.5}' WHEN 'budget' THEN '{0,1000000}' END::float8[];
BEGIN
	IF range IS NULL THEN
		RAISE EXCEPTION 'unknown kind of threshold "%"', coalesce(kind, 'NULL') USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Kinds are: severity, score, p_value, contamination, budget.';
	ELSIF value IS NULL OR value < range[1] OR value > range[2] THEN
		RAISE EXCEPTION 'threshold % of kind "%" is not from % to %', coalesce(value::text, 'NULL'), kind, range[1], range[2]
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF (t0 IS NULL OR t1 IS NULL) AND (kind IN ('contamination', 'budget') OR t0 IS NOT NULL OR t1 IS NOT NULL) OR t0 >= t1 THEN
		RAISE EXCEPTION 'no period from % to %', coalesce(t0::text, 'NULL'), coalesce(t1::text, 'NULL') USING ERRCODE = 'invalid_parameter_value',
			HINT = 'A threshold by contamination or budget needs the period it is taken from.';
	ELSIF kind = 'budget' AND NOT (isfinite(t0) AND isfinite(t1)) THEN
		RAISE EXCEPTION 'a budget of alerts a day from % to %', t0, t1 USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Give a period that has a number of days.';
	END IF;
END
$$;
COMMENT ON FUNCTION anomaly.check_threshold(text, float8, timestamptz, timestamptz) IS 'error unless such a threshold can be';

CREATE FUNCTION @extschema@.anomaly_set_threshold(store name, watch_id int, kind text, value float8,
	t0 timestamptz = NULL, t1 timestamptz = NULL,
	OUT flows bigint, OUT alerts bigint, OUT alerts_before bigint, OUT p_value float8)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
	count_alerts text;
BEGIN
	PERFORM anomaly.check_watch(store, watch_id);
	PERFORM anomaly.check_threshold(kind, value, t0, t1);
	count_alerts := format('SELECT count(*) FROM %I.alert WHERE watch_id = $1 AND last_seen >= $2 AND first_seen < $3', store);
	PERFORM anomaly.lock_store(store);
	EXECUTE count_alerts INTO alerts_before USING watch_id, t0, t1;
	p_value := CASE kind WHEN 'p_value' THEN value WHEN 'severity' THEN power(10, -(value / 25 + 1))
		WHEN 'score' THEN NULL ELSE anomaly.threshold_p_value(store, watch_id, kind, value, t0, t1) END;
	EXECUTE format($q$
		UPDATE %I.watch SET threshold_kind = $2, threshold_value = $3,
			alert_severity = CASE WHEN $2 = 'severity' THEN $3 ELSE alert_severity END,
			alert_score = CASE WHEN $2 = 'score' THEN $3 END,
			alert_p_value = CASE WHEN $2 NOT IN ('score', 'severity') THEN $4 END
		WHERE id = $1$q$, store) USING watch_id, kind, value, p_value;
	EXECUTE format('UPDATE %I.tally SET revision = revision + 1', store);
	IF t0 IS NULL THEN
		alerts_before := NULL;
		RETURN;
	END IF;
	PERFORM anomaly.realert(store, watch_id, t0, t1);
	EXECUTE count_alerts INTO alerts USING watch_id, t0, t1;
	EXECUTE format($q$
		SELECT count(*) FROM %1$I.detection d JOIN %1$I.watch w ON w.id = d.watch_id
		WHERE w.id = $1 AND d.start_time >= $2 AND d.start_time < $3 AND anomaly.counts(w.alert_score, w.alert_p_value, w.alert_severity, d.score, d.p_value, d.severity)$q$, store)
	INTO flows USING watch_id, t0, t1;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_set_threshold(name, int, text, float8, timestamptz, timestamptz) IS
'sets what counts towards the alerts of a watch (PA018): detections of at least that severity (25 to 100) or score, at most that p_value, the most severe share of the period''s flows (contamination), or as many as keep to a budget of alerts a day
t0, t1: the alerts of this period are judged again, but those that somebody decided about; contamination and budget are taken from it; without it the threshold holds for what comes
flows past the threshold and alerts of the watch in the period, alerts before the change, and the threshold as a p-value';

CREATE FUNCTION @extschema@.anomaly_preview_threshold(store name, watch_id int, kind text, value float8,
	t0 timestamptz, t1 timestamptz, OUT flows bigint, OUT alerts bigint, OUT alerts_before bigint, OUT p_value float8)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF t0 IS NULL OR t1 IS NULL THEN
		RAISE EXCEPTION 'a preview needs a period' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	SELECT s.flows, s.alerts, s.alerts_before, s.p_value INTO flows, alerts, alerts_before, p_value
	FROM @extschema@.anomaly_set_threshold(store, watch_id, kind, value, t0, t1) s;
	RAISE EXCEPTION USING ERRCODE = 'PA039', MESSAGE = 'taken back';
EXCEPTION WHEN SQLSTATE 'PA039' THEN
	NULL;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_preview_threshold(name, int, text, float8, timestamptz, timestamptz) IS
	'what anomaly_set_threshold with the same arguments would give back, without a change';
