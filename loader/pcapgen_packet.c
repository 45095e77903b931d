/*
 * pcapgen_packet.c - frames, byte by byte.
 *
 * Ethernet II, IPv4 (RFC 791) or IPv6 (RFC 8200), TCP (RFC 9293), UDP
 * (RFC 768), ICMP (RFC 792, RFC 4443), with the Internet checksum (RFC 1071)
 * over header, pseudo-header and payload, and SCTP (RFC 9260).  Frames shorter than Ethernet's
 * minimum are padded, as a mirror port shows them.
 */
#include <stdlib.h>
#include <string.h>

#include "pcapgen.h"

#define ETHER_HEADER 14
#define ETHER_MINIMUM 60		/* without the frame check sequence */
#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define TCP_HEADER 20
#define UDP_HEADER 8
#define ICMP_HEADER 4			/* type, code, checksum */
#define SCTP_HEADER 12

enum
{
	PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMPV6 = 58, PROTO_SCTP = 132
};

void
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t) (v >> 8);
	p[1] = (uint8_t) v;
}

void
put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t) (v >> 16));
	put16(p + 2, (uint16_t) v);
}

/* One's-complement sum of 16-bit words, carried on from `sum`, not yet folded. */
static uint32_t
sum_words(uint32_t sum, const uint8_t *p, size_t length)
{
	for (; length > 1; p += 2, length -= 2)
		sum += (uint32_t) p[0] << 8 | p[1];
	if (length > 0)
		sum += (uint32_t) p[0] << 8;
	return sum;
}

static uint16_t
fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~sum;
}

static void
put_ipv4(uint8_t *p, const route *r, uint8_t protocol, size_t length)
{
	p[0] = 0x45;
	put16(p + 2, (uint16_t) (IPV4_HEADER + length));
	put16(p + 4, r->from->next_id++);
	put16(p + 6, 0x4000);		/* don't fragment */
	p[8] = r->from->ttl;
	p[9] = protocol;
	memcpy(p + 12, r->from->v4, 4);
	memcpy(p + 16, r->to->v4, 4);
	put16(p + 10, fold(sum_words(0, p, IPV4_HEADER)));
}

static void
put_ipv6(uint8_t *p, const route *r, uint8_t protocol, size_t length)
{
	p[0] = 0x60;
	put16(p + 4, (uint16_t) length);
	p[6] = protocol;
	p[7] = r->from->ttl;
	memcpy(p + 8, r->from->v6, 16);
	memcpy(p + 24, r->to->v6, 16);
}

/*
 * A frame with its Ethernet and IP headers, room for `length` bytes of
 * transport header and data, and *transport set to where those start.
 */
static frame *
frame_start(const route *r, uint8_t protocol, size_t length, uint8_t **transport)
{
	size_t		headers = ETHER_HEADER + (r->v6 ? IPV6_HEADER : IPV4_HEADER);
	size_t		total = headers + length < ETHER_MINIMUM ? ETHER_MINIMUM : headers + length;
	frame	   *f = allocate(sizeof(frame) + total);

	f->length = (uint32_t) total;
	memcpy(f->bytes, r->to->mac, 6);
	memcpy(f->bytes + 6, r->from->mac, 6);
	put16(f->bytes + 12, r->v6 ? 0x86dd : 0x0800);
	(r->v6 ? put_ipv6 : put_ipv4) (f->bytes + ETHER_HEADER, r, protocol, length);
	*transport = f->bytes + headers;
	return f;
}

/* The pseudo-header's sum: both addresses, protocol and length. */
static uint32_t
pseudo_sum(const route *r, uint8_t protocol, size_t length)
{
	uint32_t	sum = (uint32_t) protocol + (uint32_t) length;

	sum = sum_words(sum, r->v6 ? r->from->v6 : r->from->v4, r->v6 ? 16 : 4);
	return sum_words(sum, r->v6 ? r->to->v6 : r->to->v4, r->v6 ? 16 : 4);
}

frame *
frame_tcp(const route *r, const tcp_header *h, const void *data, size_t length)
{
	size_t		header = TCP_HEADER + h->option_length;
	size_t		total = header + length;
	uint8_t    *p;
	frame	   *f = frame_start(r, PROTO_TCP, total, &p);

	put16(p, r->from_port);
	put16(p + 2, r->to_port);
	put32(p + 4, h->seq);
	put32(p + 8, h->ack);
	p[12] = (uint8_t) (header / 4 << 4);
	p[13] = h->flags;
	put16(p + 14, h->window);
	if (h->option_length > 0)
		memcpy(p + TCP_HEADER, h->options, h->option_length);
	if (length > 0)
		memcpy(p + header, data, length);
	put16(p + 16, fold(sum_words(pseudo_sum(r, PROTO_TCP, total), p, total)));
	return f;
}

frame *
frame_udp(const route *r, const void *data, size_t length)
{
	size_t		total = UDP_HEADER + length;
	uint8_t    *p;
	frame	   *f = frame_start(r, PROTO_UDP, total, &p);
	uint16_t	checksum;

	put16(p, r->from_port);
	put16(p + 2, r->to_port);
	put16(p + 4, (uint16_t) total);
	memcpy(p + UDP_HEADER, data, length);
	checksum = fold(sum_words(pseudo_sum(r, PROTO_UDP, total), p, total));
	put16(p + 6, checksum != 0 ? checksum : 0xffff);	/* 0 would mean none */
	return f;
}

/* `rest`: everything behind the checksum.  ICMPv6 sums a pseudo-header too. */
frame *
frame_icmp(const route *r, uint8_t type, uint8_t code, const void *rest, size_t length)
{
	uint8_t		protocol = r->v6 ? PROTO_ICMPV6 : PROTO_ICMP;
	size_t		total = ICMP_HEADER + length;
	uint8_t    *p;
	frame	   *f = frame_start(r, protocol, total, &p);

	p[0] = type;
	p[1] = code;
	memcpy(p + ICMP_HEADER, rest, length);
	put16(p + 2, fold(sum_words(r->v6 ? pseudo_sum(r, protocol, total) : 0, p, total)));
	return f;
}

/* CRC-32C (Castagnoli), low bit first: RFC 9260, appendix A. */
static uint32_t
crc32c(const uint8_t *p, size_t length)
{
	uint32_t	crc = UINT32_MAX;

	for (size_t i = 0; i < length; i++)
	{
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

/* No verification tag: the chunk is one that asks for an association. */
frame *
frame_sctp(const route *r, const void *chunk, size_t length)
{
	size_t		total = SCTP_HEADER + length;
	uint8_t    *p;
	frame	   *f = frame_start(r, PROTO_SCTP, total, &p);

	put16(p, r->from_port);
	put16(p + 2, r->to_port);
	memcpy(p + SCTP_HEADER, chunk, length);
	put32(p + 8, __builtin_bswap32(crc32c(p, total)));
	return f;
}
