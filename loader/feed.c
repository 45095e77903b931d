/*
 * feed.c - from a live meter to the database (see feed.h).
 */
#include "feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "signals.h"
#include "util.h"

#define HEALTH_INTERVAL 5.0
#define HEARTBEAT 60.0			/* an empty batch tells that nothing came */

/* ---- how things stand --------------------------------------------------- */

/* Packets and flows a second since the last line. */
static void
update_rates(feed *f, double now)
{
	double		seconds = now - f->told;

	if (seconds >= 0.1)
		snprintf(f->rates, sizeof(f->rates), "packets_per_s=%.0f flows_per_s=%.0f",
				 (double) (f->meter.sum.packets - f->told_packets) / seconds,
				 (double) (f->meter.sum.flows - f->told_flows) / seconds);
	f->told = now;
	f->told_packets = f->meter.sum.packets;
	f->told_flows = f->meter.sum.flows;
}

static void
put_quoted(FILE *to, const char *key, const char *text)
{
	fprintf(to, " %s=\"", key);
	for (; *text; text++)
		fputc(*text == '"' ? '\'' : (unsigned char) *text < ' ' ? ' ' : *text, to);
	fputc('"', to);
}

/* One line of words like key=value. */
static void
put_status(feed *f, FILE *to)
{
	courier_status status = {.lag = -1};
	const capture_summary *sum = &f->meter.sum;
	time_t		now = time(NULL);
	struct tm	utc;
	char		text[32];

	if (f->courier)
		courier_report(f->courier, &status);
	if (f->drops)
		f->drops(f->drops_arg, &f->meter.sum);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	fprintf(to, "time=%s", text);
	put_quoted(to, "source", f->name);
	fprintf(to, " packets=%lld ip_packets=%lld flows=%lld open=%u evicted=%lld", (long long) sum->packets,
			(long long) sum->ip_packets, (long long) sum->flows, flow_open(f->meter.table), (long long) sum->evicted);
	if (sum->drops >= 0)
		fprintf(to, " kernel_drops=%lld interface_drops=%lld", (long long) sum->drops, (long long) sum->interface_drops);
	if (f->courier)
		fprintf(to, " stored=%lld waiting=%lld", (long long) (f->skip + status.stored),
				(long long) (status.waiting + (f->batch ? f->batch->rows : 0)));
	if (status.lag >= 0)
		fprintf(to, " lag_s=%.1f", status.lag);
	if (*f->rates)
		fprintf(to, " %s", f->rates);
	put_quoted(to, "error", *f->trouble ? f->trouble : status.error);
	fputc('\n', to);
}

/* The file is replaced, never half there. */
static void
write_health(feed *f)
{
	char	   *fresh = must_format("%s.new", f->options->health);
	FILE	   *to = fopen(fresh, "w");
	bool		good = to != NULL;

	if (to)
	{
		put_status(f, to);
		good = !ferror(to);
		good = fclose(to) == 0 && good;
	}
	if (!good || rename(fresh, f->options->health) != 0)
		complain("%s: %s", f->options->health, strerror(errno));
	free(fresh);
}

static void
answer(feed *f)
{
	double		now = seconds_now();
	bool		health = f->options->health && now - f->health >= HEALTH_INTERVAL;

	if (!health && !statistics_asked)
		return;
	update_rates(f, now);
	if (statistics_asked)
	{
		statistics_asked = 0;
		flockfile(stderr);
		fputs("pcap2pg: ", stderr);
		put_status(f, stderr);
		funlockfile(stderr);
	}
	if (health)
	{
		f->health = now;
		write_health(f);
	}
}

/* A moment, in which something else may become possible; false if it is not worth waiting. */
static bool
wait_a_little(feed *f)
{
	const struct timespec moment = {.tv_nsec = 20000000};

	if (stop_asked > 1)
		return false;
	answer(f);
	nanosleep(&moment, NULL);
	return true;
}

/* ---- batches ------------------------------------------------------------ */

static void
note_trouble(feed *f, const char *message)
{
	if (*f->trouble == '\0')
		complain("%s; nothing is read until there is room", message);
	snprintf(f->trouble, sizeof(f->trouble), "%s", message);
}

static void
note_no_trouble(feed *f)
{
	if (*f->trouble)
		complain("there is room again");
	f->trouble[0] = '\0';
}

