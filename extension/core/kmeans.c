/*
 * kmeans.c - distance to the nearest of k centres.
 *
 * Arthur & Vassilvitskii, "k-means++: The Advantages of Careful Seeding",
 * SODA 2007: each first centre is a row drawn with a probability proportional
 * to its squared distance from those already there, the best of several draws
 * (their section 7); then Lloyd's passes ("Least
 * Squares Quantization in PCM", IEEE Trans. Inf. Theory 28(2), 1982) move
 * every centre to the mean of its rows.  Restarts run on a sample of
 * SAMPLE_ROWS rows, the best of them is finished on all rows: in whole passes
 * or, of very many rows, in mini-batches (Sculley, "Web-Scale k-Means
 * Clustering", WWW 2010).  A centre left without rows goes to the row
 * that is worst off.  With k = 0 the k of the best simplified silhouette is
 * taken: the mean over the rows of 1 - a / b, a and b being the distances to
 * the nearest and the second nearest centre (Hruschka, de Castro & Campello,
 * ICDM 2004).
 *
 * The score is the distance to the nearest centre over the spread S, the root
 * of the rows' mean squared distance, where the fewer rows a centre has, the
 * farther off it counts.  k-means is the limit of a mixture of equal spherical
 * Gaussians whose rows each belong to one of them (Celeux & Govaert, "A
 * Classification EM Algorithm for Clustering", Computational Statistics & Data
 * Analysis 14, 1992), and the score is how unlikely the row is there:
 *
 *	score^2 = min over k of d_k^2 / S^2 + 2 / columns * ln(rows / rows of k)
 *
 * Without the second term a handful of attacks that look alike would get a
 * centre of their own, and the score 0.  The smallest clusters, outside of
 * `core_share` of the rows, are none (He, Xu & Deng, "Discovering Cluster-based
 * Local Outliers", Pattern Recognition Letters 24, 2003).  The clusters' own
 * spreads do not help: around the densest all would be anomalous.
 *
 * Payload: u16 centres, f32 S; for each centre the second term, f32 [cols].
 */
#include "core.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "draw.h"
#include "fmath.h"
#include "neighbours.h"

#define MAX_K 256
#define SAMPLE_ROWS 16384		/* for restarts */
#define CHOICE_ROWS 4096		/* for the choice of k */
#define CHOICE_RESTARTS 2
#define TOLERANCE 1e-6			/* least relative gain of a pass */
#define BATCH_ROWS 8192
#define BATCHES 64
#define POLL_EVERY 300000		/* values of rows times centres between two polls */
#define LEAST_SPREAD 1e-6f
#define MOST_SPREAD 1e19f
#define MOST_OFFSET 100			/* 2 ln of 2^64 is 89 */

static const pga_param_spec kmeans_params[] = {
	{"k", PGA_PARAM_INT, 8, 0, MAX_K, NULL,
	"Number of clusters; 0 chooses the number between 2 and 32 that tells them apart best."},
	{"restarts", PGA_PARAM_INT, 8, 1, 100, NULL,
	"Starts from different centres, of which the best is taken."},
	{"max_iterations", PGA_PARAM_INT, 50, 1, 1000, NULL,
	"Most passes over the rows after each start."},
	{"mini_batch_rows", PGA_PARAM_INT, 1048576, 1000, 16777216, NULL,
	"Beyond so many rows the centres are finished on mini-batches, not on all rows."},
	{"core_share", PGA_PARAM_REAL, 0.99, 0, 1, NULL,
	"Share of the rows in the largest clusters, from which all rows are measured; 1 keeps every cluster."},
	{NULL, PGA_PARAM_INT, 0, 0, 0, NULL, NULL}
};

typedef struct kmeans
{
	size_t		cols;
	pga_space  *centres;
	float		spread;
	float	   *offset;			/* [centres->n] added to a squared distance in spreads */
} kmeans;

/* Numbers of clusters to choose from. */
#define CANDIDATES 12
#define MOST_CHOSEN 32
static const size_t candidates[CANDIDATES] = {2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, MOST_CHOSEN};

