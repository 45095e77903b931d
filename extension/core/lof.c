/*
 * lof.c - local outlier factor.
 *
 * Breunig, Kriegel, Ng & Sander, "LOF: Identifying Density-Based Local
 * Outliers", SIGMOD 2000.  Of a point p and its k nearest neighbours o, with
 * k-distance(o) the distance from o to its own k-th neighbour:
 *
 *	reach(p, o) = max(k-distance(o), distance(p, o))
 *	lrd(p)      = 1 / mean over o of reach(p, o)
 *	LOF(p)      = mean over o of lrd(o) / lrd(p)
 *
 * About 1 inside a cluster, whatever its density.  As the paper advises
 * (section 7.4), the score can be the greatest LOF over a range of k: at its
 * lower end, its upper end and the geometric mean of both.
 *
 * Novelty scoring: neighbours come from a sample of the training rows and
 * never from the rows scored, so that a row scores the same alone.  A row
 * that was itself in the sample is its own nearest neighbour.
 *
 * A row that occurs w times counts as w points.  With k occurrences at one
 * place the paper's lrd is infinite; here the mean reach is never taken below
 * FLOOR of the median k-distance, so that next to a heap of equal rows an
 * almost equal one is no outlier.
 *
 * Payload: u32 points, u16 least and u16 greatest k, f32 floor; for each point
 * u32 weight, f32 [cols], and for each k f32 k-distance, f32 lrd.
 */
#include "core.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "draw.h"
#include "neighbours.h"

#define MAX_K 200
#define MAX_POINTS 262144
#define MAX_LEVELS 3
#define FLOOR 0.01
#define LEAST_FLOOR 1e-9f
#define MOST_FLOOR 1e19f

static const pga_param_spec lof_params[] = {
	{"neighbours", PGA_PARAM_INT, 20, 1, MAX_K, NULL,
	"Neighbours a row is compared with, occurrences counted; the lower end of the range."},
	{"max_neighbours", PGA_PARAM_INT, 20, 1, MAX_K, NULL,
	"Upper end of the range of neighbours, of which the highest score counts; not above neighbours: no range."},
	{"sample_size", PGA_PARAM_INT, 20000, 16, MAX_POINTS, NULL,
	"Most training rows, occurrences counted, that are kept to be neighbours; fewer beyond 200 columns."},
	{NULL, PGA_PARAM_INT, 0, 0, 0, NULL, NULL}
};

typedef struct lof
{
	size_t		cols;
	pga_space  *points;
	uint32_t   *weight;			/* [points->n] */
	uint32_t	k[MAX_LEVELS];	/* ascending */
	size_t		levels;
	float	   *k_distance;		/* [points->n][levels] */
	float	   *lrd;			/* [points->n][levels] */
	float		floor;
} lof;

static void
set_range(lof *f, uint32_t least, uint32_t greatest)
{
	f->levels = greatest > least ? 3 : 1;
	f->k[0] = least;
	f->k[1] = (uint32_t) (sqrt((double) least * greatest) + 0.5);
	f->k[2] = greatest;
}

static inline uint32_t
greatest_k(const lof *f)
{
	return f->k[f->levels - 1];
}

/* How many of the k points the i-th neighbour stands for, after `before` others. */
static inline uint64_t
points_at(const lof *f, const pga_query *q, size_t i, uint64_t before, uint32_t k)
{
	size_t		place = q->near[i].place;
	uint64_t	w = f->weight[place] - (uint64_t) (place == q->skip);

	return w < k - before ? w : k - before;
}

/* The mean reach to the k nearest points, never below the floor. */
static double
mean_reach(const lof *f, const pga_query *q, size_t level)
{
	uint32_t	k = f->k[level];
	uint64_t	seen = 0;
	double		sum = 0;

	for (size_t i = 0; i < q->n && seen < k; i++)
	{
		uint64_t	w = points_at(f, q, i, seen, k);
		double		d = pga_root(q->near[i].d);
		double		least = (double) f->k_distance[q->near[i].place * f->levels + level];

		sum += (double) w * (d > least ? d : least);
		seen += w;
	}
	return fmax(seen > 0 ? sum / (double) seen : 0, (double) f->floor);
}

