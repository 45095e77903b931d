/*
 * random_forest_walk.c - random forest classifier: walking.
 *
 * First the values of a block of rows become codes, column by column: of few
 * cuts those below are counted, many values at once; of more they are found
 * down a search tree.  Then tree by tree: the upper levels are
 * evaluated as a whole, every split for all rows, which takes few instructions
 * as vectors hold many codes; from there on rows walk, and those that arrive
 * leave the list.  For a few rows that does not pay; they walk from the roots
 * of many trees side by side.
 *
 * A walk waits for memory most of the time, and a processor looks ahead only
 * so far: everything is done for eight walks in turn, a step of each, so that
 * it always has some that can go on.  Nothing depends on where a walk ends but
 * the length of the list, so there is nothing to guess.
 *
 * That rows meet the splits of a tree together, without branches, is the idea
 * of QuickScorer (Lucchese et al., SIGIR 2015); its bit vectors are for trees
 * of few leaves.
 */
#include "random_forest.h"
#include "wide.h"

#define EIGHT 8					/* walks or rows in turn */
#define STEPS 3					/* of a walk before it is looked at */
#define FEW 24					/* rows; fewer walk from the roots */
#define LANES 16				/* codes compared at once */
#define COUNTED 48				/* cuts; more are searched */
#define WALKS PGA_FOREST_ROWS	/* at most, side by side */

#define UNROLLED _Pragma("GCC unroll 32")
#define APART static __attribute__((noinline))	/* registers are scarce */
#define INLINED static inline __attribute__((always_inline))

_Static_assert(PGA_FOREST_ROWS % LANES == 0 && LANES % EIGHT == 0, "rows are filled up to whole vectors");

typedef struct walks
{
	pga_forest_node at[WALKS];
	uint16_t	left[WALKS + EIGHT];	/* those that may not have arrived */
	uint32_t	root[WALKS];	/* of a few rows: where each walk's tree begins, */
	uint16_t	row[WALKS];		/* and whose it is */
} walks;

/* ---- what walking needs besides nodes and cuts ----------------------------------- */

/* Node k of tree t's top is `at`. */
static void
fill_top(pga_forest *f, uint32_t t, uint32_t k, uint32_t at)
{
	pga_forest_top *top = &f->tops[t];
	pga_forest_node node = f->nodes[f->roots[t] + at];
	bool		splits = pga_forest_splits(node);

	if (k >= PGA_FOREST_SPLITS)
	{
		top->below[k - PGA_FOREST_SPLITS] = node;
		return;
	}
	top->column[k] = (uint32_t) (pga_forest_column(node) * PGA_FOREST_ROWS);
	top->cut[k] = splits ? (int16_t) ((int) pga_forest_cut_of(node) - PGA_FOREST_BIAS) : INT16_MAX;
	fill_top(f, t, 2 * k + 1, pga_forest_child(node));
	fill_top(f, t, 2 * k + 2, pga_forest_child(node) + splits);
}

/* The subtree at k gets the cuts from *next on in order, then what no value is above. */
static void
fill_search(pga_forest *f, size_t column, uint32_t k, uint32_t *next)
{
	if (k >> f->height[column] != 0)
		return;
	fill_search(f, column, 2 * k, next);
	f->search[column][k] = *next < f->ncuts[column] ? pga_forest_number(f->cuts[column][*next]) : UINT32_MAX;
	++*next;
	fill_search(f, column, 2 * k + 1, next);
}

/*
 * The tops of the trees, and for each column its cuts as a complete search
 * tree: node k has the children 2k and 2k + 1, the root is 1.
 */
void
pga_forest_finish(pga_ctx *ctx, pga_forest *f)
{
	f->tops = ctx->alloc(ctx, f->trees * sizeof(pga_forest_top));
	f->search = ctx->alloc(ctx, f->cols * sizeof(uint32_t *));
	f->height = ctx->alloc(ctx, f->cols * sizeof(uint32_t));
	for (uint32_t t = 0; t < f->trees; t++)
		fill_top(f, t, 0, 0);
	for (size_t j = 0; j < f->cols; j++)
	{
		uint32_t	next = 0;

		while (f->ncuts[j] >> f->height[j] != 0)
			f->height[j]++;
		f->search[j] = ctx->alloc(ctx, sizeof(uint32_t) << f->height[j]);
		fill_search(f, j, 1, &next);
		ctx->poll(ctx);
	}
}

/* ---- codes -------------------------------------------------------------------------- */

/* Of n values of a column. */
INLINED void
code_values(const pga_forest *f, size_t column, const float *x, int16_t *codes, int n)
{
	const uint32_t *search = f->search[column];
	uint32_t	number[EIGHT];
	size_t		k[EIGHT];

	UNROLLED
	for (int i = 0; i < n; i++)
	{
		number[i] = pga_forest_number(x[i]);
		k[i] = 1;
	}
	for (uint32_t level = 0; level < f->height[column]; level++)
		UNROLLED
		for (int i = 0; i < n; i++)
			k[i] += k[i] + (search[k[i]] < number[i]);
	UNROLLED
	for (int i = 0; i < n; i++)
		codes[i] = (int16_t) ((int) (k[i] - ((size_t) 1 << f->height[column])) - PGA_FOREST_BIAS);
}

