/*
 * dnn.c - a deep network that learns classes.
 *
 * Dense layers, each with batch norm (Ioffe & Szegedy 2015), ReLU and dropout
 * (Srivastava et al. 2014), a softmax over the classes behind them, trained by
 * Adam (Kingma & Ba 2015) on the cross-entropy.  Rare classes may weigh more.
 * The learning rate is halved and training stopped by the loss on validation
 * rows, and the pass with the best one is kept.
 *
 * Payload: the network (nn_folded.c), one output per class.
 */
#include "nn.h"

#include <math.h>

#include "nn_math.h"

static const char *const default_layers[] = {"256, 128, 64, 32", NULL};

enum
{
	WEIGHT_NONE, WEIGHT_ROOT, WEIGHT_BALANCED
};
static const char *const weight_choices[] = {"none", "root", "balanced", NULL};

static const pga_param_spec dnn_params[] = {
	{"layers", PGA_PARAM_SIZES, 1, 1, NN_MAX_WIDTH, default_layers,
	"Widths of the hidden layers, from the first to the last."},
	{"class_weight", PGA_PARAM_CHOICE, WEIGHT_NONE, 0, 2, weight_choices,
	"What a row of a class weighs: the same; the inverse of its class's share, or the root of that."},
	{"batch_norm", PGA_PARAM_BOOL, 1, 0, 1, NULL,
	"Whether each hidden layer's sums are scaled to the mini-batch's mean and deviation."},
	NN_PARAMS("Most passes over the rows; 0 stands for about 8,000 mini-batches.",
			  256, 1e-3, 0.1, 1e-5, 30, 1, NN_PATIENCE "."),
	{NULL, PGA_PARAM_INT, 0, 0, 0, NULL, NULL}
};

static nn_plan
plan(const pga_matrix *shape, const pga_params *params)
{
	nn_plan		p = {
		.norm = pga_param(params, "batch_norm") != 0,
		.dropout = pga_param(params, "dropout")
	};

	p.width[0] = (uint32_t) shape->cols;
	p.nlayers = pga_param_sizes(params, "layers", p.width + 1) + 1;
	p.width[p.nlayers] = (uint32_t) shape->classes;
	return p;
}

static size_t
dnn_fit_bytes(pga_ctx *ctx, const pga_matrix *shape, const pga_params *params)
{
	nn_task		task = {.m = shape, .plan = plan(shape, params)};

	return pga_add(ctx, pga_add(ctx, nn_train_bytes(ctx, &task, params), nn_folded_bytes(ctx, &task.plan)),
				   shape->classes * (sizeof(double) + sizeof(float)));
}

/* By class, 1 for a class as frequent as the average one. */
static float *
class_weights(pga_ctx *ctx, const pga_matrix *m, int choice)
{
	double	   *rows = ctx->alloc(ctx, m->classes * sizeof(double));
	float	   *weight = ctx->alloc(ctx, m->classes * sizeof(float));
	double		all = 0;

	for (size_t i = 0; i < m->rows; i++)
	{
		rows[m->target[i]] += (double) m->weight[i];
		all += (double) m->weight[i];
	}
	for (size_t c = 0; c < m->classes; c++)
	{
		double		w = rows[c] > 0 ? all / ((double) m->classes * rows[c]) : 0;

		weight[c] = (float) (choice == WEIGHT_ROOT ? sqrt(w) : w);
	}
	return weight;
}

static void *
dnn_load(pga_reader *r, unsigned version, const pga_matrix *shape)
{
	nn_folded  *f = r->ctx->alloc(r->ctx, sizeof(nn_folded));

	if (version != 1)
		pga_corrupt(r, "dnn of an unknown version");
	nn_folded_load(r, f, shape->cols, shape->classes);
	return f;
}

static void *
dnn_fit(pga_ctx *ctx, const pga_matrix *m, const pga_params *params, pga_report *report)
{
	int			choice = (int) pga_param(params, "class_weight");
	nn_task		task = {
		.m = m, .target = m->target, .plan = plan(m, params), .steps = 8000,
		.seed = (uint64_t) pga_param(params, "seed")
	};
	pga_buf		out = {.ctx = ctx};
	pga_reader	r = {.ctx = ctx};

	if (choice != WEIGHT_NONE)
		task.class_weight = class_weights(ctx, m, choice);
	nn_fold(nn_train(ctx, &task, params, report), &out);
	r.p = out.data;
	r.end = out.data + out.len;
	return dnn_load(&r, 1, m);
}

static size_t
dnn_scratch_bytes(const void *fitted, size_t rows)
{
	return nn_folded_scratch(fitted);
}

/* Softmax, in double, of differences from the greatest output. */
static void
softmax(const float *y, size_t classes, double *probability)
{
	float		most = y[0];
	double		sum = 0;

	for (size_t c = 1; c < classes; c++)
		most = y[c] > most ? y[c] : most;
	for (size_t c = 0; c < classes; c++)
	{
		probability[c] = (double) nn_exp(y[c] - most);
		sum += probability[c];
	}
	for (size_t c = 0; c < classes; c++)
		probability[c] /= sum;
}

static void
dnn_classify(const void *fitted, const float *x, size_t rows, double *probability, void *scratch)
{
	const nn_folded *f = fitted;
	size_t		classes = f->width[f->nlayers];

	for (size_t i = 0; i < rows; i += NN_ROWS)
	{
		size_t		n = rows - i < NN_ROWS ? rows - i : NN_ROWS;
		const float *y = nn_folded_apply(f, x + i * f->width[0], n, scratch);

		for (size_t k = 0; k < n; k++)
			softmax(y + k * nn_pad(classes), classes, probability + (i + k) * classes);
	}
}

static void
dnn_save(const void *fitted, pga_buf *buf)
{
	nn_folded_save(fitted, buf);
}

const pga_detector pga_dnn = {
	.name = "dnn",
	.tag = 6,
	.version = 1,
	.flags = PGA_SUPERVISED,
	.summary = "A deep network that learns the classes of labelled rows.",
	.reference = "Ioffe & Szegedy 2015; Srivastava et al. 2014; Kingma & Ba 2015",
	.params = dnn_params,
	.wants = {PGA_SCALE_STANDARD, PGA_ENCODE_ONE_HOT, PGA_LOG1P_OF_SKEWED, 10},
	.fit_bytes = dnn_fit_bytes,
	.fit = dnn_fit,
	.scratch_bytes = dnn_scratch_bytes,
	.classify = dnn_classify,
	.save = dnn_save,
	.load = dnn_load,
};
