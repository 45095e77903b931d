/*
 * test_contract.c - what every detector in the table must keep: round trips,
 * order independence, one row alone like one row in a block, damaged bytes
 * refused or scored safely, and the golden files of released formats.
 */
#define _GNU_SOURCE				/* memmem */

#include "fixture.h"

#include "model.h"
#include "rng.h"

#define ROWS 700
#define MUTATIONS 20000

static bool
has_option(const pga_detector *d, const char *name)
{
	for (const pga_param_spec *spec = d->params; spec->name != NULL; spec++)
		if (strcmp(spec->name, name) == 0)
			return true;
	return false;
}

static void
set_if_known(pga_params *p, const char *name, double value)
{
	if (has_option(p->detector, name))
		pga_params_set_number(&h.ctx, p, name, value);
}

/* Variants of a detector worth testing apart; small ones for damaged bytes. */
static pga_params
variant(const pga_detector *d, int i, bool small)
{
	pga_params	p = default_params(d);

	if (small)
	{
		small_params(&h, &p, d);
		set_if_known(&p, "networks", 2);
	}
	set_if_known(&p, "epochs", 3);
	if (i == 1)
	{
		set_if_known(&p, "extension_level", 2);
		pga_params_set_text(&h.ctx, &p, "encoding", "one_hot");
		pga_params_set_text(&h.ctx, &p, "log1p", "all");
	}
	return p;
}

#define VARIANTS 2

static double *
score_rows(const pga_model *model, size_t n)
{
	size_t		cols = pga_model_nfeatures(model);
	double	   *raw = h.ctx.alloc(&h.ctx, n * cols * sizeof(double));
	double	   *score = h.ctx.alloc(&h.ctx, n * sizeof(double));

	for (size_t i = 0; i < n; i++)
		table_raw(model, i, raw + i * cols);
	pga_model_score(model, raw, n, score, h.ctx.alloc(&h.ctx, pga_model_scratch_bytes(model)));
	return score;
}

static void
assert_same_bytes(pga_buf a, pga_buf b)
{
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
}

static void
assert_other_bytes(pga_buf a, pga_buf b)
{
	assert_true(a.len != b.len || memcmp(a.data, b.data, a.len) != 0);
}

typedef void (*detector_test) (const pga_detector *);

static void
for_each_detector(detector_test test)
{
	for (size_t i = 0; pga_detectors[i] != NULL; i++)
		test(pga_detectors[i]);
}

/* ---- the table -------------------------------------------------------------- */

static void
table_is_sound(void **state)
{
	(void) state;
	for (size_t i = 0; pga_detectors[i] != NULL; i++)
	{
		const pga_detector *d = pga_detectors[i];

		assert_true(strlen(d->name) > 0 && strlen(d->summary) > 0 && strlen(d->reference) > 0);
		assert_ptr_equal(pga_detector_by_tag(d->tag), d);
		assert_ptr_equal(pga_detector_by_name(&h.ctx, d->name), d);
		for (const pga_param_spec *spec = d->params; spec->name != NULL; spec++)
		{
			assert_true(spec->def >= spec->min && spec->def <= spec->max);
			assert_true(spec->doc[strlen(spec->doc) - 1] == '.');
		}
	}
}

/* ---- sameness ----------------------------------------------------------------- */

static void
round_trip(const pga_detector *d)
{
	for (int v = 0; v < VARIANTS; v++)
	{
		pga_params	p = variant(d, v, false);
		pga_model  *model = trained(&p, ROWS);
		pga_buf		bytes = saved(model);
		pga_model  *back = pga_model_load(&h.ctx, bytes.data, bytes.len);

		assert_same_bytes(bytes, saved(back));
		assert_memory_equal(score_rows(model, ROWS), score_rows(back, ROWS), ROWS * sizeof(double));
		assert_bits_equal(pga_model_threshold(model), pga_model_threshold(back));
	}
}

static void
models_come_back_whole(void **state)
{
	(void) state;
	for_each_detector(round_trip);
}

