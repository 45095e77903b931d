/*
 * random_forest_fit.c - growing a random forest (random_forest.h).
 *
 * Values become codes, their rank among a column's distinct values, 16 bits
 * each, so that splits are as fine as on the values themselves and do not
 * change under monotone transformations.  A cut halves the codes between two
 * that are met in the node.  The nodes of a tree are numbered and grown level
 * by level; max_leaves ends a tree evenly, at the bottom.
 *
 * The bootstrap draws each row Poisson(occurrences) times, which is what
 * drawing all occurrences with replacement comes to (Oza & Russell 2001).
 * Rows that a tree did not draw are asked of it: of their votes accuracy and
 * F1 are estimated without rows kept aside (Breiman 2001, section 3.1).
 */
#include "random_forest.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "bytes.h"
#include "fmath.h"
#include "rng.h"

#define MAX_CODES 65535			/* of a column; cuts are 0 .. 65533 */
#define MAX_SHARES 4194304		/* in the pool */
#define VOTE_ROWS 32768			/* most rows that the out-of-bag estimate judges */
#define POLL_ROWS 8192			/* between looks for a cancel */

/* ---- growing ---------------------------------------------------------------- */

/* A row drawn for a tree. */
typedef struct drawn
{
	uint32_t	row,
				class,
				count;
} drawn;

/* The rows of a node that waits to be split. */
typedef struct range
{
	uint32_t	begin,
				n;
} range;

typedef struct grower
{
	pga_ctx    *ctx;
	const pga_matrix *m;
	pga_forest *f;
	pga_rng		rng;

	uint16_t   *codes;			/* [cols][rows] */
	uint32_t   *ncodes;			/* [cols] */
	uint64_t  **used;			/* [cols] a bit per cut */
	uint32_t  **before;			/* [cols] used cuts before each 64 */
	uint32_t	max_depth,
				max_nodes,
				mtry;

	drawn	   *rows,			/* [rows] those drawn, by node */
			   *spare;			/* [rows] room to divide them */
	bool	   *in_bag;			/* [rows] */
	range	   *ranges;			/* [max_nodes] */
	uint32_t   *column;			/* [cols] a permutation */
	pga_forest_splitter splitter;	/* knows the node at hand */

	uint16_t   *share;			/* [classes] room for one pool entry */
	uint32_t   *slots;			/* pool entry + 1 by hash, 0 free */
	size_t		nslots,			/* at least twice pool_cap */
				pool_cap;

	size_t		vote_step;		/* one row in so many is judged */
	float	   *votes;			/* [rows / vote_step][classes] */
} grower;

/* Ranks of the column's values as codes; more than fit are put together. */
static void
code_column(grower *g, size_t column, pga_item *items, pga_item *scratch)
{
	const pga_matrix *m = g->m;
	uint16_t   *codes = g->codes + column * m->rows;
	uint64_t	distinct = 0;
	uint64_t	rank = 0;

	for (size_t i = 0; i < m->rows; i++)
		items[i] = (pga_item) {pga_ordered((double) m->x[i * m->cols + column]), i};
	pga_sort(g->ctx, items, scratch, m->rows);
	g->ctx->poll(g->ctx);
	for (size_t i = 0; i < m->rows; i++)
		distinct += i == 0 || items[i].key != items[i - 1].key;
	for (size_t i = 0; i < m->rows; i++)
	{
		rank += i > 0 && items[i].key != items[i - 1].key;
		codes[items[i].payload] = (uint16_t) (distinct <= MAX_CODES ? rank : rank * MAX_CODES / distinct);
	}
	g->ncodes[column] = (uint32_t) (distinct < MAX_CODES ? distinct : MAX_CODES);
	g->used[column] = g->ctx->alloc(g->ctx, (g->ncodes[column] / 64 + 1) * sizeof(uint64_t));
	g->ctx->poll(g->ctx);
}

