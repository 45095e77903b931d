-- Login to the API, without a server of its own.
--
-- PostgREST verifies signed tokens; someone has to hand them out.  That is
-- <store>_api.login: it has the password checked, and sets the token as a cookie
-- that scripts cannot read; nginx makes the cookie a bearer token again.  What
-- it takes lies in the schema <store>_login, of the role <store>_login:
--
--   api_user       who may log in, as analyst or admin; passwords as bcrypt's hash
--   signing        the key of the tokens (HS256, RFC 7515 and 7519)
--   ended_session  tokens logged out of before their end, by their id (jti)
--   open_session   checks a password and makes a token
--   check_request  refuses tokens without end, for others, or of sessions ended
--   pgrst_config   tells PostgREST the key
--   session_cookie has an answer set the cookie
--
-- open_session is SECURITY DEFINER, the only function that is: whoever is not
-- logged in yet must have a password compared with a hash, and a token signed
-- with a key, that nobody may read.  Its owner can do nothing but that.
--
-- crypt and hmac are pgcrypto's: a slow hash in SQL would be slow for us alone.

CREATE FUNCTION anomaly.login_schema(store name) RETURNS name
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM anomaly.store(store);
	IF to_regclass(format('%I.api_user', store || '_login')) IS NULL THEN
		RAISE EXCEPTION 'flow store "%" has no login', store USING ERRCODE = 'undefined_object',
			HINT = 'Call anomaly_create_login first.';
	END IF;
	RETURN store || '_login';
END
$$;
COMMENT ON FUNCTION anomaly.login_schema(name) IS 'schema of a store''s login; error where there is none';

-- The schema that pgcrypto is in, for a role that will call it.
CREATE FUNCTION anomaly.crypto_schema() RETURNS name
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	crypto name;
BEGIN
	SELECT n.nspname INTO crypto FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pgcrypto';
	IF crypto IS NULL THEN
		RAISE EXCEPTION 'login to the API needs the extension "pgcrypto"' USING ERRCODE = 'undefined_object',
			HINT = 'CREATE EXTENSION pgcrypto; it comes with PostgreSQL.';
	END IF;
	RETURN crypto;
END
$$;
COMMENT ON FUNCTION anomaly.crypto_schema() IS 'schema of pgcrypto; error where it is missing';

CREATE FUNCTION anomaly.make_login_tables(login name, crypto name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE TABLE %1$I.api_user (
		name text PRIMARY KEY,
		kind text NOT NULL CHECK (kind IN ('analyst', 'admin')),
		hash text NOT NULL,
		created_at timestamptz NOT NULL DEFAULT now(),
		sessions_from timestamptz NOT NULL DEFAULT now(),
		last_login timestamptz,
		failures int NOT NULL DEFAULT 0,
		waits_until timestamptz
	);
	COMMENT ON TABLE %1$I.api_user IS 'who may log in to the API';
	COMMENT ON COLUMN %1$I.api_user.hash IS 'bcrypt''s hash of the password';
	COMMENT ON COLUMN %1$I.api_user.sessions_from IS 'tokens from before are refused';
	COMMENT ON COLUMN %1$I.api_user.failures IS 'wrong passwords since the last right one';
	COMMENT ON COLUMN %1$I.api_user.waits_until IS 'no password is looked at before';
	CREATE TABLE %1$I.signing (
		only_row bool PRIMARY KEY DEFAULT true CHECK (only_row),
		key text NOT NULL,
		decoy text NOT NULL
	);
	COMMENT ON TABLE %1$I.signing IS 'one row: key of the tokens, and a hash to compare with where there is no such user';
	INSERT INTO %1$I.signing (key, decoy)
	VALUES (encode(%2$I.gen_random_bytes(32), 'hex'), %2$I.crypt(encode(%2$I.gen_random_bytes(32), 'hex'), %2$I.gen_salt('bf', 10)));
	CREATE TABLE %1$I.ended_session (
		token_id uuid PRIMARY KEY,
		ends_at timestamptz NOT NULL
	);
	COMMENT ON TABLE %1$I.ended_session IS 'tokens that somebody logged out of';
	COMMENT ON COLUMN %1$I.ended_session.ends_at IS 'end of the token itself; some time after it the row is gone';
	ALTER TABLE %1$I.api_user OWNER TO %1$I;
	ALTER TABLE %1$I.signing OWNER TO %1$I;
	ALTER TABLE %1$I.ended_session OWNER TO %1$I;
	$ddl$, login, crypto);
