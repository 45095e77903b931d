-- The API: what a page may read of a store.
--
-- anomaly_create_api makes the schema <store>_api with views over the store's
-- tables and functions over these views, all owned by the caller.  The viewer
-- role may read them and nothing else: a view reads with its owner's rights, a
-- function with the viewer's.  No function here reads flow: traffic comes from
-- the minute and hour rollups, findings from detection and alert.  Hosts, flows
-- as points, and models are in the files 91_api_*.
--
-- What the groups of 95_roles.sql may do beyond that is in 92_api_write.sql, how
-- they get there in 96_login.sql.
--
-- Every function takes the same period [t0, t1) and the same filters.  A host
-- is the source of traffic and findings; a threat narrows findings alone.
-- What is grouped is hashed (enable_sort = off): arguments hide from the planner
-- how much a period holds, and half a million findings would be sorted.  A sort
-- that has to be looks so dear then that it would be compiled for (jit = off).

CREATE FUNCTION @extschema@.anomaly_create_api(store name, viewer name) RETURNS name
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM anomaly.store(store);
	PERFORM anomaly.make_api(store, ARRAY[quote_ident(viewer)]);
	RETURN store || '_api';
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_create_api(name, name) IS
	'makes the schema <store>_api for PostgREST, readable by the viewer role; replaces an older one';

CREATE FUNCTION anomaly.make_api(store name, viewers text[]) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	api CONSTANT name := store || '_api';
	viewer text;
BEGIN
	IF to_regnamespace(quote_ident(api)) IS NOT NULL THEN
		EXECUTE format('DROP SCHEMA %I CASCADE', api);
	END IF;
	EXECUTE format('CREATE SCHEMA %I', api);
	EXECUTE format('COMMENT ON SCHEMA %I IS %L', api, 'what viewers may read of flow store ' || store);
	PERFORM anomaly.make_api_views(store, api);
	PERFORM anomaly.make_api_findings(api);
	PERFORM anomaly.make_api_traffic(api);
	PERFORM anomaly.make_api_session(api);
	PERFORM anomaly.make_api_host(store, api);
	PERFORM anomaly.make_api_band(api);
	PERFORM anomaly.make_api_flows(api);
	PERFORM anomaly.make_api_top(api);
	PERFORM anomaly.make_api_explore(api);
	PERFORM anomaly.make_api_models(store, api);
	PERFORM anomaly.make_api_status(store, api);
	PERFORM anomaly.make_api_report(store, api);
	EXECUTE format('REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA %I FROM PUBLIC', api);
	FOREACH viewer IN ARRAY viewers LOOP
		EXECUTE format('GRANT USAGE ON SCHEMA %I TO %s', api, viewer);
		EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %s', api, viewer);
		EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %I TO %s', api, viewer);
	END LOOP;
	PERFORM anomaly.make_api_model_write(store, api);
	PERFORM anomaly.make_api_write(store, api);
	PERFORM anomaly.grant_api(store);
	PERFORM anomaly.make_api_login(store, api);
END
$$;
COMMENT ON FUNCTION anomaly.make_api(name, text[]) IS 'makes an API schema, in place of an older one, for viewers whose names are quoted';

