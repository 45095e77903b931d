-- Status: is a store being fed, is detection running, when is the disk full?
--
-- Four views in the store, all computed when they are read:
--
--   feed     when flows last came, and whether they should have come since
--   disk     bytes and growth per kind of relation
--   health   one row: everything a person on duty looks at first
--   alarm    a row for each thing that needs a look
--
-- A view reads with its owner's rights, but a function in it runs with the
-- reader's: so they are plain SQL over tables and the catalog.  LIMIT 1 tells the
-- planner what it cannot know of a small table that was never analyzed, that it
-- is one row; else it would expect millions and compile for seconds (JIT).

-- Flows are missing when the silence is longer than any before, twice over: of
-- n silences of one kind the next is the longest with chance 1/(n+1), whatever
-- their distribution (Wilks 1941), and the factor two is for those that are not
-- of one kind.  A night's silence hides the failure of a morning, hence the
-- second rule: the same stretch of the week had arrivals in each earlier week;
-- seven or more where none came are, even if they came by themselves (Poisson),
-- less likely than one in a thousand.  What arrives is minutes with flows when an
-- interface is captured, else files.
CREATE FUNCTION anomaly.make_feed_view(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE OR REPLACE VIEW %1$I.feed AS
	WITH source AS (
		SELECT coalesce((SELECT c.interface IS NOT NULL FROM %1$I.capture c
						 ORDER BY greatest(c.started_at, c.updated_at, c.finished_at) DESC LIMIT 1),
						t.arrived_at - t.last_flow <= interval '10 minutes', false) AS live
		FROM %1$I.tally t LIMIT 1
	), newest AS (
		SELECT live, CASE WHEN live THEN (SELECT m.minute FROM %1$I.flow_minute m WHERE m.minute <= now() ORDER BY m.minute DESC LIMIT 1)
						  ELSE (SELECT date_trunc('minute', max(c.finished_at)) FROM %1$I.capture c WHERE c.state = 'loaded') END AS last
		FROM source
	), arrival AS MATERIALIZED (
		SELECT m.minute AS at FROM newest n JOIN %1$I.flow_minute m ON m.minute > n.last - interval '28 days' AND m.minute <= n.last
		WHERE n.live
		UNION
		SELECT date_trunc('minute', c.finished_at) FROM newest n JOIN %1$I.capture c ON c.finished_at > n.last - interval '28 days'
		WHERE NOT n.live AND c.state = 'loaded'
	), past AS (
		SELECT count(gap) AS gaps, min(at) AS first, max(gap) AS longest
		FROM (SELECT at, at - lag(at) OVER (ORDER BY at) AS gap FROM arrival) g
	), week AS (
		SELECT count(*) AS weeks, min(k.arrivals) AS fewest
		FROM newest n, past p, generate_series(1, 3) ago
		CROSS JOIN LATERAL (SELECT n.last - ago * interval '7 days' AS since) s
		CROSS JOIN LATERAL (SELECT count(*) AS arrivals FROM arrival a
							WHERE a.at > s.since AND a.at <= s.since + least(now() - n.last, interval '7 days')) k
		WHERE s.since >= p.first
	), told AS (
		SELECT n.live, n.last, now() - n.last AS silence, CASE WHEN p.gaps >= 20 THEN p.longest END AS longest,
			   CASE WHEN w.weeks >= 2 THEN w.fewest END AS fewest
		FROM newest n, past p, week w LIMIT 1
	)
	SELECT live, last AS last_arrival, silence, longest AS longest_silence, fewest AS usual_arrivals,
		   CASE WHEN num_nonnulls(longest, fewest) > 0
				THEN coalesce(silence > 2 * longest, false) OR coalesce(fewest >= 7, false) END AS missing
	FROM told;
	COMMENT ON VIEW %1$I.feed IS 'one row: when flows last came, and whether some should have come since';
	COMMENT ON COLUMN %1$I.feed.live IS 'the newest flows are of an interface, or of no capture and less than ten minutes late; then arrivals are minutes with flows, else files loaded';
	COMMENT ON COLUMN %1$I.feed.longest_silence IS 'longest time between arrivals in the 28 days before the last one; NULL with fewer than 21 of them';
	COMMENT ON COLUMN %1$I.feed.usual_arrivals IS 'fewest arrivals in the same stretch of the week as the silence, of up to three weeks before; NULL with fewer than two';
	COMMENT ON COLUMN %1$I.feed.missing IS 'the silence is more than twice longest_silence, or usual_arrivals is 7 or more; NULL: cannot be told';
	$ddl$, store);
