/*
 * binding.c - rows to numbers, bound by column name.
 *
 * Names bind, positions don't: a feature is looked up by its column's name in
 * the row's descriptor, once; columns nobody asked for are ignored.  Domains
 * count as their base type.
 *
 *   numeric       int2 int4 int8 float4 float8 numeric
 *   boolean       bool
 *   interval      interval, as EXTRACT(EPOCH) counts its seconds
 *   categorical   text varchar char(n) enum
 *
 * Three columns have other roles: a label, a partition (of any type, as it is
 * printed) and an order (a time, or anything numeric).
 */
#include "binding.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#define MAX_LISTED 40			/* columns a hint names */

/* ---- types ------------------------------------------------------------------ */

/* What else a column may be (addresses, times, documents) has no order or
 * distance a detector could use as it is. */
pga_kind
pga_column_kind(Oid type, pga_conversion *conversion)
{
	static const struct
	{
		Oid			type;
		pga_conversion conversion;
		pga_kind	kind;
	}			usable[] =
	{
		{FLOAT8OID, PGA_FROM_FLOAT8, PGA_NUMERIC},
		{FLOAT4OID, PGA_FROM_FLOAT4, PGA_NUMERIC},
		{INT2OID, PGA_FROM_INT2, PGA_NUMERIC},
		{INT4OID, PGA_FROM_INT4, PGA_NUMERIC},
		{INT8OID, PGA_FROM_INT8, PGA_NUMERIC},
		{NUMERICOID, PGA_FROM_NUMERIC, PGA_NUMERIC},
		{BOOLOID, PGA_FROM_BOOL, PGA_BOOLEAN},
		{INTERVALOID, PGA_FROM_INTERVAL, PGA_INTERVAL},
		{TEXTOID, PGA_FROM_TEXT, PGA_CATEGORICAL},
		{VARCHAROID, PGA_FROM_TEXT, PGA_CATEGORICAL},
		{BPCHAROID, PGA_FROM_BPCHAR, PGA_CATEGORICAL},
	};
	Oid			base = getBaseType(type);

	for (size_t i = 0; i < lengthof(usable); i++)
		if (usable[i].type == base)
		{
			*conversion = usable[i].conversion;
			return usable[i].kind;
		}
	if (type_is_enum(base))
	{
		*conversion = PGA_FROM_ENUM;
		return PGA_CATEGORICAL;
	}
	return 0;
}

static const char *
kind_name(pga_kind kind)
{
	static const char *const names[] = {
		[PGA_NUMERIC] = "a number",
		[PGA_BOOLEAN] = "a boolean",
		[PGA_INTERVAL] = "an interval",
		[PGA_CATEGORICAL] = "a text or enum",
		[PGA_TIME] = "a time",
	};

	return names[kind];
}

static void __attribute__((noreturn))
fail_unusable(const char *column, Oid type)
{
	ereport(ERROR,
			(errcode(PGA_COLUMN_TYPE),
			 errmsg("column \"%s\" of type %s cannot be a feature",
					column, format_type_be(type)),
			 errhint("Usable are numbers, booleans, intervals, texts and enums; cast it in the query or leave it out.")));
}

/* ---- finding columns ---------------------------------------------------------- */

static char *
list_columns(TupleDesc desc)
{
	StringInfoData list;
	int			n = 0;

	initStringInfo(&list);
	for (int i = 0; i < desc->natts && n <= MAX_LISTED; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped)
			continue;
		if (n == MAX_LISTED)
			appendStringInfoString(&list, ", ...");
		else
			appendStringInfo(&list, "%s%s", n > 0 ? ", " : "", NameStr(att->attname));
		n++;
	}
	return list.data;
}

/* Column number from 0, or -1. */
static int
find_column(TupleDesc desc, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && strcmp(NameStr(att->attname), name) == 0)
			return i;
	}
	return -1;
}

/* Does the row come from ROW(...), which names its columns f1, f2, ...? */
static bool
is_unnamed(TupleDesc desc)
{
	char		name[16];

	if (desc->tdtypeid != RECORDOID)
		return false;
	for (int i = 0; i < desc->natts; i++)
	{
		snprintf(name, sizeof(name), "f%d", i + 1);
		if (strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) != 0)
			return false;
	}
	return true;
}

void
pga_check_named(TupleDesc desc)
{
	if (is_unnamed(desc))
		ereport(ERROR,
				(errcode(PGA_ROW_WITHOUT_NAMES),
				 errmsg("row has no column names"),
				 errhint("ROW(...) drops the names; pass a table row or the alias of a subquery, or give values and names as two arrays.")));
}

