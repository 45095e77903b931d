/*
 * pcapgen_office.c - the hosts of the office and what they do all day.
 *
 * 10.20.0.0/24 and fd0a:14::/64 behind a gateway that translates both
 * (RFC 3022, RFC 6296), with a name server, a mail server, a file server that
 * also takes the backups, and a jump host for the administrators.  The gateway
 * forwards SMTP and SSH from outside.  The rest of the world lives in the
 * documentation prefixes of RFC 5737 and RFC 3849.
 *
 * What happens is a table: who does it, in which rhythm, how often, and the
 * function that lays out one occurrence.  Occurrences that people cause follow
 * the hours of an office as a Poisson process whose rate changes, by thinning
 * (Lewis & Shedler 1979); machines keep their own clocks.
 */
#include <stdlib.h>
#include <string.h>

#include "pcapgen.h"

#define ADMINS 2				/* the first workstations belong to them */
#define SERVER_COUNT 4

/* Share of the busiest hour's activity, by hour of a working day. */
static const double working_day[24] = {
	.02, .02, .02, .02, .02, .02, .04, .25, .80, 1., 1., .95,
	.55, .85, 1., 1., .90, .50, .20, .10, .06, .04, .03, .02,
};

#define WEEKEND_SHARE 0.06
#define AWAKE 0.2				/* share from which on mail programs are running */

typedef struct activity activity;

/* One host's share of one activity. */
typedef struct person
{
	office	   *office;
	host	   *host;			/* NULL: someone outside */
	const activity *activity;
} person;

enum who
{
	WORKSTATIONS, ADMINISTRATORS, SERVERS, OUTSIDERS
};

enum rhythm
{
	OFFICE_HOURS,				/* at random, as busy as the office is */
	ALWAYS,						/* at random, day and night */
	CLOCKWORK,					/* every so often, a little jitter */
	CLOCKWORK_AWAKE,			/* the same, while the office is awake */
	NIGHTLY						/* once, between one and three */
};

struct activity
{
	enum who	who;
	enum rhythm rhythm;
	double		per_hour;		/* of one host, in the busiest hour */
	void		(*act) (sim *, actor *, const person *, int64_t now);
};

static double
activity_level(int64_t at)
{
	int64_t		day = at / DAY;
	double		level = working_day[at % DAY / HOUR];

	return (day + 3) % 7 >= 5 ? level * WEEKEND_SHARE : level;	/* day 0 was a Thursday */
}

/* ---- web ------------------------------------------------------------------- */

/* Resolves a site; the name server asks its own resolver for the rarer ones. */
static int64_t
look_up(sim *s, actor *a, office *o, host *client, const host *site, int64_t at)
{
	bool		cached = rng_chance(&a->rng, 0.75);

	o->dns.turnaround = 180;
	if (!cached)
	{
		dns_lookup(s, a, at + 150, &o->dns, &o->resolver, site, true);
		o->dns.turnaround += o->resolver.turnaround * 6 / 5;
	}
	return dns_lookup(s, a, at, client, &o->dns, site, true);
}

static host *
pick_site(rng *r, office *o)
{
	double		u = rng_unit(r);

	return &o->sites[(int) (SITES * u * u)];	/* some are more popular than others */
}

/* What people send and fetch has a heavy tail; both ends are cut. */
static size_t
size_of(rng *r, double median, double sigma, double largest)
{
	double		size = rng_lognormal(r, median, sigma);

	return (size_t) (size < median / 8 ? median / 8 : size > largest ? largest : size);
}

static void
fetch(sim *s, actor *a, host *client, host *site, int64_t at)
{
	rng		   *r = &a->rng;
	bool		v6 = client->has_v6 && site->has_v6 && rng_chance(r, 0.5);
	tcp			t;

	if (rng_chance(r, 0.006))
	{
		tcp_probe(s, a, at, client, site, 443, REPLY_RESET, 1);
		return;
	}
	if (rng_chance(r, 0.006))
	{
		tcp_probe(s, a, at, client, site, 443, REPLY_NONE, 3);
		return;
	}
	if (rng_chance(r, 0.15))
	{
		tcp_open(&t, s, a, at, client, site, v6, 80);
		http_fetch(&t, site->name, size_of(r, 1500, 1.2, 200e3));
		tcp_close(&t, SERVER);
		return;
	}
	tcp_open(&t, s, a, at, client, site, v6, 443);
	tls_greet(&t, site->name);
	for (int64_t requests = rng_range(r, 1, 2); requests > 0; requests--)
	{
		tls_exchange(&t, size_of(r, 450, 0.5, 6e3), size_of(r, 600, 1.3, 200e3));
		tcp_pause(&t, (int64_t) rng_exponential(r, 400 * MSEC));
	}
	if (rng_chance(r, 0.04))
		tcp_reset(&t, CLIENT);	/* the tab was closed */
	else
		tls_end(&t);
}

