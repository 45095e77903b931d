/*
 * prep.c - fitting and applying the preprocessing (prep.h).
 *
 * Fitting goes column by column over the training part of the sample: sort
 * the values, read off quantiles, decide centre and scale.  Applying is the
 * same arithmetic for a training row, a scored row alone and a row in a
 * block, in double, rounded once to float32.
 */
#include "prep.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "fmath.h"

/* ---- applying ------------------------------------------------------------- */

/*
 * Centres, scales and rounds.  Values beyond float32 become its largest; zero
 * is always positive, so that equal values have equal bits.
 */
static inline float
scaled(const pga_column *c, double value)
{
	double		x = (value - c->centre) * c->factor;

	x = x < FLT_MAX ? x : FLT_MAX;
	x = x > -FLT_MAX ? x : -FLT_MAX;
	return (float) x + 0.0f;
}

ptrdiff_t
pga_prep_category(const pga_column *c, uint64_t hash)
{
	size_t		i = (size_t) (hash >> 1) & (c->nslots - 1);

	for (; c->slots[i] != 0; i = (i + 1) & (c->nslots - 1))
		if (c->categories[c->slots[i] - 1].hash == hash)
			return (ptrdiff_t) c->slots[i] - 1;
	return -1;
}

static inline double
category_value(const pga_column *c, double code)
{
	if (code >= 0 && code < (double) c->ncategories)
		return c->categories[(size_t) code].value;
	return c->other;
}

void
pga_prep_rows(const pga_prep *prep, const double *raw, size_t rows, float *x)
{
	for (size_t i = 0; i < rows; i++)
		for (size_t j = 0; j < prep->cols; j++)
		{
			const pga_column *c = &prep->columns[j];
			double		value = *raw++;

			if (isnan(value))
				value = c->fill;
			else if (c->feature.kind == PGA_CATEGORICAL)
				value = category_value(c, value);
			*x++ = scaled(c, value);
		}
}

static inline double
cell_value(const pga_column *c, uint64_t cell)
{
	ptrdiff_t	code;

	if (cell == PGA_CELL_MISSING)
		return c->fill;
	if (c->feature.kind != PGA_CATEGORICAL)
		return pga_bits_double(cell);
	code = pga_prep_category(c, cell);
	return code < 0 ? c->other : c->categories[code].value;
}

void
pga_prep_cells(const pga_prep *prep, const uint32_t *used, const uint64_t *cells, float *x)
{
	for (size_t j = 0; j < prep->cols; j++)
	{
		const pga_column *c = &prep->columns[j];

		x[j] = scaled(c, cell_value(c, cells[used[j]]));
	}
}

/* ---- dictionaries ----------------------------------------------------------- */

static void
index_categories(pga_ctx *ctx, pga_column *c)
{
	c->nslots = 4;
	while (c->nslots < 2 * (size_t) c->ncategories)
		c->nslots *= 2;
	c->slots = ctx->alloc(ctx, c->nslots * sizeof(uint32_t));
	for (uint32_t k = 0; k < c->ncategories; k++)
	{
		size_t		i = (size_t) (c->categories[k].hash >> 1) & (c->nslots - 1);

		while (c->slots[i] != 0)
			i = (i + 1) & (c->nslots - 1);
		c->slots[i] = k + 1;
	}
}

static int
compare_text(const void *a, const void *b)
{
	const pga_category *x = a;
	const pga_category *y = b;
	int			cmp = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);

	return cmp != 0 ? cmp : (x->len > y->len) - (x->len < y->len);
}

