/*
 * neighbours.c - see neighbours.h.
 *
 * The tree is a k-d tree (Bentley 1975) with the tight boxes of an R-tree:
 * rows are divided at a multiple of the bucket's size nearest to the median of
 * the column that spreads most, down to single buckets, and every node keeps
 * the box around its points.  A search goes to the nearer child first and
 * leaves out what is farther than what it has (Friedman, Bentley & Finkel,
 * ACM TOMS 3(3), 1977).  In many dimensions, where boxes exclude nothing, it
 * comes down to scanning all buckets, with one box for every 16 points on top.
 *
 * The tree is nothing but the order of the points: boxes are made anew when
 * a model is loaded, so that no bytes can lie about them.
 */
#include "neighbours.h"

#include <math.h>
#include <string.h>

#define POLL_EVERY 300000		/* values of points looked at between two polls */
#define SPREAD_ROWS 64			/* rows a node's columns are measured on */

typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t mask __attribute__((vector_size(16), aligned(4), may_alias));

/* ---- distances -------------------------------------------------------------- */

/* Four times four lanes; each goes through the columns in order. */
void
pga_bucket_distances(const pga_space *s, size_t bucket, const float *x, float d[PGA_LANES])
{
	const quad *p = (const quad *) (s->points + bucket * s->cols * PGA_LANES);
	quad	   *out = (quad *) d;
	quad		a = {0},
				b = {0},
				c = {0},
				e = {0};

	for (size_t j = 0; j < s->cols; j++, p += 4)
	{
		quad		t = p[0] - x[j];
		quad		u = p[1] - x[j];
		quad		v = p[2] - x[j];
		quad		w = p[3] - x[j];

		a += t * t;
		b += u * u;
		c += v * v;
		e += w * w;
	}
	out[0] = a;
	out[1] = b;
	out[2] = c;
	out[3] = e;
}

/* How far x is below the least or above the greatest, in each of four columns. */
static inline quad
outside(quad least, quad greatest, quad x)
{
	quad		below = least - x;
	quad		above = x - greatest;

	/* all bits of a comparison that holds are set */
	below = (quad) ((mask) below & (below > 0));
	above = (quad) ((mask) above & (above > 0));
	return below + above;
}

/*
 * A float32 sum of positive terms is off by a factor within
 * 1 +- (terms + 2) 2^-24, here and in pga_bucket_distances; 1/256 covers both
 * for 30,000 columns.
 */
float
pga_node_distance(const pga_space *s, size_t node, const float *x)
{
	const float *least = s->boxes + node * 2 * s->cols;
	const float *greatest = least + s->cols;
	quad		sum = {0};
	size_t		j = 0;

	for (; j + 4 <= s->cols; j += 4)
	{
		quad		out = outside(*(const quad *) (least + j), *(const quad *) (greatest + j),
								  *(const quad *) (x + j));

		sum += out * out;
	}
	for (; j < s->cols; j++)
	{
		float		below = least[j] - x[j];
		float		above = x[j] - greatest[j];

		below = below > 0 ? below : 0;
		above = above > 0 ? above : 0;
		sum[0] += below * below + above * above;
	}
	return (sum[0] + sum[1] + (sum[2] + sum[3])) * (1 - 1.0f / 256);
}

/* ---- points ------------------------------------------------------------------- */

static size_t
count_buckets(size_t n)
{
	return (n + PGA_LANES - 1) / PGA_LANES;
}

pga_space *
pga_space_create(pga_ctx *ctx, size_t n, size_t cols)
{
	pga_space  *s = ctx->alloc(ctx, sizeof(pga_space));

	s->n = n;
	s->cols = cols;
	s->buckets = count_buckets(n);
	s->points = ctx->alloc(ctx, pga_mul(ctx, s->buckets, cols * PGA_LANES * sizeof(float)));
	s->boxes = ctx->alloc(ctx, pga_mul(ctx, 2 * s->buckets - 1, 2 * cols * sizeof(float)));
	return s;
}

size_t
pga_space_bytes(pga_ctx *ctx, size_t n, size_t cols)
{
	return pga_add(ctx, sizeof(pga_space),
				   pga_mul(ctx, count_buckets(n), cols * (PGA_LANES + 4) * sizeof(float)));
}

void
pga_space_shrink(pga_space *s, size_t n)
{
	s->n = n;
	s->buckets = count_buckets(n);
}

void
pga_space_put(pga_space *s, size_t place, const float *x)
{
	for (size_t j = 0; j < s->cols; j++)
		*pga_space_value(s, place, j) = x[j];
}

void
pga_space_get(const pga_space *s, size_t place, float *x)
{
	for (size_t j = 0; j < s->cols; j++)
		x[j] = *pga_space_value(s, place, j);
}

