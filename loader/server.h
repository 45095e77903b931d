/*
 * server.h - a connection to PostgreSQL, for those who write to a flow store.
 */
#ifndef SERVER_H
#define SERVER_H

#include <libpq-fe.h>

#include "batch.h"
#include "fingerprint.h"

enum
{
	MOST_PARAMETERS = 16,		/* of a statement */
	ERROR_BYTES = 512
};

typedef struct server
{
	PGconn	   *conn;			/* NULL: not connected */
	const char *store;			/* as given, for parameters */
	char	   *schema;			/* quoted */
	char	   *functions;		/* the extension's schema, quoted */
	uint8_t		capture_key[FINGERPRINT_KEY_BYTES]; /* the store's, for fingerprints */
	bool		quiet;			/* keep errors, don't print them */
	char		error[ERROR_BYTES]; /* the last one */
} server;

/*
 * "conninfo" may be a database name, keywords or a URI; NULL: libpq's
 * environment.  Finds the extension and the store.
 */
bool		server_connect(server *, const char *conninfo);
void		server_close(server *);

/* Notes an error, and prints it unless "quiet". */
void		server_error(server *, const char *message);

/*
 * Runs a statement, with the quoted schema for its %s.  A parameter is text
 * where its length is 0, else binary.  The result's caller clears it.
 */
PGresult   *server_run(server *, const char *format, const char *schema, int count,
					   const char *const *values, const int *lengths);

/* If not, the error is noted. */
bool		server_succeeded(server *, const PGresult *);

/* A statement without parameters whose result does not matter. */
bool		server_command(server *, const char *text);

/* Makes the chunks that the rows need, and copies them; and the rejects. */
bool		server_copy(server *, const batch *);

/* anomaly_maintain(): retention and chunks to come. */
bool		server_maintain(server *);

#endif
