/*
 * live.h - an interface, or a file played as if it were one.
 */
#ifndef LIVE_H
#define LIVE_H

#include "options.h"

/* Until a signal ends it; the exit code. */
int			live_interface(const options *);

/* One file at the speed of --replay; the exit code. */
int			live_replay(const options *, const char *path);

#endif
