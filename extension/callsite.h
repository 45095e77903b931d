/* callsite.h - what a scoring call remembers between rows. */
#ifndef PGA_CALLSITE_H
#define PGA_CALLSITE_H

#include "binding.h"
#include "model_cache.h"

/* How a function is given its model and its row. */
typedef enum pga_door
{
	PGA_NAME_ROW,				/* text, record */
	PGA_VALUE_ROW,				/* anomaly_model, record */
	PGA_NAME_ARRAYS,			/* text, float8[], text[] */
	PGA_VALUE_ARRAYS			/* anomaly_model, float8[], text[] */
} pga_door;

typedef struct pga_site
{
	pga_hold   *hold;
	pga_cached	cached;			/* the model; cached.model is NULL before the first row */
	pga_binding *binding;		/* of the model's features to the row type; or NULL */
	double	   *raw;			/* the row as the model reads it */
	TupleDesc	result;			/* see pga_site_result */
	struct pga_site_memory *memory;
} pga_site;

/*
 * The call site of a function, its model resolved and its row read into
 * site->raw (and site->binding->values).
 */
pga_site   *pga_site_read(FunctionCallInfo fcinfo, pga_door);

/* The two steps of it, for a function whose arguments come by another way: the
 * call site with its model, and a row read into site->raw. */
pga_site   *pga_site_find(FmgrInfo *, Datum model, bool by_name);
void		pga_site_read_row(pga_site *, Datum row);

/* The row type that the function gives back, looked up once per call site. */
TupleDesc	pga_site_result(pga_site *, FunctionCallInfo fcinfo);

/* The four SQL-callable functions name_door of one static body(fcinfo, door). */
#define PGA_SCORING_FUNCTIONS(name, body) \
	PGA_FUNCTION(name##_name_row); \
	Datum name##_name_row(PG_FUNCTION_ARGS) { return body(fcinfo, PGA_NAME_ROW); } \
	PGA_FUNCTION(name##_value_row); \
	Datum name##_value_row(PG_FUNCTION_ARGS) { return body(fcinfo, PGA_VALUE_ROW); } \
	PGA_FUNCTION(name##_name_arrays); \
	Datum name##_name_arrays(PG_FUNCTION_ARGS) { return body(fcinfo, PGA_NAME_ARRAYS); } \
	PGA_FUNCTION(name##_value_arrays); \
	Datum name##_value_arrays(PG_FUNCTION_ARGS) { return body(fcinfo, PGA_VALUE_ARRAYS); }

#endif							/* PGA_CALLSITE_H */
