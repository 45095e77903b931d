/*
 * flow.c - the flow table (see flow.h).
 *
 * Entries live in blocks that never move and are named by index.  Two
 * structures hold them: a chained hash table by key, and a timer wheel with a
 * slot per second.  An entry sits in the slot at which it would be due by what
 * was known when it was put there; a packet does not move it.  When the clock
 * reaches the slot, the entry is either over or put where it is due by now.
 * Varghese & Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987.
 */
#include "flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "entry.h"
#include "fragment.h"
#include "siphash.h"
#include "util.h"

#define SECOND INT64_C(1000000)
#define NEVER INT64_MIN

enum
{
	WHEEL_SLOTS = 1024,			/* seconds; a power of two */
	BLOCK_ENTRIES = 1024,
	FIRST_BUCKETS = 1024,
	LEAST_FLOWS = 65536,		/* bounds of the default of max_flows */
	MOST_FLOWS = 20000000
};

const flow_options flow_defaults = {
	.idle = 60 * SECOND,
	.tcp_attempt = 60 * SECOND,
	.tcp_idle = 300 * SECOND,
	.tcp_half_closed = 300 * SECOND,
	.tcp_closed = 5 * SECOND,
	.icmp_idle = 10 * SECOND,
	.active = 300 * SECOND,
};

typedef struct due_entry
{
	int64_t		time;
	uint32_t	index;
} due_entry;

struct flow_table
{
	flow_options options;
	flow_emit	emit;
	void	   *arg;
	fragment_table *fragments;	/* NULL until there is one */

	entry	  **blocks;
	uint32_t	made;			/* entries in blocks */
	uint32_t	used;			/* of them in flows */
	uint32_t	free;			/* list of the others, by chain */

	uint32_t   *bucket;
	uint32_t	bucket_mask;

	int64_t		clock;			/* newest packet */
	int64_t		longest;		/* of the timeouts */
	int64_t		ended;			/* ended_at of the last row */
	int64_t		wheel_second;	/* slots up to this second are empty */
	uint32_t	wheel[WHEEL_SLOTS];

	due_entry  *due;			/* room to sort what ends in one slot */
	size_t		due_room;
};

static inline entry *
at(const flow_table *t, uint32_t i)
{
	return &t->blocks[i / BLOCK_ENTRIES][i % BLOCK_ENTRIES];
}

/* ---- timer wheel -------------------------------------------------------- */

static int64_t
timeout(const flow_table *t, const entry *e)
{
	if (e->key.protocol == PROTO_TCP)
	{
		if (entry_over(e))
			return t->options.tcp_closed;
		if (conn_unanswered(e->end))
			return t->options.tcp_attempt;
		return conn_half_closed(e->end) ? t->options.tcp_half_closed : t->options.tcp_idle;
	}
	if (e->key.protocol == PROTO_ICMP || e->key.protocol == PROTO_ICMPV6)
		return t->options.icmp_idle;
	return t->options.idle;
}

static bool
idle(const flow_table *t, const entry *e)
{
	return t->clock - e->last > timeout(t, e);
}

/* When it will be over if nothing more is heard. */
static int64_t
silent_until(const flow_table *t, const entry *e)
{
	return e->last + timeout(t, e);
}

/* The second to look at an entry again: when it is due, but on the wheel. */
static int64_t
wheel_due(const flow_table *t, const entry *e)
{
	int64_t		due = silent_until(t, e) / SECOND;

	if (due <= t->wheel_second)
		return t->wheel_second + 1;
	if (due >= t->wheel_second + WHEEL_SLOTS)
		return t->wheel_second + WHEEL_SLOTS - 1;
	return due;
}

static void
wheel_insert(flow_table *t, uint32_t i)
{
	entry	   *e = at(t, i);

	e->slot = (uint16_t) (wheel_due(t, e) % WHEEL_SLOTS);
	e->timer_prev = NONE;
	e->timer_next = t->wheel[e->slot];
	if (e->timer_next != NONE)
		at(t, e->timer_next)->timer_prev = i;
	t->wheel[e->slot] = i;
}

static void
wheel_remove(flow_table *t, uint32_t i)
{
	entry	   *e = at(t, i);

	if (e->timer_prev != NONE)
		at(t, e->timer_prev)->timer_next = e->timer_next;
	else
		t->wheel[e->slot] = e->timer_next;
	if (e->timer_next != NONE)
		at(t, e->timer_next)->timer_prev = e->timer_prev;
}

/* ---- hash table --------------------------------------------------------- */

static void
link_bucket(flow_table *t, uint32_t i)
{
	entry	   *e = at(t, i);
	uint32_t   *head = &t->bucket[e->hash & t->bucket_mask];

	e->chain = *head;
	*head = i;
}

static void
unlink_bucket(flow_table *t, uint32_t i)
{
	uint32_t   *link = &t->bucket[at(t, i)->hash & t->bucket_mask];

	while (*link != i)
		link = &at(t, *link)->chain;
	*link = at(t, i)->chain;
}