int
pga_find_column(TupleDesc desc, const char *name, const char *role)
{
	int			column = find_column(desc, name);

	if (column < 0)
		ereport(ERROR,
				(errcode(PGA_UNKNOWN_COLUMN),
				 errmsg("%s \"%s\" is not a column of the row", role, name),
				 errhint("The row has the columns %s.", list_columns(desc))));
	return column;
}

char	  **
pga_name_list(ArrayType *array, const char *argument, int *n)
{
	Datum	   *items;
	bool	   *nulls;
	char	  **names;

	if (array == NULL)
	{
		*n = 0;
		return NULL;
	}
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &items, &nulls, n);
	names = palloc(Max(*n, 1) * sizeof(char *));
	for (int i = 0; i < *n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain nulls", argument)));
		names[i] = TextDatumGetCString(items[i]);
	}
	return names;
}

/* ---- other roles ------------------------------------------------------------------ */

static bool
is_time(Oid type, pga_conversion *conversion)
{
	Oid			base = getBaseType(type);

	*conversion = base == DATEOID ? PGA_FROM_DATE : PGA_FROM_TIMESTAMP;
	return base == TIMESTAMPTZOID || base == TIMESTAMPOID || base == DATEOID;
}

pga_conversion
pga_key_conversion(TupleDesc desc, int column, pga_role role, pga_kind *kind)
{
	Form_pg_attribute att = TupleDescAttr(desc, column);
	pga_conversion conversion;

	if (role == PGA_PARTITION)
	{
		*kind = PGA_CATEGORICAL;
		if (pga_column_kind(att->atttypid, &conversion) != PGA_CATEGORICAL)
			conversion = PGA_FROM_OUTPUT;
		return conversion;
	}
	if (is_time(att->atttypid, &conversion))
	{
		*kind = PGA_TIME;
		return conversion;
	}
	*kind = pga_column_kind(att->atttypid, &conversion);
	if (*kind == 0 || *kind == PGA_CATEGORICAL)
		ereport(ERROR,
				(errcode(PGA_COLUMN_TYPE),
				 errmsg("column \"%s\" of type %s cannot say what comes first",
						NameStr(att->attname), format_type_be(att->atttypid)),
				 errhint("Option \"order\" takes a timestamp, a date or a number.")));
	return conversion;
}

/* The only column of times, for a detector that needs an order and was told none. */
static int
only_time(TupleDesc desc, const char *detector)
{
	int			found = -1;
	int			n = 0;
	pga_conversion conversion;

	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped &&
			is_time(TupleDescAttr(desc, i)->atttypid, &conversion))
		{
			found = i;
			n++;
		}
	if (n != 1)
		ereport(ERROR,
				(errcode(PGA_UNKNOWN_COLUMN),
				 errmsg("%s needs to know the order of rows, and %d columns are times", detector, n),
				 errhint("Name one in the options, as in {\"order\": \"start_time\"}; the columns are %s.",
						 list_columns(desc))));
	return found;
}

static const char *const role_options[] = {
	[PGA_TARGET] = "label", [PGA_PARTITION] = "partition", [PGA_ORDER] = "order"
};

/* The column of a role, or -1. */
static int
role_column(TupleDesc desc, const pga_params *params, pga_role role)
{
	const char *name = pga_param_text(params, role_options[role]);

	if (name != NULL)
		return pga_find_column(desc, name, role_options[role]);
	if (role == PGA_ORDER && (params->detector->flags & PGA_SEQUENCE))
		return only_time(desc, params->detector->name);
	return -1;
}

const char *
pga_series_column(const pga_model *model, pga_role role)
{
	const pga_feature *features = pga_model_features(model);

	for (size_t i = 0; i < pga_model_nfeatures(model); i++)
		if (features[i].role == role)
			return features[i].name;
	return pga_param_text(pga_model_params(model), role_options[role]);
}

void
pga_find_series(const pga_model *model, TupleDesc desc, int *partition, int *place)
{
	const char *name = pga_series_column(model, PGA_ORDER);

	*partition = role_column(desc, pga_model_params(model), PGA_PARTITION);
	*place = name != NULL ? pga_find_column(desc, name, "order")
		: role_column(desc, pga_model_params(model), PGA_ORDER);
}

