/*
 * split.h - a sample divided into a training and a held-out side.
 */
#ifndef PGA_SPLIT_H
#define PGA_SPLIT_H

#include "prep.h"

typedef struct pga_split
{
	pga_rows	rows;			/* weight[] is what the training side has of each */
	uint64_t   *held;			/* [n] occurrences held out */
	uint64_t	trained_total,
				held_total,
				held_normal;	/* of the normal class */
	uint32_t   *class;			/* [n], or NULL without classes */
	const char **classes;		/* [nclasses] their names, in order */
	size_t		nclasses,		/* >= 2, or 0 */
				normal;
	bool		synthetic;		/* a second class is to be made up */
	uint32_t   *series;			/* [nseries + 1] first row of each */
	size_t		nseries;		/* 0 unless the detector wants series */
} pga_split;

/* Divides the rows as the params' detector wants them. */
void		pga_split_rows(pga_ctx *, const pga_rows *, const pga_params *, pga_split *);

/* The first of n ascending numbers that is above `at`. */
size_t		pga_rank(const uint64_t *cumulative, size_t n, uint64_t at);

/* Warns of features that tell the classes by themselves; needs sp->class (leak.c). */
void		pga_warn_of_leaks(pga_ctx *, const pga_split *);

#endif							/* PGA_SPLIT_H */
