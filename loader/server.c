/*
 * server.c - a connection to PostgreSQL (see server.h).
 */
#include "server.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "util.h"

enum
{
	SEND_BYTES = 64 * 1024		/* libpq buffers as much as it is given at once */
};

/* ---- statements --------------------------------------------------------- */

void
server_error(server *s, const char *message)
{
	size_t		length = strlen(message);

	while (length > 0 && message[length - 1] == '\n')
		length--;
	snprintf(s->error, sizeof(s->error), "%.*s", (int) length, message);
	if (!s->quiet)
		complain("%s", s->error);
}

PGresult *
server_run(server *s, const char *format, const char *schema, int count, const char *const *values, const int *lengths)
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

bool
server_succeeded(server *s, const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
		return true;
	server_error(s, PQresultErrorMessage(result));
	return false;
}

bool
server_command(server *s, const char *text)
{
	PGresult   *result = PQexec(s->conn, text);
	bool		good = server_succeeded(s, result);

	PQclear(result);
	return good;
}

bool
server_maintain(server *s)
{
	const char *values[1] = {s->store};
	PGresult   *result = server_run(s, "SELECT FROM %s.anomaly_maintain($1)", s->functions, 1, values, NULL);
	bool		good = server_succeeded(s, result);

	PQclear(result);
	return good;
}

/* ---- connection --------------------------------------------------------- */

static void
hint(const server *s, const char *text)
{
	if (!s->quiet)
		complain(text, s->store);
}

static bool
find_extension(server *s)
{
	PGresult   *result = PQexec(s->conn,
								"SELECT quote_ident(n.nspname) FROM pg_catalog.pg_extension e "
								"JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace "
								"WHERE e.extname = 'pg_anomaly'");
	char	   *problem;

	if (server_succeeded(s, result))
	{
		if (PQntuples(result) == 1)
			s->functions = must_format("%s", PQgetvalue(result, 0, 0));
		else
		{
			problem = must_format("database \"%s\" has no extension pg_anomaly", PQdb(s->conn));
			server_error(s, problem);
			free(problem);
			hint(s, "hint: run in it: CREATE EXTENSION pg_anomaly; SELECT anomaly_create_flow_store('%s');");
		}
	}
	PQclear(result);
	return s->functions;
}

/* A key from bytea's text. */
static bool
get_key(const char *text, uint8_t key[FINGERPRINT_KEY_BYTES])
{
	size_t		bytes;
	unsigned char *value = PQunescapeBytea((const unsigned char *) text, &bytes);
	bool		good = value && bytes == FINGERPRINT_KEY_BYTES;

	if (good)
		memcpy(key, value, FINGERPRINT_KEY_BYTES);
	PQfreemem(value);
	return good;
}

static bool
find_store(server *s)
{
	const char *values[1] = {s->store};
	PGresult   *result = server_run(s, "SELECT quote_ident(name), capture_key FROM %s WHERE name = $1", "anomaly.flow_store", 1, values, NULL);
	char	   *problem;

	if (server_succeeded(s, result))
	{
		if (PQntuples(result) == 1 && get_key(PQgetvalue(result, 0, 1), s->capture_key))
			s->schema = must_format("%s", PQgetvalue(result, 0, 0));
		else if (PQntuples(result) == 1)
			server_error(s, "the store's capture_key is broken");
		else
		{
			problem = must_format("database \"%s\" has no flow store \"%s\"", PQdb(s->conn), s->store);
			server_error(s, problem);
			free(problem);
			hint(s, "hint: run in it: SELECT anomaly_create_flow_store('%s');");
		}
	}
	PQclear(result);
	return s->schema;
}

/*
 * A program that is killed leaves its session at work, with its locks, until
 * the server next hears from it; rollups of a big batch take a while.  Have it
 * look, where it can (since PostgreSQL 14, on most systems) and unless it does.
 */
static void
have_client_watched(server *s)
{
	PQclear(PQexec(s->conn, "SELECT pg_catalog.set_config(name, '1s', false) FROM pg_catalog.pg_settings "
				   "WHERE name = 'client_connection_check_interval' AND setting = '0'"));
}

bool
server_connect(server *s, const char *conninfo)
{
	/* what comes before the connection string can be set in it */
	const char *const keys[] = {"connect_timeout", "tcp_user_timeout", "dbname", "fallback_application_name",
		"client_encoding", NULL};
	const char *const values[] = {"10", "60000", conninfo, "pcap2pg", "UTF8", NULL};

	s->conn = PQconnectdbParams(keys, values, 1);
	if (PQstatus(s->conn) != CONNECTION_OK)
		server_error(s, PQerrorMessage(s->conn));
	else if (find_extension(s) && find_store(s))
	{
		have_client_watched(s);
		return true;
	}
	server_close(s);
	return false;
}

void
server_close(server *s)
{
	PQfinish(s->conn);
	free(s->schema);
	free(s->functions);
	s->conn = NULL;
	s->schema = s->functions = NULL;
}

/* ---- batches ------------------------------------------------------------ */

static bool
ensure_chunks(server *s, const day *d)
{
	uint64_t	first = htobe64((uint64_t) copy_timestamp(d->first));
	uint64_t	last = htobe64((uint64_t) copy_timestamp(d->last));
	const char *values[] = {s->store, (const char *) &first, (const char *) &last};
	const int	lengths[] = {0, sizeof(first), sizeof(last)};
	PGresult   *result = server_run(s, "SELECT %s.anomaly_ensure_chunks($1, $2::timestamptz, $3::timestamptz)",
							 s->functions, 3, values, lengths);
	bool		good = server_succeeded(s, result);

	PQclear(result);
	return good;
}

static bool
send_rows(server *s, const uint8_t *rows, size_t bytes)
{
	static const char trailer[2] = {'\377', '\377'};
	size_t		sent = 0;

	while (sent < bytes)
	{
		size_t		n = bytes - sent;

		if (n > SEND_BYTES)
			n = SEND_BYTES;
		if (PQputCopyData(s->conn, (const char *) rows + sent, (int) n) != 1)
			return false;
		sent += n;
	}
	return PQputCopyData(s->conn, trailer, sizeof(trailer)) == 1 && PQputCopyEnd(s->conn, NULL) == 1;
}

/* One COPY.  Whatever happens, the connection is out of it at the end. */
static bool
copy_rows(server *s, const char *table, const char *columns, const uint8_t *rows, size_t bytes)
{
	char	   *text = must_format("COPY %s.%s (%s) FROM STDIN (FORMAT binary)", s->schema, table, columns);
	PGresult   *result = PQexec(s->conn, text);
	bool		good = PQresultStatus(result) == PGRES_COPY_IN;

	free(text);
	if (!good)
		server_error(s, PQresultErrorMessage(result));
	else if (!send_rows(s, rows, bytes))
	{
		server_error(s, PQerrorMessage(s->conn));
		good = false;
	}
	PQclear(result);
	while ((result = PQgetResult(s->conn)) != NULL)
	{
		if (good)
			good = server_succeeded(s, result);
		PQclear(result);
	}
	return good;
}

bool
server_copy(server *s, const batch *b)
{
	for (size_t i = 0; i < b->day_count; i++)
		if (!ensure_chunks(s, &b->days[i]))
			return false;
	if (b->rows > 0 && !copy_rows(s, "flow", copy_columns, b->data, b->bytes))
		return false;
	return b->reject_bytes == 0 || copy_rows(s, "reject", copy_reject_columns, b->rejects, b->reject_bytes);
}
