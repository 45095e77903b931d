/*
 * train.c - anomaly_train: a query's rows become a new version of a model.
 *
 * The query is read once, row by row, into the core's sample; with a label it
 * is read a second time to measure the model.  The version is stored and activated in the caller's
 * transaction: when anything fails there is nothing to clean up.
 */
#include "host.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "evaluate.h"
#include "feed.h"
#include "model_type.h"
#include "registry.h"
#include "rows_out.h"
#include "scan.h"

/* The arguments of anomaly_train. */
typedef struct request
{
	char	   *model,
			   *query,
			   *algorithm,
			   *label;			/* NULL without */
	ArrayType  *features,		/* NULL: all usable columns */
			   *exclude;
	Jsonb	   *options;
} request;

typedef struct training
{
	pga_scan	scan;			/* first */
	const request *req;
	pga_host   *host;
	pga_params	params;
	pga_feed   *feed;
} training;

/* ---- reading the query ---------------------------------------------------------------- */

static void
start(pga_scan *scan, TupleDesc desc)
{
	training   *t = (training *) scan;

	t->feed = pga_feed_create(t->host, desc, &t->params, t->req->features, t->req->exclude);
}

static void
row(pga_scan *scan, TupleTableSlot *slot)
{
	training   *t = (training *) scan;

	slot_getsomeattrs(slot, t->feed->binding->ncolumns);
	pga_feed_row(t->feed, slot->tts_values, slot->tts_isnull);
}

/* Why is there no row to learn from?  What the core cannot know is said here. */
static void
check_rows(const training *t)
{
	const pga_feed *feed = t->feed;

	if (pga_sampler_rows(feed->sampler) > 0)
		return;
	if (feed->not_finite > 0)
		ereport(ERROR,
				(errcode(PGA_NOT_FINITE),
				 errmsg("every row has a NaN or infinity, among others in column \"%s\"",
						feed->binding->features[feed->bad_feature].name),
				 errhint("Leave the column out with argument \"exclude\", or use nullif().")));
	if (feed->anomalous + feed->unlabelled > 0)
		ereport(ERROR,
				(errcode(PGA_BAD_LABEL),
				 errmsg("label \"%s\" marks no row as normal", feed->label_name),
				 errhint("Normal are false, 0 and 'normal'; a detector learns from normal rows only.")));
}

/* ---- the version ------------------------------------------------------------------------ */

