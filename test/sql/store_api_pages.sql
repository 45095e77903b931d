-- The API behind the pages of hosts, of flows as points, and of models: its
-- numbers are what SQL says over the rows themselves, its arguments are kept
-- within reason, and it shows no store another's models.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET jit = off;		-- the slow definitions below look dearer than they are
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT anomaly_create_flow_store('site');
SELECT anomaly_create_flow_store('si');
SELECT anomaly_ensure_chunks('site', '2026-01-05', '2026-01-16');
CREATE ROLE pga_test_viewer;
-- ten days; the last is the day that is looked at
INSERT INTO site.flow SELECT f.* FROM generate_series(1, 8000) i,
	hand.flow(timestamptz '2026-01-05' + interval '10 days' * hand.draw('when', i),
	inet '10.0.0.1' + (19 * hand.draw('who', i))::int, inet '10.0.0.15' + (59 * hand.draw('whom', i))::int,
	(ARRAY[443, 80, 22, 53])[1 + (3 * hand.draw('what', i))::int], 6 + 11 * (i % 2), 3,
	(9000 * hand.draw('out', i))::int8, (90000 * hand.draw('in', i))::int8) f;
SELECT version FROM anomaly_train('site', 'SELECT * FROM site.flow_feature', features => anomaly_flow_features());
SELECT anomaly_watch('site', 'site') AS w \gset
SELECT anomaly_backfill('site', :w, '2026-01-05', '2026-01-16') > 0 AS found;
INSERT INTO site.flow SELECT f.* FROM generate_series(1, 300) i,
	hand.flow(timestamptz '2026-01-14 10:00' + interval '0.5 s' * i, '10.0.0.66', '10.0.0.20', i, 6, 4, 0, 0, 1, 1, 2) f;
SELECT anomaly_create_api('site', 'pga_test_viewer');
SELECT anomaly_create_api('si', 'pga_test_viewer');
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA hand TO pga_test_viewer;

-- ---- flows of a host, page by page: all of them, once, newest first
CREATE FUNCTION hand.walk(host inet, t0 timestamptz, t1 timestamptz, size int) RETURNS TABLE (n bigint, start_time timestamptz, row_id tid)
LANGUAGE sql AS $$
	WITH RECURSIVE page AS (
		SELECT 1 AS p, array_agg(f.start_time) AS times, array_agg(f.row_id) AS ids FROM site_api.host_flows(host, t0, t1, size => size) f
		UNION ALL
		SELECT p + 1, x.times, x.ids FROM page CROSS JOIN LATERAL (
			SELECT array_agg(f.start_time) AS times, array_agg(f.row_id) AS ids
			FROM site_api.host_flows(host, t0, t1, page.times[cardinality(page.times)], page.ids[cardinality(page.ids)], size) f) x
		WHERE cardinality(page.times) = size
	)
	SELECT row_number() OVER (ORDER BY p, o), r.start_time, r.row_id FROM page, unnest(times, ids) WITH ORDINALITY r(start_time, row_id, o)
$$;
SELECT size, count(*) = (SELECT count(*) FROM site.flow WHERE '10.0.0.20' IN (src_addr, dst_addr) AND start_time >= '2026-01-06' AND start_time < '2026-01-15') AS all_of_them,
	   count(DISTINCT (start_time, row_id)) = count(*) AS once,
	   bool_and(n = place) AS newest_first
FROM unnest('{7,100,1000}'::int[]) size, LATERAL (
	SELECT w.*, row_number() OVER (ORDER BY w.start_time DESC, w.row_id DESC) AS place
	FROM hand.walk('10.0.0.20', '2026-01-06', '2026-01-15', size) w) w
GROUP BY 1 ORDER BY 1;
-- flows of one instant are told apart
INSERT INTO site.flow SELECT f.* FROM generate_series(1, 25) i, hand.flow('2026-01-15 12:00', '10.0.0.77', '10.0.0.20', 443) f;
SELECT count(*), count(DISTINCT row_id) FROM hand.walk('10.0.0.77', '2026-01-15', '2026-01-16', 4);

-- ---- flows of a period, of one port too: the same, whatever the rollups promise
CREATE FUNCTION hand.walk_all(t0 timestamptz, t1 timestamptz, port int, size int) RETURNS TABLE (n bigint, start_time timestamptz, row_id tid)
LANGUAGE sql AS $$
	WITH RECURSIVE page AS (
		SELECT 1 AS p, array_agg(f.start_time) AS times, array_agg(f.row_id) AS ids FROM site_api.period_flows(t0, t1, port, size => size) f
		UNION ALL
		SELECT p + 1, x.times, x.ids FROM page CROSS JOIN LATERAL (
			SELECT array_agg(f.start_time) AS times, array_agg(f.row_id) AS ids
			FROM site_api.period_flows(t0, t1, port, page.times[cardinality(page.times)], page.ids[cardinality(page.ids)], size) f) x
		WHERE cardinality(page.times) = size
	)
	SELECT row_number() OVER (ORDER BY p, o), r.start_time, r.row_id FROM page, unnest(times, ids) WITH ORDINALITY r(start_time, row_id, o)
