/* season.c - trend, level and scale by time of the week (season.h). */
#include "season.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "fmath.h"
#include "prep.h"

#define DAY_PRIOR 2				/* rows that the scale of the group counts as */
#define WEEK_PRIOR 6			/* rows that the scale of the slot of the day counts as */
#define LEAST_SCALE 0.001		/* of a slot, in widths of all values */
#define MEDIAN_VARIANCE 1.5707963	/* of a median of normals, in variances of the mean */
#define Q75_NORMAL 1.1503494	/* 75 % of absolute standard normals are below */

/* ---- quantiles by slot ---------------------------------------------------------------- */

/* Rows by slot (NULL: all in one), then by value, into items: key slot, payload row. */
static void
sort_by_slot(pga_season *f, const double *value, const uint32_t *slot)
{
	for (size_t i = 0; i < f->n; i++)
		f->items[i] = (pga_item) {pga_ordered(value[i]), i};
	pga_sort(f->ctx, f->items, f->scratch, f->n);
	for (size_t i = 0; i < f->n; i++)
		f->items[i].key = slot != NULL ? slot[f->items[i].payload] : 0;
	pga_sort(f->ctx, f->items, f->scratch, f->n);
	f->ctx->poll(f->ctx);
}

static size_t
end_of_slot(const pga_season *f, size_t begin)
{
	size_t		end = begin + 1;

	while (end < f->n && f->items[end].key == f->items[begin].key)
		end++;
	return end;
}

/* Of the sorted rows begin .. end-1: between the two values in the middle. */
static double
quantile(const pga_season *f, const double *value, size_t begin, size_t end, double share)
{
	double		total = 0;
	double		below = 0;
	size_t		i = begin;
	size_t		next;

	for (size_t k = begin; k < end; k++)
		total += (double) f->weight[f->items[k].payload];
	for (; i + 1 < end; i++)
	{
		below += (double) f->weight[f->items[i].payload];
		if (below >= share * total)
			break;
	}
	next = below == share * total && i + 1 < end ? i + 1 : i;
	return value[f->items[i].payload] / 2 + value[f->items[next].payload] / 2;
}

/* result[slot] of every slot with rows; the others keep theirs. */
static void
quantile_by_slot(pga_season *f, const double *value, const uint32_t *slot, double share, double *result)
{
	sort_by_slot(f, value, slot);
	for (size_t begin = 0, end; begin < f->n; begin = end)
	{
		end = end_of_slot(f, begin);
		result[f->items[begin].key] = quantile(f, value, begin, end, share);
	}
}

/* ---- times ------------------------------------------------------------------------- */

pga_season *
pga_season_create(pga_ctx *ctx, size_t rows, uint32_t per_day, uint32_t slots, bool trend)
{
	pga_season *f = ctx->alloc(ctx, sizeof(pga_season));
	double	   *by_row = ctx->alloc(ctx, pga_mul(ctx, rows, 3 * sizeof(double)));
	uint32_t   *slot = ctx->alloc(ctx, pga_mul(ctx, rows, 3 * sizeof(uint32_t)));
	double	   *by_slot = ctx->alloc(ctx, 3 * slots * sizeof(double));
	double	   *by_day = ctx->alloc(ctx, 2 * per_day * sizeof(double));

	*f = (pga_season) {.ctx = ctx, .trend = trend, .per_day = per_day, .slots = slots};
	f->day = by_row;
	f->value = by_row + rows;
	f->rest = by_row + 2 * rows;
	f->slot = slot;
	f->slot_of_day = slot + rows;
	f->by_time = slot + 2 * rows;
	f->weeks = ctx->alloc(ctx, (slots + per_day) * sizeof(uint32_t));
	f->days = f->weeks + slots;
	f->level = by_slot;
	f->scale = by_slot + slots;
	f->week_median = by_slot + 2 * slots;
	f->day_median = by_day;
	f->day_scale = by_day + per_day;
	f->items = ctx->alloc(ctx, pga_mul(ctx, rows, sizeof(pga_item)));
	f->scratch = ctx->alloc(ctx, pga_mul(ctx, rows, sizeof(pga_item)));
	return f;
}

