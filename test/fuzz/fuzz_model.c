/*
 * fuzz_model.c - libFuzzer target: bytes as a model and as a training sample.
 *
 * A model is first loaded as it is, then with a checksum that fits, or the
 * fuzzer would never get past it.  What loads is scored, explained and saved
 * again; the saved bytes must load.
 *
 * With SEED_DIR set the program writes real models there as seeds and ends.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "host.h"
#include "rng.h"

static host h;

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int			LLVMFuzzerInitialize(int *argc, char ***argv);

static void
use_model(const pga_model *model)
{
	static const double odd[] = {0, -1, 1e308, -1e308, 2.5, NAN, INFINITY};
	size_t		cols = pga_model_nfeatures(model);
	double	   *raw = h.ctx.alloc(&h.ctx, 9 * cols * sizeof(double));
	double	   *share = h.ctx.alloc(&h.ctx, 2 * cols * sizeof(double));
	void	   *scratch = h.ctx.alloc(&h.ctx, pga_model_scratch_bytes(model));
	size_t		back = pga_model_history(model) < 5 ? pga_model_history(model) : 5;
	double		score[9];
	char		text[64];
	pga_buf		bytes = {.ctx = &h.ctx};

	for (size_t i = 0; i < 9 * cols; i++)
		raw[i] = odd[(i + i / cols) % 7];
	pga_model_score(model, raw, 9, score, scratch);
	for (size_t i = 0; i < 9; i++)
	{
		double		p = pga_model_p_value(model, score[i]);

		if (!(p > 0 && p <= 1))
			abort();
	}
	pga_model_score_series(model, raw, 9, back, score, scratch);
	for (size_t i = 0; i < 9 - back; i++)
		if (!(pga_model_p_value(model, score[i]) > 0))
			abort();
	pga_model_explain_series(model, &h.ctx, raw, back + 1, share, share + cols);
	pga_model_explain(model, &h.ctx, raw, share);
	for (size_t j = 0; j < cols; j++)
	{
		pga_model_category(model, j, "http", 4);
		pga_model_expected(model, j, text, sizeof(text));
	}
	pga_model_save(model, &bytes);
	pga_model_load(&h.ctx, bytes.data, bytes.len);
}

static void
try_model(const uint8_t *data, size_t size)
{
	pga_model  *model = NULL;

	if (!HOST_FAILS(&h, model = pga_model_load(&h.ctx, data, size)))
		use_model(model);
	host_reset(&h);
}

static void
try_sample(const uint8_t *data, size_t size)
{
	pga_reader	r = {&h.ctx, data, data + size};
	pga_sampler *s = NULL;
	pga_report	report;

	if (!HOST_FAILS(&h, s = pga_sampler_load(&r)))
	{
		pga_params	params;

		pga_params_init(&h.ctx, &params, pga_detectors[0]);
		if (!HOST_FAILS(&h, pga_train(&h.ctx, s, &params, &report)))
			pga_sampler_merge(s, s);
	}
	host_reset(&h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t    *sealed;
	uint32_t	crc;

	try_model(data, size);
	try_sample(data, size);
	if (size < 4)
		return 0;
	sealed = malloc(size);
	if (sealed == NULL)
		abort();
	memcpy(sealed, data, size);
	crc = pga_crc32c(sealed, size - 4);
	for (int i = 0; i < 4; i++)
		sealed[size - 4 + (size_t) i] = (uint8_t) (crc >> (8 * i));
	try_model(sealed, size);
	free(sealed);
	return 0;
}

/* ---- seeds -------------------------------------------------------------------- */

static void
write_seed(const char *dir, const char *name, const pga_buf *buf)
{
	char		path[512];
	FILE	   *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	if (f == NULL || fwrite(buf->data, 1, buf->len, f) != buf->len || fclose(f) != 0)
	{
		perror(path);
		exit(1);
	}
}

/* A sample of three columns, one of them categorical with missing values. */
static pga_sampler *
seed_sample(const pga_params *params)
{
	static const pga_feature features[] = {
		{"bytes", PGA_NUMERIC}, {"urgent", PGA_BOOLEAN}, {"service", PGA_CATEGORICAL}
	};
	static const char *const services[] = {"http", "dns", "ssh"};
	pga_sampler *s = pga_sampler_create(&h.ctx, features, 3, params);
	pga_rng		rng;

	pga_rng_seed(&rng, 1, 0);
	for (int i = 0; i < 60; i++)
	{
		const char *text = services[pga_rng_below(&rng, 3)];
		pga_cell	cells[3] = {
			{.number = floor(100 * pga_rng_normal(&rng))},
			{.number = (double) pga_rng_below(&rng, 2)},
			{.text = text, .len = (uint32_t) strlen(text), .missing = i % 9 == 0},
		};

		pga_sampler_add(s, cells);
	}
	return s;
}

/* Of every detector, with texts as one column and as several. */
static void
write_seeds(const char *dir)
{
	for (size_t i = 0; pga_detectors[i] != NULL; i++)
		for (int hot = 0; hot < 2; hot++)
		{
			pga_buf		model = {.ctx = &h.ctx};
			pga_buf		sample = {.ctx = &h.ctx};
			pga_params	params;
			pga_report	report;
			pga_sampler *s;
			char		name[96];

			small_params(&h, &params, pga_detectors[i]);
			pga_params_set_text(&h.ctx, &params, "encoding", hot ? "one_hot" : "auto");
			s = seed_sample(&params);
			pga_model_save(pga_train(&h.ctx, s, &params, &report), &model);
			pga_sampler_save(s, &sample);
			snprintf(name, sizeof(name), "%s%d.model", pga_detectors[i]->name, hot);
			write_seed(dir, name, &model);
			write_seed(dir, "sample", &sample);
		}
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *dir = getenv("SEED_DIR");

	(void) argc;
	(void) argv;
	host_init(&h);
	h.ctx.memory_limit = 64 << 20;
	if (dir != NULL)
	{
		write_seeds(dir);
		exit(0);
	}
	return 0;
}