/* A Poisson number: by inversion, or for a large mean the normal law's. */
static uint32_t
draw_count(pga_rng *rng, uint64_t mean)
{
	double		m = (double) mean;

	if (mean < 32)
	{
		double		u = pga_rng_real(rng);
		double		p = pga_exp2(-m / PGA_LN2);
		uint32_t	k = 0;

		for (; u > p && k < 1000; u -= p, p *= m / k)
			k++;
		return k;
	}
	return (uint32_t) fmin(fmax(floor(m + sqrt(m) * pga_rng_normal(rng) + 0.5), 0), UINT32_MAX);
}

/* Draws a tree's rows; how many are different. */
static uint32_t
bootstrap(grower *g)
{
	const pga_matrix *m = g->m;
	uint32_t	n = 0;

	for (size_t i = 0; i < m->rows; i++)
	{
		uint32_t	count = draw_count(&g->rng, m->weight[i]);

		g->in_bag[i] = count > 0;
		if (count > 0)
			g->rows[n++] = (drawn) {(uint32_t) i, m->target[i], count};
		if (i % POLL_ROWS == 0)
			g->ctx->poll(g->ctx);
	}
	if (n == 0)
	{
		g->in_bag[0] = true;
		g->rows[n++] = (drawn) {0, m->target[0], 1};
	}
	return n;
}

/* ---- splits ----------------------------------------------------------------------- */

/* False when the column is constant in the node. */
static bool
search_column(grower *g, uint32_t column, const drawn *rows, uint32_t n, pga_forest_cut *best)
{
	const uint16_t *codes = g->codes + column * g->m->rows;
	uint32_t	lo = codes[rows[0].row];
	uint32_t	hi = lo;

	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	code = codes[rows[i].row];

		lo = code < lo ? code : lo;
		hi = code > hi ? code : hi;
		g->splitter.keys[i] = pga_forest_key(code, rows[i].class, rows[i].count);
		if (i % POLL_ROWS == POLL_ROWS - 1)
			g->ctx->poll(g->ctx);
	}
	if (lo == hi)
		return false;
	if (pga_forest_best_cut(&g->splitter, n, lo, hi, best))
		best->column = column;
	return true;
}

/*
 * The best split by mtry columns drawn without replacement, or by more of
 * them while all were constant.
 */
static bool
find_split(grower *g, const drawn *rows, uint32_t n, pga_forest_cut *best)
{
	uint32_t	cols = (uint32_t) g->m->cols;
	bool		varying = false;

	best->gain = -1;
	for (uint32_t k = 0; k < cols && (k < g->mtry || !varying); k++)
	{
		uint32_t	at = k + (uint32_t) pga_rng_below(&g->rng, cols - k);
		uint32_t	column = g->column[at];

		g->column[at] = g->column[k];
		g->column[k] = column;
		varying |= search_column(g, column, rows, n, best);
		g->ctx->poll(g->ctx);
	}
	return best->gain >= 0;
}

/* Rows up to the cut first, both sides in their order; how many. */
static uint32_t
divide(grower *g, drawn *rows, uint32_t n, const pga_forest_cut *s)
{
	const uint16_t *codes = g->codes + s->column * g->m->rows;
	uint32_t	first = 0;
	uint32_t	second = 0;

	for (uint32_t i = 0; i < n; i++)
	{
		drawn		d = rows[i];

		if (codes[d.row] <= s->cut)
			rows[first++] = d;
		else
			g->spare[second++] = d;
	}
	memcpy(rows + first, g->spare, second * sizeof(drawn));
	g->used[s->column][s->cut / 64] |= UINT64_C(1) << s->cut % 64;
	return first;
}

/* ---- leaves --------------------------------------------------------------------- */

static uint64_t
share_hash(const uint16_t *share, size_t classes)
{
	uint64_t	h = 0;

	for (size_t c = 0; c < classes; c++)
		h = pga_mix64(h ^ share[c]);
	return h;
}

