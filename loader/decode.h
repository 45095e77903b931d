/*
 * decode.h - from the bytes of one frame to the few facts a flow needs.
 *
 * decode_frame() reads the link layer, IP with its extension headers, tunnels,
 * and the start of the transport header.  It allocates nothing, keeps nothing
 * between calls and never looks past the captured bytes, so any input is safe.
 *
 * What a capture cut off is left at zero (ports, flags): a packet counts as
 * soon as its fixed IP header is there.  Lengths come from the IP header, not
 * from the capture, so that a snap length does not change byte counts and
 * Ethernet padding is not taken for payload.
 *
 * A packet counts once, as part of the innermost flow that can be read: inside
 * a tunnel, addresses, ports and lengths are those of the inner packet, and
 * "tunnel" says what it came through.  Where the inside is not IP, does not
 * fit into the outside, or is encrypted, the flow is the one between the
 * tunnel's ends.
 */
#ifndef DECODE_H
#define DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Link layers, numbered as in pcapng and tcpdump.org's list of LINKTYPEs. */
enum
{
	LINK_NULL = 0,				/* BSD loopback, family in the writer's byte order */
	LINK_ETHERNET = 1,
	LINK_SLIP = 8,
	LINK_PPP = 9,
	LINK_FDDI = 10,
	LINK_PPP_HDLC = 50,
	LINK_PPP_ETHER = 51,		/* PPPoE session, without Ethernet */
	LINK_ATM_RFC1483 = 100,
	LINK_RAW = 101,				/* IPv4 or IPv6, no link header */
	LINK_C_HDLC = 104,
	LINK_WIFI = 105,			/* 802.11 */
	LINK_FRAME_RELAY = 107,
	LINK_LOOP = 108,			/* OpenBSD loopback, family in network order */
	LINK_ENC = 109,				/* OpenBSD's IPsec interface */
	LINK_LINUX_SLL = 113,
	LINK_PFLOG = 117,
	LINK_WIFI_PRISM = 119,
	LINK_SUNATM = 123,
	LINK_WIFI_RADIOTAP = 127,
	LINK_IP_OVER_1394 = 138,
	LINK_WIFI_AVS = 163,
	LINK_PPP_PPPD = 166,
	LINK_PPI = 192,
	LINK_PPP_WITH_DIR = 204,
	LINK_C_HDLC_WITH_DIR = 205,
	LINK_IPNET = 226,			/* Solaris */
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_NFLOG = 239,
	LINK_IPOIB = 242,			/* Infiniband */
	LINK_PKTAP = 258,			/* macOS, any interface */
	LINK_LINUX_SLL2 = 276,
	LINK_DSA_BRCM = 281,		/* tags between a host and its switch */
	LINK_DSA_BRCM_PREPEND = 282,
	LINK_DSA = 284,
	LINK_EDSA = 285
};

enum
{
	PROTO_HOPOPTS = 0,
	PROTO_ICMP = 1,
	PROTO_IPIP = 4,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_IPV6 = 41,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_GRE = 47,
	PROTO_AH = 51,
	PROTO_ICMPV6 = 58,
	PROTO_NONE = 59,
	PROTO_DSTOPTS = 60,
	PROTO_ETHERIP = 97,
	PROTO_SCTP = 132,
	PROTO_UDPLITE = 136,
	PROTO_MPLS = 137
};

/* What a flow came through; the outermost, if several.  Values of the column "tunnel". */
typedef enum tunnel_kind
{
	TUNNEL_NONE,
	TUNNEL_GRE,					/* RFC 2784, 2890, 1701; PPTP's of RFC 2637; over UDP, RFC 8086 */
	TUNNEL_ERSPAN,				/* types I, II, III: mirrored frames over GRE */
	TUNNEL_IPIP,				/* IPv4 in IP: RFC 2003, 2473 */
	TUNNEL_6IN4,				/* IPv6 in IP: RFC 4213, 2473 */
	TUNNEL_VXLAN,				/* RFC 7348, and GPE */
	TUNNEL_GENEVE,				/* RFC 8926 */
	TUNNEL_GTP,					/* 3GPP TS 29.281, user plane */
	TUNNEL_TEREDO,				/* RFC 4380 */
	TUNNEL_AYIYA,				/* draft-massar-v6ops-ayiya */
	TUNNEL_ETHERIP,				/* RFC 3378 */
	TUNNEL_MPLS					/* in IP, RFC 4023; in UDP, RFC 7510 */
} tunnel_kind;

enum
{
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_ACK = 0x10,
	TCP_URG = 0x20
};

/* An address: IPv6, or IPv4 as ::ffff:a.b.c.d (packet.version tells them apart). */
typedef struct address
{
	uint8_t		byte[16];
} address;

/* One captured frame as the readers hand it over. */
typedef struct frame
{
	int64_t		time;			/* microseconds since 1970, UTC */
	const uint8_t *data;
	uint32_t	captured;		/* bytes at data */
	uint32_t	wire;			/* bytes the frame had on the wire */
	int			link;			/* LINK_* */
} frame;

/* Which datagram a fragment belongs to (RFC 791, RFC 8200). */
typedef struct datagram
{
	address		src,
				dst;
	uint32_t	id;
	uint8_t		version;
	uint8_t		ip_protocol;	/* IPv4: as in its header; IPv6: 0 (RFC 8200 leaves it out) */
	uint8_t		pad[2];			/* zero: hashed and compared as bytes */
} datagram;

_Static_assert(sizeof(datagram) == 40, "datagram must have no padding of its own");

typedef struct packet
{
	int64_t		time;
	address		src,
				dst;
	uint32_t	length;			/* IP header, extension headers and payload */
	uint32_t	payload;		/* above the transport header */
	uint32_t	seq,			/* TCP only */
				ack;
	uint32_t	behind;			/* bytes behind the IP headers, by the IP header's count */
	uint16_t	src_port,		/* ICMP: type */
				dst_port;		/* ICMP: code */
	int16_t		vlan;			/* outermost tag, -1 without */
	uint8_t		version;		/* 4 or 6 */
	uint8_t		protocol;		/* of the transport; for a later fragment what its header says */
	uint8_t		tcp_flags;
	uint8_t		ttl;
	uint8_t		tunnel;			/* tunnel_kind */
	bool		has_transport;	/* ports (type and code) are known */
	bool		has_seq;		/* the TCP header was captured as far as its flags */
	bool		fragmented;		/* a fragment, first or later; the rest is set only then */
	bool		bad_fragment;	/* set by fragment_add() */
	bool		more_fragments;
	uint32_t	fragment_offset;	/* bytes; 0 if it is no fragment */
	uint32_t	fragment_length;	/* of a packet inside a tunnel: the outer fragment's */
	datagram	whole;
} packet;

/*
 * false: not IP, or an IP header that cannot be read.  Without "tunnels" they
 * are not entered: all flows are those between the tunnels' ends.
 */
bool		decode_frame(const frame *, bool tunnels, packet *);

/* Is the link type one that decode_frame() knows? */
bool		decode_knows_link(int link);

#endif
