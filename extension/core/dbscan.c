/*
 * dbscan.c - distance to the nearest core point of DBSCAN.
 *
 * Ester, Kriegel, Sander & Xu, "A Density-Based Algorithm for Discovering
 * Clusters in Large Spatial Databases with Noise", KDD 1996.  A row with
 * `min_points` occurrences within eps of it, its own among them, is a core
 * point; core points within eps of each other belong to one cluster; a row
 * that no core point is near is noise.
 *
 * The score is the distance to the nearest core point in units of eps: 0 for
 * a core point itself, up to 1 for what belongs to a cluster, above 1 for
 * noise.  It needs no clusters; they are counted for the report, by joining
 * core points in a forest of disjoint sets.
 *
 * With eps = 0 it is taken from the curve of the distances to the min_points-th
 * other row, where it turns from the clusters to the noise: at EPS_SHARE of
 * the rows.  (The paper has a user look at the curve; where it bends most is
 * a matter of the axes' scales, and moves with a single far-off row.)
 *
 * min_points is a number, not a share: the more rows, the rarer is what makes
 * a cluster.  Of more than `sample_size` rows so many are drawn, by which
 * anomalies are thinned out until they are noise, and which tells them from
 * the others no worse (Zimek et al., "Subsampling for Efficient and Effective
 * Unsupervised Outlier Detection Ensembles", KDD 2013).
 *
 * A model keeps no more than `max_core_points`.  Beyond, they are thinned to
 * a cover: every core point left out is within a share of eps of one that is
 * kept, so that a score is too high by no more than this share, which is
 * reported as cover and is as small as 1/32, 1/16, ... allows.
 *
 * Payload: f32 eps, u32 points; for each point f32 [cols].
 */
#include "core.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "draw.h"
#include "neighbours.h"

#define MAX_MIN_POINTS 1000
#define MAX_CORE_POINTS 262144
#define CURVE_ROWS 16384		/* of the k-distance curve */
#define EPS_SHARE 0.95
#define LEAST_COVER (1.0 / 32)
#define LEAST_EPS 1e-9
#define MOST_EPS 1e9
#define POLL_EVERY 4096			/* nodes between two polls, at 64 values */
#define NONE UINT32_MAX

static const pga_param_spec dbscan_params[] = {
	{"eps", PGA_PARAM_REAL, 0, 0, MOST_EPS, NULL,
	"Radius of a neighbourhood, in standard deviations; 0 takes it from the k-distance curve."},
	{"min_points", PGA_PARAM_INT, 10, 1, MAX_MIN_POINTS, NULL,
	"Rows within eps, its own occurrences among them, that make a row a core point."},
	{"sample_size", PGA_PARAM_INT, 10000, 100, 16777216, NULL,
	"Most training rows among which core points are looked for, occurrences counted; of more, so many are drawn."},
	{"max_core_points", PGA_PARAM_INT, 20000, 16, MAX_CORE_POINTS, NULL,
	"Most core points that are kept; beyond, they are thinned evenly; fewer beyond 200 columns."},
	{NULL, PGA_PARAM_INT, 0, 0, 0, NULL, NULL}
};

typedef struct dbscan
{
	size_t		cols;
	pga_space  *cores;
	float		eps;
} dbscan;

/* A training: the rows in space, then the core points among them. */
typedef struct training
{
	pga_ctx    *ctx;
	const pga_matrix *m;
	size_t		n;
	uint32_t   *row;			/* [n] of m, by place */
	pga_space  *rows;
	uint32_t   *weight;			/* [n] by place */
	uint64_t	total;			/* of the weights */
	uint32_t	min_points;
	float		eps,
				limit;			/* eps squared */

	size_t		ncores;
	uint32_t   *core_row;		/* [ncores] of m, by place in cores */
	pga_space  *cores;
	float	   *x;				/* [cols] */
	size_t		visits;
} training;

static void
count_visit(training *t)
{
	t->visits += 1 + t->m->cols / 64;
	if (t->visits > POLL_EVERY)
	{
		t->visits = 0;
		t->ctx->poll(t->ctx);
	}
}

