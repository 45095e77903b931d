/*
 * fit.c - trains and scores any detector through the core as the server does,
 * and says what came out and how many CPU seconds each step took.
 *
 *	bench_fit [-r REPEAT] DATA OUT DETECTOR [OPTION=VALUE ...]
 *
 * DATA, native byte order: u64 training rows, test rows, columns; a letter per
 * column; training rows, then test rows, as doubles, NaN for NULL.  Letters: n
 * number, c category, t target, p partition, o order.  Categories, targets and
 * partitions are codes and become texts that sort as they do; target 0 is
 * "normal".  Test rows need no target; with a partition or order they stand
 * series after series, in order.
 *
 * OUT gets a double per test row, its score; of a supervised detector then
 * every row's probability of each class.  Standard output has lines of a name
 * and values: sample, train, fit (the detector's own part of train), score,
 * classify in CPU seconds, the least of REPEAT scorings; sizes; the codes of
 * the classes; what the detector reports.  fit.py is the way to use it.
 *
 * A value is a number, true or false, a choice, widths as in 64,32, or for an
 * ensemble the names of its members as in isolation_forest,kmeans.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

#define TEXT 16

typedef struct data
{
	uint64_t	ntrain,
				ntest,
				cols;
	char	   *kind;			/* [cols] letters */
	double	   *train,
			   *test;
} data;

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

/* ---- data --------------------------------------------------------------------- */