/* Most frequent first, then by text: a total order, whatever qsort does. */
static int
compare_frequency(const void *a, const void *b)
{
	const pga_category *x = a;
	const pga_category *y = b;

	if (x->value != y->value)
		return x->value < y->value ? 1 : -1;
	return compare_text(a, b);
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

	for (size_t i = 0; i < distinct; i++)
	{
		const pga_text *t = pga_sampler_text(rows->sampler, items[i].key);

		all[i] = (pga_category) {t->text, t->len, t->hash, (double) items[i].payload};
	}
	qsort(all, distinct, sizeof(pga_category), compare_frequency);
	if (distinct > PGA_MAX_CATEGORIES)
		ctx->warn(ctx, "column \"%s\" has %zu distinct texts, only the %d most frequent are told apart",
				  c->feature.name, distinct, PGA_MAX_CATEGORIES);
	c->ncategories = (uint32_t) (distinct < PGA_MAX_CATEGORIES ? distinct : PGA_MAX_CATEGORIES);
	c->categories = all;
	c->share = all[0].value / (double) total;
	c->fill = pga_log(c->share);
	/* An unseen text counts as half a row. */
	c->other = pga_log(0.5 / (double) total);
	for (size_t i = 0; i < c->ncategories; i++)
		all[i].value = pga_log(all[i].value / (double) total);
	qsort(all, c->ncategories, sizeof(pga_category), compare_text);
	while (all[c->mode].value < c->fill)
		c->mode++;
	index_categories(ctx, c);

	for (size_t i = 0; i < distinct; i++)
		items[i].key = pga_ordered(cell_value(c, items[i].key));
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

static bool
usable(double scale)
{
	return isfinite(scale) && scale >= DBL_MIN;
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

	c->q05 = quantile(items, n, total, 0.05);
	c->median = quantile(items, n, total, 0.5);
	c->q95 = quantile(items, n, total, 0.95);
	if (c->feature.kind == PGA_BOOLEAN)
		c->share = pga_unordered(items[n - 1].key) == 1
			? (double) items[n - 1].payload / (double) total : 0;
	if (c->feature.kind != PGA_CATEGORICAL)
		c->fill = c->median;
	c->centre = 0;
	c->scale = 1;
	if (scaling == PGA_SCALE_NONE)
		return;
	mean_and_deviation(items, n, total, &mean, &sd);
	c->centre = c->median;
	if (scaling == PGA_SCALE_ROBUST)
		c->scale = quantile(items, n, total, 0.75) - quantile(items, n, total, 0.25);
	else if (isfinite(mean))
		c->centre = mean;
	if (scaling == PGA_SCALE_ROBUST && !usable(c->scale))
		c->scale = c->q95 - c->q05;
	if (scaling == PGA_SCALE_STANDARD || !usable(c->scale))
		c->scale = sd;
	if (!usable(c->scale))
		c->scale = 1;
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

/* False when the feature says nothing. */
static bool
fit_column(pga_ctx *ctx, const pga_rows *rows, size_t feature, pga_scaling scaling,
		   pga_column *c, pga_item *items, pga_item *scratch)
{
	const pga_feature *f = &rows->sampler->features[feature];
	bool		categorical = f->kind == PGA_CATEGORICAL;
	size_t		n = gather(ctx, rows, feature, categorical, items, scratch);

	memset(c, 0, sizeof(*c));
	c->feature = *f;
	if (n == 0)
	{
		ctx->warn(ctx, "column \"%s\" is always null, it is left out", f->name);
		return false;
	}
	if (items[0].key == items[n - 1].key)
	{
		ctx->warn(ctx, "column \"%s\" is constant, it is left out", f->name);
		return false;
	}
	warn_about_missing(ctx, rows->sampler, feature);
	if (categorical)
	{
		size_t		distinct = fit_categories(ctx, rows, c, items, scratch, n);

		if (n >= 100 && distinct > n - n / 10)
			ctx->warn(ctx, "column \"%s\" has %zu distinct texts in %zu rows, it looks like an identifier",
					  f->name, distinct, n);
		n = distinct;
	}
	fit_scale(c, scaling, items, n);
	c->factor = 1 / c->scale;
	return true;
}

pga_prep *
pga_prep_fit(pga_ctx *ctx, const pga_rows *rows, pga_scaling scaling, uint32_t *used,
			 pga_item *items, pga_item *scratch)
{
	size_t		nf = rows->sampler->nfeatures;
	pga_prep   *prep = ctx->alloc(ctx, sizeof(pga_prep));

	prep->columns = ctx->alloc(ctx, pga_mul(ctx, nf, sizeof(pga_column)));
	for (size_t j = 0; j < nf; j++)
	{
		if (fit_column(ctx, rows, j, scaling, &prep->columns[prep->cols], items, scratch))
			used[prep->cols++] = (uint32_t) j;
		ctx->poll(ctx);
	}
	if (prep->cols == 0)
		ctx->fail(ctx, PGA_ERR_NO_FEATURES, "At least one column has to vary.",
				  "none of the %zu columns can be used: each is constant or always null", nf);
	return prep;
}

/* ---- saving and loading ---------------------------------------------------------- */

void
pga_prep_save(const pga_prep *prep, pga_buf *buf)
{
	pga_put_u32(buf, (uint32_t) prep->cols);
	for (size_t j = 0; j < prep->cols; j++)
	{
		const pga_column *c = &prep->columns[j];

		pga_put_u8(buf, (uint8_t) c->feature.kind);
		pga_put_text(buf, c->feature.name, strlen(c->feature.name));
		pga_put_f64(buf, c->fill);
		pga_put_f64(buf, c->centre);
		pga_put_f64(buf, c->scale);
		pga_put_f64(buf, c->q05);
		pga_put_f64(buf, c->median);
		pga_put_f64(buf, c->q95);
		pga_put_f64(buf, c->share);
		if (c->feature.kind != PGA_CATEGORICAL)
			continue;
		pga_put_f64(buf, c->other);
		pga_put_u32(buf, c->mode);
		pga_put_u32(buf, c->ncategories);
		for (size_t k = 0; k < c->ncategories; k++)
		{
			pga_put_text(buf, c->categories[k].text, c->categories[k].len);
			pga_put_f64(buf, c->categories[k].value);
		}
	}
}

static void
load_categories(pga_reader *r, pga_column *c)
{
	c->other = pga_get_f64(r);
	c->mode = pga_get_u32(r);
	c->ncategories = pga_get_count(r, 12);
	if (c->ncategories > PGA_MAX_CATEGORIES || c->mode >= c->ncategories)
		pga_corrupt(r, "a number of categories is out of range");
	c->categories = r->ctx->alloc(r->ctx, c->ncategories * sizeof(pga_category));
	for (size_t k = 0; k < c->ncategories; k++)
	{
		pga_category *cat = &c->categories[k];

		cat->text = pga_get_text(r, PGA_MAX_TEXT, &cat->len);
		cat->hash = pga_text_hash(cat->text, cat->len);
		cat->value = pga_get_f64(r);
		if (k > 0 && compare_text(cat - 1, cat) >= 0)
			pga_corrupt(r, "categories are out of order");
	}
	index_categories(r->ctx, c);
}

static void
load_column(pga_reader *r, pga_column *c)
{
	uint8_t		kind = pga_get_u8(r);
	uint32_t	len;

	if (kind < PGA_NUMERIC || kind > PGA_CATEGORICAL)
		pga_corrupt(r, "a feature is of unknown kind");
	c->feature = (pga_feature) {pga_get_text(r, 63, &len), (pga_kind) kind};
	if (len == 0)
		pga_corrupt(r, "a feature has no name");
	c->fill = pga_get_f64(r);
	c->centre = pga_get_f64(r);
	c->scale = pga_get_f64(r);
	c->q05 = pga_get_f64(r);
	c->median = pga_get_f64(r);
	c->q95 = pga_get_f64(r);
	c->share = pga_get_f64(r);
	if (!usable(c->scale) || c->share < 0 || c->share > 1)
		pga_corrupt(r, "a feature's scale or share is out of range");
	c->factor = 1 / c->scale;
	if (kind == PGA_CATEGORICAL)
		load_categories(r, c);
}

pga_prep *
pga_prep_load(pga_reader *r)
{
	pga_prep   *prep = r->ctx->alloc(r->ctx, sizeof(pga_prep));

	prep->cols = pga_get_count(r, 62);
	if (prep->cols == 0 || prep->cols > PGA_MAX_FEATURES)
		pga_corrupt(r, "a number of features is out of range");
	prep->columns = r->ctx->alloc(r->ctx, prep->cols * sizeof(pga_column));
	for (size_t j = 0; j < prep->cols; j++)
		load_column(r, &prep->columns[j]);
	return prep;
}
