/*
 * lstm.c - rows that a recurrent network did not see coming are anomalous.
 *
 * Malhotra et al., "Long Short Term Memory Networks for Anomaly Detection in
 * Time Series", ESANN 2015: the network forecasts each row of a series from
 * the rows before it, and the score is how far off it was, in units of how far
 * off it usually is.  As in Ahmad et al., "Unsupervised Real-Time Anomaly
 * Detection for Streaming Data", Neurocomputing 262, 2017, a short mean of the
 * errors counts, not the last one alone: the score is the mean of the absolute
 * errors, each over its column's deviation in training, of all columns and the
 * last `smoothing` rows.
 *
 * A row is judged from at most `window` rows before it, and from those alone:
 * the network begins anew, at rest, with the first of them, as it did in
 * training, where each window of a series is a run of its own and every step
 * of it counts.  The fewer rows there are before a row, the worse its
 * forecast; so deviations are kept for 0, 1, 2 to 3, 4 to 7 ... rows apart.
 * With none the forecast is 0, the mean.
 *
 * Scoring runs LANES windows side by side, aligned at their ends.  What goes
 * into the first layer from outside is worked out once for each row.
 *
 * Payload: u8 layers, u32 window, u32 smoothing, u32 widths; of each layer the
 * weights from below and from the step before, for each of the four gates, and
 * the gates' biases; weights of the forecast from the last layer and from the
 * row, and its biases; deviations; all f32, by input.
 */
#include "nn.h"

#include <math.h>
#include <string.h>

#define MAX_WINDOW 512
#define LANES 48
#define SPANS 11				/* 0, 1, 2 to 3, ... 512 rows before */
#define LEAST_DEVIATION 1e-3f	/* a column that is forecast exactly is not held to it */
#define LEAST_BATCH 4
#define STEPS 3000				/* mini-batches when option epochs is 0 */
#define MOST_EPOCHS 300

static const char *const default_layers[] = {"128, 64", NULL};

static const pga_param_spec lstm_params[] = {
	{"order", PGA_PARAM_COLUMN, 0, 0, 0, NULL,
	"Column that says which row of a series comes first."},
	{"partition", PGA_PARAM_COLUMN, 0, 0, 0, NULL,
	"Column that says which series a row belongs to."},
	{"layers", PGA_PARAM_SIZES, 1, 1, NN_MAX_WIDTH, default_layers,
	"Widths of the LSTM layers, from the first to the last."},
	{"window", PGA_PARAM_INT, 32, 1, MAX_WINDOW, NULL,
	"Rows before a row that it is forecast from, at most."},
	{"smoothing", PGA_PARAM_INT, 16, 1, MAX_WINDOW, NULL,
	"Rows, the scored one and those before it, whose errors are averaged."},
	NN_PARAMS("Most passes over the rows; 0 stands for about 3,000 mini-batches.",
			  32, 1e-3, 0, 0, 20, 1, NN_PATIENCE "."),
	{NULL, PGA_PARAM_INT, 0, 0, 0, NULL, NULL}
};

typedef struct cell
{
	size_t		in,
				width;			/* as asked for */
	const float *input,			/* [in][4 padded width] */
			   *back,			/* [width][4 padded width] */
			   *bias;
} cell;

typedef struct lstm
{
	size_t		ncells;
	cell		cell[PGA_MAX_SIZES];
	size_t		cols,
				window,
				smoothing,
				widest;			/* padded width of a layer */
	const float *head,			/* [last width][padded cols] */
			   *direct,			/* [cols][padded cols] */
			   *bias;
	const float *deviation;		/* [SPANS][padded cols] */
} lstm;

/* The span of so many rows before a row: 0, 1, 2 to 3, 4 to 7, ... */
static inline size_t
span(size_t before)
{
	return before == 0 ? 0 : 64 - (size_t) __builtin_clzll(before);
}

/* ---- training ------------------------------------------------------------------------ */

