/* test_calibrate.c - p-values, threshold, severity and tail fit. */
#include "fixture.h"

#include "calibrate.h"
#include "rng.h"

#define HELD 20000

static double held[HELD];

/* Exponential scores: the share above s is exp(-s). */
static pga_calibration *
exponential(size_t n, double contamination)
{
	pga_item   *items = h.ctx.alloc(&h.ctx, n * sizeof(pga_item));
	pga_rng		rng;

	pga_rng_seed(&rng, 11, 0);
	for (size_t i = 0; i < n; i++)
	{
		held[i] = -pga_log(pga_rng_real(&rng));
		items[i] = (pga_item) {pga_ordered(held[i]), 1};
	}
	return pga_calibrate(&h.ctx, items, h.ctx.alloc(&h.ctx, n * sizeof(pga_item)), n, contamination);
}

static double
counted(size_t n, double score)
{
	double		reached = 0;

	for (size_t i = 0; i < n; i++)
		reached += held[i] >= score;
	return (1 + reached) / ((double) n + 1);
}

/* Where ten rows or more reach a score, p is the counted share, within 3.5 %. */
static void
p_value_is_the_counted_share(void **state)
{
	pga_calibration *c = exponential(HELD, 0.01);
	size_t		checked = 0;

	(void) state;
	for (size_t i = 0; i < HELD; i += 7)
	{
		double		want = counted(HELD, held[i]);

		if (want * (HELD + 1) < 11)
			continue;
		assert_near(pga_calibration_p(c, held[i]) / want, 1, 0.035);
		checked++;
	}
	assert_true(checked > 2800);
	assert_true(c->n < 1000);
}

/* Beyond the sample the exponential tail goes on: within a factor of three
 * three orders of magnitude further out. */
static void
tail_continues(void **state)
{
	pga_calibration *c = exponential(HELD, 0.01);

	(void) state;
	for (double s = 8; s < 15; s += 0.5)
	{
		double		ratio = pga_calibration_p(c, s) / exp(-s);

		assert_true(ratio > 1.0 / 3 && ratio < 3);
	}
}

/* Scores with a bound, as a forest's have: the share above s is (1 - s)^2.  A
 * decade beyond the counted rows p errs upwards, but by less than a factor of
 * four (an exponential as steep as the top tenth is off by five to nine). */
static void
bounded_tail_goes_on_as_steep_as_it_is(void **state)
{
	static const size_t sizes[] = {1000, 4000, HELD};

	(void) state;
	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++)
	{
		size_t		n = sizes[k];
		pga_item   *items = h.ctx.alloc(&h.ctx, n * sizeof(pga_item));
		double		share = 1 / (double) n;
		pga_calibration *c;
		double		ratio;

		for (size_t i = 0; i < n; i++)
			items[i] = (pga_item) {pga_ordered(1 - sqrt(((double) i + 0.5) / (double) n)), 1};
		c = pga_calibrate(&h.ctx, items, h.ctx.alloc(&h.ctx, n * sizeof(pga_item)), n, 0.01);
		ratio = pga_calibration_p(c, 1 - sqrt(share)) / share;
		assert_true(ratio > 1 && ratio < 4);
		assert_true(pga_calibration_p(c, 1) > 0);
	}
}

static void
p_value_is_monotone_and_positive(void **state)
{
	static const size_t sizes[] = {1, 2, 9, 10, 11, 99, 1000, HELD};

	(void) state;
	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++)
	{
		pga_calibration *c = exponential(sizes[k], 0.01);
		double		last = 1;

		assert_near(pga_calibration_p(c, -1e300), 1, 0);
		for (double s = -1; s < 50; s += 0.003)
		{
			double		p = pga_calibration_p(c, s);

			assert_true(p > 0 && p <= last);
			last = p;
		}
		assert_true(pga_calibration_p(c, 1e300) > 0);
		assert_true(pga_calibration_p(c, INFINITY) > 0);
	}
}

/* No step at a knot, the last one included. */
static void
p_value_is_continuous(void **state)
{
	pga_calibration *c = exponential(500, 0.01);

	(void) state;
	for (uint32_t i = 0; i < c->n; i++)
	{
		double		below = pga_calibration_p(c, c->score[i] * (1 - 1e-12));
		double		above = pga_calibration_p(c, c->score[i] * (1 + 1e-12));

		assert_near(below / c->p[i], 1, 1e-6);
		assert_near(above / c->p[i], 1, 1e-6);
	}
}

static void
threshold_has_the_contamination(void **state)
{
	static const double shares[] = {0.5, 0.1, 0.01, 1e-3, 1e-5};

	(void) state;
	for (size_t k = 0; k < 5; k++)
	{
		pga_calibration *c = exponential(HELD, shares[k]);

		assert_near(pga_calibration_p(c, c->threshold) / shares[k], 1, 1e-9);
		if (shares[k] * HELD > 100)
			assert_near(counted(HELD, c->threshold) / shares[k], 1, 0.05);
	}
}

