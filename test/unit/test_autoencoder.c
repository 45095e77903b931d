/*
 * test_autoencoder.c - rows on a plane and rows off it; what several networks
 * make of a row, and how they learn.
 */
#include "fixture.h"

#include "nn.h"

#define ROWS 1500
#define COLS 6

/* Six columns made of two numbers: the autoencoder can find the two. */
static void
plane_row(pga_rng *rng, float *row)
{
	static const float a[COLS] = {0.8f, -0.5f, 0.3f, 0.9f, -0.2f, 0.6f};
	static const float b[COLS] = {0.4f, 0.7f, -0.9f, 0.1f, 0.8f, -0.6f};
	float		s = (float) pga_rng_normal(rng);
	float		t = (float) pga_rng_normal(rng);

	for (size_t j = 0; j < COLS; j++)
		row[j] = a[j] * s + b[j] * t;
}

static const pga_detector *
autoencoder(void)
{
	return pga_detector_by_name(&h.ctx, "autoencoder");
}

static double
score_of(const void *fitted, const float *row)
{
	void	   *scratch = h.ctx.alloc(&h.ctx, autoencoder()->scratch_bytes(fitted, 1));
	double		score;

	autoencoder()->score(fitted, row, 1, &score, scratch);
	return score;
}

/* One network: its error comes from what it expected, and the score is that in some unit. */
static void
rows_off_the_plane_stand_out(void **state)
{
	static float x[ROWS * COLS];
	static uint64_t weight[ROWS];
	static double error[ROWS],
				moved[ROWS];
	const double layers[] = {24, 4};	/* two numbers and their signs */
	pga_params	p = default_params(autoencoder());
	pga_matrix	m = {.x = x, .weight = weight, .rows = ROWS, .cols = COLS};
	pga_report	report = {0};
	void	   *fitted,
			   *scratch;
	double		mean = 0;
	double		unit = 0;
	size_t		blamed = 0;
	size_t		above = 0;
	pga_rng		rng;

	(void) state;
	pga_rng_seed(&rng, 9, 9);
	for (size_t i = 0; i < ROWS; i++)
	{
		plane_row(&rng, x + i * COLS);
		weight[i] = 1;
	}
	pga_params_set_sizes(&h.ctx, &p, "layers", layers, 2);
	pga_params_set_number(&h.ctx, &p, "networks", 1);
	fitted = p.detector->fit(&h.ctx, &m, &p, &report);
	scratch = h.ctx.alloc(&h.ctx, p.detector->scratch_bytes(fitted, 1));
	for (int off = 0; off < 2; off++)
		for (size_t i = 0; i < ROWS; i++)
		{
			double		share[COLS],
						expected[COLS];
			double		sum = 0;
			size_t		most = 0;
			float	   *row = x + i * COLS;

			/* First new rows of the plane, then each moved off it by two deviations in one column. */
			if (off)
				row[i % COLS] += 2;
			else
				plane_row(&rng, row);
			p.detector->explain_series(fitted, row, 1, share, expected, scratch);
			for (size_t j = 0; j < COLS; j++)
				sum += pow((double) row[j] - expected[j], 2) / COLS;
			(off ? moved : error)[i] = sum;
			unit = i == 0 && !off ? sum / score_of(fitted, row) : unit;
			assert_near(score_of(fitted, row) * unit, sum, 1e-6 * sum);
			for (size_t j = 1; j < COLS; j++)
				most = share[j] > share[most] ? j : most;
			blamed += off && most == i % COLS;
		}
	for (size_t i = 0; i < ROWS; i++)
		mean += error[i] / ROWS;
	/* Rows of the plane are rebuilt: they vary by 0.75 a column.  Those off it are not. */
	assert_true(mean < 0.02);
	for (size_t i = 0; i < ROWS; i++)
		above += moved[i] > 5 * mean;
	assert_true(above > ROWS * 95 / 100);
	assert_true(blamed > ROWS * 2 / 3);
}

/* A network of two columns whose answer is the same whatever the row. */
static void
put_network(pga_buf *b, float first, float second)
{
	pga_put_u8(b, 1);
	pga_put_u32(b, 2);
	pga_put_u32(b, 2);
	for (int i = 0; i < 4; i++)
		pga_put_f32(b, 0);
	pga_put_f32(b, first);
	pga_put_f32(b, second);
}

