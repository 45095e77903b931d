/*
 * pcapgen_attack.h - what the files of attacks share: what an attack is, what
 * one in progress knows, and what the usual and the rare have in common.
 */
#ifndef PCAPGEN_ATTACK_H
#define PCAPGEN_ATTACK_H

#include "pcapgen.h"

#define SCAN_PORTS 1024
#define BACKLOG 256				/* half-open connections a server accepts */

typedef struct assault
{
	office	   *office;
	host	   *attacker,		/* NULL: forged addresses */
			   *victim;			/* NULL: a network, which prepare names */
	host		outsider;		/* the attacker or the victim, where that is outside */
	host		ghost;			/* an address being scanned that nobody has */
	host	   *forged;			/* FORGED of them, in pcapgen_rare.c */
	int			done,
				total;
	int64_t		gap;			/* mean time from one connection to the next */
	uint16_t	ports[SCAN_PORTS];
} assault;

typedef struct attack
{
	const char *name,
			   *threat;			/* what the flow store's rules call it */
	int64_t		earliest,
				latest;			/* start, from midnight */
	void		(*prepare) (assault *, actor *, host *suspect);
	int64_t		(*fire) (sim *, actor *, int64_t now);
} attack;

extern const attack rare_attacks[RARE_ATTACKS];

int64_t		attack_again(assault *, int64_t at);
int64_t		attack_again_at_pace(assault *, actor *, int64_t now);
void		attack_guess_ssh(sim *, actor *, int64_t now, int guesses);

#endif							/* PCAPGEN_ATTACK_H */
