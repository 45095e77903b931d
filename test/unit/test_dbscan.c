/*
 * test_dbscan.c - core points, clusters, noise and scores against DBSCAN done
 * by its definition, every pair of rows looked at.
 */
#include "fixture.h"

#include "rng.h"

#define ROWS 600
#define MIN_POINTS 8

static const pga_detector *dbscan;
static float x[ROWS][2];
static uint64_t weight[ROWS];

static double
note(const pga_report *report, const char *name)
{
	for (size_t i = 0; i < report->nnotes; i++)
		if (strcmp(report->notes[i].name, name) == 0)
			return report->notes[i].value[0];
	fail_msg("no note \"%s\"", name);
	return 0;
}

/* Two blobs, a ring around the second, and rows anywhere. */
static pga_matrix
make_rows(void)
{
	pga_rng		rng;

	pga_rng_seed(&rng, 11, 0);
	for (size_t i = 0; i < ROWS; i++)
	{
		double		angle = 6.2831853 * (double) i / ROWS;
		double		far = i % 4 == 0 ? 0 : i % 4 == 1 ? 10 : i % 4 == 2 ? 10 + 4 * cos(angle) : 0;
		double		up = i % 4 == 2 ? 4 * sin(angle) : 0;

		x[i][0] = (float) (far + 0.3 * pga_rng_normal(&rng));
		x[i][1] = (float) (up + 0.3 * pga_rng_normal(&rng));
		if (i % 20 == 3)
			for (size_t j = 0; j < 2; j++)
				x[i][j] = (float) (40 * pga_rng_real(&rng) - 20);
		weight[i] = i % 50 == 7 ? 3 : 1;
	}
	return (pga_matrix) {.x = x[0],.weight = weight,.rows = ROWS,.cols = 2};
}

static double
distance(const float *a, const float *b)
{
	return sqrt(pow((double) a[0] - (double) b[0], 2) + pow((double) a[1] - (double) b[1], 2));
}

static double
score(const void *f, const float *row)
{
	double		out;

	dbscan->score(f, row, 1, &out, h.ctx.alloc(&h.ctx, dbscan->scratch_bytes(f, 1)));
	return out;
}

static void
mark_cores(double eps, bool *core)
{
	for (size_t i = 0; i < ROWS; i++)
	{
		uint64_t	n = 0;

		for (size_t k = 0; k < ROWS; k++)
			n += distance(x[i], x[k]) <= eps ? weight[k] : 0;
		core[i] = n >= MIN_POINTS;
	}
}

/* Spreads a label to all core points that can be reached from row i. */
static void
spread(size_t i, double eps, const bool *core, bool *seen)
{
	seen[i] = true;
	for (size_t k = 0; k < ROWS; k++)
		if (core[k] && !seen[k] && distance(x[i], x[k]) <= eps)
			spread(k, eps, core, seen);
}

static double
to_nearest_core(const float *row, const bool *core)
{
	double		d = INFINITY;

	for (size_t i = 0; i < ROWS; i++)
		if (core[i])
			d = fmin(d, distance(row, x[i]));
	return d;
}

static void
all_is_as_defined(void **state)
{
	static const double radii[] = {0.2, 0.45, 1, 3};
	pga_matrix	m = make_rows();

	(void) state;
	for (size_t r = 0; r < 4; r++)
	{
		double		eps = radii[r];
		pga_params	p = default_params(dbscan);
		pga_report	report = {0};
		bool		core[ROWS];
		bool		seen[ROWS] = {0};
		double		noise = 0;
		double		total = 0;
		size_t		clusters = 0;
		size_t		cores = 0;
		const void *f;

		mark_cores(eps, core);
		pga_params_set_number(&h.ctx, &p, "eps", eps);
		pga_params_set_number(&h.ctx, &p, "min_points", MIN_POINTS);
		f = dbscan->fit(&h.ctx, &m, &p, &report);
		for (size_t i = 0; i < ROWS; i++)
		{
			double		d = to_nearest_core(x[i], core);

			if (core[i] && !seen[i])
			{
				clusters++;
				spread(i, eps, core, seen);
			}
			cores += core[i];
			noise += d > eps ? (double) weight[i] : 0;
			total += (double) weight[i];
			assert_near(score(f, x[i]), d / eps, 1e-4);
		}
		assert_true(note(&report, "core_points") == (double) cores);
		assert_true(note(&report, "clusters") == (double) clusters);
		assert_near(note(&report, "noise"), noise / total, 1e-9);
		assert_true(note(&report, "cover") == 0);
	}
}

/* Two blobs, the ring and little noise are what is to be seen in the rows. */
static void
eps_is_chosen(void **state)
{
	pga_matrix	m = make_rows();
	pga_params	p = default_params(dbscan);
	pga_report	report = {0};
	const void *f = dbscan->fit(&h.ctx, &m, &p, &report);
	static const float far[2] = {-15, 15};
	static const float inside[2] = {10.1f, 0.1f};

	(void) state;
	assert_true(note(&report, "noise") > 0.005 && note(&report, "noise") < 0.06);
	assert_true(score(f, far) > 3);
	assert_true(score(f, inside) < 0.5);
}

