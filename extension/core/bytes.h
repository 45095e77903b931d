/*
 * bytes.h - what the core's files share below the interface: bit patterns of
 * doubles, text bounded to a column's width, the checksum, a radix sort.
 */
#ifndef PGA_BYTES_H
#define PGA_BYTES_H

#include <string.h>

#include "core.h"

static inline uint64_t
pga_double_bits(double value)
{
	uint64_t	bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static inline double
pga_bits_double(uint64_t bits)
{
	double		value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* Doubles as unsigned integers of the same order; no NaN. */
static inline uint64_t
pga_ordered(double value)
{
	uint64_t	bits = pga_double_bits(value);

	return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static inline double
pga_unordered(uint64_t key)
{
	return pga_bits_double(key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key);
}

/* The length of text cut to max bytes, never inside a UTF-8 character. */
static inline uint32_t
pga_clip(const char *text, size_t len, size_t max)
{
	if (len > max)
	{
		len = max;
		while (len > 0 && ((unsigned char) text[len] & 0xc0) == 0x80)
			len--;
	}
	return (uint32_t) len;
}

/* A NUL-terminated copy of a saved text of at most max bytes (buf.c). */
char	   *pga_get_text(pga_reader *, size_t max, uint32_t *len);

uint32_t	pga_crc32c(const uint8_t *p, size_t n);	/* buf.c */

/* What gets sorted: by key; payload goes along. */
typedef struct pga_item
{
	uint64_t	key,
				payload;
} pga_item;

/* Stable; scratch is as long as items (sort.c). */
void		pga_sort(pga_ctx *, pga_item *items, pga_item *scratch, size_t n);

#endif							/* PGA_BYTES_H */
