-- Made-up traffic to try things on: labelled rows in the columns of a profile.
--
-- A row's values are functions of its number and the seed alone, so the same
-- call gives the same rows, and more rows go on where fewer ended.  Attacks lie
-- anywhere in time, some as hard to see as they are in life: nothing made up
-- tells how good a model is on a network.
--
--   connection   nine rows of ten normal; a scan, a flood, a login guessed, an upload
--   basic        the same traffic as packets, bytes, ports and protocol
--   transfer     85 of a hundred normal; loss, floods, uploads
--   kdd          the 17 columns of KDD-99 most used; attacks a third each dos, probe, r2l
--   minute       a row a minute: days, nights and weekends; spikes and silences
--   host         bytes sent and errors

-- Helpers with qualified names instead of a search_path, so that they are inlined.
-- draw: which of a row's random numbers.  The lower half of the hash is the one
-- in which neighbours have nothing in common.
CREATE FUNCTION anomaly.uniform(seed int8, i int8, draw int4) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT (pg_catalog.hashint8extended(i OPERATOR(pg_catalog.*) 64 OPERATOR(pg_catalog.+) draw, seed)
	OPERATOR(pg_catalog.&) 4294967295) OPERATOR(pg_catalog./) 4294967296::pg_catalog.float8 $$;
COMMENT ON FUNCTION anomaly.uniform(int8, int8, int4) IS 'random number from [0, 1) that depends on nothing but its arguments';

-- Box and Muller 1958.
CREATE FUNCTION anomaly.normal(seed int8, i int8, draw int4) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT pg_catalog.sqrt((-2) OPERATOR(pg_catalog.*) pg_catalog.ln(1 OPERATOR(pg_catalog.-) anomaly.uniform(seed, i, draw)))
	OPERATOR(pg_catalog.*) pg_catalog.cos(2 OPERATOR(pg_catalog.*) pg_catalog.pi()
	OPERATOR(pg_catalog.*) anomaly.uniform(seed, i, draw OPERATOR(pg_catalog.+) 32)) $$;
COMMENT ON FUNCTION anomaly.normal(int8, int8, int4) IS 'random number of the normal distribution that depends on nothing but its arguments';

-- Counts that are mostly zero: the geometric distribution of this mean.
CREATE FUNCTION anomaly.rare(seed int8, i int8, draw int4, mean float8) RETURNS int4
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT pg_catalog.floor(pg_catalog.ln(1 OPERATOR(pg_catalog.-) anomaly.uniform(seed, i, draw))
	OPERATOR(pg_catalog./) pg_catalog.ln(mean OPERATOR(pg_catalog./) (1 OPERATOR(pg_catalog.+) mean)))::pg_catalog.int4 $$;
COMMENT ON FUNCTION anomaly.rare(int8, int8, int4, float8) IS 'random count of the geometric distribution that depends on nothing but its arguments';

-- What row i of a sample is: normal, or one of the kinds with equal chances.
CREATE FUNCTION anomaly.sample_kind(seed int8, i int8, normal_share float8, kinds text[]) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
	SELECT CASE WHEN anomaly.uniform(seed, i, 0) OPERATOR(pg_catalog.<) normal_share THEN 'normal'
		ELSE kinds[1 OPERATOR(pg_catalog.+) pg_catalog.floor(anomaly.uniform(seed, i, 1)
			OPERATOR(pg_catalog.*) pg_catalog.cardinality(kinds))::pg_catalog.int4] END
$$;
COMMENT ON FUNCTION anomaly.sample_kind(int8, int8, float8, text[]) IS 'label of a row of a sample';

