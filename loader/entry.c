/*
 * entry.c - what is counted in an open flow (see entry.h).
 */
#include "entry.h"

#include <math.h>
#include <string.h>

/* How far the handshake has come, for the round trip time. */
enum
{
	HANDSHAKE_NONE,
	HANDSHAKE_SYN,
	HANDSHAKE_SYN_ACK,
	HANDSHAKE_DONE
};

/*
 * For ICMP the sender's "port" is type and code of its message.  The
 * receiver's is that of the reply, where the message has one, so that request
 * and reply share a key; else one that no message has, so that equal messages
 * of both ends are two flows.
 */
static void
key_ports(const packet *p, uint16_t *src, uint16_t *dst)
{
	int			reply;

	*src = p->src_port;
	*dst = p->dst_port;
	if (!p->has_transport)
		*src = *dst = 0;
	else if (p->protocol == PROTO_ICMP || p->protocol == PROTO_ICMPV6)
	{
		reply = conn_icmp_reply(p->version, p->src_port);
		*src = (uint16_t) (p->src_port << 8 | p->dst_port);
		*dst = UINT16_MAX;
		if (reply >= 0)
			*dst = (uint16_t) (reply << 8 | p->dst_port);
	}
}

bool
entry_key(const packet *p, bool with_vlan, flow_key *key)
{
	uint16_t	src,
				dst;
	int			order = memcmp(&p->src, &p->dst, sizeof(address));
	bool		swapped;

	key_ports(p, &src, &dst);
	swapped = order > 0 || (order == 0 && src > dst);
	key->a = swapped ? p->dst : p->src;
	key->b = swapped ? p->src : p->dst;
	key->port_a = swapped ? dst : src;
	key->port_b = swapped ? src : dst;
	key->protocol = p->protocol;
	key->version = p->version;
	key->vlan = with_vlan ? (int16_t) (p->vlan + 1) : 0;
	return swapped;
}

void
entry_continue(entry *e, const packet *p)
{
	memset(&e->first, 0, sizeof(*e) - offsetof(entry, first));
	for (int side = SRC; side <= DST && e->key.protocol == PROTO_TCP; side++)
		e->size_before[side] = conn_size(e->end, side);
	e->first = e->last = p->time;
	e->length_min = UINT32_MAX;
	e->rtt = -1;
}

void
entry_begin(entry *e, const packet *p, bool swapped)
{
	e->source_is_b = swapped != conn_first_is_reply(p);
	memset(e->end, 0, sizeof(e->end));
	e->ttl = p->ttl;
	e->tunnel = p->tunnel;
	e->vlan = p->vlan;
	e->handshake = HANDSHAKE_NONE;
	entry_continue(e, p);
}

static inline void
count_up(uint16_t *counter)
{
	if (*counter < INT16_MAX)
		(*counter)++;
}

/* From the (last) SYN over the SYN/ACK to the originator's ACK. */
static void
follow_handshake(entry *e, const packet *p, int side)
{
	uint8_t		flags = p->tcp_flags & (TCP_SYN | TCP_ACK);

	if (side == SRC && flags == TCP_SYN && e->handshake < HANDSHAKE_SYN_ACK)
	{
		e->handshake = HANDSHAKE_SYN;
		e->syn_time = p->time;
	}
	else if (side == DST && flags == (TCP_SYN | TCP_ACK) && e->handshake == HANDSHAKE_SYN)
		e->handshake = HANDSHAKE_SYN_ACK;
	else if (side == SRC && flags == TCP_ACK && e->handshake == HANDSHAKE_SYN_ACK)
	{
		int64_t		rtt = p->time - e->syn_time;

		e->handshake = HANDSHAKE_DONE;
		e->rtt = rtt < 0 ? 0 : rtt > INT32_MAX ? INT32_MAX : (int32_t) rtt;
	}
}

/*
 * A segment that only repeats counts as a retransmission.  (Those that arrive
 * in the wrong order look the same.)
 */
static void
count_tcp(entry *e, const packet *p, int side)
{
	if (!p->has_seq)			/* the snap length left ports at most */
	{
		if (e->end[side].state == TCP_INACTIVE)
			e->end[side].state = TCP_PARTIAL;
		e->payload[side] += p->payload;
		return;
	}
	e->tcp_flags[side] |= p->tcp_flags;
	if (p->tcp_flags & TCP_URG)
		count_up(&e->urgent);
	if (e->handshake < HANDSHAKE_DONE)
		follow_handshake(e, p, side);
	if (conn_repeats(&e->end[side], p))
		count_up(&e->retransmits);
	conn_segment(e->end, side, p);
}

