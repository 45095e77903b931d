-- Alerts: detections that belong together become one incident.
--
-- A detection without an alert is pending.  Sorted by time, pending detections
-- and the alerts already there form islands with no gap longer than the
-- store's alert_gap (Snodgrass, Developing Time-Oriented Database
-- Applications, 2000); each island is one alert, the oldest in it or a new
-- one.  What a threat rule found makes an alert, at once or when the rule fired
-- in enough windows (threat_rule.fire_windows).  What a model alone found joins
-- a rule's alert of its source and time, or makes an alert when enough flows
-- past the watch's threshold corroborate each other (watch.alert_flows); else
-- it stays pending, to be seen in the timeline.
--
-- An alert whose detections were all taken away, to be judged again, only lends
-- its number to what is found at its start.  One that somebody decided about
-- (76_triage.sql) stays in any case.
--
-- Activity after what was seen when an alert was closed opens it again, and an
-- acknowledged alert that reaches a higher band is open again: both are entries
-- of triage_log.

-- An alert's row follows from its detections, whenever these change; alerts
-- without detections go.  Whoever listens on the channel named as the store
-- hears of each, by its number alone: channels have no rights of access.
CREATE FUNCTION anomaly.summarize_alerts(store name, ids int8[]) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	worse int8[];
BEGIN
	EXECUTE format($q$
	WITH part AS MATERIALIZED (
		SELECT * FROM %1$I.detection WHERE alert_id = ANY ($1)
	), before AS MATERIALIZED (
		SELECT id, severity FROM %1$I.alert WHERE id = ANY ($1) AND state = 'acknowledged'
	), total AS (
		SELECT alert_id, min(start_time) AS first_seen, max(end_time) AS last_seen, count(*) AS detections,
			   max(target_count) AS targets, max(severity) AS severity
		FROM part GROUP BY 1
	), evidence AS (
		SELECT alert_id, max(flows) AS flows
		FROM (SELECT alert_id, sum(flow_count) AS flows FROM part GROUP BY alert_id, rule, watch_id) e GROUP BY 1
	), target AS (
		SELECT alert_id, (array_agg(DISTINCT x))[1:20] AS list, count(DISTINCT x) AS n
		FROM part, unnest(targets) x GROUP BY 1
	), port AS (
		SELECT alert_id, (array_agg(DISTINCT x))[1:20] AS list FROM part, unnest(ports) x GROUP BY 1
	), indicator AS (
		SELECT alert_id, array_agg(DISTINCT x) AS list FROM part, unnest(indicators) x GROUP BY 1
	), top AS (
		SELECT DISTINCT ON (alert_id) * FROM part
		ORDER BY alert_id, rule IS NULL, severity DESC, flow_count DESC, start_time, id
	), scored AS (
		SELECT DISTINCT ON (alert_id) alert_id, model, model_version, score, p_value FROM part
		WHERE model IS NOT NULL ORDER BY alert_id, severity DESC, score DESC, start_time, id
	), written AS (
		INSERT INTO %1$I.alert AS a (id, source, threat, watch_id, title, severity, confidence, first_seen, last_seen,
			flow_count, detection_count, target_count, targets, ports, model, model_version, score, p_value, reasons, indicators)
		SELECT t.alert_id, d.src_addr, d.threat, d.watch_id, coalesce(r.title, 'Unusual traffic'), t.severity, d.confidence,
			   t.first_seen, t.last_seen, e.flows, t.detections, greatest(t.targets, g.n), g.list, p.list,
			   s.model, s.model_version, s.score, s.p_value, d.reasons, coalesce(i.list, '{}')
		FROM total t JOIN evidence e USING (alert_id) JOIN top d USING (alert_id)
		JOIN target g USING (alert_id) JOIN port p USING (alert_id)
		LEFT JOIN indicator i USING (alert_id) LEFT JOIN scored s USING (alert_id)
		LEFT JOIN %1$I.threat_rule r ON r.rule = d.rule
		ON CONFLICT (id) DO UPDATE SET
			(title, severity, confidence, first_seen, last_seen, flow_count, detection_count, target_count, targets, ports,
			 model, model_version, score, p_value, reasons, indicators, updated_at) =
			(excluded.title, excluded.severity, excluded.confidence, excluded.first_seen, excluded.last_seen,
			 excluded.flow_count, excluded.detection_count, excluded.target_count, excluded.targets, excluded.ports,
			 excluded.model, excluded.model_version, excluded.score, excluded.p_value, excluded.reasons, excluded.indicators,
			 now())
		RETURNING a.id, a.severity
	), emptied AS (
		DELETE FROM %1$I.alert WHERE id = ANY ($1) AND triage_id IS NULL AND id NOT IN (SELECT alert_id FROM total)
	)
	SELECT array_agg(b.id) FILTER (WHERE @extschema@.anomaly_band(w.severity) <> @extschema@.anomaly_band(b.severity)
										 AND w.severity > b.severity)
	FROM (SELECT id, severity, pg_notify($2, jsonb_build_object('alert', id)::text) FROM written OFFSET 0) w
	LEFT JOIN before b USING (id)
	$q$, store) INTO worse USING ids, store;
	EXECUTE format($q$
	INSERT INTO %1$I.triage_log (alert_id, action, note)
	SELECT id, 'recur', 'seen again' FROM %1$I.alert
	WHERE id = ANY ($1) AND state = 'closed' AND last_seen > closed_seen
	UNION ALL
	SELECT id, 'escalate', 'severity ' || anomaly.number_text(severity) FROM %1$I.alert WHERE id = ANY ($2)
	ORDER BY id
	$q$, store) USING ids, worse;