/* A point of the k-distance curve. */
typedef struct step
{
	float		d;				/* squared */
	uint32_t	weight;
} step;

/* ---- rows and eps --------------------------------------------------------------- */

/* What a training takes for n rows, in full. */
static size_t
bytes_for(pga_ctx *ctx, size_t n, size_t cols)
{
	size_t		per_row = 7 * sizeof(uint32_t) + 2 + sizeof(step);

	return pga_add(ctx, pga_mul(ctx, 2, pga_space_build_bytes(ctx, n, cols)),
				   pga_add(ctx, pga_mul(ctx, n, per_row),
						   cols * 2 * sizeof(float) +
						   (MAX_MIN_POINTS + 2) * sizeof(pga_near)));
}

/* Rows to train on: at most what half of the memory holds, beside the rows themselves. */
static size_t
count_rows(pga_ctx *ctx, const pga_matrix *m, const pga_params *params)
{
	size_t		n = (size_t) pga_param(params, "sample_size");

	n = n < m->rows ? n : m->rows;
	while (n > 1000 && bytes_for(ctx, n, m->cols) > ctx->memory_limit / 2)
		n -= n / 16;
	return n;
}

static void
place_rows(training *t, const pga_params *params)
{
	pga_ctx    *ctx = t->ctx;
	size_t		size = (size_t) pga_param(params, "sample_size");
	size_t		most = count_rows(ctx, t->m, params);
	uint32_t   *count = ctx->alloc(ctx, pga_mul(ctx, t->m->rows, sizeof(uint32_t)));
	pga_rng		rng;

	if (most < size && most < t->m->rows)
	{
		ctx->warn(ctx, "dbscan is trained on %zu of %zu rows, chosen at random: more would not fit into the limit of %zu kB",
				  most, t->m->rows, ctx->memory_limit / 1024);
		size = most;
	}
	t->row = ctx->alloc(ctx, most * sizeof(uint32_t));
	pga_rng_seed(&rng, (uint64_t) pga_param(params, "seed"), 0);
	t->n = pga_draw_occurrences(ctx, &rng, t->m, size, count, t->row);
	t->rows = pga_space_build(ctx, t->m->x, t->m->cols, t->row, t->n);
	t->weight = ctx->alloc(ctx, t->n * sizeof(uint32_t));
	for (size_t i = 0; i < t->n; i++)
		t->total += t->weight[i] = count[t->row[i]];
	t->min_points = (uint32_t) pga_param(params, "min_points");
	if (t->min_points > t->total)
	{
		ctx->warn(ctx, "option \"min_points\" is %u, but there are only %llu rows: lowered to that",
				  t->min_points, (unsigned long long) t->total);
		t->min_points = (uint32_t) t->total;
	}
}

static int
compare(const void *a, const void *b)
{
	float		x = ((const step *) a)->d;
	float		y = ((const step *) b)->d;

	return (x > y) - (x < y);
}

/* Squared distances from some rows to their min_points-th other, sorted. */
static size_t
k_distance_curve(training *t, pga_rng *rng, step *curve)
{
	size_t		n = t->n < CURVE_ROWS ? t->n : CURVE_ROWS;
	uint32_t   *place = t->ctx->alloc(t->ctx, n * sizeof(uint32_t));
	pga_query	q = {
		.space = t->rows,
		.weight = t->weight,
		.want = t->min_points,
		.ctx = t->ctx,
		.near = t->ctx->alloc(t->ctx, (t->min_points + 1) * sizeof(pga_near))
	};

	pga_draw_distinct(rng, t->n, n, place);
	for (size_t i = 0; i < n; i++)
	{
		pga_space_get(t->rows, place[i], t->x);
		q.skip = place[i];
		pga_nearest(&q, t->x);
		curve[i] = (step) {q.n > 0 ? fminf(q.near[q.n - 1].d, FLT_MAX) : 0, t->weight[place[i]]};
	}
	qsort(curve, n, sizeof(step), compare);
	return n;
}