static void
search_cuts(const pga_forest *f, size_t column, const float *x, size_t n, int16_t *codes)
{
	size_t		i = 0;

	for (; i + EIGHT <= n; i += EIGHT)
		code_values(f, column, x + i, codes + i, EIGHT);
	for (; i < n; i++)
		code_values(f, column, x + i, codes + i, 1);
}

/* Of whole vectors. */
WIDE static void
count_cuts(const float *restrict cuts, uint32_t ncuts, const float *restrict x, size_t n, int16_t *restrict codes)
{
	for (size_t i = 0; i < n; i += LANES)
	{
		int32_t		below[LANES] = {0};

		for (uint32_t k = 0; k < ncuts; k++)
			for (size_t lane = 0; lane < LANES; lane++)
				below[lane] += cuts[k] < x[i + lane];
		for (size_t lane = 0; lane < LANES; lane++)
			codes[i + lane] = (int16_t) (below[lane] - PGA_FOREST_BIAS);
	}
}

/* Column after column; the rows up to the next whole vector are like the last one. */
static void
code_rows(const pga_forest *f, const float *x, size_t rows, int16_t *codes)
{
	size_t		n = rows < FEW ? rows : (rows + LANES - 1) / LANES * LANES;
	float		values[PGA_FOREST_ROWS];

	for (size_t j = 0; j < f->cols; j++, codes += PGA_FOREST_ROWS)
	{
		for (size_t i = 0; i < rows; i++)
			values[i] = x[i * f->cols + j];
		for (size_t i = rows; i < n; i++)
			values[i] = values[rows - 1];
		if (rows < FEW || f->ncuts[j] > COUNTED)
			search_cuts(f, j, values, n, codes);
		else
			count_cuts(f->cuts[j], f->ncuts[j], values, n, codes);
	}
}

/* ---- the top of a tree ---------------------------------------------------------------- */

/* All bits of a row are set that goes to the second child of the top's split k. */
#define SECOND(k) (-(codes[top->column[k] + i] > top->cut[k]))
#define EITHER(k, first, second) (((first) & ~SECOND(k)) | ((second) & SECOND(k)))

/* Where a row at k leaves the top, from its lowest level up. */
#define LEVEL_1(k) (2 * (k) + 1 - PGA_FOREST_SPLITS - SECOND(k))
#define LEVEL_2(k) EITHER(k, LEVEL_1(2 * (k) + 1), LEVEL_1(2 * (k) + 2))
#define LEVEL_3(k) EITHER(k, LEVEL_2(2 * (k) + 1), LEVEL_2(2 * (k) + 2))
#define LEVEL_4(k) EITHER(k, LEVEL_3(2 * (k) + 1), LEVEL_3(2 * (k) + 2))
#define LEVEL_5(k) EITHER(k, LEVEL_4(2 * (k) + 1), LEVEL_4(2 * (k) + 2))

WIDE static void
leave_top(const int16_t *restrict codes, const pga_forest_top *restrict top, size_t rows, int16_t *restrict below)
{
	for (size_t i = 0; i < rows; i++)
		below[i] = (int16_t) LEVEL_5(0);
}

/* ---- walking ---------------------------------------------------------------------- */

/* A row's codes begin where its first column's is. */
INLINED pga_forest_node
step(const pga_forest_node *nodes, const int16_t *row, pga_forest_node node)
{
	int16_t		code = *(const int16_t *) ((const char *) row + (node & PGA_FOREST_COLUMN));

	return nodes[((node >> 24) + (uint64_t) (int64_t) code) >> 16];
}

/* Notes that walk k is at a node. */
INLINED size_t
look(walks *w, size_t k, pga_forest_node node, size_t left)
{
	w->at[k] = node;
	w->left[left] = (uint16_t) k;
	return left + pga_forest_splits(node);
}

/* The first steps of rows, up to a whole vector, from below the top; how many walks are left? */
APART size_t
begin_walks(const pga_forest_node *nodes, const pga_forest_node *top, const int16_t *below,
			const int16_t *codes, size_t rows, walks *w)
{
	size_t		left = 0;

	for (size_t row = 0; row < rows; row += EIGHT, codes += EIGHT)
	{
		pga_forest_node at[EIGHT];

		UNROLLED
		for (size_t i = 0; i < EIGHT; i++)
			at[i] = top[below[row + i]];
		UNROLLED
		for (size_t i = 0; i < STEPS * EIGHT; i++)
			at[i % EIGHT] = step(nodes, codes + i % EIGHT, at[i % EIGHT]);
		UNROLLED
		for (size_t i = 0; i < EIGHT; i++)
			left = look(w, row + i, at[i], left);
	}
	return left;
}

/*
 * Takes the walks that are left to their leaves: walk k is row k's down the
 * tree of the given nodes, or as w has it.
 */
