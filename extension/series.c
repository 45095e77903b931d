/*
 * series.c - the rows of a query series by series, for models that look back.
 *
 * A series is the rows of one partition in their order, as the model's
 * options name the columns.  The rows go through a sort, which spills to disk
 * beyond work_mem, each with a flag behind its columns: is it there to be
 * looked back at only?
 */
#include "series.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "parser/parse_oper.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"

#include "binding.h"

typedef struct series_scan
{
	pga_scan	scan;			/* first; what the queries push rows into */
	pga_scan   *inner;			/* what gets the sorted rows */
	const pga_model *model;
	TupleDesc	desc;			/* the query's, and the flag */
	TupleTableSlot *unsorted,
			   *sorted;
	Tuplesortstate *sort;
	int			partition,		/* column, or -1 */
				place;
	TypeCacheEntry *type;		/* of the partition */
	Oid			collation;
	Datum		last;			/* partition of the row before */
	bool		last_isnull;
} series_scan;

/* ---- into the sort ------------------------------------------------------------------ */

static TupleDesc
with_flag(TupleDesc query)
{
	TupleDesc	desc = CreateTemplateTupleDesc(query->natts + 1);

	for (int i = 0; i < query->natts; i++)
		TupleDescCopyEntry(desc, (AttrNumber) (i + 1), query, (AttrNumber) (i + 1));
	TupleDescInitEntry(desc, (AttrNumber) desc->natts, "", BOOLOID, -1, 0);
	return desc;
}

static void
begin_sort(series_scan *s)
{
	int			columns[2];
	int			n = 0;
	AttrNumber	number[2];
	Oid			less[2],
				collation[2];
	bool		nulls_first[2] = {false, false};

	if (s->partition >= 0)
		columns[n++] = s->partition;
	columns[n++] = s->place;
	for (int i = 0; i < n; i++)
	{
		Form_pg_attribute att = TupleDescAttr(s->desc, columns[i]);

		number[i] = (AttrNumber) (columns[i] + 1);
		collation[i] = att->attcollation;
		get_sort_group_operators(att->atttypid, true, true, false, &less[i], NULL, NULL, NULL);
	}
	s->sort = tuplesort_begin_heap(s->desc, n, number, less, collation, nulls_first, work_mem, NULL,
								   PGA_SORT_ONCE);
}

/* Called for either query; the second has to give the same columns. */
static void
start(pga_scan *scan, TupleDesc desc)
{
	series_scan *s = (series_scan *) scan;

	if (s->sort == NULL)
	{
		pga_find_series(s->model, desc, &s->partition, &s->place);
		s->desc = with_flag(desc);
		s->unsorted = MakeSingleTupleTableSlot(s->desc, &TTSOpsVirtual);
		s->sorted = MakeSingleTupleTableSlot(s->desc, &TTSOpsMinimalTuple);
		if (s->partition >= 0)
		{
			s->type = lookup_type_cache(TupleDescAttr(desc, s->partition)->atttypid, TYPECACHE_EQ_OPR_FINFO);
			s->collation = TupleDescAttr(desc, s->partition)->attcollation;
		}
		begin_sort(s);
		return;
	}
	for (int i = 0; i < Max(desc->natts, s->desc->natts - 1); i++)
		if (i >= desc->natts || i >= s->desc->natts - 1 ||
			TupleDescAttr(desc, i)->atttypid != TupleDescAttr(s->desc, i)->atttypid)
			ereport(ERROR,
					(errcode(PGA_COLUMN_TYPE),
					 errmsg("query and context differ in column %d", i + 1),
					 errhint("Both have to give the same columns of the same types.")));
}

