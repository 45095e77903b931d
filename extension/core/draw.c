/*
 * draw.c - Floyd's algorithm (Bentley & Floyd, "A Sample of Brilliance", 1987)
 * over the occurrences of weighted rows: n draws, whatever the number of rows.
 */
#include "draw.h"

#include <string.h>

void
pga_draw_init(pga_ctx *ctx, pga_draw *d, const pga_matrix *m, uint32_t n)
{
	*d = (pga_draw) {.m = m, .nslots = 2};
	d->cumulative = ctx->alloc(ctx, pga_mul(ctx, m->rows, sizeof(uint64_t)));
	for (size_t i = 0; i < m->rows; i++)
		d->cumulative[i] = d->total += m->weight[i];
	d->n = (uint32_t) (d->total < n ? d->total : n);
	while (d->nslots < 2 * (size_t) d->n)
		d->nslots *= 2;
	d->drawn = ctx->alloc(ctx, d->nslots * sizeof(uint64_t));
}

/* Marks an occurrence drawn; false when it was before. */
static bool
mark(pga_draw *d, uint64_t occurrence)
{
	size_t		i = (size_t) pga_mix64(occurrence) & (d->nslots - 1);

	for (; d->drawn[i] != 0; i = (i + 1) & (d->nslots - 1))
		if (d->drawn[i] == occurrence + 1)
			return false;
	d->drawn[i] = occurrence + 1;
	return true;
}

/* The row an occurrence belongs to. */
static size_t
row_of(const pga_draw *d, uint64_t occurrence)
{
	size_t		lo = 0;
	size_t		hi = d->m->rows - 1;

	while (lo < hi)
	{
		size_t		mid = lo + (hi - lo) / 2;

		if (d->cumulative[mid] > occurrence)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

void
pga_draw_rows(pga_draw *d, pga_rng *rng, size_t *row)
{
	memset(d->drawn, 0, d->nslots * sizeof(uint64_t));
	for (uint32_t i = 0; i < d->n; i++)
	{
		uint64_t	last = d->total - d->n + i;
		uint64_t	occurrence = pga_rng_below(rng, last + 1);

		if (!mark(d, occurrence))
		{
			occurrence = last;
			mark(d, occurrence);
		}
		row[i] = row_of(d, occurrence);
	}
}

/* Selection sampling: algorithm S of Knuth, TAOCP 2, 3.4.2. */
void
pga_draw_distinct(pga_rng *rng, size_t rows, size_t n, uint32_t *row)
{
	size_t		drawn = 0;

	for (size_t i = 0; drawn < n; i++)
		if (pga_rng_below(rng, rows - i) < n - drawn)
			row[drawn++] = (uint32_t) i;
}
