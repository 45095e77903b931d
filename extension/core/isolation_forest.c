/*
 * isolation_forest.c - isolation forest, plain and extended.
 *
 * Liu, Ting & Zhou, "Isolation Forest", ICDM 2008, and "Isolation-Based
 * Anomaly Detection", TKDD 6(1), 2012: each tree splits a small sample at
 * random until every row stands alone or the tree is deep enough; rows that
 * come to stand alone early are anomalous.  With E the mean path length of a
 * row and c(n) that of an unsuccessful search in a binary search tree of n
 * keys, the score is 2 ^ (-E / c(sample size)).
 *
 * Hariri, Carrasco Kind & Brunner, "Extended Isolation Forest", TKDE 33(4),
 * 2021: splits by a hyperplane over extension_level + 1 columns.  Here each
 * coefficient is taken relative to the column's range in the node, which
 * makes the form independent of units, and the plane's offset is drawn
 * between the node's outermost rows, so that no branch is empty; with one
 * column this is the plain form.
 *
 * Payload: u32 trees, u32 rows per tree, u8 depth limit, u16 extension level,
 * then every tree in preorder.  A node starts with a u16 whose top bit marks
 * a leaf; the leaf's other bits are the number of its rows.  A split of the
 * plain form is u16 column, f32 threshold; of the extended form u16 0, f64
 * threshold and for each term u16 column, f32 coefficient.  Rows below the
 * threshold go to the second child.  Fitting writes this payload and loads
 * it, so that there is one way, and one validator, into the walkable form.
 *
 * Walkable form, plain: a complete binary tree in heap order, slots 1 to
 * 2^depth - 1, eight bytes each; early leaves are padded down, always to the
 * first child.  A step is then node = 2 node + (x < threshold), without a
 * branch, on integers in the order of the floats; several rows or trees
 * step side by side to hide the loads.  Extended: nodes in preorder with the
 * second child's index.  Path lengths are float32, and sums of a thousand of
 * them exact in double: the order of summing cannot be seen in a score.
 */
#include "core.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "draw.h"
#include "fmath.h"

#define MAX_DEPTH 12
#define MAX_SAMPLE 4096			/* 2^MAX_DEPTH */
#define MAX_TREES 1000
#define LEAF 0x8000u
#define LANES 12				/* rows that step side by side */
#define TREE_LANES 20			/* trees, for a row alone: nodes spill, but far loads overlap */

static const pga_param_spec forest_params[] = {
	{"trees", PGA_PARAM_INT, 100, 1, MAX_TREES, NULL,
	"Number of trees."},
	{"sample_size", PGA_PARAM_INT, 256, 2, MAX_SAMPLE, NULL,
	"Rows each tree is grown from."},
	{"max_depth", PGA_PARAM_INT, 0, 0, MAX_DEPTH, NULL,
	"Splits on the longest path; 0 stands for the binary logarithm of the sample, rounded up."},
	{"extension_level", PGA_PARAM_INT, 0, 0, PGA_MAX_FEATURES - 1, NULL,
	"Columns in a split beyond the first; 0 is the plain form, columns - 1 the fully extended one."},
	{NULL, PGA_PARAM_INT, 0, 0, 0, NULL, NULL}
};

/*
 * A slot of a complete tree: ordered(threshold) in the low half, 0 when
 * padded, for no value is below; in the high half the column's place in
 * x[column][LANES], in bytes.
 */
typedef uint64_t slot;

/* A node of an extended tree. */
typedef struct plane
{
	double		threshold;
	uint32_t	second;			/* 0 in a leaf */
	uint32_t	term;			/* first of its terms */
	float		path;			/* of a leaf */
} plane;

typedef struct term
{
	uint32_t	column;
	float		coefficient;
} term;

typedef struct forest
{
	const uint8_t *payload;
	size_t		payload_len;
	size_t		cols;
	uint32_t	trees,
				sample;			/* rows per tree */
	unsigned	depth;
	uint32_t	terms;			/* per split */
	double		exponent;		/* -1 / (trees * c(sample)) */
	slot	   *slots;			/* [trees][2^depth], plain */
	float	   *paths;			/* [trees][2^depth], plain */
	uint32_t   *roots;			/* [trees], extended */
	plane	   *planes;
	term	   *plane_terms;
	uint32_t	nplanes,
				nterms;			/* while loading */
} forest;

