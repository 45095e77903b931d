/*
 * neighbours.h - distances to many points, and which of them are near: what
 * dbscan and lof search in, and kmeans keeps its centres in.
 *
 * Points stand in buckets of PGA_LANES, column by column, so that one pass
 * over a bucket gives the squared distances of a row to all of its points.
 * A distance is the sum of squared differences in float32, column after
 * column: the same bits on every machine, and at every place of a bucket.
 */
#ifndef PGA_NEIGHBOURS_H
#define PGA_NEIGHBOURS_H

#include <float.h>
#include <math.h>

#include "core.h"

#define PGA_LANES 16			/* points in a bucket */
#define PGA_SPACE_VALUES (1 << 22)	/* most values a model keeps to be searched: 16 MB, and 0.1 s
									 * for a block of rows that cannot be narrowed down */

/*
 * Points in space.  The buckets are the leaves of a balanced tree: a node
 * stands for a run of buckets, its children for the halves of it.  Nodes are
 * numbered in preorder; see pga_tree_left and pga_tree_right.
 */
typedef struct pga_space
{
	size_t		n,				/* points */
				cols,
				buckets;
	float	   *points;			/* [buckets][cols][PGA_LANES]; beyond n: zeros */
	float	   *boxes;			/* [2 * buckets - 1][2][cols] least and greatest values of a
								 * node's points */
} pga_space;

/* A node of the tree over the points, and the buckets it stands for. */
typedef struct pga_node
{
	size_t		id,
				from,
				to;				/* from < to; a leaf when to = from + 1 */
} pga_node;

static inline pga_node
pga_tree_root(const pga_space *s)
{
	return (pga_node) {0, 0, s->buckets};
}

static inline pga_node
pga_tree_left(pga_node n)
{
	return (pga_node) {n.id + 1, n.from, n.from + (n.to - n.from) / 2};
}

static inline pga_node
pga_tree_right(pga_node n)
{
	size_t		half = (n.to - n.from) / 2;

	return (pga_node) {n.id + 2 * half, n.from + half, n.to};
}

/* Points in a bucket. */
static inline size_t
pga_bucket_points(const pga_space *s, size_t bucket)
{
	size_t		left = s->n - bucket * PGA_LANES;

	return left < PGA_LANES ? left : PGA_LANES;
}

/* Room for n > 0 points. */
pga_space  *pga_space_create(pga_ctx *, size_t n, size_t cols);
size_t		pga_space_bytes(pga_ctx *, size_t n, size_t cols);

/* Down to the first n > 0 points. */
void		pga_space_shrink(pga_space *, size_t n);

/* A value of a point. */
static inline float *
pga_space_value(const pga_space *s, size_t place, size_t column)
{
	return s->points + (place / PGA_LANES * s->cols + column) * PGA_LANES + place % PGA_LANES;
}

void		pga_space_put(pga_space *, size_t place, const float *x);
void		pga_space_get(const pga_space *, size_t place, float *x);

/* To be called when all points are put, before the tree is used. */
void		pga_space_index(pga_ctx *, pga_space *);

/*
 * Puts rows of x, row[n], into an order in which neighbours stand together,
 * and makes the space of them: row[i] is at place i.
 */
pga_space  *pga_space_build(pga_ctx *, const float *x, size_t cols, uint32_t *row, size_t n);
size_t		pga_space_build_bytes(pga_ctx *, size_t n, size_t cols);

/* Squared distances to the points of a bucket; those beyond n mean nothing. */
void		pga_bucket_distances(const pga_space *, size_t bucket, const float *x,
								 float d[PGA_LANES]);

/* A distance from its square, which for far-off rows may be beyond float32. */
static inline double
pga_root(float d)
{
	return sqrt((double) (d < FLT_MAX ? d : FLT_MAX));
}

/*
 * A bound below the squared distance to every point of a node, with room for
 * rounding: what is farther than a limit by this is so by
 * pga_bucket_distances too.
 */
float		pga_node_distance(const pga_space *, size_t node, const float *x);

/*
 * The nearest points of a row.  A point may stand for several: they are
 * taken, nearest first and then by place, until their weights reach `want`.
 */
typedef struct pga_near
{
	float		d;				/* squared distance */
	uint32_t	place;
} pga_near;

typedef struct pga_query
{
	const pga_space *space;
	const uint32_t *weight;		/* [space->n], or NULL: 1 each */
	uint64_t	want;			/* >= 1 */
	size_t		skip;			/* a place of which one occurrence is not counted, or SIZE_MAX */
	pga_ctx    *ctx;			/* polled now and then, or NULL */
	pga_near   *near;			/* room for want + 1; found ones in order */
	size_t		n;				/* how many were found */
	uint64_t	total;			/* their weight, >= want unless there is no more */
	size_t		work;
} pga_query;

void		pga_nearest(pga_query *, const float *x);

/* Occurrences within the squared distance `limit` of x; counting stops at `enough`. */
uint64_t	pga_count_within(pga_query *, const float *x, float limit, uint64_t enough);

#endif							/* PGA_NEIGHBOURS_H */
