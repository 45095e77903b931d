/*
 * sink.h - flows into a flow store of PostgreSQL.
 *
 * One file is one transaction: its row in "capture", the chunks its days need
 * and its flows.  Rows are encoded as they come and sent in batches, each a
 * binary COPY of its own, because chunks cannot be made while a COPY runs, and
 * because the store's statement trigger then scores a large batch at a time.
 *
 * A function that fails has said why, and has rolled back.
 */
#ifndef SINK_H
#define SINK_H

#include "meter.h"

typedef struct sink sink;

typedef enum sink_result
{
	SINK_DONE,
	SINK_KNOWN,					/* the same bytes were loaded before; nothing is kept */
	SINK_FAILED
} sink_result;

/*
 * "conninfo" may be a database name, keywords or a URI; NULL: libpq's environment.
 * Files of text are known by the same fingerprint as those that come through
 * anomaly_import_flows().
 */
sink	   *sink_open(const char *conninfo, const char *store, bool text, bool verbose);
void		sink_close(sink *);

/* The store's key for fingerprints; NULL for files of text. */
const uint8_t *sink_key(const sink *);

/* Was a file of so many bytes loaded before?  A failure shows with sink_begin(). */
bool		sink_knows_size(sink *, int64_t bytes);

/* The fingerprint is NULL if it is not known yet: it comes with sink_commit(). */
sink_result sink_begin(sink *, const char *name, const uint8_t *print, const char *filter);

/* A flow_emit; its argument is the sink.  After a failure it does nothing. */
void		sink_row(void *arg, const flow_row *);

/* A line that is no flow, into the table "reject"; its text is cut to fit. */
void		sink_reject(sink *, int64_t line, const char *reason, const char *raw, size_t length);

bool		sink_failed(const sink *);
sink_result sink_commit(sink *, const uint8_t *print, const capture_summary *);
void		sink_rollback(sink *);

/* anomaly_maintain(): retention and rollups, after the files. */
bool		sink_maintain(sink *);

/* Cancels what the server is doing; safe in a signal handler. */
void		sink_interrupt(void);

#endif
