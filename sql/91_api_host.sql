-- The API, continued: one host, and who is at the top.
--
-- Addresses, services and peers are known by whole UTC days: what is asked of
-- them is answered for the days that the period touches, and the page says so.
-- Single flows are read for one host and a period, a page at a time; the view
-- behind that is for these functions and those of 91_api_explore.sql, which read
-- a bounded sample.

CREATE FUNCTION anomaly.make_api_host(store name, api name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE VIEW %1$I.flows AS
		SELECT f.start_time, f.row_id, f.src_addr, f.src_port, f.dst_addr, f.dst_port, f.protocol, f.service, f.conn_state, f.failed,
			   f.duration_s, f.src_bytes, f.dst_bytes, f.bytes, f.src_payload, f.dst_payload, f.src_packets, f.dst_packets, f.packets,
			   f.bytes_per_packet, f.bytes_per_s, f.packets_per_s, f.payload_ratio, f.retransmission_rate, f.rtt_us,
			   f.src_distinct_dsts, f.src_distinct_ports, f.src_failed
		FROM (%3$s) f;
	COMMENT ON VIEW %1$I.flows IS 'single flows; without a host and a period it reads all of them, until the timeout: page with host_flows and period_flows';
	COMMENT ON COLUMN %1$I.flows.row_id IS 'with start_time it names a flow';
	CREATE VIEW %1$I.source_day AS
		SELECT day, src_addr, flows, tcp, udp, icmp, failed, payload, upload, first_start, last_start FROM %2$I.source_day;
	COMMENT ON VIEW %1$I.source_day IS 'what each source did in each UTC day';
	CREATE VIEW %1$I.service_day AS
		SELECT day, protocol, dst_port, flows, failed, payload FROM %2$I.service_day;
	COMMENT ON VIEW %1$I.service_day IS 'traffic per UTC day, protocol and destination port';
	CREATE VIEW %1$I.peer_day AS
		SELECT day, src_addr, dst_addr, dst_port, protocol, flows, failed, src_payload, dst_payload FROM %2$I.peer_day;
	COMMENT ON VIEW %1$I.peer_day IS 'each source''s dealings with each service of each host in each UTC day';
	$ddl$, api, store, anomaly.feature_select(format('(SELECT x.ctid AS row_id, x.* FROM %I.flow x)', store)));
	EXECUTE format($ddl$
	-- Newest first.  Both directions have an index: each gives a page, of which
	-- the newest make the answer.
	CREATE FUNCTION %1$I.host_flows(host inet, t0 timestamptz, t1 timestamptz,
		after_time timestamptz = NULL, after_row tid = NULL, size int = 100)
	RETURNS SETOF %1$I.flows
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $f$
		WITH page AS (SELECT least(greatest(coalesce(size, 100), 1), 1000) AS n)
		SELECT * FROM (
			(SELECT f.* FROM %1$I.flows f
			 WHERE f.src_addr = host AND f.start_time >= t0 AND f.start_time < t1 AND f.start_time <= coalesce(after_time, 'infinity')
			   AND (after_time IS NULL OR (f.start_time, f.row_id) < (after_time, after_row))
			 ORDER BY f.start_time DESC, f.row_id DESC LIMIT (SELECT n FROM page))
			UNION ALL
			(SELECT f.* FROM %1$I.flows f
			 WHERE f.dst_addr = host AND f.src_addr <> host
			   AND f.start_time >= t0 AND f.start_time < t1 AND f.start_time <= coalesce(after_time, 'infinity')
			   AND (after_time IS NULL OR (f.start_time, f.row_id) < (after_time, after_row))
			 ORDER BY f.start_time DESC, f.row_id DESC LIMIT (SELECT n FROM page))
		) f ORDER BY f.start_time DESC, f.row_id DESC LIMIT (SELECT n FROM page)
	$f$;
	COMMENT ON FUNCTION %1$I.host_flows(inet, timestamptz, timestamptz, timestamptz, tid, int) IS
		'flows from and to a host in a period, newest first, at most 1,000; after_time and after_row are start_time and row_id of the last one of the page before';

	-- Sources of a host on the left, its targets on the right: a peer that is
	-- both counts as two nodes.  What does not fit is summed, peer NULL.
	CREATE FUNCTION %1$I.host_peers(host inet, t0 timestamptz, t1 timestamptz, nodes int = 40)
	RETURNS TABLE (peer inet, outbound bool, peers bigint, flows bigint, failed bigint, bytes bigint)
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC'
	AS $f$
		WITH dealing AS (
			SELECT p.dst_addr AS peer, true AS outbound, p.flows, p.failed, p.src_payload + p.dst_payload AS bytes
			FROM generate_series(date_trunc('day', t0), t1 - interval '1 microsecond', interval '1 day') d
			JOIN %1$I.peer_day p ON p.day = d AND p.src_addr = host
			UNION ALL
			SELECT p.src_addr, false, p.flows, p.failed, p.src_payload + p.dst_payload
			FROM (SELECT p.* FROM %1$I.peer_day p WHERE p.dst_addr = host AND p.src_addr <> host OFFSET 0) p	-- by address, not all of the days
			WHERE p.day >= date_trunc('day', t0) AND p.day < t1
		), node AS (
			SELECT d.peer, d.outbound, sum(d.flows) AS flows, sum(d.failed) AS failed, sum(d.bytes) AS bytes,
				   row_number() OVER (ORDER BY sum(d.flows) DESC, sum(d.bytes) DESC, d.peer, d.outbound)
					   <= least(greatest(coalesce(nodes, 40), 4), 100) - 3 AS fits
			FROM dealing d GROUP BY 1, 2
		)
		SELECT CASE WHEN n.fits THEN n.peer END, n.outbound, count(*), sum(n.flows)::bigint, sum(n.failed)::bigint, sum(n.bytes)::bigint
		FROM node n GROUP BY 1, 2 ORDER BY 1 IS NULL, 4 DESC, 6 DESC, 1, 2
	$f$;
	COMMENT ON FUNCTION %1$I.host_peers(inet, timestamptz, timestamptz, int) IS
		'who a host dealt with in the UTC days of a period, most flows first; bytes of payload; with the host and one node for the others of each side at most so many nodes, 4 to 100';
	$ddl$, api);
