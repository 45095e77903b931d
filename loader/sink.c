/*
 * sink.c - files into a flow store (see sink.h).
 *
 * While one batch of rows is filled, a thread sends the one before.  Between
 * the first row of a file and sink_commit()'s or sink_rollback()'s await() the
 * connection is that thread's.
 */
#include "sink.h"

#include <endian.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "queue.h"
#include "server.h"
#include "source.h"
#include "util.h"

enum
{
	BATCHES = 2,
	BATCH_BYTES = 16 * 1024 * 1024,
	SUMMARY_PARAMETERS = 13
};

#define UNIQUE_VIOLATION "23505"

struct sink
{
	server		server;
	bool		text;			/* files of CSV or JSON */
	bool		verbose;
	bool		open;			/* a transaction is */
	const char *name;			/* of the file at hand */
	int32_t		capture_id;
	atomic_bool failed;			/* the transaction is gone */
	batch	   *current;		/* NULL: all are in "empty" */
	queue	   *empty,
			   *full;
	pthread_t	writer;
};

/* For the signal handler; NULL while there is no connection. */
static PGcancel *volatile cancel;

void
sink_interrupt(void)
{
	char		error[1];
	PGcancel   *running = cancel;

	if (running)
		PQcancel(running, error, sizeof(error));
}

/* ---- the thread --------------------------------------------------------- */

static void *
write_batches(void *arg)
{
	sink	   *s = arg;
	batch	   *b;

	while ((b = queue_get(s->full)))
	{
		if (!s->failed && !batch_empty(b))
		{
			if (!server_copy(&s->server, b))
				s->failed = true;
			else if (s->verbose)
				complain("batch of %lld flows, %zu bytes, on %zu days", (long long) b->rows, b->bytes, b->day_count);
		}
		batch_clear(b);
		queue_put(s->empty, b);
	}
	return NULL;
}

static void
hand_over(sink *s)
{
	queue_put(s->full, s->current);
	s->current = queue_get(s->empty);
}

/* Until all that was handed over is sent. */
static void
await(sink *s)
{
	batch	   *idle[BATCHES];

	hand_over(s);
	idle[0] = s->current;
	for (int i = 1; i < BATCHES; i++)
		idle[i] = queue_get(s->empty);
	for (int i = 1; i < BATCHES; i++)
		queue_put(s->empty, idle[i]);
}

sink *
sink_open(const char *conninfo, const char *store, bool text, bool verbose)
{
	sink	   *s = must_calloc(1, sizeof(*s));

	s->server.store = store;
	s->text = text;
	s->verbose = verbose;
	if (!server_connect(&s->server, conninfo))
	{
		free(s);
		return NULL;
	}
	cancel = PQgetCancel(s->server.conn);
	s->empty = queue_new(BATCHES);
	s->full = queue_new(BATCHES);
	for (int i = 0; i < BATCHES; i++)
		queue_put(s->empty, batch_new(BATCH_BYTES));
	s->current = queue_get(s->empty);
	if (pthread_create(&s->writer, NULL, write_batches, s) != 0)
	{
		complain("cannot start a thread");
		exit(1);
	}
	return s;
}

void
sink_close(sink *s)
{
	PGcancel   *running = cancel;

	await(s);
	queue_close(s->full);
	pthread_join(s->writer, NULL);
	batch_free(s->current);
	for (int i = 1; i < BATCHES; i++)
		batch_free(queue_get(s->empty));
	queue_free(s->empty);
	queue_free(s->full);
	cancel = NULL;
	PQfreeCancel(running);
	server_close(&s->server);
	free(s);
}

void
sink_row(void *arg, const flow_row *row)
{
	sink	   *s = arg;

	if (s->failed)
		return;
	if (!batch_add(s->current, row, s->capture_id))
	{
		hand_over(s);
		batch_add(s->current, row, s->capture_id);
	}
}

void
sink_reject(sink *s, int64_t line, const char *reason, const char *raw, size_t length)
{
	if (s->failed)
		return;
	if (!batch_reject(s->current, s->capture_id, line, reason, raw, length))
	{
		hand_over(s);
		batch_reject(s->current, s->capture_id, line, reason, raw, length);
	}
}

bool
sink_failed(const sink *s)
{
	return s->failed;
}

/* ---- transactions ------------------------------------------------------- */

static bool
succeeded(sink *s, const PGresult *result)
{
	if (server_succeeded(&s->server, result))
		return true;
	s->failed = true;
	return false;
}

static bool
command(sink *s, const char *text)
{
	if (server_command(&s->server, text))
		return true;
	s->failed = true;
	return false;
}

void
sink_rollback(sink *s)
{
	batch_clear(s->current);
	await(s);
	if (s->open && PQstatus(s->server.conn) == CONNECTION_OK)
		PQclear(PQexec(s->server.conn, "ROLLBACK"));
	s->open = false;
}

const uint8_t *
sink_key(const sink *s)
{
	return s->text ? NULL : s->server.capture_key;
}