/* Many equal scores: their p is exactly the share that reaches them. */
static void
ties_are_counted_whole(void **state)
{
	pga_item	items[] = {
		{pga_ordered(1), 600}, {pga_ordered(2), 300}, {pga_ordered(2), 60}, {pga_ordered(5), 39},
	};
	pga_item	scratch[4];
	pga_calibration *c = pga_calibrate(&h.ctx, items, scratch, 4, 0.01);

	(void) state;
	assert_int_equal(c->rows, 999);
	assert_near(pga_calibration_p(c, 1), 1, 1e-12);
	assert_near(pga_calibration_p(c, 2), 0.4, 1e-12);
	assert_near(pga_calibration_p(c, 5), 0.04, 1e-12);
	assert_true(pga_calibration_p(c, 3) < 0.4 && pga_calibration_p(c, 3) > 0.04);
}

static void
equal_scores_only(void **state)
{
	pga_item	items[] = {{pga_ordered(0.5), 100}};
	pga_item	scratch[1];
	pga_calibration *c = pga_calibrate(&h.ctx, items, scratch, 1, 0.01);

	(void) state;
	assert_near(pga_calibration_p(c, 0.5), 1, 0);
	assert_near(pga_calibration_p(c, 0.4), 1, 0);
	assert_true(pga_calibration_p(c, 0.6) < 1e-6);
	assert_true(c->threshold > 0.5 && c->threshold < 0.51);
}

/* Known tails, as their own quantiles at evenly spread probabilities. */
static void
tail_fit_recovers_parameters(void **state)
{
	static const double shapes[] = {-0.4, -0.1, 0.1, 0.3};
	static double y[100000];
	static uint64_t weight[100000];

	(void) state;
	for (size_t k = 0; k < 4; k++)
	{
		double		scale,
					shape;

		for (size_t i = 0; i < 100000; i++)
		{
			double		survival = 1 - ((double) i + 0.5) / 100000;

			y[i] = 2.5 * (pow(survival, -shapes[k]) - 1) / shapes[k];
			weight[i] = 1;
		}
		pga_gpd_fit(y, weight, 100000, &scale, &shape);
		assert_near(shape, shapes[k], 0.01);
		assert_near(scale, 2.5, 0.025);
	}
}

/* Saved by hand: two knots, then each thing that may be wrong with them. */
static pga_calibration *
load_knots(uint32_t n, double s0, double p0, double s1, double p1, double scale)
{
	pga_buf		buf = {.ctx = &h.ctx};
	pga_reader	r = {.ctx = &h.ctx};

	pga_put_u64(&buf, 100);
	pga_put_f64(&buf, scale);
	pga_put_f64(&buf, 0.1);
	pga_put_f64(&buf, 3);
	pga_put_u32(&buf, n);
	pga_put_f64(&buf, s0);
	pga_put_f64(&buf, p0);
	pga_put_f64(&buf, s1);
	pga_put_f64(&buf, p1);
	r.p = buf.data;
	r.end = buf.data + buf.len;
	return pga_calibration_load(&r);
}

static void
senseless_curves_are_refused(void **state)
{
	(void) state;
	assert_near(pga_calibration_p(load_knots(2, 1, 1, 2, 0.5, 1), 1.5), 0.75, 1e-15);
	assert_fails(PGA_ERR_CORRUPT_MODEL, load_knots(0, 1, 1, 2, 0.5, 1));
	assert_fails(PGA_ERR_CORRUPT_MODEL, load_knots(3, 1, 1, 2, 0.5, 1));
	assert_fails(PGA_ERR_CORRUPT_MODEL, load_knots(2, 2, 1, 2, 0.5, 1));
	assert_fails(PGA_ERR_CORRUPT_MODEL, load_knots(2, 1, 1, 2, 1, 1));
	assert_fails(PGA_ERR_CORRUPT_MODEL, load_knots(2, 1, 1, 2, 0, 1));
	assert_fails(PGA_ERR_CORRUPT_MODEL, load_knots(2, 1, 1.1, 2, 1, 1));
	assert_fails(PGA_ERR_CORRUPT_MODEL, load_knots(2, 1, 1, 2, 0.5, 0));
}

/* 25 is one in a hundred, 50 one in a thousand, 75 one in 10,000. */
static void
severity_follows_its_definition(void **state)
{
	(void) state;
	assert_near(pga_severity(1), 0, 0);
	assert_near(pga_severity(0.1), 0, 0);
	assert_near(pga_severity(0.01), 25, 0);
	assert_near(pga_severity(0.001), 50, 0);
	assert_near(pga_severity(0.0001), 75, 0);
	assert_near(pga_severity(1e-5), 100, 0);
	assert_near(pga_severity(1e-9), 100, 0);
	assert_near(pga_severity(0), 100, 0);
	assert_near(pga_severity(0.03), 25 * (-log10(0.03) - 1), 1e-6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(p_value_is_the_counted_share),
		TEST(tail_continues),
		TEST(bounded_tail_goes_on_as_steep_as_it_is),
		TEST(p_value_is_monotone_and_positive),
		TEST(p_value_is_continuous),
		TEST(threshold_has_the_contamination),
		TEST(ties_are_counted_whole),
		TEST(equal_scores_only),
		TEST(tail_fit_recovers_parameters),
		TEST(senseless_curves_are_refused),
		TEST(severity_follows_its_definition),
	};

	return cmocka_run_group_tests_name("calibrate", tests, NULL, NULL);
}
