/*
 * prep_fit.c - fitting the preprocessing (prep.h).
 *
 * Column by column over the training part of the sample: sort the values,
 * read off quantiles, decide on the logarithm, centre and scale.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "fmath.h"
#include "params.h"
#include "prep.h"

/* Most frequent first, then by text: a total order, whatever qsort does. */
static int
compare_frequency(const void *a, const void *b)
{
	const pga_category *x = a;
	const pga_category *y = b;

	if (x->value != y->value)
		return x->value < y->value ? 1 : -1;
	return pga_prep_compare_text(a, b);
}

/* The column's values, sorted, with their weights; missing ones left out. */
static size_t
gather(pga_ctx *ctx, const pga_rows *rows, size_t feature, bool categorical,
	   pga_item *items, pga_item *scratch)
{
	const pga_sampler *s = rows->sampler;
	size_t		n = 0;

	for (size_t i = 0; i < rows->n; i++)
	{
		uint64_t	cell = s->cells[rows->order[i] * s->nfeatures + feature];

		if (rows->weight[i] == 0 || cell == PGA_CELL_MISSING)
			continue;
		items[n].key = categorical ? cell : pga_ordered(pga_bits_double(cell));
		items[n++].payload = rows->weight[i];
		if (n % 65536 == 0)
			ctx->poll(ctx);
	}
	pga_sort(ctx, items, scratch, n);
	return n;
}

/* One item per distinct key, weights added up. */
static size_t
group(pga_item *items, size_t n)
{
	size_t		groups = 0;

	for (size_t i = 0; i < n; i++)
		if (groups > 0 && items[groups - 1].key == items[i].key)
			items[groups - 1].payload += items[i].payload;
		else
			items[groups++] = items[i];
	return groups;
}

static uint64_t
total_weight(const pga_item *items, size_t n)
{
	uint64_t	total = 0;

	for (size_t i = 0; i < n; i++)
		total += items[i].payload;
	return total;
}

/* Shares of the categories by frequency become values, and places. */
static void
value_categories(pga_ctx *ctx, pga_column *c, size_t distinct, double total)
{
	uint32_t	own = c->ncategories < PGA_MAX_ONE_HOT ? c->ncategories : PGA_MAX_ONE_HOT - 1;
	double		rest = 0;

	c->hot = ctx->alloc(ctx, (own + 1) * sizeof(pga_hot));
	for (uint32_t k = 0; k < distinct; k++)
	{
		double		share = c->categories[k].value / total;

		if (k < own)
			c->hot[k].centre = share;
		else
			rest += share;
		c->categories[k].place = k < own ? k : own;
		c->categories[k].value = pga_log(share);
		c->categories[k].share = share;
	}
	c->hot[own].centre = rest > 0 ? rest : 0.5 / total;	/* an unseen text counts as half a row */
	for (uint32_t k = 0; k <= own; k++)
		c->hot[k].scale = sqrt(c->hot[k].centre * (1 - c->hot[k].centre));
	if (c->encoding == PGA_ENCODE_ONE_HOT)
		c->width = own + 1;
	c->other = pga_log(0.5 / total);
}

/*
 * Builds the dictionary from sorted (text hash, weight) items, and turns the
 * items into sorted (value, weight) ones.
 */
static size_t
fit_categories(pga_ctx *ctx, const pga_rows *rows, pga_column *c,
			   pga_item *items, pga_item *scratch, size_t n)
{
	uint64_t	total = total_weight(items, n);
	size_t		distinct = group(items, n);
	pga_category *all = ctx->alloc(ctx, pga_mul(ctx, distinct, sizeof(pga_category)));
	double		commonest;

	for (size_t i = 0; i < distinct; i++)
	{
		const pga_text *t = pga_sampler_text(rows->sampler, items[i].key);

		all[i] = (pga_category) {t->text, t->len, t->hash, (double) items[i].payload, 0, 0};
	}
	qsort(all, distinct, sizeof(pga_category), compare_frequency);
	if (distinct > PGA_MAX_CATEGORIES)
		ctx->warn(ctx, "column \"%s\" has %zu distinct texts, only the %d most frequent are told apart",
				  c->feature.name, distinct, PGA_MAX_CATEGORIES);
	c->ncategories = (uint32_t) (distinct < PGA_MAX_CATEGORIES ? distinct : PGA_MAX_CATEGORIES);
	c->categories = all;
	c->share = all[0].value / (double) total;
	value_categories(ctx, c, distinct, (double) total);
	commonest = all[0].value;
	qsort(all, c->ncategories, sizeof(pga_category), pga_prep_compare_text);
	while (all[c->mode].value < commonest)
		c->mode++;
	if (c->encoding == PGA_ENCODE_ORDINAL)
	{
		for (uint32_t k = 0; k < c->ncategories; k++)
			all[k].value = k;
		c->other = -1;
	}
	c->fill = all[c->mode].value;
	pga_prep_index(ctx, c);

	for (size_t i = 0; i < distinct; i++)
		items[i].key = pga_ordered(pga_prep_category_value(c, (double) pga_prep_category(c, items[i].key)));
	pga_sort(ctx, items, scratch, distinct);
	return distinct;
}

