/*
 * train.c - anomaly_train: a query's rows become a new version of a model.
 *
 * The query is read once, row by row, into the core's sample; with a label
 * only its normal rows are learnt from, and the query is read a second time to
 * measure the model.  The version is stored and activated in the caller's
 * transaction: when anything fails there is nothing to clean up.
 */
#include "host.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "evaluate.h"
#include "label.h"
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

	pga_binding *binding;
	pga_label	label;
	int			reach;			/* columns to deform */
	pga_cell   *cells;			/* the row being read */
	pga_sampler *sampler;
	uint64		unlabelled,		/* rows whose label is NULL */
				anomalous,		/* rows labelled so */
				not_finite;
	int			bad_feature;	/* one that was not finite, or -1 */
} training;

/* ---- reading the query ---------------------------------------------------------------- */

static void
start(pga_scan *scan, TupleDesc desc)
{
	training   *t = (training *) scan;
	const request *req = t->req;

	t->binding = pga_bind_training(t->host, desc, req->features, req->exclude, req->label);
	t->reach = t->binding->ncolumns;
	if (req->label)
	{
		t->label = pga_bind_label(desc, req->label);
		t->reach = Max(t->reach, t->label.column + 1);
	}
	t->cells = palloc0(t->binding->nfeatures * sizeof(pga_cell));
	t->sampler = pga_sampler_create(&t->host->ctx, t->binding->features,
									(size_t) t->binding->nfeatures, &t->params);
}

/* Is this a row to learn from?  Counts those that are not. */
static bool
is_normal(training *t, TupleTableSlot *slot)
{
	switch (pga_read_label(&t->label, slot->tts_values, slot->tts_isnull))
	{
		case PGA_NORMAL:
			return true;
		case PGA_ANOMALOUS:
			t->anomalous++;
			return false;
		default:
			t->unlabelled++;
			pga_sampler_skip(t->sampler);
			return false;
	}
}

static void
row(pga_scan *scan, TupleTableSlot *slot)
{
	training   *t = (training *) scan;
	int			bad;

	slot_getsomeattrs(slot, t->reach);
	if (t->req->label && !is_normal(t, slot))
		return;
	bad = pga_read_cells(t->binding, slot->tts_values, slot->tts_isnull, t->cells);
	if (bad < 0)
		pga_sampler_add(t->sampler, t->cells);
	else
	{
		t->bad_feature = bad;
		t->not_finite++;
		pga_sampler_skip(t->sampler);
	}
}

static void
warn_of_rows(training *t)
{
	pga_ctx    *ctx = &t->host->ctx;

	if (t->not_finite > 0)
		ctx->warn(ctx, "%llu rows skipped: NaN or infinity, among others in column \"%s\"",
				  (unsigned long long) t->not_finite,
				  t->binding->features[t->bad_feature].name);
	if (t->unlabelled > 0)
		ctx->warn(ctx, "%llu rows skipped: label \"%s\" is null",
				  (unsigned long long) t->unlabelled, t->req->label);
	if (t->req->label && t->anomalous == 0)
		ctx->warn(ctx, "no row is labelled anomalous: the areas under the curves are unknown");
}

/* Why is there no row to learn from?  What the core cannot know is said here. */
static void
check_rows(const training *t)
{
	if (pga_sampler_rows(t->sampler) > 0)
		return;
	if (t->not_finite > 0)
		ereport(ERROR,
				(errcode(PGA_NOT_FINITE),
				 errmsg("every row has a NaN or infinity, among others in column \"%s\"",
						t->binding->features[t->bad_feature].name),
				 errhint("Leave the column out with argument \"exclude\", or use nullif().")));
	if (t->anomalous + t->unlabelled > 0)
		ereport(ERROR,
				(errcode(PGA_BAD_LABEL),
				 errmsg("label \"%s\" marks no row as normal", t->req->label),
				 errhint("Normal are false, 0 and 'normal'; a detector learns from normal rows only.")));
}

/* ---- the version ------------------------------------------------------------------------ */

static Jsonb *
make_metrics(const training *t, const pga_report *report, bytea *body)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	pga_json_text(&state, WJB_KEY, "rows_distinct");
	pga_json_number(&state, (double) report->rows_distinct);
	pga_json_text(&state, WJB_KEY, "rows_held_out");
	pga_json_number(&state, (double) report->rows_held_out);
	if (t->req->label)
	{
		pga_hold   *hold = pga_hold_create(CurrentMemoryContext);
		pga_evaluation result;

		pga_hold_value(hold, PointerGetDatum(body));
		result = pga_evaluate(hold->cached, t->req->query, t->req->label, true);
		pga_json_text(&state, WJB_KEY, "measured_on");
		pga_json_text(&state, WJB_VALUE, "labelled rows of the training query");
		pga_evaluation_json(&state, &result);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

static ArrayType *
feature_names(const pga_model *model)
{
	int			n = (int) pga_model_nfeatures(model);
	const char **names = palloc(Max(n, 1) * sizeof(char *));

	for (int i = 0; i < n; i++)
		names[i] = pga_model_features(model)[i].name;
	return pga_text_array(names, n);
}

static pga_new_version
fit(training *t)
{
	pga_new_version new = {
		.model = t->req->model,
		.algorithm = t->params.detector->name,
		.query = t->req->query,
		.label = t->req->label,
	};
	pga_model  *model;

	pga_scan_query(&t->scan, t->req->query, NULL);
	check_rows(t);
	warn_of_rows(t);
	model = pga_train(&t->host->ctx, t->sampler, &t->params, &new.report);
	new.body = pga_model_flatten(t->host, model);
	new.features = feature_names(model);
	new.options = pga_params_to_json(&t->params);
	new.metrics = make_metrics(t, &new.report, new.body);
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