END
$$;
COMMENT ON FUNCTION anomaly.make_feed_view(name) IS 'makes the view feed of a new store';

-- Growth is the trimmed mean of what each of the last 28 days took (Tukey 1962),
-- without the highest and the lowest tenth: a day of a flood, or of nothing, does
-- not move it, and weekends count, which a median would not see.  A network that
-- grows is told by the seasonal Kendall slope (Hirsch, Slack and Smith 1982: each
-- weekday is compared with itself), when three weeks are there and three of four
-- pairs of days agree.  What has no chunks grows with the flows.
CREATE FUNCTION anomaly.make_disk_view(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE OR REPLACE VIEW %1$I.disk AS
	WITH relation AS (
		SELECT CASE WHEN p.relname IN ('flow', 'detection') THEN p.relname
					WHEN c.relname ~ '_(minute|hour|day)$' THEN 'rollup' ELSE 'other' END AS kind,
			   pg_total_relation_size(c.oid) AS bytes
		FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent
		WHERE c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = %1$L) AND c.relkind = 'r'
	), held AS (
		SELECT kind, count(*) AS relations, sum(bytes)::int8 AS bytes FROM relation GROUP BY 1
	), day AS (
		SELECT kind, date_trunc('day', c.lo AT TIME ZONE 'UTC')::date AS day,
			   sum(pg_total_relation_size(c.chunk)) / sum(extract(epoch FROM c.hi - c.lo))::float8 * 86400 AS bytes_per_day
		FROM unnest('{flow,detection}'::name[]) kind CROSS JOIN LATERAL anomaly.chunks(%1$L, kind) c
		WHERE c.hi <= now() AND c.lo >= now() - interval '28 days'
		GROUP BY 1, 2
	), steady AS (
		SELECT kind, percentile_cont(0.5) WITHIN GROUP (ORDER BY (b.bytes_per_day - a.bytes_per_day) / (b.day - a.day)) AS trend
		FROM day a JOIN day b USING (kind) WHERE b.day > a.day AND (b.day - a.day) %% 7 = 0
		GROUP BY 1 HAVING max(b.day) - min(a.day) >= 20 AND avg((b.bytes_per_day > a.bytes_per_day)::int) >= 0.75
	), ranked AS (
		SELECT *, row_number() OVER (PARTITION BY kind ORDER BY bytes_per_day) AS place, count(*) OVER (PARTITION BY kind) AS days FROM day
	), growth AS (
		SELECT kind, avg(bytes_per_day) + coalesce(max(t.trend), 0) * (max(day) - min(day) + 1) / 2 AS bytes_per_day, coalesce(max(t.trend), 0) AS trend
		FROM ranked LEFT JOIN steady t USING (kind)
		WHERE days >= 2 AND (days < 5 OR place > greatest(days / 10, 1) AND place <= days - greatest(days / 10, 1))
		GROUP BY 1
	)
	SELECT h.kind::text, h.relations, h.bytes, coalesce(s.bytes_per_day, h.bytes * f.rate) AS bytes_per_day,
		   coalesce(s.trend, h.bytes * f.trend) AS trend
	FROM held h LEFT JOIN growth s USING (kind)
	CROSS JOIN (SELECT max(x.bytes_per_day) / nullif(max(y.bytes), 0) AS rate, max(x.trend) / nullif(max(y.bytes), 0) AS trend
				FROM held y LEFT JOIN growth x USING (kind) WHERE y.kind = 'flow') f
	ORDER BY 1;
	COMMENT ON VIEW %1$I.disk IS 'bytes on disk, indexes included: flow, detection, rollup (tables per minute, hour and day) and other';
	COMMENT ON COLUMN %1$I.disk.bytes_per_day IS 'growth: the trimmed mean of the days of the last 28 whose chunks have ended; of rollup and other in proportion to flow; with a trend as it is at their end; NULL with fewer than two days';
	COMMENT ON COLUMN %1$I.disk.trend IS 'bytes by which bytes_per_day rises a day; 0: no trend, or fewer than three weeks; NULL as bytes_per_day';
	$ddl$, store);
END
$$;
COMMENT ON FUNCTION anomaly.make_disk_view(name) IS 'makes the view disk of a new store';

