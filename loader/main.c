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
#include "signals.h"
#include "util.h"

int
main(int argc, char **argv)
{
	options		o = {.store = "netflow", .flow = flow_defaults, .import = {.start = -1}};
	sink	   *database = NULL;
	int			code;

	o.flow.max_flows = flow_default_max();
	code = parse_options(argc, argv, &o);
	if (code >= 0)
		return code;
	if (getrandom(o.flow.hash_key, sizeof(o.flow.hash_key), 0) != sizeof(o.flow.hash_key))
	{
		complain("no random bytes for the hash key");
		return EXIT_FILE;
	}
	if (o.output == TO_DATABASE && !(database = sink_open(o.conninfo, o.store, o.verbose)))
		return EXIT_DATABASE;
	signals_install(sink_interrupt);
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
