/*
 * test_split.c - what is held out, classes, series, and what training warns of
 * in labels.
 */
#include "fixture.h"

#include "split.h"

static const pga_param_spec no_params[] = {{NULL}};
static const pga_detector supervised = {.name = "s", .flags = PGA_SUPERVISED, .params = no_params};
static const pga_detector unsupervised = {.name = "u", .params = no_params};
static const pga_detector sequence = {.name = "q", .flags = PGA_SEQUENCE, .params = no_params};

static const pga_feature labelled[] = {
	{"n", PGA_NUMERIC}, {"t", PGA_CATEGORICAL}, {"label", PGA_CATEGORICAL, PGA_TARGET}
};
static const pga_feature ordered[] = {
	{"n", PGA_NUMERIC}, {"host", PGA_CATEGORICAL, PGA_PARTITION}, {"at", PGA_TIME, PGA_ORDER}
};

static pga_cell
text(const char *s)
{
	return (pga_cell) {.text = s, .len = (uint32_t) strlen(s)};
}

static pga_rows
all_rows(const pga_sampler *s)
{
	pga_rows	rows = {.sampler = s};
	uint64_t   *weight;

	rows.order = pga_sampler_order(s, &rows.n);
	weight = h.ctx.alloc(&h.ctx, rows.n * sizeof(uint64_t));
	for (size_t i = 0; i < rows.n; i++)
		weight[i] = s->count[rows.order[i]];
	rows.weight = weight;
	return rows;
}

/* 800 normal rows, 150 floods and 50 scans; every third row three times. */
static pga_sampler *
labelled_sample(const pga_params *p)
{
	pga_sampler *s = pga_sampler_create(&h.ctx, labelled, 3, p);

	for (size_t i = 0; i < 1000; i++)
		for (size_t k = 0; k < (i % 3 == 0 ? 3 : 1); k++)
		{
			pga_cell	cells[3] = {
				{.number = (double) (i * 7919 % 1000)}, text(i % 2 ? "a" : "b"),
				text(i < 800 ? "normal" : i < 950 ? "flood" : "scan")
			};

			pga_sampler_add(s, cells);
		}
	return s;
}

/* A quarter of the distinct rows of each class, each wholly on one side. */
static void
classes_are_split_alike(void **state)
{
	pga_params	p = default_params(&supervised);
	pga_rows	rows = all_rows(labelled_sample(&p));
	size_t		held[3] = {0};
	pga_split	sp;

	(void) state;
	pga_split_rows(&h.ctx, &rows, &p, &sp);
	assert_int_equal(sp.nclasses, 3);
	assert_string_equal(sp.classes[0], "flood");
	assert_string_equal(sp.classes[1], "normal");
	assert_string_equal(sp.classes[2], "scan");
	assert_int_equal(sp.normal, 1);
	for (size_t i = 0; i < sp.rows.n; i++)
	{
		held[sp.class[i]] += sp.held[i] > 0;
		assert_true((sp.held[i] == 0) != (sp.rows.weight[i] == 0));
		assert_int_equal(sp.held[i] + sp.rows.weight[i], rows.weight[i]);
	}
	assert_in_range(held[0], 37, 38);
	assert_int_equal(held[1], 200);
	assert_in_range(held[2], 12, 13);
}

static void
others_learn_from_normal_rows(void **state)
{
	pga_params	p = default_params(&unsupervised);
	pga_rows	rows = all_rows(labelled_sample(&p));
	pga_split	sp;

	(void) state;
	pga_split_rows(&h.ctx, &rows, &p, &sp);
	assert_int_equal(sp.rows.n, 800);
	assert_null(sp.class);
	assert_int_equal(sp.trained_total + sp.held_total, 800 + 2 * 267);
}

static void
classes_that_teach_nothing_are_refused(void **state)
{
	static pga_params p;
	static pga_rows rows;
	static pga_split sp;
	static pga_sampler *s;

	(void) state;
	p = default_params(&supervised);
	s = pga_sampler_create(&h.ctx, labelled, 3, &p);
	for (int i = 0; i < 50; i++)
		pga_sampler_add(s, (pga_cell[]) {{.number = i}, text("a"), text("flood")});
	rows = all_rows(s);
	assert_fails(PGA_ERR_LABEL, pga_split_rows(&h.ctx, &rows, &p, &sp));
	assert_string_equal(h.message, "label \"label\" marks no row as normal");
	s = pga_sampler_create(&h.ctx, labelled, 3, &p);
	for (int i = 0; i < 50; i++)
		pga_sampler_add(s, (pga_cell[]) {{.number = i}, text("a"), text("normal")});
	rows = all_rows(s);
	assert_fails(PGA_ERR_LABEL, pga_split_rows(&h.ctx, &rows, &p, &sp));
	assert_string_equal(h.message, "label \"label\" marks every row as normal");
}

