/*
 * test_seasonal.c - the seasonal baseline on made-up hourly series: quiet
 * where a person would be, loud where a person would be, and numbers that can
 * be worked out by hand.
 */
#include "fixture.h"

#include "model.h"
#include "rng.h"

#define HOUR 3600.0
#define DAY (24 * HOUR)
#define WEEK (7 * DAY)			/* 2000-01-01 was a Saturday */
#define START (1356 * WEEK)		/* Saturday, 2025-12-27 */
#define MONDAY_9 (2 * DAY + 9 * HOUR)
#define MONDAY_3 (2 * DAY + 3 * HOUR)
#define SATURDAY_9 (9 * HOUR)

static const pga_feature features[] = {
	{"site", PGA_CATEGORICAL, PGA_PARTITION},
	{"hour", PGA_TIME, PGA_ORDER},
	{"volume", PGA_NUMERIC},
};

/* What is usual at a time: offices work from 8 to 17 on Monday to Friday. */
static double
usual(double second)
{
	double		in_week = second - WEEK * floor(second / WEEK);
	int			day = (int) (in_week / DAY);
	int			hour = (int) (in_week / HOUR) % 24;

	return hour >= 8 && hour <= 17 ? (day >= 2 ? 1000 : 200) : 50;
}

/* With noise of a tenth, the same for each hour of each site. */
static double
measured(const char *site, double second)
{
	pga_rng		rng;

	pga_rng_seed(&rng, (uint64_t) site[0], (uint64_t) (second / HOUR));
	return usual(second) * (1 + 0.1 * pga_rng_normal(&rng));
}

static void
add(pga_sampler *s, const char *site, double second, double volume)
{
	pga_cell	cells[3] = {{.text = site, .len = (uint32_t) strlen(site)}, {.number = second}, {.number = volume}};

	pga_sampler_add(s, cells);
}

static pga_params
seasonal_params(void)
{
	return default_params(pga_detector_by_name(&h.ctx, "seasonal"));
}

static pga_model *
train_site(const pga_params *p, int weeks, double (*volume) (const char *, double))
{
	pga_sampler *s = pga_sampler_create(&h.ctx, features, 3, p);
	pga_report	report;

	for (int i = 0; i < weeks * 168; i++)
	{
		double		second = START + i * HOUR;
		double		v = volume("a", second);

		if (!isnan(v))
			add(s, "a", second, v);
	}
	return pga_train(&h.ctx, s, p, &report);
}

static void
set_row(const pga_model *model, double *raw, const char *site, double second, double volume)
{
	raw[0] = site != NULL ? pga_model_category(model, 0, site, strlen(site)) : (double) NAN;
	raw[1] = second;
	raw[2] = volume;
}

static double
score(const pga_model *model, const char *site, double second, double volume)
{
	double		raw[3],
				out;

	set_row(model, raw, site, second, volume);
	pga_model_score(model, raw, 1, &out, h.ctx.alloc(&h.ctx, pga_model_scratch_bytes(model)));
	return out;
}

static double
severity(const pga_model *model, const char *site, double second, double volume)
{
	return pga_severity(pga_model_p_value(model, score(model, site, second, volume)));
}

/* ---- time of the week ---------------------------------------------------------- */

static void
monday_morning_is_quiet_and_night_is_not(void **state)
{
	pga_params	p = seasonal_params();
	pga_model  *model = train_site(&p, 6, measured);
	double		next = START + 6 * WEEK;

	(void) state;
	assert_string_equal(h.warnings, "");
	assert_true(score(model, "a", next + MONDAY_9, 1000) < 1);
	assert_true(score(model, "a", next + MONDAY_3, 50) < 1);
	assert_true(score(model, "a", next + SATURDAY_9, 200) < 1);
	assert_true(severity(model, "a", next + MONDAY_3, 1000) >= 50);
	assert_true(severity(model, "a", next + SATURDAY_9, 1000) >= 50);
	assert_true(severity(model, "a", next + MONDAY_9, 50) >= 25);
	/* The noise is a tenth of the level, by night too. */
	assert_near(score(model, "a", next + MONDAY_9, 1300), 3, 1);
	assert_near(score(model, "a", next + MONDAY_3, 65), 3, 1);
}

/* Of a hundred weeks of new rows the share over the threshold is the contamination. */
static void
threshold_holds_on_new_weeks(void **state)
{
	pga_params	p = seasonal_params();
	pga_model  *model;
	double		over = 0;

	(void) state;
	pga_params_set_number(&h.ctx, &p, "contamination", 0.02);
	pga_params_set_bool(&h.ctx, &p, "trend", false);
	model = train_site(&p, 30, measured);
	for (int i = 0; i < 100 * 168; i++)
	{
		double		second = START + 30 * WEEK + i * HOUR;

		over += score(model, "a", second, measured("a", second)) > pga_model_threshold(model);
	}
	assert_near(over / 16800, 0.02, 0.012);
}

