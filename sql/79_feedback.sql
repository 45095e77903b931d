-- Feedback: what triage teaches.
--
--   triage_precision   how often each rule and model was right, by week
--   flow_decided       flows of closed alerts, with the decision
--   flow_label         the same with features and a label, to train on
--   flow_normal        flows without those of confirmed attacks, to train on
--
-- and anomaly_threshold_advice, for thresholds that would have spared the false
-- alerts and kept the true ones.  Nothing judged gives NULL, never a guess.

-- Which flows f a detection d stands for: the flow that a model found, or those
-- of a window; where its list of targets is complete, those to a target.
CREATE FUNCTION anomaly.flow_of_detection() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT $q$
		f.src_addr = d.src_addr AND f.start_time >= d.start_time
		AND f.start_time <= CASE WHEN d.watch_id IS NOT NULL THEN d.start_time
			WHEN d.dst_addr IS NULL THEN d.end_time - interval '1 microsecond' ELSE d.end_time END
		AND CASE WHEN d.dst_addr IS NULL THEN d.target_count > cardinality(d.targets) OR f.dst_addr = ANY (d.targets)
			ELSE f.dst_addr = d.dst_addr AND f.dst_port = d.dst_port AND f.protocol = d.protocol
				 AND (d.watch_id IS NULL OR f.src_port = d.src_port) END
	$q$
$$;
COMMENT ON FUNCTION anomaly.flow_of_detection() IS 'condition that flow f is among those that detection d stands for';

CREATE FUNCTION anomaly.make_feedback_views(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE OR REPLACE VIEW %1$I.triage_precision AS
		SELECT date_trunc('week', a.first_seen AT TIME ZONE 'UTC')::date AS week, s.kind, s.name, count(*) AS alerts,
			   count(*) FILTER (WHERE a.resolution IN ('true_positive', 'false_positive', 'benign_positive')) AS judged,
			   count(*) FILTER (WHERE a.resolution = 'true_positive') AS true_positives,
			   count(*) FILTER (WHERE a.resolution = 'false_positive') AS false_positives,
			   count(*) FILTER (WHERE a.resolution = 'benign_positive') AS benign_positives,
			   count(*) FILTER (WHERE a.resolution = 'true_positive')::float8
				 / nullif(count(*) FILTER (WHERE a.resolution IN ('true_positive', 'false_positive', 'benign_positive')), 0) AS "precision"
		FROM %1$I.alert a
		CROSS JOIN LATERAL (
			SELECT 'rule' AS kind, r.rule AS name FROM %1$I.threat_rule r WHERE r.rule = ANY (a.indicators) AND r.scope <> 'flow'
			UNION ALL
			SELECT 'model', a.model WHERE a.model IS NOT NULL) s
		GROUP BY 1, 2, 3;
	COMMENT ON VIEW %1$I.triage_precision IS 'share of judged alerts that were true, by UTC week, rule and model; NULL where none was judged; duplicates are not judged';

	CREATE OR REPLACE VIEW %1$I.flow_decided AS
		SELECT DISTINCT ON (f.start_time, f.src_addr, f.dst_addr, f.src_port, f.dst_port, f.protocol)
			   f.start_time, f.src_addr, f.dst_addr, f.src_port, f.dst_port, f.protocol, a.resolution, a.threat, a.id AS alert_id
		FROM %1$I.alert a JOIN %1$I.detection d ON d.alert_id = a.id CROSS JOIN LATERAL (
			SELECT f.* FROM %1$I.flow_feature f WHERE %2$s
			UNION ALL	-- from whatever source
			SELECT f.* FROM %1$I.flow_feature f
			WHERE d.dst_port IS NULL AND f.dst_addr = d.dst_addr AND f.start_time >= d.start_time AND f.start_time < d.end_time
			  AND %3$s) f
		WHERE a.state = 'closed'
		ORDER BY 1, 2, 3, 4, 5, 6, a.resolution = 'true_positive' DESC, a.resolution = 'duplicate' DESC, a.id;
	COMMENT ON VIEW %1$I.flow_decided IS 'flows of closed alerts and what was decided, the worst where an alert of each kind has the flow';

	CREATE OR REPLACE VIEW %1$I.flow_label AS
		SELECT f.*, CASE d.resolution WHEN 'true_positive' THEN d.threat ELSE 'normal' END AS label, d.alert_id
		FROM %1$I.flow_feature f
		JOIN %1$I.flow_decided d USING (start_time, src_addr, dst_addr, src_port, dst_port, protocol)
		WHERE d.resolution <> 'duplicate';
	COMMENT ON VIEW %1$I.flow_label IS 'flows of closed alerts: label is the threat of a true one, ''normal'' for false and benign ones; for the argument label of anomaly_train';

	CREATE OR REPLACE VIEW %1$I.flow_normal AS
		SELECT f.* FROM %1$I.flow_feature f
		WHERE NOT EXISTS (
			SELECT FROM %1$I.flow_decided d
			WHERE (d.start_time, d.src_addr, d.dst_addr, d.src_port, d.dst_port, d.protocol)
				= (f.start_time, f.src_addr, f.dst_addr, f.src_port, f.dst_port, f.protocol)
			  AND d.resolution IN ('true_positive', 'duplicate'));
	COMMENT ON VIEW %1$I.flow_normal IS 'flow_feature without the flows of alerts closed as true or duplicate: train on it';
	$ddl$, store, anomaly.flow_of_detection(), anomaly.under_fire());
