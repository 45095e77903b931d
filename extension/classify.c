/*
 * classify.c - anomaly_classify: the class a supervised model gives a row.
 */
#include "host.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "callsite.h"

static void
check_supervised(const pga_model *model)
{
	const pga_detector *detector = pga_model_detector(model);

	if (detector->classify == NULL)
		ereport(ERROR,
				(errcode(PGA_CANNOT_CLASSIFY),
				 errmsg("model of detector \"%s\" tells no classes", detector->name),
				 errhint("Train a supervised detector, such as random_forest or dnn, with a label.")));
}

static Jsonb *
probabilities(const char *const *names, const double *p, size_t n)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (size_t c = 0; c < n; c++)
	{
		pga_json_text(&state, WJB_KEY, names[c]);
		pga_json_number(&state, p[c]);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

static Datum
classify(FunctionCallInfo fcinfo, pga_door door)
{
	pga_site   *site = pga_site_read(fcinfo, door);
	const pga_model *model = site->cached.model;
	double		p[PGA_MAX_CLASSES];
	const char *const *names;
	size_t		n = pga_model_classes(model, &names);
	size_t		best;
	Datum		values[3];
	bool		isnull[3] = {false};

	check_supervised(model);
	pga_model_classify(model, site->raw, 1, p, site->cached.scratch);
	best = pga_most_likely(p, n);
	values[0] = CStringGetTextDatum(names[best]);
	values[1] = Float8GetDatum(p[best]);
	values[2] = JsonbPGetDatum(probabilities(names, p, n));
	return HeapTupleGetDatum(heap_form_tuple(pga_site_result(site, fcinfo), values, isnull));
}

PGA_SCORING_FUNCTIONS(pga_classify, classify)
