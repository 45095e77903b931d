-- What the API lets people change: triage, suppressions, thresholds, and flows
-- that they bring.
--
-- Thin functions over those of the extension, with the caller's rights: a role
-- that may not triage gets 42501 from the store, whatever the API shows it.
-- The groups of 95_roles.sql may call them, the viewer role may not.

CREATE FUNCTION anomaly.make_api_write(store name, api name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE FUNCTION %1$I.triage(alerts int8[], action text, resolution text = NULL, assignee text = NULL, note text = NULL) RETURNS int
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $f$ SELECT @extschema@.anomaly_triage(%2$L, alerts, action, resolution, assignee, note) $f$;
	COMMENT ON FUNCTION %1$I.triage(int8[], text, text, text, text) IS 'decides about alerts; says how many changed';

	CREATE FUNCTION %1$I.suppress(reason text, source cidr = NULL, target cidr = NULL, ports int[] = NULL, protocol int = NULL,
		threat text = NULL, rule text = NULL, model text = NULL, expires_at timestamptz = now() + interval '30 days') RETURNS int
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $f$ SELECT @extschema@.anomaly_suppress(%2$L, reason, source, target, ports, protocol, threat, rule, model, expires_at) $f$;
	COMMENT ON FUNCTION %1$I.suppress(text, cidr, cidr, int[], int, text, text, text, timestamptz) IS 'makes a suppression; gives its number';

	CREATE FUNCTION %1$I.unsuppress(id int) RETURNS void
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $f$ SELECT @extschema@.anomaly_unsuppress(%2$L, id) $f$;
	COMMENT ON FUNCTION %1$I.unsuppress(int) IS 'ends a suppression';

	CREATE FUNCTION %1$I.preview_threshold(watch_id int, kind text, value float8, t0 timestamptz, t1 timestamptz,
		OUT flows bigint, OUT alerts bigint, OUT alerts_before bigint, OUT p_value float8)
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $f$ SELECT * FROM @extschema@.anomaly_preview_threshold(%2$L, watch_id, kind, value, t0, t1) $f$;
	COMMENT ON FUNCTION %1$I.preview_threshold(int, text, float8, timestamptz, timestamptz) IS 'flows and alerts that a threshold would give';

	CREATE FUNCTION %1$I.set_threshold(watch_id int, kind text, value float8, t0 timestamptz = NULL, t1 timestamptz = NULL,
		OUT flows bigint, OUT alerts bigint, OUT alerts_before bigint, OUT p_value float8)
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $f$ SELECT * FROM @extschema@.anomaly_set_threshold(%2$L, watch_id, kind, value, t0, t1) $f$;
	COMMENT ON FUNCTION %1$I.set_threshold(int, text, float8, timestamptz, timestamptz) IS 'sets the threshold of a watch';

	CREATE FUNCTION %1$I.import_flows(columns text[], lines text[], source text = 'upload', first_line int8 = 1, delimiter text = ',',
		capture int4 = NULL, last bool = true, sha256 bytea = NULL, OUT import int4, OUT flows int4, OUT rejected int4)
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $f$ SELECT * FROM @extschema@.anomaly_import_flows(%2$L, columns, lines, source, first_line, delimiter, capture, last, sha256) $f$;
	COMMENT ON FUNCTION %1$I.import_flows(text[], text[], text, int8, text, int4, bool, bytea) IS 'takes lines of CSV as flows, sets bad ones aside';
	REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA %1$I FROM PUBLIC;
	$ddl$, api, store);
END
$$;
COMMENT ON FUNCTION anomaly.make_api_write(name, name) IS 'makes the functions of an API schema that change something';