/* The place of g->share in the pool, where it is put if it is new. */
static uint32_t
pool_entry(grower *g)
{
	pga_forest *f = g->f;
	size_t		bytes = f->classes * sizeof(uint16_t);
	size_t		i = share_hash(g->share, f->classes) & (g->nslots - 1);

	for (; g->slots[i] != 0; i = (i + 1) & (g->nslots - 1))
		if (memcmp(f->pool + (g->slots[i] - 1) * f->classes, g->share, bytes) == 0)
			return g->slots[i] - 1;
	memcpy(f->pool + f->npool * f->classes, g->share, bytes);
	g->slots[i] = ++f->npool;
	return f->npool - 1;
}

/*
 * The class frequencies of the node, rounded down; the rest is the largest's.
 * As the pool fills up they are rounded to fewer steps, and in the end to one.
 */
static uint32_t
make_leaf(grower *g)
{
	size_t		classes = g->m->classes;
	size_t		cap = g->pool_cap;
	uint32_t	n = g->f->npool;
	uint32_t	steps = n < cap / 2 ? PGA_FOREST_WHOLE : n < cap / 4 * 3 ? 255 : n < cap ? 15 : 1;
	uint32_t	rest = PGA_FOREST_WHOLE;
	size_t		most = 0;
	double		sum = 0;

	for (size_t c = 0; c < classes; c++)
	{
		sum += g->splitter.total[c];
		most = g->splitter.total[c] > g->splitter.total[most] ? c : most;
	}
	if (g->splitter.total[most] == sum || steps == 1)
		return (uint32_t) most;
	for (size_t c = 0; c < classes; c++)
	{
		g->share[c] = (uint16_t) (floor(g->splitter.total[c] / sum * steps) * (PGA_FOREST_WHOLE / steps));
		rest -= g->share[c];
	}
	g->share[most] = (uint16_t) (g->share[most] + rest);
	return pool_entry(g);
}

/* ---- trees ----------------------------------------------------------------------- */

/* Classes in the node; is there more than one? */
static bool
count_classes(grower *g, const drawn *rows, uint32_t n)
{
	bool		mixed = false;

	memset(g->splitter.total, 0, g->m->classes * sizeof(double));
	g->splitter.count = 0;
	for (uint32_t i = 0; i < n; i++)
	{
		g->splitter.total[rows[i].class] += rows[i].count;
		g->splitter.count += rows[i].count;
		mixed |= rows[i].class != rows[0].class;
	}
	for (size_t c = 0; c < g->m->classes; c++)
		g->splitter.total[c] *= g->splitter.class_weight[c];
	return mixed;
}

/* Appends tree t to the nodes of the forest. */
static void
grow_tree(grower *g, uint32_t t)
{
	uint32_t	root = g->f->roots[t];
	pga_forest_node *nodes = g->f->nodes + root;
	uint32_t	n = 1;
	uint32_t	level_end = 1;
	uint32_t	depth = 0;

	g->ranges[0] = (range) {0, bootstrap(g)};
	for (uint32_t i = 0; i < n; i++)
	{
		range		here = g->ranges[i];
		drawn	   *rows = g->rows + here.begin;
		pga_forest_cut s;

		if (i == level_end)
		{
			level_end = n;
			depth++;
		}
		if (count_classes(g, rows, here.n) && depth < g->max_depth && n + 2 <= g->max_nodes &&
			find_split(g, rows, here.n, &s))
		{
			uint32_t	first = divide(g, rows, here.n, &s);

			nodes[i] = pga_forest_split(s.column, s.cut, n);
			g->ranges[n++] = (range) {here.begin, first};
			g->ranges[n++] = (range) {here.begin + first, here.n - first};
		}
		else
		{
			nodes[i] = pga_forest_leaf(i);
			g->f->says[root + i] = (uint16_t) make_leaf(g);
		}
		if (i % 64 == 0)
			g->ctx->poll(g->ctx);
	}
	g->f->roots[t + 1] = root + n;
}