static void
shuffle_rows(const pga_detector *d)
{
	for (int v = 0; v < VARIANTS; v++)
	{
		pga_params	p = variant(d, v, false);
		pga_sampler *shuffled = pga_sampler_create(&h.ctx, table_features, TABLE_COLS, &p);
		pga_cell	cells[TABLE_COLS];
		pga_report	report;

		for (size_t i = 0; i < ROWS; i++)
		{
			table_row(i * 311 % ROWS, cells);	/* 311 and 700 have no common factor */
			pga_sampler_add(shuffled, cells);
		}
		assert_same_bytes(saved(trained(&p, ROWS)),
						  saved(pga_train(&h.ctx, shuffled, &p, &report)));
		pga_params_set_number(&h.ctx, &p, "seed", 43);
		assert_other_bytes(saved(trained(&p, ROWS)),
						   saved(pga_train(&h.ctx, shuffled, &p, &report)));
	}
}

static void
row_order_leaves_no_trace(void **state)
{
	(void) state;
	for_each_detector(shuffle_rows);
}

/* Blocks of every size up to 40 and some larger, against one row at a time. */
static void
cut_into_blocks(const pga_detector *d)
{
	for (int v = 0; v < VARIANTS; v++)
	{
		pga_params	p = variant(d, v, false);
		pga_model  *model = trained(&p, ROWS);
		size_t		cols = pga_model_nfeatures(model);
		double	   *whole = score_rows(model, ROWS);
		double	   *raw = h.ctx.alloc(&h.ctx, ROWS * cols * sizeof(double));
		void	   *scratch = h.ctx.alloc(&h.ctx, pga_model_scratch_bytes(model));
		double		score[ROWS];

		for (size_t i = 0; i < ROWS; i++)
			table_raw(model, i, raw + i * cols);
		for (size_t size = 1; size < 300; size += size < 40 ? 1 : 37)
		{
			for (size_t i = 0; i < ROWS; i += size)
				pga_model_score(model, raw + i * cols, ROWS - i < size ? ROWS - i : size,
								score + i, scratch);
			assert_memory_equal(score, whole, sizeof(score));
		}
	}
}

static void
a_row_scores_alone_as_in_a_block(void **state)
{
	(void) state;
	for_each_detector(cut_into_blocks);
}

/* ---- damage -------------------------------------------------------------------- */

static void
seal(uint8_t *bytes, size_t n)
{
	uint32_t	crc;

	if (n < 4)
		return;
	crc = pga_crc32c(bytes, n - 4);
	for (int i = 0; i < 4; i++)
		bytes[n - 4 + (size_t) i] = (uint8_t) (crc >> (8 * i));
}

/* Everything a host does with a model, on rows nobody expects. */
static void
use(const pga_model *model)
{
	static const double odd[] = {0, -1, 1e308, -1e308, 3.7, 1e9, NAN, INFINITY, 255};
	size_t		cols = pga_model_nfeatures(model);
	double	   *raw = h.ctx.alloc(&h.ctx, 9 * cols * sizeof(double));
	double	   *share = h.ctx.alloc(&h.ctx, 2 * cols * sizeof(double));
	double	   *expected = share + cols;
	void	   *scratch = h.ctx.alloc(&h.ctx, pga_model_scratch_bytes(model));
	size_t		back = pga_model_history(model);
	double		score[9];
	char		text[40];

	for (size_t i = 0; i < 9 * cols; i++)
		raw[i] = odd[(i * 5 + i / cols) % 9];
	pga_model_score(model, raw, 9, score, scratch);
	for (size_t i = 0; i < 9; i++)
	{
		double		p = pga_model_p_value(model, score[i]);

		assert_true(p > 0 && p <= 1);
	}
	back = back < 5 ? back : 5;
	pga_model_score_series(model, raw, 9, back, score, scratch);
	for (size_t i = 0; i < 9 - back; i++)
		assert_true(pga_model_p_value(model, score[i]) > 0);
	pga_model_explain_series(model, &h.ctx, raw, back + 1, share, expected);
	pga_model_explain(model, &h.ctx, raw, share);
	for (size_t j = 0; j < cols; j++)
	{
		pga_model_category(model, j, "http", 4);
		pga_model_expected(model, j, text, sizeof(text));
	}
	saved(model);
}

/* The good bytes with one byte put in at `at`, under a checksum that fits. */
static uint8_t *
insert_byte(const pga_buf *good, size_t at)
{
	uint8_t    *bytes = h.ctx.alloc(&h.ctx, good->len + 1);

	memcpy(bytes, good->data, at);
	memcpy(bytes + at + 1, good->data + at, good->len - at);
	seal(bytes, good->len + 1);
	return bytes;
}