/* One page: its site, and a few things from elsewhere. */
static void
browse(sim *s, actor *a, const person *p, int64_t now)
{
	int64_t		parts = rng_range(&a->rng, 1, 3);

	for (int64_t i = 0; i < parts; i++)
	{
		host	   *site = pick_site(&a->rng, p->office);

		if (i == 0 || rng_chance(&a->rng, 0.7))
			now = look_up(s, a, p->office, p->host, site, now);
		now += 2 * MSEC + (int64_t) rng_exponential(&a->rng, 60 * MSEC);
		fetch(s, a, p->host, site, now);
	}
	if (rng_chance(&a->rng, 0.02))
	{
		host		typo = {.name = "www.exampel.example"};

		dns_lookup(s, a, now, p->host, &p->office->dns, &typo, false);
	}
}

/* Programs that report home, and look for updates. */
static void
report_home(sim *s, actor *a, const person *p, int64_t now)
{
	host	   *site = &p->office->sites[rng_range(&a->rng, 0, 5)];

	now = look_up(s, a, p->office, p->host, site, now);
	fetch(s, a, p->host, site, now + 5 * MSEC);
}

/* A file sent to a web site: the ordinary sort of upload. */
static void
upload(sim *s, actor *a, const person *p, int64_t now)
{
	host	   *site = pick_site(&a->rng, p->office);
	tcp			t;

	now = look_up(s, a, p->office, p->host, site, now) + 3 * MSEC;
	tcp_open(&t, s, a, now, p->host, site, false, 443);
	tls_greet(&t, site->name);
	tls_exchange(&t, size_of(&a->rng, 12e3, 1.0, 150e3), size_of(&a->rng, 600, 0.4, 3e3));
	tls_end(&t);
}

/* ---- inside ------------------------------------------------------------------ */

static void
work_on_document(sim *s, actor *a, const person *p, int64_t now)
{
	bool		save = rng_chance(&a->rng, 0.3);
	size_t		size = size_of(&a->rng, 5e3, 1.2, 150e3);
	tcp			t;

	tcp_open(&t, s, a, now, p->host, &p->office->files, p->host->has_v6, 443);
	tls_greet(&t, p->office->files.name);
	tls_exchange(&t, save ? size : 500, save ? 300 : size);
	tls_end(&t);
}

/* Sealed from workstation to file server, a piece at a time, each confirmed. */
static void
back_up(sim *s, actor *a, const person *p, int64_t now)
{
	int64_t		pieces = (int64_t) size_of(&a->rng, 5, 0.5, 20);
	tcp			t;

	tcp_open(&t, s, a, now, p->host, &p->office->files, false, 9103);
	tls_greet(&t, p->office->files.name);
	for (; pieces > 0; pieces--)
	{
		tls_exchange(&t, (size_t) rng_range(&a->rng, 30000, 64000), 80);
		tcp_pause(&t, rng_range(&a->rng, 20 * MSEC, 400 * MSEC));
	}
	tls_end(&t);
}

static void
check_mail(sim *s, actor *a, const person *p, int64_t now)
{
	tcp			t;

	tcp_open(&t, s, a, now, p->host, &p->office->mail, p->host->has_v6, 993);
	tls_greet(&t, p->office->mail.name);
	tls_exchange(&t, 90, 120);	/* log in */
	tls_exchange(&t, 60, rng_chance(&a->rng, 0.3) ? size_of(&a->rng, 3e3, 1.0, 100e3) : 150);
	tls_end(&t);
}

static void
send_mail(sim *s, actor *a, const person *p, int64_t now)
{
	tcp			t;

	tcp_open(&t, s, a, now, p->host, &p->office->mail, false, 25);
	smtp_deliver(&t, "someone@office.example", "partner@site.example",
				 size_of(&a->rng, 2e3, 1.1, 120e3));
}

/* An administrator's terminal: log in, type, read. */
static void
administer(sim *s, actor *a, const person *p, int64_t now)
{
	host	   *servers[] = {&p->office->jump, &p->office->files, &p->office->mail};
	int64_t		keys = (int64_t) size_of(&a->rng, 60, 0.7, 400);
	tcp			t;

	tcp_open(&t, s, a, now, p->host, servers[rng_range(&a->rng, 0, 2)], false, 22);
	ssh_greet(&t);
	for (int i = 0; i < 3; i++)
	{
		ssh_send(&t, CLIENT, 80);
		ssh_send(&t, SERVER, 40);
	}
	for (; keys > 0; keys--)
	{
		tcp_pause(&t, (int64_t) rng_exponential(&a->rng, rng_chance(&a->rng, 0.05) ? 15 * SEC : SEC));
		ssh_send(&t, CLIENT, 20);
		ssh_send(&t, SERVER, rng_chance(&a->rng, 0.15) ? size_of(&a->rng, 600, 0.8, 8e3) : 20);
	}
	tcp_close(&t, CLIENT);
}