/* What tree t says of rows that it has not seen; its cuts are still of codes. */
static void
vote(grower *g, uint32_t t)
{
	const pga_forest *f = g->f;
	float	   *votes = g->votes;

	for (size_t i = 0; i < g->m->rows; i += g->vote_step, votes += f->classes)
	{
		const pga_forest_node *nodes = f->nodes + f->roots[t];
		uint32_t	at = 0;
		const uint16_t *share;

		if (i / g->vote_step % 1024 == 0)
			g->ctx->poll(g->ctx);
		if (g->in_bag[i])
			continue;
		while (pga_forest_splits(nodes[at]))
			at = pga_forest_child(nodes[at]) +
				(g->codes[pga_forest_column(nodes[at]) * g->m->rows + i] > pga_forest_cut_of(nodes[at]));
		share = f->pool + f->says[f->roots[t] + at] * f->classes;
		for (size_t c = 0; c < f->classes; c++)
			votes[c] += (float) share[c] / PGA_FOREST_WHOLE;
	}
}

/* Of the rows that some tree did not see. */
static void
report_out_of_bag(grower *g, pga_report *report)
{
	size_t		classes = g->m->classes;
	uint32_t   *actual = g->ctx->alloc(g->ctx, (g->m->rows / g->vote_step + 1) * sizeof(uint32_t));
	const float *votes = g->votes;
	pga_class_metrics *metrics;
	size_t		n = 0;

	for (size_t i = 0; i < g->m->rows; i += g->vote_step, votes += classes)
	{
		float		sum = 0;

		for (size_t c = 0; c < classes; c++)
			sum += votes[c];
		if (sum == 0)
			continue;
		for (size_t c = 0; c < classes; c++)
			g->votes[n * classes + c] = votes[c] / sum;
		actual[n++] = g->m->target[i];
	}
	pga_report_number(g->ctx, report, "oob_rows", (double) n);
	if (n == 0)
		return;
	metrics = pga_measure_classes(g->ctx, actual, classes, g->votes, classes, n);
	pga_report_number(g->ctx, report, "oob_accuracy", metrics->accuracy);
	pga_report_number(g->ctx, report, "oob_macro_f1", metrics->macro.f1);
	if (!isnan(metrics->macro.roc_auc))
		pga_report_number(g->ctx, report, "oob_macro_roc_auc", metrics->macro.roc_auc);
}

/* ---- cuts ------------------------------------------------------------------------- */

/*
 * A number that is at least the one and below the other: between the values
 * of two codes.
 */
static float
cut_between(float below, float above)
{
	float		middle = (float) (((double) below + (double) above) / 2);

	return middle < above ? middle : below;
}

/* The cuts of a column that some tree uses, as values; and counts them. */
static void
take_cuts(grower *g, size_t column, float *least, float *largest)
{
	const pga_matrix *m = g->m;
	const uint16_t *codes = g->codes + column * m->rows;
	const uint64_t *used = g->used[column];
	uint32_t	words = g->ncodes[column] / 64 + 1;
	uint32_t	n = 0;

	g->before[column] = g->ctx->alloc(g->ctx, words * sizeof(uint32_t));
	for (uint32_t w = 0; w < words; w++)
	{
		g->before[column][w] = n;
		n += (uint32_t) __builtin_popcountll(used[w]);
	}
	if (n == 0)
		return;
	for (uint32_t k = 0; k < g->ncodes[column]; k++)
	{
		least[k] = FLT_MAX;
		largest[k] = -FLT_MAX;
	}
	for (size_t i = 0; i < m->rows; i++)
	{
		float		v = m->x[i * m->cols + column];

		least[codes[i]] = v < least[codes[i]] ? v : least[codes[i]];
		largest[codes[i]] = v > largest[codes[i]] ? v : largest[codes[i]];
		if (i % POLL_ROWS == 0)
			g->ctx->poll(g->ctx);
	}
	g->f->cuts[column] = g->ctx->alloc(g->ctx, n * sizeof(float));
	for (uint32_t k = 0; k < g->ncodes[column]; k++)
		if (used[k / 64] >> k % 64 & 1)
			g->f->cuts[column][g->f->ncuts[column]++] = cut_between(largest[k], least[k + 1]);
}

