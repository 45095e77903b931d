-- The rules that look further than one source's minute: each with an attack
-- that it fires on, and a twin that stays below one of its thresholds.
SET client_min_messages = warning;
SET timezone = 'America/New_York';		-- hours and days are UTC's
SELECT anomaly_create_flow_store('fort');
SELECT anomaly_ensure_chunks('fort', '2026-01-05 00:00+00', '2026-01-11 00:00+00');
CREATE VIEW hand.fort AS
	SELECT host(source) AS source, r.rule, a.threat, title, flow_count AS flows, target_count AS targets, (a.targets)[1] AS target, ports[1:3] AS ports, first_seen AT TIME ZONE 'UTC' AS first_seen
	FROM fort.alert a, unnest(a.indicators) r(rule) ORDER BY a.source, r.rule;

-- An ordinary week: every day each of ten hosts resolves names, browses 40
-- sites, uploads 1 MB, pings the gateway; a nightly backup stays inside.
INSERT INTO fort.flow SELECT f.* FROM generate_series(5, 10) day, generate_series(1, 10) h, generate_series(1, 120) i,
	hand.flow(timestamptz '2026-01-01 00:00+00' + interval '1 day' * (day - 1) + interval '8 hours' + interval '4 min' * i * hand.draw('pace' || h, i), inet '10.0.0.20' + h,
		CASE i % 3 WHEN 0 THEN inet '10.0.0.2' WHEN 1 THEN inet '203.0.113.0' + (40 * hand.draw('site' || h, i))::int ELSE inet '10.0.0.1' END,
		CASE i % 3 WHEN 0 THEN 53 WHEN 1 THEN 443 ELSE 0 END, CASE i % 3 WHEN 0 THEN 17 WHEN 1 THEN 6 ELSE 1 END, 3,
		CASE i % 3 WHEN 0 THEN 45 WHEN 1 THEN 25000 ELSE 56 END, CASE i % 3 WHEN 0 THEN 120 WHEN 1 THEN 80000 ELSE 56 END, 3, 3, 27, CASE i % 3 WHEN 2 THEN 8 ELSE 40000 END) f;
INSERT INTO fort.flow SELECT f.* FROM generate_series(5, 10) day,
	hand.flow(timestamptz '2026-01-01 02:00+00' + interval '1 day' * (day - 1), '10.0.0.3', '10.0.0.5', 873, 6, 3, 2000000000, 10000, 1400000, 700000) f;
SELECT count(*) AS flows, (SELECT count(*) FROM fort.detection) AS detections FROM fort.flow;

-- n flows of one kind: from a source, or from as many as there are flows (spread)
CREATE PROCEDURE hand.wave(start timestamptz, src inet, spread int, n int, step interval, dst inet, port int, protocol int, state int, sent int8, got int8,
	packets int, answers int, flags int = 27) LANGUAGE sql AS $$
	INSERT INTO fort.flow SELECT f.* FROM generate_series(1, n) i,
	hand.flow(start + step * i, src + i % spread, dst, port, protocol, state, sent, got, packets, answers, flags) f
