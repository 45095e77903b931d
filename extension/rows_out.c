/*
 * rows_out.c - functions that return a set of rows, all at once.
 *
 * The rows go to a tuplestore, which spills to disk beyond work_mem.
 */
#include "rows_out.h"

#include "miscadmin.h"

pga_rows_out *
pga_rows_out_begin(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *info = (ReturnSetInfo *) fcinfo->resultinfo;
	pga_rows_out *out = palloc(sizeof(pga_rows_out));
	MemoryContext old;

	if (info == NULL || !IsA(info, ReturnSetInfo) || !(info->allowedModes & SFRM_Materialize))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function returns a set of rows and is called where none is possible")));
	old = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
	if (get_call_result_type(fcinfo, NULL, &out->desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	out->store = tuplestore_begin_heap((info->allowedModes & SFRM_Materialize_Random) != 0,
									   false, work_mem);
	info->returnMode = SFRM_Materialize;
	info->setResult = out->store;
	info->setDesc = out->desc;
	MemoryContextSwitchTo(old);
	return out;
}
