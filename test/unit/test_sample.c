/*
 * test_sample.c - the training sample: order does not matter, merging equals
 * adding, counts are exact, bytes can be trusted.
 */
#include "fixture.h"

#include "bytes.h"
#include "rng.h"
#include "sample.h"

#define MANY 6000				/* distinct rows, against max_rows 1024 below */

static pga_params
small_sample(void)
{
	pga_params	p = default_params(pga_detectors[0]);

	pga_params_set_number(&h.ctx, &p, "max_rows", 1024);
	return p;
}

static pga_buf
bytes_of(const pga_sampler *s)
{
	pga_buf		buf = {.ctx = &h.ctx};

	pga_sampler_save(s, &buf);
	return buf;
}

static void
assert_same(const pga_sampler *a, const pga_sampler *b)
{
	pga_buf		x = bytes_of(a);
	pga_buf		y = bytes_of(b);

	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.data, y.data, x.len);
}

static pga_sampler *
reloaded(const pga_sampler *s)
{
	pga_buf		buf = bytes_of(s);
	pga_reader	r = {&h.ctx, buf.data, buf.data + buf.len};
	pga_sampler *back = pga_sampler_load(&r);

	assert_ptr_equal(r.p, r.end);
	return back;
}

static void
order_does_not_matter(void **state)
{
	pga_params	p = small_sample();
	pga_sampler *forward = table_sampler(&p, 0, MANY);
	pga_sampler *backward = pga_sampler_create(&h.ctx, table_features, TABLE_COLS, &p);
	pga_cell	cells[TABLE_COLS];

	(void) state;
	for (size_t i = MANY; i-- > 0;)
	{
		table_row(i, cells);
		pga_sampler_add(backward, cells);
	}
	assert_same(forward, backward);
}

/* Parts of different sizes, one of them far under the limit, one with rows of
 * the others again, in both orders; and into an empty sampler. */
static void
merging_equals_adding(void **state)
{
	pga_params	p = small_sample();
	pga_sampler *whole = table_sampler(&p, 0, MANY);
	pga_sampler *a = table_sampler(&p, 0, 100);
	pga_sampler *b = table_sampler(&p, 100, 4000);
	pga_sampler *c = table_sampler(&p, 4000, MANY);
	pga_sampler *empty = table_sampler(&p, 0, 0);
	pga_cell	cells[TABLE_COLS];

	(void) state;
	for (size_t i = 0; i < 2 * MANY; i++)
	{
		table_row(i % MANY, cells);
		pga_sampler_add(whole, cells);
		pga_sampler_add(c, cells);
	}
	pga_sampler_merge(a, b);
	pga_sampler_merge(a, c);
	assert_same(whole, a);
	pga_sampler_merge(c, b);
	pga_sampler_merge(c, table_sampler(&p, 0, 100));
	assert_same(whole, c);
	pga_sampler_merge(empty, reloaded(whole));
	assert_same(whole, reloaded(empty));
	pga_params_set_number(&h.ctx, &p, "seed", 43);
	assert_fails(PGA_ERR_CORRUPT_MODEL, pga_sampler_merge(a, table_sampler(&p, 0, 10)));
}

/* Rows of one column, row v occurring v times; each kept count must be v. */
static void
counts_are_exact(void **state)
{
	static const pga_feature feature = {"v", PGA_NUMERIC};
	pga_params	p = small_sample();
	pga_sampler *s = pga_sampler_create(&h.ctx, &feature, 1, &p);
	uint32_t   *order;
	size_t		n;

	(void) state;
	for (int round = 1; round <= 2000; round++)
		for (int v = round; v <= 2000; v++)
		{
			pga_cell	cell = {.number = v};

			pga_sampler_add(s, &cell);
		}
	order = pga_sampler_order(s, &n);
	assert_int_equal(n, 1024);
	assert_int_equal(pga_sampler_rows(s), 2000 * 2001 / 2);
	for (size_t i = 0; i < n; i++)
		assert_true((double) s->count[order[i]] == pga_bits_double(s->cells[order[i]]));
}

/* Below the limit the sample is the data; both zeros are one value. */
static void
small_data_is_kept_whole(void **state)
{
	static const pga_feature feature = {"v", PGA_NUMERIC};
	pga_params	p = small_sample();
	pga_sampler *s = pga_sampler_create(&h.ctx, &feature, 1, &p);
	pga_cell	zero = {.number = 0.0};
	pga_cell	minus_zero = {.number = -0.0};
	pga_cell	null = {.missing = true};

	(void) state;
	pga_sampler_add(s, &zero);
	pga_sampler_add(s, &minus_zero);
	pga_sampler_add(s, &null);
	assert_int_equal(s->kept, 2);
	assert_int_equal(s->count[0], 2);
	assert_int_equal(s->missing[0], 1);
}

/* The kept rows' mean is that of all rows, within five standard errors. */
static void
sample_is_fair(void **state)
{
	static const pga_feature feature = {"v", PGA_NUMERIC};
	pga_params	p = small_sample();
	pga_sampler *s = pga_sampler_create(&h.ctx, &feature, 1, &p);
	double		sum = 0;
	size_t		n;
	uint32_t   *order;

	(void) state;
	for (int i = 0; i < 100000; i++)
	{
		pga_cell	cell = {.number = i};

		pga_sampler_add(s, &cell);
	}
	order = pga_sampler_order(s, &n);
	for (size_t i = 0; i < n; i++)
		sum += pga_bits_double(s->cells[order[i]]);
	assert_near(sum / (double) n, 50000, 5 * 100000 / sqrt(12.0 * 1024));
}

