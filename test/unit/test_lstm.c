/*
 * test_lstm.c - recurrent layers against a slow definition in double, and the
 * detector on series with a known law.
 */
#include "fixture.h"

#include "nn.h"

#define STEPS 5
#define BATCH 3
#define COLS 2

/* ---- gradients --------------------------------------------------------------------- */

static double
sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

/* All steps of one window, from the definition. */
static void
slow_forecasts(const nn_recurrent *net, const double *p, size_t window, double y[STEPS][COLS])
{
	double		h[4][16] = {{0}},
				c[4][16] = {{0}};

	for (size_t t = 0; t < STEPS; t++)
	{
		const float *row = net->x + (t * BATCH + window) * net->out;
		double		x[16];
		size_t		used = COLS;

		for (size_t j = 0; j < COLS; j++)
			x[j] = (double) row[j];
		for (size_t l = 0; l < net->ncells; l++)
		{
			const nn_cell *cell = &net->cell[l];
			double		next[16];
			size_t		stride = 4 * cell->width;

			for (size_t j = 0; j < cell->used_width; j++)
			{
				double		g[4];

				for (size_t k = 0; k < 4; k++)
				{
					size_t		at = k * cell->width + j;

					g[k] = p[cell->bias + at];
					for (size_t i = 0; i < used; i++)
						g[k] += x[i] * p[cell->input + i * stride + at];
					for (size_t i = 0; i < cell->used_width; i++)
						g[k] += h[l][i] * p[cell->back + i * stride + at];
				}
				c[l][j] = sigmoid(g[1]) * c[l][j] + sigmoid(g[0]) * tanh(g[2]);
				next[j] = sigmoid(g[3]) * tanh(c[l][j]);
			}
			used = cell->used_width;
			for (size_t j = 0; j < used; j++)
			{
				h[l][j] = x[j] = next[j];
				if (cell->drop != NULL)
					x[j] = cell->drop[(t * BATCH + window) * cell->width + j] ? 0
						: x[j] / (1 - (double) net->dropout);
			}
		}
		for (size_t j = 0; j < COLS; j++)
		{
			y[t][j] = p[net->bias + j];
			for (size_t i = 0; i < used; i++)
				y[t][j] += x[i] * p[net->head + i * net->out + j];
			for (size_t i = 0; i < COLS; i++)
				y[t][j] += (double) row[i] * p[net->direct + i * net->out + j];
		}
	}
}

static double
slow_loss(const nn_recurrent *net, const double *p, const float *target, const float *weight)
{
	double		sum = 0;

	for (size_t k = 0; k < BATCH; k++)
	{
		double		y[STEPS][COLS];

		slow_forecasts(net, p, k, y);
		for (size_t t = 0; t < STEPS; t++)
			for (size_t j = 0; j < COLS; j++)
				sum += (double) weight[t * BATCH + k] / COLS *
					pow(y[t][j] - (double) target[(t * BATCH + k) * net->out + j], 2);
	}
	return sum / (STEPS * BATCH);
}

static void
check_gradients(double dropout)
{
	static const uint32_t width[] = {9, 5};
	nn_recurrent *net = nn_recurrent_create(&h.ctx, COLS, width, 2, STEPS, BATCH, dropout, 5);
	float		target[STEPS * BATCH * 8] = {0};
	float		weight[STEPS * BATCH];
	double	   *p = h.ctx.alloc(&h.ctx, net->block.n * sizeof(double));
	double		loss,
				largest = 0;
	pga_rng		rng;

	pga_rng_seed(&rng, 3, 3);
	for (size_t i = 0; i < STEPS * BATCH; i++)
	{
		weight[i] = (float) pga_rng_below(&rng, 3);	/* windows may be short: 0 */
		for (size_t j = 0; j < COLS; j++)
		{
			net->x[i * net->out + j] = (float) pga_rng_normal(&rng);
			target[i * net->out + j] = (float) pga_rng_normal(&rng);
		}
	}
	for (size_t j = 0; j < COLS; j++)	/* no parameter at 0, which is what padding is */
		net->block.value[net->bias + j] = 0.2f;
	for (size_t l = 0; l < 2; l++)
		for (size_t k = 0; k < 4; k++)
			for (size_t j = 0; j < width[l]; j++)
				net->block.value[net->cell[l].bias + k * net->cell[l].width + j] = 0.3f;
	nn_recurrent_forward(&h.ctx, net, BATCH, true);
	loss = nn_square_error(net->y, target, STEPS * BATCH, COLS, net->out, weight, net->dy);
	nn_recurrent_backward(&h.ctx, net, BATCH);

	for (size_t i = 0; i < net->block.n; i++)
		p[i] = (double) net->block.value[i];
	assert_near(loss / (STEPS * BATCH), slow_loss(net, p, target, weight), 1e-5);
	for (size_t i = 0; i < net->block.n; i++)
	{
		double		was = p[i];
		double		up;

		if (was == 0)
		{
			assert_true(net->block.grad[i] == 0);
			continue;
		}
		p[i] = was + 1e-5;
		up = slow_loss(net, p, target, weight);
		p[i] = was - 1e-5;
		assert_near((double) net->block.grad[i],
					(up - slow_loss(net, p, target, weight)) / 2e-5, 1e-5);
		p[i] = was;
		largest = fmax(largest, fabs((double) net->block.grad[i]));
	}
	assert_true(largest > 0.05);
}

