/*
 * nn_folded.c - a trained dense network as it is saved and scored with.
 *
 * A batch norm is a scale and a shift once its moments stand still, so it goes
 * into the weights before it.  Loading holds every weight within NN_LIMIT and
 * applying every activation, so that no sum leaves the range of float32 and a
 * score is a finite number whatever the bytes and rows were.
 */
#include "nn.h"

#include <math.h>
#include <string.h>

#define NORM_EPSILON 1e-5f		/* as in nn.c */

/* A buffer that may have doubled, the old one beside it, and the loaded weights. */
size_t
nn_folded_bytes(pga_ctx *ctx, const nn_plan *plan)
{
	size_t		n = 64;

	for (size_t l = 0; l < plan->nlayers; l++)
		n = pga_add(ctx, n, pga_mul(ctx, plan->width[l] + (size_t) 1, nn_pad(plan->width[l + 1])));
	return pga_mul(ctx, n, 4 * sizeof(float));
}

void
nn_fold(const nn_net *net, pga_buf *buf)
{
	const float *value = net->block.value;

	pga_put_u8(buf, (uint8_t) net->nlayers);
	pga_put_u32(buf, (uint32_t) net->layer[0].used_in);
	for (size_t l = 0; l < net->nlayers; l++)
		pga_put_u32(buf, (uint32_t) net->layer[l].used_out);
	for (size_t l = 0; l < net->nlayers; l++)
	{
		const nn_layer *y = &net->layer[l];

		for (size_t i = 0; i <= y->used_in; i++)
			for (size_t j = 0; j < y->used_out; j++)
			{
				float		scale = y->norm ? value[y->gamma + j] / sqrtf(y->variance[j] + NORM_EPSILON) : 1;
				float		shift = y->norm ? y->mean[j] * scale : 0;

				if (i < y->used_in)
					pga_put_f32(buf, nn_clamp(scale * value[y->weight + i * y->out + j]));
				else
					pga_put_f32(buf, nn_clamp(value[y->bias + j] - shift));
			}
	}
}

float *
nn_load_rows(pga_reader *r, size_t rows, size_t width)
{
	float	   *w = r->ctx->alloc(r->ctx, pga_mul(r->ctx, rows, nn_pad(width) * sizeof(float)));

	for (size_t i = 0; i < rows; i++)
		for (size_t j = 0; j < width; j++)
		{
			float		v = pga_get_f32(r);

			if (v != nn_clamp(v))
				pga_corrupt(r, "a weight is out of range");
			w[i * nn_pad(width) + j] = v;
		}
	return w;
}

void
nn_save_rows(pga_buf *buf, const float *w, size_t rows, size_t width)
{
	for (size_t i = 0; i < rows; i++)
		for (size_t j = 0; j < width; j++)
			pga_put_f32(buf, nn_clamp(w[i * nn_pad(width) + j]));
}

void
nn_folded_load(pga_reader *r, nn_folded *f, size_t in, size_t out)
{
	f->nlayers = pga_get_u8(r);
	if (f->nlayers < 1 || f->nlayers > NN_MAX_LAYERS)
		pga_corrupt(r, "a network's number of layers is out of range");
	for (size_t l = 0; l <= f->nlayers; l++)
		f->width[l] = pga_get_u32(r);
	if (f->width[0] != in || f->width[f->nlayers] != out)
		pga_corrupt(r, "a network's shape is not that of its rows");
	for (size_t l = 0; l < f->nlayers; l++)
	{
		size_t		bytes = pga_mul(r->ctx, f->width[l] + (size_t) 1, f->width[l + 1] * sizeof(float));

		if (f->width[l + 1] < 1 || (l + 1 < f->nlayers && f->width[l + 1] > NN_MAX_WIDTH) ||
			bytes > (size_t) (r->end - r->p))
			pga_corrupt(r, "a layer's width is out of range");
		f->weight[l] = nn_load_rows(r, f->width[l], f->width[l + 1]);
		f->bias[l] = nn_load_rows(r, 1, f->width[l + 1]);
		f->widest = nn_pad(f->width[l + 1]) > f->widest ? nn_pad(f->width[l + 1]) : f->widest;
		r->ctx->poll(r->ctx);
	}
}

void
nn_folded_save(const nn_folded *f, pga_buf *buf)
{
	pga_put_u8(buf, (uint8_t) f->nlayers);
	for (size_t l = 0; l <= f->nlayers; l++)
		pga_put_u32(buf, f->width[l]);
	for (size_t l = 0; l < f->nlayers; l++)
	{
		nn_save_rows(buf, f->weight[l], f->width[l], f->width[l + 1]);
		nn_save_rows(buf, f->bias[l], 1, f->width[l + 1]);
	}
}

size_t
nn_folded_scratch(const nn_folded *f)
{
	return NN_ROWS * (f->width[0] + 2 * f->widest) * sizeof(float);
}

const float *
nn_folded_apply(const nn_folded *f, const float *x, size_t rows, float *scratch)
{
	float	   *from = scratch;
	float	   *to = scratch + NN_ROWS * f->width[0];
	float	   *spare = to + NN_ROWS * f->widest;
	size_t		stride = f->width[0];

	memcpy(from, x, rows * stride * sizeof(float));
	nn_clamp_rows(from, rows * stride);
	for (size_t l = 0; l < f->nlayers; l++)
	{
		size_t		out = nn_pad(f->width[l + 1]);

		nn_product(from, rows, f->width[l], stride, f->weight[l], f->bias[l], out, to);
		if (l + 1 < f->nlayers)
			nn_relu_rows(to, rows * out);
		else
			nn_clamp_rows(to, rows * out);
		from = to;
		to = spare;
		spare = from;
		stride = out;
	}
	return from;
}
