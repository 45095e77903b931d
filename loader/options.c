/*
 * options.c - the command line (see options.h).
 */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture.h"
#include "profile.h"
#include "util.h"

#define MB (1024 * 1024)

#define VERSION "0.1.0"

enum
{
	OPTION_IDLE = 256,
	OPTION_TCP_ATTEMPT,
	OPTION_TCP_IDLE,
	OPTION_TCP_HALF_CLOSED,
	OPTION_TCP_CLOSED,
	OPTION_ICMP_IDLE,
	OPTION_ACTIVE,
	OPTION_MAX_FLOWS,
	OPTION_KEY_VLAN,
	OPTION_OUTER,
	OPTION_PRINT,
	OPTION_DRY_RUN,
	OPTION_CSV,
	OPTION_PROFILE,
	OPTION_MAP,
	OPTION_START,
	OPTION_SNAPLEN,
	OPTION_BUFFER,
	OPTION_USER,
	OPTION_SPOOL,
	OPTION_SPOOL_LIMIT,
	OPTION_FLUSH_TIME,
	OPTION_FLUSH_FLOWS,
	OPTION_HEALTH,
	OPTION_REPLAY,
	OPTION_VERSION
};

const options option_defaults = {
	.store = "netflow",
	.import = {.start = -1},
	.interface = {.snap_length = 256, .buffer = 32 * MB, .promiscuous = true},
	.spool_limit = INT64_C(1024) * MB,
	.flush_time = 2000000,
	.flush_flows = 10000,
};

