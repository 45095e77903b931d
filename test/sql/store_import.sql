-- Lines of CSV as flows: good ones in, bad ones aside with their reason.
SET client_min_messages = warning;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
SELECT anomaly_create_flow_store('lines');

-- fields of RFC 4180
SELECT anomaly.csv_fields('a,,"b,""c"""",",d', ','), anomaly.csv_fields('', ','), anomaly.csv_fields('""', ',');
SELECT anomaly.csv_fields('a,"b', ',');

-- what a header most likely is; no column twice
SELECT anomaly_import_columns('{ts,id.orig_h,id.orig_p,id.resp_h,id.resp_p,proto,orig_bytes,resp_bytes,conn_state,Label,dst_host_serror_rate}');
SELECT anomaly_import_columns('{Duration,duration_s,"Source IP",Timestamp}');

-- times: 2026-01-05 10:00:00.25 six times
SELECT DISTINCT anomaly.import_time('t', v) FROM unnest('{2026-01-05T10:00:00.25Z,2026/01/05 11:00:00.25+01,2026-01-05 10:00:00.25,1767607200.25,1767607200250,1767607200250000,1767607200250000000}'::text[]) v;

-- a thousand lines, ten of them no flow, in two calls
CREATE TEMP TABLE line AS
SELECT n, CASE n WHEN 3 THEN 'rubbish' WHEN 100 THEN replace(good, ',tcp', '') WHEN 101 THEN good || ',1' WHEN 230 THEN replace(good, '10.0.0.', 'ten.zero.')
	WHEN 231 THEN replace(good, '2026', 'twenty') WHEN 500 THEN replace(good, 'tcp', '"tcp') WHEN 501 THEN replace(good, 'tcp', 'café')
	WHEN 777 THEN replace(good, ',443,', ',99999,') WHEN 998 THEN replace(good, ',' || n || ',', ',-1,') WHEN 1000 THEN replace(good, ',' || n || ',', ',many,')
	ELSE good END AS text
FROM (SELECT n, format('2026-01-05 %s:%s:00,0.5,%s,%s,10.0.0.%s,192.0.2.1,%s,443,tcp', n % 24, lpad((n % 60)::text, 2, '0'), n, 2 * n, n % 250, 1024 + n) AS good
	FROM generate_series(1, 1000) n) g;
SELECT * FROM anomaly_import_flows('lines', '{start_time,duration_s,src_bytes,dst_bytes,src_addr,dst_addr,src_port,dst_port,protocol}',
	(SELECT array_agg(text ORDER BY n) FROM line WHERE n <= 600), 'thousand.csv', 2, last => false, sha256 => '\x01');
SELECT state, flows, rejected FROM lines.capture;
SELECT * FROM anomaly_import_flows('lines', '{start_time,duration_s,src_bytes,dst_bytes,src_addr,dst_addr,src_port,dst_port,protocol}',
	(SELECT array_agg(text ORDER BY n) FROM line WHERE n > 600), first_line => 602, capture => 1);
SELECT source, state, flows, rejected, finished_at IS NOT NULL AS finished, first_packet, last_packet FROM lines.capture;
SELECT line, reason, left(raw, 60) AS raw FROM lines.reject ORDER BY line;
SELECT count(*), sum(src_bytes) = (SELECT sum(n) FROM line WHERE n NOT IN (3, 100, 101, 230, 231, 500, 501, 777, 998, 1000)) AS bytes_hold,
	min(duration_us), max(duration_us) FROM lines.flow;
-- the trigger saw them
SELECT sum(flows) FROM lines.flow_minute;

-- what a line does not say
SELECT * FROM anomaly_import_flows('lines', '{bytes,packets,src_port,dst_port,protocol,NULL,end_time}',
	'{"300,3,1024,53,17,x,2026-01-06 10:00","300,,1024,80,6,x,2026-01-06 10:00","-,4,,,-,x,2026-01-06 10:00"}');
SELECT src_addr, dst_addr, protocol, src_bytes, dst_bytes, src_packets, dst_packets, src_payload, dst_payload, length_mean, length_min, length_max, state, end_reason
FROM lines.flow WHERE start_time = '2026-01-06 10:00' ORDER BY protocol;
SELECT * FROM anomaly_import_flows('lines', '{src_bytes,bytes,start_time,end_time}', '{"9,5,2026-01-06,2026-01-06","1,5,2026-01-07,2026-01-06",",,,"}', sha256 => '\x02');
SELECT reason FROM lines.reject WHERE capture_id = 3 ORDER BY line;

-- refusals; nothing is left of them
SELECT anomaly_import_flows('lines', '{bytes,nonsense}', '{"1,2"}');
SELECT anomaly_import_flows('lines', '{bytes,bytes}', '{"1,2"}');
SELECT anomaly_import_flows('lines', '{bytes}', array_fill('1'::text, '{10001}'));
SELECT anomaly_import_flows('lines', '{bytes}', '{1}', sha256 => '\x01');
SELECT anomaly_import_flows('lines', '{bytes}', '{1}', capture => 1);
SELECT anomaly_import_flows('lines', '{bytes}', '{1}', capture => 99);
SELECT anomaly_import_flows('lines', '{bytes}', NULL);
SELECT anomaly_import_flows('lines', '{bytes}', '{1,NULL}', first_line => 7);
\set VERBOSITY terse
SELECT anomaly_import_flows('nowhere', '{bytes}', '{1}');
SELECT anomaly_create_flow_store('');
SELECT count(*) FROM lines.capture;
SELECT anomaly_drop_flow_store('lines');