static double
outliers(const char *site, double second)
{
	return measured(site, second) * ((int) (second / HOUR) % 17 == 0 ? 30 : 1);
}

static void
outliers_in_training_do_not_move_it(void **state)
{
	pga_params	p = seasonal_params();
	pga_model  *dirty;

	(void) state;
	pga_params_set_text(&h.ctx, &p, "log1p", "none");
	dirty = train_site(&p, 6, outliers);
	for (int i = 0; i < 168; i++)
	{
		double		second = START + 6 * WEEK + i * HOUR;

		assert_true(score(dirty, "a", second, usual(second)) < 1.5);
		assert_true(score(dirty, "a", second, 3 * usual(second)) > 4);
	}
}

/*
 * Four trained weeks that are one above and one below the level in turn: the
 * level is the median, between them, every residual 1, the 75 % quantile too,
 * so the scale is 1 / 1.15035 everywhere, widened by sqrt(1 + 1/4).
 */
static double
one_up_one_down(const char *site, double second)
{
	(void) site;
	return (int) (second / WEEK) % 2 == 0 ? 1 : -1;
}

static void
scale_is_worked_out_by_hand(void **state)
{
	pga_params	p = seasonal_params();
	pga_model  *model;

	(void) state;
	pga_params_set_text(&h.ctx, &p, "scaling", "none");
	pga_params_set_number(&h.ctx, &p, "holdout", 0.2);
	model = train_site(&p, 5, one_up_one_down);
	for (int hour = 0; hour < 168; hour++)
	{
		assert_near(score(model, "a", START + 9 * WEEK + hour * HOUR, 0), 0, 1e-6);
		assert_near(score(model, "a", START + 9 * WEEK + hour * HOUR, 3), 3 * 1.1503516 / sqrt(1.25), 1e-5);
	}
}

/* ---- groups, trend ------------------------------------------------------------- */

static void
each_group_has_its_own_baseline(void **state)
{
	pga_params	p = seasonal_params();
	pga_sampler *s = pga_sampler_create(&h.ctx, features, 3, &p);
	pga_report	report;
	pga_model  *model;
	double		next = START + 6 * WEEK;

	(void) state;
	for (int i = 0; i < 6 * 168; i++)
	{
		double		second = START + i * HOUR;

		add(s, "large", second, 100 * measured("l", second));
		add(s, "medium", second, measured("m", second));
		add(s, "small", second, 0.01 * measured("s", second));
	}
	model = pga_train(&h.ctx, s, &p, &report);
	assert_int_equal(report.notes[0].value[0], 3);
	assert_true(score(model, "large", next + MONDAY_9, 100000) < 1.5);
	assert_true(score(model, "small", next + MONDAY_9, 10) < 1.5);
	assert_true(score(model, "small", next + MONDAY_9, 1000) > 20);
	/* One never seen, or of no group, is like the one in the middle. */
	assert_true(score(model, "other", next + MONDAY_9, 1000) < 1.5);
	assert_bits_equal(score(model, "other", next + MONDAY_9, 77), score(model, NULL, next + MONDAY_9, 77));
}

static double
rising(const char *site, double second)
{
	return measured(site, second) + 10 * (second - START) / DAY;
}

/* 10 a day for 12 weeks: to go on as before is quiet, to fall back is not. */
static void
a_trend_goes_on(void **state)
{
	pga_params	p = seasonal_params();
	pga_model  *model = train_site(&p, 12, rising);
	double		next = START + 12 * WEEK + MONDAY_3;
	double		on = usual(next) + 10 * (next - START) / DAY;

	(void) state;
	assert_true(score(model, "a", next, on) < 1);
	assert_true(score(model, "a", next, usual(next)) > 5 * score(model, "a", next, on));
	pga_params_set_bool(&h.ctx, &p, "trend", false);
	assert_true(score(train_site(&p, 12, rising), "a", next, on) > 2);
}

/* ---- gaps ----------------------------------------------------------------------- */

/* Scores hours from .. to of a week, without those from hole .. end of hole. */
static size_t
score_with_hole(const pga_model *model, double second, int hours, int hole, int hole_end, double *out)
{
	double		raw[168 * 3];
	size_t		n = 0;

	for (int i = 0; i < hours; i++)
		if (i < hole || i >= hole_end)
			set_row(model, raw + 3 * n++, "a", second + i * HOUR, usual(second + i * HOUR));
	pga_model_score_series(model, raw, n, 0, out, h.ctx.alloc(&h.ctx, pga_model_scratch_bytes(model)));
	return n;
}