/* A number of centres on the way to fitting some of the rows. */
typedef struct run
{
	pga_ctx    *ctx;
	const pga_matrix *m;
	const uint32_t *row;		/* [n] of m, or NULL: all of them */
	size_t		n;
	size_t		k;
	pga_space  *centres;		/* of k points */
	uint16_t   *label;			/* [n] the nearest centre ... */
	float	   *d;				/* [n] ... and the squared distance to it */
	float	   *trial,			/* [n] the same with a centre that may be added ... */
			   *best;			/* [n] ... and with the best one so far */
	double	   *sum;			/* [k][cols] */
	double	   *weight;			/* [k] */
	float	   *x;				/* [cols] a centre */
} run;

static inline size_t
row_number(const run *r, size_t i)
{
	return r->row != NULL ? r->row[i] : i;
}

static inline const float *
row_values(const run *r, size_t i)
{
	return r->m->x + row_number(r, i) * r->m->cols;
}

static inline double
row_weight(const run *r, size_t i)
{
	return (double) r->m->weight[row_number(r, i)];
}

/* Polls every POLL_EVERY values. */
static inline void
poll_at(const run *r, size_t i)
{
	size_t		per_row = r->m->cols * r->centres->buckets * PGA_LANES;

	if (i % (1 + POLL_EVERY / per_row) == 0)
		r->ctx->poll(r->ctx);
}

/* The nearest and, unless NULL, the second nearest centre's squared distance. */
static inline size_t
nearest(const pga_space *centres, const float *x, float *d, float *second)
{
	float		lane[PGA_LANES];
	size_t		best = 0;
	float		d1 = INFINITY;
	float		d2 = INFINITY;

	for (size_t b = 0; b < centres->buckets; b++)
	{
		size_t		n = pga_bucket_points(centres, b);

		pga_bucket_distances(centres, b, x, lane);
		for (size_t k = 0; k < n; k++)
		{
			if (lane[k] < d1)
			{
				d2 = d1;
				d1 = lane[k];
				best = b * PGA_LANES + k;
			}
			else if (lane[k] < d2)
				d2 = lane[k];
		}
	}
	*d = d1;
	if (second != NULL)
		*second = d2;
	return best;
}

/* ---- seeding --------------------------------------------------------------- */

static float
squared_distance(const float *a, const float *b, size_t cols)
{
	float		sum = 0;

	for (size_t j = 0; j < cols; j++)
		sum += (a[j] - b[j]) * (a[j] - b[j]);
	return sum;
}

/* A row by its weight and squared distance from the centres; false when all are 0. */
static bool
draw_row(const run *r, pga_rng *rng, bool first, size_t *drawn)
{
	double		total = 0;
	double		target;

	for (size_t i = 0; i < r->n; i++)
		total += row_weight(r, i) * (first ? 1 : (double) r->d[i]);
	if (!(total > 0))
		return false;
	target = pga_rng_real(rng) * total;
	for (size_t i = 0; i < r->n; i++)
	{
		double		p = row_weight(r, i) * (first ? 1 : (double) r->d[i]);

		if (p == 0)
			continue;
		*drawn = i;
		target -= p;
		if (target <= 0)
			break;
	}
	return true;
}

/* With one more centre: the rows' squared distances into d, and their weighted sum. */
static double
try_centre(const run *r, const float *centre, float *d)
{
	size_t		cols = r->m->cols;
	double		sum = 0;

	for (size_t i = 0; i < r->n; i++)
	{
		d[i] = fminf(squared_distance(row_values(r, i), centre, cols), r->k > 0 ? r->d[i] : INFINITY);
		sum += row_weight(r, i) * (double) d[i];
		if (i % (1 + POLL_EVERY / cols) == 0)
			r->ctx->poll(r->ctx);
	}
	return sum;
}

