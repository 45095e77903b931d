-- Status: when flows are missing, how a store grows, what alarms there are, and
-- that a viewer sees it over the API.
SET client_min_messages = warning;
SET timezone = 'UTC';
\set VERBOSITY terse
CREATE ROLE pga_test_viewer;
CREATE ROLE pga_test_owner;
SELECT format('GRANT CREATE ON DATABASE %I TO pga_test_owner', current_database()) \gexec
GRANT USAGE ON SCHEMA anomaly, hand, shape TO pga_test_owner;
GRANT SELECT, INSERT, DELETE, UPDATE (capacity, retain) ON anomaly.flow_store TO pga_test_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON anomaly.model, anomaly.model_version, anomaly.retraining TO pga_test_owner;
SET ROLE pga_test_owner;

-- ---- a silence --------------------------------------------------------------
-- a flow at each of these times, of an interface
CREATE FUNCTION pg_temp.live_store(store name, times timestamptz[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM public.anomaly_create_flow_store(store);
	PERFORM public.anomaly_ensure_chunks(store, (SELECT min(t) FROM unnest(times) t), (SELECT max(t) FROM unnest(times) t));
	EXECUTE format('INSERT INTO %I.flow SELECT f.* FROM unnest($1) t, hand.flow(t, ''10.0.0.1'', ''192.0.2.1'', 443) f', store) USING times;
	EXECUTE format('INSERT INTO %I.capture (source, interface, state, updated_at) VALUES (''eth0'', ''eth0'', ''capturing'', now())', store);
END
$$;
-- every ten minutes for 15 days, then none for three hours
SELECT pg_temp.live_store('steady', ARRAY(SELECT t FROM generate_series(now() - interval '15 days 3 hours', now() - interval '3 hours', '10 minutes') t));
SELECT live, silence - interval '3 hours' BETWEEN interval '0' AND interval '2 minutes' AS "three hours", longest_silence, usual_arrivals, missing FROM steady.feed;
SELECT alarm, message FROM steady.alarm WHERE alarm = 'missing_data';
-- every five minutes for eight hours a day: the day that should have begun two
-- hours ago did not, though nights are longer; twenty minutes tell nothing yet
SELECT pg_temp.live_store('office', ARRAY(SELECT t FROM generate_series(1, 22) k,
	generate_series(now() - interval '2 hours' - interval '1 day' * k, now() + interval '355 minutes' - interval '1 day' * k, '5 minutes') t));
SELECT longest_silence, silence < 2 * longest_silence AS "like nights", usual_arrivals, missing FROM office.feed;
SELECT pg_temp.live_store('early', ARRAY(SELECT t FROM generate_series(1, 22) k,
	generate_series(now() - interval '20 minutes' - interval '1 day' * k, now() + interval '455 minutes' - interval '1 day' * k, '5 minutes') t));
SELECT longest_silence, silence < 2 * longest_silence AS "like nights", usual_arrivals, missing FROM early.feed;
-- nothing is known of a store that began an hour ago
SELECT pg_temp.live_store('young', ARRAY(SELECT t FROM generate_series(now() - interval '60 minutes', now() - interval '50 minutes', '1 minute') t));
SELECT live, longest_silence, usual_arrivals, missing FROM young.feed;
-- a file each hour, then none for three; a burst of files is one arrival
SELECT anomaly_create_flow_store('files');
INSERT INTO files.capture (source, state, started_at, finished_at)
SELECT 'f' || i, 'loaded', t, t FROM generate_series(0, 24) i, LATERAL (SELECT now() - interval '3 hours' - interval '1 hour' * i) x(t);
SELECT live, longest_silence, missing FROM files.feed;
SELECT alarm, message FROM files.alarm;
INSERT INTO files.capture (source, state, started_at, finished_at) VALUES ('new', 'loaded', now(), now());
SELECT missing FROM files.feed;
SELECT anomaly_create_flow_store('burst');
INSERT INTO burst.capture (source, state, started_at, finished_at) SELECT 'f' || i, 'loaded', now() - interval '3 days', now() - interval '3 days' FROM generate_series(1, 100) i;
SELECT longest_silence, missing FROM burst.feed;
-- flows of the past, by no loader that is known
SELECT anomaly_create_flow_store('past');
SELECT anomaly_ensure_chunks('past', '2026-01-05', '2026-01-06');
INSERT INTO past.flow SELECT f.* FROM generate_series(1, 100) i, hand.flow(timestamptz '2026-01-05' + interval '1 minute' * i, '10.0.0.1', '192.0.2.1', 443) f;
SELECT live, missing FROM past.feed;
SELECT lag > interval '1 day' AS late, now() - arrived_at < interval '1 minute' AS arrived FROM past.health;
-- what comes afterwards but is older is not the newest flow
SELECT arrived_at AS a FROM past.tally \gset
INSERT INTO past.flow SELECT * FROM hand.flow('2026-01-05', '10.0.0.1', '192.0.2.1', 443);
SELECT arrived_at = :'a' AS same FROM past.tally;
INSERT INTO past.flow SELECT * FROM hand.flow('2026-01-06', '10.0.0.1', '192.0.2.1', 443);
SELECT arrived_at > :'a' AS later FROM past.tally;

-- ---- disk ---------------------------------------------------------------------
-- ten days alike but for one with ten times the flows, and today
SELECT anomaly_create_flow_store('grown');
SELECT anomaly_ensure_chunks('grown', now() - interval '10 days', now());
INSERT INTO grown.flow SELECT f.* FROM generate_series(0, 10) d, generate_series(1, CASE d WHEN 4 THEN 10000 ELSE 1000 END) i,
	hand.flow(date_trunc('day', now()) - interval '1 day' * d + interval '1 second' * i, inet '10.0.0.0' + i % 50, '192.0.2.1', 443) f;
SELECT (SELECT sum(bytes) FROM grown.disk) = sum(pg_total_relation_size(oid)) AS all_bytes FROM pg_class WHERE relnamespace = 'grown'::regnamespace AND relkind = 'r';
SELECT (SELECT bytes FROM grown.disk WHERE kind = 'flow') = sum(pg_total_relation_size(chunk)) AS flow_bytes FROM anomaly.chunks('grown', 'flow');
SELECT pg_total_relation_size(chunk) AS ordinary FROM anomaly.chunks('grown', 'flow') WHERE lo = date_trunc('day', now()) - interval '2 days' \gset
SELECT bytes_per_day / :ordinary BETWEEN 0.99 AND 1.01 AS ordinary FROM grown.disk WHERE kind = 'flow';
SELECT bytes_per_day > 0 AS grows FROM grown.disk WHERE kind = 'rollup';
SELECT h.bytes = d.bytes AND h.bytes_per_day = d.per_day AS sums FROM grown.health h, (SELECT sum(bytes) AS bytes, sum(bytes_per_day) AS per_day FROM grown.disk) d;
SELECT days_to_full, disk_forecast FROM grown.health;
SELECT disk_forecast FROM past.health;
UPDATE anomaly.flow_store s SET capacity = h.bytes + 5 * h.bytes_per_day FROM grown.health h WHERE s.name = 'grown';
SELECT round(days_to_full::numeric, 2) AS days, disk_forecast FROM grown.health;
SELECT alarm, message FROM grown.alarm;
UPDATE anomaly.flow_store SET capacity = capacity * 100 WHERE name = 'grown';
SELECT days_to_full > 100 AS far, disk_forecast FROM grown.health;
SELECT alarm, message FROM grown.alarm;
UPDATE anomaly.flow_store SET retain = '20 days' WHERE name = 'grown';
SELECT days_to_full, disk_forecast FROM grown.health;
UPDATE anomaly.flow_store SET capacity = 1000 WHERE name = 'grown';
SELECT days_to_full, disk_forecast FROM grown.health;
SELECT alarm, message FROM grown.alarm;
UPDATE anomaly.flow_store SET capacity = 0 WHERE name = 'grown';
UPDATE anomaly.flow_store SET capacity = 1000000000 WHERE name = 'past';
SELECT disk_forecast FROM past.health;

-- A network that grows by a tenth of its first day, every day.  Sizes alone
-- matter: no trigger.  What it will take in fifty days is summed up day by day
-- from the line of least squares through the sizes of its days.
SELECT anomaly_create_flow_store('growing');
SELECT anomaly_ensure_chunks('growing', now() - interval '28 days', now() - interval '1 day') > 0 AS made;
ALTER TABLE growing.flow DISABLE TRIGGER anomaly_flow_inserted;
INSERT INTO growing.flow SELECT f.* FROM generate_series(1, 28) back, generate_series(1, 500 + 50 * (28 - back)) i,
	hand.flow(date_trunc('day', now()) - interval '1 day' * back + interval '1 second' * i, inet '10.0.0.0' + i % 50, '192.0.2.1', 443) f;
CREATE TEMP TABLE size AS SELECT f.lo::date - current_date AS day, pg_total_relation_size(f.chunk) + pg_total_relation_size(d.chunk) AS bytes
FROM anomaly.chunks('growing', 'flow') f JOIN anomaly.chunks('growing', 'detection') d USING (lo, hi);
UPDATE anomaly.flow_store SET capacity = (SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = 'growing'::regnamespace AND relkind = 'r')
	+ (SELECT sum(p.at_zero + p.slope * day) FROM generate_series(0, 49) day,
	   (SELECT regr_intercept(bytes, day) AS at_zero, regr_slope(bytes, day) AS slope FROM size) p) WHERE name = 'growing';
SELECT days_to_full BETWEEN 40 AND 60 AS "fifty days, within a fifth", disk_forecast FROM growing.health;
SELECT d.trend / p.slope BETWEEN 0.9 AND 1.1 AS trend FROM growing.disk d, (SELECT regr_slope(bytes, day) AS slope FROM size) p WHERE kind = 'flow';
-- up and down is no trend
SELECT trend FROM grown.disk;
DROP TABLE size;

-- cheap as the planner sees it, in tables that were never analyzed: nothing is
-- compiled for it (jit_above_cost is 100000)
CREATE FUNCTION pg_temp.cost(query text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN plan #>> '{0,Plan,Total Cost}';
END
$$;
SELECT v, pg_temp.cost(format('SELECT * FROM grown.%I', v)) < 10000 AS cheap FROM unnest('{feed,disk,health,alarm}'::name[]) v;

-- ---- alarms -------------------------------------------------------------------
SELECT anomaly_create_flow_store('duty', partition_interval => '1 hour');
SELECT anomaly_create_api('duty', 'pga_test_viewer');
SELECT alarm, subject, message FROM duty.alarm;
INSERT INTO duty.capture (source, state, started_at, error) VALUES ('a.pcap', 'failed', now() - interval '1 hour', 'not a capture');
INSERT INTO duty.capture (source, interface, state, started_at, updated_at, packets, drops, interface_drops) VALUES
	('eth1', 'eth1', 'capturing', now() - interval '2 days', now() - interval '1 minute', 99000, 90, 9),
	('eth0', 'eth0', 'capturing', now() - interval '2 days', now(), 97000, 90, 910);
SELECT anomaly_ensure_chunks('duty', now() - interval '2 hours', now() - interval '2 hours') > 0 AS made;
INSERT INTO duty.flow SELECT f.* FROM generate_series(1, 2000) i, hand.flow(now() - interval '2 hours', inet '10.0.0.0' + i % 9, '192.0.2.1', 443, src_payload => i * 7 % 1000) f;
UPDATE duty.tally SET error = 'out of memory', error_at = now();
SELECT version FROM anomaly_train('duty', 'SELECT * FROM duty.flow_feature', features => '{src_payload,bytes}');
SELECT anomaly_watch('duty', 'duty');
UPDATE duty.watch SET error = 'column gone', error_at = now();
SELECT failed FROM anomaly_retrain('duty', 'SELECT 1 AS x FROM nowhere');
SELECT anomaly_retrain('duty', tolerance => NULL);
RESET ROLE;
ALTER TABLE anomaly.model_version DISABLE TRIGGER keep_version;
UPDATE anomaly.model_version SET created_at = now() - interval '45 days' WHERE model = 'duty';
ALTER TABLE anomaly.model_version ENABLE TRIGGER keep_version;
SET ROLE pga_test_owner;
SELECT alarm, subject, message FROM duty.alarm ORDER BY 1;
SELECT capturing, failed_captures, packets, drops, chunks, coming_chunks, watches, retrained_model, retrained_failed, flows FROM duty.health;
SET ROLE pga_test_viewer;
SELECT string_agg(alarm, ' ' ORDER BY alarm) FROM duty_api.alarms;
SELECT store, capturing, flows, retrained_failed FROM duty_api.health;
SELECT live, missing FROM duty_api.feed;
SELECT source, state, drops FROM duty_api.captures ORDER BY id;
SELECT kind FROM duty_api.disk;
\set VERBOSITY sqlstate
SELECT * FROM duty.health;
SELECT * FROM anomaly.flow_store;
\set VERBOSITY terse
SET ROLE pga_test_owner;
-- each goes when its cause is gone
INSERT INTO duty.capture (source, state, started_at, finished_at) VALUES ('a.pcap', 'loaded', now() - interval '1 minute', now() - interval '1 minute');
UPDATE duty.capture SET drops = 0, interface_drops = 0;
SELECT chunks_made > 0 AS maintained FROM anomaly_maintain('duty');
SELECT count(*) FROM anomaly_backfill('duty', NULL, now() - interval '2 hours', now());
SELECT version FROM anomaly_train('duty', 'SELECT * FROM duty.flow_feature', features => '{src_payload,bytes}');
SELECT failed FROM anomaly_retrain('duty');
SELECT alarm, subject, message FROM duty.alarm;
SELECT anomaly_drop('duty');

SELECT anomaly_drop_flow_store(s) FROM unnest('{steady,office,early,young,files,burst,past,grown,growing,duty}'::name[]) s;
RESET ROLE;
DROP OWNED BY pga_test_owner, pga_test_viewer;
DROP ROLE pga_test_owner, pga_test_viewer;
