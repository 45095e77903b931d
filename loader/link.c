/*
 * link.c - from the first byte of a frame to its IP header (see layer.h).
 *
 * A link layer ends in an EtherType, and link_carried() follows that through
 * whatever lies between it and IP: VLAN tags, MPLS labels, PPPoE, a second
 * Ethernet header.  Every turn of its loop takes bytes, so it ends.
 *
 * Layouts: tcpdump.org's list of LINKTYPEs; IEEE 802.3, 802.2, 802.1Q/ad/ah,
 * 802.11; radiotap.org; RFC 1661 and 1662 (PPP), 2516 (PPPoE), 3032 and 4385
 * (MPLS), 2427 (frame relay), 1188 (FDDI), 1042 (SNAP).
 */
#include "layer.h"

enum
{
	PPP_IPV4 = 0x0021,
	PPP_IPV6 = 0x0057,
	PPP_MPLS = 0x0281,
	NLPID_SNAP = 0x80,
	NLPID_IPV6 = 0x8e,
	NLPID_IPV4 = 0xcc
};

static uint16_t
le16(const uint8_t *b)
{
	return (uint16_t) (b[1] << 8 | b[0]);
}

static uint32_t
le32(const uint8_t *b)
{
	return (uint32_t) b[3] << 24 | (uint32_t) b[2] << 16 | (uint32_t) b[1] << 8 | b[0];
}

/* ---- between link layer and IP ------------------------------------------ */

/* The EtherType "offset" bytes into a header of "size", which is skipped. */
static int
type_in(cursor *c, size_t size, size_t offset)
{
	const uint8_t *header = take(c, size);

	return header ? be16(header + offset) : TYPE_NONE;
}

/* A header of "size" bytes before what is always of one type. */
static int
skip_to(cursor *c, size_t size, int type)
{
	return take(c, size) ? type : TYPE_NONE;
}

int
link_raw_ip(cursor *c)
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

/* ISO's network layer protocol identifiers, as frame relay and LLC use them. */
static int
nlpid(cursor *c)
{
	const uint8_t *id = take(c, 1);

	if (!id)
		return TYPE_NONE;
	switch (*id)
	{
		case NLPID_SNAP:
			return type_in(c, 5, 3);
		case NLPID_IPV4:
			return TYPE_IPV4;
		case NLPID_IPV6:
			return TYPE_IPV6;
		default:
			return TYPE_NONE;
	}
}

/* 802.2 with SNAP and an EtherType (organisation 0, or 0000f8 of bridges), or IP without. */
static int
llc(cursor *c)
{
	const uint8_t *header = take(c, 3);

	if (!header || header[2] != 0x03)
		return TYPE_NONE;
	if (header[0] == 0x06 && header[1] == 0x06)
		return TYPE_IPV4;
	if (header[0] == 0xfe && header[1] == 0xfe)
		return nlpid(c);
	if (header[0] != 0xaa || header[1] != 0xaa || !(header = take(c, 5)))
		return TYPE_NONE;
	if (header[0] != 0 || header[1] != 0 || (header[2] != 0 && header[2] != 0xf8))
		return TYPE_NONE;
	return be16(header + 3);
}

/* The protocol field, one byte or two, behind address and control if those are there. */
static int
ppp(cursor *c)
{
	const uint8_t *byte;
	int			protocol;

	if (c->end - c->at >= 2 && c->at[0] == 0xff && c->at[1] == 0x03)
		c->at += 2;
	if (!(byte = take(c, 1)))
		return TYPE_NONE;
	protocol = *byte;
	if (!(protocol & 1))
	{
		if (!(byte = take(c, 1)))
			return TYPE_NONE;
		protocol = protocol << 8 | *byte;
	}
	switch (protocol)
	{
		case PPP_IPV4:
			return TYPE_IPV4;
		case PPP_IPV6:
			return TYPE_IPV6;
		case PPP_MPLS:
			return TYPE_MPLS;
		default:
			return TYPE_NONE;
	}
}

