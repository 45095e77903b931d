/*
 * kernel.c - rows per CPU second of the core, one thread: sampling, training,
 * scoring in blocks, scoring row by row.
 *
 *	bench_kernel [columns] [rows] [extension_level]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host.h"
#include "rng.h"

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static void
report(const char *what, size_t rows, double seconds)
{
	printf("%-28s %12.0f rows/s  %8.3f s for %zu\n", what, (double) rows / seconds, seconds, rows);
}

static double *
make_rows(host *h, size_t rows, size_t cols)
{
	double	   *raw = h->ctx.alloc(&h->ctx, rows * cols * sizeof(double));
	pga_rng		rng;

	pga_rng_seed(&rng, 1, 0);
	for (size_t i = 0; i < rows * cols; i++)
		raw[i] = pga_rng_normal(&rng) * 100;
	return raw;
}

static pga_sampler *
sample_rows(host *h, const pga_params *params, const double *raw, size_t rows, size_t cols)
{
	pga_feature *features = h->ctx.alloc(&h->ctx, cols * sizeof(pga_feature));
	pga_cell   *cells = h->ctx.alloc(&h->ctx, cols * sizeof(pga_cell));
	pga_sampler *s;

	for (size_t j = 0; j < cols; j++)
	{
		char	   *name = h->ctx.alloc(&h->ctx, 16);

		snprintf(name, 16, "c%u", (unsigned) j);
		features[j] = (pga_feature) {name, PGA_NUMERIC};
	}
	s = pga_sampler_create(&h->ctx, features, cols, params);
	for (size_t i = 0; i < rows; i++)
	{
		for (size_t j = 0; j < cols; j++)
			cells[j].number = raw[i * cols + j];
		pga_sampler_add(s, cells);
	}
	return s;
}

int
main(int argc, char **argv)
{
	size_t		cols = argc > 1 ? (size_t) atoi(argv[1]) : 10;
	size_t		rows = argc > 2 ? (size_t) atoi(argv[2]) : 1000000;
	static host h;
	pga_params	params;
	pga_report	report_;
	pga_sampler *s;
	pga_model  *model;
	double	   *raw,
			   *score,
			   *share;
	void	   *scratch;
	double		start;

	host_init(&h);
	pga_params_init(&h.ctx, &params, pga_detector_by_name(&h.ctx, "isolation_forest"));
	if (argc > 3)
		pga_params_set_number(&h.ctx, &params, "extension_level", atof(argv[3]));
	raw = make_rows(&h, rows, cols);

	start = cpu_seconds();
	s = sample_rows(&h, &params, raw, rows, cols);
	report("sample", rows, cpu_seconds() - start);

	start = cpu_seconds();
	model = pga_train(&h.ctx, s, &params, &report_);
	report("train on the sample", (size_t) report_.rows_distinct, cpu_seconds() - start);

	score = h.ctx.alloc(&h.ctx, rows * sizeof(double));
	share = h.ctx.alloc(&h.ctx, cols * sizeof(double));
	scratch = h.ctx.alloc(&h.ctx, pga_model_scratch_bytes(model));
	for (int round = 0; round < 3; round++)
	{
		start = cpu_seconds();
		pga_model_score(model, raw, rows, score, scratch);
		report("score in blocks", rows, cpu_seconds() - start);

		start = cpu_seconds();
		for (size_t i = 0; i < rows; i++)
			pga_model_score(model, raw + i * cols, 1, score + i, scratch);
		report("score row by row", rows, cpu_seconds() - start);
	}
	start = cpu_seconds();
	for (size_t i = 0; i < 1000; i++)
		pga_model_explain(model, &h.ctx, raw + i * cols, share);
	report("explain", 1000, cpu_seconds() - start);
	host_reset(&h);
	return 0;
}
