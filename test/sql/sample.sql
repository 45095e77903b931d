-- Made-up rows: the same for the same seed, labelled, attacks anywhere in time.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_anomaly;

-- bad arguments
SELECT anomaly_sample('nonsense');
SELECT anomaly_sample('kdd', -1);

-- as many rows as asked for, none twice, of one shape; all under their columns' names
SELECT profile, count(*), count(DISTINCT s::text) > 900 AS distinct_rows, count(DISTINCT keys)
FROM unnest('{connection,basic,transfer,kdd,minute,host}'::text[]) profile,
	LATERAL (SELECT s, (SELECT string_agg(k, ',') FROM json_object_keys(s) k) AS keys FROM anomaly_sample(profile, 1000, 7) s) r
GROUP BY profile ORDER BY profile;
SELECT json_object_keys(anomaly_sample('connection', 1));

-- a seed's rows are the same each time; more rows go on where fewer ended; other seeds, other rows
SELECT (SELECT md5(string_agg(s::text, E'\n')) FROM anomaly_sample('kdd', 500, 3) s)
	 = (SELECT md5(string_agg(s::text, E'\n')) FROM (SELECT s FROM anomaly_sample('kdd', 5000, 3) s LIMIT 500) f) AS prefix,
	(SELECT md5(string_agg(s::text, E'\n')) FROM anomaly_sample('kdd', 500, 3) s)
	 <> (SELECT md5(string_agg(s::text, E'\n')) FROM anomaly_sample('kdd', 500, 4) s) AS differs;

-- shares: within four standard deviations of the binomial
CREATE TEMP TABLE labels AS
SELECT profile, s ->> coalesce(CASE profile WHEN 'basic' THEN 'Label' END, 'label') AS label, ord
FROM unnest('{connection,basic,transfer,kdd,minute,host}'::text[]) profile,
	LATERAL anomaly_sample(profile, 20000, 1) WITH ORDINALITY r(s, ord);
SELECT profile, abs(avg((label = 'normal')::int) - want) < 4 * sqrt(want * (1 - want) / 20000) AS share_holds
FROM labels JOIN (VALUES ('connection', 0.9), ('basic', 0.9), ('transfer', 0.85), ('kdd', 0.7), ('minute', 0.99), ('host', 0.9)) w(name, want)
	ON name = profile
GROUP BY profile, want ORDER BY profile;
SELECT label, abs(count(*) - 2000) < 4 * sqrt(20000 * 0.1 * 0.9) AS a_third FROM labels WHERE profile = 'kdd' AND label <> 'normal'
GROUP BY label ORDER BY label;

-- two numbers of a row are independent: chi-square over 8 × 8 cells, 63 degrees of freedom, one in a thousand
SELECT draw, sum((n - 20000 / 64.0) ^ 2 / (20000 / 64.0)) < 103.4 AS independent
FROM (SELECT draw, width_bucket(anomaly.uniform(1, i, 0), 0, 1, 8), width_bucket(anomaly.uniform(1, i, draw), 0, 1, 8), count(*) AS n
	FROM generate_series(1, 20000) i, unnest('{1,2,3,32}'::int[]) draw GROUP BY 1, 2, 3) cells
GROUP BY draw ORDER BY draw;

-- no stretch of a tenth of the rows is without attacks, or full of them
SELECT profile, min(attacks) > 0 AND max(attacks) < 1000 AS interleaved
FROM (SELECT profile, (ord - 1) / 2000 AS stretch, count(*) FILTER (WHERE label <> 'normal') AS attacks
	FROM labels GROUP BY 1, 2) s
GROUP BY profile ORDER BY profile;

-- columns agree with each other
SELECT count(*) FILTER (WHERE is_anomaly <> (label <> 'normal')) AS labels_apart,
	count(*) FILTER (WHERE bytes_sent < 0 OR connection_duration < 0 OR packet_size NOT BETWEEN 20 AND 1600) AS impossible
FROM anomaly.sample_connection(20000, 1);
SELECT count(*) FILTER (WHERE "DestinationPort" NOT BETWEEN 0 AND 65535 OR "SourcePort" NOT BETWEEN 0 AND 65535) AS bad_ports,
	count(*) FILTER (WHERE "ByteCount" < 20 * "PacketCount") AS impossible
FROM anomaly.sample_basic(20000, 1);
SELECT bool_and(abs(bytes_transferred - packet_count * bytes_per_packet) <= 0.05 * packet_count + 1) AS bytes_hold
FROM anomaly.sample_transfer(20000, 1);
SELECT count(*) FILTER (WHERE srv_count > count OR serror_rate NOT BETWEEN 0 AND 1 OR same_srv_rate NOT BETWEEN 0 AND 1) AS impossible
FROM anomaly.sample_kdd(20000, 1);

-- two weeks: a day has its night, a weekend is quieter
SELECT avg(bytes) FILTER (WHERE date_part('hour', minute AT TIME ZONE 'UTC') BETWEEN 12 AND 13)
	 > 4 * avg(bytes) FILTER (WHERE date_part('hour', minute AT TIME ZONE 'UTC') BETWEEN 1 AND 2) AS night,
	avg(bytes) FILTER (WHERE date_part('isodow', minute AT TIME ZONE 'UTC') < 6)
	 > 2 * avg(bytes) FILTER (WHERE date_part('isodow', minute AT TIME ZONE 'UTC') > 5) AS weekend
FROM anomaly.sample_minute(14 * 1440, 1) WHERE label = 'normal';

-- a detector finds them
SELECT rows_used, warnings FROM anomaly_train('sample', 'SELECT * FROM anomaly.sample_connection(5000, 1)', exclude => '{is_anomaly,label}');
SELECT roc_auc > 0.9 AS found FROM anomaly_evaluate('sample', 'SELECT * FROM anomaly.sample_connection(5000, 2)', 'is_anomaly');
SELECT anomaly_drop('sample');
