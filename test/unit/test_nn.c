/*
 * test_nn.c - the neural core: its functions against the C library's, its
 * products and gradients against slow definitions in double.
 */
#include "fixture.h"

#include "nn.h"
#include "nn_math.h"

#define BATCH 12

/* ---- functions and products ----------------------------------------------------- */

static void
functions_agree_with_the_c_library(void **state)
{
	(void) state;
	for (double x = -86; x < 87.9; x += 0.0137)
	{
		float		f = (float) x;

		assert_near((double) nn_exp(f) / exp((double) f), 1, 2.5e-7);
		assert_near((double) nn_tanh(f), tanh((double) f), 2e-7);
		assert_near((double) nn_sigmoid(f), 1 / (1 + exp(-(double) f)), 1e-7);
	}
	assert_true(isfinite(nn_exp(INFINITY)) && isfinite(nn_exp(NAN)) && nn_exp(-INFINITY) > 0);
	assert_true(nn_tanh(1e30f) == 1 && nn_tanh(-1e30f) == -1);
	assert_true(nn_sigmoid(-1e30f) >= 0 && nn_sigmoid(1e30f) == 1);
}

static float
noise(pga_rng *rng)
{
	return (float) pga_rng_normal(rng);
}

/* Every sum in the order of the inputs, whatever the number of rows. */
static void
products_are_sums_in_order(void **state)
{
	static float x[9 * 21],
				w[21 * 40],
				b[40],
				y[9 * 40];
	pga_rng		rng;

	(void) state;
	pga_rng_seed(&rng, 1, 1);
	for (size_t i = 0; i < 9 * 21; i++)
		x[i] = noise(&rng);
	for (size_t i = 0; i < 21 * 40; i++)
		w[i] = noise(&rng);
	for (size_t i = 0; i < 40; i++)
		b[i] = noise(&rng);
	for (size_t rows = 1; rows <= 9; rows++)
		for (size_t out = 8; out <= 40; out += 8)
		{
			nn_product(x, rows, 19, 21, w, b, out, y);
			for (size_t i = 0; i < rows; i++)
				for (size_t j = 0; j < out; j++)
				{
					float		sum = b[j];

					for (size_t k = 0; k < 19; k++)
						sum += x[i * 21 + k] * w[k * out + j];
					assert_bits_equal((double) y[i * out + j], (double) sum);
				}
		}
}

/* ---- gradients --------------------------------------------------------------------- */

static const uint32_t target[BATCH] = {0, 2, 1, 1, 0, 2, 2, 1, 0, 0, 1, 2};
static const float weight[BATCH] = {1, 1, 2, 0.5f, 1, 1, 3, 1, 1, 0.25f, 1, 1};

/* One layer of the batch, in double, from the definition. */
static void
slow_layer(const nn_layer *l, const double *param, const double *x, size_t in, double *y)
{
	double		kept = 1 / (1 - (double) l->dropout);

	for (size_t j = 0; j < l->used_out; j++)
	{
		double		z[BATCH];
		double		mean = 0;
		double		variance = 0;

		for (size_t i = 0; i < BATCH; i++)
		{
			z[i] = l->norm ? 0 : param[l->bias + j];
			for (size_t k = 0; k < in; k++)
				z[i] += x[i * in + k] * param[l->weight + k * l->out + j];
			mean += z[i] / BATCH;
		}
		for (size_t i = 0; i < BATCH; i++)
			variance += (z[i] - mean) * (z[i] - mean) / BATCH;
		for (size_t i = 0; i < BATCH; i++)
		{
			double		v = z[i];

			if (l->norm)
				v = param[l->gamma + j] * (v - mean) / sqrt(variance + 1e-5) + param[l->bias + j];
			if (l->hidden && v < 0)
				v = 0;
			if (l->drop != NULL)
				v = l->drop[i * l->out + j] ? 0 : v * kept;
			y[i * l->used_out + j] = v;
		}
	}
}

static double
slow_loss(const nn_net *net, const double *param, bool classify)
{
	double		x[BATCH * 16],
				y[BATCH * 16];
	size_t		in = net->layer[0].used_in;
	double		sum = 0;

	for (size_t i = 0; i < BATCH; i++)
		for (size_t j = 0; j < in; j++)
			x[i * in + j] = (double) net->x[i * net->layer[0].in + j];
	for (size_t l = 0; l < net->nlayers; l++)
	{
		slow_layer(&net->layer[l], param, x, in, y);
		in = net->layer[l].used_out;
		memcpy(x, y, sizeof(x));
	}
	for (size_t i = 0; i < BATCH; i++)
	{
		double		loss = 0;
		double		all = 0;

		for (size_t j = 0; j < in; j++)
			if (classify)
				all += exp(y[i * in + j]);
			else
				loss += pow(y[i * in + j] - (double) net->x[i * net->layer[0].in + j], 2) / (double) in;
		if (classify)
			loss = log(all) - y[i * in + target[i]];
		sum += (double) weight[i] * loss;
	}
	return sum / BATCH;
}