$$;
CREATE FUNCTION hand.walked(size int, port int, OUT flows bigint, OUT missing bigint, OUT newest_first bool) LANGUAGE sql AS $$
	WITH walked AS MATERIALIZED (SELECT * FROM hand.walk_all('2026-01-06 03:30:01', '2026-01-15 13:00', port, size))
	SELECT (SELECT count(*) FROM walked), (SELECT count(*) FROM (
			SELECT start_time, ctid FROM site.flow WHERE start_time >= '2026-01-06 03:30:01' AND start_time < '2026-01-15 13:00' AND (port IS NULL OR dst_port = port)
			EXCEPT ALL SELECT start_time, row_id FROM walked) x),
		(SELECT bool_and(n = place) FROM (SELECT n, row_number() OVER (ORDER BY start_time DESC, row_id DESC) AS place FROM walked) w) $$;
SELECT size, port, w.flows = (SELECT count(*) FROM site.flow WHERE start_time >= '2026-01-06 03:30:01' AND start_time < '2026-01-15 13:00' AND (port IS NULL OR dst_port = port)) AS all_of_them,
	   w.missing, w.newest_first
FROM unnest('{20,1000}'::int[]) size, unnest('{NULL,443,22,7}'::int[]) port, hand.walked(size, port) w ORDER BY 1, 2;
-- three quarters are deleted, of which the rollups know nothing
CREATE TABLE hand.kept AS SELECT * FROM site.flow;
DELETE FROM site.flow WHERE src_bytes % 4 > 0 OR start_time >= '2026-01-14';
SELECT port, w.flows > 100 AS some, w.missing, w.newest_first FROM unnest('{NULL,443}'::int[]) port, hand.walked(150, port) w ORDER BY 1;
ALTER TABLE site.flow DISABLE TRIGGER USER;
TRUNCATE site.flow;
INSERT INTO site.flow SELECT * FROM hand.kept;
ALTER TABLE site.flow ENABLE TRIGGER USER;
-- never more than a page, nothing for no period
SELECT count(*) FROM site_api.period_flows('2026-01-06', '2026-01-15', size => 1000000);
SELECT count(*) FROM site_api.period_flows('2026-01-06', '2026-01-15', size => -1);
SELECT count(*) FROM site_api.period_flows('2026-01-15', '2026-01-06');
SELECT count(*) FROM site_api.period_flows('-infinity', 'infinity', 50000);
SELECT count(*) FROM site_api.period_flows('-infinity', 'infinity', size => 10);

-- ---- peers: sums of the whole days, whatever the number of nodes
CREATE FUNCTION hand.dealings(host inet, d0 date, d1 date, OUT outbound bool, OUT peers bigint, OUT flows bigint, OUT failed bigint, OUT bytes bigint)
RETURNS SETOF record LANGUAGE sql AS $$
	SELECT src_addr = host, count(DISTINCT CASE WHEN src_addr = host THEN dst_addr ELSE src_addr END), count(*), count(*) FILTER (WHERE f.failed),
		   sum(src_payload + dst_payload)::int8
	FROM site.flow_feature f WHERE host IN (src_addr, dst_addr) AND start_time >= d0 AND start_time < d1 GROUP BY 1 ORDER BY 1 $$;
SELECT nodes, count(*) <= least(greatest(nodes, 4), 100) - 1 AS fits, count(DISTINCT (peer, outbound)) = count(*) AS once,
	   (SELECT array_agg(x ORDER BY x.outbound) FROM (SELECT outbound, sum(peers)::int8, sum(flows)::int8, sum(failed)::int8, sum(bytes)::int8
			FROM site_api.host_peers('10.0.0.20', '2026-01-07 05:00', '2026-01-09 01:00', nodes) GROUP BY 1) x)::text
	   = (SELECT array_agg(x ORDER BY x.outbound) FROM hand.dealings('10.0.0.20', '2026-01-07', '2026-01-10') x)::text AS sums
FROM unnest('{-1,4,10,40,1000}'::int[]) nodes, site_api.host_peers('10.0.0.20', '2026-01-07 05:00', '2026-01-09 01:00', nodes) GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM site_api.host_peers('10.0.0.20', '2026-01-09', '2026-01-09');

