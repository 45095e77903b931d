/*
 * session.c - live sessions and replays in the database (see session.h).
 */
#include "session.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "copy.h"
#include "util.h"

enum
{
	LOCK_TRIES = 50,			/* ten a second */
	SUMMARY_PARAMETERS = 13
};

/* ---- the connection ----------------------------------------------------- */

/*
 * A batch leaves the spool when its COMMIT has returned, so that must mean on
 * disk.  A dead peer must not hold us for ever.
 */
bool
session_connect(session *s)
{
	if (s->server.conn && PQstatus(s->server.conn) == CONNECTION_OK)
		return true;
	session_close(s);
	if (!server_connect(&s->server, s->conninfo))
		return false;
	if (server_command(&s->server, "SELECT pg_catalog.set_config('synchronous_commit', 'on', false) "
					   "WHERE pg_catalog.current_setting('synchronous_commit') = 'off'"))
		return true;
	session_close(s);
	return false;
}

void
session_close(session *s)
{
	server_close(&s->server);
	s->attached = false;
}

/* ---- the row ------------------------------------------------------------ */

static int64_t
number_at(const PGresult *result, int column)
{
	return strtoll(PQgetvalue(result, 0, column), NULL, 10);
}

static bool
insert_row(session *s, const identity *i)
{
	uint64_t	started = htobe64((uint64_t) copy_timestamp(i->started));
	const char *values[] = {i->source, (const char *) i->key, i->replay ? (const char *) i->fingerprint : NULL,
		i->filter, i->settings, (const char *) &started, i->replay ? NULL : i->source};
	const int	lengths[] = {0, SESSION_KEY_BYTES, FINGERPRINT_BYTES, 0, 0, sizeof(started), 0};
	PGresult   *result = server_run(&s->server,
									"INSERT INTO %s.capture (source, session, fingerprint, filter, settings, started_at, interface, flows, state) "
									"VALUES ($1, $2::uuid, $3::bytea, $4, $5, $6::timestamptz, $7, 0, 'capturing') ON CONFLICT DO NOTHING",
									s->server.schema, 7, values, lengths);
	bool		good = server_succeeded(&s->server, result);

	PQclear(result);
	return good;
}

/* The session's row; for a file that was loaded without a session, that one. */
static bool
find_row(session *s, const identity *i)
{
	const char *values[] = {(const char *) i->key, i->replay ? (const char *) i->fingerprint : NULL, i->settings, i->filter};
	const int	lengths[] = {SESSION_KEY_BYTES, FINGERPRINT_BYTES, 0, 0};
	PGresult   *result = server_run(&s->server,
									"SELECT id, coalesce(flows, 0), state <> 'capturing', (settings, filter) IS DISTINCT FROM ($3, $4), "
									"concat_ws(', filter ', settings, filter) "
									"FROM %s.capture WHERE session = $1::uuid OR fingerprint = $2::bytea",
									s->server.schema, 4, values, lengths);
	bool		good = server_succeeded(&s->server, result);

	if (good && PQntuples(result) != 1)
	{
		server_error(&s->server, "the session's row in capture is gone");
		good = false;
	}
	if (good)
	{
		s->capture_id = (int32_t) number_at(result, 0);
		s->stored = number_at(result, 1);
		s->complete = PQgetvalue(result, 0, 2)[0] == 't';
		if (!s->complete && PQgetvalue(result, 0, 3)[0] == 't')
		{
			char	   *problem = must_format("%s was begun with other settings: %s", i->source, PQgetvalue(result, 0, 4));

			server_error(&s->server, problem);
			free(problem);
			good = false;
		}
	}
	PQclear(result);
	return good;
}

bool
session_attach(session *s, const identity *i)
{
	if (s->attached && memcmp(s->key, i->key, sizeof(s->key)) == 0)
		return true;
	s->attached = insert_row(s, i) && find_row(s, i);
	memcpy(s->key, i->key, sizeof(s->key));
	s->replay = i->replay;
	return s->attached;
}

/* What the row says now. */
static bool
refresh(session *s)
{
	uint32_t	id = htobe32((uint32_t) s->capture_id);
	const char *values[] = {(const char *) &id};
	const int	lengths[] = {sizeof(id)};
	PGresult   *result = server_run(&s->server, "SELECT flows, state <> 'capturing' FROM %s.capture WHERE id = $1::int4",
									s->server.schema, 1, values, lengths);
	bool		good = server_succeeded(&s->server, result) && PQntuples(result) == 1;

	if (good)
	{
		s->stored = number_at(result, 0);
		s->complete = PQgetvalue(result, 0, 1)[0] == 't';
	}
	PQclear(result);
	return good;
}

