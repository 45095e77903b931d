/*
 * train.c - the whole of training: split, preprocess, fit, calibrate.
 *
 * The sample's rows are taken in order of their hash, a random order that
 * depends on the rows alone.  Every so many occurrences one is held out for
 * the calibration (systematic sampling over the occurrences, class by class),
 * so the held-out share is exact to one row and a frequent row is split
 * between both sides in proportion.  Of a series its end is held out.
 * Preprocessing and detector see the training side only.  But where rows are
 * few and each one counts (PGA_REFIT), the detector is fitted once more, on
 * both sides: new rows then score as they did or a little lower, so that their
 * p-values err to the quiet side.
 *
 * Rows may carry a class (split.c).  A detector that learns no classes sees
 * the normal rows alone.  One that does, and gets none, learns to tell the
 * rows from made-up ones (Breiman & Cutler; Shi & Horvath 2006): as many, each
 * feature drawn from the column by itself, so that only what ties features
 * together sets the real rows apart.
 */
#include <math.h>

#include "model.h"
#include "rng.h"
#include "split.h"

#define MIN_ROWS 10
#define IMPORTANCE_ROWS 2048	/* held-out rows that importances are measured on */
#define REFIT_ROWS 32768		/* beyond, the held-out ones are not missed */

static void
check_rows(pga_ctx *ctx, const pga_sampler *s)
{
	if (s->rows == 0 && s->skipped > 0)
		ctx->fail(ctx, PGA_ERR_NO_ROWS, "Rows with NULL are skipped under option \"missing\" = skip.",
				  "no row to train on: all %llu were skipped", (unsigned long long) s->skipped);
	if (s->rows == 0)
		ctx->fail(ctx, PGA_ERR_NO_ROWS, NULL, "no row to train on");
}

static void
check_split(pga_ctx *ctx, const pga_split *sp)
{
	uint64_t	n = sp->trained_total + sp->held_total;

	if (n < MIN_ROWS)
		ctx->fail(ctx, PGA_ERR_TOO_FEW_ROWS, NULL, "%llu row%s to train on, at least %d are needed",
				  (unsigned long long) n, n == 1 ? "" : "s", MIN_ROWS);
	if (sp->held_normal == 0 || sp->trained_total == 0)
		ctx->fail(ctx, PGA_ERR_TOO_FEW_ROWS,
				  "Take longer series, or raise option \"holdout\".",
				  "too few rows to hold some out: %zu series of %llu rows",
				  sp->nseries, (unsigned long long) n);
}

static bool
is_refitted(const pga_split *sp, const pga_params *params)
{
	return (params->detector->flags & PGA_REFIT) && sp->trained_total + sp->held_total <= REFIT_ROWS;
}

/* ---- the matrix ------------------------------------------------------------------ */

/* What the rows held out and fitting once more take. */
static size_t
refit_bytes(pga_ctx *ctx, const pga_split *sp, const pga_matrix *shape, const pga_params *params)
{
	pga_matrix	all = *shape;

	all.rows = sp->rows.n;
	return pga_add(ctx, params->detector->fit_bytes(ctx, &all, params),
				   pga_mul(ctx, all.rows, shape->cols * sizeof(float) + sizeof(uint64_t)));
}

/* What training takes beside the sample, before it is taken. */
static void
check_memory(pga_ctx *ctx, const pga_split *sp, const pga_matrix *shape, const pga_params *params)
{
	const pga_sampler *s = sp->rows.sampler;
	size_t		per_row = pga_add(ctx, pga_mul(ctx, shape->cols, sizeof(float)), sizeof(uint64_t));
	size_t		need = pga_add(ctx, pga_mul(ctx, shape->rows, per_row),
							   pga_add(ctx, pga_sampler_bytes(s),
									   params->detector->fit_bytes(ctx, shape, params)));

	need = pga_add(ctx, need, pga_mul(ctx, sp->rows.n, 5 * sizeof(pga_item) + 4 * sizeof(uint64_t)));
	if (is_refitted(sp, params))
		need = pga_add(ctx, need, refit_bytes(ctx, sp, shape, params));
	if (need > ctx->memory_limit)
		ctx->fail(ctx, PGA_ERR_MEMORY_LIMIT,
				  "Lower option \"max_rows\", train on fewer columns, or allow more memory.",
				  "training %s on %zu rows and %zu columns needs %zu kB, more than the limit of %zu kB",
				  params->detector->name, sp->rows.n, s->nfeatures, need / 1024, ctx->memory_limit / 1024);
}

