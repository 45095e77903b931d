/*
 * nn_math.h - exponential, sigmoid and hyperbolic tangent in float32, from
 * additions, multiplications and divisions alone: the same bits on every
 * machine (see fmath.h), and no branches or calls, so that a compiler turns a
 * loop over them into vector code.
 */
#ifndef PGA_NN_MATH_H
#define PGA_NN_MATH_H

#include <stdint.h>
#include <string.h>

/*
 * e^x for x clamped to -87 .. 88, good to about two units in the last place;
 * NaN counts as 88.  x = n ln 2 + r with n whole: adding and taking away
 * 1.5 * 2^23 rounds to a whole number; ln 2 comes in two parts, the first short
 * enough for n times it to be exact (Cody & Waite 1980).  |r| <= ln(2)/2, where
 * eight terms of e's power series are below half a unit.
 */
static inline float
nn_exp(float x)
{
	float		n,
				r,
				sum,
				power;
	uint32_t	bits;

	x = x < 88.0f ? x : 88.0f;
	x = x > -87.0f ? x : -87.0f;
	n = (x * 1.44269504f + 12582912.0f) - 12582912.0f;
	r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
	sum = 1.0f / 5040;
	sum = sum * r + 1.0f / 720;
	sum = sum * r + 1.0f / 120;
	sum = sum * r + 1.0f / 24;
	sum = sum * r + 1.0f / 6;
	sum = sum * r + 1.0f / 2;
	sum = sum * r + 1.0f;
	sum = sum * r + 1.0f;
	bits = (uint32_t) ((int32_t) n + 127) << 23;
	memcpy(&power, &bits, sizeof(power));
	return sum * power;
}

static inline float
nn_sigmoid(float x)
{
	return 1.0f / (1.0f + nn_exp(-x));
}

static inline float
nn_tanh(float x)
{
	return 1.0f - 2.0f / (1.0f + nn_exp(2.0f * x));
}

#endif							/* PGA_NN_MATH_H */
