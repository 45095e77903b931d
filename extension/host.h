/*
 * host.h - PostgreSQL as the core's host: error codes, the context, options.
 */
#ifndef PGA_HOST_H
#define PGA_HOST_H

#include "postgres.h"
#include "pg_compat.h"

#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/jsonb.h"

#include "core/core.h"

/* ---- error codes: class PA ---------------------------------------------- */

#define PGA_ERRCODE(n) MAKE_SQLSTATE('P', 'A', '0', '0' + (n) / 10, '0' + (n) % 10)

#define PGA_UNKNOWN_MODEL		PGA_ERRCODE(1)
#define PGA_UNKNOWN_DETECTOR	PGA_ERRCODE(2)
#define PGA_UNKNOWN_OPTION		PGA_ERRCODE(3)
#define PGA_UNKNOWN_COLUMN		PGA_ERRCODE(4)
#define PGA_OPTION_VALUE		PGA_ERRCODE(5)
#define PGA_NO_ROWS				PGA_ERRCODE(6)
#define PGA_TOO_FEW_ROWS		PGA_ERRCODE(7)
#define PGA_NO_FEATURES			PGA_ERRCODE(8)
#define PGA_NOT_FINITE			PGA_ERRCODE(9)
#define PGA_TOO_MANY_COLUMNS	PGA_ERRCODE(10)
#define PGA_NOT_READ_ONLY		PGA_ERRCODE(11)
#define PGA_ROW_WITHOUT_NAMES	PGA_ERRCODE(12)
#define PGA_CORRUPT_MODEL		PGA_ERRCODE(13)
#define PGA_COLUMN_TYPE			PGA_ERRCODE(14)
#define PGA_MEMORY_LIMIT		PGA_ERRCODE(15)
#define PGA_BAD_LABEL			PGA_ERRCODE(16)
#define PGA_CANNOT_CLASSIFY		PGA_ERRCODE(19)

/* ---- the context (host.c) ------------------------------------------------ */

typedef struct pga_host
{
	pga_ctx		ctx;			/* first: the core hands it back */
	MemoryContext memory;		/* where everything the core takes lives */
	List	   *warnings;		/* of char *, in the order they came */
} pga_host;

/* A host that lives in memory and takes from there, up to maintenance_work_mem. */
pga_host   *pga_host_create(MemoryContext memory);

/* The warnings as text[]; empty when there are none. */
ArrayType  *pga_host_warnings(const pga_host *);

ArrayType  *pga_text_array(const char *const *texts, int n);

/* ---- options (options.c) --------------------------------------------------- */

/* Sets the options of a JSON object over the defaults of a detector. */
void		pga_params_from_json(pga_host *, pga_params *, const char *algorithm, Jsonb *options);

/* All options with their values, defaults too; anomaly_train takes it back. */
Jsonb	   *pga_params_to_json(const pga_params *);

/* ---- building JSON --------------------------------------------------------- */

/* A key or a value; NULL is null. */
void		pga_json_text(JsonbParseState **, JsonbIteratorToken, const char *);

/* A value, or an element of an array; NaN is null. */
void		pga_json_number(JsonbParseState **, double);
void		pga_json_element(JsonbParseState **, double);

#endif							/* PGA_HOST_H */
