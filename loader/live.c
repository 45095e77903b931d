/*
 * live.c - an interface, or a file played as if it were one (see live.h).
 *
 * Flows of an interface also end when nothing more is heard of anything: while
 * no packet waits, the flow table's clock goes on by itself, a little behind
 * the time of day.  A replay gives it the time of each whole second of the
 * file, so that its flows are the same whenever and how often it is played; a
 * replay that was cut off goes on behind the flows that are stored.
 */
#include "live.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "capture.h"
#include "feed.h"
#include "privileges.h"
#include "signals.h"
#include "util.h"

#define SECOND INT64_C(1000000)
#define BEHIND SECOND			/* a packet may take so long to reach us */

#define LINGER 0.25				/* seconds */

enum
{
	WAIT = 50,					/* milliseconds for a packet */
	TICK_FRAMES = 4096,			/* a replay at full speed looks up after so many */
	MOST_TICKS = 3600			/* seconds of silence in a file that are gone through */
};

static int64_t
time_of_day(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t) now.tv_sec * SECOND + now.tv_nsec / 1000;
}

/* What decides where flows end: a replay must go on as it began. */
static char *
settings_text(const options *o)
{
	const flow_options *f = &o->flow;

	return must_format("idle=%g tcp-attempt=%g tcp-idle=%g tcp-half-closed=%g tcp-closed=%g icmp-idle=%g active=%g "
					   "max-flows=%u key-vlan=%s outer=%s",
					   (double) f->idle * 1e-6, (double) f->tcp_attempt * 1e-6, (double) f->tcp_idle * 1e-6,
					   (double) f->tcp_half_closed * 1e-6, (double) f->tcp_closed * 1e-6,
					   (double) f->icmp_idle * 1e-6, (double) f->active * 1e-6, f->max_flows,
					   f->key_vlan ? "yes" : "no", o->outer ? "yes" : "no");
}

/* ---- an interface ------------------------------------------------------- */

static void
count_drops(void *arg, capture_summary *sum)
{
	interface_drops(arg, &sum->drops, &sum->interface_drops);
}

typedef struct reader
{
	feed	   *feed;
	int64_t		frames;
} reader;

static void
take_frame(void *arg, const frame *f)
{
	reader	   *r = arg;

	r->frames++;
	meter_frame(&r->feed->meter, f);
}

/*
 * Until a signal, or an error, which is told.  What came before the signal may
 * still be on its way to us.
 */
static bool
capture_until_stopped(feed *f, interface *i)
{
	reader		r = {.feed = f};
	char		message[MESSAGE_BYTES];
	double		end = 0;

	while (end == 0 || seconds_now() < end)
	{
		int64_t		before = r.frames;

		if (!interface_read(i, WAIT, take_frame, &r, message))
		{
			complain("%s: %s", f->name, message);
			return false;
		}
		if (r.frames == before)
			flow_advance(f->meter.table, time_of_day() - BEHIND);
		feed_tick(f);
		if (stop_asked && end == 0)
			end = seconds_now() + LINGER;
	}
	return true;
}

/* The spool, if any, begun; the database reached, unless the spool can wait for it. */
static courier *
start_courier(const options *o, const identity *who)
{
	session		s = {.server.store = o->store, .conninfo = o->conninfo};
	spool	   *sp = NULL;
	char		message[MESSAGE_BYTES];

	if (o->spool && (!(sp = spool_open(o->spool, o->spool_limit, message)) || !spool_begin(sp, who, message)))
	{
		complain("%s", message);
		return NULL;
	}
	if (!sp && (!session_connect(&s) || !session_attach(&s, who)))
		return NULL;
	return courier_start(&s, who, sp);
}

int
live_interface(const options *o)
{
	char		message[MESSAGE_BYTES];
	identity	who = {.started = time_of_day(), .source = o->interface.name, .filter = o->filter};
	interface_options wanted = o->interface;
	interface  *i;
	courier    *c = NULL;
	feed		f;
	char	   *settings;
	bool		good,
				kept;

	wanted.filter = o->filter;
	i = interface_open(&wanted, message);
	if (!i || (o->user && !become_user(o->user, message)))
	{
		complain("%s: %s", o->interface.name, message);
		return EXIT_FILE;
	}
	if (*message && !o->quiet)
		complain("%s: %s", o->interface.name, message);
	if (getrandom(who.key, sizeof(who.key), 0) != sizeof(who.key))
		return EXIT_FILE;
	who.settings = settings = settings_text(o);
	if (o->output == TO_DATABASE && !(c = start_courier(o, &who)))
		return EXIT_DATABASE;
	feed_open(&f, o, o->interface.name, c, 0);
	f.drops = count_drops;
	f.drops_arg = i;
	if (!o->quiet)
		complain("capturing on %s", o->interface.name);
	good = capture_until_stopped(&f, i);
	kept = feed_end(&f, true);
	interface_close(i);
	free(settings);
	if (!kept)
		return EXIT_DATABASE;
	return good ? EXIT_OK : EXIT_FILE;
}

/* ---- a replay ----------------------------------------------------------- */