static void *
load(const pga_buf *b)
{
	const pga_matrix shape = {.cols = 2};
	pga_reader	r = {.ctx = &h.ctx, .p = b->data, .end = b->data + b->len};

	return autoencoder()->load(&r, 1, &shape);
}

/* By hand: of (3, 4), a network that says (0, 0) is off by (9 + 16) / 2, one that says (1, 4) by (4 + 0) / 2. */
static void
networks_count_alike(void **state)
{
	const float row[] = {3, 4};
	pga_buf		b = {.ctx = &h.ctx};
	double		unit = 1.5;
	double		share[2],
				expected[2];
	void	   *fitted,
			   *scratch;

	(void) state;
	pga_put_u8(&b, 2);
	pga_put_f64(&b, log(unit));
	put_network(&b, 0, 0);
	put_network(&b, 1, 4);
	fitted = load(&b);
	assert_near(score_of(fitted, row), sqrt(12.5 * 2) / unit, 1e-12);
	scratch = h.ctx.alloc(&h.ctx, autoencoder()->scratch_bytes(fitted, 1));
	autoencoder()->explain_series(fitted, row, 1, share, expected, scratch);
	assert_near(share[0] / (share[0] + share[1]), (9.0 / 25 + 1) / 2, 1e-12);
	assert_near(expected[0], 0.5, 1e-12);
	assert_near(expected[1], 2, 1e-12);

	/* No network at all, more than any training makes, a unit no error has. */
	b.data[0] = 0;
	assert_fails(PGA_ERR_CORRUPT_MODEL, load(&b));
	b.data[0] = 17;
	assert_fails(PGA_ERR_CORRUPT_MODEL, load(&b));
	b.len = 0;
	pga_put_u8(&b, 1);
	pga_put_f64(&b, 101);
	put_network(&b, 0, 0);
	assert_fails(PGA_ERR_CORRUPT_MODEL, load(&b));
}

#define SMALL 300

static float small[SMALL * 2];
static float centre = 100;
static uint64_t occurrences[SMALL];

/* Rows as one network learns them with `layers` 4, in a few passes. */
static void *
fit_small(size_t rows, const char *option, double value, double rate, pga_report *report)
{
	const double layers[] = {4};
	pga_params	p = default_params(autoencoder());
	pga_matrix	m = {.x = small, .weight = occurrences, .rows = rows, .cols = 2};
	pga_rng		rng;

	pga_rng_seed(&rng, 3, 3);
	for (size_t i = 0; i < SMALL; i++)
	{
		/* Far off, so that the output's biases go one way in each step. */
		small[2 * i] = centre + (float) pga_rng_normal(&rng);
		small[2 * i + 1] = centre + (float) pga_rng_normal(&rng);
		occurrences[i] = 1 + i % 3;
	}
	pga_params_set_sizes(&h.ctx, &p, "layers", layers, 1);
	pga_params_set_sizes(&h.ctx, &p, "other_layers", layers, 1);
	pga_params_set_number(&h.ctx, &p, "networks", 1);
	pga_params_set_number(&h.ctx, &p, "epochs", 1);
	pga_params_set_number(&h.ctx, &p, "learning_rate", rate);
	pga_params_set_number(&h.ctx, &p, option, value);
	return p.detector->fit(&h.ctx, &m, &p, report);
}

/* The score is in units of its own geometric mean over the rows, by their occurrences. */
static void
the_unit_is_the_training_rows(void **state)
{
	pga_report	report = {0};
	void	   *fitted = fit_small(SMALL, "networks", 3, 1e-3, &report);
	double		sum = 0;

	(void) state;
	for (size_t i = 0; i < SMALL; i++)
		sum += (double) occurrences[i] * log(score_of(fitted, small + 2 * i));
	assert_near(sum / (SMALL * 2), 0, 1e-9);
}

/* The biases of the output, where the payload of a network 2 - 4 - 2 ends. */
static void
output_biases(const void *fitted, float bias[2])
{
	pga_buf		b = {.ctx = &h.ctx};

	autoencoder()->save(fitted, &b);
	memcpy(bias, b.data + b.len - 2 * sizeof(float), 2 * sizeof(float));
}

