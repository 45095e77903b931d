/*
 * seasonal.c - a robust baseline of every time of the week, per group.
 *
 * A value is taken as level of its time of the week + trend + noise, where
 * level and noise are those of its group (option `partition`); season.h says
 * how they are estimated.  The score is the largest standardised residual of
 * a row's values: Monday 09:00 may be loud, and the same volume at 03:00 is
 * far off.
 *
 * Where rows are evenly spaced, a row more than one bucket after the row
 * before it also scores for the buckets missing between them: as what value 0
 * would have scored there.  Only where the training had rows: a shop closed at
 * night does not miss its nights.
 *
 * Payload: u16 slots per day, u8 ordered, f64 seconds per bucket (0: gaps are
 * not judged), f64 first and last day of the training, u32 baselines, then by
 * ascending group, the last one pooled over all rows with group 2^32 - 1: u32
 * group, u8 [slots] whether rows are expected, and for each value column f32
 * slope per day, f32 [slots] level, f32 [slots] scale.
 */
#include "core.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "prep.h"
#include "season.h"

#define NONE SIZE_MAX
#define POOLED UINT32_MAX
#define MAX_PER_DAY 288
#define LEAST_SECONDS 1e-3		/* of a bucket, ... */
#define MOST_SECONDS 31536000
#define DAY 86400.0
#define WEEK (7 * DAY)
#define MOST_DAYS 1e7			/* from the middle of the training; beyond is there */
#define MIN_ROWS 10				/* of a group with a baseline of its own */

enum
{
	GAPS_ZERO, GAPS_IGNORE
};

static const char *const gap_choices[] = {"zero", "ignore", NULL};

static const pga_param_spec seasonal_params[] = {
	{"order", PGA_PARAM_COLUMN, 0, 0, 0, NULL,
	"Column with the time of the row; its own clock says what time of the week that is."},
	{"partition", PGA_PARAM_COLUMN, 0, 0, 0, NULL,
	"Column that says which group a row belongs to; each has a baseline of its own."},
	{"slots_per_day", PGA_PARAM_INT, 24, 1, MAX_PER_DAY, NULL,
	"Times of the day that are told apart, on each day of the week."},
	{"trend", PGA_PARAM_BOOL, 1, 0, 1, NULL,
	"Whether levels may rise or fall steadily, once training spans two weeks."},
	{"gaps", PGA_PARAM_CHOICE, GAPS_ZERO, 0, 1, gap_choices,
	"What a missing bucket of a series counts as: a row of zeros, or nothing."},
	{"bucket", PGA_PARAM_REAL, 0, 0, MOST_SECONDS, NULL,
	"Seconds from one row of a series to the next; 0 stands for the median, if rows are evenly spaced."},
	{NULL, PGA_PARAM_INT, 0, 0, 0, NULL, NULL}
};

typedef struct baseline
{
	uint32_t	group;
	uint8_t    *expected;		/* [slots] whether a row is missed */
	float	   *slope;			/* [values] per day */
	float	   *level,			/* [values][slots] */
			   *scale;			/* [values][slots] > 0 */
} baseline;

/* Where a prepared row has what. */
typedef struct layout
{
	size_t		cols,
				partition,		/* column, or NONE */
				order,			/* first of two columns, or NONE */
				nvalues;
	uint32_t	groups;			/* known partitions */
	uint32_t   *column;			/* [nvalues] */
	bool	   *has_zero;		/* [nvalues] */
	float	   *zero;			/* [cols] the row of zeros */
	uint32_t	per_day,
				slots;
} layout;

typedef struct seasonal
{
	layout		at;
	double		bucket,
				first_day,
				last_day;
	uint32_t	nbaselines;
	baseline   *baselines;		/* the last is the pooled one */
	uint32_t   *of_group;		/* [groups] */
	const uint8_t *payload;
	size_t		payload_len;
} seasonal;

/* ---- rows ------------------------------------------------------------------------ */

