-- Fills a store's derived tables to the shape of 100 million flows of 5,000
-- hosts in 30 days, with 500,000 detections, without those flows: what the page
-- reads is made up directly, row for row as a loader would have left it.
--
--   flow_minute, flow_hour   5 protocols in every minute; sums are 100 M flows
--   source_minute            10 million: each host in 67 minutes of each day
--   peer_day                 3.75 million: each host with 25 services a day;
--   source_day, service_day  its sums
--   detection, alert         500,000 in 5,000 alerts, by a few hundred sources
--   score_hour               100 bins in every hour
--   flow                     1 million real rows, all of the last day: the page
--                            reads single flows of one host and period, or a
--                            bounded sample
\set QUIET on
SET timezone = 'UTC';
SET synchronous_commit = off;
SET work_mem = '256MB';
CREATE EXTENSION pg_anomaly;
SELECT anomaly_create_flow_store('netflow');
SELECT anomaly_ensure_chunks('netflow', '2026-03-01', '2026-03-31');
SELECT model, version FROM anomaly_train('made', 'SELECT i AS duration_s, i % 97 AS src_payload, i % 13 AS dst_payload FROM generate_series(1, 5000) i');
SELECT anomaly_watch('netflow', 'made') AS watch \gset
ALTER TABLE netflow.flow DISABLE TRIGGER USER;