/* Rows, columns and classes that fit() will get; cols may still be a guess. */
static pga_matrix
shape_of(const pga_split *sp, const pga_model *model, size_t cols)
{
	pga_matrix	m = {
		.cols = cols,
		.classes = model->nclasses,
		.normal = model->normal,
		.nseries = sp->nseries,
		.prep = model->prep,
		.source = NULL
	};

	for (size_t i = 0; i < sp->rows.n; i++)
		m.rows += sp->rows.weight[i] > 0;
	if (sp->synthetic)
		m.rows *= 2;
	return m;
}

static const uint64_t *
cells_of(const pga_split *sp, size_t i)
{
	return sp->rows.sampler->cells + sp->rows.order[i] * sp->rows.sampler->nfeatures;
}

/*
 * Rows that never were: behind the n real ones, with their weights, each
 * feature from a row drawn by weight.
 */
static void
make_up_rows(pga_ctx *ctx, const pga_prep *prep, float *x, uint64_t *weight, uint32_t *target,
			 size_t n, uint64_t seed)
{
	uint64_t   *cumulative = ctx->alloc(ctx, pga_mul(ctx, n, sizeof(uint64_t)));
	pga_rng		rng;

	for (size_t i = 0; i < n; i++)
		cumulative[i] = weight[i] + (i > 0 ? cumulative[i - 1] : 0);
	pga_rng_seed(&rng, seed, UINT64_C(0x73796e7468));
	for (size_t i = 0; i < n; i++)
	{
		float	   *made = x + (n + i) * prep->cols;

		for (size_t j = 0; j < prep->nfeatures; j++)
		{
			const pga_column *c = &prep->features[j];
			size_t		from = pga_rank(cumulative, n, pga_rng_below(&rng, cumulative[n - 1]));

			memcpy(made + c->first, x + from * prep->cols + c->first, c->width * sizeof(float));
		}
		weight[n + i] = weight[i];
		target[n + i] = 1;
		if (i % 256 == 0)
			ctx->poll(ctx);
	}
}

/* Training rows as the detector wants them. */
static void
prepare(pga_ctx *ctx, const pga_split *sp, const pga_prep *prep, const uint32_t *used,
		const pga_params *params, pga_matrix *m)
{
	double	   *raw = ctx->alloc(ctx, prep->nfeatures * sizeof(double));
	float	   *x = ctx->alloc(ctx, pga_mul(ctx, m->rows, prep->cols * sizeof(float)));
	uint64_t   *weight = ctx->alloc(ctx, pga_mul(ctx, m->rows, sizeof(uint64_t)));
	uint32_t   *target = NULL;
	uint32_t   *series = ctx->alloc(ctx, pga_mul(ctx, sp->nseries + 1, sizeof(uint32_t)));
	size_t		n = 0;

	if (m->classes > 0)
		target = ctx->alloc(ctx, pga_mul(ctx, m->rows, sizeof(uint32_t)));
	m->nseries = 0;
	for (size_t i = 0; i < sp->rows.n; i++)
	{
		if (sp->nseries > 0 && i == sp->series[m->nseries])
			series[m->nseries++] = (uint32_t) n;
		if (sp->rows.weight[i] == 0)
			continue;
		pga_prep_raw(prep, used, cells_of(sp, i), raw);
		pga_prep_rows(prep, raw, 1, x + n * prep->cols);
		if (target != NULL && sp->class != NULL)
			target[n] = sp->class[i];
		weight[n++] = sp->rows.weight[i];
		if (n % 256 == 0)
			ctx->poll(ctx);
	}
	series[m->nseries] = (uint32_t) n;
	if (sp->synthetic)
		make_up_rows(ctx, prep, x, weight, target, n, (uint64_t) pga_param(params, "seed"));
	m->x = x;
	m->weight = weight;
	m->target = target;
	m->series = sp->nseries > 0 ? series : NULL;
}

/* ---- calibration ------------------------------------------------------------------ */

/*
 * Scores the held-out normal rows of one series, or of all rows, block by
 * block, as (score, occurrences) added to items.  Rows before a held-out one
 * are its context.
 */