/* A byte too many behind the payload, then inside its stated length too; an
 * option out of its range. */
static void
break_envelope(const pga_detector *d)
{
	static const char option[] = "contamination";
	static pga_buf good;
	static uint8_t *bytes;
	pga_params	p = variant(d, 0, true);
	pga_model  *model = trained(&p, ROWS);
	pga_buf		buf = {.ctx = &h.ctx};
	static size_t payload;

	good = saved(model);
	d->save(model->fitted, &buf);
	payload = good.len - 4 - buf.len;

	bytes = insert_byte(&good, good.len - 4);
	assert_fails(PGA_ERR_CORRUPT_MODEL, pga_model_load(&h.ctx, bytes, good.len + 1));
	assert_non_null(strstr(h.message, "follow its end"));
	bytes[payload - 4]++;
	seal(bytes, good.len + 1);
	assert_fails(PGA_ERR_CORRUPT_MODEL, pga_model_load(&h.ctx, bytes, good.len + 1));
	assert_non_null(strstr(h.message, "follow its payload"));

	bytes = memmem(good.data, good.len, option, strlen(option));
	assert_non_null(bytes);
	memset(bytes + strlen(option), 0, 8);	/* a contamination of 0 */
	seal(good.data, good.len);
	assert_fails(PGA_ERR_CORRUPT_MODEL, pga_model_load(&h.ctx, good.data, good.len));
	assert_non_null(strstr(h.message, "option"));
}

static void
broken_envelopes_are_refused(void **state)
{
	(void) state;
	for_each_detector(break_envelope);
}

/* Prefixes, as they are and with a checksum that fits: each of the first and
 * last thousand bytes, where headers and ends are, one in 11 between. */
static void
truncate_model(const pga_detector *d)
{
	static pga_buf good;
	static uint8_t *cut;

	for (volatile int v = 0; v < VARIANTS; v++)
	{
		pga_params	p = variant(d, v, true);

		good = saved(trained(&p, ROWS));
		cut = h.ctx.alloc(&h.ctx, good.len);
		for (volatile size_t len = 0; len < good.len;
			 len += len < 1000 || len + 1000 >= good.len ? 1 : 11)
		{
			memcpy(cut, good.data, len);
			assert_fails(PGA_ERR_CORRUPT_MODEL, pga_model_load(&h.ctx, cut, len));
			seal(cut, len);
			assert_fails(PGA_ERR_CORRUPT_MODEL, pga_model_load(&h.ctx, cut, len));
		}
	}
}

static void
truncations_are_refused(void **state)
{
	(void) state;
	for_each_detector(truncate_model);
}

/* Overwrites, copies or removes a few bytes. */
static size_t
mutate(pga_rng *rng, uint8_t *bytes, size_t n)
{
	static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff};
	size_t		at = (size_t) pga_rng_below(rng, n);
	size_t		len = 1 + (size_t) pga_rng_below(rng, 8);

	len = len < n - at ? len : n - at;
	switch (pga_rng_below(rng, 5))
	{
		case 0:
			bytes[at] = (uint8_t) pga_rng_next(rng);
			return n;
		case 1:
			bytes[at] = edges[pga_rng_below(rng, sizeof(edges))];
			return n;
		case 2:
			bytes[at] ^= (uint8_t) (1 << pga_rng_below(rng, 8));
			return n;
		case 3:
			memmove(bytes + at, bytes + pga_rng_below(rng, n - len + 1), len);
			return n;
		default:
			memmove(bytes + at, bytes + at + len, n - at - len);
			return n - len;
	}
}

/* Damaged models, all but one in 16 with a checksum that fits. */
static void
damage(pga_buf buf, uint64_t stream, int times)
{
	static uint8_t *good,
			   *bytes;
	static pga_rng rng;
	static size_t len;
	static int	accepted;

	len = buf.len;
	good = malloc(len);
	bytes = malloc(len);
	assert_true(good != NULL && bytes != NULL);
	memcpy(good, buf.data, len);
	pga_rng_seed(&rng, 9, stream);
	accepted = 0;
	for (volatile int i = 0; i < times; i++)
	{
		pga_model  *model = NULL;
		size_t		n = len;

		host_reset(&h);
		memcpy(bytes, good, len);
		for (uint64_t k = pga_rng_below(&rng, 3); k < 3; k++)
			n = mutate(&rng, bytes, n);
		if (i % 16 != 0)
			seal(bytes, n);
		if (HOST_FAILS(&h, model = pga_model_load(&h.ctx, bytes, n)))
			assert_int_equal(h.error, PGA_ERR_CORRUPT_MODEL);
		else
		{
			accepted++;
			use(model);
		}
	}
	assert_true(accepted > times / 100);	/* or scoring was never tried */
	free(good);
	free(bytes);
}

