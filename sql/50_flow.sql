-- The flow store: where flows live.
--
-- A store is one schema of ordinary tables that belong to whoever made it and
-- are no members of the extension: pg_dump carries them like any other table,
-- and DROP EXTENSION cannot take them along.  The extension keeps one line of
-- configuration per store; everything else about a store is in its schema:
--
--   flow, capture, reject    what was seen             (this file)
--   flow_feature             the same, with features   52_feature.sql
--   flow_kdd, ...            the same, in others' words 54_profile.sql
--   flow_minute, ...         rollups and windows       60_rollup.sql
--   threat_rule, playbook    what to look for          65_threat.sql
--   detection, alert         what was found            70_detection.sql
--   watch, score_hour        models on guard           75_watch.sql
--   health, alarm, ...       how the store is doing    82_status.sql
--
-- Functions that users call live in the schema of the extension and are named
-- anomaly_*; helpers live in the schema anomaly.  All run with the rights of
-- whoever calls them.  Nothing is granted here: whoever shall make stores needs
-- CREATE on the database, USAGE on the schema anomaly, SELECT, INSERT, UPDATE and
-- DELETE on anomaly.flow_store and SELECT on the registry's tables; whoever shall load
-- flows into another's store, the owner's rights on its tables.

CREATE TABLE anomaly.flow_store (
	name name PRIMARY KEY,
	partition_interval interval NOT NULL,
	retain interval,
	alert_gap interval NOT NULL DEFAULT '30 minutes',
	capacity int8,
	home cidr[] NOT NULL DEFAULT '{10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,127.0.0.0/8,224.0.0.0/4,255.255.255.255/32,fc00::/7,fe80::/10,ff00::/8,::1/128}',
	layout int4 NOT NULL,
	capture_key bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
	created_by name NOT NULL DEFAULT current_user,
	created_at timestamptz NOT NULL DEFAULT now(),
	CHECK (partition_interval >= interval '1 minute'
		   AND date_trunc('minute', partition_interval) = partition_interval),
	CHECK (retain > interval '0'),
	CHECK (alert_gap > interval '0'),
	CHECK (capacity > 0)
);
COMMENT ON TABLE anomaly.flow_store IS 'flow stores of this database, one row each';
COMMENT ON COLUMN anomaly.flow_store.name IS 'schema that holds the store';
COMMENT ON COLUMN anomaly.flow_store.partition_interval IS 'length of a new chunk';
COMMENT ON COLUMN anomaly.flow_store.retain IS 'age at which anomaly_maintain drops chunks; NULL keeps them';
COMMENT ON COLUMN anomaly.flow_store.alert_gap IS 'detections of one source and threat no further apart join one alert';
COMMENT ON COLUMN anomaly.flow_store.capacity IS 'bytes that the store may take on disk, for the forecast in its view health; NULL: unknown';
COMMENT ON COLUMN anomaly.flow_store.home IS 'networks that count as internal; all others are external';
COMMENT ON COLUMN anomaly.flow_store.layout IS 'what the release made of it that made or last upgraded it, see anomaly_upgrade_flow_store';
COMMENT ON COLUMN anomaly.flow_store.capture_key IS 'key of the fingerprints in capture, 16 bytes: with another, files that were loaded are not known again';
COMMENT ON COLUMN anomaly.flow_store.created_by IS 'who made the store';
COMMENT ON COLUMN anomaly.flow_store.created_at IS 'start of the transaction that made it';
SELECT pg_catalog.pg_extension_config_dump('anomaly.flow_store', '');

CREATE FUNCTION anomaly.store_layout() RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$SELECT 1$$;
COMMENT ON FUNCTION anomaly.store_layout() IS 'layout of the stores that this release makes, see anomaly_upgrade_flow_store';

CREATE FUNCTION anomaly.store(store name) RETURNS anomaly.flow_store
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_store anomaly.flow_store;
BEGIN
	SELECT * INTO found_store FROM anomaly.flow_store s WHERE s.name = store;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'unknown flow store "%"', store USING ERRCODE = 'PA017',
			HINT = coalesce((SELECT 'Flow stores are: ' || string_agg(quote_ident(s.name), ', ' ORDER BY s.name) || '.'
							 FROM anomaly.flow_store s),
							'There is none yet: SELECT anomaly_create_flow_store();');
	END IF;
	RETURN found_store;
END
$$;
COMMENT ON FUNCTION anomaly.store(name) IS 'configuration of a flow store, or error PA017';

-- Zeek's names for how a connection went, in the order of flow.state.  No
-- pinned search_path, so that it can be inlined: nothing in it is looked up.
CREATE FUNCTION @extschema@.anomaly_conn_state(state int2) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$SELECT ('{S0,S1,SF,REJ,S2,S3,RSTO,RSTR,RSTOS0,RSTRH,SH,SHR,OTH}'::pg_catalog.text[])[state]$$;
COMMENT ON FUNCTION @extschema@.anomaly_conn_state(int2) IS 'name of a connection state (Zeek conn_state)';