CREATE FUNCTION anomaly.make_api_views(store name, api name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE VIEW %2$I.flow_minute AS
		SELECT minute, protocol, flows, failed, packets, src_bytes, dst_bytes FROM %1$I.flow_minute;
	COMMENT ON VIEW %2$I.flow_minute IS 'traffic per minute and protocol';
	CREATE VIEW %2$I.flow_hour AS
		SELECT hour, protocol, flows, failed, packets, src_bytes, dst_bytes FROM %1$I.flow_hour;
	COMMENT ON VIEW %2$I.flow_hour IS 'traffic per hour and protocol';
	CREATE VIEW %2$I.source_minute AS
		SELECT minute, src_addr, flows, failed, packets, src_bytes, dst_bytes, dsts, dst_ports FROM %1$I.source_minute;
	COMMENT ON VIEW %2$I.source_minute IS 'traffic per minute and source';
	CREATE VIEW %2$I.detection AS
		SELECT id, start_time, end_time, alert_id, flow_count, src_addr, dst_addr, src_port, dst_port, protocol,
			   threat, rule, watch_id, model, model_version, score, p_value, severity,
			   @extschema@.anomaly_band(severity) AS band, confidence, anomaly.risk(severity, confidence) AS risk, reasons, indicators
		FROM %1$I.detection WHERE suppression_id IS NULL;
	COMMENT ON VIEW %2$I.detection IS 'anomalous flows and windows that threat rules fired on, but those suppressed';
	CREATE VIEW %2$I.score_hour AS
		SELECT hour, watch_id, bin, flows, anomalous FROM %1$I.score_hour;
	COMMENT ON VIEW %2$I.score_hour IS 'scores of all flows, by hour and hundredth';

	CREATE VIEW %2$I.status AS
		SELECT %1$L::text AS store, clock_timestamp() AS server_time, t.last_flow, t.first_flow, t.flows, t.detections,
			   (SELECT count(*) FROM %1$I.alert WHERE state = 'open') AS open_alerts,
			   (SELECT string_agg(w.model || coalesce(' v' || m.active_version, ''), ', ' ORDER BY w.id)
				FROM %1$I.watch w LEFT JOIN anomaly.model m ON m.name = w.model WHERE w.enabled) AS models,
			   coalesce((SELECT string_agg(w.model || ': ' || w.error, '; ' ORDER BY w.id)
						 FROM %1$I.watch w WHERE w.enabled AND w.error IS NOT NULL), t.error) AS watch_error,
			   t.revision || '.' || coalesce((SELECT max(l.id) FROM %1$I.triage_log l), 0) AS token
		FROM %1$I.tally t;
	COMMENT ON VIEW %2$I.status IS 'one row, cheap: poll it, and fetch the rest when token has changed';

	CREATE VIEW %2$I.alerts AS
		SELECT a.id, a.source, a.threat, a.title, a.severity, @extschema@.anomaly_band(a.severity) AS band,
			   anomaly.risk(a.severity, a.confidence) AS risk, a.confidence, a.state, a.resolution, a.assignee, a.first_seen, a.last_seen,
			   a.flow_count, a.detection_count, a.target_count, a.targets, a.ports, a.model, a.model_version,
			   a.score, a.p_value, a.reasons, a.indicators,
			   (SELECT coalesce(jsonb_agg(p.advice ORDER BY p.step), '[]') FROM %1$I.playbook p WHERE p.threat = a.threat) AS playbook,
			   a.watch_id
		FROM %1$I.alert a;
	COMMENT ON VIEW %2$I.alerts IS 'incidents, with reasons and what to do';

	CREATE VIEW %2$I.history AS
		SELECT l.id, l.at, coalesce(l.api_user, l.session_role) AS who, l.acting_role, l.alert_id, l.suppression_id, l.action, l.note, l.undoes,
			   l.old_state, l.state, l.old_resolution, l.resolution, l.old_assignee, l.assignee
		FROM %1$I.triage_log l;
	COMMENT ON VIEW %2$I.history IS 'what was decided about alerts and suppressions, and by whom';
	CREATE VIEW %2$I.precision AS
		SELECT week, kind, name, alerts, judged, true_positives, false_positives, benign_positives, "precision" FROM %1$I.triage_precision;
	COMMENT ON VIEW %2$I.precision IS 'how often rules and models were right, by week';
	CREATE VIEW %2$I.suppressions AS
		SELECT s.id, s.source, s.target, s.ports, s.protocol, s.threat, s.rule, s.model, s.reason, s.created_by, s.created_at,
			   s.expires_at, s.expires_at > now() AS in_force, s.hits, s.last_hit
		FROM %1$I.suppression s;
	COMMENT ON VIEW %2$I.suppressions IS 'what is known and not shown, and how much that silenced';

	CREATE VIEW %2$I.watches AS
		SELECT w.id, w.model, v.version AS model_version, v.algorithm, v.threshold, w.min_severity, w.enabled, w.error,
			   w.threshold_kind, w.threshold_value,
			   v.created_at AS trained_at, v.rows_used, v.features
		FROM %1$I.watch w
		LEFT JOIN anomaly.model m ON m.name = w.model
		LEFT JOIN anomaly.model_version v ON v.model = m.name AND v.version = m.active_version;
	COMMENT ON VIEW %2$I.watches IS 'models on guard';
	CREATE VIEW %2$I.rejects AS
		SELECT r.capture_id, c.source, r.line, r.reason, r.raw FROM %1$I.reject r JOIN %1$I.capture c ON c.id = r.capture_id;
	COMMENT ON VIEW %2$I.rejects IS 'imported lines that are no flow, with the reason';

	CREATE FUNCTION %2$I.import_columns(header text[]) RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $f$ SELECT @extschema@.anomaly_import_columns(header) $f$;
	COMMENT ON FUNCTION %2$I.import_columns(text[]) IS 'what the columns of a header most likely are';
	$ddl$, store, api);
