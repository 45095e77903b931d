/*
 * test_neighbours.c - the search tree against looking at every point.
 */
#include "fixture.h"

#include "neighbours.h"
#include "rng.h"

#define POINTS 700

/* Whole numbers, so that many distances are equal; every tenth a copy. */
static float *
make_points(size_t cols, unsigned range)
{
	float	   *x = h.ctx.alloc(&h.ctx, POINTS * cols * sizeof(float));
	pga_rng		rng;

	pga_rng_seed(&rng, cols, range);
	for (size_t i = 0; i < POINTS * cols; i++)
		x[i] = (float) pga_rng_below(&rng, range);
	for (size_t i = 10; i < POINTS; i += 10)
		memcpy(x + i * cols, x + (i - 5) * cols, cols * sizeof(float));
	return x;
}

static float
distance(const float *a, const float *b, size_t cols)
{
	float		sum = 0;

	for (size_t j = 0; j < cols; j++)
		sum += (a[j] - b[j]) * (a[j] - b[j]);
	return sum;
}

static uint32_t *
all_rows(void)
{
	uint32_t   *row = h.ctx.alloc(&h.ctx, POINTS * sizeof(uint32_t));

	for (uint32_t i = 0; i < POINTS; i++)
		row[i] = i;
	return row;
}

/* The distance of the want-th nearest occurrence, and whether each found point is right. */
static void
check_nearest(const pga_query *q, const float *x, const float *points, const uint32_t *row)
{
	size_t		cols = q->space->cols;
	uint64_t	nearer = 0;
	uint64_t	as_near = 0;
	uint64_t	total = 0;
	float		last = q->near[q->n - 1].d;

	for (size_t i = 0; i < POINTS; i++)
	{
		float		d = distance(x, points + row[i] * cols, cols);
		uint64_t	w = (q->weight != NULL ? q->weight[i] : 1) - (i == q->skip);

		nearer += d < last ? w : 0;
		as_near += d <= last ? w : 0;
	}
	assert_true(nearer < q->want && as_near >= q->want);
	for (size_t i = 0; i < q->n; i++)
	{
		size_t		place = q->near[i].place;

		assert_true(q->near[i].d == distance(x, points + row[place] * cols, cols));
		assert_true(i == 0 || q->near[i - 1].d < q->near[i].d ||
					(q->near[i - 1].d == q->near[i].d && q->near[i - 1].place < place));
		total += (q->weight != NULL ? q->weight[place] : 1) - (place == q->skip);
	}
	assert_int_equal(total, q->total);
}

static void
nearest_are_nearest(void **state)
{
	static const size_t widths[] = {1, 2, 5, 16, 103};
	uint32_t	weight[POINTS];
	pga_near	near[41];

	(void) state;
	for (uint32_t i = 0; i < POINTS; i++)
		weight[i] = i % 7 == 0 ? 30 : 1 + i % 3;
	for (size_t v = 0; v < 2 * 5; v++)
	{
		size_t		cols = widths[v / 2];
		float	   *x = make_points(cols, v % 2 == 0 ? 1000 : 4);
		uint32_t   *row = all_rows();
		pga_space  *s = pga_space_build(&h.ctx, x, cols, row, POINTS);

		for (size_t i = 0; i < POINTS; i += 3)
		{
			pga_query	q = {
				.space = s,.weight = i % 2 ? weight : NULL,.want = 1 + i % 40,
				.skip = i % 4 < 2 ? i : SIZE_MAX,.near = near
			};

			pga_nearest(&q, x + row[i] * cols);
			check_nearest(&q, x + row[i] * cols, x, row);
		}
	}
}

static void
counts_are_right(void **state)
{
	float	   *x = make_points(3, 20);
	uint32_t   *row = all_rows();
	pga_space  *s = pga_space_build(&h.ctx, x, 3, row, POINTS);
	pga_query	q = {.space = s,.skip = SIZE_MAX};

	(void) state;
	for (size_t i = 0; i < POINTS; i += 7)
	{
		uint64_t	n = 0;

		for (size_t k = 0; k < POINTS; k++)
			n += distance(x + i * 3, x + k * 3, 3) <= 26;
		assert_int_equal(pga_count_within(&q, x + i * 3, 26, UINT64_MAX), n);
		assert_true(pga_count_within(&q, x + i * 3, 26, 5) >= (n < 5 ? n : 5));
	}
}

/* Every row has one place, with its values. */
static void
building_is_orderly(void **state)
{
	float	   *x = make_points(4, 10);
	uint32_t   *row = all_rows();
	bool		seen[POINTS] = {0};
	float		value[4];
	pga_space  *s;

	(void) state;
	s = pga_space_build(&h.ctx, x, 4, row, POINTS);
	for (size_t i = 0; i < POINTS; i++)
	{
		assert_false(seen[row[i]]);
		seen[row[i]] = true;
		pga_space_get(s, i, value);
		assert_memory_equal(value, x + row[i] * 4, sizeof(value));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nearest_are_nearest),
		TEST(counts_are_right),
		TEST(building_is_orderly),
	};

	return cmocka_run_group_tests_name("neighbours", tests, NULL, NULL);
}
