/*
 * random_forest.c - random forest classifier: options, bytes and walking.
 *
 * Breiman, "Random Forests", Machine Learning 45, 2001: every tree is grown
 * on a bootstrap sample, each split is the best by Gini impurity among a few
 * columns drawn at random, and a row's probabilities are the mean over the
 * trees of the class frequencies in its leaf.
 *
 * Payload: u32 trees; for each column u16 cuts, f32 each, ascending; u32
 * distributions beyond the classes themselves, a u16 share per class each;
 * u32 nodes of all trees; the nodes, tree by tree, level by level.  A node is
 * a number of seven bits a byte, low ones first: twice the leaf's distribution
 * plus one (the first are the classes themselves), or twice the column, and
 * then the cut's number.  Values above the cut go to the second child.  The
 * children of a tree's k-th split are its nodes 2k - 1 and 2k; the tree ends
 * when no child is missing.
 *
 * Walking.  Many walks, rows of one tree or trees of one row, go down a few
 * steps at a time, and those that arrived leave the list: the processor works
 * on several at once, never guesses where one ends, and waits for memory for
 * many of them together.  Values are compared as whole numbers since the
 * outcome of that is added to the node's number in a single instruction.
 */
#include "random_forest.h"

#define MAX_TREES 1000
#define MAX_LEAVES 2000000		/* of a tree: 32 bits number the nodes of all */
#define MAX_CUTS 65534			/* of a column */
#define ROWS 120				/* walked together: their numbers stay near the processor */
#define WALKS 128				/* at most, side by side; at least ROWS */
#define FIRST_STEPS 5			/* from a root, before a walk is looked at */
#define STEPS 3					/* from then on */
#define POLL_NODES 8192			/* between looks for a cancel */

static const char *const class_weights[] = {"none", "balanced", NULL};

static const pga_param_spec forest_params[] = {
	{"trees", PGA_PARAM_INT, 100, 1, MAX_TREES, NULL,
	"Number of trees."},
	{"max_depth", PGA_PARAM_INT, 0, 0, 10000, NULL,
	"Splits on the longest path; 0 sets no limit."},
	{"min_leaf", PGA_PARAM_INT, 1, 1, 1000000, NULL,
	"Least rows of a tree's sample in a leaf."},
	{"max_leaves", PGA_PARAM_INT, 4096, 2, MAX_LEAVES, NULL,
	"Most leaves of a tree; bounds the memory of training and the size of the model."},
	{"mtry", PGA_PARAM_INT, 0, 0, PGA_MAX_COLUMNS, NULL,
	"Columns tried for a split; 0 stands for the square root of their number."},
	{"class_weight", PGA_PARAM_CHOICE, 0, 0, 1, class_weights,
	"Whether all rows count alike (none), or all classes, however rare (balanced)."},
	{NULL, PGA_PARAM_INT, 0, 0, 0, NULL, NULL}
};

pga_forest *
pga_forest_create(pga_ctx *ctx, size_t cols, size_t classes, uint32_t trees,
				  size_t nodes, size_t pool)
{
	pga_forest *f = ctx->alloc(ctx, sizeof(pga_forest));

	f->cols = cols;
	f->classes = classes;
	f->trees = trees;
	f->roots = ctx->alloc(ctx, (trees + (size_t) 1) * sizeof(uint32_t));
	f->nodes = ctx->alloc(ctx, pga_mul(ctx, nodes, sizeof(pga_forest_node)));
	f->column = ctx->alloc(ctx, pga_mul(ctx, nodes, sizeof(uint16_t)));
	f->cuts = ctx->alloc(ctx, cols * sizeof(float *));
	f->ncuts = ctx->alloc(ctx, cols * sizeof(uint32_t));
	f->pool = ctx->alloc(ctx, pga_mul(ctx, pool, classes * sizeof(uint16_t)));
	f->npool = (uint32_t) classes;
	for (size_t c = 0; c < classes; c++)
		f->pool[c * classes + c] = PGA_FOREST_WHOLE;
	return f;
}

/* ---- saving -------------------------------------------------------------------- */

static void
put_number(pga_buf *buf, uint32_t value)
{
	for (; value >= 128; value >>= 7)
		pga_put_u8(buf, (uint8_t) (value | 128));
	pga_put_u8(buf, (uint8_t) value);
}

/* The place of a split's cut in its column: how many are below. */
static uint32_t
cut_place(const pga_forest *f, uint32_t node)
{
	const float *cuts = f->cuts[f->column[node]];
	uint32_t	below = 0;

	for (uint32_t n = f->ncuts[f->column[node]]; n > 1;)
	{
		uint32_t	half = n / 2;

		if (pga_forest_number(cuts[below + half - 1]) < f->nodes[node].cut)
			below += half;
		n -= half;
	}
	return below;
}