END
$$;
COMMENT ON FUNCTION anomaly.make_api_views(name, name) IS 'makes the views of an API schema';

-- Who asks, what it may change, and whether page and schema fit together: the
-- version goes up when the page needs what an older schema does not have.
CREATE FUNCTION anomaly.make_api_session(api name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE FUNCTION %1$I.session(OUT version int, OUT username text, OUT may text[], OUT has_login bool, OUT expires_at timestamptz)
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $f$
		SELECT 1, c.claims ->> 'sub',
			   ARRAY(SELECT p.proname::text FROM pg_proc p
					 WHERE p.pronamespace = to_regnamespace(quote_ident(%1$L)) AND p.provolatile = 'v'
					   AND has_function_privilege(p.oid, 'EXECUTE') ORDER BY 1),
			   EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = to_regnamespace(quote_ident(%1$L)) AND p.proname = 'login'),
			   to_timestamp((c.claims ->> 'exp')::float8)
		FROM (SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb AS claims) c
	$f$;
	COMMENT ON FUNCTION %1$I.session() IS 'version of this schema; who asks (NULL: not logged in), the functions with an effect it may call, whether one can log in, until when';
	$ddl$, api);
END
$$;
COMMENT ON FUNCTION anomaly.make_api_session(name) IS 'makes the function of an API schema that says who asks';

