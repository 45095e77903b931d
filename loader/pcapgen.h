/*
 * pcapgen.h - what the files of the traffic generator share.
 *
 * The generator is a discrete-event simulation of one office network, seen at
 * a mirror port of its switch.  The way of a packet:
 *
 *   actor fires --> conversation (pcapgen_session.c) --> frame (pcapgen_packet.c)
 *               --> queue ordered by time (pcapgen_sim.c) --> file
 *
 * An actor is something that happens again and again: one workstation's
 * browsing, the beacon of one infected host.  When it fires it lays out a
 * whole conversation from that moment on and says when it wants to fire next.
 * Frames wait in a queue until no actor can produce an earlier one, so memory
 * holds the conversations in progress and not the capture.
 *
 * Everything random comes from the actor's own generator, seeded from --seed
 * and the actor's number: the same options give the same bytes, and leaving
 * an attack out leaves the traffic around it where it was.
 *
 * All times are microseconds since the epoch, UTC.
 */
#ifndef PCAPGEN_H
#define PCAPGEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MSEC INT64_C(1000)
#define SEC  (INT64_C(1000) * MSEC)
#define MIN  (INT64_C(60) * SEC)
#define HOUR (INT64_C(60) * MIN)
#define DAY  (INT64_C(24) * HOUR)
#define NEVER INT64_C(-1)

/* ---- randomness (pcapgen_sim.c) ---------------------------------------- */

typedef struct rng
{
	uint64_t	state;
} rng;

rng			rng_make(uint64_t seed, uint64_t stream);
uint64_t	rng_next(rng *);
double		rng_unit(rng *);	/* [0, 1) */
int64_t		rng_range(rng *, int64_t low, int64_t high);	/* both included */
bool		rng_chance(rng *, double probability);
double		rng_exponential(rng *, double mean);
double		rng_lognormal(rng *, double median, double sigma);
void		rng_fill(rng *, void *bytes, size_t length);

/* ---- the simulation (pcapgen_sim.c) ------------------------------------ */

/* One entry of a queue; of entries at one time, the first put in leaves first. */
typedef struct queue_entry
{
	int64_t		at;
	uint64_t	order;
	void	   *item;
} queue_entry;

typedef struct queue
{
	queue_entry *heap;			/* binary min-heap on (at, order) */
	size_t		count,
				capacity;
	uint64_t	next_order;
} queue;

typedef struct sim
{
	FILE	   *out;
	int64_t		start,
				end;			/* the capture holds [start, end) */
	queue		frames;			/* struct frame, not yet written */
	queue		events;			/* struct actor, by the time it fires */
	uint64_t	packets,
				bytes;			/* written so far */
} sim;

/* What a placed attack did; every frame of its conversations is counted. */
typedef struct truth
{
	const char *attack,
			   *threat;
	char		source[48],
				target[48];		/* one address, or a network */
	uint16_t	port;			/* 0: many */
	int64_t		first,
				last;
	uint64_t	flows,
				packets;
} truth;

typedef struct actor actor;
struct actor
{
	/* act at this time; return when to act next, or NEVER */
	int64_t		(*fire) (sim *, actor *, int64_t now);
	rng			rng;
	void	   *state;			/* what fire needs to know */
	truth	   *truth;			/* NULL for ordinary traffic */
};

typedef struct frame
{
	uint32_t	length;
	uint8_t		bytes[];
} frame;

void	   *allocate(size_t size);	/* zeroed, or the program ends */
void		sim_open(sim *, FILE *out, int64_t start, int64_t end);
void		sim_schedule(sim *, actor *, int64_t at);
void		sim_emit(sim *, frame *, int64_t at, truth *);
void		sim_run(sim *);		/* until the end; writes everything */

/* ---- hosts and frames (pcapgen_packet.c) -------------------------------- */

typedef struct host
{
	uint8_t		v4[4],
				v6[16],
				mac[6];			/* the gateway's, for hosts behind it */
	uint8_t		ttl;			/* as it arrives at the mirror port */
	bool		has_v6;
	uint16_t	next_port;		/* ephemeral */
	uint16_t	next_id;		/* IPv4 identification */
	uint32_t	turnaround;		/* µs from a packet passing to its answer passing */
	char		name[40];
} host;

/* Who talks to whom: the addressing that all frames of a conversation share. */
typedef struct route
{
	host	   *from,
			   *to;
	bool		v6;
	uint16_t	from_port,
				to_port;
} route;

enum
{
	TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_PSH = 0x08, TCP_ACK = 0x10
};

typedef struct tcp_header
{
	uint32_t	seq,
				ack;
	uint8_t		flags;
	uint16_t	window;
	const uint8_t *options;		/* a multiple of four bytes */
	size_t		option_length;
} tcp_header;

