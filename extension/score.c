/*
 * score.c - anomaly_score and anomaly_detect for one row, and what a score
 * means: p-value, severity, band.
 */
#include "host.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "callsite.h"

/* A block of one: the same kernel as for many rows, so the same bits. */
static double
score_row(const pga_site *site)
{
	double		score;

	pga_model_score(site->cached.model, site->raw, 1, &score, site->cached.scratch);
	return score;
}

static Datum
score(FunctionCallInfo fcinfo, pga_door door)
{
	return Float8GetDatum(score_row(pga_site_read(fcinfo, door)));
}

PGA_SCORING_FUNCTIONS(pga_score, score)

static Datum
detect(FunctionCallInfo fcinfo, pga_door door)
{
	pga_site   *site = pga_site_read(fcinfo, door);
	double		score = score_row(site);
	double		p = pga_model_p_value(site->cached.model, score);
	Datum		values[4];
	bool		isnull[4] = {false};

	values[0] = Float8GetDatum(score);
	values[1] = Float8GetDatum(p);
	values[2] = Float8GetDatum(pga_severity(p));
	values[3] = BoolGetDatum(score > pga_model_threshold(site->cached.model));
	return HeapTupleGetDatum(heap_form_tuple(pga_site_result(site, fcinfo), values, isnull));
}

PGA_SCORING_FUNCTIONS(pga_detect, detect)

/* 0 is let through: it is what a p-value too small for a float8 becomes. */
PGA_FUNCTION(pga_severity_of);
Datum
pga_severity_of(PG_FUNCTION_ARGS)
{
	double		p = PG_GETARG_FLOAT8(0);

	if (!(p >= 0 && p <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("p-value is %g but must be between 0 and 1", p)));
	PG_RETURN_FLOAT8(pga_severity(p));
}

PGA_FUNCTION(pga_band);
Datum
pga_band(PG_FUNCTION_ARGS)
{
	double		severity = PG_GETARG_FLOAT8(0);
	const char *band = severity >= 75 ? "critical" :
		severity >= 50 ? "major" :
		severity >= 25 ? "minor" : "warning";

	PG_RETURN_TEXT_P(cstring_to_text(band));
}
