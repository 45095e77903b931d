/*
 * siphash.h - SipHash-1-3 over whole 64-bit words.
 *
 * Aumasson & Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012, with
 * one compression and three finalisation rounds, the variant that hash tables
 * use.  A flow's key comes from whoever sends packets; with a secret hash key
 * nobody can aim all flows at one bucket.
 */
#ifndef SIPHASH_H
#define SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIP_ROTATE(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = SIP_ROTATE(v[1], 13) ^ v[0];
	v[3] = SIP_ROTATE(v[3], 16) ^ v[2];
	v[0] = SIP_ROTATE(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = SIP_ROTATE(v[1], 17) ^ v[2];
	v[3] = SIP_ROTATE(v[3], 21) ^ v[0];
	v[2] = SIP_ROTATE(v[2], 32);
}

static inline uint64_t
siphash13(const uint64_t key[2], const uint64_t *word, size_t words)
{
	uint64_t	v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
	key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
	uint64_t	length = (uint64_t) (words * 8) << 56;

	for (size_t i = 0; i < words; i++)
	{
		v[3] ^= word[i];
		sip_round(v);
		v[0] ^= word[i];
	}
	v[3] ^= length;
	sip_round(v);
	v[0] ^= length;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
