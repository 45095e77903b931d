/*
 * tunnel.c - tunnel headers: from one IP packet to the one inside it.
 *
 * What is a tunnel is known from the IP protocol or from a UDP port; the latter
 * is a guess, so what looks like a tunnel counts as one only if the caller
 * finds an IP packet in it that fits.
 */
#include "layer.h"

#include <string.h>

enum
{
	PORT_GTP = 2152,
	PORT_TEREDO = 3544,
	PORT_GRE = 4754,
	PORT_VXLAN = 4789,
	PORT_VXLAN_GPE = 4790,
	PORT_AYIYA = 5072,
	PORT_GENEVE = 6081,
	PORT_MPLS = 6635,
	PORT_VXLAN_LINUX = 8472		/* from before a port was assigned */
};

enum
{
	GRE_CHECKSUM = 0x8000,
	GRE_ROUTING = 0x4000,
	GRE_KEY = 0x2000,
	GRE_SEQUENCE = 0x1000,
	GRE_ACK = 0x0080,			/* of version 1 */
	GRE_VERSION = 0x0007,
	GRE_ERSPAN = 0x88be,
	GRE_ERSPAN_3 = 0x22eb,
	GRE_ARUBA = 0x9000			/* and 0x82.0, 0x83.0: 802.11 frames of access points */
};

/* ---- GRE ---------------------------------------------------------------- */

/* RFC 1701: source route entries up to an empty one. */
static bool
gre_routing(cursor *c)
{
	const uint8_t *entry;

	do
	{
		entry = take(c, 4);
		if (!entry || !take(c, entry[3]))
			return false;
	} while (be16(entry) != 0 || entry[3] != 0);
	return true;
}

/* ERSPAN type I has no header of its own, II 8 bytes, III 12 or 20. */
static int
erspan(cursor *c, uint16_t flags, uint16_t protocol)
{
	if (protocol == GRE_ERSPAN)
		return !(flags & GRE_SEQUENCE) || take(c, 8) ? TYPE_ETHERNET : TYPE_NONE;
	else
	{
		const uint8_t *header = take(c, 12);

		return header && (!(header[11] & 1) || take(c, 8)) ? TYPE_ETHERNET : TYPE_NONE;
	}
}

static bool
is_aruba(uint16_t protocol)
{
	return protocol == GRE_ARUBA || (protocol & 0xff0f) == 0x8200 ||
		((protocol & 0xff0f) == 0x8300 && protocol <= 0x8370);
}

static tunnel_kind
gre(cursor *c, int *type)
{
	const uint8_t *header = take(c, 4);
	uint16_t	flags,
				protocol;

	if (!header)
		return TUNNEL_NONE;
	flags = be16(header);
	protocol = be16(header + 2);
	if ((flags & GRE_VERSION) > 1 || ((flags & GRE_VERSION) == 1 && protocol != TYPE_PPP))
		return TUNNEL_NONE;
	if ((flags & (GRE_CHECKSUM | GRE_ROUTING) && !take(c, 4)) ||
		(flags & GRE_KEY && !take(c, 4)) ||
		(flags & GRE_SEQUENCE && !take(c, 4)) ||
		(flags & GRE_ROUTING && !gre_routing(c)) ||
		((flags & GRE_VERSION) == 1 && flags & GRE_ACK && !take(c, 4)))
		return TUNNEL_NONE;
	if (protocol == GRE_ERSPAN || protocol == GRE_ERSPAN_3)
	{
		*type = erspan(c, flags, protocol);
		return TUNNEL_ERSPAN;
	}
	*type = is_aruba(protocol) ? link_wifi(c, false) : protocol;
	return TUNNEL_GRE;
}

/* ---- over UDP ----------------------------------------------------------- */

static tunnel_kind
vxlan(cursor *c, bool gpe, int *type)
{
	static const int next[] = {TYPE_NONE, TYPE_IPV4, TYPE_IPV6, TYPE_ETHERNET};
	const uint8_t *header = take(c, 8);

	if (!header || !(header[0] & 0x08))	/* an identifier is there */
		return TUNNEL_NONE;
	*type = TYPE_ETHERNET;
	if (gpe && header[0] & 0x04)
		*type = header[3] < sizeof(next) / sizeof(next[0]) ? next[header[3]] : TYPE_NONE;
	return TUNNEL_VXLAN;
}

static tunnel_kind
geneve(cursor *c, int *type)
{
	const uint8_t *header = take(c, 8);

	if (!header || header[0] >> 6 != 0 || !take(c, (size_t) (header[0] & 0x3f) * 4))
		return TUNNEL_NONE;
	*type = be16(header + 2);
	return TUNNEL_GENEVE;
}