static bool
hand_over(feed *f, bool final)
{
	batch	   *b = f->batch;
	char		message[MESSAGE_BYTES];

	if (f->drops)
		f->drops(f->drops_arg, &f->meter.sum);
	b->first = f->handed;
	b->sum = f->meter.sum;
	b->final = final;
	f->handed += b->rows;
	while (!courier_put(f->courier, b, message))
	{
		note_trouble(f, message);
		if (!wait_a_little(f))
			return false;
	}
	f->given = seconds_now();
	while (!(f->batch = courier_take(f->courier)))
	{
		if (seconds_now() - f->given > 1)
			note_trouble(f, "all batches wait for the database");
		if (!wait_a_little(f))
			return false;
	}
	note_no_trouble(f);
	return true;
}

static void
give_up(feed *f, int64_t rows)
{
	f->lost += rows;
	f->batch = NULL;
}

static void
flush(feed *f, bool final)
{
	int64_t		rows = f->batch->rows;

	if (!hand_over(f, final))
		give_up(f, f->batch ? rows : 0);
}

/* The meter's flow_emit. */
static void
add_row(void *arg, flow_row *row)
{
	feed	   *f = arg;

	if (!f->courier)
	{
		if (f->options->output == TO_STDOUT)
			csv_row(&f->csv, row);
		return;
	}
	if (f->meter.sum.flows <= f->skip)
		return;
	if (f->batch && !batch_add(f->batch, row, 0))
	{
		flush(f, false);
		if (f->batch)
			batch_add(f->batch, row, 0);
	}
	if (!f->batch)
	{
		f->lost++;
		return;
	}
	if (f->batch->rows == 1)
		f->filled = seconds_now();
	if (f->batch->rows >= f->options->flush_flows)
		flush(f, false);
}

void
feed_open(feed *f, const options *o, const char *name, courier *c, int64_t stored)
{
	memset(f, 0, sizeof(*f));
	meter_open(&f->meter, &o->flow, !o->outer, add_row, f);
	f->options = o;
	f->name = name;
	f->courier = c;
	f->batch = c ? courier_take(c) : NULL;
	f->handed = f->skip = stored;
	f->csv = (csv) {stdout, 1};
	f->begin = f->told = seconds_now();
	f->health = f->begin - HEALTH_INTERVAL;
	f->given = f->begin - HEARTBEAT;	/* an empty batch announces us */
}

void
feed_tick(feed *f)
{
	double		now = seconds_now();

	answer(f);
	if (!f->courier)
	{
		if (f->options->output == TO_STDOUT && now - f->given >= (double) f->options->flush_time * 1e-6)
		{
			fflush(stdout);
			f->given = now;
		}
		return;
	}
	if (f->batch && ((f->batch->rows > 0 && now - f->filled >= (double) f->options->flush_time * 1e-6) ||
					 now - f->given >= HEARTBEAT))
		flush(f, false);
}

static void
summarize(const feed *f)
{
	const capture_summary *sum = &f->meter.sum;
	double		seconds = seconds_now() - f->begin;
	double		rate = seconds > 0 ? 1 / seconds : 0;

	if (f->options->quiet)
		return;
	fprintf(stderr, "%s: %lld packets, %lld IP, %lld flows, %lld evicted", f->name, (long long) sum->packets,
			(long long) sum->ip_packets, (long long) sum->flows, (long long) sum->evicted);
	if (sum->drops >= 0)
		fprintf(stderr, ", %lld dropped by the kernel, %lld by the interface", (long long) sum->drops,
				(long long) sum->interface_drops);
	fprintf(stderr, ", %.2f s, %.0f packets/s, %.0f flows/s\n", seconds, (double) sum->packets * rate, (double) sum->flows * rate);
}

/* Nothing more comes: what has become of it all? */
static bool
settle(feed *f)
{
	courier_status status;

	courier_end(f->courier);
	while (!courier_done(f->courier) && wait_a_little(f))
		;
	courier_report(f->courier, &status);
	if (!f->options->spool)
		f->lost += status.waiting;
	else if (status.waiting > 0)
		complain("%lld flows wait in %s for the next start: %s", (long long) status.waiting, f->options->spool, status.error);
	if (f->lost > 0)
		complain("%lld flows were not stored", (long long) f->lost);
	if (courier_done(f->courier))
		courier_free(f->courier);
	return status.waiting == 0 && f->lost == 0;
}

bool
feed_end(feed *f, bool final)
{
	bool		good = true;

	if (final)
		flow_end_all(f->meter.table);
	if (f->courier)
	{
		if (f->batch && (final || f->batch->rows > 0))
			flush(f, final);
		good = settle(f);
	}
	if (f->options->health)
		unlink(f->options->health);
	summarize(f);
	meter_close(&f->meter);
	return good;
}