static layout
make_layout(pga_ctx *ctx, const pga_prep *prep, uint32_t per_day)
{
	layout		at = {.cols = prep->cols, .partition = NONE, .order = NONE};
	double	   *nothing = ctx->alloc(ctx, prep->nfeatures * sizeof(double));

	at.column = ctx->alloc(ctx, prep->cols * sizeof(uint32_t));
	at.has_zero = ctx->alloc(ctx, prep->cols * sizeof(bool));
	at.zero = ctx->alloc(ctx, prep->cols * sizeof(float));
	pga_prep_rows(prep, nothing, 1, at.zero);
	for (size_t j = 0; j < prep->nfeatures; j++)
	{
		const pga_column *c = &prep->features[j];

		if (c->feature.role == PGA_PARTITION)
		{
			at.partition = c->first;
			at.groups = c->ncategories;
		}
		else if (c->feature.role == PGA_ORDER)
			at.order = c->first;
		else
			for (size_t k = 0; k < c->width; k++)
			{
				at.has_zero[at.nvalues] = c->feature.kind != PGA_CATEGORICAL;
				at.column[at.nvalues++] = (uint32_t) (c->first + k);
			}
	}
	at.per_day = per_day;
	at.slots = at.order == NONE ? 1 : 7 * per_day;
	return at;
}

/* x: second of the week. */
static inline uint32_t
slot_at(const layout *at, double second)
{
	double		slot = second * at->per_day / DAY;

	return slot < at->slots ? (uint32_t) slot : at->slots - 1;
}

static inline uint32_t
slot_of(const layout *at, const float *x)
{
	return at->order == NONE ? 0 : slot_at(at, (double) x[at->order]);
}

static inline double
day_of(const layout *at, const float *x)
{
	if (at->order == NONE)
		return 0;
	return fmax(fmin((double) x[at->order + 1], MOST_DAYS), -MOST_DAYS);
}

/* The group's number, or POOLED. */
static inline uint32_t
group_of(const layout *at, const float *x)
{
	if (at->partition == NONE || !(x[at->partition] >= 0) || !(x[at->partition] < (float) at->groups))
		return POOLED;
	return (uint32_t) x[at->partition];
}

/* Days are exact to seconds only; what is left of whole weeks is exact. */
static double
seconds_between(const layout *at, const float *from, const float *to)
{
	double		rest = (double) to[at->order] - (double) from[at->order];
	double		days = day_of(at, to) - day_of(at, from);

	return rest + WEEK * floor((days * DAY - rest) / WEEK + 0.5);
}

/* ---- fitting ----------------------------------------------------------------------------- */

/* Rows first .. first + n - 1 of the matrix. */
static void
fit_group(pga_season *season, const pga_matrix *m, const layout *at, uint32_t group,
		  size_t first, size_t n, pga_buf *out)
{
	const float *x = m->x + first * at->cols;

	season->n = n;
	season->weight = m->weight + first;
	for (size_t i = 0; i < n; i++)
	{
		season->day[i] = day_of(at, x + i * at->cols);
		season->slot[i] = slot_of(at, x + i * at->cols);
	}
	pga_season_times(season);
	pga_put_u32(out, group);
	for (size_t s = 0; s < at->slots; s++)
		pga_put_u8(out, pga_season_expects(season, s));
	for (size_t v = 0; v < at->nvalues; v++)
	{
		for (size_t i = 0; i < n; i++)
			season->value[i] = (double) x[i * at->cols + at->column[v]];
		pga_season_fit(season);
		pga_put_f32(out, (float) season->slope);
		for (size_t s = 0; s < at->slots; s++)
			pga_put_f32(out, (float) season->level[s]);
		for (size_t s = 0; s < at->slots; s++)
			pga_put_f32(out, (float) season->scale[s]);
	}
}

