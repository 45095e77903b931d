/*
 * decode.c - link layer, IP and transport headers (see decode.h).
 *
 * All reading goes through a cursor: take() hands out the next n bytes or
 * NULL, and nothing else moves the cursor.  Layers are parsed outermost first,
 * each leaving the cursor at the next one:
 *
 *   link_layer()  -> EtherType      IEEE 802.3, 802.1Q/ad; tcpdump.org LINKTYPE list
 *   ipv4(), ipv6() -> protocol      RFC 791, RFC 8200, RFC 4302 (AH)
 *   transport()   -> ports, flags   RFC 9293, 768, 792, 4443, 9260
 */
#include "decode.h"

#include <string.h>

enum
{
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	TYPE_VLAN = 0x8100,			/* 802.1Q */
	TYPE_QINQ = 0x88a8,			/* 802.1ad */
	TYPE_QINQ_OLD = 0x9100,		/* the same before it was standardised */
	TYPE_NONE = -1
};

typedef struct cursor
{
	const uint8_t *at;
	const uint8_t *end;
} cursor;

static inline const uint8_t *
take(cursor *c, size_t n)
{
	const uint8_t *bytes = c->at;

	if ((size_t) (c->end - c->at) < n)
		return NULL;
	c->at += n;
	return bytes;
}

static inline uint16_t
be16(const uint8_t *b)
{
	return (uint16_t) (b[0] << 8 | b[1]);
}

static inline uint32_t
be32(const uint8_t *b)
{
	return (uint32_t) b[0] << 24 | (uint32_t) b[1] << 16 | (uint32_t) b[2] << 8 | b[3];
}

bool
decode_knows_link(int link)
{
	switch (link)
	{
		case LINK_NULL:
		case LINK_ETHERNET:
		case LINK_RAW:
		case LINK_LOOP:
		case LINK_LINUX_SLL:
		case LINK_IPV4:
		case LINK_IPV6:
		case LINK_LINUX_SLL2:
			return true;
		default:
			return false;
	}
}

/* ---- link layer --------------------------------------------------------- */

/* Any number of VLAN tags; the first one is the packet's. */
static int
vlan_tags(cursor *c, int type, packet *p)
{
	while (type == TYPE_VLAN || type == TYPE_QINQ || type == TYPE_QINQ_OLD)
	{
		const uint8_t *tag = take(c, 4);

		if (!tag)
			return TYPE_NONE;
		if (p->vlan < 0)
			p->vlan = (int16_t) (be16(tag) & 0x0fff);
		type = be16(tag + 2);
	}
	return type;
}

/* Ethernet II, or IEEE 802.3 whose LLC/SNAP header carries an EtherType. */
static int
ethernet(cursor *c, packet *p)
{
	static const uint8_t snap[6] = {0xaa, 0xaa, 0x03, 0, 0, 0};
	const uint8_t *header = take(c, 14);
	int			type;

	if (!header)
		return TYPE_NONE;
	type = vlan_tags(c, be16(header + 12), p);
	if (type >= 0 && type <= 1500)
	{
		const uint8_t *llc = take(c, 8);

		if (!llc || memcmp(llc, snap, sizeof(snap)) != 0)
			return TYPE_NONE;
		type = be16(llc + 6);
	}
	return type;
}

/* A BSD address family; systems disagree on the number of AF_INET6. */
static int
loopback(cursor *c)
{
	const uint8_t *header = take(c, 4);
	uint32_t	family;

	if (!header)
		return TYPE_NONE;
	family = be32(header);
	if (family > 0xffff)
		family = __builtin_bswap32(family);
	switch (family)
	{
		case 2:
			return TYPE_IPV4;
		case 10:				/* Linux */
		case 24:				/* NetBSD, OpenBSD */
		case 28:				/* FreeBSD */
		case 30:				/* macOS */
			return TYPE_IPV6;
		default:
			return TYPE_NONE;
	}
}

static int
raw_ip(const cursor *c)
{
	if (c->at == c->end)
		return TYPE_NONE;
	switch (*c->at >> 4)
	{
		case 4:
			return TYPE_IPV4;
		case 6:
			return TYPE_IPV6;
		default:
			return TYPE_NONE;
	}
}

/* Leaves the cursor at the network header; the EtherType or TYPE_NONE. */
static int
link_layer(cursor *c, int link, packet *p)
{
	const uint8_t *header;

	switch (link)
	{
		case LINK_ETHERNET:
			return ethernet(c, p);
		case LINK_LINUX_SLL:
			header = take(c, 16);
			return header ? vlan_tags(c, be16(header + 14), p) : TYPE_NONE;
		case LINK_LINUX_SLL2:
			header = take(c, 20);
			return header ? vlan_tags(c, be16(header), p) : TYPE_NONE;
		case LINK_NULL:
		case LINK_LOOP:
			return loopback(c);
		case LINK_RAW:
			return raw_ip(c);
		case LINK_IPV4:
			return TYPE_IPV4;
		case LINK_IPV6:
			return TYPE_IPV6;
		default:
			return TYPE_NONE;
	}
}

/* ---- transport ---------------------------------------------------------- */

/*
 * Ports and flags as far as they were captured; returns the size of the header.
 */