END
$$;
COMMENT ON FUNCTION anomaly.summarize_alerts(name, int8[]) IS 'writes alerts anew from their detections and notifies';

-- Neither STRICT nor with a search_path of its own, so that it can be inlined.
CREATE FUNCTION anomaly.counts(alert_score float8, alert_p_value float8, alert_severity float8,
	score float8, p_value float8, severity float8) RETURNS bool
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
	SELECT CASE WHEN alert_score IS NOT NULL THEN score >= alert_score
		WHEN alert_p_value IS NOT NULL THEN alert_p_value > 0 AND p_value <= alert_p_value
		ELSE severity >= alert_severity END
$$;
COMMENT ON FUNCTION anomaly.counts(float8, float8, float8, float8, float8, float8) IS
	'is a detection past the threshold of its watch';

-- Gives the pending detections of some sources in a period their alerts:
-- those of rules, or those of models.  Returns the alerts to be summarized.
CREATE FUNCTION anomaly.join_islands(store name, sources inet[], lo timestamptz, hi timestamptz, of_models bool) RETURNS int8[]
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	gap interval := (anomaly.store(store)).alert_gap;
	touched int8[];
BEGIN
	EXECUTE format($q$
	WITH item AS (
		SELECT d.src_addr AS source, d.threat, d.watch_id, d.start_time AS lo, d.end_time AS hi,
			   d.id AS detection, NULL::int8 AS alert, CASE
				WHEN $5 THEN anomaly.counts(w.alert_score, w.alert_p_value, w.alert_severity, d.score, d.p_value, d.severity)
				WHEN r.of_windows > 1 THEN r.fire_windows <= (
					SELECT count(DISTINCT x.window_start) FROM %1$I.detection x
					WHERE x.src_addr = d.src_addr AND x.rule = d.rule AND x.suppression_id IS NULL
					  AND x.start_time > d.window_start - r.of_windows * s.step AND x.start_time < d.window_start + s.step
					  AND x.window_start > d.window_start - r.of_windows * s.step AND x.window_start <= d.window_start)
				ELSE true END AS counts
		FROM %1$I.detection d
		LEFT JOIN %1$I.watch w ON w.id = d.watch_id
		LEFT JOIN %1$I.threat_rule r ON r.rule = d.rule
		CROSS JOIN LATERAL (SELECT CASE WHEN r.scope IN ('source_day', 'peer_day') THEN interval '1 day' ELSE interval '1 minute' END AS step) s
		WHERE d.alert_id IS NULL AND d.suppression_id IS NULL
		  AND d.src_addr = ANY ($1) AND d.start_time BETWEEN $2 AND $3
		  AND (d.watch_id IS NOT NULL) = $5
		UNION ALL
		SELECT a.source, a.threat, a.watch_id, a.first_seen, CASE WHEN h.held THEN a.last_seen ELSE a.first_seen END, NULL, a.id, h.held
		FROM %1$I.alert a
		CROSS JOIN LATERAL (SELECT a.triage_id IS NOT NULL OR EXISTS (SELECT FROM %1$I.detection x
			WHERE x.alert_id = a.id AND x.start_time BETWEEN a.first_seen AND a.last_seen) AS held) h
		WHERE a.source = ANY ($1) AND a.last_seen >= $2 - $4 AND a.first_seen <= $3 + $4
		  AND (a.watch_id IS NOT NULL) = $5
	), opened AS (
		SELECT *, coalesce(lo - max(hi) OVER (PARTITION BY source, threat, watch_id ORDER BY lo, hi, detection
				ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) > $4, true) AS opens
		FROM item
	), numbered AS (
		SELECT *, count(*) FILTER (WHERE opens) OVER (PARTITION BY source, threat, watch_id ORDER BY lo, hi, detection) AS island
		FROM opened
	), island AS MATERIALIZED (
		SELECT n.source, n.threat, n.watch_id, n.island,
			   coalesce(min(n.alert), nextval(pg_get_serial_sequence(quote_ident($6) || '.alert', 'id'))) AS alert,
			   array_agg(n.alert) FILTER (WHERE n.alert IS NOT NULL) AS merged
		FROM numbered n LEFT JOIN %1$I.watch w ON w.id = n.watch_id
		GROUP BY 1, 2, 3, 4
		HAVING count(n.detection) > 0
		   AND (bool_or(n.counts AND n.alert IS NOT NULL)
				OR count(*) FILTER (WHERE n.counts AND n.alert IS NULL) >= coalesce(max(w.alert_flows), 1))
	), joined AS (
		UPDATE %1$I.detection d SET alert_id = i.alert
		FROM numbered n JOIN island i ON (i.source, i.threat, i.island) = (n.source, n.threat, n.island)
									 AND i.watch_id IS NOT DISTINCT FROM n.watch_id
		WHERE d.src_addr = n.source AND d.start_time = n.lo AND d.id = n.detection	-- windows of a minute begin together
	), merged AS (
		UPDATE %1$I.detection d SET alert_id = i.alert
		FROM island i, unnest(i.merged) AS old
		WHERE d.alert_id = old AND old <> i.alert
	)
	SELECT array_agg(alert) || array_agg(old) FROM island i LEFT JOIN LATERAL unnest(i.merged) AS old ON old <> i.alert
	$q$, store) INTO touched USING sources, lo, hi, gap, of_models, store;
	RETURN array_remove(coalesce(touched, '{}'), NULL);
