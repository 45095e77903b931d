-- Triage: what people decided about alerts, and the log nobody can tidy up.
--
-- A decision is a row of triage_log.  Its trigger fills in who and when, checks
-- that the alert may go that way, chains the row to the one before it and
-- brings the alert up to date; the alert's own trigger lets its state change in
-- no other way.  So the log is complete whoever writes: anomaly_triage, the API
-- or a plain INSERT.  Where a loader finds an alert again that was closed, or
-- worse than it was acknowledged, it writes such a row too.
--
--   open --acknowledge--> acknowledged --close--> closed     (also open --close-->)
--   acknowledged, closed --reopen--> open                    (recur, escalate: by itself)
--   assign, note: in any state       undo: takes the last of these back
--
-- Each row holds sha256(hash of the row before || the row's own columns), as in
-- Haber and Stornetta, How to Time-Stamp a Digital Document (1991): who changes
-- or removes a row must rewrite all that follow, and cannot rewrite a head that
-- was noted elsewhere.  Writers of a store take turns, and take the alert before
-- their turn, never after it.

CREATE FUNCTION anomaly.make_triage_tables(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE TABLE %1$I.triage_log (
		id int8 PRIMARY KEY,
		at timestamptz NOT NULL,
		session_role name NOT NULL,
		acting_role name NOT NULL,
		api_user text,
		alert_id int8,
		suppression_id int4,
		action text NOT NULL,
		note text,
		undoes int8,
		old_state text,
		state text,
		old_resolution text,
		resolution text,
		old_assignee text,
		assignee text,
		hash bytea NOT NULL,
		CHECK ((alert_id IS NULL) = (suppression_id IS NOT NULL))
	);
	CREATE INDEX triage_log_alert ON %1$I.triage_log (alert_id, id);
	COMMENT ON TABLE %1$I.triage_log IS 'decisions about alerts and suppressions, in order; insert only (alert_id, action, resolution, assignee, note)';
	COMMENT ON COLUMN %1$I.triage_log.id IS '1, 2, 3, ... without a gap';
	COMMENT ON COLUMN %1$I.triage_log.session_role IS 'who logged in';
	COMMENT ON COLUMN %1$I.triage_log.acting_role IS 'role it was done as';
	COMMENT ON COLUMN %1$I.triage_log.api_user IS 'who the API says it was (sub, else role, of the verified token); NULL without the API';
	COMMENT ON COLUMN %1$I.triage_log.undoes IS 'row that an undo took back';
	COMMENT ON COLUMN %1$I.triage_log.hash IS 'sha256 of the hash before and of all other columns';

	CREATE TRIGGER anomaly_triage_inserted BEFORE INSERT ON %1$I.triage_log
		FOR EACH ROW EXECUTE FUNCTION anomaly.triage_inserted();
	CREATE TRIGGER anomaly_triage_applied AFTER INSERT ON %1$I.triage_log
		FOR EACH ROW WHEN (NEW.alert_id IS NOT NULL) EXECUTE FUNCTION anomaly.triage_applied();
	CREATE TRIGGER anomaly_log_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON %1$I.triage_log
		FOR EACH STATEMENT EXECUTE FUNCTION anomaly.log_kept();
	CREATE TRIGGER anomaly_alert_decided BEFORE UPDATE OF state, resolution, assignee ON %1$I.alert
		FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION anomaly.alert_decided();
	CREATE TRIGGER anomaly_alert_kept BEFORE DELETE ON %1$I.alert
		FOR EACH ROW WHEN (OLD.triage_id IS NOT NULL) EXECUTE FUNCTION anomaly.alert_kept();
	$ddl$, store);
END
$$;
COMMENT ON FUNCTION anomaly.make_triage_tables(name) IS 'makes the table triage_log of a new store, and the triggers that keep it complete';

-- The state that an action leads to; NULL where it leads nowhere.
CREATE FUNCTION anomaly.triage_next(state text, action text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
	SELECT CASE
		WHEN action IN ('assign', 'note') THEN state
		WHEN action = 'acknowledge' AND state = 'open' THEN 'acknowledged'
		WHEN action = 'close' AND state IN ('open', 'acknowledged') THEN 'closed'
		WHEN action = 'reopen' AND state IN ('acknowledged', 'closed') THEN 'open'
		WHEN action = 'recur' AND state = 'closed' THEN 'open'
		WHEN action = 'escalate' AND state = 'acknowledged' THEN 'open'
	END
$$;
COMMENT ON FUNCTION anomaly.triage_next(text, text) IS 'state of an alert after a triage action; NULL when it is not allowed';

CREATE FUNCTION anomaly.resolutions() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$SELECT '{true_positive,false_positive,benign_positive,duplicate}'::pg_catalog.text[]$$;
COMMENT ON FUNCTION anomaly.resolutions() IS 'what an alert can be closed as';

-- What the API knows of its user, from the claims of a token that it verified.
-- Anybody with SQL can set these, so that session_role stands beside it.
CREATE FUNCTION anomaly.api_user() RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	claims jsonb;
BEGIN
	claims := nullif(current_setting('request.jwt.claims', true), '')::jsonb;
	RETURN coalesce(claims ->> 'sub', claims ->> 'role');
EXCEPTION WHEN data_exception THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION anomaly.api_user() IS 'user of the API on whose behalf a statement runs; NULL without the API';

-- Absent columns are left out, so that a column added later changes no hash.
CREATE FUNCTION anomaly.triage_hash(previous bytea, line jsonb) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$SELECT sha256(coalesce(previous, '') || convert_to(jsonb_strip_nulls(line - 'hash')::text, 'UTF8'))$$;
COMMENT ON FUNCTION anomaly.triage_hash(bytea, jsonb) IS 'hash of a row of triage_log, given the hash before it';

-- Fills in what a new row decides about its alert, which stays locked.
CREATE FUNCTION anomaly.triage_decide(store name, line jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	id CONSTANT int8 := line ->> 'alert_id';
	action CONSTANT text := line ->> 'action';
	now_is record;
	was record;
	next_state text;
	resolution text;
	assignee text;
	undone int8;
BEGIN
	EXECUTE format('SELECT state, resolution, assignee FROM %I.alert WHERE id = $1 FOR NO KEY UPDATE', store)
	INTO now_is USING id;
	IF now_is.state IS NULL THEN
		RAISE EXCEPTION 'flow store "%" has no alert %', store, id USING ERRCODE = 'PA030';
	END IF;
	IF action = 'undo' THEN
		EXECUTE format($q$
			SELECT l.id, l.old_state AS state, l.old_resolution AS resolution, l.old_assignee AS assignee FROM %1$I.triage_log l
			WHERE l.alert_id = $1 AND l.action NOT IN ('note', 'undo')
			  AND NOT EXISTS (SELECT FROM %1$I.triage_log u WHERE u.alert_id = $1 AND u.undoes = l.id)
			ORDER BY l.id DESC LIMIT 1$q$, store) INTO was USING id;
		IF was.id IS NULL THEN
			RAISE EXCEPTION 'alert %: there is nothing to undo', id USING ERRCODE = 'PA031',
				HINT = 'Undo takes back acknowledge, close, reopen and assign, one after the other.';
		END IF;
		next_state := was.state;
		resolution := was.resolution;
		assignee := was.assignee;
		undone := was.id;
	ELSE
		next_state := anomaly.triage_next(now_is.state, action);
		IF next_state IS NULL THEN
			RAISE EXCEPTION 'alert % is %: it cannot be changed by "%"', id, now_is.state, action USING ERRCODE = 'PA031',
				HINT = format('From %s: %s, undo.', now_is.state,
							  (SELECT string_agg(a, ', ' ORDER BY n) FROM unnest('{acknowledge,close,reopen,assign,note}'::text[])
							   WITH ORDINALITY x(a, n) WHERE anomaly.triage_next(now_is.state, a) IS NOT NULL));
		END IF;
		IF (action = 'close') <> (line ->> 'resolution' IS NOT NULL)
			OR NOT coalesce(line ->> 'resolution' = ANY (anomaly.resolutions()), true) THEN
			RAISE EXCEPTION 'action "%" with resolution "%"', action, coalesce(line ->> 'resolution', 'NULL')
				USING ERRCODE = 'PA031',
				HINT = format('An alert is closed as one of %s; other actions have no resolution.', array_to_string(anomaly.resolutions(), ', '));
		END IF;
		IF action <> 'assign' AND line ->> 'assignee' IS NOT NULL THEN
			RAISE EXCEPTION 'action "%" with an assignee', action USING ERRCODE = 'PA031',
				HINT = 'The action "assign" takes an assignee; NULL takes it away.';
		END IF;
		IF action = 'note' AND coalesce(line ->> 'note', '') = '' THEN
			RAISE EXCEPTION 'action "note" without a note' USING ERRCODE = 'PA031';
		END IF;
		resolution := CASE WHEN action = 'close' THEN line ->> 'resolution'
						   WHEN next_state = now_is.state THEN now_is.resolution END;
		assignee := CASE WHEN action = 'assign' THEN line ->> 'assignee' ELSE now_is.assignee END;
	END IF;
	RETURN line || jsonb_build_object('undoes', undone,
		'old_state', now_is.state, 'old_resolution', now_is.resolution, 'old_assignee', now_is.assignee,
		'state', next_state, 'resolution', resolution, 'assignee', assignee);
END
$$;
COMMENT ON FUNCTION anomaly.triage_decide(name, jsonb) IS 'checks a triage action and says what it changes';

CREATE FUNCTION anomaly.triage_inserted() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'	-- the hash is over text
SET datestyle = 'ISO'
AS $$
DECLARE
	store CONSTANT name := TG_TABLE_SCHEMA;
	last record;
BEGIN
	-- who may not decide how an alert is closed finds it again or worse, and no more
	IF NEW.alert_id IS NOT NULL AND NEW.action NOT IN ('recur', 'escalate')
		AND NOT has_column_privilege(TG_RELID, 'resolution', 'INSERT') THEN
		RAISE EXCEPTION 'permission denied to % alerts of flow store "%"', NEW.action, store USING ERRCODE = 'insufficient_privilege';
	END IF;
	IF NEW.alert_id IS NOT NULL THEN
		NEW := jsonb_populate_record(NEW, anomaly.triage_decide(store, to_jsonb(NEW)));
	ELSIF NEW.action NOT IN ('suppress', 'unsuppress') THEN
		RAISE EXCEPTION 'action "%" without an alert', NEW.action USING ERRCODE = 'PA031';
	END IF;
	PERFORM pg_advisory_xact_lock(hashtextextended('pg_anomaly triage of ' || store, 0));
	EXECUTE format('SELECT id, hash FROM %I.triage_log ORDER BY id DESC LIMIT 1', store) INTO last;
	NEW.id := coalesce(last.id, 0) + 1;
	NEW.at := clock_timestamp();
	NEW.session_role := session_user;
	NEW.acting_role := current_user;
	NEW.api_user := anomaly.api_user();
	NEW.hash := anomaly.triage_hash(last.hash, to_jsonb(NEW));
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION anomaly.triage_inserted() IS 'trigger: completes a row of triage_log and chains it to the one before';

CREATE FUNCTION anomaly.triage_applied() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($q$
		UPDATE %I.alert SET (state, resolution, assignee, triage_id) = ($2, $3, $4, $5),
			closed_seen = CASE WHEN $2 = 'closed' THEN CASE WHEN state = 'closed' THEN closed_seen ELSE last_seen END END
		WHERE id = $1$q$, TG_TABLE_SCHEMA)
	USING NEW.alert_id, NEW.state, NEW.resolution, NEW.assignee, NEW.id;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION anomaly.triage_applied() IS 'trigger: brings an alert up to date with its triage_log';

CREATE FUNCTION anomaly.log_kept() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE EXCEPTION '%.% is append-only', quote_ident(TG_TABLE_SCHEMA), quote_ident(TG_TABLE_NAME)
		USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = 'A decision is taken back with another one.';
END
$$;
COMMENT ON FUNCTION anomaly.log_kept() IS 'trigger: rows of a log stay as they are';

CREATE FUNCTION anomaly.alert_decided() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	decided bool;
BEGIN
	EXECUTE format($q$
		SELECT (l.state, l.resolution, l.assignee) IS NOT DISTINCT FROM ($2, $3, $4) AND l.id = $5
		FROM %I.triage_log l WHERE l.alert_id = $1 ORDER BY l.id DESC LIMIT 1$q$, TG_TABLE_SCHEMA)
	INTO decided USING NEW.id, NEW.state, NEW.resolution, NEW.assignee, NEW.triage_id;
	IF decided IS NOT TRUE THEN
		RAISE EXCEPTION 'the state of alert % changes through its triage log alone', NEW.id
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Call anomaly_triage.';
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION anomaly.alert_decided() IS 'trigger: an alert is in the state that its triage_log says';

CREATE FUNCTION anomaly.alert_kept() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT pg_has_role((SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
		RAISE EXCEPTION 'alert % was decided about and stays', OLD.id USING ERRCODE = 'insufficient_privilege',
			HINT = 'The owner of the store may delete it.';
	END IF;
	RETURN OLD;
END
$$;
COMMENT ON FUNCTION anomaly.alert_kept() IS 'trigger: an alert that somebody decided about is deleted by the store''s owner alone';

CREATE FUNCTION @extschema@.anomaly_triage(store name, alerts int8[], action text, resolution text = NULL,
	assignee text = NULL, note text = NULL) RETURNS int
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	missing int8;
	changed int;
BEGIN
	PERFORM anomaly.store(store);
	IF action IS NULL OR action NOT IN ('acknowledge', 'close', 'reopen', 'assign', 'note', 'undo') THEN
		RAISE EXCEPTION 'unknown triage action "%"', coalesce(action, 'NULL') USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Actions are: acknowledge, close, reopen, assign, note, undo.';
	END IF;
	-- all alerts first and in order, the log's turn last: see the file's header
	EXECUTE format('SELECT FROM %I.alert WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE', store) USING alerts;
	EXECUTE format('SELECT min(i) FROM unnest($1) i WHERE NOT EXISTS (SELECT FROM %I.alert a WHERE a.id = i)', store)
	INTO missing USING alerts;
	IF missing IS NOT NULL THEN
		RAISE EXCEPTION 'flow store "%" has no alert %', store, missing USING ERRCODE = 'PA030';
	END IF;
	EXECUTE format($q$
		INSERT INTO %I.triage_log (alert_id, action, resolution, assignee, note)
		SELECT DISTINCT i, $2, $3, $4, $5 FROM unnest($1) i WHERE i IS NOT NULL ORDER BY i$q$, store)
	USING alerts, action, resolution, assignee, note;
	GET DIAGNOSTICS changed = ROW_COUNT;
	RETURN changed;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_triage(name, int8[], text, text, text, text) IS
'decides about alerts, all or none of them, and says how many
action: acknowledge, close, reopen, assign, note or undo; one that the alert''s state does not allow is PA031, an unknown alert PA030
resolution: with close: true_positive, false_positive, benign_positive or duplicate
assignee: with assign: any name; NULL takes it away
note: kept in triage_log with any action';

CREATE FUNCTION @extschema@.anomaly_verify_log(store name, OUT entries bigint, OUT head bytea, OUT broken bigint, OUT problem text)
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
DECLARE
	line record;
BEGIN
	PERFORM anomaly.store(store);
	entries := 0;
	FOR line IN EXECUTE format('SELECT l.id, l.hash, to_jsonb(l) AS content FROM %I.triage_log l ORDER BY l.id', store) LOOP
		IF line.id <> entries + 1 THEN
			broken := entries + 1;
			problem := format('entry %s is missing', broken);
		ELSIF line.hash IS DISTINCT FROM anomaly.triage_hash(head, line.content) THEN
			broken := line.id;
			problem := format('entry %s is not what was written', broken);
		END IF;
		EXIT WHEN broken IS NOT NULL;
		entries := line.id;
		head := line.hash;
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_verify_log(name) IS
'checks the hash chain of a store''s triage_log: entries that hold, the last one''s hash, the first broken entry (NULL when all hold) and what is wrong with it
Note head and entries elsewhere: a chain that was cut off or written anew holds, but has another head.';
