/*
 * spool.h - batches on disk, from when they are full until they are stored.
 *
 * A directory holds one of a session for each, and in it a file for each
 * batch, named by its number.  A file appears whole and
 * synced, or not at all.  What another program left there comes first.
 *
 * One thread puts, another takes.
 */
#ifndef SPOOL_H
#define SPOOL_H

#include "batch.h"
#include "identity.h"

typedef struct spool spool;

typedef enum spool_item
{
	SPOOL_BATCH,
	SPOOL_CUT_OFF,				/* a session that was left is empty, without a final batch */
	SPOOL_EMPTY					/* and closed */
} spool_item;

/* Opens the directory, or makes it.  NULL and a message on failure. */
spool	   *spool_open(const char *directory, int64_t limit, char *message);
void		spool_close(spool *);

/* Begins this program's session. */
bool		spool_begin(spool *, const identity *, char *message);

/* False and a message if it cannot be kept now: try again later. */
bool		spool_put(spool *, const batch *, char *message);

/* No more batches will be put. */
void		spool_end(spool *);

/*
 * Waits for the oldest batch and reads it; it stays until spool_remove().  The
 * identity is the spool's.
 */
spool_item	spool_next(spool *, batch *, const identity **);

/* Removes what spool_next() gave. */
void		spool_remove(spool *);

/* Flows that wait. */
int64_t		spool_waiting(spool *);

#endif
