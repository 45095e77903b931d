-- The API, continued: how the store is doing.

CREATE FUNCTION anomaly.make_api_status(store name, api name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format($ddl$
	CREATE VIEW %2$I.health AS SELECT * FROM %1$I.health;
	COMMENT ON VIEW %2$I.health IS 'one row: how the store is doing; dearer than status, not to be polled every second';
	CREATE VIEW %2$I.alarms AS SELECT alarm, subject, since, message FROM %1$I.alarm;
	COMMENT ON VIEW %2$I.alarms IS 'what needs a look: feed, captures, chunks, rules, watches, models, disk';
	CREATE VIEW %2$I.feed AS
		SELECT live, last_arrival, silence, longest_silence, usual_arrivals, missing FROM %1$I.feed;
	COMMENT ON VIEW %2$I.feed IS 'one row: when flows last came, and whether some should have come since';
	CREATE VIEW %2$I.disk AS SELECT kind, relations, bytes, bytes_per_day, trend FROM %1$I.disk;
	COMMENT ON VIEW %2$I.disk IS 'bytes on disk and their growth by kind of relation';
	CREATE VIEW %2$I.captures AS
		SELECT id, source, interface, state, error, truncated, started_at, updated_at, finished_at, first_packet, last_packet,
			   packets, flows, rejected, drops, interface_drops, evicted
		FROM %1$I.capture;
	COMMENT ON VIEW %2$I.captures IS 'files and live sessions that flows came from';
	$ddl$, store, api);
END
$$;
COMMENT ON FUNCTION anomaly.make_api_status(name, name) IS 'makes the views of an API schema that show how the store is doing';
