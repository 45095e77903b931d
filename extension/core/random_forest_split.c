/*
 * random_forest_split.c - the best cut of one column of a node.
 *
 * The cut moves up through the node's rows in order of their codes, and rows
 * move from the right side to the left.  The Gini impurity left over is least
 * where, summed over both sides, the squares of the classes' weights over the
 * side's weight are largest (Breiman et al., "Classification and Regression
 * Trees", 1984); a row changes each sum of squares by one term.
 */
#include "random_forest.h"

#define FEW_KEYS 48				/* sorted by insertion */

static inline uint32_t
key_code(uint64_t key)
{
	return (uint32_t) (key >> 48);
}

static inline size_t
key_class(uint64_t key)
{
	return key >> 32 & 0xffff;
}

static inline double
key_count(uint64_t key)
{
	return (double) (uint32_t) key;
}

static void
begin(pga_forest_splitter *s)
{
	s->left_squares = s->right_squares = s->left_weight = s->right_weight = 0;
	s->left_count = 0;
	for (size_t c = 0; c < s->classes; c++)
	{
		s->left[c] = 0;
		s->right[c] = s->total[c];
		s->right_weight += s->total[c];
		s->right_squares += s->total[c] * s->total[c];
	}
}

/* Moves rows of a class to the left. */
static inline void
move(pga_forest_splitter *s, size_t class, double count)
{
	double		w = count * s->class_weight[class];

	s->left_squares += w * (2 * s->left[class] + w);
	s->right_squares += w * (w - 2 * s->right[class]);
	s->left[class] += w;
	s->right[class] -= w;
	s->left_weight += w;
	s->right_weight -= w;
	s->left_count += (uint64_t) count;
}

/* Weighs a cut halfway to the next code. */
static inline bool
consider(const pga_forest_splitter *s, uint32_t next, pga_forest_cut *best)
{
	double		gain;

	if (s->left_count < s->min_leaf || s->count - s->left_count < s->min_leaf)
		return false;
	gain = s->left_squares / s->left_weight + s->right_squares / s->right_weight;
	if (!(gain > best->gain))
		return false;
	best->gain = gain;
	best->cut = s->code + (next - s->code - 1) / 2;
	return true;
}

/* By a histogram of the codes lo to hi. */
static bool
search_dense(pga_forest_splitter *s, uint32_t n, uint32_t lo, uint32_t hi, pga_forest_cut *best)
{
	double	   *h = s->histogram;
	bool		better = false;

	for (uint32_t i = 0; i < n; i++)
		h[(key_code(s->keys[i]) - lo) * s->classes + key_class(s->keys[i])] += key_count(s->keys[i]);
	begin(s);
	for (uint32_t code = lo; code <= hi; code++, h += s->classes)
	{
		bool		met = false;

		for (size_t c = 0; c < s->classes; c++)
		{
			if (h[c] == 0)
				continue;
			if (!met && code > lo)
				better |= consider(s, code, best);
			met = true;
			move(s, c, h[c]);
			h[c] = 0;
		}
		if (met)
			s->code = code;
	}
	return better;
}

static void
insertion_sort(uint64_t *keys, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
	{
		uint64_t	key = keys[i];
		uint32_t	k = i;

		for (; k > 0 && keys[k - 1] > key; k--)
			keys[k] = keys[k - 1];
		keys[k] = key;
	}
}

/* One pass by eight bits of the key: a stable counting sort. */
static void
sort_pass(const uint64_t *from, uint64_t *to, uint32_t n, int shift)
{
	uint32_t	start[257] = {0};

	for (uint32_t i = 0; i < n; i++)
		start[(from[i] >> shift & 255) + 1]++;
	for (int d = 0; d < 256; d++)
		start[d + 1] += start[d];
	for (uint32_t i = 0; i < n; i++)
		to[start[from[i] >> shift & 255]++] = from[i];
}

/* By sorting, where a histogram would be larger than the node. */
static bool
search_sorted(pga_forest_splitter *s, uint32_t n, pga_forest_cut *best)
{
	bool		better = false;

	if (n <= FEW_KEYS)
		insertion_sort(s->keys, n);
	else
	{
		sort_pass(s->keys, s->spare, n, 48);
		sort_pass(s->spare, s->keys, n, 56);
	}
	begin(s);
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	code = key_code(s->keys[i]);

		if (i > 0 && code != s->code)
			better |= consider(s, code, best);
		move(s, key_class(s->keys[i]), key_count(s->keys[i]));
		s->code = code;
	}
	return better;
}

bool
pga_forest_best_cut(pga_forest_splitter *s, uint32_t n, uint32_t lo, uint32_t hi,
					pga_forest_cut *best)
{
	size_t		counters = (size_t) (hi - lo + 1) * s->classes;

	if (counters <= PGA_FOREST_DENSE && counters <= 8 * (size_t) n)
		return search_dense(s, n, lo, hi, best);
	return search_sorted(s, n, best);
}
