/*
 * prep.c - applying, saving and loading the preprocessing (prep.h).
 *
 * Applying is the same arithmetic for a training row, a scored row alone and
 * a row in a block, in double, rounded once to float32.  Plain features, the
 * numbers that are neither clipped nor logarithms, mostly stand side by side:
 * they are prepared some at once.
 */
#include "prep.h"

#include <float.h>
#include <math.h>

#include "fmath.h"
#include "wide.h"

#define ROWS 8					/* prepared feature by feature */

/* ---- applying ------------------------------------------------------------- */

/*
 * Centres, scales, clips and rounds.  Beyond the clip a value hardly grows: a
 * column far off must not drown the others, but the larger stays the larger.
 * Values beyond float32 become its largest; zero is always positive, so that
 * equal values have equal bits.
 */
static inline float
scaled(double value, double centre, double factor, double clip)
{
	double		x = (value - centre) * factor;
	float		rounded;

	if (clip > 0 && fabs(x) > clip)
		x = copysign(clip + pga_log(fmin(fabs(x), DBL_MAX) / clip), x);
	rounded = (float) x;
	rounded = rounded < FLT_MAX ? rounded : FLT_MAX;
	rounded = rounded > -FLT_MAX ? rounded : -FLT_MAX;
	return rounded + 0.0f;
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

static void
one_hot(const pga_column *c, double code, double clip, float *x)
{
	size_t		place = c->width - 1;

	if (isnan(code))
		place = c->categories[c->mode].place;
	else if (pga_prep_is_code(c, code))
		place = c->categories[(size_t) code].place;
	for (size_t k = 0; k < c->width; k++)
		x[k] = scaled(k == place, c->hot[k].centre, 1 / c->hot[k].scale, clip);
}

/* Second of the week, from Saturday 00:00, and days since the middle of the training. */
static void
week_and_day(const pga_column *c, double seconds, float *x)
{
	double		week = seconds - 604800 * floor(seconds / 604800);

	x[0] = (float) (week >= 0 && week < 604800 ? week : 0);
	x[1] = scaled(seconds, c->centre, c->factor, 0);
}

static inline void
prepare(const pga_column *c, double value, double clip, float *x)
{
	if (c->encoding == PGA_ENCODE_ONE_HOT)
	{
		one_hot(c, value, clip, x);
		return;
	}
	if (isnan(value))
		value = c->fill;
	else if (c->feature.kind == PGA_CATEGORICAL)
		value = pga_prep_category_value(c, value);
	if (c->width == 2)
	{
		week_and_day(c, value, x);
		return;
	}
	if (c->log1p)
		value = pga_prep_log1p(value);
	*x = scaled(value, c->centre, c->factor, clip);
}

static bool
is_plain(const pga_prep *prep, const pga_column *c)
{
	return c->feature.kind != PGA_CATEGORICAL && c->width == 1 && !c->log1p && prep->clip == 0;
}

/* Of n plain features from the j-th on, as prepare() does of each. */
WIDE static void
prepare_plain(const pga_prep *prep, size_t j, size_t n, const double *raw, size_t rows, float *x)
{
	const double *restrict fill = prep->fill + j;
	const double *restrict centre = prep->centre + j;
	const double *restrict factor = prep->factor + j;

	for (size_t i = 0; i < rows; i++)
	{
		const double *restrict value = raw + i * prep->nfeatures;
		float	   *restrict to = x + i * prep->cols;

		for (size_t k = 0; k < n; k++)
			to[k] = scaled(isnan(value[k]) ? fill[k] : value[k], centre[k], factor[k], 0);
	}
}

static void
prepare_rows(const pga_prep *prep, const double *raw, size_t rows, float *x)
{
	for (size_t j = 0; j < prep->nfeatures;)
	{
		const pga_column *c = &prep->features[j];

		if (c->plain > 0)
			prepare_plain(prep, j, c->plain, raw + j, rows, x + c->first);
		else
			for (size_t i = 0; i < rows; i++)
				prepare(c, raw[i * prep->nfeatures + j], prep->clip, x + i * prep->cols + c->first);
		j += c->plain > 0 ? c->plain : 1;
	}
}

/* Few at a time, which memory delivers one after the other. */
void
pga_prep_rows(const pga_prep *prep, const double *raw, size_t rows, float *x)
{
	for (size_t n; rows > 0; rows -= n, raw += n * prep->nfeatures, x += n * prep->cols)
	{
		n = rows < ROWS ? rows : ROWS;
		prepare_rows(prep, raw, n, x);
	}
}

/* Backwards through prepare(), as far as float32 lets see. */
double
pga_prep_value(const pga_prep *prep, const pga_column *c, const double *x)
{
	double		value = x[0];
	double		over = prep->clip > 0 ? fabs(value) - prep->clip : 0;

	if (c->feature.kind == PGA_CATEGORICAL || isnan(value))
		return NAN;
	if (c->width == 2)
	{
		value = x[1] * c->scale + c->centre;
		return x[0] + 604800 * floor((value - x[0]) / 604800 + 0.5);
	}
	if (over > 0)
		value = copysign(prep->clip * pga_exp2(over / PGA_LN2), value);
	value = value * c->scale + c->centre;
	return c->log1p ? copysign(pga_exp2(fabs(value) / PGA_LN2) - 1, value) : value;
}

void
pga_prep_raw(const pga_prep *prep, const uint32_t *used, const uint64_t *cells, double *raw)
{
	for (size_t j = 0; j < prep->nfeatures; j++)
	{
		const pga_column *c = &prep->features[j];
		uint64_t	cell = cells[used[j]];

		if (cell == PGA_CELL_MISSING)
			raw[j] = NAN;
		else if (c->feature.kind == PGA_CATEGORICAL)
			raw[j] = (double) pga_prep_category(c, cell);
		else
			raw[j] = pga_bits_double(cell);
	}
}

/* ---- dictionaries ----------------------------------------------------------- */

void
pga_prep_index(pga_ctx *ctx, pga_column *c)
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

void
pga_prep_place(pga_ctx *ctx, pga_prep *prep)
{
	size_t		plain = 0;

	prep->cols = 0;
	prep->fill = ctx->alloc(ctx, prep->nfeatures * sizeof(double));
	prep->centre = ctx->alloc(ctx, prep->nfeatures * sizeof(double));
	prep->factor = ctx->alloc(ctx, prep->nfeatures * sizeof(double));
	for (size_t j = 0; j < prep->nfeatures; j++)
	{
		pga_column *c = &prep->features[j];

		c->first = prep->cols;
		prep->cols += c->width;
		prep->fill[j] = c->fill;
		prep->centre[j] = c->centre;
		prep->factor[j] = c->factor;
	}
	for (size_t j = prep->nfeatures; j-- > 0;)
	{
		plain = is_plain(prep, &prep->features[j]) ? plain + 1 : 0;
		prep->features[j].plain = plain;
	}
}

int
pga_prep_compare_text(const void *a, const void *b)
{
	const pga_category *x = a;
	const pga_category *y = b;
	int			cmp = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);

	return cmp != 0 ? cmp : (x->len > y->len) - (x->len < y->len);
}