/* ---- centre and scale --------------------------------------------------------- */

/* The smallest value with at least `share` of the weight at or below it. */
static double
quantile(const pga_item *items, size_t n, uint64_t total, double share)
{
	double		want = share * (double) total;
	uint64_t	below = 0;

	for (size_t i = 0; i < n; i++)
	{
		below += items[i].payload;
		if ((double) below >= want)
			return pga_unordered(items[i].key);
	}
	return pga_unordered(items[n - 1].key);
}

static void
mean_and_deviation(const pga_item *items, size_t n, uint64_t total, double *mean, double *sd)
{
	double		sum = 0;
	double		squares = 0;
	double		w = (double) total;

	for (size_t i = 0; i < n; i++)
		sum += pga_unordered(items[i].key) * ((double) items[i].payload / w);
	for (size_t i = 0; i < n; i++)
	{
		double		d = pga_unordered(items[i].key) - sum;

		squares += d * d * ((double) items[i].payload / w);
	}
	*mean = sum;
	*sd = sqrt(squares);
}

/* The skewness of an exponential distribution is 2. */
static bool
is_heavy_tailed(const pga_item *items, size_t n, uint64_t total)
{
	double		mean,
				sd,
				cubes = 0;

	mean_and_deviation(items, n, total, &mean, &sd);
	if (!pga_prep_usable(sd) || pga_unordered(items[n - 1].key) < 10)
		return false;
	for (size_t i = 0; i < n; i++)
	{
		double		z = (pga_unordered(items[i].key) - mean) / sd;

		cubes += z * z * z * ((double) items[i].payload / (double) total);
	}
	return cubes > 2;
}

/*
 * Is a column to be taken as ln(1 + x)?  A range above 100 spans orders of
 * magnitude, in which distances between the greatest values would be all that
 * counts; where it does not, far from zero, the logarithm is close to a line.
 */
static bool
wants_log1p(const pga_item *items, size_t n, int wish, pga_logarithm rule)
{
	double		least = pga_unordered(items[0].key);

	if (wish == PGA_LOG1P_NONE)
		return false;
	if (wish == PGA_LOG1P_ALL)
		return least >= 0;
	if (rule == PGA_LOG1P_OF_WIDE)
		return pga_unordered(items[n - 1].key) - least > 100;
	return rule == PGA_LOG1P_OF_SKEWED && least >= 0 &&
		is_heavy_tailed(items, n, total_weight(items, n));
}

/* Decides on log1p and applies it to the sorted items, whose order it keeps. */
static void
fit_log1p(pga_column *c, int wish, pga_logarithm rule, pga_item *items, size_t n)
{
	if ((c->feature.kind != PGA_NUMERIC && c->feature.kind != PGA_INTERVAL) ||
		c->feature.role != PGA_FEATURE)
		return;
	c->log1p = wants_log1p(items, n, wish, rule);
	if (c->log1p)
		for (size_t i = 0; i < n; i++)
			items[i].key = pga_ordered(pga_prep_log1p(pga_unordered(items[i].key)));
}

/* Where the cumulative share has grown by another 1/32, frequent values by themselves. */
static void
choose_knots(pga_ctx *ctx, pga_column *c, const pga_item *items, size_t n, double total)
{
	double		below = 0;
	double		next = 0;

	c->knots = ctx->alloc(ctx, PGA_MAX_KNOTS * sizeof(pga_knot));
	for (size_t i = 0, end; i < n; i = end)
	{
		double		share = 0;

		for (end = i; end < n && items[end].key == items[i].key; end++)
			share += (double) items[end].payload / total;
		/* A heavy value gets a knot before it too, or its neighbours blur it. */
		if (share >= 1.0 / 32 && i > 0 && c->nknots > 0 && c->knots[c->nknots - 1].below < below)
			c->knots[c->nknots++] = (pga_knot) {pga_unordered(items[i - 1].key), below};
		below += share;
		if (below >= next || end == n)
		{
			c->knots[c->nknots++] = (pga_knot) {pga_unordered(items[i].key), fmin(below, 1)};
			next = below + 1.0 / 32;
		}
	}
	c->knots[c->nknots - 1].below = 1;
}

