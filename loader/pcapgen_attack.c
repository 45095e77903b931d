/*
 * pcapgen_attack.c - the six usual attacks, each with an attacker of its own,
 * and the placing of these and of the rarer ones of pcapgen_rare.c.
 *
 *   syn_flood     one address outside fills the mail server's backlog
 *   port_scan     a workstation tries the ports of the jump host
 *   host_scan     a workstation looks for one service on every address
 *   brute_force   an address outside guesses SSH passwords, three a connection
 *   exfiltration  a workstation sends megabytes to one address, over hours
 *   beacon        a workstation asks one address for orders, once a minute
 *
 * Workstations that attack go on with their ordinary work.  When an attack
 * starts, and how fast it goes, depends on the seed; all end before the day does.
 */
#include <string.h>

#include "pcapgen_attack.h"

#define FIRST_SUSPECT 2			/* the workstations before are administrators' */
#define SCANNED_SERVICE 3389	/* remote desktop: nobody here uses it */
#define SCANNED_NETS 4			/* 10.20.0.0/22 */

/* When to act again: never once the last one is done. */
int64_t
attack_again(assault *x, int64_t at)
{
	return ++x->done < x->total ? at : NEVER;
}

/* The same, at random about the attack's pace. */
int64_t
attack_again_at_pace(assault *x, actor *a, int64_t now)
{
	return attack_again(x, now + (int64_t) rng_exponential(&a->rng, (double) x->gap));
}

/* ---- SYN flood ----------------------------------------------------------------- */

static void
prepare_flood(assault *x, actor *a, host *suspect)
{
	(void) suspect;
	x->outsider = outside_host(x->office, &a->rng, (uint8_t[4]) {203, 0, 113, 221}, "flooder");
	x->attacker = &x->outsider;
	x->victim = &x->office->mail;
	x->total = (int) rng_range(&a->rng, 6000, 10000);
	x->gap = rng_range(&a->rng, 3 * MSEC, 12 * MSEC);
	a->truth->port = 25;
}

static int64_t
fire_flood(sim *s, actor *a, int64_t now)
{
	assault    *x = a->state;

	tcp_probe(s, a, now, x->attacker, x->victim, 25,
			  x->done < BACKLOG ? REPLY_HALF_OPEN : REPLY_NONE, 1);
	return attack_again_at_pace(x, a, now);
}

/* ---- vertical scan ------------------------------------------------------------- */

static void
prepare_port_scan(assault *x, actor *a, host *suspect)
{
	x->attacker = suspect;
	x->victim = &x->office->jump;
	x->total = SCAN_PORTS;
	x->gap = rng_range(&a->rng, 15 * MSEC, 120 * MSEC);
	for (int i = 0; i < SCAN_PORTS; i++)
	{
		int			j = (int) rng_range(&a->rng, 0, i);

		x->ports[i] = x->ports[j];
		x->ports[j] = (uint16_t) (i + 1);
	}
}

static int64_t
fire_port_scan(sim *s, actor *a, int64_t now)
{
	assault    *x = a->state;
	uint16_t	port = x->ports[x->done];
	enum reply	reply = port == 22 ? REPLY_ACCEPT :
		rng_chance(&a->rng, 0.1) ? REPLY_NONE : REPLY_RESET;

	tcp_probe(s, a, now, x->attacker, x->victim, port, reply, 1);
	return attack_again_at_pace(x, a, now);
}

/* ---- horizontal scan ----------------------------------------------------------- */

static void
prepare_host_scan(assault *x, actor *a, host *suspect)
{
	x->attacker = suspect;
	x->total = SCANNED_NETS * 254;
	x->gap = rng_range(&a->rng, 30 * MSEC, 200 * MSEC);
	x->ghost = (host) {.v4 = {10, 20}};
	memcpy(x->ghost.mac, x->office->gateway.mac, 6);
	snprintf(a->truth->target, sizeof(a->truth->target), "10.20.0.0/22");
	a->truth->port = SCANNED_SERVICE;
}

