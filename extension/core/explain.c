/*
 * explain.c - why a row scores as it does, for any detector.
 *
 * Sampled Shapley values (Strumbelj & Kononenko 2014) against the expected
 * row, in which every feature has the value that would be filled in for a
 * missing one: walk from the expected row to the explained one, one feature
 * at a time in random order, and credit each feature with the change of the
 * score.  Every order is also walked backwards, which evens out most of the
 * chance (antithetic pairs; Mitchell et al. 2022).  The orders come from a
 * fixed seed, so a row has one explanation.
 *
 * Features that lower the score are no reason for an alert: their share is 0.
 */
#include <math.h>

#include "model.h"
#include "rng.h"

#define PAIRS 8

typedef struct walk
{
	const pga_model *model;
	const double *expected,
			   *row;			/* raw */
	double	   *block;			/* [PGA_BLOCK][nfeatures] */
	double		expected_score;
	double	   *credit;			/* [nfeatures] */
	void	   *scratch;
} walk;

/* Walks from the expected row to the row in the given order of features. */
static void
walk_order(const walk *w, const uint32_t *order, size_t n)
{
	size_t		nf = w->model->prep->nfeatures;
	double		score[PGA_BLOCK];
	double		last = w->expected_score;
	const double *before = w->expected;

	for (size_t done = 0; done < n;)
	{
		size_t		rows = n - done < PGA_BLOCK ? n - done : PGA_BLOCK;

		for (size_t i = 0; i < rows; i++)
		{
			double	   *raw = w->block + i * nf;

			memmove(raw, before, nf * sizeof(double));
			raw[order[done + i]] = w->row[order[done + i]];
			before = raw;
		}
		pga_model_score(w->model, w->block, rows, score, w->scratch);
		for (size_t i = 0; i < rows; i++)
		{
			w->credit[order[done + i]] += score[i] - last;
			last = score[i];
		}
		done += rows;
	}
}

static void
shuffle(pga_rng *rng, uint32_t *order, size_t n)
{
	for (size_t i = n; i > 1; i--)
	{
		size_t		k = (size_t) pga_rng_below(rng, i);
		uint32_t	c = order[i - 1];

		order[i - 1] = order[k];
		order[k] = c;
	}
}

static void
reverse(uint32_t *order, size_t n)
{
	for (size_t i = 0; i < n / 2; i++)
	{
		uint32_t	c = order[i];

		order[i] = order[n - 1 - i];
		order[n - 1 - i] = c;
	}
}

/* The features that are not as expected, when prepared; their number. */
static size_t
unexpected(const pga_prep *prep, const float *row, const float *expected, uint32_t *order)
{
	size_t		n = 0;

	for (size_t j = 0; j < prep->nfeatures; j++)
	{
		const pga_column *c = &prep->features[j];

		if (memcmp(row + c->first, expected + c->first, c->width * sizeof(float)) != 0)
			order[n++] = (uint32_t) j;
	}
	return n;
}

static void
shapley(pga_ctx *ctx, const walk *w, uint32_t *order, size_t n)
{
	pga_rng		rng;

	pga_rng_seed(&rng, 0, 0);
	for (int pair = 0; pair < PAIRS && n > 0; pair++)
	{
		shuffle(&rng, order, n);
		walk_order(w, order, n);
		reverse(order, n);
		walk_order(w, order, n);
		ctx->poll(ctx);
	}
}

/* The detector's own shares of columns, added up by feature, and what it expected. */
static void
own_shares(pga_ctx *ctx, const pga_model *model, const float *x, size_t rows,
		   double *share, double *expected, void *scratch)
{
	const pga_detector *d = model->detector;
	const pga_prep *prep = model->prep;
	double	   *by_column = ctx->alloc(ctx, pga_mul(ctx, 2 * prep->cols, sizeof(double)));
	double	   *should = by_column + prep->cols;

	for (size_t k = 0; k < prep->cols; k++)
		should[k] = NAN;
	if (d->explain_series != NULL)
		d->explain_series(model->fitted, x, rows, by_column, should, scratch);
	else
		d->explain(model->fitted, x + (rows - 1) * prep->cols, by_column, scratch);
	for (size_t j = 0; j < prep->nfeatures; j++)
	{
		const pga_column *c = &prep->features[j];

		for (size_t k = 0; k < c->width; k++)
			share[j] += by_column[c->first + k];
		expected[j] = pga_prep_value(prep, c, should + c->first);
	}
}

/* Negative credit is clipped, the rest made to sum to 1. */
static void
normalise(double *share, size_t n)
{
	double		sum = 0;

	for (size_t j = 0; j < n; j++)
	{
		share[j] = share[j] > 0 ? share[j] : 0;
		sum += share[j];
	}
	for (size_t j = 0; j < n && sum > 0; j++)
		share[j] /= sum;
}

/* By the default way, which sees the row alone. */
static void
sampled_shares(pga_ctx *ctx, const pga_model *model, const double *raw, const float *row,
			   double *share, void *scratch)
{
	size_t		nf = model->prep->nfeatures;
	double	   *nothing = ctx->alloc(ctx, nf * sizeof(double));
	float	   *expected = ctx->alloc(ctx, model->prep->cols * sizeof(float));
	uint32_t   *order = ctx->alloc(ctx, nf * sizeof(uint32_t));
	walk		w = {model, nothing, raw, NULL, 0, share, scratch};
	size_t		n;

	for (size_t j = 0; j < nf; j++)
		nothing[j] = NAN;
	pga_prep_rows(model->prep, nothing, 1, expected);
	n = unexpected(model->prep, row, expected, order);
	w.block = ctx->alloc(ctx, pga_mul(ctx, PGA_BLOCK, nf * sizeof(double)));
	pga_model_score(model, nothing, 1, &w.expected_score, scratch);
	shapley(ctx, &w, order, n);
}

void
pga_model_explain_series(const pga_model *model, pga_ctx *ctx, const double *raw, size_t rows,
						 double *share, double *expected)
{
	size_t		nf = model->prep->nfeatures;
	size_t		cols = model->prep->cols;
	float	   *x = ctx->alloc(ctx, pga_mul(ctx, rows, cols * sizeof(float)));
	void	   *scratch = ctx->alloc(ctx, pga_model_scratch_bytes(model));

	for (size_t j = 0; j < nf; j++)
	{
		share[j] = 0;
		expected[j] = NAN;
	}
	pga_prep_rows(model->prep, raw, rows, x);
	if (model->detector->explain != NULL || model->detector->explain_series != NULL)
		own_shares(ctx, model, x, rows, share, expected, scratch);
	else
		sampled_shares(ctx, model, raw + (rows - 1) * nf, x + (rows - 1) * cols, share, scratch);
	normalise(share, nf);
}

void
pga_model_explain(const pga_model *model, pga_ctx *ctx, const double *raw, double *share)
{
	pga_model_explain_series(model, ctx, raw, 1, share,
							 ctx->alloc(ctx, model->prep->nfeatures * sizeof(double)));
}
