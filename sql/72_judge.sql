-- Judging windows by the threat rules of a store.
--
-- Each window is joined with the conditions that hold for its features; a rule
-- fires where all of its conditions do.  Features that are in the window itself
-- come first; what has to be looked up elsewhere only where the rule's other
-- conditions hold.  A window that grows is judged again, and its detection
-- grows with it.

-- Windows as an upsert of 60_rollup.sql returned them (touched), with what their
-- features and detections need.  They are sorted, so that the upsert is done
-- before the first of them is judged: a batch may bring a day and those before.
CREATE FUNCTION anomaly.window_select(store name, scope text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE scope WHEN 'target_minute' THEN $q$
		SELECT w.minute AS window_start, w.minute + interval '1 minute' AS window_end,
			   w.minute AS start_time, w.minute + interval '1 minute' AS end_time,
			   CASE family(w.dst_addr) WHEN 4 THEN inet '0.0.0.0' ELSE inet '::' END AS src_addr,
			   NULL::int4 AS dst_port, NULL::int2 AS protocol, 1 AS target_count, w.*
		FROM touched w
	$q$ WHEN 'source_minute' THEN $q$
		SELECT w.minute AS window_start, w.minute + interval '1 minute' AS window_end,
			   w.minute AS start_time, w.minute + interval '1 minute' AS end_time,
			   NULL::inet AS dst_addr, NULL::int4 AS dst_port, NULL::int2 AS protocol, w.dsts AS target_count, w.*
		FROM touched w ORDER BY w.minute
	$q$ WHEN 'source_day' THEN $q$
		SELECT w.day AS window_start, w.day + interval '1 day' AS window_end,
			   w.first_start AS start_time, w.last_start AS end_time,
			   NULL::inet AS dst_addr, NULL::int4 AS dst_port, NULL::int2 AS protocol, 0 AS target_count, w.*
		FROM touched w ORDER BY w.day
	$q$ ELSE format($q$
		SELECT w.day AS window_start, w.day + interval '1 day' AS window_end,
			   w.first_start AS start_time, w.last_start AS end_time, 1 AS target_count, w.*,
			   NOT w.dst_addr <<= ANY (st.home::inet[]) AS external
		FROM touched w JOIN anomaly.flow_store st ON st.name = %L ORDER BY w.day
	$q$, store) END
$$;
COMMENT ON FUNCTION anomaly.window_select(name, text) IS 'query that completes the touched windows of a scope';

-- The features that have no expression in threat_measures(), for the window of
-- a key.  VOLATILE, for it has to see what the statement that calls it has just
-- written.
CREATE FUNCTION anomaly.window_lookup(store name, feature text, src inet, dst inet, port int, protocol int, since timestamptz)
RETURNS float8
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	value float8;
BEGIN
	EXECUTE CASE feature
		WHEN 'sources' THEN format($q$
			SELECT count(DISTINCT src_addr) FROM %1$I.flow_feature f
			WHERE dst_addr = $2 AND start_time >= $5 AND start_time < $5 + interval '1 minute' AND %2$s$q$, store, anomaly.under_fire())
		WHEN 'spike_sd' THEN format($q$
			SELECT (max(bytes) FILTER (WHERE minute = $5) - avg(bytes) FILTER (WHERE minute < $5))
				   / nullif(stddev(bytes) FILTER (WHERE minute < $5), 0)
			FROM (SELECT minute, (src_bytes + dst_bytes)::float8 AS bytes FROM %I.source_minute
				  WHERE src_addr = $1 AND minute <= $5 AND minute > $5 - interval '1 day') m
			HAVING count(*) > 30$q$, store)
		WHEN 'growth' THEN format($q$
			SELECT (sum(src_bytes + dst_bytes) FILTER (WHERE minute > $5 - interval '10 minutes'))::float8
				   / nullif(sum(src_bytes + dst_bytes) FILTER (WHERE minute <= $5 - interval '10 minutes'), 0)
			FROM %I.source_minute WHERE src_addr = $1 AND minute <= $5 AND minute > $5 - interval '20 minutes'$q$, store)
		WHEN 'hour_share' THEN format($q$
			SELECT (max(bytes) / sum(bytes))::float8
			FROM (SELECT sum(src_bytes + dst_bytes) AS bytes FROM %I.source_minute
				  WHERE src_addr = $1 AND minute >= $5 AND minute < $5 + interval '1 day' GROUP BY date_trunc('hour', minute)) h$q$, store)
		WHEN 'days_known' THEN format($q$
			SELECT count(*) FROM %I.source_day WHERE src_addr = $1 AND day < $5 AND day >= $5 - interval '14 days'$q$, store)
		WHEN 'upload_ratio' THEN format($q$
			SELECT max(upload) FILTER (WHERE day = $5) / greatest(avg(upload) FILTER (WHERE day < $5), 1)
			FROM %I.source_day WHERE src_addr = $1 AND day <= $5 AND day >= $5 - interval '14 days'$q$, store)
		WHEN 'rhythm_hosts' THEN format($q$
			SELECT count(*) FROM (
				SELECT FROM (SELECT flows, anomaly.gap_mean(flows, first_start, last_start) AS mean FROM %1$I.peer_day
							 WHERE (day, src_addr, dst_addr, dst_port, protocol) = ($5, $1, $2, $3, $4)
							   AND anomaly.gap_cv(flows, first_start, last_start, gap_sq_ms) <= 0.3) w
				JOIN %1$I.peer_day b ON 2 * b.flows >= w.flows
					AND anomaly.gap_mean(b.flows, b.first_start, b.last_start) BETWEEN w.mean / 1.5 AND w.mean * 1.5
				WHERE (b.day, b.src_addr, b.dst_port, b.protocol) = ($5, $1, $3, $4)
				  AND anomaly.gap_cv(b.flows, b.first_start, b.last_start, b.gap_sq_ms) <= 0.3
				LIMIT 100) r	-- who polls thousands would be looked at thousands of times$q$, store)
		WHEN 'new_peer' THEN format($q$
			SELECT (EXISTS (SELECT FROM %1$I.source_day WHERE src_addr = $1 AND day < $5)
					AND NOT EXISTS (SELECT FROM %1$I.peer_day WHERE src_addr = $1 AND dst_addr = $2 AND day < $5))::int$q$, store)
		WHEN 'new_service' THEN format($q$
			SELECT (EXISTS (SELECT FROM %1$I.peer_day WHERE dst_addr = $2 AND day < $5)
					AND NOT EXISTS (SELECT FROM %1$I.peer_day p WHERE dst_addr = $2 AND dst_port = $3 AND protocol = $4 AND day < $5))::int$q$, store)
	END INTO value USING src, dst, port, protocol, since;
	RETURN value;
END
$$;
COMMENT ON FUNCTION anomaly.window_lookup(name, text, inet, inet, int, int, timestamptz) IS
	'value of a feature that is looked up, for a window of a source, a target or both';

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
	IF port IS NOT NULL THEN
		targets := ARRAY[dst];
		ports := ARRAY[port];
		RETURN;
	END IF;
	EXECUTE format($q$
	WITH seen AS MATERIALIZED (
		SELECT dst_addr, dst_port, count(*) AS flows FROM %1$I.flow
		WHERE %2$s AND start_time >= $2 AND start_time < $3 GROUP BY 1, 2
	)
	SELECT ARRAY(SELECT dst_addr FROM seen GROUP BY 1 ORDER BY sum(flows) DESC, 1 LIMIT 20),
		   ARRAY(SELECT dst_port FROM seen GROUP BY 1 ORDER BY sum(flows) DESC, 1 LIMIT 20)
	$q$, store, CASE WHEN dst IS NULL THEN 'src_addr = $1' ELSE 'dst_addr = $4' END) INTO targets, ports USING src, lo, hi, dst;
END
$$;
COMMENT ON FUNCTION anomaly.window_targets(name, inet, inet, int, timestamptz, timestamptz) IS
	'destinations and ports of a source, or ports of a destination, in a window, at most 20 of each';

-- The statement that updates the windows of a scope (upsert), judges those it
-- touched and writes the detections; its result is their sources.  The features
-- of a window are an array, and a condition says at which place it looks.
CREATE FUNCTION anomaly.judge_statement(store name, scope text, upsert text, lo timestamptz, hi timestamptz) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT format($q$
	WITH touched AS (%2$s), judged AS MATERIALIZED (
		SELECT w.*, ARRAY[%5$s]::float8[] AS measured FROM (%3$s) w
	), condition AS MATERIALIZED (
		SELECT c.rule, c.feature, c.operator, c.threshold, array_position(%8$L, c.feature) AS place,
			   count(*) OVER (PARTITION BY c.rule) AS together
		FROM %1$I.threat_condition c JOIN %1$I.threat_rule r USING (rule)
		WHERE r.enabled AND c.scope = %4$L
	), candidate AS MATERIALIZED (
		SELECT w.*, f.rule
		FROM judged w
		CROSS JOIN LATERAL (
			SELECT c.rule FROM condition c
			WHERE c.place IS NULL OR anomaly.holds(w.measured[c.place], c.operator, c.threshold)
			GROUP BY c.rule HAVING count(*) = max(c.together)) f
	), fired AS MATERIALIZED (
		SELECT w.*, r.threat, r.severity, r.confidence
		FROM candidate w JOIN %1$I.threat_rule r USING (rule)
		WHERE NOT EXISTS (
			SELECT FROM condition c CROSS JOIN LATERAL (SELECT %9$s OFFSET 0) v(value)	-- once, not per branch of holds()
			WHERE c.rule = w.rule AND c.place IS NULL AND anomaly.holds(v.value, c.operator, c.threshold) IS NOT TRUE)
	), hit AS MATERIALIZED (
		SELECT w.*, e.reasons, t.targets, t.ports
		FROM fired w
		CROSS JOIN LATERAL (
			SELECT jsonb_agg(jsonb_build_object('feature', m.feature, 'value', anomaly.number_text(m.value),
						'expected', anomaly.expected_text(m.operator, m.threshold), 'share', round(coalesce(m.excess / nullif(m.sum, 0), 1.0 / m.n)::numeric, 4))
					ORDER BY m.excess DESC, m.feature) AS reasons
			FROM (SELECT c.feature, v.value, c.operator, c.threshold, x.excess, sum(x.excess) OVER () AS sum, count(*) OVER () AS n
				  FROM condition c
				  CROSS JOIN LATERAL (SELECT CASE WHEN c.place IS NULL THEN %9$s ELSE w.measured[c.place] END AS value) v
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
	$q$, store, upsert, anomaly.window_select(store, scope), scope, m.expressions, lo, hi, m.features,
		format('anomaly.window_lookup(%L, c.feature, w.src_addr, w.dst_addr, w.dst_port, w.protocol, w.window_start)', store))
FROM (SELECT string_agg(expression, ', ') AS expressions, array_agg(feature) AS features
	  FROM anomaly.threat_measures(scope) WHERE expression IS NOT NULL) m
$$;
COMMENT ON FUNCTION anomaly.judge_statement(name, text, text, timestamptz, timestamptz) IS
	'statement that updates the windows of a scope and writes detections where threat rules fire';
