/*
 * test_train.c - training as a whole: what it refuses, what it warns about,
 * what it reports, preprocessing, and explanations.
 */
#include "fixture.h"

#include "model.h"
#include "rng.h"

/* A sampler of one numeric and one categorical column, from parallel arrays. */
static pga_sampler *
two_columns(const pga_params *p, const double *number, const char *const *text, size_t n)
{
	static const pga_feature features[] = {{"number", PGA_NUMERIC}, {"text", PGA_CATEGORICAL}};
	pga_sampler *s = pga_sampler_create(&h.ctx, features, 2, p);

	for (size_t i = 0; i < n; i++)
	{
		pga_cell	cells[2] = {
			{.number = number[i], .missing = isnan(number[i])},
			{.text = text[i], .missing = text[i] == NULL},
		};

		if (text[i] != NULL)
			cells[1].len = (uint32_t) strlen(text[i]);
		pga_sampler_add(s, cells);
	}
	return s;
}

static void
too_few_rows_are_refused(void **state)
{
	static pga_params p;
	static pga_report report;

	(void) state;
	p = default_params(pga_detectors[0]);
	assert_fails(PGA_ERR_NO_ROWS, pga_train(&h.ctx, table_sampler(&p, 0, 0), &p, &report));
	assert_fails(PGA_ERR_TOO_FEW_ROWS, pga_train(&h.ctx, table_sampler(&p, 0, 1), &p, &report));
	assert_string_equal(h.message, "1 row to train on, at least 10 are needed");
	assert_fails(PGA_ERR_TOO_FEW_ROWS, pga_train(&h.ctx, table_sampler(&p, 0, 9), &p, &report));
	assert_non_null(pga_train(&h.ctx, table_sampler(&p, 0, 10), &p, &report));
}

static void
empty_and_constant_columns_are_left_out(void **state)
{
	static pga_params p;
	static pga_report report;
	static double constant[20],
				varying[20];
	static const char *null[20],
			   *same[20];
	pga_model  *model;

	(void) state;
	p = default_params(pga_detectors[0]);
	for (int i = 0; i < 20; i++)
	{
		constant[i] = 5;
		varying[i] = i;
		same[i] = "x";
	}
	assert_fails(PGA_ERR_NO_FEATURES,
				 pga_train(&h.ctx, two_columns(&p, constant, null, 20), &p, &report));
	assert_non_null(strstr(h.warnings, "\"number\" is constant"));
	assert_non_null(strstr(h.warnings, "\"text\" is always null"));
	model = pga_train(&h.ctx, two_columns(&p, varying, same, 20), &p, &report);
	assert_int_equal(pga_model_nfeatures(model), 1);
	assert_string_equal(pga_model_features(model)[0].name, "number");
}

static void
identifiers_and_nulls_are_warned_about(void **state)
{
	static double number[300];
	static char name[300][16];
	static const char *text[300];
	pga_params	p = default_params(pga_detectors[0]);
	pga_report	report;

	(void) state;
	for (int i = 0; i < 300; i++)
	{
		number[i] = i % 3 == 0 ? (double) NAN : i;
		snprintf(name[i], sizeof(name[i]), "id%d", i);
		text[i] = name[i];
	}
	pga_train(&h.ctx, two_columns(&p, number, text, 300), &p, &report);
	assert_non_null(strstr(h.warnings, "\"number\" is null in 100 of 300 rows"));
	assert_non_null(strstr(h.warnings, "\"text\" has "));
	assert_non_null(strstr(h.warnings, "looks like an identifier"));
}

static void
report_adds_up(void **state)
{
	pga_params	p = default_params(pga_detectors[0]);
	pga_sampler *s = table_sampler(&p, 0, 2000);
	pga_report	report;
	pga_model  *model;

	(void) state;
	pga_sampler_merge(s, table_sampler(&p, 0, 2000));	/* every row twice */
	pga_sampler_skip(s);
	model = pga_train(&h.ctx, s, &p, &report);
	assert_int_equal(report.rows_used, 4000);
	assert_int_equal(report.rows_skipped, 1);
	assert_int_equal(report.rows_distinct, 2000);
	assert_int_equal(report.rows_held_out, 1000);
	assert_bits_equal(report.threshold, pga_model_threshold(model));
	assert_near(pga_model_p_value(model, report.threshold), 0.01, 1e-9);
	assert_true(h.polls > 0);
}

