/*
 * community_id.c - anomaly_community_id: the name that Zeek, Suricata and
 * others give a flow.
 *
 * Community ID flow hashing, version 1, github.com/corelight/community-id-spec:
 * "1:" and the base64 of the SHA-1 of, in network order,
 *
 *   seed (2 bytes), address, address (4 or 16), protocol (1), 0 (1),
 *   port, port (2 each; TCP, UDP, SCTP and ICMP alone)
 *
 * with the smaller pair of address and port first.  For ICMP the ports are the
 * type and the type that answers it; a message without an answer keeps its
 * direction, and its ports are type and code.
 *
 * At most 40 bytes are hashed, one block of SHA-1: core SQL has no SHA-1, the
 * server's own is not callable before 14, and OpenSSL's can be switched off.
 */
#include "postgres.h"
#include "pg_compat.h"

#include <netinet/in.h>

#include "utils/builtins.h"
#include "utils/inet.h"

enum
{
	SHA1_BLOCK = 64,
	SHA1_BYTES = 20,
	MOST_INPUT = 40,			/* leaves room for the padding in one block */
	ID_LENGTH = 2 + 28
};

typedef struct end
{
	const uint8 *addr;
	uint16		port;
} end;

/* ---- SHA-1 of a short input (FIPS 180-4, 6.1) ------------------------------- */

static inline uint32
rotate(uint32 x, int n)
{
	return x << n | x >> (32 - n);
}

static uint32
sha1_step(int t, uint32 b, uint32 c, uint32 d)
{
	if (t < 20)
		return ((b & c) | (~b & d)) + 0x5a827999;
	if (t < 40)
		return (b ^ c ^ d) + 0x6ed9eba1;
	if (t < 60)
		return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
	return (b ^ c ^ d) + 0xca62c1d6;
}

static void
sha1_short(const uint8 *input, int length, uint8 digest[SHA1_BYTES])
{
	static const uint32 start[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	uint8		block[SHA1_BLOCK] = {0};
	uint32		w[80],
				h[5];

	Assert(length <= MOST_INPUT);
	memcpy(block, input, length);
	block[length] = 0x80;
	block[SHA1_BLOCK - 2] = length * 8 >> 8;
	block[SHA1_BLOCK - 1] = (length * 8) & 0xff;
	for (int t = 0; t < 16; t++)
		w[t] = (uint32) block[4 * t] << 24 | (uint32) block[4 * t + 1] << 16 |
			(uint32) block[4 * t + 2] << 8 | block[4 * t + 3];
	for (int t = 16; t < 80; t++)
		w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
	memcpy(h, start, sizeof(h));
	for (int t = 0; t < 80; t++)
	{
		uint32		next = rotate(h[0], 5) + sha1_step(t, h[1], h[2], h[3]) + h[4] + w[t];

		h[4] = h[3];
		h[3] = h[2];
		h[2] = rotate(h[1], 30);
		h[1] = h[0];
		h[0] = next;
	}
	for (int i = 0; i < SHA1_BYTES; i++)
		digest[i] = (h[i / 4] + start[i / 4]) >> (24 - i % 4 * 8) & 0xff;
}

/* Base64 (RFC 4648, 4) of 20 bytes: six groups of three, and two bytes more. */
static void
put_base64(const uint8 digest[SHA1_BYTES], char *to)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (int i = 0; i < SHA1_BYTES; i += 3)
	{
		uint32		group = (uint32) digest[i] << 16 | (uint32) digest[i + 1] << 8 |
		(i + 2 < SHA1_BYTES ? digest[i + 2] : 0);

		*to++ = digits[group >> 18];
		*to++ = digits[group >> 12 & 63];
		*to++ = digits[group >> 6 & 63];
		*to++ = i + 2 < SHA1_BYTES ? digits[group & 63] : '=';
	}
}

/* ---- the flow's two ends ---------------------------------------------------- */

/* The type that answers an ICMP type, or -1: Zeek's pairs. */
static int
icmp_counterpart(int protocol, int type)
{
	static const uint8 v4[][2] = {{8, 0}, {10, 9}, {13, 14}, {15, 16}, {17, 18}};
	static const uint8 v6[][2] = {{128, 129}, {130, 131}, {133, 134}, {135, 136}, {139, 140}, {144, 145}};
	const uint8 (*pair)[2] = protocol == IPPROTO_ICMP ? v4 : v6;
	int			n = protocol == IPPROTO_ICMP ? lengthof(v4) : lengthof(v6);

	for (int i = 0; i < n; i++)
		for (int side = 0; side < 2; side++)
			if (pair[i][side] == type)
				return pair[i][1 - side];
	return -1;
}

/* Swaps the ends where the identifier has no direction; false: no ports count. */
static bool
order_ends(end *src, end *dst, int size, int protocol)
{
	bool		ports = true,
				one_way = false;
	int			order = memcmp(src->addr, dst->addr, size);
	int			answer;

	switch (protocol)
	{
		case IPPROTO_ICMP:
		case IPPROTO_ICMPV6:
			answer = icmp_counterpart(protocol, src->port);
			one_way = answer < 0;
			if (!one_way)
				dst->port = answer;
			break;
		case IPPROTO_TCP:
		case IPPROTO_UDP:
		case IPPROTO_SCTP:
			break;
		default:
			ports = false;
	}
	if (!one_way && (order > 0 || (order == 0 && ports && src->port > dst->port)))
	{
		end			swap = *src;

		*src = *dst;
		*dst = swap;
	}
	return ports;
}

static uint8 *
put_short(uint8 *at, uint16 value)
{
	*at++ = value >> 8;
	*at++ = value & 0xff;
	return at;
}

static int
checked(const char *name, int value, int most)
{
	if (value < 0 || value > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s %d is out of range, 0 to %d", name, value, most)));
	return value;
}

PGA_FUNCTION(pga_community_id);
Datum
pga_community_id(PG_FUNCTION_ARGS)
{
	inet	   *a = PG_GETARG_INET_PP(0);
	inet	   *b = PG_GETARG_INET_PP(1);
	int			size = ip_addrsize(a);
	int			protocol = checked("protocol", PG_GETARG_INT16(2), 255);
	end			src = {ip_addr(a), checked("source port", PG_GETARG_INT32(3), 65535)};
	end			dst = {ip_addr(b), checked("destination port", PG_GETARG_INT32(4), 65535)};
	int			seed = checked("seed", PG_GETARG_INT32(5), 65535);
	uint8		input[MOST_INPUT],
				digest[SHA1_BYTES];
	uint8	   *at = input;
	char		id[ID_LENGTH] = "1:";
	bool		ports;

	if (ip_family(a) != ip_family(b))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("addresses of a flow are of one IP version")));
	ports = order_ends(&src, &dst, size, protocol);
	at = put_short(at, seed);
	memcpy(at, src.addr, size);
	memcpy(at + size, dst.addr, size);
	at += 2 * size;
	*at++ = protocol;
	*at++ = 0;
	if (ports)
		at = put_short(put_short(at, src.port), dst.port);
	sha1_short(input, at - input, digest);
	put_base64(digest, id + 2);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(id, ID_LENGTH));
}
