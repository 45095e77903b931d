/* test_basics.c - bytes, checksum, arithmetic, sorting, options, evaluation. */
#include "fixture.h"

#include "bytes.h"
#include "fmath.h"
#include "rng.h"

/* RFC 3720, appendix B.4, and the check value of CRC-32C. */
static void
checksum_matches_the_rfc(void **state)
{
	uint8_t		zeros[32] = {0};
	uint8_t		ascending[32];

	(void) state;
	for (uint8_t i = 0; i < 32; i++)
		ascending[i] = i;
	assert_int_equal(pga_crc32c((const uint8_t *) "123456789", 9), 0xe3069283);
	assert_int_equal(pga_crc32c(zeros, 32), 0x8a9136aa);
	assert_int_equal(pga_crc32c(ascending, 32), 0x46dd794e);
}

static void
numbers_are_little_endian(void **state)
{
	static const uint8_t want[] = {
		0x34, 0x12, 0x78, 0x56, 0x34, 0x12, 0, 0, 0x80, 0x3f,	/* 1.0f */
		0, 0, 0, 0, 0, 0, 0, 0xc0,	/* -2.0 */
		2, 0, 0, 0, 'h', 'i'
	};
	pga_buf		buf = {.ctx = &h.ctx};

	(void) state;
	pga_put_u16(&buf, 0x1234);
	pga_put_u32(&buf, 0x12345678);
	pga_put_f32(&buf, 1.0f);
	pga_put_f64(&buf, -2.0);
	pga_put_text(&buf, "hi", 2);
	assert_int_equal(buf.len, sizeof(want));
	assert_memory_equal(buf.data, want, sizeof(want));
}

static void
reading_stops_at_the_end(void **state)
{
	static const uint8_t bytes[] = {3, 0, 0, 0, 1, 2, 3};
	static const uint8_t nan_bytes[] = {0, 0, 0xc0, 0x7f};
	static pga_reader r;

	(void) state;
	r = (pga_reader) {&h.ctx, bytes, bytes + sizeof(bytes)};
	assert_int_equal(pga_get_count(&r, 1), 3);
	assert_fails(PGA_ERR_CORRUPT_MODEL, pga_get_u32(&r));
	r.p = bytes;
	assert_fails(PGA_ERR_CORRUPT_MODEL, pga_get_count(&r, 2));
	r = (pga_reader) {&h.ctx, nan_bytes, nan_bytes + 4};
	assert_fails(PGA_ERR_CORRUPT_MODEL, pga_get_f32(&r));
}

static void
sizes_do_not_wrap(void **state)
{
	(void) state;
	assert_fails(PGA_ERR_MEMORY_LIMIT, pga_mul(&h.ctx, SIZE_MAX / 2, 3));
	assert_fails(PGA_ERR_MEMORY_LIMIT, pga_add(&h.ctx, SIZE_MAX, 1));
	assert_true(pga_mul(&h.ctx, 6, 7) == 42);
}

static void
log_and_exp2_agree_with_the_library(void **state)
{
	pga_rng		rng;

	(void) state;
	pga_rng_seed(&rng, 1, 1);
	for (int i = 0; i < 100000; i++)
	{
		double		x = (pga_rng_real(&rng) - 0.5) * 200;

		assert_near(pga_exp2(x) / exp2(x), 1, 1e-15);
		assert_near(pga_log(exp2(x)), log(exp2(x)), 1e-15 * (1 + fabs(x)));
	}
	assert_bits_equal(pga_exp2(-1), 0.5);
	assert_bits_equal(pga_exp2(0), 1);
	assert_bits_equal(pga_log(1), 0);
}

static void
sort_orders_doubles(void **state)
{
	static pga_item items[1000],
				scratch[1000];
	pga_rng		rng;

	(void) state;
	pga_rng_seed(&rng, 2, 0);
	for (size_t i = 0; i < 1000; i++)
		items[i] = (pga_item) {pga_ordered(pga_rng_normal(&rng) * 1e10), i};
	items[3].key = pga_ordered(-INFINITY);
	items[4].key = pga_ordered(0.0);
	pga_sort(&h.ctx, items, scratch, 1000);
	assert_true(isinf(pga_unordered(items[0].key)));
	for (size_t i = 1; i < 1000; i++)
		assert_true(pga_unordered(items[i - 1].key) <= pga_unordered(items[i].key));
}

/* A draw below 3 from 30,000: each within five standard deviations of a third. */
static void
draws_are_even(void **state)
{
	int			count[3] = {0};
	double		sum = 0;
	double		squares = 0;
	pga_rng		rng;

	(void) state;
	pga_rng_seed(&rng, 3, 0);
	for (int i = 0; i < 30000; i++)
	{
		double		z = pga_rng_normal(&rng);

		count[pga_rng_below(&rng, 3)]++;
		sum += z;
		squares += z * z;
	}
	for (int i = 0; i < 3; i++)
		assert_near(count[i], 10000, 5 * sqrt(30000 * 2.0 / 9));
	assert_near(sum / 30000, 0, 5 / sqrt(30000));
	assert_near(squares / 30000, 1, 5 * sqrt(2.0 / 30000));
}

