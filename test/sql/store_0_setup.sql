-- What the other store tests share: flows made by hand.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_anomaly;
SELECT anomaly_create_flow_store('shape');
CREATE SCHEMA hand;
COMMENT ON SCHEMA hand IS 'helpers of the store tests';

-- Columns that the tests care about, as any store's flow takes them.
CREATE FUNCTION hand.flow(start_time timestamptz, src inet, dst inet, dst_port int, protocol int = 6, state int = 3,
	src_payload int8 = 500, dst_payload int8 = 1500, src_packets int = 5, dst_packets int = 5, src_tcp_flags int = 27,
	src_port int = 40000)
RETURNS shape.flow LANGUAGE sql STABLE AS $$
	SELECT jsonb_populate_record(NULL::shape.flow, jsonb_build_object(
		'start_time', start_time, 'duration_us', 2000, 'src_bytes', src_payload + 40 * src_packets,
		'dst_bytes', dst_payload + 40 * dst_packets, 'src_payload', src_payload, 'dst_payload', dst_payload,
		'src_packets', src_packets, 'dst_packets', dst_packets, 'src_port', src_port, 'dst_port', dst_port,
		'length_min', 40, 'length_max', 1500, 'capture_id', 1, 'length_mean', 300, 'length_stddev', 100,
		'protocol', protocol, 'src_tcp_flags', src_tcp_flags, 'dst_tcp_flags', 18, 'state', state, 'end_reason', 3,
		'retransmits', 0, 'fragments', 0, 'bad_fragments', 0, 'urgent', 0, 'ttl', 64, 'tunnel', 0,
		'src_addr', src, 'dst_addr', dst))
$$;

-- The n-th pseudo-random number of a stream, in [0, 1).
CREATE FUNCTION hand.draw(stream text, n int8) RETURNS float8 LANGUAGE sql IMMUTABLE AS
	$$SELECT ((hashtextextended(stream, n) >> 12) & 1048575) / 1048576.0$$;
