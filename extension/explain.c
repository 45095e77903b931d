/*
 * explain.c - anomaly_explain: which features made a row anomalous.
 *
 * The core gives every feature its share of what raises the score above that
 * of the expected row; here the largest ones get their value and what would
 * have been expected, as text.
 */
#include "explain.h"

#include <math.h>

#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "callsite.h"
#include "rows_out.h"

#define LAST_SECOND 9e12			/* from 2000, of a timestamp */

void
pga_check_top(int top)
{
	if (top < 1)
		ereport(ERROR,
				(errcode(PGA_OPTION_VALUE),
				 errmsg("argument \"top\" is %d but must be between 1 and %d",
						top, PGA_MAX_FEATURES)));
}

/* The feature of the largest share left, or -1. */
static int
take_largest(double *share, int n)
{
	int			best = -1;

	for (int i = 0; i < n; i++)
		if (share[i] > 0 && (best < 0 || share[i] > share[best]))
			best = i;
	return best;
}

/* A time in seconds as the column prints it. */
static char *
time_text(const pga_bound *bound, double seconds)
{
	if (bound->conversion == PGA_FROM_DATE)
		return pga_output_text(bound->type, DateADTGetDatum((DateADT) floor(seconds / SECS_PER_DAY)));
	return pga_output_text(bound->type, TimestampGetDatum((Timestamp) rint(seconds * USECS_PER_SEC)));
}

/* What the feature should have been: in this row if the detector says so, else in general. */
static char *
expected_text(const pga_model *model, const pga_binding *b, int i, double here)
{
	char		text[PGA_EXPECTED_MAX];

	if (isnan(here))
	{
		pga_model_expected(model, (size_t) i, text, sizeof(text));
		return pstrdup(text);
	}
	if (b->features[i].kind == PGA_TIME && fabs(here) < LAST_SECOND)
		return time_text(&b->bound[i], here);
	if (b->features[i].kind == PGA_BOOLEAN)
		return pstrdup(here >= 0.5 ? "true" : "false");
	return psprintf(b->features[i].kind == PGA_INTERVAL ? "%.6g s" : "%.6g", here);
}

int
pga_reasons(const pga_model *model, const pga_binding *b, const double *raw, size_t rows,
			const Datum *values, const bool *isnull, int top, pga_reason **reasons)
{
	double	   *share = palloc(Max(b->nfeatures, 1) * sizeof(double));
	double	   *expected = palloc(Max(b->nfeatures, 1) * sizeof(double));
	int			n = 0;

	pga_model_explain_series(model, &pga_host_create(CurrentMemoryContext)->ctx, raw, rows,
							 share, expected);
	top = Min(top, b->nfeatures);
	*reasons = palloc(Max(top, 1) * sizeof(pga_reason));
	while (n < top)
	{
		int			i = take_largest(share, b->nfeatures);
		pga_reason *reason = &(*reasons)[n];

		if (i < 0)
			break;
		reason->feature = b->features[i].name;
		reason->value = isnull[b->bound[i].column] ? NULL
			: pga_output_text(b->bound[i].type, values[b->bound[i].column]);
		reason->expected = expected_text(model, b, i, expected[i]);
		reason->share = share[i];
		share[i] = 0;
		n++;
	}
	return n;
}

Jsonb *
pga_reasons_json(const pga_reason *reasons, int n)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < n; i++)
	{
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		pga_json_text(&state, WJB_KEY, "feature");
		pga_json_text(&state, WJB_VALUE, reasons[i].feature);
		pga_json_text(&state, WJB_KEY, "value");
		pga_json_text(&state, WJB_VALUE, reasons[i].value);
		pga_json_text(&state, WJB_KEY, "expected");
		pga_json_text(&state, WJB_VALUE, reasons[i].expected);
		pga_json_text(&state, WJB_KEY, "share");
		pga_json_number(&state, reasons[i].share);
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

/* The last argument of every door is top. */
static Datum
explain(FunctionCallInfo fcinfo, pga_door door)
{
	pga_site   *site = pga_site_read(fcinfo, door);
	pga_binding *b = site->binding;
	int			top = PG_GETARG_INT32(PG_NARGS() - 1);
	pga_rows_out *out;
	pga_reason *reasons;
	int			n;

	pga_check_top(top);
	out = pga_rows_out_begin(fcinfo);
	n = pga_reasons(site->cached.model, b, site->raw, 1, b->values, b->isnull, top, &reasons);
	for (int i = 0; i < n; i++)
	{
		pga_reason *reason = &reasons[i];
		Datum		values[4];
		bool		isnull[4] = {false, reason->value == NULL, false, false};

		values[0] = CStringGetTextDatum(reason->feature);
		values[1] = reason->value ? CStringGetTextDatum(reason->value) : (Datum) 0;
		values[2] = CStringGetTextDatum(reason->expected);
		values[3] = Float8GetDatum(reason->share);
		pga_rows_out_put(out, values, isnull);
	}
	PG_RETURN_NULL();
}

PGA_SCORING_FUNCTIONS(pga_explain, explain)
