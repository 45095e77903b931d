/*
 * sample.h - the sampler's inside, for training.
 *
 * A kept row is nfeatures cells of eight bytes: the bits of a double, the hash
 * of a category's text, or PGA_CELL_MISSING.
 */
#ifndef PGA_SAMPLE_H
#define PGA_SAMPLE_H

#include "core.h"

/* Even, where text hashes are odd; as a double a NaN, which no cell holds. */
#define PGA_CELL_MISSING UINT64_C(0x7ff8dead00000000)

/* One distinct category text. */
typedef struct pga_text
{
	uint64_t	hash;			/* 0: free slot */
	const char *text;
	uint32_t	len;
} pga_text;

struct pga_sampler
{
	pga_ctx    *ctx;
	pga_feature *features;
	size_t		nfeatures;
	uint64_t	seed;
	size_t		max_rows;
	int			missing_policy;
	bool		has_text;		/* any categorical feature */

	uint64_t	rows;			/* added, kept or not */
	uint64_t	skipped;
	uint64_t   *missing;		/* [nfeatures] missing values among the rows added */

	/* Rows whose hash exceeds limit are not kept. */
	uint64_t	limit;
	size_t		kept,
				cap;			/* rows allocated */
	uint64_t   *cells;			/* [cap][nfeatures] */
	uint64_t   *hash;			/* [cap] */
	uint64_t   *count;			/* [cap] occurrences */
	uint32_t   *slots;			/* hash table: row number + 1, 0 free */
	size_t		nslots;			/* power of two */

	pga_text   *texts;			/* hash table of the kept rows' texts */
	size_t		ntexts,
				text_slots,		/* power of two, or 0 */
				text_bytes;		/* of the texts themselves */
	uint64_t   *row;			/* [nfeatures] the row being added */
};

/* Never 0, never PGA_CELL_MISSING; text already clipped. */
uint64_t	pga_text_hash(const char *text, size_t len);

/* The text behind a categorical cell of a kept row. */
const pga_text *pga_sampler_text(const pga_sampler *, uint64_t cell);

/* The sample in canonical order: row numbers by ascending hash, at most
 * max_rows of them. */
uint32_t   *pga_sampler_order(const pga_sampler *, size_t *n);

/* For loading: an empty sampler without options, one text, one row (s->row,
 * new to the sampler; its hash is returned). */
pga_sampler *pga_sampler_make(pga_ctx *, const pga_feature *, size_t nfeatures);
void		pga_sampler_keep_text(pga_sampler *, uint64_t hash, const char *text, uint32_t len);
uint64_t	pga_sampler_keep_row(pga_sampler *, uint64_t count);

/* Bytes held. */
size_t		pga_sampler_bytes(const pga_sampler *);

#endif							/* PGA_SAMPLE_H */