/* A run of rows of one series: row `begin` forecasts the next, and so on. */
typedef struct window
{
	uint32_t	begin,
				steps;
} window;

typedef struct trainer
{
	const pga_matrix *m;
	nn_recurrent *net;
	window	   *list;			/* of a pass, shuffled */
	size_t		n;
	float	   *target,			/* [T][B][out] */
			   *weight;			/* [T][B] */
	double		mean_weight;
	double		validation;		/* share at the end of each series */
	pga_rng		rng;
} trainer;

/* Where a series stops being learnt from. */
static uint32_t
cut(const trainer *t, size_t series)
{
	uint32_t	begin = t->m->series[series];
	double		n = t->m->series[series + 1] - begin;

	return begin + (uint32_t) ceil(n * (1 - t->validation));
}

static void
add_windows(trainer *t, uint32_t begin, uint32_t end, uint32_t first)
{
	uint32_t	most = (uint32_t) t->net->steps;

	for (uint32_t steps = first; begin + 1 < end; begin += steps, steps = most)
	{
		if (steps > end - 1 - begin)
			steps = end - 1 - begin;
		t->list[t->n++] = (window) {begin, steps};
	}
}

typedef enum part
{
	LEARN, VALIDATE, ALL
} part;

/* The windows of a part of all series; those to learn from begin by chance. */
static void
list_windows(trainer *t, part p)
{
	t->n = 0;
	for (size_t s = 0; s < t->m->nseries; s++)
	{
		uint32_t	begin = t->m->series[s];
		uint32_t	end = t->m->series[s + 1];
		uint32_t	first = (uint32_t) t->net->steps;

		if (p == LEARN)
		{
			first = 1 + (uint32_t) pga_rng_below(&t->rng, first);
			end = cut(t, s);
		}
		else if (p == VALIDATE)
			begin = cut(t, s);
		add_windows(t, begin, end, first);
	}
	for (size_t i = t->n; p == LEARN && i > 1; i--)
	{
		size_t		k = (size_t) pga_rng_below(&t->rng, i);
		window		w = t->list[i - 1];

		t->list[i - 1] = t->list[k];
		t->list[k] = w;
	}
}

/* Windows list[from ...] into the network's input and the targets, by step. */
static void
gather(trainer *t, size_t from, size_t n)
{
	const pga_matrix *m = t->m;
	nn_recurrent *net = t->net;
	size_t		size = net->steps * n;

	memset(net->x, 0, size * net->out * sizeof(float));
	memset(t->target, 0, size * net->out * sizeof(float));
	memset(t->weight, 0, size * sizeof(float));
	for (size_t k = 0; k < n; k++)
	{
		const window *w = &t->list[from + k];

		for (size_t s = 0; s < w->steps; s++)
		{
			size_t		at = s * n + k;
			const float *row = m->x + (w->begin + s) * m->cols;

			memcpy(net->x + at * net->out, row, m->cols * sizeof(float));
			memcpy(t->target + at * net->out, row + m->cols, m->cols * sizeof(float));
			t->weight[at] = (float) ((double) m->weight[w->begin + s + 1] / t->mean_weight);
		}
	}
	nn_clamp_rows(net->x, size * net->out);
	nn_clamp_rows(t->target, size * net->out);
}

/* The windows in mini-batches, learnt from when rate > 0; the mean loss. */
static double
pass(pga_ctx *ctx, trainer *t, double rate, double l2)
{
	nn_recurrent *net = t->net;
	size_t		batches = (t->n + net->batch - 1) / net->batch;
	double		sum = 0;
	double		weights = 0;

	for (size_t b = 0; b < batches; b++)
	{
		size_t		from = t->n * b / batches;
		size_t		n = t->n * (b + 1) / batches - from;

		gather(t, from, n);
		nn_recurrent_forward(ctx, net, n, rate > 0);
		sum += nn_square_error(net->y, t->target, net->steps * n, net->cols, net->out,
							   t->weight, net->dy);
		for (size_t i = 0; i < net->steps * n; i++)
			weights += (double) t->weight[i];
		if (rate == 0)
			continue;
		nn_recurrent_backward(ctx, net, n);
		for (size_t i = 0; l2 > 0 && i < net->bias; i++)
			net->block.grad[i] += (float) (2 * l2) * net->block.value[i];
		nn_adam(ctx, &net->block, rate, 1);
	}
	return weights > 0 ? sum / weights : 0;
}