/* Version 1, a user's packet (255); extension headers say their length in words. */
static tunnel_kind
gtp(cursor *c, int *type)
{
	const uint8_t *header = take(c, 8);
	uint8_t		next;

	if (!header || (header[0] & 0xf0) != 0x30 || header[1] != 255)
		return TUNNEL_NONE;
	if (header[0] & 0x07)
	{
		const uint8_t *optional = take(c, 4);

		if (!optional)
			return TUNNEL_NONE;
		next = header[0] & 0x04 ? optional[3] : 0;
		while (next != 0)
		{
			const uint8_t *extension = c->at;

			if (c->at == c->end || *c->at == 0 || !take(c, (size_t) *c->at * 4))
				return TUNNEL_NONE;
			next = extension[*extension * 4 - 1];
		}
	}
	*type = link_raw_ip(c);
	return TUNNEL_GTP;
}

/* Authentication (RFC 4380, 5.1.1) and origin may precede the packet, in this order. */
static tunnel_kind
teredo(cursor *c, int *type)
{
	if (c->end - c->at >= 4 && be16(c->at) == 1 && !take(c, 4u + c->at[2] + c->at[3] + 9u))
		return TUNNEL_NONE;
	if (c->end - c->at >= 2 && be16(c->at) == 0 && !take(c, 8))
		return TUNNEL_NONE;
	*type = link_raw_ip(c) == TYPE_IPV6 ? TYPE_IPV6 : TYPE_NONE;
	return TUNNEL_TEREDO;
}

/* Identity of 2^n bytes, signature of n words; operation 1 is a packet. */
static tunnel_kind
ayiya(cursor *c, int *type)
{
	const uint8_t *header = take(c, 8);

	if (!header || (header[2] & 0x0f) != 1 ||
		!take(c, ((size_t) 1 << (header[0] >> 4)) + (size_t) (header[1] >> 4) * 4))
		return TUNNEL_NONE;
	*type = header[3] == PROTO_IPIP ? TYPE_IPV4 : header[3] == PROTO_IPV6 ? TYPE_IPV6 : TYPE_NONE;
	return TUNNEL_AYIYA;
}

/*
 * Teredo's clients talk to each other from any port.  A whole IPv6 packet with
 * a Teredo address (RFC 4380, 4: 2001::/32) is no accident.
 */
static bool
is_teredo(const cursor *c, uint32_t bytes)
{
	static const uint8_t prefix[4] = {0x20, 0x01, 0, 0};
	const uint8_t *header = c->at;

	return c->end - c->at >= 40 && header[0] >> 4 == 6 && be16(header + 4) + 40u == bytes &&
		(memcmp(header + 8, prefix, 4) == 0 || memcmp(header + 24, prefix, 4) == 0);
}

static tunnel_kind
over_udp(cursor *c, uint16_t port, int *type)
{
	switch (port)
	{
		case PORT_GTP:
			return gtp(c, type);
		case PORT_TEREDO:
			return teredo(c, type);
		case PORT_GRE:
			return gre(c, type);
		case PORT_VXLAN:
		case PORT_VXLAN_LINUX:
			return vxlan(c, false, type);
		case PORT_VXLAN_GPE:
			return vxlan(c, true, type);
		case PORT_AYIYA:
			return ayiya(c, type);
		case PORT_GENEVE:
			return geneve(c, type);
		case PORT_MPLS:
			*type = TYPE_MPLS;
			return TUNNEL_MPLS;
		default:
			return TUNNEL_NONE;
	}
}

/* ---- any ---------------------------------------------------------------- */

static tunnel_kind
by_protocol(cursor *c, const packet *p, int *type)
{
	cursor		behind;
	tunnel_kind kind;

	switch (p->protocol)
	{
		case PROTO_UDP:
			if (!take(c, 8))
				return TUNNEL_NONE;
			behind = *c;
			kind = over_udp(c, p->dst_port, type);
			if (kind != TUNNEL_NONE)
				return kind;
			*c = behind;
			kind = over_udp(c, p->src_port, type);
			if (kind != TUNNEL_NONE)
				return kind;
			*c = behind;
			return is_teredo(c, p->payload) ? teredo(c, type) : TUNNEL_NONE;
		case PROTO_GRE:
			return gre(c, type);
		case PROTO_IPIP:
			*type = TYPE_IPV4;
			return TUNNEL_IPIP;
		case PROTO_IPV6:
			*type = TYPE_IPV6;
			return TUNNEL_6IN4;
		case PROTO_ETHERIP:
			*type = take(c, 2) ? TYPE_ETHERNET : TYPE_NONE;
			return TUNNEL_ETHERIP;
		case PROTO_MPLS:
			*type = TYPE_MPLS;
			return TUNNEL_MPLS;
		default:
			return TUNNEL_NONE;
	}
}

tunnel_kind
tunnel_enter(cursor *c, const packet *p, int *type)
{
	int16_t		vlan = 0;		/* tags inside are not the packet's */
	tunnel_kind kind = by_protocol(c, p, type);

	if (kind == TUNNEL_NONE)
		return TUNNEL_NONE;
	*type = link_carried(c, *type, &vlan);
	return *type == TYPE_NONE ? TUNNEL_NONE : kind;
}