END
$$;
COMMENT ON FUNCTION anomaly.join_islands(name, inet[], timestamptz, timestamptz, bool) IS
	'gives pending detections of rules or of models their alerts';

-- What a model found while a rule's alert was going on, at one of its targets,
-- is part of that alert.
CREATE FUNCTION anomaly.join_rule_alerts(store name, sources inet[], lo timestamptz, hi timestamptz) RETURNS int8[]
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	touched int8[];
BEGIN
	EXECUTE format($q$
	WITH joined AS (
		UPDATE %1$I.detection d SET alert_id = a.id, threat = a.threat
		FROM (SELECT p.id, p.src_addr, p.start_time, (
					SELECT a.id FROM %1$I.alert a
					WHERE a.source = p.src_addr AND a.watch_id IS NULL AND p.start_time BETWEEN a.first_seen AND a.last_seen
					  AND (p.dst_addr = ANY (a.targets) OR a.target_count > cardinality(a.targets))
					ORDER BY a.severity DESC, a.id LIMIT 1) AS alert
			  FROM %1$I.detection p
			  WHERE p.alert_id IS NULL AND p.suppression_id IS NULL AND p.watch_id IS NOT NULL
				AND p.src_addr = ANY ($1) AND p.start_time BETWEEN $2 AND $3) m
		JOIN %1$I.alert a ON a.id = m.alert
		WHERE d.src_addr = m.src_addr AND d.start_time = m.start_time AND d.id = m.id
		RETURNING a.id
	)
	SELECT array_agg(DISTINCT id) FROM joined
	$q$, store) INTO touched USING sources, lo, hi;
	RETURN coalesce(touched, '{}');
END
$$;
COMMENT ON FUNCTION anomaly.join_rule_alerts(name, inet[], timestamptz, timestamptz) IS
	'adds what models found to the alerts that threat rules raised at the time';

-- All of the above, for the detections of some sources around a period.
CREATE FUNCTION anomaly.raise_alerts(store name, sources inet[], t0 timestamptz, t1 timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- Pending detections further away than a day corroborate nothing.
	lo timestamptz := t0 - interval '1 day';
	hi timestamptz := t1 + interval '1 day';
	gap interval := (anomaly.store(store)).alert_gap;
	touched int8[];
BEGIN
	IF cardinality(sources) = 0 THEN
		RETURN;
	END IF;
	PERFORM anomaly.suppress_pending(store, sources, lo, hi);
	touched := anomaly.join_islands(store, sources, lo, hi, false);
	-- as late as can be, and in the order that 76_triage.sql takes them in
	EXECUTE format($q$
		SELECT FROM %I.alert WHERE source = ANY ($1) AND last_seen >= $2 AND first_seen <= $3 ORDER BY id FOR NO KEY UPDATE$q$, store)
	USING sources, lo - gap, hi + gap;
	PERFORM anomaly.summarize_alerts(store, touched);
	PERFORM anomaly.summarize_alerts(store, anomaly.join_rule_alerts(store, sources, lo, hi)
											|| anomaly.join_islands(store, sources, lo, hi, true));
END
$$;
COMMENT ON FUNCTION anomaly.raise_alerts(name, inet[], timestamptz, timestamptz) IS
	'gives the detections of some sources around a period their alerts';