static uint32_t
transport(cursor *c, packet *p)
{
	const uint8_t *header = c->at;
	size_t		seen = (size_t) (c->end - c->at);

	switch (p->protocol)
	{
		case PROTO_TCP:
			if (seen >= 4)
			{
				p->src_port = be16(header);
				p->dst_port = be16(header + 2);
				p->has_transport = true;
			}
			if (seen < 14)
				return 20;
			p->seq = be32(header + 4);
			p->ack = be32(header + 8);
			p->tcp_flags = header[13];
			return (uint32_t) (header[12] >> 4) * 4;
		case PROTO_UDP:
		case PROTO_UDPLITE:
		case PROTO_SCTP:
			if (seen >= 4)
			{
				p->src_port = be16(header);
				p->dst_port = be16(header + 2);
				p->has_transport = true;
			}
			return p->protocol == PROTO_SCTP ? 12 : 8;
		case PROTO_ICMP:
		case PROTO_ICMPV6:
			if (seen >= 2)
			{
				p->src_port = header[0];
				p->dst_port = header[1];
				p->has_transport = true;
			}
			return 8;
		default:
			p->has_transport = true;
			return 0;
	}
}

/* What lies behind the IP headers: "rest" bytes, by the IP header's count. */
static void
payload(cursor *c, packet *p, uint32_t rest)
{
	uint32_t	header = 0;

	if ((size_t) (c->end - c->at) > rest)
		c->end = c->at + rest;	/* what follows is padding */
	p->fragment_length = rest;
	if (p->fragment_offset == 0)
		header = transport(c, p);
	p->payload = rest > header ? rest - header : 0;
}

/* ---- network ------------------------------------------------------------ */

static void
map_ipv4(address *a, const uint8_t *bytes)
{
	memset(a->byte, 0, 10);
	a->byte[10] = a->byte[11] = 0xff;
	memcpy(a->byte + 12, bytes, 4);
}

/* RFC 4302: length in 4-byte units, less two. */
static bool
authentication_header(cursor *c, packet *p, uint32_t *rest)
{
	const uint8_t *header = c->at;
	uint32_t	size;

	if (c->end - c->at < 2)
		return false;
	size = ((uint32_t) header[1] + 2) * 4;
	if (size > *rest || !take(c, size))
		return false;
	p->protocol = header[0];
	*rest -= size;
	return true;
}

static bool
ipv4(cursor *c, packet *p, uint32_t wire)
{
	const uint8_t *header = take(c, 20);
	uint32_t	size,
				rest;
	uint16_t	fragment;

	if (!header || header[0] >> 4 != 4)
		return false;
	size = (uint32_t) (header[0] & 0x0f) * 4;
	p->version = 4;
	p->length = be16(header + 2);
	if (p->length == 0)			/* segmented by the network card after the capture */
		p->length = wire;
	if (size < 20 || p->length < size)
		return false;
	fragment = be16(header + 6);
	p->fragment_id = be16(header + 4);
	p->fragment_offset = (uint32_t) (fragment & 0x1fff) * 8;
	p->more_fragments = fragment & 0x2000;
	p->fragmented = p->more_fragments || p->fragment_offset > 0;
	p->ttl = header[8];
	p->protocol = p->ip_protocol = header[9];
	map_ipv4(&p->src, header + 12);
	map_ipv4(&p->dst, header + 16);

	rest = p->length - size;
	if (!take(c, size - 20))	/* options cut off, and all behind them */
		c->at = c->end;
	else if (p->protocol == PROTO_AH && p->fragment_offset == 0)
		authentication_header(c, p, &rest);
	payload(c, p, rest);
	return true;
}

/* RFC 8200, 4.5 */
static void
fragment_header(const uint8_t *header, packet *p)
{
	p->fragment_offset = be16(header + 2) & 0xfff8;
	p->more_fragments = header[3] & 1;
	p->fragment_id = be32(header + 4);
	p->fragmented = p->more_fragments || p->fragment_offset > 0;
}

/*
 * Walks the extension headers to the transport.  It ends at a later fragment
 * (whose protocol is all there is to know), and where bytes are missing.
 */
static uint32_t
extension_headers(cursor *c, packet *p, uint32_t rest)
{
	for (;;)
	{
		const uint8_t *header = c->at;
		uint32_t	size;

		switch (p->protocol)
		{
			case PROTO_HOPOPTS:
			case PROTO_ROUTING:
			case PROTO_DSTOPTS:
				if (c->end - c->at < 8)
					return rest;
				size = ((uint32_t) header[1] + 1) * 8;
				break;
			case PROTO_FRAGMENT:
				size = 8;
				break;
			case PROTO_AH:
				if (!authentication_header(c, p, &rest))
					return rest;
				continue;
			default:
				return rest;
		}
		if (size > rest || !take(c, size))
			return rest;
		if (p->protocol == PROTO_FRAGMENT)
			fragment_header(header, p);
		p->protocol = header[0];
		rest -= size;
		if (p->fragment_offset > 0)
			return rest;
	}
}

static bool
ipv6(cursor *c, packet *p, uint32_t wire)
{
	const uint8_t *header = take(c, 40);
	uint32_t	rest;

	if (!header || header[0] >> 4 != 6)
		return false;
	p->version = 6;
	rest = be16(header + 4);
	if (rest == 0 && wire > 40 && header[6] != 59)	/* jumbogram or segmentation offload */
		rest = wire - 40;
	p->length = rest + 40;
	p->protocol = header[6];
	p->ttl = header[7];
	memcpy(p->src.byte, header + 8, 16);
	memcpy(p->dst.byte, header + 24, 16);
	payload(c, p, extension_headers(c, p, rest));
	return true;
}

bool
decode_frame(const frame *f, packet *p)
{
	cursor		c = {f->data, f->data + f->captured};
	uint32_t	wire;
	int			type;

	memset(p, 0, sizeof(*p));
	p->time = f->time;
	p->vlan = -1;
	type = link_layer(&c, f->link, p);
	wire = f->wire > (uint32_t) (c.at - f->data) ? f->wire - (uint32_t) (c.at - f->data) : 0;
	switch (type)
	{
		case TYPE_IPV4:
			return ipv4(&c, p, wire);
		case TYPE_IPV6:
			return ipv6(&c, p, wire);
		default:
			return false;
	}
}
