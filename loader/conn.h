/*
 * conn.h - how a connection went, in Zeek's words.
 *
 * Each end of a TCP connection is in one of the states below, moved by the
 * segments it sends; the pair of states at the end of the flow gives the
 * connection's state.  Vocabulary and rules are Zeek's ("base/protocols/conn" in
 * its manual), odd corners included, so that its users find what they know.
 *
 * Payload is counted in sequence numbers, as Zeek and KDD-99 do: what was sent
 * twice counts once, and what only an acknowledgement tells of counts too.
 */
#ifndef CONN_H
#define CONN_H

#include "decode.h"

typedef enum conn_state
{
	CONN_S0 = 1,				/* attempt, no reply */
	CONN_S1,					/* established, not ended */
	CONN_SF,					/* established and ended */
	CONN_REJ,					/* attempt refused */
	CONN_S2,					/* originator closed, responder did not */
	CONN_S3,					/* responder closed, originator did not */
	CONN_RSTO,					/* established, originator aborted */
	CONN_RSTR,					/* responder aborted */
	CONN_RSTOS0,				/* SYN, then RST by the originator, no reply */
	CONN_RSTRH,					/* SYN/ACK, then RST by the responder, no SYN seen */
	CONN_SH,					/* SYN, then FIN by the originator, no reply */
	CONN_SHR,					/* SYN/ACK, then FIN by the responder, no SYN seen */
	CONN_OTH					/* none of these: midstream traffic */
} conn_state;

typedef enum tcp_state
{
	TCP_INACTIVE,				/* nothing sent */
	TCP_PARTIAL,				/* sent, but no SYN was seen */
	TCP_SYN_SENT,
	TCP_SYN_ACK_SENT,			/* by the originator, in the middle of something */
	TCP_ESTABLISHED,
	TCP_CLOSED,					/* sent FIN */
	TCP_RESET					/* sent RST */
} tcp_state;

/* One end of a TCP connection. */
typedef struct tcp_end
{
	uint64_t	last;			/* highest byte sent, plus one; both count from "start" */
	uint64_t	acked;			/* the same, by what the peer acknowledged */
	uint32_t	start;			/* sequence number of the SYN, or of where it must have been */
	uint8_t		state;			/* tcp_state */
	uint8_t		before;			/* the state that it had before this one */
	bool		fin;			/* sent one */
	bool		plain;			/* began with a SYN, then sent nothing but data until its RST */
} tcp_end;

/* Moves the ends by a segment from end[side]. */
void		conn_segment(tcp_end end[2], int side, const packet *);

/* Does the segment only repeat what its sender has sent before?  (A keep-alive does not count.) */
bool		conn_repeats(const tcp_end *, const packet *);

/* Is it the first of another connection between the same ports?  end[0] is the originator. */
bool		conn_is_reuse(const tcp_end end[2], const packet *);

/* Payload sent by end[side]. */
uint64_t	conn_size(const tcp_end end[2], int side);

conn_state	conn_tcp_state(const tcp_end end[2]);

/* An attempt that nobody has answered. */
static inline bool
conn_unanswered(const tcp_end end[2])
{
	return (end[0].state == TCP_SYN_SENT || end[0].state == TCP_SYN_ACK_SENT) && end[1].state == TCP_INACTIVE;
}

/* One end has closed, the other has not. */
static inline bool
conn_half_closed(const tcp_end end[2])
{
	return (end[0].state == TCP_CLOSED) != (end[1].state == TCP_CLOSED);
}

/* Nothing but stragglers follow: one end was reset, or both closed, or the only one heard of. */
static inline bool
conn_over(const tcp_end end[2])
{
	uint8_t		a = end[0].state,
				b = end[1].state;

	if (a < TCP_CLOSED && b < TCP_CLOSED)
		return false;
	return a == TCP_RESET || b == TCP_RESET || a == b || a == TCP_INACTIVE || b == TCP_INACTIVE;
}

/*
 * Is the sender of this first packet the responder?  So it is with a SYN/ACK,
 * and with what comes from a server's port and goes to no group; of two
 * servers' ports of TCP the lower one is taken for the server.  (Zeek doubts a
 * SYN/ACK from any other port, and then looks at the payload.)
 */
bool		conn_first_is_reply(const packet *);

/*
 * The ICMP type that answers "type", or -1.  A request and its reply make one
 * flow; every other message is a flow of its own.
 */
int			conn_icmp_reply(int version, uint16_t type);

#endif
