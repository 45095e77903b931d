/*
 * sink.c - the one place that knows libpq (see sink.h).
 */
#include "sink.h"

#include <endian.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "source.h"
#include "util.h"

enum
{
	BATCH_BYTES = 16 * 1024 * 1024,
	BATCH_DAYS = 64,			/* a batch ends when its flows begin on more days */
	SEND_BYTES = 64 * 1024,		/* libpq buffers as much as it is given at once */
	MOST_PARAMETERS = 10
};

#define DAY INT64_C(86400000000)
#define UNIQUE_VIOLATION "23505"

/* The start times of a batch's flows of one day (UTC). */
typedef struct day
{
	int64_t		first,
				last;
} day;

struct sink
{
	PGconn	   *conn;
	const char *store;			/* as given, for parameters */
	char	   *schema;			/* quoted */
	char	   *functions;		/* the extension's schema, quoted */
	bool		verbose;
	bool		failed;			/* the transaction is gone */
	bool		open;			/* a transaction is */
	int32_t		capture_id;
	uint8_t    *batch;
	size_t		batch_bytes;
	int64_t		batch_rows;
	day			days[BATCH_DAYS];
	size_t		day_count;
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

/* ---- statements --------------------------------------------------------- */

static void
server_error(sink *s, const char *message)
{
	size_t		length = strlen(message);

	while (length > 0 && message[length - 1] == '\n')
		length--;
	complain("%.*s", (int) length, message);
	s->failed = true;
}

/*
 * Runs a statement, with the quoted schema for its %s.  A parameter is text where its length is 0, else binary.
 * The result's caller clears it.
 */
static PGresult *
run(sink *s, const char *format, const char *schema, int count, const char *const *values, const int *lengths)
{
	int			formats[MOST_PARAMETERS] = {0};
	char	   *text = must_format(format, schema);
	PGresult   *result;

	for (int i = 0; i < count; i++)
		formats[i] = lengths && lengths[i] > 0;
	result = PQexecParams(s->conn, text, count, NULL, values, lengths, formats, 0);
	free(text);
	return result;
}

static bool
succeeded(sink *s, const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
		return true;
	server_error(s, PQresultErrorMessage(result));
	return false;
}

/* A statement without parameters whose result does not matter. */
static bool
command(sink *s, const char *text)
{
	PGresult   *result = PQexec(s->conn, text);
	bool		good = succeeded(s, result);

	PQclear(result);
	return good;
}

/* ---- connection --------------------------------------------------------- */

/* Finds the extension's functions, and the store. */
static bool
find_store(sink *s)
{
	const char *values[1] = {s->store};
	PGresult   *result = PQexec(s->conn,
								"SELECT quote_ident(n.nspname) FROM pg_catalog.pg_extension e "
								"JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace "
								"WHERE e.extname = 'pg_anomaly'");

	if (!succeeded(s, result))
	{
		PQclear(result);
		return false;
	}
	if (PQntuples(result) == 0)
	{
		complain("database \"%s\" has no extension pg_anomaly", PQdb(s->conn));
		complain("hint: run in it: CREATE EXTENSION pg_anomaly; SELECT anomaly_create_flow_store('%s');", s->store);
		PQclear(result);
		return false;
	}
	s->functions = strdup(PQgetvalue(result, 0, 0));
	PQclear(result);
	result = run(s, "SELECT quote_ident(name) FROM %s WHERE name = $1", "anomaly.flow_store", 1, values, NULL);
	if (succeeded(s, result))
	{
		if (PQntuples(result) == 1)
			s->schema = strdup(PQgetvalue(result, 0, 0));
		else
		{
			complain("database \"%s\" has no flow store \"%s\"", PQdb(s->conn), s->store);
			complain("hint: run in it: SELECT anomaly_create_flow_store('%s');", s->store);
		}
	}
	PQclear(result);
	return s->schema && s->functions;
}

sink *
sink_open(const char *conninfo, const char *store, bool verbose)
{
	const char *const keys[] = {"dbname", "fallback_application_name", "client_encoding", NULL};
	const char *const values[] = {conninfo, "pcap2pg", "UTF8", NULL};
	sink	   *s = must_calloc(1, sizeof(*s));

	s->store = store;
	s->verbose = verbose;
	s->conn = PQconnectdbParams(keys, values, 1);
	if (PQstatus(s->conn) != CONNECTION_OK)
		server_error(s, PQerrorMessage(s->conn));
	else if (find_store(s))
	{
		cancel = PQgetCancel(s->conn);
		s->batch = must_calloc(1, BATCH_BYTES);
		return s;
	}
	sink_close(s);
	return NULL;
}

void
sink_close(sink *s)
{
	PGcancel   *running = cancel;

	cancel = NULL;
	PQfreeCancel(running);
	PQfinish(s->conn);
	free(s->schema);
	free(s->functions);
	free(s->batch);
	free(s);
}

/* ---- batches ------------------------------------------------------------ */

static bool
ensure_chunks(sink *s, const day *d)
{
	uint64_t	first = htobe64((uint64_t) copy_timestamp(d->first));
	uint64_t	last = htobe64((uint64_t) copy_timestamp(d->last));
	const char *values[] = {s->store, (const char *) &first, (const char *) &last};
	const int	lengths[] = {0, sizeof(first), sizeof(last)};
	PGresult   *result = run(s, "SELECT %s.anomaly_ensure_chunks($1, $2::timestamptz, $3::timestamptz)",
							 s->functions, 3, values, lengths);
	bool		good = succeeded(s, result);

	PQclear(result);
	return good;
}

static bool
send_batch(sink *s)
{
	static const char trailer[2] = {'\377', '\377'};
	size_t		sent = 0;

	while (sent < s->batch_bytes)
	{
		size_t		n = s->batch_bytes - sent;

		if (n > SEND_BYTES)
			n = SEND_BYTES;
		if (PQputCopyData(s->conn, (const char *) s->batch + sent, (int) n) != 1)
			return false;
		sent += n;
	}
	return PQputCopyData(s->conn, trailer, sizeof(trailer)) == 1 && PQputCopyEnd(s->conn, NULL) == 1;
}

/* One COPY.  Whatever happens, the connection is out of it at the end. */
static void
copy_batch(sink *s)
{
	char	   *text = must_format("COPY %s.flow (%s) FROM STDIN (FORMAT binary)", s->schema, copy_columns);
	PGresult   *result = PQexec(s->conn, text);

	free(text);
	if (PQresultStatus(result) != PGRES_COPY_IN)
		server_error(s, PQresultErrorMessage(result));
	else if (!send_batch(s))
		server_error(s, PQerrorMessage(s->conn));
	PQclear(result);
	while ((result = PQgetResult(s->conn)) != NULL)
	{
		if (!s->failed)
			succeeded(s, result);
		PQclear(result);
	}
}

static void
flush_batch(sink *s)
{
	for (size_t i = 0; i < s->day_count && !s->failed; i++)
		if (!ensure_chunks(s, &s->days[i]))
			break;
	if (!s->failed && s->batch_rows > 0)
		copy_batch(s);
	if (s->verbose && !s->failed)
		complain("batch of %lld flows, %zu bytes, on %zu days",
				 (long long) s->batch_rows, s->batch_bytes, s->day_count);
	s->batch_bytes = 0;
	s->batch_rows = 0;
	s->day_count = 0;
}

/* Widens the flow's day, or adds it; false if the batch has no room for it. */
static bool
note_day(sink *s, int64_t start)
{
	int64_t		number = start / DAY;

	for (size_t i = s->day_count; i-- > 0;)
		if (s->days[i].first / DAY == number)
		{
			if (start < s->days[i].first)
				s->days[i].first = start;
			if (start > s->days[i].last)
				s->days[i].last = start;
			return true;
		}
	if (s->day_count == BATCH_DAYS)
		return false;
	s->days[s->day_count++] = (day) {start, start};
	return true;
}

void
sink_row(void *arg, const flow_row *row)
{
	sink	   *s = arg;

	if (s->failed)
		return;
	if (s->batch_bytes + COPY_ROW_BYTES > BATCH_BYTES || !note_day(s, row->start_time))
	{
		flush_batch(s);
		note_day(s, row->start_time);
	}
	if (s->batch_bytes == 0)
		s->batch_bytes = copy_header(s->batch);
	s->batch_bytes += copy_row(s->batch + s->batch_bytes, row, s->capture_id);
	s->batch_rows++;
}

bool
sink_failed(const sink *s)
{
	return s->failed;
}

/* ---- transactions ------------------------------------------------------- */

void
sink_rollback(sink *s)
{
	if (s->open && PQstatus(s->conn) == CONNECTION_OK)
		PQclear(PQexec(s->conn, "ROLLBACK"));
	s->open = false;
	s->batch_bytes = 0;
	s->batch_rows = 0;
	s->day_count = 0;
}

/* Says which capture has these bytes already. */
static sink_result
known(sink *s, const char *name, const uint8_t *hash)
{
	const char *values[] = {(const char *) hash};
	const int	lengths[] = {SHA256_BYTES};
	PGresult   *result;

	sink_rollback(s);
	result = run(s, "SELECT id, source FROM %s.capture WHERE sha256 = $1::bytea", s->schema, 1, values, lengths);
	if (succeeded(s, result) && PQntuples(result) == 1)
		complain("%s: already loaded as capture %s (%s)", name,
				 PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1));
	PQclear(result);
	return s->failed ? SINK_FAILED : SINK_KNOWN;
}