/* c(n), with H(i) = ln i + Euler's constant, as in the paper; c(2) = 1. */
static double
average_path(uint32_t n)
{
	if (n <= 1)
		return 0;
	if (n == 2)
		return 1;
	return 2 * (pga_log(n - 1.0) + 0.57721566490153286061) - 2 * (n - 1.0) / n;
}

/* Floats as integers of the same order: all above 0, which pads. */
static inline uint32_t
ordered(float value)
{
	uint32_t	bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits >> 31 ? ~bits : bits | 0x80000000u;
}

/* ---- growing ---------------------------------------------------------------- */

typedef struct grower
{
	pga_buf		out;
	pga_rng		rng;
	const pga_matrix *m;
	pga_draw	draw;
	size_t	   *drawn;			/* [sample] rows of m */
	uint32_t	sample;
	unsigned	depth;
	uint32_t	terms;
	float	   *x;				/* [cols][sample] the tree's rows */
	uint32_t   *row;			/* [sample] permuted into nodes */
	uint32_t   *column;			/* [cols] permuted, varying ones first */
	double	   *side;			/* [sample] projections on a plane */
	term	   *plane_terms;	/* [terms] */
} grower;

/* Draws a tree's rows and lays them out by column. */
static void
draw_sample(grower *g)
{
	size_t		cols = g->m->cols;

	pga_draw_rows(&g->draw, &g->rng, g->drawn);
	for (uint32_t i = 0; i < g->sample; i++)
	{
		for (size_t j = 0; j < cols; j++)
			g->x[j * g->sample + i] = g->m->x[g->drawn[i] * cols + j];
		g->row[i] = i;
	}
	for (size_t j = 0; j < cols; j++)
		g->column[j] = (uint32_t) j;
}

static void
column_range(const grower *g, uint32_t column, const uint32_t *row, uint32_t n,
			 float *lo, float *hi)
{
	const float *x = g->x + (size_t) column * g->sample;

	*lo = *hi = x[row[0]];
	for (uint32_t i = 1; i < n; i++)
	{
		float		v = x[row[i]];

		*lo = v < *lo ? v : *lo;
		*hi = v > *hi ? v : *hi;
	}
}

/*
 * Draws a column that varies among the rows, from column[from] to
 * column[*varying - 1], and moves it to column[from].  Columns found constant
 * move behind the varying ones, for this node and all below it.
 */
static bool
draw_column(grower *g, uint32_t from, uint32_t *varying, const uint32_t *row, uint32_t n,
			float *lo, float *hi)
{
	while (*varying > from)
	{
		uint32_t	k = from + (uint32_t) pga_rng_below(&g->rng, *varying - from);
		uint32_t	c = g->column[k];

		column_range(g, c, row, n, lo, hi);
		if (*lo < *hi)
		{
			g->column[k] = g->column[from];
			g->column[from] = c;
			return true;
		}
		g->column[k] = g->column[--*varying];
		g->column[*varying] = c;
	}
	return false;
}

/* Uniform in (lo, hi], lo < hi. */
static double
draw_threshold(grower *g, double lo, double hi)
{
	double		t = lo + pga_rng_real(&g->rng) * (hi - lo);

	return t > lo && t <= hi ? t : hi;
}

/* Rows not below the threshold first; their number. */
static uint32_t
partition(uint32_t *row, uint32_t n, const double *side, double threshold)
{
	uint32_t	i = 0;

	while (i < n)
		if (side[row[i]] < threshold)
		{
			uint32_t	r = row[--n];

			row[n] = row[i];
			row[i] = r;
		}
		else
			i++;
	return i;
}

/* Writes a random split by one column and applies it. */
static uint32_t
split_plain(grower *g, uint32_t *row, uint32_t n, float lo, float hi)
{
	uint32_t	column = g->column[0];
	const float *x = g->x + (size_t) column * g->sample;
	float		threshold = (float) draw_threshold(g, lo, hi);

	if (!(threshold > lo))
		threshold = hi;
	pga_put_u16(&g->out, (uint16_t) column);
	pga_put_f32(&g->out, threshold);
	for (uint32_t i = 0; i < n; i++)
		g->side[row[i]] = x[row[i]];
	return partition(row, n, g->side, threshold);
}

