-- Suppressions: what is known, and need not be shown until they expire.
--
-- A suppression names a source, targets, ports, a protocol, a threat, a rule or
-- a model; a detection that agrees with all it names gets no alert.  The
-- detection is kept, and counted here.  Suppressions are looked up when
-- detections are given their alerts: those in an alert already stay there.
-- They are ended, not deleted; making and ending one are entries of triage_log.

CREATE FUNCTION anomaly.make_suppression_tables(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE TABLE %1$I.suppression (
		id int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
		source cidr,
		target cidr,
		ports int4[] CHECK (cardinality(ports) BETWEEN 1 AND 20),
		protocol int2,
		threat text,
		rule text,
		model text,
		reason text NOT NULL CHECK (reason <> ''),
		expires_at timestamptz NOT NULL,
		created_by name NOT NULL DEFAULT session_user,
		created_at timestamptz NOT NULL DEFAULT now(),
		hits int8 NOT NULL DEFAULT 0,
		last_hit timestamptz,
		CHECK (num_nonnulls(source, target, ports, protocol, threat, rule, model) > 0)
	);
	COMMENT ON TABLE %1$I.suppression IS 'what is known and not shown; of the columns from source to model all that are not NULL must agree';
	COMMENT ON COLUMN %1$I.suppression.source IS 'network of the source';
	COMMENT ON COLUMN %1$I.suppression.target IS 'network that all destinations are in';
	COMMENT ON COLUMN %1$I.suppression.ports IS 'all destination ports are among these';
	COMMENT ON COLUMN %1$I.suppression.expires_at IS 'from this time on it silences nothing; infinity never comes';
	COMMENT ON COLUMN %1$I.suppression.hits IS 'detections that it silenced';
	CREATE TRIGGER anomaly_suppression_logged AFTER INSERT OR UPDATE OF expires_at ON %1$I.suppression
		FOR EACH ROW EXECUTE FUNCTION anomaly.suppression_logged();
	$ddl$, store);
END
$$;
COMMENT ON FUNCTION anomaly.make_suppression_tables(name) IS 'makes the table suppression of a new store';

CREATE FUNCTION anomaly.suppression_logged() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
BEGIN
	EXECUTE format('INSERT INTO %I.triage_log (suppression_id, action, note) VALUES ($1, $2, $3)', TG_TABLE_SCHEMA)
	USING NEW.id, CASE WHEN NEW.expires_at > now() THEN 'suppress' ELSE 'unsuppress' END,
		concat_ws(', ', 'source ' || NEW.source, 'target ' || NEW.target, 'ports ' || NEW.ports::text, 'protocol ' || NEW.protocol,
				  'threat ' || NEW.threat, 'rule ' || NEW.rule, 'model ' || NEW.model, 'until ' || NEW.expires_at)
		|| ': ' || NEW.reason;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION anomaly.suppression_logged() IS 'trigger: what is done to suppressions is in triage_log';