static void
a_missing_bucket_scores_as_zero(void **state)
{
	pga_params	p = seasonal_params();
	pga_model  *model = train_site(&p, 6, measured);
	double		monday = START + 6 * WEEK + 2 * DAY;
	double		out[168];

	(void) state;
	assert_int_equal(pga_model_history(model), 1);
	score_with_hole(model, monday, 24, 9, 10, out);
	assert_bits_equal(out[9], score(model, "a", monday + 9 * HOUR, 0));
	assert_true(out[9] > pga_model_threshold(model));
	/* The most of several; the rows beside the hole are as they are alone. */
	score_with_hole(model, monday, 24, 3, 12, out);
	assert_true(out[3] >= score(model, "a", monday + 11 * HOUR, 0));
	assert_bits_equal(out[2], score(model, "a", monday + 2 * HOUR, usual(monday + 2 * HOUR)));
	assert_bits_equal(out[4], score(model, "a", monday + 13 * HOUR, usual(monday + 13 * HOUR)));
	pga_params_set_text(&h.ctx, &p, "gaps", "ignore");
	assert_int_equal(pga_model_history(train_site(&p, 6, measured)), 0);
}

static double
closed_at_night(const char *site, double second)
{
	return usual(second) < 100 ? (double) NAN : measured(site, second);
}

static void
nights_without_rows_are_not_missed(void **state)
{
	pga_params	p = seasonal_params();
	pga_model  *model = train_site(&p, 6, closed_at_night);
	double		monday = START + 6 * WEEK + 2 * DAY;
	double		raw[3 * 3];
	double		out[3];

	(void) state;
	set_row(model, raw, "a", monday - 7 * HOUR, 200);	/* Sunday 17:00 */
	set_row(model, raw + 3, "a", monday + 8 * HOUR, 1000);
	set_row(model, raw + 6, "a", monday + 11 * HOUR, 1000);
	pga_model_score_series(model, raw, 3, 0, out, h.ctx.alloc(&h.ctx, pga_model_scratch_bytes(model)));
	assert_bits_equal(out[1], score(model, "a", monday + 8 * HOUR, 1000));
	assert_bits_equal(out[2], fmax(score(model, "a", monday + 9 * HOUR, 0), score(model, "a", monday + 10 * HOUR, 0)));
}

/* Rows at random times have no buckets, unless an option says so. */
static void
uneven_rows_have_no_gaps(void **state)
{
	pga_params	p = seasonal_params();
	pga_sampler *s = pga_sampler_create(&h.ctx, features, 3, &p);
	double		second = START;
	pga_report	report;
	pga_rng		rng;

	(void) state;
	pga_rng_seed(&rng, 1, 1);
	while (second < START + 4 * WEEK)
	{
		second += floor(-HOUR * pga_log(pga_rng_real(&rng)));
		add(s, "a", second, measured("a", second));
	}
	assert_int_equal(pga_model_history(pga_train(&h.ctx, s, &p, &report)), 0);
	assert_non_null(strstr(h.warnings, "not evenly spaced"));
	pga_params_set_number(&h.ctx, &p, "bucket", HOUR);
	assert_int_equal(pga_model_history(pga_train(&h.ctx, s, &p, &report)), 1);
}

/* A series in pieces of any size, with the row before each, as in one piece. */
static void
series_may_be_cut_anywhere(void **state)
{
	pga_params	p = seasonal_params();
	pga_model  *model = train_site(&p, 4, measured);
	double		raw[700 * 3],
				whole[700],
				part[700];
	void	   *scratch = h.ctx.alloc(&h.ctx, pga_model_scratch_bytes(model));
	double		second = START + 4 * WEEK;

	(void) state;
	for (int i = 0; i < 700; i++)
	{
		second += i % 13 == 0 ? 5 * HOUR : HOUR;
		set_row(model, raw + 3 * i, "a", second, usual(second));
	}
	pga_model_score_series(model, raw, 700, 0, whole, scratch);
	for (size_t size = 1; size < 400; size = size * 2 + 1)
	{
		for (size_t i = 0; i < 700; i += size)
		{
			size_t		back = i > 0;

			pga_model_score_series(model, raw + 3 * (i - back), back + (700 - i < size ? 700 - i : size),
								   back, part + i, scratch);
		}
		assert_memory_equal(part, whole, sizeof(whole));
	}
}

/* ---- explanations ------------------------------------------------------------------ */