CREATE FUNCTION anomaly.make_health_view(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE OR REPLACE VIEW %1$I.health AS
	WITH chunk AS (
		SELECT count(*) AS chunks, min(c.lo) AS first, max(c.hi) AS last, count(*) FILTER (WHERE c.lo > now()) AS coming
		FROM anomaly.chunks(%1$L, 'flow') c
	), recent AS (
		SELECT count(*) FILTER (WHERE c.state = 'capturing') AS capturing, count(*) FILTER (WHERE c.state = 'failed') AS failed,
			   sum(c.packets) AS packets, sum(coalesce(c.drops, 0) + coalesce(c.interface_drops, 0)) AS drops,
			   sum(c.evicted) AS evicted, sum(c.rejected) AS rejected
		FROM %1$I.capture c WHERE greatest(c.started_at, c.updated_at, c.finished_at) > now() - interval '1 day'
	), trained AS (
		SELECT r.model, r.finished_at, r.activated, r.failed, r.reason
		FROM anomaly.retraining r JOIN %1$I.watch w USING (model) ORDER BY r.id DESC LIMIT 1
	), size AS (
		SELECT sum(d.bytes)::int8 AS bytes, sum(d.bytes_per_day) AS per_day, sum(d.trend) AS trend FROM %1$I.disk d
	), room AS (
		-- days x with per_day x + trend x^2 / 2 = what is left
		SELECT z.*, s.capacity, CASE WHEN s.capacity <= z.bytes THEN 0
					WHEN s.capacity > z.bytes THEN 2 * (s.capacity - z.bytes)
						/ (nullif(greatest(z.per_day, 0), 0) + sqrt(z.per_day ^ 2 + 2 * z.trend * (s.capacity - z.bytes))) END AS days,
			   -- from then on a chunk goes when one comes
			   CASE WHEN s.retain IS NOT NULL
					THEN greatest(extract(epoch FROM s.retain + s.partition_interval - (now() - k.first))::float8 / 86400, 0) END AS growing_days
		FROM size z, anomaly.flow_store s, chunk k WHERE s.name = %1$L LIMIT 1
	), tally AS (
		SELECT * FROM %1$I.tally LIMIT 1
	)
	SELECT %1$L::text AS store, now() AS at, f.live, f.last_arrival, f.silence, f.missing,
		   t.flows, t.first_flow, t.last_flow, t.arrived_at, t.arrived_at - t.last_flow AS lag,
		   c.capturing, c.failed AS failed_captures, c.packets::int8, c.drops::int8, c.evicted::int8, c.rejected::int8,
		   k.chunks, k.coming AS coming_chunks, k.last AS chunks_until,
		   t.detections, (SELECT max(d.start_time) FROM %1$I.detection d) AS last_detection,
		   (SELECT count(*) FROM %1$I.alert a WHERE a.state = 'open') AS open_alerts,
		   (SELECT count(*) FROM %1$I.watch w WHERE w.enabled) AS watches,
		   r.model AS retrained_model, r.finished_at AS retrained_at, r.activated AS retrained_activated, r.failed AS retrained_failed,
		   r.reason AS retrained_verdict,
		   m.bytes, m.per_day AS bytes_per_day, m.capacity,
		   CASE WHEN m.bytes >= m.capacity THEN 0 WHEN m.growing_days IS NULL OR m.days <= m.growing_days THEN m.days END AS days_to_full,
		   CASE WHEN m.capacity IS NULL THEN 'capacity unknown'
				WHEN m.bytes >= m.capacity THEN 'full'
				WHEN m.per_day IS NULL THEN 'too little history'
				WHEN m.days IS NULL THEN 'not growing'
				WHEN m.days > m.growing_days THEN 'retention keeps it below capacity'
				ELSE 'growing' END AS disk_forecast
	FROM tally t CROSS JOIN %1$I.feed f CROSS JOIN recent c CROSS JOIN chunk k
	LEFT JOIN room m ON true LEFT JOIN trained r ON true;
	COMMENT ON VIEW %1$I.health IS 'one row: how a store is doing';
	COMMENT ON COLUMN %1$I.health.lag IS 'how long after its start the newest flow came';
	COMMENT ON COLUMN %1$I.health.drops IS 'packets that were lost before they were read; as packets, evicted, rejected and failed_captures of captures that wrote in the last day';
	COMMENT ON COLUMN %1$I.health.chunks_until IS 'end of the last chunk; later flows need another';
	COMMENT ON COLUMN %1$I.health.retrained_verdict IS 'of the last retraining of a model on watch here';
	COMMENT ON COLUMN %1$I.health.capacity IS 'bytes the store may take, as anomaly.flow_store says; NULL: unknown';
	COMMENT ON COLUMN %1$I.health.days_to_full IS 'days until capacity is reached at bytes_per_day; NULL: see disk_forecast';
	$ddl$, store);
