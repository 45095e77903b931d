/*
 * main.c - pcap2pg: capture files in, flows out.
 *
 * The way of the data: a source hands out bytes (source.c), a capture frames
 * (capture.c, pcapng.c), decode.c what is in them, flow.c conversations, window.c
 * sees each beside those before it, and a sink takes them: PostgreSQL (sink.c), CSV (csv.c), or nothing.
 *
 * Each file stands for itself: its flows end with it, it is one transaction,
 * and a bad one does not stop the others.
 */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "csv.h"
#include "flow.h"
#include "sink.h"
#include "util.h"
#include "window.h"

#define VERSION "0.1.0"
#define SECOND INT64_C(1000000)
#define LAST_TIME (INT64_C(253402300800) * SECOND)	/* the year 10000 */

/* Exit codes, as --help lists them. */
enum
{
	EXIT_OK = 0,
	EXIT_FILE = 1,
	EXIT_USAGE = 2,
	EXIT_DATABASE = 3,
	EXIT_INTERRUPTED = 130
};

enum
{
	PROGRESS_PACKETS = 65536,	/* look at the clock this often */
	OPTION_IDLE = 256,
	OPTION_TCP_IDLE,
	OPTION_TCP_CLOSED,
	OPTION_ICMP_IDLE,
	OPTION_ACTIVE,
	OPTION_MAX_FLOWS,
	OPTION_KEY_VLAN,
	OPTION_OUTER,
	OPTION_PRINT,
	OPTION_DRY_RUN,
	OPTION_VERSION
};

typedef enum output
{
	TO_DATABASE,
	TO_STDOUT,
	TO_NOTHING
} output;

typedef struct options
{
	const char *conninfo;
	const char *store;
	const char *filter;
	output		output;
	bool		quiet;
	bool		verbose;
	bool		outer;			/* do not enter tunnels */
	flow_options flow;
} options;

/* One file's way through, or all files' together. */
typedef struct work
{
	const options *options;
	sink	   *sink;			/* NULL unless TO_DATABASE */
	csv			csv;
	flow_table *table;
	window	   *window;
	capture_summary sum;
	int64_t		unread;			/* frames of an unknown link type (pcapng may mix) */
	int			unread_link;	/* the last one's */
	double		begin;
	double		shown;			/* when progress was last shown */
} work;

static volatile sig_atomic_t interrupted;

static void
on_signal(int number)
{
	(void) number;
	interrupted = 1;
	sink_interrupt();
}

static double
seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

/* ---- what is said ------------------------------------------------------- */

static void
summarize(const char *name, const work *w)
{
	const capture_summary *sum = &w->sum;
	double		seconds = seconds_now() - w->begin;
	double		rate = seconds > 0 ? 1 / seconds : 0;

	if (!w->options->quiet)
		fprintf(stderr, "%s: %lld packets, %lld IP, %lld flows, %lld bytes, %.2f s, %.0f packets/s, %.0f flows/s%s\n",
				name, (long long) sum->packets, (long long) sum->ip_packets, (long long) sum->flows,
				(long long) sum->file_bytes, seconds, (double) sum->packets * rate,
				(double) sum->flows * rate, sum->truncated ? ", truncated" : "");
}

