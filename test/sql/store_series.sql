-- A model that looks back on guard: a flow is judged after the stored flows
-- before it, whichever batches they come in.
SET client_min_messages = error;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
SELECT anomaly_create_flow_store('clock');
-- Three hosts that report every hour, more by day, from Saturday 2026-01-03 on.
CREATE FUNCTION hand.reports(t0 timestamptz, t1 timestamptz) RETURNS SETOF shape.flow LANGUAGE sql STABLE AS $$
	SELECT f.* FROM generate_series(t0, t1 - interval '1 hour', '1 hour') t, generate_series(1, 3) host,
	hand.flow(t, '10.0.0.0'::inet + host, '203.0.113.5', 443, 6, 3,
		(CASE WHEN extract(hour FROM t) BETWEEN 8 AND 17 THEN 100000 ELSE 5000 END
		 * (0.9 + 0.2 * hand.draw('reports' || host, extract(epoch FROM t)::int8)))::int8, 400) f
$$;
SELECT anomaly_ensure_chunks('clock', '2026-01-03', '2026-02-07');
INSERT INTO clock.flow SELECT * FROM hand.reports('2026-01-03', '2026-01-31');
SELECT warnings FROM anomaly_train('rhythm', 'SELECT * FROM clock.flow_feature', 'seasonal', features => '{src_payload}',
	options => '{"partition": "src_addr", "order": "start_time"}');
SELECT anomaly_watch('clock', 'rhythm', alert_flows => 1) AS watch \gset

-- The week that follows, without 10:00 to 12:00 of one host on Tuesday, in
-- batches: the second begins inside of the gap, the last day comes hour by hour.
CREATE TABLE hand.week AS SELECT * FROM hand.reports('2026-01-31', '2026-02-07');
CREATE TABLE hand.lost AS SELECT * FROM hand.week
	WHERE src_addr = '10.0.0.2' AND start_time BETWEEN '2026-02-03 10:00' AND '2026-02-03 12:00';
DELETE FROM hand.week w USING hand.lost l WHERE (w.src_addr, w.start_time) = (l.src_addr, l.start_time);
INSERT INTO clock.flow SELECT * FROM hand.week WHERE start_time < '2026-02-03 11:00';
INSERT INTO clock.flow SELECT * FROM hand.week WHERE start_time >= '2026-02-03 11:00' AND start_time < '2026-02-06 12:00';
DO $$
DECLARE
	t timestamptz;
BEGIN
	FOR t IN SELECT DISTINCT start_time FROM hand.week WHERE start_time >= '2026-02-06 12:00' ORDER BY 1 LOOP
		INSERT INTO clock.flow SELECT * FROM hand.week WHERE start_time = t;
	END LOOP;
END $$;
SELECT error FROM clock.watch;

-- Every flow was scored once, and as the whole series says.
CREATE TABLE hand.whole AS
	SELECT * FROM (SELECT src_addr, start_time, anomaly_score_series('rhythm', f) OVER (PARTITION BY src_addr ORDER BY start_time) AS score
				   FROM clock.flow_feature f) s WHERE start_time >= '2026-01-31';
SELECT sum(flows) = (SELECT count(*) FROM hand.week) AS all_once FROM clock.score_hour;
SELECT count(*) AS differing FROM
	(SELECT date_trunc('hour', start_time) AS hour, floor(least(score, 0.99) * 100) AS bin, count(*) AS flows FROM hand.whole GROUP BY 1, 2) w
	FULL JOIN clock.score_hour h USING (hour, bin) WHERE w.flows IS DISTINCT FROM h.flows;
SELECT count(*) AS differing FROM clock.detection d LEFT JOIN hand.whole w USING (src_addr, start_time) WHERE d.score IS DISTINCT FROM w.score;
-- The gap is found, at the flow that ends it.
SELECT src_addr, start_time, anomaly_band(severity) AS band FROM clock.detection WHERE severity >= 50 ORDER BY 1, 2;

-- What was lost comes late: judged between its neighbours, which are not judged again.
SELECT count(*) AS before FROM clock.detection \gset
INSERT INTO clock.flow SELECT * FROM hand.lost;
SELECT sum(flows) = (SELECT count(*) FROM hand.week) + 3 AS all_once FROM clock.score_hour;
SELECT count(*) - :before AS more FROM clock.detection;
-- Looking again, there is no gap any more.
SELECT anomaly_backfill('clock', :watch, '2026-01-31', '2026-02-07') < :before AS fewer;
SELECT src_addr, start_time FROM clock.detection WHERE severity >= 50;
SELECT count(*) AS differing
FROM (SELECT src_addr, start_time, anomaly_score_series('rhythm', f) OVER (PARTITION BY src_addr ORDER BY start_time) AS score FROM clock.flow_feature f) s
JOIN clock.detection d USING (src_addr, start_time) WHERE s.score <> d.score;

SELECT anomaly_drop_flow_store('clock');
SELECT anomaly_drop('rhythm');
DROP TABLE hand.week, hand.lost, hand.whole;