static void
set_clock(sim *s, actor *a, const person *p, int64_t now)
{
	ntp_poll(s, a, now, p->host, &p->office->clock);
}

/* The file server watches the others; sometimes a workstation is off. */
static void
watch_hosts(sim *s, actor *a, const person *p, int64_t now)
{
	office	   *o = p->office;
	host	   *target = &o->workstations[rng_range(&a->rng, 0, o->workstation_count - 1)];

	if (p->host == &o->files)
		ping(s, a, now, p->host, target, target->has_v6 && rng_chance(&a->rng, 0.3), 2,
			 rng_chance(&a->rng, 0.97));
}

/* ---- outside ----------------------------------------------------------------- */

static void
receive_mail(sim *s, actor *a, const person *p, int64_t now)
{
	host	   *relay = &p->office->relays[rng_range(&a->rng, 0, RELAYS - 1)];
	tcp			t;

	tcp_open(&t, s, a, now, relay, &p->office->mail, false, 25);
	smtp_deliver(&t, "partner@site.example", "someone@office.example",
				 size_of(&a->rng, 2500, 1.1, 150e3));
}

/* The noise of the Internet: a stranger knocks once, and goes. */
static void
knock(sim *s, actor *a, const person *p, int64_t now)
{
	const uint8_t from[4] = {203, 0, 113, (uint8_t) rng_range(&a->rng, 140, 199)};
	host		stranger = outside_host(p->office, &a->rng, from, "stranger");
	host	   *target = rng_chance(&a->rng, 0.5) ? &p->office->jump : &p->office->mail;
	uint16_t	port = target == &p->office->jump ? 22 : 25;

	stranger.next_port = (uint16_t) rng_range(&a->rng, 32768, 60000);
	tcp_probe(s, a, now, &stranger, target, port, REPLY_ACCEPT, 1);
}

/* ---- when -------------------------------------------------------------------- */

static const activity activities[] = {
	{WORKSTATIONS, OFFICE_HOURS, 14, browse},
	{WORKSTATIONS, ALWAYS, 2, report_home},
	{WORKSTATIONS, OFFICE_HOURS, 0.5, upload},
	{WORKSTATIONS, OFFICE_HOURS, 3, work_on_document},
	{WORKSTATIONS, CLOCKWORK_AWAKE, 6, check_mail},
	{WORKSTATIONS, OFFICE_HOURS, 1.5, send_mail},
	{WORKSTATIONS, CLOCKWORK, 3.5, set_clock},
	{WORKSTATIONS, NIGHTLY, 0, back_up},
	{ADMINISTRATORS, OFFICE_HOURS, 2, administer},
	{SERVERS, CLOCKWORK, 3.5, set_clock},
	{SERVERS, ALWAYS, 1, report_home},
	{SERVERS, CLOCKWORK, 12, watch_hosts},
	{OUTSIDERS, ALWAYS, 6, receive_mail},
	{OUTSIDERS, OFFICE_HOURS, 40, receive_mail},
	{OUTSIDERS, ALWAYS, 1, knock},
};

#define ACTIVITIES (sizeof(activities) / sizeof(activities[0]))

/* Somewhere between one and three in the night after `now`. */
static int64_t
next_night(rng *r, int64_t now)
{
	int64_t		midnight = now - now % DAY;

	return midnight + (now % DAY < HOUR ? 0 : DAY) + HOUR + rng_range(r, 0, 2 * HOUR - 1);
}

static int64_t
next_time(actor *a, const person *p, int64_t now)
{
	rng		   *r = &a->rng;
	double		mean = (double) HOUR / (p->activity->per_hour * p->office->scale);

	switch (p->activity->rhythm)
	{
		case OFFICE_HOURS:
			do
				now += (int64_t) rng_exponential(r, mean);
			while (!rng_chance(r, activity_level(now)));
			return now;
		case ALWAYS:
			return now + (int64_t) rng_exponential(r, mean);
		case CLOCKWORK_AWAKE:
			do
				now += (int64_t) (mean * (0.95 + 0.1 * rng_unit(r)));
			while (activity_level(now) < AWAKE);
			return now;
		case CLOCKWORK:
			return now + (int64_t) (mean * (0.98 + 0.04 * rng_unit(r)));
		case NIGHTLY:
			return next_night(r, now);
	}
	return NEVER;
}

