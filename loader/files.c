/*
 * files.c - capture and text files into a sink (see files.h).
 */
#include "files.h"

#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "csv.h"
#include "meter.h"
#include "signals.h"
#include "util.h"

enum
{
	PROGRESS_PACKETS = 65536,	/* look at the clock this often */
	REJECTS_TOLD = 10			/* of a file */
};

/* One file's way through, or all files' together. */
typedef struct work
{
	const options *options;
	sink	   *sink;			/* NULL unless TO_DATABASE */
	csv			csv;
	meter		meter;
	import	   *import;			/* of a text file, else NULL */
	double		begin;
	double		shown;			/* when progress was last shown */
} work;

/* ---- what is said ------------------------------------------------------- */

static void
summarize(const char *name, const work *w)
{
	const capture_summary *sum = &w->meter.sum;
	double		seconds = seconds_now() - w->begin;
	double		rate = seconds > 0 ? 1 / seconds : 0;

	if (!w->options->quiet)
		fprintf(stderr, "%s: %lld packets, %lld IP, %lld flows, %lld bytes, %.2f s, %.0f packets/s, %.0f flows/s%s\n",
				name, (long long) sum->packets, (long long) sum->ip_packets, (long long) sum->flows,
				(long long) sum->file_bytes, seconds, (double) sum->packets * rate,
				(double) sum->flows * rate, sum->truncated ? ", truncated" : "");
	if (!w->options->quiet && sum->evicted > 0)
		fprintf(stderr, "%s: %lld flows ended early, to make room (--max-flows)\n", name, (long long) sum->evicted);
	if (!w->options->quiet && sum->rejected > 0)
		fprintf(stderr, "%s: %lld lines set aside\n", name, (long long) sum->rejected);
}

static void
answer_signals(const work *w, const char *name)
{
	if (statistics_asked)
	{
		statistics_asked = 0;
		summarize(name, w);
	}
}

static void
show_progress(work *w, const char *name, const source *s)
{
	double		now = seconds_now();
	int64_t		size = source_size(s);

	if (now - w->shown < 0.5)
		return;
	w->shown = now;
	fprintf(stderr, "\r%s: %lld packets, %lld flows", name, (long long) w->meter.sum.packets, (long long) w->meter.sum.flows);
	if (size > 0)
		fprintf(stderr, ", %lld %%", (long long) (source_position(s) * 100 / size));
	fputs("\033[K", stderr);
}

static void
clear_progress(const work *w)
{
	if (w->shown > 0)
		fputs("\r\033[K", stderr);
}

/* ---- one file ----------------------------------------------------------- */

/* The meter's flow_emit. */
static void
emit(void *arg, flow_row *row)
{
	work	   *w = arg;

	if (w->sink)
		sink_row(w->sink, row);
	else
		csv_row(&w->csv, row);
}

/*
 * All frames into flows.  False if the file cannot stand: it was interrupted,
 * the sink failed, or the filter does not fit.  A damaged end is cut off.
 */
static bool
meter_file(work *w, const char *name, source *s, capture *c, char *message)
{
	bool		progress = !w->options->quiet && isatty(STDERR_FILENO);
	frame		f;
	int			result;

	while ((result = capture_next(c, &f, message)) == 1 && !stop_asked)
	{
		meter_frame(&w->meter, &f);
		if (w->meter.sum.packets % PROGRESS_PACKETS != 0)
			continue;
		if (w->sink && sink_failed(w->sink))
			return false;
		answer_signals(w, name);
		if (progress)
			show_progress(w, name, s);
	}
	if (stop_asked)
		return false;
	if (result == -2)
	{
		complain("%s: %s", name, message);
		return false;
	}
	if (result == -1)
	{
		w->meter.sum.truncated = true;
		w->meter.sum.damage = message;
	}
	flow_end_all(w->meter.table);
	w->meter.sum.drops = capture_drops(c);
	return true;
}

/* Into the store's table; the first few are told as well. */
static void
set_aside(work *w, const char *name, const import_reject *r)
{
	w->meter.sum.rejected++;
	if (w->sink)
		sink_reject(w->sink, r->line, r->reason, r->raw.at, r->raw.length);
	if (w->meter.sum.rejected <= REJECTS_TOLD && !w->options->quiet)
		complain("%s: line %lld: %s", name, (long long) r->line, r->reason);
	if (w->meter.sum.rejected == REJECTS_TOLD + 1 && !w->options->quiet)
		complain("%s: more bad lines are not told here", name);
}

/* All rows of a text file.  False as with meter_file(), or if none of them is a flow. */
static bool
import_file(work *w, const char *name, source *s, char *message)
{
	bool		progress = !w->options->quiet && isatty(STDERR_FILENO);
	int64_t		rows = 0;
	flow_row	row;
	import_reject reject;
	import_result result;

	while ((result = import_next(w->import, &row, &reject, message)) != IMPORT_END && !stop_asked)
	{
		if (result == IMPORT_ERROR)
		{
			complain("%s: %s", name, message);
			return false;
		}
		if (result == IMPORT_REJECT)
			set_aside(w, name, &reject);
		else
			meter_row(&w->meter, &row);
		if (++rows % PROGRESS_PACKETS != 0)
			continue;
		if (w->sink && sink_failed(w->sink))
			return false;
		answer_signals(w, name);
		if (progress)
			show_progress(w, name, s);
	}
	if (!stop_asked && w->meter.sum.flows == 0 && w->meter.sum.rejected > 0)
		complain("%s: no line of it is a flow; nothing of it was loaded", name);
	return !stop_asked && (w->meter.sum.flows > 0 || w->meter.sum.rejected == 0);
}

