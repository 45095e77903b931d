/*
 * draw.h - drawing training rows at random, without replacement: each as
 * often as it occurs, or each distinct one alike.
 */
#ifndef PGA_DRAW_H
#define PGA_DRAW_H

#include "core.h"
#include "rng.h"

typedef struct pga_draw
{
	const pga_matrix *m;
	uint32_t	n;				/* rows per draw: as asked for, or all there are */
	uint64_t	total;			/* occurrences in m */
	uint64_t   *cumulative;		/* [rows] weights summed up */
	uint64_t   *drawn;			/* open addressing: occurrence + 1 */
	size_t		nslots;			/* power of two */
} pga_draw;

void		pga_draw_init(pga_ctx *, pga_draw *, const pga_matrix *, uint32_t n);

/* row[n] gets row numbers of m. */
void		pga_draw_rows(pga_draw *, pga_rng *, size_t *row);

/*
 * n occurrences of m's rows, or all there are: count[rows] gets how often each
 * row was drawn, row[] the drawn ones in order; how many these are.
 */
size_t		pga_draw_occurrences(pga_ctx *, pga_rng *, const pga_matrix *m, size_t n,
								 uint32_t *count, uint32_t *row);

/* n <= rows different row numbers below rows, in order, each equally likely. */
void		pga_draw_distinct(pga_rng *, size_t rows, size_t n, uint32_t *row);

#endif							/* PGA_DRAW_H */
