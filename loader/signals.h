/*
 * signals.h - what was asked of the program from outside.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <signal.h>

/* How often SIGINT or SIGTERM came. */
extern volatile sig_atomic_t stop_asked;

/* SIGUSR1 or SIGHUP came; whoever answers clears it. */
extern volatile sig_atomic_t statistics_asked;

/* From now on; "on_stop" (or NULL) is called in the handler. */
void		signals_install(void (*on_stop) (void));

#endif
