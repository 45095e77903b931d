-- Roles: four groups per store, each with what its work needs and no more.
--
--   <store>_viewer    reads the API
--   <store>_analyst   and the store's tables; triages alerts
--   <store>_loader    loads flows, through the trigger of flow
--   <store>_admin     as analyst and loader, and suppressions, thresholds, rules,
--                     playbooks; trains models
--
-- A store's groups have nothing in any other store.  Nobody can log in as one:
-- they are granted to people, and to the API's login.  The loader writes what
-- the trigger writes, since functions here run with the rights of their caller;
-- it owns nothing, so chunks are made for it beforehand (anomaly_maintain).

-- A store is seen by those who may use its schema, or its API's.
ALTER TABLE anomaly.flow_store ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON anomaly.flow_store
	USING (created_by = current_user
		   OR coalesce(has_schema_privilege(to_regnamespace(quote_ident(name))::oid, 'USAGE'), false)
		   OR coalesce(has_schema_privilege(to_regnamespace(quote_ident(name || '_api'))::oid, 'USAGE'), false))
	WITH CHECK (true);

CREATE FUNCTION anomaly.store_roles(store name) RETURNS TABLE (kind text, role name)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT k, (store || '_' || k)::name FROM unnest('{viewer,analyst,admin,loader}'::text[]) k
$$;
COMMENT ON FUNCTION anomaly.store_roles(name) IS 'names of a store''s groups';