static size_t
count_batches(const trainer *t)
{
	return (t->n + t->net->batch - 1) / t->net->batch;
}

/* Passes until the schedule says stop; the best one's parameters stay. */
static void
learn(pga_ctx *ctx, trainer *t, const pga_params *params, pga_report *report)
{
	nn_block   *b = &t->net->block;
	nn_schedule schedule = {
		.patience = (size_t) pga_param(params, "patience"),
		.rate = pga_param(params, "learning_rate"),
		.best = INFINITY
	};
	size_t		left = (size_t) pga_param(params, "epochs");
	bool		going = true;

	list_windows(t, LEARN);
	if (left == 0 && t->n > 0)
		left = (size_t) fmax(5, fmin(MOST_EPOCHS, ceil(STEPS / (double) count_batches(t))));
	memcpy(b->best, b->value, b->n * sizeof(float));
	while (left-- > 0 && going && t->n > 0)
	{
		double		loss = pass(ctx, t, schedule.rate, pga_param(params, "l2"));
		double		check;
		bool		keep;

		list_windows(t, VALIDATE);
		check = t->n > 0 ? pass(ctx, t, 0, 0) : loss;
		going = nn_schedule_epoch(ctx, &schedule, report, loss, check, &keep);
		if (keep)
			memcpy(b->best, b->value, b->n * sizeof(float));
		list_windows(t, LEARN);
	}
	memcpy(b->value, b->best, b->n * sizeof(float));
}

/*
 * Deviations of the errors by span: from all rows, each window of every
 * series.  A span too few rows fall in takes those of the span before it.
 */
static void
measure_deviations(pga_ctx *ctx, trainer *t, double *sum, double *count, float *deviation)
{
	nn_recurrent *net = t->net;
	const size_t out = net->out;
	size_t		n;

	list_windows(t, ALL);
	for (size_t from = 0; from < t->n; from += n)
	{
		n = t->n - from < net->batch ? t->n - from : net->batch;
		gather(t, from, n);
		nn_recurrent_forward(ctx, net, n, false);
		for (size_t i = 0; i < net->steps * n; i++)
		{
			size_t		at = span(i / n + 1);

			count[at] += (double) t->weight[i];
			for (size_t j = 0; j < out; j++)
			{
				double		e = (double) net->y[i * out + j] - (double) t->target[i * out + j];

				sum[at * out + j] += (double) t->weight[i] * e * e;
			}
		}
	}
	for (size_t i = 0; i < t->m->rows; i++)
		for (size_t j = 0; j < net->cols; j++)
		{
			double		x = (double) nn_clamp(t->m->x[i * net->cols + j]);

			sum[j] += x * x / (double) t->m->rows;
		}
	for (size_t at = 0; at < SPANS; at++)
		for (size_t j = 0; j < net->cols; j++)
		{
			float		d = at == 0 ? (float) sqrt(sum[j])
				: count[at] >= 10 ? (float) sqrt(sum[at * out + j] / count[at])
				: deviation[(at - 1) * out + j];

			deviation[at * out + j] = d > LEAST_DEVIATION ? nn_clamp(d) : LEAST_DEVIATION;
		}
}

/* ---- payload ----------------------------------------------------------------------------- */

