-- Features: a flow as models and rules see it.
--
-- Every derived column is written once, in feature_select().  The view
-- flow_feature is made from it over flow; the trigger and the backfill put
-- the same text over the rows they look at, so that a flow has the same
-- features at training, when it arrives and when history is scored again.

-- Rates are over at least a millisecond: a flow of one packet lasts no time.
-- failed: what asks one host for an answer (TCP, UDP, SCTP, echo requests) had
-- none, or a refusal (TCP states REJ and RSTRH); multicast and error messages
-- are no failures.  service: KDD-99's names from protocol and server port.
CREATE FUNCTION anomaly.feature_select(source text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT $q$
	SELECT f.*,
		d.duration_s,
		d.bytes,
		d.packets,
		d.bytes::float8 / d.packets AS bytes_per_packet,
		d.bytes / greatest(d.duration_s, 0.001) AS bytes_per_s,
		d.packets / greatest(d.duration_s, 0.001) AS packets_per_s,
		f.src_bytes / (f.dst_bytes + 1)::float8 AS bytes_ratio,
		f.src_payload / (f.dst_payload + 1)::float8 AS payload_ratio,
		f.retransmits::float8 / d.packets AS retransmission_rate,
		CASE
			WHEN f.protocol IN (1, 58) THEN
				CASE f.src_port WHEN 8 THEN 'eco_i' WHEN 128 THEN 'eco_i'
					WHEN 0 THEN 'ecr_i' WHEN 129 THEN 'ecr_i' WHEN 3 THEN 'urp_i'
					WHEN 11 THEN 'tim_i' ELSE 'oth_i' END
			WHEN f.protocol NOT IN (6, 17, 132, 136) THEN 'other'
			ELSE CASE f.dst_port
				WHEN 20 THEN 'ftp_data' WHEN 21 THEN 'ftp' WHEN 22 THEN 'ssh'
				WHEN 23 THEN 'telnet' WHEN 25 THEN 'smtp' WHEN 465 THEN 'smtp'
				WHEN 587 THEN 'smtp' WHEN 53 THEN 'domain' WHEN 853 THEN 'domain'
				WHEN 67 THEN 'dhcp' WHEN 68 THEN 'dhcp' WHEN 69 THEN 'tftp'
				WHEN 80 THEN 'http' WHEN 8080 THEN 'http' WHEN 443 THEN 'https'
				WHEN 8443 THEN 'https' WHEN 88 THEN 'kerberos' WHEN 110 THEN 'pop3'
				WHEN 995 THEN 'pop3' WHEN 123 THEN 'ntp' WHEN 135 THEN 'msrpc'
				WHEN 137 THEN 'netbios' WHEN 138 THEN 'netbios' WHEN 139 THEN 'netbios'
				WHEN 445 THEN 'smb' WHEN 143 THEN 'imap' WHEN 993 THEN 'imap'
				WHEN 161 THEN 'snmp' WHEN 162 THEN 'snmp' WHEN 389 THEN 'ldap'
				WHEN 636 THEN 'ldap' WHEN 514 THEN 'syslog' WHEN 873 THEN 'rsync'
				WHEN 1433 THEN 'sql' WHEN 3306 THEN 'sql' WHEN 5432 THEN 'sql'
				WHEN 1900 THEN 'ssdp' WHEN 2049 THEN 'nfs' WHEN 3389 THEN 'rdp'
				WHEN 5060 THEN 'sip' WHEN 5353 THEN 'mdns' WHEN 5355 THEN 'mdns'
				WHEN 5900 THEN 'vnc'
				ELSE CASE WHEN f.dst_port < 1024 THEN 'other' ELSE 'private' END
			END
		END AS service,
		CASE f.protocol WHEN 1 THEN 'icmp' WHEN 6 THEN 'tcp' WHEN 17 THEN 'udp'
			WHEN 58 THEN 'icmp6' WHEN 132 THEN 'sctp' ELSE 'other' END AS protocol_name,
		@extschema@.anomaly_conn_state(f.state) AS conn_state,
		(f.protocol = 6 AND f.state IN (4, 10))
			OR (f.dst_packets = 0
				AND (f.protocol IN (6, 17, 132, 136) OR (f.protocol IN (1, 58) AND f.src_port IN (8, 128)))
				AND NOT (f.dst_addr <<= '224.0.0.0/3' OR f.dst_addr <<= 'ff00::/8')) AS failed,
		f.src_addr = f.dst_addr AND f.src_port = f.dst_port AS land
	FROM $q$ || source || $q$ f
	CROSS JOIN LATERAL (SELECT
		f.duration_us / 1e6::float8 AS duration_s,
		f.src_bytes + f.dst_bytes AS bytes,
		greatest(f.src_packets::int8 + f.dst_packets, 1) AS packets) d $q$
$$;
COMMENT ON FUNCTION anomaly.feature_select(text) IS 'text of the query that adds the derived features to the flows of a source';

-- Addresses, ports, times and ttl tell hosts and recordings apart, not behaviour.
-- Columns that say the same thing twice (bytes beside payload, packets beside
-- bytes) are left out: each would lend its subject more weight in a forest, and
-- volume would drown the rest.
CREATE FUNCTION @extschema@.anomaly_flow_features() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT ARRAY['duration_s', 'src_payload', 'dst_payload', 'payload_ratio', 'bytes_per_s',
		'service', 'conn_state', 'failed']
$$;
COMMENT ON FUNCTION @extschema@.anomaly_flow_features() IS 'columns of flow_feature that make a good model, for the argument features of anomaly_train';

-- Services where people log in, by port: FTP, SSH, telnet, RDP, VNC.
CREATE FUNCTION anomaly.login_ports() RETURNS int[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$SELECT '{21,22,23,3389,5900}'::pg_catalog.int4[]$$;
COMMENT ON FUNCTION anomaly.login_ports() IS 'TCP ports of login services';

CREATE FUNCTION anomaly.make_feature_view(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('CREATE OR REPLACE VIEW %1$I.flow_feature AS %2$s', store,
				   anomaly.feature_select(format('%I.flow', store)));
	EXECUTE format('COMMENT ON VIEW %1$I.flow_feature IS %2$L', store,
				   'flows with derived features: train on it, score from it');
END
$$;
COMMENT ON FUNCTION anomaly.make_feature_view(name) IS 'makes the view flow_feature of a new store';
