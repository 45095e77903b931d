/*
 * pcapgen_session.c - conversations: TCP connections, probes, UDP exchanges,
 * pings.
 *
 * A connection is laid out as the mirror port sees it.  `turnaround` of a host
 * is the time from a packet passing the port to its answer passing: some 100
 * µs for a host in the office, the round trip for one beyond the gateway.  So
 * the same code gives outgoing and incoming connections their true timing.
 *
 * Data go in bursts that double up to a limit below the announced window
 * (slow start, RFC 5681); every second segment is acknowledged, a lone one with
 * the next data or after the delayed-ACK time (RFC 9293, 3.8.6.3).  A lost
 * segment is one that the port sees twice, a retransmission timeout apart.
 */
#include <stdlib.h>
#include <string.h>

#include "pcapgen.h"

#define MSS_V4 1460
#define MSS_V6 1440
#define WINDOW_SYN 64240
#define WINDOW 502				/* scaled by 2^7: 64,256 bytes */
#define FIRST_BURST 10
#define LARGEST_BURST 40		/* segments: stays below the window */
#define SEGMENT_GAP 14			/* µs between segments of a burst, at least */
#define DELAYED_ACK (40 * MSEC)
#define RETRANSMIT_TIMEOUT (220 * MSEC)
#define EPHEMERAL_FIRST 32768
#define EPHEMERAL_LAST 60999

/* MSS, SACK permitted, no-operation, window scale 7 */
static const uint8_t syn_options[2][12] = {
	{2, 4, MSS_V4 >> 8, MSS_V4 & 0xff, 4, 2, 1, 3, 3, 7, 1, 0},
	{2, 4, MSS_V6 >> 8, MSS_V6 & 0xff, 4, 2, 1, 3, 3, 7, 1, 0},
};

static uint16_t
ephemeral_port(host *h)
{
	if (h->next_port < EPHEMERAL_FIRST || h->next_port > EPHEMERAL_LAST)
		h->next_port = EPHEMERAL_FIRST;
	return h->next_port++;
}

/* How long this host takes to answer, this time. */
static int64_t
turnaround(rng *r, const host *h)
{
	return (int64_t) (h->turnaround * (0.95 + rng_exponential(r, 0.1)));
}

/* ---- TCP ------------------------------------------------------------------ */

static void
emit_segment(tcp *t, enum side from, uint8_t flags, const void *data, size_t length, int64_t at)
{
	tcp_header	h = {.seq = t->seq[from],.flags = flags,.window = WINDOW};

	if (flags & TCP_ACK)
		h.ack = t->seq[!from];
	if (flags & TCP_SYN)
	{
		h.window = WINDOW_SYN;
		h.options = syn_options[t->way[from].v6];
		h.option_length = sizeof(syn_options[0]);
	}
	/* jitter must not let a side's frames overtake each other */
	if (at <= t->sent[from])
		at = t->sent[from] + 1;
	t->sent[from] = at;
	sim_emit(t->sim, frame_tcp(&t->way[from], &h, data, length), at, t->truth);
}

static void
tcp_start(tcp *t, sim *s, actor *a, int64_t at, host *client, host *server, bool v6, uint16_t port)
{
	uint16_t	own = ephemeral_port(client);

	*t = (tcp) {
		.sim = s,.rng = &a->rng,.truth = a->truth,.now = at,.loss = 0.0005,
		.way = {{client, server, v6, own, port}, {server, client, v6, port, own}},
		.seq = {(uint32_t) rng_next(&a->rng), (uint32_t) rng_next(&a->rng)},
	};
	if (t->truth != NULL && at < s->end)
		t->truth->flows++;
}

/* Something leaves `from`: after its turnaround if the other side spoke last. */
static void
take_turn(tcp *t, enum side from)
{
	if (t->last != from)
		t->now += turnaround(t->rng, t->way[from].from);
	if (t->now <= t->sent[from])
		t->now = t->sent[from] + 1;
	t->last = from;
}

void
tcp_open(tcp *t, sim *s, actor *a, int64_t at, host *client, host *server, bool v6, uint16_t port)
{
	tcp_start(t, s, a, at, client, server, v6, port);
	emit_segment(t, CLIENT, TCP_SYN, NULL, 0, t->now);
	t->seq[CLIENT]++;
	take_turn(t, SERVER);
	emit_segment(t, SERVER, TCP_SYN | TCP_ACK, NULL, 0, t->now);
	t->seq[SERVER]++;
	take_turn(t, CLIENT);
	emit_segment(t, CLIENT, TCP_ACK, NULL, 0, t->now);
}

/* One segment, and sometimes the same one again. */
static void
send_segment(tcp *t, enum side from, uint8_t flags, const uint8_t *data, size_t length)
{
	emit_segment(t, from, flags, data, length, t->now);
	if (rng_chance(t->rng, t->loss))
	{
		t->now += RETRANSMIT_TIMEOUT + rng_range(t->rng, 0, 60 * MSEC);
		emit_segment(t, from, flags, data, length, t->now);
	}
	t->seq[from] += (uint32_t) length;
}

