/*
 * courier.h - a thread that brings a session's batches to the database, and
 * does not give up.
 *
 * Batches wait in a spool on disk, or without one in memory, where there is
 * room for a few.  An error of whatever kind, a lost connection or a full disk
 * of the server, means that the batch is tried again: after a tenth of a second
 * at first, half a minute at last.
 */
#ifndef COURIER_H
#define COURIER_H

#include "session.h"
#include "spool.h"

typedef struct courier courier;

typedef struct courier_status
{
	int64_t		stored;			/* flows */
	int64_t		waiting;
	double		lag;			/* seconds from a flow's end to its COMMIT; -1: none yet */
	char		error[ERROR_BYTES]; /* why nothing is stored; empty: all is well */
} courier_status;

/*
 * The session may be connected and attached already.  Takes over the session
 * and the spool (NULL: none), whose own session is begun.
 */
courier    *courier_start(const session *, const identity *, spool *);

/* An empty batch to fill; NULL if there is none now. */
batch	   *courier_take(courier *);

/* Hands it over, filled.  False and a message if it cannot be kept now. */
bool		courier_put(courier *, batch *, char *message);

/* No more batches will come: what cannot be stored at once stays in the spool. */
void		courier_end(courier *);

/* Is its work done, so that it can be freed? */
bool		courier_done(courier *);
void		courier_free(courier *);

void		courier_report(courier *, courier_status *);

#endif
