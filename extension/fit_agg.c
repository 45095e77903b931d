/*
 * fit_agg.c - anomaly_fit: the aggregate that makes a model of a group's rows.
 *
 * The transition state is the core's order-free sample, as an expanded object
 * of the type anomaly_fit_state: rows are added in place, and it is flattened
 * only to travel between processes, or machines.  Combining two states equals
 * adding the rows of both to one, so the model is the same for serial and
 * parallel plans and any order of rows.
 *
 * Flat, a state is
 *
 *	u8		format, 1
 *	text	algorithm
 *	text	options, as JSON
 *	u32, text ...	warnings about columns left out
 *	...		the sample
 */
#include "host.h"

#include "access/htup_details.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/expandeddatum.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "feed.h"
#include "model_type.h"

#define STATE_FORMAT 1

typedef struct fit_state
{
	ExpandedObjectHeader header;	/* first */
	pga_host   *host;			/* the sample's, in header.eoh_context */
	char	   *algorithm;
	Jsonb	   *options;
	pga_params	params;
	pga_sampler *sampler;

	/* Of the rows being added; NULL in a state that was loaded. */
	pga_feed   *feed;
	Oid			row_type;
	int32		row_typmod;

	pga_buf		flat;			/* made by get_flat_size, used by flatten_into */
} fit_state;

/* ---- flat and expanded ------------------------------------------------------------------ */

static void
put_state(const fit_state *state, pga_buf *buf)
{
	char	   *options = JsonbToCString(NULL, &state->options->root, VARSIZE(state->options));

	pga_put_u8(buf, STATE_FORMAT);
	pga_put_text(buf, state->algorithm, strlen(state->algorithm));
	pga_put_text(buf, options, strlen(options));
	pga_put_u32(buf, (uint32_t) list_length(state->host->warnings));
	for (int i = 0; i < list_length(state->host->warnings); i++)
	{
		const char *warning = list_nth(state->host->warnings, i);

		pga_put_text(buf, warning, strlen(warning));
	}
	pga_sampler_save(state->sampler, buf);
}

static Size
state_flat_size(ExpandedObjectHeader *header)
{
	fit_state  *state = (fit_state *) header;

	state->flat = (pga_buf) {.ctx = &state->host->ctx};
	put_state(state, &state->flat);
	if (state->flat.len > PGA_MAX_BYTES)
		ereport(ERROR,
				(errcode(PGA_MEMORY_LIMIT),
				 errmsg("training sample needs %zu bytes, more than the limit of %d",
						state->flat.len, PGA_MAX_BYTES),
				 errhint("Lower option \"max_rows\".")));
	return state->flat.len + VARHDRSZ;
}

static void
state_flatten(ExpandedObjectHeader *header, void *result, Size size)
{
	fit_state  *state = (fit_state *) header;

	SET_VARSIZE(result, size);
	memcpy(VARDATA(result), state->flat.data, state->flat.len);
}

static const ExpandedObjectMethods state_methods = {state_flat_size, state_flatten};

static fit_state *
create_state(MemoryContext parent)
{
	MemoryContext memory = AllocSetContextCreate(parent, "pg_anomaly fit state",
												 ALLOCSET_DEFAULT_SIZES);
	fit_state  *state = MemoryContextAllocZero(memory, sizeof(fit_state));

	EOH_init_header(&state->header, &state_methods, memory);
	state->host = pga_host_create(memory);
	return state;
}

static char *
get_text(pga_reader *reader)
{
	uint32_t	len = pga_get_count(reader, 1);
	const char *text = (const char *) pga_get(reader, len);

	if (memchr(text, '\0', len) != NULL)
		pga_corrupt(reader, "text with a zero byte");
	pg_verifymbstr(text, (int) len, false);
	return pnstrdup(text, len);
}

/* Sets algorithm and options; everything is in the state's memory. */
static void
set_options(fit_state *state, const char *algorithm, Jsonb *options)
{
	state->algorithm = pstrdup(algorithm);
	state->options = (Jsonb *) palloc(VARSIZE(options));
	memcpy(state->options, options, VARSIZE(options));
	pga_params_from_json(state->host, &state->params, algorithm, options);
}