static void
usage(FILE *to)
{
	fputs("usage: pcap2pg [option]... file...\n"
		  "       pcap2pg [option]... -i INTERFACE\n"
		  "Turns packets of capture files (pcap, pcapng; - is standard input) or of a network\n"
		  "interface into flows in a flow store of PostgreSQL.\n"
		  "What is compressed with gzip, zstd or xz is unpacked on the way.\n"
		  "\n"
		  "  -d, --dbname=CONNINFO  database name, connection string or URI (default: libpq's environment)\n"
		  "  -s, --store=NAME       flow store (default: netflow)\n"
		  "  -f, --filter=BPF       only packets that match, in tcpdump's language\n"
		  "      --csv              the files are CSV of flows, or Zeek's conn.log, see below\n"
		  "      --profile=NAME     with the columns of NAME, instead of what the header fits\n"
		  "      --map=OURS=THEIRS,...  and these; THEIRS is a column's name or its number\n"
		  "      --start=TIME       when rows begin that have no time, a second apart\n"
		  "                         (the file's modification)\n"
		  "      --print            write the flows to standard output instead, as CSV\n"
		  "      --dry-run          only count\n"
		  "      --idle=SECONDS     a flow ends when silent for so long (60)\n"
		  "      --tcp-attempt=SECONDS the same for TCP when nobody has answered the SYN (60)\n"
		  "      --tcp-idle=SECONDS    the same for other TCP (300)\n"
		  "      --tcp-half-closed=SECONDS  the same for TCP when one end has closed (300)\n"
		  "      --tcp-closed=SECONDS  the same for TCP after its end (5)\n"
		  "      --icmp-idle=SECONDS   the same for ICMP (10)\n"
		  "      --active=SECONDS   a longer flow is cut into slices; 0: never (300)\n"
		  "      --max-flows=N      open flows at most; the next to go idle makes room\n"
		  "                         (as many as fit into an eighth of the memory)\n"
		  "      --key-vlan         equal addresses and ports on two VLANs are two flows\n"
		  "      --outer            tunnels are not entered: their packets are one flow between the ends\n"
		  "  -q, --quiet            no summary, no progress\n"
		  "  -v, --verbose          tell of every batch sent\n"
		  "      --version, --help\n"
		  "\n"
		  "Live:\n"
		  "  -i, --interface=NAME   capture there until SIGINT or SIGTERM; any: everywhere\n"
		  "      --replay=SPEED     play files as if live, so many times as fast as they were (0.001 to 1000000)\n"
		  "      --snaplen=BYTES    of a packet that are captured (256)\n"
		  "      --buffer=MB        of the kernel for packets not yet read (32)\n"
		  "  -p, --no-promiscuous   only packets that the interface takes anyway\n"
		  "      --user=NAME        become this user when the interface is open\n"
		  "      --flush-time=SECONDS  flows are written when so old (2)\n"
		  "      --flush-flows=N    or so many (10000)\n"
		  "      --spool=DIRECTORY  with -i: keep flows there until they are stored\n"
		  "      --spool-limit=MB   what it may hold (1024)\n"
		  "      --health=FILE      write a line on how things stand there every 5 seconds\n"
		  "\n"
		  "One file is one transaction.  A file that was loaded before is recognised by its\n"
		  "fingerprint and left out.  Of a damaged file everything before the damage is loaded, with\n"
		  "a warning; a file that is no capture is an error, and the other files go on.\n"
		  "\n"
		  "Lines of CSV that are no flow are set aside in the store's table \"reject\".\n"
		  "OURS is a column of \"flow\", or end_time, duration_s, duration_ms, bytes, packets,\n"
		  "packets_per_s, retransmission_rate, service.  Profiles:\n", to);
	profile_list(to);
	fputs("\n"
		  "A live session is many transactions, and each flow is stored once, whatever stops\n"
		  "when.  While the database is away flows wait in the spool; without one, or when it is\n"
		  "full, no packets are read, and what the kernel then drops is counted.  Flows that wait\n"
		  "in the spool when pcap2pg ends are stored by the next one with that spool.  A replay\n"
		  "that was cut off goes on where it was when it is started again.  SIGUSR1 and SIGHUP\n"
		  "print a line on how things stand.  A second SIGINT or SIGTERM gives up what waits.\n"
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

/* -1, or the exit code. */
static int
check_import(const options *o)
{
	char		message[MESSAGE_BYTES];

	if (o->text && o->filter)
		return usage_error("--filter is for captures, not for --csv", NULL);
	if (o->text && (o->interface.name || o->replay > 0))
		return usage_error("--csv is for files, loaded as a whole", NULL);
	if (!o->text && (o->import.profile || o->import.map || o->import.start >= 0))
		return usage_error("--profile, --map and --start are for --csv", NULL);
	if (!import_check(&o->import, message))
		return usage_error(message, NULL);
	return -1;
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
parse_count(const char *text, long least, long most, int64_t *count)
{
	char	   *end;
	long		n = strtol(text, &end, 10);

	if (end == text || *end || n < least || n > most)
		return false;
	*count = n;
	return true;
}

static bool
parse_max_flows(const char *text, uint32_t *flows)
{
	int64_t		n;

	if (!parse_count(text, 1, 1000000000, &n))
		return false;
	*flows = (uint32_t) n;
	return true;
}

static bool
parse_speed(const char *text, double *speed)
{
	char	   *end;

	*speed = strtod(text, &end);
	return end != text && !*end && *speed >= 0.001 && *speed <= 1e6;
}

/* Into bytes. */
static bool
parse_bytes(const char *text, long unit, long least, long most, int64_t *bytes)
{
	if (!parse_count(text, least, most, bytes))
		return false;
	*bytes *= unit;
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
	{"csv", no_argument, NULL, OPTION_CSV},
	{"profile", required_argument, NULL, OPTION_PROFILE},
	{"map", required_argument, NULL, OPTION_MAP},
	{"start", required_argument, NULL, OPTION_START},
	{"dry-run", no_argument, NULL, OPTION_DRY_RUN},
	{"idle", required_argument, NULL, OPTION_IDLE},
	{"tcp-attempt", required_argument, NULL, OPTION_TCP_ATTEMPT},
	{"tcp-half-closed", required_argument, NULL, OPTION_TCP_HALF_CLOSED},
	{"tcp-idle", required_argument, NULL, OPTION_TCP_IDLE},
	{"tcp-closed", required_argument, NULL, OPTION_TCP_CLOSED},
	{"icmp-idle", required_argument, NULL, OPTION_ICMP_IDLE},
	{"active", required_argument, NULL, OPTION_ACTIVE},
	{"max-flows", required_argument, NULL, OPTION_MAX_FLOWS},
	{"key-vlan", no_argument, NULL, OPTION_KEY_VLAN},
	{"outer", no_argument, NULL, OPTION_OUTER},
	{"interface", required_argument, NULL, 'i'},
	{"no-promiscuous", no_argument, NULL, 'p'},
	{"replay", required_argument, NULL, OPTION_REPLAY},
	{"snaplen", required_argument, NULL, OPTION_SNAPLEN},
	{"buffer", required_argument, NULL, OPTION_BUFFER},
	{"user", required_argument, NULL, OPTION_USER},
	{"flush-time", required_argument, NULL, OPTION_FLUSH_TIME},
	{"flush-flows", required_argument, NULL, OPTION_FLUSH_FLOWS},
	{"spool", required_argument, NULL, OPTION_SPOOL},
	{"spool-limit", required_argument, NULL, OPTION_SPOOL_LIMIT},
	{"health", required_argument, NULL, OPTION_HEALTH},
	{NULL, 0, NULL, 0}
};

/* One that matters to live sessions alone; false if its value is no good. */
static bool
set_live_option(options *o, int option, const char *value)
{
	int64_t		number;

	switch (option)
	{
		case 'i':
			o->interface.name = value;
			return *value != '\0';
		case 'p':
			o->interface.promiscuous = false;
			return true;
		case OPTION_REPLAY:
			return parse_speed(value, &o->replay);
		case OPTION_SNAPLEN:
			if (!parse_count(value, 64, 262144, &number))
				return false;
			o->interface.snap_length = (int) number;
			return true;
		case OPTION_BUFFER:
			if (!parse_bytes(value, MB, 1, 2047, &number))
				return false;
			o->interface.buffer = (int) number;
			return true;
		case OPTION_USER:
			o->user = value;
			return true;
		case OPTION_SPOOL:
			o->spool = value;
			return true;
		case OPTION_SPOOL_LIMIT:
			return parse_bytes(value, MB, 8, 1000000000, &o->spool_limit);
		case OPTION_FLUSH_TIME:
			return parse_seconds(value, &o->flush_time);
		case OPTION_FLUSH_FLOWS:
			return parse_count(value, 1, 1000000000, &o->flush_flows);
		case OPTION_HEALTH:
			o->health = value;
			return true;
		default:
			return false;
	}
}

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
		case OPTION_CSV:
			return o->text = true;
		case OPTION_PROFILE:
			o->import.profile = value;
			return true;
		case OPTION_MAP:
			o->import.map = value;
			return true;
		case OPTION_START:
			return import_parse_time(value, &o->import.start);
		case OPTION_DRY_RUN:
			o->output = TO_NOTHING;
			return true;
		case OPTION_KEY_VLAN:
			return o->flow.key_vlan = true;
		case OPTION_OUTER:
			return o->outer = true;
		case OPTION_IDLE:
			return parse_seconds(value, &o->flow.idle);
		case OPTION_TCP_ATTEMPT:
			return parse_seconds(value, &o->flow.tcp_attempt);
		case OPTION_TCP_HALF_CLOSED:
			return parse_seconds(value, &o->flow.tcp_half_closed);
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
			return set_live_option(o, option, value);
	}
}

int
parse_options(int argc, char **argv, options *o)
{
	char		message[MESSAGE_BYTES];
	int			option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "d:s:f:i:pqvh", long_options, NULL)) != -1)
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
	if (o->interface.name && optind < argc)
		return usage_error("an interface or files, not both:", argv[optind]);
	if (o->interface.name && o->replay > 0)
		return usage_error("an interface is not replayed", NULL);
	if (!o->interface.name && (o->spool || o->user))
		return usage_error("--spool and --user go with -i", NULL);
	if (!o->interface.name && optind == argc)
		return usage_error("no file given", NULL);
	if (!o->interface.name && o->filter && !capture_check_filter(o->filter, message))
		return usage_error(message, NULL);
	return check_import(o);
}
