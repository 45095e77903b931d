/*
 * copy.h - flows as rows of PostgreSQL's binary COPY format.
 */
#ifndef COPY_H
#define COPY_H

#include <stddef.h>

#include "flow.h"

/* The columns that copy_row() writes, for COPY's column list. */
extern const char copy_columns[];

enum
{
	COPY_HEADER_BYTES = 19,
	COPY_ROW_BYTES = 600,		/* no row is longer */
	COPY_REJECT_BYTES = 4096
};

/* Those of copy_reject(). */
extern const char copy_reject_columns[];

/* These return the bytes written. */
size_t		copy_header(uint8_t *to);
size_t		copy_row(uint8_t *to, const flow_row *, int32_t capture_id);

/*
 * A line that is no flow.  Reason and text are cut to fit; bytes that are not
 * printable ASCII become \\xHH, so that any database can hold them.
 */
size_t		copy_reject(uint8_t *to, int32_t capture_id, int64_t line, const char *reason, const char *raw, size_t length);

/* Puts another capture_id into a row; the row's bytes. */
size_t		copy_set_capture(uint8_t *row, int32_t capture_id);

/* A timestamptz as the server counts it. */
int64_t		copy_timestamp(int64_t unix_microseconds);

#endif
