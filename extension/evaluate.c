/*
 * evaluate.c - anomaly_evaluate: a model against rows whose label is known.
 *
 * The areas under the curves judge the order of the scores, whatever the
 * threshold (Fawcett 2006); the counts judge the model's threshold.
 */
#include "evaluate.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "block.h"
#include "label.h"
#include "rows_out.h"
#include "series.h"

typedef struct evaluation
{
	pga_scan	scan;			/* first */
	pga_cached	cached;
	const char *label_name;
	bool		skip_bad;

	pga_label	label;
	pga_block  *block;
	pga_verdict verdict[PGA_BLOCK]; /* of the rows in the block */
	uint32_t	class[PGA_BLOCK];
	pga_class_rows *classes;	/* NULL when the model tells none */

	pga_scored *scored;
	size_t		n,
				cap;
	pga_evaluation result;
} evaluation;

/* ---- the scan --------------------------------------------------------------------- */

static void
start(pga_scan *scan, TupleDesc desc)
{
	evaluation *e = (evaluation *) scan;

	e->label = pga_bind_label(desc, e->label_name);
	e->block = pga_block_create(e->cached, desc, e->label.column + 1);
	e->cap = PGA_BLOCK;
	e->scored = palloc(e->cap * sizeof(pga_scored));
	e->classes = pga_class_rows_create(e->cached);
}

/* Room for one more block, within maintenance_work_mem. */
static void
make_room(evaluation *e)
{
	size_t		limit = (size_t) maintenance_work_mem * 1024;

	if (e->n + PGA_BLOCK <= e->cap)
		return;
	e->cap *= 2;
	if (e->cap * sizeof(pga_scored) > limit)
		ereport(ERROR,
				(errcode(PGA_MEMORY_LIMIT),
				 errmsg("evaluation of more than %zu rows needs %zu kB, more than the limit of %zu kB",
						e->n, e->cap * sizeof(pga_scored) / 1024, limit / 1024),
				 errhint("Evaluate on a sample, or raise maintenance_work_mem.")));
	e->scored = repalloc_huge(e->scored, e->cap * sizeof(pga_scored));
}

/* Scores the block, counts against the threshold, keeps the scores for the curves. */
static void
flush(evaluation *e)
{
	pga_block  *block = e->block;
	double		threshold = pga_model_threshold(e->cached.model);
	int64	   *counts[2][2] = {
		{&e->result.tn, &e->result.fp},
		{&e->result.fn, &e->result.tp}
	};

	pga_block_score(block);
	make_room(e);
	for (int i = 0; i < block->rows; i++)
	{
		bool		positive = e->verdict[i] == PGA_ANOMALOUS;

		if (e->verdict[i] == PGA_UNKNOWN)
			continue;
		(*counts[positive][block->score[i] > threshold])++;
		e->scored[e->n++] = (pga_scored) {block->score[i], positive};
	}
	if (e->classes)
		pga_class_rows_add(e->classes, block->raw, e->class, block->rows);
	pga_block_clear(block);
	CHECK_FOR_INTERRUPTS();
}

static void
new_series(pga_scan *scan)
{
	evaluation *e = (evaluation *) scan;

	flush(e);
	e->block->context = 0;
}

/* Rows of unknown label count for nothing, but may be looked back at. */
static void
row(pga_scan *scan, TupleTableSlot *slot)
{
	evaluation *e = (evaluation *) scan;
	pga_block  *block = e->block;
	pga_verdict verdict;
	int			bad;

	slot_getsomeattrs(slot, block->reach);
	verdict = pga_read_label(&e->label, slot->tts_values, slot->tts_isnull);
	if (verdict == PGA_UNKNOWN && block->history == 0)
		return;
	e->verdict[block->rows] = verdict;
	if (e->classes)
	{
		MemoryContext old = MemoryContextSwitchTo(scan->memory);
		uint32_t	len;
		const char *class = pga_label_class(&e->label, slot->tts_values, slot->tts_isnull, &len);

		e->class[block->rows] = pga_class_number(e->classes, class, len);
		MemoryContextSwitchTo(old);
	}
	bad = pga_block_add(block, slot);
	if (bad >= 0 && !e->skip_bad)
		pga_fail_not_finite(block->binding->features[bad].name);
	if (block->rows == PGA_BLOCK)
		flush(e);
}