static fit_state *
load_state(const char *bytes, size_t len, MemoryContext parent)
{
	fit_state  *state = create_state(parent);
	MemoryContext old = MemoryContextSwitchTo(state->header.eoh_context);
	pga_reader	reader = {&state->host->ctx, (const uint8_t *) bytes, (const uint8_t *) bytes + len};
	char	   *algorithm;
	uint32_t	nwarnings;

	if (pga_get_u8(&reader) != STATE_FORMAT)
		pga_corrupt(&reader, "unknown format of a fit state");
	algorithm = get_text(&reader);
	set_options(state, algorithm,
				DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(get_text(&reader)))));
	nwarnings = pga_get_count(&reader, sizeof(uint32_t));
	for (uint32_t i = 0; i < nwarnings; i++)
		state->host->warnings = lappend(state->host->warnings, get_text(&reader));
	state->sampler = pga_sampler_load(&reader);
	if (reader.p != reader.end)
		pga_corrupt(&reader, "bytes after its end");
	MemoryContextSwitchTo(old);
	return state;
}

/* The state behind a datum; a flat one is expanded into `parent`. */
static fit_state *
get_state(Datum datum, MemoryContext parent)
{
	struct varlena *flat;

	if (VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(datum)))
		return (fit_state *) DatumGetEOHP(datum);
	flat = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(datum));
	return load_state(VARDATA_ANY(flat), VARSIZE_ANY_EXHDR(flat), parent);
}

/* ---- the aggregate ------------------------------------------------------------------------ */

static MemoryContext
aggregate_memory(FunctionCallInfo fcinfo)
{
	MemoryContext memory;

	if (!AggCheckCallContext(fcinfo, &memory))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function belongs to the aggregate anomaly_fit and cannot be called alone")));
	return memory;
}

/* The group's first row decides the columns. */
static fit_state *
begin_state(MemoryContext parent, HeapTupleHeader row, text *algorithm, Jsonb *options)
{
	fit_state  *state = create_state(parent);
	MemoryContext old = MemoryContextSwitchTo(state->header.eoh_context);
	TupleDesc	desc;

	set_options(state, text_to_cstring(algorithm), options);
	state->row_type = HeapTupleHeaderGetTypeId(row);
	state->row_typmod = HeapTupleHeaderGetTypMod(row);
	desc = lookup_rowtype_tupdesc(state->row_type, state->row_typmod);
	pga_check_named(desc);
	state->feed = pga_feed_create(state->host, desc, &state->params, NULL, NULL);
	state->sampler = state->feed->sampler;
	pga_expect_composites(state->feed->binding, desc);
	ReleaseTupleDesc(desc);
	MemoryContextSwitchTo(old);
	return state;
}

static void
check_same(const fit_state *state, const text *algorithm, const Jsonb *options)
{
	if (VARSIZE_ANY_EXHDR(algorithm) != strlen(state->algorithm) ||
		memcmp(VARDATA_ANY(algorithm), state->algorithm, strlen(state->algorithm)) != 0 ||
		VARSIZE(options) != VARSIZE(state->options) ||
		memcmp(options, state->options, VARSIZE(options)) != 0)
		ereport(ERROR,
				(errcode(PGA_OPTION_VALUE),
				 errmsg("algorithm and options of anomaly_fit must be the same for all rows of a group")));
}

static void
add_row(fit_state *state, HeapTupleHeader row)
{
	pga_binding *b = state->feed ? state->feed->binding : NULL;

	if (b == NULL || HeapTupleHeaderGetTypeId(row) != state->row_type ||
		HeapTupleHeaderGetTypMod(row) != state->row_typmod)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("all rows of a group must be of one row type")));
	pga_deform(b, row);
	pga_feed_row(state->feed, b->values, b->isnull);
}

/* (state, row, algorithm, options) -> state; a null row is ignored, as aggregates do. */
PGA_FUNCTION(pga_fit_add);
Datum
pga_fit_add(PG_FUNCTION_ARGS)
{
	MemoryContext memory = aggregate_memory(fcinfo);
	fit_state  *state = PG_ARGISNULL(0) ? NULL : get_state(PG_GETARG_DATUM(0), memory);

	if (PG_ARGISNULL(1))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		return EOHPGetRWDatum(&state->header);
	}
	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("algorithm and options must not be null")));
	if (state == NULL)
		state = begin_state(memory, PG_GETARG_HEAPTUPLEHEADER(1),
							PG_GETARG_TEXT_PP(2), PG_GETARG_JSONB_P(3));
	else
		check_same(state, PG_GETARG_TEXT_PP(2), PG_GETARG_JSONB_P(3));
	add_row(state, PG_GETARG_HEAPTUPLEHEADER(1));
	return EOHPGetRWDatum(&state->header);
}