static void
options_are_checked(void **state)
{
	static pga_params p;

	(void) state;
	p = default_params(pga_detectors[0]);
	assert_true(pga_param(&p, "seed") == 42);
	assert_fails(PGA_ERR_UNKNOWN_OPTION, pga_params_set_number(&h.ctx, &p, "sede", 1));
	assert_non_null(strstr(h.message, "sede"));
	assert_non_null(strstr(h.hint, "contamination"));
	assert_fails(PGA_ERR_OPTION_VALUE, pga_params_set_number(&h.ctx, &p, "contamination", 0.6));
	assert_non_null(strstr(h.message, "0.5"));
	assert_fails(PGA_ERR_OPTION_VALUE, pga_params_set_number(&h.ctx, &p, "contamination", NAN));
	assert_fails(PGA_ERR_OPTION_VALUE, pga_params_set_number(&h.ctx, &p, "seed", 1.5));
	assert_fails(PGA_ERR_OPTION_VALUE, pga_params_set_text(&h.ctx, &p, "seed", "1"));
	assert_fails(PGA_ERR_OPTION_VALUE, pga_params_set_bool(&h.ctx, &p, "seed", true));
	assert_fails(PGA_ERR_OPTION_VALUE, pga_params_set_text(&h.ctx, &p, "missing", "ignore"));
	assert_non_null(strstr(h.message, "impute, skip or error"));
	pga_params_set_text(&h.ctx, &p, "missing", "skip");
	assert_true(pga_param(&p, "missing") == 1);
	assert_fails(PGA_ERR_UNKNOWN_DETECTOR, pga_detector_by_name(&h.ctx, "forest"));
	assert_non_null(strstr(h.hint, "isolation_forest"));
}

/*
 * Hand-computed.  Scores 4 3 3 2 1 with positives + + - - +: of the 6 pairs
 * the positives win 2 (4) + 1.5 (3) + 0 (1).  Precision at the steps: 1/1 for
 * a third of the recall, 2/3 for the next, 3/5 for the last.
 */
static void
areas_match_hand_computation(void **state)
{
	pga_scored	rows[] = {{1, true}, {3, false}, {4, true}, {2, false}, {3, true}};
	pga_scored	same[] = {{1, true}, {1, false}, {1, false}};
	pga_scored	one_class[] = {{1, true}, {2, true}};

	(void) state;
	pga_sort_scored(&h.ctx, rows, 5);
	assert_near(pga_roc_auc(rows, 5), 3.5 / 6, 1e-15);
	assert_near(pga_average_precision(rows, 5), (1 + 2.0 / 3 + 3.0 / 5) / 3, 1e-15);
	assert_near(pga_roc_auc(same, 3), 0.5, 1e-15);
	assert_near(pga_average_precision(same, 3), 1.0 / 3, 1e-15);
	assert_true(isnan(pga_roc_auc(one_class, 2)));
}

static int
by_score(const void *a, const void *b)
{
	double		x = ((const pga_scored *) a)->score;
	double		y = ((const pga_scored *) b)->score;

	return x != y ? (x < y) - (x > y) : ((const pga_scored *) b)->positive - ((const pga_scored *) a)->positive;
}

/* As the library sorts them, ties apart: wide, negative, tiny, tied, equal; and it can be cancelled. */
static void
scored_sort_agrees_with_the_library(void **state)
{
	enum {N = 100000};
	static pga_scored rows[N],
				want[N];
	pga_rng		rng;

	(void) state;
	for (int kind = 0; kind < 4; kind++)
	{
		size_t		polls = h.polls;

		pga_rng_seed(&rng, 1, (uint64_t) kind);
		for (size_t i = 0; i < N; i++)
		{
			double		x = pga_rng_normal(&rng);

			rows[i].positive = pga_rng_real(&rng) < 0.3;
			rows[i].score = kind == 0 ? x * 1e300 : kind == 1 ? x * 1e-320 : kind == 2 ? floor(x * 2) : 7;
		}
		memcpy(want, rows, sizeof(rows));
		qsort(want, N, sizeof(pga_scored), by_score);
		pga_sort_scored(&h.ctx, rows, N);
		assert_true(h.polls - polls > N / 20000);
		for (size_t i = 0; i < N; i++)
			assert_true(rows[i].score == want[i].score);
		qsort(rows, N, sizeof(pga_scored), by_score);
		for (size_t i = 0; i < N; i++)
			assert_int_equal(rows[i].positive, want[i].positive);
	}
}

/* The same rows: thresholds 4, 3, 2, 1 find 1+0, 2+1, 2+2, 3+2. */
static void
curve_counts_what_thresholds_find(void **state)
{
	pga_scored	rows[] = {{1, true}, {3, false}, {4, true}, {2, false}, {3, true}};
	const pga_curve_point expected[] = {{4, 1, 0}, {3, 2, 1}, {2, 2, 2}, {1, 3, 2}};
	pga_scored	many[20000];
	pga_curve_point out[PGA_CURVE_MAX];

	(void) state;
	pga_sort_scored(&h.ctx, rows, 5);
	assert_int_equal(pga_curve(rows, 5, out), 4);
	for (int i = 0; i < 4; i++)
		assert_true(out[i].score == expected[i].score && out[i].tp == expected[i].tp
					&& out[i].fp == expected[i].fp);
	assert_int_equal(pga_curve(rows, 1, out), 0);

	/* alternating kinds, so that both axes advance: bounded, and it ends with all */
	for (int i = 0; i < 20000; i++)
		many[i] = (pga_scored) {-i, i % 2};
	assert_in_range(pga_curve(many, 20000, out), 50, PGA_CURVE_MAX);
	assert_true(out[pga_curve(many, 20000, out) - 1].tp == 10000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(checksum_matches_the_rfc),
		TEST(numbers_are_little_endian),
		TEST(reading_stops_at_the_end),
		TEST(sizes_do_not_wrap),
		TEST(log_and_exp2_agree_with_the_library),
		TEST(sort_orders_doubles),
		TEST(draws_are_even),
		TEST(options_are_checked),
		TEST(areas_match_hand_computation),
		TEST(scored_sort_agrees_with_the_library),
		TEST(curve_counts_what_thresholds_find),
	};

	return cmocka_run_group_tests_name("basics", tests, NULL, NULL);
}
