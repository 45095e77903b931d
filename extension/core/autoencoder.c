/*
 * autoencoder.c - rows that networks cannot rebuild are anomalous.
 *
 * Hinton & Salakhutdinov, "Reducing the Dimensionality of Data with Neural
 * Networks", Science 313, 2006; Sakurada & Yairi, "Anomaly Detection Using
 * Autoencoders with Nonlinear Dimensionality Reduction", MLSDA 2014: a network
 * learns to give back its input through a layer too narrow to hold it.  It can
 * for rows that hang together as those it learnt from do; the mean square of
 * what is off is its error.
 *
 * Chen, Sathe, Aggarwal & Turaga, "Outlier Detection with Autoencoder
 * Ensembles", SDM 2017: what one network learns hangs much on chance.  Several
 * are trained, every fourth one of another shape.  The score is the geometric
 * mean of their errors, where all count alike, well as one may rebuild, in
 * units of what it is for the training rows.
 *
 * Each network learns for a number of steps and stays as it is then: stopping
 * where validation rows were rebuilt best told anomalies worse.
 *
 * Vincent et al., "Extracting and Composing Robust Features with Denoising
 * Autoencoders", ICML 2008: while learning, some numbers of a row are swapped
 * for those of other rows, and what is asked for is the true row.  So the
 * network learns how columns hang together even where it could copy them.
 *
 * Payload: u8 networks, f64 logarithm of the unit, the networks (nn_folded.c).
 */
#include "nn.h"

#include <math.h>

#include "fmath.h"

#define MOST_NETWORKS 16
#define OTHER 4					/* one network in so many is of the other shape */
#define STEPS 5000				/* mini-batches of each network when option epochs is 0 */
#define CLIP 10					/* deviations; what is beyond scores, but is not learnt */
#define LEAST_ERROR 1e-8		/* a column is off by a ten thousandth of its deviation */
#define MOST_UNIT 100			/* logarithms of errors are well within */

typedef struct autoencoder
{
	size_t		n;
	double		unit;			/* mean logarithm of the training rows' errors */
	nn_folded	net[MOST_NETWORKS];
} autoencoder;

static const char *const default_layers[] = {"32, 16, 8", NULL};
static const char *const default_other_layers[] = {"64, 16", NULL};

static const pga_param_spec autoencoder_params[] = {
	{"layers", PGA_PARAM_SIZES, 1, 1, NN_MAX_WIDTH, default_layers,
	"Widths of the layers down to the narrowest; the way back mirrors them."},
	{"other_layers", PGA_PARAM_SIZES, 1, 1, NN_MAX_WIDTH, default_other_layers,
	"The same of every fourth network."},
	{"networks", PGA_PARAM_INT, 4, 1, MOST_NETWORKS, NULL,
	"Networks, each of them trained by itself, whose errors are averaged."},
	{"noise", PGA_PARAM_REAL, 0, 0, 0.9, NULL,
	"Share of a row's numbers that training takes from other rows, to be put right."},
	NN_PARAMS("Passes over the rows; 0 stands for about 5,000 mini-batches.",
			  256, 1e-3, 0, 0, 0, 0,
			  NN_PATIENCE "; 0 learns from all rows, and to the end."),
	{NULL, PGA_PARAM_INT, 0, 0, 0, NULL, NULL}
};

/* in - a - b - c - b - a - in, of the k-th network. */
static nn_plan
plan(size_t cols, const pga_params *params, size_t k)
{
	nn_plan		p = {.small = true, .dropout = pga_param(params, "dropout")};
	uint32_t	size[PGA_MAX_SIZES];
	size_t		n = pga_param_sizes(params, k % OTHER == OTHER - 1 ? "other_layers" : "layers", size);

	p.width[p.nlayers] = (uint32_t) cols;
	for (size_t i = 0; i < n; i++)
		p.width[++p.nlayers] = size[i];
	for (size_t i = n - 1; i-- > 0;)
		p.width[++p.nlayers] = size[i];
	p.width[++p.nlayers] = (uint32_t) cols;
	return p;
}

