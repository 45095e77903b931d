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
} pga_evaluation;

/*
 * Scores the labelled rows of a query.  Rows without a label are left out;
 * rows with NaN or infinity too when skip_bad, else they are an error.
 */
pga_evaluation pga_evaluate(pga_cached, const char *query, const char *label, bool skip_bad);

/* Pushes all its numbers into a JSON object. */
void		pga_evaluation_json(JsonbParseState **, const pga_evaluation *);

#endif							/* PGA_EVALUATE_H */