static void
show_progress(work *w, const char *name, const source *s)
{
	double		now = seconds_now();
	int64_t		size = source_size(s);

	if (now - w->shown < 0.5)
		return;
	w->shown = now;
	fprintf(stderr, "\r%s: %lld packets, %lld flows", name, (long long) w->sum.packets, (long long) w->sum.flows);
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

/* The table's flow_emit: counts, and passes on to the sink. */
static void
emit(void *arg, flow_row *row)
{
	work	   *w = arg;

	w->sum.flows++;
	window_add(w->window, row);
	switch (w->options->output)
	{
		case TO_DATABASE:
			sink_row(w->sink, row);
			break;
		case TO_STDOUT:
			csv_row(&w->csv, row);
			break;
		case TO_NOTHING:
			break;
	}
}

static void
count_frame(work *w, const frame *f)
{
	packet		p;

	w->sum.packets++;
	if (!decode_knows_link(f->link))
	{
		w->unread++;
		w->unread_link = f->link;
		return;
	}
	if (f->time < 0 || f->time >= LAST_TIME || !decode_frame(f, !w->options->outer, &p))
		return;
	if (w->sum.ip_packets == 0 || p.time < w->sum.first_packet)
		w->sum.first_packet = p.time;
	if (w->sum.ip_packets == 0 || p.time > w->sum.last_packet)
		w->sum.last_packet = p.time;
	w->sum.ip_packets++;
	flow_add(w->table, &p);
}

/*
 * All frames into flows.  False if the file cannot stand: it was interrupted,
 * the sink failed, or the filter does not fit.  A damaged end is cut off.
 */
static bool
meter(work *w, const char *name, source *s, capture *c, char *message)
{
	bool		progress = !w->options->quiet && isatty(STDERR_FILENO);
	frame		f;
	int			result;

	while ((result = capture_next(c, &f, message)) == 1 && !interrupted)
	{
		count_frame(w, &f);
		if (w->sum.packets % PROGRESS_PACKETS != 0)
			continue;
		if (w->sink && sink_failed(w->sink))
			return false;
		if (progress)
			show_progress(w, name, s);
	}
	if (interrupted)
		return false;
	if (result == -2)
	{
		complain("%s: %s", name, message);
		return false;
	}
	if (result == -1)
	{
		w->sum.truncated = true;
		w->sum.damage = message;
	}
	flow_end_all(w->table);
	w->sum.drops = capture_drops(c);
	return true;
}

/* What comes before and after the frames: the transaction, the end of the file. */
static int
transact(work *w, const char *name, source *s, capture *c)
{
	char		damage[MESSAGE_BYTES],
				message[MESSAGE_BYTES];
	sink_result result = SINK_DONE;

	if (w->sink)
		result = sink_begin(w->sink, name, source_hash(s), w->options->filter);
	if (result != SINK_DONE)
		return result == SINK_KNOWN ? EXIT_OK : EXIT_DATABASE;
	if (!meter(w, name, s, c, damage))
	{
		clear_progress(w);
		if (w->sink)
			sink_rollback(w->sink);
		return w->sink && sink_failed(w->sink) ? EXIT_DATABASE : EXIT_FILE;
	}
	clear_progress(w);
	if (!source_finish(s, message))
	{
		complain("%s: %s; nothing of it was loaded", name, message);
		if (w->sink)
			sink_rollback(w->sink);
		return EXIT_FILE;
	}
	w->sum.file_bytes = source_position(s);
	if (w->sink)
		result = sink_commit(w->sink, source_hash(s), &w->sum);
	if (result != SINK_DONE)
		return result == SINK_KNOWN ? EXIT_OK : EXIT_DATABASE;
	if (w->unread > 0)
		complain("warning: %s: %lld packets of link types that are not supported (%d)",
				 name, (long long) w->unread, w->unread_link);
	if (w->sum.truncated)
		complain("warning: %s: %s; the %lld packets before it were taken",
				 name, damage, (long long) w->sum.packets);
	summarize(name, w);
	return EXIT_OK;
}

static int
load_file(work *w, const char *path)
{
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	char		message[MESSAGE_BYTES];
	source	   *s = source_open(path, w->sink != NULL, message);
	capture    *c = s ? capture_open(s, w->options->filter, message) : NULL;
	int			code = EXIT_FILE;

	if (c)
	{
		w->table = flow_table_new(&w->options->flow, emit, w);
		w->window = window_new(w->options->flow.max_flows, w->options->flow.hash_key);
		code = transact(w, name, s, c);
		flow_table_free(w->table);
		window_free(w->window);
		capture_close(c);
	}
	else
		complain("%s: %s", name, message);
	if (s)
		source_close(s);
	return code;
}

static void
add_summary(capture_summary *total, const capture_summary *one)
{
	total->packets += one->packets;
	total->ip_packets += one->ip_packets;
	total->flows += one->flows;
	total->file_bytes += one->file_bytes;
	total->truncated |= one->truncated;
}

/* Every file, whatever becomes of the others; a lost database ends it. */
static int
load_files(const options *o, sink *database, char **paths, int count)
{
	work		total = {.options = o, .begin = seconds_now()};
	int			code = EXIT_OK;

	for (int i = 0; i < count && code != EXIT_DATABASE && !interrupted; i++)
	{
		work		w = {.options = o, .sink = database, .csv = {stdout, i + 1}, .begin = seconds_now()};
		int			one = load_file(&w, paths[i]);

		if (one == EXIT_OK)
			add_summary(&total.sum, &w.sum);
		else
			code = one;
	}
	if (interrupted)
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

/* ---- options ------------------------------------------------------------ */

static void
usage(FILE *to)
{
	fputs("usage: pcap2pg [option]... file...\n"
		  "Loads capture files (pcap, pcapng; - is standard input) into a flow store of PostgreSQL.\n"
		  "\n"
		  "  -d, --dbname=CONNINFO  database name, connection string or URI (default: libpq's environment)\n"
		  "  -s, --store=NAME       flow store (default: netflow)\n"
		  "  -f, --filter=BPF       only packets that match, in tcpdump's language\n"
		  "      --print            write the flows to standard output instead, as CSV\n"
		  "      --dry-run          only count\n"
		  "      --idle=SECONDS     a flow ends when silent for so long (60)\n"
		  "      --tcp-idle=SECONDS the same for TCP when both ends have spoken (300)\n"
		  "      --tcp-closed=SECONDS  the same for TCP after its end (5)\n"
		  "      --icmp-idle=SECONDS   the same for ICMP (10)\n"
		  "      --active=SECONDS   a longer flow is cut into slices; 0: never (300)\n"
		  "      --max-flows=N      open flows at most; the next to go idle makes room (1000000)\n"
		  "      --key-vlan         equal addresses and ports on two VLANs are two flows\n"
		  "      --outer            tunnels are not entered: their packets are one flow between the ends\n"
		  "  -q, --quiet            no summary, no progress\n"
		  "  -v, --verbose          tell of every batch sent\n"
		  "      --version, --help\n"
		  "\n"
		  "One file is one transaction.  A file that was loaded before is recognised by its\n"
		  "SHA-256 and left out.  Of a damaged file everything before the damage is loaded, with\n"
		  "a warning; a file that is no capture is an error, and the other files go on.\n"
		  "\n"
		  "Exit status: 0 done; 1 a file could not be loaded; 2 usage; 3 database error, the\n"
		  "remaining files were not tried; 130 interrupted.\n", to);
}

static int
usage_error(const char *problem, const char *what)
{
	complain("%s%s%s", problem, what ? " " : "", what ? what : "");
	complain("try pcap2pg --help");
	return EXIT_USAGE;
}

/* Seconds into microseconds; at most a year. */
static bool
parse_seconds(const char *text, int64_t *microseconds)
{
	char	   *end;
	double		seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0 && seconds <= 31536000))
		return false;
	*microseconds = (int64_t) (seconds * 1e6 + 0.5);
	return true;
}