static nn_task
task_of(const pga_matrix *m, const pga_params *params, size_t k)
{
	return (nn_task) {
		.m = m, .plan = plan(m->cols, params, k), .steps = STEPS, .rest = true,
		.limit = CLIP, .noise = pga_param(params, "noise")
	};
}

static size_t
autoencoder_fit_bytes(pga_ctx *ctx, const pga_matrix *shape, const pga_params *params)
{
	size_t		need = sizeof(autoencoder);

	for (size_t k = 0; k < (size_t) pga_param(params, "networks"); k++)
	{
		nn_task		task = task_of(shape, params, k);

		need = pga_add(ctx, need, pga_add(ctx, nn_train_bytes(ctx, &task, params),
										  nn_folded_bytes(ctx, &task.plan)));
	}
	/* To measure the unit. */
	return pga_add(ctx, need, NN_ROWS * (shape->cols + 2 * nn_pad(shape->cols > NN_MAX_WIDTH ? shape->cols : NN_MAX_WIDTH)) * sizeof(float));
}

static void *
autoencoder_load(pga_reader *r, unsigned version, const pga_matrix *shape)
{
	autoencoder *a = r->ctx->alloc(r->ctx, sizeof(autoencoder));

	if (version != 1)
		pga_corrupt(r, "autoencoder of an unknown version");
	a->n = pga_get_u8(r);
	a->unit = pga_get_f64(r);
	if (a->n < 1 || a->n > MOST_NETWORKS || fabs(a->unit) > MOST_UNIT)
		pga_corrupt(r, "an autoencoder's number of networks or its unit is out of range");
	for (size_t k = 0; k < a->n; k++)
		nn_folded_load(r, &a->net[k], shape->cols, shape->cols);
	return a;
}

static size_t
autoencoder_scratch_bytes(const void *fitted, size_t rows)
{
	const autoencoder *a = fitted;
	size_t		most = 0;

	for (size_t k = 0; k < a->n; k++)
	{
		size_t		bytes = nn_folded_scratch(&a->net[k]);

		most = bytes > most ? bytes : most;
	}
	return most;
}

/* What is off in one column, squared. */
static inline double
off(const float *x, const float *y, size_t j)
{
	double		e = (double) nn_clamp(x[j]) - (double) y[j];

	return e * e;
}

/* A row's error times the columns. */
static inline double
sum_off(const float *x, const float *y, size_t cols)
{
	double		sum = 0;

	for (size_t j = 0; j < cols; j++)
		sum += off(x, y, j);
	return fmax(sum, LEAST_ERROR * (double) cols);
}

/* Mean logarithm of the errors of each of at most NN_ROWS rows, less the unit. */
static void
log_errors(const autoencoder *a, const float *x, size_t rows, double *out, float *scratch)
{
	size_t		cols = a->net[0].width[0];

	for (size_t i = 0; i < rows; i++)
		out[i] = 0;
	for (size_t k = 0; k < a->n; k++)
	{
		const float *y = nn_folded_apply(&a->net[k], x, rows, scratch);

		for (size_t i = 0; i < rows; i++)
			out[i] += pga_log(sum_off(x + i * cols, y + i * nn_pad(cols), cols) / (double) cols);
	}
	for (size_t i = 0; i < rows; i++)
		out[i] = out[i] / (double) a->n - a->unit;
}