END
$$;
COMMENT ON FUNCTION anomaly.make_feedback_views(name) IS 'makes the views of a new store that triage feeds';

CREATE FUNCTION @extschema@.anomaly_threshold_advice(store name)
RETURNS TABLE (kind text, name text, feature text, operator text, current float8, advised float8,
			   true_alerts bigint, false_alerts bigint, false_spared bigint)
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM anomaly.store(store);
	RETURN QUERY EXECUTE format($q$
	WITH judged AS (
		SELECT id, resolution = 'true_positive' AS good FROM %1$I.alert
		WHERE resolution IN ('true_positive', 'false_positive', 'benign_positive')
	), ranked AS (
		SELECT j.id, j.good, w.model, d.p_value, row_number() OVER (PARTITION BY j.id ORDER BY d.p_value) AS n, w.alert_flows,
			   coalesce(w.alert_p_value, power(10, -(w.alert_severity / 25 + 1))) AS current
		FROM judged j JOIN %1$I.alert a USING (id) JOIN %1$I.detection d ON d.alert_id = j.id
		JOIN %1$I.watch w ON w.id = a.watch_id AND w.id = d.watch_id AND w.alert_score IS NULL
	), met AS (		-- what an alert had at its most: the farther past the threshold, the larger
		SELECT 'watch' AS kind, model AS name, 'p_value' AS feature, '<=' AS operator, current, id, good, -p_value AS most
		FROM ranked WHERE n = alert_flows
		UNION ALL
		SELECT 'rule', c.rule, c.feature, c.operator, c.threshold, j.id, j.good,
			   max((r ->> 'value')::float8 * CASE WHEN c.operator IN ('>=', '>') THEN 1 ELSE -1 END)
		FROM judged j JOIN %1$I.detection d ON d.alert_id = j.id
		CROSS JOIN LATERAL jsonb_array_elements(d.reasons) r
		JOIN %1$I.threat_condition c ON c.rule = d.rule AND c.feature = r ->> 'feature' AND c.operator NOT IN ('=', '<>')
		GROUP BY c.rule, c.feature, c.operator, c.threshold, j.id, j.good
	), least AS (
		SELECT m.*, min(most) FILTER (WHERE good) OVER (PARTITION BY m.kind, m.name, m.feature, m.operator) AS kept FROM met m
	)
	SELECT l.kind, l.name, l.feature, l.operator, l.current, max(kept) * CASE WHEN l.operator IN ('>=', '>') THEN 1 ELSE -1 END,
		   count(*) FILTER (WHERE good), count(*) FILTER (WHERE NOT good), count(*) FILTER (WHERE NOT good AND most < kept)
	FROM least l GROUP BY 1, 2, 3, 4, 5
	HAVING count(*) FILTER (WHERE NOT good AND most < kept) > 0
	ORDER BY 9 DESC, 1, 2, 3$q$, store);
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_threshold_advice(name) IS
'thresholds of watches (as p_value) and of rules'' conditions that would have kept every alert closed as true and spared some of those closed as false or benign
advised is the value that the weakest true alert still had, with the operators >= and <=; a watch or condition without both kinds of alerts has no row';
