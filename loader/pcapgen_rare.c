/*
 * pcapgen_rare.c - attacks that are placed when asked for.
 *
 *   night_upload       a workstation sends megabytes out before five
 *   unusual_upload     the file server, which sends nothing out, does by day
 *   slow_brute_force   an address outside guesses SSH passwords, one in 40 s
 *   mail_guessing      an address outside guesses at the mail server
 *   database_guessing  one guesses at a database that the file server has open
 *   slow_ping_sweep    a workstation looks for hosts, ten a minute, for hours
 *   sctp_sweep         the jump host looks for Diameter over SCTP, as slowly
 *   udp_flood          one address outside sends to one port all it can
 *   spoofed_syn_flood  a SYN flood whose sources are forged
 *   spoofed_udp_flood  a UDP flood whose sources are forged
 *
 * Each is told by one of the flow store's rules that tells none of the usual
 * attacks; unusual_upload only where the store knows three days before it.  Forged addresses are of 198.18.0.0/15, which is for benchmarks
 * (RFC 2544): nobody in the office or outside has one.
 */
#include <string.h>

#include "pcapgen_attack.h"

#define FORGED 250
#define FORGEABLE (2 * 65536)
#define SWEPT_NETS 16			/* 10.20.16.0/20 */
#define IMAPS_PORT 993
#define POSTGRES_PORT 5432
#define DIAMETER_PORT 3868
#define WEB_PORT 443
#define VPN_PORT 1194

static host
somebody_outside(assault *x, actor *a, uint8_t last, const char *name)
{
	return outside_host(x->office, &a->rng, (uint8_t[4]) {203, 0, 113, last}, name);
}

/* ---- uploads -------------------------------------------------------------------- */

static void
prepare_night_upload(assault *x, actor *a, host *suspect)
{
	x->attacker = suspect;
	x->outsider = somebody_outside(x, a, 225, "backup.example");
	x->victim = &x->outsider;
	x->total = 1;
	a->truth->port = WEB_PORT;
}

/* Pieces of 60 kB, a tenth of it coming back; returns when it is done. */
static int64_t
upload(sim *s, actor *a, int64_t now, int64_t pieces)
{
	assault    *x = a->state;
	tcp			t;

	tcp_open(&t, s, a, now, x->attacker, x->victim, false, WEB_PORT);
	tls_greet(&t, x->outsider.name);
	for (; pieces > 0; pieces--)
		tls_exchange(&t, 60000, 6000);
	tls_end(&t);
	return t.now;
}

/* 13 to 18 MB: by day that is no large upload. */
static int64_t
fire_night_upload(sim *s, actor *a, int64_t now)
{
	return attack_again(a->state, upload(s, a, now, rng_range(&a->rng, 220, 300)));
}

static void
prepare_unusual_upload(assault *x, actor *a, host *suspect)
{
	(void) suspect;
	x->attacker = &x->office->files;
	x->outsider = somebody_outside(x, a, 229, "share.example");
	x->victim = &x->outsider;
	x->total = (int) rng_range(&a->rng, 5, 7);
	a->truth->port = WEB_PORT;
}

/* 7 to 10 MB each time: a large upload would have next to nothing coming back. */
static int64_t
fire_unusual_upload(sim *s, actor *a, int64_t now)
{
	int64_t		done = upload(s, a, now, rng_range(&a->rng, 120, 160));

	return attack_again(a->state, done + rng_range(&a->rng, 5 * MIN, 8 * MIN));
}

/* ---- guessing ------------------------------------------------------------------- */

static void
prepare_slow_brute_force(assault *x, actor *a, host *suspect)
{
	(void) suspect;
	x->outsider = somebody_outside(x, a, 226, "slow guesser");
	x->attacker = &x->outsider;
	x->victim = &x->office->jump;
	x->total = (int) rng_range(&a->rng, 90, 110);
	a->truth->port = 22;
}

static int64_t
fire_slow_brute_force(sim *s, actor *a, int64_t now)
{
	attack_guess_ssh(s, a, now, 1);
	return attack_again(a->state, now + rng_range(&a->rng, 30 * SEC, 50 * SEC));
}

