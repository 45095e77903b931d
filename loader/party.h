/*
 * party.h - hosts and services, and what is counted of them (for window.c).
 *
 * A party is named by its index while events name it: party_get() adds one,
 * party_release() takes one off.  After the last, a party that has a history
 * rests, and goes when KEPT others have come to rest after it; one without
 * goes at once.  Pairs of parties have a count of their own, of the events
 * that they share, for the distinct counts.
 */
#ifndef PARTY_H
#define PARTY_H

#include "decode.h"

enum							/* what an event counts as */
{
	SYN_ERROR = 1,
	RESET = 2,
	FAILED = 4
};

/* One of a party's last flows.  Serials begin at 1. */
typedef struct past
{
	uint32_t	other;			/* serial of the service, or of the host */
	uint16_t	src_port;
	uint8_t		marks;
} past;

typedef struct history
{
	uint8_t		room,
				used,
				oldest;
	uint16_t	syn_errors,
				resets,
				others;			/* distinct */
	past		flow[];
} history;

typedef struct party
{
	address		name;			/* service: protocol, port */
	uint8_t		version;		/* of the address; 0: a service */
	uint32_t	serial;			/* never used again, as its index is */
	uint32_t	hash;
	uint32_t	chain;			/* next in bucket, or free */
	uint32_t	events;			/* that name it */
	uint32_t	rest_next,
				rest_prev;

	/* 2 seconds, as host or service asked */
	uint32_t	count,
				syn_errors,
				resets,
				others;			/* distinct services of a host, hosts of a service */

	/* 60 seconds, as source */
	uint32_t	dsts,
				services,
				failed;

	history    *past;			/* as host or service asked */
} party;

/* What a pair is of: two parties may be pairs of more than one kind. */
typedef enum pair_kind
{
	ASKED,						/* host, service; 2 s */
	MET,						/* source, host; 60 s */
	USED						/* source, service; 60 s */
} pair_kind;

typedef struct parties parties;

parties    *parties_new(const uint64_t hash_key[2]);
void		parties_free(parties *);

/* Forgets everything. */
void		parties_clear(parties *);

/* The party at an index; valid until the next party_get(). */
party	   *party_at(const parties *, uint32_t index);

/* Made if need be.  Version 0: a service, whose name is any 16 bytes. */
uint32_t	party_get(parties *, const address *name, uint8_t version);
void		party_release(parties *, uint32_t index);

/* An event more, or less; how many the pair has now. */
uint32_t	pair_add(parties *, pair_kind, uint32_t a, uint32_t b);
uint32_t	pair_remove(parties *, pair_kind, uint32_t a, uint32_t b);

/* The flow among the party's last 100; how many of them have its "other". */
uint32_t	party_remember(party *, const past *flow);
uint32_t	history_count_src_port(const history *, uint16_t src_port);

#endif
