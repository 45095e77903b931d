/*
 * test_lof.c - the local outlier factor against scikit-learn, against the
 * paper's definition done slowly, and on heaps of equal rows.
 */
#include "fixture.h"

#include "rng.h"

static const pga_detector *lof;

static pga_matrix
matrix(const float *x, size_t rows, size_t cols)
{
	uint64_t   *weight = h.ctx.alloc(&h.ctx, rows * sizeof(uint64_t));

	for (size_t i = 0; i < rows; i++)
		weight[i] = 1;
	return (pga_matrix) {.x = x, .weight = weight, .rows = rows, .cols = cols};
}

static const void *
fit(const pga_matrix *m, unsigned least, unsigned greatest)
{
	pga_params	p = default_params(lof);
	pga_report	report = {0};

	pga_params_set_number(&h.ctx, &p, "neighbours", least);
	pga_params_set_number(&h.ctx, &p, "max_neighbours", greatest);
	return lof->fit(&h.ctx, m, &p, &report);
}

static double
score(const void *f, const float *x)
{
	double		out;

	lof->score(f, x, 1, &out, h.ctx.alloc(&h.ctx, lof->scratch_bytes(f, 1)));
	return out;
}

/*
 * scikit-learn 1.2.1, the four points of its manual:
 * -LocalOutlierFactor(2, novelty=True).fit(x).score_samples([[.25], [5], [50]])
 */
static void
scores_as_scikit_learn(void **state)
{
	static const float x[] = {-1.1f, 0.2f, 101.1f, 0.3f};
	static const float query[] = {0.25f, 5, 50};
	static const double want[] = {0.98214286, 3.45568783, 36.19378307};
	pga_matrix	m = matrix(x, 4, 1);
	const void *f = fit(&m, 2, 2);

	(void) state;
	for (size_t i = 0; i < 3; i++)
		assert_near(score(f, query + i), want[i], 1e-5);
}

#define ROWS 200
#define COLS 3
#define K 7

static double
distance(const float *a, const float *b)
{
	double		sum = 0;

	for (size_t j = 0; j < COLS; j++)
		sum += pow((double) a[j] - (double) b[j], 2);
	return sqrt(sum);
}

/* The K rows of x nearest to p but row number skip; the farthest one's distance. */
static double
nearest(const float *x, const float *p, size_t skip, size_t *found)
{
	bool		taken[ROWS] = {0};
	double		last = 0;

	for (size_t k = 0; k < K; k++)
	{
		size_t		best = ROWS;

		for (size_t i = 0; i < ROWS; i++)
			if (i != skip && !taken[i] &&
				(best == ROWS || distance(x + i * COLS, p) < distance(x + best * COLS, p)))
				best = i;
		taken[best] = true;
		found[k] = best;
		last = distance(x + best * COLS, p);
	}
	return last;
}

static double
lrd(const float *x, const float *p, size_t skip)
{
	size_t		found[K];
	size_t		other[K];
	double		sum = 0;

	nearest(x, p, skip, found);
	for (size_t k = 0; k < K; k++)
	{
		const float *o = x + found[k] * COLS;

		sum += fmax(nearest(x, o, found[k], other), distance(o, p));
	}
	return K / sum;
}

/* Breunig et al. 2000, definitions 3 to 7, for a row that is not among the others. */
static double
slow_lof(const float *x, const float *p)
{
	size_t		found[K];
	double		sum = 0;

	nearest(x, p, ROWS, found);
	for (size_t k = 0; k < K; k++)
		sum += lrd(x, x + found[k] * COLS, found[k]);
	return sum / K / lrd(x, p, ROWS);
}

static float *
cloud(size_t n)
{
	float	   *x = h.ctx.alloc(&h.ctx, n * COLS * sizeof(float));
	pga_rng		rng;

	pga_rng_seed(&rng, 3, 0);
	for (size_t i = 0; i < n * COLS; i++)
		x[i] = (float) pga_rng_normal(&rng) * (i % 2 ? 1 : 10);
	return x;
}

