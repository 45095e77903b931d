-- Profiles: a flow under the names and in the units that others use, so that
-- models and queries made for their columns work on live traffic.  pcap2pg
-- --csv reads files of the same profiles.

-- Destination port, and for ICMP type and code, to KDD-99's service.  The data
-- knows no port; names it does not have are "private" from 1024 on, else "other".
CREATE FUNCTION anomaly.kdd_service(protocol int2, src_port int4, dst_port int4) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
SELECT CASE
	WHEN protocol IN (1, 58) THEN
		CASE WHEN src_port IN (8, 128) THEN 'eco_i' WHEN src_port IN (0, 129) THEN 'ecr_i'
			WHEN src_port = 3 THEN CASE dst_port WHEN 1 THEN 'urh_i' ELSE 'urp_i' END
			WHEN src_port IN (5, 137) THEN 'red_i' WHEN src_port = 11 THEN 'tim_i' ELSE 'oth_i' END
	WHEN protocol NOT IN (6, 17) THEN 'other'
	ELSE CASE dst_port
		WHEN 7 THEN 'echo' WHEN 9 THEN 'discard' WHEN 11 THEN 'systat' WHEN 13 THEN 'daytime'
		WHEN 15 THEN 'netstat' WHEN 20 THEN 'ftp_data' WHEN 21 THEN 'ftp' WHEN 22 THEN 'ssh'
		WHEN 23 THEN 'telnet' WHEN 25 THEN 'smtp' WHEN 37 THEN 'time' WHEN 42 THEN 'name'
		WHEN 43 THEN 'whois' WHEN 53 THEN CASE protocol WHEN 17 THEN 'domain_u' ELSE 'domain' END
		WHEN 57 THEN 'mtp' WHEN 69 THEN 'tftp_u' WHEN 70 THEN 'gopher' WHEN 71 THEN 'remote_job'
		WHEN 77 THEN 'rje' WHEN 79 THEN 'finger' WHEN 80 THEN 'http' WHEN 84 THEN 'ctf'
		WHEN 95 THEN 'supdup' WHEN 101 THEN 'hostnames' WHEN 102 THEN 'iso_tsap' WHEN 105 THEN 'csnet_ns'
		WHEN 109 THEN 'pop_2' WHEN 110 THEN 'pop_3' WHEN 111 THEN 'sunrpc' WHEN 113 THEN 'auth'
		WHEN 117 THEN 'uucp_path' WHEN 119 THEN 'nntp' WHEN 123 THEN 'ntp_u' WHEN 137 THEN 'netbios_ns'
		WHEN 138 THEN 'netbios_dgm' WHEN 139 THEN 'netbios_ssn' WHEN 143 THEN 'imap4' WHEN 150 THEN 'sql_net'
		WHEN 175 THEN 'vmnet' WHEN 179 THEN 'bgp' WHEN 210 THEN 'Z39_50' WHEN 245 THEN 'link'
		WHEN 389 THEN 'ldap' WHEN 433 THEN 'nnsp' WHEN 443 THEN 'http_443' WHEN 512 THEN 'exec'
		WHEN 513 THEN 'login' WHEN 514 THEN 'shell' WHEN 515 THEN 'printer' WHEN 520 THEN 'efs'
		WHEN 530 THEN 'courier' WHEN 540 THEN 'uucp' WHEN 543 THEN 'klogin' WHEN 544 THEN 'kshell'
		WHEN 1020 THEN 'pm_dump' WHEN 2784 THEN 'http_2784' WHEN 5190 THEN 'aol' WHEN 6000 THEN 'X11'
		WHEN 6667 THEN 'IRC' WHEN 8001 THEN 'http_8001' WHEN 8282 THEN 'harvest'
		ELSE CASE WHEN dst_port < 1024 THEN 'other' ELSE 'private' END
	END
END
$$;
COMMENT ON FUNCTION anomaly.kdd_service(int2, int4, int4) IS 'KDD-99''s name of a service, by protocol and destination port, of ICMP by type and code';