size_t
pga_season_bytes(pga_ctx *ctx, size_t rows, size_t per_day)
{
	size_t		by_row = 3 * sizeof(double) + 3 * sizeof(uint32_t) + 2 * sizeof(pga_item);

	return pga_add(ctx, pga_mul(ctx, rows, by_row), sizeof(pga_season) + per_day * 256);
}

/* How often each slot came, visits being more than `apart` days from each other. */
static void
count_visits(pga_season *f, const uint32_t *slot, double apart, uint32_t *visits)
{
	sort_by_slot(f, f->day, slot);
	for (size_t i = 0; i < f->n; i++)
		if (i == 0 || f->items[i].key != f->items[i - 1].key ||
			f->day[f->items[i].payload] - f->day[f->items[i - 1].payload] > apart)
			visits[f->items[i].key]++;
}

void
pga_season_times(pga_season *f)
{
	double		from = DBL_MAX;
	double		to = -DBL_MAX;

	for (size_t i = 0; i < f->n; i++)
	{
		f->slot_of_day[i] = f->slot[i] % f->per_day;
		from = fmin(from, f->day[i]);
		to = fmax(to, f->day[i]);
	}
	f->span = to - from;
	memset(f->weeks, 0, (f->slots + f->per_day) * sizeof(uint32_t));
	count_visits(f, f->slot_of_day, 0.5, f->days);
	count_visits(f, f->slot, 3.5, f->weeks);
	if (f->slots == 1)			/* no time: every row is a visit */
		f->weeks[0] = f->days[0] = (uint32_t) (f->n < UINT32_MAX ? f->n : UINT32_MAX);
	for (size_t i = 0; i < f->n; i++)
		f->by_time[i] = (uint32_t) f->items[i].payload;
}

bool
pga_season_expects(const pga_season *f, size_t slot)
{
	if (f->span >= 14)
		return 2 * f->weeks[slot] >= floor(f->span / 7);
	return 2 * f->days[slot % f->per_day] >= floor(f->span);
}

/* ---- trend, level, scale -------------------------------------------------------------- */

/* The median slope of pairs half a series apart within slots, or 0. */
static double
find_slope(pga_season *f)
{
	size_t		n = 0;
	double		sign = 0;

	for (size_t begin = 0, end; begin < f->n; begin = end)
	{
		size_t		half;

		for (end = begin; end < f->n && f->slot[f->by_time[end]] == f->slot[f->by_time[begin]];)
			end++;
		half = (end - begin + 1) / 2;
		for (size_t i = begin; i + half < end; i++)
		{
			uint32_t	a = f->by_time[i];
			uint32_t	b = f->by_time[i + half];

			if (f->day[b] - f->day[a] < 6.5)
				continue;
			f->rest[n] = (f->value[b] - f->value[a]) / (f->day[b] - f->day[a]);
			sign += (f->rest[n] > 0) - (f->rest[n] < 0);
			f->items[n] = (pga_item) {pga_ordered(f->rest[n]), n};
			n++;
		}
	}
	if (n == 0 || fabs(sign) < 3 * sqrt((double) n))
		return 0;
	pga_sort(f->ctx, f->items, f->scratch, n);
	return pga_unordered(f->items[(n - 1) / 2].key) / 2 + pga_unordered(f->items[n / 2].key) / 2;
}

/* How far value really is from target, when its variance is v. */
static double
drawn(double value, double target, double v)
{
	double		d = value - target;

	return d * d > 4 * v ? target + d * (1 - 4 * v / (d * d)) : target;
}

/* A day's slot drawn to the middle of the slots before and after it. */
static double
smoothed(const pga_season *f, size_t slot, double overall, double v)
{
	size_t		n = f->per_day;
	double		before = f->day_median[(slot + n - 1) % n];
	double		after = f->day_median[(slot + 1) % n];
	double		own = f->day_median[slot];

	before = isnan(before) ? after : before;
	after = isnan(after) ? before : after;
	if (isnan(own))
		return isnan(before) ? overall : before / 2 + after / 2;
	return isnan(before) ? own : drawn(own, before / 2 + after / 2, v);
}

/*
 * Scales by slot of absolute residuals, each pooled with one of a wider slot.
 * n rows cannot make it more than n times as large: it may be one outlier.
 */
