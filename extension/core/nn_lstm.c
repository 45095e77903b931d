/*
 * nn_lstm.c - recurrent networks for training: LSTM layers forward and
 * backward through a whole window of steps.
 *
 * Hochreiter & Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8),
 * 1997, with the forget gate of Gers, Schmidhuber & Cummins (2000).  With x the
 * input of a step, h the output and c the cell of the step before:
 *
 *	i, f, n, o = x input + h back + bias
 *	c' = sigmoid(f) c + sigmoid(i) tanh(n)		h' = sigmoid(o) tanh(c')
 *
 * Arrays are by step, then by window, so what goes into all steps is one
 * product and only h back has to wait for the step before.
 *
 * The forecast is h head + x direct + bias: a linear autoregression beside the
 * recurrent part (as in LSTNet; Lai et al. 2018), so that the network starts
 * from what the last row alone says.
 */
#include "nn.h"

#include <math.h>
#include <string.h>

/* ---- layout ----------------------------------------------------------------------- */

/* The parameters; floats of a step of a window in *per_row, and the widest layer. */
static size_t
lay_out(nn_recurrent *net, size_t cols, const uint32_t *width, size_t n,
		size_t *per_row, size_t *widest)
{
	size_t		params = 0;

	net->cols = cols;
	net->out = nn_pad(cols);
	net->ncells = n;
	*per_row = 3 * net->out;
	*widest = net->out;
	for (size_t l = 0; l < n; l++)
	{
		nn_cell    *c = &net->cell[l];

		c->used_in = l > 0 ? width[l - 1] : cols;
		c->used_width = width[l];
		c->in = nn_pad(c->used_in);
		c->width = nn_pad(c->used_width);
		c->input = params;
		c->back = c->input + c->in * 4 * c->width;
		c->bias = c->back + c->width * 4 * c->width;
		params = c->bias + 4 * c->width;
		*per_row += 8 * c->width;
		*widest = c->width > *widest ? c->width : *widest;
	}
	net->head = params;
	net->direct = net->head + net->cell[n - 1].width * net->out;
	net->bias = net->direct + net->out * net->out;
	*per_row += *widest;
	return net->bias + net->out;
}

size_t
nn_recurrent_bytes(pga_ctx *ctx, size_t cols, const uint32_t *width, size_t n,
				   size_t steps, size_t batch)
{
	nn_recurrent net;
	size_t		per_row,
				widest;
	size_t		params = lay_out(&net, cols, width, n, &per_row, &widest);

	/* Cells and outputs have one step more. */
	return pga_add(ctx, nn_block_bytes(ctx, params) + sizeof(net),
				   pga_mul(ctx, pga_mul(ctx, steps + 2, batch), (per_row + widest) * sizeof(float)));
}

static void
draw(nn_recurrent *net, pga_rng *rng, size_t at, size_t rows, size_t parts, size_t used, double sd)
{
	float	   *w = net->block.value + at;

	for (size_t i = 0; i < rows * parts; i++, w += nn_pad(used))
		for (size_t j = 0; j < used; j++)
			w[j] = (float) (sd * pga_rng_normal(rng));
}

/*
 * Glorot & Bengio (2010); forget gates start open (Jozefowicz, Zaremba &
 * Sutskever 2015); the forecast starts at 0.
 */
static void
draw_weights(nn_recurrent *net, pga_rng *rng)
{
	for (size_t l = 0; l < net->ncells; l++)
	{
		const nn_cell *c = &net->cell[l];
		double		n = (double) c->used_width;

		draw(net, rng, c->input, c->used_in, 4, c->used_width, sqrt(2 / (n + (double) c->used_in)));
		draw(net, rng, c->back, c->used_width, 4, c->used_width, 1 / sqrt(2 * n));
		for (size_t j = 0; j < c->used_width; j++)
			net->block.value[c->bias + c->width + j] = 1;
	}
	draw(net, rng, net->head, net->cell[net->ncells - 1].used_width, 1, net->cols, 0.01);
	draw(net, rng, net->direct, net->cols, 1, net->cols, 0.01);
}

static float *
rows_of(pga_ctx *ctx, size_t steps, size_t batch, size_t width)
{
	return ctx->alloc(ctx, pga_mul(ctx, pga_mul(ctx, steps, batch), width * sizeof(float)));
}

nn_recurrent *
nn_recurrent_create(pga_ctx *ctx, size_t cols, const uint32_t *width, size_t n,
					size_t steps, size_t batch, double dropout, uint64_t seed)
{
	nn_recurrent *net = ctx->alloc(ctx, sizeof(nn_recurrent));
	size_t		per_row,
				widest;
	pga_rng		rng;

	nn_block_alloc(ctx, &net->block, lay_out(net, cols, width, n, &per_row, &widest));
	net->steps = steps;
	net->batch = batch;
	net->dropout = (float) dropout;
	net->x = rows_of(ctx, steps, batch, net->out);
	net->y = rows_of(ctx, steps, batch, net->out);
	net->dy = rows_of(ctx, steps, batch, net->out);
	net->dh = rows_of(ctx, steps, batch, widest);
	net->dcell = rows_of(ctx, 1, batch, widest);
	for (size_t l = 0; l < n; l++)
	{
		nn_cell    *c = &net->cell[l];

		c->g = rows_of(ctx, steps, batch, 4 * c->width);
		c->c = rows_of(ctx, steps + 1, batch, c->width);
		c->h = rows_of(ctx, steps + 1, batch, c->width);
		if (dropout == 0)
			continue;
		c->up = rows_of(ctx, steps, batch, c->width);
		c->drop = ctx->alloc(ctx, pga_mul(ctx, pga_mul(ctx, steps, batch), c->width));
	}
	pga_rng_seed(&rng, seed, 0);
	draw_weights(net, &rng);
	pga_rng_seed(&net->rng, seed, 1);
	return net;
}