/* The usual distance of rows in seconds; 0 when there is none. */
static double
find_bucket(pga_ctx *ctx, const pga_matrix *m, const layout *at, pga_item *items, pga_item *scratch)
{
	size_t		n = 0;
	size_t		near = 0;
	double		median;

	for (size_t k = 0; k < m->nseries; k++)
		for (size_t i = m->series[k] + 1; i < m->series[k + 1]; i++)
		{
			double		seconds = seconds_between(at, m->x + (i - 1) * m->cols, m->x + i * m->cols);

			if (seconds >= 0)
				items[n++].key = pga_ordered(seconds);
		}
	if (n == 0)
		return 0;
	pga_sort(ctx, items, scratch, n);
	median = pga_unordered(items[n / 2].key);
	for (size_t i = 0; i < n; i++)
		near += fabs(pga_unordered(items[i].key) - median) <= 0.1 * median;
	return median >= LEAST_SECONDS && median <= MOST_SECONDS && 2 * near >= n ? median : 0;
}

/* Seconds of a bucket where gaps are to be judged, else 0. */
static double
choose_bucket(pga_ctx *ctx, const pga_matrix *m, const layout *at, const pga_params *params,
			  pga_season *season)
{
	double		bucket = pga_param(params, "bucket");

	if (at->order == NONE || (int) pga_param(params, "gaps") == GAPS_IGNORE)
		return 0;
	if (bucket > 0)
		return fmax(bucket, LEAST_SECONDS);
	bucket = find_bucket(ctx, m, at, season->items, season->scratch);
	if (bucket == 0)
		ctx->warn(ctx, "rows are not evenly spaced in time, missing ones are not looked for");
	return bucket;
}

/* First and last day of all rows. */
static void
find_days(const pga_matrix *m, const layout *at, double *first, double *last)
{
	*first = *last = day_of(at, m->x);
	for (size_t i = 1; i < m->rows; i++)
	{
		*first = fmin(*first, day_of(at, m->x + i * m->cols));
		*last = fmax(*last, day_of(at, m->x + i * m->cols));
	}
}

/* Series whose group has a baseline of its own. */
static bool
stands_alone(const pga_matrix *m, const layout *at, size_t k)
{
	return m->series[k + 1] - m->series[k] >= MIN_ROWS &&
		group_of(at, m->x + m->series[k] * m->cols) != POOLED;
}

/* Groups are numbered by their text, series are sorted by its hash. */
static size_t
sort_groups(const pga_matrix *m, const layout *at, uint32_t *series_of)
{
	size_t		n = 0;

	for (size_t k = 0; k < m->nseries; k++)
		if (stands_alone(m, at, k))
		{
			series_of[group_of(at, m->x + m->series[k] * m->cols)] = (uint32_t) k + 1;
			n++;
		}
	return n;
}

static void
warn_about_time(pga_ctx *ctx, const layout *at, double days)
{
	if (at->order == NONE)
		ctx->warn(ctx, "option \"order\" names no column, all times are alike");
	else if (days < 14)
		ctx->warn(ctx, "the training rows span %.1f days, less than the two weeks that tell days of the week apart",
				  days);
}

static void *seasonal_load(pga_reader *r, unsigned version, const pga_matrix *shape);

