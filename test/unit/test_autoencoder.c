/*
 * test_autoencoder.c - rows on a plane and rows off it.
 */
#include "fixture.h"

#include "nn.h"

#define ROWS 1500
#define COLS 6

/* Six columns made of two numbers: the autoencoder can find the two. */
static void
plane_row(pga_rng *rng, float *row)
{
	static const float a[COLS] = {0.8f, -0.5f, 0.3f, 0.9f, -0.2f, 0.6f};
	static const float b[COLS] = {0.4f, 0.7f, -0.9f, 0.1f, 0.8f, -0.6f};
	float		s = (float) pga_rng_normal(rng);
	float		t = (float) pga_rng_normal(rng);

	for (size_t j = 0; j < COLS; j++)
		row[j] = a[j] * s + b[j] * t;
}

static void
rows_off_the_plane_stand_out(void **state)
{
	static float x[ROWS * COLS];
	static uint64_t weight[ROWS];
	static double score[ROWS],
				moved[ROWS];
	const double layers[] = {24, 2};
	pga_params	p = default_params(pga_detector_by_name(&h.ctx, "autoencoder"));
	pga_matrix	m = {.x = x, .weight = weight, .rows = ROWS, .cols = COLS};
	pga_report	report = {0};
	void	   *fitted,
			   *scratch;
	double		mean = 0;
	size_t		blamed = 0;
	size_t		above = 0;
	pga_rng		rng;

	(void) state;
	pga_rng_seed(&rng, 9, 9);
	for (size_t i = 0; i < ROWS; i++)
	{
		plane_row(&rng, x + i * COLS);
		weight[i] = 1;
	}
	pga_params_set_sizes(&h.ctx, &p, "layers", layers, 2);
	fitted = p.detector->fit(&h.ctx, &m, &p, &report);
	scratch = h.ctx.alloc(&h.ctx, p.detector->scratch_bytes(fitted, PGA_BLOCK));

	/* New rows of the plane are rebuilt: they vary by 0.75 a column. */
	for (size_t i = 0; i < ROWS; i++)
		plane_row(&rng, x + i * COLS);
	for (size_t i = 0; i < ROWS; i += 100)
		p.detector->score(fitted, x + i * COLS, 100, score + i, scratch);
	for (size_t i = 0; i < ROWS; i++)
		mean += score[i] / ROWS;
	assert_true(mean < 0.02);

	/* Moved off in one column by two deviations, they are not, and that column is to blame. */
	for (size_t i = 0; i < ROWS; i++)
	{
		double		share[COLS],
					expected[COLS];
		double		sum = 0;
		size_t		most = 0;

		x[i * COLS + i % COLS] += 2;
		p.detector->score(fitted, x + i * COLS, 1, moved + i, scratch);
		p.detector->explain_series(fitted, x + i * COLS, 1, share, expected, scratch);
		for (size_t j = 0; j < COLS; j++)
			sum += pow((double) x[i * COLS + j] - expected[j], 2) / COLS;
		assert_near(sum, moved[i], 1e-6 * moved[i]);
		for (size_t j = 1; j < COLS; j++)
			most = share[j] > share[most] ? j : most;
		blamed += most == i % COLS;
		above += moved[i] > 5 * mean;
	}
	assert_true(above > ROWS * 95 / 100);
	assert_true(blamed > ROWS * 2 / 3);
}

static void
shares_add_up_to_one(void **state)
{
	pga_params	p = default_params(pga_detector_by_name(&h.ctx, "autoencoder"));
	pga_model  *model = trained(&p, 400);
	size_t		n = pga_model_nfeatures(model);
	double		raw[TABLE_COLS],
				share[TABLE_COLS],
				sum = 0;

	(void) state;
	for (size_t j = 0; j < n; j++)
		raw[j] = NAN;			/* as expected */
	raw[0] = 1e9;
	pga_model_explain(model, &h.ctx, raw, share);
	for (size_t j = 0; j < n; j++)
		sum += share[j];
	assert_near(sum, 1, 1e-12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_off_the_plane_stand_out),
		TEST(shares_add_up_to_one),
	};

	return cmocka_run_group_tests_name("autoencoder", tests, NULL, NULL);
}
