/* model_cache.h - fitted models of this backend, ready to score. */
#ifndef PGA_MODEL_CACHE_H
#define PGA_MODEL_CACHE_H

#include "host.h"

extern int	pga_cache_size_kb;	/* setting pg_anomaly.cache_size */

typedef struct pga_cached
{
	const pga_model *model;
	void	   *scratch;		/* for a block of PGA_BLOCK rows; scoring never nests */
	struct pga_cache_entry *entry;
} pga_cached;

/* A hold on a cached model that ends with a memory context. */
typedef struct pga_hold
{
	pga_cached	cached;			/* model is NULL while nothing is held */
	MemoryContextCallback on_reset;
} pga_hold;

pga_hold   *pga_hold_create(MemoryContext owner);

/*
 * Makes the hold point to a model: the active version of a name as the active
 * snapshot sees it, or a value of type anomaly_model.  What was held before is
 * let go.
 */
void		pga_hold_named(pga_hold *, const char *name);
void		pga_hold_value(pga_hold *, Datum value);

#endif							/* PGA_MODEL_CACHE_H */
