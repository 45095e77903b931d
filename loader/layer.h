/*
 * layer.h - what the parts of the decoder share: a cursor over captured bytes,
 * the protocol numbers between link layer and IP, and who strips what.
 *
 *   link.c     link layers, tags and labels: leaves the cursor at an IP header
 *   tunnel.c   GRE, VXLAN and their like: from one IP packet to the next inside
 *   decode.c   IP and transport headers
 *
 * All reading goes through the cursor: take() hands out the next n bytes or
 * NULL, so no part can look past the end.
 */
#ifndef LAYER_H
#define LAYER_H

#include "decode.h"

/* EtherTypes (IEEE 802 Numbers, IANA); everything below TYPE_LENGTHS is an 802.3 length. */
enum
{
	TYPE_NONE = -1,				/* nothing that leads to IP */
	TYPE_LLC = 4,				/* an IEEE 802.2 header, as Linux numbers it */
	TYPE_LENGTHS = 0x05dd,
	TYPE_IPV4 = 0x0800,
	TYPE_ETHERNET = 0x6558,		/* transparent Ethernet bridging: a whole frame */
	TYPE_VLAN = 0x8100,			/* 802.1Q */
	TYPE_IPV6 = 0x86dd,
	TYPE_PPP = 0x880b,
	TYPE_MPLS = 0x8847,
	TYPE_MPLS_UPSTREAM = 0x8848,
	TYPE_PPPOE = 0x8864,
	TYPE_QINQ = 0x88a8,			/* 802.1ad */
	TYPE_PBB = 0x88e7,			/* 802.1ah */
	TYPE_FABRICPATH = 0x8903,
	TYPE_VNTAG = 0x8926,		/* 802.1Qbh */
	TYPE_QINQ_OLD = 0x9100,		/* 802.1ad before it was standardised */
	TYPE_QINQ_OLDER = 0x9200
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

/*
 * Both leave the cursor at an IP header and return its EtherType, or TYPE_NONE.
 * "vlan" is set to the first VLAN tag met, if it is negative.
 */
int			link_layer(cursor *, int link, int16_t *vlan);
int			link_carried(cursor *, int type, int16_t *vlan);

/* An 802.11 header, by itself: what follows it. */
int			link_wifi(cursor *, bool padded);

/* By its first four bits: the type of the IP header at the cursor. */
int			link_raw_ip(cursor *);

/*
 * Is "p", whose transport header is at the cursor, the outside of a tunnel?  If
 * so, its kind, with the cursor at the IP header inside and that one's type.
 */
tunnel_kind tunnel_enter(cursor *, const packet *p, int *type);

#endif