static void
prepare_mail_guessing(assault *x, actor *a, host *suspect)
{
	(void) suspect;
	x->outsider = somebody_outside(x, a, 227, "mail guesser");
	x->attacker = &x->outsider;
	x->victim = &x->office->mail;
	x->total = (int) rng_range(&a->rng, 160, 240);
	a->truth->port = IMAPS_PORT;
}

/* Greeting, one login, and the server takes its time to refuse it. */
static int64_t
fire_mail_guessing(sim *s, actor *a, int64_t now)
{
	assault    *x = a->state;
	tcp			t;

	tcp_open(&t, s, a, now, x->attacker, x->victim, false, IMAPS_PORT);
	tls_greet(&t, "mail.office.example");
	tls_send(&t, SERVER, 110);
	tls_send(&t, CLIENT, (size_t) rng_range(&a->rng, 35, 60));
	tcp_pause(&t, rng_range(&a->rng, 1800 * MSEC, 2200 * MSEC));
	tls_send(&t, SERVER, 52);
	tls_end(&t);
	return attack_again(x, now + rng_range(&a->rng, 3 * SEC, 8 * SEC));
}

static void
prepare_database_guessing(assault *x, actor *a, host *suspect)
{
	(void) suspect;
	x->outsider = somebody_outside(x, a, 230, "database guesser");
	x->attacker = &x->outsider;
	x->victim = &x->office->files;
	x->total = (int) rng_range(&a->rng, 160, 240);
	a->truth->port = POSTGRES_PORT;
}

static int64_t
fire_database_guessing(sim *s, actor *a, int64_t now)
{
	assault    *x = a->state;
	tcp			t;

	tcp_open(&t, s, a, now, x->attacker, x->victim, false, POSTGRES_PORT);
	postgres_refused(&t, "postgres");
	tcp_close(&t, SERVER);
	return attack_again(x, now + rng_range(&a->rng, 3 * SEC, 8 * SEC));
}

/* ---- slow sweeps ---------------------------------------------------------------- */

static void
prepare_sweep(assault *x, actor *a)
{
	x->total = SWEPT_NETS * 254;
	x->ghost = (host) {.v4 = {10, 20}};
	memcpy(x->ghost.mac, x->office->gateway.mac, 6);
	snprintf(a->truth->target, sizeof(a->truth->target), "10.20.16.0/20");
}

static host *
next_ghost(assault *x)
{
	x->ghost.v4[2] = (uint8_t) (16 + x->done / 254);
	x->ghost.v4[3] = (uint8_t) (x->done % 254 + 1);
	return &x->ghost;
}

static int64_t
sweep_again(assault *x, actor *a, int64_t now)
{
	a->truth->flows++;
	return attack_again(x, now + rng_range(&a->rng, 5 * SEC, 6 * SEC));
}

static void
prepare_ping_sweep(assault *x, actor *a, host *suspect)
{
	x->attacker = suspect;
	prepare_sweep(x, a);
}

static int64_t
fire_ping_sweep(sim *s, actor *a, int64_t now)
{
	assault    *x = a->state;

	ping(s, a, now, x->attacker, next_ghost(x), false, 1, false);
	return sweep_again(x, a, now);
}

static void
prepare_sctp_sweep(assault *x, actor *a, host *suspect)
{
	(void) suspect;
	x->attacker = &x->office->jump;
	prepare_sweep(x, a);
	a->truth->port = DIAMETER_PORT;
}

static int64_t
fire_sctp_sweep(sim *s, actor *a, int64_t now)
{
	assault    *x = a->state;

	sctp_probe(s, a, now, x->attacker, next_ghost(x), DIAMETER_PORT);
	return sweep_again(x, a, now);
}

/* ---- floods --------------------------------------------------------------------- */

/* Distinct: the step and the number of addresses have no common factor. */
static void
forge_addresses(assault *x, actor *a)
{
	int64_t		from = rng_range(&a->rng, 0, FORGEABLE - 1);

	x->forged = allocate(FORGED * sizeof(host));
	for (int i = 0; i < FORGED; i++)
	{
		uint32_t	n = (uint32_t) ((from + 509 * i) % FORGEABLE);
		uint8_t		v4[4] = {198, (uint8_t) (18 + (n >> 16)), (uint8_t) (n >> 8), (uint8_t) n};

		x->forged[i] = outside_host(x->office, &a->rng, v4, "forged");
	}
}

