/*
 * party.c - hosts, services, pairs (see party.h).
 *
 * Two pools of elements that are named by index, each with a chained hash
 * table.  The hashes are keyed: names come from whoever sends packets.
 */
#include "party.h"

#include <stdlib.h>
#include <string.h>

#include "siphash.h"
#include "util.h"

#define NONE UINT32_MAX

enum
{
	LAST = 100,					/* flows of a history */
	KEPT = 65536,				/* parties that rest */
	FIRST_BUCKETS = 1024
};


typedef struct pair
{
	uint64_t	key;
	uint32_t	count;
	uint32_t	chain;
} pair;

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

struct parties
{
	uint64_t	hash_key[2];
	uint32_t	serial;

	pool		party_pool;
	party	   *party;
	uint32_t	rest_first,
				rest_last,
				resting;

	pool		pair_pool;
	pair	   *pair;
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
pair_hash(const parties *all, uint64_t key)
{
	key ^= all->hash_key[1];
	key = (key ^ (key >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	key = (key ^ (key >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t) (key ^ (key >> 31));
}

static uint64_t
pair_key(pair_kind kind, uint32_t a, uint32_t b)
{
	return (uint64_t) kind << 60 | (uint64_t) a << 30 | b;
}

static uint32_t *
pair_bucket(const parties *all, uint64_t key)
{
	return &all->pair_pool.bucket[pair_hash(all, key) & all->pair_pool.mask];
}

static void
relink_pairs(parties *all)
{
	for (uint32_t i = 0; i < all->pair_pool.made; i++)
	{
		uint32_t   *head;

		if (all->pair[i].count == 0)
			continue;
		head = pair_bucket(all, all->pair[i].key);
		all->pair[i].chain = *head;
		*head = i;
	}
}

uint32_t
pair_add(parties *all, pair_kind kind, uint32_t a, uint32_t b)
{
	uint64_t	key = pair_key(kind, a, b);
	pool	   *p = &all->pair_pool;
	uint32_t   *head = pair_bucket(all, key),
				i;

	for (i = *head; i != NONE; i = all->pair[i].chain)
		if (all->pair[i].key == key)
			return ++all->pair[i].count;
	all->pair = pool_room(p, all->pair, sizeof(pair));
	i = p->free;
	if (i != NONE)
		p->free = all->pair[i].chain;
	else
		i = p->made++;
	all->pair[i] = (pair) {key, 1, *head};
	*head = i;
	p->used++;
	if (pool_crowded(p))
		relink_pairs(all);
	return 1;
}

uint32_t
pair_remove(parties *all, pair_kind kind, uint32_t a, uint32_t b)
{
	uint64_t	key = pair_key(kind, a, b);
	pool	   *p = &all->pair_pool;
	uint32_t   *link = pair_bucket(all, key),
				i;

	while (all->pair[*link].key != key)
		link = &all->pair[*link].chain;
	i = *link;
	if (--all->pair[i].count > 0)
		return all->pair[i].count;
	*link = all->pair[i].chain;
	all->pair[i].chain = p->free;
	p->free = i;
	p->used--;
	return 0;
}

/* ---- parties ------------------------------------------------------------ */

static void
link_party(parties *all, uint32_t i)
{
	uint32_t   *head = &all->party_pool.bucket[all->party[i].hash & all->party_pool.mask];

	all->party[i].chain = *head;
	*head = i;
}

static void
drop_party(parties *all, uint32_t i)
{
	party	   *p = &all->party[i];
	uint32_t   *link = &all->party_pool.bucket[p->hash & all->party_pool.mask];

	while (*link != i)
		link = &all->party[*link].chain;
	*link = p->chain;
	free(p->past);
	p->past = NULL;
	p->serial = 0;				/* free */
	p->chain = all->party_pool.free;
	all->party_pool.free = i;
	all->party_pool.used--;
}

static void
wake(parties *all, party *p)
{
	*(p->rest_prev != NONE ? &all->party[p->rest_prev].rest_next : &all->rest_first) = p->rest_next;
	*(p->rest_next != NONE ? &all->party[p->rest_next].rest_prev : &all->rest_last) = p->rest_prev;
	all->resting--;
}

static void
lay_to_rest(parties *all, uint32_t i)
{
	party	   *p = &all->party[i];

	p->rest_prev = all->rest_last;
	p->rest_next = NONE;
	*(all->rest_last != NONE ? &all->party[all->rest_last].rest_next : &all->rest_first) = i;
	all->rest_last = i;
	if (++all->resting > KEPT)
	{
		i = all->rest_first;
		wake(all, &all->party[i]);
		drop_party(all, i);
	}
}

uint32_t
party_get(parties *all, const address *name, uint8_t version)
{
	pool	   *pool = &all->party_pool;
	uint64_t	word[3] = {0, 0, version};
	uint32_t	hash,
				i;

	memcpy(word, name, sizeof(*name));
	hash = (uint32_t) siphash13(all->hash_key, word, 3);
	for (i = pool->bucket[hash & pool->mask]; i != NONE; i = all->party[i].chain)
	{
		party	   *p = &all->party[i];

		if (p->hash == hash && p->version == version && memcmp(&p->name, name, sizeof(*name)) == 0)
		{
			if (p->events++ == 0)
				wake(all, p);
			return i;
		}
	}
	all->party = pool_room(pool, all->party, sizeof(party));
	i = pool->free;
	if (i != NONE)
		pool->free = all->party[i].chain;
	else
		i = pool->made++;
	if (++all->serial == 0)
		all->serial = 1;
	all->party[i] = (party) {.name = *name, .version = version, .serial = all->serial, .hash = hash, .events = 1};
	link_party(all, i);
	pool->used++;
	if (pool_crowded(pool))
		for (uint32_t k = 0; k < pool->made; k++)
			if (all->party[k].serial)
				link_party(all, k);
	return i;
}

void
party_release(parties *all, uint32_t i)
{
	party	   *p = &all->party[i];

	if (--p->events > 0)
		return;
	if (p->past)
		lay_to_rest(all, i);
	else
		drop_party(all, i);
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

uint32_t
history_count_src_port(const history *h, uint16_t src_port)
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

uint32_t
party_remember(party *of, const past *flow)
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

/* ---- all of them -------------------------------------------------------- */

party *
party_at(const parties *all, uint32_t index)
{
	return &all->party[index];
}

static void
forget_pasts(parties *all)
{
	for (uint32_t i = 0; i < all->party_pool.made; i++)
		free(all->party[i].past);
}

void
parties_clear(parties *all)
{
	forget_pasts(all);
	pool_clear(&all->party_pool);
	pool_clear(&all->pair_pool);
	all->rest_first = all->rest_last = NONE;
	all->resting = 0;
}

parties *
parties_new(const uint64_t hash_key[2])
{
	parties    *all = must_calloc(1, sizeof(*all));

	memcpy(all->hash_key, hash_key, sizeof(all->hash_key));
	parties_clear(all);
	return all;
}

void
parties_free(parties *all)
{
	forget_pasts(all);
	free(all->party_pool.bucket);
	free(all->party);
	free(all->pair_pool.bucket);
	free(all->pair);
	free(all);
}
