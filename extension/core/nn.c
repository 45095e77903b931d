/*
 * nn.c - dense networks: parameters, layers forward and backward, losses.
 *
 * A layer is y = x w + bias, and when hidden, y = drop(relu(norm(x w))).
 * Forward keeps what backward needs: each layer's output y, and z, the sums as
 * batch norm scaled them.  Whether a hidden output was cut by ReLU or dropped
 * needs no memory of its own: then y is 0, and else above it.
 */
#include "nn.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "fmath.h"
#include "nn_math.h"

#define NORM_EPSILON 1e-5f		/* added to a batch's variance */
#define NORM_MOMENTUM 0.1f		/* of the running moments */
#define GEMM_WORK 2e7			/* multiplications between polls */

/* ---- parameters ------------------------------------------------------------------ */

/* There in OpenBLAS alone; in its serial build without effect. */
extern void openblas_set_num_threads(int) __attribute__((weak));

size_t
nn_block_bytes(pga_ctx *ctx, size_t n)
{
	return pga_mul(ctx, n, 5 * sizeof(float));
}

void
nn_block_alloc(pga_ctx *ctx, nn_block *b, size_t n)
{
	float	   *p = ctx->alloc(ctx, nn_block_bytes(ctx, n));

	if (openblas_set_num_threads != NULL)
		openblas_set_num_threads(1);
	*b = (nn_block) {
		.n = n, .value = p, .grad = p + n, .mean = p + 2 * n, .square = p + 3 * n,
		.best = p + 4 * n, .mean_power = 1, .square_power = 1
	};
}

void
nn_adam(pga_ctx *ctx, nn_block *b, double rate, double max_norm)
{
	const size_t piece = 1 << 18;
	double		norm = 0;

	for (size_t i = 0; max_norm > 0 && i < b->n; i++)
		norm += (double) b->grad[i] * (double) b->grad[i];
	if (max_norm > 0 && norm > max_norm * max_norm)
	{
		float		shrink = (float) (max_norm / sqrt(norm));

		for (size_t i = 0; i < b->n; i++)
			b->grad[i] *= shrink;
	}
	b->mean_power *= 0.9;
	b->square_power *= 0.999;
	for (size_t i = 0; i < b->n; i += piece)
	{
		nn_adam_step(b->value + i, b->grad + i, b->mean + i, b->square + i,
					 b->n - i < piece ? b->n - i : piece, (float) rate,
					 (float) (1 / (1 - b->mean_power)), (float) (1 / (1 - b->square_power)));
		ctx->poll(ctx);
	}
}

void
nn_gemm(pga_ctx *ctx, bool a_transposed, bool b_transposed, size_t m, size_t n, size_t k,
		const float *a, size_t a_stride, const float *b, size_t b_stride,
		float beta, float *c, size_t c_stride)
{
	size_t		piece = (size_t) fmax(16, GEMM_WORK / ((double) n * (double) k));

	for (size_t i = 0; i < m; i += piece)
	{
		size_t		rows = m - i < piece ? m - i : piece;

		cblas_sgemm(CblasRowMajor, a_transposed ? CblasTrans : CblasNoTrans,
					b_transposed ? CblasTrans : CblasNoTrans, (int) rows, (int) n, (int) k, 1,
					a + (a_transposed ? i : i * a_stride), (int) a_stride, b, (int) b_stride,
					beta, c + i * c_stride, (int) c_stride);
		ctx->poll(ctx);
	}
}

void
nn_draw_drops(pga_rng *rng, uint8_t *drop, size_t n, float share)
{
	uint64_t	limit = (uint64_t) ((double) share * 65536);

	for (size_t i = 0; i < n; i += 4)
	{
		uint64_t	bits = pga_rng_next(rng);

		for (size_t k = 0; k < 4; k++)
			drop[i + k] = (bits >> (16 * k) & 0xffff) < limit;
	}
}

/* ---- networks --------------------------------------------------------------------- */

/* Lays out the layers; the floats their parameters, moments and batches take. */
static void
lay_out(nn_net *net, const nn_plan *plan, size_t *params, size_t *running, size_t *per_row,
		size_t *widest)
{
	*params = *running = *per_row = 0;
	*widest = nn_pad(plan->width[0]);
	net->nlayers = plan->nlayers;
	for (size_t l = 0; l < plan->nlayers; l++)
	{
		nn_layer   *y = &net->layer[l];

		y->used_in = plan->width[l];
		y->used_out = plan->width[l + 1];
		y->in = nn_pad(y->used_in);
		y->out = nn_pad(y->used_out);
		y->hidden = l + 1 < plan->nlayers;
		y->norm = y->hidden && plan->norm;
		y->dropout = y->hidden ? (float) plan->dropout : 0;
		y->weight = *params;
		y->bias = y->weight + y->in * y->out;
		y->gamma = y->bias + y->out;
		*params = y->gamma + (y->norm ? y->out : 0);
		*running += y->norm ? 2 * y->out : 0;
		*per_row += (y->norm ? 2 : 1) * y->out;
		*widest = y->out > *widest ? y->out : *widest;
	}
}

