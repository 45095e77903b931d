-- Flows from lines of text: what an upload through the API does.
--
-- pcap2pg --csv reads files of any size, finds out their profile and computes
-- the features of windows.  This is the same for who has only a connection: the
-- caller says what the columns are and sends the lines, in as many calls as it
-- likes.  Lines that are no flow are set aside in reject with the reason; what a
-- line does not say is completed as pcap2pg does; window features stay NULL
-- unless a column has them.

-- Fields of a line (RFC 4180; fields without line breaks).
CREATE FUNCTION anomaly.csv_fields(line text, delimiter text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	fields text[] := '{}';
	piece text;
	quoted text;		-- a field so far whose quote is open
BEGIN
	IF strpos(line, '"') = 0 THEN
		RETURN string_to_array(line, delimiter);
	END IF;
	FOREACH piece IN ARRAY string_to_array(line, delimiter) LOOP
		quoted := CASE WHEN quoted IS NOT NULL THEN quoted || delimiter || piece
			WHEN piece LIKE '"%' THEN piece END;
		IF quoted IS NULL THEN
			fields := fields || piece;
		ELSIF length(quoted) > 1 AND (length(quoted) - length(replace(quoted, '"', ''))) % 2 = 0 AND quoted LIKE '%"' THEN
			fields := fields || replace(substr(quoted, 2, length(quoted) - 2), '""', '"');
			quoted := NULL;
		END IF;
	END LOOP;
	IF quoted IS NOT NULL THEN
		RAISE data_exception USING MESSAGE = 'a quote that is not closed';
	END IF;
	RETURN fields;
END
$$;
COMMENT ON FUNCTION anomaly.csv_fields(text, text) IS 'fields of a line of CSV, quotes undone; error 22000 when a quote is open at its end';

CREATE FUNCTION anomaly.import_number(name text, value text, most numeric) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	number numeric;
BEGIN
	IF value !~ '^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*$' OR length(value) > 63 THEN
		RAISE data_exception USING MESSAGE = format('"%s": "%s" is not a number', name, value);
	END IF;
	number := value::numeric;
	IF number < 0 OR number > most THEN
		RAISE data_exception USING MESSAGE = format('"%s": "%s" is out of range, 0 to %s', name, value, most::float8);
	END IF;
	RETURN number;
END
$$;
COMMENT ON FUNCTION anomaly.import_number(text, text, numeric) IS 'a field as a number from 0 to the most, or error 22000 that names it';

-- ISO 8601, without a zone UTC, or seconds, milli-, micro- or nanoseconds since 1970.
CREATE FUNCTION anomaly.import_time(name text, value text) RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO, YMD'
AS $$
DECLARE
	at timestamptz;
BEGIN
	IF value ~ '^\s*\d+(\.\d*)?\s*$' AND length(value) < 40 THEN
		RETURN timestamptz 'epoch' + interval '1 microsecond' * trunc(value::numeric * CASE WHEN value::numeric < 1e11 THEN 1e6
			WHEN value::numeric < 1e14 THEN 1e3 WHEN value::numeric < 1e17 THEN 1 ELSE 1e-3 END)::float8;
	END IF;
	IF value ~ '^\s*\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]\d{1,2}:\d{2}|\s*$)' THEN
		at := value::timestamptz;
	END IF;
	IF at IS NULL OR at < 'epoch' OR at >= '10000-01-01' THEN
		RAISE data_exception USING MESSAGE = format('"%s": "%s" is not a time', name, value);
	END IF;
	RETURN at;
EXCEPTION WHEN data_exception THEN
	RAISE data_exception USING MESSAGE = format('"%s": "%s" is not a time', name, value);
END
$$;
COMMENT ON FUNCTION anomaly.import_time(text, text) IS 'a field as a time from 1970 to 9999, or error 22000 that names it';

-- A field that is a name or an address, as what flow has of it.
CREATE FUNCTION anomaly.import_word(name text, value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	number int4;
	states CONSTANT text[] := '{S0,S1,SF,REJ,S2,S3,RSTO,RSTR,RSTOS0,RSTRH,SH,SHR,OTH}';
BEGIN
	CASE name
		WHEN 'protocol' THEN
			number := '{"tcp": 6, "udp": 17, "icmp": 1, "icmp6": 58, "ipv6-icmp": 58, "icmpv6": 58, "sctp": 132, "igmp": 2,
				"gre": 47, "esp": 50, "ah": 51, "ospf": 89, "pim": 103, "ipv6": 41, "ipip": 4, "vrrp": 112,
				"unknown": 255, "other": 255}'::jsonb ->> lower(btrim(value));
			IF number IS NULL AND value ~ '^\s*\d{1,3}\s*$' AND value::int4 <= 255 THEN
				number := value;
			END IF;
			IF number IS NULL THEN
				RAISE data_exception USING MESSAGE = format('"%s": "%s" is not a protocol of IP', name, value);
			END IF;
			RETURN number;
		WHEN 'state' THEN
			number := coalesce(array_position(states, upper(btrim(value))), CASE WHEN value ~ '^\s*\d{1,2}\s*$' THEN value::int4 END);
			IF number IS NULL OR number NOT BETWEEN 1 AND 13 THEN
				RAISE data_exception USING MESSAGE = format('"%s": "%s" is not a connection state', name, value);
			END IF;
			RETURN number;
		ELSE
			IF value ~ '/' THEN
				RAISE data_exception;
			END IF;
			RETURN value::inet;
	END CASE;
EXCEPTION WHEN data_exception THEN
	RAISE data_exception USING MESSAGE = CASE WHEN name IN ('protocol', 'state') THEN SQLERRM
		ELSE format('"%s": "%s" is not an IP address', name, value) END;
END
$$;
COMMENT ON FUNCTION anomaly.import_word(text, text) IS 'a field of protocol, state or an address in the words of flow, or error 22000 that names it';

-- The originator's part of a total, in the proportion of two weights, or half.
CREATE FUNCTION anomaly.share_of(total numeric, src numeric, dst numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN part = total AND dst > 0 AND total > 1 THEN part - 1 WHEN part = 0 AND src > 0 AND total > 0 THEN 1 ELSE part END
	FROM (SELECT ceil(CASE WHEN src + dst = 0 THEN total / 2 ELSE total * src / (src + dst) END) AS part) p
$$;
COMMENT ON FUNCTION anomaly.share_of(numeric, numeric, numeric) IS 'the originator''s part of a total, in the proportion of two weights';

-- Bytes and packets of both sides from what is known of them, then payloads and lengths.
CREATE FUNCTION anomaly.import_counts(f jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	protocol CONSTANT int4 := f ->> 'protocol';
	bytes CONSTANT numeric := f ->> 'bytes';
	packets CONSTANT numeric := f ->> 'packets';
	src_bytes numeric := coalesce(f ->> 'src_bytes', f ->> 'src_payload');
	dst_bytes numeric := coalesce(f ->> 'dst_bytes', f ->> 'dst_payload');
	src_packets numeric := f ->> 'src_packets';
	dst_packets numeric := f ->> 'dst_packets';
	known CONSTANT bool := src_bytes IS NOT NULL OR dst_bytes IS NOT NULL;
	header int4 := CASE WHEN protocol = 255 THEN 0 ELSE CASE WHEN family((f ->> 'src_addr')::inet) = 6 THEN 40 ELSE 20 END
		+ CASE protocol WHEN 6 THEN 20 WHEN 17 THEN 8 WHEN 1 THEN 8 WHEN 58 THEN 8 ELSE 0 END END;
	mean numeric;
BEGIN
	IF known THEN
		src_bytes := coalesce(src_bytes, bytes - dst_bytes, 0);
		dst_bytes := coalesce(dst_bytes, bytes - src_bytes, 0);
	END IF;
	IF src_packets IS NOT NULL OR dst_packets IS NOT NULL THEN
		src_packets := coalesce(src_packets, packets - dst_packets, 0);
		dst_packets := coalesce(dst_packets, packets - src_packets, 0);
	ELSIF packets IS NOT NULL THEN
		src_packets := anomaly.share_of(packets, coalesce(src_bytes, 0), coalesce(dst_bytes, 0));
		dst_packets := packets - src_packets;
	ELSE
		src_packets := 1;
		dst_packets := CASE WHEN protocol = 6 AND f ? 'state' THEN (f ->> 'state')::int4 NOT IN (1, 9, 11) ELSE coalesce(dst_bytes, 0) > 0 END::int4;
	END IF;
	IF least(src_bytes, dst_bytes) < 0 THEN
		RAISE data_exception USING MESSAGE = 'one side''s bytes are more than those of both';
	ELSIF least(src_packets, dst_packets) < 0 THEN
		RAISE data_exception USING MESSAGE = 'one side''s packets are more than those of both';
	END IF;
	IF NOT known THEN
		src_bytes := anomaly.share_of(coalesce(bytes, 0), src_packets, dst_packets);
		dst_bytes := coalesce(bytes, 0) - src_bytes;
	END IF;
	mean := CASE WHEN src_packets + dst_packets > 0 THEN least((src_bytes + dst_bytes) / (src_packets + dst_packets), 2147483647) ELSE 0 END;
	mean := coalesce((f ->> 'length_mean')::numeric, mean);
	RETURN jsonb_build_object('src_payload', greatest(src_bytes - header * src_packets, 0),
		'dst_payload', greatest(dst_bytes - header * dst_packets, 0),
		'length_mean', mean, 'length_min', floor(mean), 'length_max', ceil(mean),
		'state', CASE WHEN protocol <> 17 OR src_packets = 0 THEN 13 WHEN dst_packets > 0 THEN 3 ELSE 1 END) || f
		|| jsonb_build_object('src_bytes', src_bytes, 'dst_bytes', dst_bytes, 'src_packets', src_packets, 'dst_packets', dst_packets);
END
$$;
COMMENT ON FUNCTION anomaly.import_counts(jsonb) IS 'completes bytes, packets, payloads, lengths and state of a flow';

-- most: the largest number for each numeric column that a line may have.
CREATE FUNCTION anomaly.import_flow(columns text[], fields text[], most jsonb, otherwise timestamptz) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	f jsonb := '{}';
	name text;
	value text;
	number numeric;
	begins timestamptz;
	ends timestamptz;
	duration numeric;
BEGIN
	IF cardinality(fields) <> cardinality(columns) THEN
		RAISE data_exception USING MESSAGE = CASE WHEN cardinality(fields) < cardinality(columns) THEN 'too few fields' ELSE 'too many fields' END;
	END IF;
	FOR i IN 1 .. cardinality(columns) LOOP
		name := columns[i];
		value := nullif(nullif(btrim(fields[i]), ''), '-');
		CONTINUE WHEN name IS NULL OR value IS NULL;
		IF name = 'start_time' THEN
			begins := anomaly.import_time(name, value);
		ELSIF name = 'end_time' THEN
			ends := anomaly.import_time(name, value);
		ELSIF most ? name THEN
			number := anomaly.import_number(name, value, (most ->> name)::numeric);
			f := jsonb_set(f, ARRAY[name], to_jsonb(CASE WHEN name ~ 'rate$|^length_(mean|stddev)|^iat|^duration_m?s' THEN number ELSE round(number) END));
		ELSE
			f := jsonb_set(f, ARRAY[name], to_jsonb(anomaly.import_word(name, value)));
		END IF;
	END LOOP;
	IF f = '{}' AND begins IS NULL AND ends IS NULL THEN
		RAISE data_exception USING MESSAGE = 'no column has a value';
	END IF;
	duration := round(coalesce((f ->> 'duration_us')::numeric, (f ->> 'duration_s')::numeric * 1000000, (f ->> 'duration_ms')::numeric * 1000,
							   extract(epoch FROM ends - begins)::numeric * 1000000, 0));
	begins := coalesce(begins, ends - duration::float8 * interval '1 microsecond', otherwise);
	IF duration < 0 THEN
		RAISE data_exception USING MESSAGE = 'it ends before it begins';
	END IF;
	IF family((f ->> 'src_addr')::inet) <> family((f ->> 'dst_addr')::inet) THEN
		RAISE data_exception USING MESSAGE = format('"dst_addr": "%s" is of another IP version than the flow''s other address', host((f ->> 'dst_addr')::inet));
	END IF;
	f := CASE WHEN 6 IN (family((f ->> 'src_addr')::inet), family((f ->> 'dst_addr')::inet))
			THEN '{"src_addr": "::", "dst_addr": "::1"}'::jsonb ELSE '{"src_addr": "0.0.0.0", "dst_addr": "0.0.0.1"}' END
		|| '{"protocol": 255, "src_port": 0, "dst_port": 0}' || f;
	IF f ->> 'protocol' = '1' AND family((f ->> 'src_addr')::inet) = 6 THEN
		f := jsonb_set(f, '{protocol}', '58');
	END IF;
	f := anomaly.import_counts(f);
	RETURN '{"length_stddev": 0, "src_tcp_flags": 0, "dst_tcp_flags": 0, "retransmits": 0, "fragments": 0, "bad_fragments": 0, "urgent": 0, "ttl": 0, "tunnel": 0}'
		|| jsonb_build_object('start_time', begins, 'duration_us', duration, 'end_reason',
			CASE WHEN (f ->> 'protocol')::int4 = 6 AND (f ->> 'state')::int4 = ANY ('{3,4,7,8,9,10}') THEN 3 ELSE 4 END) || f;
END
$$;
COMMENT ON FUNCTION anomaly.import_flow(text[], text[], jsonb, timestamptz) IS 'a line as a row of flow, or error 22000 with the reason';

-- What the numeric columns of a line may be at most: flow's own, and totals that are divided.
CREATE FUNCTION anomaly.import_limits(store name) RETURNS jsonb
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_object_agg(attname, CASE WHEN attname ~ '_port$' THEN 65535 WHEN attname ~ '_tcp_flags$|^ttl$' THEN 255
			ELSE CASE atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647
				WHEN 'int8'::regtype THEN 9007199254740991 ELSE 3.4e38 END END)
		|| '{"duration_s": 9e9, "duration_ms": 9e12, "bytes": 9007199254740991, "packets": 2147483647}'
	FROM pg_attribute
	WHERE attrelid = to_regclass(format('%I.flow', store)) AND attnum > 0 AND NOT attisdropped
	  AND atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'float4'::regtype)
	  AND attname NOT IN ('protocol', 'state', 'capture_id')
$$;
COMMENT ON FUNCTION anomaly.import_limits(name) IS 'numeric columns that a line of flows may have, with the most each can be';

CREATE FUNCTION anomaly.printable(line text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(CASE WHEN byte BETWEEN 32 AND 126 THEN chr(byte) ELSE format('\x%s', lpad(to_hex(byte), 2, '0')) END, '' ORDER BY i)
	FROM (SELECT i, get_byte(raw, i) AS byte
		FROM (SELECT convert_to(left(line, 2000), 'UTF8') AS raw) r, generate_series(0, octet_length(raw) - 1) i) b
$$;
COMMENT ON FUNCTION anomaly.printable(text) IS 'the first 2,000 characters of a line in printable ASCII, other bytes as \xHH';

CREATE FUNCTION anomaly.begin_import(store name, source text, sha256 bytea) RETURNS int4
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	made int4;
BEGIN
	EXECUTE format('INSERT INTO %I.capture (source, sha256, state, flows, rejected) VALUES ($1, $2, ''loading'', 0, 0) RETURNING id', store)
		INTO made USING source, sha256;
	RETURN made;
EXCEPTION WHEN unique_violation THEN
	RAISE EXCEPTION 'a file of the same content is in flow store "%" already', store USING ERRCODE = 'unique_violation',
		HINT = format('See %I.capture.', store);
END
$$;
COMMENT ON FUNCTION anomaly.begin_import(name, text, bytea) IS 'makes the capture of an import; gives its number';

CREATE FUNCTION @extschema@.anomaly_import_flows(store name, columns text[], lines text[], source text = 'import', first_line int8 = 1,
	delimiter text = ',', capture int4 = NULL, last bool = true, sha256 bytea = NULL,
	OUT import int4, OUT flows int4, OUT rejected int4)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	most CONSTANT jsonb := anomaly.import_limits((anomaly.store(store)).name);
	words CONSTANT text[] := '{start_time,end_time,src_addr,dst_addr,protocol,state}';
	unknown CONSTANT text := (SELECT c FROM unnest(columns) c WHERE NOT most ? c AND c <> ALL (words) LIMIT 1);
	rows jsonb[] := '{}';
	kept int4[] := '{}';		-- which lines rows are of
	homeless tstzrange[] := '{}';	-- times that have no chunk, nor may this role make one
	refusal text;
	advice text;
	span tstzrange;
	first timestamptz;
	latest timestamptz;
	going bool;
BEGIN
	IF columns IS NULL OR lines IS NULL OR first_line IS NULL OR num_nulls(delimiter, last, source) > 0 OR length(delimiter) <> 1 THEN
		RAISE EXCEPTION 'an import needs columns, lines, the number of the first line, a source and a delimiter of one character'
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF unknown IS NOT NULL THEN
		RAISE EXCEPTION 'a flow has no column "%"', unknown USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Name columns as in flow, duration_s, duration_ms, end_time, bytes or packets; NULL leaves one out.';
	ELSIF (SELECT count(*) <> count(DISTINCT c) FROM unnest(columns) c WHERE c IS NOT NULL) THEN
		RAISE EXCEPTION 'a column is named twice' USING ERRCODE = 'invalid_parameter_value';
	ELSIF array_position(lines, NULL) IS NOT NULL THEN
		RAISE EXCEPTION 'line % of an import is NULL', first_line + array_position(lines, NULL) - array_lower(lines, 1)
			USING ERRCODE = 'null_value_not_allowed', HINT = 'An empty text is an empty line, which is passed over.';
	ELSIF cardinality(lines) > 10000 THEN
		RAISE EXCEPTION 'an import takes 10000 lines a call, not %', cardinality(lines) USING ERRCODE = 'program_limit_exceeded',
			HINT = 'Send the others with the number that the first call gives as capture.';
	END IF;
	rejected := 0;
	import := coalesce(capture, anomaly.begin_import(store, source, sha256));
	FOR i IN 1 .. cardinality(lines) LOOP
		CONTINUE WHEN btrim(lines[i], E' \t\r') = '';
		BEGIN
			rows := rows || (anomaly.import_flow(columns, anomaly.csv_fields(rtrim(lines[i], E'\r'), delimiter), most,
												 now() + (first_line + i) * interval '1 second') || jsonb_build_object('capture_id', import));
			kept := kept || i;
		EXCEPTION WHEN data_exception THEN
			EXECUTE format('INSERT INTO %I.reject (capture_id, line, reason, raw) VALUES ($1, $2, $3, $4)', store)
				USING import, first_line + i - 1, SQLERRM,
					left(anomaly.printable(lines[i]), 2000);
			rejected := rejected + 1;
		END;
	END LOOP;
	IF cardinality(rows) > 0 THEN
		-- lines may lie years apart
		FOR span IN
			SELECT tstzrange(min(at), max(at), '[]') FROM (SELECT (r ->> 'start_time')::timestamptz AS at FROM unnest(rows) r) t
			GROUP BY date_trunc('day', at) ORDER BY 1
		LOOP
			BEGIN
				PERFORM @extschema@.anomaly_ensure_chunks(store, lower(span), upper(span));
				first := least(first, lower(span));
				latest := greatest(latest, upper(span));
			EXCEPTION WHEN insufficient_privilege THEN
				GET STACKED DIAGNOSTICS refusal = MESSAGE_TEXT, advice = PG_EXCEPTION_HINT;
				homeless := homeless || span;
			END;
		END LOOP;
		IF first IS NULL THEN
			RAISE EXCEPTION '%', refusal USING ERRCODE = 'insufficient_privilege', HINT = advice;
		ELSIF homeless <> '{}' THEN	-- a stray date does not cost the others their place
			EXECUTE format('INSERT INTO %I.reject (capture_id, line, reason, raw)
				SELECT $1, $2 + k - 1, $3, left(anomaly.printable($4[k]), 2000)
				FROM unnest($5, $6) x(r, k) WHERE (r ->> ''start_time'')::timestamptz <@ ANY ($7)', store)
				USING import, first_line, 'no chunk holds its time', lines, rows, kept, homeless;
			rows := ARRAY(SELECT r FROM unnest(rows) r WHERE NOT (r ->> 'start_time')::timestamptz <@ ANY (homeless));
			rejected := rejected + cardinality(kept) - cardinality(rows);
		END IF;
		EXECUTE format('INSERT INTO %1$I.flow SELECT f.* FROM unnest($1) r, jsonb_populate_record(NULL::%1$I.flow, r) f', store) USING rows;
	END IF;
	flows := cardinality(rows);
	EXECUTE format('UPDATE %I.capture SET flows = flows + $2, rejected = rejected + $3, updated_at = now(),
		state = CASE WHEN $4 THEN ''loaded'' ELSE state END, finished_at = CASE WHEN $4 THEN now() END,
		first_packet = least(first_packet, $5), last_packet = greatest(last_packet, $6)
		WHERE id = $1 AND state = ''loading'' AND sha256 IS NOT DISTINCT FROM coalesce($7, sha256) RETURNING true', store)
		INTO going USING import, flows, rejected, last, first, latest, sha256;
	IF going IS NULL THEN
		RAISE EXCEPTION 'no import % is under way in flow store "%"', import, store USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = 'The first call leaves capture out; the last one says last => true.';
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_import_flows(name, text[], text[], text, int8, text, int4, bool, bytea) IS
'takes lines of CSV into flow and sets those that are no flow aside in reject, with the reason; also those whose time has no chunk when the caller may not make one, unless that is all of them (42501)
columns: what each field is, as in flow, or duration_s, duration_ms, end_time, bytes, packets; NULL: not taken
lines: up to 10000 a call; first_line: the number of the first one in its file, from 1
capture: what an earlier call gave as import, when this one goes on; last: false when others follow
sha256: of the file, which is then taken once';

-- What the columns of a header most likely are.  Names as in pcap2pg's profiles,
-- regardless of case, with space, dot and hyphen as "_".
CREATE FUNCTION @extschema@.anomaly_import_columns(header text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_agg(CASE WHEN first THEN ours END ORDER BY i), '{}')
	FROM (SELECT i, ours, row_number() OVER (PARTITION BY ours ORDER BY i) = 1 AS first
		FROM (SELECT i, coalesce('{
			"ts": "start_time", "firstseen": "start_time", "starttime": "start_time", "timestamp": "start_time",
			"te": "end_time", "lasttime": "end_time",
			"duration": "duration_s", "td": "duration_s", "dur": "duration_s", "connection_duration": "duration_s",
			"id_orig_h": "src_addr", "sa": "src_addr", "srcaddr": "src_addr", "sourceip": "src_addr", "source_ip": "src_addr", "src_ip": "src_addr",
			"id_resp_h": "dst_addr", "da": "dst_addr", "dstaddr": "dst_addr", "destinationip": "dst_addr", "destination_ip": "dst_addr", "dst_ip": "dst_addr",
			"id_orig_p": "src_port", "sp": "src_port", "srcport": "src_port", "sport": "src_port", "sourceport": "src_port", "source_port": "src_port",
			"id_resp_p": "dst_port", "dp": "dst_port", "dstport": "dst_port", "dport": "dst_port", "destinationport": "dst_port", "destination_port": "dst_port",
			"proto": "protocol", "pr": "protocol", "protocol_type": "protocol", "conn_state": "state", "flag": "state",
			"orig_pkts": "src_packets", "ipkt": "src_packets", "srcpkts": "src_packets",
			"resp_pkts": "dst_packets", "opkt": "dst_packets", "dstpkts": "dst_packets",
			"totpkts": "packets", "packetcount": "packets", "packet_count": "packets",
			"orig_ip_bytes": "src_bytes", "ibyt": "src_bytes", "srcbytes": "src_bytes", "bytes_sent": "src_bytes",
			"resp_ip_bytes": "dst_bytes", "obyt": "dst_bytes", "dstbytes": "dst_bytes", "bytes_received": "dst_bytes",
			"orig_bytes": "src_payload", "resp_bytes": "dst_payload",
			"totbytes": "bytes", "bytecount": "bytes", "bytes_transferred": "bytes",
			"packet_size": "length_mean", "unique_destinations": "src_distinct_dsts", "failed_connections": "src_failed",
			"port_scan_indicators": "src_distinct_ports", "wrong_fragment": "bad_fragments"}'::jsonb ->> name,
			CASE WHEN name = ANY ('{start_time,end_time,duration_us,duration_s,duration_ms,src_addr,dst_addr,src_port,dst_port,protocol,state,src_bytes,dst_bytes,src_payload,dst_payload,src_packets,dst_packets,bytes,packets,vlan,ttl,rtt_us,retransmits,urgent,src_tcp_flags,dst_tcp_flags}')
				OR name ~ '^(srv_|dst_host_)?(count|srv_count|s?error_rate|rerror_rate)$|^(dst_host_)?(same_srv|diff_srv|srv_diff_host)_rate$|^(dst_host_)?srv_[sr]error_rate$|^dst_host_same_src_port_rate$'
				THEN name END) AS ours
			FROM (SELECT i, lower(regexp_replace(btrim(theirs), '[ .-]', '_', 'g')) AS name
				FROM unnest(header) WITH ORDINALITY h(theirs, i)) n) o) f
$$;
COMMENT ON FUNCTION @extschema@.anomaly_import_columns(text[]) IS
	'for each name of a header the column of anomaly_import_flows that it most likely is, or NULL';
