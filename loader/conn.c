/*
 * conn.c - TCP endpoint states, Zeek's connection states, who asked whom.
 *
 * Sequence numbers are followed as in Zeek's TCP analyzer: 32-bit numbers of
 * the wire become 64-bit distances from where the sender began, each step
 * being less than half of the number space.
 */
#include "conn.h"

#define FAR_AWAY 1048576		/* bytes: a SYN or RST so far off is not trusted */

static inline bool
has(const packet *p, uint8_t flags)
{
	return p->tcp_flags & flags;
}

/* Sequence space that the segment takes; a RST's data is not part of the stream. */
static uint32_t
segment_length(const packet *p)
{
	return (has(p, TCP_RST) ? 0 : p->payload) + has(p, TCP_SYN) + has(p, TCP_FIN);
}

/* How far "seq" is beyond a distance from the end's start. */
static int32_t
beyond(const tcp_end *e, uint64_t distance, uint32_t seq)
{
	return (int32_t) (seq - (e->start + (uint32_t) distance));
}

/* ---- sequence numbers --------------------------------------------------- */

static void
begin_at(tcp_end *e, uint32_t start, uint64_t last)
{
	e->start = start;
	e->last = last;
	e->acked = 0;
}

/*
 * Where the sender's numbers begin: at its SYN, or one before its first byte.
 * A SYN inside the connection is believed to be the one that counts.
 */
static void
begin_numbers(tcp_end *e, const packet *p)
{
	if (e->state == TCP_INACTIVE && !has(p, TCP_SYN))
		begin_at(e, p->seq - 1, 1);
	else if (e->state == TCP_INACTIVE ||
			 (has(p, TCP_SYN) && (e->state == TCP_ESTABLISHED || e->state == TCP_PARTIAL ||
								  (e->state == TCP_RESET && e->before == TCP_INACTIVE) ||
								  (e->state < TCP_ESTABLISHED && p->seq != e->start))))
		begin_at(e, p->seq, segment_length(p));
}

/* What the sender acknowledges, the peer must have sent. */
static void
acknowledge(tcp_end *peer, const packet *p)
{
	int32_t		step = beyond(peer, peer->acked, p->ack);

	if (peer->state == TCP_INACTIVE)
		begin_at(peer, p->ack - 1, 0);
	else if (step > 0 && !has(p, TCP_RST) && !(p->ack == 0 && step > FAR_AWAY))
		peer->acked += (uint32_t) step;
}

static void
advance_last(tcp_end *e, const packet *p)
{
	uint32_t	end = p->seq + segment_length(p);
	int32_t		step = beyond(e, e->last, end);

	if (has(p, TCP_SYN | TCP_RST) && (step > FAR_AWAY || step < -FAR_AWAY))
		return;
	if (has(p, TCP_FIN) && e->last == 1)	/* all between SYN and FIN was missed, more than 2 GB perhaps */
		e->last = (uint32_t) (end - e->start);
	else if (e->state != TCP_RESET && step > 0)
		e->last += (uint32_t) step;
}

bool
conn_repeats(const tcp_end *e, const packet *p)
{
	uint32_t	size = segment_length(p);
	int32_t		step = beyond(e, e->last, p->seq + size);

	if (size == 0 || e->state == TCP_INACTIVE || step > 0)
		return false;
	return !(p->payload == 1 && size == 1 && step == 0);
}

uint64_t
conn_size(const tcp_end end[2], int side)
{
	const tcp_end *e = &end[side];
	uint64_t	size = e->last > e->acked ? e->last : e->acked;

	/* a connection that only its other end still knew of, found dead */
	if (e->before == TCP_SYN_SENT && e->state == TCP_RESET && end[!side].state == TCP_INACTIVE && e->acked > 1)
		return 0;
	size -= size > 0;			/* the SYN */
	size -= size > 0 && e->fin;
	return size;
}

/* ---- states ------------------------------------------------------------- */