static void
put(pga_buf *buf, const lstm *f)
{
	pga_put_u8(buf, (uint8_t) f->ncells);
	pga_put_u32(buf, (uint32_t) f->window);
	pga_put_u32(buf, (uint32_t) f->smoothing);
	for (size_t l = 0; l < f->ncells; l++)
		pga_put_u32(buf, (uint32_t) f->cell[l].width);
	for (size_t l = 0; l < f->ncells; l++)
	{
		const cell *c = &f->cell[l];

		nn_save_rows(buf, c->input, c->in * 4, c->width);
		nn_save_rows(buf, c->back, c->width * 4, c->width);
		nn_save_rows(buf, c->bias, 4, c->width);
	}
	nn_save_rows(buf, f->head, f->cell[f->ncells - 1].width, f->cols);
	nn_save_rows(buf, f->direct, f->cols, f->cols);
	nn_save_rows(buf, f->bias, 1, f->cols);
	nn_save_rows(buf, f->deviation, SPANS, f->cols);
}

static void
lstm_save(const void *fitted, pga_buf *buf)
{
	put(buf, fitted);
}

/* So many rows of f32 of a width must still be there. */
static const float *
load_rows(pga_reader *r, size_t rows, size_t width)
{
	if (pga_mul(r->ctx, rows, width * sizeof(float)) > (size_t) (r->end - r->p))
		pga_corrupt(r, "a network's weights are cut off");
	r->ctx->poll(r->ctx);
	return nn_load_rows(r, rows, width);
}

static void *
lstm_load(pga_reader *r, unsigned version, const pga_matrix *shape)
{
	lstm	   *f = r->ctx->alloc(r->ctx, sizeof(lstm));

	if (version != 1)
		pga_corrupt(r, "lstm of an unknown version");
	f->cols = shape->cols;
	f->ncells = pga_get_u8(r);
	f->window = pga_get_u32(r);
	f->smoothing = pga_get_u32(r);
	if (f->ncells < 1 || f->ncells > PGA_MAX_SIZES || f->window < 1 || f->window > MAX_WINDOW ||
		f->smoothing < 1 || f->smoothing > MAX_WINDOW)
		pga_corrupt(r, "a recurrent network's shape is out of range");
	for (size_t l = 0; l < f->ncells; l++)
	{
		cell	   *c = &f->cell[l];

		c->width = pga_get_u32(r);
		c->in = l > 0 ? c[-1].width : f->cols;
		if (c->width < 1 || c->width > NN_MAX_WIDTH)
			pga_corrupt(r, "a layer's width is out of range");
		f->widest = nn_pad(c->width) > f->widest ? nn_pad(c->width) : f->widest;
	}
	for (size_t l = 0; l < f->ncells; l++)
	{
		cell	   *c = &f->cell[l];

		c->input = load_rows(r, c->in * 4, c->width);
		c->back = load_rows(r, c->width * 4, c->width);
		c->bias = load_rows(r, 4, c->width);
	}
	f->head = load_rows(r, f->cell[f->ncells - 1].width, f->cols);
	f->direct = load_rows(r, f->cols, f->cols);
	f->bias = load_rows(r, 1, f->cols);
	f->deviation = load_rows(r, SPANS, f->cols);
	for (size_t s = 0; s < SPANS; s++)
		for (size_t j = 0; j < f->cols; j++)
			if (f->deviation[s * nn_pad(f->cols) + j] < LEAST_DEVIATION)
				pga_corrupt(r, "a deviation is out of range");
	return f;
}

/* ---- fitting -------------------------------------------------------------------------------- */

/* The trained parameters in the places scoring knows. */
static lstm
view(const nn_recurrent *net, const float *deviation, const pga_params *params)
{
	const float *value = net->block.value;
	lstm		f = {
		.ncells = net->ncells, .cols = net->cols, .window = net->steps,
		.smoothing = (size_t) pga_param(params, "smoothing"),
		.head = value + net->head, .direct = value + net->direct, .bias = value + net->bias,
		.deviation = deviation
	};

	for (size_t l = 0; l < net->ncells; l++)
	{
		const nn_cell *c = &net->cell[l];

		f.cell[l] = (cell) {
			c->used_in, c->used_width, value + c->input, value + c->back, value + c->bias
		};
	}
	return f;
}