static void
forest_save(const void *fitted, pga_buf *buf)
{
	const pga_forest *f = fitted;

	pga_put_u32(buf, f->trees);
	for (size_t j = 0; j < f->cols; j++)
	{
		pga_put_u16(buf, (uint16_t) f->ncuts[j]);
		for (uint32_t k = 0; k < f->ncuts[j]; k++)
			pga_put_f32(buf, f->cuts[j][k]);
	}
	pga_put_u32(buf, f->npool - (uint32_t) f->classes);
	for (size_t k = f->classes * f->classes; k < f->npool * f->classes; k++)
		pga_put_u16(buf, f->pool[k]);
	pga_put_u32(buf, f->roots[f->trees]);
	for (uint32_t i = 0; i < f->roots[f->trees]; i++)
	{
		const pga_forest_node *node = &f->nodes[i];

		if (node->next == 0)
			put_number(buf, pga_forest_leaf(node) << 1 | 1);
		else
		{
			put_number(buf, (uint32_t) f->column[i] << 1);
			put_number(buf, cut_place(f, i));
		}
	}
}

/* ---- loading -------------------------------------------------------------------- */

static uint32_t
get_number(pga_reader *r)
{
	uint32_t	value = 0;

	for (int shift = 0; shift < 21; shift += 7)
	{
		uint8_t		byte = pga_get_u8(r);

		value |= (uint32_t) (byte & 127) << shift;
		if (!(byte & 128))
			return value;
	}
	pga_corrupt(r, "a number is too long");
}

static uint32_t
load_cuts(pga_reader *r, float **cuts)
{
	uint32_t	n = pga_get_u16(r);

	if (n > MAX_CUTS || n * sizeof(float) > (size_t) (r->end - r->p))
		pga_corrupt(r, "a column has too many cuts");
	*cuts = r->ctx->alloc(r->ctx, n * sizeof(float));
	for (uint32_t k = 0; k < n; k++)
	{
		(*cuts)[k] = pga_get_f32(r);
		if (k > 0 && !((*cuts)[k - 1] < (*cuts)[k]))
			pga_corrupt(r, "cuts are out of order");
	}
	return n;
}

/* Distributions; each must sum up to one, and so will the probabilities. */
static void
load_pool(pga_reader *r, pga_forest *f, uint32_t n)
{
	for (; n > 0; n--, f->npool++)
	{
		uint32_t	sum = 0;

		for (size_t c = 0; c < f->classes; c++)
		{
			f->pool[f->npool * f->classes + c] = pga_get_u16(r);
			sum += f->pool[f->npool * f->classes + c];
		}
		if (sum != PGA_FOREST_WHOLE)
			pga_corrupt(r, "a leaf's shares do not add up");
	}
}

/* Reads node i, whose first child would be at `child`; is it a split? */
static bool
load_node(pga_reader *r, pga_forest *f, uint32_t i, uint32_t child)
{
	uint32_t	head = get_number(r);
	uint32_t	what = head >> 1;
	uint32_t	cut;

	if (head & 1)
	{
		if (what >= f->npool)
			pga_corrupt(r, "a leaf has no shares");
		f->nodes[i].cut = PGA_FOREST_LEAF + what;
		return false;
	}
	cut = get_number(r);
	if (what >= f->cols || cut >= f->ncuts[what])
		pga_corrupt(r, "a split is by an unknown cut");
	f->nodes[i] = (pga_forest_node) {pga_forest_number(f->cuts[what][cut]), child - i};
	f->column[i] = (uint16_t) what;
	return true;
}

/* Every child lies behind its parent, in the same tree. */
static void
load_trees(pga_reader *r, pga_forest *f, uint32_t nodes)
{
	uint32_t	i = 0;

	for (uint32_t t = 0; t < f->trees; t++)
	{
		uint32_t	known = i + 1;	/* the root and the children so far end here */

		f->roots[t] = i;
		for (; i < known; i++)
		{
			if (known > nodes)
				pga_corrupt(r, "a tree's nodes do not add up");
			if (load_node(r, f, i, known))
				known += 2;
			if (i % POLL_NODES == 0)
				r->ctx->poll(r->ctx);
		}
	}
	if (i != nodes)
		pga_corrupt(r, "a tree's nodes do not add up");
	f->roots[f->trees] = nodes;
}

static void *
forest_load(pga_reader *r, unsigned version, const pga_matrix *shape)
{
	uint32_t	trees = pga_get_u32(r);
	float	  **cuts = r->ctx->alloc(r->ctx, shape->cols * sizeof(float *));
	uint32_t   *ncuts = r->ctx->alloc(r->ctx, shape->cols * sizeof(uint32_t));
	pga_reader	shares;
	uint32_t	pool,
				nodes;
	pga_forest *f;

	if (version != 1)
		pga_corrupt(r, "random_forest of an unknown version");
	if (trees < 1 || trees > MAX_TREES)
		pga_corrupt(r, "a forest's size is out of range");
	for (size_t j = 0; j < shape->cols; j++)
		ncuts[j] = load_cuts(r, &cuts[j]);
	pool = pga_get_count(r, shape->classes * sizeof(uint16_t));
	if (pool > PGA_FOREST_POOL - shape->classes)
		pga_corrupt(r, "a forest has too many kinds of leaves");
	shares = *r;
	pga_get(r, pool * shape->classes * sizeof(uint16_t));
	nodes = pga_get_count(r, 1);
	f = pga_forest_create(r->ctx, shape->cols, shape->classes, trees, nodes, shape->classes + pool);
	f->cuts = cuts;
	f->ncuts = ncuts;
	load_pool(&shares, f, pool);
	load_trees(r, f, nodes);
	return f;
}

