-- Threats: what to look for, and what to do about it, as rows of the store.
--
-- A rule is a row of threat_rule and its conditions, all of which must hold.
-- Its scope says what it looks at: a source's minute (source_minute) or day
-- (source_day), a source's day with one service (peer_day), a host's minute
-- under fire from anybody (target_minute; its source is 0.0.0.0 or ::), or one
-- anomalous flow (flow; such a rule only adds an indicator to detections and
-- raises nothing by itself).
-- Rules are data: they are compared, never executed.  Each store has its own,
-- to be tuned with UPDATE.  Days, hours and weekdays (1 is Monday) are UTC's.

-- What conditions of a scope can name, and how it is measured: an expression
-- over a window w of 72_judge.sql, or over a scored flow s of 75_watch.sql.
-- Where there is none, anomaly.window_lookup() knows.
CREATE FUNCTION anomaly.threat_measures(scope text) RETURNS TABLE (feature text, expression text)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT m.feature, m.expression
	FROM (VALUES
		('source_minute', 'flows', 'w.flows'),
		('source_minute', 'failed', 'w.failed'),
		('source_minute', 'failed_share', 'w.failed / w.flows::float8'),
		('source_minute', 'packets', 'w.packets'),
		('source_minute', 'src_bytes', 'w.src_bytes'),
		('source_minute', 'dst_bytes', 'w.dst_bytes'),
		('source_minute', 'answer_ratio', 'w.dst_bytes / (w.src_bytes + 1)::float8'),
		('source_minute', 'bytes_per_s', '(w.src_bytes + w.dst_bytes) / 60.0'),
		('source_minute', 'upload', 'w.upload'),
		('source_minute', 'dsts', 'w.dsts'),
		('source_minute', 'dst_ports', 'w.dst_ports'),
		('source_minute', 'failed_dsts', 'w.failed_dsts'),
		('source_minute', 'failed_ports', 'w.failed_ports'),
		('source_minute', 'top_flows', 'w.top_flows'),
		('source_minute', 'top_syn_only', 'w.top_syn_only'),
		('source_minute', 'top_logins', 'w.top_logins'),
		('source_minute', 'top_udp_packets', 'w.top_udp_packets'),
		('source_minute', 'udp_answer_share', 'w.top_udp_answers / nullif(w.top_udp_packets, 0)::float8'),
		('source_minute', 'top_echo_packets', 'w.top_echo_packets'),
		('source_minute', 'echo_answer_share', 'w.top_echo_answers / nullif(w.top_echo_packets, 0)::float8'),
		('source_minute', 'login_burst', 'w.login_burst'),
		('source_minute', 'pinged', 'w.pinged'),
		('source_minute', 'pinged_silent_share', 'w.pinged_silent / nullif(w.pinged, 0)::float8'),
		('source_minute', 'spike_sd', NULL),
		('source_minute', 'growth', NULL),
		('source_minute', 'hour', 'date_part(''hour'', w.minute)'),
		('source_minute', 'weekday', 'date_part(''isodow'', w.minute)'),
		('target_minute', 'flows', 'w.flows'),
		('target_minute', 'packets', 'w.packets'),
		('target_minute', 'syn_only', 'w.syn_only'),
		('target_minute', 'sources', NULL),
		('target_minute', 'hour', 'date_part(''hour'', w.minute)'),
		('target_minute', 'weekday', 'date_part(''isodow'', w.minute)'),
		('source_day', 'flows', 'w.flows'),
		('source_day', 'tcp_share', 'w.tcp / w.flows::float8'),
		('source_day', 'udp_share', 'w.udp / w.flows::float8'),
		('source_day', 'icmp_share', 'w.icmp / w.flows::float8'),
		('source_day', 'other_share', '(w.flows - w.tcp - w.udp - w.icmp) / w.flows::float8'),
		('source_day', 'span_h', 'date_part(''epoch'', w.last_start - w.first_start) / 3600'),
		('source_day', 'hour_share', NULL),
		('source_day', 'upload', 'w.upload'),
		('source_day', 'upload_ratio', NULL),
		('source_day', 'days_known', NULL),
		('source_day', 'weekday', 'date_part(''isodow'', w.day)'),
		('peer_day', 'flows', 'w.flows'),
		('peer_day', 'failed_share', 'w.failed / w.flows::float8'),
		('peer_day', 'src_payload', 'w.src_payload'),
		('peer_day', 'dst_payload', 'w.dst_payload'),
		('peer_day', 'payload_ratio', 'w.src_payload / (w.dst_payload + 1)::float8'),
		('peer_day', 'payload_per_flow', '(w.src_payload + w.dst_payload) / w.flows::float8'),
		('peer_day', 'sent_per_packet', 'w.src_payload / nullif(w.src_packets, 0)::float8'),
		('peer_day', 'span_s', 'date_part(''epoch'', w.last_start - w.first_start)'),
		('peer_day', 'gap_mean_s', 'anomaly.gap_mean(w.flows, w.first_start, w.last_start)'),
		('peer_day', 'gap_cv', 'anomaly.gap_cv(w.flows, w.first_start, w.last_start, w.gap_sq_ms)'),
		('peer_day', 'rhythm_hosts', NULL),
		('peer_day', 'external', 'w.external::int'),
		('peer_day', 'login', '(w.protocol = 6 AND w.dst_port = ANY (anomaly.login_ports()))::int'),
		('peer_day', 'mail', '(w.protocol = 6 AND w.dst_port IN (110, 143, 465, 587, 993, 995))::int'),
		('peer_day', 'database', '(w.protocol = 6 AND w.dst_port IN (1433, 1521, 3306, 5432, 6379, 27017))::int'),
		('peer_day', 'icmp', '(w.protocol IN (1, 58))::int'),
		('peer_day', 'dst_port', 'w.dst_port'),
		('peer_day', 'protocol', 'w.protocol'),
		('peer_day', 'weekday', 'date_part(''isodow'', w.day)'),
		('peer_day', 'new_peer', NULL),
		('peer_day', 'new_service', NULL),
		('flow', 'duration_s', '(s.flow).duration_s'),
		('flow', 'src_bytes', '(s.flow).src_bytes'),
		('flow', 'dst_bytes', '(s.flow).dst_bytes'),
		('flow', 'bytes_ratio', '(s.flow).bytes_ratio'),
		('flow', 'bytes_per_s', '(s.flow).bytes_per_s'),
		('flow', 'packets_per_s', '(s.flow).packets_per_s'),
		('flow', 'retransmission_rate', '(s.flow).retransmission_rate'),
		('flow', 'bad_fragments', '(s.flow).bad_fragments'),
		('flow', 'urgent', '(s.flow).urgent'),
		('flow', 'serror_rate', '(s.flow).serror_rate'),
		('flow', 'rerror_rate', '(s.flow).rerror_rate'),
		('flow', 'failed', '(s.flow).failed::int'),
		('flow', 'land', '(s.flow).land::int')
	) m(scope, feature, expression)
	WHERE m.scope = threat_measures.scope
