/*
 * fingerprint.h - what tells whether the same bytes were loaded before.
 *
 * A fingerprint is SHA-256 of GMAC (NIST SP 800-38D) over all bytes, with the
 * store's secret key and a nonce of zeros, and of their number as 64 bits in
 * network order.  SHA-256 of the bytes themselves was two fifths of pcap2pg's
 * work; GMAC takes a fifth of its time, on processors with instructions for AES.
 *
 * Two files that were made without the key have the same fingerprint with a
 * chance of at most n / 2^122, n their length in bytes (GHASH is an almost
 * universal hash; the key is a random UUID).  Nobody can prepare a capture, then, that is refused because
 * it seems to be loaded already; with an unkeyed fast hash they could.  SHA-256
 * keeps the tags secret, from which the key could be learned since the nonce is
 * always the same.  Who may read the key is trusted with the store.
 *
 * Without a key it is SHA-256 of the bytes, which others can take as well.
 */
#ifndef FINGERPRINT_H
#define FINGERPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum
{
	FINGERPRINT_BYTES = 32,
	FINGERPRINT_KEY_BYTES = 16
};

typedef struct fingerprint fingerprint;

/* Ends the program if libcrypto cannot do it.  The key may be NULL. */
fingerprint *fingerprint_new(const uint8_t key[FINGERPRINT_KEY_BYTES]);
void		fingerprint_free(fingerprint *);

void		fingerprint_add(fingerprint *, const void *bytes, size_t count);

/* Once, at the end. */
void		fingerprint_get(fingerprint *, uint8_t result[FINGERPRINT_BYTES]);

#endif
