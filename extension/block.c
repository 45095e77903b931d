/* block.c - rows gathered until there are enough to score at once. */
#include "block.h"

pga_block *
pga_block_create(pga_cached cached, TupleDesc desc, int reach)
{
	pga_block  *block = palloc0(sizeof(pga_block));
	size_t		nfeatures = pga_model_nfeatures(cached.model);

	block->cached = cached;
	block->binding = pga_bind_features(pga_model_features(cached.model), nfeatures, desc);
	block->reach = Max(block->binding->ncolumns, reach);
	block->raw = palloc(PGA_BLOCK * nfeatures * sizeof(double));
	return block;
}