static void *
seasonal_fit(pga_ctx *ctx, const pga_matrix *m, const pga_params *params, pga_report *report)
{
	layout		at = make_layout(ctx, m->prep, (uint32_t) pga_param(params, "slots_per_day"));
	pga_season *season = pga_season_create(ctx, m->rows, at.order == NONE ? 1 : at.per_day, at.slots,
										   pga_param(params, "trend") != 0);
	uint32_t   *series_of = ctx->alloc(ctx, ((size_t) at.groups + 1) * sizeof(uint32_t));
	pga_buf		out = {.ctx = ctx};
	pga_reader	r = {.ctx = ctx};
	double		first,
				last;
	size_t		groups = sort_groups(m, &at, series_of);

	if (at.nvalues == 0)
		ctx->fail(ctx, PGA_ERR_NO_FEATURES, "At least one column beside time and group has to vary.",
				  "no column to judge rows by");
	find_days(m, &at, &first, &last);
	warn_about_time(ctx, &at, last - first);
	pga_put_u16(&out, (uint16_t) at.per_day);
	pga_put_u8(&out, at.order != NONE);
	pga_put_f64(&out, choose_bucket(ctx, m, &at, params, season));
	pga_put_f64(&out, first);
	pga_put_f64(&out, last);
	pga_put_u32(&out, (uint32_t) groups + 1);
	for (uint32_t g = 0; g < at.groups; g++)
		if (series_of[g] > 0)
		{
			size_t		k = series_of[g] - 1;

			fit_group(season, m, &at, g, m->series[k], m->series[k + 1] - m->series[k], &out);
		}
	fit_group(season, m, &at, POOLED, 0, m->rows, &out);
	pga_report_number(ctx, report, "groups", (double) groups);
	r.p = out.data;
	r.end = out.data + out.len;
	return seasonal_load(&r, 1, m);
}

/* Bytes of one baseline, as saved; loaded it takes no more. */
static size_t
baseline_bytes(pga_ctx *ctx, size_t slots, size_t values)
{
	return pga_add(ctx, 4 + slots, pga_mul(ctx, values, 4 + 8 * slots));
}

/* The payload grows by doubling, is loaded and kept. */
static size_t
seasonal_fit_bytes(pga_ctx *ctx, const pga_matrix *shape, const pga_params *params)
{
	size_t		per_day = (size_t) pga_param(params, "slots_per_day");
	size_t		all = pga_mul(ctx, shape->nseries + 1,
							  baseline_bytes(ctx, 7 * per_day, shape->cols) + sizeof(baseline) + 64);

	return pga_add(ctx, pga_mul(ctx, all, 5),
				   pga_add(ctx, pga_season_bytes(ctx, shape->rows, per_day),
						   shape->cols * 64 + PGA_MAX_CATEGORIES * 8));
}

/* ---- loading and saving ---------------------------------------------------------- */

static void
load_baseline(pga_reader *r, const seasonal *f, baseline *b)
{
	size_t		slots = f->at.slots;
	size_t		n = f->at.nvalues * slots;

	b->group = pga_get_u32(r);
	b->expected = r->ctx->alloc(r->ctx, slots);
	b->slope = r->ctx->alloc(r->ctx, f->at.nvalues * sizeof(float));
	b->level = r->ctx->alloc(r->ctx, 2 * n * sizeof(float));
	b->scale = b->level + n;
	memcpy(b->expected, pga_get(r, slots), slots);
	for (size_t s = 0; s < slots; s++)
		if (b->expected[s] > 1)
			pga_corrupt(r, "a slot is of unknown make");
	for (size_t v = 0; v < f->at.nvalues; v++)
	{
		b->slope[v] = pga_get_f32(r);
		for (size_t s = 0; s < slots; s++)
			b->level[v * slots + s] = pga_get_f32(r);
		for (size_t s = 0; s < slots; s++)
		{
			b->scale[v * slots + s] = pga_get_f32(r);
			if (!(b->scale[v * slots + s] > 0))
				pga_corrupt(r, "a slot's scale is out of range");
		}
	}
}

static void
load_baselines(pga_reader *r, seasonal *f)
{
	f->nbaselines = pga_get_count(r, baseline_bytes(r->ctx, f->at.slots, f->at.nvalues));
	if (f->nbaselines == 0)
		pga_corrupt(r, "it has no baseline");
	f->baselines = r->ctx->alloc(r->ctx, pga_mul(r->ctx, f->nbaselines, sizeof(baseline)));
	f->of_group = r->ctx->alloc(r->ctx, ((size_t) f->at.groups + 1) * sizeof(uint32_t));
	for (uint32_t g = 0; g < f->at.groups; g++)
		f->of_group[g] = f->nbaselines - 1;
	for (uint32_t k = 0; k < f->nbaselines; k++)
	{
		baseline   *b = &f->baselines[k];

		load_baseline(r, f, b);
		if (k == f->nbaselines - 1 ? b->group != POOLED :
			b->group >= f->at.groups || (k > 0 && b->group <= b[-1].group))
			pga_corrupt(r, "a baseline is of an unknown group");
		if (b->group != POOLED)
			f->of_group[b->group] = k;
		r->ctx->poll(r->ctx);
	}
}