/* Cuts of codes become places among the values kept: the number of used ones before. */
static void
settle_cuts(grower *g)
{
	pga_forest *f = g->f;

	for (uint32_t i = 0; i < f->roots[f->trees]; i++)
	{
		pga_forest_node node = f->nodes[i];
		size_t		column = pga_forest_column(node);
		uint32_t	cut = pga_forest_cut_of(node);
		uint32_t	before;

		if (i % POLL_ROWS == 0)
			g->ctx->poll(g->ctx);
		if (!pga_forest_splits(node))
			continue;
		before = g->before[column][cut / 64] + (uint32_t) __builtin_popcountll(
			g->used[column][cut / 64] & ((UINT64_C(1) << cut % 64) - 1));
		f->nodes[i] = pga_forest_split(column, before, pga_forest_child(node));
	}
}

/* ---- fitting ------------------------------------------------------------------------ */

/* Sizes that follow from options and shape. */
static void
plan_growth(grower *g, const pga_params *params)
{
	const pga_matrix *m = g->m;
	double		depth = pga_param(params, "max_depth");
	double		leaves = fmin(pga_param(params, "max_leaves"), fmax(1, (double) m->rows));
	double		mtry = pga_param(params, "mtry");
	double		pool = pga_param(params, "trees") * leaves;

	g->max_depth = depth == 0 ? UINT32_MAX : (uint32_t) depth;
	g->splitter.min_leaf = (uint32_t) pga_param(params, "min_leaf");
	g->max_nodes = 2 * (uint32_t) leaves;
	g->mtry = (uint32_t) fmin(mtry == 0 ? floor(sqrt((double) m->cols)) : mtry, (double) m->cols);
	pool = fmin((double) m->classes + pool, fmin(PGA_FOREST_POOL, MAX_SHARES / (double) m->classes));
	g->pool_cap = (size_t) pool;
	for (g->nslots = 1024; g->nslots < 2 * g->pool_cap;)
		g->nslots *= 2;
	g->vote_step = m->rows / VOTE_ROWS + 1;
}

/* So that every class has the weight of an even share of the rows. */
static void
weigh_classes(grower *g, bool balanced)
{
	const pga_matrix *m = g->m;
	double		total = 0;

	for (size_t i = 0; i < m->rows; i++)
	{
		g->splitter.total[m->target[i]] += (double) m->weight[i];
		total += (double) m->weight[i];
	}
	for (size_t c = 0; c < m->classes; c++)
		g->splitter.class_weight[c] = balanced && g->splitter.total[c] > 0 ? total / ((double) m->classes * g->splitter.total[c]) : 1;
}

static void
alloc_growth(grower *g)
{
	pga_ctx    *ctx = g->ctx;
	size_t		rows = g->m->rows;
	size_t		cols = g->m->cols;
	size_t		classes = g->m->classes;

	g->codes = ctx->alloc(ctx, pga_mul(ctx, pga_mul(ctx, rows, cols), sizeof(uint16_t)));
	g->ncodes = ctx->alloc(ctx, cols * sizeof(uint32_t));
	g->used = ctx->alloc(ctx, cols * sizeof(uint64_t *));
	g->before = ctx->alloc(ctx, cols * sizeof(uint32_t *));
	g->column = ctx->alloc(ctx, cols * sizeof(uint32_t));
	g->rows = ctx->alloc(ctx, pga_mul(ctx, rows, sizeof(drawn)));
	g->spare = ctx->alloc(ctx, pga_mul(ctx, rows, sizeof(drawn)));
	g->in_bag = ctx->alloc(ctx, rows * sizeof(bool));
	g->splitter.classes = classes;
	g->splitter.keys = ctx->alloc(ctx, pga_mul(ctx, rows, sizeof(uint64_t)));
	g->splitter.spare = ctx->alloc(ctx, pga_mul(ctx, rows, sizeof(uint64_t)));
	g->ranges = ctx->alloc(ctx, g->max_nodes * sizeof(range));
	g->splitter.histogram = ctx->alloc(ctx, PGA_FOREST_DENSE * sizeof(double));
	g->splitter.class_weight = ctx->alloc(ctx, classes * sizeof(double));
	g->splitter.total = ctx->alloc(ctx, classes * sizeof(double));
	g->splitter.left = ctx->alloc(ctx, classes * sizeof(double));
	g->splitter.right = ctx->alloc(ctx, classes * sizeof(double));
	g->share = ctx->alloc(ctx, classes * sizeof(uint16_t));
	g->slots = ctx->alloc(ctx, g->nslots * sizeof(uint32_t));
	g->votes = ctx->alloc(ctx, (rows / g->vote_step + 1) * classes * sizeof(float));
}

