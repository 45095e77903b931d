-- The API's numbers are what SQL says over the rows, and a viewer sees nothing else.
SET client_min_messages = warning;
SET timezone = 'UTC';
\set VERBOSITY terse
-- the owner is no superuser, but has what 50_flow.sql says it takes
CREATE ROLE pga_test_viewer;
CREATE ROLE pga_test_owner;
CREATE ROLE pga_test_stranger;
SELECT format('GRANT CREATE ON DATABASE %I TO pga_test_owner', current_database()) \gexec
GRANT USAGE ON SCHEMA anomaly TO pga_test_owner;
GRANT SELECT, INSERT, DELETE ON anomaly.flow_store TO pga_test_owner;
GRANT SELECT ON anomaly.model, anomaly.model_version TO pga_test_owner;
GRANT USAGE, CREATE ON SCHEMA hand TO pga_test_owner;
GRANT USAGE ON SCHEMA shape TO pga_test_owner;
SET ROLE pga_test_owner;
SELECT anomaly_create_flow_store('page');
SELECT anomaly_ensure_chunks('page', '2026-01-05', '2026-01-09');
INSERT INTO page.flow SELECT f.* FROM generate_series(1, 5000) i,
	hand.flow(timestamptz '2026-01-05' + interval '4 days' * hand.draw('when', i),
	inet '10.0.0.1' + (9 * hand.draw('who', i))::int, inet '192.0.2.0' + (9 * hand.draw('whom', i))::int, 443, 6, 3,
	(9000 * hand.draw('out', i))::int8, (90000 * hand.draw('in', i))::int8) f;
-- scans of one host and SYN floods, by three sources on three days
INSERT INTO page.flow SELECT f.* FROM generate_series(1, 900) i,
	hand.flow(timestamptz '2026-01-06 10:00' + interval '0.5 s' * i, '10.0.0.66', '10.0.0.5', i, 6, 4, 0, 0, 1, 1, 2) f;
INSERT INTO page.flow SELECT f.* FROM generate_series(1, 2400) i,
	hand.flow(timestamptz '2026-01-07 23:58' + interval '0.1 s' * i, '10.0.0.67', '10.0.0.5', i, 6, 4, 0, 0, 1, 1, 2) f;
INSERT INTO page.flow SELECT f.* FROM generate_series(1, 6000) i,
	hand.flow(timestamptz '2026-01-08 05:00' + interval '20 ms' * i, '2001:db8::1', '10.0.0.5', 80, 6, 1, 0, 0, 1, 0, 2) f;
-- scores by hand: 10 flows of every hundredth in every hour of two days
INSERT INTO page.score_hour SELECT h, 1, b, 10, CASE WHEN b >= 60 THEN 10 ELSE 0 END
FROM generate_series(timestamptz '2026-01-06', '2026-01-07 23:00', '1 hour') h, generate_series(0, 99) b;

SELECT anomaly_create_api('page', 'pga_test_nobody');
SELECT to_regnamespace('page_api');
SELECT anomaly_create_api('nowhere', 'pga_test_viewer');
SELECT anomaly_create_api('page', 'pga_test_viewer');
SELECT anomaly_create_api('page', 'pga_test_viewer');		-- again, in place of the first

-- a viewer reads the API and nothing else
SET ROLE pga_test_viewer;
\set VERBOSITY sqlstate
SELECT count(*) FROM page.flow;
SELECT count(*) FROM page.alert;
SELECT count(*) FROM anomaly.model;
DELETE FROM page_api.alerts;
INSERT INTO page_api.flow_minute VALUES (now(), 6, 1, 1, 1, 1, 1);
SELECT anomaly_create_flow_store('mine');
SELECT anomaly_ensure_chunks('page', now(), now());
SELECT anomaly_backfill('page', NULL, '2026-01-05', '2026-01-06');
\set VERBOSITY terse
SELECT store, first_flow::date, last_flow::date, flows, detections, open_alerts, models, watch_error FROM page_api.status;
SELECT source, threat, title, band, risk, state, flow_count, detection_count, target_count, targets, jsonb_array_length(reasons) > 0 AS reasons,
	   jsonb_array_length(playbook) > 0 AS playbook FROM page_api.alerts ORDER BY first_seen;