/*
 * Adam's steps along a gradient that keeps its sign are of the learning rate
 * each.  A third of the rows stands for more than the average and is seen twice:
 * 100 rows are one mini-batch, 300 are 256 visits and what is left of 400.
 */
static void
a_pass_is_mini_batches_and_a_rest(void **state)
{
	const double rate = 1e-3;
	const struct
	{
		size_t		rows;
		double		steps;
	}			cases[] = {{100, 1}, {300, 2}};

	(void) state;
	for (int k = 0; k < 2; k++)
	{
		pga_report	report = {0};
		float		before[2],
					after[2];

		output_biases(fit_small(cases[k].rows, "epochs", 1, 1e-6, &report), before);
		output_biases(fit_small(cases[k].rows, "epochs", 1, rate, &report), after);
		for (int j = 0; j < 2; j++)
		{
			assert_near(before[j], 0, 0.5 + 1e-4);	/* drawn within 1 / sqrt(4) */
			assert_near((double) after[j] - (double) before[j], cases[k].steps * rate, 0.02 * rate);
		}
	}
}

/*
 * Rows 50 and 100 deviations off are both learnt as 10: the networks are the
 * same behind their unit.  But the farther row scores higher.
 */
static void
what_is_far_off_is_not_learnt(void **state)
{
	const size_t unit = 1 + sizeof(double);
	pga_report	report = {0};
	pga_buf		near = {.ctx = &h.ctx};
	pga_buf		far = {.ctx = &h.ctx};
	const float rows[2][2] = {{50, 50}, {100, 100}};
	void	   *fitted;

	(void) state;
	centre = 50;
	autoencoder()->save(fit_small(SMALL, "epochs", 20, 1e-2, &report), &near);
	centre = 100;
	fitted = fit_small(SMALL, "epochs", 20, 1e-2, &report);
	autoencoder()->save(fitted, &far);
	assert_int_equal(near.len, far.len);
	assert_memory_equal(near.data + unit, far.data + unit, near.len - unit);
	assert_true(score_of(fitted, rows[1]) > score_of(fitted, rows[0]));
}

static size_t
notes(const pga_report *report, const char *name)
{
	for (size_t i = 0; i < report->nnotes; i++)
		if (strcmp(report->notes[i].name, name) == 0)
			return report->notes[i].n;
	return 0;
}

/* Without patience no row is kept to validate on, and the losses of 100 passes at most are noted. */
static void
patience_is_what_validates(void **state)
{
	pga_report	to_the_end = {0};
	pga_report	patient = {0};

	(void) state;
	fit_small(SMALL, "epochs", 250, 1e-3, &to_the_end);
	assert_int_equal(notes(&to_the_end, "train_loss"), 100);
	assert_int_equal(notes(&to_the_end, "validation_loss"), 0);
	fit_small(SMALL, "patience", 7, 1e-3, &patient);
	assert_int_equal(notes(&patient, "validation_loss"), 1);
}

static void
shares_add_up_to_one(void **state)
{
	pga_params	p = default_params(pga_detector_by_name(&h.ctx, "autoencoder"));
	pga_model  *model = trained(&p, 400);
	size_t		n = pga_model_nfeatures(model);
	double		raw[TABLE_COLS],
				share[TABLE_COLS],
				sum = 0;

	(void) state;
	for (size_t j = 0; j < n; j++)
		raw[j] = NAN;			/* as expected */
	raw[0] = 1e9;
	pga_model_explain(model, &h.ctx, raw, share);
	for (size_t j = 0; j < n; j++)
		sum += share[j];
	assert_near(sum, 1, 1e-12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_off_the_plane_stand_out),
		TEST(networks_count_alike),
		TEST(the_unit_is_the_training_rows),
		TEST(a_pass_is_mini_batches_and_a_rest),
		TEST(what_is_far_off_is_not_learnt),
		TEST(patience_is_what_validates),
		TEST(shares_add_up_to_one),
	};

	return cmocka_run_group_tests_name("autoencoder", tests, NULL, NULL);
}
