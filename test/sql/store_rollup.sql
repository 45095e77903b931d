-- Rollups and windows equal what SQL says over flow, however the flows came.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT anomaly_create_flow_store('whole');
SELECT anomaly_create_flow_store('parts');
SELECT anomaly_ensure_chunks('whole', '2026-01-05', '2026-01-06');
SELECT anomaly_ensure_chunks('parts', '2026-01-05', '2026-01-06');

CREATE TABLE hand.traffic AS
SELECT f.* FROM generate_series(1, 4000) i,
	hand.flow(timestamptz '2026-01-05 22:00' + interval '4 hours' * hand.draw('at', i),
	inet '10.0.0.1' + (4 * hand.draw('src', i))::int, inet '192.0.2.1' + (6 * hand.draw('dst', i))::int,
	(ARRAY[22, 53, 80, 443])[1 + (3 * hand.draw('port', i))::int], (ARRAY[6, 17])[1 + hand.draw('proto', i)::int],
	(ARRAY[1, 3, 4])[1 + (2 * hand.draw('state', i))::int], (5000 * hand.draw('out', i))::int8, (9000 * hand.draw('in', i))::int8,
	1 + (9 * hand.draw('pk', i))::int, (2 * hand.draw('qk', i))::int, (ARRAY[2, 27])[1 + hand.draw('flag', i)::int]) f;

INSERT INTO whole.flow SELECT * FROM hand.traffic;
-- the same in 40 batches, neither in order nor apart in time
DO $$
BEGIN
	FOR part IN 0..39 LOOP
		INSERT INTO parts.flow SELECT * FROM hand.traffic WHERE (extract(epoch FROM start_time) * 1000)::int8 * 7 % 40 = part;
	END LOOP;
END
$$;
SELECT count(*), (SELECT count(*) FROM whole.flow) FROM parts.flow;