CREATE FUNCTION anomaly.sample_connection(n int8, seed int8 = 0)
RETURNS TABLE (packet_size float8, connection_duration float8, bytes_sent int8, bytes_received int8, packets_per_second float8,
	unique_destinations int4, failed_connections int4, port_scan_indicators int4, is_anomaly bool, label text)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT round(CASE kind WHEN 'normal' THEN least(1500, 64 + exp(5.8 + 0.7 * a)) WHEN 'data_exfiltration' THEN 1300 + 60 * a
			WHEN 'ddos' THEN 60 + 4 * a ELSE 58 + 8 * a END::numeric, 1)::float8,
		round(CASE kind WHEN 'normal' THEN exp(0.3 + 1.4 * b) WHEN 'data_exfiltration' THEN exp(5 + 0.8 * b)
			WHEN 'ddos' THEN exp(2 + b) WHEN 'port_scan' THEN exp(-3 + b) ELSE exp(0.5 + 0.6 * b) END::numeric, 3)::float8,
		CASE kind WHEN 'normal' THEN exp(7.4 + 1.3 * c) WHEN 'data_exfiltration' THEN exp(16 + c)
			WHEN 'ddos' THEN exp(12.5 + c) WHEN 'port_scan' THEN 40 + 20 * u ELSE exp(7 + 0.4 * c) END::int8,
		CASE kind WHEN 'normal' THEN exp(9 + 1.5 * d) WHEN 'data_exfiltration' THEN exp(8.5 + d)
			WHEN 'ddos' THEN 60 * u WHEN 'port_scan' THEN 54 * u ELSE exp(7.5 + 0.4 * d) END::int8,
		round(CASE kind WHEN 'normal' THEN exp(2.2 + 1.1 * e) WHEN 'data_exfiltration' THEN exp(4.5 + 0.5 * e)
			WHEN 'ddos' THEN exp(8.3 + 0.7 * e) WHEN 'port_scan' THEN exp(3.5 + 0.6 * e) ELSE exp(2.6 + 0.5 * e) END::numeric, 2)::float8,
		1 + anomaly.rare(seed, i, 11, CASE kind WHEN 'port_scan' THEN 60 ELSE 2 END),
		anomaly.rare(seed, i, 12, CASE kind WHEN 'port_scan' THEN 40 WHEN 'brute_force' THEN 15 ELSE 0.2 END),
		anomaly.rare(seed, i, 13, CASE kind WHEN 'port_scan' THEN 80 ELSE 0.2 END),
		kind <> 'normal', kind
	FROM (SELECT i, anomaly.sample_kind(seed, i, 0.9, '{port_scan,ddos,brute_force,data_exfiltration}') AS kind,
			anomaly.normal(seed, i, 2) AS a, anomaly.normal(seed, i, 3) AS b, anomaly.normal(seed, i, 4) AS c,
			anomaly.normal(seed, i, 5) AS d, anomaly.normal(seed, i, 6) AS e, anomaly.uniform(seed, i, 7) AS u
		FROM generate_series(1, n) i OFFSET 0) r
	ORDER BY i
$$;
COMMENT ON FUNCTION anomaly.sample_connection(int8, int8) IS 'made-up connections: nine of ten normal, a port scan, flood, guessed login or upload else';

CREATE FUNCTION anomaly.sample_basic(n int8, seed int8 = 0)
RETURNS TABLE ("Duration" float8, "PacketCount" int8, "ByteCount" int8, "SourcePort" int4, "DestinationPort" int4, "Protocol" text, "Label" text)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT round(duration::numeric, 3)::float8, packets, (packets * size)::int8, 1024 + (64511 * u)::int4,
		CASE kind WHEN 'port_scan' THEN 1 + (65534 * v)::int4 WHEN 'brute_force' THEN 22
			ELSE ('{443,443,443,80,53,53,25,123}'::int4[])[1 + (7.99 * v - 0.5)::int4] END,
		CASE WHEN kind IN ('port_scan', 'brute_force') OR kind = 'normal' AND (7.99 * v - 0.5)::int4 NOT IN (4, 5, 7)
			OR kind = 'data_exfiltration' THEN 'TCP' ELSE 'UDP' END,
		kind
	FROM (SELECT i, kind, u, v,
			CASE kind WHEN 'normal' THEN exp(0.3 + 1.4 * a) WHEN 'data_exfiltration' THEN exp(5 + 0.8 * a)
				WHEN 'ddos' THEN exp(2 + a) WHEN 'port_scan' THEN exp(-3 + a) ELSE exp(0.5 + 0.6 * a) END AS duration,
			CASE kind WHEN 'normal' THEN 1 + exp(2.5 + 1.1 * b) WHEN 'data_exfiltration' THEN exp(9 + b)
				WHEN 'ddos' THEN exp(9 + 0.7 * b) WHEN 'port_scan' THEN 1 + 2 * u ELSE 8 + 10 * u END::int8 AS packets,
			CASE kind WHEN 'normal' THEN least(1500, 64 + exp(5.8 + 0.7 * c)) WHEN 'data_exfiltration' THEN 1300 + 60 * c
				ELSE 60 + 4 * c END AS size
		FROM (SELECT i, anomaly.sample_kind(seed, i, 0.9, '{port_scan,ddos,brute_force,data_exfiltration}') AS kind,
				anomaly.normal(seed, i, 2) AS a, anomaly.normal(seed, i, 3) AS b, anomaly.normal(seed, i, 4) AS c,
				anomaly.uniform(seed, i, 5) AS u, anomaly.uniform(seed, i, 6) AS v
			FROM generate_series(1, n) i OFFSET 0) k OFFSET 0) r
	ORDER BY i
