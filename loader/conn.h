/*
 * conn.h - how a connection went, in Zeek's words.
 *
 * Each end of a TCP connection is in one of these states, moved by the flags
 * that end sends; the pair of states at the end of the flow gives the
 * connection's state.  Zeek's manual, "base/protocols/conn/main.zeek", defines
 * the vocabulary.
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

typedef enum endpoint
{
	END_INACTIVE,				/* nothing sent */
	END_PARTIAL,				/* sent, but no SYN was seen */
	END_SYN_SENT,
	END_SYN_ACK_SENT,
	END_ESTABLISHED,
	END_CLOSED,					/* sent FIN */
	END_RESET,					/* sent RST */
	END_CLOSED_RESET			/* sent FIN, then RST */
} endpoint;

/* Moves the sender's state, and its peer's where the handshake completes. */
void		conn_update(uint8_t tcp_flags, uint8_t *sender, uint8_t *peer);

/* "exchanged": did either side send payload? */
conn_state	conn_tcp_state(endpoint originator, endpoint responder, bool exchanged);

/* Both ends closed, or one reset: what follows is a linger. */
static inline bool
conn_over(uint8_t a, uint8_t b)
{
	return a >= END_RESET || b >= END_RESET || (a == END_CLOSED && b == END_CLOSED);
}

/*
 * Is the sender of this first packet the responder?  So it is with a SYN/ACK,
 * and with a packet from the middle of a conversation that comes from a
 * server's port.
 */
bool		conn_first_is_reply(const packet *);

/*
 * The ICMP type that answers "type", or -1.  A request and its reply make one
 * flow; every other message is a flow of its own.
 */
int			conn_icmp_reply(int version, uint16_t type);

#endif
