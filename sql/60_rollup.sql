-- Rollups and windows: what the flows of a minute, an hour, a day add up to.
--
--   flow_minute, flow_hour   traffic by protocol; sums, so a batch adds to them
--   source_minute            what one source did in one minute; has distinct
--                            counts, so a window that was there already is
--                            computed again from flow
--   target_minute            flows to one host in one minute that it did not
--                            answer or that never got past a SYN; sums
--   source_day               what one source did in one UTC day, and what it
--                            sent out of the home networks; sums
--   service_day              traffic by protocol and server port in one UTC day; sums
--   peer_day                 one source to one service of one host in one UTC
--                            day, with the regularity of its contacts
--
-- All are exact, however the flows were cut into batches and in whatever order
-- these came.  One writer at a time (the lock is held to the end of its
-- transaction): what the others added is visible when it is our turn, and two
-- loads cannot deadlock over the same minutes.

CREATE FUNCTION anomaly.lock_store(store name) RETURNS void
LANGUAGE sql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$SELECT pg_advisory_xact_lock(hashtextextended('pg_anomaly rollups of ' || store, 0))$$;
COMMENT ON FUNCTION anomaly.lock_store(name) IS 'one writer of derived tables at a time, until the transaction ends';

-- Regularity of peer_day: the gaps between n starts sum to last - first, so
-- their mean is known whatever the order; the sum of their squares is kept in
-- whole milliseconds, which cannot overflow within a day.  None of the functions
-- has a search_path of its own, so that they can be inlined.
CREATE FUNCTION anomaly.gap_ms(since timestamptz, until timestamptz) RETURNS int8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$SELECT (date_part('epoch', until - since) * 1000)::int8$$;
COMMENT ON FUNCTION anomaly.gap_ms(timestamptz, timestamptz) IS 'a gap in whole milliseconds';

CREATE FUNCTION anomaly.gap_mean(flows int8, first_start timestamptz, last_start timestamptz) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$SELECT extract(epoch FROM last_start - first_start)::float8 / nullif(flows - 1, 0)$$;
COMMENT ON FUNCTION anomaly.gap_mean(int8, timestamptz, timestamptz) IS 'mean of the gaps between starts, in seconds';