CREATE FUNCTION host(n bigint) RETURNS inet LANGUAGE sql IMMUTABLE AS $$SELECT inet '10.0.0.0' + n$$;
CREATE FUNCTION mixed(n bigint, most bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$SELECT (hashint8(n)::bigint + 2147483648) % most$$;

INSERT INTO netflow.flow_minute (minute, protocol, flows, failed, packets, src_bytes, dst_bytes)
SELECT m, p, 2314 / 5 + mixed(extract(epoch FROM m)::bigint / 60 + p, 5), 20, 9000, 4000000, 16000000
FROM generate_series(timestamptz '2026-03-01', '2026-03-30 23:59', '1 minute') m, unnest('{1,2,6,17,58}'::int[]) p;
INSERT INTO netflow.flow_hour (hour, protocol, flows, failed, packets, src_bytes, dst_bytes)
SELECT date_trunc('hour', minute), protocol, sum(flows), sum(failed), sum(packets), sum(src_bytes), sum(dst_bytes) FROM netflow.flow_minute GROUP BY 1, 2;

INSERT INTO netflow.source_minute (minute, src_addr, flows, failed, packets, src_bytes, dst_bytes, dsts, dst_ports, failed_dsts, failed_ports,
	top_flows, top_syn_only, top_logins, top_udp_packets, top_udp_answers, top_echo_packets, top_echo_answers, login_burst, pinged, pinged_silent, upload)
SELECT timestamptz '2026-03-01' + d * interval '1 day' + ((k * 1440 / 67 + mixed(h, 21)) % 1440) * interval '1 minute', host(h),
	   10, mixed(h + k, 2), 60, 9000 + k, 40000 + h, 3, 2, 1, 1, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1000
FROM generate_series(0, 29) d, generate_series(1, 5000) h, generate_series(0, 66) k;
INSERT INTO netflow.peer_day (day, src_addr, dst_addr, dst_port, protocol, flows, failed, src_payload, dst_payload, first_start, last_start, gap_sq_ms, src_packets)
SELECT timestamptz '2026-03-01' + d * interval '1 day', host(h), host(5001 + mixed(h * 31 + s, 300)), (ARRAY[443,80,53,22,8000 + h % 400])[1 + s % 5], (ARRAY[6,6,17,6,6])[1 + s % 5],
	   27, 1, 9000, 40000, timestamptz '2026-03-01' + d * interval '1 day', timestamptz '2026-03-01' + d * interval '1 day' + interval '23 hours', 1000000, 150
FROM generate_series(0, 29) d, generate_series(1, 5000) h, generate_series(0, 24) s
ON CONFLICT DO NOTHING;

INSERT INTO netflow.source_day (day, src_addr, flows, tcp, udp, icmp, failed, payload, upload, first_start, last_start)
SELECT day, src_addr, sum(flows), coalesce(sum(flows) FILTER (WHERE protocol = 6), 0), coalesce(sum(flows) FILTER (WHERE protocol = 17), 0), 0, sum(failed),
	   sum(src_payload + dst_payload), 0, min(first_start), max(last_start) FROM netflow.peer_day GROUP BY 1, 2;
INSERT INTO netflow.service_day (day, protocol, dst_port, flows, failed, payload)
SELECT day, protocol, dst_port, sum(flows), sum(failed), sum(src_payload + dst_payload) FROM netflow.peer_day GROUP BY 1, 2, 3;

INSERT INTO netflow.alert (id, source, threat, title, severity, confidence, first_seen, last_seen, flow_count, detection_count, target_count, targets, ports, reasons, indicators)
OVERRIDING SYSTEM VALUE
SELECT a, host(1 + mixed(a, 400)), (ARRAY['port_scan','ddos','brute_force','beaconing','suspicious'])[1 + a % 5], 'Made up', 25 + mixed(a, 75), 0.9,
	   timestamptz '2026-03-01' + a * interval '8.6 min', timestamptz '2026-03-01' + a * interval '8.6 min' + interval '20 min', 100, 100, 5,
	   ARRAY[host(5001)], ARRAY[443], '[{"feature": "src_payload", "value": "9", "expected": "1", "share": 1}]', '{}'
FROM generate_series(1, 5000) a;
INSERT INTO netflow.detection (start_time, end_time, alert_id, score, p_value, severity, confidence, watch_id, model_version, model, src_port, dst_port, protocol, src_addr, dst_addr, threat, reasons, targets, ports)
SELECT a.first_seen + k * interval '12 s', a.first_seen + k * interval '12 s', a.id, 0.7, 0.001, greatest(25, a.severity - mixed(a.id + k, 30)), 0.9, :watch, 1, 'made',
	   40000 + k, 443, 6, a.source, host(5001), a.threat, a.reasons, a.targets, a.ports
FROM netflow.alert a, generate_series(0, 99) k;
INSERT INTO netflow.score_hour (hour, watch_id, bin, flows, anomalous)
SELECT h, :watch, b, 1 + mixed(b, 3000), CASE WHEN b > 60 THEN 1 ELSE 0 END FROM generate_series(timestamptz '2026-03-01', '2026-03-30 23:00', '1 hour') h, generate_series(30, 79) b;

INSERT INTO netflow.flow (start_time, duration_us, src_bytes, dst_bytes, src_payload, dst_payload, src_packets, dst_packets, src_port, dst_port, length_min, length_max, capture_id,
	length_mean, length_stddev, protocol, src_tcp_flags, dst_tcp_flags, state, end_reason, retransmits, fragments, bad_fragments, urgent, ttl, tunnel, src_addr, dst_addr)
SELECT timestamptz '2026-03-30' + i * interval '86 ms', mixed(i, 9000000), 40 + mixed(i, 9000), 40 + mixed(-i, 90000), mixed(i, 9000), mixed(-i, 90000), 5, 6, 40000 + i % 20000, 443,
	   40, 1500, 1, 300, 100, 6, 27, 27, 3, 3, 0, 0, 0, 0, 64, 0, host(1 + mixed(i, 5000)), host(5001 + mixed(i + 1, 300))
FROM generate_series(0, 999999) i;
UPDATE netflow.tally SET flows = (SELECT sum(flows) FROM netflow.flow_hour), detections = 500000, first_flow = '2026-03-01', last_flow = '2026-03-30 23:59:59', revision = 1;
ALTER TABLE netflow.flow ENABLE TRIGGER USER;
VACUUM ANALYZE;
SELECT relname AS "table", count(*) AS chunks, sum(reltuples)::bigint AS rows, pg_size_pretty(sum(pg_total_relation_size(oid))) AS size
FROM (SELECT regexp_replace(relname, '_\d{8}.*$', '') AS relname, reltuples, oid FROM pg_class WHERE relnamespace = 'netflow'::regnamespace AND relkind = 'r' AND reltuples > 0) t
GROUP BY 1 ORDER BY sum(reltuples) DESC;