/* ---- forward and backward ----------------------------------------------------------- */

/* x[T][B][in] to h[T][B][H], which is behind the first B rows of c->h. */
static void
cell_forward(pga_ctx *ctx, const nn_recurrent *net, nn_cell *c, const float *x, size_t rows)
{
	const float *value = net->block.value;
	size_t		n = rows * c->width;

	nn_gemm(ctx, false, false, net->steps * rows, 4 * c->width, c->in, x, c->in,
			value + c->input, 4 * c->width, 0, c->g, 4 * c->width);
	nn_add_bias(c->g, net->steps * rows, 4 * c->width, value + c->bias);
	memset(c->h, 0, n * sizeof(float));
	memset(c->c, 0, n * sizeof(float));
	for (size_t t = 0; t < net->steps; t++)
	{
		float	   *g = c->g + 4 * t * n;

		if (t > 0)
			nn_gemm(ctx, false, false, rows, 4 * c->width, c->width, c->h + t * n, c->width,
					value + c->back, 4 * c->width, 1, g, 4 * c->width);
		nn_lstm_gates(g, c->c + t * n, c->c + (t + 1) * n, c->h + (t + 1) * n, rows, c->width);
	}
}

/*
 * net->dh[T][B][H], the gradient of h, to the parameters' gradients, and to
 * dx[T][B][in] unless that is NULL; dx may be net->dh.
 */
static void
cell_backward(pga_ctx *ctx, nn_recurrent *net, nn_cell *c, const float *x, float *dx, size_t rows)
{
	const float *value = net->block.value;
	float	   *grad = net->block.grad;
	size_t		n = rows * c->width;
	size_t		all = net->steps * rows;

	memset(net->dcell, 0, n * sizeof(float));
	for (size_t t = net->steps; t-- > 0;)
	{
		float	   *g = c->g + 4 * t * n;
		float	   *dh = net->dh + t * n;

		if (t + 1 < net->steps)
			nn_gemm(ctx, false, true, rows, c->width, 4 * c->width, g + 4 * n, 4 * c->width,
					value + c->back, 4 * c->width, 1, dh, c->width);
		nn_lstm_gates_back(g, c->c + t * n, c->c + (t + 1) * n, dh, net->dcell, rows, c->width);
	}
	nn_gemm(ctx, true, false, c->in, 4 * c->width, all, x, c->in, c->g, 4 * c->width,
			0, grad + c->input, 4 * c->width);
	nn_gemm(ctx, true, false, c->width, 4 * c->width, all, c->h, c->width, c->g, 4 * c->width,
			0, grad + c->back, 4 * c->width);
	nn_column_sums(c->g, all, 4 * c->width, grad + c->bias);
	if (dx != NULL)
		nn_gemm(ctx, false, true, all, c->in, 4 * c->width, c->g, 4 * c->width,
				value + c->input, 4 * c->width, 0, dx, c->in);
}

/* What the layer above sees of c->h: all of it, or what dropout leaves. */
static const float *
output(nn_recurrent *net, nn_cell *c, size_t rows, bool training)
{
	size_t		n = net->steps * rows * c->width;
	const float *h = c->h + rows * c->width;

	if (!training || net->dropout == 0)
		return h;
	memcpy(c->up, h, n * sizeof(float));
	nn_draw_drops(&net->rng, c->drop, n, net->dropout);
	nn_drop(c->up, c->drop, n, 1 / (1 - net->dropout));
	return c->up;
}

void
nn_recurrent_forward(pga_ctx *ctx, nn_recurrent *net, size_t rows, bool training)
{
	const nn_cell *last = &net->cell[net->ncells - 1];
	const float *value = net->block.value;
	const float *x = net->x;
	size_t		all = net->steps * rows;

	for (size_t l = 0; l < net->ncells; l++)
	{
		cell_forward(ctx, net, &net->cell[l], x, rows);
		x = output(net, &net->cell[l], rows, training);
	}
	nn_gemm(ctx, false, false, all, net->out, last->width, x, last->width,
			value + net->head, net->out, 0, net->y, net->out);
	nn_gemm(ctx, false, false, all, net->out, net->out, net->x, net->out,
			value + net->direct, net->out, 1, net->y, net->out);
	nn_add_bias(net->y, all, net->out, value + net->bias);
}

void
nn_recurrent_backward(pga_ctx *ctx, nn_recurrent *net, size_t rows)
{
	const nn_cell *last = &net->cell[net->ncells - 1];
	float	   *grad = net->block.grad;
	size_t		all = net->steps * rows;
	bool		drops = net->dropout > 0;

	nn_column_sums(net->dy, all, net->out, grad + net->bias);
	nn_gemm(ctx, true, false, net->out, net->out, all, net->x, net->out, net->dy, net->out,
			0, grad + net->direct, net->out);
	nn_gemm(ctx, true, false, last->width, net->out, all,
			drops ? last->up : last->h + rows * last->width, last->width, net->dy, net->out,
			0, grad + net->head, net->out);
	nn_gemm(ctx, false, true, all, last->width, net->out, net->dy, net->out,
			net->block.value + net->head, net->out, 0, net->dh, last->width);
	for (size_t l = net->ncells; l-- > 0;)
	{
		nn_cell    *c = &net->cell[l];
		const nn_cell *below = l > 0 ? c - 1 : NULL;
		const float *x = net->x;

		if (drops)
			nn_drop(net->dh, c->drop, all * c->width, 1 / (1 - net->dropout));
		if (below != NULL)
			x = drops ? below->up : below->h + rows * below->width;
		cell_backward(ctx, net, c, x, below != NULL ? net->dh : NULL, rows);
	}
}
