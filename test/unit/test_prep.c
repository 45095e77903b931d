/*
 * test_prep.c - features as columns: logarithm, scaling, clipping, texts.
 */
#include "fixture.h"

#include <float.h>

#include "prep.h"

static const pga_param_spec no_params[] = {{NULL}};
static const pga_detector plain = {.name = "plain", .params = no_params};
static const pga_detector fussy = {
	.name = "fussy", .params = no_params,
	.wants = {PGA_SCALE_STANDARD, PGA_ENCODE_ONE_HOT, PGA_LOG1P_OF_SKEWED, 10}
};
static const pga_detector wide = {
	.name = "wide", .params = no_params,
	.wants = {PGA_SCALE_STANDARD, PGA_ENCODE_ONE_HOT, PGA_LOG1P_OF_WIDE, 10}
};

static const pga_feature features[] = {{"n", PGA_NUMERIC}, {"t", PGA_CATEGORICAL}};

/* n: 0 ... 99 and ten times 1e6; t: a 70 %, b 25 %, c 5 %. */
static pga_prep *
prepared(pga_params *p, uint32_t *used)
{
	pga_sampler *s = pga_sampler_create(&h.ctx, features, 2, p);
	pga_rows	rows = {.sampler = s};
	uint64_t   *weight;
	pga_item   *items = h.ctx.alloc(&h.ctx, 400 * sizeof(pga_item));

	for (size_t i = 0; i < 100; i++)
	{
		const char *t = i < 70 ? "a" : i < 95 ? "b" : "c";
		pga_cell	cells[2] = {{.number = i < 90 ? (double) i : 1e6}, {.text = t, .len = 1}};

		pga_sampler_add(s, cells);
	}
	rows.order = pga_sampler_order(s, &rows.n);
	weight = h.ctx.alloc(&h.ctx, rows.n * sizeof(uint64_t));
	for (size_t i = 0; i < rows.n; i++)
		weight[i] = s->count[rows.order[i]];
	rows.weight = weight;
	return pga_prep_fit(&h.ctx, &rows, p, used, items, items + 200);
}

static void
one_raw(const pga_prep *prep, double n, double code, float *x)
{
	pga_prep_rows(prep, (double[]) {n, code}, 1, x);
}

static void
texts_become_columns(void **state)
{
	pga_params	p = default_params(&fussy);
	uint32_t	used[2];
	float		x[8];
	pga_prep   *prep;

	(void) state;
	pga_params_set_text(&h.ctx, &p, "scaling", "none");
	prep = prepared(&p, used);
	assert_int_equal(prep->cols, 5);	/* n, a, b, c, any other */
	one_raw(prep, 0, 0, x);
	assert_memory_equal(x + 1, ((float[]) {1, 0, 0, 0}), 16);
	one_raw(prep, 0, 2, x);
	assert_memory_equal(x + 1, ((float[]) {0, 0, 1, 0}), 16);
	one_raw(prep, 0, -1, x);
	assert_memory_equal(x + 1, ((float[]) {0, 0, 0, 1}), 16);
	one_raw(prep, 0, NAN, x);		/* the most frequent */
	assert_memory_equal(x + 1, ((float[]) {1, 0, 0, 0}), 16);
}

/* Column a is 1 in 70 % of the rows: mean 0.7, deviation sqrt(0.21). */
static void
texts_are_standardised(void **state)
{
	pga_params	p = default_params(&fussy);
	uint32_t	used[2];
	float		x[8];

	(void) state;
	one_raw(prepared(&p, used), 0, 0, x);
	assert_near(x[1], 0.3 / sqrt(0.21), 1e-6);
	assert_near(x[2], -0.25 / sqrt(0.25 * 0.75), 1e-6);
}

static void
texts_in_order(void **state)
{
	pga_params	p = default_params(&plain);
	uint32_t	used[2];
	float		x[2];
	pga_prep   *prep;

	(void) state;
	pga_params_set_text(&h.ctx, &p, "encoding", "ordinal");
	prep = prepared(&p, used);
	for (int k = -1; k < 3; k++)
	{
		one_raw(prep, 0, k, x);
		assert_near(x[1], k, 0);
	}
}

/* The mean of ln(1 + n) by summing it here; far values grow with their logarithm. */
static void
heavy_tails_are_logarithms(void **state)
{
	pga_params	p = default_params(&fussy);
	uint32_t	used[2];
	float		x[8],
				y[8];
	double		mean = 0;
	double		square = 0;
	double		sd;
	pga_prep   *prep = prepared(&p, used);

	(void) state;
	for (int i = 0; i < 100; i++)
		mean += log1p(i < 90 ? i : 1e6) / 100;
	for (int i = 0; i < 100; i++)
		square += pow(log1p(i < 90 ? i : 1e6) - mean, 2) / 100;
	sd = sqrt(square);
	assert_true(prep->features[0].log1p);
	one_raw(prep, 1e6, 0, x);
	assert_near(x[0], (log1p(1e6) - mean) / sd, 1e-5);
	one_raw(prep, -5, 0, x);
	assert_near(x[0], (-log1p(5) - mean) / sd, 1e-5);
	one_raw(prep, 1e60, 0, x);
	assert_near(x[0], 10 + log((log1p(1e60) - mean) / sd / 10), 1e-4);
	assert_near(pga_prep_value(prep, &prep->features[0], (double[]) {(double) x[0]}) / 1e60, 1, 0.1);
	one_raw(prep, 1e70, 0, y);
	assert_true(y[0] > x[0] && y[0] < 12);

	pga_params_set_text(&h.ctx, &p, "log1p", "none");
	assert_false(prepared(&p, used)->features[0].log1p);
}

