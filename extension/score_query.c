/*
 * score_query.c - anomaly_detect_query: the rows of a query, scored in blocks.
 *
 * Rows are gathered PGA_BLOCK at a time and scored together, which is about
 * twice as fast as one by one and gives the same numbers.  A gathered row is
 * kept as a minimal tuple; only the rows that are severe enough are made into
 * composite values, by column name, and explained.
 *
 * A model that looks back gets the rows series by series (series.c); those of
 * the context are scored with them, since others look back at them, and not
 * given back.
 *
 * In a statement trigger the query may read the transition tables: they are
 * known to the caller's query environment, which is passed on.
 */
#include "host.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "block.h"
#include "explain.h"
#include "rows_out.h"
#include "series.h"

/* Rows at least this severe get reasons: the band "minor". */
#define REASONS_FROM 25.0

typedef struct detection
{
	pga_scan	scan;			/* first */
	pga_cached	cached;
	bool		all;			/* no min_severity */
	double		min_severity;
	double		mild;			/* highest score so far that is less severe */
	int			top;
	pga_rows_out *out;

	pga_block  *block;
	MinimalTuple tuples[PGA_BLOCK]; /* the rows in the block; NULL: context */
	MemoryContext block_memory; /* theirs; reset with the block */
	TupleTableSlot *slot;		/* to read them */

	TupleDesc	row_desc;		/* of the composite type to make */
	int		   *source;			/* [row_desc->natts] the query's column, -1 for dropped ones */
	Datum	   *row_values;
	bool	   *row_isnull;
} detection;

/* ---- the composite row -------------------------------------------------------------- */

/* The descriptor of the third argument's type, in the caller's memory. */
static TupleDesc
row_type_desc(FunctionCallInfo fcinfo)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 2);

	if (get_typtype(type) != TYPTYPE_COMPOSITE)
		ereport(ERROR,
				(errcode(PGA_ROW_WITHOUT_NAMES),
				 errmsg("argument \"row\" is of type %s, not of a table's or composite type",
						format_type_be(type)),
				 errhint("Give the type the rows shall have, as in NULL::my_table.")));
	return lookup_rowtype_tupdesc_copy(type, -1);
}

/* Which column of the query becomes which of the row. */
static void
map_columns(detection *d, TupleDesc query)
{
	TupleDesc	row = d->row_desc;

	d->source = palloc(Max(row->natts, 1) * sizeof(int));
	d->row_values = palloc0(Max(row->natts, 1) * sizeof(Datum));
	d->row_isnull = palloc(Max(row->natts, 1) * sizeof(bool));
	for (int i = 0; i < row->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(row, i);
		Oid			found;

		d->row_isnull[i] = true;
		d->source[i] = -1;
		if (att->attisdropped)
			continue;
		d->source[i] = pga_find_column(query, NameStr(att->attname), "result column");
		found = TupleDescAttr(query, d->source[i])->atttypid;
		if (found != att->atttypid)
			ereport(ERROR,
					(errcode(PGA_COLUMN_TYPE),
					 errmsg("column \"%s\" of the query is of type %s, but of type %s in %s",
							NameStr(att->attname), format_type_be(found),
							format_type_be(att->atttypid), format_type_be(row->tdtypeid))));
	}
}

/* The row in d->slot as a value of the composite type. */
static Datum
make_row(detection *d)
{
	slot_getallattrs(d->slot);
	for (int i = 0; i < d->row_desc->natts; i++)
		if (d->source[i] >= 0)
		{
			d->row_values[i] = d->slot->tts_values[d->source[i]];
			d->row_isnull[i] = d->slot->tts_isnull[d->source[i]];
		}
	return HeapTupleGetDatum(heap_form_tuple(d->row_desc, d->row_values, d->row_isnull));
}

/* ---- the blocks ------------------------------------------------------------------------ */

static Datum
make_reasons(detection *d, int i)
{
	pga_block  *block = d->block;
	int			back = Min(block->context + i, block->history);
	pga_reason *reasons;
	int			n = pga_reasons(d->cached.model, block->binding, pga_block_row(block, i - back),
								(size_t) back + 1, d->slot->tts_values,
								d->slot->tts_isnull, d->top, &reasons);

	return JsonbPGetDatum(pga_reasons_json(reasons, n));
}