/* The held-out share of rows like the training ones over the threshold is the
 * contamination: of 20,000 new rows 5 %, within five standard errors and the
 * calibration's own. */
static void
threshold_holds_on_new_rows(void **state)
{
	pga_params	p = default_params(pga_detectors[0]);
	double		raw[TABLE_COLS];
	double		score;
	double		over = 0;
	pga_model  *model;
	void	   *scratch;

	(void) state;
	pga_params_set_number(&h.ctx, &p, "contamination", 0.05);
	model = trained(&p, 20000);
	scratch = h.ctx.alloc(&h.ctx, pga_model_scratch_bytes(model));
	for (size_t i = 20000; i < 40000; i++)
	{
		table_raw(model, i, raw);
		pga_model_score(model, raw, 1, &score, scratch);
		over += score > pga_model_threshold(model);
	}
	assert_near(over / 20000, 0.05, 5 * sqrt(0.05 * 0.95 * (1.0 / 20000 + 1.0 / 5000)));
}

/* Of 20 rows half are held out: each tree is grown from the other ten. */
static void
held_out_rows_are_not_trained_on(void **state)
{
	pga_params	p = default_params(pga_detector_by_name(&h.ctx, "isolation_forest"));
	pga_buf		payload = {.ctx = &h.ctx};
	pga_model  *model;
	pga_reader	r;

	(void) state;
	pga_params_set_number(&h.ctx, &p, "holdout", 0.5);
	model = trained(&p, 20);
	model->detector->save(model->fitted, &payload);
	r = (pga_reader) {&h.ctx, payload.data, payload.data + payload.len};
	assert_int_equal(pga_get_u32(&r), 100);
	assert_int_equal(pga_get_u32(&r), 10);
}

/* Few rows: the neighbours that lof keeps are all of them.  Many: those trained on. */
static void
few_rows_are_all_learnt(void **state)
{
	pga_params	p = default_params(pga_detector_by_name(&h.ctx, "lof"));
	pga_buf		payload = {.ctx = &h.ctx};
	pga_report	report;
	pga_model  *model;
	pga_reader	r;

	(void) state;
	model = pga_train(&h.ctx, table_sampler(&p, 0, 100), &p, &report);
	assert_int_equal(report.rows_held_out, 25);
	model->detector->save(model->fitted, &payload);
	r = (pga_reader) {&h.ctx, payload.data, payload.data + payload.len};
	assert_int_equal(pga_get_u32(&r), 100);

	pga_params_set_number(&h.ctx, &p, "sample_size", 100000);
	pga_params_set_number(&h.ctx, &p, "neighbours", 5);
	payload = (pga_buf) {.ctx = &h.ctx};
	model = trained(&p, 33000);
	model->detector->save(model->fitted, &payload);
	r = (pga_reader) {&h.ctx, payload.data, payload.data + payload.len};
	assert_true(pga_get_u32(&r) <= 33000 * 3 / 4);
}

/* Learning from the held-out rows too leaves the threshold where it is, or on
 * the quiet side. */
static void
threshold_holds_after_learning_all(void **state)
{
	static const char *const names[] = {"kmeans", "dbscan", "lof"};

	(void) state;
	for (int d = 0; d < 3; d++)
	{
		pga_params	p = default_params(pga_detector_by_name(&h.ctx, names[d]));
		pga_model  *model;
		double		raw[TABLE_COLS];
		double		score;
		double		over = 0;
		void	   *scratch;

		pga_params_set_number(&h.ctx, &p, "contamination", 0.05);
		model = trained(&p, 4000);
		scratch = h.ctx.alloc(&h.ctx, pga_model_scratch_bytes(model));
		for (size_t i = 20000; i < 40000; i++)
		{
			table_raw(model, i, raw);
			pga_model_score(model, raw, 1, &score, scratch);
			over += score > pga_model_threshold(model);
		}
		assert_in_range((long) over, 20000 * 0.05 / 2,
						20000 * (0.05 + 5 * sqrt(0.05 * 0.95 * (1.0 / 20000 + 1.0 / 1000))));
	}
}