static void
choose_eps(training *t, const pga_params *params)
{
	double		eps = pga_param(params, "eps");
	step	   *curve;
	pga_rng		rng;
	uint64_t	total = 0;
	uint64_t	below = 0;
	size_t		n,
				i = 0;

	if (eps > 0)
	{
		t->eps = (float) fmax(eps, LEAST_EPS);
		t->limit = t->eps * t->eps;
		return;
	}
	pga_rng_seed(&rng, (uint64_t) pga_param(params, "seed"), 1);
	curve = t->ctx->alloc(t->ctx, (t->n < CURVE_ROWS ? t->n : CURVE_ROWS) * sizeof(step));
	n = k_distance_curve(t, &rng, curve);
	for (size_t k = 0; k < n; k++)
		total += curve[k].weight;
	while (i + 1 < n && (double) (below += curve[i].weight) < EPS_SHARE * (double) total)
		i++;
	while (i + 1 < n && curve[i].d == 0)
		i++;					/* heaps of equal rows: the first distance there is */
	t->limit = fmaxf(curve[i].d, (float) (LEAST_EPS * LEAST_EPS));
	t->eps = sqrtf(t->limit);
}

/* ---- core points, clusters, noise --------------------------------------------------- */

static void
find_cores(training *t)
{
	pga_query	q = {.space = t->rows,.weight = t->weight,.skip = SIZE_MAX,.ctx = t->ctx};

	t->core_row = t->ctx->alloc(t->ctx, t->n * sizeof(uint32_t));
	for (size_t i = 0; i < t->n; i++)
	{
		pga_space_get(t->rows, i, t->x);
		if (pga_count_within(&q, t->x, t->limit, t->min_points) >= t->min_points)
			t->core_row[t->ncores++] = t->row[i];
	}
	if (t->ncores == 0)
		t->ctx->fail(t->ctx, PGA_ERR_OPTION_VALUE,
					 "Raise option \"eps\", or leave it out to have it chosen; or lower \"min_points\".",
					 "no row has %u rows within an eps of %g", t->min_points, (double) t->eps);
	t->cores = pga_space_build(t->ctx, t->m->x, t->m->cols, t->core_row, t->ncores);
}

/* Disjoint sets (Tarjan 1975): parent[core], and for each node of the tree a
 * core point whose set all of the node's points are in, or NONE. */
typedef struct sets
{
	uint32_t   *parent,
			   *whole;
} sets;

static uint32_t
find(const sets *s, uint32_t i)
{
	while (s->parent[i] != i)
	{
		s->parent[i] = s->parent[s->parent[i]];
		i = s->parent[i];
	}
	return i;
}

/* Joins the sets of core point i and of all within the limit under a node. */
static void
join(training *t, sets *s, pga_node node, uint32_t i)
{
	float		d[PGA_LANES];
	uint32_t	first = (uint32_t) (node.from * PGA_LANES);
	size_t		n;

	count_visit(t);
	if (pga_node_distance(t->cores, node.id, t->x) > t->limit ||
		(s->whole[node.id] != NONE && find(s, s->whole[node.id]) == find(s, i)))
		return;
	if (node.to - node.from > 1)
	{
		pga_node	left = pga_tree_left(node);
		pga_node	right = pga_tree_right(node);

		join(t, s, left, i);
		join(t, s, right, i);
		if (s->whole[left.id] != NONE && s->whole[right.id] != NONE &&
			find(s, s->whole[left.id]) == find(s, s->whole[right.id]))
			s->whole[node.id] = s->whole[left.id];
		return;
	}
	n = pga_bucket_points(t->cores, node.from);
	pga_bucket_distances(t->cores, node.from, t->x, d);
	for (uint32_t k = 0; k < n; k++)
		if (d[k] <= t->limit)
			s->parent[find(s, first + k)] = find(s, i);
	for (uint32_t k = 1; k < n; k++)
		if (find(s, first + k) != find(s, first))
			return;
	s->whole[node.id] = first;
}

