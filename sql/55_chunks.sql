-- Chunks: the partitions of flow and detection.
--
-- Both tables are cut at the same instants, whole steps of the store's
-- partition_interval counted from Monday 2001-01-01 00:00 UTC, whatever the
-- session's time zone.  Chunks are made when data for their time arrives, for
-- any date; there is no default partition, so nothing ever has to move.  A
-- changed partition_interval holds for new chunks, which are clipped where
-- old ones begin or end.

CREATE FUNCTION anomaly.chunks(store name, tab name)
RETURNS TABLE (chunk regclass, lo timestamptz, hi timestamptz)
LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 60
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'	-- bounds go through text
SET datestyle = 'ISO'
AS $$
	SELECT c.oid::regclass, b.bound[1]::timestamptz, b.bound[2]::timestamptz
	FROM pg_namespace n
	JOIN pg_class p ON p.relnamespace = n.oid AND p.relname = tab
	JOIN pg_inherits i ON i.inhparent = p.oid
	JOIN pg_class c ON c.oid = i.inhrelid
	CROSS JOIN LATERAL regexp_matches(pg_get_expr(c.relpartbound, c.oid),
		'FROM \(''([^'']+)''\) TO \(''([^'']+)''\)') b(bound)
	WHERE n.nspname = store
$$;
COMMENT ON FUNCTION anomaly.chunks(name, name) IS 'chunks of a table of a store, each holding lo <= start_time < hi';

-- LIKE and ATTACH instead of PARTITION OF: readers and running loads go on.
CREATE FUNCTION anomaly.make_chunk(store name, tab name, lo timestamptz, hi timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
DECLARE
	chunk name := tab || to_char(lo, '_YYYYMMDD')
		|| CASE WHEN date_trunc('day', lo) = lo THEN '' ELSE to_char(lo, '_HH24MI') END;
BEGIN
	EXECUTE format('CREATE TABLE %1$I.%2$I (LIKE %1$I.%3$I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
				   store, chunk, tab);
	EXECUTE format('ALTER TABLE %1$I.%3$I ATTACH PARTITION %1$I.%2$I FOR VALUES FROM (%4$L) TO (%5$L)',
				   store, chunk, tab, lo, hi);
END
$$;
COMMENT ON FUNCTION anomaly.make_chunk(name, name, timestamptz, timestamptz) IS 'makes one chunk of a table of a store';

-- Periods without a chunk in [t0, t1), cut into the chunks they need.
CREATE FUNCTION anomaly.missing_chunks(store name, t0 timestamptz, t1 timestamptz)
RETURNS TABLE (lo timestamptz, hi timestamptz)
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
	origin CONSTANT timestamptz := '2001-01-01 00:00:00+00';
	step interval := make_interval(secs => extract(epoch FROM (anomaly.store(store)).partition_interval));
	most CONSTANT int := 366;
	made int := 0;
	at timestamptz := t0;
	passed timestamptz;			-- end of the chunk that covers at
BEGIN
	WHILE at < t1 LOOP
		SELECT c.hi INTO passed FROM anomaly.chunks(store, 'flow') c WHERE c.lo <= at AND at < c.hi;
		IF NOT FOUND THEN
			lo := origin + step * floor(extract(epoch FROM at - origin) / extract(epoch FROM step));
			hi := lo + step;
			SELECT greatest(missing_chunks.lo, max(c.hi)) INTO lo FROM anomaly.chunks(store, 'flow') c WHERE c.hi <= at;
			SELECT least(missing_chunks.hi, min(c.lo)) INTO hi FROM anomaly.chunks(store, 'flow') c WHERE c.lo > at;
			made := made + 1;
			IF made > most THEN
				RAISE EXCEPTION 'the period from % to % needs more than % chunks of %', t0, t1, most,
					(anomaly.store(store)).partition_interval
					USING ERRCODE = 'program_limit_exceeded',
					HINT = 'Make chunks only for the times that have flows, or choose a longer partition_interval.';
			END IF;
			RETURN NEXT;
			passed := hi;
		END IF;
		at := passed;
	END LOOP;
END
$$;
COMMENT ON FUNCTION anomaly.missing_chunks(name, timestamptz, timestamptz) IS 'chunks that a store lacks for a period';

CREATE FUNCTION @extschema@.anomaly_ensure_chunks(store name, t0 timestamptz, t1 timestamptz) RETURNS int
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	missing record;
	made int := 0;
BEGIN
	IF NOT isfinite(t0) OR NOT isfinite(t1) OR t0 > t1 THEN
		RAISE EXCEPTION 'no period from % to %', t0, t1 USING ERRCODE = 'invalid_parameter_value';
	END IF;
	-- t1 belongs to the period here: callers know the times of their flows.
	t1 := t1 + interval '1 microsecond';
	IF EXISTS (SELECT FROM anomaly.missing_chunks(store, t0, t1)) THEN
		IF NOT pg_has_role((SELECT c.relowner FROM pg_class c WHERE c.oid = to_regclass(format('%I.flow', store))), 'USAGE') THEN
			RAISE EXCEPTION 'flow store "%" has no chunk for %, and role "%" may not make one', store,
				(SELECT to_char(min(m.lo) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') FROM anomaly.missing_chunks(store, t0, t1) m), current_user
				USING ERRCODE = 'insufficient_privilege',
				HINT = format('The store''s owner makes them: SELECT anomaly_ensure_chunks(%L, %L, %L).', store, t0, t1 - interval '1 microsecond');
		END IF;
		-- One maker at a time; who had to wait finds the chunks made.
		PERFORM pg_advisory_xact_lock(hashtextextended('pg_anomaly chunks of ' || store, 0));
		FOR missing IN SELECT * FROM anomaly.missing_chunks(store, t0, t1) LOOP
			PERFORM anomaly.make_chunk(store, 'flow', missing.lo, missing.hi);
			PERFORM anomaly.make_chunk(store, 'detection', missing.lo, missing.hi);
			made := made + 1;
		END LOOP;
	END IF;
	RETURN made;
END
$$;
COMMENT ON FUNCTION @extschema@.anomaly_ensure_chunks(name, timestamptz, timestamptz) IS
	'makes the chunks that flows from t0 up to and including t1 need, and says how many';