/* The box of a leaf from its points, of another node from its children's. */
static void
make_boxes(pga_ctx *ctx, pga_space *s, pga_node node)
{
	float	   *least = s->boxes + node.id * 2 * s->cols;
	float	   *greatest = least + s->cols;

	if (node.to - node.from > 1)
	{
		pga_node	left = pga_tree_left(node);
		pga_node	right = pga_tree_right(node);
		const float *a = s->boxes + left.id * 2 * s->cols;
		const float *b = s->boxes + right.id * 2 * s->cols;

		make_boxes(ctx, s, left);
		make_boxes(ctx, s, right);
		for (size_t j = 0; j < s->cols; j++)
		{
			least[j] = a[j] < b[j] ? a[j] : b[j];
			greatest[j] = a[s->cols + j] > b[s->cols + j] ? a[s->cols + j] : b[s->cols + j];
		}
		return;
	}
	for (size_t j = 0; j < s->cols; j++)
	{
		const float *p = s->points + (node.from * s->cols + j) * PGA_LANES;

		least[j] = greatest[j] = p[0];
		for (size_t k = 1; k < pga_bucket_points(s, node.from); k++)
		{
			least[j] = p[k] < least[j] ? p[k] : least[j];
			greatest[j] = p[k] > greatest[j] ? p[k] : greatest[j];
		}
	}
	if (node.from % 64 == 0)
		ctx->poll(ctx);
}

void
pga_space_index(pga_ctx *ctx, pga_space *s)
{
	make_boxes(ctx, s, pga_tree_root(s));
}

/* ---- building ------------------------------------------------------------------ */

typedef struct builder
{
	pga_ctx    *ctx;
	const float *x;
	size_t		cols;
	uint32_t   *row;
	uint64_t   *key;			/* [n] a value in order, above its row */
} builder;

/* The column in which some of the rows are farthest apart. */
static size_t
widest_column(const builder *b, const uint32_t *row, size_t n)
{
	size_t		stride = n < SPREAD_ROWS ? 1 : n / SPREAD_ROWS;
	size_t		widest = 0;
	float		width = -1;

	for (size_t j = 0; j < b->cols; j++)
	{
		float		least = b->x[row[0] * b->cols + j];
		float		greatest = least;

		for (size_t i = stride; i < n; i += stride)
		{
			float		v = b->x[row[i] * b->cols + j];

			least = v < least ? v : least;
			greatest = v > greatest ? v : greatest;
		}
		if (greatest - least > width)
		{
			width = greatest - least;
			widest = j;
		}
	}
	return widest;
}

/* Floats as integers of the same order, above the row: no two keys are equal. */
static uint64_t
make_key(float value, uint32_t row)
{
	uint32_t	bits;

	memcpy(&bits, &value, sizeof(bits));
	bits = bits >> 31 ? ~bits : bits | 0x80000000u;
	return (uint64_t) bits << 32 | row;
}

static inline uint64_t
median_of_three(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t	least = a < b ? a : b;
	uint64_t	greatest = a < b ? b : a;

	return c < least ? least : c > greatest ? greatest : c;
}

/* Hoare's FIND: the k smallest of different keys first. */
static void
select_smallest(pga_ctx *ctx, uint64_t *key, size_t n, size_t k)
{
	while (n > 1)
	{
		uint64_t	pivot = median_of_three(key[0], key[n / 2], key[n - 1]);
		size_t		below = 0;
		size_t		i = 0;

		for (; i < n; i++)
		{
			uint64_t	t = key[i];

			key[i] = key[below];
			key[below] = t;
			below += t < pivot;
		}
		if (n > 65536)
			ctx->poll(ctx);
		if (k <= below)
		{
			if (k == below)
				return;
			n = below;
		}
		else
		{
			key += below;
			n -= below;
			k -= below;
		}
	}
}

/* Orders the rows of a run of buckets. */
static void
divide(builder *b, size_t from, size_t to, size_t n)
{
	size_t		first = from * PGA_LANES;
	size_t		middle = from + (to - from) / 2;
	size_t		below = (middle - from) * PGA_LANES;
	uint32_t   *row = b->row + first;
	size_t		column;

	if (to - from == 1)
		return;
	column = widest_column(b, row, n);
	for (size_t i = 0; i < n; i++)
		b->key[i] = make_key(b->x[row[i] * b->cols + column], row[i]);
	select_smallest(b->ctx, b->key, n, below);
	for (size_t i = 0; i < n; i++)
		row[i] = (uint32_t) b->key[i];
	b->ctx->poll(b->ctx);
	divide(b, from, middle, below);
	divide(b, middle, to, n - below);
}