size_t
nn_net_bytes(pga_ctx *ctx, const nn_plan *plan, size_t batch)
{
	nn_net		net;
	size_t		params,
				running,
				per_row,
				widest;

	lay_out(&net, plan, &params, &running, &per_row, &widest);
	return pga_add(ctx, nn_block_bytes(ctx, params),
				   pga_add(ctx, pga_mul(ctx, 4 * running, sizeof(float)) + sizeof(nn_net),
						   pga_mul(ctx, batch, (per_row * 5 + 3 * widest * 4))));
}

/*
 * Weights and biases even within 1 / sqrt(inputs), after LeCun et al.,
 * "Efficient BackProp", 1998.  What a network makes of rows unlike those it
 * learns from starts out small, and stays closer to it.
 */
static void
draw_small_weights(nn_net *net, pga_rng *rng)
{
	for (size_t l = 0; l < net->nlayers; l++)
	{
		const nn_layer *y = &net->layer[l];
		double		range = 1 / sqrt((double) y->used_in);
		float	   *value = net->block.value;

		for (size_t i = 0; i <= y->used_in; i++)
			for (size_t j = 0; j < y->used_out; j++)
				value[(i < y->used_in ? y->weight + i * y->out : y->bias) + j] =
					(float) (range * (2 * pga_rng_real(rng) - 1));
	}
}

/*
 * Weights as He et al. (2015) draw them for ReLU, and Glorot & Bengio (2010)
 * for the last layer; scales 1, the rest 0.
 */
static void
draw_weights(nn_net *net, pga_rng *rng)
{
	for (size_t l = 0; l < net->nlayers; l++)
	{
		const nn_layer *y = &net->layer[l];
		double		sd = y->hidden ? sqrt(2.0 / (double) y->used_in)
			: sqrt(2.0 / (double) (y->used_in + y->used_out));

		for (size_t i = 0; i < y->used_in; i++)
			for (size_t j = 0; j < y->used_out; j++)
				net->block.value[y->weight + i * y->out + j] = (float) (sd * pga_rng_normal(rng));
		for (size_t j = 0; y->norm && j < y->used_out; j++)
			net->block.value[y->gamma + j] = 1;
	}
}

nn_net *
nn_net_create(pga_ctx *ctx, const nn_plan *plan, size_t batch, uint64_t seed)
{
	nn_net	   *net = ctx->alloc(ctx, sizeof(nn_net));
	size_t		params,
				per_row,
				widest;
	float	   *running;
	pga_rng		rng;

	lay_out(net, plan, &params, &net->nrunning, &per_row, &widest);
	net->batch = batch;
	nn_block_alloc(ctx, &net->block, params);
	net->running = ctx->alloc(ctx, (net->nrunning * 4 + 1) * sizeof(float));
	net->best_running = net->running + net->nrunning;
	running = net->running;
	net->x = ctx->alloc(ctx, pga_mul(ctx, batch, nn_pad(plan->width[0]) * sizeof(float)));
	net->dy = ctx->alloc(ctx, pga_mul(ctx, batch, widest * sizeof(float)));
	net->dx = ctx->alloc(ctx, pga_mul(ctx, batch, widest * sizeof(float)));
	for (size_t l = 0; l < net->nlayers; l++)
	{
		nn_layer   *y = &net->layer[l];

		y->y = ctx->alloc(ctx, pga_mul(ctx, batch, y->out * sizeof(float)));
		if (y->dropout > 0)
			y->drop = ctx->alloc(ctx, pga_mul(ctx, batch, y->out));
		if (!y->norm)
			continue;
		y->z = ctx->alloc(ctx, pga_mul(ctx, batch, y->out * sizeof(float)));
		y->mean = running;
		y->variance = running + y->out;
		y->batch_mean = y->mean + 2 * net->nrunning;
		y->batch_factor = y->variance + 2 * net->nrunning;
		running += 2 * y->out;
		for (size_t j = 0; j < y->out; j++)
			y->variance[j] = 1;
	}
	pga_rng_seed(&rng, seed, 0);
	if (plan->small)
		draw_small_weights(net, &rng);
	else
		draw_weights(net, &rng);
	pga_rng_seed(&net->rng, seed, 1);
	return net;
}

/* ---- layers, forward and backward ----------------------------------------------------- */

/* z[B][out] to y[B][out], by the batch's moments or the running ones. */
static void
norm_forward(const nn_block *b, nn_layer *l, size_t rows, bool training)
{
	float		keep = 1 - NORM_MOMENTUM;
	/* The running variance is the sample's, not the batch's own (Ioffe & Szegedy 2015). */
	float		sample = rows > 1 ? (float) rows / (float) (rows - 1) : 1;

	if (training)
		nn_moments(l->z, rows, l->out, l->batch_mean, l->batch_factor);
	for (size_t j = 0; j < l->out; j++)
	{
		float		mean = training ? l->batch_mean[j] : l->mean[j];
		float		variance = training ? l->batch_factor[j] : l->variance[j];

		if (training)
		{
			l->mean[j] = keep * l->mean[j] + NORM_MOMENTUM * mean;
			l->variance[j] = keep * l->variance[j] + NORM_MOMENTUM * sample * variance;
		}
		l->batch_mean[j] = mean;
		l->batch_factor[j] = 1 / sqrtf(variance + NORM_EPSILON);
	}
	nn_normalise(l->z, rows, l->out, l->batch_mean, l->batch_factor,
				 b->value + l->gamma, b->value + l->bias, l->y);
}

