/* rows_out.h - functions that return a set of rows, all at once. */
#ifndef PGA_ROWS_OUT_H
#define PGA_ROWS_OUT_H

#include "host.h"

#include "funcapi.h"
#include "utils/tuplestore.h"

typedef struct pga_rows_out
{
	Tuplestorestate *store;
	TupleDesc	desc;
} pga_rows_out;

/* The function then returns NULL; its rows are what was put. */
pga_rows_out *pga_rows_out_begin(FunctionCallInfo fcinfo);

static inline void
pga_rows_out_put(pga_rows_out *out, Datum *values, bool *isnull)
{
	tuplestore_putvalues(out->store, out->desc, values, isnull);
}

#endif							/* PGA_ROWS_OUT_H */