pga_space *
pga_space_build(pga_ctx *ctx, const float *x, size_t cols, uint32_t *row, size_t n)
{
	pga_space  *s = pga_space_create(ctx, n, cols);
	builder		b = {ctx, x, cols, row, ctx->alloc(ctx, pga_mul(ctx, n, sizeof(uint64_t)))};

	divide(&b, 0, s->buckets, n);
	for (size_t i = 0; i < n; i++)
	{
		pga_space_put(s, i, x + row[i] * cols);
		if (i % 1024 == 0)
			ctx->poll(ctx);
	}
	pga_space_index(ctx, s);
	return s;
}

size_t
pga_space_build_bytes(pga_ctx *ctx, size_t n, size_t cols)
{
	return pga_add(ctx, pga_space_bytes(ctx, n, cols), pga_mul(ctx, n, sizeof(uint64_t)));
}

/* ---- searching ------------------------------------------------------------------- */

static inline uint64_t
weight_of(const pga_query *q, size_t place)
{
	uint64_t	w = q->weight != NULL ? q->weight[place] : 1;

	return w - (place == q->skip);
}

/* Counts work done, in values, and polls. */
static inline void
spend(pga_query *q)
{
	q->work += (PGA_LANES + 4) * q->space->cols;
	if (q->work > POLL_EVERY && q->ctx != NULL)
	{
		q->work = 0;
		q->ctx->poll(q->ctx);
	}
}

/* The greatest distance that can still matter. */
static inline float
reach(const pga_query *q)
{
	return q->total < q->want ? INFINITY : q->near[q->n - 1].d;
}

/* Puts a point into its place, and drops the last ones that are not needed. */
static void
keep(pga_query *q, float d, uint32_t place)
{
	uint64_t	w = weight_of(q, place);
	size_t		i = q->n;

	if (w == 0)
		return;
	for (; i > 0 && (q->near[i - 1].d > d || (q->near[i - 1].d == d && q->near[i - 1].place > place)); i--)
		q->near[i] = q->near[i - 1];
	q->near[i] = (pga_near) {d, place};
	q->n++;
	q->total += w;
	for (; q->n > 1; q->n--)
	{
		w = weight_of(q, q->near[q->n - 1].place);
		if (q->total - w < q->want)
			break;
		q->total -= w;
	}
}

static void
search_bucket(pga_query *q, size_t bucket, const float *x)
{
	size_t		n = pga_bucket_points(q->space, bucket);
	float		d[PGA_LANES];

	pga_bucket_distances(q->space, bucket, x, d);
	for (size_t k = 0; k < n; k++)
		if (d[k] <= reach(q))
			keep(q, d[k], (uint32_t) (bucket * PGA_LANES + k));
	spend(q);
}

/* A node's children, the nearer first, and their distances. */
typedef struct children
{
	pga_node	near,
				far;
	float		d_near,
				d_far;
} children;

static inline children
order_children(const pga_space *s, pga_node node, const float *x)
{
	pga_node	left = pga_tree_left(node);
	pga_node	right = pga_tree_right(node);
	float		d_left = pga_node_distance(s, left.id, x);
	float		d_right = pga_node_distance(s, right.id, x);

	if (d_right < d_left)
		return (children) {right, left, d_right, d_left};
	return (children) {left, right, d_left, d_right};
}

static void
search_node(pga_query *q, pga_node node, const float *x)
{
	while (node.to - node.from > 1)
	{
		children	c = order_children(q->space, node, x);

		if (c.d_near > reach(q))
			return;
		search_node(q, c.near, x);
		if (c.d_far > reach(q))
			return;
		node = c.far;
	}
	search_bucket(q, node.from, x);
}

void
pga_nearest(pga_query *q, const float *x)
{
	q->n = 0;
	q->total = 0;
	search_node(q, pga_tree_root(q->space), x);
}

static void
count_node(pga_query *q, pga_node node, const float *x, float limit)
{
	float		d[PGA_LANES];
	size_t		n;

	while (node.to - node.from > 1)
	{
		children	c = order_children(q->space, node, x);

		if (c.d_near > limit)
			return;
		count_node(q, c.near, x, limit);
		if (c.d_far > limit || q->total >= q->want)
			return;
		node = c.far;
	}
	n = pga_bucket_points(q->space, node.from);
	pga_bucket_distances(q->space, node.from, x, d);
	for (size_t k = 0; k < n; k++)
		if (d[k] <= limit)
			q->total += weight_of(q, node.from * PGA_LANES + k);
	spend(q);
}

uint64_t
pga_count_within(pga_query *q, const float *x, float limit, uint64_t enough)
{
	q->total = 0;
	q->want = enough;
	count_node(q, pga_tree_root(q->space), x, limit);
	return q->total;
}
