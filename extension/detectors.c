/*
 * detectors.c - anomaly_detectors: what can be trained, and with which options.
 *
 * The rows come from the core's tables, so that SQL never knows another range
 * than the one that is enforced.
 */
#include "host.h"

#include "utils/builtins.h"

#include "rows_out.h"

static Datum
number_text(double number)
{
	char		text[32];

	snprintf(text, sizeof(text), "%.15g", number);
	return CStringGetTextDatum(text);
}

static Datum
choices_text(const char *const *choices)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; choices[i] != NULL; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? "|" : "", choices[i]);
	return CStringGetTextDatum(list.data);
}

static Datum
default_text(const pga_param_spec *spec)
{
	if (spec->type == PGA_PARAM_CHOICE)
		return CStringGetTextDatum(spec->choices[(int) spec->def]);
	if (spec->type == PGA_PARAM_BOOL)
		return CStringGetTextDatum(spec->def != 0 ? "true" : "false");
	if (spec->type == PGA_PARAM_SIZES)
		return CStringGetTextDatum(psprintf("[%s]", spec->choices[0]));
	return number_text(spec->def);
}

/* Columns and members have none. */
static bool
has_default(const pga_param_spec *spec)
{
	return spec->type != PGA_PARAM_COLUMN && spec->type != PGA_PARAM_MEMBERS;
}

static Datum
type_text(const pga_param_spec *spec)
{
	switch (spec->type)
	{
		case PGA_PARAM_INT:
			return CStringGetTextDatum("integer");
		case PGA_PARAM_REAL:
			return CStringGetTextDatum("number");
		case PGA_PARAM_BOOL:
			return CStringGetTextDatum("boolean");
		case PGA_PARAM_CHOICE:
			return choices_text(spec->choices);
		case PGA_PARAM_SIZES:
			return CStringGetTextDatum("integers");
		case PGA_PARAM_COLUMN:
			return CStringGetTextDatum("column");
		case PGA_PARAM_MEMBERS:
			return CStringGetTextDatum("members");
	}
	return (Datum) 0;
}

static void
put_options(pga_rows_out *out, const pga_detector *detector, const pga_param_spec *spec)
{
	for (; spec->name != NULL; spec++)
	{
		bool		ranged = spec->type == PGA_PARAM_INT || spec->type == PGA_PARAM_REAL ||
			spec->type == PGA_PARAM_SIZES;
		Datum		values[9];
		bool		isnull[9] = {[3] = !has_default(spec), [4] = !ranged, [5] = !ranged};

		values[0] = CStringGetTextDatum(detector->name);
		values[1] = CStringGetTextDatum(spec->name);
		values[2] = type_text(spec);
		values[3] = has_default(spec) ? default_text(spec) : (Datum) 0;
		values[4] = Float8GetDatum(spec->min);
		values[5] = Float8GetDatum(spec->max);
		values[6] = CStringGetTextDatum(spec->doc);
		values[7] = CStringGetTextDatum(detector->summary);
		values[8] = CStringGetTextDatum(detector->reference);
		pga_rows_out_put(out, values, isnull);
	}
}

PGA_FUNCTION(pga_list_detectors);
Datum
pga_list_detectors(PG_FUNCTION_ARGS)
{
	pga_rows_out *out = pga_rows_out_begin(fcinfo);

	for (int i = 0; pga_detectors[i] != NULL; i++)
	{
		put_options(out, pga_detectors[i], pga_common_params);
		put_options(out, pga_detectors[i], pga_detectors[i]->params);
	}
	PG_RETURN_NULL();
}
