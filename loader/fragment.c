/*
 * fragment.c - datagrams in pieces (see fragment.h).
 *
 * What waits is in a ring in order of arrival, and in a list of its datagram.
 * Places in the ring whose packet has been handed over stay empty until the
 * ring's end has passed them.
 */
#include "fragment.h"

#include <stdlib.h>
#include <string.h>

#include "siphash.h"
#include "util.h"

enum
{
	SLOTS = 4096,				/* a power of two */
	WAITING = 4096				/* likewise */
};

#define LIFETIME INT64_C(30000000)	/* microseconds */
#define NOTHING UINT32_MAX

/* What a datagram's later fragments take over from the first. */
typedef struct identity
{
	address		src,			/* of the inner packet, if it is one */
				dst;
	uint16_t	src_port,
				dst_port;
	uint8_t		version;
	uint8_t		protocol;
	uint8_t		tunnel;
	bool		known;			/* the first fragment was seen */
} identity;

typedef struct slot
{
	datagram	key;			/* version 0: the slot is free */
	int64_t		time;			/* newest fragment */
	uint32_t	begin,
				end;			/* a run of bytes seen: [begin, end) */
	uint32_t	total;			/* bytes of the datagram; 0: the last fragment was not seen */
	uint32_t	first_waiting,	/* places in the ring */
				last_waiting;
	identity	flow;
} slot;

typedef struct waiting
{
	packet		packet;
	uint32_t	slot;
	uint32_t	next;			/* of the same datagram */
	bool		used;
} waiting;

struct fragment_table
{
	uint64_t	hash_key[2];
	fragment_ready ready;
	void	   *arg;
	bool		used;			/* a slot may be */
	uint32_t	oldest,			/* the ring is [oldest, newest), both modulo its size */
				newest;
	waiting		ring[WAITING];
	slot		slots[SLOTS];
};

fragment_table *
fragment_table_new(const uint64_t hash_key[2], fragment_ready ready, void *arg)
{
	fragment_table *t = must_calloc(1, sizeof(*t));

	memcpy(t->hash_key, hash_key, sizeof(t->hash_key));
	t->ready = ready;
	t->arg = arg;
	for (size_t i = 0; i < SLOTS; i++)
		t->slots[i].first_waiting = NOTHING;
	return t;
}

void
fragment_table_free(fragment_table *t)
{
	free(t);
}

/* ---- waiting ------------------------------------------------------------ */

/*
 * A later fragment joins the flow of the first.  If the datagram is a tunnel's,
 * only the first led inside: all bytes of the others are the inner packet's.
 */
static void
join(const slot *s, packet *p)
{
	if (!s->flow.known)
		return;
	if (p->tunnel != s->flow.tunnel)
		p->length = p->payload = p->fragment_length;
	p->src = s->flow.src;
	p->dst = s->flow.dst;
	p->src_port = s->flow.src_port;
	p->dst_port = s->flow.dst_port;
	p->version = s->flow.version;
	p->protocol = s->flow.protocol;
	p->tunnel = s->flow.tunnel;
	p->has_transport = true;
}

/* Hands over what waits for the slot's datagram. */
static void
release(fragment_table *t, slot *s)
{
	uint32_t	i = s->first_waiting;

	s->first_waiting = NOTHING;
	while (i != NOTHING)
	{
		waiting    *w = &t->ring[i];

		i = w->next;
		w->used = false;
		join(s, &w->packet);
		t->ready(t->arg, &w->packet);
	}
}

/* The ring's oldest place becomes free. */
static void
drop_oldest(fragment_table *t)
{
	waiting    *w = &t->ring[t->oldest % WAITING];

	if (w->used)
		release(t, &t->slots[w->slot]);
	t->oldest++;
}

static void
let_wait(fragment_table *t, slot *s, const packet *p)
{
	uint32_t	place = t->newest % WAITING;
	waiting    *w = &t->ring[place];

	if (t->newest - t->oldest == WAITING)
		drop_oldest(t);
	t->newest++;
	w->packet = *p;
	w->slot = (uint32_t) (s - t->slots);
	w->next = NOTHING;
	w->used = true;
	if (s->first_waiting == NOTHING)
		s->first_waiting = place;
	else
		t->ring[s->last_waiting].next = place;
	s->last_waiting = place;
}

void
fragment_expire(fragment_table *t, int64_t now)
{
	while (t->oldest != t->newest)
	{
		const waiting *w = &t->ring[t->oldest % WAITING];

		if (w->used && now - w->packet.time <= LIFETIME)
			return;
		drop_oldest(t);
	}
}

void
fragment_flush(fragment_table *t)
{
	while (t->oldest != t->newest)
		drop_oldest(t);
	for (size_t i = 0; i < SLOTS && t->used; i++)
		t->slots[i].key.version = 0;
	t->used = false;
}

/* ---- datagrams ---------------------------------------------------------- */

/* The datagram's slot, cleared if it held another one or an old one. */
static slot *
find(fragment_table *t, const packet *p)
{
	uint64_t	word[sizeof(datagram) / 8];
	slot	   *s;

	memcpy(word, &p->whole, sizeof(datagram));
	s = &t->slots[siphash13(t->hash_key, word, sizeof(datagram) / 8) % SLOTS];
	if (memcmp(&s->key, &p->whole, sizeof(datagram)) != 0 || llabs(p->time - s->time) > LIFETIME)
	{
		release(t, s);
		memset(s, 0, sizeof(*s));
		s->first_waiting = NOTHING;
		s->key = p->whole;
	}
	s->time = p->time;
	t->used = true;
	return s;
}

/*
 * Does it overlap the bytes seen?  If it touches them, the run grows; when
 * nothing is missing, the identification is free for another datagram.
 */
static bool
overlaps(slot *s, const packet *p)
{
	uint32_t	begin = p->fragment_offset;
	uint32_t	end = begin + p->fragment_length;
	bool		overlap = begin < s->end && s->begin < end;

	if (!p->more_fragments)
		s->total = end;
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
	if (s->begin == 0 && s->end == s->total)
		s->end = s->total = 0;
	return overlap;
}

/* RFC 1858: a first fragment must hold the ports and flags it is filtered by. */
static bool
hides_transport(const packet *p)
{
	if (p->tunnel != TUNNEL_NONE)
		return false;
	if (p->protocol == PROTO_TCP)
		return p->fragment_offset == 0 ? p->fragment_length < 20 : p->fragment_offset == 8;
	return p->protocol == PROTO_UDP && p->fragment_offset == 0 && p->fragment_length < 8;
}

void
fragment_add(fragment_table *t, packet *p)
{
	slot	   *s = find(t, p);

	p->bad_fragment = overlaps(s, p) || hides_transport(p) ||
		p->fragment_offset + p->fragment_length > 65535 ||
		(p->more_fragments && p->fragment_length % 8 != 0);
	if (p->fragment_offset == 0)
	{
		s->flow = (identity) {p->src, p->dst, p->src_port, p->dst_port, p->version, p->protocol,
		p->tunnel, p->has_transport};
		t->ready(t->arg, p);
		if (p->has_transport)
			release(t, s);
	}
	else if (s->flow.known)
	{
		join(s, p);
		t->ready(t->arg, p);
	}
	else
		let_wait(t, s, p);
}