pga_evaluation
pga_evaluate(pga_cached cached, const char *query, const char *label, bool skip_bad)
{
	evaluation	e = {
		.scan = {.start = start, .row = row, .new_series = new_series},
		.cached = cached,
		.label_name = label,
		.skip_bad = skip_bad
	};

	pga_scan_series(&e.scan, cached.model, query, NULL, NULL);
	flush(&e);
	pga_sort_scored(&pga_host_create(CurrentMemoryContext)->ctx, e.scored, e.n);
	e.result.roc_auc = pga_roc_auc(e.scored, e.n);
	e.result.pr_auc = pga_average_precision(e.scored, e.n);
	e.result.points = pga_curve(e.scored, e.n, e.result.curve);
	pfree(e.scored);
	if (e.classes)
		e.result.classes = pga_class_rows_json(e.classes);
	return e.result;
}

/* ---- results ------------------------------------------------------------------------ */

#define NUMBERS 12

static const char *const number_names[NUMBERS] = {
	"rows", "positives", "roc_auc", "pr_auc", "accuracy", "precision", "recall", "f1",
	"tp", "fp", "tn", "fn"
};

static double
ratio(int64 part, int64 whole)
{
	return whole > 0 ? (double) part / (double) whole : NAN;
}

/* In the order of number_names, which is that of the SQL function's columns. */
static void
numbers(const pga_evaluation *e, double *out)
{
	int64		positives = e->tp + e->fn;
	int64		rows = positives + e->fp + e->tn;

	out[0] = (double) rows;
	out[1] = (double) positives;
	out[2] = e->roc_auc;
	out[3] = e->pr_auc;
	out[4] = ratio(e->tp + e->tn, rows);
	out[5] = ratio(e->tp, e->tp + e->fp);
	out[6] = ratio(e->tp, positives);
	out[7] = ratio(2 * e->tp, 2 * e->tp + e->fp + e->fn);
	out[8] = (double) e->tp;
	out[9] = (double) e->fp;
	out[10] = (double) e->tn;
	out[11] = (double) e->fn;
}

void
pga_curve_json(JsonbParseState **state, const pga_curve_point *curve, size_t points)
{
	pga_json_text(state, WJB_KEY, "curve");
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (size_t i = 0; i < points; i++)
	{
		pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
		pga_json_element(state, curve[i].score);
		pga_json_element(state, curve[i].tp);
		pga_json_element(state, curve[i].fp);
		pushJsonbValue(state, WJB_END_ARRAY, NULL);
	}
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

void
pga_evaluation_json(JsonbParseState **state, const pga_evaluation *e)
{
	double		value[NUMBERS];

	numbers(e, value);
	for (int i = 0; i < NUMBERS; i++)
	{
		pga_json_text(state, WJB_KEY, number_names[i]);
		pga_json_number(state, value[i]);
	}
	if (e->points > 0)
		pga_curve_json(state, e->curve, e->points);
}

PGA_FUNCTION(pga_evaluate_model);
Datum
pga_evaluate_model(PG_FUNCTION_ARGS)
{
	char	   *model = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *query = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char	   *label = text_to_cstring(PG_GETARG_TEXT_PP(2));
	pga_rows_out *out = pga_rows_out_begin(fcinfo);
	pga_hold   *hold = pga_hold_create(CurrentMemoryContext);
	pga_evaluation result;
	double		value[NUMBERS];
	Datum		datum[NUMBERS + 1];
	bool		isnull[NUMBERS + 1];

	pga_hold_named(hold, model);
	result = pga_evaluate(hold->cached, query, label, false);
	numbers(&result, value);
	for (int i = 0; i < NUMBERS; i++)
	{
		bool		is_count = TupleDescAttr(out->desc, i)->atttypid == INT8OID;

		isnull[i] = isnan(value[i]);
		datum[i] = is_count ? Int64GetDatum((int64) value[i]) : Float8GetDatum(value[i]);
	}
	isnull[NUMBERS] = result.classes == NULL;
	datum[NUMBERS] = JsonbPGetDatum(result.classes);
	pga_rows_out_put(out, datum, isnull);
	PG_RETURN_NULL();
}