/* ---- saving and loading ---------------------------------------------------------- */

static void
save_categories(const pga_column *c, pga_buf *buf)
{
	pga_put_f64(buf, c->other);
	pga_put_u32(buf, c->mode);
	pga_put_u32(buf, c->ncategories);
	for (size_t k = 0; k < c->ncategories; k++)
	{
		pga_put_text(buf, c->categories[k].text, c->categories[k].len);
		pga_put_f64(buf, c->categories[k].value);
		pga_put_f64(buf, c->categories[k].share);
	}
	if (c->encoding != PGA_ENCODE_ONE_HOT)
		return;
	pga_put_u16(buf, (uint16_t) c->width);
	for (size_t k = 0; k < c->width; k++)
	{
		pga_put_f64(buf, c->hot[k].centre);
		pga_put_f64(buf, c->hot[k].scale);
	}
	for (size_t k = 0; k < c->ncategories; k++)
		pga_put_u16(buf, (uint16_t) c->categories[k].place);
}

void
pga_prep_save(const pga_prep *prep, pga_buf *buf)
{
	pga_put_f64(buf, prep->clip);
	pga_put_u32(buf, (uint32_t) prep->nfeatures);
	for (size_t j = 0; j < prep->nfeatures; j++)
	{
		const pga_column *c = &prep->features[j];

		pga_put_u8(buf, (uint8_t) c->feature.kind);
		pga_put_u8(buf, (uint8_t) c->feature.role);
		pga_put_u8(buf, (uint8_t) c->encoding);
		pga_put_u8(buf, c->log1p);
		pga_put_text(buf, c->feature.name, strlen(c->feature.name));
		pga_put_f64(buf, c->fill);
		pga_put_f64(buf, c->centre);
		pga_put_f64(buf, c->scale);
		pga_put_f64(buf, c->q05);
		pga_put_f64(buf, c->median);
		pga_put_f64(buf, c->q95);
		pga_put_f64(buf, c->share);
		pga_put_f64(buf, c->missing);
		pga_put_u8(buf, (uint8_t) c->nknots);
		for (size_t k = 0; k < c->nknots; k++)
		{
			pga_put_f64(buf, c->knots[k].value);
			pga_put_f64(buf, c->knots[k].below);
		}
		if (c->feature.kind == PGA_CATEGORICAL)
			save_categories(c, buf);
	}
}

static void
load_one_hot(pga_reader *r, pga_column *c)
{
	c->width = pga_get_u16(r);
	if (c->width < 1 || c->width > PGA_MAX_ONE_HOT)
		pga_corrupt(r, "a number of columns is out of range");
	c->hot = r->ctx->alloc(r->ctx, c->width * sizeof(pga_hot));
	for (size_t k = 0; k < c->width; k++)
	{
		c->hot[k].centre = pga_get_f64(r);
		c->hot[k].scale = pga_get_f64(r);
		if (!pga_prep_usable(c->hot[k].scale))
			pga_corrupt(r, "a category's scale is out of range");
	}
	for (size_t k = 0; k < c->ncategories; k++)
	{
		c->categories[k].place = pga_get_u16(r);
		if (c->categories[k].place >= c->width)
			pga_corrupt(r, "a category has no column");
	}
}