-- ---- what is usual: against the definition, slowly, bucket by bucket
CREATE TABLE hand.seen AS SELECT start_time FROM site.flow WHERE src_addr = '10.0.0.5' AND start_time < '2026-01-15';
CREATE FUNCTION hand.usual(at timestamptz, len interval, around int, OUT history bigint, OUT low float8, OUT usual float8, OUT high float8)
LANGUAGE sql AS $$
	WITH h AS MATERIALIZED (
		SELECT (SELECT count(*) FROM hand.seen f WHERE f.start_time >= b AND f.start_time < b + len) AS n
		FROM generate_series(1, 28) ago, generate_series(-around, around) o, LATERAL (SELECT at - ago * interval '1 day' + o * len AS b) x
		WHERE b + len > (SELECT date_trunc('minute', min(start_time)) FROM hand.seen) AND (extract(isodow FROM b) > 5) = (extract(isodow FROM at) > 5)
	)
	SELECT count(*), percentile_cont(0.05) WITHIN GROUP (ORDER BY n), percentile_cont(0.5) WITHIN GROUP (ORDER BY n), percentile_cont(0.95) WITHIN GROUP (ORDER BY n) FROM h
$$;
SELECT b.buckets, count(*) AS n, sum(t.flows) = (SELECT count(*) FROM hand.seen WHERE start_time >= '2026-01-14') AS flows,
	   count(*) FILTER (WHERE u.history < 8 AND t.flows_usual IS NULL OR (t.flows_low, t.flows_usual, t.flows_high, t.history) = (u.low, u.usual, u.high, u.history)) AS as_defined,
	   count(t.flows_usual) AS with_band
FROM (VALUES (24, interval '1 hour', 1), (96, '15 min', 4), (7, '4 hours', 0)) b(buckets, len, around),
	LATERAL site_api.host_timeline('10.0.0.5', '2026-01-14', '2026-01-15', buckets => b.buckets) t, LATERAL hand.usual(t.t, b.len, b.around) u
GROUP BY 1 ORDER BY 1;
-- a host without a past has no band; nor has one that is not there
SELECT sum(flows), sum(history), count(bytes_high) FROM site_api.host_timeline('10.0.0.66', '2026-01-14', '2026-01-15', buckets => 24);
SELECT sum(critical + major + minor + warning) = (SELECT count(*) FROM site.detection WHERE src_addr = '10.0.0.66') AS detections FROM site_api.host_timeline('10.0.0.66', '2026-01-14', '2026-01-15');
SELECT sum(flows), count(*) FROM site_api.host_timeline('192.0.2.99', '2026-01-14', '2026-01-15', buckets => 24);
SELECT count(*) FROM site_api.host_timeline(NULL, '2026-01-14', '2026-01-15', buckets => 24);
-- a week, a month, a year; too many and none
SELECT len, count(*), sum(flows) = (SELECT count(*) FROM site.flow WHERE src_addr = '10.0.0.5' AND start_time >= '2026-01-15'::timestamptz - len AND start_time < '2026-01-15') AS flows
FROM unnest('{7 days,30 days,365 days}'::interval[]) len, site_api.host_timeline('10.0.0.5', '2026-01-15'::timestamptz - len, '2026-01-15') GROUP BY 1 ORDER BY 1;
SELECT count(*) <= 500 AS few FROM site_api.host_timeline('10.0.0.5', '2026-01-14', '2026-01-15', buckets => 1000000);
SELECT count(*) FROM site_api.host_timeline('10.0.0.5', '2026-01-15', '2026-01-14');

-- ---- the top, and the rest
SELECT kind, h.host, size, count(*) <= least(greatest(size, 1), 100) + 1 AS fits,
	   (sum(t.flows), sum(t.failed), sum(t.bytes)) = (r.flows, r.failed, r.bytes) AS sums, sum(t.members) = r.members AS members,
	   bool_and(t.flows <= p.flows) IS NOT FALSE AS ranked
FROM unnest('{talkers,services,protocols}'::text[]) kind, unnest('{10.0.0.20,NULL}'::inet[]) h(host), unnest('{0,3,1000}'::int[]) size
CROSS JOIN LATERAL (
	SELECT count(*) AS flows, count(*) FILTER (WHERE failed) AS failed, sum(src_payload + dst_payload) AS bytes,
		   CASE kind WHEN 'talkers' THEN count(DISTINCT src_addr) WHEN 'services' THEN count(DISTINCT (protocol, dst_port)) ELSE count(DISTINCT protocol) END AS members
	FROM site.flow_feature f WHERE start_time >= '2026-01-14' AND start_time < '2026-01-16' AND (host IS NULL OR src_addr = host)) r