PGA_FUNCTION(pga_fit_combine);
Datum
pga_fit_combine(PG_FUNCTION_ARGS)
{
	MemoryContext memory = aggregate_memory(fcinfo);
	fit_state  *into = get_state(PG_GETARG_DATUM(0), memory);
	fit_state  *from = get_state(PG_GETARG_DATUM(1), CurrentMemoryContext);

	if (into->params.detector != from->params.detector ||
		VARSIZE(into->options) != VARSIZE(from->options) ||
		memcmp(into->options, from->options, VARSIZE(into->options)) != 0)
		ereport(ERROR,
				(errcode(PGA_OPTION_VALUE),
				 errmsg("states of different detectors or options cannot be combined")));
	pga_sampler_merge(into->sampler, from->sampler);
	return EOHPGetRWDatum(&into->header);
}

/*
 * A group that is too small, or where no column varies, has no model: one such
 * group among thousands must not spoil the query.  Catching is safe without a
 * subtransaction, because the core touches nothing but memory.
 */
static pga_model *
train_group(pga_host *host, const fit_state *state)
{
	MemoryContext memory = CurrentMemoryContext;
	pga_model  *volatile model = NULL;

	PG_TRY();
	{
		pga_report	report;

		model = pga_train(&host->ctx, state->sampler, &state->params, &report);
	}
	PG_CATCH();
	{
		int			code = geterrcode();
		ErrorData  *error;

		if (code != PGA_NO_ROWS && code != PGA_TOO_FEW_ROWS && code != PGA_NO_FEATURES)
			PG_RE_THROW();
		MemoryContextSwitchTo(memory);
		error = CopyErrorData();
		FlushErrorState();
		ereport(WARNING,
				(errcode(code),
				 errmsg("group without a model: %s", error->message)));
	}
	PG_END_TRY();
	return model;
}

PGA_FUNCTION(pga_fit_final);
Datum
pga_fit_final(PG_FUNCTION_ARGS)
{
	fit_state  *state = get_state(PG_GETARG_DATUM(0), CurrentMemoryContext);
	pga_host   *host = pga_host_create(CurrentMemoryContext);
	pga_model  *model;

	host->warnings = list_copy(state->host->warnings);
	if (pga_sampler_skipped(state->sampler) > 0)
		host->ctx.warn(&host->ctx, "%llu rows skipped: NaN or infinity, or null where option \"missing\" says so",
					   (unsigned long long) pga_sampler_skipped(state->sampler));
	model = train_group(host, state);
	if (model == NULL)
		PG_RETURN_NULL();
	for (int i = 0; i < list_length(host->warnings); i++)
		ereport(WARNING, (errmsg("%s", (char *) list_nth(host->warnings, i))));
	PG_RETURN_BYTEA_P(pga_model_flatten(host, model));
}

/* ---- the type anomaly_fit_state ----------------------------------------------------------- */

/* Flat bytes that were checked by loading them. */
static Datum
checked(bytea *flat)
{
	fit_state  *state;

	pga_check_size(VARSIZE_ANY_EXHDR(flat), PGA_MAX_BYTES, "anomaly_fit_state");
	state = load_state(VARDATA_ANY(flat), VARSIZE_ANY_EXHDR(flat), CurrentMemoryContext);
	MemoryContextDelete(state->header.eoh_context);
	return PointerGetDatum(flat);
}

PGA_FUNCTION(pga_fit_state_in);
Datum
pga_fit_state_in(PG_FUNCTION_ARGS)
{
	return checked(pga_text_to_bytes(PG_GETARG_CSTRING(0), "anomaly_fit_state"));
}

PGA_FUNCTION(pga_fit_state_out);
Datum
pga_fit_state_out(PG_FUNCTION_ARGS)
{
	bytea	   *flat = PG_GETARG_BYTEA_PP(0);

	PG_RETURN_CSTRING(pga_bytes_to_text(VARDATA_ANY(flat), (int) VARSIZE_ANY_EXHDR(flat)));
}

PGA_FUNCTION(pga_fit_state_recv);
Datum
pga_fit_state_recv(PG_FUNCTION_ARGS)
{
	return checked(DatumGetByteaP(DirectFunctionCall1(bytearecv, PG_GETARG_DATUM(0))));
}

PGA_FUNCTION(pga_fit_state_send);
Datum
pga_fit_state_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(PG_GETARG_BYTEA_P_COPY(0));
}
