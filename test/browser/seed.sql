-- Two days of a small, fully determined network in a store of its own: eight
-- clients and three servers by day and night, then a port scan, a SYN flood
-- and a password guesser, loaded under a watch as they would be in practice.
\set QUIET on
SET timezone = 'UTC';
CREATE EXTENSION pg_anomaly;
SELECT anomaly_create_flow_store('netflow');
SELECT anomaly_ensure_chunks('netflow', '2026-03-02', '2026-03-04');

-- n-th pseudo-random number of a stream, in [0, 1)
CREATE FUNCTION draw(stream text, n bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS
	$$SELECT ((hashtextextended(stream, n) >> 12) & 1048575) / 1048576.0$$;

CREATE TEMP TABLE capture_of AS
	WITH made AS (
		INSERT INTO netflow.capture (source, fingerprint, packets, ip_packets, other_packets, flows, drops, state)
		VALUES ('seed.sql', '\x00', 0, 0, 0, 0, 0, 'loaded') RETURNING id)
	SELECT id FROM made;

CREATE FUNCTION pg_temp.add_flow(at timestamptz, src inet, dst inet, sport int, dport int, out_bytes bigint, in_bytes bigint,
								 out_packets int, in_packets int, us bigint, st int)
RETURNS netflow.flow LANGUAGE sql STABLE AS $$
	SELECT r FROM jsonb_populate_record(NULL::netflow.flow, jsonb_build_object(
		'start_time', at, 'duration_us', us, 'src_bytes', out_bytes, 'dst_bytes', in_bytes,
		'src_payload', greatest(out_bytes - 52 * out_packets, 0), 'dst_payload', greatest(in_bytes - 52 * in_packets, 0),
		'src_packets', out_packets, 'dst_packets', in_packets, 'src_port', sport, 'dst_port', dport,
		'rtt_us', CASE WHEN in_packets > 0 THEN 900 END, 'length_min', 52, 'length_max', CASE WHEN in_bytes > 0 THEN 1500 ELSE 60 END,
		'capture_id', (SELECT id FROM capture_of), 'length_mean', (out_bytes + in_bytes)::float8 / (out_packets + in_packets),
		'length_stddev', 200, 'iat_mean_us', us / greatest(out_packets + in_packets - 1, 1), 'iat_stddev_us', us / 10,
		'protocol', 6, 'src_tcp_flags', CASE st WHEN 3 THEN 27 ELSE 2 END, 'dst_tcp_flags', CASE st WHEN 3 THEN 27 WHEN 4 THEN 20 ELSE 0 END,
		'state', st, 'end_reason', 3, 'retransmits', 0, 'fragments', 0, 'bad_fragments', 0, 'urgent', 0, 'ttl', 64, 'tunnel', 0,
		'src_addr', src, 'dst_addr', dst)) r
$$;

-- the ordinary: 6,000 conversations, three quarters of them between 7 and 19 h
INSERT INTO netflow.flow
SELECT f.*
FROM generate_series(1, 6000) i, pg_temp.add_flow(
	timestamptz '2026-03-02' + interval '1 day' * (i % 2)
		+ CASE WHEN i % 4 = 0 THEN interval '24 hours' ELSE interval '12 hours' END * draw('at', i)
		+ CASE WHEN i % 4 = 0 THEN interval '0' ELSE interval '7 hours' END,
	inet '10.0.0.10' + (8 * draw('client', i))::int, inet '10.0.1.1' + (i % 3)::int,
	30000 + (30000 * draw('port', i))::int, (ARRAY[443, 443, 80])[1 + i % 3],
	(400 + 2600 * draw('out', i))::bigint, (2000 + 60000 * draw('in', i))::bigint,
	(6 + 10 * draw('pk', i))::int, (8 + 40 * draw('qk', i))::int, (50000 + 4000000 * draw('us', i))::bigint, 3) f;

SELECT model, version, rows_used FROM anomaly_train('baseline', 'SELECT * FROM netflow.flow_feature');
SELECT anomaly_watch('netflow', 'baseline') AS watch \gset
SELECT anomaly_backfill('netflow', :watch, '2026-03-02', '2026-03-04');

-- 600 ports of one server in eight minutes
INSERT INTO netflow.flow
SELECT f.*
FROM generate_series(1, 600) i, pg_temp.add_flow(timestamptz '2026-03-03 10:20' + interval '0.8 s' * i, '198.51.100.23', '10.0.1.2',
	45000 + i % 9, 1 + i, 44, 40, 1, 1, 180, 4) f;

-- 2,000 half-open connections in two minutes
INSERT INTO netflow.flow
SELECT f.*
FROM generate_series(1, 2000) i, pg_temp.add_flow(timestamptz '2026-03-03 14:05' + interval '0.06 s' * i, '203.0.113.66', '10.0.1.1',
	1024 + i, 80, 60, 0, 1, 0, 0, 1) f;

-- 240 attempts at SSH in an hour, at night
INSERT INTO netflow.flow
SELECT f.*
FROM generate_series(1, 240) i, pg_temp.add_flow(timestamptz '2026-03-03 02:00' + interval '15 s' * i, '2001:db8:85a3::8a2e:370:7334', '10.0.1.3',
	40000 + i, 22, 2100, 2900, 14, 13, 1900000, 3) f;

-- Models beside the one on guard: two of one kind, measured on labelled rows,
-- the second by retraining, and one that tells classes.
CREATE TABLE netflow.labelled AS
	SELECT f.*, CASE WHEN src_addr = '198.51.100.23' THEN 'port_scan' WHEN src_addr = '203.0.113.66' THEN 'ddos'
		WHEN src_addr = '2001:db8:85a3::8a2e:370:7334' THEN 'brute_force' ELSE 'normal' END AS class
	FROM netflow.flow_feature f;
SELECT model, version FROM anomaly_train('measured', 'SELECT l.*, class <> ''normal'' AS attack FROM netflow.labelled l', label => 'attack',
	features => anomaly_flow_features(), options => '{"trees": 20}');
SELECT activated FROM anomaly_retrain('measured');
SELECT model, version FROM anomaly_train('classes', 'SELECT * FROM netflow.labelled', 'random_forest', label => 'class',
	features => anomaly_flow_features(), options => '{"trees": 20}');