/* What the detector found out: numbers, and a history of series. */
static void
add_notes(JsonbParseState **state, const pga_report *report, const pga_model *model)
{
	for (size_t i = 0; i < report->nnotes; i++)
	{
		const pga_note *note = &report->notes[i];

		pga_json_text(state, WJB_KEY, note->name);
		if (!note->is_series)
		{
			pga_json_number(state, note->value[0]);
			continue;
		}
		pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
		for (size_t k = 0; k < note->n; k++)
			pga_json_element(state, note->value[k]);
		pushJsonbValue(state, WJB_END_ARRAY, NULL);
	}
	if (report->importance == NULL)
		return;
	pga_json_text(state, WJB_KEY, "importance");
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	for (size_t j = 0; j < pga_model_nfeatures(model); j++)
	{
		pga_json_text(state, WJB_KEY, pga_model_features(model)[j].name);
		pga_json_number(state, report->importance[j]);
	}
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/* A supervised model, measured on distinct rows that it has not seen. */
static void
add_held_out(JsonbParseState **state, const pga_class_metrics *m, const pga_model *model)
{
	const char *const *names;
	JsonbValue	v;
	Jsonb	   *classes;

	pga_model_classes(model, &names);
	classes = pga_class_metrics_json(m, names);
	pga_json_text(state, WJB_KEY, "measured_on");
	pga_json_text(state, WJB_VALUE, "held-out distinct rows");
	pga_json_text(state, WJB_KEY, "classes");
	v.type = jbvBinary;
	v.val.binary.data = &classes->root;
	v.val.binary.len = (int) VARSIZE_ANY_EXHDR(classes);
	pushJsonbValue(state, WJB_VALUE, &v);
}

static Jsonb *
make_metrics(const training *t, const pga_report *report, const pga_model *model, bytea *body)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	pga_json_text(&state, WJB_KEY, "rows_distinct");
	pga_json_number(&state, (double) report->rows_distinct);
	pga_json_text(&state, WJB_KEY, "rows_held_out");
	pga_json_number(&state, (double) report->rows_held_out);
	add_notes(&state, report, model);
	if (report->held_out)
		add_held_out(&state, report->held_out, model);
	else if (t->feed->label_name)
	{
		pga_hold   *hold = pga_hold_create(CurrentMemoryContext);
		pga_evaluation result;

		pga_hold_value(hold, PointerGetDatum(body));
		result = pga_evaluate(hold->cached, t->req->query, t->feed->label_name, true);
		pga_json_text(&state, WJB_KEY, "measured_on");
		pga_json_text(&state, WJB_VALUE, "labelled rows of the training query");
		pga_evaluation_json(&state, &result);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

static pga_new_version
fit(training *t)
{
	pga_new_version new = {
		.model = t->req->model,
		.algorithm = t->params.detector->name,
		.query = t->req->query,
		.label = pga_param_text(&t->params, "label"),
	};
	pga_model  *model;

	pga_scan_query(&t->scan, t->req->query, NULL);
	check_rows(t);
	pga_feed_warn(t->feed, t->host);
	model = pga_train(&t->host->ctx, t->feed->sampler, &t->params, &new.report);
	new.body = pga_model_flatten(t->host, model);
	new.features = pga_feature_names(model);
	new.options = pga_params_to_json(&t->params);
	new.metrics = make_metrics(t, &new.report, model, new.body);
	new.warnings = pga_host_warnings(t->host);
	return new;
}

/* ---- SQL functions ------------------------------------------------------------------------ */

static request
read_request(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {
		[0] = "model", [1] = "query", [2] = "algorithm", [6] = "options"
	};
	request		req = {0};

	for (int i = 0; i < (int) lengthof(names); i++)
		if (names[i] && PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not be null", names[i])));
	req.model = text_to_cstring(PG_GETARG_TEXT_PP(0));
	req.query = text_to_cstring(PG_GETARG_TEXT_PP(1));
	req.algorithm = text_to_cstring(PG_GETARG_TEXT_PP(2));
	req.label = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	req.features = PG_ARGISNULL(4) ? NULL : PG_GETARG_ARRAYTYPE_P(4);
	req.exclude = PG_ARGISNULL(5) ? NULL : PG_GETARG_ARRAYTYPE_P(5);
	req.options = PG_GETARG_JSONB_P(6);
	if (req.model[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("a model's name must not be empty")));
	return req;
}

PGA_FUNCTION(pga_train_model);
Datum
pga_train_model(PG_FUNCTION_ARGS)
{
	request		req = read_request(fcinfo);
	pga_rows_out *out = pga_rows_out_begin(fcinfo);
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "pg_anomaly training",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(memory);
	training	t = {
		.scan = {.start = start, .row = row},
		.req = &req,
		.host = pga_host_create(memory)
	};
	pga_new_version new;
	Datum		values[9];
	bool		isnull[9] = {false};

	PreventCommandIfReadOnly("anomaly_train()");
	pga_params_from_json(t.host, &t.params, req.algorithm, req.options);
	if (req.label)
		pga_params_set_text(&t.host->ctx, &t.params, "label", req.label);
	new = fit(&t);
	values[0] = CStringGetTextDatum(new.model);
	values[1] = Int32GetDatum(pga_store_version(&new));
	values[2] = CStringGetTextDatum(new.algorithm);
	values[3] = Int64GetDatum((int64) new.report.rows_used);
	values[4] = Int64GetDatum((int64) new.report.rows_skipped);
	values[5] = PointerGetDatum(new.features);
	values[6] = Float8GetDatum(new.report.threshold);
	values[7] = JsonbPGetDatum(new.metrics);
	values[8] = PointerGetDatum(new.warnings);
	pga_rows_out_put(out, values, isnull);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(memory);
	PG_RETURN_NULL();
}
