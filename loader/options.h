/*
 * options.h - what the command line says.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "flow.h"
#include "import.h"

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
} options;

/*
 * -1: go on, with the files from argv[optind]; else the exit code.  Defaults
 * must be in place.
 */
int			parse_options(int argc, char **argv, options *);

#endif
