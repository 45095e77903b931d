/*
 * train.c - the whole of training: split, preprocess, fit, calibrate.
 *
 * The sample's rows are taken in order of their hash, a random order that
 * depends on the rows alone.  Every so many occurrences one is held out for
 * the calibration (systematic sampling over the occurrences), so the held-out
 * share is exact to one row and a frequent row is split between both sides in
 * proportion.  Preprocessing and detector see the training side only.
 */
#include <math.h>

#include "model.h"

#define MIN_ROWS 10

/* A sample divided: weight[] stays for training, held[] is for calibration. */
typedef struct split
{
	pga_rows	rows;
	uint64_t   *weight,
			   *held;
	uint64_t	held_total;
} split;

static void
check_rows(pga_ctx *ctx, const pga_sampler *s)
{
	if (s->rows == 0 && s->skipped > 0)
		ctx->fail(ctx, PGA_ERR_NO_ROWS, "Rows with NULL are skipped under option \"missing\" = skip.",
				  "no row to train on: all %llu were skipped", (unsigned long long) s->skipped);
	if (s->rows == 0)
		ctx->fail(ctx, PGA_ERR_NO_ROWS, NULL, "no row to train on");
	if (s->rows < MIN_ROWS)
		ctx->fail(ctx, PGA_ERR_TOO_FEW_ROWS, NULL, "%llu row%s to train on, at least %d are needed",
				  (unsigned long long) s->rows, s->rows == 1 ? "" : "s", MIN_ROWS);
}

static void
divide(pga_ctx *ctx, const pga_sampler *s, double share, split *sp)
{
	uint64_t	before = 0;
	uint64_t	held_before = 0;
	size_t		n;
	uint32_t   *order = pga_sampler_order(s, &n);

	sp->weight = ctx->alloc(ctx, pga_mul(ctx, n, sizeof(uint64_t)));
	sp->held = ctx->alloc(ctx, pga_mul(ctx, n, sizeof(uint64_t)));
	for (size_t i = 0; i < n; i++)
	{
		uint64_t	count = s->count[order[i]];
		uint64_t	held;

		before += count;
		held = (uint64_t) floor((double) before * share + 0.5);
		sp->held[i] = held - held_before;
		if (sp->held[i] > count)
			sp->held[i] = count;
		sp->weight[i] = count - sp->held[i];
		held_before = held;
		sp->held_total += sp->held[i];
	}
	sp->rows = (pga_rows) {s, order, sp->weight, n};
}

/* Training rows as the detector wants them. */
static pga_matrix
prepare(pga_ctx *ctx, const split *sp, const pga_prep *prep, const uint32_t *used)
{
	const pga_sampler *s = sp->rows.sampler;
	size_t		n = 0;
	float	   *x;
	uint64_t   *weight;

	for (size_t i = 0; i < sp->rows.n; i++)
		n += sp->weight[i] > 0;
	x = ctx->alloc(ctx, pga_mul(ctx, n, prep->cols * sizeof(float)));
	weight = ctx->alloc(ctx, pga_mul(ctx, n, sizeof(uint64_t)));
	n = 0;
	for (size_t i = 0; i < sp->rows.n; i++)
	{
		if (sp->weight[i] == 0)
			continue;
		pga_prep_cells(prep, used, s->cells + sp->rows.order[i] * s->nfeatures,
					   x + n * prep->cols);
		weight[n++] = sp->weight[i];
		if (n % 1024 == 0)
			ctx->poll(ctx);
	}
	return (pga_matrix) {x, weight, n, prep->cols};
}