/* What comes before and after the frames: the transaction, the end of the file. */
static int
transact(work *w, const char *name, source *s, capture *c)
{
	char		damage[MESSAGE_BYTES],
				message[MESSAGE_BYTES];
	sink_result result = SINK_DONE;

	if (w->sink)
		result = sink_begin(w->sink, name, source_fingerprint(s), w->options->filter);
	if (result != SINK_DONE)
		return result == SINK_KNOWN ? EXIT_OK : EXIT_DATABASE;
	if (!(w->import ? import_file(w, name, s, damage) : meter_file(w, name, s, c, damage)))
	{
		clear_progress(w);
		if (w->sink)
			sink_rollback(w->sink);
		return w->sink && sink_failed(w->sink) ? EXIT_DATABASE : EXIT_FILE;
	}
	clear_progress(w);
	if (source_error(s))		/* the readers only see that the stream ends */
	{
		w->meter.sum.truncated = true;
		w->meter.sum.damage = source_error(s);
	}
	if (!source_finish(s, message))
	{
		complain("%s: %s; nothing of it was loaded", name, message);
		if (w->sink)
			sink_rollback(w->sink);
		return EXIT_FILE;
	}
	w->meter.sum.file_bytes = source_position(s);
	if (w->sink)
		result = sink_commit(w->sink, source_fingerprint(s), &w->meter.sum);
	if (result != SINK_DONE)
		return result == SINK_KNOWN ? EXIT_OK : EXIT_DATABASE;
	if (w->meter.unread > 0)
		complain("warning: %s: %lld packets of link types that are not supported (%d)",
				 name, (long long) w->meter.unread, w->meter.unread_link);
	if (w->meter.sum.truncated)
		complain("warning: %s: %s; the %lld packets before it were taken",
				 name, w->meter.sum.damage, (long long) w->meter.sum.packets);
	summarize(name, w);
	return EXIT_OK;
}

static int
load_capture(work *w, const char *name, source *s, char *message)
{
	capture    *c = capture_open(s, w->options->filter, message);
	int			code;

	if (!c)
	{
		complain("%s: %s", name, message);
		return EXIT_FILE;
	}
	meter_open(&w->meter, &w->options->flow, !w->options->outer, w->options->output == TO_NOTHING ? NULL : emit, w);
	code = transact(w, name, s, c);
	meter_close(&w->meter);
	capture_close(c);
	return code;
}

static int
load_text(work *w, const char *name, source *s, char *message)
{
	FILE	   *stream = source_stream(s);
	int			code = EXIT_FILE;

	w->import = import_open(stream, &w->options->import, source_time(s), message);
	if (w->import)
	{
		meter_open_rows(&w->meter, &w->options->flow, import_wants_windows(w->import),
						w->options->output == TO_NOTHING ? NULL : emit, w);
		code = transact(w, name, s, NULL);
		meter_close(&w->meter);
		import_close(w->import);
	}
	else
		complain("%s: %s", name, message);
	fclose(stream);
	return code;
}

/* Reads a file twice only if one of its size was loaded before. */
static bool
begin_fingerprint(const work *w, source *s, char *message)
{
	if (w->sink && source_size(s) >= 0 && sink_knows_size(w->sink, source_size(s)))
		return source_fingerprint_first(s, sink_key(w->sink), message);
	if (w->sink)
		source_fingerprint_along(s, sink_key(w->sink));
	return true;
}

static int
load_file(work *w, const char *path)
{
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	char		message[MESSAGE_BYTES];
	source	   *s = source_open(path, message);
	int			code = EXIT_FILE;

	if (!s)
	{
		complain("%s: %s", name, message);
		return EXIT_FILE;
	}
	if (!begin_fingerprint(w, s, message))
		complain("%s: %s", name, message);
	else
		code = w->options->text ? load_text(w, name, s, message) : load_capture(w, name, s, message);
	source_close(s);
	return code;
}

static void
add_summary(capture_summary *total, const capture_summary *one)
{
	total->packets += one->packets;
	total->ip_packets += one->ip_packets;
	total->flows += one->flows;
	total->rejected += one->rejected;
	total->evicted += one->evicted;
	total->file_bytes += one->file_bytes;
	total->truncated |= one->truncated;
}

/* Every file, whatever becomes of the others; a lost database ends it. */
int
load_files(const options *o, sink *database, char **paths, int count)
{
	work		total = {.options = o, .begin = seconds_now()};
	int			code = EXIT_OK;

	for (int i = 0; i < count && code != EXIT_DATABASE && !stop_asked; i++)
	{
		work		w = {.options = o, .sink = database, .csv = {stdout, i + 1}, .begin = seconds_now()};
		int			one = load_file(&w, paths[i]);

		if (one == EXIT_OK)
			add_summary(&total.meter.sum, &w.meter.sum);
		else
			code = one;
	}
	if (stop_asked)
	{
		complain("interrupted; nothing of the file at hand was loaded");
		return EXIT_INTERRUPTED;
	}
	if (database && code != EXIT_DATABASE && !sink_maintain(database))
		code = EXIT_DATABASE;
	if (count > 1)
		summarize("total", &total);
	return code;
}