-- KDD-99: the features that headers tell; the 13 about content are not there.
-- Durations are whole seconds, bytes are payload.  KDD-99 has eleven flags: its
-- makers had no responder without an originator (RSTRH, SHR).
CREATE FUNCTION anomaly.make_kdd_view(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($v$
	CREATE OR REPLACE VIEW %1$I.flow_kdd AS
	SELECT start_time, src_addr, dst_addr,
		duration_us / 1000000 AS duration,
		CASE protocol WHEN 58 THEN 'icmp' ELSE protocol_name END AS protocol_type,
		anomaly.kdd_service(protocol, src_port, dst_port) AS service,
		CASE conn_state WHEN 'RSTRH' THEN 'RSTR' WHEN 'SHR' THEN 'OTH' ELSE conn_state END AS flag,
		src_payload AS src_bytes,
		dst_payload AS dst_bytes,
		land::int AS land,
		bad_fragments AS wrong_fragment,
		urgent,
		count, srv_count, serror_rate, srv_serror_rate, rerror_rate, srv_rerror_rate,
		same_srv_rate, diff_srv_rate, srv_diff_host_rate,
		dst_host_count, dst_host_srv_count, dst_host_same_srv_rate, dst_host_diff_srv_rate,
		dst_host_same_src_port_rate, dst_host_srv_diff_host_rate,
		dst_host_serror_rate, dst_host_srv_serror_rate, dst_host_rerror_rate, dst_host_srv_rerror_rate
	FROM %1$I.flow_feature
	$v$, store);
	EXECUTE format('COMMENT ON VIEW %1$I.flow_kdd IS %2$L', store,
				   'flows as connections of KDD-99: its names and units, without the features of content');
END
$$;
COMMENT ON FUNCTION anomaly.make_kdd_view(name) IS 'makes the view flow_kdd of a new store';

-- Three profiles of simpler tools.  Rates are over at least a millisecond.
CREATE FUNCTION anomaly.make_profile_views(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM anomaly.make_kdd_view(store);
	EXECUTE format($v$
	CREATE OR REPLACE VIEW %1$I.flow_connection AS
	SELECT start_time, src_addr, dst_addr,
		length_mean AS packet_size,
		duration_s AS connection_duration,
		src_bytes AS bytes_sent,
		dst_bytes AS bytes_received,
		packets_per_s AS packets_per_second,
		src_distinct_dsts AS unique_destinations,
		src_failed AS failed_connections,
		src_distinct_ports AS port_scan_indicators,
		bytes_ratio,
		src_bytes / (duration_s + 1) AS connection_efficiency,
		0.3::float8 * src_failed + 0.5::float8 * src_distinct_ports + 0.02::float8 * src_distinct_dsts AS suspicious_score
	FROM %1$I.flow_feature;

	CREATE OR REPLACE VIEW %1$I.flow_basic AS
	SELECT start_time, src_addr, dst_addr,
		duration_s AS "Duration",
		packets AS "PacketCount",
		bytes AS "ByteCount",
		src_port AS "SourcePort",
		dst_port AS "DestinationPort",
		upper(protocol_name) AS "Protocol",
		bytes / (packets + 1)::float8 AS "BytesPerPacket",
		packets_per_s AS "PacketsPerSecond",
		bytes_per_s AS "BytesPerSecond",
		duration_s / (packets + 1) AS "DurationPerPacket"
	FROM %1$I.flow_feature;

	CREATE OR REPLACE VIEW %1$I.flow_transfer AS
	SELECT start_time AS timestamp, src_addr, dst_addr,
		src_port AS source_port,
		dst_port AS destination_port,
		upper(protocol_name) AS protocol,
		bytes AS bytes_transferred,
		packets AS packet_count,
		duration_s AS connection_duration,
		retransmission_rate,
		bytes_per_packet,
		packets_per_s AS packets_per_second
	FROM %1$I.flow_feature
	$v$, store);
	EXECUTE format('COMMENT ON VIEW %1$I.flow_connection IS %2$L', store,
				   'flows as packet_size, connection_duration, bytes_sent, bytes_received, ...; per source over 60 s the last three counts');
	EXECUTE format('COMMENT ON VIEW %1$I.flow_basic IS %2$L', store, 'flows as Duration, PacketCount, ByteCount, ...');
	EXECUTE format('COMMENT ON VIEW %1$I.flow_transfer IS %2$L', store, 'flows as bytes_transferred, packet_count, ...');
END
$$;
COMMENT ON FUNCTION anomaly.make_profile_views(name) IS 'makes the views flow_kdd, flow_connection, flow_basic and flow_transfer of a new store';
