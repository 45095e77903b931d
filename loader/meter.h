/*
 * meter.h - frames in, rows out: decoding, flow table, windows and what is
 * counted on the way, of one input.
 */
#ifndef METER_H
#define METER_H

#include "flow.h"
#include "window.h"

/* What the row in "capture" says of an input. */
typedef struct capture_summary
{
	int64_t		file_bytes;
	int64_t		first_packet,	/* of the IP packets; meaningless without any */
				last_packet;
	int64_t		packets;
	int64_t		ip_packets;
	int64_t		flows;
	int64_t		rejected;		/* lines of text that are no flow */
	int64_t		evicted;		/* flows that ended because the table was full */
	int64_t		drops,			/* -1: not known */
				interface_drops;	/* likewise */
	bool		truncated;
	const char *damage;			/* why, if so */
} capture_summary;

typedef struct meter
{
	capture_summary sum;
	int64_t		unread;			/* frames of an unknown link type (pcapng may mix) */
	int			unread_link;	/* the last one's */
	bool		tunnels;		/* enter them */
	flow_table *table;			/* NULL: rows come ready */
	window	   *window;			/* NULL: so do their features */
	flow_emit	emit;			/* gets the rows, features filled in */
	void	   *arg;
} meter;

void		meter_open(meter *, const flow_options *, bool tunnels, flow_emit, void *arg);
void		meter_close(meter *);
void		meter_frame(meter *, const frame *);

/* For rows of another meter: none is made of frames. */
void		meter_open_rows(meter *, const flow_options *, bool windows, flow_emit, void *arg);
void		meter_row(meter *, flow_row *);

#endif
