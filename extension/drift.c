/*
 * drift.c - anomaly_drift: have a query's rows moved from those a model knows?
 */
#include "host.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/builtins.h"

#include "binding.h"
#include "model_cache.h"
#include "rows_out.h"
#include "scan.h"

typedef struct drift
{
	pga_scan	scan;			/* first */
	const pga_model *model;
	pga_binding *binding;
	pga_drift  *drift;
	double	   *raw;
} drift;

static void
start(pga_scan *scan, TupleDesc desc)
{
	drift	   *d = (drift *) scan;
	size_t		n = pga_model_nfeatures(d->model);

	d->binding = pga_bind_features(pga_model_features(d->model), n, desc);
	d->raw = palloc(n * sizeof(double));
	d->drift = pga_drift_create(&pga_host_create(scan->memory)->ctx, d->model);
}

/* Rows with NaN or infinity are left out, as in training. */
static void
row(pga_scan *scan, TupleTableSlot *slot)
{
	drift	   *d = (drift *) scan;

	slot_getsomeattrs(slot, d->binding->ncolumns);
	if (pga_read_raw(d->binding, d->model, slot->tts_values, slot->tts_isnull, d->raw) < 0)
		pga_drift_add(d->drift, d->raw);
}

/* NaN is NULL. */
static void
put_number(double number, Datum *value, bool *isnull)
{
	*value = Float8GetDatum(number);
	*isnull = isnan(number);
}

PGA_FUNCTION(pga_drift_query);
Datum
pga_drift_query(PG_FUNCTION_ARGS)
{
	static const char *const verdicts[] = {"stable", "moderate", "shifted"};
	pga_rows_out *out = pga_rows_out_begin(fcinfo);
	pga_hold   *hold = pga_hold_create(CurrentMemoryContext);
	drift		d = {.scan = {.start = start, .row = row}};

	pga_hold_named(hold, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	d.model = hold->cached.model;
	pga_scan_query(&d.scan, text_to_cstring(PG_GETARG_TEXT_PP(1)), NULL);
	for (size_t j = 0; j < pga_model_nfeatures(d.model); j++)
	{
		pga_drifted of = pga_drift_of(d.drift, j);
		Datum		values[8];
		bool		isnull[8] = {false};

		values[0] = CStringGetTextDatum(pga_model_features(d.model)[j].name);
		values[1] = Int64GetDatum((int64) of.rows);
		put_number(of.psi, &values[2], &isnull[2]);
		put_number(of.ks, &values[3], &isnull[3]);
		put_number(of.missing, &values[4], &isnull[4]);
		put_number(of.missing_then, &values[5], &isnull[5]);
		put_number(of.unknown, &values[6], &isnull[6]);
		values[7] = CStringGetTextDatum(verdicts[of.verdict]);
		isnull[7] = of.rows == 0;
		pga_rows_out_put(out, values, isnull);
	}
	PG_RETURN_NULL();
}
