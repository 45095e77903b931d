/*
 * decode.h - from the bytes of one frame to the few facts a flow needs.
 *
 * decode_frame() reads the link layer, IP with its extension headers and the
 * start of the transport header.  It allocates nothing, keeps nothing between
 * calls and never looks past the captured bytes, so any input is safe.
 *
 * What a capture cut off is left at zero (ports, flags): a packet counts as
 * soon as its fixed IP header is there.  Lengths come from the IP header, not
 * from the capture, so that a snap length does not change byte counts and
 * Ethernet padding is not taken for payload.
 *
 * Tunnels are not entered: GRE, IP in IP, VXLAN and the like count as the flow
 * between the tunnel's ends.
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
	LINK_RAW = 101,				/* IPv4 or IPv6, no link header */
	LINK_LOOP = 108,			/* OpenBSD loopback, family in network order */
	LINK_LINUX_SLL = 113,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_LINUX_SLL2 = 276
};

enum
{
	PROTO_HOPOPTS = 0,
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_AH = 51,
	PROTO_ICMPV6 = 58,
	PROTO_DSTOPTS = 60,
	PROTO_SCTP = 132,
	PROTO_UDPLITE = 136
};

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

typedef struct packet
{
	int64_t		time;
	address		src,
				dst;
	uint32_t	length;			/* IP header, extension headers and payload */
	uint32_t	payload;		/* above the transport header */
	uint32_t	seq,			/* TCP only */
				ack;
	uint32_t	fragment_id;
	uint32_t	fragment_offset;	/* bytes */
	uint32_t	fragment_length;	/* bytes behind the IP headers */
	uint16_t	src_port,		/* ICMP: type */
				dst_port;		/* ICMP: code */
	int16_t		vlan;			/* outermost tag, -1 without */
	uint8_t		version;		/* 4 or 6 */
	uint8_t		protocol;		/* of the transport; for a later fragment what its header says */
	uint8_t		ip_protocol;	/* IPv4: as in its header; IPv6: 0 (RFC 8200 leaves it out of a fragment's identity) */
	uint8_t		tcp_flags;
	uint8_t		ttl;
	bool		fragmented;		/* a fragment, first or later */
	bool		more_fragments;
	bool		has_transport;	/* ports (type and code) are known */
} packet;

/* false: not IP, or an IP header that cannot be read */
bool		decode_frame(const frame *, packet *);

/* Is the link type one that decode_frame() knows? */
bool		decode_knows_link(int link);

#endif
