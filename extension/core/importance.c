/*
 * importance.c - how much a supervised model relies on each feature.
 *
 * Breiman 2001, section 10: shuffle one feature among held-out rows, which
 * leaves its distribution and breaks its ties to all else, and see how much
 * of the accuracy is gone.  Unlike the impurity that splits remove, this does
 * not favour features of many values (Strobl et al. 2007).
 */
#include "model.h"
#include "rng.h"

/* The share of the rows whose most likely class is theirs. */
static double
accuracy(pga_ctx *ctx, const pga_model *model, const double *raw, const uint32_t *target,
		 size_t rows, double *probability, void *scratch)
{
	size_t		nf = model->prep->nfeatures;
	size_t		classes = model->nclasses;
	size_t		right = 0;

	for (size_t done = 0; done < rows; done += PGA_BLOCK)
	{
		size_t		n = rows - done < PGA_BLOCK ? rows - done : PGA_BLOCK;

		pga_model_classify(model, raw + done * nf, n, probability, scratch);
		for (size_t i = 0; i < n; i++)
			right += pga_most_likely(probability + i * classes, classes) == target[done + i];
		ctx->poll(ctx);
	}
	return (double) right / (double) rows;
}

double *
pga_importance(pga_ctx *ctx, const pga_model *model, double *raw, const uint32_t *target,
			   size_t rows)
{
	size_t		nf = model->prep->nfeatures;
	double	   *drop = ctx->alloc(ctx, nf * sizeof(double));
	double	   *kept = ctx->alloc(ctx, pga_mul(ctx, rows, sizeof(double)));
	double	   *probability = ctx->alloc(ctx, PGA_BLOCK * model->nclasses * sizeof(double));
	void	   *scratch = ctx->alloc(ctx, pga_model_scratch_bytes(model));
	double		whole = accuracy(ctx, model, raw, target, rows, probability, scratch);
	pga_rng		rng;

	for (size_t j = 0; j < nf; j++)
	{
		pga_rng_seed(&rng, 0, j);
		for (size_t i = 0; i < rows; i++)
			kept[i] = raw[i * nf + j];
		for (size_t i = rows; i > 1; i--)
		{
			size_t		k = (size_t) pga_rng_below(&rng, i);
			double		v = raw[(i - 1) * nf + j];

			raw[(i - 1) * nf + j] = raw[k * nf + j];
			raw[k * nf + j] = v;
		}
		drop[j] = whole - accuracy(ctx, model, raw, target, rows, probability, scratch);
		for (size_t i = 0; i < rows; i++)
			raw[i * nf + j] = kept[i];
	}
	return drop;
}