SELECT count(*) FROM page_api.watches;

-- every function, compared with the rows themselves
SET ROLE pga_test_owner;
CREATE FUNCTION hand.raw(t0 timestamptz, t1 timestamptz, OUT flows bigint, OUT packets bigint, OUT bytes bigint) LANGUAGE sql AS $$
	SELECT count(*), coalesce(sum(src_packets + dst_packets), 0), coalesce(sum(src_bytes + dst_bytes), 0)
	FROM page.flow WHERE start_time >= t0 AND start_time < t1 $$;
CREATE TABLE hand.period AS SELECT * FROM (VALUES
	(1, timestamptz '2026-01-05', timestamptz '2026-01-09'),			-- days: from the hour tier
	(2, '2026-01-05 07:13', '2026-01-08 19:41'),						-- the same with ends inside hours
	(3, '2026-01-06 09:30', '2026-01-06 10:30'),						-- an hour
	(4, '2026-01-07 23:59', '2026-01-08 00:01'),						-- two minutes over midnight
	(5, '2020-01-01', '2020-01-02')) p(id, t0, t1);
SELECT p.id, (k.flows, k.packets, k.bytes) = (r.flows, r.packets, r.bytes) AS kpi, (t.flows, t.packets, t.bytes) = (r.flows, r.packets, r.bytes) AS timeline,
	   t.buckets, t.buckets = t.distinct_buckets AS "each once", t.first = t0 AS first, t.last < t1 AS last, k.detections = f.n AS detections, t.found = f.n AS bands, s.n = f.n AS lanes,
	   k.sources = f.sources AS sources, k.alerts = a.n AS alerts, h.alerts = a.n AND h.detections = f.n AS threats
FROM hand.period p
CROSS JOIN LATERAL hand.raw(t0, t1) r
CROSS JOIN LATERAL (SELECT count(*) AS n, count(DISTINCT src_addr) AS sources FROM page.detection d WHERE d.start_time >= t0 AND d.start_time < t1) f
CROSS JOIN LATERAL (SELECT count(*) AS n FROM page.alert x WHERE x.first_seen < t1 AND x.last_seen >= t0) a
CROSS JOIN LATERAL (SELECT max(value) FILTER (WHERE name = 'flows') AS flows, max(value) FILTER (WHERE name = 'packets') AS packets,
	max(value) FILTER (WHERE name = 'bytes') AS bytes, max(value) FILTER (WHERE name = 'detections') AS detections,
	max(value) FILTER (WHERE name = 'alerts') AS alerts, max(value) FILTER (WHERE name = 'sources') AS sources FROM page_api.kpi(t0, t1)) k
CROSS JOIN LATERAL (SELECT sum(flows) AS flows, sum(packets) AS packets, sum(bytes) AS bytes, count(*) AS buckets, count(DISTINCT t) AS distinct_buckets, min(t) AS first,
	max(t) AS last, sum(critical + major + minor + warning) AS found FROM page_api.timeline(t0, t1)) t
