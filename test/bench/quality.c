/*
 * quality.c - trains and scores through the core as the server does, and
 * prints the ROC AUC on a test part, one line per seed.
 *
 *	bench_quality FILE SEEDS [OPTION=VALUE ...]
 *
 * FILE, native byte order: u64 training rows, test rows, columns; one u8 per
 * column, 1 for a category; training rows, then test rows, as doubles
 * (categories as codes); one u8 label per test row.  quality.py writes it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

typedef struct data
{
	uint64_t	ntrain,
				ntest,
				cols;
	uint8_t    *category;		/* [cols] */
	double	   *train,
			   *test;
	uint8_t    *label;			/* [ntest] */
} data;

static void *
read_array(FILE *f, size_t n, size_t size)
{
	void	   *p = malloc(n * size + 1);

	if (p == NULL || fread(p, size, n, f) != n)
	{
		fprintf(stderr, "bench_quality: the file is too short\n");
		exit(2);
	}
	return p;
}

static data
read_data(const char *path)
{
	data		d;
	FILE	   *f = fopen(path, "rb");
	uint64_t   *head;

	if (f == NULL)
	{
		perror(path);
		exit(2);
	}
	head = read_array(f, 3, sizeof(uint64_t));
	d.ntrain = head[0];
	d.ntest = head[1];
	d.cols = head[2];
	d.category = read_array(f, d.cols, 1);
	d.train = read_array(f, d.ntrain * d.cols, sizeof(double));
	d.test = read_array(f, d.ntest * d.cols, sizeof(double));
	d.label = read_array(f, d.ntest, 1);
	free(head);
	fclose(f);
	return d;
}

static const pga_feature *
name_features(host *h, const data *d)
{
	pga_feature *features = h->ctx.alloc(&h->ctx, d->cols * sizeof(pga_feature));

	for (size_t j = 0; j < d->cols; j++)
	{
		char	   *name = h->ctx.alloc(&h->ctx, 16);

		snprintf(name, 16, "c%u", (unsigned) j);
		features[j] = (pga_feature) {name, d->category[j] ? PGA_CATEGORICAL : PGA_NUMERIC};
	}
	return features;
}

static uint32_t
category_text(double code, char *text)
{
	return (uint32_t) snprintf(text, 16, "k%d", (int) code);
}

static pga_sampler *
sample(host *h, const data *d, const pga_params *params)
{
	pga_sampler *s = pga_sampler_create(&h->ctx, name_features(h, d), d->cols, params);
	pga_cell   *cells = h->ctx.alloc(&h->ctx, d->cols * sizeof(pga_cell));
	char		(*text)[16] = h->ctx.alloc(&h->ctx, d->cols * 16);

	for (size_t i = 0; i < d->ntrain; i++)
	{
		for (size_t j = 0; j < d->cols; j++)
		{
			double		v = d->train[i * d->cols + j];

			cells[j] = (pga_cell) {.number = v, .missing = isnan(v)};
			if (d->category[j] && !isnan(v))
			{
				cells[j].text = text[j];
				cells[j].len = category_text(v, text[j]);
			}
		}
		pga_sampler_add(s, cells);
	}
	return s;
}

static double
test_auc(host *h, const data *d, const pga_model *model)
{
	size_t		nf = pga_model_nfeatures(model);
	const pga_feature *features = pga_model_features(model);
	double	   *raw = h->ctx.alloc(&h->ctx, d->ntest * nf * sizeof(double));
	double	   *score = h->ctx.alloc(&h->ctx, d->ntest * sizeof(double));
	pga_scored *scored = h->ctx.alloc(&h->ctx, d->ntest * sizeof(pga_scored));
	void	   *scratch = h->ctx.alloc(&h->ctx, pga_model_scratch_bytes(model));
	char		text[16];

	for (size_t i = 0; i < d->ntest; i++)
		for (size_t j = 0; j < nf; j++)
		{
			double		v = d->test[i * d->cols + (size_t) atoi(features[j].name + 1)];

			if (features[j].kind == PGA_CATEGORICAL && !isnan(v))
				v = pga_model_category(model, j, text, category_text(v, text));
			raw[i * nf + j] = v;
		}
	pga_model_score(model, raw, d->ntest, score, scratch);
	for (size_t i = 0; i < d->ntest; i++)
		scored[i] = (pga_scored) {score[i], d->label[i] != 0};
	return pga_roc_auc(scored, d->ntest);
}

int
main(int argc, char **argv)
{
	static host h;
	data		d;

	if (argc < 3)
	{
		fprintf(stderr, "usage: bench_quality FILE SEEDS [OPTION=VALUE ...]\n");
		return 2;
	}
	d = read_data(argv[1]);
	host_init(&h);
	for (int seed = 0; seed < atoi(argv[2]); seed++)
	{
		pga_params	params;
		pga_report	report;

		pga_params_init(&h.ctx, &params, pga_detector_by_name(&h.ctx, "isolation_forest"));
		pga_params_set_number(&h.ctx, &params, "seed", seed);
		for (int i = 3; i < argc; i++)
		{
			char		name[64];
			double		value;

			if (sscanf(argv[i], "%63[^=]=%lf", name, &value) == 2)
				pga_params_set_number(&h.ctx, &params, name, value);
		}
		printf("%.6f\n", test_auc(&h, &d, pga_train(&h.ctx, sample(&h, &d, &params), &params, &report)));
		host_reset(&h);
	}
	return 0;
}