bool
session_lock(session *s)
{
	uint32_t	id = htobe32((uint32_t) s->capture_id);
	const char *values[] = {s->server.store, (const char *) &id};
	const int	lengths[] = {0, sizeof(id)};
	const struct timespec pause = {.tv_nsec = 100000000};
	bool		locked = false;

	for (int i = 0; i < LOCK_TRIES && !locked; i++)
	{
		PGresult   *result = server_run(&s->server, "SELECT %s.pg_try_advisory_lock(pg_catalog.hashtext('pg_anomaly session of ' || $1), $2::int4)",
										"pg_catalog", 2, values, lengths);
		bool		good = server_succeeded(&s->server, result);

		locked = good && PQgetvalue(result, 0, 0)[0] == 't';
		PQclear(result);
		if (!good)
			return false;
		if (!locked)
			nanosleep(&pause, NULL);
	}
	if (!locked)
		server_error(&s->server, "another program is loading this capture");
	return locked && refresh(s);
}

/* ---- batches ------------------------------------------------------------ */

/*
 * Counts the batch in the session's row: 1 if it is the next, 0 if it was
 * counted before, -1 on an error.  Where flows before it are missing, which
 * only a damaged spool can do, it is the next all the same.
 */
static int
count_batch(session *s, const batch *b)
{
	const capture_summary *c = &b->sum;
	int64_t		number[] = {s->capture_id, b->first, b->first + b->rows, c->packets, c->ip_packets, c->evicted,
		c->drops, c->interface_drops, c->file_bytes, copy_timestamp(c->first_packet), copy_timestamp(c->last_packet)};
	const char *values[SUMMARY_PARAMETERS];
	int			lengths[SUMMARY_PARAMETERS] = {0};
	PGresult   *result;
	int			counted = -1;

	for (int i = 0; i < SUMMARY_PARAMETERS - 2; i++)
	{
		number[i] = (int64_t) htobe64((uint64_t) number[i]);
		values[i] = (const char *) &number[i];
		lengths[i] = sizeof(number[i]);
	}
	if (c->drops < 0)
		values[6] = NULL;
	if (c->interface_drops < 0)
		values[7] = NULL;
	if (!b->final || !s->replay)
		values[8] = NULL;
	if (c->ip_packets == 0)
		values[9] = values[10] = NULL;
	values[11] = b->final ? "loaded" : "capturing";
	values[12] = c->truncated ? c->damage : NULL;
	result = server_run(&s->server, "UPDATE %s.capture SET flows = $3::int8, packets = $4::int8, ip_packets = $5::int8, "
						"other_packets = $4::int8 - $5::int8, evicted = $6::int8, drops = $7::int8, interface_drops = $8::int8, "
						"file_bytes = $9::int8, first_packet = $10::timestamptz, last_packet = $11::timestamptz, state = $12, "
						"truncated = $13::text IS NOT NULL, error = $13::text, "
						"updated_at = pg_catalog.clock_timestamp(), "
						"finished_at = CASE WHEN $12 = 'loaded' THEN pg_catalog.clock_timestamp() END "
						"WHERE id = $1::int8 AND flows <= $2::int8 AND state = 'capturing'",
						s->server.schema, SUMMARY_PARAMETERS, values, lengths);
	if (server_succeeded(&s->server, result))
		counted = PQcmdTuples(result)[0] == '1';
	PQclear(result);
	return counted;
}

bool
session_store(session *s, batch *b)
{
	int			counted;

	if (!server_command(&s->server, "BEGIN ISOLATION LEVEL READ COMMITTED"))
		return false;
	counted = count_batch(s, b);
	if (counted == 1)
	{
		batch_set_capture(b, s->capture_id);
		if (server_copy(&s->server, b) && server_command(&s->server, "COMMIT"))
			return true;
	}
	if (PQstatus(s->server.conn) == CONNECTION_OK)
		PQclear(PQexec(s->server.conn, "ROLLBACK"));
	return counted == 0;
}

bool
session_abandon(session *s)
{
	uint32_t	id = htobe32((uint32_t) s->capture_id);
	const char *values[] = {(const char *) &id};
	const int	lengths[] = {sizeof(id)};
	PGresult   *result = server_run(&s->server, "UPDATE %s.capture SET state = 'loaded', finished_at = pg_catalog.clock_timestamp(), "
									"error = 'cut off: flows that were open are missing' WHERE id = $1::int4 AND state = 'capturing'",
									s->server.schema, 1, values, lengths);
	bool		good = server_succeeded(&s->server, result);

	PQclear(result);
	return good;
}