static void
set_state(tcp_end *e, tcp_state state)
{
	if (e->state != state)
	{
		e->before = e->state;
		e->state = (uint8_t) state;
	}
}

/* The first SYN of an end. */
static void
first_syn(tcp_end *sender, tcp_end *peer, bool originator, const packet *p)
{
	if (originator && has(p, TCP_ACK))
		set_state(sender, TCP_SYN_ACK_SENT);
	else if (originator && peer->state != TCP_ESTABLISHED)
		set_state(sender, TCP_SYN_SENT);
	else						/* an answer, or the SYN and its answer came in the wrong order */
	{
		if (peer->state == TCP_SYN_SENT)
			set_state(peer, TCP_ESTABLISHED);
		set_state(sender, TCP_ESTABLISHED);
	}
}

/* The first segment of an end, if it has none of SYN, FIN and RST. */
static void
first_data(tcp_end *sender, const tcp_end *peer, bool originator, const packet *p)
{
	if (!originator && p->payload == 0 && peer->state == TCP_SYN_SENT)
		return;					/* some acknowledge a SYN before they answer it */
	if (has(p, TCP_ACK) && peer->state == TCP_ESTABLISHED)
		set_state(sender, TCP_ESTABLISHED);	/* the SYN alone was missed */
	else
		set_state(sender, TCP_PARTIAL);
}

