/*
 * drift.c - how far rows have moved from those a model was trained on.
 *
 * Per feature, the population stability index over about ten bins of the
 * training distribution (Siddiqi, "Credit Risk Scorecards", 2006): the sum of
 * (now - then) ln(now / then), below 0.1 stable, from 0.25 on shifted; and the
 * Kolmogorov-Smirnov distance, the largest gap between both cumulative
 * distributions, read at the model's knots.  The shares of missing values and
 * of unknown texts are compared as they are.
 */
#include <math.h>

#include "model.h"

#define BINS 10
#define MODERATE 0.1
#define SHIFTED 0.25
#define POINTS 0.05				/* more missing or unknown values than that are a shift */

/* One feature's new values. */
typedef struct tally
{
	double	   *at;				/* [nknots + 1]: up to each knot, beyond the last; or [ncategories + 1] */
	double		rows,
				missing;
} tally;

struct pga_drift
{
	pga_ctx    *ctx;
	const pga_prep *prep;
	tally	   *of;				/* [nfeatures] */
};

pga_drift *
pga_drift_create(pga_ctx *ctx, const pga_model *model)
{
	pga_drift  *d = ctx->alloc(ctx, sizeof(pga_drift));

	d->ctx = ctx;
	d->prep = model->prep;
	d->of = ctx->alloc(ctx, d->prep->nfeatures * sizeof(tally));
	for (size_t j = 0; j < d->prep->nfeatures; j++)
	{
		const pga_column *c = &d->prep->features[j];
		size_t		n = c->feature.kind == PGA_CATEGORICAL ? c->ncategories : c->nknots;

		d->of[j].at = ctx->alloc(ctx, (n + 1) * sizeof(double));
	}
	return d;
}

static size_t
first_knot(const pga_column *c, double value)
{
	size_t		lo = 0;
	size_t		hi = c->nknots;

	while (lo < hi)
	{
		size_t		mid = lo + (hi - lo) / 2;

		if (c->knots[mid].value >= value)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

void
pga_drift_add(pga_drift *d, const double *raw)
{
	for (size_t j = 0; j < d->prep->nfeatures; j++)
	{
		const pga_column *c = &d->prep->features[j];
		tally	   *t = &d->of[j];

		t->rows++;
		if (isnan(raw[j]))
			t->missing++;
		else if (c->feature.kind == PGA_CATEGORICAL)
			t->at[raw[j] >= 0 ? (size_t) raw[j] : c->ncategories]++;
		else
			t->at[first_knot(c, raw[j])]++;
	}
}

/* A bin's part of the index; an empty bin counts as half a row. */
static double
part(double then, double now, double rows)
{
	double		least = 0.5 / rows;

	then = fmax(then, least);
	now = fmax(now, least);
	return (now - then) * log(now / then);
}

static void
compare_numbers(const pga_column *c, const tally *t, pga_drifted *out)
{
	double		rows = t->rows - t->missing;
	double		now = 0;		/* cumulative */
	double		then_begin = 0; /* of the bin */
	double		now_begin = 0;

	for (size_t k = 0; k < c->nknots; k++)
	{
		now += t->at[k] / rows;
		out->ks = fmax(out->ks, fabs(now - c->knots[k].below));
		if (c->knots[k].below - then_begin < 1.0 / BINS && k + 1 < c->nknots)
			continue;
		out->psi += part(c->knots[k].below - then_begin, now - now_begin, rows);
		then_begin = c->knots[k].below;
		now_begin = now;
	}
	out->psi += part(0, t->at[c->nknots] / rows, rows);	/* beyond all that was seen */
}

static void
compare_categories(const pga_column *c, const tally *t, pga_drifted *out)
{
	double		rows = t->rows - t->missing;
	double		known = 0;

	for (size_t k = 0; k < c->ncategories; k++)
	{
		out->psi += part(c->categories[k].share, t->at[k] / rows, rows);
		known += t->at[k];
	}
	out->unknown = 1 - known / rows;
	out->psi += part(0, out->unknown, rows);
}

pga_drifted
pga_drift_of(const pga_drift *d, size_t feature)
{
	const pga_column *c = &d->prep->features[feature];
	const tally *t = &d->of[feature];
	pga_drifted out = {.ks = NAN, .psi = NAN, .unknown = NAN, .missing = NAN,
	.missing_then = c->missing, .rows = t->rows};

	if (t->rows == 0)
		return out;
	out.missing = t->missing / t->rows;
	if (t->missing < t->rows && (c->nknots > 0 || c->feature.kind == PGA_CATEGORICAL))
	{
		out.psi = 0;
		if (c->feature.kind == PGA_CATEGORICAL)
			compare_categories(c, t, &out);
		else
		{
			out.ks = 0;
			compare_numbers(c, t, &out);
		}
	}
	out.verdict = out.psi >= MODERATE ? PGA_DRIFT_MODERATE : PGA_DRIFT_STABLE;
	if (out.psi >= SHIFTED || out.unknown > POINTS || fabs(out.missing - out.missing_then) > POINTS)
		out.verdict = PGA_DRIFT_SHIFTED;
	return out;
}
