/* label.h - what a query knows about its rows: anomalous or normal. */
#ifndef PGA_LABEL_H
#define PGA_LABEL_H

#include "binding.h"

typedef struct pga_label
{
	int			column;			/* from 0 */
	Oid			type;
	pga_kind	kind;
	pga_conversion conversion;
} pga_label;

typedef enum pga_verdict
{
	PGA_UNKNOWN, PGA_NORMAL, PGA_ANOMALOUS
} pga_verdict;

/* Finds the label's column; fails with PA016 when its type says neither. */
pga_label	pga_bind_label(TupleDesc, const char *name);

/* NULL is unknown; false, 0 and 'normal' are normal; all else is anomalous. */
pga_verdict pga_read_label(const pga_label *, const Datum *values, const bool *isnull);

/* The class of a row that is not PGA_UNKNOWN: "normal", or the label as text,
 * "anomalous" for a boolean. */
const char *pga_label_class(const pga_label *, const Datum *values, const bool *isnull,
							uint32_t *len);

#endif							/* PGA_LABEL_H */