/* Medians, ranges and modes of a column known by heart: 1 .. 101. */
static void
expected_values_are_quantiles(void **state)
{
	static double number[101];
	static const char *text[101];
	pga_params	p = default_params(pga_detectors[0]);
	pga_report	report;
	pga_model  *model;
	char		out[80];

	(void) state;
	for (int i = 0; i < 101; i++)
	{
		number[i] = i + 1;
		text[i] = i % 4 == 0 ? "a rare one" : "often";
	}
	model = pga_train(&h.ctx, two_columns(&p, number, text, 101), &p, &report);
	assert_near(model->prep->features[0].median, 51, 8);
	assert_near(model->prep->features[0].q05, 6, 5);
	assert_near(model->prep->features[0].q95, 96, 5);
	pga_model_expected(model, 1, out, sizeof(out));
	assert_memory_equal(out, "often (", 7);
	assert_near(atof(out + 7), 75, 8);
	assert_int_equal(pga_model_expected(model, 1, out, 4), 3);
	assert_true(pga_model_category(model, 1, "never", 5) == -1);
}

/* A value far beyond float32, at either end, is a very anomalous value. */
static void
huge_values_are_scored(void **state)
{
	pga_params	p = default_params(pga_detectors[0]);
	pga_model  *model = trained(&p, 1000);
	void	   *scratch = h.ctx.alloc(&h.ctx, pga_model_scratch_bytes(model));
	double		usual[TABLE_COLS] = {100, 5, 0, 1, 0};
	double		huge[TABLE_COLS] = {1e300, -1e300, 0, 1e308, -1};
	float		prepared[TABLE_COLS];
	double		a,
				b;

	(void) state;
	pga_model_score(model, usual, 1, &a, scratch);
	pga_model_score(model, huge, 1, &b, scratch);
	assert_true(b > a && b < 1);
	pga_prep_rows(model->prep, huge, 1, prepared);
	for (size_t j = 0; j < TABLE_COLS; j++)
		assert_true(isfinite(prepared[j]));
}

/* One column far out: it gets nearly all of the credit; shares sum to 1. */
static void
shares_name_the_cause(void **state)
{
	pga_params	p = default_params(pga_detectors[0]);
	pga_model  *model = trained(&p, 5000);
	double		raw[TABLE_COLS];
	double		share[TABLE_COLS];
	double		sum = 0;

	(void) state;
	for (size_t j = 0; j < TABLE_COLS; j++)
		raw[j] = NAN;
	pga_model_explain(model, &h.ctx, raw, share);
	for (size_t j = 0; j < TABLE_COLS; j++)
		assert_true(share[j] == 0);		/* it is the expected row */

	raw[1] = 500;
	pga_model_explain(model, &h.ctx, raw, share);
	assert_near(share[1], 1, 0);

	raw[0] = 60;
	raw[2] = 0;
	raw[3] = 1.5;
	raw[4] = pga_model_category(model, 4, "http", 4);
	pga_model_explain(model, &h.ctx, raw, share);
	for (size_t j = 0; j < TABLE_COLS; j++)
		sum += share[j];
	assert_near(sum, 1, 1e-12);
	assert_true(share[1] > 0.8);
}

/* Whatever the row: no negative share, and they sum to 1, or all are 0. */
static void
shares_are_shares(void **state)
{
	pga_params	p = default_params(pga_detectors[0]);
	pga_model  *model = trained(&p, 2000);
	double		raw[TABLE_COLS];
	double		share[TABLE_COLS];

	(void) state;
	for (size_t i = 0; i < 200; i++)
	{
		double		sum = 0;

		table_raw(model, i, raw);
		pga_model_explain(model, &h.ctx, raw, share);
		for (size_t j = 0; j < TABLE_COLS; j++)
		{
			assert_true(share[j] >= 0);
			sum += share[j];
		}
		assert_true(sum == 0 || fabs(sum - 1) < 1e-12);
	}
}

