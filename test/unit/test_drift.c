/*
 * test_drift.c - distances between distributions that are known beforehand.
 */
#include "fixture.h"

#include "rng.h"

static const pga_feature features[] = {{"a", PGA_NUMERIC}, {"b", PGA_NUMERIC}, {"t", PGA_CATEGORICAL}};

/* a uniform in 0..1000, b 0 in 60 % of the rows and else 1..100, t by thirds. */
static void
make_row(pga_rng *rng, double *a, double *b, const char **t)
{
	static const char *const texts[] = {"x", "y", "z"};

	*a = 1000 * pga_rng_real(rng);
	*b = pga_rng_below(rng, 10) < 6 ? 0 : 1 + (double) pga_rng_below(rng, 100);
	*t = texts[pga_rng_below(rng, 3)];
}

static pga_model *
known(void)
{
	pga_params	p = default_params(pga_detectors[0]);
	pga_sampler *s = pga_sampler_create(&h.ctx, features, 3, &p);
	pga_report	report;
	pga_rng		rng;

	pga_params_set_number(&h.ctx, &p, "trees", 2);
	pga_rng_seed(&rng, 1, 1);
	for (int i = 0; i < 20000; i++)
	{
		double		a,
					b;
		const char *t;

		make_row(&rng, &a, &b, &t);
		pga_sampler_add(s, (pga_cell[]) {{.number = a}, {.number = b, .missing = i % 50 == 0},
			{.text = t, .len = 1}});
	}
	return pga_train(&h.ctx, s, &p, &report);
}

typedef struct change
{
	double		add,			/* to a */
				times,			/* b */
				missing;		/* share of b */
	const char *text;			/* in place of z */
} change;

static void
drifted(change c, pga_drifted *out)
{
	pga_model  *model = known();
	pga_drift  *d = pga_drift_create(&h.ctx, model);
	pga_rng		rng;

	pga_rng_seed(&rng, 2, 2);
	for (int i = 0; i < 20000; i++)
	{
		double		raw[3];
		const char *t;

		make_row(&rng, &raw[0], &raw[1], &t);
		raw[0] += c.add;
		raw[1] *= c.times;
		if (pga_rng_real(&rng) < c.missing)
			raw[1] = NAN;
		raw[2] = pga_model_category(model, 2, *t == 'z' ? c.text : t, 1);
		pga_drift_add(d, raw);
	}
	for (size_t j = 0; j < 3; j++)
		out[j] = pga_drift_of(d, j);
}

static void
the_same_is_stable(void **state)
{
	pga_drifted out[3];

	(void) state;
	drifted((change) {0, 1, 0.02, "z"}, out);
	for (size_t j = 0; j < 3; j++)
	{
		assert_int_equal(out[j].verdict, PGA_DRIFT_STABLE);
		assert_true(out[j].psi < 0.01);
	}
	assert_true(out[0].ks < 0.03 && out[1].ks < 0.03);
	assert_near(out[1].missing_then, 0.02, 1e-9);
	assert_near(out[1].missing, 0.02, 0.005);
	assert_near(out[2].unknown, 0, 0);
}

/* Uniform in 0..1000 against 300..1300: the distributions are 0.3 apart, and
 * three tenths of the rows, where there was nothing, weigh by far the most. */
static void
a_shift_is_its_distance(void **state)
{
	pga_drifted out[3];

	(void) state;
	drifted((change) {300, 1, 0.02, "z"}, out);
	assert_near(out[0].ks, 0.3, 0.02);
	assert_true(out[0].psi > 0.3 * log(0.3 / (1 / 20000.0)));
	assert_int_equal(out[0].verdict, PGA_DRIFT_SHIFTED);
	assert_int_equal(out[1].verdict, PGA_DRIFT_STABLE);
	assert_int_equal(out[2].verdict, PGA_DRIFT_STABLE);
}

/* b times three: of the 40 % above zero a third stays within 1..33 ... */
static void
three_times_is_one_feature(void **state)
{
	pga_drifted out[3];

	(void) state;
	drifted((change) {0, 3, 0.02, "z"}, out);
	assert_int_equal(out[0].verdict, PGA_DRIFT_STABLE);
	assert_int_equal(out[1].verdict, PGA_DRIFT_SHIFTED);
	assert_int_equal(out[2].verdict, PGA_DRIFT_STABLE);
	/* 1 - 0.4 * 2/3 is where the old one ended: there the gap is widest. */
	assert_near(out[1].ks, 0.4 * 2 / 3, 0.02);
}

static void
nulls_and_unknown_texts_count(void **state)
{
	pga_drifted out[3];

	(void) state;
	drifted((change) {0, 1, 0.1, "w"}, out);
	assert_int_equal(out[1].verdict, PGA_DRIFT_SHIFTED);
	assert_near(out[1].missing, 0.1, 0.01);
	assert_int_equal(out[2].verdict, PGA_DRIFT_SHIFTED);
	assert_near(out[2].unknown, 1.0 / 3, 0.02);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_same_is_stable),
		TEST(a_shift_is_its_distance),
		TEST(three_times_is_one_feature),
		TEST(nulls_and_unknown_texts_count),
	};

	return cmocka_run_group_tests_name("drift", tests, NULL, NULL);
}
