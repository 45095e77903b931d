-- Judging windows by the threat rules of a store.
--
-- Each window is joined with the conditions that hold for its features; a rule
-- fires where all of its conditions do.  A window that grows is judged again,
-- and its detection grows with it.

-- Windows as an upsert of 60_rollup.sql returned them (touched), with what their
-- features and detections need.
CREATE FUNCTION anomaly.window_select(store name, scope text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE scope WHEN 'source_minute' THEN $q$
		SELECT w.minute AS window_start, w.minute + interval '1 minute' AS window_end,
			   w.minute AS start_time, w.minute + interval '1 minute' AS end_time,
			   NULL::inet AS dst_addr, NULL::int4 AS dst_port, NULL::int2 AS protocol, w.dsts AS target_count, w.*
		FROM touched w
	$q$ ELSE format($q$
		SELECT w.day AS window_start, w.day + interval '1 day' AS window_end,
			   w.first_start AS start_time, w.last_start AS end_time, 1 AS target_count, w.*,
			   extract(epoch FROM w.last_start - w.first_start)::float8 AS span_s,
			   NOT w.dst_addr <<= ANY (st.home::inet[]) AS external
		FROM touched w JOIN anomaly.flow_store st ON st.name = %L
	$q$, store) END
$$;
COMMENT ON FUNCTION anomaly.window_select(name, text) IS 'query that completes the touched windows of a scope';

-- The value of a condition c's feature in a window w; threat_features() has
-- the same names.
CREATE FUNCTION anomaly.window_value(scope text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE scope WHEN 'source_minute' THEN $q$
		CASE c.feature
			WHEN 'flows' THEN w.flows::float8
			WHEN 'failed' THEN w.failed
			WHEN 'failed_share' THEN w.failed / w.flows::float8
			WHEN 'packets' THEN w.packets
			WHEN 'src_bytes' THEN w.src_bytes
			WHEN 'dst_bytes' THEN w.dst_bytes
			WHEN 'dsts' THEN w.dsts
			WHEN 'dst_ports' THEN w.dst_ports
			WHEN 'failed_dsts' THEN w.failed_dsts
			WHEN 'failed_ports' THEN w.failed_ports
			WHEN 'top_flows' THEN w.top_flows
			WHEN 'top_syn_only' THEN w.top_syn_only
			WHEN 'top_logins' THEN w.top_logins
			WHEN 'top_udp_packets' THEN w.top_udp_packets
			WHEN 'udp_answer_share' THEN w.top_udp_answers / nullif(w.top_udp_packets, 0)::float8
		END
	$q$ ELSE $q$
		CASE c.feature
			WHEN 'flows' THEN w.flows::float8
			WHEN 'failed_share' THEN w.failed / w.flows::float8
			WHEN 'src_payload' THEN w.src_payload
			WHEN 'dst_payload' THEN w.dst_payload
			WHEN 'payload_ratio' THEN w.src_payload / (w.dst_payload + 1)::float8
			WHEN 'payload_per_flow' THEN (w.src_payload + w.dst_payload) / w.flows::float8
			WHEN 'span_s' THEN w.span_s
			WHEN 'gap_mean_s' THEN w.span_s / nullif(w.flows - 1, 0)
			WHEN 'gap_cv' THEN sqrt(greatest(w.gap_sq_ms / 1e6::float8 * nullif(w.flows - 1, 0) / nullif(w.span_s, 0) ^ 2 - 1, 0))
			WHEN 'external' THEN w.external::int
			WHEN 'login' THEN (w.protocol = 6 AND w.dst_port = ANY (anomaly.login_ports()))::int
			WHEN 'dst_port' THEN w.dst_port
			WHEN 'protocol' THEN w.protocol
		END
	$q$ END
$$;
COMMENT ON FUNCTION anomaly.window_value(text) IS 'expression for the value of a feature in a window';

-- How far beyond its threshold a value is; the reasons' shares are in
-- proportion.  Equality tells which windows are meant, and is a reason only
-- where a rule has nothing else.
CREATE FUNCTION anomaly.excess(value float8, operator text, threshold float8) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN operator IN ('=', '<>') THEN 0
		WHEN value <= 0 OR threshold <= 0 THEN 1
		ELSE 1 + least(abs(ln(value / threshold)), 5) END
$$;
COMMENT ON FUNCTION anomaly.excess(float8, text, float8) IS 'weight of a met condition among the reasons';

-- A number as people read it: three decimals at most.
CREATE FUNCTION anomaly.number_text(value float8) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$SELECT CASE WHEN abs(value) < 0.001 AND value <> 0 THEN to_char(value, '9.99EEEE') ELSE (round(value::numeric, 3)::float8)::text END$$;
COMMENT ON FUNCTION anomaly.number_text(float8) IS 'a number with at most three decimals';

-- What would have been normal, given the condition that was met.
CREATE FUNCTION anomaly.expected_text(operator text, threshold float8) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE operator WHEN '>=' THEN '< ' WHEN '>' THEN '<= ' WHEN '<=' THEN '> ' WHEN '<' THEN '>= '
		WHEN '=' THEN 'not ' ELSE '' END || anomaly.number_text(threshold)
$$;
COMMENT ON FUNCTION anomaly.expected_text(text, float8) IS 'the opposite of a condition, as text';

-- Destinations and ports of a window that a rule fired on, the busiest first.
CREATE FUNCTION anomaly.window_targets(store name, src inet, dst inet, port int, lo timestamptz, hi timestamptz,
	OUT targets inet[], OUT ports int[])
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF dst IS NOT NULL THEN
		targets := ARRAY[dst];
		ports := ARRAY[port];
		RETURN;
	END IF;
	EXECUTE format($q$
	WITH seen AS MATERIALIZED (
		SELECT dst_addr, dst_port, count(*) AS flows FROM %1$I.flow
		WHERE src_addr = $1 AND start_time >= $2 AND start_time < $3 GROUP BY 1, 2
	)
	SELECT ARRAY(SELECT dst_addr FROM seen GROUP BY 1 ORDER BY sum(flows) DESC, 1 LIMIT 20),
		   ARRAY(SELECT dst_port FROM seen GROUP BY 1 ORDER BY sum(flows) DESC, 1 LIMIT 20)
	$q$, store) INTO targets, ports USING src, lo, hi;
END
$$;
COMMENT ON FUNCTION anomaly.window_targets(name, inet, inet, int, timestamptz, timestamptz) IS
	'destinations and ports of a source in a window, at most 20 of each';

-- The statement that updates the windows of a scope (upsert), judges those it
-- touched and writes the detections; its result is their sources.
CREATE FUNCTION anomaly.judge_statement(store name, scope text, upsert text, lo timestamptz, hi timestamptz) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT format($q$
	WITH touched AS (%2$s), judged AS MATERIALIZED (%3$s), condition AS MATERIALIZED (
		SELECT c.rule, c.feature, c.operator, c.threshold, count(*) OVER (PARTITION BY c.rule) AS together
		FROM %1$I.threat_condition c JOIN %1$I.threat_rule r USING (rule)
		WHERE r.enabled AND c.scope = %4$L
	), fired AS MATERIALIZED (
		SELECT w.*, r.rule, r.threat, r.severity, r.confidence
		FROM judged w
		CROSS JOIN LATERAL (
			SELECT c.rule FROM condition c
			CROSS JOIN LATERAL (SELECT %5$s OFFSET 0) v(value)	-- once, not per branch of holds()
			WHERE anomaly.holds(v.value, c.operator, c.threshold)
			GROUP BY c.rule HAVING count(*) = max(c.together)) f
		JOIN %1$I.threat_rule r USING (rule)
	), hit AS MATERIALIZED (
		SELECT w.*, e.reasons, t.targets, t.ports
		FROM fired w
		CROSS JOIN LATERAL (
			SELECT jsonb_agg(jsonb_build_object('feature', m.feature, 'value', anomaly.number_text(m.value),
						'expected', anomaly.expected_text(m.operator, m.threshold), 'share', round(coalesce(m.excess / nullif(m.sum, 0), 1.0 / m.n)::numeric, 4))
					ORDER BY m.excess DESC, m.feature) AS reasons
			FROM (SELECT c.feature, v.value, c.operator, c.threshold, x.excess, sum(x.excess) OVER () AS sum, count(*) OVER () AS n
				  FROM condition c
				  CROSS JOIN LATERAL (SELECT %5$s AS value) v
				  CROSS JOIN LATERAL anomaly.excess(v.value, c.operator, c.threshold) AS x(excess)
				  WHERE c.rule = w.rule) m
			WHERE m.excess > 0 OR m.sum = 0) e
		CROSS JOIN LATERAL anomaly.window_targets(%1$L, w.src_addr, w.dst_addr, w.dst_port, w.window_start, w.window_end) t
	), grown AS (
		UPDATE %1$I.detection d
		SET alert_id = NULL, start_time = h.start_time, end_time = h.end_time, flow_count = h.flows,
			target_count = h.target_count, reasons = h.reasons, targets = h.targets, ports = h.ports
		FROM hit h
		WHERE d.src_addr = h.src_addr AND d.start_time >= h.window_start AND d.start_time < h.window_end
		  AND d.start_time >= %6$L AND d.start_time < %7$L
		  AND d.rule = h.rule AND d.window_start = h.window_start
		  AND (d.dst_addr, d.dst_port, d.protocol) IS NOT DISTINCT FROM (h.dst_addr, h.dst_port, h.protocol)
		RETURNING h.rule, h.window_start, h.src_addr, h.dst_addr, h.dst_port, h.protocol
	), new AS (
		INSERT INTO %1$I.detection (start_time, end_time, window_start, flow_count, severity, confidence, dst_port,
			target_count, protocol, src_addr, dst_addr, threat, rule, reasons, indicators, targets, ports)
		SELECT start_time, end_time, window_start, flows, severity, confidence, dst_port,
			target_count, protocol, src_addr, dst_addr, threat, rule, reasons, ARRAY[rule], targets, ports
		FROM hit h
		WHERE NOT EXISTS (SELECT FROM grown g
			WHERE (g.rule, g.window_start, g.src_addr) = (h.rule, h.window_start, h.src_addr)
			  AND (g.dst_addr, g.dst_port, g.protocol) IS NOT DISTINCT FROM (h.dst_addr, h.dst_port, h.protocol))
		RETURNING 1
	), counted AS (
		UPDATE %1$I.tally SET detections = detections + (SELECT count(*) FROM new)
	)
	SELECT array_agg(DISTINCT src_addr) FROM hit
	$q$, store, upsert, anomaly.window_select(store, scope), scope, anomaly.window_value(scope), lo, hi)
$$;
COMMENT ON FUNCTION anomaly.judge_statement(name, text, text, timestamptz, timestamptz) IS
	'statement that updates the windows of a scope and writes detections where threat rules fire';
