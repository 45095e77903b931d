/*
 * draw.c - Floyd's algorithm (Bentley & Floyd, "A Sample of Brilliance", 1987)
 * over the occurrences of weighted rows: n draws, whatever the number of rows.
 */
#include "draw.h"

#include <string.h>

#define HEAP 64					/* occurrences of a row that are not drawn one by one */

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

/*
 * How many of the next w occurrences are drawn when `want` of `left` are.  One
 * by one, as in pga_draw_distinct; of a heap its share, rounded by chance.
 */
static uint64_t
draw_some(pga_rng *rng, uint64_t w, uint64_t want, uint64_t left)
{
	uint64_t	drawn = 0;

	if (w > HEAP)
	{
		drawn = (uint64_t) ((double) w * ((double) want / (double) left) + pga_rng_real(rng));
		drawn = drawn < want ? drawn : want;
		drawn = drawn < w ? drawn : w;
		/* what comes after it has to suffice */
		return drawn + (left - w) < want ? want - (left - w) : drawn;
	}
	for (; w > 0; w--, left--)
		drawn += pga_rng_below(rng, left) < want - drawn;
	return drawn;
}

size_t
pga_draw_occurrences(pga_ctx *ctx, pga_rng *rng, const pga_matrix *m, size_t n,
					 uint32_t *count, uint32_t *row)
{
	uint64_t	left = 0;
	uint64_t	want;
	size_t		rows = 0;

	for (size_t i = 0; i < m->rows; i++)
		left += m->weight[i];
	want = left < n ? left : n;
	for (size_t i = 0; i < m->rows; i++)
	{
		uint64_t	drawn = want == left ? m->weight[i] : draw_some(rng, m->weight[i], want, left);

		count[i] = (uint32_t) (drawn < UINT32_MAX ? drawn : UINT32_MAX);
		if (drawn > 0)
			row[rows++] = (uint32_t) i;
		want -= drawn;
		left -= m->weight[i];
		if (i % 1024 == 0)
			ctx->poll(ctx);
	}
	return rows;
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