/* A row's position along a plane's normal; the order of terms is fixed. */
static inline double
project(const term *t, uint32_t terms, const float *x, size_t stride)
{
	double		sum = 0;

	for (uint32_t k = 0; k < terms; k++)
		sum += (double) t[k].coefficient * (double) x[t[k].column * stride];
	return sum;
}

/* Writes a random split by a plane over up to g->terms varying columns. */
static uint32_t
split_extended(grower *g, uint32_t *row, uint32_t n, uint32_t *varying, float lo, float hi)
{
	double		least = INFINITY;
	double		most = -INFINITY;
	double		threshold;
	uint32_t	k = 0;

	do
	{
		double		c = pga_rng_normal(&g->rng) / ((double) hi - (double) lo);

		g->plane_terms[k].column = g->column[k];
		g->plane_terms[k].coefficient = (float) fmax(-FLT_MAX, fmin(FLT_MAX, c));
		k++;
	} while (k < g->terms && draw_column(g, k, varying, row, n, &lo, &hi));
	for (; k < g->terms; k++)
		g->plane_terms[k] = (term) {0, 0};

	for (uint32_t i = 0; i < n; i++)
	{
		double		p = project(g->plane_terms, g->terms, g->x + row[i], g->sample);

		g->side[row[i]] = p;
		least = p < least ? p : least;
		most = p > most ? p : most;
	}
	if (!(least < most))
		return n;				/* coefficients vanished in float32 */
	threshold = draw_threshold(g, least, most);
	pga_put_u16(&g->out, 0);
	pga_put_f64(&g->out, threshold);
	for (k = 0; k < g->terms; k++)
	{
		pga_put_u16(&g->out, (uint16_t) g->plane_terms[k].column);
		pga_put_f32(&g->out, g->plane_terms[k].coefficient);
	}
	return partition(row, n, g->side, threshold);
}

static void
grow(grower *g, uint32_t *row, uint32_t n, uint32_t varying, unsigned depth)
{
	uint32_t	first = n;
	float		lo,
				hi;

	if (n > 1 && depth < g->depth && draw_column(g, 0, &varying, row, n, &lo, &hi))
	{
		if (g->terms == 1)
			first = split_plain(g, row, n, lo, hi);
		else
			first = split_extended(g, row, n, &varying, lo, hi);
	}
	if (first == n)
	{
		pga_put_u16(&g->out, (uint16_t) (LEAF | n));
		return;
	}
	grow(g, row, first, varying, depth + 1);
	grow(g, row + first, n - first, varying, depth + 1);
}

/* Depth, by default the binary logarithm of the sample rounded up, and terms. */
static void
plan_growth(grower *g, const pga_params *params)
{
	double		terms = pga_param(params, "extension_level") + 1;

	g->depth = (unsigned) pga_param(params, "max_depth");
	if (g->depth == 0)
		g->depth = g->sample > 2 ? 32 - (unsigned) __builtin_clz(g->sample - 1) : 1;
	g->terms = (uint32_t) fmin(terms, (double) g->m->cols);
}

static void *forest_load(pga_reader *r, unsigned version, const pga_matrix *shape);

static void *
forest_fit(pga_ctx *ctx, const pga_matrix *m, const pga_params *params, pga_report *report)
{
	uint32_t	trees = (uint32_t) pga_param(params, "trees");
	uint64_t	seed = (uint64_t) pga_param(params, "seed");
	grower		g = {.out = {.ctx = ctx}, .m = m};
	pga_reader	r = {.ctx = ctx};

	pga_draw_init(ctx, &g.draw, m, (uint32_t) pga_param(params, "sample_size"));
	g.sample = g.draw.n;
	plan_growth(&g, params);
	g.drawn = ctx->alloc(ctx, g.sample * sizeof(size_t));
	g.x = ctx->alloc(ctx, pga_mul(ctx, m->cols, g.sample * sizeof(float)));
	g.row = ctx->alloc(ctx, g.sample * sizeof(uint32_t));
	g.column = ctx->alloc(ctx, m->cols * sizeof(uint32_t));
	g.side = ctx->alloc(ctx, g.sample * sizeof(double));
	g.plane_terms = ctx->alloc(ctx, g.terms * sizeof(term));

	pga_put_u32(&g.out, trees);
	pga_put_u32(&g.out, g.sample);
	pga_put_u8(&g.out, (uint8_t) g.depth);
	pga_put_u16(&g.out, (uint16_t) (g.terms - 1));
	for (uint32_t t = 0; t < trees; t++)
	{
		pga_rng_seed(&g.rng, seed, t);
		draw_sample(&g);
		grow(&g, g.row, g.sample, (uint32_t) m->cols, 0);
		ctx->poll(ctx);
	}
	r.p = g.out.data;
	r.end = g.out.data + g.out.len;
	return forest_load(&r, 1, m);
}