static void *
seasonal_load(pga_reader *r, unsigned version, const pga_matrix *shape)
{
	seasonal   *f = r->ctx->alloc(r->ctx, sizeof(seasonal));
	const uint8_t *start = r->p;
	uint16_t	per_day = pga_get_u16(r);
	uint8_t		ordered = pga_get_u8(r);
	uint8_t    *copy;

	if (version != 1)
		pga_corrupt(r, "seasonal of an unknown version");
	if (per_day < 1 || per_day > MAX_PER_DAY)
		pga_corrupt(r, "a number of slots is out of range");
	f->at = make_layout(r->ctx, shape->prep, per_day);
	f->bucket = pga_get_f64(r);
	f->first_day = pga_get_f64(r);
	f->last_day = pga_get_f64(r);
	if (ordered != (f->at.order != NONE) || f->at.nvalues == 0 ||
		f->first_day < -MOST_DAYS || f->first_day > f->last_day || f->last_day > MOST_DAYS ||
		f->bucket < 0 || f->bucket > MOST_SECONDS || (f->bucket > 0 && (f->bucket < LEAST_SECONDS || !ordered)))
		pga_corrupt(r, "its times are out of range");
	load_baselines(r, f);
	f->payload_len = (size_t) (r->p - start);
	copy = r->ctx->alloc(r->ctx, f->payload_len);
	memcpy(copy, start, f->payload_len);
	f->payload = copy;
	return f;
}

static void
seasonal_save(const void *fitted, pga_buf *buf)
{
	const seasonal *f = fitted;

	pga_put(buf, f->payload, f->payload_len);
}

/* ---- scoring ----------------------------------------------------------------------- */

static const baseline *
baseline_of(const seasonal *f, const float *x)
{
	uint32_t	group = group_of(&f->at, x);

	return &f->baselines[group == POOLED ? f->nbaselines - 1 : f->of_group[group]];
}

/* The trend goes on for half of the training's time, then stays. */
static double
trend_day(const seasonal *f, double day)
{
	double		more = (f->last_day - f->first_day) / 2;

	return fmin(fmax(day, f->first_day - more), f->last_day + more);
}

/* What value column v should be; day as of trend_day. */
static double
level_of(const seasonal *f, const baseline *b, size_t v, size_t slot, double day)
{
	return (double) b->level[v * f->at.slots + slot] + (double) b->slope[v] * day;
}

/* How many scales it is from there in row x. */
static double
distance(const seasonal *f, const baseline *b, size_t v, const float *x, size_t slot, double day)
{
	return fabs((double) x[f->at.column[v]] - level_of(f, b, v, slot, day)) /
		(double) b->scale[v * f->at.slots + slot];
}

static double
score_row(const seasonal *f, const float *x)
{
	const baseline *b = baseline_of(f, x);
	size_t		slot = slot_of(&f->at, x);
	double		day = trend_day(f, day_of(&f->at, x));
	double		most = 0;

	for (size_t v = 0; v < f->at.nvalues; v++)
		most = fmax(most, distance(f, b, v, x, slot, day));
	return most;
}

/* What zeros would have scored k buckets after row x. */
static double
score_missing(const seasonal *f, const baseline *b, const float *x, double k)
{
	double		second = (double) x[f->at.order] + k * f->bucket;
	size_t		slot = slot_at(&f->at, second - WEEK * floor(second / WEEK));
	double		day = trend_day(f, day_of(&f->at, x) + k * f->bucket / DAY);
	double		most = 0;

	if (!b->expected[slot])
		return 0;
	for (size_t v = 0; v < f->at.nvalues; v++)
		if (f->at.has_zero[v])
			most = fmax(most, distance(f, b, v, f->at.zero, slot, day));
	return most;
}

