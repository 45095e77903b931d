/*
 * evaluate_classes.c - how well a supervised model tells classes, as JSON.
 *
 * A class that the model never learnt may well stand in the label: its rows
 * are always wrong, and it has a line of its own in the confusion matrix.
 */
#include "evaluate.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "label.h"

pga_class_rows *
pga_class_rows_create(pga_cached cached)
{
	pga_class_rows *rows;
	const char *const *names;
	size_t		n = pga_model_classes(cached.model, &names);

	if (!(pga_model_detector(cached.model)->flags & PGA_SUPERVISED))
		return NULL;
	rows = palloc0(sizeof(pga_class_rows));
	rows->cached = cached;
	rows->classes = rows->nnames = n;
	rows->names = palloc(PGA_MAX_CLASSES * sizeof(char *));
	memcpy(rows->names, names, n * sizeof(char *));
	rows->cap = PGA_BLOCK;
	rows->actual = palloc(rows->cap * sizeof(uint32_t));
	rows->probability = palloc(rows->cap * n * sizeof(float));
	rows->block = palloc(PGA_BLOCK * n * sizeof(double));
	return rows;
}

uint32_t
pga_class_number(pga_class_rows *rows, const char *name, uint32_t len)
{
	for (size_t i = 0; i < rows->nnames; i++)
		if (strlen(rows->names[i]) == len && memcmp(rows->names[i], name, len) == 0)
			return (uint32_t) i;
	if (rows->nnames == PGA_MAX_CLASSES)
		ereport(ERROR,
				(errcode(PGA_BAD_LABEL),
				 errmsg("label has more than %d classes", PGA_MAX_CLASSES)));
	rows->names[rows->nnames] = pnstrdup(name, len);
	return (uint32_t) rows->nnames++;
}

/* Room for one more block, within maintenance_work_mem. */
static void
make_room(pga_class_rows *rows)
{
	size_t		limit = (size_t) maintenance_work_mem * 1024;
	size_t		row = sizeof(uint32_t) + rows->classes * sizeof(float) + sizeof(pga_scored);

	if (rows->n + PGA_BLOCK <= rows->cap)
		return;
	rows->cap *= 2;
	if (rows->cap * row > limit)
		ereport(ERROR,
				(errcode(PGA_MEMORY_LIMIT),
				 errmsg("evaluation of %zu classes on more than %zu rows needs %zu kB, more than the limit of %zu kB",
						rows->classes, rows->n, rows->cap * row / 1024, limit / 1024),
				 errhint("Evaluate on a sample, or raise maintenance_work_mem.")));
	rows->actual = repalloc_huge(rows->actual, rows->cap * sizeof(uint32_t));
	rows->probability = repalloc_huge(rows->probability, rows->cap * rows->classes * sizeof(float));
}

void
pga_class_rows_add(pga_class_rows *rows, const double *raw, const uint32_t *actual, int n)
{
	make_room(rows);
	pga_model_classify(rows->cached.model, raw, (size_t) n, rows->block, rows->cached.scratch);
	memcpy(rows->actual + rows->n, actual, n * sizeof(uint32_t));
	for (size_t i = 0; i < n * rows->classes; i++)
		rows->probability[rows->n * rows->classes + i] = (float) rows->block[i];
	rows->n += n;
}

/* ---- JSON ------------------------------------------------------------------------- */

static void
put(JsonbParseState **state, const char *key, double value)
{
	pga_json_text(state, WJB_KEY, key);
	pga_json_number(state, value);
}

static void
put_metric(JsonbParseState **state, const char *key, const pga_class_metric *of, bool with_rows)
{
	pga_json_text(state, WJB_KEY, key);
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	if (with_rows)
		put(state, "rows", of->rows);
	put(state, "precision", of->precision);
	put(state, "recall", of->recall);
	put(state, "f1", of->f1);
	put(state, "roc_auc", of->roc_auc);
	put(state, "pr_auc", of->pr_auc);
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/* {actual: {predicted: rows}}, without zeros. */
static void
put_confusion(JsonbParseState **state, const pga_class_metrics *m, const char *const *names)
{
	pga_json_text(state, WJB_KEY, "confusion");
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	for (size_t a = 0; a < m->actual; a++)
	{
		if (m->of[a].rows == 0)
			continue;
		pga_json_text(state, WJB_KEY, names[a]);
		pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
		for (size_t c = 0; c < m->classes; c++)
			if (m->confusion[a * m->classes + c] > 0)
				put(state, names[c], m->confusion[a * m->classes + c]);
		pushJsonbValue(state, WJB_END_OBJECT, NULL);
	}
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

static void
put_anomalous(JsonbParseState **state, const pga_anomaly_metrics *of)
{
	pga_json_text(state, WJB_KEY, "anomalous");
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	put(state, "positives", of->positives);
	put(state, "tp", of->tp);
	put(state, "fp", of->fp);
	put(state, "roc_auc", of->roc_auc);
	put(state, "pr_auc", of->pr_auc);
	if (of->points > 0)
		pga_curve_json(state, of->curve, of->points);
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

Jsonb *
pga_class_metrics_json(const pga_class_metrics *m, const char *const *names)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	put(&state, "rows", m->rows);
	put(&state, "accuracy", m->accuracy);
	put_metric(&state, "macro", &m->macro, false);
	put_metric(&state, "weighted", &m->weighted, false);
	pga_json_text(&state, WJB_KEY, "of");
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (size_t c = 0; c < m->actual; c++)
		put_metric(&state, names[c], &m->of[c], true);
	pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	put_confusion(&state, m, names);
	if (m->anomalous)
		put_anomalous(&state, m->anomalous);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

Jsonb *
pga_class_rows_json(const pga_class_rows *rows)
{
	pga_ctx    *ctx = &pga_host_create(CurrentMemoryContext)->ctx;

	return pga_class_metrics_json(pga_measure_classes(ctx, rows->actual, rows->nnames,
													  rows->probability, rows->classes, rows->n),
								  rows->names);
}
