/*
 * feed.h - from a live meter to the database, in time.
 *
 * Rows are gathered in batches, which go to a courier when they have enough
 * rows or are old enough.  While the courier has no room, nothing is read: the
 * kernel then drops packets, and counts them.
 */
#ifndef FEED_H
#define FEED_H

#include "courier.h"
#include "csv.h"
#include "options.h"

typedef struct feed
{
	const options *options;
	const char *name;			/* of what is captured */
	meter		meter;
	csv			csv;
	courier    *courier;		/* NULL: rows are printed or counted */
	batch	   *batch;			/* being filled */
	int64_t		handed;			/* flows that were, or had been by an earlier program */
	int64_t		skip;			/* so many of them come again */
	int64_t		lost;			/* after a second signal */
	char		trouble[MESSAGE_BYTES]; /* why nothing can be handed over */

	double		begin;
	double		filled;			/* since when the batch has rows */
	double		given;			/* last batch */
	double		told;			/* last status line, and what it said: */
	int64_t		told_packets,
				told_flows;
	char		rates[64];
	double		health;			/* last one written */
	void		(*drops) (void *arg, capture_summary *);	/* fills in, or NULL */
	void	   *drops_arg;
} feed;

/* The courier, if any, is taken over by feed_end(). */
void		feed_open(feed *, const options *, const char *name, courier *, int64_t stored);

/* To be called often: sends what is old enough, answers signals, writes the health line. */
void		feed_tick(feed *);

/*
 * Hands over the rest and waits until it is stored or safe.  "final": the
 * session is over.  False if flows are neither; a message was given.
 */
bool		feed_end(feed *, bool final);

#endif