/* Rows come in any order; each series is whole, in order, and its end held out. */
static void
series_are_sorted_and_cut(void **state)
{
	static const char *const hosts[] = {"x", "y", "z"};
	pga_params	p = default_params(&sequence);
	pga_sampler *s = pga_sampler_create(&h.ctx, ordered, 3, &p);
	double		last = 0;
	pga_rows	rows;
	pga_split	sp;

	(void) state;
	for (size_t i = 0; i < 300; i++)
	{
		size_t		k = i * 101 % 300;
		pga_cell	cells[3] = {{.number = (double) k}, text(hosts[k % 3]), {.number = 1e8 + (double) k}};

		pga_sampler_add(s, cells);
	}
	rows = all_rows(s);
	pga_split_rows(&h.ctx, &rows, &p, &sp);
	assert_int_equal(sp.nseries, 3);
	for (size_t k = 0; k < 3; k++)
	{
		assert_int_equal(sp.series[k + 1] - sp.series[k], 100);
		for (size_t i = sp.series[k]; i < sp.series[k + 1]; i++)
		{
			const uint64_t *cells = s->cells + sp.rows.order[i] * 3;

			/* Every third row is of one host. */
			if (i > sp.series[k])
				assert_true(pga_bits_double(cells[2]) - last == 3);
			last = pga_bits_double(cells[2]);
			assert_int_equal(sp.held[i], i - sp.series[k] >= 75);
		}
	}
}

static void
rows_without_class_or_place_are_skipped(void **state)
{
	pga_params	p = default_params(&supervised);
	pga_sampler *s = pga_sampler_create(&h.ctx, labelled, 3, &p);

	(void) state;
	pga_sampler_add(s, (pga_cell[]) {{.number = 1}, text("a"), {.missing = true}});
	pga_sampler_add(s, (pga_cell[]) {{.number = 1}, text("a"), text("normal")});
	assert_int_equal(pga_sampler_rows(s), 1);
	assert_int_equal(pga_sampler_skipped(s), 1);
}

/* n and t say nothing here, n2 and t2 everything. */
static void
leaks_are_warned_of(void **state)
{
	static const pga_feature features[] = {
		{"n", PGA_NUMERIC}, {"t", PGA_CATEGORICAL}, {"n2", PGA_NUMERIC}, {"t2", PGA_CATEGORICAL},
		{"label", PGA_CATEGORICAL, PGA_TARGET}
	};
	pga_params	p = default_params(&supervised);
	pga_sampler *s = pga_sampler_create(&h.ctx, features, 5, &p);
	pga_rows	rows;
	pga_split	sp;

	(void) state;
	for (size_t i = 0; i < 2000; i++)
	{
		bool		attack = i % 20 == 0;
		pga_cell	cells[5] = {
			{.number = (double) (i * 7919 % 2000)}, text(i * 31 % 7 < 3 ? "tcp" : "udp"),
			{.number = (attack ? -5000 : 0) + (double) (i * 7 % 2000)}, text(attack ? "blocked" : "passed"),
			text(attack ? "attack" : "normal")
		};

		pga_sampler_add(s, cells);
	}
	rows = all_rows(s);
	pga_split_rows(&h.ctx, &rows, &p, &sp);
	pga_warn_of_leaks(&h.ctx, &sp);
	assert_non_null(strstr(h.warnings, "\"n2\""));
	assert_non_null(strstr(h.warnings, "\"t2\""));
	assert_null(strstr(h.warnings, "\"n\""));
	assert_null(strstr(h.warnings, "\"t\""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(classes_are_split_alike),
		TEST(others_learn_from_normal_rows),
		TEST(classes_that_teach_nothing_are_refused),
		TEST(series_are_sorted_and_cut),
		TEST(rows_without_class_or_place_are_skipped),
		TEST(leaks_are_warned_of),
	};

	return cmocka_run_group_tests_name("split", tests, NULL, NULL);
}