static void
scores_as_defined(void **state)
{
	float	   *x = cloud(ROWS + 40);
	pga_matrix	m = matrix(x, ROWS, COLS);
	const void *f = fit(&m, K, K);

	(void) state;
	for (size_t i = ROWS; i < ROWS + 40; i++)
		assert_near(score(f, x + i * COLS), slow_lof(x, x + i * COLS), 1e-5);
}

/* A row of weight w scores and counts as w equal rows. */
static void
weights_are_points(void **state)
{
	float	   *x = cloud(ROWS);
	float	   *many = h.ctx.alloc(&h.ctx, ROWS * 3 * COLS * sizeof(float));
	pga_matrix	m = matrix(x, ROWS, COLS);
	uint64_t   *weight = h.ctx.alloc(&h.ctx, ROWS * sizeof(uint64_t));
	const void *f,
			   *g;
	size_t		n = 0;

	(void) state;
	for (size_t i = 0; i < ROWS; i++)
	{
		weight[i] = 1 + i % 3;
		for (uint64_t k = 0; k < weight[i]; k++)
			memcpy(many + n++ * COLS, x + i * COLS, COLS * sizeof(float));
	}
	m.weight = weight;
	f = fit(&m, 10, 30);
	m = matrix(many, n, COLS);
	g = fit(&m, 10, 30);
	for (size_t i = 0; i < ROWS; i++)
		assert_near(score(f, x + i * COLS), score(g, x + i * COLS), 1e-5);
}

/* More equal rows than neighbours: a row almost equal to them is no outlier, one far off is. */
static void
heaps_of_equal_rows(void **state)
{
	float	   *x = cloud(ROWS);
	pga_matrix	m = matrix(x, ROWS, COLS);
	uint64_t   *weight = h.ctx.alloc(&h.ctx, ROWS * sizeof(uint64_t));
	const void *f;
	float		p[COLS];

	(void) state;
	for (size_t i = 0; i < ROWS; i++)
		weight[i] = i < 5 ? 1000 : 1;
	m.weight = weight;
	f = fit(&m, 10, 10);
	for (size_t i = 0; i < 5; i++)
	{
		memcpy(p, x + i * COLS, sizeof(p));
		assert_near(score(f, p), 1, 1e-5);
		p[0] += 1e-4f;
		assert_near(score(f, p), 1, 1e-3);
		p[0] += 100;
		assert_true(score(f, p) > 3 && score(f, p) < 1000);
	}
}

static void
a_range_takes_the_greatest(void **state)
{
	float	   *x = cloud(ROWS + 20);
	pga_matrix	m = matrix(x, ROWS, COLS);
	const void *range = fit(&m, 8, 32);
	const void *low = fit(&m, 8, 8);
	const void *middle = fit(&m, 16, 16);
	const void *high = fit(&m, 32, 32);

	(void) state;
	for (size_t i = ROWS; i < ROWS + 20; i++)
	{
		const float *p = x + i * COLS;

		assert_near(score(range, p), fmax(score(low, p), fmax(score(middle, p), score(high, p))), 1e-6);
	}
}

static void
few_rows_lower_the_neighbours(void **state)
{
	static const float x[] = {1, 2, 3, 4, 5, 6};
	static const float p = 3.5f;
	pga_matrix	m = matrix(x, 6, 1);

	(void) state;
	assert_near(score(fit(&m, 20, 50), &p), score(fit(&m, 5, 5), &p), 0);
	assert_non_null(strstr(h.warnings, "option \"neighbours\" is 20, but there are only 5 other rows"));
}

static int
find_lof(void **state)
{
	(void) state;
	host_init(&h);
	lof = pga_detector_by_name(&h.ctx, "lof");
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(scores_as_scikit_learn),
		TEST(scores_as_defined),
		TEST(weights_are_points),
		TEST(heaps_of_equal_rows),
		TEST(a_range_takes_the_greatest),
		TEST(few_rows_lower_the_neighbours),
	};

	return cmocka_run_group_tests_name("lof", tests, find_lof, NULL);
}