INLINED void
finish_walks(const pga_forest_node *nodes, const int16_t *codes, walks *w, size_t n, bool by_row)
{
	while (n > 0)
	{
		size_t		left = 0;

		for (size_t i = n; i % EIGHT != 0; i++)
			w->left[i] = w->left[n - 1];	/* once more does no harm */
		for (size_t begin = 0; begin < n; begin += EIGHT)
		{
			uint16_t   *group = w->left + begin;
			const pga_forest_node *tree[EIGHT];
			const int16_t *row[EIGHT];
			pga_forest_node at[EIGHT];

			UNROLLED
			for (int i = 0; i < EIGHT; i++)
			{
				tree[i] = by_row ? nodes : nodes + w->root[group[i]];
				row[i] = codes + (by_row ? group[i] : w->row[group[i]]);
				at[i] = w->at[group[i]];
			}
			UNROLLED
			for (int i = 0; i < STEPS * EIGHT; i++)
				at[i % EIGHT] = step(tree[i % EIGHT], row[i % EIGHT], at[i % EIGHT]);
			UNROLLED
			for (int i = 0; i < EIGHT; i++)
				left = look(w, group[i], at[i], left);
		}
		n = left;
	}
}

/* Adds what the leaf says to the sums of the classes. */
INLINED void
add_leaf(const uint16_t *pool, uint32_t leaf, size_t classes, uint32_t *sums)
{
	if (leaf < classes)
		sums[leaf] += PGA_FOREST_WHOLE;
	else
		for (size_t c = 0; c < classes; c++)
			sums[c] += pool[leaf * classes + c];
}

/* Of two classes only the first, which leaves the other what is missing. */
APART void
add_leaves(const pga_forest *f, uint32_t tree, const walks *w, size_t rows, uint32_t *sums)
{
	const uint16_t *says = f->says + f->roots[tree];
	const uint16_t *pool = f->pool;
	size_t		classes = f->classes;

	if (classes == 2)
		for (size_t row = 0; row < rows; row++)
			sums[2 * row] += pool[2 * says[pga_forest_place(w->at[row])]];
	else
		for (size_t row = 0; row < rows; row++, sums += classes)
			add_leaf(pool, says[pga_forest_place(w->at[row])], classes, sums);
}

APART void
finish_rows(const pga_forest_node *nodes, const int16_t *codes, walks *w, size_t n)
{
	finish_walks(nodes, codes, w, n, true);
}

static void
walk_rows(const pga_forest *f, const int16_t *codes, size_t rows, uint32_t *sums)
{
	size_t		whole = (rows + LANES - 1) / LANES * LANES;
	int16_t		below[PGA_FOREST_ROWS];
	walks		w;

	for (uint32_t t = 0; t < f->trees; t++)
	{
		const pga_forest_node *nodes = f->nodes + f->roots[t];

		leave_top(codes, &f->tops[t], whole, below);
		finish_rows(nodes, codes, &w, begin_walks(nodes, f->tops[t].below, below, codes, rows, &w));
		add_leaves(f, t, &w, rows, sums);
	}
}

/* As many trees side by side as the rows leave room for. */
static void
walk_few(const pga_forest *f, const int16_t *codes, size_t rows, uint32_t *sums)
{
	walks		w;

	for (uint32_t t = 0; t < f->trees;)
	{
		size_t		n = 0;
		size_t		left = 0;

		for (; t < f->trees && n + rows <= WALKS; t++)
			for (size_t row = 0; row < rows; row++, n++)
			{
				w.root[n] = f->roots[t];
				w.row[n] = (uint16_t) row;
				left = look(&w, n, f->nodes[f->roots[t]], left);
			}
		finish_walks(f->nodes, codes, &w, left, false);
		for (size_t k = 0; k < n; k++)
			add_leaf(f->pool, f->says[w.root[k] + pga_forest_place(w.at[k])], f->classes,
					 sums + w.row[k] * f->classes);
	}
}

/* ---- scoring ----------------------------------------------------------------------- */

/* A sum for each row and class; then a code for each column and row. */
size_t
pga_forest_scratch_bytes(const void *fitted, size_t rows)
{
	const pga_forest *f = fitted;

	return rows * f->classes * sizeof(uint32_t) + f->cols * PGA_FOREST_ROWS * sizeof(int16_t);
}

void
pga_forest_classify(const void *fitted, const float *x, size_t rows, double *probability, void *scratch)
{
	const pga_forest *f = fitted;
	uint32_t	whole = PGA_FOREST_WHOLE * f->trees;
	size_t		nsums = rows * f->classes;
	uint32_t   *sums = scratch;
	int16_t    *codes = (int16_t *) (sums + nsums);

	memset(sums, 0, nsums * sizeof(uint32_t));
	code_rows(f, x, rows, codes);
	if (rows < FEW)
		walk_few(f, codes, rows, sums);
	else
		walk_rows(f, codes, rows, sums);
	if (f->classes == 2)
		for (size_t row = 0; row < rows; row++)
			sums[2 * row + 1] = whole - sums[2 * row];
	for (size_t i = 0; i < nsums; i++)
		probability[i] = sums[i] / (double) whole;
}
