/* evaluate.h - a model against rows whose label is known. */
#ifndef PGA_EVALUATE_H
#define PGA_EVALUATE_H

#include "model_cache.h"

typedef struct pga_evaluation
{
	int64		tp,				/* anomalous, and said so */
				fp,
				tn,
				fn;
	double		roc_auc,		/* NaN unless there are rows of both kinds */
				pr_auc;
	pga_curve_point curve[PGA_CURVE_MAX];
	size_t		points;			/* of the curve; 0 unless there are rows of both kinds */
	Jsonb	   *classes;		/* of a supervised model, else NULL */
} pga_evaluation;

/*
 * Scores the labelled rows of a query.  Rows without a label are left out;
 * rows with NaN or infinity too when skip_bad, else they are an error.
 */
pga_evaluation pga_evaluate(pga_cached, const char *query, const char *label, bool skip_bad);

/* Pushes all its numbers, and the curve, into a JSON object. */
void		pga_evaluation_json(JsonbParseState **, const pga_evaluation *);

/* [[score, tp, fp], ...] under the key "curve". */
void		pga_curve_json(JsonbParseState **, const pga_curve_point *, size_t points);

/* ---- classes (evaluate_classes.c) ------------------------------------------- */

/* Rows whose class is known, and what a supervised model made of them. */
typedef struct pga_class_rows
{
	pga_cached	cached;
	const char **names;			/* the model's classes, then unknown ones */
	size_t		nnames,
				classes;
	uint32_t   *actual;
	float	   *probability;	/* [cap][classes] */
	size_t		n,
				cap;
	double	   *block;			/* [PGA_BLOCK][classes] */
} pga_class_rows;

/* NULL when the model tells no classes. */
pga_class_rows *pga_class_rows_create(pga_cached);

/* Adds rows, their classes by pga_class_number. */
void		pga_class_rows_add(pga_class_rows *, const double *raw, const uint32_t *actual, int rows);
uint32_t	pga_class_number(pga_class_rows *, const char *name, uint32_t len);

/* Accuracy, means, each class, and the confusion matrix. */
Jsonb	   *pga_class_rows_json(const pga_class_rows *);
Jsonb	   *pga_class_metrics_json(const pga_class_metrics *, const char *const *names);

#endif							/* PGA_EVALUATE_H */
