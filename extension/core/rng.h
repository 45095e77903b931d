/*
 * rng.h - deterministic random numbers and the mixing function behind every
 * keyed hash.
 *
 * The generator is xoshiro256** (Blackman & Vigna 2021), seeded through
 * splitmix64 (Steele, Lea & Flood 2014).  Every use of chance draws from a
 * stream of its own, (seed, stream), so that adding one use never shifts
 * another.
 */
#ifndef PGA_RNG_H
#define PGA_RNG_H

#include <math.h>

#include "core.h"
#include "fmath.h"

typedef struct pga_rng
{
	uint64_t	s[4];
} pga_rng;

/* splitmix64's finaliser: a bijection in which every bit moves every other. */
static inline uint64_t
pga_mix64(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline void
pga_rng_seed(pga_rng *rng, uint64_t seed, uint64_t stream)
{
	uint64_t	z = pga_mix64(seed) ^ pga_mix64(~stream);

	for (int i = 0; i < 4; i++)
	{
		z += UINT64_C(0x9e3779b97f4a7c15);
		rng->s[i] = pga_mix64(z);
	}
}

static inline uint64_t
pga_rotl64(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

static inline uint64_t
pga_rng_next(pga_rng *rng)
{
	uint64_t   *s = rng->s;
	uint64_t	result = pga_rotl64(s[1] * 5, 7) * 9;
	uint64_t	t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = pga_rotl64(s[3], 45);
	return result;
}

/* Uniform in the open interval (0, 1). */
static inline double
pga_rng_real(pga_rng *rng)
{
	return ((double) (pga_rng_next(rng) >> 12) + 0.5) * 0x1p-52;
}

/* Uniform in 0 .. n-1, n >= 1, without bias: masked draws until one fits. */
static inline uint64_t
pga_rng_below(pga_rng *rng, uint64_t n)
{
	uint64_t	mask = n - 1;
	uint64_t	draw;

	for (int shift = 1; shift < 64; shift *= 2)
		mask |= mask >> shift;
	do
		draw = pga_rng_next(rng) & mask;
	while (draw >= n);
	return draw;
}

/* Standard normal: Marsaglia's polar method (1964), one value per call. */
static inline double
pga_rng_normal(pga_rng *rng)
{
	double		u,
				v,
				r;

	do
	{
		u = 2 * pga_rng_real(rng) - 1;
		v = 2 * pga_rng_real(rng) - 1;
		r = u * u + v * v;
	} while (r >= 1 || r == 0);
	return u * sqrt(-2 * pga_log(r) / r);
}

#endif							/* PGA_RNG_H */