/* Splits of a tree: at most one less than its rows, or than 2^depth. */
static size_t
forest_fit_bytes(pga_ctx *ctx, const pga_matrix *shape, const pga_params *params)
{
	grower		g = {.m = shape};
	size_t		trees = (size_t) pga_param(params, "trees");
	size_t		nodes,
				split;

	g.sample = (uint32_t) pga_param(params, "sample_size");
	plan_growth(&g, params);
	nodes = (size_t) 1 << g.depth;
	split = g.terms == 1 ? 16 : 2 * sizeof(plane) + g.terms * (sizeof(term) + 6);
	return pga_add(ctx, pga_mul(ctx, shape->rows, sizeof(uint64_t)),
				   pga_add(ctx, pga_mul(ctx, shape->cols * sizeof(float), g.sample),
						   pga_mul(ctx, trees, pga_mul(ctx, nodes, split + 16))));
}

/* ---- loading and saving ---------------------------------------------------------- */

static float
leaf_path(unsigned depth, uint32_t rows)
{
	return (float) (depth + average_path(rows));
}

/* Counts a leaf's rows against its tree's. */
static uint32_t
check_leaf(pga_reader *r, unsigned head, uint32_t *left)
{
	uint32_t	n = head & (LEAF - 1);

	if (n == 0 || n > *left)
		pga_corrupt(r, "a tree's leaves do not add up");
	*left -= n;
	return n;
}

static uint32_t
check_column(pga_reader *r, const forest *f, unsigned column)
{
	if (column >= f->cols)
		pga_corrupt(r, "a split is by an unknown column");
	return column;
}

/* Reads a subtree of tree t into heap slot i. */
static void
load_plain(pga_reader *r, forest *f, uint32_t t, uint32_t i, unsigned depth, uint32_t *left)
{
	size_t		base = (size_t) t << f->depth;
	unsigned	head = pga_get_u16(r);
	uint64_t	place;

	if (head & LEAF)
	{
		uint32_t	last = (i << (f->depth - depth)) - (UINT32_C(1) << f->depth);

		f->paths[base + last] = leaf_path(depth, check_leaf(r, head, left));
		return;
	}
	if (depth == f->depth)
		pga_corrupt(r, "a tree is too deep");
	place = check_column(r, f, head) * LANES * sizeof(uint32_t);
	f->slots[base + i] = place << 32 | ordered(pga_get_f32(r) + 0.0f);
	load_plain(r, f, t, 2 * i, depth + 1, left);
	load_plain(r, f, t, 2 * i + 1, depth + 1, left);
}

/* Reads a subtree into the next plane; its index. */
static uint32_t
load_extended(pga_reader *r, forest *f, unsigned depth, uint32_t *left)
{
	unsigned	head = pga_get_u16(r);
	uint32_t	i = f->nplanes++;

	if (head & LEAF)
	{
		f->planes[i].path = leaf_path(depth, check_leaf(r, head, left));
		return i;
	}
	if (head != 0 || depth == f->depth)
		pga_corrupt(r, "a tree is too deep");
	f->planes[i].threshold = pga_get_f64(r);
	f->planes[i].term = f->nterms;
	for (uint32_t k = 0; k < f->terms; k++)
	{
		f->plane_terms[f->nterms].column = check_column(r, f, pga_get_u16(r));
		f->plane_terms[f->nterms++].coefficient = pga_get_f32(r);
	}
	load_extended(r, f, depth + 1, left);
	f->planes[i].second = load_extended(r, f, depth + 1, left);
	return i;
}