static void
damage_model(const pga_detector *d)
{
	for (volatile int v = 0; v < VARIANTS; v++)
	{
		pga_params	p = variant(d, v, true);

		damage(saved(trained(&p, ROWS)), (uint64_t) v, MUTATIONS / VARIANTS);
	}
}

static void
damage_is_refused_or_safe(void **state)
{
	(void) state;
	for_each_detector(damage_model);
}

/* ---- series --------------------------------------------------------------------------- */

#define SERIES 3
#define LENGTH 300
#define COLS (TABLE_COLS + 2)

static const char *const hosts[SERIES] = {"a", "b", "c"};

/* The table with a host and a time, each host's rows an hour apart but for a few. */
static void
series_row(size_t host, size_t i, pga_cell *cells)
{
	table_row(host * LENGTH + i, cells);
	cells[TABLE_COLS] = (pga_cell) {.text = hosts[host], .len = 1};
	cells[TABLE_COLS + 1] = (pga_cell) {.number = 8e8 + 3600.0 * (double) (i + i / 50)};
}

/* Trained on all series, row by row or series by series. */
static pga_model *
trained_on_series(const pga_params *p, bool turned)
{
	pga_feature features[COLS];
	pga_cell	cells[COLS];
	pga_sampler *s;
	pga_report	report;

	memcpy(features, table_features, sizeof(table_features));
	features[TABLE_COLS] = (pga_feature) {"host", PGA_CATEGORICAL, PGA_PARTITION};
	features[TABLE_COLS + 1] = (pga_feature) {"at", PGA_TIME, PGA_ORDER};
	s = pga_sampler_create(&h.ctx, features, COLS, p);
	for (size_t k = 0; k < SERIES * LENGTH; k++)
	{
		if (turned)
			series_row(k % SERIES, k / SERIES, cells);
		else
			series_row(SERIES - 1 - k / LENGTH, k % LENGTH, cells);
		pga_sampler_add(s, cells);
	}
	return pga_train(&h.ctx, s, p, &report);
}

/* The rows of a host as the model reads them. */
static double *
series_raw(const pga_model *model, size_t host)
{
	size_t		nf = pga_model_nfeatures(model);
	double	   *raw = h.ctx.alloc(&h.ctx, LENGTH * nf * sizeof(double));

	for (size_t i = 0; i < LENGTH; i++)
	{
		pga_cell	cells[COLS];

		table_raw(model, host * LENGTH + i, raw + i * nf);
		series_row(host, i, cells);
		for (size_t j = 0; j < nf; j++)
		{
			if (pga_model_features(model)[j].role == PGA_PARTITION)
				raw[i * nf + j] = pga_model_category(model, j, hosts[host], 1);
			if (pga_model_features(model)[j].role == PGA_ORDER)
				raw[i * nf + j] = cells[TABLE_COLS + 1].number;
		}
	}
	return raw;
}

/* Cut anywhere, with the rows before each piece, a series scores as in one; a
 * row without any scores as alone. */
static void
cut_series(const pga_detector *d)
{
	pga_params	p = variant(d, 0, false);
	pga_model  *model;
	size_t		nf,
				history;
	double	   *raw;
	void	   *scratch;
	double		whole[LENGTH],
				part[LENGTH];

	if (!(d->flags & PGA_SEQUENCE))
		return;
	model = trained_on_series(&p, false);
	assert_same_bytes(saved(model), saved(trained_on_series(&p, true)));
	assert_string_equal(pga_param_text(pga_model_params(model), "order"), "at");
	nf = pga_model_nfeatures(model);
	history = pga_model_history(model);
	assert_true(history > 0);
	raw = series_raw(model, 1);
	scratch = h.ctx.alloc(&h.ctx, pga_model_scratch_bytes(model));
	pga_model_score_series(model, raw, LENGTH, 0, whole, scratch);
	for (size_t size = 1; size < LENGTH; size = size * 3 + 1)
	{
		for (size_t i = 0; i < LENGTH; i += size)
		{
			size_t		back = i < history ? i : history;
			size_t		n = LENGTH - i < size ? LENGTH - i : size;

			pga_model_score_series(model, raw + (i - back) * nf, back + n, back, part + i, scratch);
		}
		assert_memory_equal(part, whole, sizeof(whole));
	}
	for (size_t i = 0; i < LENGTH; i++)
	{
		pga_model_score_series(model, raw + i * nf, 1, 0, part, scratch);
		pga_model_score(model, raw + i * nf, 1, part + 1, scratch);
		assert_bits_equal(part[0], part[1]);
	}
}

