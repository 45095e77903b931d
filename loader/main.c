/*
 * main.c - pcap2pg: packets in, flows out.
 *
 * The way of the data: a source hands out bytes (source.c), a capture frames
 * (capture.c, pcapng.c), decode.c what is in them, flow.c conversations,
 * window.c sees each beside those before it (all three: meter.c), and a sink
 * takes them: PostgreSQL (sink.c), CSV (csv.c), or nothing.
 */
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "csv.h"
#include "files.h"
#include "live.h"
#include "signals.h"
#include "util.h"

/* Files into one sink, whole; or one after the other as if live. */
static int
run_files(const options *o, char **paths, int count)
{
	sink	   *database = NULL;
	int			code = EXIT_OK;

	if (o->replay > 0)
	{
		for (int i = 0; i < count && !stop_asked && (code == EXIT_OK || code == EXIT_FILE); i++)
		{
			int			one = live_replay(o, paths[i]);

			code = one == EXIT_OK ? code : one;
		}
		return code;
	}
	if (o->output == TO_DATABASE && !(database = sink_open(o->conninfo, o->store, o->text, o->verbose)))
		return EXIT_DATABASE;
	signals_install(sink_interrupt);
	code = load_files(o, database, paths, count);
	if (database)
		sink_close(database);
	return code;
}

int
main(int argc, char **argv)
{
	options		o = option_defaults;
	int			code;

	o.flow = flow_defaults;
	o.flow.max_flows = flow_default_max();
	code = parse_options(argc, argv, &o);
	if (code >= 0)
		return code;
	if (getrandom(o.flow.hash_key, sizeof(o.flow.hash_key), 0) != sizeof(o.flow.hash_key))
	{
		complain("no random bytes for the hash key");
		return EXIT_FILE;
	}
	signals_install(NULL);
	if (o.output == TO_STDOUT)
		csv_header(stdout);
	code = o.interface.name ? live_interface(&o) : run_files(&o, argv + optind, argc - optind);
	if (fflush(stdout) != 0 || ferror(stdout))
	{
		complain("cannot write to standard output");
		code = EXIT_FILE;
	}
	return code;
}
