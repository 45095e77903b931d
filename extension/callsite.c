/*
 * callsite.c - what a scoring call remembers between rows.
 *
 * A query calls anomaly_score() once per row with the same model and the same
 * row type; finding the model and binding the columns again would cost a
 * hundred times the score.  So the call site keeps both in fn_extra.
 *
 * It may outlive a query: plpgsql keeps simple expressions for a transaction.
 * What a name means, and what a row type looks like, can change in between, so
 * everything is forgotten as soon as the moment changes: another snapshot,
 * another command, another subtransaction or another user.  Two snapshots of
 * one backend with equal bounds and an equal number of running transactions
 * see the same rows, as transactions only ever end.
 */
#include "callsite.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

typedef struct moment
{
	TransactionId xmin,
				xmax;
	uint32		running,
				subrunning;
	CommandId	command;
	SubTransactionId subtransaction;
	Oid			user;
} moment;

/* How much of an in-line model value is compared; its checksum is at the end. */
#define SAMPLED 32

/* What an argument looked like when its model was found. */
typedef struct seen_value
{
	Pointer		address;		/* of an in-line value; NULL for a toast pointer */
	Size		size;
	char		head[SAMPLED],
				tail[SAMPLED];
} seen_value;

typedef struct pga_site_memory
{
	moment		now;
	text	   *name;			/* the model's, in a door by name */
	seen_value	value;			/* in a door by value */
	Oid			row_type;		/* the binding is for this row type */
	int32		row_typmod;
	ArrayType  *names;			/* or for this array of names */
	MemoryContext context;		/* of the name, the binding and the row */
} pga_site_memory;

/* ---- the moment -------------------------------------------------------------------- */

static moment
this_moment(void)
{
	moment		now;

	memset(&now, 0, sizeof(now));	/* padding is compared too */
	if (ActiveSnapshotSet())
	{
		Snapshot	snapshot = GetActiveSnapshot();

		now.xmin = snapshot->xmin;
		now.xmax = snapshot->xmax;
		now.running = snapshot->xcnt;
		now.subrunning = (uint32) snapshot->subxcnt;
		now.command = snapshot->curcid;
	}
	now.subtransaction = GetCurrentSubTransactionId();
	now.user = GetUserId();
	return now;
}

static void
forget(pga_site *site)
{
	site->cached = (pga_cached) {0};
	site->binding = NULL;
	site->memory->name = NULL;
	site->memory->names = NULL;
	MemoryContextReset(site->memory->context);
}

/* ---- the model ---------------------------------------------------------------------- */