-- Gives pending detections of some sources the suppression that silences them,
-- and those whose suppression is over back.  Lists of targets and ports end at
-- 20: where there may be more, nobody can say that all agree.
CREATE FUNCTION anomaly.suppress_pending(store name, sources inet[], lo timestamptz, hi timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	used bool;
BEGIN
	EXECUTE format('SELECT EXISTS (SELECT FROM %I.suppression)', store) INTO used;
	IF NOT used THEN
		RETURN;
	END IF;
	EXECUTE format($q$
	WITH matched AS (
		SELECT d.id, d.src_addr, d.start_time, d.suppression_id AS before, (
			SELECT s.id FROM %1$I.suppression s
			WHERE s.expires_at > now()
			  AND (s.source IS NULL OR d.src_addr <<= s.source)
			  AND (s.target IS NULL OR d.target_count <= cardinality(d.targets)
				   AND NOT EXISTS (SELECT FROM unnest(d.targets) t WHERE NOT t <<= s.target))
			  AND (s.ports IS NULL OR cardinality(d.ports) < 20 AND d.ports <@ s.ports)
			  AND (s.protocol IS NULL OR d.protocol = s.protocol)
			  AND (s.threat IS NULL OR d.threat = s.threat)
			  AND (s.rule IS NULL OR d.rule = s.rule)
			  AND (s.model IS NULL OR d.model = s.model)
			ORDER BY s.id LIMIT 1) AS suppression
		FROM %1$I.detection d
		WHERE d.alert_id IS NULL AND d.src_addr = ANY ($1) AND d.start_time BETWEEN $2 AND $3
	), changed AS (
		UPDATE %1$I.detection d SET suppression_id = m.suppression
		FROM matched m
		WHERE d.src_addr = m.src_addr AND d.start_time = m.start_time AND d.id = m.id AND m.suppression IS DISTINCT FROM m.before
	)
	UPDATE %1$I.suppression s SET hits = s.hits + n.hits, last_hit = now()
	FROM (SELECT suppression, count(*) AS hits FROM matched WHERE before IS NULL GROUP BY 1) n
	WHERE s.id = n.suppression
	$q$, store) USING sources, lo, hi;
END
$$;
COMMENT ON FUNCTION anomaly.suppress_pending(name, inet[], timestamptz, timestamptz) IS
	'silences pending detections that a suppression agrees with, and counts them';

CREATE FUNCTION @extschema@.anomaly_suppress(store name, reason text, source cidr = NULL, target cidr = NULL,
	ports int[] = NULL, protocol int = NULL, threat text = NULL, rule text = NULL, model text = NULL,
	expires_at timestamptz = now() + interval '30 days') RETURNS int
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	made int;
	known bool;
BEGIN
	PERFORM anomaly.store(store);
	IF btrim(coalesce(reason, ''), E' \t\r\n') = '' THEN
		RAISE EXCEPTION 'a suppression needs a reason' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF num_nonnulls(source, target, ports, protocol, threat, rule, model) = 0 THEN
		RAISE EXCEPTION 'a suppression of everything' USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Name at least one of source, target, ports, protocol, threat, rule and model.';
	END IF;
	IF cardinality(ports) NOT BETWEEN 1 AND 20 THEN
		RAISE EXCEPTION 'a suppression of % ports: there can be 1 to 20', cardinality(ports) USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF NOT (0 <= ALL (ports) AND 65535 >= ALL (ports)) OR array_position(ports, NULL) IS NOT NULL THEN
		RAISE EXCEPTION 'a suppression of ports %: they go from 0 to 65535', ports USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF protocol NOT BETWEEN 0 AND 255 THEN
		RAISE EXCEPTION 'a suppression of protocol %: they go from 0 to 255', protocol USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF expires_at IS NULL OR expires_at <= now() THEN
		RAISE EXCEPTION 'a suppression that ends at %', coalesce(expires_at::text, 'NULL') USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Give a time that is to come; infinity never does.';
	END IF;
	EXECUTE format('SELECT $1 IS NULL OR EXISTS (SELECT FROM %I.threat_rule r WHERE r.rule = $1)', store) INTO known USING rule;
	IF NOT known THEN	-- a misspelt one would silence nothing and say nothing
		RAISE EXCEPTION 'flow store "%" has no rule "%"', store, rule USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Rules are the rows of its table threat_rule.';
	END IF;
	EXECUTE format($q$
		INSERT INTO %I.suppression (reason, source, target, ports, protocol, threat, rule, model, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id$q$, store)
	INTO made USING reason, source, target, ports, protocol, threat, rule, model, expires_at;
	RETURN made;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_suppress(name, text, cidr, cidr, int[], int, text, text, text, timestamptz) IS
	'makes a suppression: from now until expires_at (30 days), detections that agree with everything named get no alert; gives its number back
ports: 1 to 20, each 0 to 65535; protocol: 0 to 255; rule: one of the store''s';

CREATE FUNCTION @extschema@.anomaly_unsuppress(store name, suppression int) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	ended int;
BEGIN
	PERFORM anomaly.store(store);
	EXECUTE format('UPDATE %I.suppression SET expires_at = now() WHERE id = $1 AND expires_at > now() RETURNING id', store)
	INTO ended USING suppression;
	IF ended IS NULL THEN
		RAISE EXCEPTION 'flow store "%" has no suppression % in force', store, suppression USING ERRCODE = 'PA032';
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_unsuppress(name, int) IS 'ends a suppression now; PA032 when none of that number is in force';
