-- Reports: what a day and a week came to, and findings as flat rows.
--
--   summary_day, summary_week        traffic and alerts by UTC day and ISO week
--   alert_export, detection_export   a column for each fact, no arrays, no JSON,
--                                    every number in its own unit: fit for CSV
--
-- Traffic comes from flow_hour, which outlives the flows; an alert belongs to the
-- day it began on.

-- [{feature, value, expected, share}] as a sentence.  Qualified names instead of a
-- search_path, so that it is inlined.
CREATE FUNCTION anomaly.reasons_text(reasons jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
	SELECT pg_catalog.string_agg(pg_catalog.format('%s %s, expected %s (%s %%)', r.reason OPERATOR(pg_catalog.->>) 'feature',
			r.reason OPERATOR(pg_catalog.->>) 'value', r.reason OPERATOR(pg_catalog.->>) 'expected',
			pg_catalog.round(((r.reason OPERATOR(pg_catalog.->>) 'share')::pg_catalog.numeric OPERATOR(pg_catalog.*) 100))), '; ' ORDER BY r.n)
	FROM pg_catalog.jsonb_array_elements(reasons) WITH ORDINALITY r(reason, n)
$$;
COMMENT ON FUNCTION anomaly.reasons_text(jsonb) IS 'reasons of a detection or an alert in words, the weightiest first';

CREATE FUNCTION anomaly.make_report_views(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	unit text;
BEGIN
	FOREACH unit IN ARRAY ARRAY['day', 'week'] LOOP
		EXECUTE format($ddl$
		CREATE OR REPLACE VIEW %1$I.summary_%2$s AS
		WITH traffic AS (
			SELECT date_trunc(%2$L, h.hour AT TIME ZONE 'UTC')::date AS %2$s, sum(h.flows)::int8 AS flows, sum(h.failed)::int8 AS failed,
				   sum(h.packets)::int8 AS packets, sum(h.src_bytes + h.dst_bytes)::int8 AS bytes
			FROM %1$I.flow_hour h GROUP BY 1
		), raised AS (
			SELECT date_trunc(%2$L, a.first_seen AT TIME ZONE 'UTC')::date AS %2$s, count(*) AS alerts,
				   count(*) FILTER (WHERE b.band = 'critical') AS critical, count(*) FILTER (WHERE b.band = 'major') AS major,
				   count(*) FILTER (WHERE b.band IN ('minor', 'warning')) AS lesser,
				   count(*) FILTER (WHERE a.state <> 'closed') AS undecided,
				   count(*) FILTER (WHERE a.resolution = 'true_positive') AS true_positives,
				   count(*) FILTER (WHERE a.resolution = 'false_positive') AS false_positives,
				   count(DISTINCT a.source) AS sources, mode() WITHIN GROUP (ORDER BY a.threat) AS most_frequent,
				   sum(a.flow_count)::int8 AS alert_flows, max(a.severity) AS severity
			FROM %1$I.alert a CROSS JOIN LATERAL (SELECT @extschema@.anomaly_band(a.severity) AS band) b GROUP BY 1
		)
		SELECT %2$s, coalesce(t.flows, 0) AS flows, coalesce(t.failed, 0) AS failed, coalesce(t.packets, 0) AS packets,
			   coalesce(t.bytes, 0) AS bytes, coalesce(r.alerts, 0) AS alerts, coalesce(r.critical, 0) AS critical,
			   coalesce(r.major, 0) AS major, coalesce(r.lesser, 0) AS lesser, coalesce(r.undecided, 0) AS undecided,
			   coalesce(r.true_positives, 0) AS true_positives, coalesce(r.false_positives, 0) AS false_positives,
			   coalesce(r.sources, 0) AS sources, coalesce(r.alert_flows, 0) AS alert_flows, r.most_frequent, r.severity
		FROM traffic t FULL JOIN raised r USING (%2$s);
		COMMENT ON VIEW %1$I.summary_%2$s IS 'traffic and alerts by %2$s (UTC); a %2$s without either has no row';
		COMMENT ON COLUMN %1$I.summary_%2$s.alerts IS 'alerts that began then; lesser are minor and warning, undecided are not closed';
		COMMENT ON COLUMN %1$I.summary_%2$s.sources IS 'sources of those alerts';
		COMMENT ON COLUMN %1$I.summary_%2$s.alert_flows IS 'flows behind those alerts, which may go on into the next %2$s';
		COMMENT ON COLUMN %1$I.summary_%2$s.most_frequent IS 'threat with the most alerts';
		$ddl$, store, unit);
	END LOOP;
	EXECUTE format($ddl$
	CREATE OR REPLACE VIEW %1$I.alert_export AS
		SELECT a.id, a.first_seen, a.last_seen, extract(epoch FROM a.last_seen - a.first_seen)::float8 AS duration_s,
			   a.source, a.threat, a.title, a.severity, @extschema@.anomaly_band(a.severity) AS band,
			   anomaly.risk(a.severity, a.confidence) AS risk, a.confidence, a.state, a.resolution, a.assignee,
			   a.flow_count, a.detection_count, a.target_count, array_to_string(a.targets, ' ') AS targets,
			   array_to_string(a.ports, ' ') AS ports, a.model, a.model_version, a.score, a.p_value,
			   anomaly.reasons_text(a.reasons) AS reasons, array_to_string(a.indicators, ' ') AS indicators
		FROM %1$I.alert a;
	COMMENT ON VIEW %1$I.alert_export IS 'alerts as flat rows; to be paged by id';
	CREATE OR REPLACE VIEW %1$I.detection_export AS
		SELECT d.start_time, d.id, d.end_time, extract(epoch FROM d.end_time - d.start_time)::float8 AS duration_s,
			   d.src_addr, d.src_port, d.dst_addr, d.dst_port, d.protocol, d.threat, d.rule, d.model, d.model_version, d.score, d.p_value,
			   d.severity, @extschema@.anomaly_band(d.severity) AS band, anomaly.risk(d.severity, d.confidence) AS risk, d.confidence,
			   d.flow_count, d.target_count, d.alert_id, d.suppression_id,
			   anomaly.reasons_text(d.reasons) AS reasons, array_to_string(d.indicators, ' ') AS indicators
		FROM %1$I.detection d;
	COMMENT ON VIEW %1$I.detection_export IS 'detections as flat rows, suppressed ones too; to be paged by start_time and id';
	$ddl$, store);
END
$$;
COMMENT ON FUNCTION anomaly.make_report_views(name) IS 'makes the views summary_day, summary_week, alert_export and detection_export of a new store';