typedef struct pace
{
	double		speed;
	bool		started;
	double		begin;			/* when the first packet that is waited for was played */
	int64_t		first;			/* its time */
	int64_t		newest;			/* packet played */
} pace;

static void
wait_until(const pace *p, feed *f, int64_t time)
{
	double		when = p->begin + (double) (time - p->first) * 1e-6 / p->speed;
	double		left;

	while ((left = when - seconds_now()) > 0 && !stop_asked)
	{
		struct timespec rest = {.tv_nsec = left > 0.05 ? 50000000 : (long) (left * 1e9)};

		nanosleep(&rest, NULL);
		feed_tick(f);
	}
}

/* Waits until it is a packet's time.  What is stored already is not waited for. */
static void
keep_pace(pace *p, feed *f, int64_t time)
{
	int64_t		second;

	if (!p->started || (f->meter.sum.flows < f->skip && time > p->first))
	{
		p->begin = seconds_now();
		p->first = time;
	}
	if (!p->started)
		p->newest = time;
	p->started = true;
	if (time <= p->newest)
		return;
	second = p->newest / SECOND + 1;
	for (int i = 0; i < MOST_TICKS && second <= time / SECOND && !stop_asked; i++, second++)
	{
		wait_until(p, f, second * SECOND);
		flow_advance(f->meter.table, second * SECOND);
	}
	wait_until(p, f, time);
	p->newest = time;
}

/* All frames; false if the file cannot stand.  A damaged end is cut off. */
static bool
play(feed *f, capture *c, char *message)
{
	pace		p = {.speed = f->options->replay};
	frame		one;
	int			result;

	while ((result = capture_next(c, &one, message)) == 1 && !stop_asked)
	{
		keep_pace(&p, f, one.time);
		if (!stop_asked)
			meter_frame(&f->meter, &one);
		if (f->meter.sum.packets % TICK_FRAMES == 0)
			feed_tick(f);
	}
	if (stop_asked)
		complain("interrupted; start it again to go on behind the flows that are stored");
	else if (result == -2)
		complain("%s: %s", f->name, message);
	else if (result == -1)
	{
		f->meter.sum.truncated = true;
		f->meter.sum.damage = message;
		complain("warning: %s: %s; the %lld packets before it were taken", f->name, message,
				 (long long) f->meter.sum.packets);
	}
	return !stop_asked && result != -2;
}

/* The file's session, to go on with; false if there is nothing to do or it fails. */
static bool
take_up(session *s, const identity *who, int *code)
{
	bool		good = session_connect(s) && session_attach(s, who);

	*code = EXIT_DATABASE;
	if (good && !s->complete)
		good = session_lock(s);
	if (!good)
		return false;
	if (!s->complete)
		return true;
	complain("%s: already loaded as capture %d", who->source, s->capture_id);
	*code = EXIT_OK;
	return false;
}

/* Uses the session up, whose connection may be open. */
static int
replay(const options *o, const char *path, session *s, source *from, capture *c)
{
	identity	who = {.replay = true, .started = time_of_day(), .source = path, .filter = o->filter};
	courier    *to = NULL;
	feed		f;
	char	   *settings = settings_text(o);
	int			code;
	char		message[MESSAGE_BYTES],
				damage[MESSAGE_BYTES];
	bool		whole,
				kept;

	who.settings = settings;
	if (o->output == TO_DATABASE)
	{
		memcpy(who.fingerprint, source_fingerprint(from), FINGERPRINT_BYTES);
		memcpy(who.key, who.fingerprint, SESSION_KEY_BYTES);
		if (!take_up(s, &who, &code))
		{
			session_close(s);
			free(settings);
			return code;
		}
		to = courier_start(s, &who, NULL);
	}
	feed_open(&f, o, path, to, s->stored);
	whole = play(&f, c, damage);
	if (whole && !source_finish(from, message))
	{
		complain("%s: %s", path, message);
		whole = false;
	}
	f.meter.sum.file_bytes = source_position(from);
	f.meter.sum.drops = capture_drops(c);
	kept = feed_end(&f, whole);
	free(settings);
	if (!kept)
		return EXIT_DATABASE;
	return whole ? EXIT_OK : stop_asked ? EXIT_INTERRUPTED : EXIT_FILE;
}

int
live_replay(const options *o, const char *path)
{
	char		message[MESSAGE_BYTES];
	session		s = {.server.store = o->store, .conninfo = o->conninfo};
	source	   *from;
	capture    *c = NULL;
	int			code = EXIT_FILE;

	if (o->output == TO_DATABASE && !session_connect(&s))
		return EXIT_DATABASE;
	from = source_open(path, message);
	if (from && source_size(from) < 0)
		snprintf(message, sizeof(message), "only a regular file can be replayed");
	else if (from && (!s.server.conn || source_fingerprint_first(from, s.server.capture_key, message)))
		c = capture_open(from, o->filter, message);
	if (c)
	{
		code = replay(o, path, &s, from, c);
		capture_close(c);
	}
	else
	{
		complain("%s: %s", path, message);
		session_close(&s);
	}
	if (from)
		source_close(from);
	return code;
}