CROSS JOIN LATERAL (SELECT *, row_number() OVER () AS place FROM site_api.top('2026-01-14 11:00', '2026-01-15 13:00', host, kind, size)) t
LEFT JOIN LATERAL (SELECT flows FROM (SELECT *, row_number() OVER () AS place FROM site_api.top('2026-01-14 11:00', '2026-01-15 13:00', host, kind, size)) q
				   WHERE q.place = t.place - 1 AND coalesce(t.address::text, t.protocol::text) IS NOT NULL) p ON true
GROUP BY 1, 2, 3, r.flows, r.failed, r.bytes, r.members ORDER BY 1, 2, 3;
SELECT count(*) FROM site_api.top('2026-01-14', '2026-01-15', kind => 'anything');

-- ---- flows as points: a sample, the same one each time, of flows as they are
SELECT points, count(*) FILTER (WHERE detection_id IS NULL) BETWEEN 10 AND greatest(points, 10) AS ordinary,
	   count(detection_id) = (SELECT count(*) FROM site.detection WHERE watch_id IS NOT NULL AND start_time >= '2026-01-08' AND start_time < '2026-01-15') AS detections,
	   count(DISTINCT (start_time, row_id)) = count(*) AS once, min(start_time) >= '2026-01-08' AND max(start_time) < '2026-01-15' AS inside,
	   array_agg(row_id ORDER BY start_time, row_id) = (SELECT array_agg(row_id ORDER BY start_time, row_id) FROM site_api.scatter('2026-01-08', '2026-01-15', points => points)) AS same
FROM unnest('{-5,50,100}'::int[]) points, site_api.scatter('2026-01-08', '2026-01-15', points => points) GROUP BY 1 ORDER BY 1;
SELECT count(*) AS n, count(*) FILTER (WHERE f.ctid IS NULL OR (s.duration_s, s.bytes, s.packets, s.bytes_per_s, s.payload_ratio) IS DISTINCT FROM
		(f.duration_us / 1e6::float8, f.src_bytes + f.dst_bytes, f.src_packets + f.dst_packets::int8,
		 (f.src_bytes + f.dst_bytes) / greatest(f.duration_us / 1e6::float8, 0.001), f.src_payload / (f.dst_payload + 1)::float8)) AS differing,
	   count(*) FILTER (WHERE s.severity IS DISTINCT FROM d.severity) AS misjudged
FROM site_api.scatter('2026-01-05', '2026-01-16', '10.0.0.5') s
LEFT JOIN site.flow f ON f.start_time = s.start_time AND f.ctid = s.row_id AND f.src_addr = '10.0.0.5'
LEFT JOIN site.detection d ON d.id = s.detection_id;
SELECT count(*) = (SELECT count(*) FROM site.flow WHERE src_addr = '10.0.0.5') AS all_of_a_host FROM site_api.scatter('2026-01-05', '2026-01-16', '10.0.0.5');
SELECT count(*), count(detection_id) FROM site_api.scatter('2026-01-05', '2026-01-16', threat => 'nothing_of_the_kind');
-- the windows read: inside, apart, with the flows that they say they have
SELECT most, count(*) <= 200 AS few, sum(w.flows) >= least(greatest(most, 1), 8325) AS enough, bool_and(lo < hi AND lo >= '2026-01-05 07:30:30' AND hi <= '2026-01-15 13:00') AS inside,
	   bool_and(w.flows >= (SELECT count(*) FROM site.flow f WHERE f.start_time >= lo AND f.start_time < hi)) AS counted,
	   bool_and(NOT EXISTS (SELECT FROM site_api.sampled_windows('2026-01-05 07:30:30', '2026-01-15 13:00', most => most) o WHERE o.lo < w.hi AND o.hi > w.lo AND o.lo <> w.lo)) AS apart
FROM unnest('{-1,100,4000}'::int[]) most, site_api.sampled_windows('2026-01-05 07:30:30', '2026-01-15 13:00', most => most) w GROUP BY 1 ORDER BY 1;
SELECT * FROM site_api.sampled_windows('2026-01-05 07:30:30', '2026-01-06', most => 100000);