static void
long_texts_are_cut_between_characters(void **state)
{
	static const pga_feature feature = {"v", PGA_CATEGORICAL};
	pga_params	p = small_sample();
	pga_sampler *s = pga_sampler_create(&h.ctx, &feature, 1, &p);
	char		text[300];
	pga_cell	cell = {.text = text, .len = 300};

	(void) state;
	for (size_t i = 0; i < 300; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	pga_sampler_add(s, &cell);
	assert_int_equal(pga_sampler_text(s, s->cells[0])->len, 254);
	text[299] = 'x';
	pga_sampler_add(s, &cell);
	assert_int_equal(s->kept, 1);
}

static void
missing_values_follow_the_option(void **state)
{
	static pga_params p;
	pga_cell	cells[TABLE_COLS];
	static pga_sampler *s;
	size_t		nulls = 0;

	(void) state;
	p = small_sample();
	pga_params_set_text(&h.ctx, &p, "missing", "skip");
	for (size_t i = 0; i < 500; i++)
	{
		table_row(i, cells);
		for (size_t j = 0; j < TABLE_COLS; j++)
			nulls += cells[j].missing;
	}
	s = table_sampler(&p, 0, 500);
	assert_true(nulls > 20);
	assert_int_equal(pga_sampler_skipped(s), nulls);
	assert_int_equal(pga_sampler_rows(s), 500 - nulls);
	pga_params_set_text(&h.ctx, &p, "missing", "error");
	assert_fails(PGA_ERR_MISSING, table_sampler(&p, 0, 500));
}

static void
limits_are_named(void **state)
{
	static pga_params p;
	static pga_feature many[PGA_MAX_FEATURES + 1];

	(void) state;
	p = default_params(pga_detectors[0]);
	h.ctx.memory_limit = 1 << 20;
	assert_fails(PGA_ERR_MEMORY_LIMIT, table_sampler(&p, 0, 60000));
	assert_non_null(strstr(h.message, "1024 kB"));
	for (size_t j = 0; j <= PGA_MAX_FEATURES; j++)
		many[j] = (pga_feature) {"v", PGA_NUMERIC};
	assert_fails(PGA_ERR_TOO_MANY_FEATURES,
				 pga_sampler_create(&h.ctx, many, PGA_MAX_FEATURES + 1, &p));
	assert_non_null(strstr(h.message, "1601"));
	assert_fails(PGA_ERR_NO_FEATURES, pga_sampler_create(&h.ctx, many, 0, &p));
}

static void
bytes_come_back(void **state)
{
	pga_params	p = small_sample();

	(void) state;
	for (size_t rows = 0; rows <= MANY; rows += MANY / 2)
	{
		pga_sampler *back = reloaded(table_sampler(&p, 0, rows));

		assert_same(table_sampler(&p, 0, rows), back);
		pga_sampler_merge(back, table_sampler(&p, rows, MANY));
		assert_same(table_sampler(&p, 0, MANY), back);
	}
}

/* More occurrences than rows: the number of rows, at byte 23, set to
 * 1000 where 1024 are kept. */
static void
false_counts_are_refused(void **state)
{
	static pga_reader r;
	pga_params	p = small_sample();
	pga_buf		buf = bytes_of(table_sampler(&p, 0, MANY));

	(void) state;
	memset(buf.data + 23, 0, 8);
	buf.data[23] = 1000 & 0xff;
	buf.data[24] = 1000 >> 8;
	r = (pga_reader) {&h.ctx, buf.data, buf.data + buf.len};
	assert_fails(PGA_ERR_CORRUPT_MODEL, pga_sampler_load(&r));
	assert_non_null(strstr(h.message, "add up"));
}

/* Damaged bytes are refused, or are a sampler that works. */
static void
damaged_bytes_are_safe(void **state)
{
	static pga_params p;
	static pga_buf good;
	static pga_rng rng;
	static uint8_t *bytes;
	static size_t refused;

	(void) state;
	p = small_sample();
	good = bytes_of(table_sampler(&p, 0, 40));
	bytes = h.ctx.alloc(&h.ctx, good.len);
	pga_rng_seed(&rng, 5, 0);
	refused = 0;
	for (size_t len = 0; len < good.len; len++)
	{
		pga_reader	r = {&h.ctx, good.data, good.data + len};

		assert_fails(PGA_ERR_CORRUPT_MODEL, pga_sampler_load(&r));
	}
	for (volatile int i = 0; i < 20000; i++)
	{
		pga_reader	r = {&h.ctx, bytes, bytes + good.len};
		pga_sampler *s = NULL;

		memcpy(bytes, good.data, good.len);
		bytes[pga_rng_below(&rng, good.len)] = (uint8_t) pga_rng_next(&rng);
		if (HOST_FAILS(&h, s = pga_sampler_load(&r)))
			refused++;
		else
			pga_sampler_merge(s, s);
	}
	assert_true(refused > 15000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(order_does_not_matter),
		TEST(merging_equals_adding),
		TEST(counts_are_exact),
		TEST(small_data_is_kept_whole),
		TEST(sample_is_fair),
		TEST(long_texts_are_cut_between_characters),
		TEST(missing_values_follow_the_option),
		TEST(limits_are_named),
		TEST(bytes_come_back),
		TEST(false_counts_are_refused),
		TEST(damaged_bytes_are_safe),
	};

	return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
