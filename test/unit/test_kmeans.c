/*
 * test_kmeans.c - k-means against clusters that are known, an optimum found
 * by trying everything, and the score's definition.
 */
#include "fixture.h"

#include "rng.h"

static const pga_detector *kmeans;


static double
note(const pga_report *report, const char *name)
{
	for (size_t i = 0; i < report->nnotes; i++)
		if (strcmp(report->notes[i].name, name) == 0)
			return report->notes[i].value[0];
	fail_msg("no note \"%s\"", name);
	return 0;
}

static double
score(const void *fitted, const float *x)
{
	double		out;

	kmeans->score(fitted, x, 1, &out, NULL);
	return out;
}

#define BLOB 100

/* Blobs of BLOB rows of deviation 1 around (0, 0), (50, 0), (0, 50), (50, 50). */
static float *
blobs(size_t n)
{
	float	   *x = h.ctx.alloc(&h.ctx, n * BLOB * 2 * sizeof(float));
	pga_rng		rng;

	pga_rng_seed(&rng, 5, 0);
	for (size_t i = 0; i < n * BLOB; i++)
	{
		x[2 * i] = (float) ((double) (i % n % 2 * 50) + pga_rng_normal(&rng));
		x[2 * i + 1] = (float) ((double) (i % n / 2 % 2 * 50) + pga_rng_normal(&rng));
	}
	return x;
}

static pga_matrix
matrix(const float *x, size_t rows, size_t cols)
{
	uint64_t   *weight = h.ctx.alloc(&h.ctx, rows * sizeof(uint64_t));

	for (size_t i = 0; i < rows; i++)
		weight[i] = 1;
	return (pga_matrix) {.x = x, .weight = weight, .rows = rows, .cols = cols};
}

/* Squared distance in spreads of all rows, and what a cluster of so few rows adds. */
static void
scores_follow_the_definition(void **state)
{
	pga_matrix	m = matrix(blobs(4), 4 * BLOB, 2);
	pga_params	p = default_params(kmeans);
	pga_report	report = {0};
	double		mean[4][2] = {{0}};
	double		squares[4] = {0};
	double		all = 0;
	const void *f;

	(void) state;
	pga_params_set_number(&h.ctx, &p, "k", 4);
	pga_params_set_number(&h.ctx, &p, "core_share", 1);
	f = kmeans->fit(&h.ctx, &m, &p, &report);
	for (size_t i = 0; i < m.rows; i++)
		for (size_t j = 0; j < 2; j++)
			mean[i % 4][j] += (double) m.x[2 * i + j] / BLOB;
	for (size_t i = 0; i < m.rows; i++)
		squares[i % 4] += pow((double) m.x[2 * i] - mean[i % 4][0], 2) +
			pow((double) m.x[2 * i + 1] - mean[i % 4][1], 2);
	for (size_t k = 0; k < 4; k++)
		all += squares[k];
	all /= 4 * BLOB;
	assert_near(note(&report, "mean_squared_distance"), all, 1e-5);
	for (size_t i = 0; i < m.rows; i++)
	{
		size_t		k = i % 4;
		double		d = hypot((double) m.x[2 * i] - mean[k][0], (double) m.x[2 * i + 1] - mean[k][1]);

		assert_near(score(f, m.x + 2 * i), sqrt(d * d / all + 2 * log(4) / 2), 1e-4);
	}
}

/* Occurrences count: a row of weight 3 pulls as three rows do. */
static void
weights_count(void **state)
{
	const float x[] = {0, 4, 100, 101};
	const uint64_t weight[] = {3, 1, 1, 1};
	pga_matrix	m = {.x = x, .weight = weight, .rows = 4, .cols = 1};
	pga_params	p = default_params(kmeans);
	pga_report	report = {0};
	const float centre = 1;

	(void) state;
	pga_params_set_number(&h.ctx, &p, "k", 2);
	pga_params_set_number(&h.ctx, &p, "core_share", 1);
	assert_near(score(kmeans->fit(&h.ctx, &m, &p, &report), &centre), sqrt(2 * log(6.0 / 4)), 1e-6);
	assert_near(note(&report, "mean_squared_distance"), (3 * 1 + 9 + 0.5) / 6, 1e-6);
}

#define POINTS 60

static double
run_cost(const float *x, size_t from, size_t to)
{
	double		mean = 0;
	double		cost = 0;

	for (size_t i = from; i < to; i++)
		mean += (double) x[i] / (double) (to - from);
	for (size_t i = from; i < to; i++)
		cost += ((double) x[i] - mean) * ((double) x[i] - mean);
	return cost;
}