$$;
COMMENT ON FUNCTION anomaly.sample_basic(int8, int8) IS 'made-up flows as durations, packets, bytes, ports and protocol: nine of ten normal';

-- A flow every ten seconds on average, from a Monday on.
CREATE FUNCTION anomaly.sample_transfer(n int8, seed int8 = 0)
RETURNS TABLE ("timestamp" timestamptz, source_port int4, destination_port int4, protocol text, bytes_transferred int8, packet_count int8,
	connection_duration float8, retransmission_rate float8, bytes_per_packet float8, packets_per_second float8, label text)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT timestamptz '2026-01-05 00:00:00+00' + (i + u) * interval '10 seconds',
		1024 + (64511 * anomaly.uniform(seed, i, 7))::int4,
		CASE WHEN kind = 'ddos' THEN 80 ELSE ('{443,443,443,80,22,993}'::int4[])[1 + floor(6 * v)::int4] END, 'TCP',
		(packets * size)::int8, packets, round(duration::numeric, 3)::float8,
		round(CASE kind WHEN 'congestion' THEN least(0.6, 0.12 * exp(0.5 * d)) ELSE least(0.05, 0.004 * exp(d)) END::numeric, 5)::float8,
		round(size::numeric, 1)::float8, round((packets / greatest(duration, 0.001))::numeric, 2)::float8, kind
	FROM (SELECT i, kind, u, v, d,
			CASE kind WHEN 'ddos' THEN exp(8.5 + 0.7 * a) WHEN 'data_exfiltration' THEN exp(9.5 + a) ELSE 2 + exp(2.8 + 1.1 * a) END::int8 AS packets,
			CASE kind WHEN 'ddos' THEN 60 + 4 * c WHEN 'data_exfiltration' THEN 1300 + 60 * c ELSE least(1500, 64 + exp(5.9 + 0.6 * c)) END AS size,
			CASE kind WHEN 'ddos' THEN exp(1.5 + b) WHEN 'data_exfiltration' THEN exp(5 + 0.8 * b) WHEN 'congestion' THEN exp(2 + 1.2 * b)
				ELSE exp(0.3 + 1.3 * b) END AS duration
		FROM (SELECT i, anomaly.sample_kind(seed, i, 0.85, '{ddos,congestion,data_exfiltration}') AS kind,
				anomaly.normal(seed, i, 2) AS a, anomaly.normal(seed, i, 3) AS b, anomaly.normal(seed, i, 4) AS c,
				anomaly.normal(seed, i, 5) AS d, anomaly.uniform(seed, i, 6) AS u, anomaly.uniform(seed, i, 8) AS v
			FROM generate_series(1, n) i OFFSET 0) k OFFSET 0) r
	ORDER BY i
$$;
COMMENT ON FUNCTION anomaly.sample_transfer(int8, int8) IS 'made-up TCP transfers, one in ten seconds from 2026-01-05 on: 85 of a hundred normal, floods, congestion and uploads else';

