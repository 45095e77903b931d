/*
 * random_forest.h - the fitted form of a random forest, between the files that
 * grow it (random_forest_fit.c), keep it (random_forest.c) and walk it
 * (random_forest_walk.c).
 *
 * All trees' nodes stand in one array, tree after tree, each tree level by
 * level.  The value of a column is walked by as its code, how many of the
 * column's cuts are below it; a split says which codes go to its first child,
 * and the second is next to that.
 *
 * A node is one word, from the low bits up: whether it is a split; where its
 * column's codes begin, in bytes, 24 bits with the former; and a sum of the
 * place of the child in its tree times 2^16 and of what a code lacks to carry
 * into that.  So a step is one addition and no comparison.  The child of a
 * leaf is the leaf, to which no code adds a carry: a walk may take more steps
 * than it needs.
 *
 * What a leaf says is kept once in a pool: a share for each class in units of
 * 1/65535 that sum up to one exactly.  So do the probabilities then, and no
 * order of summing can be seen in them.
 */
#ifndef PGA_RANDOM_FOREST_H
#define PGA_RANDOM_FOREST_H

#include "core.h"

#include <string.h>

#define PGA_FOREST_WHOLE 65535u /* sum of a leaf's shares */
#define PGA_FOREST_POOL 65536u	/* most leaves of different shares */
#define PGA_FOREST_LEAVES 2000000	/* most of a tree */
#define PGA_FOREST_ROWS PGA_BLOCK	/* most codes of a column in a row */
#define PGA_FOREST_COLUMN 0xfffffeu /* bits of a node: where its column begins */
#define PGA_FOREST_LEVELS 5		/* of a tree's top */
#define PGA_FOREST_SPLITS ((1 << PGA_FOREST_LEVELS) - 1)

/*
 * Codes are kept less 2^15, as comparisons of vectors are of signed numbers;
 * a node makes up for it.
 */
#define PGA_FOREST_BIAS 32768

_Static_assert(2 * PGA_FOREST_ROWS * PGA_MAX_COLUMNS <= PGA_FOREST_COLUMN, "24 bits say where a column begins");
_Static_assert(2 * PGA_FOREST_LEAVES < 1 << 24, "24 bits number the nodes of a tree");

typedef uint64_t pga_forest_node;

/* The upper levels of a tree, children of k at 2k + 1 and 2k + 2, leaves repeated. */
typedef struct pga_forest_top
{
	uint32_t	column[PGA_FOREST_SPLITS];	/* where its codes begin */
	int16_t		cut[PGA_FOREST_SPLITS]; /* codes above go to the second child */
	pga_forest_node below[PGA_FOREST_SPLITS + 1];
} pga_forest_top;

typedef struct pga_forest
{
	size_t		cols,
				classes;
	uint32_t	trees;
	uint32_t   *roots;			/* [trees + 1] where each tree begins; last: nodes */
	pga_forest_node *nodes;
	uint16_t   *says;			/* beside nodes: a leaf's place in the pool */
	float	  **cuts;			/* [cols][ncuts] ascending */
	uint32_t   *ncuts;			/* [cols] at most 65534 */
	uint16_t   *pool;			/* [npool][classes] the classes themselves first */
	uint32_t	npool;

	/* Set by pga_forest_finish. */
	pga_forest_top *tops;		/* [trees] */
	uint32_t  **search;			/* [cols][2^height] see there */
	uint32_t   *height;			/* [cols] */
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

/* The child is numbered within the tree, as are nodes below. */
static inline pga_forest_node
pga_forest_split(size_t column, uint32_t cut, uint32_t child)
{
	uint64_t	sum = ((uint64_t) child << 16) + 65535 - cut + PGA_FOREST_BIAS;

	return sum << 24 | column * PGA_FOREST_ROWS * sizeof(int16_t) | 1;
}

static inline pga_forest_node
pga_forest_leaf(uint32_t node)
{
	return (((uint64_t) node << 16) + PGA_FOREST_BIAS) << 24;
}

static inline bool
pga_forest_splits(pga_forest_node node)
{
	return node & 1;
}

static inline size_t
pga_forest_column(pga_forest_node node)
{
	return (node & PGA_FOREST_COLUMN) / (PGA_FOREST_ROWS * sizeof(int16_t));
}

/* Cuts end before 65534. */
static inline uint32_t
pga_forest_child(pga_forest_node node)
{
	return (uint32_t) (((node >> 24) - PGA_FOREST_BIAS) >> 16);
}

/* A leaf's own number in its tree. */
static inline uint32_t
pga_forest_place(pga_forest_node leaf)
{
	return (uint32_t) (leaf >> 40);
}

static inline uint32_t
pga_forest_cut_of(pga_forest_node node)
{
	return 65535 - (((node >> 24) - PGA_FOREST_BIAS) & 65535);
}

/* With room for so many nodes and pool entries, the first of which are set. */
pga_forest *pga_forest_create(pga_ctx *, size_t cols, size_t classes, uint32_t trees,
							  size_t nodes, size_t pool);

/* ---- walking (random_forest_walk.c) --------------------------------------------- */

/* Derives from nodes and cuts what walking needs besides. */
void		pga_forest_finish(pga_ctx *, pga_forest *);

/* As the interface of a detector has them. */
size_t		pga_forest_scratch_bytes(const void *fitted, size_t rows);
void		pga_forest_classify(const void *fitted, const float *x, size_t rows,
								double *probability, void *scratch);

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
