/* block.h - rows gathered until there are enough to score at once. */
#ifndef PGA_BLOCK_H
#define PGA_BLOCK_H

#include "binding.h"
#include "model_cache.h"

#include "executor/tuptable.h"

typedef struct pga_block
{
	pga_cached	cached;
	pga_binding *binding;
	int			reach;			/* columns to deform of each row */
	int			rows;			/* gathered */
	double	   *raw;			/* [PGA_BLOCK][nfeatures] */
	double		score[PGA_BLOCK];	/* of the gathered rows, after pga_block_score */
} pga_block;

/* A block for rows of this type; at least `reach` columns of each get deformed. */
pga_block  *pga_block_create(pga_cached, TupleDesc, int reach);

/* -1, or the feature that is NaN or infinite, the row then not being added. */
static inline int
pga_block_add(pga_block *block, TupleTableSlot *slot)
{
	int			bad;

	slot_getsomeattrs(slot, block->reach);
	bad = pga_read_raw(block->binding, block->cached.model, slot->tts_values, slot->tts_isnull,
					   block->raw + (size_t) block->rows * block->binding->nfeatures);
	if (bad < 0)
		block->rows++;
	return bad;
}

static inline void
pga_block_score(pga_block *block)
{
	pga_model_score(block->cached.model, block->raw, (size_t) block->rows, block->score,
					block->cached.scratch);
}

#endif							/* PGA_BLOCK_H */
