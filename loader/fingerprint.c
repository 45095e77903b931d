/*
 * fingerprint.c - GMAC and SHA-256 by libcrypto (see fingerprint.h).
 */
#include "fingerprint.h"

#include <endian.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

enum
{
	TAG_BYTES = 16,
	NONCE_BYTES = 12,
	MOST_AT_ONCE = 1 << 30		/* libcrypto counts in int */
};

struct fingerprint
{
	EVP_CIPHER_CTX *gmac;		/* AES-GCM that encrypts nothing: all is additional data */
	uint64_t	count;
	EVP_MD_CTX *digest;			/* without a key */
};

static void
check(int good)
{
	if (good == 1)
		return;
	complain("no AES-128-GCM or SHA-256 in libcrypto");
	exit(1);
}

fingerprint *
fingerprint_new(const uint8_t key[FINGERPRINT_KEY_BYTES])
{
	static const uint8_t nonce[NONCE_BYTES];
	fingerprint *f = must_calloc(1, sizeof(*f));

	if (!key)
	{
		f->digest = EVP_MD_CTX_new();
		check(f->digest && EVP_DigestInit_ex(f->digest, EVP_sha256(), NULL));
		return f;
	}
	f->gmac = EVP_CIPHER_CTX_new();
	check(f->gmac && EVP_EncryptInit_ex(f->gmac, EVP_aes_128_gcm(), NULL, key, nonce));
	return f;
}

void
fingerprint_free(fingerprint *f)
{
	if (!f)
		return;
	EVP_CIPHER_CTX_free(f->gmac);
	EVP_MD_CTX_free(f->digest);
	free(f);
}

void
fingerprint_add(fingerprint *f, const void *bytes, size_t count)
{
	const uint8_t *at = bytes;
	int			ignored;

	f->count += count;
	if (f->digest)
	{
		check(EVP_DigestUpdate(f->digest, bytes, count));
		return;
	}
	while (count > 0)
	{
		size_t		n = count < MOST_AT_ONCE ? count : MOST_AT_ONCE;

		check(EVP_EncryptUpdate(f->gmac, NULL, &ignored, at, (int) n));
		at += n;
		count -= n;
	}
}

void
fingerprint_get(fingerprint *f, uint8_t result[FINGERPRINT_BYTES])
{
	uint64_t	count = htobe64(f->count);
	uint8_t		text[TAG_BYTES + sizeof(count)];
	int			ignored;

	if (f->digest)
	{
		check(EVP_DigestFinal_ex(f->digest, result, NULL));
		return;
	}
	check(EVP_EncryptFinal_ex(f->gmac, text, &ignored));
	check(EVP_CIPHER_CTX_ctrl(f->gmac, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, text));
	memcpy(text + TAG_BYTES, &count, sizeof(count));
	check(EVP_Digest(text, sizeof(text), result, NULL, EVP_sha256(), NULL));
}