$$;
CALL hand.wave('2026-01-10 12:00+00', '192.0.2.0', 200, 1000, '10 ms', '10.0.0.80', 80, 6, 1, 0, 0, 1, 0, 2);		-- SYN flood, spoofed
CALL hand.wave('2026-01-10 12:00+00', '198.51.100.0', 20, 1000, '10 ms', '10.0.0.81', 80, 6, 1, 0, 0, 1, 0, 2);	-- of too few
CALL hand.wave('2026-01-10 12:00+00', '203.0.113.0', 200, 250, '10 ms', '10.0.0.82', 80, 6, 1, 0, 0, 1, 0, 2);		-- too small
CALL hand.wave('2026-01-10 12:10+00', '2001:db8::', 200, 400, '10 ms', '2001:db8:ffff::1', 80, 6, 1, 0, 0, 1, 0, 2);
CALL hand.wave('2026-01-10 12:20+00', '192.0.2.0', 100, 1000, '10 ms', '10.0.0.83', 9999, 17, 1, 50000, 0, 100, 0, 0);	-- UDP flood, spoofed
CALL hand.wave('2026-01-10 12:20+00', '192.0.2.0', 100, 1000, '10 ms', '10.0.0.84', 9999, 17, 3, 50000, 50000, 100, 100, 0);	-- answered
CALL hand.wave('2026-01-10 13:00+00', '10.0.0.21', 1, 40, '1 min', '198.51.100.1', 443, 6, 3, 700000, 600000, 500, 400);	-- 28 MB out, on other days 1 MB
CALL hand.wave('2026-01-10 13:00+00', '10.0.0.99', 1, 40, '1 min', '198.51.100.1', 443, 6, 3, 700000, 600000, 500, 400);	-- the same of a host without a past
CALL hand.wave('2026-01-10 13:00+00', '10.0.0.22', 1, 10, '1 min', '198.51.100.1', 443, 6, 3, 700000, 600000, 500, 400);	-- 7 MB out
CALL hand.wave('2026-01-10 03:00+00', '10.0.0.23', 1, 5, '10 s', '198.51.100.2', 443, 6, 3, 3000000, 200000, 2000, 900);	-- 15 MB at 03:00
CALL hand.wave('2026-01-10 09:00+00', '10.0.0.24', 1, 5, '10 s', '198.51.100.2', 443, 6, 3, 3000000, 200000, 2000, 900);	-- the same at 09:00
CALL hand.wave('2026-01-10 03:00+00', '10.0.0.24', 1, 5, '10 s', '10.0.0.5', 443, 6, 3, 3000000, 200000, 2000, 900);		-- the same to a host inside
CALL hand.wave('2026-01-10 14:00+00', '10.0.0.25', 1, 300, '2 s', '10.0.0.2', 53, 17, 3, 180, 300, 1, 1, 0);				-- long questions
CALL hand.wave('2026-01-10 14:00+00', '10.0.0.26', 1, 300, '2 s', '10.0.0.2', 53, 17, 3, 60, 300, 1, 1, 0);				-- short ones
CALL hand.wave('2026-01-10 14:10+00', '10.0.0.30', 1, 50, '2 s', '198.51.100.3', 0, 1, 3, 60000, 60000, 60, 60, 0);		-- large echo requests
CALL hand.wave('2026-01-10 14:10+00', '10.0.1.11', 1, 50, '2 s', '198.51.100.3', 0, 1, 3, 3360, 3360, 60, 60, 0);		-- ordinary ones
CALL hand.wave('2026-01-10 14:20+00', '10.0.1.12', 1, 200, '3 s', '10.0.0.6', 993, 6, 3, 1200, 4500, 9, 9);				-- guesses at a mail server
CALL hand.wave('2026-01-10 14:20+00', '10.0.1.13', 1, 200, '20 s', '10.0.0.6', 993, 6, 3, 1200, 4500, 9, 9);				-- a program that looks for mail
CALL hand.wave('2026-01-10 14:20+00', '10.0.1.14', 1, 200, '3 s', '10.0.0.6', 5432, 6, 3, 150, 250, 9, 9);				-- guesses at a database
CALL hand.wave('2026-01-10 14:20+00', '10.0.1.15', 1, 200, '3 s', '10.0.0.6', 5432, 6, 3, 1500, 25000, 9, 30);			-- a program that asks it
INSERT INTO fort.flow SELECT f.* FROM generate_series(1, 200) i,						-- answers from 200 servers to a faked question
	hand.flow(timestamptz '2026-01-10 14:50+00' + interval '0.1 s' * i, '10.0.0.85', inet '203.0.113.0' + i, 161, 17, 13, 0, 1400, 0, 1, 0) f;
INSERT INTO fort.flow SELECT f.* FROM generate_series(1, 200) i,						-- questions to 200 servers
	hand.flow(timestamptz '2026-01-10 14:50+00' + interval '0.1 s' * i, '10.0.0.86', inet '203.0.113.0' + i, 161, 17, 3, 50, 1400, 1, 1, 0) f;
-- not a scan: traceroute by UDP; the same number of packets to other ports is one
INSERT INTO fort.flow SELECT f.* FROM generate_series(0, 89) i, (VALUES ('10.0.1.16'::inet, 33434), ('10.0.1.17', 20000)) host(addr, port),
	hand.flow(timestamptz '2026-01-10 17:00+00' + interval '0.2 s' * i, addr, '198.51.100.4', port + i, 17, 1, 32, 0, 1, 0, 0) f;
-- not beacons: a program that polls four hosts by the clock; two of them would be
INSERT INTO fort.flow SELECT f.* FROM generate_series(1, 40) i, generate_series(1, 4) target, (VALUES ('10.0.1.18'::inet, 4), ('10.0.1.19', 2)) host(addr, targets),
	hand.flow(timestamptz '2026-01-10 18:00+00' + interval '64 s' * i + interval '1 s' * target * hand.draw('poll', i * 4 + target), addr, inet '198.51.100.10' + target, 4460, 6, 3, 400, 600) f
	WHERE target <= targets;
