/*
 * pcapgen.c - a labelled capture of a small office, for tests and the demo.
 *
 *   pcapgen -o office.pcap --truth truth.csv
 *
 * writes two days of traffic, the first clean, the second with attacks in it,
 * and one row of truth for each attack.  pcapgen.h tells how it works.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pcapgen.h"

#define EXIT_USAGE 2
#define HOSTS_MIN 8				/* administrators, and a workstation for each attack */
#define HOSTS_MAX 150			/* what the office's network has room for */
#define SCALE_MIN 0.01
#define SCALE_MAX 50
#define ALL_ATTACKS ((1u << ATTACKS) - 1)
#define THE_USUAL ((1u << USUAL_ATTACKS) - 1)

typedef struct options
{
	uint64_t	seed;
	int64_t		start;
	int			days,
				hosts;
	unsigned	attacks;		/* bit mask */
	bool		attacked[DAYS_MAX];
	double		scale;
	const char *output,
			   *truth;
} options;

static const char help[] =
"pcapgen writes a capture of a small office network with attacks placed in it,\n"
"and a CSV file that says where they are.\n"
"\n"
"Usage: pcapgen [OPTION]... -o FILE\n"
"\n"
"  -o, --output=FILE   the capture; - is standard output\n"
"      --truth=FILE    one row for each attack: attack,threat,src,dst,dst_port,\n"
"                      start,end,flows,packets; - is standard output\n"
"      --seed=N        same seed and options, same bytes (default 1)\n"
"      --start=TIME    first midnight, UTC (default 2026-01-05T00:00:00Z, a Monday)\n"
"      --days=N        1 to 366 (default 2)\n"
"      --hosts=N       workstations, 8 to 150 (default 20)\n"
"      --attacks=LIST  usual (default): syn_flood, port_scan, host_scan,\n"
"                      brute_force, exfiltration, beacon; all: these and the rare\n"
"                      night_upload, slow_brute_force, mail_guessing,\n"
"                      slow_ping_sweep, udp_flood, spoofed_syn_flood,\n"
"                      spoofed_udp_flood, unusual_upload (told from the fourth\n"
"                      day on), database_guessing, sctp_sweep; none; or names\n"
"                      separated by commas\n"
"      --attack-days=LIST  days that have them, from 1, separated by commas\n"
"                      (default 2, or 1 of a single day); each has all of them\n"
"      --scale=X       ordinary activity, 0.01 to 50 times the usual (default 1)\n"
"  -h, --help          this text\n"
"\n"
"Exit status: 0 done, 1 could not write, 2 wrong options.\n";

static void __attribute__((noreturn, format(printf, 1, 2)))
wrong(const char *format, ...)
{
	va_list		arguments;

	va_start(arguments, format);
	fputs("pcapgen: ", stderr);
	vfprintf(stderr, format, arguments);
	fputs("\nTry \"pcapgen --help\".\n", stderr);
	va_end(arguments);
	exit(EXIT_USAGE);
}

/* ---- options -------------------------------------------------------------------- */

static uint64_t
parse_seed(const char *text)
{
	char	   *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-')
		wrong("--seed must be a whole number that is not negative, not \"%s\"", text);
	return v;
}

static int
parse_count(const char *option, const char *text, int low, int high)
{
	char	   *end;
	long		v = strtol(text, &end, 10);

	if (end == text || *end != '\0' || v < low || v > high)
		wrong("%s must be a whole number from %d to %d, not \"%s\"", option, low, high, text);
	return (int) v;
}

static double
parse_scale(const char *text)
{
	char	   *end;
	double		v = strtod(text, &end);

	if (end == text || *end != '\0' || !(v >= SCALE_MIN && v <= SCALE_MAX))
		wrong("--scale must be a number from %g to %g, not \"%s\"", SCALE_MIN, (double) SCALE_MAX,
			  text);
	return v;
}

/* Midnights only: days are what the office and the attacks are counted in. */
static int64_t
parse_start(const char *text)
{
	struct tm	tm = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	int64_t		at = rest != NULL && *rest == '\0' ? (int64_t) timegm(&tm) * SEC : -1;

	/* a classic capture counts seconds in 32 bits */
	if (at < 0 || at % DAY != 0 || at / SEC > (int64_t) UINT32_MAX - DAYS_MAX * (DAY / SEC))
		wrong("--start must be a midnight from 1970 to 2105 such as 2026-01-05T00:00:00Z, not \"%s\"",
			  text);
	return at;
}

static unsigned
parse_attacks(const char *list)
{
	unsigned	mask = 0;

	if (strcmp(list, "all") == 0)
		return ALL_ATTACKS;
	if (strcmp(list, "usual") == 0)
		return THE_USUAL;
	if (strcmp(list, "none") == 0)
		return 0;
	for (const char *name = list;; name++)
	{
		size_t		length = strcspn(name, ",");
		int			number = attack_find(name, length);

		if (number < 0)
			wrong("unknown attack \"%.*s\"", (int) length, name);
		mask |= 1u << number;
		name += length;
		if (*name == '\0')
			return mask;
	}
}

