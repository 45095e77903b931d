-- Rollups and windows: what the flows of a minute, an hour, a day add up to.
--
--   flow_minute, flow_hour   traffic by protocol; sums, so a batch adds to them
--   source_minute            what one source did in one minute; has distinct
--                            counts, so a window that was there already is
--                            computed again from flow
--   peer_day                 one source to one service of one host in one UTC
--                            day, with the regularity of its contacts
--
-- All are exact, however the flows were cut into batches and in whatever order
-- these came.  One writer at a time (the lock is held to the end of its
-- transaction): what the others added is visible when it is our turn, and two
-- loads cannot deadlock over the same minutes.

CREATE FUNCTION anomaly.lock_store(store name) RETURNS void
LANGUAGE sql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$SELECT pg_advisory_xact_lock(hashtextextended('pg_anomaly rollups of ' || store, 0))$$;
COMMENT ON FUNCTION anomaly.lock_store(name) IS 'one writer of derived tables at a time, until the transaction ends';

-- Regularity of peer_day: the gaps between n starts sum to last - first, so
-- their mean is known whatever the order; the sum of their squares is kept in
-- whole milliseconds, which cannot overflow within a day.
CREATE FUNCTION anomaly.make_rollup_tables(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE TABLE %1$I.flow_minute (
		minute timestamptz,
		protocol int2,
		flows int8 NOT NULL,
		failed int8 NOT NULL,
		packets int8 NOT NULL,
		src_bytes int8 NOT NULL,
		dst_bytes int8 NOT NULL,
		PRIMARY KEY (minute, protocol)
	);
	COMMENT ON TABLE %1$I.flow_minute IS 'traffic per minute and protocol, kept as long as the flows';
	CREATE TABLE %1$I.flow_hour (
		hour timestamptz,
		protocol int2,
		flows int8 NOT NULL,
		failed int8 NOT NULL,
		packets int8 NOT NULL,
		src_bytes int8 NOT NULL,
		dst_bytes int8 NOT NULL,
		PRIMARY KEY (hour, protocol)
	);
	COMMENT ON TABLE %1$I.flow_hour IS 'traffic per hour and protocol, kept when the flows are gone';

	CREATE TABLE %1$I.source_minute (
		minute timestamptz,
		src_addr inet,
		flows int8 NOT NULL,
		failed int8 NOT NULL,
		packets int8 NOT NULL,
		src_bytes int8 NOT NULL,
		dst_bytes int8 NOT NULL,
		dsts int4 NOT NULL,
		dst_ports int4 NOT NULL,
		failed_dsts int4 NOT NULL,
		failed_ports int4 NOT NULL,
		top_flows int8 NOT NULL,
		top_syn_only int8 NOT NULL,
		top_logins int8 NOT NULL,
		top_udp_packets int8 NOT NULL,
		top_udp_answers int8 NOT NULL,
		PRIMARY KEY (minute, src_addr)
	);
	CREATE INDEX source_minute_src ON %1$I.source_minute (src_addr, minute);
	COMMENT ON TABLE %1$I.source_minute IS 'what each source did in each minute';
	COMMENT ON COLUMN %1$I.source_minute.dsts IS 'distinct destinations';
	COMMENT ON COLUMN %1$I.source_minute.dst_ports IS 'distinct destination ports';
	COMMENT ON COLUMN %1$I.source_minute.failed_dsts IS 'most destinations that one port failed at';
	COMMENT ON COLUMN %1$I.source_minute.failed_ports IS 'most ports that failed at one destination';
	COMMENT ON COLUMN %1$I.source_minute.top_flows IS 'most flows to one service of one destination';
	COMMENT ON COLUMN %1$I.source_minute.top_syn_only IS 'most TCP flows to one service that never sent more than a SYN';
	COMMENT ON COLUMN %1$I.source_minute.top_logins IS 'most flows to one login service (FTP, SSH, telnet, RDP, VNC) of one destination';
	COMMENT ON COLUMN %1$I.source_minute.top_udp_packets IS 'most UDP packets to one destination';
	COMMENT ON COLUMN %1$I.source_minute.top_udp_answers IS 'most UDP packets back from one destination';

	CREATE TABLE %1$I.peer_day (
		day timestamptz,
		src_addr inet,
		dst_addr inet,
		dst_port int4,
		protocol int2,
		flows int8 NOT NULL,
		failed int8 NOT NULL,
		src_payload int8 NOT NULL,
		dst_payload int8 NOT NULL,
		first_start timestamptz NOT NULL,
		last_start timestamptz NOT NULL,
		gap_sq_ms int8 NOT NULL,
		PRIMARY KEY (day, src_addr, dst_addr, dst_port, protocol)
	);
	COMMENT ON TABLE %1$I.peer_day IS 'each source''s dealings with each service of each host in each UTC day';
	COMMENT ON COLUMN %1$I.peer_day.gap_sq_ms IS 'sum of the squared gaps between starts, in milliseconds';

	CREATE TABLE %1$I.tally (
		one bool PRIMARY KEY DEFAULT true CHECK (one),
		revision int8 NOT NULL DEFAULT 0,
		flows int8 NOT NULL DEFAULT 0,
		detections int8 NOT NULL DEFAULT 0,
		first_flow timestamptz,
		last_flow timestamptz,
		error text,
		error_at timestamptz
	);
	COMMENT ON TABLE %1$I.tally IS 'one row: what the store holds, counted as it comes; revision changes with every change';
	COMMENT ON COLUMN %1$I.tally.error IS 'why rollups or threat rules missed a batch; NULL when fine';
	INSERT INTO %1$I.tally DEFAULT VALUES;
	$ddl$, store);
END
$$;
COMMENT ON FUNCTION anomaly.make_rollup_tables(name) IS 'makes the rollup and window tables of a new store';