/* Payload of the slice.  Of TCP it can shrink, when a SYN begins the numbers anew. */
static uint64_t
payload_of(const entry *e, int side)
{
	uint64_t	size,
				before = e->size_before[side];

	if (e->key.protocol != PROTO_TCP)
		return e->payload[side];
	size = conn_size(e->end, side);
	return e->payload[side] + (size > before ? size - before : 0);
}

void
entry_count(entry *e, const packet *p, bool swapped)
{
	int			side = swapped == e->source_is_b ? SRC : DST;
	double		gap = (double) (p->time - e->last);

	if (e->packets[SRC] + e->packets[DST] > 0 && gap > 0)
		e->iat_squares += gap * gap;
	if (p->time < e->first)
		e->first = p->time;
	if (p->time > e->last)
		e->last = p->time;
	e->packets[side]++;
	e->bytes[side] += p->length;
	e->length_squares += (double) p->length * p->length;
	if (p->length < e->length_min)
		e->length_min = p->length;
	if (p->length > e->length_max)
		e->length_max = p->length;
	if (p->fragmented)
		count_up(&e->fragments);
	if (p->bad_fragment)
		count_up(&e->bad_fragments);
	if (p->protocol != PROTO_TCP)
		e->payload[side] += p->payload;
	else if (p->fragment_offset == 0)	/* sequence numbers tell of the others */
		count_tcp(e, p, side);
}

/* Zeek's state; for UDP it says who sent at all. */
static conn_state
state_of(const entry *e)
{
	switch (e->key.protocol)
	{
		case PROTO_TCP:
			return conn_tcp_state(e->end);
		case PROTO_UDP:
			if (e->packets[SRC] == 0)
				return CONN_SHR;
			return e->packets[DST] ? CONN_SF : CONN_S0;
		default:
			return CONN_OTH;
	}
}

static void
row_statistics(const entry *e, flow_row *row)
{
	double		n = (double) e->packets[SRC] + (double) e->packets[DST];
	double		mean = (double) (e->bytes[SRC] + e->bytes[DST]) / n;
	double		variance = e->length_squares / n - mean * mean;

	row->length_min = (int32_t) e->length_min;
	row->length_max = (int32_t) e->length_max;
	row->length_mean = (float) mean;
	row->length_stddev = variance > 0 ? (float) sqrt(variance) : 0;
	row->iat_mean = -1;
	if (n < 2)
		return;
	mean = (double) row->duration / (n - 1);	/* of the gaps in order, in whatever order they came */
	variance = e->iat_squares / (n - 1) - mean * mean;
	row->iat_mean = (float) mean;
	row->iat_stddev = variance > 0 ? (float) sqrt(variance) : 0;
}

/* ICMP's type and code are the originator's "port" (see key_ports). */
static void
row_ends(const entry *e, flow_row *row)
{
	bool		b = e->source_is_b;
	uint16_t	src = b ? e->key.port_b : e->key.port_a;
	uint16_t	dst = b ? e->key.port_a : e->key.port_b;

	row->addr[SRC] = b ? e->key.b : e->key.a;
	row->addr[DST] = b ? e->key.a : e->key.b;
	if (e->key.protocol == PROTO_ICMP || e->key.protocol == PROTO_ICMPV6)
	{
		dst = src & 0xff;
		src = src >> 8;
	}
	row->port[SRC] = src;
	row->port[DST] = dst;
}

void
entry_row(const entry *e, end_reason reason, flow_row *row)
{
	memset(row, 0, sizeof(*row));
	row->start_time = e->first;
	row->duration = e->last - e->first;
	for (int side = SRC; side <= DST; side++)
	{
		row->bytes[side] = (int64_t) e->bytes[side];
		row->payload[side] = (int64_t) payload_of(e, side);
		row->packets[side] = e->packets[side] > INT32_MAX ? INT32_MAX : (int32_t) e->packets[side];
		row->tcp_flags[side] = e->tcp_flags[side];
	}
	row->rtt = e->rtt;
	row->protocol = e->key.protocol;
	row->version = e->key.version;
	row->state = (uint8_t) state_of(e);
	row->end_reason = (uint8_t) reason;
	row->retransmits = (int16_t) e->retransmits;
	row->fragments = (int16_t) e->fragments;
	row->bad_fragments = (int16_t) e->bad_fragments;
	row->urgent = (int16_t) e->urgent;
	row->vlan = e->vlan;
	row->ttl = e->ttl;
	row->tunnel = e->tunnel;
	row_ends(e, row);
	row_statistics(e, row);
}