/* PPP in HDLC framing, or Cisco's HDLC with an EtherType. */
static int
hdlc(cursor *c)
{
	if (c->at < c->end && (*c->at == 0x0f || *c->at == 0x8f))
		return type_in(c, 4, 2);
	return ppp(c);
}

/*
 * Labels up to the bottom of the stack.  Nothing says what follows: IP, by its
 * version, or a pseudowire's Ethernet, with a control word (0) or without.
 */
static int
mpls(cursor *c)
{
	const uint8_t *label;

	do
	{
		if (!(label = take(c, 4)))
			return TYPE_NONE;
	} while (!(label[2] & 1));
	if (c->at == c->end)
		return TYPE_NONE;
	switch (*c->at >> 4)
	{
		case 4:
			return TYPE_IPV4;
		case 6:
			return TYPE_IPV6;
		case 0:
			return skip_to(c, 4, TYPE_ETHERNET);
		default:
			return TYPE_ETHERNET;
	}
}

int
link_carried(cursor *c, int type, int16_t *vlan)
{
	const uint8_t *header;

	for (;;)
		switch (type)
		{
			case TYPE_IPV4:
			case TYPE_IPV6:
			case TYPE_NONE:
				return type;
			case TYPE_VLAN:
			case TYPE_QINQ:
			case TYPE_QINQ_OLD:
			case TYPE_QINQ_OLDER:
				if (!(header = take(c, 4)))
					return TYPE_NONE;
				if (*vlan < 0)
					*vlan = (int16_t) (be16(header) & 0x0fff);
				type = be16(header + 2);
				break;
			case TYPE_ETHERNET:
				type = type_in(c, 14, 12);
				break;
			case TYPE_MPLS:
			case TYPE_MPLS_UPSTREAM:
				type = mpls(c);
				break;
			case TYPE_PPP:
				type = ppp(c);
				break;
			case TYPE_PPPOE:
				type = skip_to(c, 6, TYPE_PPP);
				break;
			case TYPE_PBB:
				type = skip_to(c, 4, TYPE_ETHERNET);
				break;
			case TYPE_FABRICPATH:
				type = skip_to(c, 2, TYPE_ETHERNET);
				break;
			case TYPE_VNTAG:
				type = type_in(c, 6, 4);
				break;
			default:
				if (type >= TYPE_LENGTHS)
					return TYPE_NONE;
				type = llc(c);
				break;
		}
}

/* ---- wireless ----------------------------------------------------------- */

/*
 * An 802.11 data frame in the clear.  Of a frame that aggregates several
 * packets the first one counts.
 */
int
link_wifi(cursor *c, bool padded)
{
	const uint8_t *header = take(c, 24);
	const uint8_t *start = header;
	bool		aggregate = false;

	if (!header || (header[0] & 0x0f) != 0x08 || header[0] & 0x40)	/* version 0, data, not without */
		return TYPE_NONE;
	if (header[1] & 0x40 || header[22] & 0x0f)	/* encrypted, or a later fragment */
		return TYPE_NONE;
	if ((header[1] & 0x03) == 0x03 && !take(c, 6))	/* between access points: a fourth address */
		return TYPE_NONE;
	if (header[0] & 0x80)		/* quality of service, then perhaps HT control */
	{
		const uint8_t *qos = take(c, 2);

		if (!qos || (header[1] & 0x80 && !take(c, 4)))
			return TYPE_NONE;
		aggregate = qos[0] & 0x80;
	}
	if (padded && !take(c, (size_t) (-(c->at - start) & 3)))
		return TYPE_NONE;
	return aggregate ? skip_to(c, 14, TYPE_LLC) : TYPE_LLC;
}

/*
 * Radiotap: version, pad, length, then words that say which fields follow, each
 * aligned to its size.  Of interest is whether the frame's header is padded:
 * bit 5 of the flags (field 1), which only the 8-byte timestamp may precede.
 */