static int64_t
fire(sim *s, actor *a, int64_t now)
{
	const person *p = a->state;

	p->activity->act(s, a, p, now);
	return next_time(a, p, now);
}

/* ---- who --------------------------------------------------------------------- */

static host
inside_host(const office *o, uint8_t last, uint8_t ttl, const char *name)
{
	host		h = {.v4 = {10, 20, 0, last},.ttl = ttl,.turnaround = 180,.has_v6 = true};
	rng			r = rng_make(o->seed, last);

	memcpy(h.v6, "\xfd\x0a\0\x14", 4);
	h.v6[15] = last;
	memcpy(h.mac, "\x02\0\x0a\x14\0", 5);	/* locally administered */
	h.mac[5] = last;
	h.next_id = (uint16_t) rng_next(&r);
	h.next_port = (uint16_t) rng_range(&r, 32768, 60999);
	snprintf(h.name, sizeof(h.name), "%s.office.example", name);
	return h;
}

host
outside_host(const office *o, rng *r, const uint8_t v4[4], const char *name)
{
	host		h = {.ttl = (uint8_t) (64 - rng_range(r, 6, 22))};

	memcpy(h.v4, v4, 4);
	memcpy(h.mac, o->gateway.mac, 6);
	h.turnaround = (uint32_t) rng_range(r, 6000, 90000);
	h.next_id = (uint16_t) rng_next(r);
	h.next_port = (uint16_t) rng_range(r, 32768, 60999);
	snprintf(h.name, sizeof(h.name), "%s", name);
	return h;
}

static void
build_outside(office *o, rng *r)
{
	static const uint8_t prefixes[3][3] = {{198, 51, 100}, {203, 0, 113}, {192, 0, 2}};

	for (int i = 0; i < SITES; i++)
	{
		const uint8_t *p = prefixes[i % 3];
		char		name[32];

		snprintf(name, sizeof(name), "www.site%02d.example", i);
		o->sites[i] = outside_host(o, r, (uint8_t[4]) {p[0], p[1], p[2], (uint8_t) (10 + i)}, name);
		o->sites[i].has_v6 = i % 5 < 2;
		memcpy(o->sites[i].v6, "\x20\x01\x0d\xb8\xc0\xde", 6);
		o->sites[i].v6[15] = (uint8_t) (10 + i);
	}
	for (int i = 0; i < RELAYS; i++)
		o->relays[i] = outside_host(o, r, (uint8_t[4]) {192, 0, 2, (uint8_t) (110 + i)}, "relay");
	o->resolver = outside_host(o, r, (uint8_t[4]) {198, 51, 100, 5}, "resolver");
	o->clock = outside_host(o, r, (uint8_t[4]) {198, 51, 100, 6}, "clock");
}

void
office_build(office *o, int workstations, double scale, uint64_t seed)
{
	rng			r = rng_make(seed, 0);

	*o = (office) {.workstation_count = workstations,.scale = scale,.seed = seed};
	o->gateway = inside_host(o, 1, 64, "gateway");
	o->dns = inside_host(o, 2, 64, "dns");
	o->mail = inside_host(o, 3, 64, "mail");
	o->files = inside_host(o, 4, 64, "files");
	o->jump = inside_host(o, 5, 64, "jump");
	o->workstations = allocate((size_t) workstations * sizeof(host));
	for (int i = 0; i < workstations; i++)
	{
		o->workstations[i] = inside_host(o, (uint8_t) (101 + i), i % 3 == 2 ? 64 : 128, "desk");
		o->workstations[i].has_v6 = i % 4 != 3;
	}
	build_outside(o, &r);
}

static void
start_activity(office *o, sim *s, const activity *what, host *who, uint64_t stream)
{
	actor	   *a = allocate(sizeof(actor));
	person	   *p = allocate(sizeof(person));

	*p = (person) {o, who, what};
	*a = (actor) {.fire = fire,.rng = rng_make(o->seed, stream),.state = p};
	sim_schedule(s, a, next_time(a, p, s->start));
}

/* Every activity of every host gets its own actor and its own random stream. */
void
office_start(office *o, sim *s)
{
	host	   *servers[SERVER_COUNT] = {&o->dns, &o->mail, &o->files, &o->jump};

	for (size_t i = 0; i < ACTIVITIES; i++)
	{
		const activity *what = &activities[i];
		int			count = what->who == WORKSTATIONS ? o->workstation_count :
			what->who == ADMINISTRATORS ? ADMINS :
			what->who == SERVERS ? SERVER_COUNT : 1;

		for (int j = 0; j < count; j++)
		{
			host	   *who = what->who == OUTSIDERS ? NULL :
				what->who == SERVERS ? servers[j] : &o->workstations[j];

			start_activity(o, s, what, who, 1000 * (i + 1) + (uint64_t) j);
		}
	}
}
