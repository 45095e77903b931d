/*
 * classes.c - how well classes are told apart.
 *
 * Precision, recall and F1 of each class against the rest, and their means
 * over classes (Sokolova & Lapalme 2009).
 */
#include "core.h"

#include <math.h>

static double
ratio(double part, double whole)
{
	return whole > 0 ? part / whole : NAN;
}

/* Rows against the classes predicted for them. */
static void
count(pga_class_metrics *m, const uint32_t *actual, const float *probability, size_t rows)
{
	for (size_t i = 0; i < rows; i++)
	{
		const float *p = probability + i * m->classes;
		size_t		best = 0;

		for (size_t c = 1; c < m->classes; c++)
			if (p[c] > p[best])
				best = c;
		m->confusion[actual[i] * m->classes + best]++;
		m->of[actual[i]].rows++;
		m->of[best].predicted++;
		m->of[best].right += best == actual[i];
	}
}

static void
measure_curves(pga_ctx *ctx, pga_class_metrics *m, size_t class, const uint32_t *actual,
			   const float *probability, pga_scored *scored)
{
	size_t		rows = (size_t) m->rows;

	for (size_t i = 0; i < rows; i++)
		scored[i] = (pga_scored) {(double) probability[i * m->classes + class], actual[i] == class};
	pga_sort_scored(ctx, scored, rows);
	m->of[class].roc_auc = pga_roc_auc(scored, rows);
	m->of[class].pr_auc = pga_average_precision(scored, rows);
}

static double
or_zero(double value)
{
	return isnan(value) ? 0 : value;
}

/* Adds a class to a mean, with a weight; curves that do not exist are not counted. */
static void
add(pga_class_metric *mean, const pga_class_metric *of, double weight, double *curves)
{
	mean->precision += weight * or_zero(of->precision);
	mean->recall += weight * or_zero(of->recall);
	mean->f1 += weight * or_zero(of->f1);
	if (isnan(of->roc_auc))
		return;
	mean->roc_auc += weight * of->roc_auc;
	mean->pr_auc += weight * of->pr_auc;
	*curves += weight;
}

static void
divide(pga_class_metric *mean, double total, double curves)
{
	mean->precision = ratio(mean->precision, total);
	mean->recall = ratio(mean->recall, total);
	mean->f1 = ratio(mean->f1, total);
	mean->roc_auc = ratio(mean->roc_auc, curves);
	mean->pr_auc = ratio(mean->pr_auc, curves);
}

static void
average(pga_class_metrics *m)
{
	double		right = 0;
	double		occurring = 0;
	double		macro_curves = 0;
	double		weighted_curves = 0;

	for (size_t c = 0; c < m->actual; c++)
	{
		right += m->of[c].right;
		if (m->of[c].rows == 0 && m->of[c].predicted == 0)
			continue;
		occurring++;
		add(&m->macro, &m->of[c], 1, &macro_curves);
		add(&m->weighted, &m->of[c], m->of[c].rows, &weighted_curves);
	}
	m->accuracy = ratio(right, m->rows);
	divide(&m->macro, occurring, macro_curves);
	divide(&m->weighted, m->rows, weighted_curves);
}

pga_class_metrics *
pga_measure_classes(pga_ctx *ctx, const uint32_t *actual, size_t nactual,
					const float *probability, size_t classes, size_t rows)
{
	pga_class_metrics *m = ctx->alloc(ctx, sizeof(pga_class_metrics));
	pga_scored *scored = ctx->alloc(ctx, pga_mul(ctx, rows, sizeof(pga_scored)));

	m->classes = classes;
	m->actual = nactual;
	m->rows = (double) rows;
	m->of = ctx->alloc(ctx, pga_mul(ctx, nactual, sizeof(pga_class_metric)));
	m->confusion = ctx->alloc(ctx, pga_mul(ctx, nactual, classes * sizeof(double)));
	count(m, actual, probability, rows);
	for (size_t c = 0; c < nactual; c++)
	{
		pga_class_metric *of = &m->of[c];

		of->precision = ratio(of->right, of->predicted);
		of->recall = ratio(of->right, of->rows);
		of->f1 = ratio(2 * of->right, of->rows + of->predicted);
		of->roc_auc = of->pr_auc = NAN;
		if (c < classes)
			measure_curves(ctx, m, c, actual, probability, scored);
		ctx->poll(ctx);
	}
	average(m);
	return m;
}

void
pga_measure_anomalous(pga_ctx *ctx, pga_class_metrics *m, const uint32_t *actual,
					  const float *probability, size_t normal, double threshold)
{
	size_t		rows = (size_t) m->rows;
	pga_scored *scored = ctx->alloc(ctx, pga_mul(ctx, rows, sizeof(pga_scored)));
	pga_anomaly_metrics *of = ctx->alloc(ctx, sizeof(pga_anomaly_metrics));

	for (size_t i = 0; i < rows; i++)
	{
		double		score = 1 - (double) probability[i * m->classes + normal];
		bool		positive = actual[i] != normal;

		scored[i] = (pga_scored) {score, positive};
		of->positives += positive;
		of->tp += positive && score > threshold;
		of->fp += !positive && score > threshold;
	}
	pga_sort_scored(ctx, scored, rows);
	of->roc_auc = pga_roc_auc(scored, rows);
	of->pr_auc = pga_average_precision(scored, rows);
	of->points = pga_curve(scored, rows, of->curve);
	m->anomalous = of;
	ctx->poll(ctx);
}