/* The best of some draws each time; fewer centres when there are fewer different rows. */
static void
seed_centres(run *r, pga_rng *rng, size_t k)
{
	size_t		tries = 2 + (size_t) pga_log((double) k);

	r->centres = pga_space_create(r->ctx, k, r->m->cols);
	for (r->k = 0; r->k < k; r->k++)
	{
		double		least = INFINITY;
		size_t		best = 0;
		size_t		at = 0;
		size_t		t;

		for (t = 0; t < (r->k == 0 ? 1 : tries) && draw_row(r, rng, r->k == 0, &at); t++)
		{
			double		sum = try_centre(r, row_values(r, at), r->trial);

			if (t > 0 && sum >= least)
				continue;
			least = sum;
			best = at;
			memcpy(r->best, r->trial, r->n * sizeof(float));
		}
		if (t == 0)
			break;
		pga_space_put(r->centres, r->k, row_values(r, best));
		memcpy(r->d, r->best, r->n * sizeof(float));
	}
	pga_space_shrink(r->centres, r->k);
}

/* ---- passes ------------------------------------------------------------------ */

/* Finds every row's centre; the sum of weighted squared distances. */
static double
assign_rows(run *r)
{
	double		inertia = 0;

	for (size_t i = 0; i < r->n; i++)
	{
		r->label[i] = (uint16_t) nearest(r->centres, row_values(r, i), &r->d[i], NULL);
		inertia += row_weight(r, i) * (double) r->d[i];
		poll_at(r, i);
	}
	return inertia;
}

/* Adds up the rows of every centre. */
static void
sum_rows(run *r)
{
	size_t		cols = r->m->cols;

	memset(r->sum, 0, r->k * cols * sizeof(double));
	memset(r->weight, 0, r->k * sizeof(double));
	for (size_t i = 0; i < r->n; i++)
	{
		const float *x = row_values(r, i);
		double	   *sum = r->sum + r->label[i] * cols;
		double		w = row_weight(r, i);

		for (size_t j = 0; j < cols; j++)
			sum[j] += w * (double) x[j];
		r->weight[r->label[i]] += w;
		poll_at(r, i);
	}
}

/* Puts a centre that has no rows to the row farthest from its own, which
 * counts as served from then on. */
static void
mend_centre(run *r, size_t k)
{
	size_t		worst = 0;

	for (size_t i = 1; i < r->n; i++)
		if ((double) r->d[i] * row_weight(r, i) > (double) r->d[worst] * row_weight(r, worst))
			worst = i;
	r->d[worst] = 0;
	pga_space_put(r->centres, k, row_values(r, worst));
}

/* Every centre to the mean of its rows. */
static void
move_centres(run *r)
{
	size_t		cols = r->m->cols;

	sum_rows(r);
	for (size_t k = 0; k < r->k; k++)
	{
		if (r->weight[k] == 0)
		{
			mend_centre(r, k);
			continue;
		}
		for (size_t j = 0; j < cols; j++)
			r->x[j] = (float) (r->sum[k * cols + j] / r->weight[k]);
		pga_space_put(r->centres, k, r->x);
	}
}

/* Lloyd's passes until they gain little; the inertia reached. */
static double
iterate(run *r, size_t max_iterations)
{
	double		last = INFINITY;
	double		inertia = assign_rows(r);

	for (size_t pass = 0; pass < max_iterations && inertia < last * (1 - TOLERANCE); pass++)
	{
		last = inertia;
		move_centres(r);
		inertia = assign_rows(r);
	}
	return inertia;
}

/*
 * Mini-batches: every centre moves towards the mean of its rows in the batch,
 * by their share of all rows it has seen, the sample's among them.
 */
static void
iterate_batches(run *whole, pga_rng *rng)
{
	run			r = *whole;
	size_t		cols = r.m->cols;
	uint32_t   *row = r.ctx->alloc(r.ctx, BATCH_ROWS * sizeof(uint32_t));
	double	   *seen = r.ctx->alloc(r.ctx, r.k * sizeof(double));

	assign_rows(&r);
	sum_rows(&r);
	memcpy(seen, r.weight, r.k * sizeof(double));
	r.row = row;
	r.n = BATCH_ROWS;
	for (size_t b = 0; b < BATCHES; b++)
	{
		for (size_t i = 0; i < r.n; i++)
			row[i] = (uint32_t) pga_rng_below(rng, r.m->rows);
		assign_rows(&r);
		sum_rows(&r);
		for (size_t k = 0; k < r.k; k++)
		{
			if (r.weight[k] == 0)
				continue;
			seen[k] += r.weight[k];
			pga_space_get(r.centres, k, r.x);
			for (size_t j = 0; j < cols; j++)
				r.x[j] += (float) ((r.sum[k * cols + j] - r.weight[k] * (double) r.x[j]) / seen[k]);
			pga_space_put(r.centres, k, r.x);
		}
	}
}

