/*
 * batch.h - rows on their way to the database: encoded for COPY, with the days
 * for which they need chunks.
 */
#ifndef BATCH_H
#define BATCH_H

#include "meter.h"

enum
{
	BATCH_DAYS = 64				/* a batch is full when its flows begin on more days */
};

/* The start times of a batch's flows of one day (UTC). */
typedef struct day
{
	int64_t		first,
				last;
} day;

typedef struct batch
{
	uint8_t    *data;			/* header and rows, without the trailer */
	size_t		bytes,
				room;
	int64_t		rows;
	uint8_t    *rejects;		/* lines that are no flow, likewise; NULL before the first */
	size_t		reject_bytes;
	int64_t		first;			/* of a session: rows before this batch */
	int64_t		ended_at;		/* of the last row */
	bool		final;			/* of a session: it ends with this batch */
	capture_summary sum;		/* of a session: up to here */
	day			days[BATCH_DAYS];
	size_t		day_count;
} batch;

batch	   *batch_new(size_t room);
void		batch_free(batch *);
void		batch_clear(batch *);

/* False if it is full. */
bool		batch_add(batch *, const flow_row *, int32_t capture_id);
bool		batch_reject(batch *, int32_t capture_id, int64_t line, const char *reason, const char *raw, size_t length);

/* Is there nothing to send? */
bool		batch_empty(const batch *);

/* Puts the capture's id into rows that were added without it. */
void		batch_set_capture(batch *, int32_t capture_id);

/* Makes room for so many bytes of data. */
void		batch_reserve(batch *, size_t room);

#endif