CREATE FUNCTION anomaly.gap_cv(flows int8, first_start timestamptz, last_start timestamptz, gap_sq_ms int8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
	SELECT sqrt(greatest(gap_sq_ms / 1e6::float8 / nullif(flows - 1, 0)
						 / nullif(anomaly.gap_mean(flows, first_start, last_start), 0) ^ 2 - 1, 0))
$$;
COMMENT ON FUNCTION anomaly.gap_cv(int8, timestamptz, timestamptz, int8) IS
	'coefficient of variation of the gaps between starts: 0 is a clock, 1 is chance';

CREATE FUNCTION anomaly.make_rollup_tables(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	unit text;
BEGIN
	FOREACH unit IN ARRAY ARRAY['minute', 'hour'] LOOP
		EXECUTE format($ddl$
		CREATE TABLE %1$I.flow_%2$s (
			%2$s timestamptz,
			protocol int2,
			flows int8 NOT NULL,
			failed int8 NOT NULL,
			packets int8 NOT NULL,
			src_bytes int8 NOT NULL,
			dst_bytes int8 NOT NULL,
			PRIMARY KEY (%2$s, protocol)
		);
		COMMENT ON TABLE %1$I.flow_%2$s IS 'traffic per %2$s and protocol';
		$ddl$, store, unit);
	END LOOP;
	EXECUTE format($ddl$
	COMMENT ON COLUMN %1$I.flow_minute.minute IS 'start of the minute; kept as long as the flows';
	COMMENT ON COLUMN %1$I.flow_hour.hour IS 'start of the hour; kept when the flows are gone';

	CREATE TABLE %1$I.source_minute (
		minute timestamptz,
		src_addr inet,
		flows int8 NOT NULL,
		failed int8 NOT NULL,
		packets int8 NOT NULL,
		src_bytes int8 NOT NULL,
		dst_bytes int8 NOT NULL,
		dsts int4 NOT NULL,
		dst_ports int4 NOT NULL,
		failed_dsts int4 NOT NULL,
		failed_ports int4 NOT NULL,
		top_flows int8 NOT NULL,
		top_syn_only int8 NOT NULL,
		top_logins int8 NOT NULL,
		top_udp_packets int8 NOT NULL,
		top_udp_answers int8 NOT NULL,
		top_echo_packets int8 NOT NULL,
		top_echo_answers int8 NOT NULL,
		login_burst int4 NOT NULL,
		pinged int4 NOT NULL,
		pinged_silent int4 NOT NULL,
		upload int8 NOT NULL,
		PRIMARY KEY (src_addr, minute)
	);
	CREATE INDEX source_minute_time ON %1$I.source_minute USING brin (minute);
	COMMENT ON TABLE %1$I.source_minute IS 'what each source did in each minute';
	COMMENT ON COLUMN %1$I.source_minute.dsts IS 'distinct destinations';
	COMMENT ON COLUMN %1$I.source_minute.dst_ports IS 'distinct destination ports';
	COMMENT ON COLUMN %1$I.source_minute.failed_dsts IS 'most destinations that one port failed at';
	COMMENT ON COLUMN %1$I.source_minute.failed_ports IS 'most ports that failed at one destination, those of traceroute left out';
	COMMENT ON COLUMN %1$I.source_minute.top_flows IS 'most flows to one service of one destination';
	COMMENT ON COLUMN %1$I.source_minute.top_syn_only IS 'most TCP flows to one service that never sent more than a SYN';
	COMMENT ON COLUMN %1$I.source_minute.top_logins IS 'most flows to one login service (FTP, SSH, telnet, RDP, VNC) of one destination';
	COMMENT ON COLUMN %1$I.source_minute.top_udp_packets IS 'most UDP packets to one destination';
	COMMENT ON COLUMN %1$I.source_minute.top_udp_answers IS 'most UDP packets back from one destination';
	COMMENT ON COLUMN %1$I.source_minute.top_echo_packets IS 'most echo requests to one destination';
	COMMENT ON COLUMN %1$I.source_minute.top_echo_answers IS 'most answers to echo requests from one destination';
	COMMENT ON COLUMN %1$I.source_minute.login_burst IS 'most short conversations with one login service of one destination that began within 5 s';
	COMMENT ON COLUMN %1$I.source_minute.pinged IS 'distinct destinations of echo requests';
	COMMENT ON COLUMN %1$I.source_minute.pinged_silent IS 'those of them that answered none';
	COMMENT ON COLUMN %1$I.source_minute.upload IS 'payload sent to hosts outside the home networks, bytes';

	CREATE TABLE %1$I.target_minute (
		minute timestamptz,
		dst_addr inet,
		flows int8 NOT NULL,
		packets int8 NOT NULL,
		syn_only int8 NOT NULL,
		PRIMARY KEY (dst_addr, minute)
	);
	COMMENT ON TABLE %1$I.target_minute IS 'flows to each host in each minute that were not answered or stopped at the SYN';
	COMMENT ON COLUMN %1$I.target_minute.packets IS 'packets of their sources';

	CREATE TABLE %1$I.source_day (
		day timestamptz,
		src_addr inet,
		flows int8 NOT NULL,
		tcp int8 NOT NULL,
		udp int8 NOT NULL,
		icmp int8 NOT NULL,
		failed int8 NOT NULL,
		payload int8 NOT NULL,
		upload int8 NOT NULL,
		first_start timestamptz NOT NULL,
		last_start timestamptz NOT NULL,
		PRIMARY KEY (src_addr, day)
	);
	CREATE INDEX source_day_time ON %1$I.source_day USING brin (day);
	COMMENT ON TABLE %1$I.source_day IS 'what each source did in each UTC day';
	COMMENT ON COLUMN %1$I.source_day.tcp IS 'flows, as are udp and icmp (ICMPv6 too)';
	COMMENT ON COLUMN %1$I.source_day.payload IS 'payload both ways, bytes';
	COMMENT ON COLUMN %1$I.source_day.upload IS 'payload sent to hosts outside the home networks, bytes';

	CREATE TABLE %1$I.service_day (
		day timestamptz,
		protocol int2,
		dst_port int4,
		flows int8 NOT NULL,
		failed int8 NOT NULL,
		payload int8 NOT NULL,
		PRIMARY KEY (day, protocol, dst_port)
	);
	COMMENT ON TABLE %1$I.service_day IS 'traffic per UTC day, protocol and destination port';
	COMMENT ON COLUMN %1$I.service_day.payload IS 'payload both ways, bytes';

	CREATE TABLE %1$I.peer_day (
		day timestamptz,
		src_addr inet,
		dst_addr inet,
		dst_port int4,
		protocol int2,
		flows int8 NOT NULL,
		failed int8 NOT NULL,
		src_payload int8 NOT NULL,
		dst_payload int8 NOT NULL,
		src_packets int8 NOT NULL,
		first_start timestamptz NOT NULL,
		last_start timestamptz NOT NULL,
		gap_sq_ms int8 NOT NULL,
		PRIMARY KEY (day, src_addr, dst_addr, dst_port, protocol)
	);
	-- all of the key: whichever index the planner takes, it finds a row at once
	CREATE INDEX peer_day_dst ON %1$I.peer_day (dst_addr, src_addr, dst_port, protocol, day);
	COMMENT ON TABLE %1$I.peer_day IS 'each source''s dealings with each service of each host in each UTC day';
	COMMENT ON COLUMN %1$I.peer_day.gap_sq_ms IS 'sum of the squared gaps between starts, in milliseconds';

	CREATE TABLE %1$I.tally (
		one bool PRIMARY KEY DEFAULT true CHECK (one),
		revision int8 NOT NULL DEFAULT 0,
		flows int8 NOT NULL DEFAULT 0,
		detections int8 NOT NULL DEFAULT 0,
		first_flow timestamptz,
		last_flow timestamptz,
		arrived_at timestamptz,
		error text,
		error_at timestamptz
	);
	COMMENT ON TABLE %1$I.tally IS 'one row: what the store holds, counted as it comes; revision changes with every change';
	COMMENT ON COLUMN %1$I.tally.arrived_at IS 'when the newest flow came';
	COMMENT ON COLUMN %1$I.tally.error IS 'why rollups or threat rules missed a batch; NULL when fine';
	INSERT INTO %1$I.tally DEFAULT VALUES;
	$ddl$, store);
END
$$;
COMMENT ON FUNCTION anomaly.make_rollup_tables(name) IS 'makes the rollup and window tables of a new store';

-- The statements below are made as text, because only the trigger itself sees
-- the new flows.  source is a table expression with the columns of
-- flow_feature, lo and hi the UTC days its flows are in (so that only their
-- chunks are planned); the session's time zone must be UTC.  This one adds flows
-- to the sums.
CREATE FUNCTION anomaly.traffic_statement(store name, source text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT format($q$
	WITH batch AS MATERIALIZED (
		SELECT date_trunc('minute', start_time) AS minute, protocol, dst_port, count(*) AS flows,
			   count(*) FILTER (WHERE failed) AS failed, sum(packets)::int8 AS packets,
			   sum(src_bytes)::int8 AS src_bytes, sum(dst_bytes)::int8 AS dst_bytes, sum(src_payload + dst_payload)::int8 AS payload,
			   min(start_time) AS first_flow, max(start_time) AS last_flow
		FROM %2$s f GROUP BY 1, 2, 3
	), minutes AS (
		INSERT INTO %1$I.flow_minute AS m
		SELECT minute, protocol, sum(flows), sum(failed), sum(packets), sum(src_bytes), sum(dst_bytes)
		FROM batch GROUP BY 1, 2
		ON CONFLICT (minute, protocol) DO UPDATE SET
			(flows, failed, packets, src_bytes, dst_bytes) =
			(m.flows + excluded.flows, m.failed + excluded.failed, m.packets + excluded.packets,
			 m.src_bytes + excluded.src_bytes, m.dst_bytes + excluded.dst_bytes)
	), hours AS (
		INSERT INTO %1$I.flow_hour AS h
		SELECT date_trunc('hour', minute), protocol, sum(flows), sum(failed), sum(packets), sum(src_bytes), sum(dst_bytes)
		FROM batch GROUP BY 1, 2
		ON CONFLICT (hour, protocol) DO UPDATE SET
			(flows, failed, packets, src_bytes, dst_bytes) =
			(h.flows + excluded.flows, h.failed + excluded.failed, h.packets + excluded.packets,
			 h.src_bytes + excluded.src_bytes, h.dst_bytes + excluded.dst_bytes)
	), services AS (
		INSERT INTO %1$I.service_day AS s
		SELECT date_trunc('day', minute), protocol, dst_port, sum(flows), sum(failed), sum(payload)
		FROM batch GROUP BY 1, 2, 3
		ON CONFLICT (day, protocol, dst_port) DO UPDATE SET
			(flows, failed, payload) = (s.flows + excluded.flows, s.failed + excluded.failed, s.payload + excluded.payload)
	), counted AS (
		UPDATE %1$I.tally t
		SET flows = t.flows + b.flows, first_flow = least(t.first_flow, b.first_flow),
			last_flow = greatest(t.last_flow, b.last_flow)
		FROM (SELECT sum(flows) AS flows, min(first_flow) AS first_flow, max(last_flow) AS last_flow FROM batch) b
		WHERE b.flows > 0
	)
	SELECT NULL::inet[]
$q$, store, source)
$$;
COMMENT ON FUNCTION anomaly.traffic_statement(name, text) IS 'statement that adds new flows to flow_minute, flow_hour, service_day and tally';

-- Of a window's conversations with a service, the most that began within a
-- span of each other: NULL for none.
CREATE FUNCTION anomaly.most_within(starts timestamptz[], span interval) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT max(n) FROM (SELECT count(*) OVER (ORDER BY s RANGE BETWEEN span PRECEDING AND CURRENT ROW) AS n
						FROM unnest(starts) s) c
$$;
COMMENT ON FUNCTION anomaly.most_within(timestamptz[], interval) IS 'most of some times that lie within a span of each other';

-- Brings source_minute up to date and returns the windows it wrote.  Distinct
-- counts don't add, so windows that are there already are made from flow, the
-- rest from the new flows.  Ports that a traceroute by UDP goes through are no
-- sign of a scan: it sends each packet to the next port from 33434 on, three
-- for each of some thirty routers, and is answered by the routers.  A login that
-- was refused is short: a password tool's takes a few seconds and some 3 kB of
-- payload, where a session with today's ciphers exchanges 6 kB before it begins.
CREATE FUNCTION anomaly.source_minute_upsert(store name, source text, lo timestamptz, hi timestamptz) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT format($q$
	WITH present AS MATERIALIZED (
		SELECT s.minute, s.src_addr FROM %1$I.source_minute s
		JOIN (SELECT DISTINCT date_trunc('minute', start_time) AS minute, src_addr FROM %2$s n) k USING (minute, src_addr)
	), seen AS (
		SELECT date_trunc('minute', n.start_time) AS minute, n.* FROM %2$s n
		WHERE NOT EXISTS (SELECT FROM present p WHERE p.minute = date_trunc('minute', n.start_time) AND p.src_addr = n.src_addr)
		UNION ALL
		SELECT p.minute, f.* FROM present p
		JOIN %1$I.flow_feature f ON f.src_addr = p.src_addr AND f.start_time >= p.minute AND f.start_time < p.minute + interval '1 minute'
		WHERE f.start_time >= %3$L AND f.start_time < %4$L
	), service AS MATERIALIZED (
		SELECT minute, src_addr, dst_addr, dst_port, protocol, count(*) AS flows,
			   count(*) FILTER (WHERE failed) AS failed,
			   sum(packets)::int8 AS packets, sum(src_bytes)::int8 AS src_bytes, sum(dst_bytes)::int8 AS dst_bytes,
			   count(*) FILTER (WHERE protocol = 6 AND src_tcp_flags & 23 = 2) AS syn_only,
			   sum(src_packets::int8) FILTER (WHERE protocol = 17) AS udp_packets,
			   sum(dst_packets::int8) FILTER (WHERE protocol = 17) AS udp_answers,
			   sum(src_packets::int8) FILTER (WHERE protocol IN (1, 58) AND src_port IN (8, 128)) AS echo_packets,
			   sum(dst_packets::int8) FILTER (WHERE protocol IN (1, 58) AND src_port IN (8, 128)) AS echo_answers,
			   array_agg(start_time) FILTER (WHERE protocol = 6 AND dst_port = ANY (anomaly.login_ports())
					AND dst_payload > 0 AND src_payload + dst_payload <= 5000 AND duration_us <= 30e6::int8) AS short_logins,
			   sum(src_payload) AS src_payload
		FROM seen GROUP BY 1, 2, 3, 4, 5
	), peer AS (
		-- windows, not joins: the planner knows nothing of new rows and would nest loops
		SELECT *, count(*) FILTER (WHERE failed > 0) OVER by_port AS failed_dsts,
			   count(*) FILTER (WHERE failed > 0 AND NOT (protocol = 17 AND dst_port BETWEEN 33434 AND 33534)) OVER by_dst AS failed_ports,
			   sum(udp_packets) OVER by_dst AS dst_udp_packets, sum(udp_answers) OVER by_dst AS dst_udp_answers
		FROM service
		WINDOW by_port AS (PARTITION BY minute, src_addr, protocol, dst_port), by_dst AS (PARTITION BY minute, src_addr, dst_addr)
	)
	INSERT INTO %1$I.source_minute AS w
	SELECT minute, src_addr, sum(flows), sum(failed), sum(packets), sum(src_bytes), sum(dst_bytes),
		   count(DISTINCT dst_addr), count(DISTINCT (protocol, dst_port)), max(failed_dsts), max(failed_ports),
		   max(flows), max(syn_only),
		   coalesce(max(flows) FILTER (WHERE protocol = 6 AND dst_port = ANY (anomaly.login_ports())), 0),
		   coalesce(max(dst_udp_packets), 0), coalesce(max(dst_udp_answers), 0),
		   coalesce(max(echo_packets), 0), coalesce(max(echo_answers), 0),
		   coalesce(max(anomaly.most_within(short_logins, interval '5 s')), 0),
		   count(DISTINCT dst_addr) FILTER (WHERE echo_packets > 0),
		   count(DISTINCT dst_addr) FILTER (WHERE echo_packets > 0 AND echo_answers = 0),
		   coalesce(sum(src_payload) FILTER (WHERE src_payload > 0 AND NOT dst_addr <<= ANY (st.home::inet[])), 0)
	FROM peer JOIN anomaly.flow_store st ON st.name = %1$L GROUP BY minute, src_addr
	ON CONFLICT (minute, src_addr) DO UPDATE SET
		(flows, failed, packets, src_bytes, dst_bytes, dsts, dst_ports, failed_dsts, failed_ports,
		 top_flows, top_syn_only, top_logins, top_udp_packets, top_udp_answers, top_echo_packets, top_echo_answers,
		 login_burst, pinged, pinged_silent, upload) =
		(excluded.flows, excluded.failed, excluded.packets, excluded.src_bytes, excluded.dst_bytes, excluded.dsts,
		 excluded.dst_ports, excluded.failed_dsts, excluded.failed_ports, excluded.top_flows, excluded.top_syn_only,
		 excluded.top_logins, excluded.top_udp_packets, excluded.top_udp_answers, excluded.top_echo_packets,
		 excluded.top_echo_answers, excluded.login_burst, excluded.pinged, excluded.pinged_silent, excluded.upload)
	RETURNING w.*
$q$, store, source, lo, hi)
$$;
COMMENT ON FUNCTION anomaly.source_minute_upsert(name, text, timestamptz, timestamptz) IS 'statement that updates source_minute with new flows';

-- The same for peer_day.  Sums add, and so do squared gaps as long as flows
-- come in order.  Where one of a peer's comes late, all gaps of that peer are
-- taken from flow again: in one pass over the flows of their sources, whose
-- filter is a hash (IN ... IS TRUE cannot become a join, and the planner, which
-- knows nothing of new rows, would choose a nested loop), and added to the batch
-- as rows without sums.
CREATE FUNCTION anomaly.peer_day_upsert(store name, source text, lo timestamptz, hi timestamptz) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT format($q$
	WITH fresh AS MATERIALIZED (
		SELECT date_trunc('day', start_time) AS day, src_addr, dst_addr, dst_port, protocol, start_time, failed,
			   src_payload, dst_payload, src_packets
		FROM %2$s f
	), late AS MATERIALIZED (
		SELECT day, src_addr, dst_addr, dst_port, protocol
		FROM (SELECT day, src_addr, dst_addr, dst_port, protocol, min(start_time) AS first_start FROM fresh GROUP BY 1, 2, 3, 4, 5) b
		JOIN %1$I.peer_day p USING (day, src_addr, dst_addr, dst_port, protocol)
		WHERE b.first_start < p.last_start
	), contact AS (
		SELECT *, anomaly.gap_ms(lag(start_time) OVER w, start_time) AS gap, NULL::int8 AS any_gap
		FROM fresh
		WINDOW w AS (PARTITION BY day, src_addr, dst_addr, dst_port, protocol ORDER BY start_time)
		UNION ALL
		SELECT day, src_addr, dst_addr, dst_port, protocol, start_time, NULL, NULL, NULL, NULL, NULL,
			   anomaly.gap_ms(lag(start_time) OVER w, start_time)
		FROM (SELECT DISTINCT day, src_addr FROM late) s
		CROSS JOIN LATERAL (
			SELECT f.dst_addr, f.dst_port, f.protocol, f.start_time FROM %1$I.flow f
			WHERE f.src_addr = s.src_addr AND f.start_time >= s.day AND f.start_time < s.day + interval '1 day'
			  AND f.start_time >= %3$L AND f.start_time < %4$L
			  AND ((s.day, f.src_addr, f.dst_addr, f.dst_port, f.protocol) IN (SELECT * FROM late)) IS TRUE
			OFFSET 0) f
		WINDOW w AS (PARTITION BY day, src_addr, dst_addr, dst_port, protocol ORDER BY start_time)
	)
	INSERT INTO %1$I.peer_day AS p
	SELECT day, src_addr, dst_addr, dst_port, protocol, count(src_packets), count(*) FILTER (WHERE failed),
		   sum(src_payload), sum(dst_payload), sum(src_packets), min(start_time), max(start_time),
		   coalesce(sum(any_gap * any_gap), sum(gap * gap), 0)
	FROM contact GROUP BY 1, 2, 3, 4, 5
	ON CONFLICT (day, src_addr, dst_addr, dst_port, protocol) DO UPDATE SET
		flows = p.flows + excluded.flows,
		failed = p.failed + excluded.failed,
		src_payload = p.src_payload + excluded.src_payload,
		dst_payload = p.dst_payload + excluded.dst_payload,
		src_packets = p.src_packets + excluded.src_packets,
		first_start = least(p.first_start, excluded.first_start),
		last_start = greatest(p.last_start, excluded.last_start),
		gap_sq_ms = CASE WHEN excluded.first_start >= p.last_start
			THEN p.gap_sq_ms + excluded.gap_sq_ms + anomaly.gap_ms(p.last_start, excluded.first_start) ^ 2
			ELSE excluded.gap_sq_ms END
	RETURNING p.*
$q$, store, source, lo, hi)
$$;
COMMENT ON FUNCTION anomaly.peer_day_upsert(name, text, timestamptz, timestamptz) IS 'statement that updates peer_day with new flows';

-- Which flows f put their destination under fire.
CREATE FUNCTION anomaly.under_fire() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$SELECT '(f.failed OR f.protocol = 6 AND f.src_tcp_flags & 23 = 2)'$$;
COMMENT ON FUNCTION anomaly.under_fire() IS 'condition that flow f is unanswered or never got past a SYN';

CREATE FUNCTION anomaly.target_minute_upsert(store name, source text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT format($q$
	INSERT INTO %1$I.target_minute AS w
	SELECT date_trunc('minute', start_time), dst_addr, count(*), sum(src_packets)::int8,
		   count(*) FILTER (WHERE protocol = 6 AND src_tcp_flags & 23 = 2)
	FROM %2$s f WHERE %3$s
	GROUP BY 1, 2
	ON CONFLICT (dst_addr, minute) DO UPDATE SET
		(flows, packets, syn_only) = (w.flows + excluded.flows, w.packets + excluded.packets, w.syn_only + excluded.syn_only)
	RETURNING w.*
$q$, store, source, anomaly.under_fire())
$$;
COMMENT ON FUNCTION anomaly.target_minute_upsert(name, text) IS 'statement that adds new flows to target_minute';

CREATE FUNCTION anomaly.source_day_upsert(store name, source text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT format($q$
	INSERT INTO %1$I.source_day AS w
	SELECT p.day, p.src_addr, sum(p.flows), coalesce(sum(p.flows) FILTER (WHERE p.protocol = 6), 0),
		   coalesce(sum(p.flows) FILTER (WHERE p.protocol = 17), 0), coalesce(sum(p.flows) FILTER (WHERE p.protocol IN (1, 58)), 0),
		   sum(p.failed), sum(p.payload),
		   coalesce(sum(p.src_payload) FILTER (WHERE p.src_payload > 0 AND NOT p.dst_addr <<= ANY (st.home::inet[])), 0),
		   min(p.first_start), max(p.last_start)
	FROM (SELECT date_trunc('day', start_time) AS day, src_addr, dst_addr, protocol, count(*) AS flows,
				 count(*) FILTER (WHERE failed) AS failed, sum(src_payload + dst_payload) AS payload, sum(src_payload) AS src_payload,
				 min(start_time) AS first_start, max(start_time) AS last_start
		  FROM %2$s f GROUP BY 1, 2, 3, 4) p
	JOIN anomaly.flow_store st ON st.name = %1$L
	GROUP BY 1, 2
	ON CONFLICT (src_addr, day) DO UPDATE SET
		(flows, tcp, udp, icmp, failed, payload, upload, first_start, last_start) =
		(w.flows + excluded.flows, w.tcp + excluded.tcp, w.udp + excluded.udp, w.icmp + excluded.icmp,
		 w.failed + excluded.failed, w.payload + excluded.payload, w.upload + excluded.upload,
		 least(w.first_start, excluded.first_start), greatest(w.last_start, excluded.last_start))
	RETURNING w.*
$q$, store, source)
$$;
COMMENT ON FUNCTION anomaly.source_day_upsert(name, text) IS 'statement that adds new flows to source_day';