/* Doubles the buckets.  Entries not in use have no place in them. */
static void
grow_buckets(flow_table *t)
{
	uint32_t	old = t->bucket_mask + 1;
	uint32_t   *before = t->bucket;

	t->bucket = must_calloc((size_t) old * 2, sizeof(uint32_t));
	t->bucket_mask = old * 2 - 1;
	memset(t->bucket, 0xff, (size_t) old * 2 * sizeof(uint32_t));
	for (uint32_t b = 0; b < old; b++)
		for (uint32_t i = before[b], next; i != NONE; i = next)
		{
			next = at(t, i)->chain;
			link_bucket(t, i);
		}
	free(before);
}

static uint32_t
lookup(const flow_table *t, const flow_key *key, uint32_t hash)
{
	uint32_t	i = t->bucket[hash & t->bucket_mask];

	while (i != NONE)
	{
		const entry *e = at(t, i);

		if (e->hash == hash && memcmp(&e->key, key, sizeof(*key)) == 0)
			return i;
		i = e->chain;
	}
	return NONE;
}

/* ---- entries ------------------------------------------------------------ */

/* "when": as ended_at of flow.h, but that rows may share it or step back. */
static void
emit(flow_table *t, const entry *e, end_reason reason, int64_t when)
{
	flow_row	row;

	if (e->key.protocol == PROTO_TCP && reason != FLOW_END_ACTIVE && entry_over(e))
		reason = FLOW_END_DETECTED;
	entry_row(e, reason, &row);
	t->ended = when > t->ended ? when : t->ended + 1;
	row.ended_at = t->ended;
	t->emit(t->arg, &row);
}

/* Emits an entry that is in no slot of the wheel, and frees it. */
static void
finish(flow_table *t, uint32_t i, end_reason reason, int64_t when)
{
	emit(t, at(t, i), reason, when);
	unlink_bucket(t, i);
	at(t, i)->chain = t->free;
	t->free = i;
	t->used--;
}