static bool
parse_max_flows(const char *text, uint32_t *flows)
{
	char	   *end;
	long		n = strtol(text, &end, 10);

	if (end == text || *end || n < 1 || n > 1000000000)
		return false;
	*flows = (uint32_t) n;
	return true;
}

static const struct option long_options[] = {
	{"dbname", required_argument, NULL, 'd'},
	{"store", required_argument, NULL, 's'},
	{"filter", required_argument, NULL, 'f'},
	{"quiet", no_argument, NULL, 'q'},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPTION_VERSION},
	{"print", no_argument, NULL, OPTION_PRINT},
	{"dry-run", no_argument, NULL, OPTION_DRY_RUN},
	{"idle", required_argument, NULL, OPTION_IDLE},
	{"tcp-idle", required_argument, NULL, OPTION_TCP_IDLE},
	{"tcp-closed", required_argument, NULL, OPTION_TCP_CLOSED},
	{"icmp-idle", required_argument, NULL, OPTION_ICMP_IDLE},
	{"active", required_argument, NULL, OPTION_ACTIVE},
	{"max-flows", required_argument, NULL, OPTION_MAX_FLOWS},
	{"key-vlan", no_argument, NULL, OPTION_KEY_VLAN},
	{"outer", no_argument, NULL, OPTION_OUTER},
	{NULL, 0, NULL, 0}
};