/* Windows in a mini-batch: as asked for, or fewer, so that a pass has a few. */
static size_t
batch_size(const pga_matrix *shape, const pga_params *params)
{
	size_t		asked = (size_t) pga_param(params, "batch_size");
	size_t		eighth = shape->rows / (size_t) pga_param(params, "window") / 8;
	size_t		fitting = eighth > LEAST_BATCH ? eighth : LEAST_BATCH;

	return asked < fitting ? asked : fitting;
}

static size_t
lstm_fit_bytes(pga_ctx *ctx, const pga_matrix *shape, const pga_params *params)
{
	uint32_t	width[PGA_MAX_SIZES];
	size_t		n = pga_param_sizes(params, "layers", width);
	size_t		steps = (size_t) pga_param(params, "window");
	size_t		batch = batch_size(shape, params);
	size_t		out = nn_pad(shape->cols);
	size_t		net = nn_recurrent_bytes(ctx, shape->cols, width, n, steps, batch);
	size_t		params_bytes = pga_mul(ctx, SPANS + out + 1, out * sizeof(float));

	/* A buffer that may have doubled, the old one beside it, and the loaded weights. */
	for (size_t l = 0; l < n; l++)
		params_bytes = pga_add(ctx, params_bytes,
							   pga_mul(ctx, 4 * nn_pad(width[l]) * sizeof(float),
									   (l > 0 ? nn_pad(width[l - 1]) : out) + nn_pad(width[l]) + out + 1));
	net = pga_add(ctx, net, pga_mul(ctx, params_bytes, 4));
	net = pga_add(ctx, net, pga_mul(ctx, pga_mul(ctx, steps, batch), (out + 1) * sizeof(float)));
	net = pga_add(ctx, net, pga_mul(ctx, out * SPANS, 2 * sizeof(double)));
	return pga_add(ctx, net, pga_mul(ctx, shape->rows + 2, sizeof(window)));
}

static void *
lstm_fit(pga_ctx *ctx, const pga_matrix *m, const pga_params *params, pga_report *report)
{
	uint32_t	width[PGA_MAX_SIZES];
	size_t		n = pga_param_sizes(params, "layers", width);
	size_t		steps = (size_t) pga_param(params, "window");
	size_t		batch = batch_size(m, params);
	uint64_t	seed = (uint64_t) pga_param(params, "seed");
	size_t		out = nn_pad(m->cols);
	trainer		t = {.m = m, .validation = pga_param(params, "validation")};
	pga_buf		buf = {.ctx = ctx};
	pga_reader	r = {.ctx = ctx};
	float	   *deviation = ctx->alloc(ctx, SPANS * out * sizeof(float));
	double	   *sums = ctx->alloc(ctx, (SPANS * out + SPANS) * sizeof(double));
	lstm		f;

	pga_rng_seed(&t.rng, seed, 2);
	t.net = nn_recurrent_create(ctx, m->cols, width, n, steps, batch,
								pga_param(params, "dropout"), seed);
	t.list = ctx->alloc(ctx, pga_mul(ctx, m->rows + 1, sizeof(window)));
	t.target = ctx->alloc(ctx, pga_mul(ctx, steps * batch, out * sizeof(float)));
	t.weight = ctx->alloc(ctx, steps * batch * sizeof(float));
	for (size_t i = 0; i < m->rows; i++)
		t.mean_weight += (double) m->weight[i] / (double) m->rows;
	learn(ctx, &t, params, report);
	measure_deviations(ctx, &t, sums, sums + SPANS * out, deviation);
	f = view(t.net, deviation, params);
	put(&buf, &f);
	r.p = buf.data;
	r.end = buf.data + buf.len;
	return lstm_load(&r, 1, m);
}

/* ---- scoring ----------------------------------------------------------------------------------- */

static size_t
lstm_history(const void *fitted)
{
	return ((const lstm *) fitted)->window;
}

/* Rows as they come, clamped; what the first layer gets from each; and of the
 * lanes gates, cells and outputs of each layer, and forecasts. */