-- the cut makes no difference
CREATE FUNCTION hand.differing(relation text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
	EXECUTE format('SELECT (SELECT count(*) FROM (TABLE whole.%1$I EXCEPT TABLE parts.%1$I) a) + (SELECT count(*) FROM (TABLE parts.%1$I EXCEPT TABLE whole.%1$I) b)', relation) INTO n;
	RETURN n;
END $$;
SELECT r AS relation, hand.differing(r) FROM unnest('{flow_minute,flow_hour,source_minute,target_minute,source_day,service_day,peer_day}'::text[]) r;

-- traffic by minute and hour
SELECT count(*) FROM (
	SELECT date_trunc('minute', start_time), protocol, count(*), count(*) FILTER (WHERE dst_packets = 0 OR protocol = 6 AND state = 4),
		   sum(src_packets + dst_packets), sum(src_bytes), sum(dst_bytes) FROM parts.flow GROUP BY 1, 2
	EXCEPT SELECT minute, protocol, flows, failed, packets, src_bytes, dst_bytes FROM parts.flow_minute) x;
SELECT count(*) FROM (
	SELECT date_trunc('hour', start_time), protocol, count(*), sum(src_packets + dst_packets), sum(src_bytes), sum(dst_bytes)
	FROM parts.flow GROUP BY 1, 2
	EXCEPT SELECT hour, protocol, flows, packets, src_bytes, dst_bytes FROM parts.flow_hour) x;
SELECT sum(flows) FROM parts.flow_minute;

-- a source's minute: counts of distinct things, and of the busiest one
SELECT count(*), max(dsts) > 1 AS varied FROM parts.source_minute;
SELECT count(*) FROM (
	SELECT date_trunc('minute', start_time), src_addr, count(*), count(DISTINCT dst_addr), count(DISTINCT (dst_port, protocol))
	FROM parts.flow GROUP BY 1, 2
	EXCEPT SELECT minute, src_addr, flows, dsts, dst_ports FROM parts.source_minute) x;
WITH failing AS (
	SELECT date_trunc('minute', start_time) AS minute, src_addr, dst_addr, dst_port, protocol
	FROM parts.flow WHERE dst_packets = 0 OR protocol = 6 AND state = 4
), hosts AS (
	SELECT minute, src_addr, dst_port, protocol, count(DISTINCT dst_addr) AS n FROM failing GROUP BY 1, 2, 3, 4
), ports AS (
	SELECT minute, src_addr, dst_addr, count(DISTINCT (dst_port, protocol)) AS n FROM failing GROUP BY 1, 2, 3
)
SELECT count(*) FROM parts.source_minute s
WHERE failed_dsts <> (SELECT coalesce(max(n), 0) FROM hosts h WHERE h.minute = s.minute AND h.src_addr = s.src_addr)
   OR failed_ports <> (SELECT coalesce(max(n), 0) FROM ports p WHERE p.minute = s.minute AND p.src_addr = s.src_addr);
WITH service AS (
	SELECT date_trunc('minute', start_time) AS minute, src_addr, dst_addr, dst_port, protocol, count(*) AS n,
		   count(*) FILTER (WHERE src_tcp_flags = 2 AND protocol = 6) AS syn FROM parts.flow GROUP BY 1, 2, 3, 4, 5
)
SELECT count(*) FROM (
	SELECT minute, src_addr, max(n), max(syn), coalesce(max(n) FILTER (WHERE protocol = 6 AND dst_port = 22), 0)
	FROM service GROUP BY 1, 2
	EXCEPT SELECT minute, src_addr, top_flows, top_syn_only, top_logins FROM parts.source_minute) x;
WITH udp AS (
	SELECT date_trunc('minute', start_time) AS minute, src_addr, dst_addr, sum(src_packets) AS n, sum(dst_packets) AS m
	FROM parts.flow WHERE protocol = 17 GROUP BY 1, 2, 3
)
SELECT count(*) FROM (
	SELECT minute, src_addr, max(n), max(m) FROM udp GROUP BY 1, 2
	EXCEPT SELECT minute, src_addr, top_udp_packets, top_udp_answers FROM parts.source_minute) x;

SELECT count(*) FROM (
	SELECT date_trunc('minute', start_time), src_addr, sum(src_payload) FROM parts.flow GROUP BY 1, 2		-- all go to 192.0.2.0/24
	EXCEPT SELECT minute, src_addr, upload FROM parts.source_minute) x;

-- a host under fire, a source's day: sums
SELECT count(*) FROM (
	SELECT date_trunc('minute', start_time), dst_addr, count(*), sum(src_packets), count(*) FILTER (WHERE protocol = 6 AND src_tcp_flags = 2) FROM parts.flow
	WHERE dst_packets = 0 OR protocol = 6 AND (state = 4 OR src_tcp_flags = 2) GROUP BY 1, 2
	EXCEPT SELECT minute, dst_addr, flows, packets, syn_only FROM parts.target_minute) x;
SELECT count(*) FROM (
	SELECT date_trunc('day', start_time), src_addr, count(*), count(*) FILTER (WHERE protocol = 6), count(*) FILTER (WHERE protocol = 17), 0::int8,
		   count(*) FILTER (WHERE dst_packets = 0 OR protocol = 6 AND state = 4), sum(src_payload) + sum(dst_payload),
		   sum(src_payload), min(start_time), max(start_time) FROM parts.flow GROUP BY 1, 2		-- all go to 192.0.2.0/24
	EXCEPT SELECT day, src_addr, flows, tcp, udp, icmp, failed, payload, upload, first_start, last_start FROM parts.source_day) x;

-- a service's day: sums
SELECT count(*) FROM parts.service_day;
SELECT count(*) FROM (
	SELECT date_trunc('day', start_time), protocol, dst_port, count(*), count(*) FILTER (WHERE dst_packets = 0 OR protocol = 6 AND state = 4),
		   sum(src_payload) + sum(dst_payload) FROM parts.flow GROUP BY 1, 2, 3
	EXCEPT SELECT day, protocol, dst_port, flows, failed, payload FROM parts.service_day) x;

-- a source's day with a service: sums, and the variance of the gaps as SQL's
-- var_pop has it, to the millisecond that gaps are rounded to
SELECT count(*) FROM (
	SELECT date_trunc('day', start_time), src_addr, dst_addr, dst_port, protocol, count(*), sum(src_payload), sum(dst_payload), sum(src_packets),
		   min(start_time), max(start_time) FROM parts.flow GROUP BY 1, 2, 3, 4, 5
	EXCEPT SELECT day, src_addr, dst_addr, dst_port, protocol, flows, src_payload, dst_payload, src_packets, first_start, last_start
	FROM parts.peer_day) x;
WITH gaps AS (
	SELECT date_trunc('day', start_time) AS day, src_addr, dst_addr, dst_port, protocol,
		   extract(epoch FROM start_time - lag(start_time) OVER (PARTITION BY date_trunc('day', start_time), src_addr, dst_addr, dst_port, protocol ORDER BY start_time))::float8 AS gap
	FROM parts.flow
), spread AS (
	SELECT day, src_addr, dst_addr, dst_port, protocol, avg(gap) AS mean, var_pop(gap) AS var FROM gaps GROUP BY 1, 2, 3, 4, 5
)
SELECT count(*) AS compared,
	   count(*) FILTER (WHERE abs(mean - extract(epoch FROM last_start - first_start)::float8 / (flows - 1)) > 0.001) AS other_mean,
	   count(*) FILTER (WHERE abs(var - (gap_sq_ms / 1e6::float8 / (flows - 1) - mean ^ 2)) > 0.002 * mean) AS other_variance
FROM spread JOIN parts.peer_day USING (day, src_addr, dst_addr, dst_port, protocol) WHERE flows > 2;
SELECT flows, first_flow = (SELECT min(start_time) FROM parts.flow) AS first, last_flow = (SELECT max(start_time) FROM parts.flow) AS last, error
FROM parts.tally;

-- made again from flow they are the same
SELECT anomaly_backfill('parts', NULL, '2026-01-05 22:00', '2026-01-06 01:00') >= 0 AS done;
SELECT r AS relation, hand.differing(r) FROM unnest('{flow_minute,flow_hour,source_minute,target_minute,source_day,service_day,peer_day}'::text[]) r;
SELECT flows FROM parts.tally;

-- features, worked out by hand: 2,000 us; 100 bytes of payload and 80 of headers
-- sent, as many headers back as packets; the last flow lasts no time
SELECT anomaly_ensure_chunks('shape', '2026-01-05', '2026-01-05');
INSERT INTO shape.flow SELECT f.* FROM (VALUES (443, 6, 3, 2), (53, 17, 1, 0), (60000, 6, 4, 1), (700, 6, 3, 1)) v(p, pr, s, d),
	hand.flow('2026-01-05 10:00', '10.0.0.1', '10.0.0.2', p, pr, s, 100, 0, 2, d) f;
INSERT INTO shape.flow SELECT * FROM hand.flow('2026-01-05 10:01', '10.0.0.1', '10.0.0.1', 40000, 6, 1, 0, 0, 1, 0);
UPDATE shape.flow SET duration_us = 0 WHERE dst_addr = '10.0.0.1';
SELECT dst_port, duration_s, bytes, packets, bytes_per_packet, bytes_per_s, packets_per_s, round(bytes_ratio::numeric, 4) AS bytes_ratio,
	   service, protocol_name, conn_state, failed, land
FROM shape.flow_feature ORDER BY start_time, dst_port;
-- the recommended features exist
SELECT f FROM unnest(anomaly_flow_features()) f
EXCEPT SELECT attname FROM pg_attribute WHERE attrelid = 'shape.flow_feature'::regclass;

-- flows that were deleted come again, earlier than the last of their peer: rollups go on
DELETE FROM shape.flow;
INSERT INTO shape.flow SELECT * FROM hand.flow('2026-01-05 09:00', '10.0.0.1', '10.0.0.2', 443, 6, 3, 100, 0, 2, 1);
SELECT error FROM shape.tally;
