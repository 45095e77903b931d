/* series.h - the rows of a query series by series, for models that look back. */
#ifndef PGA_SERIES_H
#define PGA_SERIES_H

#include "model_cache.h"
#include "scan.h"

/*
 * As pga_scan_query.  Under a model that looks back, the rows come series by
 * series, in order, with scan->new_series before the first of each; and with
 * them those of a second query (or NULL), scan->is_context being set: they are
 * to be looked back at only.  Any other model has no use for these.
 */
void		pga_scan_series(pga_scan *, const pga_model *, const char *query,
							const char *context, QueryEnvironment *env);

#endif							/* PGA_SERIES_H */
