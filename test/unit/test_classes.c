/*
 * test_classes.c - metrics of classes, against scikit-learn 1.2.1:
 * precision_recall_fscore_support, roc_auc_score, average_precision_score.
 */
#include "fixture.h"

static const uint32_t actual[12] = {0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2};
static const float probability[12 * 3] = {
	.7f, .2f, .1f, .6f, .3f, .1f, .4f, .5f, .1f, .8f, .1f, .1f,
	.3f, .3f, .4f, .2f, .7f, .1f, .5f, .4f, .1f, .1f, .6f, .3f,
	.2f, .2f, .6f, .1f, .4f, .5f, .3f, .5f, .2f, .05f, .05f, .9f
};

static void
three_classes(void **state)
{
	static const double precision[] = {0.75, 0.5, 0.75};
	static const double recall[] = {0.6, 0.66666667, 0.75};
	static const double f1[] = {0.66666667, 0.57142857, 0.75};
	static const double roc[] = {0.9285714285714285, 0.9074074074074073, 0.9375};
	static const double pr[] = {0.9028571428571428, 0.8333333333333333, 0.9166666666666666};
	static const double confusion[] = {3, 1, 1, 1, 2, 0, 0, 1, 3};
	pga_class_metrics *m = pga_measure_classes(&h.ctx, actual, 3, probability, 3, 12);

	(void) state;
	for (size_t c = 0; c < 3; c++)
	{
		assert_near(m->of[c].precision, precision[c], 1e-8);
		assert_near(m->of[c].recall, recall[c], 1e-8);
		assert_near(m->of[c].f1, f1[c], 1e-8);
		assert_near(m->of[c].roc_auc, roc[c], 1e-8);
		assert_near(m->of[c].pr_auc, pr[c], 1e-8);
	}
	for (size_t i = 0; i < 9; i++)
		assert_near(m->confusion[i], confusion[i], 0);
	assert_near(m->accuracy, 0.6666666666666666, 1e-12);
	assert_near(m->macro.precision, 0.6666666666666666, 1e-12);
	assert_near(m->macro.recall, 0.6722222222222222, 1e-12);
	assert_near(m->macro.f1, 0.6626984126984127, 1e-12);
	assert_near(m->weighted.precision, 0.6875, 1e-12);
	assert_near(m->weighted.f1, 0.6706349206349206, 1e-12);
}

/* Class 0 against the others: scores .3 .4 .6 .2 .7 | .8 .5 .9 .8 .9 .7 .95. */
static void
anomalous_or_not(void **state)
{
	pga_class_metrics *m = pga_measure_classes(&h.ctx, actual, 3, probability, 3, 12);
	const pga_anomaly_metrics *of;

	(void) state;
	assert_null(m->anomalous);
	pga_measure_anomalous(&h.ctx, m, actual, probability, 0, 0.5);
	of = m->anomalous;
	assert_near(of->positives, 7, 0);
	assert_near(of->tp, 6, 0);	/* .5 is not above the threshold */
	assert_near(of->fp, 2, 0);
	assert_near(of->roc_auc, 0.9285714285714285, 1e-12);
	assert_near(of->pr_auc, 0.9478458049886621, 1e-12);
	/* .95 .9 .8 .7 .6 .5 .4 .3 .2, equal scores together */
	assert_int_equal(of->points, 9);
	assert_near(of->curve[1].tp, 3, 0);
	assert_near(of->curve[3].tp, 6, 0);
	assert_near(of->curve[3].fp, 1, 0);
	assert_near(of->curve[8].fp, 5, 0);
}

/* A class nobody learnt is always wrong; one never predicted has no precision. */
static void
unknown_and_unpredicted(void **state)
{
	static const uint32_t target[4] = {0, 0, 2, 2};
	static const float p[8] = {.9f, .1f, .8f, .2f, .7f, .3f, .6f, .4f};
	pga_class_metrics *m = pga_measure_classes(&h.ctx, target, 3, p, 2, 4);

	(void) state;
	assert_near(m->accuracy, 0.5, 0);
	assert_near(m->of[2].recall, 0, 0);
	assert_true(isnan(m->of[2].precision) && isnan(m->of[2].roc_auc));
	assert_near(m->of[0].precision, 0.5, 0);
	/* Class 1 neither occurs nor is predicted: the means are over two classes. */
	assert_near(m->macro.recall, 0.5, 0);
	assert_near(m->macro.f1, (2.0 / 3) / 2, 1e-12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(three_classes),
		TEST(anomalous_or_not),
		TEST(unknown_and_unpredicted),
	};

	return cmocka_run_group_tests_name("classes", tests, NULL, NULL);
}
