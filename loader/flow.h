/*
 * flow.h - packets become flows.
 *
 * A flow is a conversation between two ends in both directions: addresses,
 * ports, protocol (and the outer VLAN if asked).  It ends when it was silent
 * for its idle timeout, has lasted for the active timeout (the next packet
 * then begins a new slice of it), when TCP closed it, when the table is full,
 * or at the end of the input.  Time is the packets' own.
 *
 * Every packet added is counted in exactly one row.  Which row does not depend
 * on when the table looks for expired flows: a flow's end is decided by its own
 * packets and the clock alone, looking only frees memory.
 *
 * Rows come in the order of their ended_at, the time at which a flow was known
 * to be over: its last packet plus the timeout that passed, whether it passed or
 * the input ended before; the clock where it had to make room; its last packet
 * where the next one began a new slice or connection.  Where that would not be
 * later than the row before, it is a microsecond after it: of one input no two
 * are alike.  (Only a clock set back by more than any timeout begins anew.)
 */
#ifndef FLOW_H
#define FLOW_H

#include "decode.h"

/* IPFIX flowEndReason (RFC 5102, 5.11.3) */
typedef enum end_reason
{
	FLOW_END_IDLE = 1,
	FLOW_END_ACTIVE = 2,
	FLOW_END_DETECTED = 3,		/* FIN from both, or RST */
	FLOW_END_FORCED = 4,		/* end of input */
	FLOW_END_LACK = 5			/* no room for more flows */
} end_reason;

enum
{
	SRC,						/* originator */
	DST							/* responder */
};

/*
 * How a flow looks beside those that ended shortly before it.  window.h
 * defines these; rates are shares from 0 to 1.  Negative: not known.
 */
typedef struct window_features
{
	/* to the same host, and to the same service, in the last 2 seconds */
	int32_t		count,
				srv_count;
	float		serror_rate,
				srv_serror_rate,
				rerror_rate,
				srv_rerror_rate,
				same_srv_rate,
				diff_srv_rate,
				srv_diff_host_rate;
	/* of the last 100 to the host, of the last 100 to the service */
	int32_t		dst_host_count,
				dst_host_srv_count;
	float		dst_host_same_srv_rate,
				dst_host_diff_srv_rate,
				dst_host_same_src_port_rate,
				dst_host_srv_diff_host_rate,
				dst_host_serror_rate,
				dst_host_srv_serror_rate,
				dst_host_rerror_rate,
				dst_host_srv_rerror_rate;
	/* of the same source in the last 60 seconds */
	int32_t		src_distinct_dsts,
				src_distinct_ports,
				src_failed;
} window_features;

/* A finished flow, in the units of the table "flow". */
typedef struct flow_row
{
	int64_t		start_time;		/* microseconds since 1970 */
	int64_t		ended_at;		/* see below */
	int64_t		duration;
	int64_t		bytes[2];
	int64_t		payload[2];
	int32_t		packets[2];
	uint16_t	port[2];
	int32_t		rtt;			/* -1: no handshake seen */
	int32_t		length_min,
				length_max;
	float		length_mean,
				length_stddev;
	float		iat_mean,		/* -1: a single packet */
				iat_stddev;
	uint8_t		protocol;
	uint8_t		version;		/* 4 or 6 */
	uint8_t		tcp_flags[2];
	uint8_t		state;			/* conn_state */
	uint8_t		end_reason;
	int16_t		retransmits;
	int16_t		fragments;
	int16_t		bad_fragments;
	int16_t		urgent;
	int16_t		vlan;			/* -1: untagged */
	uint8_t		ttl;
	uint8_t		tunnel;			/* tunnel_kind */
	address		addr[2];
	window_features window;		/* filled in by window.c */
} flow_row;

typedef void (*flow_emit) (void *arg, flow_row *);

/*
 * Timeouts in microseconds of silence; 0 turns the active timeout, which is of
 * a flow's length, off.
 */
typedef struct flow_options
{
	int64_t		idle;
	int64_t		tcp_attempt;	/* a SYN that nobody has answered */
	int64_t		tcp_idle;		/* neither that, nor ... */
	int64_t		tcp_half_closed;	/* FIN from one end */
	int64_t		tcp_closed;		/* linger after FIN from both, or RST */
	int64_t		icmp_idle;
	int64_t		active;
	uint32_t	max_flows;
	bool		key_vlan;
	uint64_t	hash_key[2];	/* secret */
} flow_options;

/* All but max_flows. */
extern const flow_options flow_defaults;

/* As many flows as fit into an eighth of the machine's (or container's) memory, but 65536 to 20 million. */
uint32_t	flow_default_max(void);

typedef struct flow_table flow_table;

flow_table *flow_table_new(const flow_options *, flow_emit, void *arg);
void		flow_table_free(flow_table *);

/* Counts a packet; completes it if it is a later fragment, at once or when the first has come. */
void		flow_add(flow_table *, packet *);

/* How many are open. */
uint32_t	flow_open(const flow_table *);

/* Lets the clock go on without a packet; ends what is idle by then. */
void		flow_advance(flow_table *, int64_t now);

/* Emits all that are open. */
void		flow_end_all(flow_table *);

#endif
