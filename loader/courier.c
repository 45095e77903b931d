/*
 * courier.c - batches to the database, in a thread (see courier.h).
 */
#include "courier.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "queue.h"
#include "util.h"

enum
{
	BATCHES = 4,				/* in memory */
	BATCH_BYTES = 4 * 1024 * 1024
};

#define FIRST_PAUSE 0.1
#define LONGEST_PAUSE 30.0
#define MAINTENANCE 3600.0		/* seconds between two calls of anomaly_maintain() */

struct courier
{
	session		session;
	identity	own;
	char	   *settings;		/* of it: may outlast the caller's */
	spool	   *spool;			/* or: */
	queue	   *empty,
			   *full;
	batch	   *spare;			/* with a spool: the one that is filled */
	pthread_t	thread;
	double		maintained;

	pthread_mutex_t mutex;		/* over the rest */
	pthread_cond_t changed;
	courier_status status;
	bool		ended,
				done;
};

/* ---- what others see ---------------------------------------------------- */

static double
wall_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

/* Says each trouble once, and when it is over.  The first line tells what matters. */
static void
note_trouble(courier *c)
{
	char	   *error = c->session.server.error;
	bool		known;

	error[strcspn(error, "\n")] = '\0';
	pthread_mutex_lock(&c->mutex);
	known = strcmp(error, c->status.error) == 0;
	memcpy(c->status.error, error, ERROR_BYTES);
	pthread_mutex_unlock(&c->mutex);
	if (!known)
		complain("%s; trying again", error);
}

static void
note_stored(courier *c, const batch *b)
{
	bool		trouble;

	pthread_mutex_lock(&c->mutex);
	trouble = c->status.error[0] != '\0';
	c->status.error[0] = '\0';
	c->status.stored += b->rows;
	if (!c->spool)
		c->status.waiting -= b->rows;
	if (b->rows > 0)
		c->status.lag = wall_clock() - (double) b->ended_at * 1e-6;
	pthread_mutex_unlock(&c->mutex);
	if (trouble)
		complain("flows are stored again");
}

void
courier_report(courier *c, courier_status *status)
{
	pthread_mutex_lock(&c->mutex);
	*status = c->status;
	pthread_mutex_unlock(&c->mutex);
	if (c->spool)
		status->waiting = spool_waiting(c->spool);
}

/* ---- the thread --------------------------------------------------------- */

/* False if the end came meanwhile. */
static bool
pause_for(courier *c, double seconds)
{
	struct timespec until;
	double		end = wall_clock() + seconds;
	bool		ended;

	until.tv_sec = (time_t) end;
	until.tv_nsec = (long) ((end - (double) until.tv_sec) * 1e9);
	pthread_mutex_lock(&c->mutex);
	while (!c->ended && pthread_cond_timedwait(&c->changed, &c->mutex, &until) == 0)
		;
	ended = c->ended;
	pthread_mutex_unlock(&c->mutex);
	return !ended;
}

/* "b" is NULL: the session was cut off. */
static bool
deliver(courier *c, const identity *whose, batch *b)
{
	session    *s = &c->session;

	if (!session_connect(s) || !session_attach(s, whose))
		return false;
	if (b)
		return session_store(s, b);
	return whose->replay || session_abandon(s);
}

/*
 * Until it is stored.  When the end has come, a batch that is in the spool is
 * tried once more, and left there.
 */
static bool
deliver_surely(courier *c, const identity *whose, batch *b)
{
	double		pause = FIRST_PAUSE;

	while (!deliver(c, whose, b))
	{
		note_trouble(c);
		if (!pause_for(c, pause))
		{
			struct timespec rest = {.tv_nsec = 100000000};

			if (c->spool)
				return deliver(c, whose, b);
			nanosleep(&rest, NULL);
		}
		pause = pause * 2 > LONGEST_PAUSE ? LONGEST_PAUSE : pause * 2;
	}
	return true;
}

static void
maintain(courier *c)
{
	double		now = seconds_now();

	if (now - c->maintained < MAINTENANCE || !c->session.server.conn)
		return;
	c->maintained = now;
	if (!server_maintain(&c->session.server))
		complain("%s", c->session.server.error);
}

static void
empty_spool(courier *c)
{
	batch	   *b = batch_new(BATCH_BYTES);
	const identity *whose;
	spool_item	item;

	while ((item = spool_next(c->spool, b, &whose)) != SPOOL_EMPTY)
	{
		if (!deliver_surely(c, whose, item == SPOOL_BATCH ? b : NULL))
			break;
		if (item == SPOOL_BATCH)
			note_stored(c, b);
		spool_remove(c->spool);
		maintain(c);
	}
	batch_free(b);
}

static void
empty_queue(courier *c)
{
	batch	   *b;

	while ((b = queue_get(c->full)))
	{
		deliver_surely(c, &c->own, b);
		note_stored(c, b);
		batch_clear(b);
		queue_put(c->empty, b);
		maintain(c);
	}
}

static void *
work(void *arg)
{
	courier    *c = arg;

	if (c->spool)
		empty_spool(c);
	else
		empty_queue(c);
	session_close(&c->session);
	pthread_mutex_lock(&c->mutex);
	c->done = true;
	pthread_mutex_unlock(&c->mutex);
	return NULL;
}

/* ---- from outside ------------------------------------------------------- */

courier *
courier_start(const session *s, const identity *own, spool *sp)
{
	courier    *c = must_calloc(1, sizeof(*c));

	c->session = *s;
	c->session.server.quiet = true;
	c->own = *own;
	c->own.settings = c->settings = must_format("%s", own->settings);
	c->spool = sp;
	c->status.lag = -1;
	c->maintained = -MAINTENANCE;
	pthread_mutex_init(&c->mutex, NULL);
	pthread_cond_init(&c->changed, NULL);
	if (sp)
		c->spare = batch_new(BATCH_BYTES);
	else
	{
		c->empty = queue_new(BATCHES);
		c->full = queue_new(BATCHES);
		for (int i = 0; i < BATCHES; i++)
			queue_put(c->empty, batch_new(BATCH_BYTES));
	}
	if (pthread_create(&c->thread, NULL, work, c) != 0)
	{
		complain("cannot start a thread");
		exit(1);
	}
	return c;
}

batch *
courier_take(courier *c)
{
	batch	   *b = c->spare;

	if (!c->spool)
		return queue_try(c->empty);
	c->spare = NULL;
	return b;
}

bool
courier_put(courier *c, batch *b, char *message)
{
	if (c->spool)
	{
		if (!spool_put(c->spool, b, message))
			return false;
		batch_clear(b);
		c->spare = b;
		return true;
	}
	pthread_mutex_lock(&c->mutex);
	c->status.waiting += b->rows;
	pthread_mutex_unlock(&c->mutex);
	queue_put(c->full, b);
	return true;
}

void
courier_end(courier *c)
{
	pthread_mutex_lock(&c->mutex);
	c->ended = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->mutex);
	if (c->spool)
		spool_end(c->spool);
	else
		queue_close(c->full);
}

bool
courier_done(courier *c)
{
	bool		done;

	pthread_mutex_lock(&c->mutex);
	done = c->done;
	pthread_mutex_unlock(&c->mutex);
	return done;
}

void
courier_free(courier *c)
{
	batch	   *b;

	pthread_join(c->thread, NULL);
	if (c->spare)
		batch_free(c->spare);
	if (!c->spool)
	{
		while ((b = queue_try(c->empty)))
			batch_free(b);
		queue_free(c->empty);
		queue_free(c->full);
	}
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->mutex);
	free(c->settings);
	free(c);
}
