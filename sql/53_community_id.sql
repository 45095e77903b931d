-- Community ID: one name for a flow in Zeek, Suricata, Wireshark and here.

CREATE FUNCTION @extschema@.anomaly_community_id(src inet, dst inet, protocol int2, src_port int4, dst_port int4,
	seed int4 = 0) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pga_community_id';
COMMENT ON FUNCTION @extschema@.anomaly_community_id(inet, inet, int2, int4, int4, int4) IS
'Community ID, version 1, of a flow; both directions have the same
protocol: IANA number; src_port, dst_port: 0 to 65535, of ICMP type and code, ignored unless TCP, UDP, SCTP or ICMP
seed: 0 to 65535, as configured in the other tools';