/* ---- restarts and the choice of k ---------------------------------------------- */

/* The best of some starts with k centres stays in r->centres. */
static void
best_start(run *r, pga_rng *rng, size_t k, size_t restarts, size_t max_iterations)
{
	double		least = INFINITY;
	pga_space  *best = NULL;

	for (size_t t = 0; t < restarts; t++)
	{
		double		inertia;

		seed_centres(r, rng, k);
		inertia = iterate(r, max_iterations);
		if (best == NULL || inertia < least)
		{
			least = inertia;
			best = r->centres;
		}
	}
	r->centres = best;
	r->k = best->n;
}

static double
silhouette(const run *r)
{
	double		sum = 0;
	double		total = 0;

	for (size_t i = 0; i < r->n; i++)
	{
		float		a,
					b;

		nearest(r->centres, row_values(r, i), &a, &b);
		if (b > 0)
			sum += row_weight(r, i) * (1 - sqrt((double) a / (double) b));
		total += row_weight(r, i);
		poll_at(r, i);
	}
	return sum / total;
}

static size_t
choose_k(run *r, pga_rng *rng, size_t max_iterations)
{
	size_t		best = 1;
	double		most = 0;

	for (size_t i = 0; i < CANDIDATES; i++)
	{
		double		s;

		best_start(r, rng, candidates[i], CHOICE_RESTARTS, max_iterations);
		if (r->k < candidates[i])
			break;				/* no more different rows */
		s = silhouette(r);
		if (s > most)
		{
			most = s;
			best = r->k;
		}
	}
	return best;
}

/* ---- fitting --------------------------------------------------------------------- */

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Room for runs of at most n rows and k centres. */
static void
prepare_run(run *r, size_t n, size_t k)
{
	pga_ctx    *ctx = r->ctx;

	r->label = ctx->alloc(ctx, pga_mul(ctx, n, sizeof(uint16_t)));
	r->d = ctx->alloc(ctx, pga_mul(ctx, n, sizeof(float)));
	r->trial = ctx->alloc(ctx, least(n, SAMPLE_ROWS) * sizeof(float));
	r->best = ctx->alloc(ctx, least(n, SAMPLE_ROWS) * sizeof(float));
	r->sum = ctx->alloc(ctx, pga_mul(ctx, k * r->m->cols, sizeof(double)));
	r->weight = ctx->alloc(ctx, k * sizeof(double));
	r->x = ctx->alloc(ctx, r->m->cols * sizeof(float));
}

/* Restarts on a sample, the best of them finished on all rows. */
static void
find_centres(run *r, const pga_params *params, pga_rng *rng)
{
	size_t		rows = r->m->rows;
	size_t		max_iterations = (size_t) pga_param(params, "max_iterations");
	size_t		k = (size_t) pga_param(params, "k");
	uint32_t   *row = r->ctx->alloc(r->ctx, least(rows, SAMPLE_ROWS) * sizeof(uint32_t));

	r->row = row;
	if (k == 0)
	{
		r->n = least(rows, CHOICE_ROWS);
		pga_draw_distinct(rng, rows, r->n, row);
		k = choose_k(r, rng, max_iterations);
	}
	r->n = least(rows, SAMPLE_ROWS);
	pga_draw_distinct(rng, rows, r->n, row);
	best_start(r, rng, k, (size_t) pga_param(params, "restarts"), max_iterations);
	if (rows > (size_t) pga_param(params, "mini_batch_rows"))
		iterate_batches(r, rng);
	else if (r->n < rows)
	{
		r->row = NULL;
		r->n = rows;
		iterate(r, max_iterations);
	}
	r->row = NULL;
	r->n = rows;
}