static void
row(pga_scan *scan, TupleTableSlot *slot)
{
	series_scan *s = (series_scan *) scan;
	int			n = s->desc->natts - 1;

	slot_getallattrs(slot);
	ExecClearTuple(s->unsorted);
	memcpy(s->unsorted->tts_values, slot->tts_values, n * sizeof(Datum));
	memcpy(s->unsorted->tts_isnull, slot->tts_isnull, n * sizeof(bool));
	s->unsorted->tts_values[n] = BoolGetDatum(scan->is_context);
	s->unsorted->tts_isnull[n] = false;
	ExecStoreVirtualTuple(s->unsorted);
	tuplesort_puttupleslot(s->sort, s->unsorted);
}

/* ---- out of it ------------------------------------------------------------------------- */

/* Does the row in s->sorted begin a series?  Remembers its partition. */
static bool
begins_series(series_scan *s, bool first)
{
	bool		isnull;
	Datum		value;

	if (s->partition < 0)
		return first;
	value = slot_getattr(s->sorted, s->partition + 1, &isnull);
	if (!first && isnull == s->last_isnull &&
		(isnull || DatumGetBool(FunctionCall2Coll(&s->type->eq_opr_finfo, s->collation, value, s->last))))
		return false;
	if (!first && !s->last_isnull && !s->type->typbyval)
		pfree(DatumGetPointer(s->last));
	s->last_isnull = isnull;
	s->last = isnull ? (Datum) 0 : datumCopy(value, s->type->typbyval, s->type->typlen);
	return true;
}

static void
hand_over(series_scan *s)
{
	pga_scan   *inner = s->inner;
	bool		first = true;

	while (tuplesort_gettupleslot(s->sort, true, false, s->sorted, NULL))
	{
		MemoryContext old;
		bool		isnull;

		if (begins_series(s, first))
			inner->new_series(inner);
		first = false;
		inner->is_context = DatumGetBool(slot_getattr(s->sorted, s->desc->natts, &isnull));
		old = MemoryContextSwitchTo(inner->row_memory);
		inner->row(inner, s->sorted);
		MemoryContextSwitchTo(old);
		MemoryContextReset(inner->row_memory);
	}
}

void
pga_scan_series(pga_scan *scan, const pga_model *model, const char *query, const char *context,
				QueryEnvironment *env)
{
	series_scan s = {.scan = {.start = start, .row = row}, .inner = scan, .model = model};

	if (pga_model_history(model) == 0)
	{
		pga_scan_query(scan, query, env);
		return;
	}
	pga_scan_query(&s.scan, query, env);
	scan->memory = CurrentMemoryContext;
	scan->start(scan, s.desc);
	if (context != NULL)
	{
		s.scan.is_context = true;
		pga_scan_query(&s.scan, context, env);
	}
	scan->row_memory = AllocSetContextCreate(CurrentMemoryContext, "pg_anomaly row", ALLOCSET_SMALL_SIZES);
	tuplesort_performsort(s.sort);
	hand_over(&s);
	tuplesort_end(s.sort);
	ExecDropSingleTupleTableSlot(s.unsorted);
	ExecDropSingleTupleTableSlot(s.sorted);
	MemoryContextDelete(scan->row_memory);
}

/* ---- which columns ------------------------------------------------------------------------ */

/* What a model needs to know of the rows before, for SQL that fetches them. */
PGA_FUNCTION(pga_series_of);
Datum
pga_series_of(PG_FUNCTION_ARGS)
{
	pga_hold   *hold = pga_hold_create(CurrentMemoryContext);
	TupleDesc	desc;
	Datum		values[3];
	bool		isnull[3] = {false};
	const char *partition,
			   *place;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	pga_hold_named(hold, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	partition = pga_series_column(hold->cached.model, PGA_PARTITION);
	place = pga_series_column(hold->cached.model, PGA_ORDER);
	isnull[1] = partition == NULL;
	isnull[2] = place == NULL;
	values[0] = Int32GetDatum((int32) pga_model_history(hold->cached.model));
	values[1] = isnull[1] ? (Datum) 0 : CStringGetTextDatum(partition);
	values[2] = isnull[2] ? (Datum) 0 : CStringGetTextDatum(place);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, isnull)));
}