/* One option; false if its value is no good. */
static bool
set_option(options *o, int option, const char *value)
{
	switch (option)
	{
		case 'd':
			o->conninfo = value;
			return true;
		case 's':
			o->store = value;
			return true;
		case 'f':
			o->filter = value;
			return true;
		case 'q':
			return o->quiet = true;
		case 'v':
			return o->verbose = true;
		case OPTION_PRINT:
			o->output = TO_STDOUT;
			return true;
		case OPTION_DRY_RUN:
			o->output = TO_NOTHING;
			return true;
		case OPTION_KEY_VLAN:
			return o->flow.key_vlan = true;
		case OPTION_OUTER:
			return o->outer = true;
		case OPTION_IDLE:
			return parse_seconds(value, &o->flow.idle);
		case OPTION_TCP_IDLE:
			return parse_seconds(value, &o->flow.tcp_idle);
		case OPTION_TCP_CLOSED:
			return parse_seconds(value, &o->flow.tcp_closed);
		case OPTION_ICMP_IDLE:
			return parse_seconds(value, &o->flow.icmp_idle);
		case OPTION_ACTIVE:
			return parse_seconds(value, &o->flow.active);
		case OPTION_MAX_FLOWS:
			return parse_max_flows(value, &o->flow.max_flows);
		default:
			return false;
	}
}

/* -1: go on; else the exit code. */
static int
parse_options(int argc, char **argv, options *o)
{
	char		message[MESSAGE_BYTES];
	int			option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "d:s:f:qvh", long_options, NULL)) != -1)
	{
		if (option == 'h')
		{
			usage(stdout);
			return EXIT_OK;
		}
		if (option == OPTION_VERSION)
		{
			puts("pcap2pg " VERSION);
			return EXIT_OK;
		}
		if (option == '?')
			return usage_error("unknown option, or one without its value:", argv[optind - 1]);
		if (!set_option(o, option, optarg))
			return usage_error("option value out of range:", optarg);
	}
	if (optind == argc)
		return usage_error("no file given", NULL);
	if (o->filter && !capture_check_filter(o->filter, message))
		return usage_error(message, NULL);
	return -1;
}

int
main(int argc, char **argv)
{
	options		o = {.store = "netflow", .flow = flow_defaults};
	struct sigaction action = {.sa_handler = on_signal};	/* no SA_RESTART: reads end */
	sink	   *database = NULL;
	int			code = parse_options(argc, argv, &o);

	if (code >= 0)
		return code;
	if (getrandom(o.flow.hash_key, sizeof(o.flow.hash_key), 0) != sizeof(o.flow.hash_key))
	{
		complain("no random bytes for the hash key");
		return EXIT_FILE;
	}
	if (o.output == TO_DATABASE && !(database = sink_open(o.conninfo, o.store, o.verbose)))
		return EXIT_DATABASE;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (o.output == TO_STDOUT)
		csv_header(stdout);
	code = load_files(&o, database, argv + optind, argc - optind);
	if (database)
		sink_close(database);
	if (fflush(stdout) != 0 || ferror(stdout))
	{
		complain("cannot write to standard output");
		code = EXIT_FILE;
	}
	return code;
}
