/*
 * signals.c - signals as flags (see signals.h).
 */
#include "signals.h"

#include <stddef.h>

volatile sig_atomic_t stop_asked;
volatile sig_atomic_t statistics_asked;

static void (*stop_hook) (void);

static void
on_stop_signal(int number)
{
	(void) number;
	stop_asked++;
	if (stop_hook)
		stop_hook();
}

static void
on_statistics_signal(int number)
{
	(void) number;
	statistics_asked = 1;
}

/* No SA_RESTART: what waits shall wake up. */
void
signals_install(void (*on_stop) (void))
{
	struct sigaction stop = {.sa_handler = on_stop_signal};
	struct sigaction statistics = {.sa_handler = on_statistics_signal};

	stop_hook = on_stop;
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGUSR1, &statistics, NULL);
	sigaction(SIGHUP, &statistics, NULL);
}