/* Two features have two orders, one the other's reverse: no chance is left. */
static void
two_features_are_exact(void **state)
{
	pga_params	p = default_params(pga_detectors[0]);
	pga_model  *model = trained(&p, 5000);
	void	   *scratch = h.ctx.alloc(&h.ctx, pga_model_scratch_bytes(model));
	double		rows[4 * TABLE_COLS];
	double		s[4];
	double		share[TABLE_COLS];
	double		first,
				second;

	(void) state;
	for (size_t i = 0; i < 4 * TABLE_COLS; i++)
		rows[i] = NAN;
	rows[TABLE_COLS + 0] = rows[3 * TABLE_COLS + 0] = 20000;
	rows[2 * TABLE_COLS + 1] = rows[3 * TABLE_COLS + 1] = 30;
	pga_model_score(model, rows, 4, s, scratch);
	first = (s[1] - s[0] + s[3] - s[2]) / 2;
	second = (s[2] - s[0] + s[3] - s[1]) / 2;
	pga_model_explain(model, &h.ctx, rows + 3 * TABLE_COLS, share);
	assert_near(share[0], first / (first + second), 1e-12);
	assert_near(share[1], second / (first + second), 1e-12);
}

/*
 * With all orders of three features walked by hand, the sampled shares must
 * come near the exact Shapley values.
 */
static void
shares_are_near_exact_shapley(void **state)
{
	static const int orders[6][3] = {{0, 1, 3}, {0, 3, 1}, {1, 0, 3}, {1, 3, 0}, {3, 0, 1}, {3, 1, 0}};
	static const double odd[TABLE_COLS] = {20000, 30, NAN, 25, NAN};
	pga_params	p = default_params(pga_detectors[0]);
	pga_model  *model = trained(&p, 5000);
	void	   *scratch = h.ctx.alloc(&h.ctx, pga_model_scratch_bytes(model));
	double		exact[TABLE_COLS] = {0};
	double		share[TABLE_COLS];
	double		total;

	(void) state;
	for (int o = 0; o < 6; o++)
	{
		double		row[TABLE_COLS] = {NAN, NAN, NAN, NAN, NAN};
		double		before,
					after;

		pga_model_score(model, row, 1, &before, scratch);
		for (int k = 0; k < 3; k++)
		{
			row[orders[o][k]] = odd[orders[o][k]];
			pga_model_score(model, row, 1, &after, scratch);
			exact[orders[o][k]] += (after - before) / 6;
			before = after;
		}
	}
	total = exact[0] + exact[1] + exact[3];
	pga_model_explain(model, &h.ctx, odd, share);
	assert_near(share[0], exact[0] / total, 0.05);
	assert_near(share[1], exact[1] / total, 0.05);
	assert_near(share[3], exact[3] / total, 0.05);
}

static void
memory_is_checked_before_it_is_taken(void **state)
{
	static pga_params p;
	static pga_report report;
	static pga_sampler *s;

	(void) state;
	p = default_params(pga_detectors[0]);
	s = table_sampler(&p, 0, 3000);
	h.ctx.memory_limit = 600 * 1024;
	assert_fails(PGA_ERR_MEMORY_LIMIT, pga_train(&h.ctx, s, &p, &report));
	assert_non_null(strstr(h.message, "600 kB"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(too_few_rows_are_refused),
		TEST(empty_and_constant_columns_are_left_out),
		TEST(identifiers_and_nulls_are_warned_about),
		TEST(report_adds_up),
		TEST(threshold_holds_on_new_rows),
		TEST(held_out_rows_are_not_trained_on),
		TEST(few_rows_are_all_learnt),
		TEST(threshold_holds_after_learning_all),
		TEST(expected_values_are_quantiles),
		TEST(huge_values_are_scored),
		TEST(shares_name_the_cause),
		TEST(shares_are_shares),
		TEST(two_features_are_exact),
		TEST(shares_are_near_exact_shapley),
		TEST(memory_is_checked_before_it_is_taken),
	};

	return cmocka_run_group_tests_name("train", tests, NULL, NULL);
}
