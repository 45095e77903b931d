/*
 * queue.c - a bounded queue of batches between two threads (see queue.h).
 */
#include "queue.h"

#include <pthread.h>
#include <stdlib.h>

#include "util.h"

struct queue
{
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t		most,
				first,
				count;
	bool		closed;
	batch	   *ring[];
};

queue *
queue_new(size_t most)
{
	queue	   *q = must_calloc(1, sizeof(*q) + most * sizeof(batch *));

	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->changed, NULL);
	q->most = most;
	return q;
}

void
queue_free(queue *q)
{
	pthread_cond_destroy(&q->changed);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

void
queue_put(queue *q, batch *b)
{
	pthread_mutex_lock(&q->lock);
	while (q->count == q->most)
		pthread_cond_wait(&q->changed, &q->lock);
	q->ring[(q->first + q->count++) % q->most] = b;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
}

/* The lock is held. */
static batch *
take_first(queue *q)
{
	batch	   *b = NULL;

	if (q->count > 0)
	{
		b = q->ring[q->first];
		q->first = (q->first + 1) % q->most;
		q->count--;
		pthread_cond_broadcast(&q->changed);
	}
	return b;
}

batch *
queue_get(queue *q)
{
	batch	   *b;

	pthread_mutex_lock(&q->lock);
	while (q->count == 0 && !q->closed)
		pthread_cond_wait(&q->changed, &q->lock);
	b = take_first(q);
	pthread_mutex_unlock(&q->lock);
	return b;
}

batch *
queue_try(queue *q)
{
	batch	   *b;

	pthread_mutex_lock(&q->lock);
	b = take_first(q);
	pthread_mutex_unlock(&q->lock);
	return b;
}

void
queue_close(queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
}
