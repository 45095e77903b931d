-- Stores of an older release: what ALTER EXTENSION pg_anomaly UPDATE leaves.
--
-- The extension's own functions are replaced by its update script.  A store is
-- its owner's: its tables stay as they were, and its views, its API and its
-- login were made by the release of then.  The layout numbers what a release
-- makes of a store; a store of an older layout is brought up to date by its
-- owner, best in the transaction of the update, so that no batch of flows comes
-- in between.  That transaction locks the store's flow table before anything: the
-- update alters tables that a load under way still reads when it commits.
--
-- How a release with changes is made:
--
--   sql/update/A--B.sql    what its update script does before all functions are
--                          replaced (sql/update.pl): drops functions whose
--                          arguments or results changed, alters the tables of
--                          the schema anomaly
--   anomaly.store_layout() goes up when a table, view, API or login of stores
--                          changed
--   anomaly.upgrade_store_N(store name)
--                          takes the tables of a store from layout N to N + 1,
--                          and drops views whose columns it does not only add
--                          to; not needed where neither changes.  It stays in
--                          all later releases.
--
-- A store upgraded and a store made anew must be the same, save for the order of
-- columns; test/stories/20_upgrade.t goes through it all.

CREATE FUNCTION @extschema@.anomaly_upgrade_flow_store(store name) RETURNS int
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	before CONSTANT int := (anomaly.store(store)).layout;
	wanted CONSTANT int := anomaly.store_layout();
	owner CONSTANT name := (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = store);
BEGIN
	IF owner <> current_user THEN
		RAISE EXCEPTION 'flow store "%" belongs to role "%"', store, owner USING ERRCODE = 'insufficient_privilege',
			HINT = 'SET ROLE to it: what is made anew belongs to whoever makes it.';
	ELSIF before > wanted THEN
		RAISE EXCEPTION 'flow store "%" has layout %, this version of the extension makes %', store, before, wanted
			USING ERRCODE = 'feature_not_supported', HINT = 'ALTER EXTENSION pg_anomaly UPDATE.';
	END IF;
	-- loads under way end first, those that follow wait
	EXECUTE format('LOCK TABLE %I.flow IN SHARE ROW EXCLUSIVE MODE', store);
	FOR layout IN before .. wanted - 1 LOOP
		IF to_regprocedure(format('anomaly.upgrade_store_%s(name)', layout)) IS NOT NULL THEN
			EXECUTE format('SELECT anomaly.upgrade_store_%s($1)', layout) USING store;
		END IF;
	END LOOP;
	PERFORM anomaly.make_store_views(store);
	IF to_regrole(quote_ident(store || '_analyst')) IS NOT NULL THEN
		PERFORM anomaly.grant_store(store);
	END IF;
	PERFORM anomaly.remake_api(store);
	UPDATE anomaly.flow_store s SET layout = wanted WHERE s.name = store;
	RETURN before;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_upgrade_flow_store(name) IS
'brings a flow store of an older release to the layout of this one; returns the layout it had
Makes its views, its API with the same readers, and the functions of its login anew; harmless when it is up to date.
Waits for loads under way, and has others wait. Needs the store''s owner';

-- The API and the login of a store where there are any, for the same readers.
CREATE FUNCTION anomaly.remake_api(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	api CONSTANT name := store || '_api';
	login CONSTANT name := store || '_login';
BEGIN
	IF to_regclass(format('%I.api_user', login)) IS NOT NULL THEN
		PERFORM anomaly.make_login_session(store, login, anomaly.crypto_schema());
		PERFORM anomaly.make_login_checks(store, login);
	END IF;
	IF to_regnamespace(quote_ident(api)) IS NOT NULL THEN
		PERFORM anomaly.make_api(store, ARRAY(SELECT anomaly.api_readers(api)));
		PERFORM pg_notify('pgrst', 'reload schema');
	END IF;
END
$$;
COMMENT ON FUNCTION anomaly.remake_api(name) IS 'makes the API of a store and the functions of its login anew, where there are any';
