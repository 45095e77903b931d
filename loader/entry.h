/*
 * entry.h - one open flow: its key, what is counted, its finished row.
 */
#ifndef ENTRY_H
#define ENTRY_H

#include "conn.h"
#include "flow.h"

#define NONE UINT32_MAX			/* no entry */

/*
 * Both directions of a conversation have the same key: the end with the
 * smaller address (then port) is "a".  ICMP has no ports; "ports" there are
 * type and code of a message and of its reply (see entry_key).
 */
typedef struct flow_key
{
	address		a,
				b;
	uint16_t	port_a,
				port_b;
	uint8_t		protocol;
	uint8_t		version;
	int16_t		vlan;			/* 0 unless it belongs to the key */
} flow_key;

_Static_assert(sizeof(flow_key) == 40, "flow_key is hashed and compared as bytes");

typedef struct entry
{
	/* the table's (flow.c) */
	flow_key	key;
	uint32_t	hash;
	uint32_t	chain;			/* next in bucket, or in the free list */
	uint32_t	timer_next,
				timer_prev;
	uint16_t	slot;			/* of the timer wheel */

	/* the conversation's, kept over slices */
	bool		source_is_b;
	tcp_end		end[2];			/* TCP only */
	uint8_t		ttl;
	uint8_t		tunnel;			/* the first packet's */
	int16_t		vlan;
	uint8_t		handshake;		/* enum in entry.c */
	int64_t		syn_time;

	/* the slice's */
	int64_t		first,
				last;
	uint64_t	bytes[2];
	uint64_t	payload[2];		/* of TCP: what is not in the sizes of the ends */
	uint64_t	size_before[2];	/* TCP: of the ends when the slice began */
	uint32_t	packets[2];
	uint32_t	length_min,
				length_max;
	double		length_squares;
	double		iat_squares;
	int32_t		rtt;
	uint8_t		tcp_flags[2];
	uint16_t	retransmits;
	uint16_t	fragments;
	uint16_t	bad_fragments;
	uint16_t	urgent;
} entry;

static inline bool
entry_over(const entry *e)
{
	return conn_over(e->end);
}

/* The packet's key; true if its sender is "b". */
bool		entry_key(const packet *, bool with_vlan, flow_key *);

/* Clears all but the table's part, for the first packet of a flow. */
void		entry_begin(entry *, const packet *, bool swapped);

/* Clears the counts, for the first packet of a further slice. */
void		entry_continue(entry *, const packet *);

void		entry_count(entry *, const packet *, bool swapped);
void		entry_row(const entry *, end_reason, flow_row *);

#endif
