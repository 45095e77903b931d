/* scan.h - runs a query read-only and hands over its rows. */
#ifndef PGA_SCAN_H
#define PGA_SCAN_H

#include "host.h"

#include "executor/tuptable.h"
#include "utils/queryenvironment.h"

typedef struct pga_scan pga_scan;
struct pga_scan
{
	/* Once, before the rows, also when there are none; the descriptor lives
	 * as long as the query, what is allocated as long as the caller's memory. */
	void		(*start) (pga_scan *, TupleDesc);
	/* Every row; the slot is valid during the call. */
	void		(*row) (pga_scan *, TupleTableSlot *);
	/* Of pga_scan_series: before the first row of each series. */
	void		(*new_series) (pga_scan *);
	bool		is_context;		/* the row is there to be looked back at only */

	/* Set by pga_scan_query. */
	MemoryContext memory,		/* the caller's; current during start() */
				row_memory;		/* current during row(), reset after it */
};

/*
 * The query runs with the caller's rights under the active snapshot.  Anything
 * but one SELECT, VALUES or TABLE, and any attempt to write, fails with PA011.
 * env: transition tables the query may read, or NULL.
 */
void		pga_scan_query(pga_scan *, const char *query, QueryEnvironment *env);

#endif							/* PGA_SCAN_H */