void
tcp_send(tcp *t, enum side from, const void *data, size_t length)
{
	const uint8_t *p = data;
	size_t		mss = t->way[from].v6 ? MSS_V6 : MSS_V4;
	size_t		burst = FIRST_BURST;

	take_turn(t, from);
	for (size_t sent = 0; length > 0; sent++)
	{
		size_t		n = length < mss ? length : mss;
		int64_t		acked = t->now;

		length -= n;
		send_segment(t, from, length == 0 ? TCP_ACK | TCP_PSH : TCP_ACK, p, n);
		p += n;
		t->ack_owed = sent % 2 == 0;
		if (!t->ack_owed)
		{
			acked = t->now + turnaround(t->rng, t->way[!from].from);
			emit_segment(t, !from, TCP_ACK, NULL, 0, acked);
		}
		if (sent + 1 >= burst && !t->ack_owed && length > 0)
		{
			/* the window's next round: when the acknowledgement is back */
			t->now = acked + turnaround(t->rng, t->way[from].from);
			sent = (size_t) -1;
			burst = 2 * burst < LARGEST_BURST ? 2 * burst : LARGEST_BURST;
		}
		else if (length > 0)
			t->now += SEGMENT_GAP + (int64_t) rng_exponential(t->rng, 20);
		else if (!t->ack_owed && acked > t->now)
		{
			t->now = acked;
			t->last = !from;
		}
	}
}

/* Nothing to say for a while; what is not acknowledged by then, is. */
void
tcp_pause(tcp *t, int64_t us)
{
	int64_t		until = t->now + us;

	if (t->ack_owed && us > DELAYED_ACK + t->way[!t->last].from->turnaround)
	{
		t->now += DELAYED_ACK + turnaround(t->rng, t->way[!t->last].from);
		t->last = !t->last;
		emit_segment(t, t->last, TCP_ACK, NULL, 0, t->now);
		t->ack_owed = false;
	}
	t->now = until > t->now ? until : t->now;
}

void
tcp_close(tcp *t, enum side first)
{
	for (int i = 0; i < 2; i++)
	{
		enum side	from = i == 0 ? first : !first;

		take_turn(t, from);
		emit_segment(t, from, TCP_FIN | TCP_ACK, NULL, 0, t->now);
		t->seq[from]++;
	}
	take_turn(t, first);
	emit_segment(t, first, TCP_ACK, NULL, 0, t->now);
}

void
tcp_reset(tcp *t, enum side from)
{
	take_turn(t, from);
	emit_segment(t, from, TCP_RST | TCP_ACK, NULL, 0, t->now);
}

int64_t
tcp_probe(sim *s, actor *a, int64_t at, host *client, host *server, uint16_t port,
		  enum reply reply, int syns)
{
	tcp			t;

	tcp_start(&t, s, a, at, client, server, false, port);
	emit_segment(&t, CLIENT, TCP_SYN, NULL, 0, t.now);
	for (int64_t wait = SEC; --syns > 0; wait *= 2)
	{
		t.now += wait + rng_range(t.rng, 0, 20 * MSEC);
		emit_segment(&t, CLIENT, TCP_SYN, NULL, 0, t.now);
	}
	t.seq[CLIENT]++;
	if (reply == REPLY_NONE)
		return t.now;

	take_turn(&t, SERVER);
	if (reply == REPLY_RESET)
	{
		t.seq[SERVER] = 0;		/* a closed port has no sequence */
		emit_segment(&t, SERVER, TCP_RST | TCP_ACK, NULL, 0, t.now);
		return t.now;
	}
	emit_segment(&t, SERVER, TCP_SYN | TCP_ACK, NULL, 0, t.now);
	t.seq[SERVER]++;
	if (reply == REPLY_ACCEPT)
	{
		take_turn(&t, CLIENT);
		emit_segment(&t, CLIENT, TCP_RST, NULL, 0, t.now);
	}
	return t.now;
}

/* ---- datagrams ------------------------------------------------------------- */

int64_t
udp_exchange(sim *s, actor *a, int64_t at, const route *way, datagram request,
			 const datagram *reply)
{
	route		there = *way,
				back;

	if (there.from_port == 0)
		there.from_port = ephemeral_port(there.from);
	back = (route) {there.to, there.from, there.v6, there.to_port, there.from_port};
	sim_emit(s, frame_udp(&there, request.data, request.length), at, a->truth);
	if (reply != NULL)
	{
		at += turnaround(&a->rng, there.to);
		sim_emit(s, frame_udp(&back, reply->data, reply->length), at, a->truth);
	}
	return at;
}

/* Echo request and reply (RFC 792, RFC 4443): identifier, sequence, 56 bytes. */
int64_t
ping(sim *s, actor *a, int64_t at, host *from, host *to, bool v6, int count, bool answered)
{
	route		there = {from, to, v6, 0, 0},
				back = {to, from, v6, 0, 0};
	uint8_t		rest[4 + 56];
	int64_t		last = at;

	put16(rest, (uint16_t) rng_next(&a->rng));
	for (size_t i = 4; i < sizeof(rest); i++)
		rest[i] = (uint8_t) i;
	for (int i = 0; i < count; i++)
	{
		last = at + i * SEC;
		put16(rest + 2, (uint16_t) (i + 1));
		sim_emit(s, frame_icmp(&there, v6 ? 128 : 8, 0, rest, sizeof(rest)), last, a->truth);
		if (answered)
		{
			last += turnaround(&a->rng, to);
			sim_emit(s, frame_icmp(&back, v6 ? 129 : 0, 0, rest, sizeof(rest)), last, a->truth);
		}
	}
	return last;
}

/* An INIT (RFC 9260, 3.3.2) that nobody answers: tag, window, streams, first number. */
void
sctp_probe(sim *s, actor *a, int64_t at, host *from, host *to, uint16_t port)
{
	route		way = {from, to, false, ephemeral_port(from), port};
	uint8_t		init[20] = {1, 0, 0, sizeof(init)};

	put32(init + 4, (uint32_t) rng_next(&a->rng) | 1);	/* not 0 */
	put32(init + 8, 65536);
	put16(init + 12, 10);
	put16(init + 14, 2048);
	put32(init + 16, (uint32_t) rng_next(&a->rng));
	sim_emit(s, frame_sctp(&way, init, sizeof(init)), at, a->truth);
}