CALL hand.wave('2026-01-10 12:30+00', '10.0.5.1', 1, 6, '0.9 s', '10.0.0.4', 22, 6, 3, 900, 2100, 12, 14);		-- six password tools at once, on the edge of 5 s
CALL hand.wave('2026-01-10 12:30+00', '10.0.5.2', 1, 6, '1.1 s', '10.0.0.4', 22, 6, 3, 900, 2100, 12, 14);		-- one after the other
CALL hand.wave('2026-01-10 12:30+00', '10.0.5.3', 1, 8, '0.1 s', '10.0.0.4', 22, 6, 3, 3100, 2900, 20, 20);		-- copies of small files
CALL hand.wave('2026-01-10 12:30+00', '10.0.5.4', 1, 8, '0.1 s', '10.0.0.4', 443, 6, 3, 900, 2100, 12, 14);		-- no login service
CALL hand.wave('2026-01-10 12:30+00', '10.0.5.5', 1, 8, '0.1 s', '10.0.0.4', 22, 6, 1, 0, 0, 1, 0, 2);			-- to a server that is down
CALL hand.wave('2026-01-10 12:30:55+00', '10.0.5.6', 1, 12, '0.83 s', '10.0.0.4', 21, 6, 3, 100, 300, 9, 9);		-- six in each of two minutes
-- echo requests to twenty hosts, of which n don't answer; to a hundred that do; to three, of which one is down
INSERT INTO fort.flow SELECT f.* FROM (VALUES ('10.0.5.11'::inet, 20, 5), ('10.0.5.12', 20, 4), ('10.0.5.13', 100, 0), ('10.0.5.14', 3, 1)) host(addr, hosts, silent),
	generate_series(1, hosts) i,
	hand.flow(timestamptz '2026-01-10 12:40+00' + interval '0.2 s' * i, addr, inet '10.0.6.0' + i, 0, 1, 3, 56, 56 * (i > silent)::int, 1, (i > silent)::int, 0, 8) f;
INSERT INTO fort.flow SELECT f.* FROM generate_series(1, 20) i,									-- the same of ICMPv6
	hand.flow(timestamptz '2026-01-10 12:40+00' + interval '0.2 s' * i, '2001:db8:5::1', inet '2001:db8:6::' + i, 0, 58, 3, 56, 0, 1, 0, 0, 128) f;
-- a flood of echo requests, one that is answered, and a router's messages that nobody answers
INSERT INTO fort.flow SELECT f.* FROM (VALUES ('10.0.5.21'::inet, 0, 8), ('10.0.5.22', 1000, 8), ('10.0.5.23', 0, 11)) host(addr, answers, kind),
	hand.flow('2026-01-10 12:50+00', addr, '10.0.0.87', 0, 1, 3, 56000, 56 * answers, 1000, answers, 0, kind) f;
CALL hand.wave('2026-01-10 15:00+00', '10.0.1.7', 1, 300, '1 s', '10.0.0.9', 0, 1, 3, 56, 56, 1, 1, 0);				-- ICMP alone
CALL hand.wave('2026-01-10 15:00+00', '10.0.1.8', 1, 300, '1 s', '10.0.0.9', 0, 47, 3, 1400, 1400, 1, 1, 0);				-- GRE alone
CALL hand.wave('2026-01-10 16:00+00', '10.0.1.9', 1, 10, '1 s', '10.0.0.9', 445, 6, 3, 500000000, 500000000, 700000, 700000);	-- 10 GB in a minute
CALL hand.wave('2026-01-10 16:00+00', '10.0.1.10', 1, 10, '10 s', '10.0.0.9', 445, 6, 3, 50000000, 50000000, 70000, 70000);	-- 1 GB
TABLE hand.fort;
-- Found in one batch of all days: the same.
CREATE TABLE hand.before AS SELECT source, threat, indicators, flow_count, targets FROM fort.alert;
SELECT anomaly_create_flow_store('camp');
SELECT anomaly_ensure_chunks('camp', '2026-01-05 00:00+00', '2026-01-11 00:00+00');
INSERT INTO camp.flow SELECT * FROM fort.flow;
SELECT (SELECT count(*) FROM (TABLE hand.before EXCEPT SELECT source, threat, indicators, flow_count, targets FROM camp.alert) x) AS missing,
	   (SELECT count(*) FROM (SELECT source, threat, indicators, flow_count, targets FROM camp.alert EXCEPT TABLE hand.before) x) AS new;
