/*
 * split.c - a sample divided into a training and a held-out side (split.h).
 *
 * Three ways: by occurrence, by occurrence within each class, and the end of
 * each series.  What is held out is decided by the rows and the seed alone.
 */
#include "split.h"

#include <math.h>
#include <stdlib.h>

#define NO_COLUMN SIZE_MAX

size_t
pga_rank(const uint64_t *cumulative, size_t n, uint64_t at)
{
	size_t		lo = 0;
	size_t		hi = n;

	while (lo < hi)
	{
		size_t		mid = lo + (hi - lo) / 2;

		if (cumulative[mid] > at)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static size_t
role_column(const pga_sampler *s, pga_role role)
{
	for (size_t j = 0; j < s->nfeatures; j++)
		if (s->features[j].role == role)
			return j;
	return NO_COLUMN;
}

static uint64_t
cell(const pga_rows *rows, size_t i, size_t column)
{
	return rows->sampler->cells[rows->order[i] * rows->sampler->nfeatures + column];
}

/* ---- classes ------------------------------------------------------------------- */

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* The classes' names in order; sp->class is filled in. */
static void
find_classes(pga_ctx *ctx, const pga_rows *rows, size_t column, pga_split *sp)
{
	pga_item   *items = ctx->alloc(ctx, pga_mul(ctx, rows->n, sizeof(pga_item)));
	pga_item   *scratch = ctx->alloc(ctx, pga_mul(ctx, rows->n, sizeof(pga_item)));
	size_t		distinct = 0;

	for (size_t i = 0; i < rows->n; i++)
		items[i] = (pga_item) {cell(rows, i, column), i};
	pga_sort(ctx, items, scratch, rows->n);
	for (size_t i = 0; i < rows->n; i++)
		distinct += i == 0 || items[i].key != items[i - 1].key;
	if (distinct > PGA_MAX_CLASSES)
		ctx->fail(ctx, PGA_ERR_LABEL, "Put rare classes together in the query.",
				  "label \"%s\" has %zu classes, more than the limit of %d",
				  rows->sampler->features[column].name, distinct, PGA_MAX_CLASSES);
	sp->classes = ctx->alloc(ctx, distinct * sizeof(char *));
	for (size_t i = 0; i < rows->n; i++)
		if (i == 0 || items[i].key != items[i - 1].key)
			sp->classes[sp->nclasses++] = pga_sampler_text(rows->sampler, items[i].key)->text;
	qsort(sp->classes, distinct, sizeof(char *), compare_names);

	sp->class = ctx->alloc(ctx, pga_mul(ctx, rows->n, sizeof(uint32_t)));
	for (size_t i = 0, k = 0; i < rows->n; i++)
	{
		if (i == 0 || items[i].key != items[i - 1].key)
		{
			const char *name = pga_sampler_text(rows->sampler, items[i].key)->text;

			for (k = 0; strcmp(sp->classes[k], name) != 0; k++)
				;
		}
		sp->class[items[i].payload] = (uint32_t) k;
	}
}

static void
find_normal(pga_ctx *ctx, const pga_rows *rows, size_t column, pga_split *sp, bool supervised)
{
	const char *label = rows->sampler->features[column].name;

	while (sp->normal < sp->nclasses && strcmp(sp->classes[sp->normal], "normal") != 0)
		sp->normal++;
	if (sp->normal == sp->nclasses)
		ctx->fail(ctx, PGA_ERR_LABEL, "Normal are false, 0 and 'normal'.",
				  "label \"%s\" marks no row as normal", label);
	if (supervised && sp->nclasses < 2)
		ctx->fail(ctx, PGA_ERR_LABEL, "A supervised detector learns from rows of at least two classes.",
				  "label \"%s\" marks every row as normal", label);
}

/* ---- series -------------------------------------------------------------------- */

/* The rows by series, in order within each; ties by hash. */
static void
sort_series(pga_ctx *ctx, pga_split *sp)
{
	const pga_rows *rows = &sp->rows;
	size_t		n = rows->n;
	size_t		partition = role_column(rows->sampler, PGA_PARTITION);
	size_t		place = role_column(rows->sampler, PGA_ORDER);
	pga_item   *items = ctx->alloc(ctx, pga_mul(ctx, n, sizeof(pga_item)));
	pga_item   *scratch = ctx->alloc(ctx, pga_mul(ctx, n, sizeof(pga_item)));
	uint32_t   *order = ctx->alloc(ctx, pga_mul(ctx, n, sizeof(uint32_t)));
	uint64_t   *weight = ctx->alloc(ctx, pga_mul(ctx, n, sizeof(uint64_t)));

	for (size_t i = 0; i < n; i++)
		items[i] = (pga_item) {place == NO_COLUMN ? 0 : pga_ordered(pga_bits_double(cell(rows, i, place))), i};
	pga_sort(ctx, items, scratch, n);
	for (size_t i = 0; i < n; i++)
		items[i].key = partition == NO_COLUMN ? 0 : cell(rows, (size_t) items[i].payload, partition);
	pga_sort(ctx, items, scratch, n);	/* stable */

	sp->series = ctx->alloc(ctx, pga_mul(ctx, n + 1, sizeof(uint32_t)));
	for (size_t i = 0; i < n; i++)
	{
		if (i == 0 || items[i].key != items[i - 1].key)
			sp->series[sp->nseries++] = (uint32_t) i;
		order[i] = rows->order[items[i].payload];
		weight[i] = rows->weight[items[i].payload];
	}
	sp->series[sp->nseries] = (uint32_t) n;
	sp->rows.order = order;
	sp->rows.weight = weight;
}

/* ---- dividing ------------------------------------------------------------------- */

/* Without the rows of other classes. */
static void
keep_normal(pga_ctx *ctx, pga_split *sp)
{
	uint32_t   *order = ctx->alloc(ctx, pga_mul(ctx, sp->rows.n, sizeof(uint32_t)));
	uint64_t   *weight = ctx->alloc(ctx, pga_mul(ctx, sp->rows.n, sizeof(uint64_t)));
	size_t		n = 0;

	for (size_t i = 0; i < sp->rows.n; i++)
	{
		if (sp->class[i] != sp->normal)
			continue;
		order[n] = sp->rows.order[i];
		weight[n++] = sp->rows.weight[i];
	}
	sp->rows.order = order;
	sp->rows.weight = weight;
	sp->rows.n = n;
	sp->class = NULL;
	sp->nclasses = 0;
}

/*
 * Systematic sampling over the occurrences of each class; or over its distinct
 * rows, each of which then is on one side: what a supervised detector has
 * learnt by heart must not measure it.
 */
static void
divide_rows(pga_ctx *ctx, pga_split *sp, double share, bool whole_rows, uint64_t *weight)
{
	size_t		classes = sp->class ? sp->nclasses : 1;
	uint64_t   *before = ctx->alloc(ctx, classes * sizeof(uint64_t));
	uint64_t   *held_before = ctx->alloc(ctx, classes * sizeof(uint64_t));

	for (size_t i = 0; i < sp->rows.n; i++)
	{
		size_t		c = sp->class ? sp->class[i] : 0;
		uint64_t	count = whole_rows ? 1 : sp->rows.weight[i];
		uint64_t	held;

		before[c] += count;
		held = (uint64_t) floor((double) before[c] * share + 0.5);
		sp->held[i] = held - held_before[c];
		if (sp->held[i] > count)
			sp->held[i] = count;
		if (whole_rows)
			sp->held[i] *= sp->rows.weight[i];
		weight[i] = sp->rows.weight[i] - sp->held[i];
		held_before[c] = held;
	}
}

/* The last rows of each series. */
static void
divide_series(pga_split *sp, double share, uint64_t *weight)
{
	for (size_t k = 0; k < sp->nseries; k++)
	{
		size_t		end = sp->series[k + 1];
		size_t		cut = end - (size_t) floor((double) (end - sp->series[k]) * share + 0.5);

		for (size_t i = sp->series[k]; i < end; i++)
		{
			weight[i] = i < cut ? sp->rows.weight[i] : 0;
			sp->held[i] = i < cut ? 0 : sp->rows.weight[i];
		}
	}
}

static const char *made_up_classes[] = {"normal", "anomalous"};

void
pga_split_rows(pga_ctx *ctx, const pga_rows *rows, const pga_params *params, pga_split *sp)
{
	unsigned	flags = params->detector->flags;
	size_t		target = role_column(rows->sampler, PGA_TARGET);
	double		share = pga_param(params, "holdout");
	uint64_t   *weight;

	*sp = (pga_split) {.rows = *rows};
	if (target != NO_COLUMN)
	{
		find_classes(ctx, rows, target, sp);
		find_normal(ctx, rows, target, sp, (flags & PGA_SUPERVISED) != 0);
		if (!(flags & (PGA_SUPERVISED | PGA_COMPOSITE)))
			keep_normal(ctx, sp);
	}
	else if (flags & PGA_SUPERVISED)
	{
		ctx->warn(ctx, "no label: %s learns to tell the rows from rows whose columns were drawn independently",
				  params->detector->name);
		sp->synthetic = true;
		sp->classes = made_up_classes;
		sp->nclasses = 2;
	}
	if (flags & PGA_SEQUENCE)
		sort_series(ctx, sp);
	weight = ctx->alloc(ctx, pga_mul(ctx, sp->rows.n, sizeof(uint64_t)));
	sp->held = ctx->alloc(ctx, pga_mul(ctx, sp->rows.n, sizeof(uint64_t)));
	if (flags & PGA_SEQUENCE)
		divide_series(sp, share, weight);
	else
		divide_rows(ctx, sp, share, target != NO_COLUMN && (flags & PGA_SUPERVISED), weight);
	sp->rows.weight = weight;
	for (size_t i = 0; i < sp->rows.n; i++)
	{
		sp->trained_total += weight[i];
		sp->held_total += sp->held[i];
		if (sp->class == NULL || sp->class[i] == sp->normal)
			sp->held_normal += sp->held[i];
	}
}
