-- Who may do what: the groups of a store, by their rights and by trying; that
-- nothing crosses from store to store; that training and scoring see no row
-- that their caller may not see.
SET client_min_messages = warning;
SET timezone = 'UTC';
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT anomaly_create_flow_store('acme');
SELECT anomaly_create_flow_store('bolt');
SELECT anomaly_ensure_chunks('acme', '2026-01-05', '2026-01-06'), anomaly_ensure_chunks('bolt', '2026-01-05', '2026-01-06');
CREATE ROLE pga_test_viewer;
SELECT anomaly_create_api('bolt', 'pga_test_viewer');
SELECT * FROM anomaly_create_roles('acme');
SELECT anomaly_create_api('acme', 'acme_viewer');		-- after the groups, or before them
SELECT * FROM anomaly_create_roles('bolt');
SELECT count(*) FROM anomaly_create_roles('bolt');		-- again
SELECT anomaly_create_roles('nowhere');
SELECT rolname, rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname LIKE 'acme\_%' ORDER BY 1;

-- The matrix: S(elect), I(nsert), U(pdate), D(elete), T(runcate); small letters
-- are rights on some columns.  Chunks are left out: nobody has any on them.
CREATE FUNCTION hand.rights(role name, relation regclass) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(CASE WHEN has_table_privilege(role, relation, p) THEN left(p, 1)
		WHEN p IN ('SELECT', 'INSERT', 'UPDATE') AND has_any_column_privilege(role, relation, p) THEN lower(left(p, 1)) ELSE '' END, '' ORDER BY n), '')
	FROM unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) WITH ORDINALITY x(p, n)
$$;
CREATE VIEW hand.object AS
	SELECT c.oid::regclass AS object, n.nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
	WHERE (nspname IN ('acme', 'acme_api', 'anomaly')) AND relkind IN ('r', 'p', 'v') AND NOT relispartition;
SELECT object, hand.rights('acme_viewer', object) AS viewer, hand.rights('acme_analyst', object) AS analyst,
	   hand.rights('acme_admin', object) AS admin, hand.rights('acme_loader', object) AS loader
FROM hand.object ORDER BY nspname, relname;
SELECT count(*) AS on_chunks FROM pg_class c, unnest('{viewer,analyst,admin,loader}'::text[]) k
WHERE relispartition AND relnamespace = 'acme'::regnamespace AND relkind = 'r' AND hand.rights(('acme_' || k)::name, c.oid) <> '';
SELECT p.proname AS function, string_agg(k, ' ' ORDER BY k) AS callable_by FROM pg_proc p, unnest('{viewer,analyst,admin,loader}'::text[]) k
WHERE pronamespace = 'acme_api'::regnamespace AND has_function_privilege('acme_' || k, p.oid, 'EXECUTE') GROUP BY 1 ORDER BY 1;
SELECT k, has_schema_privilege('acme_' || k, s, 'USAGE') AS usage, has_schema_privilege('acme_' || k, s, 'CREATE') AS create, s AS schema
FROM unnest('{viewer,analyst,admin,loader}'::text[]) k, unnest('{acme,acme_api,anomaly,bolt,bolt_api}'::text[]) s ORDER BY s, k;

