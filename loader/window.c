/*
 * window.c - sliding windows over ended flows (see window.h).
 *
 * Hosts and services are "parties", found by one hash table.  A flow that ends
 * becomes an event in a ring, from which it leaves twice: the 2-second window,
 * and the 60-second window, where its place is free again.  Both add to
 * counters of its parties what leaving takes off again.  Distinct counts need
 * to know of each pair (host and service, source and host, source and service)
 * how many events it has: a second hash table.  A party's last 100 are a small
 * ring of its own, searched from end to end.
 *
 * A party stays while events name it; after that, if it has a history, it
 * rests in a list and goes when KEPT others have come to rest after it.
 */
#include "window.h"

#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "siphash.h"
#include "util.h"

#define SHORT INT64_C(2000000)
#define LONG INT64_C(60000000)
#define NONE UINT32_MAX

enum
{
	LAST = 100,					/* flows of a history */
	KEPT = 65536,				/* parties that rest */
	MOST_EVENTS = 1 << 19,
	FIRST_BUCKETS = 1024
};

enum							/* what an event counts as */
{
	SYN_ERROR = 1,
	RESET = 2,
	FAILED = 4
};

/* One of a party's last flows. */
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

typedef struct event
{
	int64_t		time;
	uint32_t	src,
				dst,
				service;
	uint8_t		marks;
} event;

/* How many events two parties share. */
typedef struct pair
{
	uint64_t	key;
	uint32_t	count;
	uint32_t	chain;
} pair;

enum							/* of pairs: which, in which window */
{
	ASKED,						/* host, service; 2 s */
	MET,						/* source, host; 60 s */
	USED						/* source, service; 60 s */
};

/* Elements that are named by index, and a chained hash table over them. */
typedef struct pool
{
	uint32_t	made,
				used,
				free,
				room;
	uint32_t   *bucket;
	uint32_t	mask;
} pool;

struct window
{
	uint64_t	hash_key[2];
	int64_t		last;			/* ended_at of the last row */
	uint32_t	serial;

	pool		party_pool;
	party	   *parties;
	uint32_t	rest_first,
				rest_last,
				resting;

	pool		pair_pool;
	pair	   *pairs;

	event	   *events;			/* ring: by sequence number modulo room */
	uint64_t	room,			/* a power of two, or "most" */
				most;
	uint64_t	next,			/* sequence number of the next event */
				first_short,	/* first that is in the window */
				first_long;
};

/* ---- pools -------------------------------------------------------------- */

static void
pool_clear(pool *p)
{
	p->made = p->used = 0;
	p->free = NONE;
	if (!p->bucket)
	{
		p->bucket = must_calloc(FIRST_BUCKETS, sizeof(uint32_t));
		p->mask = FIRST_BUCKETS - 1;
	}
	memset(p->bucket, 0xff, ((size_t) p->mask + 1) * sizeof(uint32_t));
}

/* Room for one element more?  The array may move. */
static void *
pool_room(pool *p, void *elements, size_t size)
{
	if (p->free != NONE || p->made < p->room)
		return elements;
	p->room = p->room ? p->room * 2 : 256;
	return must_realloc(elements, p->room * size);
}

/* Twice the buckets, empty; the caller links everything again. */
static bool
pool_crowded(pool *p)
{
	if (p->used <= p->mask)
		return false;
	p->mask = p->mask * 2 + 1;
	p->bucket = must_realloc(p->bucket, ((size_t) p->mask + 1) * sizeof(uint32_t));
	memset(p->bucket, 0xff, ((size_t) p->mask + 1) * sizeof(uint32_t));
	return true;
}

/* ---- pairs -------------------------------------------------------------- */

