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

/* 2^x: the whole part by ldexp, the rest, at most half, by e's power series. */
static inline double
pga_exp2(double x)
{
	double		whole,
				r,
				sum = 1;

	if (x < -1080)
		return 0;
	if (x > 1020)
		x = 1020;
	whole = floor(x + 0.5);
	r = (x - whole) * PGA_LN2;
	for (int k = 14; k >= 1; k--)
		sum = 1 + sum * r / k;
	return ldexp(sum, (int) whole);
}

#endif							/* PGA_FMATH_H */
