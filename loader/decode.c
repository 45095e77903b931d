/*
 * decode.c - IP and transport headers (see decode.h).
 *
 * Layers are parsed outermost first, each leaving the cursor at the next one:
 *
 *   link_layer()  -> EtherType      link.c
 *   ipv4(), ipv6() -> protocol      RFC 791, RFC 8200, RFC 4302 (AH)
 *   transport()   -> ports, flags   RFC 9293, 768, 792, 4443, 9260
 *
 * and then, if that is a tunnel, tunnel_enter() leads to the next ipv4() or
 * ipv6() inside (tunnel.c).
 */
#include "decode.h"

#include <string.h>

#include "layer.h"

enum
{
	MOST_TUNNELS = 8			/* inside each other */
};

/* ---- transport ---------------------------------------------------------- */

/*
 * What does not belong to a UDP datagram although it is in the IP packet: all
 * beyond the length in its header, if that can be right.
 */
static uint32_t
udp_excess(const uint8_t *header, uint32_t rest)
{
	uint32_t	length = be16(header + 4);

	return length >= 8 && length <= rest ? rest - length : 0;
}

/*
 * Ports and flags as far as they were captured; returns how many of the "rest"
 * bytes are not payload.
 */
static uint32_t
transport(const cursor *c, packet *p, uint32_t rest)
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
			p->has_seq = true;
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
			if (p->protocol == PROTO_SCTP)
				return 12;
			return p->protocol == PROTO_UDP && seen >= 8 && !p->fragmented ? 8 + udp_excess(header, rest) : 8;
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
	p->behind = rest;
	if (p->fragment_offset == 0)
		header = transport(c, p, rest);
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

static void
begin_fragment(packet *p, uint32_t offset, bool more, uint32_t id, uint8_t ip_protocol)
{
	p->fragment_offset = offset;
	p->more_fragments = more;
	p->fragmented = more || offset > 0;
	if (p->fragmented)
		p->whole = (datagram) {.src = p->src, .dst = p->dst, .id = id, .version = p->version,
		.ip_protocol = ip_protocol};
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
	p->ttl = header[8];
	p->protocol = header[9];
	map_ipv4(&p->src, header + 12);
	map_ipv4(&p->dst, header + 16);
	fragment = be16(header + 6);
	if (fragment & 0x3fff)
		begin_fragment(p, (uint32_t) (fragment & 0x1fff) * 8, fragment & 0x2000, be16(header + 4), header[9]);

	rest = p->length - size;
	if (!take(c, size - 20))	/* options cut off, and all behind them */
		c->at = c->end;
	else if (p->protocol == PROTO_AH && p->fragment_offset == 0)
		authentication_header(c, p, &rest);
	payload(c, p, rest);
	return true;
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
		if (p->protocol == PROTO_FRAGMENT)	/* RFC 8200, 4.5 */
			begin_fragment(p, be16(header + 2) & 0xfff8, header[3] & 1, be32(header + 4), 0);
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
	if (rest == 0 && wire > 40 && header[6] != PROTO_NONE)	/* jumbogram or segmentation offload */
		rest = wire - 40;
	p->length = rest + 40;
	p->protocol = header[6];
	p->ttl = header[7];
	memcpy(p->src.byte, header + 8, 16);
	memcpy(p->dst.byte, header + 24, 16);
	payload(c, p, extension_headers(c, p, rest));
	return true;
}

/* ---- all of it ---------------------------------------------------------- */

/* Everything but what is set only for fragments. */
static void
clear(packet *p, const frame *f, int16_t vlan)
{
	memset(p, 0, offsetof(packet, fragment_length));
	p->time = f->time;
	p->vlan = vlan;
}

static bool
network(cursor *c, int type, packet *p, uint32_t wire)
{
	switch (type)
	{
		case TYPE_IPV4:
			return ipv4(c, p, wire);
		case TYPE_IPV6:
			return ipv6(c, p, wire);
		default:
			return false;
	}
}

/*
 * The packet inside the first of an outer packet's fragments: only what this
 * fragment holds of it counts here, the later ones bring the rest.
 */
static void
cut_to_fragment(packet *inner, const packet *outer, uint32_t room)
{
	uint32_t	missing = inner->length > room ? inner->length - room : 0;

	inner->length -= missing;
	inner->payload -= missing < inner->payload ? missing : inner->payload;
	inner->behind -= missing < inner->behind ? missing : inner->behind;
	inner->fragmented = true;
	inner->more_fragments = outer->more_fragments;
	inner->whole = outer->whole;
}

/*
 * Goes inwards as long as there is an IP packet that fits into what carries
 * it.  A fragment of a fragment is left where it is: it has two datagrams.
 */
static void
follow_tunnels(cursor c, packet *p, const frame *f)
{
	for (int depth = 0; depth < MOST_TUNNELS && p->fragment_offset == 0; depth++)
	{
		const uint8_t *behind = c.at;
		packet		inner;
		int			type;
		tunnel_kind kind = tunnel_enter(&c, p, &type);
		uint32_t	before = (uint32_t) (c.at - behind);
		uint32_t	room = p->behind > before ? p->behind - before : 0;

		if (kind == TUNNEL_NONE)
			return;
		clear(&inner, f, p->vlan);
		if (!network(&c, type, &inner, room) || (p->fragmented ? inner.fragmented : inner.length > room))
			return;
		inner.tunnel = (uint8_t) (p->tunnel == TUNNEL_NONE ? kind : p->tunnel);
		inner.fragment_length = p->fragment_length;
		if (p->fragmented)
			cut_to_fragment(&inner, p, room);
		*p = inner;
	}
}

bool
decode_frame(const frame *f, bool tunnels, packet *p)
{
	cursor		c = {f->data, f->data + f->captured};
	int16_t		vlan = -1;
	uint32_t	before;
	int			type = link_layer(&c, f->link, &vlan);

	before = (uint32_t) (c.at - f->data);
	clear(p, f, vlan);
	if (!network(&c, type, p, f->wire > before ? f->wire - before : 0))
		return false;
	p->fragment_length = p->behind;
	if (tunnels)
		follow_tunnels(c, p, f);
	return true;
}