static void
gradients_are_right(void **state)
{
	(void) state;
	check_gradients(0);
	check_gradients(0.3);
}

/* ---- the detector ------------------------------------------------------------------- */

#define ROWS 3000

static float x[ROWS * COLS];
static uint64_t weight[ROWS];

static pga_matrix
matrix(const uint32_t *series, size_t nseries)
{
	for (size_t i = 0; i < ROWS; i++)
		weight[i] = 1;
	return (pga_matrix) {
		.x = x, .weight = weight, .rows = ROWS, .cols = COLS, .series = series, .nseries = nseries
	};
}

static pga_params
params(double smoothing)
{
	pga_params	p = default_params(pga_detector_by_name(&h.ctx, "lstm"));
	const double layers[] = {16};

	pga_params_set_sizes(&h.ctx, &p, "layers", layers, 1);
	pga_params_set_number(&h.ctx, &p, "smoothing", smoothing);
	return p;
}

/* A wave of 20 rows, and the same a quarter later, with a tenth of noise. */
static void
wave(pga_rng *rng, size_t from, size_t to)
{
	const double turn = 6.28318530717958647692;

	for (size_t i = from; i < to; i++)
		for (size_t j = 0; j < COLS; j++)
			x[i * COLS + j] = (float) (1.4 * sin(turn * ((double) i / 20 - (double) j / 4)) +
									   0.1 * pga_rng_normal(rng));
}

/*
 * Noise of a tenth cannot be foreseen: a forecaster that learnt the wave has
 * errors of about that; of a normal error in deviations the mean of the absolute
 * value is sqrt(2 / pi).  A row that
 * repeats the one before it is nothing odd in itself, but in the wrong place.
 */
static void
forecasts_come_down_to_the_noise(void **state)
{
	static const uint32_t series[] = {0, 1000, 3000};
	static double score[200];
	pga_params	p = params(1);
	pga_matrix	m = matrix(series, 2);
	pga_report	report = {0};
	const pga_note *loss = NULL;
	double		best = INFINITY;
	double		sum = 0;
	void	   *fitted;
	pga_rng		rng;

	(void) state;
	pga_rng_seed(&rng, 4, 4);
	wave(&rng, 0, ROWS);
	fitted = p.detector->fit(&h.ctx, &m, &p, &report);
	for (size_t i = 0; i < report.nnotes; i++)
		if (strcmp(report.notes[i].name, "validation_loss") == 0)
			loss = &report.notes[i];
	assert_non_null(loss);
	for (size_t i = 0; i < loss->n; i++)
		best = fmin(best, loss->value[i]);
	/* 0.01 is the variance of the noise; the first rows of a window cannot do as well. */
	assert_true(best > 0.008 && best < 0.04);

	wave(&rng, 0, 240);
	memcpy(x + 200 * COLS, x + 190 * COLS, COLS * sizeof(float));	/* half a turn off */
	p.detector->score_series(fitted, x + 8 * COLS, 232, 32, score,
							 h.ctx.alloc(&h.ctx, p.detector->scratch_bytes(fitted, 200)));
	for (size_t i = 0; i < 160; i++)
		sum += score[i] / 160;
	assert_near(sum, sqrt(2 / 3.14159265358979), 0.2);
	assert_true(score[160] > 8);
}