static void
prepare_udp_flood(assault *x, actor *a, host *suspect)
{
	(void) suspect;
	x->outsider = somebody_outside(x, a, 228, "udp flooder");
	x->attacker = &x->outsider;
	x->victim = &x->office->mail;
	x->total = (int) rng_range(&a->rng, 65000, 80000);
	x->gap = 500;
	a->truth->port = 80;
}

/* Unanswered, from one port each: a sender is one flow. */
static int64_t
flood_by_udp(sim *s, actor *a, int64_t now, host *from)
{
	static const uint8_t data[24];
	assault    *x = a->state;
	route		way = {from, x->victim, false, from->next_port, a->truth->port};

	udp_exchange(s, a, now, &way, (datagram) {data, sizeof(data)}, NULL);
	return attack_again_at_pace(x, a, now);
}

static int64_t
fire_udp_flood(sim *s, actor *a, int64_t now)
{
	assault    *x = a->state;

	a->truth->flows = 1;
	return flood_by_udp(s, a, now, x->attacker);
}

static void
prepare_spoofed_syn_flood(assault *x, actor *a, host *suspect)
{
	(void) suspect;
	forge_addresses(x, a);
	x->victim = &x->office->mail;
	x->total = (int) rng_range(&a->rng, 6000, 10000);
	x->gap = rng_range(&a->rng, 3 * MSEC, 12 * MSEC);
	a->truth->port = WEB_PORT;
}

static int64_t
fire_spoofed_syn_flood(sim *s, actor *a, int64_t now)
{
	assault    *x = a->state;

	tcp_probe(s, a, now, &x->forged[x->done % FORGED], x->victim, WEB_PORT,
			  x->done < BACKLOG ? REPLY_HALF_OPEN : REPLY_NONE, 1);
	return attack_again_at_pace(x, a, now);
}

/* Whichever minute it begins in: the larger part of it is still a flood. */
static void
prepare_spoofed_udp_flood(assault *x, actor *a, host *suspect)
{
	(void) suspect;
	forge_addresses(x, a);
	x->victim = &x->office->jump;
	x->total = (int) rng_range(&a->rng, 130000, 150000);
	x->gap = 300;
	a->truth->port = VPN_PORT;
}

static int64_t
fire_spoofed_udp_flood(sim *s, actor *a, int64_t now)
{
	assault    *x = a->state;

	if (x->done < FORGED)
		a->truth->flows++;
	return flood_by_udp(s, a, now, &x->forged[x->done % FORGED]);
}

/* Six workstations suffice for these and the usual: hence the order. */
const attack rare_attacks[RARE_ATTACKS] = {
	{"night_upload", "data_exfiltration", HOUR / 2, 9 * HOUR / 2, prepare_night_upload, fire_night_upload},
	{"slow_brute_force", "brute_force", HOUR, 22 * HOUR, prepare_slow_brute_force, fire_slow_brute_force},
	{"mail_guessing", "brute_force", HOUR, 22 * HOUR, prepare_mail_guessing, fire_mail_guessing},
	{"slow_ping_sweep", "suspicious", HOUR, 16 * HOUR, prepare_ping_sweep, fire_ping_sweep},
	{"udp_flood", "ddos", HOUR, 22 * HOUR, prepare_udp_flood, fire_udp_flood},
	{"spoofed_syn_flood", "ddos", HOUR, 22 * HOUR, prepare_spoofed_syn_flood, fire_spoofed_syn_flood},
	{"spoofed_udp_flood", "ddos", HOUR, 22 * HOUR, prepare_spoofed_udp_flood, fire_spoofed_udp_flood},
	{"unusual_upload", "data_exfiltration", 8 * HOUR, 20 * HOUR, prepare_unusual_upload, fire_unusual_upload},
	{"database_guessing", "brute_force", HOUR, 22 * HOUR, prepare_database_guessing, fire_database_guessing},
	{"sctp_sweep", "suspicious", HOUR, 16 * HOUR, prepare_sctp_sweep, fire_sctp_sweep},
};
