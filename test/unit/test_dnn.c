/*
 * test_dnn.c - the deep network and what its training shares with the
 * autoencoder's: problems with known answers, occurrences, schedule, memory.
 */
#include "fixture.h"

#include "nn.h"

#define ROWS 600

static float x[ROWS * 2];
static uint64_t weight[ROWS];
static uint32_t target[ROWS];

static pga_matrix
matrix(size_t rows, size_t cols, size_t classes)
{
	for (size_t i = 0; i < rows; i++)
		weight[i] = 1;
	return (pga_matrix) {
		.x = x, .weight = weight, .rows = rows, .cols = cols, .target = target, .classes = classes
	};
}

static pga_params
params(void)
{
	pga_params	p = default_params(pga_detector_by_name(&h.ctx, "dnn"));
	const double layers[] = {16, 8};

	pga_params_set_sizes(&h.ctx, &p, "layers", layers, 2);
	return p;
}

/* Probability of class c for one row. */
static double
probability(const pga_detector *d, const void *fitted, const float *row, size_t classes, size_t c)
{
	double	   *p = h.ctx.alloc(&h.ctx, classes * sizeof(double));

	d->classify(fitted, row, 1, p, h.ctx.alloc(&h.ctx, d->scratch_bytes(fitted, 1)));
	return p[c];
}

/* Exclusive or, with a third class in the middle: no line tells them apart. */
static void
learns_what_no_line_can(void **state)
{
	pga_params	p = params();
	pga_matrix	m = matrix(ROWS, 2, 3);
	pga_report	report = {0};
	void	   *fitted;
	pga_rng		rng;

	(void) state;
	pga_rng_seed(&rng, 1, 1);
	for (size_t i = 0; i < ROWS; i++)
	{
		float	   *row = x + 2 * i;
		uint32_t	middle = pga_rng_below(&rng, 4) == 0;

		row[0] = middle ? 0 : pga_rng_next(&rng) & 1 ? 1 : -1;
		row[1] = middle ? 0 : pga_rng_next(&rng) & 1 ? 1 : -1;
		target[i] = middle ? 2 : row[0] * row[1] > 0;
		row[0] += 0.1f * (float) pga_rng_normal(&rng);
		row[1] += 0.1f * (float) pga_rng_normal(&rng);
	}
	fitted = p.detector->fit(&h.ctx, &m, &p, &report);
	for (size_t i = 0; i < ROWS; i++)
		assert_true(probability(p.detector, fitted, x + 2 * i, 3, target[i]) > 0.9);
}

/* Rows alike with classes apart: the probability is the share of occurrences. */
static void
occurrences_are_probabilities(void **state)
{
	pga_params	p = params();
	pga_matrix	m = matrix(200, 1, 2);
	pga_report	report = {0};
	void	   *fitted;

	(void) state;
	for (size_t i = 0; i < 200; i++)
	{
		x[i] = i < 100 ? -1 : 1;
		target[i] = i % 2;
		weight[i] = i < 100 ? (target[i] ? 90 : 10) : (target[i] ? 1 : 3);
	}
	pga_params_set_number(&h.ctx, &p, "dropout", 0);
	pga_params_set_text(&h.ctx, &p, "class_weight", "none");
	fitted = p.detector->fit(&h.ctx, &m, &p, &report);
	assert_near(probability(p.detector, fitted, x, 2, 1), 0.9, 0.05);
	assert_near(probability(p.detector, fitted, x + 100, 2, 1), 0.25, 0.1);
}

/* One row in 20 is of class 1, and nothing tells it apart: balanced, both classes count alike. */
static void
class_weights_even_classes_out(void **state)
{
	static const char *const choice[] = {"none", "root", "balanced"};
	/* 1 / (1 + ratio): 19 to 1, its root, 1 to 1. */
	static const double expected[] = {0.05, 0.1866, 0.5};
	pga_report	report = {0};

	(void) state;
	for (int k = 0; k < 3; k++)
	{
		pga_params	p = params();
		pga_matrix	m = matrix(ROWS, 1, 2);
		void	   *fitted;

		for (size_t i = 0; i < ROWS; i++)
		{
			x[i] = i % 3 == 0 ? 1 : -1;
			target[i] = i % 20 == 0;
		}
		pga_params_set_text(&h.ctx, &p, "class_weight", choice[k]);
		fitted = p.detector->fit(&h.ctx, &m, &p, &report);
		assert_near(probability(p.detector, fitted, x, 2, 1), expected[k], 0.08);
	}
}

