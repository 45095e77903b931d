/*
 * random_forest.c - random forest classifier: options and bytes.
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
 */
#include "random_forest.h"

#define MAX_TREES 1000
#define MAX_CUTS 65534			/* of a column */
#define POLL_NODES 8192			/* between looks for a cancel */

static const char *const class_weights[] = {"none", "balanced", NULL};

static const pga_param_spec forest_params[] = {
	{"trees", PGA_PARAM_INT, 100, 1, MAX_TREES, NULL,
	"Number of trees."},
	{"max_depth", PGA_PARAM_INT, 0, 0, 10000, NULL,
	"Splits on the longest path; 0 sets no limit."},
	{"min_leaf", PGA_PARAM_INT, 1, 1, 1000000, NULL,
	"Least rows of a tree's sample in a leaf."},
	{"max_leaves", PGA_PARAM_INT, 4096, 2, PGA_FOREST_LEAVES, NULL,
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
	f->says = ctx->alloc(ctx, pga_mul(ctx, nodes, sizeof(uint16_t)));
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
		pga_forest_node node = f->nodes[i];

		if (pga_forest_splits(node))
		{
			put_number(buf, (uint32_t) pga_forest_column(node) << 1);
			put_number(buf, pga_forest_cut_of(node));
		}
		else
			put_number(buf, (uint32_t) f->says[i] << 1 | 1);
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

/* Reads node i of the tree at root, whose first child would be at `child`; is it a split? */
static bool
load_node(pga_reader *r, pga_forest *f, uint32_t root, uint32_t i, uint32_t child)
{
	uint32_t	head = get_number(r);
	uint32_t	what = head >> 1;
	uint32_t	cut;

	if (head & 1)
	{
		if (what >= f->npool)
			pga_corrupt(r, "a leaf has no shares");
		f->nodes[root + i] = pga_forest_leaf(i);
		f->says[root + i] = (uint16_t) what;
		return false;
	}
	cut = get_number(r);
	if (what >= f->cols || cut >= f->ncuts[what])
		pga_corrupt(r, "a split is by an unknown cut");
	f->nodes[root + i] = pga_forest_split(what, cut, child);
	return true;
}

/* Every child lies behind its parent, in the same tree. */
static void
load_trees(pga_reader *r, pga_forest *f, uint32_t nodes)
{
	uint32_t	root = 0;

	for (uint32_t t = 0; t < f->trees; t++)
	{
		uint32_t	known = 1;	/* nodes: the root and the children so far */

		f->roots[t] = root;
		for (uint32_t i = 0; i < known; i++)
		{
			if (known > nodes - root || known >= 2 * PGA_FOREST_LEAVES)
				pga_corrupt(r, "a tree's nodes do not add up");
			if (load_node(r, f, root, i, known))
				known += 2;
			if (i % POLL_NODES == 0)
				r->ctx->poll(r->ctx);
		}
		root += known;
	}
	if (root != nodes)
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
	pga_forest_finish(r->ctx, f);
	return f;
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
	.scratch_bytes = pga_forest_scratch_bytes,
	.classify = pga_forest_classify,
	.save = forest_save,
	.load = forest_load,
};
