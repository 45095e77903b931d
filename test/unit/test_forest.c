/*
 * test_forest.c - the isolation forest against its papers, on hand-made
 * payloads (layout: isolation_forest.c) and on data with a known answer.
 */
#include "fixture.h"

#include "draw.h"

static const pga_detector *forest;

/* c(n) of Liu, Ting & Zhou 2008, equation 1. */
static double
c(double n)
{
	return 2 * (log(n - 1) + 0.5772156649) - 2 * (n - 1) / n;
}

static void
put_head(pga_buf *b, uint32_t trees, uint32_t sample, uint8_t depth, uint16_t level)
{
	pga_put_u32(b, trees);
	pga_put_u32(b, sample);
	pga_put_u8(b, depth);
	pga_put_u16(b, level);
}

static void
put_split(pga_buf *b, uint16_t column, float threshold)
{
	pga_put_u16(b, column);
	pga_put_f32(b, threshold);
}

static void
put_leaf(pga_buf *b, uint16_t rows)
{
	pga_put_u16(b, (uint16_t) (0x8000 | rows));
}

static const void *
load(const pga_buf *b, size_t cols)
{
	pga_reader	r = {b->ctx, b->data, b->data + b->len};
	const void *f = forest->load(&r, 1, &(pga_matrix) {.cols = cols});

	assert_ptr_equal(r.p, r.end);
	return f;
}

static double
score(const void *f, float x, float y)
{
	const float row[2] = {x, y};
	double		out;

	forest->score(f, row, 1, &out, h.ctx.alloc(&h.ctx, forest->scratch_bytes(f, 1)));
	return out;
}

/*
 *	         x < 2 ?
 *	    no /         \ yes
 *	  y < -1 ?      3 rows        256 rows, depth limit 8
 *	 no /  \ yes
 *	252    1 row
 *
 * Path lengths 2 + c(252), 2, 1 + c(3).
 */
static void
hand_made_tree(void **state)
{
	pga_buf		b = {.ctx = &h.ctx};
	const void *f;

	(void) state;
	put_head(&b, 1, 256, 8, 0);
	put_split(&b, 0, 2);
	put_split(&b, 1, -1);
	put_leaf(&b, 252);
	put_leaf(&b, 1);
	put_leaf(&b, 3);
	f = load(&b, 2);
	assert_near(score(f, 2, -1), pow(2, -(2 + c(252)) / c(256)), 1e-7);
	assert_near(score(f, 5, -1.5f), pow(2, -2 / c(256)), 1e-7);
	assert_near(score(f, 1.9999999f, 0), pow(2, -(1 + c(3)) / c(256)), 1e-7);
	assert_near(score(f, -INFINITY, 0), score(f, 1, 0), 0);
}

/* A tree that splits nothing: every path is c(n), every score one half. */
static void
average_path_scores_one_half(void **state)
{
	static const uint16_t sizes[] = {2, 3, 100, 256, 4096};

	(void) state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		pga_buf		b = {.ctx = &h.ctx};

		put_head(&b, 1, sizes[i], 8, 0);
		put_leaf(&b, sizes[i]);
		assert_near(score(load(&b, 1), 0, 0), 0.5, 1e-7);
	}
	/* c(256) by equation 1 with the paper's constant, worked out by hand. */
	assert_near(c(256), 10.2448, 5e-5);
}

/* One extended split, x + y/2 against 1; the head of a sound one is 0. */
static void
put_plane(pga_buf *b, uint16_t head)
{
	put_head(b, 1, 256, 8, 1);
	pga_put_u16(b, head);
	pga_put_f64(b, 1);
	pga_put_u16(b, 0);
	pga_put_f32(b, 1);
	pga_put_u16(b, 1);
	pga_put_f32(b, 0.5f);
	put_leaf(b, 255);
	put_leaf(b, 1);
}

/* Two trees: paths are averaged.  One extended tree. */
static void
trees_average_and_planes_split(void **state)
{
	pga_buf		b = {.ctx = &h.ctx};
	pga_buf		e = {.ctx = &h.ctx};
	const void *f;

	(void) state;
	put_head(&b, 2, 256, 8, 0);
	put_leaf(&b, 256);
	put_split(&b, 0, 0);
	put_leaf(&b, 255);
	put_leaf(&b, 1);
	assert_near(score(load(&b, 1), -1, 0), pow(2, -((c(256) + 1) / 2) / c(256)), 1e-7);

	put_plane(&e, 0);
	f = load(&e, 2);
	assert_near(score(f, 0.5f, 0.5f), pow(2, -1 / c(256)), 1e-7);
	assert_near(score(f, 0.5f, 1), pow(2, -(1 + c(255)) / c(256)), 1e-7);
}