static double
mean_lrd(const lof *f, const pga_query *q, size_t level)
{
	uint32_t	k = f->k[level];
	uint64_t	seen = 0;
	double		sum = 0;

	for (size_t i = 0; i < q->n && seen < k; i++)
	{
		uint64_t	w = points_at(f, q, i, seen, k);

		sum += (double) w * (double) f->lrd[q->near[i].place * f->levels + level];
		seen += w;
	}
	return seen > 0 ? sum / (double) seen : 0;
}

/* The distance to the k-th nearest point. */
static double
k_distance(const lof *f, const pga_query *q, uint32_t k)
{
	uint64_t	seen = 0;
	size_t		i = 0;

	if (q->n == 0)
		return 0;
	while (i + 1 < q->n && (seen += points_at(f, q, i, seen, k)) < k)
		i++;
	return pga_root(q->near[i].d);
}

/* ---- fitting ---------------------------------------------------------------- */

static size_t
count_points(const pga_matrix *m, const pga_params *params)
{
	size_t		n = (size_t) pga_param(params, "sample_size");

	n = n < PGA_SPACE_VALUES / m->cols ? n : PGA_SPACE_VALUES / m->cols;
	return n < m->rows ? n : m->rows;
}

/* The range of k, as far as there are points. */
static void
choose_range(pga_ctx *ctx, lof *f, const pga_params *params)
{
	uint32_t	least = (uint32_t) pga_param(params, "neighbours");
	uint32_t	greatest = (uint32_t) pga_param(params, "max_neighbours");
	uint64_t	others = 0;

	for (size_t i = 0; i < f->points->n; i++)
		others += f->weight[i];
	others = others > 1 ? others - 1 : 1;
	if (least > others)
	{
		ctx->warn(ctx, "option \"neighbours\" is %u, but there are only %llu other rows: lowered to that",
				  least, (unsigned long long) others);
		least = (uint32_t) others;
	}
	greatest = greatest > least ? greatest : least;
	set_range(f, least, greatest < others ? greatest : (uint32_t) others);
}

/* Every point's nearest others, near[points][greatest k]; found[points] of them. */
static void
find_neighbours(pga_ctx *ctx, const lof *f, pga_near *near, uint32_t *found)
{
	size_t		room = greatest_k(f);
	float	   *x = ctx->alloc(ctx, f->cols * sizeof(float));
	pga_query	q = {
		.space = f->points,
		.weight = f->weight,
		.want = room,
		.ctx = ctx,
		.near = ctx->alloc(ctx, (room + 1) * sizeof(pga_near))
	};

	for (size_t i = 0; i < f->points->n; i++)
	{
		pga_space_get(f->points, i, x);
		q.skip = i;
		pga_nearest(&q, x);
		memcpy(near + i * room, q.near, q.n * sizeof(pga_near));
		found[i] = (uint32_t) q.n;
	}
}

static int
compare(const void *a, const void *b)
{
	float		x = *(const float *) a;
	float		y = *(const float *) b;

	return (x > y) - (x < y);
}

/* FLOOR of the median greatest k-distance of the points that are not one of k at a place. */
static float
choose_floor(pga_ctx *ctx, const lof *f)
{
	float	   *d = ctx->alloc(ctx, f->points->n * sizeof(float));
	size_t		n = 0;

	for (size_t i = 0; i < f->points->n; i++)
	{
		d[n] = f->k_distance[i * f->levels + f->levels - 1];
		n += d[n] > 0;
	}
	if (n == 0)
		return LEAST_FLOOR;
	qsort(d, n, sizeof(float), compare);
	return (float) fmax((double) LEAST_FLOOR, fmin((double) MOST_FLOOR, FLOOR * (double) d[n / 2]));
}

