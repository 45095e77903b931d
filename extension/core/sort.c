/*
 * sort.c - least-significant-digit radix sort of 64-bit keys.
 *
 * Quantiles, calibration and the sample's canonical order all sort; a radix
 * sort of 100,000 keys takes a millisecond where qsort takes ten.  Digits in
 * which all keys agree are skipped, so small integers cost two passes.
 */
#include "bytes.h"

#define DIGIT_BITS 8
#define DIGITS (1 << DIGIT_BITS)
#define PASSES (64 / DIGIT_BITS)

static inline size_t
digit(uint64_t key, int pass)
{
	return (size_t) (key >> (pass * DIGIT_BITS)) & (DIGITS - 1);
}

void
pga_sort(pga_ctx *ctx, pga_item *items, pga_item *scratch, size_t n)
{
	size_t		count[PASSES][DIGITS] = {{0}};
	pga_item   *from = items;
	pga_item   *to = scratch;

	if (n < 2)
		return;
	for (size_t i = 0; i < n; i++)
		for (int pass = 0; pass < PASSES; pass++)
			count[pass][digit(items[i].key, pass)]++;

	for (int pass = 0; pass < PASSES; pass++)
	{
		size_t		start = 0;
		pga_item   *swap;

		if (count[pass][digit(items[0].key, pass)] == n)
			continue;
		for (size_t d = 0; d < DIGITS; d++)
		{
			size_t		c = count[pass][d];

			count[pass][d] = start;
			start += c;
		}
		for (size_t i = 0; i < n; i++)
			to[count[pass][digit(from[i].key, pass)]++] = from[i];
		swap = from;
		from = to;
		to = swap;
		ctx->poll(ctx);
	}
	if (from != items)
		memcpy(items, from, n * sizeof(pga_item));
}