END
$$;
COMMENT ON FUNCTION anomaly.make_health_view(name) IS 'makes the view health of a new store';

CREATE FUNCTION anomaly.make_alarm_view(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE OR REPLACE VIEW %1$I.alarm AS
	WITH health AS MATERIALIZED (
		SELECT * FROM %1$I.health
	), retrained AS (
		SELECT DISTINCT ON (r.model) r.model, r.finished_at, r.failed, r.reason
		FROM anomaly.retraining r JOIN %1$I.watch w ON w.model = r.model AND w.enabled ORDER BY r.model, r.id DESC
	)
	SELECT 'missing_data' AS alarm, NULL::text AS subject, h.last_arrival AS since,
		   format('no %%s for %%s hours', CASE WHEN h.live THEN 'flows' ELSE 'file' END, round((extract(epoch FROM h.silence) / 3600)::numeric, 1)) AS message
	FROM health h WHERE h.missing
	UNION ALL
	SELECT 'load_failed', c.source, coalesce(c.finished_at, c.started_at), c.error
	FROM %1$I.capture c
	WHERE c.state = 'failed' AND c.started_at > now() - interval '7 days'
	  AND NOT EXISTS (SELECT FROM %1$I.capture x WHERE x.source = c.source AND x.started_at > c.started_at AND x.state = 'loaded')
	UNION ALL
	SELECT 'packets_dropped', c.source, c.updated_at, format('%%s of %%s packets were lost', d.lost, c.packets + d.lost)
	FROM %1$I.capture c CROSS JOIN LATERAL (SELECT coalesce(c.drops, 0) + coalesce(c.interface_drops, 0) AS lost) d
	WHERE c.interface IS NOT NULL AND c.updated_at > now() - interval '1 day' AND d.lost * 1000 > c.packets + d.lost
	UNION ALL
	SELECT 'chunk_due', NULL, h.chunks_until, 'flows from then on have no chunk: run anomaly_maintain'
	FROM health h JOIN anomaly.flow_store s ON s.name = h.store
	WHERE h.live AND h.chunks_until < now() + least(s.partition_interval, interval '1 hour')
	UNION ALL
	SELECT 'rules_failed', NULL, t.error_at, t.error FROM %1$I.tally t WHERE t.error IS NOT NULL
	UNION ALL
	SELECT 'watch_failed', w.model, w.error_at, w.error FROM %1$I.watch w WHERE w.enabled AND w.error IS NOT NULL
	UNION ALL
	SELECT 'stale_model', w.model, v.created_at, format('version %%s was trained %%s days ago', v.version, extract(day FROM now() - v.created_at))
	FROM %1$I.watch w JOIN anomaly.model m ON m.name = w.model
	JOIN anomaly.model_version v ON v.model = m.name AND v.version = m.active_version
	WHERE w.enabled AND v.created_at < now() - interval '30 days'
	UNION ALL
	SELECT 'retraining_failed', r.model, r.finished_at, r.reason FROM retrained r WHERE r.failed
	UNION ALL
	SELECT 'disk_filling', NULL, h.at, CASE WHEN h.disk_forecast = 'full' THEN 'the capacity is used up'
		ELSE format('full in about %%s days', round(h.days_to_full::numeric, 1)) END
	FROM health h WHERE h.days_to_full < 14
	UNION ALL
	SELECT 'old_layout', NULL, NULL, 'an older release made this store: run anomaly_upgrade_flow_store'
	FROM anomaly.flow_store s WHERE s.name = %1$L AND s.layout < anomaly.store_layout();
	COMMENT ON VIEW %1$I.alarm IS 'what needs a look: missing_data, load_failed, packets_dropped (more than one in 1,000 in the last day), chunk_due (within the hour), rules_failed, watch_failed, stale_model (30 days), retraining_failed, disk_filling (14 days), old_layout';
	$ddl$, store);
END
$$;
COMMENT ON FUNCTION anomaly.make_alarm_view(name) IS 'makes the view alarm of a new store';

CREATE FUNCTION anomaly.make_status_views(store name) RETURNS void
LANGUAGE sql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT anomaly.make_feed_view(store);
	SELECT anomaly.make_disk_view(store);
	SELECT anomaly.make_health_view(store);
	SELECT anomaly.make_alarm_view(store);
$$;
COMMENT ON FUNCTION anomaly.make_status_views(name) IS 'makes the views feed, disk, health and alarm of a new store';
