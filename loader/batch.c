/*
 * batch.c - rows on their way to the database (see batch.h).
 */
#include "batch.h"

#include <stdlib.h>

#include "copy.h"
#include "util.h"

enum
{
	REJECT_BYTES = 256 * 1024
};

#define DAY INT64_C(86400000000)

batch *
batch_new(size_t room)
{
	batch	   *b = must_calloc(1, sizeof(*b));

	b->data = must_calloc(1, room);
	b->room = room;
	return b;
}

void
batch_free(batch *b)
{
	free(b->data);
	free(b->rejects);
	free(b);
}

void
batch_clear(batch *b)
{
	b->bytes = 0;
	b->rows = 0;
	b->reject_bytes = 0;
	b->day_count = 0;
	b->final = false;
}

/* Widens the flow's day, or adds it; false if the batch has no room for it. */
static bool
note_day(batch *b, int64_t start)
{
	int64_t		number = start / DAY;

	for (size_t i = b->day_count; i-- > 0;)
		if (b->days[i].first / DAY == number)
		{
			if (start < b->days[i].first)
				b->days[i].first = start;
			if (start > b->days[i].last)
				b->days[i].last = start;
			return true;
		}
	if (b->day_count == BATCH_DAYS)
		return false;
	b->days[b->day_count++] = (day) {start, start};
	return true;
}

bool
batch_add(batch *b, const flow_row *row, int32_t capture_id)
{
	if (b->bytes + COPY_ROW_BYTES > b->room || !note_day(b, row->start_time))
		return false;
	if (b->bytes == 0)
		b->bytes = copy_header(b->data);
	b->bytes += copy_row(b->data + b->bytes, row, capture_id);
	b->rows++;
	b->ended_at = row->ended_at;
	return true;
}

bool
batch_reject(batch *b, int32_t capture_id, int64_t line, const char *reason, const char *raw, size_t length)
{
	if (!b->rejects)
		b->rejects = must_calloc(1, REJECT_BYTES);
	if (b->reject_bytes + COPY_REJECT_BYTES > REJECT_BYTES)
		return false;
	if (b->reject_bytes == 0)
		b->reject_bytes = copy_header(b->rejects);
	b->reject_bytes += copy_reject(b->rejects + b->reject_bytes, capture_id, line, reason, raw, length);
	return true;
}

bool
batch_empty(const batch *b)
{
	return b->rows == 0 && b->reject_bytes == 0;
}

void
batch_set_capture(batch *b, int32_t capture_id)
{
	for (size_t at = COPY_HEADER_BYTES; at < b->bytes;)
		at += copy_set_capture(b->data + at, capture_id);
}

void
batch_reserve(batch *b, size_t room)
{
	if (room <= b->room)
		return;
	b->data = must_realloc(b->data, room);
	b->room = room;
}