-- Seven of ten normal.  The rates of a probe and of a flood are those of the
-- windows that KDD-99 defines; a guessed login shows in hot and failed logins.
CREATE FUNCTION anomaly.sample_kdd(n int8, seed int8 = 0)
RETURNS TABLE (duration int4, protocol_type text, service text, flag text, src_bytes int8, dst_bytes int8, wrong_fragment int4, urgent int4,
	hot int4, num_failed_logins int4, logged_in int4, count int4, srv_count int4, serror_rate float8, srv_serror_rate float8,
	same_srv_rate float8, diff_srv_rate float8, label text)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE kind WHEN 'normal' THEN exp(1.5 * a - 1) WHEN 'r2l' THEN exp(2 + a) ELSE 0 END::int4,
		CASE WHEN kind = 'normal' AND u < 0.2 THEN 'udp' WHEN kind = 'probe' AND u < 0.3 THEN 'icmp' ELSE 'tcp' END,
		CASE kind WHEN 'normal' THEN CASE WHEN u < 0.2 THEN 'domain_u' WHEN u < 0.8 THEN 'http' ELSE 'smtp' END
			WHEN 'dos' THEN CASE WHEN u < 0.7 THEN 'http' ELSE 'private' END
			WHEN 'probe' THEN CASE WHEN u < 0.3 THEN 'eco_i' ELSE 'private' END
			ELSE CASE WHEN u < 0.5 THEN 'ftp' ELSE 'telnet' END END,
		CASE kind WHEN 'normal' THEN CASE WHEN v < 0.96 THEN 'SF' WHEN v < 0.98 THEN 'REJ' ELSE 'RSTO' END
			WHEN 'dos' THEN CASE WHEN v < 0.9 THEN 'S0' ELSE 'SF' END
			WHEN 'probe' THEN CASE WHEN u < 0.3 THEN 'SF' WHEN v < 0.8 THEN 'REJ' ELSE 'RSTR' END ELSE 'SF' END,
		CASE kind WHEN 'normal' THEN exp(5.5 + b) WHEN 'r2l' THEN exp(5 + 0.5 * b) ELSE 0 END::int8,
		CASE kind WHEN 'normal' THEN exp(7.5 + 1.4 * c) WHEN 'r2l' THEN exp(6 + 0.7 * c) ELSE 0 END::int8,
		CASE WHEN kind = 'dos' AND w < 0.05 THEN 3 ELSE 0 END, 0,
		anomaly.rare(seed, i, 11, CASE kind WHEN 'r2l' THEN 3 ELSE 0.05 END),
		anomaly.rare(seed, i, 12, CASE kind WHEN 'r2l' THEN 1.5 ELSE 0.003 END),
		CASE WHEN kind = 'normal' AND u >= 0.2 AND w < 0.8 OR kind = 'r2l' AND w < 0.5 THEN 1 ELSE 0 END,
		seen,
		CASE kind WHEN 'probe' THEN 1 + least(seen - 1, anomaly.rare(seed, i, 14, 3)) ELSE ceil(seen * (0.6 + 0.4 * w)) END::int4,
		round(errors::numeric, 2)::float8, round(errors::numeric, 2)::float8,
		round(CASE kind WHEN 'probe' THEN 0.1 * w ELSE 0.7 + 0.3 * w END::numeric, 2)::float8,
		round(CASE kind WHEN 'probe' THEN 0.5 + 0.5 * w ELSE 0.1 * (1 - w) END::numeric, 2)::float8, kind
	FROM (SELECT i, kind, a, b, c, u, v, w,
			1 + anomaly.rare(seed, i, 13, CASE kind WHEN 'dos' THEN 150 WHEN 'probe' THEN 60 WHEN 'r2l' THEN 1 ELSE 8 END) AS seen,
			CASE kind WHEN 'dos' THEN 0.8 + 0.2 * w ELSE 0.03 * w * w END AS errors
		FROM (SELECT i, anomaly.sample_kind(seed, i, 0.7, '{dos,probe,r2l}') AS kind,
				anomaly.normal(seed, i, 2) AS a, anomaly.normal(seed, i, 3) AS b, anomaly.normal(seed, i, 4) AS c,
				anomaly.uniform(seed, i, 5) AS u, anomaly.uniform(seed, i, 6) AS v, anomaly.uniform(seed, i, 7) AS w
			FROM generate_series(1, n) i OFFSET 0) k OFFSET 0) r
	ORDER BY i