-- ---- the week
SELECT zone, count(*), sum(hours) AS hours, count(*) FILTER (WHERE (c.flows, c.detections) = (r.flows, d.detections)) AS as_counted
FROM unnest('{UTC,Europe/Berlin,America/Caracas}'::text[]) zone, site_api.calendar('2026-01-05', '2026-01-15', zone => zone) c,
	LATERAL (SELECT count(*) AS flows FROM site.flow WHERE start_time >= '2026-01-05' AND start_time < '2026-01-15'
			 AND extract(isodow FROM start_time AT TIME ZONE zone) = c.dow AND extract(hour FROM start_time AT TIME ZONE zone) = c.hour) r,
	LATERAL (SELECT count(*) AS detections FROM site.detection WHERE start_time >= '2026-01-05' AND start_time < '2026-01-15'
			 AND extract(isodow FROM start_time AT TIME ZONE zone) = c.dow AND extract(hour FROM start_time AT TIME ZONE zone) = c.hour) d
GROUP BY 1 ORDER BY 1;
SELECT count(*), sum(flows) FROM site_api.calendar('2026-01-15', '2026-01-05');
SELECT * FROM site_api.calendar('2026-01-05', '2026-01-15', zone => 'nowhere');

-- ---- models: those of this store, with what was measured
SELECT version FROM anomaly_train('judged', 'SELECT f.*, src_addr = ''10.0.0.66'' AS bad FROM site.flow_feature f', label => 'bad', features => anomaly_flow_features());
SELECT version FROM anomaly_train('elsewhere', 'SELECT i AS "a site", i % 7 AS b FROM generate_series(1, 100) i WHERE ''my_site.flow'' > ''a''');
SET ROLE pga_test_viewer;
SELECT model, version, active, on_watch, labelled FROM site_api.models ORDER BY 1;
SELECT model FROM si_api.models ORDER BY 1;
SELECT count(*) FROM si_api.evaluations;
SELECT model, rows, positives, roc_auc FROM site_api.evaluations WHERE roc_auc IS NULL;
\set VERBOSITY sqlstate
SELECT site_api.activate('judged', 1);
SELECT site_api.rollback('judged');
SELECT site_api.retrain('judged');
SELECT site_api.drift('judged', '2026-01-05', '2026-01-15');
\set VERBOSITY terse
RESET ROLE;
-- the curve: at each of its thresholds what the scores themselves say
CREATE TABLE hand.judged AS SELECT anomaly_score('judged', f) AS score, src_addr = '10.0.0.66' AS bad FROM site.flow_feature f;
SELECT jsonb_array_length(curve) BETWEEN 3 AND 102 AS bounded, count(*) FILTER (WHERE (p -> 1)::int = s.tp AND (p -> 2)::int = s.fp) = count(*) AS counted,
	   max((p -> 1)::int) = max(positives) AND max((p -> 2)::int) = max(rows - positives) AS ends_with_all,
	   max(abs((confusion #> '{anomalous,anomalous}')::int - (SELECT count(*) FROM hand.judged, site_api.models m WHERE m.model = 'judged' AND bad AND score > threshold))) AS confusion
FROM site_api.evaluations, jsonb_array_elements(curve) p,
	LATERAL (SELECT count(*) FILTER (WHERE bad) AS tp, count(*) FILTER (WHERE NOT bad) AS fp FROM hand.judged WHERE score >= (p -> 0)::float8) s
WHERE model = 'judged' GROUP BY curve;
-- none of the store's models, none of the functions
SELECT site_api.activate('elsewhere', 1);
SELECT site_api.activate('judged', 9);
SELECT (site_api.retrain('judged')).challenger;
SELECT model, champion, challenger, measure, activated, failed FROM site_api.retrainings;
SELECT count(*) FROM si_api.retrainings;
SELECT token FROM site_api.status \gset
SELECT site_api.activate('judged', 1);
SELECT token <> :'token' AS told, (SELECT version FROM site_api.models WHERE model = 'judged' AND active) AS active FROM site_api.status;
-- drift: nothing moved between the flows and themselves; bytes times three did
SELECT count(*) AS features, max(psi) < 0.1 AS at_rest, sum(rows) = count(*) * (SELECT count(*) FROM site.flow WHERE start_time >= '2026-01-05' AND start_time < '2026-01-14') AS rows
FROM site_api.drift('site', '2026-01-05', '2026-01-14');
SELECT site_api.drift('elsewhere', '2026-01-05', '2026-01-14');
SELECT site_api.drift('site', '2027-01-05', '2027-01-14');

SELECT anomaly_drop_flow_store('site');
SELECT anomaly_drop_flow_store('si');
SELECT count(*) FROM (SELECT anomaly_drop(m) FROM unnest('{site,judged,elsewhere}'::text[]) m) d;
DROP OWNED BY pga_test_viewer;
DROP ROLE pga_test_viewer;
DROP TABLE hand.judged, hand.seen;
