/*
 * pg_compat.h - what differs between PostgreSQL 13 and 18, and nowhere else.
 *
 * Include it right after postgres.h and before fmgr.h.
 */
#ifndef PGA_COMPAT_H
#define PGA_COMPAT_H

/*
 * The library is built with hidden symbols.  Servers before 16 leave
 * PGDLLEXPORT empty, which would hide the magic block too.
 */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

#include "fmgr.h"

/* A function SQL can call. */
#define PGA_FUNCTION(name) \
	PGDLLEXPORT Datum name(PG_FUNCTION_ARGS); \
	PG_FUNCTION_INFO_V1(name)

/* Detoasting macros moved out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#if PG_VERSION_NUM >= 150000
#define pga_analyze(raw, query, env) \
	pg_analyze_and_rewrite_fixedparams((raw), (query), NULL, 0, (env))
#else
#define pga_analyze(raw, query, env) \
	pg_analyze_and_rewrite((raw), (query), NULL, 0, (env))
#endif

#if PG_VERSION_NUM >= 180000
#define pga_run_to_end(desc) ExecutorRun((desc), ForwardScanDirection, 0)
#else
#define pga_run_to_end(desc) ExecutorRun((desc), ForwardScanDirection, 0, true)
#endif

#if PG_VERSION_NUM >= 150000
#define pga_reserve_settings(prefix) MarkGUCPrefixReserved(prefix)
#else
#define pga_reserve_settings(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

/* What a sort is for: one pass over its rows. */
#if PG_VERSION_NUM >= 150000
#define PGA_SORT_ONCE TUPLESORT_NONE
#else
#define PGA_SORT_ONCE false
#endif

/* Infinite intervals exist since 17. */
#include "datatype/timestamp.h"
#ifndef INTERVAL_NOT_FINITE
#define INTERVAL_NOT_FINITE(interval) false
#endif

#endif							/* PGA_COMPAT_H */