/*
 * Of two loads of the same file at once the second waits in this INSERT for
 * the first to commit, and then inserts nothing.
 */
sink_result
sink_begin(sink *s, const char *name, const uint8_t *hash, const char *filter)
{
	const char *values[] = {name, (const char *) hash, filter};
	const int	lengths[] = {0, SHA256_BYTES, 0};
	PGresult   *result;

	s->failed = false;
	s->open = true;
	if (!command(s, "BEGIN ISOLATION LEVEL READ COMMITTED"))
		return SINK_FAILED;
	result = run(s, "INSERT INTO %s.capture (source, sha256, filter, state) "
				 "VALUES ($1, $2::bytea, $3, 'loading') ON CONFLICT (sha256) DO NOTHING RETURNING id",
				 s->schema, 3, values, lengths);
	if (!succeeded(s, result))
		sink_rollback(s);
	else if (PQntuples(result) == 0)
	{
		PQclear(result);
		return known(s, name, hash);
	}
	else
		s->capture_id = (int32_t) strtol(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return s->failed ? SINK_FAILED : SINK_DONE;
}

/* Fills in the capture's row; a pipe turns out to be known only here. */
static sink_result
finish_capture(sink *s, const uint8_t *hash, const capture_summary *c)
{
	int64_t		number[] = {s->capture_id, c->file_bytes, copy_timestamp(c->first_packet),
	copy_timestamp(c->last_packet), c->packets, c->ip_packets, c->flows, c->drops};
	const char *values[MOST_PARAMETERS];
	int			lengths[MOST_PARAMETERS] = {0};
	PGresult   *result;
	const char *sqlstate;
	sink_result outcome = SINK_DONE;

	for (int i = 0; i < 8; i++)
	{
		number[i] = (int64_t) htobe64((uint64_t) number[i]);
		values[i] = (const char *) &number[i];
		lengths[i] = sizeof(number[i]);
	}
	if (c->ip_packets == 0)
		values[2] = values[3] = NULL;
	if (c->drops < 0)
		values[7] = NULL;
	values[8] = (const char *) hash;
	lengths[8] = SHA256_BYTES;
	values[9] = c->truncated ? c->damage : NULL;
	result = run(s, "UPDATE %s.capture SET file_bytes = $2::int8, first_packet = $3::timestamptz, "
				 "last_packet = $4::timestamptz, packets = $5::int8, ip_packets = $6::int8, "
				 "other_packets = $5::int8 - $6::int8, flows = $7::int8, drops = $8::int8, sha256 = $9::bytea, "
				 "truncated = $10::text IS NOT NULL, error = $10::text, state = 'loaded', "
				 "finished_at = pg_catalog.clock_timestamp() WHERE id = $1::int8",
				 s->schema, MOST_PARAMETERS, values, lengths);
	sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	if (sqlstate && strcmp(sqlstate, UNIQUE_VIOLATION) == 0)
		outcome = SINK_KNOWN;
	else if (!succeeded(s, result))
		outcome = SINK_FAILED;
	PQclear(result);
	return outcome;
}

sink_result
sink_commit(sink *s, const uint8_t *hash, const capture_summary *c)
{
	sink_result outcome;

	flush_batch(s);
	outcome = s->failed ? SINK_FAILED : finish_capture(s, hash, c);
	if (outcome == SINK_KNOWN)
		return known(s, "standard input", hash);
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
	const char *values[1] = {s->store};
	PGresult   *result = run(s, "SELECT FROM %s.anomaly_maintain($1)", s->functions, 1, values, NULL);
	bool		good = succeeded(s, result);

	PQclear(result);
	return good;
}