static const pga_note *
note(const pga_report *report, const char *name)
{
	for (size_t i = 0; i < report->nnotes; i++)
		if (strcmp(report->notes[i].name, name) == 0)
			return &report->notes[i];
	fail_msg("nothing was reported as %s", name);
	return NULL;
}

/*
 * Labels by chance: the validation loss gets worse soon, the rate is halved on
 * the way, and training stops `patience` passes after the best.
 */
static void
training_stops_when_nothing_is_learnt(void **state)
{
	pga_params	p = params();
	pga_matrix	m = matrix(ROWS, 2, 2);
	pga_report	report = {0};
	const pga_note *loss,
			   *rate;
	size_t		best = 0;
	pga_rng		rng;

	(void) state;
	pga_rng_seed(&rng, 2, 2);
	for (size_t i = 0; i < ROWS; i++)
	{
		x[2 * i] = (float) pga_rng_normal(&rng);
		x[2 * i + 1] = (float) pga_rng_normal(&rng);
		target[i] = pga_rng_next(&rng) & 1;
	}
	pga_params_set_number(&h.ctx, &p, "patience", 9);
	pga_params_set_number(&h.ctx, &p, "epochs", 500);
	p.detector->fit(&h.ctx, &m, &p, &report);
	loss = note(&report, "validation_loss");
	rate = note(&report, "learning_rate");
	assert_int_equal(loss->n, note(&report, "train_loss")->n);
	for (size_t i = 1; i < loss->n; i++)
	{
		if (loss->value[i] < loss->value[best])
			best = i;
		assert_true(rate->value[i] == rate->value[i - 1] || rate->value[i] == rate->value[i - 1] / 2);
	}
	assert_true(loss->n < 500);
	assert_int_equal(loss->n - 1 - best, 9);
	assert_true(rate->value[rate->n - 1] <= rate->value[best] / 4);
}

/* A column that never varied in training says nothing later, however far off. */
static void
constant_columns_are_forgotten(void **state)
{
	pga_params	p = params();
	pga_matrix	m = matrix(200, 2, 2);
	pga_report	report = {0};
	float		row[2] = {1, -0.003f};
	void	   *fitted;
	double		before;

	(void) state;
	for (size_t i = 0; i < 200; i++)
	{
		target[i] = i % 2;
		x[2 * i] = target[i] ? 1 : -1;
		x[2 * i + 1] = -0.003f;
	}
	fitted = p.detector->fit(&h.ctx, &m, &p, &report);
	before = probability(p.detector, fitted, row, 2, 1);
	assert_true(before > 0.9);
	row[1] = 50;
	assert_bits_equal(probability(p.detector, fitted, row, 2, 1), before);
}

/* fit_bytes holds for what the host is asked for, from very narrow to wide. */
static void
memory_is_as_announced(void **state)
{
	static const double layers[][3] = {{1, 1, 1}, {300, 20, 300}, {64, 64, 64}};
	static float wide[300 * 90];

	(void) state;
	for (int detector = 0; detector < 2; detector++)
		for (int k = 0; k < 3; k++)
		{
			pga_params	p = default_params(pga_detector_by_name(&h.ctx, detector ? "autoencoder" : "dnn"));
			pga_matrix	m = matrix(300, k == 1 ? 90 : 3, 2);
			pga_report	report = {0};
			size_t		announced;

			for (size_t i = 0; i < 300 * 90; i++)
				wide[i] = (float) (i * i % 17) - 8;
			for (size_t i = 0; i < 300; i++)
			{
				target[i] = i % 2;
				weight[i] = i % 7 == 0 ? 1000 : 1;
			}
			m.x = wide;
			pga_params_set_sizes(&h.ctx, &p, "layers", layers[k], 3);
			pga_params_set_number(&h.ctx, &p, "epochs", 2);
			announced = p.detector->fit_bytes(&h.ctx, &m, &p);
			h.taken = 0;
			p.detector->fit(&h.ctx, &m, &p, &report);
			assert_true(h.taken <= announced);
			assert_true(announced < 3 * h.taken + 100000);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(learns_what_no_line_can),
		TEST(occurrences_are_probabilities),
		TEST(class_weights_even_classes_out),
		TEST(training_stops_when_nothing_is_learnt),
		TEST(constant_columns_are_forgotten),
		TEST(memory_is_as_announced),
	};

	return cmocka_run_group_tests_name("dnn", tests, NULL, NULL);
}