CREATE FUNCTION anomaly.make_api_traffic(api name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	-- A long period takes its whole hours from the hour tier, and the ends
	-- from minutes: the sums are the same.
	CREATE FUNCTION %1$I.traffic(t0 timestamptz, t1 timestamptz, host inet = NULL)
	RETURNS TABLE (t timestamptz, flows bigint, packets bigint, bytes bigint)
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC'
	AS $f$
		WITH tier AS (
			SELECT CASE WHEN long THEN date_trunc('hour', t0 + interval '1 hour' - interval '1 microsecond') ELSE t1 END AS h0,
				   CASE WHEN long THEN date_trunc('hour', t1) ELSE t1 END AS h1
			FROM (SELECT t1 - t0 > interval '2 days' AS long) period
		), rollup AS (
			SELECT m.minute, m.flows, m.packets, m.src_bytes + m.dst_bytes
			FROM %1$I.flow_minute m, tier
			WHERE host IS NULL AND m.minute >= t0 AND m.minute < tier.h0
			UNION ALL
			SELECT h.hour, h.flows, h.packets, h.src_bytes + h.dst_bytes
			FROM %1$I.flow_hour h, tier
			WHERE host IS NULL AND h.hour >= tier.h0 AND h.hour < tier.h1
			UNION ALL
			SELECT m.minute, m.flows, m.packets, m.src_bytes + m.dst_bytes
			FROM %1$I.flow_minute m, tier
			WHERE host IS NULL AND m.minute >= tier.h1 AND m.minute < t1
			UNION ALL
			SELECT s.minute, s.flows, s.packets, s.src_bytes + s.dst_bytes
			FROM %1$I.source_minute s
			WHERE s.src_addr = host AND s.minute >= t0 AND s.minute < t1
		)
		SELECT * FROM rollup
	$f$;
	COMMENT ON FUNCTION %1$I.traffic(timestamptz, timestamptz, inet) IS 'traffic of a period, of all or of one source, in rows of a minute or an hour';

	-- Buckets are whole minutes, as many as fit the number asked for.
	CREATE FUNCTION %1$I.timeline(t0 timestamptz, t1 timestamptz, host inet = NULL, threat text = NULL, buckets int = 300)
	RETURNS TABLE (t timestamptz, flows bigint, packets bigint, bytes bigint,
				   critical bigint, major bigint, minor bigint, warning bigint)
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	SET enable_sort = off
	SET jit = off
	AS $f$
		WITH step AS (
			SELECT ceil(greatest(date_part('epoch', t1 - t0), 0) / least(greatest(coalesce(buckets, 300), 1), 2000) / 60) * 60 AS s
		), bucket AS (
			SELECT i, t0 + i * make_interval(secs => s) AS t
			FROM step, generate_series(0, (ceil(date_part('epoch', t1 - t0) / nullif(s, 0)) - 1)::int) i
		), traffic AS (
			SELECT floor(date_part('epoch', r.t - t0) / s)::int AS i,
				   sum(r.flows)::bigint AS flows, sum(r.packets)::bigint AS packets, sum(r.bytes)::bigint AS bytes
			FROM step, %1$I.traffic(t0, t1, host) r GROUP BY 1
		), found AS (
			SELECT c.i, sum(c.n) FILTER (WHERE c.band = 'critical')::bigint AS critical,
				   sum(c.n) FILTER (WHERE c.band = 'major')::bigint AS major,
				   sum(c.n) FILTER (WHERE c.band = 'minor')::bigint AS minor,
				   sum(c.n) FILTER (WHERE c.band = 'warning')::bigint AS warning
			FROM (SELECT floor(date_part('epoch', d.start_time - t0) / s)::int AS i, d.band, count(*) AS n
				  FROM step, %1$I.found(t0, t1, host, threat) d GROUP BY 1, 2) c GROUP BY 1
		)
		SELECT b.t, coalesce(r.flows, 0), coalesce(r.packets, 0), coalesce(r.bytes, 0),
			   coalesce(f.critical, 0), coalesce(f.major, 0), coalesce(f.minor, 0), coalesce(f.warning, 0)
		FROM bucket b LEFT JOIN traffic r USING (i) LEFT JOIN found f USING (i)
		ORDER BY b.i
	$f$;
	COMMENT ON FUNCTION %1$I.timeline(timestamptz, timestamptz, inet, text, int) IS
		'traffic, and detections by band, over time: every bucket of a period, empty ones as zeros';

	CREATE FUNCTION %1$I.kpi(t0 timestamptz, t1 timestamptz, host inet = NULL, threat text = NULL)
	RETURNS TABLE (name text, value float8, previous float8)
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	SET enable_sort = off
	SET jit = off
	AS $f$
		WITH period AS (
			SELECT 'now' AS which, t0 AS lo, t1 AS hi UNION ALL SELECT 'before', t0 - (t1 - t0), t0
		), number AS (
			SELECT p.which, n.place, n.name, n.value
			FROM period p
			CROSS JOIN LATERAL (SELECT coalesce(sum(r.flows), 0) AS flows, coalesce(sum(r.bytes), 0) AS bytes,
									   coalesce(sum(r.packets), 0) AS packets
								FROM %1$I.traffic(p.lo, p.hi, host) r) r
			CROSS JOIN LATERAL (SELECT coalesce(sum(s.n), 0) AS detections, count(*) AS sources
								FROM (SELECT count(*) AS n FROM %1$I.found(p.lo, p.hi, host, threat) d GROUP BY d.src_addr) s) d
			CROSS JOIN LATERAL (SELECT count(*) AS alerts FROM %1$I.raised(p.lo, p.hi, host, threat)) a
			CROSS JOIN LATERAL (VALUES (1, 'flows', r.flows), (2, 'bytes', r.bytes), (3, 'packets', r.packets),
				(4, 'detections', d.detections), (5, 'alerts', a.alerts), (6, 'sources', d.sources)) n(place, name, value)
		)
		SELECT n.name, max(n.value) FILTER (WHERE n.which = 'now')::float8, max(n.value) FILTER (WHERE n.which = 'before')::float8
		FROM number n GROUP BY n.place, n.name ORDER BY n.place
	$f$;
	COMMENT ON FUNCTION %1$I.kpi(timestamptz, timestamptz, inet, text) IS 'numbers of a period, and of the equally long one before it';
	$ddl$, api);
END
$$;
COMMENT ON FUNCTION anomaly.make_api_traffic(name) IS 'makes the functions of an API schema that show traffic';