CROSS JOIN LATERAL (SELECT coalesce(sum(detections), 0) AS n FROM page_api.swimlane(t0, t1)) s
CROSS JOIN LATERAL (SELECT coalesce(sum(alerts), 0) AS alerts, coalesce(sum(detections), 0) AS detections FROM page_api.threat_types(t0, t1)) h
ORDER BY 1;
-- each bucket by itself
SELECT count(*) AS buckets, count(*) FILTER (WHERE (t.flows, t.packets, t.bytes) <> (r.flows, r.packets, r.bytes)) AS differing
FROM page_api.timeline('2026-01-06 09:30', '2026-01-06 10:30', buckets => 30) t, hand.raw(t.t, t.t + '2 min') r;
-- the period before
SELECT name, value, previous FROM page_api.kpi('2026-01-06', '2026-01-07') WHERE name IN ('flows', 'alerts');
SELECT (hand.raw('2026-01-06', '2026-01-07')).flows AS value, (hand.raw('2026-01-05', '2026-01-06')).flows AS previous;
-- one source
SELECT k.value, (SELECT count(*) FROM page.flow WHERE src_addr = '10.0.0.66') AS raw FROM page_api.kpi('2026-01-05', '2026-01-09', '10.0.0.66') k WHERE name = 'flows';
SELECT sum(flows) FROM page_api.timeline('2026-01-05', '2026-01-09', '10.0.0.66');
SELECT * FROM page_api.threat_types('2026-01-05', '2026-01-09', '2001:db8::1');
SELECT * FROM page_api.threat_types('2026-01-05', '2026-01-09', threat => 'port_scan');
-- cells
SELECT * FROM page_api.swimlane('2026-01-06', '2026-01-08', buckets => 8);
SELECT count(DISTINCT host) FROM page_api.swimlane('2026-01-05', '2026-01-09', hosts => 2);
-- scores
SELECT * FROM page_api.score_histogram('2026-01-06', '2026-01-08', bins => 5);
SELECT bins, count(*), min(lo), max(hi), sum(flows), sum(anomalous) FROM unnest('{1,3,7,50,100}'::int[]) bins, page_api.score_histogram('2026-01-06 00:30', '2026-01-06 05:00', bins => bins) GROUP BY 1 ORDER BY 1;

-- arguments are kept within reason
SET ROLE pga_test_viewer;
SELECT count(*) <= 2000 AS few, count(*) > 1000 AS many FROM page_api.timeline('2026-01-05', '2026-01-09', buckets => 2000000000);
SELECT count(*) FROM page_api.timeline('2026-01-05', '2026-01-09', buckets => -1);
SELECT count(*) FROM page_api.timeline('2026-01-05', '2026-01-09', buckets => NULL);
SELECT count(*) FROM page_api.timeline('2026-01-09', '2026-01-05');
SELECT count(*) FROM page_api.timeline('2026-01-05', '2026-01-05');
SELECT count(*) FROM page_api.swimlane('2026-01-05', '2026-01-09', buckets => 0, hosts => 0);
SELECT count(*) FROM page_api.score_histogram('2026-01-05', '2026-01-09', bins => 1000);
SET ROLE pga_test_owner;

-- whoever is not the viewer cannot call
GRANT USAGE ON SCHEMA page_api TO pga_test_stranger;
SET ROLE pga_test_stranger;
\set VERBOSITY sqlstate
SELECT * FROM page_api.kpi('2026-01-05', '2026-01-09');
SELECT * FROM page_api.status;
\set VERBOSITY terse
SET ROLE pga_test_owner;
SELECT count(*) FILTER (WHERE has_function_privilege('pga_test_stranger', p.oid, 'EXECUTE')) AS strangers,
	   count(*) FILTER (WHERE has_function_privilege('pga_test_viewer', p.oid, 'EXECUTE') = (provolatile <> 'v')) = count(*) AS "viewers read",
	   count(*) FILTER (WHERE provolatile = 'v') AS writing
FROM pg_proc p WHERE pronamespace = 'page_api'::regnamespace;

-- the token follows every change, and only changes
SELECT token FROM page_api.status \gset
SELECT token = :'token' AS same FROM page_api.status;
INSERT INTO page.flow SELECT * FROM hand.flow('2026-01-08 23:00', '10.0.0.1', '192.0.2.1', 443);
SELECT token <> :'token' AS moved, flows FROM page_api.status;

SELECT anomaly_maintain('page') IS NOT NULL AS maintained;
SELECT anomaly_drop_flow_store('page');
SELECT to_regnamespace('page_api');
RESET ROLE;
DROP OWNED BY pga_test_owner, pga_test_viewer, pga_test_stranger;
DROP ROLE pga_test_owner, pga_test_viewer, pga_test_stranger;