static size_t
lstm_scratch_bytes(const void *fitted, size_t rows)
{
	const lstm *f = fitted;
	size_t		first = 4 * nn_pad(f->cell[0].width);

	return ((rows + f->window) * (f->cols + first) +
			LANES * (4 * f->widest + 2 * f->ncells * f->widest + nn_pad(f->cols))) * sizeof(float);
}

/* A column's absolute error over its deviation. */
static inline double
column_error(const lstm *f, const float *x, const float *forecast, size_t before, size_t j)
{
	return fabs((double) x[j] - (double) forecast[j]) /
		(double) f->deviation[span(before) * nn_pad(f->cols) + j];
}

/* Their mean over the columns of a row. */
static double
row_error(const lstm *f, const float *x, const float *forecast, size_t before)
{
	double		sum = 0;

	for (size_t j = 0; j < f->cols; j++)
		sum += column_error(f, x, forecast, before, j);
	return sum / (double) f->cols;
}

typedef struct lanes
{
	const float *x;				/* [rows][cols] clamped */
	float	   *first;			/* [rows][4 padded width] */
	float	   *g,				/* [LANES][4 widest] */
			   *c,				/* [ncells][LANES][widest] */
			   *h,				/* the same, behind c */
			   *y;				/* [LANES][padded cols] */
} lanes;

/* What the first layer gets from rows. */
static lanes
begin(const lstm *f, const float *x, size_t rows, void *scratch)
{
	size_t		first = 4 * nn_pad(f->cell[0].width);
	float	   *clamped = scratch;
	lanes		s = {.x = clamped, .first = clamped + rows * f->cols};

	s.g = s.first + rows * first;
	s.c = s.g + LANES * 4 * f->widest;
	s.h = s.c + f->ncells * LANES * f->widest;
	s.y = s.h + f->ncells * LANES * f->widest;
	memcpy(clamped, x, rows * f->cols * sizeof(float));
	nn_clamp_rows(clamped, rows * f->cols);
	nn_product(clamped, rows, f->cols, f->cols, f->cell[0].input, f->cell[0].bias, first, s.first);
	return s;
}

/* One step of lanes from `lane` on, n of them, through all layers; the rows'
 * part of the first layer is in first[n][4H]. */
static void
step(const lstm *f, const lanes *s, size_t lane, size_t n, const float *first)
{
	const float *below = NULL;

	for (size_t l = 0; l < f->ncells; l++)
	{
		const cell *c = &f->cell[l];
		size_t		width = nn_pad(c->width);
		float	   *h = s->h + l * LANES * f->widest + lane * width;
		float	   *cells = s->c + l * LANES * f->widest + lane * width;

		if (l == 0)
			memcpy(s->g, first, n * 4 * width * sizeof(float));
		else
			nn_product(below, n, c->in, nn_pad(c->in), c->input, c->bias, 4 * width, s->g);
		nn_product(h, n, c->width, width, c->back, NULL, 4 * width, s->g);
		nn_lstm_gates(s->g, cells, cells, h, n, width);
		below = h;
	}
}

/* Forecasts of the n lanes from `lane` on, whose last rows are x, into s->y. */
static void
forecast(const lstm *f, const lanes *s, size_t lane, size_t n, const float *x)
{
	size_t		in = f->cell[f->ncells - 1].width;
	size_t		width = nn_pad(in);
	size_t		cols = nn_pad(f->cols);
	const float *h = s->h + (f->ncells - 1) * LANES * f->widest + lane * width;

	nn_product(x, n, f->cols, f->cols, f->direct, f->bias, cols, s->y);
	nn_product(h, n, in, width, f->head, NULL, cols, s->y);
	nn_clamp_rows(s->y, n * cols);
}

/*
 * Scores rows from .. from + n - 1.  In step k of `window` each lane takes the
 * row window - k before its own; lanes whose series has not begun yet wait,
 * and those are the first ones.
 */