-- What is granted: a line per kind, object and right, in the store (s) or in the
-- schema anomaly (x).
CREATE FUNCTION anomaly.store_rights() RETURNS TABLE (kind text, place text, object text, rights text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	VALUES
	('analyst', 'x', 'flow_store', 'SELECT'),
	('analyst', 's', 'alert', 'UPDATE (state, resolution, assignee, triage_id, closed_seen)'),
	('analyst', 's', 'triage_log', 'INSERT (alert_id, action, resolution, assignee, note)'),

	('admin', 'x', 'model', 'SELECT, INSERT, UPDATE'),
	('admin', 'x', 'model_version', 'SELECT, INSERT'),
	('admin', 'x', 'retraining', 'SELECT, INSERT'),
	('admin', 's', 'alert', 'INSERT, UPDATE, DELETE'),
	('admin', 's', 'triage_log', 'INSERT (alert_id, suppression_id, action, resolution, assignee, note)'),
	('admin', 's', 'suppression', 'INSERT (source, target, ports, protocol, threat, rule, model, reason, expires_at), UPDATE (expires_at, hits, last_hit)'),
	('admin', 's', 'detection', 'UPDATE (alert_id, suppression_id, threat)'),
	('admin', 's', 'watch', 'INSERT, UPDATE, DELETE'),
	('admin', 's', 'watch_log', 'INSERT'),
	('admin', 's', 'tally', 'UPDATE (revision)'),
	('admin', 's', 'threat_rule', 'INSERT, UPDATE, DELETE'),
	('admin', 's', 'threat_condition', 'INSERT, UPDATE, DELETE'),
	('admin', 's', 'playbook', 'INSERT, UPDATE, DELETE'),
	('admin', 's', 'alert_id_seq', 'USAGE'),

	('loader', 'x', 'flow_store', 'SELECT'),
	('loader', 'x', 'model', 'SELECT'),
	('loader', 'x', 'model_version', 'SELECT'),
	('loader', 's', 'flow', 'SELECT, INSERT'),
	('loader', 's', 'flow_feature', 'SELECT'),
	('loader', 's', 'capture', 'SELECT, INSERT, UPDATE'),
	('loader', 's', 'reject', 'SELECT, INSERT'),
	('loader', 's', 'flow_minute', 'SELECT, INSERT, UPDATE'),
	('loader', 's', 'flow_hour', 'SELECT, INSERT, UPDATE'),
	('loader', 's', 'source_minute', 'SELECT, INSERT, UPDATE'),
	('loader', 's', 'target_minute', 'SELECT, INSERT, UPDATE'),
	('loader', 's', 'source_day', 'SELECT, INSERT, UPDATE'),
	('loader', 's', 'service_day', 'SELECT, INSERT, UPDATE'),
	('loader', 's', 'peer_day', 'SELECT, INSERT, UPDATE'),
	('loader', 's', 'score_hour', 'SELECT, INSERT, UPDATE'),
	('loader', 's', 'tally', 'SELECT, UPDATE'),
	('loader', 's', 'due', 'SELECT, INSERT, DELETE'),
	('loader', 's', 'detection', 'SELECT, INSERT, UPDATE'),
	('loader', 's', 'alert', 'SELECT, INSERT, UPDATE, DELETE'),
	('loader', 's', 'triage_log', 'SELECT, INSERT (alert_id, action, note)'),
	('loader', 's', 'suppression', 'SELECT, UPDATE (hits, last_hit)'),
	('loader', 's', 'watch', 'SELECT, UPDATE (error, error_at)'),
	('loader', 's', 'threat_rule', 'SELECT'),
	('loader', 's', 'threat_condition', 'SELECT'),
	('loader', 's', 'playbook', 'SELECT'),
	('loader', 's', 'detection_id', 'USAGE'),
	('loader', 's', 'alert_id_seq', 'USAGE')
$$;
COMMENT ON FUNCTION anomaly.store_rights() IS 'rights of a store''s groups beside reading: on relations of the store (s) and of the extension (x)';

-- The groups' part of an API schema, when both are there.
CREATE FUNCTION anomaly.grant_api(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	api CONSTANT name := store || '_api';
	has record;
	may record;
BEGIN
	IF to_regnamespace(quote_ident(api)) IS NULL THEN
		RETURN;
	END IF;
	FOR has IN SELECT * FROM anomaly.store_roles(store) WHERE to_regrole(quote_ident(role)) IS NOT NULL AND kind <> 'loader' LOOP
		EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', api, has.role);
		EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I', api, has.role);
		FOR may IN
			SELECT p.oid::regprocedure AS call FROM pg_proc p
			WHERE p.pronamespace = to_regnamespace(quote_ident(api))
			  AND (p.provolatile <> 'v' OR has.kind = 'admin' OR has.kind = 'analyst' AND p.proname = 'triage')
		LOOP
			EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', may.call, has.role);
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION anomaly.grant_api(name) IS 'lets a store''s groups use its API';

CREATE FUNCTION anomaly.grant_store(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	granted record;
BEGIN
	FOR granted IN SELECT r.kind, r.role FROM anomaly.store_roles(store) r WHERE r.kind <> 'viewer' LOOP
		EXECUTE format('GRANT USAGE ON SCHEMA anomaly, %I TO %I', store, granted.role);
	END LOOP;
	-- all but chunks: they are read through their tables
	FOR granted IN
		SELECT c.oid::regclass AS relation, r.role FROM pg_class c JOIN anomaly.store_roles(store) r ON r.kind = 'analyst'
		WHERE c.relnamespace = to_regnamespace(quote_ident(store)) AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
	LOOP
		EXECUTE format('GRANT SELECT ON %s TO %I', granted.relation, granted.role);
	END LOOP;
	FOR granted IN
		SELECT g.rights, CASE WHEN g.object ~ '_(id|id_seq)$' THEN 'SEQUENCE' ELSE 'TABLE' END AS what,
			   CASE g.place WHEN 's' THEN store ELSE 'anomaly' END AS schema, g.object, r.role
		FROM anomaly.store_rights() g JOIN anomaly.store_roles(store) r USING (kind)
	LOOP
		EXECUTE format('GRANT %s ON %s %I.%I TO %I', granted.rights, granted.what, granted.schema, granted.object, granted.role);
	END LOOP;
END
$$;
COMMENT ON FUNCTION anomaly.grant_store(name) IS 'grants a store''s groups what store_rights() says';

CREATE FUNCTION @extschema@.anomaly_create_roles(store name) RETURNS TABLE (kind text, role name)
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	made record;
	above CONSTANT jsonb := '{"viewer": "analyst", "analyst": "admin", "loader": "admin"}';
BEGIN
	PERFORM anomaly.store(store);
	IF octet_length(store) > 55 THEN
		RAISE EXCEPTION 'the name of flow store "%" has % bytes, with groups it can have 55', store, octet_length(store)
			USING ERRCODE = 'name_too_long';
	END IF;
	IF NOT has_schema_privilege('anomaly', 'USAGE WITH GRANT OPTION') THEN
		RAISE EXCEPTION 'permission denied to grant the use of schema anomaly' USING ERRCODE = 'insufficient_privilege',
			HINT = 'Groups are made by whoever owns the extension and the store, or a superuser.';
	END IF;
	FOR made IN SELECT r.* FROM anomaly.store_roles(store) r WHERE to_regrole(quote_ident(r.role)) IS NULL LOOP
		EXECUTE format('CREATE ROLE %I NOLOGIN', made.role);
	END LOOP;
	FOR made IN SELECT s.role AS lower, u.role AS upper
		FROM anomaly.store_roles(store) s JOIN anomaly.store_roles(store) u ON u.kind = above ->> s.kind
		WHERE NOT pg_has_role(u.role, s.role, 'MEMBER')
	LOOP
		EXECUTE format('GRANT %I TO %I', made.lower, made.upper);
	END LOOP;
	PERFORM anomaly.grant_store(store);
	PERFORM anomaly.grant_api(store);
	RETURN QUERY SELECT r.* FROM anomaly.store_roles(store) r;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_create_roles(name) IS
'makes the NOLOGIN groups <store>_viewer, _analyst, _admin and _loader where they are missing, and grants each what its work needs; again after anything was added to the store
Needs CREATEROLE, the store, and the right to grant on the extension''s schema';