static void
series_score_the_same_however_cut(void **state)
{
	(void) state;
	for_each_detector(cut_series);
}

static void
damage_series(const pga_detector *d)
{
	pga_params	p = variant(d, 0, true);

	if (d->flags & PGA_SEQUENCE)
		damage(saved(trained_on_series(&p, false)), 7, MUTATIONS / 10);
}

static void
damaged_series_are_refused_or_safe(void **state)
{
	(void) state;
	for_each_detector(damage_series);
}

/* ---- golden files ----------------------------------------------------------------- */

static FILE *
golden(const pga_detector *d, unsigned version, const char *kind, const char *mode)
{
	char		path[512];

	snprintf(path, sizeof(path), "%s/%s_v%u.%s", GOLDEN_DIR, d->name, version, kind);
	return fopen(path, mode);
}

/* Written once, for a version that has none; committed, never changed. */
static void
write_golden(const pga_detector *d)
{
	pga_params	p = variant(d, 0, true);
	pga_model  *model = trained(&p, ROWS);
	pga_buf		bytes = saved(model);
	double	   *score = score_rows(model, 50);
	FILE	   *f = golden(d, d->version, "model", "wb");

	assert_non_null(f);
	fwrite(bytes.data, 1, bytes.len, f);
	fclose(f);
	f = golden(d, d->version, "scores", "w");
	assert_non_null(f);
	for (size_t i = 0; i < 50; i++)
		fprintf(f, "%a %a\n", score[i], pga_model_p_value(model, score[i]));
	fclose(f);
}

/* Scores and p-values of 50 rows, to the last bit. */
static void
check_golden(const pga_detector *d, unsigned version)
{
	static uint8_t bytes[1 << 20];
	FILE	   *f = golden(d, version, "model", "rb");
	pga_model  *model;
	double	   *score;
	size_t		n;

	if (f == NULL)
		fail_msg("no golden file for version %u of %s: run once with WRITE_GOLDEN=1", version, d->name);
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	model = pga_model_load(&h.ctx, bytes, n);
	score = score_rows(model, 50);
	f = golden(d, version, "scores", "r");
	assert_non_null(f);
	for (size_t i = 0; i < 50; i++)
	{
		double		want_score,
					want_p;

		assert_int_equal(fscanf(f, "%la %la", &want_score, &want_p), 2);
		assert_bits_equal(score[i], want_score);
		assert_bits_equal(pga_model_p_value(model, score[i]), want_p);
	}
	fclose(f);
}

static void
released_models_still_score(void **state)
{
	(void) state;
	for (size_t i = 0; pga_detectors[i] != NULL; i++)
	{
		FILE	   *f = golden(pga_detectors[i], pga_detectors[i]->version, "model", "rb");

		if (f != NULL)
			fclose(f);
		else if (getenv("WRITE_GOLDEN") != NULL)
			write_golden(pga_detectors[i]);
		for (unsigned v = 1; v <= pga_detectors[i]->version; v++)
			check_golden(pga_detectors[i], v);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(table_is_sound),
		TEST(models_come_back_whole),
		TEST(row_order_leaves_no_trace),
		TEST(a_row_scores_alone_as_in_a_block),
		TEST(broken_envelopes_are_refused),
		TEST(truncations_are_refused),
		TEST(damage_is_refused_or_safe),
		TEST(series_score_the_same_however_cut),
		TEST(damaged_series_are_refused_or_safe),
		TEST(released_models_still_score),
	};

	return cmocka_run_group_tests_name("contract", tests, NULL, NULL);
}
