-- Making, dropping and looking after flow stores.

CREATE FUNCTION @extschema@.anomaly_create_flow_store(name name = 'netflow',
	partition_interval interval = '1 day', retain interval = NULL) RETURNS name
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF coalesce(name, '') = '' OR partition_interval IS NULL THEN
		RAISE EXCEPTION 'a flow store needs a name and a partition interval' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	IF EXISTS (SELECT FROM anomaly.flow_store s WHERE s.name = anomaly_create_flow_store.name) THEN
		RAISE EXCEPTION 'flow store "%" already exists', name USING ERRCODE = 'duplicate_object';
	END IF;
	IF partition_interval < interval '1 minute' OR date_trunc('minute', partition_interval) <> partition_interval THEN
		RAISE EXCEPTION 'partition interval % is not a whole number of minutes, at least one', partition_interval
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF retain <= interval '0' THEN
		RAISE EXCEPTION 'flows cannot be retained for %', retain USING ERRCODE = 'invalid_parameter_value',
			HINT = 'NULL keeps them forever.';
	END IF;
	INSERT INTO anomaly.flow_store (name, partition_interval, retain, layout)
	VALUES (name, partition_interval, retain, anomaly.store_layout());
	EXECUTE format('CREATE SCHEMA %I', name);
	PERFORM anomaly.make_flow_tables(name);
	PERFORM anomaly.make_rollup_tables(name);
	PERFORM anomaly.make_threat_tables(name);
	PERFORM anomaly.make_detection_tables(name);
	PERFORM anomaly.make_triage_tables(name);
	PERFORM anomaly.make_suppression_tables(name);
	PERFORM anomaly.make_watch_tables(name);
	PERFORM anomaly.make_threshold_tables(name);
	PERFORM anomaly.make_store_views(name);
	PERFORM anomaly.make_flow_trigger(name);
	RETURN name;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_create_flow_store(name, interval, interval) IS
	'makes a flow store: a schema of tables that belong to the caller';

-- Views can be made again over those of an older release.
CREATE FUNCTION anomaly.make_store_views(store name) RETURNS void
LANGUAGE sql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT anomaly.make_feature_view(store);
	SELECT anomaly.make_profile_views(store);
	SELECT anomaly.make_feedback_views(store);
	SELECT anomaly.make_status_views(store);
	SELECT anomaly.make_report_views(store);
$$;
COMMENT ON FUNCTION anomaly.make_store_views(name) IS 'makes the views of a store, or makes them anew';

CREATE FUNCTION @extschema@.anomaly_drop_flow_store(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM anomaly.store(store);
	DELETE FROM anomaly.flow_store s WHERE s.name = store;	-- seen as long as the schema is there
	EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', store || '_api');
	EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', store || '_login');
	EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', store);
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_drop_flow_store(name) IS 'drops a flow store with all it holds, its API and its login';

-- Chunks past the store's retention go, and with them the rollups of their
-- time but the hours.  A chunk in use is left for the next run.
CREATE FUNCTION anomaly.drop_expired(store name, OUT dropped int, OUT trimmed bigint)
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '5s'
AS $$
DECLARE
	cut timestamptz := now() - (anomaly.store(store)).retain;
	edge timestamptz;
	expired record;
BEGIN
	dropped := 0;
	trimmed := 0;
	FOR expired IN
		SELECT f.chunk AS flows, d.chunk AS detections, f.hi
		FROM anomaly.chunks(store, 'flow') f LEFT JOIN anomaly.chunks(store, 'detection') d USING (lo, hi)
		WHERE f.hi <= cut ORDER BY f.hi
	LOOP
		BEGIN
			EXECUTE concat('DROP TABLE ', concat_ws(', ', expired.flows, expired.detections));
			edge := expired.hi;
			dropped := dropped + 1;
		EXCEPTION WHEN lock_not_available THEN
			RAISE NOTICE 'chunk % is in use: left for the next run', expired.flows;
			EXIT;
		END;
	END LOOP;
	IF edge IS NOT NULL THEN
		trimmed := anomaly.trim_rollups(store, edge);
	END IF;
END
$$;
COMMENT ON FUNCTION anomaly.drop_expired(name) IS 'drops the chunks of a store that are past its retention';

CREATE FUNCTION anomaly.trim_rollups(store name, edge timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	trimmed bigint;
BEGIN
	PERFORM anomaly.lock_store(store);
	EXECUTE format($q$
	WITH minutes AS (
		DELETE FROM %1$I.flow_minute WHERE minute < $1 RETURNING flows
	), sources AS (
		DELETE FROM %1$I.source_minute WHERE minute < $1 RETURNING 1
	), targets AS (
		DELETE FROM %1$I.target_minute WHERE minute < $1 RETURNING 1
	), days AS (
		DELETE FROM %1$I.source_day WHERE day + interval '1 day' <= $1 RETURNING 1
	), services AS (
		DELETE FROM %1$I.service_day WHERE day + interval '1 day' <= $1 RETURNING 1
	), peers AS (
		DELETE FROM %1$I.peer_day WHERE day + interval '1 day' <= $1 RETURNING 1
	), scores AS (
		DELETE FROM %1$I.score_hour WHERE hour + interval '1 hour' <= $1 RETURNING 1
	), counted AS (
		UPDATE %1$I.tally t
		SET revision = t.revision + 1, flows = t.flows - (SELECT coalesce(sum(m.flows), 0) FROM minutes m),
			detections = (SELECT count(*) FROM %1$I.detection),
			first_flow = (SELECT min(m.minute) FROM %1$I.flow_minute m WHERE m.minute >= $1)
	)
	SELECT (SELECT count(*) FROM minutes) + (SELECT count(*) FROM sources)
		 + (SELECT count(*) FROM targets) + (SELECT count(*) FROM days)
		 + (SELECT count(*) FROM services) + (SELECT count(*) FROM peers) + (SELECT count(*) FROM scores)
	$q$, store) INTO trimmed USING edge;
	RETURN trimmed;
END
$$;
COMMENT ON FUNCTION anomaly.trim_rollups(name, timestamptz) IS 'deletes the rollups and windows of a store from before a time';

CREATE FUNCTION @extschema@.anomaly_maintain(store name, OUT chunks_made int, OUT chunks_dropped int, OUT rows_trimmed bigint)
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	chunks_made := 0;
	chunks_dropped := 0;
	rows_trimmed := 0;
	IF pg_is_in_recovery() THEN
		RETURN;
	END IF;
	chunks_made := @extschema@.anomaly_ensure_chunks(store, now(), now() + (anomaly.store(store)).partition_interval);
	-- Who comes second finds the work done.
	PERFORM pg_advisory_xact_lock(hashtextextended('pg_anomaly chunks of ' || store, 0));
	SELECT dropped, trimmed INTO chunks_dropped, rows_trimmed FROM anomaly.drop_expired(store);
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_maintain(name) IS
	'makes the chunks that are due, drops those past retention; says what it did; does nothing on a standby';