static size_t
score_held_out(pga_ctx *ctx, const pga_model *model, const pga_split *sp, size_t begin, size_t end,
			   const uint32_t *used, pga_item *items)
{
	size_t		nf = model->prep->nfeatures;
	size_t		history = pga_model_history(model);
	double	   *raw = ctx->alloc(ctx, pga_mul(ctx, PGA_BLOCK + history, nf * sizeof(double)));
	void	   *scratch = ctx->alloc(ctx, pga_model_scratch_bytes(model));
	double		score[PGA_BLOCK];
	size_t		context = 0;	/* rows in raw that are scored already, or trained on */
	size_t		in_block = 0;
	size_t		n = 0;

	for (size_t i = begin; i < end; i++)
	{
		bool		held = sp->held[i] > 0 && (sp->class == NULL || sp->class[i] == model->normal);

		if (held || history > 0)
			pga_prep_raw(model->prep, used, cells_of(sp, i), raw + (context + in_block) * nf);
		if (held)
			items[n + in_block++].payload = sp->held[i];
		else if (history > 0 && in_block == 0)
			context++;
		if (in_block == PGA_BLOCK || (i + 1 == end && in_block > 0))
		{
			pga_model_score_series(model, raw, context + in_block, context, score, scratch);
			for (size_t k = 0; k < in_block; k++)
				items[n++].key = pga_ordered(score[k]);
			context = history > 0 ? context + in_block : 0;
			in_block = 0;
			ctx->poll(ctx);
		}
		if (context > history)
		{
			memmove(raw, raw + (context - history) * nf, history * nf * sizeof(double));
			context = history;
		}
	}
	return n;
}

static void
calibrate(pga_ctx *ctx, pga_model *model, const pga_split *sp, const uint32_t *used,
		  pga_item *items, pga_item *scratch)
{
	size_t		n = 0;

	for (size_t k = 0; k < sp->nseries; k++)
		n += score_held_out(ctx, model, sp, sp->series[k], sp->series[k + 1], used, items + n);
	if (sp->nseries == 0)
		n = score_held_out(ctx, model, sp, 0, sp->rows.n, used, items);
	model->calibration = pga_calibrate(ctx, items, scratch, n,
									   pga_param(&model->params, "contamination"));
	/* A class is given to what is more likely something else than normal. */
	if (model->detector->flags & PGA_SUPERVISED)
		model->calibration->threshold = fmax(model->calibration->threshold, 0.5);
}

/*
 * What a supervised model makes of the held-out rows of all classes, which
 * come in a random order: its metrics, and on the first of them importances.
 */
static void
measure(pga_ctx *ctx, const pga_model *model, const pga_split *sp, const uint32_t *used,
		pga_report *report)
{
	size_t		nf = model->prep->nfeatures;
	size_t		classes = model->nclasses;
	double	   *raw = ctx->alloc(ctx, pga_mul(ctx, IMPORTANCE_ROWS + 1, nf * sizeof(double)));
	double	   *p = ctx->alloc(ctx, pga_mul(ctx, classes, sizeof(double)));
	void	   *scratch = ctx->alloc(ctx, pga_model_scratch_bytes(model));
	float	   *probability;
	uint32_t   *target;
	size_t		n = 0;

	for (size_t i = 0; i < sp->rows.n; i++)
		n += sp->held[i] > 0;
	target = ctx->alloc(ctx, pga_mul(ctx, n, sizeof(uint32_t)));
	probability = ctx->alloc(ctx, pga_mul(ctx, n, classes * sizeof(float)));
	n = 0;
	for (size_t i = 0; i < sp->rows.n; i++)
	{
		double	   *row = raw + (n < IMPORTANCE_ROWS ? n : IMPORTANCE_ROWS) * nf;

		if (sp->held[i] == 0)
			continue;
		pga_prep_raw(model->prep, used, cells_of(sp, i), row);
		pga_model_classify(model, row, 1, p, scratch);
		for (size_t c = 0; c < classes; c++)
			probability[n * classes + c] = (float) p[c];
		target[n++] = sp->class[i];
		if (n % 32 == 0)
			ctx->poll(ctx);
	}
	report->held_out = pga_measure_classes(ctx, target, classes, probability, classes, n);
	pga_measure_anomalous(ctx, report->held_out, target, probability, model->normal,
						  pga_model_threshold(model));
	report->importance = pga_importance(ctx, model, raw, target,
										n < IMPORTANCE_ROWS ? n : IMPORTANCE_ROWS);
}

/* ---- training ---------------------------------------------------------------------- */

static void
take_classes(pga_model *model, const pga_split *sp)
{
	if (sp->nclasses == 0 || !(model->detector->flags & (PGA_SUPERVISED | PGA_COMPOSITE)))
		return;
	model->classes = sp->classes;
	model->nclasses = sp->nclasses;
	model->normal = sp->normal;
}

