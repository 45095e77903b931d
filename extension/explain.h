/* explain.h - the reasons of a score. */
#ifndef PGA_EXPLAIN_H
#define PGA_EXPLAIN_H

#include "binding.h"

typedef struct pga_reason
{
	const char *feature,
			   *value,			/* NULL for a null */
			   *expected;
	double		share;			/* of the score's excess; all shares sum to 1 */
} pga_reason;

/*
 * The most important reasons of the row read through a binding, at most `top`,
 * largest share first; none of share 0.  Returns their number.  The row is the
 * last of `rows` of its series in raw: with it come those it was judged after.
 */
int			pga_reasons(const pga_model *, const pga_binding *, const double *raw, size_t rows,
						const Datum *values, const bool *isnull, int top, pga_reason **);

/* As a JSON array of objects. */
Jsonb	   *pga_reasons_json(const pga_reason *, int n);

/* Checks the argument "top". */
void		pga_check_top(int top);

#endif							/* PGA_EXPLAIN_H */