static int
radiotap(cursor *c)
{
	const uint8_t *header = c->at;
	size_t		length,
				at = 4;
	uint32_t	present;

	if (c->end - c->at < 8 || header[0] != 0)
		return TYPE_NONE;
	length = le16(header + 2);
	if (length < 8 || !take(c, length))
		return TYPE_NONE;
	present = le32(header + 4);
	do
		at += 4;
	while (at + 4 <= length && header[at - 1] & 0x80);	/* another word of bits follows */
	if (present & 1)
		at = ((at + 7) & ~(size_t) 7) + 8;
	return link_wifi(c, present & 2 && at < length && header[at] & 0x20);
}

/* The Prism header is 144 bytes long; AVS's says its length. */
static int
prism(cursor *c)
{
	size_t		length = 144;

	if (c->end - c->at < 8)
		return TYPE_NONE;
	if ((be32(c->at) & 0xfffff000) == 0x80211000)
		length = be32(c->at + 4);
	return take(c, length) ? link_wifi(c, false) : TYPE_NONE;
}

/* ---- link layers -------------------------------------------------------- */

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

/* OpenBSD's IPsec: the family, an index, flags. */
static int
enc(cursor *c)
{
	int			type = loopback(c);

	return skip_to(c, 8, type);
}

static int
bare_wifi(cursor *c)
{
	return link_wifi(c, false);
}

/* Family, version, resource, then attributes; number 9 is the packet. */
static int
nflog(cursor *c)
{
	const uint8_t *attribute;

	if (!take(c, 4))
		return TYPE_NONE;
	while ((attribute = take(c, 4)) != NULL)
	{
		size_t		length = le16(attribute);	/* the writer's order; big-endian hosts are rare */

		if (length < 4)
			return TYPE_NONE;
		if ((le16(attribute + 2) & 0x7fff) == 9)
			return link_raw_ip(c);
		if (!take(c, (length - 4 + 3) & ~(size_t) 3))
			return TYPE_NONE;
	}
	return TYPE_NONE;
}

/* Q.922 address (until a byte is odd); control 03, perhaps padding, NLPID; or Cisco's, an EtherType. */
static int
frame_relay(cursor *c)
{
	const uint8_t *byte;

	do
	{
		if (!(byte = take(c, 1)))
			return TYPE_NONE;
	} while (!(*byte & 1));
	if (c->at == c->end || *c->at != 0x03)
		return type_in(c, 2, 0);
	c->at++;
	while (c->at < c->end && *c->at == 0)
		c->at++;
	return nlpid(c);
}

/* FDDI: frame control 0101xxxx carries LLC. */
static int
fddi(cursor *c)
{
	const uint8_t *header = take(c, 13);

	return header && (header[0] & 0xf0) == 0x50 ? TYPE_LLC : TYPE_NONE;
}

/* OpenBSD's packet filter log: a header that says its length, padded to words. */
static int
pflog(cursor *c)
{
	if (c->at == c->end || !take(c, ((size_t) *c->at + 3) & ~(size_t) 3))
		return TYPE_NONE;
	return link_raw_ip(c);
}

/* Direction and kind of traffic, path, channel; kind 2 is LLC. */
static int
sunatm(cursor *c)
{
	const uint8_t *header = take(c, 4);

	return header && (header[0] & 0x0f) == 2 ? TYPE_LLC : TYPE_NONE;
}

static int	other_link(cursor *c, uint32_t link);

/* Per-packet information: its length, and the link type of what follows. */
static int
ppi(cursor *c)
{
	const uint8_t *header = c->at;

	if (c->end - c->at < 8 || le16(header + 2) < 8 || !take(c, le16(header + 2)))
		return TYPE_NONE;
	return other_link(c, le32(header + 4));
}

/* Header length, record type (1: a packet), link type of what follows. */
static int
pktap(cursor *c)
{
	const uint8_t *header = c->at;

	if (c->end - c->at < 12 || le32(header + 4) != 1 || le32(header) < 12 || !take(c, le32(header)))
		return TYPE_NONE;
	return other_link(c, le32(header + 8));
}