END
$$;
COMMENT ON FUNCTION anomaly.make_api_host(name, name) IS 'makes the flows and peers of an API schema';

-- What a host usually does: the band of a bucket lies between the twentieth and
-- the nineteenth twentieth of what the same host did on up to 28 earlier days of
-- the same kind (working day or weekend), at that time of day and up to an hour
-- or four buckets, whichever is less, around it.  A host's silence counts as
-- zeros from its first flow in those days on; with fewer than eight buckets to
-- look back at there is no band.  Buckets are so many whole minutes that a day
-- is a whole number of them.
CREATE FUNCTION anomaly.make_api_band(api name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE FUNCTION %1$I.host_timeline(host inet, t0 timestamptz, t1 timestamptz, threat text = NULL, buckets int = 300)
	RETURNS TABLE (t timestamptz, flows bigint, packets bigint, bytes bigint,
				   critical bigint, major bigint, minor bigint, warning bigint, history bigint,
				   flows_low float8, flows_usual float8, flows_high float8,
				   packets_low float8, packets_usual float8, packets_high float8,
				   bytes_low float8, bytes_usual float8, bytes_high float8)
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC'
	SET jit = off
	AS $f$
		WITH asked AS (
			SELECT greatest(date_part('epoch', t1 - t0), 0) / 60 / least(greatest(coalesce(buckets, 300), 1), 500) AS minutes
		), step AS (
			SELECT 60 * coalesce((SELECT min(m) FROM generate_series(1, 1440) m WHERE 1440 %% m = 0 AND m >= minutes),
								 ceil(minutes / 1440) * 1440)::int AS s FROM asked
		), frame AS (
			SELECT s, 86400 / s AS per_day, least(4, 3600 / s) AS around,
				   ceil(date_part('epoch', t1 - t0) / s)::int AS n,
				   (SELECT floor(date_part('epoch', min(m.minute) - t0) / s)::int FROM %1$I.source_minute m
					WHERE m.src_addr = host AND m.minute >= t0 - interval '28 days' AND m.minute < t1) AS first
			FROM step
		), done AS (
			SELECT floor(date_part('epoch', m.minute - t0) / s)::int AS i, sum(m.flows)::bigint AS flows,
				   sum(m.packets)::bigint AS packets, sum(m.src_bytes + m.dst_bytes)::bigint AS bytes
			FROM frame, %1$I.source_minute m
			WHERE m.src_addr = host AND m.minute >= t0 - interval '28 days' AND m.minute < t1 GROUP BY 1
		), series AS MATERIALIZED (
			SELECT i, extract(isodow FROM t0 + i * make_interval(secs => s)) > 5 AS weekend,
				   coalesce(d.flows, 0) AS flows, coalesce(d.packets, 0) AS packets, coalesce(d.bytes, 0) AS bytes
			FROM frame CROSS JOIN LATERAL generate_series(least(first, 0), n - 1) i LEFT JOIN done d USING (i)
		), lookback AS MATERIALIZED (	-- by number first: as one join it would be loops over the series
			SELECT y.i, y.weekend, y.i - ago * per_day + o AS back
			FROM frame, series y, generate_series(1, 28) ago, LATERAL generate_series(-around, around) o
			WHERE y.i >= 0 AND per_day > 0 AND y.i - ago * per_day + o >= first
		), band AS (
			SELECT b.i, count(*) AS history,
				   percentile_cont('{0.05,0.5,0.95}'::float8[]) WITHIN GROUP (ORDER BY h.flows) AS flows,
				   percentile_cont('{0.05,0.5,0.95}'::float8[]) WITHIN GROUP (ORDER BY h.packets) AS packets,
				   percentile_cont('{0.05,0.5,0.95}'::float8[]) WITHIN GROUP (ORDER BY h.bytes) AS bytes
			FROM lookback b JOIN series h ON h.i = b.back AND h.weekend = b.weekend
			GROUP BY 1 HAVING count(*) >= 8
		), found AS (
			SELECT floor(date_part('epoch', d.start_time - t0) / s)::int AS i,
				   count(*) FILTER (WHERE d.band = 'critical') AS critical,
				   count(*) FILTER (WHERE d.band = 'major') AS major,
				   count(*) FILTER (WHERE d.band = 'minor') AS minor,
				   count(*) FILTER (WHERE d.band = 'warning') AS warning
			FROM step, %1$I.found(t0, t1, host, threat) d WHERE host IS NOT NULL GROUP BY 1
		)
		SELECT t0 + y.i * make_interval(secs => s), y.flows, y.packets, y.bytes,
			   coalesce(f.critical, 0), coalesce(f.major, 0), coalesce(f.minor, 0), coalesce(f.warning, 0), coalesce(e.history, 0),
			   e.flows[1], e.flows[2], e.flows[3], e.packets[1], e.packets[2], e.packets[3], e.bytes[1], e.bytes[2], e.bytes[3]
		FROM frame CROSS JOIN series y LEFT JOIN band e USING (i) LEFT JOIN found f USING (i)
		WHERE y.i >= 0 ORDER BY y.i
	$f$;
	COMMENT ON FUNCTION %1$I.host_timeline(inet, timestamptz, timestamptz, text, int) IS
		'what a source did over time, its detections by band, and what is usual for it: low and high hold nine in ten of the buckets of up to 28 earlier working days, or weekends, within an hour of that time of day; history is their number, below 8 there is no band';
	$ddl$, api);