static void
pool_scales(pga_season *f, const uint32_t *slot, size_t slots, const uint32_t *visits,
			const double *wide, size_t wides, double prior, double least, double *scale)
{
	for (size_t s = 0; s < slots; s++)
		scale[s] = 0;
	quantile_by_slot(f, f->rest, slot, 0.75, scale);
	for (size_t s = 0; s < slots; s++)
	{
		double		n = visits[s];
		double		w = wide[s % wides];
		double		own = fmax(fmin(scale[s] / Q75_NORMAL, n * w), least);

		scale[s] = pga_exp2((n * pga_log(own) + prior * pga_log(w)) / (n + prior) / PGA_LN2);
	}
}

/* The overall scale of the residuals; they may all be 0. */
static double
overall_scale(pga_season *f, double least)
{
	double		scale;

	quantile_by_slot(f, f->rest, NULL, 0.75, &scale);
	return fmax(scale / Q75_NORMAL, least);
}

/* Residuals about the raw medians, widened by what fitting a median to n rows takes away. */
static void
raw_residuals(pga_season *f)
{
	for (size_t i = 0; i < f->n; i++)
	{
		double		n = f->weeks[f->slot[i]];

		if (n >= 2)
			f->rest[i] = fabs(f->value[i] - f->week_median[f->slot[i]]) * n / (n - 1);
		else
			f->rest[i] = fabs(f->value[i] - f->day_median[f->slot_of_day[i]]);
	}
}

/* A width to fall back on: of the values as a whole. */
static double
width(pga_season *f, double overall)
{
	double		sum = 0;
	double		total = 0;
	double		scale;

	for (size_t i = 0; i < f->n; i++)
	{
		f->rest[i] = fabs(f->value[i] - overall);
		sum += f->rest[i] * (double) f->weight[i];
		total += (double) f->weight[i];
	}
	scale = overall_scale(f, 0);
	scale = scale > 0 ? scale : sum / total;
	return pga_prep_usable(scale) ? scale : 1;
}

/* Levels from the medians and the scales by slot of the day. */
static void
fit_levels(pga_season *f, double overall)
{
	for (size_t s = 0; s < f->slots; s++)
	{
		size_t		d = s % f->per_day;
		double		v = MEDIAN_VARIANCE * f->day_scale[d] * f->day_scale[d];

		f->level[s] = smoothed(f, d, overall, v / fmax(f->days[d], 1));
		if (f->weeks[s] >= 2)
			f->level[s] = drawn(f->week_median[s], f->level[s], v / f->weeks[s]);
	}
}

void
pga_season_fit(pga_season *f)
{
	double		overall,
				least,
				wide;

	f->slope = f->trend && f->span >= 14 ? find_slope(f) : 0;
	for (size_t i = 0; i < f->n; i++)
		f->value[i] -= f->slope * f->day[i];

	quantile_by_slot(f, f->value, NULL, 0.5, &overall);
	for (size_t s = 0; s < f->slots; s++)
		f->week_median[s] = f->day_median[s % f->per_day] = NAN;
	quantile_by_slot(f, f->value, f->slot_of_day, 0.5, f->day_median);
	quantile_by_slot(f, f->value, f->slot, 0.5, f->week_median);
	least = LEAST_SCALE * width(f, overall);

	raw_residuals(f);
	wide = overall_scale(f, least);
	pool_scales(f, f->slot_of_day, f->per_day, f->days, &wide, 1, DAY_PRIOR, least, f->day_scale);
	fit_levels(f, overall);
	for (size_t i = 0; i < f->n; i++)
		f->rest[i] = fabs(f->value[i] - f->level[f->slot[i]]);
	wide = overall_scale(f, least);
	pool_scales(f, f->slot_of_day, f->per_day, f->days, &wide, 1, DAY_PRIOR, least, f->day_scale);
	pool_scales(f, f->slot, f->slots, f->weeks, f->day_scale, f->per_day, WEEK_PRIOR, least, f->scale);
	/* A level known from few rows is not known well. */
	for (size_t s = 0; s < f->slots; s++)
		f->scale[s] *= sqrt(1 + 1 / fmax(f->weeks[s], 1));
}
