-- Login to the API: passwords, tokens, waits, and who may read what of it.
-- Tokens are checked with a second implementation in test/api/login.test.mjs.
SET client_min_messages = warning;
SET timezone = 'UTC';
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT anomaly_create_flow_store('gate');
SELECT anomaly_create_login('gate');					-- pgcrypto, the API and the groups must be there
CREATE EXTENSION pgcrypto;
SELECT anomaly_create_login('gate');
CREATE ROLE pga_test_anon;
CREATE ROLE pga_test_web NOINHERIT;
SELECT anomaly_create_api('gate', 'pga_test_anon');
SELECT anomaly_create_login('gate');
SELECT count(*) FROM anomaly_create_roles('gate');
SELECT anomaly_set_login('gate', 'ann', 'analyst', 'correct horse battery');
\set VERBOSITY default
SELECT anomaly_create_login('gate', 'pga_test_nobody');
\set VERBOSITY terse
SELECT anomaly_create_login('gate', 'pga_test_web');
SELECT anomaly_create_login('gate', 'pga_test_web');	-- again
\set VERBOSITY default
SELECT anomaly_set_login('gate', 'ann', 'viewer', 'correct horse battery');
\set VERBOSITY terse
SELECT anomaly_set_login('gate', 'ann', 'analyst', 'short');
SELECT anomaly_set_login('gate', 'ann', 'analyst', repeat('x', 73));
SELECT anomaly_set_login('gate', 'ann; drop', 'analyst', 'correct horse battery');
SELECT anomaly_set_login('gate', 'ann', 'analyst', 'correct horse battery');
SELECT anomaly_set_login('gate', 'bob', 'admin', 'another fine password');
SELECT name, kind, hash = crypt('correct horse battery', hash) AS right, left(hash, 7) AS scheme FROM gate_login.api_user ORDER BY 1;

-- what is owned by whom, and the one function that runs with its owner's rights
SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace = 'gate_login'::regnamespace AND relkind = 'r' ORDER BY 1;
SELECT proname, proowner::regrole, prosecdef, proconfig FROM pg_proc WHERE pronamespace = 'gate_login'::regnamespace ORDER BY 1;
SELECT proname, prosecdef FROM pg_proc WHERE pronamespace = 'gate_api'::regnamespace AND (prosecdef OR proname LIKE 'log%') ORDER BY 1;
SELECT rolname, rolcanlogin, rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = 'gate_login';
SELECT rolname, array_to_string(ARRAY(SELECT roleid::regrole::text FROM pg_auth_members WHERE member = r.oid ORDER BY 1), ', ') AS becomes
FROM pg_roles r WHERE rolname IN ('gate_login', 'pga_test_web', 'pga_test_anon') ORDER BY 1;
SELECT has_function_privilege('public', oid, 'EXECUTE') AS open_to_all, count(*) FROM pg_proc WHERE pronamespace = 'gate_login'::regnamespace GROUP BY 1;

-- whoever is not logged in can have a password checked, and nothing else
SET ROLE pga_test_anon;
SELECT token IS NOT NULL AS token, seconds, wait FROM gate_login.open_session('ann', 'correct horse battery');
SELECT * FROM gate_login.open_session('ann', 'correct horse batter');
SELECT * FROM gate_login.open_session('ann', NULL);
SELECT * FROM gate_login.open_session('nobody', 'correct horse battery');
SELECT * FROM gate_login.open_session(NULL, NULL);
SELECT * FROM gate_login.api_user;
SELECT * FROM gate_login.signing;
SELECT gate_login.token('{"role": "gate_admin"}', 'x');
SELECT gate_login.pgrst_config();
SELECT anomaly_set_login('gate', 'eve', 'admin', 'correct horse battery');
SELECT version, username, may, has_login, expires_at FROM gate_api.session();
SET ROLE gate_analyst;
SELECT name, kind FROM gate_login.api_user ORDER BY 1;
SELECT hash FROM gate_login.api_user;
SELECT key FROM gate_login.signing;
SELECT may FROM gate_api.session();
SET ROLE pga_test_web;
SELECT gate_login.pgrst_config(), current_setting('pgrst.jwt_aud', true) AS aud, length(current_setting('pgrst.jwt_secret', true)) AS key;
BEGIN;
SELECT gate_login.pgrst_config();
SELECT current_setting('pgrst.jwt_aud') AS aud, length(current_setting('pgrst.jwt_secret')) AS key, current_setting('pgrst.db_pre_request') AS check;
COMMIT;
SELECT decoy FROM gate_login.signing;
RESET ROLE;

