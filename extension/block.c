/* block.c - rows gathered until there are enough to score at once. */
#include "block.h"

#include "storage/shmem.h"

pga_block *
pga_block_create(pga_cached cached, TupleDesc desc, int reach)
{
	pga_block  *block = palloc0(sizeof(pga_block));
	size_t		nfeatures = pga_model_nfeatures(cached.model);

	block->cached = cached;
	block->binding = pga_bind_features(pga_model_features(cached.model), nfeatures, desc);
	block->reach = Max(block->binding->ncolumns, reach);
	block->history = (int) pga_model_history(cached.model);
	block->raw = palloc(mul_size(add_size(block->history, PGA_BLOCK), nfeatures * sizeof(double)));
	return block;
}

void
pga_block_clear(pga_block *block)
{
	int			kept = Min(block->context + block->rows, block->history);

	memmove(block->raw, pga_block_row(block, block->rows - kept),
			kept * block->binding->nfeatures * sizeof(double));
	block->context = kept;
	block->rows = 0;
}
