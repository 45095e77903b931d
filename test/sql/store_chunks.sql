-- Flow stores, their chunks and their retention.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
SET timezone = 'America/New_York';		-- chunks are cut in UTC all the same
SELECT anomaly_create_flow_store('chunky');
SELECT anomaly_create_flow_store('chunky');
CREATE SCHEMA taken;
SELECT anomaly_create_flow_store('taken');
SELECT count(*) AS stores FROM anomaly.flow_store WHERE name IN ('chunky', 'taken');
SELECT anomaly_create_flow_store('odd', '90 seconds');
SELECT anomaly_create_flow_store('odd', retain => '-1 day');
SELECT anomaly_create_flow_store(NULL);

-- made for any date, and only once
SELECT anomaly_ensure_chunks('chunky', '1969-12-31 23:59:59+00', '1970-01-01 00:00:00+00');
SELECT anomaly_ensure_chunks('chunky', '1969-12-31 23:59:59+00', '1970-01-01 00:00:00+00');
SELECT anomaly_ensure_chunks('chunky', '2024-02-29 12:00:00+00', '2024-02-29 12:00:00+00');
SELECT anomaly_ensure_chunks('chunky', '2106-02-07 06:28:15+00', '2106-02-07 06:28:15+00');
SELECT chunk, lo AT TIME ZONE 'UTC' AS lo, hi AT TIME ZONE 'UTC' AS hi
FROM anomaly.chunks('chunky', 'flow') ORDER BY 2;
-- whatever dates look like: IST is read as another zone's
SET timezone = 'Asia/Kolkata';
SET datestyle = 'Postgres, DMY';
SELECT anomaly_ensure_chunks('chunky', '2024-02-29 12:00:00+00', '2024-03-01 12:00:00+00');
SELECT count(*), count(DISTINCT hi - lo) FROM anomaly.chunks('chunky', 'flow');
SET timezone = 'America/New_York';
RESET datestyle;
-- detection is cut at the same times
SELECT count(*) FROM anomaly.chunks('chunky', 'flow') f FULL JOIN anomaly.chunks('chunky', 'detection') d USING (lo, hi)
WHERE f.chunk IS NULL OR d.chunk IS NULL;

-- a changed interval holds for new chunks, clipped between the old ones
UPDATE anomaly.flow_store SET partition_interval = '7 hours' WHERE name = 'chunky';
SELECT anomaly_ensure_chunks('chunky', '2024-02-28 20:00+00', '2024-03-02 02:00+00');
UPDATE anomaly.flow_store SET partition_interval = '1 day' WHERE name = 'chunky';
SELECT chunk, lo AT TIME ZONE 'UTC' AS lo, hi AT TIME ZONE 'UTC' AS hi
FROM anomaly.chunks('chunky', 'flow') WHERE lo BETWEEN '2024-02-27' AND '2024-03-02' ORDER BY 2;

-- what cannot be
SELECT anomaly_ensure_chunks('chunky', '2024-03-02', '2024-03-01');
SELECT anomaly_ensure_chunks('chunky', '-infinity', '2024-03-01');
SELECT anomaly_ensure_chunks('chunky', '1980-01-01 00:00+00', '2020-01-01 00:00+00');
\set VERBOSITY sqlstate
SELECT anomaly_ensure_chunks('nowhere', '2024-03-01', '2024-03-01');
SELECT anomaly_maintain('nowhere');
SELECT anomaly_drop_flow_store('nowhere');
\set VERBOSITY default

-- flows reach their chunk through the parent; without a chunk they are refused
INSERT INTO chunky.flow SELECT f.* FROM unnest('{1970-01-01 00:00+00,2024-02-29 23:59:59.999999+00,2106-02-07 06:28:15+00}'::timestamptz[]) t,
	hand.flow(t, '10.0.0.1', '10.0.0.2', 443) f;
SELECT tableoid::regclass, count(*) FROM chunky.flow GROUP BY 1 ORDER BY 1;
INSERT INTO chunky.flow SELECT * FROM hand.flow('1990-01-01 00:00+00', '10.0.0.1', '10.0.0.2', 443);

-- retention drops whole chunks, and the minutes with them; the hours stay
SELECT chunks_dropped FROM anomaly_maintain('chunky');
UPDATE anomaly.flow_store SET retain = '10 years' WHERE name = 'chunky';
SELECT anomaly_ensure_chunks('chunky', now() - interval '20 years', now() - interval '20 years') > 0 AS made;
SELECT chunks_made, chunks_dropped, rows_trimmed FROM anomaly_maintain('chunky');
SELECT * FROM anomaly_maintain('chunky');
SELECT count(*) FROM chunky.flow WHERE start_time < now() - interval '11 years';
SELECT flows = (SELECT count(*) FROM chunky.flow) AS tally_agrees FROM chunky.tally;
SELECT count(*) FILTER (WHERE minute < '2000-01-01') AS minutes,
	   (SELECT count(*) FROM chunky.flow_hour WHERE hour < '2000-01-01') AS hours FROM chunky.flow_minute;
SELECT count(*) FROM anomaly.chunks('chunky', 'flow') WHERE lo <= now() AND hi > now() OR lo <= now() + interval '1 day' AND hi > now() + interval '1 day';

-- two stores keep apart, and one can go
SELECT anomaly_create_flow_store('chunky too', '1 hour');
SELECT anomaly_ensure_chunks('chunky too', '2024-02-29 12:00:00+00', '2024-02-29 12:59:59+00');
INSERT INTO "chunky too".flow SELECT * FROM hand.flow('2024-02-29 12:30+00', '10.0.0.1', '10.0.0.2', 443);
SELECT (SELECT flows FROM "chunky too".tally) AS there, (SELECT flows FROM chunky.tally) AS here;
SELECT anomaly_drop_flow_store('chunky too');
SELECT to_regnamespace('"chunky too"') IS NULL AS gone, (SELECT count(*) FROM anomaly.flow_store WHERE name = 'chunky too');
SELECT flows FROM chunky.tally;

-- the extension goes without the data: it says what hangs on it, and CASCADE
-- takes the trigger and the view but no table
\set VERBOSITY terse
DROP EXTENSION pg_anomaly;
BEGIN;
DROP EXTENSION pg_anomaly CASCADE;
SELECT count(*) FROM chunky.flow;
SELECT to_regclass('chunky.alert') IS NOT NULL AS alert, to_regclass('chunky.flow_feature') IS NOT NULL AS view;
ROLLBACK;