-- five wrong passwords are free, then there is a wait, in which the right one waits too
UPDATE gate_login.api_user SET failures = 0;
SELECT count(*), count(token) FROM generate_series(1, 5) i, LATERAL gate_login.open_session('bob', 'wrong ' || i) o;
SELECT failures, waits_until IS NOT NULL AS waits FROM gate_login.api_user WHERE name = 'bob';
UPDATE gate_login.api_user SET waits_until = clock_timestamp() + interval '1 hour' WHERE name = 'bob';
SELECT token, wait BETWEEN 3000 AND 3600 AS waits FROM gate_login.open_session('bob', 'another fine password');
SELECT failures FROM gate_login.api_user WHERE name = 'bob';		-- nobody looked
UPDATE gate_login.api_user SET failures = 1000, waits_until = NULL;
SELECT token FROM gate_login.open_session('bob', 'wrong');
SELECT failures, waits_until - clock_timestamp() <= interval '60 seconds' AS at_most_60 FROM gate_login.api_user WHERE name = 'bob';
UPDATE gate_login.api_user SET waits_until = clock_timestamp() - interval '1 second';
SELECT token IS NOT NULL AS token FROM gate_login.open_session('bob', 'another fine password');
SELECT failures, waits_until FROM gate_login.api_user WHERE name = 'bob';

-- tokens that PostgREST found well signed, and what becomes of them
CREATE FUNCTION public.try_claims(claims jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('request.jwt.claims', claims::text, true);
	PERFORM gate_login.check_request();
	RETURN 'let in';
EXCEPTION WHEN SQLSTATE 'PT401' THEN
	RETURN SQLERRM;
END
$$;
SET ROLE gate_analyst;
SELECT what, public.try_claims(jsonb_build_object('role', 'gate_analyst', 'sub', 'ann', 'aud', 'gate', 'iat', extract(epoch FROM now())::bigint, 'exp', 1,
	'jti', '00000000-0000-4000-8000-000000000001') || change)
FROM (VALUES ('as issued', '{}'::jsonb), ('a viewer', '{"role": "pga_test_anon", "sub": null}'), ('another store''s', '{"aud": "acme"}'),
	('no audience', '{"aud": null}'), ('another role than the user''s', '{"role": "gate_admin"}'), ('nobody''s', '{"sub": "eve"}'),
	('from before the sessions', '{"iat": 1}'), ('without its time', '{"iat": null}'),
	('without its id', '{"jti": null}'), ('without its end', '{"exp": null}')) t (what, change);
SELECT public.try_claims(jsonb_build_object('role', 'gate_analyst', 'sub', 'ann', 'aud', 'gate', 'iat', extract(epoch FROM now())::bigint,
	'jti', '00000000-0000-4000-8000-000000000001')) AS without_end;
-- a session that is ended stays so, twice or not; another one of its user goes on
BEGIN;
SELECT set_config('request.headers', '{}', true), set_config('request.jwt.claims', jsonb_build_object('jti', '00000000-0000-4000-8000-000000000001', 'exp', 2000000000)::text, true);
SELECT gate_api.end_session();
SELECT gate_api.end_session();
SELECT current_setting('response.headers') AS cookie;
COMMIT;
SELECT n, public.try_claims(jsonb_build_object('role', 'gate_analyst', 'sub', 'ann', 'aud', 'gate', 'iat', extract(epoch FROM now())::bigint, 'exp', 2000000000,
	'jti', '00000000-0000-4000-8000-00000000000' || n)) FROM generate_series(1, 2) n;
UPDATE gate_login.ended_session SET ends_at = now();
DELETE FROM gate_login.ended_session;
SET ROLE pga_test_anon;
SELECT gate_api.end_session();
SELECT * FROM gate_login.ended_session;
RESET ROLE;
SELECT token_id, ends_at FROM gate_login.ended_session;
SELECT public.try_claims('{}') AS nothing;

-- a new password and an end of sessions
SELECT key AS key_before FROM gate_login.signing \gset
SELECT anomaly_end_sessions('gate');
SELECT key <> :'key_before' AS new_key, length(key) FROM gate_login.signing;
SELECT anomaly_drop_login('gate', 'bob');
SELECT anomaly_drop_login('gate', 'bob');
SELECT anomaly_drop_login('nowhere', 'bob');

-- the API made anew has its login again
SELECT anomaly_create_api('gate', 'pga_test_anon');
SET ROLE pga_test_anon;
SELECT has_login, may FROM gate_api.session();
RESET ROLE;

SELECT anomaly_drop_flow_store('gate');
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'gate%';
DO $$
DECLARE r name;
BEGIN
	FOR r IN SELECT rolname FROM pg_roles WHERE rolname ~ '^(gate|pga_test)_' LOOP
		EXECUTE format('DROP OWNED BY %I', r);
		EXECUTE format('DROP ROLE %I', r);
	END LOOP;
END $$;
DROP FUNCTION public.try_claims(jsonb);
DROP EXTENSION pgcrypto;
