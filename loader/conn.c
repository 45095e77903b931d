/*
 * conn.c - TCP endpoint states, Zeek's connection states, who asked whom.
 */
#include "conn.h"

void
conn_update(uint8_t tcp_flags, uint8_t *sender, uint8_t *peer)
{
	bool		both_closed = *sender == END_CLOSED && *peer == END_CLOSED;

	if (*sender >= END_RESET || both_closed)
		return;
	if (tcp_flags & TCP_RST)
		*sender = *sender == END_CLOSED ? END_CLOSED_RESET : END_RESET;
	else if (tcp_flags & TCP_FIN)
	{
		*sender = END_CLOSED;
		if (*peer == END_CLOSED_RESET)	/* impatient, but both said they were done */
			*peer = END_CLOSED;
	}
	else if (*sender == END_CLOSED)
		return;
	else if ((tcp_flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
	{
		if (*peer == END_SYN_SENT)
			*sender = *peer = END_ESTABLISHED;
		else if (*sender == END_INACTIVE)
			*sender = END_SYN_ACK_SENT;
	}
	else if (tcp_flags & TCP_SYN)
	{
		if (*peer == END_SYN_ACK_SENT)	/* the two came in the wrong order */
			*sender = *peer = END_ESTABLISHED;
		else if (*sender == END_INACTIVE)
			*sender = END_SYN_SENT;
	}
	else if (*sender == END_INACTIVE)
	{
		if (*peer == END_SYN_ACK_SENT && (tcp_flags & TCP_ACK))
			*sender = *peer = END_ESTABLISHED;	/* the SYN alone was missed */
		else
			*sender = END_PARTIAL;
	}
}

conn_state
conn_tcp_state(endpoint originator, endpoint responder, bool exchanged)
{
	bool		silent_originator = originator <= END_PARTIAL;
	bool		silent_responder = responder <= END_PARTIAL;

	if (responder >= END_RESET)
	{
		if (originator == END_SYN_SENT || originator == END_SYN_ACK_SENT ||
			(originator >= END_RESET && !exchanged))
			return CONN_REJ;
		return silent_originator ? CONN_RSTRH : CONN_RSTR;
	}
	if (originator >= END_RESET)
		return silent_responder ? CONN_RSTOS0 : CONN_RSTO;
	if (originator == END_CLOSED && responder == END_CLOSED)
		return CONN_SF;
	if (originator == END_CLOSED)
		return silent_responder ? CONN_SH : CONN_S2;
	if (responder == END_CLOSED)
		return silent_originator ? CONN_SHR : CONN_S3;
	if (originator == END_SYN_SENT && responder == END_INACTIVE)
		return CONN_S0;
	if (originator == END_ESTABLISHED && responder == END_ESTABLISHED)
		return CONN_S1;
	return CONN_OTH;
}

/* Ports that servers of common protocols listen on. */
static bool
server_port(uint16_t port)
{
	switch (port)
	{
		case 21: case 22: case 23: case 25: case 53: case 67: case 69:
		case 80: case 81: case 88: case 110: case 111: case 123: case 135: case 137:
		case 138: case 139: case 143: case 161: case 162: case 179: case 389: case 443:
		case 445: case 465: case 500: case 502: case 514: case 515: case 554:
		case 585: case 587: case 614: case 631: case 636: case 853: case 873:
		case 989: case 990: case 992: case 993: case 994: case 995: case 1080: case 1433:
		case 1434: case 1812: case 1813: case 1883: case 2123:
		case 2152: case 3128: case 3306: case 3389: case 3544: case 4500: case 4789: case 5072:
		case 5060: case 5061: case 5353: case 5355: case 5432: case 5672: case 6081:
		case 6379: case 6667:
		case 8000: case 8080: case 8443: case 8883: case 8888: case 9200: case 20000: case 27017:
			return true;
		default:
			return false;
	}
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
	if (p->protocol == PROTO_TCP && (p->tcp_flags & TCP_SYN))
		return p->tcp_flags & TCP_ACK;
	if (p->protocol != PROTO_TCP && p->protocol != PROTO_UDP)
		return false;
	return server_port(p->src_port) && !server_port(p->dst_port) && !multicast(p);
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
