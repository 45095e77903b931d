/*
 * test_random_forest.c - the random forest on hand-made payloads (layout:
 * random_forest.c), its walks against slow ones down the payload, its cuts
 * against a slow search of all of them, and on data with a known answer.
 */
#include "fixture.h"

#include "fmath.h"
#include "random_forest.h"
#include "rng.h"

static const pga_detector *forest;

/* ---- hand-made forests -------------------------------------------------------- */

static const void *
load(const pga_buf *b, size_t cols, size_t classes)
{
	pga_reader	r = {b->ctx, b->data, b->data + b->len};
	const void *f = forest->load(&r, 1, &(pga_matrix) {.cols = cols, .classes = classes});

	assert_ptr_equal(r.p, r.end);
	return f;
}

static void
classify(const void *f, const float *x, size_t rows, double *probability)
{
	forest->classify(f, x, rows, probability, h.ctx.alloc(&h.ctx, forest->scratch_bytes(f, rows)));
}

static void
put_bytes(pga_buf *b, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pga_put_u8(b, bytes[i]);
}

/*
 * Three classes, two columns, one pooled distribution (0.2, 0.6, 0.2).
 *
 *	      x0 <= 1 ?                      tree 2: always class 1
 *	  yes /      \ no
 *	class 0     x1 <= -2 ?
 *	           /         \
 *	    (.2, .6, .2)   class 2
 */
static pga_buf
hand_made(const uint8_t *nodes, size_t n, uint32_t count)
{
	pga_buf		b = {.ctx = &h.ctx};

	pga_put_u32(&b, 2);
	pga_put_u16(&b, 2);
	pga_put_f32(&b, 1);
	pga_put_f32(&b, 5);
	pga_put_u16(&b, 1);
	pga_put_f32(&b, -2);
	pga_put_u32(&b, 1);
	pga_put_u16(&b, 13107);
	pga_put_u16(&b, 39321);
	pga_put_u16(&b, 13107);
	pga_put_u32(&b, count);
	put_bytes(&b, nodes, n);
	return b;
}

static const uint8_t good_nodes[] = {
	0, 0,						/* column 0, cut 0 */
	1,							/* class 0 */
	2, 0,						/* column 1, cut 0 */
	7,							/* the pooled distribution, number 3 */
	5,							/* class 2 */
	3							/* the second tree: class 1 */
};

static void
probabilities_are_the_mean_of_the_leaves(void **state)
{
	static const float x[][2] = {{1, 0}, {1.0000001f, -2}, {3, -1.5f}, {-INFINITY, INFINITY}};
	static const double want[][3] = {{0.5, 0.5, 0}, {0.1, 0.8, 0.1}, {0, 0.5, 0.5}, {0.5, 0.5, 0}};
	pga_buf		b = hand_made(good_nodes, sizeof(good_nodes), 6);
	const void *f = load(&b, 2, 3);
	double		p[4][3];

	(void) state;
	classify(f, &x[0][0], 4, &p[0][0]);
	for (size_t i = 0; i < 4; i++)
		for (size_t c = 0; c < 3; c++)
			assert_near(p[i][c], want[i][c], 1e-15);
}

