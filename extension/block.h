/*
 * block.h - rows gathered until there are enough to score at once.
 *
 * Under a model that looks back, the rows of one series have to come in
 * order; the last ones of a block stay as the context of the next.
 */
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
	int			history;		/* rows the model looks back at */
	int			context;		/* of these, in raw before the gathered ones */
	int			rows;			/* gathered */
	double	   *raw;			/* [history + PGA_BLOCK][nfeatures] */
	double		score[PGA_BLOCK];	/* of the gathered rows, after pga_block_score */
} pga_block;

/* A block for rows of this type; at least `reach` columns of each get deformed. */
pga_block  *pga_block_create(pga_cached, TupleDesc, int reach);

/* A gathered row, or the one to come. */
static inline double *
pga_block_row(const pga_block *block, int i)
{
	return block->raw + (size_t) (block->context + i) * block->binding->nfeatures;
}

/* -1, or the feature that is NaN or infinite, the row then not being added. */
static inline int
pga_block_add(pga_block *block, TupleTableSlot *slot)
{
	int			bad;

	slot_getsomeattrs(slot, block->reach);
	bad = pga_read_raw(block->binding, block->cached.model, slot->tts_values, slot->tts_isnull,
					   pga_block_row(block, block->rows));
	if (bad < 0)
		block->rows++;
	return bad;
}

static inline void
pga_block_score(pga_block *block)
{
	pga_model_score_series(block->cached.model, block->raw, (size_t) (block->context + block->rows),
						   (size_t) block->context, block->score, block->cached.scratch);
}

/* Empties a block that was scored, but for what the next rows look back at. */
void		pga_block_clear(pga_block *);

#endif							/* PGA_BLOCK_H */