/* Appends the column to a binding's features, unless the detector has no use for it. */
static void
bind_role(pga_binding *b, pga_feature *list, int *n, TupleDesc desc, int column, pga_role role,
		  const pga_params *params)
{
	pga_bound  *bound = &b->bound[*n];
	pga_feature *feature = &list[*n];

	if (column < 0 ||
		(role == PGA_TARGET && !(params->detector->flags & (PGA_SUPERVISED | PGA_COMPOSITE))))
		return;
	feature->name = pstrdup(NameStr(TupleDescAttr(desc, column)->attname));
	feature->role = role;
	bound->column = column;
	bound->type = TupleDescAttr(desc, column)->atttypid;
	if (role == PGA_TARGET)
	{
		feature->kind = PGA_CATEGORICAL;
		bound->conversion = PGA_FROM_LABEL;
	}
	else
		bound->conversion = pga_key_conversion(desc, column, role, &feature->kind);
	(*n)++;
}

/* ---- binding -------------------------------------------------------------------- */

static pga_binding *
make_binding(const pga_feature *features, int nfeatures)
{
	pga_binding *b = palloc0(sizeof(pga_binding));

	b->features = features;
	b->nfeatures = nfeatures;
	b->bound = palloc0(Max(nfeatures, 1) * sizeof(pga_bound));
	return b;
}

static void
finish_binding(pga_binding *b)
{
	for (int i = 0; i < b->nfeatures; i++)
		b->ncolumns = Max(b->ncolumns, b->bound[i].column + 1);
}

pga_binding *
pga_bind_features(const pga_feature *features, size_t nfeatures, TupleDesc desc)
{
	pga_binding *b = make_binding(features, (int) nfeatures);

	for (int i = 0; i < b->nfeatures; i++)
	{
		pga_bound  *bound = &b->bound[i];
		pga_kind	kind;

		if (find_column(desc, features[i].name) < 0)
			pga_check_named(desc);
		bound->column = pga_find_column(desc, features[i].name, "feature");
		bound->type = TupleDescAttr(desc, bound->column)->atttypid;
		if (features[i].role == PGA_FEATURE)
			kind = pga_column_kind(bound->type, &bound->conversion);
		else
			bound->conversion = pga_key_conversion(desc, bound->column, features[i].role, &kind);
		if (kind != features[i].kind)
			ereport(ERROR,
					(errcode(PGA_COLUMN_TYPE),
					 errmsg("column \"%s\" is of type %s, but the model was trained on %s",
							features[i].name, format_type_be(bound->type),
							kind_name(features[i].kind))));
	}
	finish_binding(b);
	return b;
}

/* A row of float8 columns with these names. */
static TupleDesc
describe_names(ArrayType *names)
{
	int			n;
	char	  **list = pga_name_list(names, "names", &n);
	TupleDesc	desc = CreateTemplateTupleDesc(n);

	for (int i = 0; i < n; i++)
		TupleDescInitEntry(desc, (AttrNumber) (i + 1), list[i], FLOAT8OID, -1, 0);
	return desc;
}

/* Booleans and intervals are numbers here, texts have no place. */
pga_binding *
pga_bind_names(const pga_feature *features, size_t nfeatures, ArrayType *names)
{
	pga_binding *b = make_binding(features, (int) nfeatures);
	TupleDesc	desc = describe_names(names);

	for (int i = 0; i < b->nfeatures; i++)
	{
		if (features[i].kind == PGA_CATEGORICAL)
			ereport(ERROR,
					(errcode(PGA_COLUMN_TYPE),
					 errmsg("feature \"%s\" is a text and cannot be given in an array of numbers",
							features[i].name),
					 errhint("Pass a row instead.")));
		b->bound[i] = (pga_bound) {pga_find_column(desc, features[i].name, "feature"),
			PGA_FROM_FLOAT8, FLOAT8OID};
	}
	b->ncolumns = desc->natts;
	b->values = palloc(Max(b->ncolumns, 1) * sizeof(Datum));
	b->isnull = palloc(Max(b->ncolumns, 1) * sizeof(bool));
	return b;
}

/* Which columns does a list of names select?  An unknown name is an error. */
static bool *
mark_columns(TupleDesc desc, ArrayType *array, const char *argument, const char *role)
{
	bool	   *marked = palloc0(Max(desc->natts, 1) * sizeof(bool));
	int			n;
	char	  **names = pga_name_list(array, argument, &n);

	for (int i = 0; i < n; i++)
		marked[pga_find_column(desc, names[i], role)] = true;
	return marked;
}

/*
 * Column by column: what the caller named must be usable, what was merely there
 * is left out with a warning.  b->bound runs in step with the list of features.
 */
