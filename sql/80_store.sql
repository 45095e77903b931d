-- Making, dropping and looking after flow stores.

CREATE FUNCTION @extschema@.anomaly_create_flow_store(name name = 'netflow',
	partition_interval interval = '1 day', retain interval = NULL) RETURNS name
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO anomaly.flow_store (name, partition_interval, retain)
	VALUES (name, partition_interval, retain);
	EXECUTE format('CREATE SCHEMA %I', name);
	PERFORM anomaly.make_flow_tables(name);
	PERFORM anomaly.make_feature_view(name);
	PERFORM anomaly.make_rollup_tables(name);
	PERFORM anomaly.make_threat_tables(name);
	PERFORM anomaly.make_detection_tables(name);
	PERFORM anomaly.make_watch_tables(name);
	RETURN name;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_create_flow_store(name, interval, interval) IS
	'makes a flow store: a schema of tables that belong to the caller';

CREATE FUNCTION @extschema@.anomaly_drop_flow_store(store name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM anomaly.store(store);
	EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', store || '_api');
	EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', store);
	DELETE FROM anomaly.flow_store s WHERE s.name = store;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_drop_flow_store(name) IS 'drops a flow store with all it holds, and its API';
