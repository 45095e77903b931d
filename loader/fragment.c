/*
 * fragment.c - datagrams in pieces (see fragment.h).
 */
#include "fragment.h"

#include <stdlib.h>
#include <string.h>

#include "siphash.h"
#include "util.h"

enum
{
	SLOTS = 4096				/* a power of two */
};

#define LIFETIME INT64_C(30000000)	/* microseconds */

typedef struct datagram
{
	address		src,
				dst;
	uint32_t	id;
	uint8_t		version;		/* 0: the slot is free */
	uint8_t		ip_protocol;
	uint8_t		pad[2];
} datagram;

typedef struct slot
{
	datagram	key;
	int64_t		time;			/* newest fragment */
	uint32_t	begin,
				end;			/* a run of bytes seen: [begin, end) */
	uint16_t	src_port,
				dst_port;
	uint8_t		protocol;
	bool		has_transport;	/* the first fragment was seen */
} slot;

struct fragment_table
{
	uint64_t	hash_key[2];
	slot		slots[SLOTS];
};

_Static_assert(sizeof(datagram) == 40, "datagram must have no padding of its own");

fragment_table *
fragment_table_new(const uint64_t hash_key[2])
{
	fragment_table *t = must_calloc(1, sizeof(*t));

	memcpy(t->hash_key, hash_key, sizeof(t->hash_key));
	return t;
}

void
fragment_table_free(fragment_table *t)
{
	free(t);
}

/* The datagram's slot, cleared if it held another one or an old one. */
static slot *
find(fragment_table *t, const packet *p)
{
	datagram	key = {.src = p->src, .dst = p->dst, .id = p->fragment_id,
	.version = p->version, .ip_protocol = p->ip_protocol};
	uint64_t	word[sizeof(key) / 8];
	slot	   *s;

	memcpy(word, &key, sizeof(key));
	s = &t->slots[siphash13(t->hash_key, word, sizeof(key) / 8) % SLOTS];
	if (memcmp(&s->key, &key, sizeof(key)) != 0 || llabs(p->time - s->time) > LIFETIME)
	{
		memset(s, 0, sizeof(*s));
		s->key = key;
	}
	s->time = p->time;
	return s;
}

/* Does it overlap the bytes seen?  If it touches them, the run grows. */
static bool
overlaps(slot *s, uint32_t begin, uint32_t end)
{
	bool		overlap = begin < s->end && s->begin < end;

	if (s->begin == s->end)		/* nothing seen yet */
	{
		s->begin = begin;
		s->end = end;
	}
	else if (begin <= s->end && s->begin <= end)
	{
		s->begin = begin < s->begin ? begin : s->begin;
		s->end = end > s->end ? end : s->end;
	}
	return overlap;
}

/* RFC 1858: a first fragment must hold the ports and flags it is filtered by. */
static bool
hides_transport(const packet *p)
{
	if (p->protocol == PROTO_TCP)
		return p->fragment_offset == 0 ? p->fragment_length < 20 : p->fragment_offset == 8;
	return p->protocol == PROTO_UDP && p->fragment_offset == 0 && p->fragment_length < 8;
}

bool
fragment_resolve(fragment_table *t, packet *p)
{
	slot	   *s = find(t, p);
	uint32_t	end = p->fragment_offset + p->fragment_length;
	bool		bad = overlaps(s, p->fragment_offset, end);

	if (p->fragment_offset == 0)
	{
		s->protocol = p->protocol;
		s->src_port = p->src_port;
		s->dst_port = p->dst_port;
		s->has_transport = p->has_transport;
	}
	else if (s->has_transport)
	{
		p->protocol = s->protocol;
		p->src_port = s->src_port;
		p->dst_port = s->dst_port;
		p->has_transport = true;
	}
	return bad || hides_transport(p) || end > 65535 ||
		(p->more_fragments && p->fragment_length % 8 != 0);
}
