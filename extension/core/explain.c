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
	const float *expected,
			   *row;			/* prepared */
	float	   *block;			/* [PGA_BLOCK][cols] */
	double		expected_score;
	double	   *credit;			/* [cols] */
	void	   *scratch;
} walk;

/* Walks from the expected row to the row in the given order of columns. */
static void
walk_order(const walk *w, const uint32_t *order, size_t n)
{
	size_t		cols = w->model->prep->cols;
	double		score[PGA_BLOCK];
	double		last = w->expected_score;
	const float *before = w->expected;

	for (size_t done = 0; done < n;)
	{
		size_t		rows = n - done < PGA_BLOCK ? n - done : PGA_BLOCK;

		for (size_t i = 0; i < rows; i++)
		{
			float	   *x = w->block + i * cols;

			memmove(x, before, cols * sizeof(float));
			x[order[done + i]] = w->row[order[done + i]];
			before = x;
		}
		w->model->detector->score(w->model->fitted, w->block, rows, score, w->scratch);
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

static void
shapley(pga_ctx *ctx, const walk *w)
{
	size_t		cols = w->model->prep->cols;
	uint32_t   *order = ctx->alloc(ctx, cols * sizeof(uint32_t));
	size_t		n = 0;
	pga_rng		rng;

	for (size_t j = 0; j < cols; j++)
		if (w->row[j] != w->expected[j])
			order[n++] = (uint32_t) j;
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

void
pga_model_explain(const pga_model *model, pga_ctx *ctx, const double *raw, double *share)
{
	size_t		cols = model->prep->cols;
	double	   *nothing = ctx->alloc(ctx, cols * sizeof(double));
	float	   *expected = ctx->alloc(ctx, 2 * cols * sizeof(float));
	float	   *row = expected + cols;
	void	   *scratch = ctx->alloc(ctx, model->detector->scratch_bytes(model->fitted, PGA_BLOCK));
	walk		w = {model, expected, row, NULL, 0, share, scratch};

	for (size_t j = 0; j < cols; j++)
	{
		nothing[j] = NAN;
		share[j] = 0;
	}
	pga_prep_rows(model->prep, nothing, 1, expected);
	pga_prep_rows(model->prep, raw, 1, row);
	if (model->detector->explain != NULL)
		model->detector->explain(model->fitted, row, share, scratch);
	else
	{
		w.block = ctx->alloc(ctx, pga_mul(ctx, PGA_BLOCK, cols * sizeof(float)));
		model->detector->score(model->fitted, expected, 1, &w.expected_score, scratch);
		shapley(ctx, &w);
	}
	normalise(share, cols);
}