/* Only `window` rows count, however many there are, and the score is a mean. */
static void
a_row_is_judged_from_its_window(void **state)
{
	static const uint32_t series[] = {0, 3000};
	double		one[60],
				five[60];
	pga_params	p = params(1);
	pga_params	q = params(5);
	pga_matrix	m = matrix(series, 1);
	pga_report	report = {0};
	void	   *fitted,
			   *smooth,
			   *scratch;
	pga_rng		rng;

	(void) state;
	pga_params_set_number(&h.ctx, &p, "epochs", 2);
	pga_params_set_number(&h.ctx, &q, "epochs", 2);
	pga_rng_seed(&rng, 5, 5);
	wave(&rng, 0, ROWS);
	fitted = p.detector->fit(&h.ctx, &m, &p, &report);
	smooth = q.detector->fit(&h.ctx, &m, &q, &report);
	scratch = h.ctx.alloc(&h.ctx, p.detector->scratch_bytes(fitted, 60));
	assert_int_equal(p.detector->history(fitted), 32);
	p.detector->score_series(fitted, x, 60, 0, one, scratch);
	for (size_t i = 1; i < 60; i++)
	{
		size_t		context = i < 32 ? i : 32;
		double		alone;

		p.detector->score_series(fitted, x + (i - context) * COLS, context + 1, context, &alone, scratch);
		assert_bits_equal(alone, one[i]);
	}
	/* In the first 32 rows a window is all there is: each forecast is in the next one's too. */
	q.detector->score_series(smooth, x, 60, 0, five, scratch);
	for (size_t i = 5; i < 32; i++)
	{
		double		sum = 0;

		for (size_t k = 0; k < 5; k++)
			sum += one[i - k];
		assert_near(five[i], sum / 5, 1e-6);
	}
}

/* The parts of the score's square, and the wave as it should have gone on. */
static void
the_column_that_is_off_is_blamed(void **state)
{
	static const uint32_t series[] = {0, 3000};
	pga_params	p = params(5);
	pga_matrix	m = matrix(series, 1);
	pga_report	report = {0};
	void	   *fitted,
			   *scratch;
	pga_rng		rng;

	(void) state;
	pga_rng_seed(&rng, 6, 6);
	wave(&rng, 0, ROWS);
	fitted = p.detector->fit(&h.ctx, &m, &p, &report);
	scratch = h.ctx.alloc(&h.ctx, p.detector->scratch_bytes(fitted, 60));
	x[59 * COLS + 1] += 5;
	for (size_t i = 0; i < 60; i++)
	{
		size_t		back = i < 32 ? i : 32;
		double		share[COLS],
					expected[COLS],
					score;

		p.detector->score_series(fitted, x + (i - back) * COLS, back + 1, back, &score, scratch);
		p.detector->explain_series(fitted, x + (i - back) * COLS, back + 1, share, expected, scratch);
		assert_near(share[0] + share[1], score, 1e-6 * score);
		if (i < 59)
			continue;
		assert_true(share[1] > 3 * share[0]);
		assert_near(expected[0], x[59 * COLS], 0.4);
		assert_near(expected[1], x[59 * COLS + 1] - 5, 0.4);
	}
}

static void
memory_is_as_announced(void **state)
{
	static const uint32_t series[] = {0, 10, 11, 3000};

	(void) state;
	for (int k = 0; k < 3; k++)
	{
		const double layers[] = {k == 0 ? 1 : 60, 20};
		pga_params	p = params(1);
		pga_matrix	m = matrix(series, 3);
		pga_report	report = {0};
		size_t		announced;

		pga_params_set_sizes(&h.ctx, &p, "layers", layers, 2);
		pga_params_set_number(&h.ctx, &p, "epochs", 1);
		pga_params_set_number(&h.ctx, &p, "dropout", k == 2 ? 0.2 : 0);
		pga_params_set_number(&h.ctx, &p, "window", k == 1 ? 1 : 50);
		announced = p.detector->fit_bytes(&h.ctx, &m, &p);
		h.taken = 0;
		p.detector->fit(&h.ctx, &m, &p, &report);
		assert_true(h.taken <= announced);
		assert_true(announced < 3 * h.taken + 100000);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(gradients_are_right),
		TEST(forecasts_come_down_to_the_noise),
		TEST(a_row_is_judged_from_its_window),
		TEST(the_column_that_is_off_is_blamed),
		TEST(memory_is_as_announced),
	};

	return cmocka_run_group_tests_name("lstm", tests, NULL, NULL);
}