/* Gives the i-th row of the block back if it is severe enough. */
static void
emit(detection *d, int i)
{
	double		score = d->block->score[i];
	double		p,
				severity;
	Datum		values[6];
	bool		isnull[6] = {false};

	/* Severity never falls with the score, which is cheaper to compare. */
	if (score <= d->mild || d->tuples[i] == NULL)
		return;
	p = pga_model_p_value(d->cached.model, score);
	severity = pga_severity(p);
	if (!d->all && severity < d->min_severity)
	{
		d->mild = score;
		return;
	}
	ExecStoreMinimalTuple(d->tuples[i], d->slot, false);
	values[0] = make_row(d);
	values[1] = Float8GetDatum(score);
	values[2] = Float8GetDatum(p);
	values[3] = Float8GetDatum(severity);
	values[4] = BoolGetDatum(score > pga_model_threshold(d->cached.model));
	isnull[5] = severity < REASONS_FROM;
	values[5] = isnull[5] ? (Datum) 0 : make_reasons(d, i);
	pga_rows_out_put(d->out, values, isnull);
}

static void
flush(detection *d)
{
	MemoryContext old = MemoryContextSwitchTo(d->block_memory);

	pga_block_score(d->block);
	for (int i = 0; i < d->block->rows; i++)
		emit(d, i);
	pga_block_clear(d->block);
	ExecClearTuple(d->slot);
	MemoryContextSwitchTo(old);
	MemoryContextReset(d->block_memory);
	CHECK_FOR_INTERRUPTS();
}

static void
start(pga_scan *scan, TupleDesc desc)
{
	detection  *d = (detection *) scan;

	d->block = pga_block_create(d->cached, desc, 0);
	d->block_memory = AllocSetContextCreate(CurrentMemoryContext, "pg_anomaly block",
											ALLOCSET_DEFAULT_SIZES);
	d->slot = MakeSingleTupleTableSlot(CreateTupleDescCopy(desc), &TTSOpsMinimalTuple);
	map_columns(d, desc);
}

static void
new_series(pga_scan *scan)
{
	detection  *d = (detection *) scan;

	flush(d);
	d->block->context = 0;
}

static void
row(pga_scan *scan, TupleTableSlot *slot)
{
	detection  *d = (detection *) scan;
	pga_block  *block = d->block;
	int			bad = pga_block_add(block, slot);

	if (bad >= 0)
		pga_fail_not_finite(block->binding->features[bad].name);
	MemoryContextSwitchTo(d->block_memory);
	d->tuples[block->rows - 1] = scan->is_context ? NULL : ExecCopySlotMinimalTuple(slot);
	if (block->rows == PGA_BLOCK)
		flush(d);
}

PGA_FUNCTION(pga_detect_query);
Datum
pga_detect_query(PG_FUNCTION_ARGS)
{
	EState	   *caller;
	pga_hold   *hold = pga_hold_create(CurrentMemoryContext);
	detection	d = {.scan = {.start = start, .row = row, .new_series = new_series}};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(4))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("arguments \"model\", \"query\" and \"top\" must not be null")));
	d.mild = -INFINITY;
	d.all = PG_ARGISNULL(3);
	d.min_severity = d.all ? 0 : PG_GETARG_FLOAT8(3);
	d.top = PG_GETARG_INT32(4);
	pga_check_top(d.top);
	d.row_desc = row_type_desc(fcinfo);
	d.out = pga_rows_out_begin(fcinfo);
	caller = ((ReturnSetInfo *) fcinfo->resultinfo)->econtext->ecxt_estate;
	pga_hold_named(hold, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	d.cached = hold->cached;
	pga_scan_series(&d.scan, d.cached.model, text_to_cstring(PG_GETARG_TEXT_PP(1)),
					PG_ARGISNULL(5) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(5)),
					caller ? caller->es_queryEnv : NULL);
	flush(&d);
	ExecDropSingleTupleTableSlot(d.slot);
	PG_RETURN_NULL();
}
