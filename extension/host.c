/*
 * host.c - PostgreSQL as the core's host.
 *
 * The core allocates, polls for a cancel and fails through a pga_ctx.  Here
 * memory is a memory context, which an error frees; polling is
 * CHECK_FOR_INTERRUPTS; a failure is an ereport with a code of class PA.
 */
#include "host.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/memutils.h"

static void *
host_alloc(pga_ctx *ctx, size_t size)
{
	return MemoryContextAllocExtended(((pga_host *) ctx)->memory, size,
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* repalloc_huge does not clear, and does not take NULL. */
static void *
host_resize(pga_ctx *ctx, void *p, size_t old_size, size_t new_size)
{
	if (p == NULL)
		return host_alloc(ctx, new_size);
	p = repalloc_huge(p, new_size);
	if (new_size > old_size)
		memset((char *) p + old_size, 0, new_size - old_size);
	return p;
}

static void
host_poll(pga_ctx *ctx)
{
	CHECK_FOR_INTERRUPTS();
}

/* The core knows reasons, SQL knows codes. */
static int
error_code(pga_error error)
{
	switch (error)
	{
		case PGA_ERR_UNKNOWN_DETECTOR:
			return PGA_UNKNOWN_DETECTOR;
		case PGA_ERR_UNKNOWN_OPTION:
			return PGA_UNKNOWN_OPTION;
		case PGA_ERR_OPTION_VALUE:
			return PGA_OPTION_VALUE;
		case PGA_ERR_NO_ROWS:
			return PGA_NO_ROWS;
		case PGA_ERR_TOO_FEW_ROWS:
			return PGA_TOO_FEW_ROWS;
		case PGA_ERR_NO_FEATURES:
			return PGA_NO_FEATURES;
		case PGA_ERR_TOO_MANY_FEATURES:
			return PGA_TOO_MANY_COLUMNS;
		case PGA_ERR_NOT_FINITE:
			return PGA_NOT_FINITE;
		case PGA_ERR_CORRUPT_MODEL:
			return PGA_CORRUPT_MODEL;
		case PGA_ERR_MEMORY_LIMIT:
			return PGA_MEMORY_LIMIT;
		case PGA_ERR_MISSING:
			return ERRCODE_NULL_VALUE_NOT_ALLOWED;
		case PGA_ERR_UNKNOWN_FEATURE:
			return PGA_UNKNOWN_COLUMN;
		case PGA_ERR_LABEL:
			return PGA_BAD_LABEL;
	}
	return ERRCODE_INTERNAL_ERROR;
}

static char *
format_message(const char *fmt, va_list args)
{
	char		message[1024];

	vsnprintf(message, sizeof(message), fmt, args);
	return pstrdup(message);
}

static void __attribute__((noreturn))
host_fail(pga_ctx *ctx, pga_error error, const char *hint, const char *fmt,...)
{
	va_list		args;
	char	   *message;

	va_start(args, fmt);
	message = format_message(fmt, args);
	va_end(args);
	ereport(ERROR,
			(errcode(error_code(error)),
			 errmsg_internal("%s", message),
			 hint ? errhint("%s", hint) : 0));
}

/* Kept for whoever trains to show: a table column, or a WARNING. */
static void
host_warn(pga_ctx *ctx, const char *fmt,...)
{
	pga_host   *host = (pga_host *) ctx;
	MemoryContext old = MemoryContextSwitchTo(host->memory);
	va_list		args;

	va_start(args, fmt);
	host->warnings = lappend(host->warnings, format_message(fmt, args));
	va_end(args);
	MemoryContextSwitchTo(old);
}

pga_host *
pga_host_create(MemoryContext memory)
{
	pga_host   *host = MemoryContextAllocZero(memory, sizeof(pga_host));

	host->ctx.alloc = host_alloc;
	host->ctx.resize = host_resize;
	host->ctx.poll = host_poll;
	host->ctx.fail = host_fail;
	host->ctx.warn = host_warn;
	host->ctx.memory_limit = (size_t) maintenance_work_mem * 1024;
	host->memory = memory;
	return host;
}

ArrayType *
pga_text_array(const char *const *texts, int n)
{
	Datum	   *items = palloc(Max(n, 1) * sizeof(Datum));

	for (int i = 0; i < n; i++)
		items[i] = CStringGetTextDatum(texts[i]);
	return construct_array(items, n, TEXTOID, -1, false, TYPALIGN_INT);
}

ArrayType *
pga_host_warnings(const pga_host *host)
{
	int			n = list_length(host->warnings);
	const char **texts = palloc(Max(n, 1) * sizeof(char *));

	for (int i = 0; i < n; i++)
		texts[i] = list_nth(host->warnings, i);
	return pga_text_array(texts, n);
}

/* ---- JSON ---------------------------------------------------------------- */

void
pga_json_text(JsonbParseState **state, JsonbIteratorToken token, const char *text)
{
	JsonbValue	v;

	v.type = text ? jbvString : jbvNull;
	if (text)
	{
		v.val.string.val = pstrdup(text);
		v.val.string.len = (int) strlen(text);
	}
	pushJsonbValue(state, token, &v);
}

static void
push_number(JsonbParseState **state, JsonbIteratorToken token, double number)
{
	JsonbValue	v;

	v.type = isnan(number) ? jbvNull : jbvNumeric;
	if (v.type == jbvNumeric)	/* by its shortest exact text, as to_jsonb does */
		v.val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in,
															CStringGetDatum(float8out_internal(number)),
															ObjectIdGetDatum(InvalidOid),
															Int32GetDatum(-1)));
	pushJsonbValue(state, token, &v);
}

void
pga_json_number(JsonbParseState **state, double number)
{
	push_number(state, WJB_VALUE, number);
}

void
pga_json_element(JsonbParseState **state, double number)
{
	push_number(state, WJB_ELEM, number);
}