/* On a line the best three clusters are runs: try all of them. */
static void
restarts_find_the_optimum(void **state)
{
	float		x[POINTS] = {0};
	pga_matrix	m = matrix(x, POINTS, 1);
	pga_params	p = default_params(kmeans);
	pga_report	report = {0};
	double		best = INFINITY;

	(void) state;
	for (size_t i = 0; i < POINTS; i++)
		x[i] = (float) (i * i % 97) + (i < 20 ? 0 : 60);
	pga_params_set_number(&h.ctx, &p, "k", 3);
	pga_params_set_number(&h.ctx, &p, "restarts", 20);
	kmeans->fit(&h.ctx, &m, &p, &report);
	for (size_t i = 1; i < POINTS; i++)	/* insertion sort */
		for (size_t j = i; j > 0 && x[j - 1] > x[j]; j--)
		{
			float		swap = x[j];

			x[j] = x[j - 1];
			x[j - 1] = swap;
		}
	for (size_t a = 1; a < POINTS; a++)
		for (size_t b = a + 1; b < POINTS; b++)
			best = fmin(best, run_cost(x, 0, a) + run_cost(x, a, b) + run_cost(x, b, POINTS));
	assert_near(note(&report, "mean_squared_distance"), best / POINTS, best / POINTS * 0.02);
}

static void
k_is_chosen(void **state)
{
	pga_params	p = default_params(kmeans);

	(void) state;
	pga_params_set_number(&h.ctx, &p, "k", 0);
	for (size_t n = 2; n <= 4; n++)
	{
		pga_matrix	m = matrix(blobs(n), n * BLOB, 2);
		pga_report	report = {0};

		kmeans->fit(&h.ctx, &m, &p, &report);
		assert_int_equal((int) note(&report, "clusters"), n);
	}
}

/* Ten equal attacks get a centre, but are not what is normal. */
static void
small_clusters_are_no_refuge(void **state)
{
	float	   *x = blobs(4);
	pga_matrix	m = matrix(x, 4 * BLOB, 2);
	pga_params	p = default_params(kmeans);
	pga_report	report = {0};

	(void) state;
	for (size_t i = 0; i < 10; i++)
		x[2 * i] = x[2 * i + 1] = 500 + (float) i / 100;
	pga_params_set_number(&h.ctx, &p, "k", 5);
	pga_params_set_number(&h.ctx, &p, "core_share", 1);
	assert_near(score(kmeans->fit(&h.ctx, &m, &p, &report), x), sqrt(log(4 * BLOB / 10.0)), 1e-3);
	pga_params_set_number(&h.ctx, &p, "core_share", 0.9);
	report = (pga_report) {0};
	assert_true(score(kmeans->fit(&h.ctx, &m, &p, &report), x) > 100);
	assert_int_equal((int) note(&report, "core_clusters"), 4);
}

static void
mini_batches_come_near(void **state)
{
	pga_matrix	m = matrix(blobs(400), 400 * BLOB, 2);
	pga_params	p = default_params(kmeans);
	double		cost[2];

	(void) state;
	pga_params_set_number(&h.ctx, &p, "k", 4);
	for (int i = 0; i < 2; i++)
	{
		pga_report	report = {0};

		pga_params_set_number(&h.ctx, &p, "mini_batch_rows", i == 0 ? 1000 : 1e6);
		kmeans->fit(&h.ctx, &m, &p, &report);
		cost[i] = note(&report, "mean_squared_distance");
	}
	assert_near(cost[0], cost[1], 0.01 * cost[1]);
	assert_true(cost[0] != cost[1]);
}

static void
fewer_rows_than_clusters(void **state)
{
	const float x[] = {1, 1, 2, 2};
	pga_matrix	m = matrix(x, 4, 1);
	pga_params	p = default_params(kmeans);
	pga_report	report = {0};

	(void) state;
	kmeans->fit(&h.ctx, &m, &p, &report);
	assert_int_equal((int) note(&report, "clusters"), 2);
	assert_non_null(strstr(h.warnings, "option \"k\" is 8, but there are only 2 different rows"));
}

static int
find_kmeans(void **state)
{
	(void) state;
	host_init(&h);
	kmeans = pga_detector_by_name(&h.ctx, "kmeans");
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(scores_follow_the_definition),
		TEST(weights_count),
		TEST(restarts_find_the_optimum),
		TEST(k_is_chosen),
		TEST(small_clusters_are_no_refuge),
		TEST(mini_batches_come_near),
		TEST(fewer_rows_than_clusters),
	};

	return cmocka_run_group_tests_name("kmeans", tests, find_kmeans, NULL);
}
