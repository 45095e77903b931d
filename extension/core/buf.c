/*
 * buf.c - growing bytes, a bounded reader, checked sizes, the checksum.
 *
 * Everything saved is little-endian and of fixed width, put together byte by
 * byte, so that neither the machine's byte order nor its alignment shows.
 */
#include "core.h"

#include <math.h>
#include <string.h>

#include "bytes.h"

/* ---- checked sizes ------------------------------------------------------ */

static void
size_overflow(pga_ctx *ctx)
{
	ctx->fail(ctx, PGA_ERR_MEMORY_LIMIT, NULL,
			  "size of an allocation exceeds %zu bytes", (size_t) SIZE_MAX);
}

size_t
pga_mul(pga_ctx *ctx, size_t a, size_t b)
{
	size_t		result;

	if (__builtin_mul_overflow(a, b, &result))
		size_overflow(ctx);
	return result;
}

size_t
pga_add(pga_ctx *ctx, size_t a, size_t b)
{
	size_t		result;

	if (__builtin_add_overflow(a, b, &result))
		size_overflow(ctx);
	return result;
}

/* ---- writing ------------------------------------------------------------ */

void
pga_put(pga_buf *buf, const void *p, size_t n)
{
	size_t		need = pga_add(buf->ctx, buf->len, n);

	if (need > buf->cap)
	{
		size_t		cap = buf->cap ? buf->cap : 1024;

		while (cap < need)
			cap = pga_mul(buf->ctx, cap, 2);
		buf->data = buf->ctx->resize(buf->ctx, buf->data, buf->cap, cap);
		buf->cap = cap;
	}
	if (n > 0)
		memcpy(buf->data + buf->len, p, n);
	buf->len = need;
}

static void
put_le(pga_buf *buf, uint64_t value, size_t width)
{
	uint8_t		bytes[8];

	for (size_t i = 0; i < width; i++)
		bytes[i] = (uint8_t) (value >> (8 * i));
	pga_put(buf, bytes, width);
}

void
pga_put_u8(pga_buf *buf, uint8_t value)
{
	put_le(buf, value, 1);
}

void
pga_put_u16(pga_buf *buf, uint16_t value)
{
	put_le(buf, value, 2);
}

void
pga_put_u32(pga_buf *buf, uint32_t value)
{
	put_le(buf, value, 4);
}

void
pga_put_u64(pga_buf *buf, uint64_t value)
{
	put_le(buf, value, 8);
}

void
pga_put_f32(pga_buf *buf, float value)
{
	uint32_t	bits;

	memcpy(&bits, &value, sizeof(bits));
	put_le(buf, bits, 4);
}

void
pga_put_f64(pga_buf *buf, double value)
{
	put_le(buf, pga_double_bits(value), 8);
}

void
pga_put_text(pga_buf *buf, const char *s, size_t n)
{
	pga_put_u32(buf, (uint32_t) n);
	pga_put(buf, s, n);
}

/* ---- reading ------------------------------------------------------------ */

void
pga_corrupt(pga_reader *r, const char *what)
{
	r->ctx->fail(r->ctx, PGA_ERR_CORRUPT_MODEL, NULL, "corrupt model: %s", what);
}

const uint8_t *
pga_get(pga_reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (n > (size_t) (r->end - r->p))
		pga_corrupt(r, "it ends too early");
	r->p += n;
	return p;
}

static uint64_t
get_le(pga_reader *r, size_t width)
{
	const uint8_t *p = pga_get(r, width);
	uint64_t	value = 0;

	for (size_t i = 0; i < width; i++)
		value |= (uint64_t) p[i] << (8 * i);
	return value;
}

uint8_t
pga_get_u8(pga_reader *r)
{
	return (uint8_t) get_le(r, 1);
}

uint16_t
pga_get_u16(pga_reader *r)
{
	return (uint16_t) get_le(r, 2);
}

uint32_t
pga_get_u32(pga_reader *r)
{
	return (uint32_t) get_le(r, 4);
}

uint64_t
pga_get_u64(pga_reader *r)
{
	return get_le(r, 8);
}

float
pga_get_f32(pga_reader *r)
{
	uint32_t	bits = pga_get_u32(r);
	float		value;

	memcpy(&value, &bits, sizeof(value));
	if (!isfinite(value))
		pga_corrupt(r, "a number is not finite");
	return value;
}

double
pga_get_f64(pga_reader *r)
{
	double		value = pga_bits_double(get_le(r, 8));

	if (!isfinite(value))
		pga_corrupt(r, "a number is not finite");
	return value;
}

uint32_t
pga_get_count(pga_reader *r, size_t item_size)
{
	uint32_t	n = pga_get_u32(r);

	if (item_size > 0 && n > (size_t) (r->end - r->p) / item_size)
		pga_corrupt(r, "a count exceeds what follows");
	return n;
}

char *
pga_get_text(pga_reader *r, size_t max, uint32_t *len)
{
	uint32_t	n = pga_get_count(r, 1);
	const uint8_t *p;
	char	   *text;

	if (n > max)
		pga_corrupt(r, "a text is too long");
	p = pga_get(r, n);
	if (memchr(p, 0, n) != NULL)
		pga_corrupt(r, "a text holds a zero byte");
	text = r->ctx->alloc(r->ctx, (size_t) n + 1);
	memcpy(text, p, n);
	*len = n;
	return text;
}

/* ---- checksum ------------------------------------------------------------ */

/*
 * CRC-32C (Castagnoli, Brauer & Herrmann 1993), reflected, as in RFC 3720,
 * eight bytes at a time (Kounavis & Berry 2008): table[k] is what a byte does
 * that k more bytes follow.
 */
uint32_t
pga_crc32c(const uint8_t *p, size_t n)
{
	uint32_t	table[8][256];
	uint32_t	crc = UINT32_MAX;

	for (uint32_t i = 0; i < 256; i++)
	{
		uint32_t	c = i;

		for (int bit = 0; bit < 8; bit++)
			c = (c >> 1) ^ (c & 1 ? UINT32_C(0x82f63b78) : 0);
		table[0][i] = c;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (size_t k = 1; k < 8; k++)
			table[k][i] = (table[k - 1][i] >> 8) ^ table[0][table[k - 1][i] & 0xff];
	for (; n >= 8; n -= 8, p += 8)
	{
		crc ^= (uint32_t) p[0] | (uint32_t) p[1] << 8 | (uint32_t) p[2] << 16 | (uint32_t) p[3] << 24;
		crc = table[7][crc & 0xff] ^ table[6][crc >> 8 & 0xff] ^ table[5][crc >> 16 & 0xff] ^
			table[4][crc >> 24] ^ table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
	}
	for (; n > 0; n--, p++)
		crc = (crc >> 8) ^ table[0][(crc ^ *p) & 0xff];
	return ~crc;
}