/*
 * What a link layer begins with: "skip" bytes, with an EtherType at "offset" of
 * them, or followed by what is always of one type, or by what a function finds.
 */
typedef struct link_kind
{
	uint8_t		skip;
	uint8_t		offset;
	int16_t		type;			/* 0: see above */
	int			(*step) (cursor *);
} link_kind;

static const link_kind kinds[] = {
	[LINK_NULL] = {.step = loopback},
	[LINK_ETHERNET] = {.skip = 14, .offset = 12},
	[LINK_SLIP] = {.skip = 16, .step = link_raw_ip},
	[LINK_PPP] = {.step = hdlc},
	[LINK_FDDI] = {.step = fddi},
	[LINK_PPP_HDLC] = {.step = hdlc},
	[LINK_PPP_ETHER] = {.skip = 6, .step = ppp},
	[LINK_ATM_RFC1483] = {.type = TYPE_LLC},
	[LINK_RAW] = {.step = link_raw_ip},
	[LINK_C_HDLC] = {.step = hdlc},
	[LINK_WIFI] = {.step = bare_wifi},
	[LINK_FRAME_RELAY] = {.step = frame_relay},
	[LINK_LOOP] = {.step = loopback},
	[LINK_ENC] = {.step = enc},
	[LINK_LINUX_SLL] = {.skip = 16, .offset = 14},
	[LINK_PFLOG] = {.step = pflog},
	[LINK_WIFI_PRISM] = {.step = prism},
	[LINK_SUNATM] = {.step = sunatm},
	[LINK_WIFI_RADIOTAP] = {.step = radiotap},
	[LINK_IP_OVER_1394] = {.skip = 18, .offset = 16},
	[LINK_WIFI_AVS] = {.step = prism},
	[LINK_PPP_PPPD] = {.skip = 1, .step = ppp},
	[LINK_PPI] = {.step = ppi},
	[LINK_PPP_WITH_DIR] = {.skip = 1, .step = ppp},
	[LINK_C_HDLC_WITH_DIR] = {.skip = 1, .step = hdlc},
	[LINK_IPNET] = {.skip = 24, .step = link_raw_ip},
	[LINK_IPV4] = {.type = TYPE_IPV4},
	[LINK_IPV6] = {.step = link_raw_ip},
	[LINK_NFLOG] = {.step = nflog},
	[LINK_IPOIB] = {.skip = 44, .offset = 40},
	[LINK_PKTAP] = {.step = pktap},
	[LINK_LINUX_SLL2] = {.skip = 20, .offset = 0},
	[LINK_DSA_BRCM] = {.skip = 18, .offset = 16},
	[LINK_DSA_BRCM_PREPEND] = {.skip = 18, .offset = 16},
	[LINK_DSA] = {.skip = 18, .offset = 16},
	[LINK_EDSA] = {.skip = 22, .offset = 20},
};

/* NULL if it is not known. */
static inline const link_kind *
find_kind(int link)
{
	const link_kind *k;

	if (link < 0 || link >= (int) (sizeof(kinds) / sizeof(kinds[0])))
		return NULL;
	k = &kinds[link];
	return k->skip || k->type || k->step ? k : NULL;
}

bool
decode_knows_link(int link)
{
	return find_kind(link) != NULL;
}

/* The EtherType that a link layer ends in, before link_carried(). */
static int
first_type(cursor *c, int link)
{
	const link_kind *k = find_kind(link);

	if (!k)
		return TYPE_NONE;
	if (!k->type && !k->step)
		return type_in(c, k->skip, k->offset);
	if (!take(c, k->skip))
		return TYPE_NONE;
	return k->step ? k->step(c) : k->type;
}

/* A link layer inside a wrapper; wrappers inside each other there are none. */
static int
other_link(cursor *c, uint32_t link)
{
	return link == LINK_PPI || link == LINK_PKTAP ? TYPE_NONE : first_type(c, (int) link);
}

int
link_layer(cursor *c, int link, int16_t *vlan)
{
	return link_carried(c, first_type(c, link), vlan);
}