static void
load_categories(pga_reader *r, unsigned format, pga_column *c)
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
		if (format >= 2)
			cat->share = pga_get_f64(r);
		if (cat->share < 0 || cat->share > 1)
			pga_corrupt(r, "a category's share is out of range");
		if (k > 0 && pga_prep_compare_text(cat - 1, cat) >= 0)
			pga_corrupt(r, "categories are out of order");
	}
	pga_prep_index(r->ctx, c);
	if (c->encoding == PGA_ENCODE_ONE_HOT)
		load_one_hot(r, c);
}

static void
load_knots(pga_reader *r, pga_column *c)
{
	c->missing = pga_get_f64(r);
	c->nknots = pga_get_u8(r);
	if (c->missing < 0 || c->missing > 1 || c->nknots > PGA_MAX_KNOTS)
		pga_corrupt(r, "a feature's distribution is out of range");
	c->knots = r->ctx->alloc(r->ctx, (c->nknots + 1) * sizeof(pga_knot));
	for (size_t k = 0; k < c->nknots; k++)
	{
		c->knots[k] = (pga_knot) {pga_get_f64(r), 0};
		c->knots[k].below = pga_get_f64(r);
		if (!(c->knots[k].below > 0 && c->knots[k].below <= 1) ||
			(k > 0 && !(c->knots[k].value > c->knots[k - 1].value &&
						c->knots[k].below > c->knots[k - 1].below)))
			pga_corrupt(r, "a feature's distribution is not monotone");
	}
}

/* What envelope format 2 added: before it a feature was a number of one column. */
static void
load_layout(pga_reader *r, pga_column *c)
{
	uint8_t		role = pga_get_u8(r);
	uint8_t		encoding = pga_get_u8(r);
	uint8_t		log1p = pga_get_u8(r);
	bool		categorical = c->feature.kind == PGA_CATEGORICAL;

	if (role > PGA_ORDER || role == PGA_TARGET || encoding > PGA_ENCODE_ORDINAL || log1p > 1 ||
		(!categorical && encoding == PGA_ENCODE_ONE_HOT) ||
		(role == PGA_ORDER && categorical) || (role == PGA_PARTITION && !categorical) ||
		(role != PGA_FEATURE && (log1p || encoding != PGA_ENCODE_ORDINAL)) ||
		(role != PGA_ORDER && c->feature.kind == PGA_TIME))
		pga_corrupt(r, "a feature is of unknown make");
	c->feature.role = (pga_role) role;
	c->encoding = (pga_encoding) encoding;
	c->log1p = log1p != 0;
	c->width = role == PGA_ORDER ? 2 : 1;
}

static void
load_column(pga_reader *r, unsigned format, pga_column *c)
{
	uint8_t		kind = pga_get_u8(r);
	uint32_t	len;

	if (kind < PGA_NUMERIC || kind > (format < 2 ? PGA_CATEGORICAL : PGA_TIME))
		pga_corrupt(r, "a feature is of unknown kind");
	c->feature.kind = (pga_kind) kind;
	c->width = 1;
	if (format >= 2)
		load_layout(r, c);
	c->feature.name = pga_get_text(r, 63, &len);
	if (len == 0)
		pga_corrupt(r, "a feature has no name");
	c->fill = pga_get_f64(r);
	c->centre = pga_get_f64(r);
	c->scale = pga_get_f64(r);
	c->q05 = pga_get_f64(r);
	c->median = pga_get_f64(r);
	c->q95 = pga_get_f64(r);
	c->share = pga_get_f64(r);
	if (!pga_prep_usable(c->scale) || c->share < 0 || c->share > 1)
		pga_corrupt(r, "a feature's scale or share is out of range");
	c->factor = 1 / c->scale;
	if (format >= 2)
		load_knots(r, c);
	if (kind == PGA_CATEGORICAL)
		load_categories(r, format, c);
}

pga_prep *
pga_prep_load(pga_reader *r, unsigned format)
{
	pga_prep   *prep = r->ctx->alloc(r->ctx, sizeof(pga_prep));

	if (format >= 2)
		prep->clip = pga_get_f64(r);
	if (prep->clip < 0 || prep->clip > 1e6 || (prep->clip > 0 && prep->clip < 1e-6))
		pga_corrupt(r, "a limit of values is out of range");
	prep->nfeatures = pga_get_count(r, 62);
	if (prep->nfeatures == 0 || prep->nfeatures > PGA_MAX_FEATURES)
		pga_corrupt(r, "a number of features is out of range");
	prep->features = r->ctx->alloc(r->ctx, prep->nfeatures * sizeof(pga_column));
	for (size_t j = 0; j < prep->nfeatures; j++)
		load_column(r, format, &prep->features[j]);
	pga_prep_place(r->ctx, prep);
	if (prep->cols > PGA_MAX_COLUMNS)
		pga_corrupt(r, "a number of columns is out of range");
	return prep;
}
