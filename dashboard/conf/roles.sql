-- The two roles behind the page.  anomaly_web is PostgREST's login: it owns
-- nothing and inherits nothing, it can only become anomaly_viewer, which may
-- read one store's api schema and nothing else, and (anomaly_create_login) the
-- store's analyst and admin.  PostgREST applies the
-- viewer's settings to each request (db-config = true).
SET client_min_messages = warning;

DO $$
BEGIN
	IF to_regrole('anomaly_viewer') IS NULL THEN
		CREATE ROLE anomaly_viewer NOLOGIN NOINHERIT;
	END IF;
	IF to_regrole('anomaly_web') IS NULL THEN
		CREATE ROLE anomaly_web LOGIN NOINHERIT CONNECTION LIMIT 20;
	END IF;
END
$$;

ALTER ROLE anomaly_viewer SET statement_timeout = '5s';
ALTER ROLE anomaly_viewer SET default_transaction_read_only = on;
ALTER ROLE anomaly_viewer SET jit = off;	-- compiling would take longer than any of these queries
ALTER ROLE anomaly_web SET idle_in_transaction_session_timeout = '30s';
GRANT anomaly_viewer TO anomaly_web;
