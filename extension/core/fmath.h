/*
 * fmath.h - logarithm and power from IEEE 754 basic operations alone.
 *
 * A model must give the same score on every machine, to the last bit.  The C
 * library's log and exp differ between libraries and processors; additions,
 * multiplications and divisions do not, as long as the compiler does not fuse
 * them (the core is compiled with -ffp-contract=off).  Both functions are
 * good to about two units in the last place.
 */
#ifndef PGA_FMATH_H
#define PGA_FMATH_H

#include <math.h>

#include "bytes.h"

#define PGA_LN2 0.69314718055994530942

/*
 * ln x for finite x > 0: x = m 2^e with m in [sqrt 1/2, sqrt 2), and
 * ln m = 2 artanh t with t = (m - 1) / (m + 1), |t| < 0.172.
 */
static inline double
pga_log(double x)
{
	int			e;
	double		m = frexp(x, &e);
	double		t,
				t2,
				sum = 0;

	if (m < 0.70710678118654752440)
	{
		m *= 2;
		e--;
	}
	t = (m - 1) / (m + 1);
	t2 = t * t;
	for (int k = 23; k >= 3; k -= 2)
		sum = (sum + 1.0 / k) * t2;
	return e * PGA_LN2 + 2 * (t + t * sum);
}

/*
 * 2^x for x up to 1020, 0 below the normal numbers: the whole part becomes the
 * exponent, the rest, at most half, goes through e's power series, even and
 * odd terms side by side.
 */
static inline double
pga_exp2(double x)
{
	double		whole,
				r,
				r2,
				even = 1.0 / 87178291200.0,
				odd = 1.0 / 6227020800.0;

	if (!(x > -1020))
		return 0;
	x = x < 1020 ? x : 1020;
	whole = floor(x + 0.5);
	r = (x - whole) * PGA_LN2;
	r2 = r * r;
	even = even * r2 + 1.0 / 479001600.0;
	odd = odd * r2 + 1.0 / 39916800.0;
	even = even * r2 + 1.0 / 3628800.0;
	odd = odd * r2 + 1.0 / 362880.0;
	even = even * r2 + 1.0 / 40320.0;
	odd = odd * r2 + 1.0 / 5040.0;
	even = even * r2 + 1.0 / 720.0;
	odd = odd * r2 + 1.0 / 120.0;
	even = even * r2 + 1.0 / 24.0;
	odd = odd * r2 + 1.0 / 6.0;
	even = even * r2 + 1.0 / 2.0;
	return (1 + (even * r2 + (odd * r2 + 1) * r)) *
		pga_bits_double((uint64_t) ((int64_t) whole + 1023) << 52);
}

#endif							/* PGA_FMATH_H */