/* Thinned, a score is the exact one or higher, by no more than the cover. */
static void
thinning_keeps_its_promise(void **state)
{
	pga_matrix	m = make_rows();
	pga_params	p = default_params(dbscan);
	pga_report	report = {0};
	pga_report	thin_report = {0};
	const void *exact,
			   *thin;
	double		cover;

	(void) state;
	exact = dbscan->fit(&h.ctx, &m, &p, &report);
	pga_params_set_number(&h.ctx, &p, "max_core_points", 100);
	thin = dbscan->fit(&h.ctx, &m, &p, &thin_report);
	cover = note(&thin_report, "cover");
	assert_true(note(&report, "core_points") > 400 && cover > 0 && cover < 1);
	for (size_t i = 0; i < ROWS; i++)
	{
		assert_true(score(thin, x[i]) >= score(exact, x[i]));
		assert_true(score(thin, x[i]) <= score(exact, x[i]) + cover * 1.0001);
	}
}

/* Of 6000 rows ten lie apart: a cluster among all, noise in a sample of 600. */
static void
samples_thin_out_what_is_rare(void **state)
{
	float	   *many = h.ctx.alloc(&h.ctx, 6000 * 2 * sizeof(float));
	uint64_t   *ones = h.ctx.alloc(&h.ctx, 6000 * sizeof(uint64_t));
	pga_matrix	m = {.x = many,.weight = ones,.rows = 6000,.cols = 2};
	pga_params	p = default_params(dbscan);
	pga_rng		rng;

	(void) state;
	pga_rng_seed(&rng, 7, 0);
	for (size_t i = 0; i < 6000; i++)
	{
		many[2 * i] = (float) pga_rng_normal(&rng) * 0.3f + (i % 600 == 5 ? 20 : 0);
		many[2 * i + 1] = (float) pga_rng_normal(&rng) * 0.3f;
		ones[i] = 1;
	}
	pga_params_set_number(&h.ctx, &p, "eps", 1);
	for (int sampled = 0; sampled < 2; sampled++)
	{
		pga_report	report = {0};
		const void *f;

		pga_params_set_number(&h.ctx, &p, "sample_size", sampled ? 600 : 6000);
		f = dbscan->fit(&h.ctx, &m, &p, &report);
		assert_int_equal((int) note(&report, "clusters"), sampled ? 1 : 2);
		assert_true(note(&report, "core_points") > (sampled ? 500 : 5500));
		assert_true(note(&report, "core_points") <= (sampled ? 600 : 6000));
		assert_true(sampled ? score(f, many + 10) > 15 : score(f, many + 10) < 0.1);
	}
}

static void
no_core_point_is_an_error(void **state)
{
	static pga_matrix m;
	static pga_params p;
	static pga_report report;

	(void) state;
	m = make_rows();
	p = default_params(dbscan);
	pga_params_set_number(&h.ctx, &p, "eps", 0.001);
	assert_fails(PGA_ERR_OPTION_VALUE, dbscan->fit(&h.ctx, &m, &p, &report));
	assert_non_null(strstr(h.message, "no row has 10 rows within an eps of 0.001"));
}

/* Equal rows only: an eps above 0 all the same. */
static void
heaps_of_equal_rows(void **state)
{
	pga_matrix	m = make_rows();
	pga_params	p = default_params(dbscan);
	pga_report	report = {0};
	const void *f;

	(void) state;
	for (size_t i = 0; i < ROWS; i++)
	{
		x[i][0] = (float) (i % 3);
		x[i][1] = 0;
		weight[i] = 1000000;
	}
	f = dbscan->fit(&h.ctx, &m, &p, &report);
	assert_true(note(&report, "eps") > 0 && isfinite(score(f, x[0])));
	assert_true(score(f, x[0]) == 0);
}

static void
little_memory_means_a_sample(void **state)
{
	pga_matrix	m = make_rows();
	pga_params	p = default_params(dbscan);
	pga_report	report = {0};
	float	   *many = h.ctx.alloc(&h.ctx, 8 * sizeof(x));
	uint64_t   *ones = h.ctx.alloc(&h.ctx, 8 * sizeof(weight));

	(void) state;
	for (size_t i = 0; i < 8 * ROWS; i++)
	{
		memcpy(many + 2 * i, x[i % ROWS], sizeof(x[0]));
		many[2 * i] += (float) i * 1e-6f;
		ones[i] = 1;
	}
	m = (pga_matrix) {.x = many,.weight = ones,.rows = 8 * ROWS,.cols = 2};
	h.ctx.memory_limit = 500000;
	dbscan->fit(&h.ctx, &m, &p, &report);
	assert_non_null(strstr(h.warnings, " of 4800 rows, chosen at random: more would not fit into the limit of 488 kB"));
	m = (pga_matrix) {.rows = 8 * ROWS,.cols = 2};
	assert_true(dbscan->fit_bytes(&h.ctx, &m, &p) < 500000);
}

static int
find_dbscan(void **state)
{
	(void) state;
	host_init(&h);
	dbscan = pga_detector_by_name(&h.ctx, "dbscan");
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_is_as_defined),
		TEST(eps_is_chosen),
		TEST(thinning_keeps_its_promise),
		TEST(samples_thin_out_what_is_rare),
		TEST(no_core_point_is_an_error),
		TEST(heaps_of_equal_rows),
		TEST(little_memory_means_a_sample),
	};

	return cmocka_run_group_tests_name("dbscan", tests, find_dbscan, NULL);
}