/* Scores the held-out rows, block by block, as (score, occurrences); their number. */
static size_t
score_held_out(pga_ctx *ctx, const pga_model *model, const split *sp, const uint32_t *used,
			   pga_item *items)
{
	const pga_sampler *s = sp->rows.sampler;
	size_t		cols = model->prep->cols;
	float	   *x = ctx->alloc(ctx, pga_mul(ctx, PGA_BLOCK, cols * sizeof(float)));
	void	   *scratch = ctx->alloc(ctx, model->detector->scratch_bytes(model->fitted, PGA_BLOCK));
	double		score[PGA_BLOCK];
	size_t		in_block = 0;
	size_t		n = 0;

	for (size_t i = 0; i < sp->rows.n; i++)
	{
		if (sp->held[i] > 0)
		{
			pga_prep_cells(model->prep, used, s->cells + sp->rows.order[i] * s->nfeatures,
						   x + in_block * cols);
			items[n + in_block++].payload = sp->held[i];
		}
		if (in_block == PGA_BLOCK || (i + 1 == sp->rows.n && in_block > 0))
		{
			model->detector->score(model->fitted, x, in_block, score, scratch);
			for (size_t k = 0; k < in_block; k++)
				items[n++].key = pga_ordered(score[k]);
			in_block = 0;
			ctx->poll(ctx);
		}
	}
	return n;
}

/* All that training takes beside the sample, before it is taken. */
static void
check_memory(pga_ctx *ctx, const pga_sampler *s, const pga_params *params)
{
	size_t		n = s->kept < s->max_rows ? s->kept : s->max_rows;
	size_t		per_row = pga_add(ctx, pga_mul(ctx, s->nfeatures, sizeof(float)),
								  5 * sizeof(pga_item) + 4 * sizeof(uint64_t));
	size_t		need = pga_add(ctx, pga_mul(ctx, n, per_row),
							   pga_add(ctx, pga_sampler_bytes(s),
									   params->detector->fit_bytes(ctx, params, n, s->nfeatures)));

	if (need > ctx->memory_limit)
		ctx->fail(ctx, PGA_ERR_MEMORY_LIMIT,
				  "Lower option \"max_rows\", train on fewer columns, or allow more memory.",
				  "training %s on %zu rows and %zu columns needs %zu kB, more than the limit of %zu kB",
				  params->detector->name, n, s->nfeatures, need / 1024, ctx->memory_limit / 1024);
}

pga_model *
pga_train(pga_ctx *ctx, const pga_sampler *s, const pga_params *params, pga_report *report)
{
	pga_model  *model = ctx->alloc(ctx, sizeof(pga_model));
	uint32_t   *used = ctx->alloc(ctx, pga_mul(ctx, s->nfeatures, sizeof(uint32_t)));
	split		sp = {0};
	pga_matrix	matrix;
	pga_item   *items,
			   *scratch;
	size_t		n;

	check_rows(ctx, s);
	check_memory(ctx, s, params);
	divide(ctx, s, pga_param(params, "holdout"), &sp);
	if (s->kept > sp.rows.n || s->limit != UINT64_MAX)
		ctx->warn(ctx, "more than %zu distinct rows, trained on a random sample of %zu",
				  s->max_rows, sp.rows.n);

	items = ctx->alloc(ctx, pga_mul(ctx, sp.rows.n, sizeof(pga_item)));
	scratch = ctx->alloc(ctx, pga_mul(ctx, sp.rows.n, sizeof(pga_item)));
	model->detector = params->detector;
	model->params = *params;
	model->prep = pga_prep_fit(ctx, &sp.rows, params->detector->scaling, used, items, scratch);
	matrix = prepare(ctx, &sp, model->prep, used);
	model->fitted = model->detector->fit(ctx, &matrix, params);
	n = score_held_out(ctx, model, &sp, used, items);
	model->calibration = pga_calibrate(ctx, items, scratch, n, pga_param(params, "contamination"));
	pga_model_name_features(ctx, model);

	*report = (pga_report) {
		.rows_used = s->rows,
		.rows_skipped = s->skipped,
		.rows_distinct = sp.rows.n,
		.rows_held_out = sp.held_total,
		.threshold = model->calibration->threshold,
	};
	return model;
}