/* k-distances first, for everybody's reach depends on the neighbours'. */
static void
measure_densities(pga_ctx *ctx, lof *f)
{
	size_t		n = f->points->n;
	size_t		room = greatest_k(f);
	pga_near   *near = ctx->alloc(ctx, pga_mul(ctx, n, room * sizeof(pga_near)));
	uint32_t   *found = ctx->alloc(ctx, n * sizeof(uint32_t));

	find_neighbours(ctx, f, near, found);
	for (int pass = 0; pass < 2; pass++)
	{
		for (size_t i = 0; i < n; i++)
		{
			pga_query	q = {.near = near + i * room, .n = found[i], .skip = i};

			for (size_t l = 0; l < f->levels; l++)
				if (pass == 0)
					f->k_distance[i * f->levels + l] = (float) fmin(FLT_MAX, k_distance(f, &q, f->k[l]));
				else
					f->lrd[i * f->levels + l] = (float) (1 / mean_reach(f, &q, l));
			if (i % 256 == 0)
				ctx->poll(ctx);
		}
		if (pass == 0)
			f->floor = choose_floor(ctx, f);
	}
}

static void
alloc_points(pga_ctx *ctx, lof *f, size_t n)
{
	f->k_distance = ctx->alloc(ctx, pga_mul(ctx, n, f->levels * sizeof(float)));
	f->lrd = ctx->alloc(ctx, pga_mul(ctx, n, f->levels * sizeof(float)));
}

static void *
lof_fit(pga_ctx *ctx, const pga_matrix *m, const pga_params *params, pga_report *report)
{
	lof		   *f = ctx->alloc(ctx, sizeof(lof));
	size_t		n = count_points(m, params);
	size_t		size = (size_t) pga_param(params, "sample_size");
	uint32_t   *row = ctx->alloc(ctx, n * sizeof(uint32_t));
	uint32_t   *count = ctx->alloc(ctx, pga_mul(ctx, m->rows, sizeof(uint32_t)));
	pga_rng		rng;

	if (n < m->rows && n < size)
	{
		ctx->warn(ctx, "lof keeps %zu of %zu rows: more would exceed %d values", n, m->rows, PGA_SPACE_VALUES);
		size = n;
	}
	pga_rng_seed(&rng, (uint64_t) pga_param(params, "seed"), 0);
	n = pga_draw_occurrences(ctx, &rng, m, size, count, row);
	f->cols = m->cols;
	f->points = pga_space_build(ctx, m->x, m->cols, row, n);
	f->weight = ctx->alloc(ctx, n * sizeof(uint32_t));
	for (size_t i = 0; i < n; i++)
		f->weight[i] = count[row[i]];
	choose_range(ctx, f, params);
	alloc_points(ctx, f, n);
	measure_densities(ctx, f);
	pga_report_number(ctx, report, "points", (double) n);
	return f;
}

static size_t
lof_fit_bytes(pga_ctx *ctx, const pga_matrix *shape, const pga_params *params)
{
	size_t		n = count_points(shape, params);
	size_t		k = (size_t) fmax(pga_param(params, "neighbours"), pga_param(params, "max_neighbours"));
	size_t		per_point = k * sizeof(pga_near) + (MAX_LEVELS * 2 + 1) * sizeof(float) + 3 * sizeof(uint32_t);

	return pga_add(ctx, pga_space_build_bytes(ctx, n, shape->cols),
				   pga_add(ctx, pga_mul(ctx, n, per_point),
						   pga_add(ctx, pga_mul(ctx, shape->rows, sizeof(uint32_t)),
								   4096 + shape->cols * sizeof(float))));
}

/* ---- loading and saving ------------------------------------------------------------ */

static void
load_head(pga_reader *r, lof *f)
{
	uint32_t	least = pga_get_u16(r);
	uint32_t	greatest = pga_get_u16(r);

	if (least < 1 || least > greatest || greatest > MAX_K)
		pga_corrupt(r, "a number of neighbours is out of range");
	set_range(f, least, greatest);
	f->floor = pga_get_f32(r);
	if (!(f->floor >= LEAST_FLOOR && f->floor <= MOST_FLOOR))
		pga_corrupt(r, "a least distance is out of range");
}