/* The level of that hour, and of a gap the first hour missing. */
static void
expected_is_of_that_hour(void **state)
{
	pga_params	p = seasonal_params();
	pga_model  *model;
	double		monday = START + 6 * WEEK + 2 * DAY;
	double		raw[2 * 3],
				share[3],
				expected[3];

	(void) state;
	for (int log1p = 0; log1p < 2; log1p++)
	{
		pga_params_set_text(&h.ctx, &p, "log1p", log1p ? "all" : "none");
		model = train_site(&p, 6, measured);
		set_row(model, raw, "a", monday + 3 * HOUR, 1000);
		pga_model_explain_series(model, &h.ctx, raw, 1, share, expected);
		assert_near(share[2], 1, 1e-9);
		assert_near(expected[2], 50, 5);
		assert_true(isnan(expected[0]) && isnan(expected[1]));

		set_row(model, raw, "a", monday + 8 * HOUR, 1000);
		set_row(model, raw + 3, "a", monday + 12 * HOUR, 1000);
		pga_model_explain_series(model, &h.ctx, raw, 2, share, expected);
		assert_true(share[1] > 0.9);
		assert_near(expected[1], monday + 9 * HOUR, 0.5);
		assert_near(expected[2], 1000, 100);
	}
}

/* ---- what it says ----------------------------------------------------------------- */

static void
short_training_is_warned_about(void **state)
{
	pga_params	p = seasonal_params();

	(void) state;
	train_site(&p, 2, measured);
	assert_non_null(strstr(h.warnings, "span 10.5 days, less than the two weeks"));
}

static void
time_alone_is_nothing_to_judge(void **state)
{
	static pga_params p;
	static pga_report report;
	static pga_sampler *s;

	(void) state;
	p = seasonal_params();
	s = pga_sampler_create(&h.ctx, features, 2, &p);
	for (int i = 0; i < 100; i++)
		add(s, "a", START + i * HOUR, 0);
	assert_fails(PGA_ERR_NO_FEATURES, pga_train(&h.ctx, s, &p, &report));
}

static void
memory_is_known_before_it_is_taken(void **state)
{
	static pga_params p;

	(void) state;
	p = seasonal_params();
	h.ctx.memory_limit = 100000;
	assert_fails(PGA_ERR_MEMORY_LIMIT, train_site(&p, 6, measured));
	assert_non_null(strstr(h.message, "limit of 97 kB"));
}

/* What fitting takes, of one group and of ten, is less than announced. */
static void
memory_is_as_announced(void **state)
{
	static const char *const sites[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
	pga_params	p = seasonal_params();
	float		x[1000 * 4];
	uint64_t	weight[1000];

	(void) state;
	for (uint32_t n = 1; n <= 10; n += 9)
	{
		pga_sampler *s = pga_sampler_create(&h.ctx, features, 3, &p);
		uint32_t	series[11];
		pga_report	report = {0};
		pga_matrix	m = {.x = x, .weight = weight, .rows = 1000, .cols = 4, .series = series, .nseries = n};
		size_t		announced;
		double		raw[3];

		for (uint32_t i = 0; i < 1000; i++)
			add(s, sites[i % n], START + i * HOUR, i % 17);
		m.prep = pga_train(&h.ctx, s, &p, &report)->prep;
		for (uint32_t i = 0; i < 1000; i++)
		{
			weight[i] = 1;
			raw[0] = i / (1000 / n);
			raw[1] = START + i * HOUR;
			raw[2] = i % 17;
			pga_prep_rows(m.prep, raw, 1, x + 4 * i);
		}
		for (uint32_t k = 0; k <= n; k++)
			series[k] = k * (1000 / n);
		announced = p.detector->fit_bytes(&h.ctx, &m, &p);
		h.taken = 0;
		p.detector->fit(&h.ctx, &m, &p, &report);
		assert_true(h.taken <= announced);
		assert_true(announced < 4 * h.taken);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(monday_morning_is_quiet_and_night_is_not),
		TEST(threshold_holds_on_new_weeks),
		TEST(outliers_in_training_do_not_move_it),
		TEST(scale_is_worked_out_by_hand),
		TEST(each_group_has_its_own_baseline),
		TEST(a_trend_goes_on),
		TEST(a_missing_bucket_scores_as_zero),
		TEST(nights_without_rows_are_not_missed),
		TEST(uneven_rows_have_no_gaps),
		TEST(series_may_be_cut_anywhere),
		TEST(expected_is_of_that_hour),
		TEST(short_training_is_warned_about),
		TEST(time_alone_is_nothing_to_judge),
		TEST(memory_is_known_before_it_is_taken),
		TEST(memory_is_as_announced),
	};

	return cmocka_run_group_tests_name("seasonal", tests, NULL, NULL);
}