static void
score_lanes(const lstm *f, const lanes *s, size_t from, size_t n, double *out)
{
	size_t		cols = nn_pad(f->cols);
	double		sum[LANES] = {0};
	size_t		count[LANES] = {0};

	memset(s->c, 0, 2 * f->ncells * LANES * f->widest * sizeof(float));
	for (size_t k = 0; k < f->window; k++)
	{
		size_t		back = f->window - k;
		size_t		lane = back > from ? back - from : 0;
		size_t		row = from + lane - back;	/* of that lane, in this step */

		if (lane >= n)
			continue;
		step(f, s, lane, n - lane, s->first + row * 4 * nn_pad(f->cell[0].width));
		if (back > f->smoothing)
			continue;
		forecast(f, s, lane, n - lane, s->x + row * f->cols);
		for (size_t i = lane; i < n; i++)
		{
			size_t		at = row + i - lane;
			size_t		before = from + i < f->window ? at + 1 : k + 1;

			sum[i] += row_error(f, s->x + (at + 1) * f->cols, s->y + (i - lane) * cols, before);
			count[i]++;
		}
	}
	memset(s->y, 0, cols * sizeof(float));
	for (size_t i = 0; i < n; i++)
		out[i] = count[i] > 0 ? sum[i] / (double) count[i]
			: row_error(f, s->x + (from + i) * f->cols, s->y, 0);
}

static void
lstm_score_series(const void *fitted, const float *x, size_t rows, size_t context,
				  double *out, void *scratch)
{
	const lstm *f = fitted;
	lanes		s = begin(f, x, rows, scratch);

	for (size_t i = context; i < rows; i += LANES)
		score_lanes(f, &s, i, rows - i < LANES ? rows - i : LANES, out + i - context);
}

static void
lstm_score(const void *fitted, const float *x, size_t rows, double *out, void *scratch)
{
	const lstm *f = fitted;

	for (size_t i = 0; i < rows; i++)
		lstm_score_series(fitted, x + i * f->cols, 1, 0, out + i, scratch);
}

/* Each column's part of the score, and its forecast. */
static void
lstm_explain(const void *fitted, const float *x, size_t rows, double *share,
			 double *expected, void *scratch)
{
	const lstm *f = fitted;
	lanes		s = begin(f, x, rows, scratch);
	size_t		from = rows > f->smoothing + 1 ? rows - f->smoothing : rows > 1;

	memset(s.c, 0, 2 * f->ncells * LANES * f->widest * sizeof(float));
	memset(s.y, 0, f->cols * sizeof(float));
	memset(share, 0, f->cols * sizeof(double));
	for (size_t i = 0; i < rows; i++)
	{
		if (i > 0)
		{
			step(f, &s, 0, 1, s.first + (i - 1) * 4 * nn_pad(f->cell[0].width));
			forecast(f, &s, 0, 1, s.x + (i - 1) * f->cols);
		}
		for (size_t j = 0; j < f->cols && i >= from; j++)
			share[j] += column_error(f, s.x + i * f->cols, s.y, i, j) / (double) ((rows - from) * f->cols);
	}
	for (size_t j = 0; j < f->cols; j++)
		expected[j] = (double) s.y[j];
}

const pga_detector pga_lstm = {
	.name = "lstm",
	.tag = 8,
	.version = 1,
	.flags = PGA_SEQUENCE,
	.summary = "Rows of a series that a recurrent network did not see coming are anomalous.",
	.reference = "Hochreiter & Schmidhuber 1997; Malhotra et al. 2015; Ahmad et al. 2017",
	.params = lstm_params,
	.wants = {PGA_SCALE_STANDARD, PGA_ENCODE_ONE_HOT, PGA_LOG1P_OF_NONE, 10},
	.fit_bytes = lstm_fit_bytes,
	.fit = lstm_fit,
	.scratch_bytes = lstm_scratch_bytes,
	.score = lstm_score,
	.history = lstm_history,
	.score_series = lstm_score_series,
	.explain_series = lstm_explain,
	.save = lstm_save,
	.load = lstm_load,
};