$$;
COMMENT ON FUNCTION anomaly.sample_kdd(int8, int8) IS 'made-up connections in 17 columns of KDD-99: seven of ten normal, a third of the others each dos, probe and r2l';

CREATE FUNCTION anomaly.sample_minute(n int8, seed int8 = 0)
RETURNS TABLE (minute timestamptz, flows int4, packets int8, bytes int8, label text)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT at, (packets / 40)::int4, packets::int8, (packets * 600 * exp(0.1 * anomaly.normal(seed, i, 4)))::int8, kind
	FROM (SELECT i, at, kind, 2000 * daily * exp(0.15 * anomaly.normal(seed, i, 2))
			* CASE kind WHEN 'spike' THEN 6 + 10 * anomaly.uniform(seed, i, 3) WHEN 'silence' THEN 0.01 ELSE 1 END AS packets
		FROM (SELECT i, at, anomaly.sample_kind(seed, i, 0.99, '{spike,silence}') AS kind,
				-- highest at one in the afternoon, a tenth of it at night, less than half on a weekend
				(0.1 + 0.9 * exp(2 * (cos((date_part('hour', at AT TIME ZONE 'UTC') + date_part('minute', at AT TIME ZONE 'UTC') / 60 - 13) * pi() / 12) - 1)))
				* CASE WHEN date_part('isodow', at AT TIME ZONE 'UTC') > 5 THEN 0.4 ELSE 1 END AS daily
			FROM (SELECT i, timestamptz '2026-01-05 00:00:00+00' + (i - 1) * interval '1 minute' AS at FROM generate_series(1, n) i) t) k) r
	ORDER BY i
$$;
COMMENT ON FUNCTION anomaly.sample_minute(int8, int8) IS 'made-up traffic of a network, a row a minute from 2026-01-05 on: days, nights and weekends; one minute in a hundred a spike or a silence';

CREATE FUNCTION anomaly.sample_host(n int8, seed int8 = 0)
RETURNS TABLE (bytes_sent int8, errors int4, label text)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT exp(CASE kind WHEN 'upload' THEN 14 ELSE 9 END + 0.8 * anomaly.normal(seed, i, 2))::int8,
		anomaly.rare(seed, i, 4, CASE kind WHEN 'faulty' THEN 40 ELSE 1 END), kind
	FROM (SELECT i, anomaly.sample_kind(seed, i, 0.9, '{upload,faulty}') AS kind FROM generate_series(1, n) i OFFSET 0) r
	ORDER BY i
$$;
COMMENT ON FUNCTION anomaly.sample_host(int8, int8) IS 'made-up counters of hosts, bytes sent and errors: nine of ten normal';

CREATE FUNCTION @extschema@.anomaly_sample(profile text, n int8 = 1000, seed int8 = 0) RETURNS SETOF json
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	profiles CONSTANT text[] := '{connection,basic,transfer,kdd,minute,host}';
BEGIN
	IF profile <> ALL (profiles) THEN
		RAISE EXCEPTION 'unknown profile "%"', profile USING ERRCODE = 'invalid_parameter_value',
			HINT = format('Profiles are: %s.', array_to_string(profiles, ', '));
	END IF;
	IF n NOT BETWEEN 0 AND 10000000 THEN
		RAISE EXCEPTION 'a sample cannot have % rows', n USING ERRCODE = 'invalid_parameter_value',
			HINT = 'It has between 0 and 10000000.';
	END IF;
	RETURN QUERY EXECUTE format('SELECT row_to_json(s) FROM anomaly.%I($1, $2) s', 'sample_' || profile) USING n, seed;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_sample(text, int8, int8) IS
'made-up labelled rows of a profile (connection, basic, transfer, kdd, minute, host), the same for the same seed; as columns: SELECT * FROM anomaly.sample_<profile>(n, seed)
n: 0 to 10000000 rows';