pga_binding *
pga_bind_training(pga_host *host, TupleDesc desc, ArrayType *features,
				  ArrayType *exclude, const pga_params *params)
{
	bool	   *wanted = mark_columns(desc, features, "features", "feature");
	bool	   *excluded = mark_columns(desc, exclude, "exclude", "excluded column");
	pga_feature *list = palloc0((desc->natts + PGA_ORDER + 1) * sizeof(pga_feature));
	pga_binding *b = make_binding(list, desc->natts + PGA_ORDER + 1);
	int			role[PGA_ORDER + 1];
	int			n = 0;

	for (int r = PGA_TARGET; r <= PGA_ORDER; r++)
		role[r] = role_column(desc, params, (pga_role) r);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		char	   *name = NameStr(att->attname);
		pga_bound  *bound = &b->bound[n];

		if (att->attisdropped || excluded[i] || (features != NULL && !wanted[i]) ||
			i == role[PGA_TARGET] || i == role[PGA_PARTITION] || i == role[PGA_ORDER])
			continue;
		if (find_column(desc, name) != i)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("column name \"%s\" is not unique in the row", name)));
		bound->column = i;
		bound->type = att->atttypid;
		list[n].kind = pga_column_kind(att->atttypid, &bound->conversion);
		if (list[n].kind != 0)
			list[n++].name = pstrdup(name);
		else if (features != NULL)
			fail_unusable(name, att->atttypid);
		else
			host->ctx.warn(&host->ctx, "column \"%s\" of type %s left out: no feature can be made of it",
						   name, format_type_be(att->atttypid));
	}
	if (n == 0)
		ereport(ERROR,
				(errcode(PGA_NO_FEATURES),
				 errmsg("there is no column to train on"),
				 errhint("Usable are numbers, booleans, intervals, texts and enums.")));
	for (int r = PGA_TARGET; r <= PGA_ORDER; r++)
		bind_role(b, list, &n, desc, role[r], (pga_role) r, params);
	if (n > PGA_MAX_FEATURES)
		ereport(ERROR,
				(errcode(PGA_TOO_MANY_COLUMNS),
				 errmsg("%d columns exceed the limit of %d features", n, PGA_MAX_FEATURES)));
	b->nfeatures = n;
	finish_binding(b);
	return b;
}

/* ---- reading ---------------------------------------------------------------------- */

/* Seconds as EXTRACT(EPOCH FROM interval) counts them. */
static double
interval_seconds(const Interval *span)
{
	if (INTERVAL_NOT_FINITE(span))
		return INFINITY;
	return (double) span->time / USECS_PER_SEC
		+ (double) span->day * SECS_PER_DAY
		+ (double) (span->month / MONTHS_PER_YEAR) * DAYS_PER_YEAR * SECS_PER_DAY
		+ (double) (span->month % MONTHS_PER_YEAR) * DAYS_PER_MONTH * SECS_PER_DAY;
}

static double
timestamp_seconds(Timestamp time)
{
	return TIMESTAMP_NOT_FINITE(time) ? INFINITY : (double) time / USECS_PER_SEC;
}

static inline double
read_number(pga_conversion conversion, Datum value)
{
	switch (conversion)
	{
		case PGA_FROM_FLOAT8:
			return DatumGetFloat8(value);
		case PGA_FROM_FLOAT4:
			return (double) DatumGetFloat4(value);
		case PGA_FROM_INT2:
			return DatumGetInt16(value);
		case PGA_FROM_INT4:
			return DatumGetInt32(value);
		case PGA_FROM_INT8:
			return (double) DatumGetInt64(value);
		case PGA_FROM_BOOL:
			return DatumGetBool(value) ? 1 : 0;
		case PGA_FROM_NUMERIC:
			return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, value));
		case PGA_FROM_INTERVAL:
			return interval_seconds(DatumGetIntervalP(value));
		case PGA_FROM_TIMESTAMP:
			return timestamp_seconds(DatumGetTimestamp(value));
		case PGA_FROM_DATE:
			return DATE_NOT_FINITE(DatumGetDateADT(value)) ? INFINITY
				: (double) DatumGetDateADT(value) * SECS_PER_DAY;
		default:
			elog(ERROR, "conversion %d makes no number", conversion);
	}
}

double
pga_read_number(pga_conversion conversion, Datum value)
{
	return read_number(conversion, value);
}

/* Enums go by their label: their numbers differ from database to database. */
static const char *
enum_label(Oid value, uint32_t *len)
{
	HeapTuple	tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(value));
	char	   *label;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for enum value %u", value);
	label = pstrdup(NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel));
	ReleaseSysCache(tuple);
	*len = (uint32_t) strlen(label);
	return label;
}