bool
sink_knows_size(sink *s, int64_t bytes)
{
	uint64_t	number = htobe64((uint64_t) bytes);
	const char *values[] = {(const char *) &number};
	const int	lengths[] = {sizeof(number)};
	PGresult   *result = server_run(&s->server, "SELECT FROM %s.capture WHERE file_bytes = $1::int8 LIMIT 1",
									s->server.schema, 1, values, lengths);
	bool		knows = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) > 0;

	PQclear(result);
	return knows;
}

/* Says which capture has these bytes already. */
static sink_result
known(sink *s, const uint8_t *print)
{
	const char *values[] = {(const char *) print};
	const int	lengths[] = {FINGERPRINT_BYTES};
	PGresult   *result;

	sink_rollback(s);
	result = server_run(&s->server, "SELECT id, source, CASE state WHEN 'loading' THEN 'begun' ELSE 'loaded' END "
						"FROM %s.capture WHERE $1::bytea IN (fingerprint, sha256)", s->server.schema, 1, values, lengths);
	if (succeeded(s, result) && PQntuples(result) == 1)
		complain("%s: already %s as capture %s (%s)", s->name, PQgetvalue(result, 0, 2),
				 PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1));
	PQclear(result);
	return s->failed ? SINK_FAILED : SINK_KNOWN;
}

/*
 * Of two loads of the same file at once the second waits in this INSERT for
 * the first to commit, and then inserts nothing.
 */
sink_result
sink_begin(sink *s, const char *name, const uint8_t *print, const char *filter)
{
	const char *values[] = {name, s->text ? NULL : (const char *) print, s->text ? (const char *) print : NULL, filter};
	const int	lengths[] = {0, FINGERPRINT_BYTES, FINGERPRINT_BYTES, 0};
	PGresult   *result;

	s->failed = false;
	s->open = true;
	s->name = name;
	if (!command(s, "BEGIN ISOLATION LEVEL READ COMMITTED"))
		return SINK_FAILED;
	result = server_run(&s->server, "INSERT INTO %s.capture (source, fingerprint, sha256, filter, state) "
				 "VALUES ($1, $2::bytea, $3::bytea, $4, 'loading') ON CONFLICT DO NOTHING RETURNING id",
				 s->server.schema, 4, values, lengths);
	if (!succeeded(s, result))
		sink_rollback(s);
	else if (PQntuples(result) == 0)
	{
		PQclear(result);
		return known(s, print);
	}
	else
		s->capture_id = (int32_t) strtol(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return s->failed ? SINK_FAILED : SINK_DONE;
}

/* Fills in the capture's row; what was not known before turns out to be known only here. */
static sink_result
finish_capture(sink *s, const uint8_t *print, const capture_summary *c)
{
	int64_t		number[] = {s->capture_id, c->file_bytes, copy_timestamp(c->first_packet),
	copy_timestamp(c->last_packet), c->packets, c->ip_packets, c->flows, c->drops, c->rejected, c->evicted};
	const char *values[SUMMARY_PARAMETERS];
	int			lengths[SUMMARY_PARAMETERS] = {0};
	PGresult   *result;
	const char *sqlstate;
	sink_result outcome = SINK_DONE;

	for (int i = 0; i < 10; i++)
	{
		number[i] = (int64_t) htobe64((uint64_t) number[i]);
		values[i] = (const char *) &number[i];
		lengths[i] = sizeof(number[i]);
	}
	if (c->ip_packets == 0 && c->flows == 0)
		values[2] = values[3] = NULL;
	if (c->drops < 0)
		values[7] = NULL;
	values[s->text ? 11 : 10] = (const char *) print;
	values[s->text ? 10 : 11] = NULL;
	lengths[10] = lengths[11] = FINGERPRINT_BYTES;
	values[12] = c->truncated ? c->damage : NULL;
	result = server_run(&s->server, "UPDATE %s.capture SET file_bytes = $2::int8, first_packet = $3::timestamptz, "
				 "last_packet = $4::timestamptz, packets = $5::int8, ip_packets = $6::int8, "
				 "other_packets = $5::int8 - $6::int8, flows = $7::int8, drops = $8::int8, rejected = $9::int8, evicted = $10::int8, "
				 "fingerprint = $11::bytea, sha256 = $12::bytea, truncated = $13::text IS NOT NULL, error = $13::text, state = 'loaded', "
				 "finished_at = pg_catalog.clock_timestamp() WHERE id = $1::int8",
				 s->server.schema, SUMMARY_PARAMETERS, values, lengths);
	sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	if (sqlstate && strcmp(sqlstate, UNIQUE_VIOLATION) == 0)
		outcome = SINK_KNOWN;
	else if (!succeeded(s, result))
		outcome = SINK_FAILED;
	PQclear(result);
	return outcome;
}

sink_result
sink_commit(sink *s, const uint8_t *print, const capture_summary *c)
{
	sink_result outcome;

	await(s);
	outcome = s->failed ? SINK_FAILED : finish_capture(s, print, c);
	if (outcome == SINK_KNOWN)
		return known(s, print);
	if (outcome == SINK_DONE && !command(s, "COMMIT"))
		outcome = SINK_FAILED;
	if (outcome == SINK_DONE)
		s->open = false;
	else
		sink_rollback(s);
	return outcome;
}

bool
sink_maintain(sink *s)
{
	return server_maintain(&s->server);
}