/* ---- scoring ----------------------------------------------------------------------- */

/* A row as it is walked: a number for each column, then a sum for each class. */
static size_t
row_stride(const pga_forest *f)
{
	return f->cols + f->classes;
}

static size_t
forest_scratch_bytes(const void *fitted, size_t rows)
{
	return (rows < ROWS ? rows : ROWS) * row_stride(fitted) * sizeof(uint32_t);
}

static void
number_rows(const pga_forest *f, const float *x, size_t rows, uint32_t *numbers)
{
	for (size_t i = 0; i < rows; i++, x += f->cols, numbers += row_stride(f))
	{
		for (size_t j = 0; j < f->cols; j++)
			numbers[j] = pga_forest_number(x[j]);
		memset(numbers + f->cols, 0, f->classes * sizeof(uint32_t));
	}
}

/* So many steps down; those from a leaf lead to it. */
static inline uint32_t
step(const pga_forest_node *nodes, const uint16_t *column, const uint32_t *row, uint32_t node, int steps)
{
#pragma GCC unroll 8
	for (int k = 0; k < steps; k++)
		node += nodes[node].next + (uint32_t) (row[column[node]] > nodes[node].cut);
	return node;
}

/* A walk in one word: the node it is at, low, and where its row begins. */
static inline uint64_t
walk_of(size_t row, uint32_t node)
{
	return (uint64_t) row << 32 | node;
}

/* Takes n walks down to their leaves; done gets them, in some order. */
static void
finish_walks(const pga_forest *f, const uint32_t *numbers, uint64_t *walks, size_t n, uint64_t *done)
{
	const pga_forest_node *nodes = f->nodes;
	const uint16_t *column = f->column;

	while (n > 0)
	{
		size_t		left = 0;

		for (size_t i = 0; i < n; i++)
		{
			size_t		row = walks[i] >> 32;
			uint32_t	at = step(nodes, column, numbers + row, (uint32_t) walks[i], STEPS);
			unsigned	more = nodes[at].next != 0;

			walks[left] = *done = walk_of(row, at);
			left += more;
			done += !more;
		}
		n = left;
	}
}

static void
add_leaves(const pga_forest *f, const uint64_t *done, size_t n, uint32_t *numbers)
{
	for (size_t i = 0; i < n; i++)
	{
		uint32_t	leaf = pga_forest_leaf(&f->nodes[(uint32_t) done[i]]);
		uint32_t   *sum = numbers + (done[i] >> 32) + f->cols;
		const uint16_t *share = f->pool + leaf * f->classes;

		if (leaf < f->classes)
			sum[leaf] += PGA_FOREST_WHOLE;
		else
			for (size_t c = 0; c < f->classes; c++)
				sum[c] += share[c];
	}
}

/* Sums of up to ROWS rows; as many trees at a time as they leave room for. */
static void
walk_trees(const pga_forest *f, uint32_t *numbers, size_t rows)
{
	size_t		stride = row_stride(f);
	uint64_t	walks[WALKS],
				done[WALKS + 1];

	for (uint32_t t = 0; t < f->trees;)
	{
		size_t		n = 0;

		do
			for (size_t row = 0; row < rows * stride; row += stride)
				walks[n++] = walk_of(row, step(f->nodes, f->column, numbers + row,
											   f->roots[t], FIRST_STEPS));
		while (++t < f->trees && n + rows <= WALKS);
		finish_walks(f, numbers, walks, n, done);
		add_leaves(f, done, n, numbers);
	}
}

static void
forest_classify(const void *fitted, const float *x, size_t rows, double *probability, void *scratch)
{
	const pga_forest *f = fitted;
	double		whole = (double) PGA_FOREST_WHOLE * f->trees;

	for (size_t begin = 0; begin < rows; begin += ROWS)
	{
		size_t		n = rows - begin < ROWS ? rows - begin : ROWS;
		uint32_t   *row = scratch;

		number_rows(f, x + begin * f->cols, n, row);
		walk_trees(f, row, n);
		for (; n > 0; n--, row += row_stride(f))
			for (size_t c = 0; c < f->classes; c++)
				*probability++ = row[f->cols + c] / whole;
	}
}

const pga_detector pga_random_forest = {
	.name = "random_forest",
	.tag = 5,
	.version = 1,
	.flags = PGA_SUPERVISED,
	.summary = "Many trees, each grown on other rows and columns, vote on the class of a row.",
	.reference = "Breiman 2001",
	.params = forest_params,
	.wants = {.scaling = PGA_SCALE_NONE, .encoding = PGA_ENCODE_ORDINAL},
	.fit_bytes = pga_forest_fit_bytes,
	.fit = pga_forest_fit,
	.scratch_bytes = forest_scratch_bytes,
	.classify = forest_classify,
	.save = forest_save,
	.load = forest_load,
};
