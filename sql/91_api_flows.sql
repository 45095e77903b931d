-- The API, continued: single flows of all hosts, a page at a time.
--
-- flow has no index that is in order of time (BRIN is, by the block, and costs a
-- load next to nothing), so a page is not simply the first rows of one.  But the
-- rollups say how many flows a minute has: they tell where the window begins
-- that holds a page, and only that is read and sorted.  They tell of a port too:
-- on which days it was asked for, in how many of the day's flows, and, when those
-- are few, by whom, which is an index away.

CREATE FUNCTION anomaly.make_api_flows(api name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE FUNCTION %1$I.period_flows(t0 timestamptz, t1 timestamptz, port int = NULL,
		after_time timestamptz = NULL, after_row tid = NULL, size int = 100)
	RETURNS SETOF %1$I.flows
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC'
	SET jit = off
	AS $f$
	DECLARE
		most CONSTANT int := 50000;		-- flows to read for a page
		wanted int := least(greatest(coalesce(size, 100), 1), 1000);
		before timestamptz := least(t1, after_time + interval '1 microsecond');
		day record;
		lo timestamptz;
		seen bigint;
		got bigint;
	BEGIN
		FOR day IN
			SELECT d.day, sum(d.flows) AS flows, sum(CASE WHEN port IS NULL THEN d.flows ELSE s.flows END) AS asked
			FROM (SELECT date_trunc('day', h.hour) AS day, h.protocol, sum(h.flows) AS flows
				  FROM %1$I.flow_hour h WHERE h.hour > t0 - interval '1 hour' AND h.hour < before GROUP BY 1, 2) d
			LEFT JOIN %1$I.service_day s ON s.day = d.day AND s.protocol = d.protocol AND s.dst_port = port
			GROUP BY 1 HAVING sum(CASE WHEN port IS NULL THEN d.flows ELSE s.flows END) > 0 ORDER BY 1 DESC
		LOOP
			seen := ceil(wanted * day.flows / day.asked);
			IF seen > most AND port IS NOT NULL THEN
				RETURN QUERY
					SELECT f.*
					FROM (SELECT DISTINCT p.src_addr, p.dst_addr, p.protocol FROM %1$I.peer_day p WHERE p.day = day.day AND p.dst_port = port OFFSET 0) p
					CROSS JOIN LATERAL (
						SELECT x.* FROM %1$I.flows x
						WHERE x.src_addr = p.src_addr AND x.dst_addr = p.dst_addr AND x.protocol = p.protocol AND x.dst_port = port
						  AND x.start_time >= greatest(t0, day.day) AND x.start_time < least(before, day.day + interval '1 day')
						  AND (after_time IS NULL OR (x.start_time, x.row_id) < (after_time, after_row)) OFFSET 0) f
					ORDER BY f.start_time DESC, f.row_id DESC LIMIT wanted;
				GET DIAGNOSTICS got = ROW_COUNT;
				wanted := wanted - got;
			ELSE
				before := least(before, day.day + interval '1 day');
				WHILE wanted > 0 AND before > greatest(t0, day.day) LOOP
					-- the last minute from which on there are as many flows
					SELECT m.minute INTO lo
					FROM (SELECT f.minute, sum(f.flows) OVER (ORDER BY f.minute DESC, f.protocol DESC) AS flows FROM %1$I.flow_minute f
						  WHERE f.minute >= day.day AND f.minute < date_trunc('minute', before)) m
					WHERE m.flows >= seen LIMIT 1;
					lo := greatest(t0, coalesce(lo, day.day));
					RETURN QUERY
						SELECT x.* FROM %1$I.flows x
						WHERE x.start_time >= lo AND x.start_time < before AND (port IS NULL OR x.dst_port = port)
						  AND (after_time IS NULL OR (x.start_time, x.row_id) < (after_time, after_row))
						ORDER BY x.start_time DESC, x.row_id DESC LIMIT wanted;
					GET DIAGNOSTICS got = ROW_COUNT;
					wanted := wanted - got;
					before := lo;
					seen := 2 * seen;	-- fewer than the rollups say: some were deleted, or the port comes at other times
				END LOOP;
			END IF;
			EXIT WHEN wanted <= 0;
		END LOOP;
	END
	$f$;
	COMMENT ON FUNCTION %1$I.period_flows(timestamptz, timestamptz, int, timestamptz, tid, int) IS
		'flows of a period, or those to one port, newest first, 1 to 1,000; after_time and after_row are start_time and row_id of the last one of the page before; of one host: host_flows';
	$ddl$, api);
END
$$;
COMMENT ON FUNCTION anomaly.make_api_flows(name) IS 'makes the function of an API schema that pages through the flows of a period';
