/*
 * pg_anomaly.c - the shared library's entry.
 *
 * pg_anomaly trains anomaly detectors on the rows of a query, keeps them as
 * values and immutable versions, and scores rows where they live.
 *
 *   host.c         the core's world: memory, cancel, errors, options
 *   model_type.c   the type anomaly_model
 *   binding.c      rows to numbers, bound by column name
 *   model_cache.c  fitted models of this backend
 *   registry.c     models by name: versions, activation
 *   scan.c         runs a query read-only, row by row
 *   train.c        anomaly_train;   fit_agg.c  anomaly_fit
 *   callsite.c     what a scoring call remembers between rows
 *   score.c        anomaly_score, anomaly_detect for one row
 *   score_query.c  anomaly_detect_query, in blocks
 *   explain.c      reasons;         evaluate.c  against labels
 *   community_id.c a flow's name in other tools
 *
 * Nothing here needs to be preloaded, and no setting changes a result.
 */
#include "postgres.h"
#include "pg_compat.h"

#include <limits.h>

#include "utils/guc.h"

#include "model_cache.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	DefineCustomIntVariable("pg_anomaly.cache_size",
							"Memory for fitted models that a session keeps ready.",
							"Models in use count but are never dropped.",
							&pga_cache_size_kb,
							64 * 1024, 0, MAX_KILOBYTES,
							PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
	pga_reserve_settings("pg_anomaly");
}