/* Mean over all rows. */
static double
measure_unit(pga_ctx *ctx, const autoencoder *a, const pga_matrix *m)
{
	float	   *scratch = ctx->alloc(ctx, autoencoder_scratch_bytes(a, NN_ROWS));
	double		log_error[NN_ROWS];
	double		sum = 0;
	double		weight = 0;

	for (size_t i = 0; i < m->rows; i += NN_ROWS)
	{
		size_t		n = m->rows - i < NN_ROWS ? m->rows - i : NN_ROWS;

		log_errors(a, m->x + i * m->cols, n, log_error, scratch);
		for (size_t k = 0; k < n; k++)
		{
			sum += (double) m->weight[i + k] * log_error[k];
			weight += (double) m->weight[i + k];
		}
		ctx->poll(ctx);
	}
	return sum / weight;
}

static void *
autoencoder_fit(pga_ctx *ctx, const pga_matrix *m, const pga_params *params, pga_report *report)
{
	size_t		n = (size_t) pga_param(params, "networks");
	pga_buf		out = {.ctx = ctx};
	pga_reader	r = {.ctx = ctx};
	autoencoder *a;
	pga_rng		rng;

	pga_rng_seed(&rng, (uint64_t) pga_param(params, "seed"), 3);
	pga_put_u8(&out, (uint8_t) n);
	pga_put_f64(&out, 0);
	for (size_t k = 0; k < n; k++)
	{
		nn_task		task = task_of(m, params, k);

		task.seed = pga_rng_next(&rng);
		nn_fold(nn_train(ctx, &task, params, report), &out);
	}
	r.p = out.data;
	r.end = out.data + out.len;
	a = autoencoder_load(&r, 1, m);
	a->unit = measure_unit(ctx, a, m);
	return a;
}

static void
autoencoder_score(const void *fitted, const float *x, size_t rows, double *out, void *scratch)
{
	const autoencoder *a = fitted;
	size_t		cols = a->net[0].width[0];

	for (size_t i = 0; i < rows; i += NN_ROWS)
		log_errors(a, x + i * cols, rows - i < NN_ROWS ? rows - i : NN_ROWS, out + i, scratch);
	for (size_t i = 0; i < rows; i++)
		out[i] = pga_exp2(out[i] / PGA_LN2);
}

/* A column's part in the mean logarithm; what the networks expect on average. */
static void
autoencoder_explain(const void *fitted, const float *x, size_t rows, double *share,
					double *expected, void *scratch)
{
	const autoencoder *a = fitted;
	size_t		cols = a->net[0].width[0];

	x += (rows - 1) * cols;
	for (size_t j = 0; j < cols; j++)
		share[j] = expected[j] = 0;
	for (size_t k = 0; k < a->n; k++)
	{
		const float *y = nn_folded_apply(&a->net[k], x, 1, scratch);
		double		sum = sum_off(x, y, cols);

		for (size_t j = 0; j < cols; j++)
		{
			share[j] += off(x, y, j) / sum;
			expected[j] += (double) y[j] / (double) a->n;
		}
	}
}

static void
autoencoder_save(const void *fitted, pga_buf *buf)
{
	const autoencoder *a = fitted;

	pga_put_u8(buf, (uint8_t) a->n);
	pga_put_f64(buf, a->unit);
	for (size_t k = 0; k < a->n; k++)
		nn_folded_save(&a->net[k], buf);
}

const pga_detector pga_autoencoder = {
	.name = "autoencoder",
	.tag = 7,
	.version = 1,
	.flags = PGA_REFIT,
	.summary = "Rows that networks cannot rebuild from a few numbers are anomalous.",
	.reference = "Hinton & Salakhutdinov 2006; Chen et al. 2017; Vincent et al. 2008",
	.params = autoencoder_params,
	.wants = {PGA_SCALE_STANDARD, PGA_ENCODE_ONE_HOT, PGA_LOG1P_OF_WIDE, CLIP},
	.fit_bytes = autoencoder_fit_bytes,
	.fit = autoencoder_fit,
	.scratch_bytes = autoencoder_scratch_bytes,
	.score = autoencoder_score,
	.explain_series = autoencoder_explain,
	.save = autoencoder_save,
	.load = autoencoder_load,
};
