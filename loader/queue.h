/*
 * queue.h - a bounded queue of batches between two threads.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include "batch.h"

typedef struct queue queue;

queue	   *queue_new(size_t most);
void		queue_free(queue *);

/* Waits for room. */
void		queue_put(queue *, batch *);

/* Waits for a batch; NULL when the queue is closed and empty. */
batch	   *queue_get(queue *);

/* Likewise, but does not wait. */
batch	   *queue_try(queue *);

/* The last batch was put. */
void		queue_close(queue *);

#endif