END
$$;
COMMENT ON FUNCTION anomaly.make_login_tables(name, name) IS 'makes the tables of a store''s login';

-- After five wrong passwords each further one makes its user wait: 1, 2, 4, ... up
-- to 60 seconds, in which no password is looked at.  A wrong name costs the same
-- time as a wrong password.
CREATE FUNCTION anomaly.make_login_session(store name, login name, crypto name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE OR REPLACE FUNCTION %2$I.token(claims jsonb, key text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $f$
		SELECT signed.body || '.' || translate(encode(%3$I.hmac(signed.body, key, 'sha256'), 'base64'), E'+/=\n', '-_')
		FROM (SELECT string_agg(translate(encode(convert_to(part, 'UTF8'), 'base64'), E'+/=\n', '-_'), '.' ORDER BY n) AS body
			  FROM (VALUES (1, '{"alg":"HS256","typ":"JWT"}'), (2, claims::text)) part (n, part)) signed
	$f$;
	COMMENT ON FUNCTION %2$I.token(jsonb, text) IS 'a JSON Web Token, signed by HMAC-SHA256';
	REVOKE EXECUTE ON FUNCTION %2$I.token(jsonb, text) FROM PUBLIC;
	ALTER FUNCTION %2$I.token(jsonb, text) OWNER TO %2$I;

	CREATE OR REPLACE FUNCTION %2$I.open_session(username text, password text, OUT token text, OUT seconds int, OUT wait int)
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $f$
	DECLARE
		known %2$I.api_user;
		now_is CONSTANT timestamptz := clock_timestamp();
		sign %2$I.signing;
		lasts CONSTANT int := 8 * 3600;
	BEGIN
		SELECT * INTO sign FROM %2$I.signing;
		SELECT * INTO known FROM %2$I.api_user u WHERE u.name = username FOR NO KEY UPDATE;
		IF known.waits_until > now_is THEN
			wait := ceil(extract(epoch FROM known.waits_until - now_is));
			RETURN;
		END IF;
		IF %3$I.crypt(left(coalesce(password, ''), 72), coalesce(known.hash, sign.decoy)) IS DISTINCT FROM known.hash THEN
			UPDATE %2$I.api_user u SET failures = u.failures + 1,
				waits_until = CASE WHEN u.failures >= 4 THEN now_is + make_interval(secs => least(power(2, least(u.failures - 4, 6)), 60)) END
			WHERE u.name = known.name;
			RETURN;
		END IF;
		UPDATE %2$I.api_user u SET failures = 0, waits_until = NULL, last_login = now_is WHERE u.name = known.name;
		DELETE FROM %2$I.ended_session e WHERE e.ends_at < now_is - interval '1 hour';
		seconds := lasts;
		token := %2$I.token(jsonb_build_object('role', %1$L || '_' || known.kind, 'sub', known.name, 'aud', %1$L::text, 'jti', gen_random_uuid(),
			'iat', extract(epoch FROM now_is)::bigint, 'exp', extract(epoch FROM now_is)::bigint + lasts), sign.key);
	END
	$f$;
	COMMENT ON FUNCTION %2$I.open_session(text, text) IS
		'a token for a user with the right password, and the seconds it lasts; without: the seconds to wait, NULL after a wrong password';
	REVOKE EXECUTE ON FUNCTION %2$I.open_session(text, text) FROM PUBLIC;
	ALTER FUNCTION %2$I.open_session(text, text) OWNER TO %2$I;
	$ddl$, store, login, crypto);
END
$$;
COMMENT ON FUNCTION anomaly.make_login_session(name, name, name) IS 'makes the functions that hand out tokens';

-- What PostgREST asks: db-pre-config when it starts, and before each request; and
-- what it answers.
CREATE FUNCTION anomaly.make_login_checks(store name, login name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE OR REPLACE FUNCTION %2$I.pgrst_config() RETURNS void
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $f$
		SELECT set_config('pgrst.jwt_secret', key, true), set_config('pgrst.jwt_aud', %1$L, true),
			   set_config('pgrst.db_pre_request', %2$L || '.check_request', true)
		FROM %2$I.signing
	$f$;
	COMMENT ON FUNCTION %2$I.pgrst_config() IS 'for PostgREST''s db-pre-config';
	REVOKE EXECUTE ON FUNCTION %2$I.pgrst_config() FROM PUBLIC;
	ALTER FUNCTION %2$I.pgrst_config() OWNER TO %2$I;

	CREATE OR REPLACE FUNCTION %2$I.check_request() RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $f$
	DECLARE
		claims CONSTANT jsonb := nullif(current_setting('request.jwt.claims', true), '')::jsonb;
	BEGIN
		IF coalesce(claims ->> 'role', '') NOT IN (%1$L || '_analyst', %1$L || '_admin') THEN
			RETURN;		-- a viewer
		END IF;
		IF claims ->> 'aud' = %1$L AND claims ->> 'exp' IS NOT NULL AND claims ->> 'jti' IS NOT NULL AND EXISTS (
			SELECT FROM %2$I.api_user u
			WHERE u.name = claims ->> 'sub' AND %1$L || '_' || u.kind = claims ->> 'role'
			  AND (claims ->> 'iat')::float8 >= floor(extract(epoch FROM u.sessions_from)))
		  AND NOT EXISTS (SELECT FROM %2$I.ended_session e WHERE e.token_id = (claims ->> 'jti')::uuid) THEN
			RETURN;
		END IF;
		RAISE EXCEPTION 'the session has ended' USING ERRCODE = 'PT401', HINT = 'Log in again.';
	END
	$f$;
	COMMENT ON FUNCTION %2$I.check_request() IS 'for PostgREST''s db-pre-request: error (PT401) unless a token is one of ours that is still good';
	REVOKE EXECUTE ON FUNCTION %2$I.check_request() FROM PUBLIC;
	ALTER FUNCTION %2$I.check_request() OWNER TO %2$I;

	CREATE OR REPLACE FUNCTION %2$I.session_cookie(token text, seconds int) RETURNS void
	LANGUAGE sql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $f$
		SELECT set_config('response.headers', json_build_array(json_build_object('Set-Cookie', format(
			'pg_anomaly=%%s; Path=/api/; Max-Age=%%s; HttpOnly; SameSite=Strict', token, seconds)
			|| CASE WHEN current_setting('request.headers', true)::json ->> 'x-forwarded-proto' = 'https' THEN '; Secure' ELSE '' END))::text, true)
	$f$;
	COMMENT ON FUNCTION %2$I.session_cookie(text, int) IS 'has the answer set the cookie that holds a token, over https for https alone';
	REVOKE EXECUTE ON FUNCTION %2$I.session_cookie(text, int) FROM PUBLIC;
	ALTER FUNCTION %2$I.session_cookie(text, int) OWNER TO %2$I;
	$ddl$, store, login);
END
$$;
COMMENT ON FUNCTION anomaly.make_login_checks(name, name) IS 'makes the functions for PostgREST';

-- The API's part.  A wrong password is no error: that would take back its count.
CREATE FUNCTION anomaly.make_api_login(store name, api name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	login CONSTANT name := store || '_login';
	made regprocedure;
	reader text;
BEGIN
	IF to_regclass(format('%I.api_user', login)) IS NULL OR to_regprocedure(format('%I.login(text, text)', api)) IS NOT NULL THEN
		RETURN;
	END IF;
	EXECUTE format($ddl$
	CREATE FUNCTION %1$I.login(username text, password text) RETURNS json
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $f$
	DECLARE
		opened record;
	BEGIN
		SELECT * INTO opened FROM %2$I.open_session(username, password);
		IF opened.token IS NOT NULL THEN
			PERFORM %2$I.session_cookie(opened.token, opened.seconds);
			RETURN json_build_object('seconds', opened.seconds);
		END IF;
		PERFORM set_config('response.status', CASE WHEN opened.wait IS NULL THEN '401' ELSE '429' END, true);
		RETURN CASE WHEN opened.wait IS NULL THEN json_build_object('message', 'wrong name or password')
			ELSE json_build_object('message', 'too many wrong passwords', 'hint', format('Try again in %%s s.', opened.wait)) END;
	END
	$f$;
	COMMENT ON FUNCTION %1$I.login(text, text) IS 'sets the cookie of a session and gives the seconds it lasts; else status 401 or 429 with a message';

	CREATE FUNCTION %1$I.logout() RETURNS void
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $f$ SELECT %2$I.session_cookie('', 0) $f$;
	COMMENT ON FUNCTION %1$I.logout() IS 'takes the cookie of the session away, whatever it holds; end_session() ends the session itself';

	CREATE FUNCTION %1$I.end_session() RETURNS void
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $f$
		INSERT INTO %2$I.ended_session (token_id, ends_at)
		SELECT (c.claims ->> 'jti')::uuid, to_timestamp((c.claims ->> 'exp')::float8)
		FROM (SELECT current_setting('request.jwt.claims')::jsonb AS claims) c
		ON CONFLICT DO NOTHING;
		SELECT %2$I.session_cookie('', 0)
	$f$;
	COMMENT ON FUNCTION %1$I.end_session() IS 'ends the session of who asks: its token is refused from now on, and its cookie taken away';
	$ddl$, api, login);
	FOREACH made IN ARRAY ARRAY[format('%I.login(text,text)', api), format('%I.logout()', api), format('%I.end_session()', api)]::regprocedure[] LOOP
		EXECUTE format('ALTER FUNCTION %s OWNER TO %s', made, (SELECT nspowner::regrole FROM pg_namespace WHERE nspname = api));
		EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', made);
	END LOOP;
	EXECUTE format('GRANT EXECUTE ON FUNCTION %I.end_session() TO %I', api, store || '_analyst');
	FOREACH made IN ARRAY ARRAY[format('%I.login(text,text)', api), format('%I.logout()', api)]::regprocedure[] LOOP
		FOR reader IN SELECT * FROM anomaly.api_readers(api) LOOP
			EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', made, reader);
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION anomaly.make_api_login(name, name) IS 'makes login, logout and end_session of an API schema, when the store has a login';

CREATE FUNCTION anomaly.api_readers(api name) RETURNS SETOF text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT r.grantee::regrole::text FROM pg_namespace n, aclexplode(n.nspacl) r
	WHERE n.nspname = api AND r.privilege_type = 'USAGE' AND r.grantee NOT IN (0, n.nspowner)
$$;
COMMENT ON FUNCTION anomaly.api_readers(name) IS 'roles, quoted, that an API schema is for';

CREATE FUNCTION @extschema@.anomaly_create_login(store name, web name = 'anomaly_web') RETURNS name
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	login CONSTANT name := store || '_login';
	api CONSTANT name := store || '_api';
	crypto CONSTANT name := anomaly.crypto_schema();
	reader text;
	missing name;
BEGIN
	PERFORM anomaly.store(store);
	IF to_regnamespace(quote_ident(api)) IS NULL THEN
		RAISE EXCEPTION 'flow store "%" has no API', store USING ERRCODE = 'undefined_object', HINT = 'Call anomaly_create_api first.';
	END IF;
	SELECT r.role INTO missing FROM anomaly.store_roles(store) r WHERE to_regrole(quote_ident(r.role)) IS NULL LIMIT 1;
	IF missing IS NOT NULL THEN
		RAISE EXCEPTION 'role "%" does not exist', missing USING ERRCODE = 'undefined_object', HINT = 'Call anomaly_create_roles first.';
	END IF;
	IF to_regrole(quote_ident(web)) IS NULL THEN
		RAISE EXCEPTION 'role "%" does not exist', web USING ERRCODE = 'undefined_object',
			HINT = 'Create the role that PostgREST logs in as first, with LOGIN NOINHERIT.';
	END IF;
	IF to_regclass(format('%I.api_user', login)) IS NULL THEN
		IF to_regrole(quote_ident(login)) IS NULL THEN
			EXECUTE format('CREATE ROLE %I NOLOGIN', login);
		END IF;
		EXECUTE format('GRANT %I TO CURRENT_USER', login);
		EXECUTE format('CREATE SCHEMA %I AUTHORIZATION %I', login, login);
		EXECUTE format('COMMENT ON SCHEMA %I IS %L', login, 'who may log in to the API of flow store ' || store);
		IF NOT has_schema_privilege(login, crypto, 'USAGE') THEN
			EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', crypto, login);
		END IF;
		PERFORM anomaly.make_login_tables(login, crypto);
		PERFORM anomaly.make_login_session(store, login, crypto);
		PERFORM anomaly.make_login_checks(store, login);
	END IF;
	FOR reader IN SELECT * FROM anomaly.api_readers(api) LOOP
		EXECUTE format('GRANT USAGE ON SCHEMA %I TO %s', login, reader);
		EXECUTE format('GRANT EXECUTE ON FUNCTION %1$I.open_session(text, text), %1$I.session_cookie(text, int), %1$I.check_request() TO %2$s', login, reader);
	END LOOP;
	EXECUTE format('GRANT SELECT (name, kind, sessions_from) ON %I.api_user TO %I', login, store || '_analyst');
	EXECUTE format('GRANT SELECT (token_id), INSERT ON %I.ended_session TO %I', login, store || '_analyst');
	EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', login, web);
	EXECUTE format('GRANT EXECUTE ON FUNCTION %I.pgrst_config() TO %I', login, web);
	EXECUTE format('GRANT SELECT (key) ON %I.signing TO %I', login, web);
	EXECUTE format('GRANT %I, %I TO %I', store || '_analyst', store || '_admin', web);
	-- of PostgREST alone: nobody logs in to the server as a group
	EXECUTE format('ALTER ROLE %I SET statement_timeout = ''5s''', store || '_analyst');
	EXECUTE format('ALTER ROLE %I SET statement_timeout = ''60s''', store || '_admin');
	EXECUTE format('ALTER ROLE %I SET jit = off', store || '_analyst');
	EXECUTE format('ALTER ROLE %I SET jit = off', store || '_admin');
	PERFORM anomaly.make_api_login(store, api);
	PERFORM pg_notify('pgrst', 'reload config'), pg_notify('pgrst', 'reload schema');
	RETURN login;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_create_login(name, name) IS
'makes the schema <store>_login and login and logout of the API; again after another viewer was given the API
web: PostgREST''s login, which becomes <store>_analyst and <store>_admin and may read the key; set db-pre-config to <store>_login.pgrst_config
Requests of an analyst end after 5 s, of an admin after 60.
Needs pgcrypto, the store''s API and roles, CREATEROLE';

CREATE FUNCTION @extschema@.anomaly_set_login(store name, username text, kind text, password text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	login CONSTANT name := anomaly.login_schema(store);
	crypto CONSTANT name := anomaly.crypto_schema();
BEGIN
	IF coalesce(username !~ '^[[:alnum:]_.@-]{1,63}$', true) THEN
		RAISE EXCEPTION 'a user named "%"', coalesce(username, 'NULL') USING ERRCODE = 'invalid_name',
			HINT = 'Names are 1 to 63 letters, digits, underscores, dots, hyphens and @.';
	ELSIF kind IS NULL OR kind NOT IN ('analyst', 'admin') THEN
		RAISE EXCEPTION 'unknown kind of user "%"', coalesce(kind, 'NULL') USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Kinds are: analyst, admin; viewers need no login.';
	ELSIF coalesce(octet_length(password), 0) NOT BETWEEN 12 AND 72 THEN
		RAISE EXCEPTION 'a password of % bytes: it can have 12 to 72', coalesce(octet_length(password), 0) USING ERRCODE = 'invalid_password';
	END IF;
	EXECUTE format($q$
		INSERT INTO %1$I.api_user (name, kind, hash) VALUES ($1, $2, %2$I.crypt($3, %2$I.gen_salt('bf', 10)))
		ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, hash = excluded.hash, sessions_from = excluded.sessions_from,
			failures = 0, waits_until = NULL$q$, login, crypto) USING username, kind, password;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_set_login(name, text, text, text) IS
'lets a user log in to the API as analyst or admin, or gives it another password (12 to 72 bytes), which ends its sessions
The statement holds the password: keep it out of logs and histories.';

CREATE FUNCTION @extschema@.anomaly_drop_login(store name, username text) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	gone text;
BEGIN
	EXECUTE format('DELETE FROM %I.api_user WHERE name = $1 RETURNING name', anomaly.login_schema(store)) INTO gone USING username;
	IF gone IS NULL THEN
		RAISE EXCEPTION 'flow store "%" has no user "%"', store, username USING ERRCODE = 'undefined_object';
	END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_drop_login(name, text) IS 'ends a user of the API, and its sessions';

CREATE FUNCTION @extschema@.anomaly_end_sessions(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('UPDATE %I.signing SET key = encode(%I.gen_random_bytes(32), ''hex'')', anomaly.login_schema(store), anomaly.crypto_schema());
	PERFORM pg_notify('pgrst', 'reload config');
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_end_sessions(name) IS 'ends all sessions of a store''s API: tokens get a new key';
