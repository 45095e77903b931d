-- Threats: what to look for, and what to do about it, as rows of the store.
--
-- A rule is a row of threat_rule and its conditions, all of which must hold.
-- Its scope says what it looks at: a source's minute (source_minute), a
-- source's day with one service (peer_day), or one anomalous flow (flow; such
-- a rule only adds an indicator to detections and raises nothing by itself).
-- Rules are data: they are compared, never executed.  Each store has its own,
-- to be tuned with UPDATE.

-- The features that each scope offers to conditions.
CREATE FUNCTION anomaly.threat_features(scope text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE scope
		WHEN 'source_minute' THEN ARRAY['flows', 'failed', 'failed_share', 'packets',
			'src_bytes', 'dst_bytes', 'dsts', 'dst_ports', 'failed_dsts', 'failed_ports',
			'top_flows', 'top_syn_only', 'top_logins', 'top_udp_packets', 'udp_answer_share']
		WHEN 'peer_day' THEN ARRAY['flows', 'failed_share', 'src_payload', 'dst_payload',
			'payload_ratio', 'payload_per_flow', 'span_s', 'gap_mean_s', 'gap_cv',
			'external', 'login', 'dst_port', 'protocol']
		WHEN 'flow' THEN ARRAY['duration_s', 'src_bytes', 'dst_bytes', 'bytes_ratio',
			'bytes_per_s', 'packets_per_s', 'retransmission_rate', 'bad_fragments',
			'urgent', 'serror_rate', 'rerror_rate', 'failed', 'land']
	END
$$;
COMMENT ON FUNCTION anomaly.threat_features(text) IS 'features that conditions of a scope can name';

-- Neither STRICT nor with a search_path of its own, so that it can be inlined:
-- it is called once per feature, window and condition.
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
		scope text NOT NULL CHECK (scope IN ('flow', 'source_minute', 'peer_day')),
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
		('vertical_scan', 'source_minute', 'port_scan', 'Port scan of one host', 80, 0.9),
		('horizontal_scan', 'source_minute', 'port_scan', 'Scan of many hosts', 80, 0.9),
		('login_guessing', 'source_minute', 'brute_force', 'Password guessing', 85, 0.8),
		('slow_login_guessing', 'peer_day', 'brute_force', 'Password guessing, slowly', 75, 0.7),
		('large_upload', 'peer_day', 'data_exfiltration', 'Large upload to an external host', 80, 0.7),
		('beacon', 'peer_day', 'beaconing', 'Regular contact with an external host', 75, 0.7),
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
		('vertical_scan', 'failed_ports', '>=', 50),
		('horizontal_scan', 'failed_dsts', '>=', 30),
		('login_guessing', 'top_logins', '>=', 15),
		('slow_login_guessing', 'login', '=', 1),
		('slow_login_guessing', 'flows', '>=', 60),
		('slow_login_guessing', 'gap_mean_s', '<=', 60),
		('slow_login_guessing', 'payload_per_flow', '<=', 20e3),
		('large_upload', 'external', '=', 1),
		('large_upload', 'src_payload', '>=', 20e6),
		('large_upload', 'payload_ratio', '>=', 20),
		('beacon', 'external', '=', 1),
		('beacon', 'flows', '>=', 12),
		('beacon', 'gap_cv', '<=', 0.3),
		('beacon', 'gap_mean_s', '>=', 5),
		('beacon', 'payload_per_flow', '<=', 20e3),
		('beacon', 'dst_port', '<>', 123),
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