static void
bad_trees_are_refused(void **state)
{
	static pga_buf b;

	(void) state;
	b = (pga_buf) {.ctx = &h.ctx};
	put_head(&b, 1, 256, 8, 0);
	put_split(&b, 2, 0);		/* two columns only */
	put_leaf(&b, 255);
	put_leaf(&b, 1);
	assert_fails(PGA_ERR_CORRUPT_MODEL, load(&b, 2));

	b = (pga_buf) {.ctx = &h.ctx};
	put_head(&b, 1, 256, 8, 0);
	put_leaf(&b, 255);			/* a row is missing */
	assert_fails(PGA_ERR_CORRUPT_MODEL, load(&b, 2));

	b = (pga_buf) {.ctx = &h.ctx};
	put_head(&b, 1, 256, 1, 0);
	put_split(&b, 0, 0);
	put_split(&b, 0, 1);		/* deeper than the limit */
	put_leaf(&b, 1);
	put_leaf(&b, 1);
	put_leaf(&b, 254);
	assert_fails(PGA_ERR_CORRUPT_MODEL, load(&b, 2));

	b = (pga_buf) {.ctx = &h.ctx};
	put_plane(&b, 1);
	assert_fails(PGA_ERR_CORRUPT_MODEL, load(&b, 2));
}

/* A cloud at the origin: the score rises with the distance from it, under
 * every depth, sample size and extension. */
static void
distance_shows(void **state)
{
	static const double levels[] = {0, 1};
	static const double samples[] = {64, 256, 300};
	float	   *x = h.ctx.alloc(&h.ctx, 4000 * sizeof(float));
	uint64_t   *weight = h.ctx.alloc(&h.ctx, 2000 * sizeof(uint64_t));
	pga_matrix	m = {.x = x, .weight = weight, .rows = 2000, .cols = 2};
	pga_rng		rng;

	(void) state;
	pga_rng_seed(&rng, 1, 0);
	for (size_t i = 0; i < 4000; i++)
		x[i] = (float) pga_rng_normal(&rng);
	for (size_t i = 0; i < 2000; i++)
		weight[i] = 1 + i % 3;
	for (size_t l = 0; l < 2; l++)
		for (size_t s = 0; s < 3; s++)
		{
			pga_params	p = default_params(forest);
			pga_report	report = {0};
			const void *f;

			pga_params_set_number(&h.ctx, &p, "extension_level", levels[l]);
			pga_params_set_number(&h.ctx, &p, "sample_size", samples[s]);
			f = forest->fit(&h.ctx, &m, &p, &report);
			assert_true(score(f, 0, 0) < 0.5);
			assert_true(score(f, 0, 0) < score(f, 2, 2));
			assert_true(score(f, 2, 2) < score(f, 4, -4));
			assert_true(score(f, 4, 4) > 0.6);
		}
}

/* Drawing as many rows as there are draws each as often as it occurs. */
static void
draws_are_without_replacement(void **state)
{
	static const uint64_t weight[] = {1, 5, 2, 40, 3, 1, 7};
	const pga_matrix m = {.weight = weight, .rows = 7, .cols = 1};
	size_t		row[59];
	pga_draw	draw;
	pga_rng		rng;

	(void) state;
	pga_draw_init(&h.ctx, &draw, &m, 1000);
	assert_int_equal(draw.n, 59);
	pga_rng_seed(&rng, 1, 0);
	for (int round = 0; round < 20; round++)
	{
		uint64_t	count[7] = {0};

		pga_draw_rows(&draw, &rng, row);
		for (size_t i = 0; i < 59; i++)
			count[row[i]]++;
		assert_memory_equal(count, weight, sizeof(weight));
	}
}

/* Of occurrences, exactly as many; each row its share of them, heaps to one. */
static void
draws_are_in_proportion(void **state)
{
	static const uint64_t weight[] = {1, 5, 2, 400, 3, 100000, 7};
	const pga_matrix m = {.weight = weight, .rows = 7, .cols = 1};
	double		mean[7] = {0};
	pga_rng		rng;

	(void) state;
	pga_rng_seed(&rng, 1, 0);
	for (size_t n = 1; n <= 200000; n *= 10)
		for (int round = 0; round < 2000; round++)
		{
			uint32_t	count[7];
			uint32_t	row[7];
			size_t		rows = pga_draw_occurrences(&h.ctx, &rng, &m, n, count, row);
			uint64_t	drawn = 0;

			for (size_t i = 0, k = 0; i < 7; i++)
			{
				drawn += count[i];
				assert_true(count[i] <= weight[i]);
				assert_true(count[i] == 0 ? k == rows || row[k] != i : row[k++] == i);
				if (n == 10000)
					mean[i] += count[i] / 2000.0;
			}
			assert_int_equal(drawn, n < 100418 ? n : 100418);
		}
	for (size_t i = 0; i < 7; i++)
	{
		double		share = (double) weight[i] * 10000 / 100418;

		assert_near(mean[i], share, 5 * sqrt(share / 2000) + 1e-9);
	}
}

static int
find_forest(void **state)
{
	(void) state;
	host_init(&h);
	forest = pga_detector_by_name(&h.ctx, "isolation_forest");
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hand_made_tree),
		TEST(average_path_scores_one_half),
		TEST(trees_average_and_planes_split),
		TEST(bad_trees_are_refused),
		TEST(distance_shows),
		TEST(draws_are_without_replacement),
		TEST(draws_are_in_proportion),
	};

	return cmocka_run_group_tests_name("forest", tests, find_forest, NULL);
}