/* In its own network a scanner only reaches who answers ARP. */
static host *
neighbour(office *o, uint8_t last)
{
	host	   *servers[] = {&o->gateway, &o->dns, &o->mail, &o->files, &o->jump};

	if (last <= 5)
		return servers[last - 1];
	return last > 100 && last <= 100 + o->workstation_count ? &o->workstations[last - 101] : NULL;
}

static int64_t
fire_host_scan(sim *s, actor *a, int64_t now)
{
	assault    *x = a->state;
	uint8_t		net = (uint8_t) (x->done / 254),
				last = (uint8_t) (x->done % 254 + 1);
	host	   *near = net == 0 ? neighbour(x->office, last) : NULL;

	x->ghost.v4[2] = net;
	x->ghost.v4[3] = last;
	if (near != NULL && near != x->attacker)
		tcp_probe(s, a, now, x->attacker, near, SCANNED_SERVICE, REPLY_RESET, 1);
	else if (net > 0)
		tcp_probe(s, a, now, x->attacker, &x->ghost, SCANNED_SERVICE, REPLY_NONE, 1);
	return attack_again_at_pace(x, a, now);
}

/* ---- brute force --------------------------------------------------------------- */

static void
prepare_brute_force(assault *x, actor *a, host *suspect)
{
	(void) suspect;
	x->outsider = outside_host(x->office, &a->rng, (uint8_t[4]) {198, 51, 100, 222}, "guesser");
	x->attacker = &x->outsider;
	x->victim = &x->office->jump;
	x->total = (int) rng_range(&a->rng, 250, 400);
	x->gap = rng_range(&a->rng, 1500 * MSEC, 3 * SEC);
	a->truth->port = 22;
}

/* One connection to the victim, and so many wrong passwords. */
void
attack_guess_ssh(sim *s, actor *a, int64_t now, int guesses)
{
	assault    *x = a->state;
	tcp			t;

	tcp_open(&t, s, a, now, x->attacker, x->victim, false, 22);
	ssh_greet(&t);
	ssh_send(&t, CLIENT, 32);	/* may I? */
	ssh_send(&t, SERVER, 32);
	for (; guesses > 0; guesses--)
	{
		ssh_send(&t, CLIENT, 96);
		tcp_pause(&t, rng_range(&a->rng, 900 * MSEC, 1800 * MSEC));
		ssh_send(&t, SERVER, 40);
	}
	tcp_close(&t, SERVER);
}

static int64_t
fire_brute_force(sim *s, actor *a, int64_t now)
{
	attack_guess_ssh(s, a, now, 3);
	return attack_again_at_pace(a->state, a, now);
}

/* ---- exfiltration -------------------------------------------------------------- */

static void
prepare_exfiltration(assault *x, actor *a, host *suspect)
{
	x->attacker = suspect;
	x->outsider = outside_host(x->office, &a->rng, (uint8_t[4]) {198, 51, 100, 223}, "drop.example");
	x->victim = &x->outsider;
	x->total = (int) rng_range(&a->rng, 60, 75);
	a->truth->port = 443;
}

/* Some hundred kilobytes, in small pieces so that nothing stands out. */
static int64_t
fire_exfiltration(sim *s, actor *a, int64_t now)
{
	assault    *x = a->state;
	int64_t		pieces = rng_range(&a->rng, 18, 30);
	tcp			t;

	tcp_open(&t, s, a, now, x->attacker, x->victim, false, 443);
	tls_greet(&t, x->outsider.name);
	for (; pieces > 0; pieces--)
	{
		tls_exchange(&t, (size_t) rng_range(&a->rng, 14000, 22000), 60);
		tcp_pause(&t, rng_range(&a->rng, 1 * SEC, 5 * SEC));
	}
	tls_end(&t);
	return attack_again(x, t.now + rng_range(&a->rng, 1 * MIN, 4 * MIN));
}

/* ---- beacon -------------------------------------------------------------------- */