CREATE FUNCTION anomaly.make_api_findings(api name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	-- These two pin no search_path, so that they can be inlined: what asks them
	-- only counts must not read reasons too.  Operators are all there is to look up.
	CREATE FUNCTION %1$I.found(t0 timestamptz, t1 timestamptz, host inet = NULL, threat text = NULL)
	RETURNS SETOF %1$I.detection
	LANGUAGE sql STABLE PARALLEL SAFE
	AS $f$
		SELECT d.* FROM %1$I.detection d
		WHERE d.start_time >= t0 AND d.start_time < t1
		  AND (host IS NULL OR d.src_addr = host)
		  AND (found.threat IS NULL OR d.threat = found.threat)
	$f$;
	COMMENT ON FUNCTION %1$I.found(timestamptz, timestamptz, inet, text) IS 'detections that begin in a period';

	CREATE FUNCTION %1$I.raised(t0 timestamptz, t1 timestamptz, host inet = NULL, threat text = NULL)
	RETURNS SETOF %1$I.alerts
	LANGUAGE sql STABLE PARALLEL SAFE
	AS $f$
		SELECT a.* FROM %1$I.alerts a
		WHERE a.last_seen >= t0 AND a.first_seen < t1
		  AND (host IS NULL OR a.source = host)
		  AND (raised.threat IS NULL OR a.threat = raised.threat)
	$f$;
	COMMENT ON FUNCTION %1$I.raised(timestamptz, timestamptz, inet, text) IS 'alerts that were going on in a period';

	CREATE FUNCTION %1$I.swimlane(t0 timestamptz, t1 timestamptz, host inet = NULL, threat text = NULL,
								  buckets int = 60, hosts int = 20)
	RETURNS TABLE (host inet, t timestamptz, detections bigint, severity float8)
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	SET enable_sort = off
	SET jit = off
	AS $f$
		WITH step AS (
			SELECT ceil(greatest(date_part('epoch', t1 - t0), 0) / least(greatest(coalesce(buckets, 60), 1), 500) / 60) * 60 AS s
		), cell AS (
			SELECT d.src_addr, floor(date_part('epoch', d.start_time - t0) / s) AS i,
				   count(*) AS detections, max(d.severity) AS severity
			FROM step, %1$I.found(t0, t1, swimlane.host, threat) d GROUP BY 1, 2
		), lane AS (
			SELECT c.src_addr, max(c.severity) AS severity, sum(c.detections) AS detections
			FROM cell c GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1 LIMIT least(greatest(coalesce(hosts, 20), 1), 100)
		)
		SELECT c.src_addr, t0 + c.i * make_interval(secs => s), c.detections, c.severity
		FROM step, cell c JOIN lane l USING (src_addr)
		ORDER BY l.severity DESC, l.detections DESC, c.src_addr, c.i
	$f$;
	COMMENT ON FUNCTION %1$I.swimlane(timestamptz, timestamptz, inet, text, int, int) IS
		'detections of the most severe sources over time, cells that have any; buckets are whole minutes';

	CREATE FUNCTION %1$I.score_histogram(t0 timestamptz, t1 timestamptz, host inet = NULL, threat text = NULL, bins int = 50)
	RETURNS TABLE (lo float8, hi float8, flows bigint, anomalous bigint)
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC'
	AS $f$
		WITH step AS (SELECT ceil(100.0 / least(greatest(coalesce(bins, 50), 1), 100))::int AS w),
		counted AS (
			SELECT s.bin / w AS i, sum(s.flows) AS flows, sum(s.anomalous) AS anomalous
			FROM step, %1$I.score_hour s
			WHERE s.hour >= date_trunc('hour', t0) AND s.hour < t1 GROUP BY 1
		)
		SELECT i * w / 100.0::float8, least((i + 1) * w, 100) / 100.0::float8,
			   coalesce(c.flows, 0)::bigint, coalesce(c.anomalous, 0)::bigint
		FROM step, generate_series(0, (99 / w)) i LEFT JOIN counted c USING (i)
		ORDER BY i
	$f$;
	COMMENT ON FUNCTION %1$I.score_histogram(timestamptz, timestamptz, inet, text, int) IS
		'scores of all flows of the hours of a period; the cube behind it knows no host and no threat';

	CREATE FUNCTION %1$I.threat_types(t0 timestamptz, t1 timestamptz, host inet = NULL, threat text = NULL)
	RETURNS TABLE (threat text, alerts bigint, detections bigint, severity float8)
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	SET enable_sort = off
	SET jit = off
	AS $f$
		WITH d AS (
			SELECT f.threat, count(*) AS detections, max(f.severity) AS severity
			FROM %1$I.found(t0, t1, host, threat_types.threat) f GROUP BY 1
		), a AS (
			SELECT r.threat, count(*) AS alerts, max(r.severity) AS severity
			FROM %1$I.raised(t0, t1, host, threat_types.threat) r GROUP BY 1
		)
		SELECT coalesce(a.threat, d.threat), coalesce(a.alerts, 0), coalesce(d.detections, 0), greatest(a.severity, d.severity)
		FROM a FULL JOIN d ON a.threat = d.threat
		ORDER BY 4 DESC, 2 DESC, 1
	$f$;
	COMMENT ON FUNCTION %1$I.threat_types(timestamptz, timestamptz, inet, text) IS 'alerts and detections of a period by threat';
	$ddl$, api);
END
$$;
COMMENT ON FUNCTION anomaly.make_api_findings(name) IS 'makes the functions of an API schema that show detections and alerts';