const char *
pga_read_text(pga_conversion conversion, Datum value, uint32_t *len)
{
	text	   *t;

	if (conversion == PGA_FROM_ENUM)
		return enum_label(DatumGetObjectId(value), len);
	if (conversion >= PGA_FROM_OUTPUT)
		elog(ERROR, "conversion %d needs the type", conversion);

	/* The core tells PGA_MAX_TEXT bytes apart and looks one further. */
	if (VARATT_IS_COMPRESSED(DatumGetPointer(value)) || VARATT_IS_EXTERNAL(DatumGetPointer(value)))
		t = DatumGetTextPSlice(value, 0, PGA_MAX_TEXT + 1);
	else
		t = (text *) DatumGetPointer(value);
	*len = (uint32_t) VARSIZE_ANY_EXHDR(t);
	if (conversion == PGA_FROM_BPCHAR)
		*len = (uint32_t) bpchartruelen(VARDATA_ANY(t), (int) *len);
	return VARDATA_ANY(t);
}

char *
pga_output_text(Oid type, Datum value)
{
	Oid			output;
	bool		is_varlena;

	getTypeOutputInfo(type, &output, &is_varlena);
	return OidOutputFunctionCall(output, value);
}

/* A text of a row, by whatever way its column asks for. */
static const char *
bound_text(const pga_bound *bound, Datum value, uint32_t *len)
{
	const char *text;

	if (bound->conversion != PGA_FROM_OUTPUT)
		return pga_read_text(bound->conversion, value, len);
	text = pga_output_text(bound->type, value);
	*len = (uint32_t) strlen(text);
	return text;
}

void
pga_expect_composites(pga_binding *b, TupleDesc desc)
{
	b->slot = MakeSingleTupleTableSlot(CreateTupleDescCopy(desc), &TTSOpsHeapTuple);
	b->values = b->slot->tts_values;
	b->isnull = b->slot->tts_isnull;
}

/* A slot deforms column by column, so columns behind the last feature cost nothing. */
void
pga_deform(pga_binding *b, HeapTupleHeader row)
{
	b->tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	ItemPointerSetInvalid(&b->tuple.t_self);
	b->tuple.t_tableOid = InvalidOid;
	b->tuple.t_data = row;
	ExecStoreHeapTuple(&b->tuple, b->slot, false);
	slot_getsomeattrs(b->slot, b->ncolumns);
}

/* The hot loop of scoring: one switch per value, nothing allocated for numbers. */
int
pga_read_raw(const pga_binding *b, const pga_model *model, const Datum *values,
			 const bool *isnull, double *raw)
{
	int			bad = -1;

	for (int i = 0; i < b->nfeatures; i++)
	{
		const pga_bound *bound = &b->bound[i];
		Datum		value = values[bound->column];

		if (isnull[bound->column])
			raw[i] = NAN;
		else if (bound->conversion >= PGA_FROM_TEXT)
		{
			uint32_t	len;
			const char *text = bound_text(bound, value, &len);

			raw[i] = pga_model_category(model, (size_t) i, text, len);
		}
		else
		{
			raw[i] = read_number(bound->conversion, value);
			if (!isfinite(raw[i]) && bad < 0)
				bad = i;
		}
	}
	return bad;
}

/* The same for training, where the core keeps the texts themselves. */
int
pga_read_cells(const pga_binding *b, const Datum *values, const bool *isnull, pga_cell *cells)
{
	int			bad = -1;

	for (int i = 0; i < b->nfeatures; i++)
	{
		const pga_bound *bound = &b->bound[i];
		Datum		value = values[bound->column];
		pga_cell   *cell = &cells[i];

		cell->missing = isnull[bound->column];
		if (cell->missing || bound->conversion == PGA_FROM_LABEL)
			continue;
		if (bound->conversion >= PGA_FROM_TEXT)
			cell->text = bound_text(bound, value, &cell->len);
		else
		{
			cell->number = read_number(bound->conversion, value);
			if (!isfinite(cell->number) && bad < 0)
				bad = i;
		}
	}
	return bad;
}

void
pga_fail_not_finite(const char *column)
{
	ereport(ERROR,
			(errcode(PGA_NOT_FINITE),
			 errmsg("column \"%s\" is NaN or infinite", column),
			 errhint("A model scores finite numbers and NULL only; use nullif() or a WHERE clause.")));
}