/* Trees up to a multiple of TREE_LANES; the last ones stay empty and add nothing. */
static void
alloc_plain(pga_reader *r, forest *f)
{
	size_t		n = pga_mul(r->ctx, f->trees + TREE_LANES - 1, (size_t) 1 << f->depth);

	f->slots = r->ctx->alloc(r->ctx, pga_mul(r->ctx, n, sizeof(slot)));
	f->paths = r->ctx->alloc(r->ctx, pga_mul(r->ctx, n, sizeof(float)));
}

/* A node takes at least two bytes of what follows, a term six. */
static void
alloc_extended(pga_reader *r, forest *f)
{
	size_t		bytes = (size_t) (r->end - r->p);

	f->roots = r->ctx->alloc(r->ctx, f->trees * sizeof(uint32_t));
	f->planes = r->ctx->alloc(r->ctx, pga_mul(r->ctx, bytes / 2 + 1, sizeof(plane)));
	f->plane_terms = r->ctx->alloc(r->ctx, pga_mul(r->ctx, bytes / 6 + 1, sizeof(term)));
}

static void *
forest_load(pga_reader *r, unsigned version, const pga_matrix *shape)
{
	forest	   *f = r->ctx->alloc(r->ctx, sizeof(forest));
	const uint8_t *start = r->p;
	uint8_t    *copy;

	if (version != 1)
		pga_corrupt(r, "isolation_forest of an unknown version");
	f->cols = shape->cols;
	f->trees = pga_get_u32(r);
	f->sample = pga_get_u32(r);
	f->depth = pga_get_u8(r);
	f->terms = pga_get_u16(r) + 1u;
	if (f->trees < 1 || f->trees > MAX_TREES || f->sample < 1 || f->sample > MAX_SAMPLE ||
		f->depth < 1 || f->depth > MAX_DEPTH || f->terms > shape->cols ||
		f->trees > (size_t) (r->end - r->p) / 2)
		pga_corrupt(r, "a forest's size is out of range");
	f->exponent = -1 / (f->trees * fmax(average_path(f->sample), 1));
	if (f->terms == 1)
		alloc_plain(r, f);
	else
		alloc_extended(r, f);
	for (uint32_t t = 0; t < f->trees; t++)
	{
		uint32_t	left = f->sample;

		if (f->terms == 1)
			load_plain(r, f, t, 1, 0, &left);
		else
			f->roots[t] = load_extended(r, f, 0, &left);
		if (left != 0)
			pga_corrupt(r, "a tree's leaves do not add up");
		r->ctx->poll(r->ctx);
	}
	f->payload_len = (size_t) (r->p - start);
	copy = r->ctx->alloc(r->ctx, f->payload_len);
	memcpy(copy, start, f->payload_len);
	f->payload = copy;
	return f;
}

static void
forest_save(const void *fitted, pga_buf *buf)
{
	const forest *f = fitted;

	pga_put(buf, f->payload, f->payload_len);
}

/* ---- scoring ----------------------------------------------------------------------- */

static size_t
forest_scratch_bytes(const void *fitted, size_t rows)
{
	const forest *f = fitted;
	size_t		groups = (rows + LANES - 1) / LANES;

	return groups * LANES * (sizeof(double) + f->cols * sizeof(uint32_t));
}

/*
 * One step down, for the row in the given lane.  Written for compilers: with
 * the slot in one load and the lanes unrolled, everything stays in registers.
 */
static inline __attribute__((always_inline)) uint64_t
step(slot s, const uint32_t *x, unsigned lane, uint64_t node)
{
	const uint32_t *value = (const uint32_t *) ((const char *) (x + lane) + (s >> 32));

	return 2 * node + (*value < (uint32_t) s);
}

/* Adds the paths of groups of LANES rows, x[group][column][lane], in one tree. */
static __attribute__((noinline)) void
walk_rows(const slot *tree, const float *path, unsigned depth,
		  const uint32_t *x, size_t group_size, size_t groups, double *sum)
{
	size_t		leaves = (size_t) 1 << depth;

	for (; groups > 0; groups--, x += group_size, sum += LANES)
	{
		uint64_t	node[LANES];

#pragma GCC unroll 12
		for (unsigned k = 0; k < LANES; k++)
			node[k] = 1;
		for (unsigned d = 0; d < depth; d++)
		{
#pragma GCC unroll 12
			for (unsigned k = 0; k < LANES; k++)
				node[k] = step(tree[node[k]], x, k, node[k]);
		}
#pragma GCC unroll 12
		for (unsigned k = 0; k < LANES; k++)
			sum[k] += (double) path[node[k] - leaves];
	}
}