/*
 * The largest score of the buckets missing between two rows, seen once in
 * every slot, and for a week at most.
 */
static double
score_gap(const seasonal *f, const float *before, const float *x)
{
	const baseline *b = baseline_of(f, x);
	double		missing = floor(seconds_between(&f->at, before, x) / f->bucket + 0.5) - 1;
	double		step = fmax(floor(DAY / f->at.per_day / f->bucket), 1);
	double		most = 0;

	if (!(missing >= 1))
		return 0;
	for (uint32_t n = 0; n < f->at.slots && 1 + n * step < missing; n++)
		most = fmax(most, score_missing(f, b, before, 1 + n * step));
	return fmax(most, score_missing(f, b, before, missing));
}

static size_t
seasonal_scratch_bytes(const void *fitted, size_t rows)
{
	return 0;
}

static void
seasonal_score(const void *fitted, const float *x, size_t rows, double *out, void *scratch)
{
	const seasonal *f = fitted;

	for (size_t i = 0; i < rows; i++)
		out[i] = score_row(f, x + i * f->at.cols);
}

static size_t
seasonal_history(const void *fitted)
{
	return ((const seasonal *) fitted)->bucket > 0;
}

static void
seasonal_score_series(const void *fitted, const float *x, size_t rows, size_t context,
					  double *out, void *scratch)
{
	const seasonal *f = fitted;

	for (size_t i = context; i < rows; i++)
	{
		const float *row = x + i * f->at.cols;

		out[i - context] = score_row(f, row);
		if (i > 0 && f->bucket > 0)
			out[i - context] = fmax(out[i - context], score_gap(f, row - f->at.cols, row));
	}
}

/*
 * By the square of each value's own distance, a gap being the time's; and the
 * levels, or the time of the first missing bucket.
 */
static void
seasonal_explain(const void *fitted, const float *x, size_t rows, double *share,
				 double *expected, void *scratch)
{
	const seasonal *f = fitted;
	const layout *at = &f->at;
	const float *row = x + (rows - 1) * at->cols;
	const baseline *b = baseline_of(f, row);
	size_t		slot = slot_of(at, row);
	double		day = trend_day(f, day_of(at, row));

	memset(share, 0, at->cols * sizeof(double));
	for (size_t v = 0; v < at->nvalues; v++)
	{
		double		z = distance(f, b, v, row, slot, day);

		share[at->column[v]] = z * z;
		expected[at->column[v]] = level_of(f, b, v, slot, day);
	}
	if (rows > 1 && f->bucket > 0)
	{
		double		z = score_gap(f, row - at->cols, row);
		double		second = (double) (row - at->cols)[at->order] + f->bucket;

		share[at->order] = z * z;
		if (z > 0)
		{
			expected[at->order] = second - WEEK * floor(second / WEEK);
			expected[at->order + 1] = day_of(at, row - at->cols) + f->bucket / DAY;
		}
	}
}

const pga_detector pga_seasonal = {
	.name = "seasonal",
	.tag = 9,
	.version = 1,
	.flags = PGA_SEQUENCE | PGA_KEYED,
	.summary = "Rows far from what is usual at their time of the week are anomalous, and missing rows.",
	.reference = "Cleveland et al. 1990; Hirsch, Slack & Smith 1982; Cox & Stuart 1955; Breiman 1995",
	.params = seasonal_params,
	.wants = {.scaling = PGA_SCALE_ROBUST, .log1p = PGA_LOG1P_OF_SKEWED},
	.fit_bytes = seasonal_fit_bytes,
	.fit = seasonal_fit,
	.scratch_bytes = seasonal_scratch_bytes,
	.score = seasonal_score,
	.history = seasonal_history,
	.score_series = seasonal_score_series,
	.explain_series = seasonal_explain,
	.save = seasonal_save,
	.load = seasonal_load,
};
