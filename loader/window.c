/*
 * window.c - sliding windows over ended flows (see window.h).
 *
 * A flow that ends becomes an event in a ring, from which it leaves twice: the
 * 2-second window, and the 60-second window, where its place is free again.
 * Both add to counters of its parties (host, service, source) what leaving
 * takes off again.  The last 100 are kept with the party.
 */
#include "window.h"

#include <stdlib.h>

#include "conn.h"
#include "party.h"
#include "util.h"

#define SHORT INT64_C(2000000)
#define LONG INT64_C(60000000)

enum
{
	MOST_EVENTS = 1 << 19
};

typedef struct event
{
	int64_t		time;
	uint32_t	src,
				dst,
				service;
	uint8_t		marks;
} event;

struct window
{
	int64_t		last;			/* ended_at of the last row */
	parties    *parties;
	event	   *events;			/* ring: by sequence number modulo room */
	uint64_t	room,
				most;
	uint64_t	next,			/* sequence number of the next event */
				first_short,	/* first that is in the window */
				first_long;
};

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
	party	   *host = party_at(w->parties, e->dst),
			   *service = party_at(w->parties, e->service);

	count_asked(host, e->marks, -1);
	count_asked(service, e->marks, -1);
	if (pair_remove(w->parties, ASKED, e->dst, e->service) == 0)
	{
		host->others--;
		service->others--;
	}
}

static void
leave_long(window *w)
{
	event		e = *event_at(w, w->first_long++);
	party	   *source = party_at(w->parties, e.src);

	if (e.marks & FAILED)
		source->failed--;
	if (pair_remove(w->parties, MET, e.src, e.dst) == 0)
		source->dsts--;
	if (pair_remove(w->parties, USED, e.src, e.service) == 0)
		source->services--;
	party_release(w->parties, e.src);
	party_release(w->parties, e.dst);
	party_release(w->parties, e.service);
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
	party	   *host = party_at(w->parties, e->dst),
			   *service = party_at(w->parties, e->service),
			   *source = party_at(w->parties, e->src);
	uint32_t	same;

	*event_at(w, w->next++) = *e;
	count_asked(host, e->marks, 1);
	count_asked(service, e->marks, 1);
	same = pair_add(w->parties, ASKED, e->dst, e->service);
	if (same == 1)
	{
		host->others++;
		service->others++;
	}
	if (e->marks & FAILED)
		source->failed++;
	if (pair_add(w->parties, MET, e->src, e->dst) == 1)
		source->dsts++;
	if (pair_add(w->parties, USED, e->src, e->service) == 1)
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

	return party_get(w->parties, &name, 0);
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
clear(window *w)
{
	parties_clear(w->parties);
	w->next = w->first_short = w->first_long = 0;
}

void
window_add(window *w, flow_row *row)
{
	event		e = {.time = row->ended_at, .marks = marks_of(row)};
	past		asked = {.src_port = row->port[SRC], .marks = e.marks};
	party	   *host,
			   *service,
			   *source;
	uint32_t	same;

	if (row->ended_at <= w->last)
		clear(w);
	w->last = row->ended_at;
	expire(w, row->ended_at);
	make_room(w);
	e.src = party_get(w->parties, &row->addr[SRC], row->version);
	e.dst = party_get(w->parties, &row->addr[DST], row->version);
	e.service = get_service(w, row);
	same = enter(w, &e);
	host = party_at(w->parties, e.dst);
	service = party_at(w->parties, e.service);
	source = party_at(w->parties, e.src);
	fill_short(&row->window, host, service, same);
	asked.other = service->serial;
	same = party_remember(host, &asked);
	asked.other = host->serial;
	party_remember(service, &asked);
	fill_last(&row->window, host->past, service->past, same, history_count_src_port(host->past, row->port[SRC]));
	row->window.src_distinct_dsts = (int32_t) source->dsts;
	row->window.src_distinct_ports = (int32_t) source->services;
	row->window.src_failed = (int32_t) source->failed;
}

window *
window_new(uint32_t most, const uint64_t hash_key[2])
{
	window	   *w = must_calloc(1, sizeof(*w));

	w->parties = parties_new(hash_key);
	w->most = most < MOST_EVENTS ? most : MOST_EVENTS;
	w->last = INT64_MIN;
	return w;
}

void
window_free(window *w)
{
	parties_free(w->parties);
	free(w->events);
	free(w);
}