static void
refuse(const uint8_t *nodes, size_t n, uint32_t count, const char *why)
{
	static pga_buf b;

	b = hand_made(nodes, n, count);
	assert_fails(PGA_ERR_CORRUPT_MODEL, load(&b, 2, 3));
	if (strstr(h.message, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", h.message, why);
}

static void
bad_forests_are_refused(void **state)
{
	static pga_buf b;

	(void) state;
	refuse((const uint8_t[]) {4, 0, 1, 1, 3}, 5, 4, "unknown cut");	/* no column 2 */
	refuse((const uint8_t[]) {2, 1, 1, 1, 3}, 5, 4, "unknown cut");	/* column 1 has one cut */
	refuse((const uint8_t[]) {9, 3}, 2, 2, "no shares");	/* distribution 4 */
	refuse((const uint8_t[]) {0, 0, 1, 3}, 4, 3, "do not add up");	/* a child is missing */
	refuse((const uint8_t[]) {1, 3, 3}, 3, 3, "do not add up");	/* a third tree */
	refuse((const uint8_t[]) {129, 128, 128, 0, 3}, 5, 2, "too long");

	b = hand_made(good_nodes, sizeof(good_nodes), 6);
	b.data[4 + 2 + 4 + 3] = 0;	/* the cut of 5 becomes a tiny one */
	assert_fails(PGA_ERR_CORRUPT_MODEL, load(&b, 2, 3));
	assert_non_null(strstr(h.message, "out of order"));
	b = hand_made(good_nodes, sizeof(good_nodes), 6);
	b.data[4 + 2 + 8 + 2 + 4 + 4]++;	/* a share */
	assert_fails(PGA_ERR_CORRUPT_MODEL, load(&b, 2, 3));
	assert_non_null(strstr(h.message, "do not add up"));
}

/* ---- walking --------------------------------------------------------------------- */

/* A payload read by its description, and walked a node at a time by its values. */
typedef struct plain_node
{
	uint32_t	column;			/* of a split */
	float		cut;
	uint32_t	child;			/* 0: a leaf */
	uint32_t	says;
} plain_node;

typedef struct plain_forest
{
	size_t		cols,
				classes,
				trees;
	float	  **cuts;
	uint16_t   *ncuts;
	const double *share;		/* [][classes] */
	plain_node *nodes;
	uint32_t	root[512];
} plain_forest;

static uint32_t
seven_bits_a_byte(pga_reader *r)
{
	uint32_t	value = 0;
	uint8_t		byte;
	int			shift = 0;

	do
	{
		byte = pga_get_u8(r);
		value |= (uint32_t) (byte & 127) << shift;
		shift += 7;
	} while (byte & 128);
	return value;
}

static plain_forest
read_plainly(const pga_buf *b, size_t cols, size_t classes)
{
	pga_reader	r = {&h.ctx, b->data, b->data + b->len};
	plain_forest f = {.cols = cols, .classes = classes, .trees = pga_get_u32(&r)};
	double	   *share;
	uint32_t	pool,
				at = 0;

	assert_true(f.trees < 512);
	f.cuts = h.ctx.alloc(&h.ctx, cols * sizeof(float *));
	f.ncuts = h.ctx.alloc(&h.ctx, cols * sizeof(uint16_t));
	for (size_t j = 0; j < cols; j++)
	{
		f.ncuts[j] = pga_get_u16(&r);
		f.cuts[j] = h.ctx.alloc(&h.ctx, f.ncuts[j] * sizeof(float));
		for (uint16_t k = 0; k < f.ncuts[j]; k++)
			f.cuts[j][k] = pga_get_f32(&r);
	}
	pool = pga_get_u32(&r);
	f.share = share = h.ctx.alloc(&h.ctx, (classes + pool) * classes * sizeof(double));
	for (size_t c = 0; c < classes; c++)
		share[c * classes + c] = 1;
	for (size_t k = classes * classes; k < (classes + pool) * classes; k++)
		share[k] = pga_get_u16(&r) / 65535.0;
	f.nodes = h.ctx.alloc(&h.ctx, pga_get_u32(&r) * sizeof(plain_node));
	for (size_t t = 0; t < f.trees; t++)
	{
		uint32_t	end = at + 1;

		for (f.root[t] = at; at < end; at++)
		{
			uint32_t	head = seven_bits_a_byte(&r);

			f.nodes[at].says = f.nodes[at].column = head / 2;
			if (head % 2 == 1)
				continue;
			f.nodes[at].cut = f.cuts[head / 2][seven_bits_a_byte(&r)];
			f.nodes[at].child = end;
			end += 2;
		}
	}
	assert_ptr_equal(r.p, r.end);
	return f;
}

static double
plain_probability(const plain_forest *f, const float *x, size_t class)
{
	double		sum = 0;

	for (size_t t = 0; t < f->trees; t++)
	{
		const plain_node *node = &f->nodes[f->root[t]];

		while (node->child != 0)
			node = &f->nodes[node->child + (x[node->column] > node->cut)];
		sum += f->share[node->says * f->classes + class];
	}
	return sum / (double) f->trees;
}

/* Noise, which trees grow deep on; columns of two values to many, cuts among the values. */
static pga_matrix
noise(size_t rows, size_t cols, size_t classes)
{
	float	   *x = h.ctx.alloc(&h.ctx, rows * cols * sizeof(float));
	uint64_t   *weight = h.ctx.alloc(&h.ctx, rows * sizeof(uint64_t));
	uint32_t   *target = h.ctx.alloc(&h.ctx, rows * sizeof(uint32_t));
	pga_rng		rng;

	pga_rng_seed(&rng, 78, cols);
	for (size_t i = 0; i < rows; i++)
	{
		for (size_t j = 0; j < cols; j++)
			x[i * cols + j] = j % 3 == 0 ? (float) pga_rng_normal(&rng) : (float) pga_rng_below(&rng, j + 2) - 2;
		target[i] = (uint32_t) pga_rng_below(&rng, classes);
		weight[i] = 1 + i % 2;
	}
	return (pga_matrix) {.x = x, .weight = weight, .rows = rows, .cols = cols, .target = target, .classes = classes};
}

/* Every other row gets values that are cuts. */
static void
put_on_cuts(const pga_matrix *m, const plain_forest *plain)
{
	for (size_t i = 0; i < m->rows; i += 2)
		for (size_t j = 0; j < m->cols; j++)
			if (plain->ncuts[j] > 0)
				((float *) m->x)[i * m->cols + j] = plain->cuts[j][i % plain->ncuts[j]];
}

static void
agree_in_blocks(const void *f, const plain_forest *plain, const pga_matrix *m, size_t block)
{
	double	   *p = h.ctx.alloc(&h.ctx, block * m->classes * sizeof(double));

	for (size_t i = 0; i + block <= m->rows; i += block)
	{
		classify(f, m->x + i * m->cols, block, p);
		for (size_t k = 0; k < block * m->classes; k++)
			assert_near(p[k], plain_probability(plain, m->x + (i + k / m->classes) * m->cols, k % m->classes), 1e-12);
	}
}

static void
blocks_are_walked_as_the_payload_says(void **state)
{
	static const struct
	{
		size_t		rows,
					cols,
					classes;
		double		trees,
					min_leaf;
	}			cases[] = {
		{480, 4, 2, 100, 1}, {480, 7, 5, 300, 3}, {960, 300, 3, 20, 1}, {480, 5, 2, 40, 100}
	};
	static const size_t blocks[] = {1, 2, 7, 8, 9, 23, 24, 25, 31, 33, 100, 239, PGA_BLOCK};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		pga_matrix	m = noise(cases[i].rows, cases[i].cols, cases[i].classes);
		pga_params	p = default_params(forest);
		pga_report	report = {0};
		pga_buf		b = {.ctx = &h.ctx};
		plain_forest plain;
		const void *f;

		pga_params_set_number(&h.ctx, &p, "trees", cases[i].trees);
		pga_params_set_number(&h.ctx, &p, "min_leaf", cases[i].min_leaf);
		f = forest->fit(&h.ctx, &m, &p, &report);
		forest->save(f, &b);
		plain = read_plainly(&b, m.cols, m.classes);
		put_on_cuts(&m, &plain);
		for (size_t k = 0; k < sizeof(blocks) / sizeof(blocks[0]); k++)
			agree_in_blocks(f, &plain, &m, blocks[k]);
		agree_in_blocks(load(&b, m.cols, m.classes), &plain, &m, 48);
	}
}

/* ---- the best cut --------------------------------------------------------------- */

#define KEYS 300
#define CODES 40

/* Weighted Gini impurity of a cut times the weight of the node, from its definition. */
static double
impurity(const uint32_t *code, const uint32_t *class, const uint32_t *count, size_t n,
		 size_t classes, const double *class_weight, uint32_t cut, uint64_t *least)
{
	double		sum = 0;

	*least = UINT64_MAX;
	for (int side = 0; side < 2; side++)
	{
		double		of[8] = {0};
		double		weight = 0;
		uint64_t	rows = 0;
		double		gini = 1;

		for (size_t i = 0; i < n; i++)
			if ((code[i] > cut) == side)
			{
				of[class[i]] += count[i] * class_weight[class[i]];
				weight += count[i] * class_weight[class[i]];
				rows += count[i];
			}
		for (size_t c = 0; c < classes; c++)
			gini -= weight > 0 ? of[c] / weight * (of[c] / weight) : 0;
		sum += weight * gini;
		*least = rows < *least ? rows : *least;
	}
	return sum;
}

/* Few and many rows, narrow and wide codes: every way of searching. */
static void
the_best_cut_is_found(void **state)
{
	static const uint32_t rows[] = {3, 40, 60, KEYS};
	static double weights[4] = {1, 0.25, 3, 1.5};
	uint32_t	code[KEYS],
				class[KEYS],
				count[KEYS];
	pga_rng		rng;

	(void) state;
	pga_rng_seed(&rng, 5, 0);
	for (int round = 0; round < 200; round++)
	{
		uint32_t	n = rows[round % 4];
		uint32_t	spread = round % 8 < 4 ? 1 : 1500;
		pga_forest_splitter s = {.classes = 4, .class_weight = weights, .min_leaf = 1 + (uint32_t) round % 5};
		pga_forest_cut best = {.gain = -1};
		uint32_t	lo = UINT32_MAX;
		uint32_t	hi = 0;
		double		least = INFINITY;
		uint64_t	smaller;

		s.total = h.ctx.alloc(&h.ctx, 4 * sizeof(double));
		s.left = h.ctx.alloc(&h.ctx, 4 * sizeof(double));
		s.right = h.ctx.alloc(&h.ctx, 4 * sizeof(double));
		s.keys = h.ctx.alloc(&h.ctx, n * sizeof(uint64_t));
		s.spare = h.ctx.alloc(&h.ctx, n * sizeof(uint64_t));
		s.histogram = h.ctx.alloc(&h.ctx, PGA_FOREST_DENSE * sizeof(double));
		for (uint32_t i = 0; i < n; i++)
		{
			code[i] = spread * (uint32_t) pga_rng_below(&rng, CODES);
			class[i] = (uint32_t) pga_rng_below(&rng, 1 + code[i] / spread % 4);
			count[i] = 1 + (uint32_t) pga_rng_below(&rng, 3);
			s.keys[i] = pga_forest_key(code[i], class[i], count[i]);
			s.total[class[i]] += count[i] * weights[class[i]];
			s.count += count[i];
			lo = code[i] < lo ? code[i] : lo;
			hi = code[i] > hi ? code[i] : hi;
		}
		for (uint32_t cut = lo; cut < hi; cut += spread)
		{
			double		sum = impurity(code, class, count, n, 4, weights, cut, &smaller);

			if (smaller >= s.min_leaf && sum < least)
				least = sum;
		}
		assert_int_equal(pga_forest_best_cut(&s, n, lo, hi, &best), least < INFINITY);
		if (least < INFINITY)
		{
			assert_near(impurity(code, class, count, n, 4, weights, best.cut, &smaller), least, 1e-9);
			assert_true(smaller >= s.min_leaf);
		}
	}
}

/* ---- fitting ---------------------------------------------------------------------- */

#define ROWS 3000

/*
 * Class 1 inside a circle, 2 where both columns are large, else 0; the third
 * column says nothing.
 */
static pga_matrix
circle(uint64_t stream)
{
	float	   *x = h.ctx.alloc(&h.ctx, ROWS * 3 * sizeof(float));
	uint64_t   *weight = h.ctx.alloc(&h.ctx, ROWS * sizeof(uint64_t));
	uint32_t   *target = h.ctx.alloc(&h.ctx, ROWS * sizeof(uint32_t));
	pga_rng		rng;

	pga_rng_seed(&rng, 77, stream);
	for (size_t i = 0; i < ROWS; i++)
	{
		float	   *row = x + 3 * i;

		for (int j = 0; j < 3; j++)
			row[j] = (float) pga_rng_normal(&rng);
		target[i] = row[0] * row[0] + row[1] * row[1] < 0.5f ? 1 : row[0] > 1 && row[1] > 0 ? 2 : 0;
		weight[i] = 1;
	}
	return (pga_matrix) {.x = x, .weight = weight, .rows = ROWS, .cols = 3, .target = target, .classes = 3};
}

static double
accuracy(const void *f, const pga_matrix *m)
{
	double	   *p = h.ctx.alloc(&h.ctx, m->rows * m->classes * sizeof(double));
	double		right = 0;

	for (size_t i = 0; i < m->rows; i += PGA_BLOCK)
		classify(f, m->x + i * m->cols, m->rows - i < PGA_BLOCK ? m->rows - i : PGA_BLOCK, p + i * m->classes);
	for (size_t i = 0; i < m->rows; i++)
		right += pga_most_likely(p + i * m->classes, m->classes) == m->target[i];
	return right / (double) m->rows;
}

static double
note(const pga_report *report, const char *name)
{
	for (size_t i = 0; i < report->nnotes; i++)
		if (strcmp(report->notes[i].name, name) == 0)
			return report->notes[i].value[0];
	fail_msg("nothing is reported of %s", name);
	return 0;
}

/* The estimate without rows of its own is that of fresh rows. */
static void
out_of_bag_estimates_fresh_rows(void **state)
{
	pga_matrix	m = circle(1);
	pga_matrix	fresh = circle(2);
	pga_params	p = default_params(forest);
	pga_report	report = {0};
	const void *f = forest->fit(&h.ctx, &m, &p, &report);

	(void) state;
	assert_true(accuracy(f, &m) == 1);	/* min_leaf 1: every tree knows its own rows */
	assert_true(accuracy(f, &fresh) > 0.96);
	assert_near(note(&report, "oob_accuracy"), accuracy(f, &fresh), 0.015);
	assert_true(note(&report, "oob_macro_f1") > 0.9);
	assert_true(note(&report, "oob_rows") == ROWS);
}

/* A row that occurs 200 times outweighs 100 rows of another class at its place. */
static void
occurrences_count(void **state)
{
	float		x[101];
	uint64_t	weight[101];
	uint32_t	target[101];
	pga_matrix	m = {.x = x, .weight = weight, .rows = 101, .cols = 1, .target = target, .classes = 2};
	pga_params	p = default_params(forest);
	pga_report	report = {0};
	double		out[2];

	(void) state;
	for (size_t i = 0; i < 101; i++)
	{
		x[i] = 4;
		weight[i] = i == 0 ? 200 : 1;
		target[i] = i == 0;
	}
	classify(forest->fit(&h.ctx, &m, &p, &report), x, 1, out);
	assert_near(out[1], 2.0 / 3, 0.02);

	/* Balanced, both classes have half. */
	pga_params_set_text(&h.ctx, &p, "class_weight", "balanced");
	classify(forest->fit(&h.ctx, &m, &p, &report), x, 1, out);
	assert_near(out[1], 0.5, 0.02);
}

/* Counts of a bootstrap have the mean and variance of Poisson's law: seen in
 * how often a row of w occurrences is not drawn at all, e^-w. */
static void
the_bootstrap_leaves_rows_out(void **state)
{
	pga_matrix	m = circle(1);
	pga_params	p = default_params(forest);
	pga_report	report = {0};

	(void) state;
	pga_params_set_number(&h.ctx, &p, "trees", 1);
	forest->fit(&h.ctx, &m, &p, &report);
	assert_near(note(&report, "oob_rows") / ROWS, exp(-1), 0.03);
	for (size_t i = 0; i < ROWS; i++)
		((uint64_t *) m.weight)[i] = 3;
	forest->fit(&h.ctx, &m, &p, &report);
	assert_near(note(&report, "oob_rows") / ROWS, exp(-3), 0.015);
	for (size_t i = 0; i < ROWS; i++)
		((uint64_t *) m.weight)[i] = 1000000;
	forest->fit(&h.ctx, &m, &p, &report);
	assert_true(note(&report, "oob_rows") == 0);
}

/* Splits see the order of values only. */
static void
monotone_transformations_change_nothing(void **state)
{
	pga_matrix	m = circle(1);
	pga_matrix	cubed = circle(1);
	float	   *x = (float *) cubed.x;
	pga_params	p = default_params(forest);
	pga_report	report = {0};
	const pga_forest *a,
			   *b;

	(void) state;
	for (size_t i = 0; i < ROWS * 3; i++)
		x[i] = x[i] * x[i] * x[i];
	a = forest->fit(&h.ctx, &m, &p, &report);
	b = forest->fit(&h.ctx, &cubed, &p, &report);
	assert_int_equal(a->roots[a->trees], b->roots[b->trees]);
	for (uint32_t i = 0; i < a->roots[a->trees]; i++)
	{
		assert_true(a->nodes[i] == b->nodes[i]);
		if (!pga_forest_splits(a->nodes[i]))
			assert_int_equal(a->says[i], b->says[i]);
	}
	for (size_t j = 0; j < m.cols; j++)
		assert_int_equal(a->ncuts[j], b->ncuts[j]);
}

/* Of a tree from node i on. */
static uint32_t
depth_of(const pga_forest_node *nodes, uint32_t i)
{
	uint32_t	first,
				second;

	if (!pga_forest_splits(nodes[i]))
		return 0;
	first = depth_of(nodes, pga_forest_child(nodes[i]));
	second = depth_of(nodes, pga_forest_child(nodes[i]) + 1);
	return 1 + (first > second ? first : second);
}

static void
limits_hold(void **state)
{
	pga_matrix	m = circle(1);
	pga_params	p = default_params(forest);
	pga_report	report = {0};
	const pga_forest *f;

	(void) state;
	pga_params_set_number(&h.ctx, &p, "max_depth", 3);
	f = forest->fit(&h.ctx, &m, &p, &report);
	for (uint32_t t = 0; t < f->trees; t++)
		assert_int_equal(depth_of(f->nodes + f->roots[t], 0), 3);

	pga_params_set_number(&h.ctx, &p, "max_depth", 0);
	pga_params_set_number(&h.ctx, &p, "max_leaves", 9);
	f = forest->fit(&h.ctx, &m, &p, &report);
	for (uint32_t t = 0; t < f->trees; t++)
		assert_int_equal(f->roots[t + 1] - f->roots[t], 17);
}

/* ---- memory ------------------------------------------------------------------------- */

static size_t taken;
static void *(*host_alloc) (pga_ctx *, size_t);

static void *
counting_alloc(pga_ctx *ctx, size_t size)
{
	taken += size;
	return host_alloc(ctx, size);
}

static void
memory_is_bounded(void **state)
{
	static const double leaves[] = {9, 4096};

	(void) state;
	for (int i = 0; i < 2; i++)
	{
		pga_matrix	m = circle(1);
		pga_params	p = default_params(forest);
		pga_report	report = {0};
		size_t		bound;

		pga_params_set_number(&h.ctx, &p, "max_leaves", leaves[i]);
		bound = forest->fit_bytes(&h.ctx, &(pga_matrix) {.rows = ROWS, .cols = 3, .classes = 3}, &p);
		host_alloc = h.ctx.alloc;
		h.ctx.alloc = counting_alloc;
		taken = 0;
		forest->fit(&h.ctx, &m, &p, &report);
		h.ctx.alloc = host_alloc;
		assert_true(taken <= bound && taken > bound / 2);
	}
}

static int
find_forest(void **state)
{
	(void) state;
	host_init(&h);
	forest = pga_detector_by_name(&h.ctx, "random_forest");
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(probabilities_are_the_mean_of_the_leaves),
		TEST(bad_forests_are_refused),
		TEST(blocks_are_walked_as_the_payload_says),
		TEST(the_best_cut_is_found),
		TEST(out_of_bag_estimates_fresh_rows),
		TEST(occurrences_count),
		TEST(the_bootstrap_leaves_rows_out),
		TEST(monotone_transformations_change_nothing),
		TEST(limits_hold),
		TEST(memory_is_bounded),
	};

	return cmocka_run_group_tests_name("random_forest", tests, find_forest, NULL);
}