static int
compare_descending(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x < y) - (x > y);
}

/* The weight of the smallest of the largest clusters that hold the share. */
static double
least_weight(const run *r, double share)
{
	double	   *weight = r->ctx->alloc(r->ctx, r->k * sizeof(double));
	double		total = 0;
	double		held = 0;
	size_t		k = 0;

	memcpy(weight, r->weight, r->k * sizeof(double));
	qsort(weight, r->k, sizeof(double), compare_descending);
	for (size_t i = 0; i < r->k; i++)
		total += weight[i];
	for (held = weight[0]; k + 1 < r->k && held < share * total; held += weight[k])
		k++;
	return weight[k] > 0 ? weight[k] : 1;
}

/* The payload: the spread, the large clusters' sizes and centres. */
static void
put_clusters(run *r, double share, pga_buf *out, pga_report *report)
{
	double		inertia = assign_rows(r);
	double		total = 0;
	double		limit;
	uint16_t	kept = 0;

	sum_rows(r);
	for (size_t k = 0; k < r->k; k++)
		total += r->weight[k];
	limit = least_weight(r, share);
	for (size_t k = 0; k < r->k; k++)
		kept = (uint16_t) (kept + (r->weight[k] >= limit));
	pga_put_u16(out, kept);
	pga_put_f32(out, (float) fmax(LEAST_SPREAD, fmin(MOST_SPREAD, sqrt(inertia / total))));
	for (size_t k = 0; k < r->k; k++)
	{
		if (r->weight[k] < limit)
			continue;
		pga_put_f32(out, (float) (2 / (double) r->m->cols * pga_log(total / r->weight[k])));
		pga_space_get(r->centres, k, r->x);
		for (size_t j = 0; j < r->m->cols; j++)
			pga_put_f32(out, r->x[j]);
	}
	pga_report_number(r->ctx, report, "clusters", (double) r->k);
	pga_report_number(r->ctx, report, "core_clusters", kept);
	pga_report_number(r->ctx, report, "mean_squared_distance", inertia / total);
}

static void *kmeans_load(pga_reader *r, unsigned version, const pga_matrix *shape);

static void *
kmeans_fit(pga_ctx *ctx, const pga_matrix *m, const pga_params *params, pga_report *report)
{
	run			r = {.ctx = ctx, .m = m};
	pga_buf		out = {.ctx = ctx};
	pga_reader	in = {.ctx = ctx};
	size_t		k = (size_t) pga_param(params, "k");
	pga_rng		rng;

	prepare_run(&r, m->rows, k == 0 ? MOST_CHOSEN : k);
	pga_rng_seed(&rng, (uint64_t) pga_param(params, "seed"), 0);
	find_centres(&r, params, &rng);
	if (r.k < k)
		ctx->warn(ctx, "option \"k\" is %zu, but there are only %zu different rows", k, r.k);
	put_clusters(&r, pga_param(params, "core_share"), &out, report);
	in.p = out.data;
	in.end = out.data + out.len;
	return kmeans_load(&in, 1, m);
}

static size_t
kmeans_fit_bytes(pga_ctx *ctx, const pga_matrix *shape, const pga_params *params)
{
	size_t		k = (size_t) pga_param(params, "k");
	size_t		starts = (size_t) pga_param(params, "restarts") + 2;
	size_t		sample = 4 * least(shape->rows, SAMPLE_ROWS) + BATCH_ROWS;

	if (k == 0)
	{
		k = MOST_CHOSEN;
		starts += CHOICE_RESTARTS * CANDIDATES;
	}
	return pga_add(ctx, pga_mul(ctx, shape->rows, sizeof(uint16_t) + sizeof(float)),
				   pga_add(ctx, pga_mul(ctx, starts, pga_space_bytes(ctx, k, shape->cols)),
						   pga_mul(ctx, k + 4, (shape->cols + 8) * 2 * sizeof(double)) +
						   sample * sizeof(uint32_t)));
}