/* x[B][in] to y[B][out]. */
static void
layer_forward(pga_ctx *ctx, nn_net *net, nn_layer *l, const float *x, size_t rows, bool training)
{
	const nn_block *b = &net->block;
	bool		drop = training && l->dropout > 0;

	nn_gemm(ctx, false, false, rows, l->out, l->in, x, l->in, b->value + l->weight, l->out,
			0, l->norm ? l->z : l->y, l->out);
	if (l->norm)
		norm_forward(b, l, rows, training);
	else
		nn_add_bias(l->y, rows, l->out, b->value + l->bias);
	if (l->hidden)
		nn_relu(l->y, rows * l->out, 1);
	if (!drop)
		return;
	nn_draw_drops(&net->rng, l->drop, rows * l->out, l->dropout);
	nn_drop(l->y, l->drop, rows * l->out, 1 / (1 - l->dropout));
}

/* dy[B][out] to the parameters' gradients, and to dx[B][in] unless that is NULL. */
static void
layer_backward(pga_ctx *ctx, nn_net *net, const nn_layer *l, const float *x, float *dy,
			   float *dx, size_t rows)
{
	nn_block   *b = &net->block;

	if (l->hidden)
		nn_relu_back(dy, l->y, rows * l->out, 1 / (1 - l->dropout));
	if (l->norm)
	{
		nn_normalise_sums(dy, l->z, rows, l->out, b->grad + l->gamma, b->grad + l->bias);
		nn_normalise_back(dy, l->z, rows, l->out, b->value + l->gamma, l->batch_factor,
						  b->grad + l->gamma, b->grad + l->bias);
	}
	else
		nn_column_sums(dy, rows, l->out, b->grad + l->bias);
	nn_gemm(ctx, true, false, l->in, l->out, rows, x, l->in, dy, l->out,
			0, b->grad + l->weight, l->out);
	if (dx != NULL)
		nn_gemm(ctx, false, true, rows, l->in, l->out, dy, l->out, b->value + l->weight, l->out,
				0, dx, l->in);
}

float *
nn_forward(pga_ctx *ctx, nn_net *net, size_t rows, bool training)
{
	const float *x = net->x;

	for (size_t l = 0; l < net->nlayers; l++)
	{
		layer_forward(ctx, net, &net->layer[l], x, rows, training);
		x = net->layer[l].y;
	}
	return net->layer[net->nlayers - 1].y;
}

void
nn_backward(pga_ctx *ctx, nn_net *net, size_t rows)
{
	for (size_t l = net->nlayers; l-- > 0;)
	{
		float	   *spare = net->dy;

		layer_backward(ctx, net, &net->layer[l], l > 0 ? net->layer[l - 1].y : net->x,
					   net->dy, l > 0 ? net->dx : NULL, rows);
		net->dy = net->dx;
		net->dx = spare;
	}
}

/* ---- losses -------------------------------------------------------------------------------- */

double
nn_cross_entropy(float *y, size_t rows, size_t classes, size_t out,
				 const uint32_t *target, const float *weight)
{
	double		loss = 0;

	for (size_t i = 0; i < rows; i++, y += out)
	{
		float		share = weight[i] / (float) rows;
		float		most = y[0];
		float		sum = 0;

		for (size_t c = 1; c < classes; c++)
			most = y[c] > most ? y[c] : most;
		for (size_t c = 0; c < classes; c++)
		{
			if (c == target[i])
				loss -= (double) weight[i] * (double) (y[c] - most);
			y[c] = nn_exp(y[c] - most);
			sum += y[c];
		}
		loss += (double) weight[i] * pga_log((double) sum);
		for (size_t c = 0; c < out; c++)
			y[c] = c < classes ? share * (y[c] / sum - (c == target[i] ? 1.0f : 0.0f)) : 0;
	}
	return loss;
}

double
nn_square_error(const float *y, const float *x, size_t rows, size_t cols, size_t out,
				const float *weight, float *dy)
{
	double		loss = 0;

	for (size_t i = 0; i < rows; i++, y += out, x += out, dy += out)
	{
		float		scale = 2 * weight[i] / ((float) rows * (float) cols);
		float		sum[NN_LANE] = {0};

		for (size_t j = 0; j < out; j += NN_LANE)
			for (size_t k = 0; k < NN_LANE; k++)
			{
				float		e = y[j + k] - x[j + k];

				sum[k] += e * e;
				dy[j + k] = scale * e;
			}
		for (size_t k = 1; k < NN_LANE; k++)
			sum[0] += sum[k];
		loss += (double) weight[i] * (double) sum[0] / (double) cols;
	}
	return loss;
}