/* Every parameter's gradient against the central difference of the slow loss. */
static void
check_gradients(const nn_plan *plan, bool classify)
{
	nn_net	   *net = nn_net_create(&h.ctx, plan, BATCH, 5);
	const nn_layer *last = &net->layer[net->nlayers - 1];
	double	   *param = h.ctx.alloc(&h.ctx, net->block.n * sizeof(double));
	float	   *y;
	double		loss;
	double		largest = 0;
	pga_rng		rng;

	pga_rng_seed(&rng, 3, 3);
	for (size_t i = 0; i < BATCH; i++)
		for (size_t j = 0; j < plan->width[0]; j++)
			net->x[i * net->layer[0].in + j] = noise(&rng);
	for (size_t l = 0; l < net->nlayers; l++)	/* no parameter at a special value */
		for (size_t j = 0; j < net->layer[l].used_out; j++)
			net->block.value[net->layer[l].bias + j] = 0.3f * noise(&rng);
	y = nn_forward(&h.ctx, net, BATCH, true);
	memcpy(net->dy, y, BATCH * last->out * sizeof(float));
	loss = classify ? nn_cross_entropy(net->dy, BATCH, last->used_out, last->out, target, weight)
		: nn_square_error(y, net->x, BATCH, last->used_out, last->out, weight, net->dy);
	nn_backward(&h.ctx, net, BATCH);

	for (size_t i = 0; i < net->block.n; i++)
		param[i] = (double) net->block.value[i];
	assert_near(loss / BATCH, slow_loss(net, param, classify), 1e-5);
	for (size_t i = 0; i < net->block.n; i++)
	{
		double		was = param[i];
		double		up;

		if (was == 0)			/* the padding, checked below */
			continue;
		param[i] = was + 1e-5;
		up = slow_loss(net, param, classify);
		param[i] = was - 1e-5;
		assert_near((double) net->block.grad[i], (up - slow_loss(net, param, classify)) / 2e-5, 2e-5);
		param[i] = was;
		largest = fmax(largest, fabs((double) net->block.grad[i]));
	}
	assert_true(largest > 0.05);
}

static void
gradients_are_right(void **state)
{
	nn_plan		classes = {{5, 11, 9, 3}, 3, false, 0};
	nn_plan		itself = {{5, 11, 3, 9, 5}, 4, false, 0};

	(void) state;
	check_gradients(&classes, true);
	classes.norm = itself.norm = true;
	check_gradients(&classes, true);
	check_gradients(&itself, false);
	classes.dropout = itself.dropout = 0.3;
	check_gradients(&classes, true);
	check_gradients(&itself, false);
}

/* What rounding widths up adds never becomes anything but zero. */
static void
padding_stays_zero(void **state)
{
	nn_plan		plan = {{5, 11, 9, 3}, 3, true, 0.2};
	nn_net	   *net = nn_net_create(&h.ctx, &plan, BATCH, 5);
	pga_rng		rng;

	(void) state;
	pga_rng_seed(&rng, 4, 4);
	for (int step = 0; step < 20; step++)
	{
		for (size_t i = 0; i < BATCH; i++)
			for (size_t j = 0; j < 5; j++)
				net->x[i * 8 + j] = noise(&rng);
		memcpy(net->dy, nn_forward(&h.ctx, net, BATCH, true), BATCH * 8 * sizeof(float));
		nn_cross_entropy(net->dy, BATCH, 3, 8, target, weight);
		nn_backward(&h.ctx, net, BATCH);
		nn_adam(&h.ctx, &net->block, 0.01, 0);
	}
	for (size_t l = 0; l < net->nlayers; l++)
		for (size_t i = 0; i < net->layer[l].in; i++)
			for (size_t j = 0; j < net->layer[l].out; j++)
			{
				bool		used = i < net->layer[l].used_in && j < net->layer[l].used_out;
				float		w = net->block.value[net->layer[l].weight + i * net->layer[l].out + j];

				assert_true(used == (w != 0));
			}
}

static void
dropout_drops_its_share(void **state)
{
	nn_plan		plan = {{4, 64, 2}, 2, false, 0.25};
	nn_net	   *net = nn_net_create(&h.ctx, &plan, 256, 5);
	const nn_layer *l = &net->layer[0];
	double		dropped = 0;

	(void) state;
	for (size_t i = 0; i < 256 * 8; i++)
		net->x[i] = i % 8 < 4;
	nn_forward(&h.ctx, net, 256, true);
	for (size_t i = 0; i < 256 * 64; i++)
	{
		dropped += l->drop[i];
		assert_true(!l->drop[i] || l->y[i] == 0);
	}
	/* Six standard deviations of the binomial. */
	assert_near(dropped / (256 * 64), 0.25, 6 * sqrt(0.25 * 0.75 / (256 * 64)));
}