frame	   *frame_tcp(const route *, const tcp_header *, const void *data, size_t length);
frame	   *frame_udp(const route *, const void *data, size_t length);
frame	   *frame_icmp(const route *, uint8_t type, uint8_t code, const void *rest, size_t length);
frame	   *frame_sctp(const route *, const void *chunk, size_t length);

void		put16(uint8_t *, uint16_t);
void		put32(uint8_t *, uint32_t);

/* ---- conversations (pcapgen_session.c) ---------------------------------- */

enum side
{
	CLIENT, SERVER
};

typedef struct tcp
{
	sim		   *sim;
	rng		   *rng;
	truth	   *truth;
	route		way[2];			/* by sending side */
	uint32_t	seq[2];			/* next to send */
	int64_t		now;			/* when the last frame passed */
	int64_t		sent[2];		/* when each side's last one did */
	enum side	last;			/* who sent it */
	bool		ack_owed;		/* the other side has not acknowledged yet */
	double		loss;			/* share of data segments sent twice */
} tcp;

/* What becomes of a lone SYN. */
enum reply
{
	REPLY_NONE,					/* filtered, or nobody there */
	REPLY_RESET,				/* closed */
	REPLY_ACCEPT,				/* SYN/ACK, the prober answers with RST */
	REPLY_HALF_OPEN				/* SYN/ACK, the prober stays silent */
};

void		tcp_open(tcp *, sim *, actor *, int64_t at, host *client, host *server,
					 bool v6, uint16_t port);
void		tcp_send(tcp *, enum side from, const void *data, size_t length);
void		tcp_pause(tcp *, int64_t us);
void		tcp_close(tcp *, enum side first);
void		tcp_reset(tcp *, enum side from);
/* returns the time of the last frame */
int64_t		tcp_probe(sim *, actor *, int64_t at, host *client, host *server,
					  uint16_t port, enum reply reply, int syns);

/* One datagram and, unless reply is NULL, its answer; returns when that passed. */
typedef struct datagram
{
	const void *data;
	size_t		length;
} datagram;

int64_t		udp_exchange(sim *, actor *, int64_t at, const route *,
						 datagram request, const datagram *reply);
int64_t		ping(sim *, actor *, int64_t at, host *from, host *to, bool v6, int count,
				 bool answered);
void		sctp_probe(sim *, actor *, int64_t at, host *from, host *to, uint16_t port);

/* ---- what conversations say (pcapgen_payload.c) -------------------------- */

void		http_fetch(tcp *, const char *site, size_t response);
void		tls_greet(tcp *, const char *site);
void		tls_exchange(tcp *, size_t request, size_t response);
void		tls_send(tcp *, enum side from, size_t length);
void		tls_end(tcp *);
void		smtp_deliver(tcp *, const char *from, const char *to, size_t body);
void		ssh_greet(tcp *);
void		ssh_send(tcp *, enum side from, size_t length);
int64_t		dns_lookup(sim *, actor *, int64_t at, host *client, host *server,
					   const host *site, bool exists);
void		postgres_refused(tcp *, const char *user);
int64_t		ntp_poll(sim *, actor *, int64_t at, host *client, host *server);

/* ---- the office (pcapgen_office.c) --------------------------------------- */

#define SITES 60
#define RELAYS 6

typedef struct office
{
	host		gateway,
				dns,
				mail,
				files,
				jump,
				resolver,		/* outside: the provider's name server */
				clock,			/* outside: NTP */
				sites[SITES],	/* outside: web servers, the popular first */
				relays[RELAYS]; /* outside: other people's mail servers */
	host	   *workstations;
	int			workstation_count;
	double		scale;
	uint64_t	seed;
} office;

void		office_build(office *, int workstations, double scale, uint64_t seed);
void		office_start(office *, sim *);
/* a host on the far side of the gateway */
host		outside_host(const office *, rng *, const uint8_t v4[4], const char *name);

/* ---- attacks (pcapgen_attack.c, pcapgen_rare.c) --------------------------- */

#define USUAL_ATTACKS 6			/* placed unless others are asked for */
#define RARE_ATTACKS 10
#define ATTACKS (USUAL_ATTACKS + RARE_ATTACKS)
#define DAYS_MAX 366

typedef struct attack_set
{
	truth		truths[ATTACKS * DAYS_MAX];
	int			count;
} attack_set;

/* Is there an attack of this name?  Its number, or -1. */
int			attack_find(const char *name, size_t length);
/* Adds the attacks of the bit mask, on the day that starts at `day`; `round` counts such days. */
void		attacks_place(attack_set *, unsigned mask, office *, sim *, int64_t day, int round);

#endif							/* PCAPGEN_H */