void *
pga_forest_fit(pga_ctx *ctx, const pga_matrix *m, const pga_params *params, pga_report *report)
{
	grower		g = {.ctx = ctx, .m = m};
	uint32_t	trees = (uint32_t) pga_param(params, "trees");
	pga_item   *items = ctx->alloc(ctx, pga_mul(ctx, m->rows, sizeof(pga_item)));
	pga_item   *scratch = ctx->alloc(ctx, pga_mul(ctx, m->rows, sizeof(pga_item)));
	float	   *ends = ctx->alloc(ctx, 2 * (MAX_CODES + 1) * sizeof(float));

	plan_growth(&g, params);
	alloc_growth(&g);
	g.f = pga_forest_create(ctx, m->cols, m->classes, trees,
							pga_mul(ctx, trees, g.max_nodes), g.pool_cap);
	weigh_classes(&g, pga_param(params, "class_weight") == 1);
	for (size_t j = 0; j < m->cols; j++)
	{
		code_column(&g, j, items, scratch);
		g.column[j] = (uint32_t) j;
	}
	for (uint32_t t = 0; t < trees; t++)
	{
		pga_rng_seed(&g.rng, (uint64_t) pga_param(params, "seed"), t);
		grow_tree(&g, t);
		vote(&g, t);
	}
	report_out_of_bag(&g, report);
	for (size_t j = 0; j < m->cols; j++)
		take_cuts(&g, j, ends, ends + MAX_CODES + 1);
	settle_cuts(&g);
	pga_forest_finish(ctx, g.f);
	return g.f;
}

size_t
pga_forest_fit_bytes(pga_ctx *ctx, const pga_matrix *shape, const pga_params *params)
{
	grower		g = {.m = shape};
	size_t		trees = (size_t) pga_param(params, "trees");
	size_t		rows = shape->rows;
	size_t		codes = rows < MAX_CODES ? rows : MAX_CODES;
	size_t		judged,
				per_row,
				per_column,
				bytes;

	plan_growth(&g, params);
	judged = rows / g.vote_step + 1;
	per_row = 2 * (sizeof(pga_item) + sizeof(drawn) + sizeof(uint64_t)) + sizeof(bool)
		+ shape->cols * sizeof(uint16_t);
	per_column = 96 + codes * (sizeof(float) + 2 * sizeof(uint32_t)) +
		(codes / 64 + 1) * (sizeof(uint64_t) + sizeof(uint32_t));
	bytes = pga_add(ctx, pga_mul(ctx, rows, per_row), pga_mul(ctx, shape->cols, per_column));
	bytes = pga_add(ctx, bytes, pga_mul(ctx, g.max_nodes, sizeof(range) +
										trees * (sizeof(pga_forest_node) + sizeof(uint16_t))));
	bytes = pga_add(ctx, bytes, g.pool_cap * shape->classes * sizeof(uint16_t) + g.nslots * sizeof(uint32_t));
	bytes = pga_add(ctx, bytes, judged * (sizeof(uint32_t) + sizeof(pga_scored) + shape->classes * sizeof(float)));
	return pga_add(ctx, bytes, PGA_FOREST_DENSE * sizeof(double) + 2 * (MAX_CODES + 1) * sizeof(float)
				   + shape->classes * (shape->classes * sizeof(double) + 256)
				   + trees * (sizeof(uint32_t) + sizeof(pga_forest_top)) + 4096);
}