/* -50 ... 50 and -50 ... 51: a range of 100 is left alone, one above it is
 * not, on both sides of zero. */
static void
wide_columns_are_logarithms(void **state)
{
	pga_params	p = default_params(&wide);

	(void) state;
	for (int last = 50; last <= 51; last++)
	{
		pga_sampler *s = pga_sampler_create(&h.ctx, features, 1, &p);
		pga_rows	rows = {.sampler = s};
		uint64_t	weight[102];
		uint32_t	used[1];
		pga_item	items[204];
		pga_prep   *prep;
		float		x[2];

		for (int i = -50; i <= last; i++)
			pga_sampler_add(s, &(pga_cell) {.number = i});
		rows.order = pga_sampler_order(s, &rows.n);
		for (size_t i = 0; i < rows.n; i++)
			weight[i] = 1;
		rows.weight = weight;
		prep = pga_prep_fit(&h.ctx, &rows, &p, used, items, items + 102);
		assert_true(prep->features[0].log1p == (last == 51));
		pga_prep_rows(prep, (double[]) {-20, 40}, 2, x);
		if (last == 51)
			assert_near((x[1] - x[0]) * (float) prep->features[0].scale, log(41) + log(21), 1e-5);
	}
}

static void
ranges_become_zero_to_one(void **state)
{
	pga_params	p = default_params(&plain);
	uint32_t	used[2];
	float		x[2];
	pga_prep   *prep;

	(void) state;
	pga_params_set_text(&h.ctx, &p, "scaling", "minmax");
	prep = prepared(&p, used);
	one_raw(prep, 0, 0, x);
	assert_near(x[0], 0, 0);
	one_raw(prep, 1e6, 0, x);
	assert_near(x[0], 1, 0);
	one_raw(prep, 5e5, 0, x);
	assert_near(x[0], 0.5, 1e-7);
	one_raw(prep, NAN, 0, x);		/* the median, of 0 ... 89 and ten times 1e6 */
	assert_near(x[0], 49.5e-6, 0.6e-6);
	one_raw(prep, -1e308, 0, x);
	assert_near(x[0], -FLT_MAX, 0);
	one_raw(prep, INFINITY, 0, x);
	assert_near(x[0], FLT_MAX, 0);
}

static void
numbers_side_by_side_are_filled(void **state)
{
	enum {COLS = 19, ROWS = 13};	/* neither is whole vectors */
	pga_column	columns[COLS] = {{.feature = {0}}};
	pga_prep	prep = {.features = columns, .nfeatures = COLS};
	double		raw[ROWS * COLS];
	float		x[ROWS * COLS];

	(void) state;
	for (int j = 0; j < COLS; j++)
		columns[j] = (pga_column) {.feature = {"n", PGA_NUMERIC}, .width = 1,
			.fill = 3 * j, .centre = j, .factor = 0.5};
	for (int i = 0; i < ROWS * COLS; i++)
		raw[i] = i % 5 == 0 ? (double) NAN : i;
	pga_prep_place(&h.ctx, &prep);
	pga_prep_rows(&prep, raw, ROWS, x);
	for (int i = 0; i < ROWS * COLS; i++)
		assert_near(x[i], ((i % 5 == 0 ? 3 * (i % COLS) : i) - i % COLS) / 2.0, 0);
}

static void
saved_columns_come_back(void **state)
{
	pga_params	p = default_params(&fussy);
	uint32_t	used[2];
	float		x[8],
				y[8];
	pga_prep   *prep = prepared(&p, used);
	pga_prep   *back;
	pga_buf		buf = {.ctx = &h.ctx};
	pga_reader	r = {.ctx = &h.ctx};

	(void) state;
	pga_prep_save(prep, &buf);
	r.p = buf.data;
	r.end = buf.data + buf.len;
	back = pga_prep_load(&r, 2);
	assert_ptr_equal(r.p, r.end);
	assert_int_equal(back->cols, prep->cols);
	for (int k = -1; k < 3; k++)
	{
		one_raw(prep, 12345, k, x);
		one_raw(back, 12345, k, y);
		assert_memory_equal(x, y, prep->cols * sizeof(float));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(texts_become_columns),
		TEST(texts_are_standardised),
		TEST(texts_in_order),
		TEST(heavy_tails_are_logarithms),
		TEST(wide_columns_are_logarithms),
		TEST(ranges_become_zero_to_one),
		TEST(numbers_side_by_side_are_filled),
		TEST(saved_columns_come_back),
	};

	return cmocka_run_group_tests_name("prep", tests, NULL, NULL);
}
