/*
 * leak.c - features that tell the label by themselves.
 *
 * A column written after the label was known (a verdict, a block time) makes
 * a model that is perfect on paper and useless on new rows.  What one feature
 * alone gets right is measured on the training rows: a number by the area
 * under its ROC curve, a text by the rows that are not of the commoner kind of
 * their text.
 */
#include <math.h>

#include "split.h"

#define SUSPICIOUS 0.999
#define LEAST_ROWS 50			/* of each kind, to suspect anything */

static uint64_t
cell(const pga_split *sp, size_t i, size_t feature)
{
	const pga_sampler *s = sp->rows.sampler;

	return s->cells[sp->rows.order[i] * s->nfeatures + feature];
}

static bool
is_normal(const pga_split *sp, size_t i)
{
	return sp->class[i] == sp->normal;
}

/* Better than SUSPICIOUS either way round? */
static bool
number_tells(pga_ctx *ctx, const pga_split *sp, size_t feature, pga_scored *scored)
{
	size_t		n = 0;
	double		area;

	for (size_t i = 0; i < sp->rows.n; i++)
		if (cell(sp, i, feature) != PGA_CELL_MISSING)
			scored[n++] = (pga_scored) {pga_bits_double(cell(sp, i, feature)), !is_normal(sp, i)};
	pga_sort_scored(ctx, scored, n);
	area = pga_roc_auc(scored, n);
	return area >= SUSPICIOUS || area <= 1 - SUSPICIOUS;
}

/*
 * Guessing the commoner kind must err on hardly any row of the rarer kind.
 * Texts of an identifier tell everything and nothing: there must be few.
 */
static bool
text_tells(pga_ctx *ctx, const pga_split *sp, size_t feature, pga_item *items, pga_item *scratch)
{
	size_t		n = 0;
	size_t		wrong = 0;
	size_t		texts = 0;
	size_t		rarer = 0;		/* rows of the rarer kind, when all are counted */

	for (size_t i = 0; i < sp->rows.n; i++)
		if (cell(sp, i, feature) != PGA_CELL_MISSING)
			items[n++] = (pga_item) {cell(sp, i, feature), is_normal(sp, i)};
	pga_sort(ctx, items, scratch, n);
	for (size_t i = 0, end; i < n; i = end)
	{
		size_t		normal = 0;

		for (end = i; end < n && items[end].key == items[i].key; end++)
			normal += (size_t) items[end].payload;
		wrong += normal < end - i - normal ? normal : end - i - normal;
		rarer += normal;
		texts++;
	}
	rarer = n - rarer < rarer ? n - rarer : rarer;
	return texts <= n / 10 && (double) wrong <= (1 - SUSPICIOUS) * (double) rarer;
}

void
pga_warn_of_leaks(pga_ctx *ctx, const pga_split *sp)
{
	const pga_sampler *s = sp->rows.sampler;
	size_t		rows = sp->rows.n;
	size_t		normal = 0;
	pga_scored *scored;
	pga_item   *items,
			   *scratch;

	for (size_t i = 0; i < rows; i++)
		normal += is_normal(sp, i);
	/* Rows of one kind alone, or nearly, are guessed by anything. */
	if (normal < LEAST_ROWS || rows - normal < LEAST_ROWS)
		return;
	scored = ctx->alloc(ctx, pga_mul(ctx, rows, sizeof(pga_scored)));
	items = ctx->alloc(ctx, pga_mul(ctx, rows, sizeof(pga_item)));
	scratch = ctx->alloc(ctx, pga_mul(ctx, rows, sizeof(pga_item)));
	for (size_t j = 0; j < s->nfeatures; j++)
	{
		const pga_feature *f = &s->features[j];

		if (f->role != PGA_FEATURE)
			continue;
		if (f->kind == PGA_CATEGORICAL ? text_tells(ctx, sp, j, items, scratch)
			: number_tells(ctx, sp, j, scored))
			ctx->warn(ctx, "column \"%s\" alone tells normal rows from others: it may have been written after the label",
					  f->name);
		ctx->poll(ctx);
	}
}