/* A host may have found the order of series by itself: the model is to say it. */
static void
remember_order(pga_ctx *ctx, pga_model *model, const pga_sampler *s)
{
	for (size_t j = 0; j < s->nfeatures; j++)
		if (s->features[j].role == PGA_ORDER && (model->detector->flags & PGA_SEQUENCE) &&
			pga_param_text(&model->params, "order") == NULL)
			pga_params_set_text(ctx, &model->params, "order", s->features[j].name);
}

/* What learning from rows is given beside them, and room to sort them. */
typedef struct lesson
{
	const pga_params *params;
	pga_report *report;
	uint32_t   *used;			/* the sampler's column behind each feature */
	pga_item   *items,
			   *scratch;
} lesson;

/* Preprocessing and detector from the training side. */
static void
learn(pga_ctx *ctx, pga_model *model, const pga_split *sp, const lesson *l)
{
	pga_matrix	m;

	model->prep = pga_prep_fit(ctx, &sp->rows, l->params, l->used, l->items, l->scratch);
	m = shape_of(sp, model, model->prep->cols);
	check_memory(ctx, sp, &m, l->params);
	if (model->detector->flags & PGA_COMPOSITE)
		m.source = &sp->rows;
	else
		prepare(ctx, sp, model->prep, l->used, l->params, &m);
	model->fitted = model->detector->fit(ctx, &m, l->params, l->report);
}

static void
keep_silent(pga_ctx *ctx, const char *fmt,...)
{
}

/* Once more, from both sides.  What there is to warn of has been said. */
static void
learn_from_all(pga_ctx *ctx, pga_model *model, const pga_split *sp, const lesson *l)
{
	__typeof__(ctx->warn) warn = ctx->warn;
	pga_split	all = *sp;
	uint64_t   *weight = ctx->alloc(ctx, pga_mul(ctx, sp->rows.n, sizeof(uint64_t)));

	for (size_t i = 0; i < sp->rows.n; i++)
		weight[i] = sp->rows.weight[i] + sp->held[i];
	all.rows.weight = weight;
	ctx->warn = keep_silent;
	learn(ctx, model, &all, l);
	ctx->warn = warn;
}

pga_model *
pga_train_rows(pga_ctx *ctx, const pga_rows *rows, const pga_params *params, pga_report *report)
{
	const pga_sampler *s = rows->sampler;
	pga_model  *model = ctx->alloc(ctx, sizeof(pga_model));
	lesson		l = {.params = params, .report = report};
	pga_split	sp;
	pga_matrix	m;

	*report = (pga_report) {.rows_used = s->rows, .rows_skipped = s->skipped, .rows_distinct = rows->n};
	model->detector = params->detector;
	model->params = *params;
	remember_order(ctx, model, s);
	pga_split_rows(ctx, rows, params, &sp);
	check_split(ctx, &sp);
	take_classes(model, &sp);
	if (sp.class != NULL)
		pga_warn_of_leaks(ctx, &sp);
	m = shape_of(&sp, model, s->nfeatures);
	check_memory(ctx, &sp, &m, params);

	l.used = ctx->alloc(ctx, pga_mul(ctx, s->nfeatures, sizeof(uint32_t)));
	l.items = ctx->alloc(ctx, pga_mul(ctx, sp.rows.n, sizeof(pga_item)));
	l.scratch = ctx->alloc(ctx, pga_mul(ctx, sp.rows.n, sizeof(pga_item)));
	learn(ctx, model, &sp, &l);
	calibrate(ctx, model, &sp, l.used, l.items, l.scratch);
	if (is_refitted(&sp, params))
		learn_from_all(ctx, model, &sp, &l);
	pga_model_name_features(ctx, model);

	report->rows_held_out = sp.held_normal;
	report->threshold = model->calibration->threshold;
	if (sp.class != NULL && (params->detector->flags & PGA_SUPERVISED))
		measure(ctx, model, &sp, l.used, report);
	return model;
}

pga_model *
pga_train(pga_ctx *ctx, const pga_sampler *s, const pga_params *params, pga_report *report)
{
	pga_rows	rows = {.sampler = s};
	uint64_t   *weight;

	check_rows(ctx, s);
	rows.order = pga_sampler_order(s, &rows.n);
	if (s->kept > rows.n || s->limit != UINT64_MAX)
		ctx->warn(ctx, "more than %zu distinct rows, trained on a random sample of %zu",
				  s->max_rows, rows.n);
	weight = ctx->alloc(ctx, pga_mul(ctx, rows.n, sizeof(uint64_t)));
	for (size_t i = 0; i < rows.n; i++)
		weight[i] = s->count[rows.order[i]];
	rows.weight = weight;
	return pga_train_rows(ctx, &rows, params, report);
}