/* What the features look like, in their own units. */
static void
describe(pga_ctx *ctx, pga_column *c, const pga_item *items, size_t n)
{
	uint64_t	total = total_weight(items, n);

	c->q05 = quantile(items, n, total, 0.05);
	c->median = quantile(items, n, total, 0.5);
	c->q95 = quantile(items, n, total, 0.95);
	if (c->feature.kind == PGA_BOOLEAN)
		c->share = pga_unordered(items[n - 1].key) == 1
			? (double) items[n - 1].payload / (double) total : 0;
	if (c->feature.kind == PGA_CATEGORICAL)
		return;
	c->fill = c->median;
	choose_knots(ctx, c, items, n, (double) total);
}

/*
 * Robust: median and interquartile range, with the 5-95 % range, then the
 * standard deviation in its place when half of the values are equal.
 */
static void
fit_scale(pga_column *c, pga_scaling scaling, const pga_item *items, size_t n)
{
	uint64_t	total = total_weight(items, n);
	double		mean,
				sd;

	c->centre = 0;
	c->scale = 1;
	if (scaling == PGA_SCALE_NONE)
		return;
	mean_and_deviation(items, n, total, &mean, &sd);
	c->centre = quantile(items, n, total, 0.5);
	if (scaling == PGA_SCALE_ROBUST)
		c->scale = quantile(items, n, total, 0.75) - quantile(items, n, total, 0.25);
	else if (scaling == PGA_SCALE_MINMAX)
	{
		c->centre = pga_unordered(items[0].key);
		c->scale = pga_unordered(items[n - 1].key) - c->centre;
	}
	else if (isfinite(mean))
		c->centre = mean;
	if (scaling == PGA_SCALE_ROBUST && !pga_prep_usable(c->scale))
		c->scale = quantile(items, n, total, 0.95) - quantile(items, n, total, 0.05);
	if (scaling == PGA_SCALE_STANDARD || !pga_prep_usable(c->scale))
		c->scale = sd;
	if (!pga_prep_usable(c->scale))
		c->scale = 1;
}

/* Zeros and ones are their own range. */
static void
scale_one_hot(pga_column *c, pga_scaling scaling)
{
	for (size_t k = 0; k < c->width; k++)
		if (scaling == PGA_SCALE_NONE || scaling == PGA_SCALE_MINMAX || !pga_prep_usable(c->hot[k].scale))
			c->hot[k] = (pga_hot) {0, 1};
}

/* ---- fitting ------------------------------------------------------------------- */

static void
warn_about_missing(pga_ctx *ctx, const pga_sampler *s, size_t feature)
{
	if (s->missing[feature] > 0)
		ctx->warn(ctx, "column \"%s\" is null in %llu of %llu rows, filled in with its %s",
				  s->features[feature].name, (unsigned long long) s->missing[feature],
				  (unsigned long long) s->rows,
				  s->features[feature].kind == PGA_CATEGORICAL ? "most frequent value" : "median");
}

/*
 * Numbers handed out one after another: whole, no two alike, and hardly more of
 * them than rows.
 */
static bool
looks_like_serial(const pga_item *items, size_t n, uint64_t rows)
{
	double		range = pga_unordered(items[n - 1].key) - pga_unordered(items[0].key);

	if (n < 100 || range > 2 * (double) rows)
		return false;
	for (size_t i = 0; i < n; i++)
	{
		double		value = pga_unordered(items[i].key);

		if (items[i].payload != 1 || value != floor(value) ||
			(i > 0 && items[i].key == items[i - 1].key))
			return false;
	}
	return true;
}

/* How the features are to be prepared: the detector's wish under the user's options. */
typedef struct plan
{
	pga_scaling scaling;
	pga_encoding encoding;
	int			log1p;			/* the user's wish */
	pga_logarithm log1p_rule;
	unsigned	flags;
} plan;

static plan
make_plan(const pga_params *params)
{
	const pga_wants *wants = &params->detector->wants;
	int			scaling = (int) pga_param(params, "scaling");
	int			encoding = (int) pga_param(params, "encoding");

	return (plan) {
		.scaling = scaling == PGA_AUTO ? wants->scaling : (pga_scaling) (scaling - 1),
		.encoding = encoding == PGA_AUTO ? wants->encoding : (pga_encoding) (encoding - 1),
		.log1p = (int) pga_param(params, "log1p"),
		.log1p_rule = wants->log1p,
		.flags = params->detector->flags,
	};
}