/* The path of the row in lane 0 through TREE_LANES trees. */
static inline __attribute__((always_inline)) double
walk_trees(const slot *tree, const float *path, unsigned depth, const uint32_t *x)
{
	size_t		leaves = (size_t) 1 << depth;
	uint64_t	node[TREE_LANES];
	double		sum = 0;

#pragma GCC unroll 20
	for (unsigned k = 0; k < TREE_LANES; k++)
		node[k] = 1;
#pragma GCC unroll 20
	for (unsigned d = 0; d < depth; d++)
	{
#pragma GCC unroll 20
		for (unsigned k = 0; k < TREE_LANES; k++)
			node[k] = step(tree[k * leaves + node[k]], x, 0, node[k]);
	}
#pragma GCC unroll 20
	for (unsigned k = 0; k < TREE_LANES; k++)
		sum += (double) path[k * leaves + node[k] - leaves];
	return sum;
}

/* The sum of one row's paths.  The usual depth, 8, gets code of its own, with
 * distances between trees as constants. */
static double
score_alone(const forest *f, const uint32_t *x)
{
	size_t		leaves = (size_t) 1 << f->depth;
	double		sum = 0;

	for (uint32_t t = 0; t < f->trees; t += TREE_LANES)
	{
		const slot *tree = f->slots + t * leaves;
		const float *path = f->paths + t * leaves;

		sum += f->depth == 8 ? walk_trees(tree, path, 8, x) : walk_trees(tree, path, f->depth, x);
	}
	return sum;
}

static void
score_plain(const forest *f, const float *x, size_t rows, double *sum, uint32_t *lanes)
{
	size_t		groups = rows / LANES;

	for (size_t g = 0; g < groups; g++)
		for (size_t j = 0; j < f->cols; j++)
			for (size_t k = 0; k < LANES; k++)
				lanes[(g * f->cols + j) * LANES + k] = ordered(x[(g * LANES + k) * f->cols + j]);
	for (uint32_t t = 0; groups > 0 && t < f->trees; t++)
		walk_rows(f->slots + ((size_t) t << f->depth), f->paths + ((size_t) t << f->depth),
				  f->depth, lanes, f->cols * LANES, groups, sum);
	for (size_t i = groups * LANES; i < rows; i++)
	{
		for (size_t j = 0; j < f->cols; j++)
			lanes[j * LANES] = ordered(x[i * f->cols + j]);
		sum[i] = score_alone(f, lanes);
	}
}

static double
score_extended(const forest *f, const float *x)
{
	double		sum = 0;

	for (uint32_t t = 0; t < f->trees; t++)
	{
		uint32_t	i = f->roots[t];

		while (f->planes[i].second != 0)
		{
			const plane *p = &f->planes[i];
			double		side = project(f->plane_terms + p->term, f->terms, x, 1);

			i = side < p->threshold ? p->second : i + 1;
		}
		sum += (double) f->planes[i].path;
	}
	return sum;
}

static void
forest_score(const void *fitted, const float *x, size_t rows, double *out, void *scratch)
{
	const forest *f = fitted;
	double	   *sum = scratch;
	uint32_t   *lanes = (uint32_t *) (sum + (rows + LANES - 1) / LANES * LANES);

	memset(sum, 0, rows * sizeof(double));
	if (f->terms == 1)
		score_plain(f, x, rows, sum, lanes);
	else
		for (size_t i = 0; i < rows; i++)
			sum[i] = score_extended(f, x + i * f->cols);
	for (size_t i = 0; i < rows; i++)
		out[i] = pga_exp2(sum[i] * f->exponent);
}

const pga_detector pga_isolation_forest = {
	.name = "isolation_forest",
	.tag = 1,
	.version = 1,
	.summary = "Rows that random splits isolate early are anomalous.",
	.reference = "Liu, Ting & Zhou 2008, 2012; Hariri, Carrasco Kind & Brunner 2021",
	.params = forest_params,
	.wants = {.scaling = PGA_SCALE_ROBUST},
	.fit_bytes = forest_fit_bytes,
	.fit = forest_fit,
	.scratch_bytes = forest_scratch_bytes,
	.score = forest_score,
	.save = forest_save,
	.load = forest_load,
};