/* Stafford's variant 13 of the finalizer of MurmurHash3. */
static uint32_t
pair_hash(const window *w, uint64_t key)
{
	key ^= w->hash_key[1];
	key = (key ^ (key >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	key = (key ^ (key >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t) (key ^ (key >> 31));
}

static uint64_t
pair_key(int kind, uint32_t a, uint32_t b)
{
	return (uint64_t) kind << 60 | (uint64_t) a << 30 | b;
}

static uint32_t *
pair_bucket(const window *w, uint64_t key)
{
	return &w->pair_pool.bucket[pair_hash(w, key) & w->pair_pool.mask];
}

static void
relink_pairs(window *w)
{
	for (uint32_t i = 0; i < w->pair_pool.made; i++)
	{
		uint32_t   *head;

		if (w->pairs[i].count == 0)
			continue;
		head = pair_bucket(w, w->pairs[i].key);
		w->pairs[i].chain = *head;
		*head = i;
	}
}

/* One event more; how many it has now. */
static uint32_t
pair_add(window *w, uint64_t key)
{
	pool	   *p = &w->pair_pool;
	uint32_t   *head = pair_bucket(w, key),
				i;

	for (i = *head; i != NONE; i = w->pairs[i].chain)
		if (w->pairs[i].key == key)
			return ++w->pairs[i].count;
	w->pairs = pool_room(p, w->pairs, sizeof(pair));
	i = p->free;
	if (i != NONE)
		p->free = w->pairs[i].chain;
	else
		i = p->made++;
	w->pairs[i] = (pair) {key, 1, *head};
	*head = i;
	p->used++;
	if (pool_crowded(p))
		relink_pairs(w);
	return 1;
}

/* One less; how many are left. */
static uint32_t
pair_remove(window *w, uint64_t key)
{
	pool	   *p = &w->pair_pool;
	uint32_t   *link = pair_bucket(w, key),
				i;

	while (w->pairs[*link].key != key)
		link = &w->pairs[*link].chain;
	i = *link;
	if (--w->pairs[i].count > 0)
		return w->pairs[i].count;
	*link = w->pairs[i].chain;
	w->pairs[i].chain = p->free;
	p->free = i;
	p->used--;
	return 0;
}

/* ---- parties ------------------------------------------------------------ */

static void
link_party(window *w, uint32_t i)
{
	uint32_t   *head = &w->party_pool.bucket[w->parties[i].hash & w->party_pool.mask];

	w->parties[i].chain = *head;
	*head = i;
}

static void
drop_party(window *w, uint32_t i)
{
	party	   *p = &w->parties[i];
	uint32_t   *link = &w->party_pool.bucket[p->hash & w->party_pool.mask];

	while (*link != i)
		link = &w->parties[*link].chain;
	*link = p->chain;
	free(p->past);
	p->past = NULL;
	p->serial = 0;				/* free */
	p->chain = w->party_pool.free;
	w->party_pool.free = i;
	w->party_pool.used--;
}

static void
wake(window *w, party *p)
{
	*(p->rest_prev != NONE ? &w->parties[p->rest_prev].rest_next : &w->rest_first) = p->rest_next;
	*(p->rest_next != NONE ? &w->parties[p->rest_next].rest_prev : &w->rest_last) = p->rest_prev;
	w->resting--;
}

static void
lay_to_rest(window *w, uint32_t i)
{
	party	   *p = &w->parties[i];

	p->rest_prev = w->rest_last;
	p->rest_next = NONE;
	*(w->rest_last != NONE ? &w->parties[w->rest_last].rest_next : &w->rest_first) = i;
	w->rest_last = i;
	if (++w->resting > KEPT)
	{
		i = w->rest_first;
		wake(w, &w->parties[i]);
		drop_party(w, i);
	}
}

/* Made if need be; an event more names it. */
static uint32_t
get_party(window *w, const address *name, uint8_t version)
{
	pool	   *pool = &w->party_pool;
	uint64_t	word[3] = {0, 0, version};
	uint32_t	hash,
				i;

	memcpy(word, name, sizeof(*name));
	hash = (uint32_t) siphash13(w->hash_key, word, 3);
	for (i = pool->bucket[hash & pool->mask]; i != NONE; i = w->parties[i].chain)
	{
		party	   *p = &w->parties[i];

		if (p->hash == hash && p->version == version && memcmp(&p->name, name, sizeof(*name)) == 0)
		{
			if (p->events++ == 0)
				wake(w, p);
			return i;
		}
	}
	w->parties = pool_room(pool, w->parties, sizeof(party));
	i = pool->free;
	if (i != NONE)
		pool->free = w->parties[i].chain;
	else
		i = pool->made++;
	if (++w->serial == 0)
		w->serial = 1;
	w->parties[i] = (party) {.name = *name, .version = version, .serial = w->serial, .hash = hash, .events = 1};
	link_party(w, i);
	pool->used++;
	if (pool_crowded(pool))
		for (uint32_t k = 0; k < pool->made; k++)
			if (w->parties[k].serial)
				link_party(w, k);
	return i;
}

static void
release_party(window *w, uint32_t i)
{
	party	   *p = &w->parties[i];

	if (--p->events > 0)
		return;
	if (p->past)
		lay_to_rest(w, i);
	else
		drop_party(w, i);
}

/* ---- the last 100 ------------------------------------------------------- */

static uint32_t
count_other(const history *h, uint32_t other)
{
	uint32_t	n = 0;

	for (int i = 0; i < h->used; i++)
		n += h->flow[i].other == other;
	return n;
}

static uint32_t
count_src_port(const history *h, uint16_t src_port)
{
	uint32_t	n = 0;

	for (int i = 0; i < h->used; i++)
		n += h->flow[i].src_port == src_port;
	return n;
}

static history *
history_room(history *h)
{
	size_t		room = !h ? 4 : h->room * 5;

	if (h && (h->used < h->room || h->room == LAST))
		return h;
	room = room > LAST ? LAST : room;
	h = must_realloc(h, sizeof(history) + room * sizeof(past));
	if (room == 4)
		memset(h, 0, sizeof(history));
	h->room = (uint8_t) room;
	return h;
}

static void
history_count(history *h, const past *p, int change)
{
	if (p->marks & SYN_ERROR)
		h->syn_errors = (uint16_t) (h->syn_errors + change);
	if (p->marks & RESET)
		h->resets = (uint16_t) (h->resets + change);
}

/* The flow among the party's last 100; how many of them have its "other". */
static uint32_t
remember(party *of, const past *flow)
{
	history    *h = of->past = history_room(of->past);
	past	   *place;
	uint32_t	same;

	if (h->used < LAST)
		place = &h->flow[h->used];
	else
	{
		place = &h->flow[h->oldest];
		h->oldest = (uint8_t) ((h->oldest + 1) % LAST);
		history_count(h, place, -1);
		if (count_other(h, place->other) == 1)
			h->others--;
	}
	*place = (past) {0};		/* no party's serial */
	same = count_other(h, flow->other);
	if (same == 0)
		h->others++;
	if (h->used < LAST)
		h->used++;
	*place = *flow;
	history_count(h, flow, 1);
	return same + 1;
}

/* ---- events ------------------------------------------------------------- */

static event *
event_at(const window *w, uint64_t number)
{
	return &w->events[number % w->room];
}

/* change: 1 or -1 */
static void
count_asked(party *p, uint8_t marks, int change)
{
	p->count += (uint32_t) change;
	if (marks & SYN_ERROR)
		p->syn_errors += (uint32_t) change;
	if (marks & RESET)
		p->resets += (uint32_t) change;
}

static void
leave_short(window *w)
{
	const event *e = event_at(w, w->first_short++);
	party	   *host = &w->parties[e->dst],
			   *service = &w->parties[e->service];

	count_asked(host, e->marks, -1);
	count_asked(service, e->marks, -1);
	if (pair_remove(w, pair_key(ASKED, e->dst, e->service)) == 0)
	{
		host->others--;
		service->others--;
	}
}

static void
leave_long(window *w)
{
	event		e = *event_at(w, w->first_long++);
	party	   *source = &w->parties[e.src];

	if (e.marks & FAILED)
		source->failed--;
	if (pair_remove(w, pair_key(MET, e.src, e.dst)) == 0)
		source->dsts--;
	if (pair_remove(w, pair_key(USED, e.src, e.service)) == 0)
		source->services--;
	release_party(w, e.src);
	release_party(w, e.dst);
	release_party(w, e.service);
}

/* Nobody is left who ended before "now" by more than the windows are long. */
static void
expire(window *w, int64_t now)
{
	while (w->first_short < w->next && event_at(w, w->first_short)->time < now - SHORT)
		leave_short(w);
	while (w->first_long < w->next && event_at(w, w->first_long)->time < now - LONG)
		leave_long(w);
}

static void
make_room(window *w)
{
	uint64_t	room = w->room ? w->room * 2 : 1024;
	event	   *events;

	if (w->next - w->first_long < w->room)
		return;
	if (w->room == w->most)
	{
		if (w->first_short == w->first_long)
			leave_short(w);
		leave_long(w);
		return;
	}
	room = room > w->most ? w->most : room;
	events = must_calloc(room, sizeof(event));
	for (uint64_t n = w->first_long; n < w->next; n++)
		events[n % room] = *event_at(w, n);
	free(w->events);
	w->events = events;
	w->room = room;
}

/* Adds to the counters of both windows; how many share its host and service. */
static uint32_t
enter(window *w, const event *e)
{
	party	   *host = &w->parties[e->dst],
			   *service = &w->parties[e->service],
			   *source = &w->parties[e->src];
	uint32_t	same;

	*event_at(w, w->next++) = *e;
	count_asked(host, e->marks, 1);
	count_asked(service, e->marks, 1);
	same = pair_add(w, pair_key(ASKED, e->dst, e->service));
	if (same == 1)
	{
		host->others++;
		service->others++;
	}
	if (e->marks & FAILED)
		source->failed++;
	if (pair_add(w, pair_key(MET, e->src, e->dst)) == 1)
		source->dsts++;
	if (pair_add(w, pair_key(USED, e->src, e->service)) == 1)
		source->services++;
	return same;
}

/* ---- rows --------------------------------------------------------------- */

/* Did what asks one host for an answer get none, or a refusal? (flow_feature) */
static bool
failed(const flow_row *row)
{
	const uint8_t *b = row->addr[DST].byte;

	if (row->protocol == PROTO_TCP && (row->state == CONN_REJ || row->state == CONN_RSTRH))
		return true;
	if (row->packets[DST] > 0 || (row->version == 6 ? b[0] == 0xff : b[12] >= 224))
		return false;
	switch (row->protocol)
	{
		case PROTO_TCP:
		case PROTO_UDP:
		case PROTO_SCTP:
		case PROTO_UDPLITE:
			return true;
		case PROTO_ICMP:
		case PROTO_ICMPV6:
			return row->port[SRC] == 8 || row->port[SRC] == 128;
		default:
			return false;
	}
}

static uint8_t
marks_of(const flow_row *row)
{
	uint8_t		marks = failed(row) ? FAILED : 0;

	if (row->protocol != PROTO_TCP || row->end_reason == FLOW_END_ACTIVE)
		return marks;
	switch (row->state)
	{
		case CONN_S0:
		case CONN_S1:
		case CONN_S2:
		case CONN_S3:
		case CONN_SH:
			return marks | SYN_ERROR;
		case CONN_REJ:
		case CONN_RSTO:
		case CONN_RSTR:
		case CONN_RSTOS0:
		case CONN_RSTRH:
			return marks | RESET;
		default:
			return marks;
	}
}

static uint32_t
get_service(window *w, const flow_row *row)
{
	bool		icmp = row->protocol == PROTO_ICMP || row->protocol == PROTO_ICMPV6;
	uint16_t	port = row->port[icmp ? SRC : DST];
	address		name = {{row->protocol, (uint8_t) (port >> 8), (uint8_t) port}};

	return get_party(w, &name, 0);
}

static float
share(uint32_t part, uint32_t whole)
{
	return (float) ((double) part / whole);
}

static float
diversity(uint32_t kinds, uint32_t whole)
{
	return kinds > 1 ? share(kinds, whole) : 0;
}

static void
fill_short(window_features *f, const party *host, const party *service, uint32_t same)
{
	f->count = (int32_t) host->count;
	f->srv_count = (int32_t) service->count;
	f->serror_rate = share(host->syn_errors, host->count);
	f->srv_serror_rate = share(service->syn_errors, service->count);
	f->rerror_rate = share(host->resets, host->count);
	f->srv_rerror_rate = share(service->resets, service->count);
	f->same_srv_rate = share(same, host->count);
	f->diff_srv_rate = diversity(host->others, host->count);
	f->srv_diff_host_rate = diversity(service->others, service->count);
}

static void
fill_last(window_features *f, const history *host, const history *service, uint32_t same, uint32_t same_port)
{
	f->dst_host_count = host->used;
	f->dst_host_srv_count = service->used;
	f->dst_host_same_srv_rate = share(same, host->used);
	f->dst_host_diff_srv_rate = diversity(host->others, host->used);
	f->dst_host_same_src_port_rate = share(same_port, host->used);
	f->dst_host_srv_diff_host_rate = diversity(service->others, service->used);
	f->dst_host_serror_rate = share(host->syn_errors, host->used);
	f->dst_host_srv_serror_rate = share(service->syn_errors, service->used);
	f->dst_host_rerror_rate = share(host->resets, host->used);
	f->dst_host_srv_rerror_rate = share(service->resets, service->used);
}

static void
forget_pasts(window *w)
{
	for (uint32_t i = 0; i < w->party_pool.made; i++)
		free(w->parties[i].past);
}

static void
clear(window *w)
{
	forget_pasts(w);
	pool_clear(&w->party_pool);
	pool_clear(&w->pair_pool);
	w->rest_first = w->rest_last = NONE;
	w->resting = 0;
	w->next = w->first_short = w->first_long = 0;
}

void
window_add(window *w, flow_row *row)
{
	event		e = {.time = row->ended_at, .marks = marks_of(row)};
	past		asked = {.src_port = row->port[SRC], .marks = e.marks};
	party	   *host,
			   *service;
	uint32_t	same;

	if (row->ended_at <= w->last)
		clear(w);
	w->last = row->ended_at;
	expire(w, row->ended_at);
	make_room(w);
	e.src = get_party(w, &row->addr[SRC], row->version);
	e.dst = get_party(w, &row->addr[DST], row->version);
	e.service = get_service(w, row);
	same = enter(w, &e);
	host = &w->parties[e.dst];
	service = &w->parties[e.service];
	fill_short(&row->window, host, service, same);
	asked.other = service->serial;
	same = remember(host, &asked);
	asked.other = host->serial;
	remember(service, &asked);
	fill_last(&row->window, host->past, service->past, same, count_src_port(host->past, row->port[SRC]));
	row->window.src_distinct_dsts = (int32_t) w->parties[e.src].dsts;
	row->window.src_distinct_ports = (int32_t) w->parties[e.src].services;
	row->window.src_failed = (int32_t) w->parties[e.src].failed;
}

window *
window_new(uint32_t most, const uint64_t hash_key[2])
{
	window	   *w = must_calloc(1, sizeof(*w));

	memcpy(w->hash_key, hash_key, sizeof(w->hash_key));
	w->most = most < MOST_EVENTS ? most : MOST_EVENTS;
	w->last = INT64_MIN;
	clear(w);
	return w;
}

void
window_free(window *w)
{
	forget_pasts(w);
	free(w->party_pool.bucket);
	free(w->parties);
	free(w->pair_pool.bucket);
	free(w->pairs);
	free(w->events);
	free(w);
}