END
$$;
COMMENT ON FUNCTION anomaly.make_api_band(name) IS 'makes the function of an API schema that tells what is usual for a host';

CREATE FUNCTION anomaly.make_api_top(api name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE FUNCTION %1$I.top(t0 timestamptz, t1 timestamptz, host inet = NULL, kind text = 'services', size int = 10)
	RETURNS TABLE (address inet, protocol int2, port int4, members bigint, flows bigint, failed bigint, bytes bigint)
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC'
	AS $f$
		-- of all hosts days of sources and of services are known, of one host its peers'
		WITH member AS (
			SELECT d.src_addr AS address, NULL::int2 AS protocol, NULL::int4 AS port,
				   sum(d.flows) AS flows, sum(d.failed) AS failed, sum(d.payload) AS bytes
			FROM %1$I.source_day d
			WHERE kind = 'talkers' AND host IS NULL AND d.day >= date_trunc('day', t0) AND d.day < t1 GROUP BY 1
			UNION ALL
			SELECT NULL, d.protocol, CASE WHEN kind = 'services' THEN d.dst_port END, sum(d.flows), sum(d.failed), sum(d.payload)
			FROM %1$I.service_day d
			WHERE kind IN ('services', 'protocols') AND host IS NULL AND d.day >= date_trunc('day', t0) AND d.day < t1 GROUP BY 2, 3
			UNION ALL
			SELECT CASE WHEN kind = 'talkers' THEN p.src_addr END, CASE WHEN kind <> 'talkers' THEN p.protocol END,
				   CASE WHEN kind = 'services' THEN p.dst_port END, sum(p.flows), sum(p.failed), sum(p.src_payload + p.dst_payload)
			FROM generate_series(date_trunc('day', t0), t1 - interval '1 microsecond', interval '1 day') d
			JOIN %1$I.peer_day p ON p.day = d AND p.src_addr = host
			WHERE kind IN ('talkers', 'services', 'protocols') GROUP BY 1, 2, 3
		), ranked AS (
			SELECT m.*, row_number() OVER (ORDER BY m.flows DESC, m.bytes DESC, m.address, m.protocol, m.port)
					   <= least(greatest(coalesce(size, 10), 1), 100) AS fits
			FROM member m
		)
		SELECT CASE WHEN r.fits THEN r.address END, CASE WHEN r.fits THEN r.protocol END, CASE WHEN r.fits THEN r.port END,
			   count(*), sum(r.flows)::bigint, sum(r.failed)::bigint, sum(r.bytes)::bigint
		FROM ranked r GROUP BY r.fits, 1, 2, 3 ORDER BY r.fits DESC, 5 DESC, 7 DESC, 1, 2, 3
	$f$;
	COMMENT ON FUNCTION %1$I.top(timestamptz, timestamptz, inet, text, int) IS
		'protocols, services or talkers (sources) by flows in the UTC days of a period, at most 100, and the others summed in a last row without a name; bytes of payload';
	$ddl$, api);
END
$$;
COMMENT ON FUNCTION anomaly.make_api_top(name) IS 'makes the function of an API schema that ranks protocols, services and talkers';
