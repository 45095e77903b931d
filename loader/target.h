/*
 * target.h - what a column of a text file can say of a flow.
 *
 * A target is a column of the table "flow" under its own name, or one of a few
 * more from which such follow: bytes of both directions together, a duration in
 * seconds, KDD-99's service.  Values go into a draft, which complete.c completes.
 */
#ifndef TARGET_H
#define TARGET_H

#include "flow.h"
#include "record.h"

/* What is known of a row; the rest is made up from it (complete.c). */
typedef enum fact
{
	FACT_OTHER = 0,				/* nothing depends on it */
	FACT_START = 1 << 0,
	FACT_END = 1 << 1,
	FACT_DURATION = 1 << 2,
	FACT_SRC_ADDR = 1 << 3,
	FACT_DST_ADDR = 1 << 4,
	FACT_PROTOCOL = 1 << 5,
	FACT_STATE = 1 << 6,
	FACT_SRC_BYTES = 1 << 7,
	FACT_DST_BYTES = 1 << 8,
	FACT_SRC_PAYLOAD = 1 << 9,
	FACT_DST_PAYLOAD = 1 << 10,
	FACT_SRC_PACKETS = 1 << 11,
	FACT_DST_PACKETS = 1 << 12,
	FACT_BYTES = 1 << 13,
	FACT_PACKETS = 1 << 14,
	FACT_PACKET_RATE = 1 << 15,
	FACT_RETRANSMISSION_RATE = 1 << 16,
	FACT_LENGTH_MIN = 1 << 17,
	FACT_LENGTH_MAX = 1 << 18,
	FACT_LENGTH_MEAN = 1 << 19,
	FACT_DST_PORT = 1 << 20,
	FACT_END_REASON = 1 << 21,
	FACT_TYPE_AND_CODE = 1 << 22,	/* of ICMP, in the responder's port */
	FACT_WINDOW = 1 << 23,		/* a feature that window.c would find */
	FACT_ENDED_AT = 1 << 24
} fact;

/* A row of text on its way to a flow. */
typedef struct draft
{
	flow_row	row;
	uint32_t	facts;
	int64_t		end_time;
	int64_t		bytes,			/* both directions */
				packets;
	double		packets_per_s;
	double		retransmission_rate;
	bool		land;
	bool		known;			/* any column had a value */
} draft;

typedef struct target target;

/* By its name, as text_names() compares it; NULL if there is none. */
const target *target_find(text name);

/* The facts that a value establishes. */
uint32_t	target_facts(const target *);

/* May the column of "flow" be NULL? */
bool		target_nullable(const target *);

/*
 * Puts a value in.  NULL, or why it is no good, to be put behind the column's
 * name and the value; "room" is MESSAGE_BYTES / 2 for the text.
 */
const char *target_read(const target *, text value, draft *, char *room);

#endif
