/*
 * options.h - what the command line says.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "flow.h"
#include "import.h"
#include "interface.h"

/* Exit codes, as --help lists them. */
enum
{
	EXIT_OK = 0,
	EXIT_FILE = 1,
	EXIT_USAGE = 2,
	EXIT_DATABASE = 3,
	EXIT_INTERRUPTED = 130
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
	bool		text;			/* the files are rows of flows */
	import_options import;

	/* live */
	interface_options interface;	/* name is NULL: files */
	double		replay;			/* speed; 0: files are loaded as a whole */
	const char *user;			/* become him when the interface is open */
	const char *spool;
	int64_t		spool_limit;	/* bytes */
	int64_t		flush_time;		/* microseconds */
	int64_t		flush_flows;
	const char *health;			/* file */
} options;

extern const options option_defaults;

/* -1: go on, with the files from argv[optind]; else the exit code. */
int			parse_options(int argc, char **argv, options *);

#endif