static void *
lof_load(pga_reader *r, unsigned version, const pga_matrix *shape)
{
	lof		   *f = r->ctx->alloc(r->ctx, sizeof(lof));
	uint32_t	n = pga_get_count(r, (shape->cols + 3) * sizeof(float));
	float	   *x = r->ctx->alloc(r->ctx, shape->cols * sizeof(float));

	if (version != 1)
		pga_corrupt(r, "lof of an unknown version");
	if (n < 1 || n > MAX_POINTS)
		pga_corrupt(r, "a number of points is out of range");
	f->cols = shape->cols;
	load_head(r, f);
	f->points = pga_space_create(r->ctx, n, f->cols);
	f->weight = r->ctx->alloc(r->ctx, n * sizeof(uint32_t));
	alloc_points(r->ctx, f, n);
	for (size_t i = 0; i < n; i++)
	{
		f->weight[i] = pga_get_u32(r);
		for (size_t j = 0; j < f->cols; j++)
			x[j] = pga_get_f32(r);
		pga_space_put(f->points, i, x);
		for (size_t l = i * f->levels; l < (i + 1) * f->levels; l++)
		{
			f->k_distance[l] = pga_get_f32(r);
			f->lrd[l] = pga_get_f32(r);
			if (f->k_distance[l] < 0 || f->lrd[l] < 0)
				pga_corrupt(r, "a distance or density is below 0");
		}
		if (f->weight[i] == 0)
			pga_corrupt(r, "a point stands for no row");
		if (i % 256 == 0)
			r->ctx->poll(r->ctx);
	}
	pga_space_index(r->ctx, f->points);
	return f;
}

static void
lof_save(const void *fitted, pga_buf *buf)
{
	const lof  *f = fitted;

	pga_put_u32(buf, (uint32_t) f->points->n);
	pga_put_u16(buf, (uint16_t) f->k[0]);
	pga_put_u16(buf, (uint16_t) greatest_k(f));
	pga_put_f32(buf, f->floor);
	for (size_t i = 0; i < f->points->n; i++)
	{
		pga_put_u32(buf, f->weight[i]);
		for (size_t j = 0; j < f->cols; j++)
			pga_put_f32(buf, *pga_space_value(f->points, i, j));
		for (size_t l = i * f->levels; l < (i + 1) * f->levels; l++)
		{
			pga_put_f32(buf, f->k_distance[l]);
			pga_put_f32(buf, f->lrd[l]);
		}
	}
}

/* ---- scoring ------------------------------------------------------------------------- */

static size_t
lof_scratch_bytes(const void *fitted, size_t rows)
{
	(void) rows;
	return (greatest_k(fitted) + 1) * sizeof(pga_near);
}

static void
lof_score(const void *fitted, const float *x, size_t rows, double *out, void *scratch)
{
	const lof  *f = fitted;
	pga_query	q = {
		.space = f->points,
		.weight = f->weight,
		.want = greatest_k(f),
		.skip = SIZE_MAX,
		.near = scratch
	};

	for (size_t i = 0; i < rows; i++)
	{
		pga_nearest(&q, x + i * f->cols);
		out[i] = 0;
		for (size_t l = 0; l < f->levels; l++)
			out[i] = fmax(out[i], mean_lrd(f, &q, l) * mean_reach(f, &q, l));
	}
}

const pga_detector pga_lof = {
	.name = "lof",
	.tag = 4,
	.version = 1,
	.flags = PGA_REFIT,
	.summary = "Rows in thinner surroundings than their neighbours are anomalous.",
	.reference = "Breunig, Kriegel, Ng & Sander 2000",
	.params = lof_params,
	.wants = {PGA_SCALE_STANDARD, PGA_ENCODE_ONE_HOT, PGA_LOG1P_OF_WIDE, 10},
	.fit_bytes = lof_fit_bytes,
	.fit = lof_fit,
	.scratch_bytes = lof_scratch_bytes,
	.score = lof_score,
	.save = lof_save,
	.load = lof_load,
};
