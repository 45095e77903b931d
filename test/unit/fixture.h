/*
 * fixture.h - what the unit tests share: cmocka, a host, and a made-up table
 * of network-like rows with every kind of column.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host.h"

#define TABLE_COLS 5			/* bytes, packets, urgent, duration, service */

extern const pga_feature table_features[TABLE_COLS];

/* The host of the running test; reset before each. */
extern host h;

int			setup(void **state);
int			teardown(void **state);

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Row number i of the table: the same forever; about one in 8 has a NULL. */
void		table_row(size_t i, pga_cell *cells);

/* The same row as a model wants it, columns by the model's features. */
void		table_raw(const pga_model *, size_t i, double *raw);

pga_params	default_params(const pga_detector *);
pga_sampler *table_sampler(const pga_params *, size_t from, size_t to);
pga_buf		saved(const pga_model *);
pga_model  *trained(const pga_params *, size_t rows);

/* Fails the test unless statement fails with the given error. */
#define assert_fails(error_, statement) \
	do { \
		assert_true(HOST_FAILS(&h, statement)); \
		assert_int_equal(h.error, error_); \
	} while (0)

/* Equal to the last bit. */
#define assert_bits_equal(a, b) \
	do { \
		double a_ = (a), b_ = (b); \
		if (memcmp(&a_, &b_, sizeof(a_)) != 0) \
			fail_msg("%a is not %a", a_, b_); \
	} while (0)

#define assert_near(a, b, tolerance) \
	do { \
		double a_ = (a), b_ = (b); \
		if (!(fabs(a_ - b_) <= (tolerance))) \
			fail_msg("%.17g is not within %g of %.17g", a_, (double) (tolerance), b_); \
	} while (0)

#endif							/* FIXTURE_H */