/* Is there something to learn from these sorted values? */
static bool
says_something(pga_ctx *ctx, const pga_column *c, bool keep_constant, const pga_item *items, size_t n)
{
	if (n == 0)
	{
		ctx->warn(ctx, "column \"%s\" is always null, it is left out", c->feature.name);
		return false;
	}
	if (items[0].key == items[n - 1].key && !keep_constant)
	{
		ctx->warn(ctx, "column \"%s\" is constant, it is left out", c->feature.name);
		return false;
	}
	return true;
}

/* The columns that say which series, and where in it: as they are.  A row of
 * no partition belongs to no known one. */
static void
fit_key(pga_column *c)
{
	c->scale = 1;
	if (c->feature.role == PGA_PARTITION)
		c->fill = c->other;
	if (c->feature.role != PGA_ORDER)
		return;
	c->width = 2;
	c->centre = c->median;
	c->scale = 86400;
}

/* False when the feature says nothing. */
static bool
fit_column(pga_ctx *ctx, const pga_rows *rows, size_t feature, const plan *plan,
		   pga_column *c, pga_item *items, pga_item *scratch)
{
	const pga_feature *f = &rows->sampler->features[feature];
	bool		categorical = f->kind == PGA_CATEGORICAL;
	bool		is_key = f->role != PGA_FEATURE;
	size_t		n = gather(ctx, rows, feature, categorical, items, scratch);

	memset(c, 0, sizeof(*c));
	c->feature = *f;
	c->width = 1;
	c->encoding = is_key ? PGA_ENCODE_ORDINAL : categorical ? plan->encoding : PGA_ENCODE_FREQUENCY;
	if (!says_something(ctx, c, is_key || (plan->flags & PGA_COMPOSITE), items, n))
		return false;
	warn_about_missing(ctx, rows->sampler, feature);
	c->missing = (double) rows->sampler->missing[feature] / (double) rows->sampler->rows;
	if (categorical)
	{
		size_t		distinct = fit_categories(ctx, rows, c, items, scratch, n);

		if (n >= 100 && distinct > n - n / 10 && !is_key)
			ctx->warn(ctx, "column \"%s\" has %zu distinct texts in %zu rows, it looks like an identifier",
					  f->name, distinct, n);
		n = distinct;
	}
	else if (f->kind == PGA_NUMERIC && !is_key && looks_like_serial(items, n, rows->sampler->rows))
		ctx->warn(ctx, "column \"%s\" has another whole number in each of %zu rows, it looks like an identifier",
				  f->name, n);
	describe(ctx, c, items, n);
	if (is_key)
		fit_key(c);
	else if (c->encoding == PGA_ENCODE_ONE_HOT)
	{
		c->scale = 1;
		scale_one_hot(c, plan->scaling);
	}
	else
	{
		fit_log1p(c, plan->log1p, plan->log1p_rule, items, n);
		fit_scale(c, plan->scaling, items, n);
	}
	c->factor = 1 / c->scale;
	return true;
}

/* The target never is a feature; partition and order are where they are the key. */
static bool
is_wanted(const pga_feature *f, unsigned flags)
{
	return f->role == PGA_FEATURE || ((flags & PGA_KEYED) && f->role != PGA_TARGET);
}

pga_prep *
pga_prep_fit(pga_ctx *ctx, const pga_rows *rows, const pga_params *params, uint32_t *used,
			 pga_item *items, pga_item *scratch)
{
	size_t		nf = rows->sampler->nfeatures;
	pga_prep   *prep = ctx->alloc(ctx, sizeof(pga_prep));
	plan		plan = make_plan(params);
	size_t		wanted = 0;

	prep->clip = params->detector->wants.clip;
	prep->features = ctx->alloc(ctx, pga_mul(ctx, nf, sizeof(pga_column)));
	for (size_t j = 0; j < nf; j++)
	{
		if (!is_wanted(&rows->sampler->features[j], plan.flags))
			continue;
		wanted++;
		if (fit_column(ctx, rows, j, &plan, &prep->features[prep->nfeatures], items, scratch))
			used[prep->nfeatures++] = (uint32_t) j;
		ctx->poll(ctx);
	}
	if (prep->nfeatures == 0)
		ctx->fail(ctx, PGA_ERR_NO_FEATURES, "At least one column has to vary.",
				  "none of the %zu columns can be used: each is constant or always null", wanted);
	pga_prep_place(ctx, prep);
	if (prep->cols > PGA_MAX_COLUMNS)
		ctx->fail(ctx, PGA_ERR_TOO_MANY_FEATURES,
				  "Set option \"encoding\" to frequency, or leave texts out.",
				  "the features become %zu columns, more than the limit of %d",
				  prep->cols, PGA_MAX_COLUMNS);
	return prep;
}

