/*
 * evaluate.c - how well scores rank labelled rows.
 *
 * Rows of equal score are one step of the curve, so the result does not depend
 * on how a sort breaks ties (Fawcett 2006, algorithm 2).
 */
#include "bytes.h"

#include <math.h>

#define POLL_ROWS 16384			/* between looks for a cancel, in sorting */

/*
 * Radix exchange (Knuth, The Art of Computer Programming 3, 5.2.2): in place,
 * since the rows may fill the memory there is, and no deeper than a score has
 * bits.  Those in which all rows agree are skipped.
 */
static void
exchange(pga_ctx *ctx, pga_scored *rows, size_t n)
{
	while (n > 1)
	{
		uint64_t	first = pga_ordered(rows[0].score);
		uint64_t	differs = 0;
		uint64_t	bit;
		size_t		lo = 0,
					hi = n;

		for (size_t i = 1; i < n; i++)
		{
			differs |= pga_ordered(rows[i].score) ^ first;
			if (i % POLL_ROWS == 0)
				ctx->poll(ctx);
		}
		if (differs == 0)
			return;
		bit = UINT64_C(1) << (63 - __builtin_clzll(differs));
		while (lo < hi)
		{
			if (pga_ordered(rows[lo].score) & bit)
				lo++;
			else
			{
				pga_scored	swap = rows[lo];

				rows[lo] = rows[--hi];
				rows[hi] = swap;
			}
			if ((lo + hi) % POLL_ROWS == 0)
				ctx->poll(ctx);
		}
		exchange(ctx, rows, lo);
		rows += lo;
		n -= lo;
	}
}

void
pga_sort_scored(pga_ctx *ctx, pga_scored *rows, size_t n)
{
	exchange(ctx, rows, n);
	ctx->poll(ctx);
}

static double
count_positives(const pga_scored *rows, size_t n)
{
	double		positives = 0;

	for (size_t i = 0; i < n; i++)
		positives += rows[i].positive;
	return positives;
}

/* The positives among the rows tied with row i; *end is past the last. */
static double
tied_positives(const pga_scored *rows, size_t n, size_t i, size_t *end)
{
	double		positives = 0;
	double		score = rows[i].score;

	for (; i < n && rows[i].score == score; i++)
		positives += rows[i].positive;
	*end = i;
	return positives;
}

/* The chance that a positive row scores above a negative one, ties half. */
double
pga_roc_auc(const pga_scored *rows, size_t n)
{
	double		positives = count_positives(rows, n);
	double		negatives = (double) n - positives;
	double		above = 0;		/* positives of higher score */
	double		area = 0;

	if (positives == 0 || negatives == 0)
		return NAN;
	for (size_t i = 0, end; i < n; i = end)
	{
		double		tied = tied_positives(rows, n, i, &end);

		area += ((double) (end - i) - tied) * (above + tied / 2);
		above += tied;
	}
	return area / (positives * negatives);
}

/* Precision at each step, weighted by the recall it adds. */
double
pga_average_precision(const pga_scored *rows, size_t n)
{
	double		positives = count_positives(rows, n);
	double		found = 0;
	double		area = 0;

	if (positives == 0 || positives == (double) n)
		return NAN;
	for (size_t i = 0, end; i < n; i = end)
	{
		double		tied = tied_positives(rows, n, i, &end);

		found += tied;
		area += tied / positives * (found / (double) end);
	}
	return area;
}

/* The first step and the last stay; each other one is a fiftieth of an axis on. */
size_t
pga_curve(const pga_scored *rows, size_t n, pga_curve_point out[PGA_CURVE_MAX])
{
	double		positives = count_positives(rows, n);
	double		negatives = (double) n - positives;
	pga_curve_point at = {0};
	size_t		points = 0;

	if (positives == 0 || negatives == 0)
		return 0;
	for (size_t i = 0, end; i < n; i = end)
	{
		double		tied = tied_positives(rows, n, i, &end);

		at.score = rows[i].score;
		at.tp += tied;
		at.fp += (double) (end - i) - tied;
		if (points == 0 || end == n || at.tp - out[points - 1].tp >= positives / 50
			|| at.fp - out[points - 1].fp >= negatives / 50)
			out[points++] = at;
	}
	return points;
}
