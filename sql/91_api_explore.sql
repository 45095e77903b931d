-- The API, continued: flows as points, and the week as a calendar.
--
-- Flows are looked at through a sample that does not change while the data does
-- not: windows of time in the order of a hash of theirs, until they hold enough
-- flows; of these flows the first by a hash of time and ports.  The rollups say
-- how many flows a minute has, so no more than those windows are read.
-- Detections are rare and would be missed: those of the period come in addition,
-- a sample of them when there are many.

CREATE FUNCTION anomaly.make_api_explore(api name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	-- All of it in one window when that is little enough, else about fifty.
	CREATE FUNCTION %1$I.sampled_windows(t0 timestamptz, t1 timestamptz, host inet = NULL, most int = 50000)
	RETURNS TABLE (lo timestamptz, hi timestamptz, flows bigint)
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
	AS $f$
		WITH minute AS (
			SELECT m.minute, sum(m.flows) AS flows FROM %1$I.flow_minute m
			WHERE host IS NULL AND m.minute > t0 - interval '1 minute' AND m.minute < t1 GROUP BY 1
			UNION ALL
			SELECT s.minute, s.flows FROM %1$I.source_minute s
			WHERE s.src_addr = host AND s.minute > t0 - interval '1 minute' AND s.minute < t1
		), size AS (
			SELECT w.most, greatest(1, floor(date_part('epoch', max(m.minute) - min(m.minute)) / 60 * w.most / sum(m.flows)::float8 / 50))
						   * CASE WHEN sum(m.flows) > w.most THEN 1 END AS minutes
			FROM (SELECT least(greatest(coalesce(sampled_windows.most, 50000), 1), 200000) AS most) w, minute m GROUP BY 1
		), part AS (
			SELECT coalesce(floor(date_part('epoch', m.minute - date_trunc('minute', t0)) / 60 / z.minutes), 0)::int AS i, sum(m.flows)::bigint AS flows
			FROM minute m, size z GROUP BY 1
		), ranked AS (
			SELECT p.*, sum(p.flows) OVER w - p.flows AS before, row_number() OVER w AS place
			FROM part p WINDOW w AS (ORDER BY hashint4extended(p.i, 0), p.i)
		)
		SELECT greatest(t0, date_trunc('minute', t0) + coalesce(r.i * z.minutes, 0) * interval '1 minute'),
			   least(t1, date_trunc('minute', t0) + (r.i + 1) * z.minutes * interval '1 minute'), r.flows
		FROM ranked r, size z WHERE r.before < z.most AND r.place <= 200
	$f$;
	COMMENT ON FUNCTION %1$I.sampled_windows(timestamptz, timestamptz, inet, int) IS
		'parts of a period that hold about so many flows, 1 to 200,000, or all of it when it has no more; the same ones each time';

	CREATE FUNCTION %1$I.scatter(t0 timestamptz, t1 timestamptz, host inet = NULL, threat text = NULL, points int = 2000)
	RETURNS TABLE (start_time timestamptz, row_id tid, src_addr inet, src_port int4, dst_addr inet, dst_port int4, protocol int2, service text,
				   detection_id int8, alert_id int8, severity float8,
				   duration_s float8, src_payload int8, dst_payload int8, payload_ratio float8, bytes int8, packets int8, bytes_per_packet float8,
				   bytes_per_s float8, packets_per_s float8, retransmission_rate float8, src_distinct_dsts int4, src_distinct_ports int4, src_failed int4)
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
	AS $f$
		WITH size AS (SELECT least(greatest(coalesce(points, 2000), 10), 2000) AS n),
		anomalous AS MATERIALIZED (
			SELECT d.id, d.start_time FROM %1$I.found(t0, t1, host, threat) d WHERE d.watch_id IS NOT NULL
			ORDER BY hashint8extended(d.id, 0), d.id LIMIT 1000
		), sampled AS MATERIALIZED (
			SELECT f.start_time, f.row_id, f.src_addr
			FROM %1$I.sampled_windows(t0, t1, host) w
			CROSS JOIN LATERAL (
				SELECT x.start_time, x.row_id, x.src_addr, x.src_port, x.dst_port FROM %1$I.flows x
				WHERE host IS NULL AND x.start_time >= w.lo AND x.start_time < w.hi
				UNION ALL
				SELECT x.start_time, x.row_id, x.src_addr, x.src_port, x.dst_port FROM %1$I.flows x
				WHERE x.src_addr = host AND x.start_time >= w.lo AND x.start_time < w.hi) f
			WHERE scatter.threat IS NULL
			ORDER BY hashint8extended((date_part('epoch', f.start_time) * 1e6)::int8, f.src_port * 65536::int8 + f.dst_port), f.start_time, f.row_id
			LIMIT (SELECT n FROM size)
		), picked AS (
			-- limits and offsets keep them lookups: as joins they would read all there is
			SELECT f.*, d.id AS detection_id, d.alert_id, d.severity
			FROM anomalous a
			CROSS JOIN LATERAL (SELECT x.* FROM %1$I.detection x WHERE x.start_time = a.start_time AND x.id = a.id LIMIT 1) d
			CROSS JOIN LATERAL (
				SELECT x.* FROM %1$I.flows x
				WHERE x.src_addr = d.src_addr AND x.start_time = d.start_time AND x.dst_addr = d.dst_addr
				  AND x.src_port = d.src_port AND x.dst_port = d.dst_port AND x.protocol = d.protocol ORDER BY x.row_id LIMIT 1) f
			UNION ALL
			SELECT f.*, NULL, NULL, NULL
			FROM sampled s
			CROSS JOIN LATERAL (
				SELECT x.* FROM %1$I.flows x WHERE x.src_addr = s.src_addr AND x.start_time = s.start_time AND x.row_id = s.row_id LIMIT 1) f
			-- found by a model, but past the thousand: nothing ordinary either
			WHERE NOT EXISTS (
				SELECT FROM %1$I.detection d
				WHERE d.src_addr = f.src_addr AND d.start_time = f.start_time AND d.dst_addr = f.dst_addr
				  AND d.src_port = f.src_port AND d.dst_port = f.dst_port AND d.protocol = f.protocol AND d.watch_id IS NOT NULL OFFSET 0)
		)
		SELECT p.start_time, p.row_id, p.src_addr, p.src_port, p.dst_addr, p.dst_port, p.protocol, p.service,
			   p.detection_id, p.alert_id, p.severity,
			   p.duration_s, p.src_payload, p.dst_payload, p.payload_ratio, p.bytes, p.packets, p.bytes_per_packet,
			   p.bytes_per_s, p.packets_per_s, p.retransmission_rate, p.src_distinct_dsts, p.src_distinct_ports, p.src_failed
		FROM picked p ORDER BY p.severity NULLS FIRST, p.start_time, p.row_id
	$f$;
	COMMENT ON FUNCTION %1$I.scatter(timestamptz, timestamptz, inet, text, int) IS
		'a sample of the flows of a period with their features, 10 to 2,000 ordinary ones, and those that a model found anomalous (detection_id), up to 1,000; the same sample each time; with a threat only these';

	CREATE FUNCTION %1$I.calendar(t0 timestamptz, t1 timestamptz, host inet = NULL, threat text = NULL, zone text = 'UTC')
	RETURNS TABLE (dow int, hour int, hours bigint, flows bigint, bytes bigint, detections bigint, severity float8)
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC'
	SET enable_sort = off
	SET jit = off
	AS $f$
		WITH cell AS (
			SELECT d AS dow, h AS hour FROM generate_series(1, 7) d, generate_series(0, 23) h
		), seen AS (
			SELECT extract(isodow FROM g AT TIME ZONE zone)::int AS dow, extract(hour FROM g AT TIME ZONE zone)::int AS hour, count(*) AS hours
			FROM generate_series(date_trunc('hour', greatest(t0, t1 - interval '400 days')), t1 - interval '1 microsecond', interval '1 hour') g GROUP BY 1, 2
		), traffic AS (
			SELECT extract(isodow FROM l.t)::int AS dow, extract(hour FROM l.t)::int AS hour, sum(l.flows)::bigint AS flows, sum(l.bytes)::bigint AS bytes
			FROM (SELECT date_trunc('hour', r.t AT TIME ZONE zone) AS t, sum(r.flows) AS flows, sum(r.bytes) AS bytes
				  FROM %1$I.traffic(greatest(t0, t1 - interval '400 days'), t1, host) r GROUP BY 1) l GROUP BY 1, 2
		), found AS (
			SELECT extract(isodow FROM l.t)::int AS dow, extract(hour FROM l.t)::int AS hour, sum(l.detections)::bigint AS detections, max(l.severity) AS severity
			FROM (SELECT date_trunc('hour', f.start_time AT TIME ZONE zone) AS t, count(*) AS detections, max(f.severity) AS severity
				  FROM %1$I.found(greatest(t0, t1 - interval '400 days'), t1, host, threat) f GROUP BY 1) l GROUP BY 1, 2
		)
		SELECT dow, hour, coalesce(s.hours, 0), coalesce(r.flows, 0), coalesce(r.bytes, 0), coalesce(f.detections, 0), f.severity
		FROM cell LEFT JOIN seen s USING (dow, hour) LEFT JOIN traffic r USING (dow, hour) LEFT JOIN found f USING (dow, hour)
		ORDER BY 1, 2
	$f$;
	COMMENT ON FUNCTION %1$I.calendar(timestamptz, timestamptz, inet, text, text) IS
		'traffic and detections by day of the week (1 is Monday) and hour in a time zone, of at most the last 400 days of a period; hours is how often that hour was in it';
	$ddl$, api);
END
$$;
COMMENT ON FUNCTION anomaly.make_api_explore(name) IS 'makes the functions of an API schema that show flows as points and the week as a calendar';
