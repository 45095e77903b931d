/*
 * nn_kernel.c - the loops of the neural core: everything that touches each
 * number of a batch once, and the product that scoring uses.
 *
 * Every function does the same basic operations in the same order whatever
 * the processor; compilers widen the loops, and where the linker can choose at
 * load time there is a second copy for wider vectors.  That never changes a
 * bit: no sum is reordered, and nothing is fused.
 */
#include "nn.h"

#include <math.h>

#include "nn_math.h"
#include "wide.h"

/* Says that the pointers of the loop behind it do not overlap. */
#ifdef __clang__
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

/* The clones are static: GCC does not hide others in a shared library. */
#define KERNEL(name, parameters, ...) \
	WIDE static void name##_loop parameters; \
	void name parameters { name##_loop(__VA_ARGS__); } \
	WIDE static void name##_loop parameters

/* ---- the product of scoring ------------------------------------------------------ */

/* Eight outputs at once, anywhere in memory. */
typedef float lanes __attribute__((vector_size(NN_LANE * sizeof(float)), aligned(sizeof(float)), may_alias));

/*
 * ROWS rows by PARTS lanes of outputs, held in registers while the inputs go
 * by; an instance for each size that is needed.
 */
#define PRODUCT_TILE(ROWS, PARTS) \
	do { \
		lanes sum[ROWS][PARTS]; \
		_Pragma("GCC unroll 4") \
		for (int r = 0; r < ROWS; r++) \
			_Pragma("GCC unroll 4") \
			for (int p = 0; p < PARTS; p++) \
				sum[r][p] = b != NULL ? *(const lanes *) (b + o + p * NN_LANE) \
					: *(const lanes *) (y + (i + (size_t) r) * out + o + p * NN_LANE); \
		for (size_t k = 0; k < in; k++) \
		{ \
			const float *wk = w + k * out + o; \
			_Pragma("GCC unroll 4") \
			for (int r = 0; r < ROWS; r++) \
			{ \
				float v = x[(i + (size_t) r) * stride + k]; \
				_Pragma("GCC unroll 4") \
				for (int p = 0; p < PARTS; p++) \
					sum[r][p] += v * *(const lanes *) (wk + p * NN_LANE); \
			} \
		} \
		_Pragma("GCC unroll 4") \
		for (int r = 0; r < ROWS; r++) \
			_Pragma("GCC unroll 4") \
			for (int p = 0; p < PARTS; p++) \
				*(lanes *) (y + (i + (size_t) r) * out + o + p * NN_LANE) = sum[r][p]; \
	} while (0)

KERNEL(nn_product, (const float *x, size_t rows, size_t in, size_t stride, const float *w,
		const float *b, size_t out, float *y),
	   x, rows, in, stride, w, b, out, y)
{
	size_t		o = 0;

	for (; o + 2 * NN_LANE <= out; o += 2 * NN_LANE)
	{
		size_t		i = 0;

		for (; i + 4 <= rows; i += 4)
			PRODUCT_TILE(4, 2);
		for (; i < rows; i++)
			PRODUCT_TILE(1, 2);
	}
	for (; o < out; o += NN_LANE)
	{
		size_t		i = 0;

		for (; i + 4 <= rows; i += 4)
			PRODUCT_TILE(4, 1);
		for (; i < rows; i++)
			PRODUCT_TILE(1, 1);
	}
}

KERNEL(nn_relu_rows, (float *y, size_t n),
	   y, n)
{
	for (size_t i = 0; i < n; i++)
	{
		float		v = y[i] > 0 ? y[i] : 0;

		y[i] = v < NN_LIMIT ? v : NN_LIMIT;
	}
}

KERNEL(nn_clamp_rows, (float *y, size_t n),
	   y, n)
{
	for (size_t i = 0; i < n; i++)
		y[i] = nn_clamp(y[i]);
}

/* ---- batches of dense layers -------------------------------------------------------- */

KERNEL(nn_add_bias, (float *restrict z, size_t rows, size_t out, const float *restrict bias),
	   z, rows, out, bias)
{
	for (size_t i = 0; i < rows; i++, z += out)
		for (size_t j = 0; j < out; j++)
			z[j] += bias[j];
}

KERNEL(nn_column_sums, (const float *restrict dy, size_t rows, size_t out, float *restrict sum),
	   dy, rows, out, sum)
{
	memset(sum, 0, out * sizeof(float));
	for (size_t i = 0; i < rows; i++, dy += out)
		for (size_t j = 0; j < out; j++)
			sum[j] += dy[j];
}

KERNEL(nn_moments, (const float *restrict z, size_t rows, size_t out, float *restrict mean,
		float *restrict variance),
	   z, rows, out, mean, variance)
{
	const float *row = z;

	nn_column_sums(z, rows, out, mean);
	for (size_t j = 0; j < out; j++)
		mean[j] /= (float) rows;
	memset(variance, 0, out * sizeof(float));
	for (size_t i = 0; i < rows; i++, row += out)
		for (size_t j = 0; j < out; j++)
			variance[j] += (row[j] - mean[j]) * (row[j] - mean[j]);
	for (size_t j = 0; j < out; j++)
		variance[j] /= (float) rows;
}

KERNEL(nn_normalise, (float *restrict z, size_t rows, size_t out, const float *restrict mean,
		const float *restrict factor, const float *restrict gamma, const float *restrict beta,
		float *restrict y),
	   z, rows, out, mean, factor, gamma, beta, y)
{
	for (size_t i = 0; i < rows; i++, z += out, y += out)
		for (size_t j = 0; j < out; j++)
		{
			z[j] = (z[j] - mean[j]) * factor[j];
			y[j] = gamma[j] * z[j] + beta[j];
		}
}

KERNEL(nn_normalise_sums, (const float *restrict dy, const float *restrict z, size_t rows,
		size_t out, float *restrict dgamma, float *restrict dbeta),
	   dy, z, rows, out, dgamma, dbeta)
{
	memset(dgamma, 0, out * sizeof(float));
	memset(dbeta, 0, out * sizeof(float));
	for (size_t i = 0; i < rows; i++, z += out, dy += out)
		for (size_t j = 0; j < out; j++)
		{
			dgamma[j] += dy[j] * z[j];
			dbeta[j] += dy[j];
		}
}

KERNEL(nn_normalise_back, (float *restrict dy, const float *restrict z, size_t rows, size_t out,
		const float *restrict gamma, const float *restrict factor, const float *restrict dgamma,
		const float *restrict dbeta),
	   dy, z, rows, out, gamma, factor, dgamma, dbeta)
{
	float		share = 1 / (float) rows;

	for (size_t i = 0; i < rows; i++, z += out, dy += out)
		for (size_t j = 0; j < out; j++)
			dy[j] = gamma[j] * factor[j] * (dy[j] - share * (dbeta[j] + z[j] * dgamma[j]));
}

KERNEL(nn_relu, (float *y, size_t n, float scale),
	   y, n, scale)
{
	for (size_t i = 0; i < n; i++)
		y[i] = y[i] > 0 ? scale * y[i] : 0;
}

KERNEL(nn_relu_back, (float *restrict dy, const float *restrict y, size_t n, float scale),
	   dy, y, n, scale)
{
	for (size_t i = 0; i < n; i++)
		dy[i] = y[i] > 0 ? scale * dy[i] : 0;
}

KERNEL(nn_drop, (float *restrict y, const uint8_t *restrict drop, size_t n, float scale),
	   y, drop, n, scale)
{
	for (size_t i = 0; i < n; i++)
		y[i] = drop[i] ? 0 : scale * y[i];
}

KERNEL(nn_adam_step, (float *restrict value, const float *restrict grad, float *restrict mean,
		float *restrict square, size_t n, float rate, float mean_scale, float square_scale),
	   value, grad, mean, square, n, rate, mean_scale, square_scale)
{
	for (size_t i = 0; i < n; i++)
	{
		mean[i] = 0.9f * mean[i] + 0.1f * grad[i];
		square[i] = 0.999f * square[i] + 0.001f * (grad[i] * grad[i]);
		value[i] -= rate * (mean[i] * mean_scale) / (sqrtf(square[i] * square_scale) + 1e-8f);
	}
}

/* ---- LSTM -------------------------------------------------------------------------------- */

KERNEL(nn_lstm_gates, (float *restrict g, const float *cell_before, float *cell,
		float *restrict h, size_t rows, size_t width),
	   g, cell_before, cell, h, rows, width)
{
	for (size_t i = 0; i < rows; i++, g += 4 * width, cell_before += width, cell += width, h += width)
	{
		float	   *in = g,
				   *forget = g + width,
				   *new = g + 2 * width,
				   *out = g + 3 * width;

INDEPENDENT
		for (size_t j = 0; j < width; j++)
		{
			in[j] = nn_sigmoid(in[j]);
			forget[j] = nn_sigmoid(forget[j]);
			new[j] = nn_tanh(new[j]);
			out[j] = nn_sigmoid(out[j]);
			cell[j] = forget[j] * cell_before[j] + in[j] * new[j];
			h[j] = out[j] * nn_tanh(cell[j]);
		}
	}
}

KERNEL(nn_lstm_gates_back, (float *restrict g, const float *restrict cell_before,
		const float *restrict cell, const float *restrict dh, float *restrict dcell, size_t rows,
		size_t width),
	   g, cell_before, cell, dh, dcell, rows, width)
{
	for (size_t i = 0; i < rows; i++, g += 4 * width, cell_before += width, cell += width,
		 dh += width, dcell += width)
	{
		float	   *in = g,
				   *forget = g + width,
				   *new = g + 2 * width,
				   *out = g + 3 * width;

INDEPENDENT
		for (size_t j = 0; j < width; j++)
		{
			float		t = nn_tanh(cell[j]);
			float		dc = dcell[j] + dh[j] * out[j] * (1 - t * t);
			float		di = dc * new[j];
			float		df = dc * cell_before[j];
			float		dn = dc * in[j];
			float		o = dh[j] * t;

			dcell[j] = dc * forget[j];
			in[j] = di * in[j] * (1 - in[j]);
			forget[j] = df * forget[j] * (1 - forget[j]);
			new[j] = dn * (1 - new[j] * new[j]);
			out[j] = o * out[j] * (1 - out[j]);
		}
	}
}