static size_t
count_clusters(training *t)
{
	size_t		clusters = 0;
	sets		s;

	s.parent = t->ctx->alloc(t->ctx, t->ncores * sizeof(uint32_t));
	s.whole = t->ctx->alloc(t->ctx, 2 * t->cores->buckets * sizeof(uint32_t));
	for (uint32_t i = 0; i < t->ncores; i++)
		s.parent[i] = i;
	memset(s.whole, 0xff, 2 * t->cores->buckets * sizeof(uint32_t));
	for (uint32_t i = 0; i < t->ncores; i++)
	{
		pga_space_get(t->cores, i, t->x);
		join(t, &s, pga_tree_root(t->cores), i);
	}
	for (uint32_t i = 0; i < t->ncores; i++)
		clusters += s.parent[i] == i;
	return clusters;
}

/* The share of occurrences that no core point is within eps of. */
static double
share_of_noise(training *t)
{
	pga_query	q = {.space = t->cores,.skip = SIZE_MAX,.ctx = t->ctx};
	double		noise = 0;

	for (size_t i = 0; i < t->n; i++)
	{
		pga_space_get(t->rows, i, t->x);
		if (pga_count_within(&q, t->x, t->limit, 1) == 0)
			noise += t->weight[i];
	}
	return noise / (double) t->total;
}

/* ---- thinning ------------------------------------------------------------------------- */

/* Marks the core points within the limit of t->x under a node. */
static void
cover(training *t, pga_node node, float limit, bool *covered)
{
	float		d[PGA_LANES];
	size_t		n;

	count_visit(t);
	if (pga_node_distance(t->cores, node.id, t->x) > limit)
		return;
	if (node.to - node.from > 1)
	{
		cover(t, pga_tree_left(node), limit, covered);
		cover(t, pga_tree_right(node), limit, covered);
		return;
	}
	n = pga_bucket_points(t->cores, node.from);
	pga_bucket_distances(t->cores, node.from, t->x, d);
	for (size_t k = 0; k < n; k++)
		if (d[k] <= limit)
			covered[node.from * PGA_LANES + k] = true;
}

/* Keeps core points until each is within the distance of a kept one; false
 * when this takes more than most. */
static bool
make_cover(training *t, double distance, size_t most, bool *covered, uint32_t *kept, size_t *nkept)
{
	float		limit = (float) (distance * distance);

	memset(covered, 0, t->ncores * sizeof(bool));
	*nkept = 0;
	for (size_t i = 0; i < t->ncores; i++)
	{
		if (covered[i])
			continue;
		if (*nkept == most)
			return false;
		kept[(*nkept)++] = t->core_row[i];
		pga_space_get(t->cores, i, t->x);
		cover(t, pga_tree_root(t->cores), limit, covered);
	}
	return true;
}

/* Down to `most` core points; the share of eps within which they cover the others. */
static double
thin(training *t, size_t most)
{
	bool	   *covered;
	uint32_t   *kept;
	size_t		nkept = 0;
	double		share = LEAST_COVER;

	if (t->ncores <= most)
		return 0;
	covered = t->ctx->alloc(t->ctx, t->ncores * sizeof(bool));
	kept = t->ctx->alloc(t->ctx, most * sizeof(uint32_t));
	while (!make_cover(t, share * (double) t->eps, most, covered, kept, &nkept))
		share *= 2;
	t->ncores = nkept;
	t->core_row = kept;
	t->cores = pga_space_build(t->ctx, t->m->x, t->m->cols, kept, nkept);
	if (share >= 1)
		t->ctx->warn(t->ctx, "%zu core points stand for all, within %g eps: scores may be too high by that",
					 nkept, share);
	return share;
}

static size_t
most_cores(const pga_matrix *m, const pga_params *params)
{
	size_t		most = (size_t) pga_param(params, "max_core_points");

	return most < PGA_SPACE_VALUES / m->cols ? most : PGA_SPACE_VALUES / m->cols;
}