-- Column order goes by width, widest first: 142 bytes a row.
CREATE FUNCTION anomaly.make_flow_tables(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE TABLE %1$I.flow (
		start_time timestamptz NOT NULL,
		duration_us int8 NOT NULL,
		src_bytes int8 NOT NULL,
		dst_bytes int8 NOT NULL,
		src_payload int8 NOT NULL,
		dst_payload int8 NOT NULL,
		ended_at timestamptz,
		src_packets int4 NOT NULL,
		dst_packets int4 NOT NULL,
		src_port int4 NOT NULL,
		dst_port int4 NOT NULL,
		rtt_us int4,
		length_min int4 NOT NULL,
		length_max int4 NOT NULL,
		capture_id int4 NOT NULL,
		length_mean real NOT NULL,
		length_stddev real NOT NULL,
		iat_mean_us real,
		iat_stddev_us real,
		protocol int2 NOT NULL,
		src_tcp_flags int2 NOT NULL,
		dst_tcp_flags int2 NOT NULL,
		state int2 NOT NULL,
		end_reason int2 NOT NULL,
		retransmits int2 NOT NULL,
		fragments int2 NOT NULL,
		bad_fragments int2 NOT NULL,
		urgent int2 NOT NULL,
		vlan int2,
		ttl int2 NOT NULL,
		tunnel int2 NOT NULL,
		src_addr inet NOT NULL,
		dst_addr inet NOT NULL,
		-- over the last 2 seconds, last 100 connections, last 60 seconds
		count int4,
		srv_count int4,
		serror_rate real,
		srv_serror_rate real,
		rerror_rate real,
		srv_rerror_rate real,
		same_srv_rate real,
		diff_srv_rate real,
		srv_diff_host_rate real,
		dst_host_count int4,
		dst_host_srv_count int4,
		dst_host_same_srv_rate real,
		dst_host_diff_srv_rate real,
		dst_host_same_src_port_rate real,
		dst_host_srv_diff_host_rate real,
		dst_host_serror_rate real,
		dst_host_srv_serror_rate real,
		dst_host_rerror_rate real,
		dst_host_srv_rerror_rate real,
		src_distinct_dsts int4,
		src_distinct_ports int4,
		src_failed int4
	) PARTITION BY RANGE (start_time);
	CREATE INDEX flow_time ON %1$I.flow USING brin (start_time);
	CREATE INDEX flow_src ON %1$I.flow (src_addr, start_time);
	CREATE INDEX flow_dst ON %1$I.flow (dst_addr, start_time);
	COMMENT ON TABLE %1$I.flow IS 'one row per bidirectional conversation; load through this table, not into a chunk';

	CREATE TABLE %1$I.capture (
		id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
		source text NOT NULL,
		fingerprint bytea UNIQUE,
		sha256 bytea UNIQUE,
		session uuid UNIQUE,
		interface text,
		file_bytes int8,
		filter text,
		settings text,
		started_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz,
		finished_at timestamptz,
		first_packet timestamptz,
		last_packet timestamptz,
		packets int8,
		ip_packets int8,
		other_packets int8,
		flows int8,
		rejected int8,
		drops int8,
		interface_drops int8,
		evicted int8,
		truncated bool NOT NULL DEFAULT false,
		state text NOT NULL CHECK (state IN ('loading', 'capturing', 'loaded', 'failed')),
		error text
	);
	COMMENT ON TABLE %1$I.capture IS 'one row per imported file or live session; a file is loaded once';
	COMMENT ON COLUMN %1$I.capture.fingerprint IS 'of a capture that pcap2pg loaded: tells whether its bytes come again; keyed by the store''s capture_key';
	COMMENT ON COLUMN %1$I.capture.sha256 IS 'of a file of text that pcap2pg loaded or that came through anomaly_import_flows, as its caller said';
	COMMENT ON COLUMN %1$I.capture.session IS 'names a live session or a replay; with flows it tells which batches are stored';
	COMMENT ON COLUMN %1$I.capture.interface IS 'network interface of a live session';
	COMMENT ON COLUMN %1$I.capture.settings IS 'timeouts and limits that decide where flows end';
	COMMENT ON COLUMN %1$I.capture.updated_at IS 'when a live session last wrote';
	COMMENT ON COLUMN %1$I.capture.flows IS 'flows stored; of a session that is capturing: so far';
	COMMENT ON COLUMN %1$I.capture.drops IS 'packets lost for want of buffer when they were captured; NULL: not known';
	COMMENT ON COLUMN %1$I.capture.interface_drops IS 'packets that the interface lost; NULL: not known';
	COMMENT ON COLUMN %1$I.capture.evicted IS 'flows ended early to make room in the flow table';
	COMMENT ON COLUMN %1$I.capture.state IS 'loading: a file, capturing: a session under way or cut off, loaded: complete, failed: see error';

	CREATE TABLE %1$I.reject (
		capture_id int4 NOT NULL REFERENCES %1$I.capture ON DELETE CASCADE,
		line int8 NOT NULL,
		reason text NOT NULL,
		raw text NOT NULL,
		PRIMARY KEY (capture_id, line)
	);
	COMMENT ON TABLE %1$I.reject IS 'lines of imported text files that are no flow, set aside with the reason';
	COMMENT ON COLUMN %1$I.reject.line IS 'number of the line in its file, from 1';
	COMMENT ON COLUMN %1$I.reject.raw IS 'the line, cut to 2,000 bytes; bytes other than printable ASCII as \xHH';
	$ddl$, store);
END
$$;
COMMENT ON FUNCTION anomaly.make_flow_tables(name) IS 'makes the tables flow, capture and reject of a new store';
