-- The API, continued: reports and exports.

CREATE FUNCTION anomaly.make_api_report(store name, api name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE VIEW %2$I.summary_day AS SELECT * FROM %1$I.summary_day;
	COMMENT ON VIEW %2$I.summary_day IS 'traffic and alerts by UTC day';
	CREATE VIEW %2$I.summary_week AS SELECT * FROM %1$I.summary_week;
	COMMENT ON VIEW %2$I.summary_week IS 'traffic and alerts by ISO week (UTC), named by its Monday';
	CREATE VIEW %2$I.alerts_export AS SELECT * FROM %1$I.alert_export;
	COMMENT ON VIEW %2$I.alerts_export IS 'alerts as flat rows for CSV, in raw units; page by id: id=gt.LAST, order=id';
	CREATE VIEW %2$I.detections_export AS SELECT * FROM %1$I.detection_export WHERE suppression_id IS NULL;
	COMMENT ON VIEW %2$I.detections_export IS 'detections as flat rows for CSV, in raw units, but those suppressed; page by start_time and id: start_time=gte.LAST, or=(start_time.gt.LAST,id.gt.LAST_ID), order=start_time,id';

	CREATE FUNCTION %2$I.report(t0 timestamptz, t1 timestamptz)
	RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC'
	AS $f$
		WITH asked AS (
			SELECT greatest(t0, t1 - interval '400 days') AS lo, t1 AS hi
		), alert AS MATERIALIZED (
			SELECT r.id, r.source, r.threat, r.title, r.severity, r.band, r.risk, r.state, r.resolution, r.assignee,
				   r.first_seen, r.last_seen, r.flow_count, r.target_count
			FROM asked, %2$I.raised(lo, hi) r
		), decision AS (
			SELECT h.action, h.resolution, h.who, count(*) AS times
			FROM asked, %2$I.history h WHERE h.alert_id IS NOT NULL AND h.at >= lo AND h.at < hi GROUP BY 1, 2, 3
		)
		SELECT jsonb_build_object(
			'store', %1$L, 't0', lo, 't1', hi, 'made_at', now(),
			'numbers', (SELECT jsonb_agg(to_jsonb(k)) FROM %2$I.kpi(lo, hi) k),
			'days', (SELECT coalesce(jsonb_agg(to_jsonb(d) ORDER BY d.day), '[]') FROM %2$I.summary_day d
					 WHERE d.day >= lo::date AND d.day < hi),
			'threats', (SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') FROM %2$I.threat_types(lo, hi) t),
			'alerts', jsonb_build_object('total', (SELECT count(*) FROM alert),
				'by_band', (SELECT coalesce(jsonb_object_agg(band, n), '{}') FROM (SELECT band, count(*) AS n FROM alert GROUP BY 1) b),
				'by_state', (SELECT coalesce(jsonb_object_agg(state, n), '{}') FROM (SELECT coalesce(resolution, state) AS state, count(*) AS n FROM alert GROUP BY 1) s),
				'worst', (SELECT coalesce(jsonb_agg(to_jsonb(w) ORDER BY w.severity DESC, w.flow_count DESC, w.id), '[]') FROM (
					SELECT alert.*, (SELECT e.reasons FROM %2$I.alerts_export e WHERE e.id = alert.id) AS reasons,
						   (SELECT a.playbook FROM %2$I.alerts a WHERE a.id = alert.id) AS playbook
					FROM alert ORDER BY severity DESC, flow_count DESC, id LIMIT 20) w)),
			'sources', (SELECT coalesce(jsonb_agg(to_jsonb(s) ORDER BY s.severity DESC, s.alerts DESC, s.source), '[]') FROM (
				SELECT source, count(*) AS alerts, max(severity) AS severity, sum(flow_count)::int8 AS flows,
					   string_agg(DISTINCT threat, ' ' ORDER BY threat) AS threats
				FROM alert GROUP BY 1 ORDER BY 3 DESC, 2 DESC, 1 LIMIT 20) s),
			'talkers', (SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') FROM (SELECT address, flows, failed, bytes FROM %2$I.top(lo, hi, NULL, 'talkers', 10)) t),
			'services', (SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') FROM (SELECT protocol, port, flows, failed, bytes FROM %2$I.top(lo, hi, NULL, 'services', 10)) t),
			'decisions', (SELECT coalesce(jsonb_agg(to_jsonb(d) ORDER BY d.times DESC, d.who, d.action, d.resolution), '[]') FROM decision d),
			'precision', (SELECT coalesce(jsonb_agg(to_jsonb(p) ORDER BY p.week, p.kind, p.name), '[]') FROM %2$I.precision p
						  WHERE p.week >= date_trunc('week', lo)::date AND p.week < hi),
			'suppressions', (SELECT coalesce(jsonb_agg(to_jsonb(s) ORDER BY s.id), '[]') FROM %2$I.suppressions s WHERE s.in_force),
			'watches', (SELECT coalesce(jsonb_agg(to_jsonb(w) - 'features' ORDER BY w.id), '[]') FROM %2$I.watches w),
			'retrainings', (SELECT coalesce(jsonb_agg(to_jsonb(r) ORDER BY r.id), '[]') FROM %2$I.retrainings r
							WHERE r.started_at >= lo AND r.started_at < hi),
			'health', (SELECT to_jsonb(h) FROM %2$I.health h),
			'alarms', (SELECT coalesce(jsonb_agg(to_jsonb(a) ORDER BY a.alarm, a.subject), '[]') FROM %2$I.alarms a))
		FROM asked
	$f$;
	COMMENT ON FUNCTION %2$I.report(timestamptz, timestamptz) IS
		'a period, at most its last 400 days, on one page: numbers beside the period before, days, threats, the 20 worst alerts with reasons and playbook, sources, talkers and services, decisions, precision, suppressions in force, watches, retrainings, and how the store is now';
	$ddl$, store, api);
END
$$;
COMMENT ON FUNCTION anomaly.make_api_report(name, name) IS 'makes the reports and exports of an API schema';