static void *
dbscan_fit(pga_ctx *ctx, const pga_matrix *m, const pga_params *params, pga_report *report)
{
	training	t = {.ctx = ctx, .m = m};
	dbscan	   *f = ctx->alloc(ctx, sizeof(dbscan));

	t.x = ctx->alloc(ctx, m->cols * sizeof(float));
	place_rows(&t, params);
	choose_eps(&t, params);
	find_cores(&t);
	pga_report_number(ctx, report, "eps", (double) t.eps);
	pga_report_number(ctx, report, "core_points", (double) t.ncores);
	pga_report_number(ctx, report, "clusters", (double) count_clusters(&t));
	pga_report_number(ctx, report, "noise", share_of_noise(&t));
	pga_report_number(ctx, report, "cover", thin(&t, most_cores(m, params)));
	*f = (dbscan) {m->cols, t.cores, t.eps};
	return f;
}

static size_t
dbscan_fit_bytes(pga_ctx *ctx, const pga_matrix *shape, const pga_params *params)
{
	size_t		rows = count_rows(ctx, shape, params);
	size_t		most = most_cores(shape, params);

	return pga_add(ctx, pga_add(ctx, bytes_for(ctx, rows, shape->cols),
								pga_mul(ctx, shape->rows, sizeof(uint32_t))),
				   pga_add(ctx, pga_space_build_bytes(ctx, rows < most ? rows : most, shape->cols),
						   most * sizeof(uint32_t)));
}

/* ---- loading and saving ------------------------------------------------------------ */

static void *
dbscan_load(pga_reader *r, unsigned version, const pga_matrix *shape)
{
	dbscan	   *f = r->ctx->alloc(r->ctx, sizeof(dbscan));
	float	   *x = r->ctx->alloc(r->ctx, shape->cols * sizeof(float));
	uint32_t	n;

	if (version != 1)
		pga_corrupt(r, "dbscan of an unknown version");
	f->cols = shape->cols;
	f->eps = pga_get_f32(r);
	if (!(f->eps >= (float) LEAST_EPS && f->eps <= FLT_MAX))
		pga_corrupt(r, "an eps is out of range");
	n = pga_get_count(r, shape->cols * sizeof(float));
	if (n < 1 || n > MAX_CORE_POINTS)
		pga_corrupt(r, "a number of core points is out of range");
	f->cores = pga_space_create(r->ctx, n, f->cols);
	for (size_t i = 0; i < n; i++)
	{
		for (size_t j = 0; j < f->cols; j++)
			x[j] = pga_get_f32(r);
		pga_space_put(f->cores, i, x);
		if (i % 256 == 0)
			r->ctx->poll(r->ctx);
	}
	pga_space_index(r->ctx, f->cores);
	return f;
}

static void
dbscan_save(const void *fitted, pga_buf *buf)
{
	const dbscan *f = fitted;

	pga_put_f32(buf, f->eps);
	pga_put_u32(buf, (uint32_t) f->cores->n);
	for (size_t i = 0; i < f->cores->n; i++)
		for (size_t j = 0; j < f->cols; j++)
			pga_put_f32(buf, *pga_space_value(f->cores, i, j));
}

/* ---- scoring ------------------------------------------------------------------------- */

static size_t
dbscan_scratch_bytes(const void *fitted, size_t rows)
{
	(void) fitted;
	(void) rows;
	return 2 * sizeof(pga_near);
}

static void
dbscan_score(const void *fitted, const float *x, size_t rows, double *out, void *scratch)
{
	const dbscan *f = fitted;
	pga_query	q = {.space = f->cores,.want = 1,.skip = SIZE_MAX,.near = scratch};

	for (size_t i = 0; i < rows; i++)
	{
		pga_nearest(&q, x + i * f->cols);
		out[i] = pga_root(q.near[0].d) / (double) f->eps;
	}
}

const pga_detector pga_dbscan = {
	.name = "dbscan",
	.tag = 3,
	.version = 1,
	.flags = PGA_REFIT,
	.summary = "Rows far from every dense region are anomalous.",
	.reference = "Ester, Kriegel, Sander & Xu 1996",
	.params = dbscan_params,
	.wants = {PGA_SCALE_STANDARD, PGA_ENCODE_ONE_HOT, PGA_LOG1P_OF_WIDE, 10},
	.fit_bytes = dbscan_fit_bytes,
	.fit = dbscan_fit,
	.scratch_bytes = dbscan_scratch_bytes,
	.score = dbscan_score,
	.save = dbscan_save,
	.load = dbscan_load,
};
