/*
 * autoencoder.c - rows that a network cannot rebuild are anomalous.
 *
 * Hinton & Salakhutdinov, "Reducing the Dimensionality of Data with Neural
 * Networks", Science 313, 2006; Sakurada & Yairi, "Anomaly Detection Using
 * Autoencoders with Nonlinear Dimensionality Reduction", MLSDA 2014: a network
 * learns to give back its input through a layer too narrow to hold it.  It can
 * for rows that hang together as those it learnt from do, and the mean square
 * of what is off is the score.  A column's share of the sum explains it.
 *
 * Vincent et al., "Extracting and Composing Robust Features with Denoising
 * Autoencoders", ICML 2008: while learning, some numbers of a row are swapped
 * for those of other rows, and what is asked for is the true row.  So the
 * network learns how columns hang together even where it could copy them.
 *
 * Payload: the network (nn_folded.c).
 */
#include "nn.h"

static const char *const default_layers[] = {"64, 16", NULL};

static const pga_param_spec autoencoder_params[] = {
	{"layers", PGA_PARAM_SIZES, 1, 1, NN_MAX_WIDTH, default_layers,
	"Widths of the layers down to the narrowest; the way back mirrors them."},
	{"noise", PGA_PARAM_REAL, 0, 0, 0.9, NULL,
	"Share of a row's numbers that training takes from other rows, to be put right."},
	NN_PARAMS("Most passes over the rows; 0 stands for about 8,000 mini-batches.",
			  256, 1e-3, 0, 0, 30),
	{NULL, PGA_PARAM_INT, 0, 0, 0, NULL, NULL}
};

/* in - a - b - c - b - a - in. */
static nn_plan
plan(size_t cols, const pga_params *params)
{
	nn_plan		p = {.dropout = pga_param(params, "dropout")};
	uint32_t	size[PGA_MAX_SIZES];
	size_t		n = pga_param_sizes(params, "layers", size);

	p.width[p.nlayers] = (uint32_t) cols;
	for (size_t i = 0; i < n; i++)
		p.width[++p.nlayers] = size[i];
	for (size_t i = n - 1; i-- > 0;)
		p.width[++p.nlayers] = size[i];
	p.width[++p.nlayers] = (uint32_t) cols;
	return p;
}

static size_t
autoencoder_fit_bytes(pga_ctx *ctx, const pga_matrix *shape, const pga_params *params)
{
	nn_plan		p = plan(shape->cols, params);

	return pga_add(ctx, nn_train_bytes(ctx, shape, &p, params), nn_folded_bytes(ctx, &p));
}

static void *
autoencoder_load(pga_reader *r, unsigned version, const pga_matrix *shape)
{
	nn_folded  *f = r->ctx->alloc(r->ctx, sizeof(nn_folded));

	if (version != 1)
		pga_corrupt(r, "autoencoder of an unknown version");
	nn_folded_load(r, f, shape->cols, shape->cols);
	return f;
}

static void *
autoencoder_fit(pga_ctx *ctx, const pga_matrix *m, const pga_params *params, pga_report *report)
{
	nn_task		task = {.m = m, .plan = plan(m->cols, params), .noise = pga_param(params, "noise")};
	pga_buf		out = {.ctx = ctx};
	pga_reader	r = {.ctx = ctx};

	nn_fold(nn_train(ctx, &task, params, report), &out);
	r.p = out.data;
	r.end = out.data + out.len;
	return autoencoder_load(&r, 1, m);
}

static size_t
autoencoder_scratch_bytes(const void *fitted, size_t rows)
{
	return nn_folded_scratch(fitted);
}

/* What is off in one column, squared. */
static inline double
off(const float *x, const float *y, size_t j)
{
	double		e = (double) nn_clamp(x[j]) - (double) y[j];

	return e * e;
}

static void
autoencoder_score(const void *fitted, const float *x, size_t rows, double *out, void *scratch)
{
	const nn_folded *f = fitted;
	size_t		cols = f->width[0];

	for (size_t i = 0; i < rows; i += NN_ROWS)
	{
		size_t		n = rows - i < NN_ROWS ? rows - i : NN_ROWS;
		const float *y = nn_folded_apply(f, x + i * cols, n, scratch);

		for (size_t k = 0; k < n; k++)
		{
			double		sum = 0;

			for (size_t j = 0; j < cols; j++)
				sum += off(x + (i + k) * cols, y + k * nn_pad(cols), j);
			out[i + k] = sum / (double) cols;
		}
	}
}

static void
autoencoder_explain(const void *fitted, const float *x, size_t rows, double *share,
					double *expected, void *scratch)
{
	const nn_folded *f = fitted;
	const float *y;

	x += (rows - 1) * f->width[0];
	y = nn_folded_apply(f, x, 1, scratch);
	for (size_t j = 0; j < f->width[0]; j++)
	{
		share[j] = off(x, y, j);
		expected[j] = (double) y[j];
	}
}

static void
autoencoder_save(const void *fitted, pga_buf *buf)
{
	nn_folded_save(fitted, buf);
}

const pga_detector pga_autoencoder = {
	.name = "autoencoder",
	.tag = 7,
	.version = 1,
	.summary = "Rows that a network cannot rebuild from a few numbers are anomalous.",
	.reference = "Hinton & Salakhutdinov 2006; Vincent et al. 2008; Sakurada & Yairi 2014",
	.params = autoencoder_params,
	.wants = {PGA_SCALE_STANDARD, PGA_ENCODE_ONE_HOT, PGA_LOG1P_OF_WIDE, 10},
	.fit_bytes = autoencoder_fit_bytes,
	.fit = autoencoder_fit,
	.scratch_bytes = autoencoder_scratch_bytes,
	.score = autoencoder_score,
	.explain_series = autoencoder_explain,
	.save = autoencoder_save,
	.load = autoencoder_load,
};