static void
parse_attack_days(options *o, const char *list)
{
	for (const char *rest = list; rest != NULL;)
	{
		char	   *end;
		long		day = strtol(rest, &end, 10);

		if (end == rest || (*end != '\0' && *end != ',') || day < 1 || day > o->days)
			wrong("--attack-days must be days from 1 to %d separated by commas, not \"%s\"", o->days, list);
		o->attacked[day - 1] = true;
		rest = *end == ',' ? end + 1 : NULL;
	}
}

static options
parse_options(int argc, char **argv)
{
	enum
	{
		SEED = 256, START, DAYS, HOSTS, ATTACK_LIST, ATTACK_DAYS, SCALE, TRUTH
	};
	static const struct option known[] = {
		{"output", required_argument, NULL, 'o'}, {"seed", required_argument, NULL, SEED},
		{"start", required_argument, NULL, START}, {"days", required_argument, NULL, DAYS},
		{"hosts", required_argument, NULL, HOSTS}, {"attacks", required_argument, NULL, ATTACK_LIST},
		{"attack-days", required_argument, NULL, ATTACK_DAYS},
		{"scale", required_argument, NULL, SCALE}, {"truth", required_argument, NULL, TRUTH},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0},
	};
	options		o = {.seed = 1,.start = parse_start("2026-01-05T00:00:00Z"),.days = 2,.hosts = 20,
	.attacks = THE_USUAL,.scale = 1};
	const char *attack_days = NULL;

	for (int c; (c = getopt_long(argc, argv, "o:h", known, NULL)) != -1;)
		switch (c)
		{
			case 'o': o.output = optarg; break;
			case SEED: o.seed = parse_seed(optarg); break;
			case START: o.start = parse_start(optarg); break;
			case DAYS: o.days = parse_count("--days", optarg, 1, DAYS_MAX); break;
			case HOSTS: o.hosts = parse_count("--hosts", optarg, HOSTS_MIN, HOSTS_MAX); break;
			case ATTACK_LIST: o.attacks = parse_attacks(optarg); break;
			case ATTACK_DAYS: attack_days = optarg; break;
			case SCALE: o.scale = parse_scale(optarg); break;
			case TRUTH: o.truth = optarg; break;
			case 'h': fputs(help, stdout); exit(0);
			default: wrong("wrong option");
		}
	if (optind < argc)
		wrong("unexpected argument \"%s\"", argv[optind]);
	if (attack_days != NULL)
		parse_attack_days(&o, attack_days);
	else
		o.attacked[o.days > 1] = true;
	if (o.output == NULL)
		wrong("no output: give -o FILE");
	if (o.truth != NULL && strcmp(o.truth, "-") == 0 && strcmp(o.output, "-") == 0)
		wrong("capture and truth cannot both go to standard output");
	return o;
}

/* ---- output --------------------------------------------------------------------- */

static FILE *
open_output(const char *name)
{
	FILE	   *f = strcmp(name, "-") == 0 ? stdout : fopen(name, "wb");

	if (f == NULL)
	{
		fprintf(stderr, "pcapgen: could not create \"%s\": %s\n", name, strerror(errno));
		exit(1);
	}
	return f;
}

static void
close_output(FILE *f, const char *name)
{
	bool		failed = ferror(f) != 0;

	if (fclose(f) != 0 || failed)
	{
		fprintf(stderr, "pcapgen: could not write \"%s\": %s\n", name, strerror(errno));
		exit(1);
	}
}

static void
write_time(FILE *f, int64_t at)
{
	time_t		seconds = (time_t) (at / SEC);
	struct tm	tm;
	char		text[32];

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(f, ",%s.%06dZ", text, (int) (at % SEC));
}

static void
write_truth(FILE *f, const attack_set *set)
{
	fputs("attack,threat,src,dst,dst_port,start,end,flows,packets\n", f);
	for (int i = 0; i < set->count; i++)
	{
		const truth *t = &set->truths[i];

		fprintf(f, "%s,%s,%s,%s,", t->attack, t->threat, t->source, t->target);
		if (t->port != 0)
			fprintf(f, "%u", t->port);
		write_time(f, t->first);
		write_time(f, t->last);
		fprintf(f, ",%llu,%llu\n", (unsigned long long) t->flows, (unsigned long long) t->packets);
	}
}

int
main(int argc, char **argv)
{
	options		o = parse_options(argc, argv);
	FILE	   *out = open_output(o.output);
	FILE	   *truth_file = o.truth != NULL ? open_output(o.truth) : NULL;
	attack_set *attacks = allocate(sizeof(attack_set));
	office		office;
	sim			sim;

	setvbuf(out, NULL, _IOFBF, 256 * 1024);
	sim_open(&sim, out, o.start, o.start + o.days * DAY);
	office_build(&office, o.hosts, o.scale, o.seed);
	office_start(&office, &sim);
	for (int day = 0, round = 0; day < o.days; day++)
		if (o.attacked[day])
			attacks_place(attacks, o.attacks, &office, &sim, o.start + day * DAY, round++);
	sim_run(&sim);
	close_output(out, o.output);
	if (truth_file != NULL)
	{
		write_truth(truth_file, attacks);
		close_output(truth_file, o.truth);
	}
	fprintf(stderr, "pcapgen: %llu packets, %.1f MB, %d attacks\n",
			(unsigned long long) sim.packets, (double) sim.bytes / 1e6, attacks->count);
	return 0;
}