/* ---- loading and saving ------------------------------------------------------------- */

static void *
kmeans_load(pga_reader *r, unsigned version, const pga_matrix *shape)
{
	kmeans	   *f = r->ctx->alloc(r->ctx, sizeof(kmeans));
	size_t		n = pga_get_u16(r);
	float	   *x = r->ctx->alloc(r->ctx, shape->cols * sizeof(float));

	if (version != 1)
		pga_corrupt(r, "kmeans of an unknown version");
	if (n < 1 || n > MAX_K || n > (size_t) (r->end - r->p) / ((shape->cols + 1) * sizeof(float)))
		pga_corrupt(r, "a number of clusters is out of range");
	f->cols = shape->cols;
	f->centres = pga_space_create(r->ctx, n, f->cols);
	f->spread = pga_get_f32(r);
	if (!(f->spread >= LEAST_SPREAD && f->spread <= MOST_SPREAD))
		pga_corrupt(r, "a spread is out of range");
	f->offset = r->ctx->alloc(r->ctx, n * sizeof(float));
	for (size_t k = 0; k < n; k++)
	{
		f->offset[k] = pga_get_f32(r);
		if (!(f->offset[k] >= 0 && f->offset[k] <= MOST_OFFSET))
			pga_corrupt(r, "a cluster's weight is out of range");
		for (size_t j = 0; j < f->cols; j++)
			x[j] = pga_get_f32(r);
		pga_space_put(f->centres, k, x);
	}
	return f;
}

static void
kmeans_save(const void *fitted, pga_buf *buf)
{
	const kmeans *f = fitted;

	pga_put_u16(buf, (uint16_t) f->centres->n);
	pga_put_f32(buf, f->spread);
	for (size_t k = 0; k < f->centres->n; k++)
	{
		pga_put_f32(buf, f->offset[k]);
		for (size_t j = 0; j < f->cols; j++)
			pga_put_f32(buf, *pga_space_value(f->centres, k, j));
	}
}

/* ---- scoring ------------------------------------------------------------------------- */

static size_t
kmeans_scratch_bytes(const void *fitted, size_t rows)
{
	(void) fitted;
	(void) rows;
	return 0;
}

/* The least squared distance to a centre, in units of the spread, with its offset. */
static double
least_distance(const kmeans *f, const float *x)
{
	double		unit = 1 / ((double) f->spread * (double) f->spread);
	double		least = INFINITY;
	float		lane[PGA_LANES];

	for (size_t b = 0; b < f->centres->buckets; b++)
	{
		size_t		n = pga_bucket_points(f->centres, b);

		pga_bucket_distances(f->centres, b, x, lane);
		for (size_t k = 0; k < n; k++)
		{
			double		d = (double) fminf(lane[k], FLT_MAX) * unit + (double) f->offset[b * PGA_LANES + k];

			least = d < least ? d : least;
		}
	}
	return least;
}

static void
kmeans_score(const void *fitted, const float *x, size_t rows, double *out, void *scratch)
{
	const kmeans *f = fitted;

	(void) scratch;
	for (size_t i = 0; i < rows; i++)
	{
		out[i] = sqrt(least_distance(f, x + i * f->cols));
	}
}

const pga_detector pga_kmeans = {
	.name = "kmeans",
	.tag = 2,
	.version = 1,
	.flags = PGA_REFIT,
	.summary = "Rows far from the centres of the large clusters are anomalous.",
	.reference = "Arthur & Vassilvitskii 2007; Sculley 2010; He, Xu & Deng 2003",
	.params = kmeans_params,
	.wants = {PGA_SCALE_STANDARD, PGA_ENCODE_ONE_HOT, PGA_LOG1P_OF_WIDE, 10},
	.fit_bytes = kmeans_fit_bytes,
	.fit = kmeans_fit,
	.scratch_bytes = kmeans_scratch_bytes,
	.score = kmeans_score,
	.save = kmeans_save,
	.load = kmeans_load,
};
