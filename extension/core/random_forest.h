/*
 * random_forest.h - the fitted form of a random forest, between the file that
 * grows it (random_forest_fit.c) and the one that keeps and walks it.
 *
 * All trees' nodes stand in one array, tree after tree, each tree level by
 * level.  A node is a cut and the distance to the first child, to which a row
 * goes whose value is at most the cut; the second child is next to it; the
 * column is kept beside.  Values and cuts are compared as whole numbers that
 * order as they do.  A leaf is no step away from itself, so that a walk may
 * take more steps than it needs: its cut is above all values and names what
 * the leaf says.
 *
 * What a leaf says is kept once in a pool: a share for each class in units of
 * 1/65535 that sum up to one exactly.  So do the probabilities then, and no
 * order of summing can be seen in them.
 */
#ifndef PGA_RANDOM_FOREST_H
#define PGA_RANDOM_FOREST_H

#include "core.h"

#include <string.h>

#define PGA_FOREST_LEAF 0xff800000u	/* and on: above the number of every finite value */
#define PGA_FOREST_WHOLE 65535u /* sum of a leaf's shares */
#define PGA_FOREST_POOL 65536u	/* most leaves of different shares */

typedef struct pga_forest_node
{
	uint32_t	cut;			/* of a leaf PGA_FOREST_LEAF plus its place in the pool */
	uint32_t	next;			/* nodes from here to the first child; 0 in a leaf */
} pga_forest_node;

typedef struct pga_forest
{
	size_t		cols,
				classes;
	uint32_t	trees;
	uint32_t   *roots;			/* [trees + 1] where each tree begins; last: nodes */
	pga_forest_node *nodes;
	uint16_t   *column;			/* beside nodes: what a split looks at; 0 of a leaf */
	float	  **cuts;			/* [cols][ncuts] ascending */
	uint32_t   *ncuts;			/* [cols] at most 65534 */
	uint16_t   *pool;			/* [npool][classes] the classes themselves first */
	uint32_t	npool;
} pga_forest;

/* A number that orders as the finite value does. */
static inline uint32_t
pga_forest_number(float value)
{
	uint32_t	bits;

	value += 0.0f;				/* there is one zero */
	memcpy(&bits, &value, sizeof(bits));
	return bits ^ ((uint32_t) -(bits >> 31) | 0x80000000u);
}

static inline uint32_t
pga_forest_leaf(const pga_forest_node *node)
{
	return node->cut - PGA_FOREST_LEAF;
}

/* With room for so many nodes and pool entries, the first of which are set. */
pga_forest *pga_forest_create(pga_ctx *, size_t cols, size_t classes, uint32_t trees,
							  size_t nodes, size_t pool);

/* ---- the best cut of a column (random_forest_split.c) ------------------------- */

#define PGA_FOREST_DENSE 32768	/* counters of a histogram */

/* A drawn row of the node, to be put in order of its code. */
static inline uint64_t
pga_forest_key(uint32_t code, uint32_t class, uint32_t count)
{
	return (uint64_t) code << 48 | (uint64_t) class << 32 | count;
}

typedef struct pga_forest_cut
{
	double		gain;
	uint32_t	column,
				cut;			/* codes up to here go first */
} pga_forest_cut;

typedef struct pga_forest_splitter
{
	size_t		classes;
	double	   *class_weight;	/* [classes] of an occurrence */
	uint32_t	min_leaf;		/* occurrences */
	double	   *total;			/* [classes] weights in the node */
	uint64_t	count;			/* occurrences in the node */
	uint64_t   *keys,			/* [rows] the node's, by the column at hand */
			   *spare;			/* [rows] */
	double	   *histogram;		/* [PGA_FOREST_DENSE] zero between uses */

	/* The cut moves up through the node's rows. */
	double	   *left,			/* [classes] weights on both sides */
			   *right;
	double		left_squares,	/* sums of their squares */
				right_squares,
				left_weight,
				right_weight;
	uint64_t	left_count;
	uint32_t	code;			/* of the rows that were moved to the left last */
} pga_forest_splitter;

/*
 * Takes the best cut of the column whose n keys, of codes lo < hi, are in
 * keys, if it is better than *best; *best's column is left as it is.
 */
bool		pga_forest_best_cut(pga_forest_splitter *, uint32_t n, uint32_t lo, uint32_t hi,
								pga_forest_cut *best);

/* ---- fitting (random_forest_fit.c) ---------------------------------------------- */

/* As the interface of a detector has them; the options are the detector's. */
void	   *pga_forest_fit(pga_ctx *, const pga_matrix *, const pga_params *, pga_report *);
size_t		pga_forest_fit_bytes(pga_ctx *, const pga_matrix *, const pga_params *);

#endif							/* PGA_RANDOM_FOREST_H */