-- the flows of a flood from everywhere are labelled when its alert is closed
SELECT anomaly_triage('fort', array_agg(id), 'close', 'true_positive') FROM fort.alert WHERE source = '0.0.0.0' AND '10.0.0.80' = ANY (targets);
SELECT label, count(*), count(DISTINCT src_addr) AS sources FROM fort.flow_label GROUP BY 1;

-- Off by default, since every day has them: new peers and new services.
UPDATE fort.threat_rule SET enabled = rule IN ('new_service', 'new_peer');
CALL hand.wave('2026-01-11 10:00+00', '10.0.0.27', 1, 1, '1 s', '10.0.0.2', 8080, 6, 3, 500, 500, 5, 5);		-- the resolver now serves 8080 too
CALL hand.wave('2026-01-11 10:01+00', '10.0.0.27', 1, 1, '1 s', '10.0.0.2', 8081, 6, 4, 0, 0, 1, 1, 2);		-- refused: no service
CALL hand.wave('2026-01-11 10:02+00', '10.0.0.28', 1, 1, '1 s', '10.0.0.2', 53, 17, 3, 45, 120, 1, 1, 0);	-- as ever
CALL hand.wave('2026-01-11 10:03+00', '10.0.0.29', 1, 1, '1 s', '198.51.100.77', 443, 6, 3, 500, 500, 5, 5);	-- not seen before
CALL hand.wave('2026-01-11 10:03+00', '10.0.3.3', 1, 1, '1 s', '198.51.100.77', 443, 6, 3, 500, 500, 5, 5);	-- nor was its source
SELECT * FROM hand.fort WHERE first_seen >= '2026-01-11';
SELECT anomaly_backfill('fort', NULL, '2026-01-11 00:00+00', '2026-01-12 00:00+00') AS detections;

-- Nor are these on: spikes of a host that moves 12 MB every ten minutes, and
-- once 60 MB; of one that moves that all the time, nothing is said.
UPDATE fort.threat_rule SET enabled = rule IN ('traffic_spike', 'traffic_doubled', 'one_hour');
INSERT INTO fort.flow SELECT f.* FROM generate_series(0, 47) i, generate_series(1, 5) n, (VALUES ('10.0.4.1'::inet, 1), ('10.0.4.2', 5)) host(addr, usual),
	hand.flow(timestamptz '2026-01-11 12:00+00' + interval '10 min' * i + interval '1 s' * n, addr, '10.0.0.9', 445, 6, 3, 20000,
		2400000 * CASE WHEN i = 40 THEN 5 ELSE usual END + (100000 * hand.draw('volume', i * 5 + n))::int8, 300, 1600) f;
-- 30 MB in its first hour, 1 MB in each of nine others
INSERT INTO fort.flow SELECT f.* FROM generate_series(0, 239) i,
	hand.flow(timestamptz '2026-01-11 12:00+00' + interval '150 s' * i, '10.0.4.3', '10.0.0.9', 445, 6, 3, 2000, CASE WHEN i < 24 THEN 1250000 ELSE 42000 END, 30, 100) f;
SELECT * FROM hand.fort WHERE first_seen >= '2026-01-11' AND source LIKE '10.0.4.%';
SELECT source, d.rule, r ->> 'feature' AS feature, r ->> 'value' AS value FROM fort.detection d, host(d.src_addr) source, jsonb_array_elements(reasons) r
WHERE src_addr <<= '10.0.4.0/24' AND r ->> 'feature' IN ('spike_sd', 'growth', 'hour_share') ORDER BY 1, 2, d.start_time;
-- the numbers in SQL
WITH minute AS (
	SELECT date_trunc('minute', start_time) AS at, sum(src_bytes + dst_bytes)::float8 AS bytes FROM fort.flow WHERE src_addr = '10.0.4.1' GROUP BY 1
), past AS (
	SELECT at, bytes, avg(bytes) OVER before AS mean, stddev(bytes) OVER before AS sd FROM minute WINDOW before AS (ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
SELECT round(((bytes - mean) / sd)::numeric, 3) AS spike_sd FROM past WHERE at = '2026-01-11 18:40+00';
SELECT error FROM fort.tally;
SELECT anomaly_backfill('fort', NULL, '2026-01-11 00:00+00', '2026-01-12 00:00+00') AS detections;
