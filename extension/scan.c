/*
 * scan.c - runs a query read-only and hands over its rows.
 *
 * The executor pushes rows into a DestReceiver of ours, so that they are read
 * where they are: no tuple table, no cursor, no copy.  While the query runs
 * the transaction is read-only, through a GUC nest level that ends with the
 * query and, on an error, with the (sub)transaction; so a function that writes
 * is caught however deep it hides.
 */
#include "scan.h"

#include "executor/executor.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

typedef struct scan_receiver
{
	DestReceiver pub;			/* first: the executor knows this part */
	pga_scan   *scan;
} scan_receiver;

static void
receive_start(DestReceiver *self, int operation, TupleDesc desc)
{
	pga_scan   *scan = ((scan_receiver *) self)->scan;
	MemoryContext old = MemoryContextSwitchTo(scan->memory);

	scan->start(scan, desc);
	MemoryContextSwitchTo(old);
}

static bool
receive_slot(TupleTableSlot *slot, DestReceiver *self)
{
	pga_scan   *scan = ((scan_receiver *) self)->scan;
	MemoryContext old = MemoryContextSwitchTo(scan->row_memory);

	scan->row(scan, slot);
	MemoryContextSwitchTo(old);
	MemoryContextReset(scan->row_memory);
	return true;
}

static void
receive_nothing(DestReceiver *self)
{
}

/* Says which query failed, and turns "read-only transaction" into our code. */
static void
query_error(void *query)
{
	int			position = geterrposition();

	if (geterrcode() == ERRCODE_READ_ONLY_SQL_TRANSACTION)
	{
		errcode(PGA_NOT_READ_ONLY);
		errhint("Queries given to pg_anomaly may only read.");
	}
	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(query);
	}
	else
		errcontext("query \"%s\"", (const char *) query);
}

static void __attribute__((noreturn))
fail_not_a_select(void)
{
	ereport(ERROR,
			(errcode(PGA_NOT_READ_ONLY),
			 errmsg("query must be a single SELECT, VALUES or TABLE that only reads")));
}

static PlannedStmt *
plan_query(const char *query, QueryEnvironment *env)
{
	List	   *parsed = pg_parse_query(query);
	RawStmt    *raw;
	List	   *rewritten;
	Query	   *select;

	if (list_length(parsed) != 1)
		fail_not_a_select();
	raw = linitial_node(RawStmt, parsed);
	if (!IsA(raw->stmt, SelectStmt) || ((SelectStmt *) raw->stmt)->intoClause != NULL)
		fail_not_a_select();
	rewritten = pga_analyze(raw, query, env);
	if (list_length(rewritten) != 1)
		fail_not_a_select();
	select = linitial_node(Query, rewritten);
	if (select->commandType != CMD_SELECT || select->hasModifyingCTE)
		fail_not_a_select();
	return pg_plan_query(select, query, CURSOR_OPT_PARALLEL_OK, NULL);
}

static void
execute_query(pga_scan *scan, const char *query, QueryEnvironment *env)
{
	scan_receiver receiver = {
		.pub = {
			.receiveSlot = receive_slot,
			.rStartup = receive_start,
			.rShutdown = receive_nothing,
			.rDestroy = receive_nothing,
			.mydest = DestNone
		},
		.scan = scan
	};
	QueryDesc  *desc = CreateQueryDesc(plan_query(query, env), query, GetActiveSnapshot(),
									   InvalidSnapshot, &receiver.pub, NULL, env, 0);

	ExecutorStart(desc, 0);
	pga_run_to_end(desc);
	ExecutorFinish(desc);
	ExecutorEnd(desc);
	FreeQueryDesc(desc);
}

void
pga_scan_query(pga_scan *scan, const char *query, QueryEnvironment *env)
{
	ErrorContextCallback context = {error_context_stack, query_error, (void *) query};
	int			nest_level = NewGUCNestLevel();

	scan->memory = CurrentMemoryContext;
	scan->row_memory = AllocSetContextCreate(CurrentMemoryContext, "pg_anomaly row",
											 ALLOCSET_SMALL_SIZES);
	(void) set_config_option("transaction_read_only", "on", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	error_context_stack = &context;
	PushActiveSnapshot(GetActiveSnapshot());
	execute_query(scan, query, env);
	PopActiveSnapshot();
	error_context_stack = context.previous;
	AtEOXact_GUC(true, nest_level);
	MemoryContextDelete(scan->row_memory);
}