$$;
COMMENT ON FUNCTION anomaly.threat_measures(text) IS 'features that conditions of a scope can name, and their expressions';

CREATE FUNCTION anomaly.threat_features(scope text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$SELECT array_agg(m.feature) FROM anomaly.threat_measures(scope) m$$;
COMMENT ON FUNCTION anomaly.threat_features(text) IS 'features that conditions of a scope can name';

-- Neither STRICT nor with a search_path of its own, so that it can be inlined:
-- it is called once per window and condition.
CREATE FUNCTION anomaly.holds(value float8, operator text, threshold float8) RETURNS bool
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
	SELECT CASE operator WHEN '>=' THEN value >= threshold WHEN '>' THEN value > threshold
		WHEN '<=' THEN value <= threshold WHEN '<' THEN value < threshold
		WHEN '=' THEN value = threshold WHEN '<>' THEN value <> threshold END
$$;
COMMENT ON FUNCTION anomaly.holds(float8, text, float8) IS 'does a condition hold';

CREATE FUNCTION anomaly.make_threat_tables(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE TABLE %1$I.threat_rule (
		rule text PRIMARY KEY,
		scope text NOT NULL CHECK (scope IN ('flow', 'source_minute', 'target_minute', 'source_day', 'peer_day')),
		threat text NOT NULL,
		title text NOT NULL,
		severity float8 NOT NULL CHECK (severity BETWEEN 0 AND 100),
		confidence real NOT NULL CHECK (confidence BETWEEN 0 AND 1),
		enabled bool NOT NULL DEFAULT true,
		fire_windows int4 NOT NULL DEFAULT 1,
		of_windows int4 NOT NULL DEFAULT 1,
		UNIQUE (rule, scope),
		CHECK (fire_windows BETWEEN 1 AND of_windows)
	);
	COMMENT ON TABLE %1$I.threat_rule IS 'threat rules; edit freely, the next batch of flows is judged by them';
	COMMENT ON COLUMN %1$I.threat_rule.fire_windows IS 'an alert is raised when the rule fired for a source in so many of of_windows windows in a row';
	CREATE TABLE %1$I.threat_condition (
		rule text,
		scope text,
		feature text CHECK (feature = ANY (anomaly.threat_features(scope))),
		operator text CHECK (operator IN ('>=', '>', '<=', '<', '=', '<>')),
		threshold float8 NOT NULL,
		PRIMARY KEY (rule, feature, operator),
		FOREIGN KEY (rule, scope) REFERENCES %1$I.threat_rule (rule, scope) ON DELETE CASCADE
	);
	COMMENT ON TABLE %1$I.threat_condition IS 'conditions of threat rules; a rule fires when all of its conditions hold';
	CREATE TABLE %1$I.playbook (
		threat text,
		step int,
		advice text NOT NULL,
		PRIMARY KEY (threat, step)
	);
	COMMENT ON TABLE %1$I.playbook IS 'what to do about a threat, step by step; edit freely';
	$ddl$, store);
	EXECUTE format('INSERT INTO %I.threat_rule (rule, scope, threat, title, severity, confidence) SELECT DISTINCT rule, scope, threat, title, severity, confidence FROM anomaly.default_threat_rules()', store);
	-- an ordinary day has such things: for quiet networks only
	EXECUTE format('UPDATE %I.threat_rule SET enabled = false WHERE rule = ANY ($1)', store)
	USING '{new_service,new_peer,traffic_spike,traffic_doubled,one_hour}'::text[];
	EXECUTE format('INSERT INTO %I.threat_condition SELECT rule, scope, feature, operator, threshold FROM anomaly.default_threat_rules()', store);
	EXECUTE format('INSERT INTO %I.playbook SELECT * FROM anomaly.default_playbook()', store);
END
$$;
COMMENT ON FUNCTION anomaly.make_threat_tables(name) IS 'makes the rules and playbooks of a new store and fills them with the defaults';

-- The rules a new store begins with, a line per condition.
CREATE FUNCTION anomaly.default_threat_rules()
RETURNS TABLE (rule text, scope text, threat text, title text, severity float8, confidence real,
			   feature text, operator text, threshold float8)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT r.rule, r.scope, r.threat, r.title, r.severity, r.confidence, c.feature, c.operator, c.threshold
	FROM (VALUES
		('syn_flood', 'source_minute', 'ddos', 'SYN flood', 90::float8, 0.9::real),
		('udp_flood', 'source_minute', 'ddos', 'UDP flood', 85, 0.8),
		('icmp_flood', 'source_minute', 'ddos', 'Flood of echo requests', 80, 0.8),
		('vertical_scan', 'source_minute', 'port_scan', 'Port scan of one host', 80, 0.9),
		('horizontal_scan', 'source_minute', 'port_scan', 'Scan of many hosts', 80, 0.9),
		('ping_sweep', 'source_minute', 'port_scan', 'Echo requests to many hosts', 60, 0.7),
		('login_guessing', 'source_minute', 'brute_force', 'Password guessing', 85, 0.8),
		('login_burst', 'source_minute', 'brute_force', 'Many short logins at once', 75, 0.7),
		('slow_login_guessing', 'peer_day', 'brute_force', 'Password guessing, slowly', 75, 0.7),
		('mail_guessing', 'peer_day', 'brute_force', 'Password guessing at a mail server', 75, 0.6),
		('database_guessing', 'peer_day', 'brute_force', 'Password guessing at a database', 75, 0.6),
		('large_upload', 'peer_day', 'data_exfiltration', 'Large upload to an external host', 80, 0.7),
		('beacon', 'peer_day', 'beaconing', 'Regular contact with an external host', 75, 0.7),
		('spread_syn_flood', 'target_minute', 'ddos', 'SYN flood from many sources', 90, 0.9),
		('spread_udp_flood', 'target_minute', 'ddos', 'UDP flood from many sources', 85, 0.8),
		('reflection', 'source_minute', 'ddos', 'Answers that were not asked for', 85, 0.8),
		('byte_rate', 'source_minute', 'suspicious', 'Very much traffic', 50, 0.5),
		('unusual_upload', 'source_day', 'data_exfiltration', 'Far more sent out than on other days', 80, 0.7),
		('night_upload', 'source_minute', 'data_exfiltration', 'Upload to external hosts by night', 75, 0.6),
		('dns_tunnel', 'peer_day', 'tunnel', 'Data in DNS queries', 80, 0.7),
		('icmp_tunnel', 'peer_day', 'tunnel', 'Data in echo requests', 80, 0.7),
		('icmp_heavy', 'source_day', 'suspicious', 'Mostly ICMP', 55, 0.6),
		('other_protocol', 'source_day', 'suspicious', 'Mostly unusual protocols', 55, 0.6),
		('new_service', 'peer_day', 'suspicious', 'Service that the host did not offer before', 50, 0.5),
		('new_peer', 'peer_day', 'suspicious', 'Host that the source did not contact before', 50, 0.3),
		('traffic_spike', 'source_minute', 'suspicious', 'Far more traffic than in other minutes', 50, 0.3),
		('traffic_doubled', 'source_minute', 'suspicious', 'Traffic doubled within ten minutes', 50, 0.3),
		('one_hour', 'source_day', 'suspicious', 'A large part of the day''s traffic in one hour', 50, 0.3),
		('long_flow', 'flow', 'suspicious', 'lasts longer than 10,000 s', 0, 0),
		('bad_fragments', 'flow', 'suspicious', 'has malformed fragments', 0, 0),
		('urgent_data', 'flow', 'suspicious', 'carries urgent data', 0, 0),
		('syn_errors', 'flow', 'suspicious', 'most connections of the last 2 s unanswered', 0, 0),
		('same_endpoint', 'flow', 'suspicious', 'source and destination are the same', 0, 0),
		('unanswered', 'flow', 'suspicious', 'not answered or refused', 0, 0)
	) r(rule, scope, threat, title, severity, confidence)
	JOIN (VALUES
		('syn_flood', 'top_syn_only', '>=', 300::float8),
		('udp_flood', 'top_udp_packets', '>=', 60000),
		('udp_flood', 'udp_answer_share', '<=', 0.1),
		('icmp_flood', 'top_echo_packets', '>=', 600),
		('icmp_flood', 'echo_answer_share', '<=', 0.1),
		('vertical_scan', 'failed_ports', '>=', 50),
		('horizontal_scan', 'failed_dsts', '>=', 30),
		('ping_sweep', 'pinged', '>=', 15),
		('ping_sweep', 'pinged_silent_share', '>=', 0.25),
		('login_guessing', 'top_logins', '>=', 15),
		('login_burst', 'login_burst', '>=', 6),
		('slow_login_guessing', 'login', '=', 1),
		('slow_login_guessing', 'flows', '>=', 60),
		('slow_login_guessing', 'gap_mean_s', '<=', 60),
		('slow_login_guessing', 'payload_per_flow', '<=', 20e3),
		('mail_guessing', 'mail', '=', 1),
		('mail_guessing', 'flows', '>=', 100),
		('mail_guessing', 'gap_mean_s', '<=', 10),
		('mail_guessing', 'payload_per_flow', '<=', 8e3),
		('database_guessing', 'database', '=', 1),
		('database_guessing', 'flows', '>=', 100),
		('database_guessing', 'gap_mean_s', '<=', 10),
		('database_guessing', 'payload_per_flow', '<=', 1e3),
		('large_upload', 'external', '=', 1),
		('large_upload', 'src_payload', '>=', 20e6),
		('large_upload', 'payload_ratio', '>=', 20),
		('beacon', 'external', '=', 1),
		('beacon', 'flows', '>=', 12),
		('beacon', 'gap_cv', '<=', 0.3),
		('beacon', 'gap_mean_s', '>=', 5),
		('beacon', 'payload_per_flow', '<=', 20e3),
		('beacon', 'dst_port', '<>', 123),
		('beacon', 'rhythm_hosts', '<=', 2),
		('spread_syn_flood', 'syn_only', '>=', 300),
		('spread_syn_flood', 'sources', '>=', 50),
		('spread_udp_flood', 'packets', '>=', 60000),
		('spread_udp_flood', 'sources', '>=', 50),
		('reflection', 'dsts', '>=', 100),
		('reflection', 'answer_ratio', '>=', 100),
		('byte_rate', 'bytes_per_s', '>=', 100e6),
		('unusual_upload', 'upload', '>=', 20e6),
		('unusual_upload', 'upload_ratio', '>=', 10),
		('unusual_upload', 'days_known', '>=', 3),
		('night_upload', 'upload', '>=', 10e6),
		('night_upload', 'hour', '<', 5),
		('dns_tunnel', 'dst_port', '=', 53),
		('dns_tunnel', 'src_payload', '>=', 10e3),
		('dns_tunnel', 'sent_per_packet', '>=', 70),
		('icmp_tunnel', 'icmp', '=', 1),
		('icmp_tunnel', 'src_payload', '>=', 20e3),
		('icmp_tunnel', 'dst_payload', '>=', 10e3),
		('icmp_tunnel', 'sent_per_packet', '>=', 100),
		('icmp_heavy', 'flows', '>=', 200),
		('icmp_heavy', 'icmp_share', '>', 0.7),
		('other_protocol', 'flows', '>=', 200),
		('other_protocol', 'other_share', '>', 0.7),
		('new_service', 'external', '=', 0),
		('new_service', 'failed_share', '<', 1),
		('new_service', 'new_service', '=', 1),
		('new_peer', 'failed_share', '<', 1),
		('new_peer', 'new_peer', '=', 1),
		('traffic_spike', 'bytes_per_s', '>=', 100e3),
		('traffic_spike', 'spike_sd', '>', 2),
		('traffic_doubled', 'bytes_per_s', '>=', 100e3),
		('traffic_doubled', 'growth', '>=', 2),
		('one_hour', 'flows', '>=', 200),
		('one_hour', 'span_h', '>=', 8),
		('one_hour', 'hour_share', '>', 0.3),
		('long_flow', 'duration_s', '>', 10000),
		('bad_fragments', 'bad_fragments', '>', 0),
		('urgent_data', 'urgent', '>', 0),
		('syn_errors', 'serror_rate', '>', 0.5),
		('same_endpoint', 'land', '=', 1),
		('unanswered', 'failed', '=', 1)
	) c(rule, feature, operator, threshold) USING (rule)
$$;
COMMENT ON FUNCTION anomaly.default_threat_rules() IS 'threat rules of a new store, a row per condition';

CREATE FUNCTION anomaly.default_playbook() RETURNS TABLE (threat text, step int, advice text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT p.threat, s.step::int, s.advice
	FROM (VALUES
		('ddos', ARRAY[
			'Limit the rate of the source at the firewall, or throttle it upstream.',
			'Turn on SYN cookies at the target and shorten its handshake timeout.',
			'If many sources take part, call in the provider''s DDoS protection.',
			'Check that the service under attack still answers its users.']),
		('port_scan', ARRAY[
			'Find out whose host the source is, and whether a scan was ordered.',
			'Block the source at the firewall if nobody knows of it.',
			'List which of the ports it tried are open, and close those not needed.',
			'Look for connections that succeeded after the scan.']),
		('brute_force', ARRAY[
			'Block the source, and limit login attempts per address.',
			'Look in the target''s login records for an attempt that succeeded.',
			'Change the passwords of accounts that were tried; require keys or a second factor.',
			'Take the login service off networks that do not need it.']),
		('data_exfiltration', ARRAY[
			'Ask the owner of the source what was sent, and to whom.',
			'Stop the transfer with an egress filter if it is not explained.',
			'Keep the source as it is for examination; review what it had access to.',
			'Put transfers to this destination under data loss monitoring.']),
		('tunnel', ARRAY[
			'In DNS, look at the names that were asked for: long, random labels under one domain carry data.',
			'Find the program on the source that sends, and isolate the source if it is unknown.',
			'Block the domain, and let hosts ask your own resolver only; limit the size of echo requests that leave.',
			'Estimate from the bytes sent what may have left.']),
		('beaconing', ARRAY[
			'Find the program on the source that makes the contacts.',
			'Look up the destination: age, owner, reputation.',
			'Isolate the source if the program is unknown, and scan it for malware.',
			'Search for other hosts that contact the same destination.']),
		('suspicious', ARRAY[
			'Read the reasons: which values are unusual, and what was expected.',
			'Compare with what the source usually does, and ask its owner.',
			'Watch it; escalate if it goes on or spreads to other hosts.'])
	) p(threat, steps)
	CROSS JOIN LATERAL unnest(p.steps) WITH ORDINALITY s(advice, step)
$$;
COMMENT ON FUNCTION anomaly.default_playbook() IS 'playbooks of a new store';