-- By trying.  What a statement comes to for a role, taken back.
CREATE FUNCTION hand.attempt(role name, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	EXECUTE statement;
	SET CONSTRAINTS ALL IMMEDIATE;
	RAISE EXCEPTION 'done' USING ERRCODE = 'PX000';
EXCEPTION WHEN SQLSTATE 'PX000' THEN
	RETURN 'ok';
WHEN OTHERS THEN
	RETURN CASE SQLSTATE WHEN '42501' THEN '-' ELSE SQLSTATE || ' ' || SQLERRM END;
END
$$;
INSERT INTO acme.flow SELECT f.* FROM generate_series(1, 60) i, hand.flow(timestamptz '2026-01-05 10:00' + interval '0.1 s' * i, '10.0.0.66', '10.0.0.5', i, 6, 4, 0, 0, 1, 1, 2) f;
INSERT INTO acme.flow SELECT f.* FROM generate_series(1, 2000) i, hand.flow(timestamptz '2026-01-05 11:00' + interval '1 s' * i, inet '10.0.0.0' + i % 9, '10.0.2.1', 443, 6, 3, i, 2 * i) f;
SELECT version FROM anomaly_train('acme', 'SELECT * FROM acme.flow_feature', features => anomaly_flow_features());
SELECT anomaly_watch('acme', 'acme') AS w \gset
SELECT id AS a FROM acme.alert \gset
CREATE TABLE hand.action AS SELECT * FROM (VALUES
	(1, 'read alerts over the API', 'SELECT * FROM acme_api.alerts'),
	(2, 'read a function over the API', 'SELECT * FROM acme_api.kpi(''2026-01-05'', ''2026-01-06'')'),
	(3, 'read flows', 'SELECT * FROM acme.flow LIMIT 1'),
	(4, 'triage', 'SELECT anomaly_triage(''acme'', ''{' || :a || '}'', ''close'', ''duplicate'')'),
	(5, 'triage over the API', 'SELECT acme_api.triage(''{' || :a || '}'', ''acknowledge'', note => ''x'')'),
	(6, 'triage past the log', 'UPDATE acme.alert SET state = ''acknowledged'''),
	(24, 'triage past the function', 'INSERT INTO acme.triage_log (alert_id, action, note) VALUES (' || :a || ', ''acknowledge'', ''x'')'),
	(7, 'change what an alert says', 'UPDATE acme.alert SET severity = 1'),
	(8, 'verify the log', 'SELECT * FROM anomaly_verify_log(''acme'')'),
	(9, 'tidy up the log', 'DELETE FROM acme.triage_log'),
	(10, 'suppress over the API', 'SELECT acme_api.suppress(''x'', source => ''10.0.0.66'')'),
	(11, 'suppress', 'SELECT anomaly_suppress(''acme'', ''x'', source => ''10.0.0.66'')'),
	(12, 'preview a threshold over the API', 'SELECT * FROM acme_api.preview_threshold(' || :w || ', ''budget'', 5, ''2026-01-05'', ''2026-01-06'')'),
	(13, 'set a threshold over the API', 'SELECT * FROM acme_api.set_threshold(' || :w || ', ''severity'', 25, ''2026-01-05'', ''2026-01-06'')'),
	(14, 'watch', 'SELECT anomaly_watch(''acme'', ''acme'', alert_flows => 3)'),
	(15, 'end a watch', 'SELECT anomaly_unwatch(''acme'', ' || :w || ')'),
	(16, 'edit a rule', 'UPDATE acme.threat_condition SET threshold = 1'),
	(17, 'train', 'SELECT anomaly_train(''mine'', ''SELECT * FROM acme.flow_feature'', features => anomaly_flow_features())'),
	(18, 'score', 'SELECT anomaly_score(''acme'', f) FROM acme.flow_feature f LIMIT 1'),
	(19, 'load flows', 'INSERT INTO acme.flow SELECT f.* FROM generate_series(1, 90) i, hand.flow(timestamptz ''2026-01-05 10:02'' + interval ''0.1 s'' * i, ''10.0.0.66'', ''10.0.0.5'', i, 6, 4, 0, 0, 1, 1, 2) f'),
	(20, 'note a capture', 'INSERT INTO acme.capture (source, state) VALUES (''x'', ''loading'')'),
	(21, 'delete flows', 'DELETE FROM acme.flow'),
	(22, 'make a chunk', 'SELECT anomaly_ensure_chunks(''acme'', ''2027-01-05'', ''2027-01-05'')'),
	(23, 'drop the store', 'SELECT anomaly_drop_flow_store(''acme'')')) a(n, action, statement);
GRANT USAGE ON SCHEMA hand, shape TO acme_loader, acme_viewer, acme_analyst;
SELECT action, hand.attempt('acme_viewer', statement) AS viewer, hand.attempt('acme_analyst', statement) AS analyst,
	   hand.attempt('acme_admin', statement) AS admin, hand.attempt('acme_loader', statement) AS loader FROM hand.action ORDER BY n;
-- a load by the loader goes all the way: a closed alert is open again, nothing failed
SELECT anomaly_triage('acme', ARRAY[:a], 'close', 'true_positive');
SELECT CASE WHEN r = session_user THEN 'owner' ELSE r END AS role, hand.attempt(r, 'DELETE FROM acme.alert WHERE triage_id IS NOT NULL') AS delete_decided
FROM unnest(ARRAY['acme_analyst', 'acme_admin', 'acme_loader', session_user]) r;
BEGIN;
SET LOCAL ROLE acme_loader;
INSERT INTO acme.flow SELECT f.* FROM generate_series(1, 90) i, hand.flow(timestamptz '2026-01-05 10:02' + interval '0.1 s' * i, '10.0.0.66', '10.0.0.5', i, 6, 4, 0, 0, 1, 1, 2) f;
COMMIT;
SELECT state, flow_count, t.error, w.error AS watch_error FROM acme.alert, acme.tally t, acme.watch w;
SELECT action, acting_role FROM acme.triage_log ORDER BY id DESC LIMIT 1;

-- Tenants: each group of one store, tried at every relation of the other.
SELECT count(*) AS relations FROM hand.object WHERE nspname <> 'anomaly' \gset
SELECT k, count(*) = :relations AS tried, count(*) FILTER (WHERE hand.attempt(('bolt_' || k)::name, format('SELECT * FROM %s LIMIT 1', object)) <> '-') AS readable,
	   count(*) FILTER (WHERE hand.attempt(('bolt_' || k)::name, format('DELETE FROM %s', object)) <> '-') AS deletable
FROM hand.object, unnest('{viewer,analyst,admin,loader}'::text[]) k WHERE nspname <> 'anomaly' GROUP BY 1 ORDER BY 1;
SELECT k, hand.attempt(('bolt_' || k)::name, 'SELECT anomaly_triage(''acme'', ''{1}'', ''acknowledge'')') AS triage,
	   hand.attempt(('bolt_' || k)::name, 'SELECT anomaly_suppress(''acme'', ''x'', source => ''10.0.0.1'')') AS suppress,
	   hand.attempt(('bolt_' || k)::name, 'SELECT acme_api.triage(''{1}'', ''acknowledge'')') AS api
FROM unnest('{viewer,analyst,admin,loader}'::text[]) k ORDER BY 1;
SET ROLE bolt_admin;
SELECT name FROM anomaly.flow_store;
SELECT anomaly_triage('acme', '{1}', 'acknowledge');		-- not even its name
SELECT anomaly_triage('cog', '{1}', 'acknowledge');
RESET ROLE;
SELECT count(*) > 2 AS owner_sees_all FROM anomaly.flow_store;

-- Row-level security of a user's table holds for training and for scoring.
CREATE TABLE hand.reading (tenant name, x float8, y float8);
INSERT INTO hand.reading SELECT CASE WHEN i % 3 = 0 THEN 'acme_admin' ELSE 'bolt_admin' END, hand.draw('x', i), CASE WHEN i % 3 = 0 THEN 1 ELSE 1000 END * hand.draw('y', i)
FROM generate_series(1, 900) i;
ALTER TABLE hand.reading ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON hand.reading USING (tenant = current_user);
GRANT USAGE ON SCHEMA hand TO acme_admin, bolt_admin;
GRANT SELECT ON hand.reading TO acme_admin, bolt_admin;
SET ROLE acme_admin;
SELECT rows_used FROM anomaly_train('reading', 'SELECT x, y FROM hand.reading');
SELECT failed, challenger FROM anomaly_retrain('reading');
SELECT count(*), max((d."row").y) <= 1 AS own FROM anomaly_detect_query('reading', 'SELECT * FROM hand.reading', NULL::hand.reading) d;
SELECT count(anomaly_score('reading', r)) FROM hand.reading r;
SELECT rows FROM anomaly_evaluate('reading', 'SELECT x, y, false AS odd FROM hand.reading', 'odd');
SET ROLE bolt_admin;
SELECT count(*), min((d."row").tenant) AS own FROM anomaly_detect_query('reading', 'SELECT * FROM hand.reading', NULL::hand.reading) d;
RESET ROLE;
-- the model is that of the visible rows: trained on them alone it is the same
SELECT rows_used FROM anomaly_train('same', 'SELECT x, y FROM hand.reading WHERE tenant = ''acme_admin''');
SELECT count(DISTINCT body::text) FROM anomaly.model_version WHERE model IN ('reading', 'same') AND version = 1;
SELECT anomaly_drop(m) FROM unnest('{acme,reading,same}'::text[]) m;
DROP TABLE hand.reading;

SELECT anomaly_drop_flow_store('acme'), anomaly_drop_flow_store('bolt');
DO $$
DECLARE r name;
BEGIN
	FOR r IN SELECT rolname FROM pg_roles WHERE rolname ~ '^(acme|bolt)_' OR rolname = 'pga_test_viewer' LOOP
		EXECUTE format('DROP OWNED BY %I', r);
		EXECUTE format('DROP ROLE %I', r);
	END LOOP;
END $$;