/* Moves the sender's state, and its peer's where that follows. */
static void
move(tcp_end *sender, tcp_end *peer, bool originator, const packet *p)
{
	tcp_state	from = sender->state;
	bool		open = from == TCP_ESTABLISHED || from == TCP_PARTIAL;

	if (from == TCP_RESET || (from == TCP_CLOSED && peer->state == TCP_CLOSED))
		return;
	if (from == TCP_CLOSED)
	{
		if (has(p, TCP_RST))
			set_state(sender, TCP_RESET);
		return;
	}
	if (from == TCP_INACTIVE && has(p, TCP_SYN))
		first_syn(sender, peer, originator, p);
	else if (from == TCP_PARTIAL && peer->state == TCP_INACTIVE && (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		set_state(sender, TCP_SYN_SENT);
	if (has(p, TCP_FIN) && !(open && has(p, TCP_RST)))
	{
		set_state(sender, TCP_CLOSED);
		if (open && peer->state == TCP_RESET && peer->before == TCP_CLOSED)
			set_state(peer, TCP_CLOSED);	/* impatient, but both said they were done */
	}
	if (has(p, TCP_RST))
		set_state(sender, TCP_RESET);
	if (sender->state == TCP_INACTIVE)
		first_data(sender, peer, originator, p);
}

/* Zeek tells an aborted attempt by its history: S[^HAFGIQ]*R of the originator. */
static void
follow_history(tcp_end *e, const packet *p)
{
	uint8_t		control = p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST);

	if (e->state == TCP_INACTIVE)
		e->plain = control == TCP_SYN && !has(p, TCP_ACK);
	else if (e->state != TCP_RESET)
		e->plain = e->plain &&
			(control == TCP_RST || (control == TCP_SYN && !has(p, TCP_ACK)) ||
			 (control == 0 && (p->payload > 0 || !has(p, TCP_ACK))));
}

void
conn_segment(tcp_end end[2], int side, const packet *p)
{
	tcp_end    *sender = &end[side],
			   *peer = &end[!side];

	follow_history(sender, p);
	begin_numbers(sender, p);
	if (has(p, TCP_ACK))
		acknowledge(peer, p);
	advance_last(sender, p);
	sender->fin |= has(p, TCP_FIN);
	move(sender, peer, side == 0, p);
}

bool
conn_is_reuse(const tcp_end end[2], const packet *p)
{
	const tcp_end *opener = &end[0];

	if (!has(p, TCP_SYN))
		return false;
	if (has(p, TCP_ACK))
	{
		if (end[0].state != TCP_INACTIVE)
			return false;
		opener = &end[1];
	}
	return conn_over(end) || p->seq != opener->start;
}

conn_state
conn_tcp_state(const tcp_end end[2])
{
	tcp_state	o = end[0].state,
				r = end[1].state;
	bool		silent_o = o <= TCP_PARTIAL,
				silent_r = r <= TCP_PARTIAL;

	if (r == TCP_RESET)
	{
		if (o == TCP_SYN_SENT || o == TCP_SYN_ACK_SENT ||
			(o == TCP_RESET && conn_size(end, 0) == 0 && conn_size(end, 1) == 0))
			return CONN_REJ;
		return silent_o ? CONN_RSTRH : CONN_RSTR;
	}
	if (o == TCP_RESET)
		return !silent_r ? CONN_RSTO : end[0].plain ? CONN_RSTOS0 : CONN_OTH;
	if (o == TCP_CLOSED && r == TCP_CLOSED)
		return CONN_SF;
	if (o == TCP_CLOSED)
		return silent_r ? CONN_SH : CONN_S2;
	if (r == TCP_CLOSED)
		return silent_o ? CONN_SHR : CONN_S3;
	if (o == TCP_SYN_SENT && r == TCP_INACTIVE)
		return CONN_S0;
	return o == TCP_ESTABLISHED && r == TCP_ESTABLISHED ? CONN_S1 : CONN_OTH;
}

/* ---- direction ---------------------------------------------------------- */

/* Zeek's likely_server_ports: those that its analyzers listen to. */
static bool
server_port(uint8_t protocol, uint16_t port)
{
	static const uint16_t tcp[] = {
		21, 22, 25, 53, 79, 80, 81, 88, 110, 135, 139, 143, 389, 443, 445, 465, 502, 563, 585, 587, 614,
		631, 636, 989, 990, 992, 993, 995, 1080, 1434, 1883, 2811, 3128, 3268, 3306, 3389, 5222, 5223,
		5269, 5432, 6379, 6666, 6667, 6668, 6669, 8000, 8080, 8888, 20000
	};
	static const uint16_t udp[] = {
		53, 67, 88, 123, 137, 161, 162, 389, 443, 514, 1812, 2123, 2152, 3544, 4789, 5060, 5072, 5353,
		5355, 6081, 20000
	};
	const uint16_t *ports = protocol == PROTO_TCP ? tcp : udp;
	size_t		n = protocol == PROTO_TCP ? sizeof(tcp) / sizeof(tcp[0]) : sizeof(udp) / sizeof(udp[0]);

	for (size_t i = 0; i < n && ports[i] <= port; i++)
		if (ports[i] == port)
			return true;
	return false;
}

static bool
multicast(const packet *p)
{
	const uint8_t *b = p->dst.byte;

	if (p->version == 6)
		return b[0] == 0xff;
	return (b[12] & 0xf0) == 0xe0 || (b[12] & b[13] & b[14] & b[15]) == 0xff;
}

bool
conn_first_is_reply(const packet *p)
{
	if (p->protocol != PROTO_TCP && p->protocol != PROTO_UDP)
		return false;
	if (has(p, TCP_SYN))
		return has(p, TCP_ACK);
	if (multicast(p) || !server_port(p->protocol, p->src_port))
		return false;
	if (!server_port(p->protocol, p->dst_port))
		return true;
	return p->protocol == PROTO_TCP && p->src_port < p->dst_port;
}

int
conn_icmp_reply(int version, uint16_t type)
{
	static const uint8_t pair4[][2] = {{8, 0}, {10, 9}, {13, 14}, {15, 16}, {17, 18}};
	static const uint8_t pair6[][2] = {{128, 129}, {130, 131}, {133, 134}, {135, 136}, {139, 140}, {144, 145}};
	const uint8_t (*pair)[2] = version == 4 ? pair4 : pair6;
	size_t		n = version == 4 ? sizeof(pair4) / 2 : sizeof(pair6) / 2;

	for (size_t i = 0; i < n; i++)
	{
		if (pair[i][0] == type)
			return pair[i][1];
		if (pair[i][1] == type)
			return pair[i][0];
	}
	return -1;
}