static void
prepare_beacon(assault *x, actor *a, host *suspect)
{
	x->attacker = suspect;
	x->outsider = outside_host(x->office, &a->rng, (uint8_t[4]) {203, 0, 113, 224}, "c2.example");
	x->victim = &x->outsider;
	x->total = (int) rng_range(&a->rng, 200, 320);
	a->truth->port = 443;
}

static int64_t
fire_beacon(sim *s, actor *a, int64_t now)
{
	assault    *x = a->state;
	tcp			t;

	tcp_open(&t, s, a, now, x->attacker, x->victim, false, 443);
	tls_greet(&t, x->outsider.name);
	tls_exchange(&t, 140, 180);
	tls_end(&t);
	return attack_again(x, now + 60 * SEC + rng_range(&a->rng, -1500 * MSEC, 1500 * MSEC));
}

/* ---- placing them -------------------------------------------------------------- */

static const attack usual_attacks[USUAL_ATTACKS] = {
	{"syn_flood", "ddos", HOUR, 22 * HOUR, prepare_flood, fire_flood},
	{"port_scan", "port_scan", HOUR, 22 * HOUR, prepare_port_scan, fire_port_scan},
	{"host_scan", "port_scan", HOUR, 22 * HOUR, prepare_host_scan, fire_host_scan},
	{"brute_force", "brute_force", HOUR, 22 * HOUR, prepare_brute_force, fire_brute_force},
	{"exfiltration", "data_exfiltration", HOUR, 15 * HOUR, prepare_exfiltration, fire_exfiltration},
	{"beacon", "beaconing", HOUR, 16 * HOUR, prepare_beacon, fire_beacon},
};

static const attack *
numbered(int i)
{
	return i < USUAL_ATTACKS ? &usual_attacks[i] : &rare_attacks[i - USUAL_ATTACKS];
}

int
attack_find(const char *name, size_t length)
{
	for (int i = 0; i < ATTACKS; i++)
		if (strlen(numbered(i)->name) == length && strncmp(numbered(i)->name, name, length) == 0)
			return i;
	return -1;
}

/* Forged sources are many, and nobody's: 0.0.0.0, as alerts have it. */
static void
print_address(char *text, size_t size, const host *h)
{
	static const host nobody;

	if (h == NULL)
		h = &nobody;
	snprintf(text, size, "%d.%d.%d.%d", h->v4[0], h->v4[1], h->v4[2], h->v4[3]);
}

static void
place(truth *t, const attack *what, office *o, sim *s, int64_t day, rng r, host *suspect)
{
	actor	   *a = allocate(sizeof(actor));
	assault    *x = allocate(sizeof(assault));

	*t = (truth) {.attack = what->name,.threat = what->threat};
	x->office = o;
	*a = (actor) {.fire = what->fire,.rng = r,.state = x,.truth = t};
	what->prepare(x, a, suspect);
	print_address(t->source, sizeof(t->source), x->attacker);
	if (x->victim != NULL)
		print_address(t->target, sizeof(t->target), x->victim);
	sim_schedule(s, a, day + rng_range(&a->rng, what->earliest, what->latest));
}

/* Suspects are dealt to all attacks, placed or not: a subset changes nobody's part. */
void
attacks_place(attack_set *set, unsigned mask, office *o, sim *s, int64_t day, int round)
{
	int			suspects = o->workstation_count - FIRST_SUSPECT;
	uint64_t	stream = 1000000 + 100 * (uint64_t) round;
	rng			deal = rng_make(o->seed, stream);
	int			first = (int) rng_range(&deal, 0, suspects - 1);

	for (int i = 0; i < ATTACKS; i++)
	{
		host	   *suspect = &o->workstations[FIRST_SUSPECT + (first + i) % suspects];
		rng			r = rng_make(o->seed, stream + 1 + (uint64_t) i);

		if (mask & 1u << i)
			place(&set->truths[set->count++], numbered(i), o, s, day, r, suspect);
	}
}