static bool
same_name(const text *a, const text *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/*
 * A toast pointer is compared whole.  An in-line value is taken for the one
 * seen before when address, length and both ends agree, checksum included:
 * hashing it all for every row would cost more than scoring.
 */
static seen_value
look_at(Datum value)
{
	Pointer		p = DatumGetPointer(value);
	seen_value	seen;
	Size		sampled;

	memset(&seen, 0, sizeof(seen));
	seen.size = VARSIZE_ANY(p);
	seen.address = VARATT_IS_EXTERNAL(p) ? NULL : p;
	sampled = Min(seen.size, SAMPLED);
	memcpy(seen.head, p, sampled);
	memcpy(seen.tail, p + seen.size - sampled, sampled);
	return seen;
}

static void
find_model(pga_site *site, Datum model, bool by_name)
{
	pga_site_memory *memory = site->memory;
	moment		now = this_moment();

	if (memcmp(&now, &memory->now, sizeof(now)) != 0)
	{
		forget(site);
		memory->now = now;
	}
	if (by_name)
	{
		text	   *name = DatumGetTextPP(model);

		if (memory->name != NULL && same_name(name, memory->name))
			return;
		forget(site);
		pga_hold_named(site->hold, text_to_cstring(name));
		memory->name = (text *) MemoryContextAlloc(memory->context, VARSIZE_ANY(name));
		memcpy(memory->name, name, VARSIZE_ANY(name));
	}
	else
	{
		seen_value	seen = look_at(model);

		if (site->cached.model != NULL && memcmp(&seen, &memory->value, sizeof(seen)) == 0)
			return;
		forget(site);
		pga_hold_value(site->hold, model);
		memory->value = seen;
	}
	site->cached = site->hold->cached;
}

/* ---- the row -------------------------------------------------------------------------- */

static void
new_binding(pga_site *site, pga_binding *binding)
{
	site->binding = binding;
	site->raw = palloc(Max(binding->nfeatures, 1) * sizeof(double));
}

static void
bind_row(pga_site *site, Oid type, int32 typmod)
{
	pga_site_memory *memory = site->memory;
	MemoryContext old = MemoryContextSwitchTo(memory->context);
	TupleDesc	desc = lookup_rowtype_tupdesc(type, typmod);

	new_binding(site, pga_bind_features(pga_model_features(site->cached.model),
										pga_model_nfeatures(site->cached.model), desc));
	pga_expect_composites(site->binding, desc);
	ReleaseTupleDesc(desc);
	memory->row_type = type;
	memory->row_typmod = typmod;
	MemoryContextSwitchTo(old);
}

static void
deform_row(pga_site *site, HeapTupleHeader row)
{
	Oid			type = HeapTupleHeaderGetTypeId(row);
	int32		typmod = HeapTupleHeaderGetTypMod(row);

	if (site->binding == NULL || type != site->memory->row_type ||
		typmod != site->memory->row_typmod)
		bind_row(site, type, typmod);
	pga_deform(site->binding, row);
}

static void
bind_names(pga_site *site, ArrayType *names)
{
	MemoryContext old = MemoryContextSwitchTo(site->memory->context);

	new_binding(site, pga_bind_names(pga_model_features(site->cached.model),
									 pga_model_nfeatures(site->cached.model), names));
	site->memory->names = (ArrayType *) palloc(VARSIZE(names));
	memcpy(site->memory->names, names, VARSIZE(names));
	MemoryContextSwitchTo(old);
}

static void
read_arrays(pga_site *site, ArrayType *values, ArrayType *names)
{
	ArrayType  *seen = site->memory->names;
	Datum	   *items;
	bool	   *nulls;
	int			n;

	if (site->binding == NULL || seen == NULL || VARSIZE(seen) != VARSIZE(names) ||
		memcmp(seen, names, VARSIZE(names)) != 0)
		bind_names(site, names);
	deconstruct_array(values, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &items, &nulls, &n);
	if (n != site->binding->ncolumns)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("there are %d values but %d names", n, site->binding->ncolumns)));
	memcpy(site->binding->values, items, n * sizeof(Datum));
	memcpy(site->binding->isnull, nulls, n * sizeof(bool));
}

/* ---- the interface --------------------------------------------------------------------- */

static pga_site *
create_site(FmgrInfo *flinfo)
{
	pga_site   *site = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(pga_site));

	site->memory = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(pga_site_memory));
	site->memory->context = AllocSetContextCreate(flinfo->fn_mcxt, "pg_anomaly call site",
												  ALLOCSET_SMALL_SIZES);
	site->hold = pga_hold_create(flinfo->fn_mcxt);
	flinfo->fn_extra = site;
	return site;
}

pga_site *
pga_site_find(FmgrInfo *flinfo, Datum model, bool by_name)
{
	pga_site   *site = flinfo->fn_extra;

	if (site == NULL)
		site = create_site(flinfo);
	find_model(site, model, by_name);
	return site;
}

/* The row just deformed into site->raw. */
static void
read_values(pga_site *site)
{
	int			bad = pga_read_raw(site->binding, site->cached.model, site->binding->values,
								   site->binding->isnull, site->raw);

	if (bad >= 0)
		pga_fail_not_finite(site->binding->features[bad].name);
}

void
pga_site_read_row(pga_site *site, Datum row)
{
	deform_row(site, DatumGetHeapTupleHeader(row));
	read_values(site);
}

pga_site *
pga_site_read(FunctionCallInfo fcinfo, pga_door door)
{
	pga_site   *site = pga_site_find(fcinfo->flinfo, PG_GETARG_DATUM(0),
									 door == PGA_NAME_ROW || door == PGA_NAME_ARRAYS);

	if (door == PGA_NAME_ROW || door == PGA_VALUE_ROW)
		deform_row(site, PG_GETARG_HEAPTUPLEHEADER(1));
	else
		read_arrays(site, PG_GETARG_ARRAYTYPE_P(1), PG_GETARG_ARRAYTYPE_P(2));
	read_values(site);
	return site;
}

TupleDesc
pga_site_result(pga_site *site, FunctionCallInfo fcinfo)
{
	MemoryContext old;
	TupleDesc	desc;

	if (site->result != NULL)
		return site->result;
	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	site->result = BlessTupleDesc(CreateTupleDescCopy(desc));
	MemoryContextSwitchTo(old);
	return site->result;
}