/* ---- Adam ---------------------------------------------------------------------------- */

/* Kingma & Ba 2015, Algorithm 1, by hand in double. */
static void
adam_follows_the_paper(void **state)
{
	static const double grad[3] = {0.5, -0.25, 0.125};
	nn_block	b;
	double		value = 1,
				mean = 0,
				square = 0;

	(void) state;
	nn_block_alloc(&h.ctx, &b, 8);
	b.value[0] = 1;
	for (int t = 1; t <= 3; t++)
	{
		double		g = grad[t - 1];

		mean = 0.9 * mean + 0.1 * g;
		square = 0.999 * square + 0.001 * g * g;
		value -= 0.1 * (mean / (1 - pow(0.9, t))) / (sqrt(square / (1 - pow(0.999, t))) + 1e-8);
		b.grad[0] = (float) g;
		nn_adam(&h.ctx, &b, 0.1, 0);
		assert_near((double) b.value[0], value, 1e-6);
	}
	/* A long gradient is cut to length 1 first: here to 0.6 and 0.8. */
	nn_block_alloc(&h.ctx, &b, 8);
	b.grad[0] = 30;
	b.grad[1] = 40;
	nn_adam(&h.ctx, &b, 0.1, 1);
	assert_near((double) b.mean[0], 0.06, 1e-7);
	assert_near((double) b.mean[1], 0.08, 1e-7);
}

/* ---- folded networks -------------------------------------------------------------------- */

/* The saved form scores as the network does after training, and comes back whole. */
static void
folding_changes_nothing(void **state)
{
	nn_plan		plan = {{5, 11, 9, 3}, 3, true, 0.2};
	nn_net	   *net = nn_net_create(&h.ctx, &plan, BATCH, 5);
	nn_folded	f = {0};
	pga_buf		buf = {.ctx = &h.ctx};
	pga_buf		again = {.ctx = &h.ctx};
	pga_reader	r = {.ctx = &h.ctx};
	float		x[BATCH * 5];
	const float *y,
			   *z;
	pga_rng		rng;

	(void) state;
	pga_rng_seed(&rng, 6, 6);
	for (int step = 0; step < 5; step++)	/* moments that are not the first ones */
	{
		for (size_t i = 0; i < BATCH * 5; i++)
			net->x[i / 5 * 8 + i % 5] = x[i] = 3 + 2 * noise(&rng);
		nn_forward(&h.ctx, net, BATCH, true);
	}
	nn_fold(net, &buf);
	r.p = buf.data;
	r.end = buf.data + buf.len;
	nn_folded_load(&r, &f, 5, 3);
	assert_ptr_equal(r.p, r.end);
	nn_folded_save(&f, &again);
	assert_int_equal(buf.len, again.len);
	assert_memory_equal(buf.data, again.data, buf.len);
	y = nn_forward(&h.ctx, net, BATCH, false);
	z = nn_folded_apply(&f, x, BATCH, h.ctx.alloc(&h.ctx, nn_folded_scratch(&f)));
	for (size_t i = 0; i < BATCH; i++)
		for (size_t j = 0; j < 3; j++)
			assert_near((double) z[i * 8 + j], (double) y[i * 8 + j], 2e-5);
}

static void
products_poll_and_may_be_cut(void **state)
{
	static float a[300 * 300],
				b[300 * 300],
				c[300 * 300];
	pga_rng		rng;
	size_t		polls;

	(void) state;
	pga_rng_seed(&rng, 7, 7);
	for (size_t i = 0; i < 300 * 300; i++)
	{
		a[i] = noise(&rng);
		b[i] = noise(&rng);
	}
	for (int form = 0; form < 4; form++)
	{
		bool		at = form & 1;
		bool		bt = form & 2;

		polls = h.polls;
		nn_gemm(&h.ctx, at, bt, 300, 300, 300, a, 300, b, 300, 0, c, 300);
		assert_true(h.polls > polls + 1);
		for (size_t i = 0; i < 300; i += 23)
			for (size_t j = 0; j < 300; j += 19)
			{
				double		sum = 0;

				for (size_t k = 0; k < 300; k++)
					sum += (double) (at ? a[k * 300 + i] : a[i * 300 + k]) *
						(double) (bt ? b[j * 300 + k] : b[k * 300 + j]);
				assert_near((double) c[i * 300 + j], sum, 1e-4);
			}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(functions_agree_with_the_c_library),
		TEST(products_are_sums_in_order),
		TEST(gradients_are_right),
		TEST(padding_stays_zero),
		TEST(dropout_drops_its_share),
		TEST(adam_follows_the_paper),
		TEST(folding_changes_nothing),
		TEST(products_poll_and_may_be_cut),
	};

	return cmocka_run_group_tests_name("nn", tests, NULL, NULL);
}