static int
compare_due(const void *a, const void *b)
{
	const due_entry *x = a,
			   *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static void
note_due(flow_table *t, size_t n, uint32_t i)
{
	if (n == t->due_room)
	{
		t->due_room = n ? n * 2 : 1024;
		t->due = must_realloc(t->due, t->due_room * sizeof(due_entry));
	}
	t->due[n] = (due_entry) {silent_until(t, at(t, i)), i};
}

/*
 * Turns the wheel by one second: ends what is due in it, in the order in which
 * it became so, and puts the rest where it is due by now.
 */
static void
turn_wheel(flow_table *t)
{
	size_t		slot = (size_t) (++t->wheel_second % WHEEL_SLOTS),
				n = 0;
	uint32_t	i = t->wheel[slot];

	t->wheel[slot] = NONE;
	while (i != NONE)
	{
		uint32_t	next = at(t, i)->timer_next;

		if (silent_until(t, at(t, i)) / SECOND <= t->wheel_second)
			note_due(t, n++, i);
		else
			wheel_insert(t, i);
		i = next;
	}
	if (n > 1)
		qsort(t->due, n, sizeof(due_entry), compare_due);
	for (size_t k = 0; k < n; k++)
		finish(t, t->due[k].index, idle(t, at(t, t->due[k].index)) ? FLOW_END_IDLE : FLOW_END_FORCED, t->due[k].time);
}

/* As if nothing more were ever heard, so that the order is that of a silent line. */
void
flow_end_all(flow_table *t)
{
	if (t->fragments)
		fragment_flush(t->fragments);
	while (t->used > 0)
		turn_wheel(t);
}

/*
 * The clock follows the packets.  A small step back is reordering; a step
 * back by more than any timeout is another capture glued to the first, which
 * has nothing to do with the flows so far.
 */
void
flow_advance(flow_table *t, int64_t now)
{
	int64_t		second = now / SECOND;

	if (now < t->clock && t->clock - now <= t->longest)
		return;
	if (now < t->clock || t->clock == NEVER)
	{
		flow_end_all(t);
		t->wheel_second = second - 1;
		t->ended = NEVER;
	}
	t->clock = now;
	if (t->fragments && t->wheel_second + 1 < second)
		fragment_expire(t->fragments, now);
	while (t->wheel_second + 1 < second && t->used > 0)
		turn_wheel(t);
	if (t->wheel_second + 1 < second)
		t->wheel_second = second - 1;
}

/* Ends the flow that would be the next to go idle. */
static void
evict(flow_table *t)
{
	for (int64_t s = 1;; s++)
	{
		size_t		slot = (size_t) ((t->wheel_second + s) % WHEEL_SLOTS);

		for (uint32_t i = t->wheel[slot], next; i != NONE; i = next)
		{
			next = at(t, i)->timer_next;
			wheel_remove(t, i);
			if (wheel_due(t, at(t, i)) <= t->wheel_second + s)
			{
				finish(t, i, FLOW_END_LACK, t->clock);
				return;
			}
			wheel_insert(t, i);
		}
	}
}

static uint32_t
new_entry(flow_table *t)
{
	uint32_t	i = t->free;

	if (t->used == t->options.max_flows)
	{
		evict(t);
		i = t->free;
	}
	if (i != NONE)
		t->free = at(t, i)->chain;
	else
	{
		i = t->made++;
		if (i % BLOCK_ENTRIES == 0)
		{
			t->blocks = must_realloc(t->blocks, (i / BLOCK_ENTRIES + 1) * sizeof(entry *));
			t->blocks[i / BLOCK_ENTRIES] = must_calloc(BLOCK_ENTRIES, sizeof(entry));
		}
	}
	if (t->used++ > t->bucket_mask)
		grow_buckets(t);
	return i;
}

/* ---- packets ------------------------------------------------------------ */

/* Does this packet begin a new flow, or a new slice, in the entry's place? */
static bool
restart(flow_table *t, entry *e, const packet *p, bool swapped)
{
	if (idle(t, e))
		emit(t, e, FLOW_END_IDLE, silent_until(t, e));
	else if (p->has_seq && conn_is_reuse(e->end, p))
		emit(t, e, FLOW_END_DETECTED, e->last);	/* the ports are used again */
	else if (t->options.active > 0 && p->time - e->first >= t->options.active)
	{
		emit(t, e, FLOW_END_ACTIVE, e->last);
		entry_continue(e, p);
		return false;
	}
	else
		return false;
	entry_begin(e, p, swapped);
	return true;
}

/* A packet whose ports are known, or never will be.  (A fragment_ready.) */
static void
add_packet(void *table, packet *p)
{
	flow_table *t = table;
	flow_key	key;
	bool		swapped,
				was_over = false;
	uint64_t	word[sizeof(key) / 8];
	uint32_t	hash,
				i;
	entry	   *e;

	swapped = entry_key(p, t->options.key_vlan, &key);
	memcpy(word, &key, sizeof(key));
	hash = (uint32_t) siphash13(t->options.hash_key, word, sizeof(key) / 8);
	i = lookup(t, &key, hash);
	if (i == NONE)
	{
		i = new_entry(t);
		e = at(t, i);
		e->key = key;
		e->hash = hash;
		entry_begin(e, p, swapped);
		link_bucket(t, i);
		wheel_insert(t, i);
	}
	else
	{
		e = at(t, i);
		if (!restart(t, e, p, swapped))
			was_over = entry_over(e);
	}
	entry_count(e, p, swapped);
	if (!was_over && entry_over(e))		/* due sooner than it was */
	{
		wheel_remove(t, i);
		wheel_insert(t, i);
	}
}

void
flow_add(flow_table *t, packet *p)
{
	flow_advance(t, p->time);
	if (!p->fragmented)
	{
		add_packet(t, p);
		return;
	}
	if (!t->fragments)
		t->fragments = fragment_table_new(t->options.hash_key, add_packet, t);
	fragment_add(t->fragments, p);
}

/* The machine's memory, or what a container may have of it. */
static int64_t
memory_bytes(void)
{
	int64_t		bytes = (int64_t) sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
	long long	limit;
	FILE	   *file = fopen("/sys/fs/cgroup/memory.max", "re");

	if (!file)
		return bytes;
	if (fscanf(file, "%lld", &limit) == 1 && limit > 0 && limit < bytes)	/* else it says "max" */
		bytes = limit;
	fclose(file);
	return bytes;
}

uint32_t
flow_default_max(void)
{
	int64_t		flows = memory_bytes() / 8 / (int64_t) (sizeof(entry) + 2 * sizeof(uint32_t));

	return flows < LEAST_FLOWS ? LEAST_FLOWS : flows > MOST_FLOWS ? MOST_FLOWS : (uint32_t) flows;
}

uint32_t
flow_open(const flow_table *t)
{
	return t->used;
}

flow_table *
flow_table_new(const flow_options *options, flow_emit emit_row, void *arg)
{
	flow_table *t = must_calloc(1, sizeof(*t));
	const int64_t timeouts[] = {options->idle, options->tcp_attempt, options->tcp_idle,
	options->tcp_half_closed, options->tcp_closed, options->icmp_idle};

	t->options = *options;
	t->emit = emit_row;
	t->arg = arg;
	t->free = NONE;
	t->clock = t->ended = NEVER;
	t->bucket = must_calloc(FIRST_BUCKETS, sizeof(uint32_t));
	t->bucket_mask = FIRST_BUCKETS - 1;
	memset(t->bucket, 0xff, FIRST_BUCKETS * sizeof(uint32_t));
	memset(t->wheel, 0xff, sizeof(t->wheel));
	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++)
		if (timeouts[i] > t->longest)
			t->longest = timeouts[i];
	return t;
}

void
flow_table_free(flow_table *t)
{
	for (uint32_t i = 0; i < t->made; i += BLOCK_ENTRIES)
		free(t->blocks[i / BLOCK_ENTRIES]);
	free(t->blocks);
	free(t->due);
	free(t->bucket);
	fragment_table_free(t->fragments);
	free(t);
}