static void *
read_array(FILE *f, size_t n, size_t size)
{
	void	   *p = malloc(n * size + 1);

	if (p == NULL || fread(p, size, n, f) != n)
	{
		fprintf(stderr, "bench_fit: the file is too short\n");
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
	d.kind = read_array(f, d.cols, 1);
	d.train = read_array(f, d.ntrain * d.cols, sizeof(double));
	d.test = read_array(f, d.ntest * d.cols, sizeof(double));
	free(head);
	fclose(f);
	return d;
}

static pga_feature
feature(host *h, char kind, unsigned j)
{
	char	   *name = h->ctx.alloc(&h->ctx, TEXT);

	snprintf(name, TEXT, "c%u", j);
	switch (kind)
	{
		case 'c':
			return (pga_feature) {name, PGA_CATEGORICAL, PGA_FEATURE};
		case 't':
			return (pga_feature) {name, PGA_CATEGORICAL, PGA_TARGET};
		case 'p':
			return (pga_feature) {name, PGA_CATEGORICAL, PGA_PARTITION};
		case 'o':
			return (pga_feature) {name, PGA_TIME, PGA_ORDER};
		default:
			return (pga_feature) {name, PGA_NUMERIC, PGA_FEATURE};
	}
}

/* Texts in the order of the codes. */
static uint32_t
code_text(char kind, double code, char *text)
{
	if (kind == 't' && code == 0)
		return (uint32_t) snprintf(text, TEXT, "normal");
	return (uint32_t) snprintf(text, TEXT, "%08d", (int) code);
}

static pga_sampler *
sample(host *h, const data *d, const pga_params *params)
{
	pga_feature *features = h->ctx.alloc(&h->ctx, d->cols * sizeof(pga_feature));
	pga_cell   *cells = h->ctx.alloc(&h->ctx, d->cols * sizeof(pga_cell));
	char		(*text)[TEXT] = h->ctx.alloc(&h->ctx, d->cols * TEXT);
	pga_sampler *s;

	for (size_t j = 0; j < d->cols; j++)
		features[j] = feature(h, d->kind[j], (unsigned) j);
	s = pga_sampler_create(&h->ctx, features, d->cols, params);
	for (size_t i = 0; i < d->ntrain; i++)
	{
		for (size_t j = 0; j < d->cols; j++)
		{
			double		v = d->train[i * d->cols + j];

			cells[j] = (pga_cell) {.number = v, .missing = isnan(v)};
			if (features[j].kind == PGA_CATEGORICAL && !isnan(v))
			{
				cells[j].text = text[j];
				cells[j].len = code_text(d->kind[j], v, text[j]);
			}
		}
		pga_sampler_add(s, cells);
	}
	return s;
}

/* The column of the data behind a feature of the model. */
static size_t
column_of(const pga_feature *f)
{
	return (size_t) atoi(f->name + 1);
}

static double *
test_rows(host *h, const data *d, const pga_model *model)
{
	size_t		nf = pga_model_nfeatures(model);
	const pga_feature *features = pga_model_features(model);
	double	   *raw = h->ctx.alloc(&h->ctx, d->ntest * nf * sizeof(double));
	char		text[TEXT];

	for (size_t i = 0; i < d->ntest; i++)
		for (size_t j = 0; j < nf; j++)
		{
			size_t		c = column_of(&features[j]);
			double		v = d->test[i * d->cols + c];

			if (features[j].kind == PGA_CATEGORICAL && !isnan(v))
				v = pga_model_category(model, j, text, code_text(d->kind[c], v, text));
			raw[i * nf + j] = v;
		}
	return raw;
}

/* ---- options ------------------------------------------------------------------- */

static const pga_param_spec *
spec_of(const pga_detector *d, const char *name)
{
	const pga_param_spec *lists[] = {pga_common_params, d->params};

	for (int i = 0; i < 2; i++)
		for (const pga_param_spec *spec = lists[i]; spec->name != NULL; spec++)
			if (strcmp(spec->name, name) == 0)
				return spec;
	fprintf(stderr, "bench_fit: %s has no option %s\n", d->name, name);
	exit(2);
}

static void
set_sizes(host *h, pga_params *params, const char *name, char *value)
{
	double		size[PGA_MAX_SIZES];
	size_t		n = 0;

	for (char *p = strtok(value, ","); p != NULL && n < PGA_MAX_SIZES; p = strtok(NULL, ","))
		size[n++] = atof(p);
	pga_params_set_sizes(&h->ctx, params, name, size, n);
}

static void
set_members(host *h, pga_params *params, const char *name, char *value)
{
	pga_member *members = h->ctx.alloc(&h->ctx, PGA_MAX_MEMBERS * sizeof(pga_member));
	size_t		n = 0;

	for (char *p = strtok(value, ","); p != NULL && n < PGA_MAX_MEMBERS; p = strtok(NULL, ","))
	{
		pga_params *member = h->ctx.alloc(&h->ctx, sizeof(pga_params));

		pga_params_init(&h->ctx, member, pga_detector_by_name(&h->ctx, p));
		members[n++] = (pga_member) {.name = p, .weight = 1, .params = member};
	}
	pga_params_set_members(&h->ctx, params, name, members, n);
}

static void
set_option(host *h, pga_params *params, char *option)
{
	char	   *value = strchr(option, '=');

	if (value == NULL)
	{
		fprintf(stderr, "bench_fit: %s is not OPTION=VALUE\n", option);
		exit(2);
	}
	*value++ = '\0';
	switch (spec_of(params->detector, option)->type)
	{
		case PGA_PARAM_INT:
		case PGA_PARAM_REAL:
			pga_params_set_number(&h->ctx, params, option, atof(value));
			break;
		case PGA_PARAM_BOOL:
			pga_params_set_bool(&h->ctx, params, option, strcmp(value, "true") == 0);
			break;
		case PGA_PARAM_SIZES:
			set_sizes(h, params, option, value);
			break;
		case PGA_PARAM_MEMBERS:
			set_members(h, params, option, value);
			break;
		default:
			pga_params_set_text(&h->ctx, params, option, value);
			break;
	}
}

/* ---- training and scoring -------------------------------------------------------- */

static const pga_detector *measured;
static double fit_seconds;

static void *
timed_fit(pga_ctx *ctx, const pga_matrix *m, const pga_params *params, pga_report *report)
{
	double		start = cpu_seconds();
	void	   *fitted = measured->fit(ctx, m, params, report);

	fit_seconds = cpu_seconds() - start;
	return fitted;
}

/* Series by series, all earlier rows of a series being known. */
static void
score_series(const data *d, const pga_model *model, const double *raw, double *score, void *scratch)
{
	const char *partition = memchr(d->kind, 'p', d->cols);
	size_t		column = partition != NULL ? (size_t) (partition - d->kind) : 0;
	size_t		nf = pga_model_nfeatures(model);

	for (size_t begin = 0, end; begin < d->ntest; begin = end)
	{
		for (end = begin + 1; end < d->ntest; end++)
			if (partition != NULL && d->test[end * d->cols + column] != d->test[begin * d->cols + column])
				break;
		pga_model_score_series(model, raw + begin * nf, end - begin, 0, score + begin, scratch);
	}
}

static void
print_report(const pga_report *report)
{
	printf("rows_used %llu\nrows_distinct %llu\nrows_held_out %llu\nthreshold %.17g\n",
		   (unsigned long long) report->rows_used, (unsigned long long) report->rows_distinct,
		   (unsigned long long) report->rows_held_out, report->threshold);
	for (size_t i = 0; i < report->nnotes; i++)
	{
		printf("%s", report->notes[i].name);
		for (size_t k = 0; k < report->notes[i].n; k++)
			printf(" %.17g", report->notes[i].value[k]);
		printf("\n");
	}
}

/* Names of classes back to their codes. */
static void
print_classes(const pga_model *model, size_t classes, const char *const *names)
{
	if (classes == 0)
		return;
	printf("classes");
	for (size_t i = 0; i < classes; i++)
		printf(" %d", i == pga_model_normal(model) ? 0 : atoi(names[i]));
	printf("\n");
}

static void
write_array(FILE *f, const double *values, size_t n)
{
	if (fwrite(values, sizeof(double), n, f) != n)
	{
		perror("bench_fit");
		exit(2);
	}
}

static void
measure_scores(host *h, const data *d, const pga_model *model, int repeat, FILE *out)
{
	const char *const *names;
	size_t		classes = pga_model_classes(model, &names);
	bool		supervised = (measured->flags & PGA_SUPERVISED) != 0;
	double	   *raw = test_rows(h, d, model);
	double	   *score = h->ctx.alloc(&h->ctx, d->ntest * sizeof(double));
	double	   *probability = h->ctx.alloc(&h->ctx, d->ntest * classes * sizeof(double));
	void	   *scratch = h->ctx.alloc(&h->ctx, pga_model_scratch_bytes(model));
	double		best[2] = {INFINITY, INFINITY};

	for (int i = 0; i < repeat; i++)
	{
		double		start = cpu_seconds();

		if (measured->flags & PGA_SEQUENCE)
			score_series(d, model, raw, score, scratch);
		else
			pga_model_score(model, raw, d->ntest, score, scratch);
		best[0] = fmin(best[0], cpu_seconds() - start);
		start = cpu_seconds();
		if (supervised)
			pga_model_classify(model, raw, d->ntest, probability, scratch);
		best[1] = fmin(best[1], cpu_seconds() - start);
	}
	printf("score %.9f\n", best[0]);
	write_array(out, score, d->ntest);
	if (supervised)
	{
		printf("classify %.9f\n", best[1]);
		print_classes(model, classes, names);
		write_array(out, probability, d->ntest * classes);
	}
}

int
main(int argc, char **argv)
{
	static host h;
	pga_detector timed;
	pga_params	params;
	pga_report	report;
	pga_buf		bytes = {.ctx = &h.ctx};
	const pga_sampler *s;
	const pga_model *model;
	int			repeat = 1;
	data		d;
	double		start,
				sampled;
	FILE	   *out;

	for (int c; (c = getopt(argc, argv, "r:")) != -1;)
		repeat = c == 'r' ? atoi(optarg) : 0;
	if (argc - optind < 3 || repeat < 1)
	{
		fprintf(stderr, "usage: bench_fit [-r REPEAT] DATA OUT DETECTOR [OPTION=VALUE ...]\n");
		return 2;
	}
	host_init(&h);
	h.ctx.memory_limit = (size_t) 16 << 30;
	d = read_data(argv[optind]);
	if ((out = fopen(argv[optind + 1], "wb")) == NULL)
	{
		perror(argv[optind + 1]);
		return 2;
	}
	measured = pga_detector_by_name(&h.ctx, argv[optind + 2]);
	timed = *measured;
	timed.fit = timed_fit;
	pga_params_init(&h.ctx, &params, &timed);
	for (int i = optind + 3; i < argc; i++)
		set_option(&h, &params, argv[i]);

	start = cpu_seconds();
	s = sample(&h, &d, &params);
	sampled = cpu_seconds();
	model = pga_train(&h.ctx, s, &params, &report);
	printf("sample %.9f\ntrain %.9f\nfit %.9f\n", sampled - start, cpu_seconds() - sampled, fit_seconds);
	fprintf(stderr, "%s", h.warnings);
	print_report(&report);
	pga_model_save(model, &bytes);
	printf("bytes %zu\n", bytes.len);
	measure_scores(&h, &d, model, repeat, out);
	host_reset(&h);
	return fclose(out) == 0 ? 0 : 2;
}
