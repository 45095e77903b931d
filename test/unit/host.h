/*
 * host.h - a host for the core outside the server: an arena over malloc, so
 * that a sanitizer sees every block, and failures that longjmp as ereport does.
 */
#ifndef HOST_H
#define HOST_H

#include <setjmp.h>

#include "core.h"

typedef struct host
{
	pga_ctx		ctx;			/* first, so that a ctx is its host */
	struct host_block *blocks;
	jmp_buf		failed;
	pga_error	error;
	char		message[512],
				hint[1200];
	char		warnings[4096]; /* one per line */
	size_t		polls;
	size_t		taken;			/* bytes handed out and not resized away */
} host;

/* Sets the host up, with no blocks. */
void		host_init(host *);

/* Frees every block and forgets errors and warnings. */
void		host_reset(host *);

/*
 * Runs statement; true when it failed, with host->error and message set.
 * Locals the statement changes have to be volatile or static.
 */
#define HOST_FAILS(h, statement) \
	(setjmp((h)->failed) != 0 ? true : ((void) (statement), false))

/* Options that make a model of any detector as small as the tests of damaged
 * bytes want it: few trees, neighbours, epochs, narrow layers. */
void		small_params(host *, pga_params *, const pga_detector *);

#endif							/* HOST_H */
