/*
 * prep.h - preprocessing: how a feature becomes a float32 column.
 *
 * Every feature of a model is exactly one column.  A numeric value is filled
 * in when missing, centred and scaled.  A category is first replaced by the
 * logarithm of its share of the training rows, so that "rare" is a direction
 * a detector can see, and then treated like a number.
 */
#ifndef PGA_PREP_H
#define PGA_PREP_H

#include "bytes.h"
#include "sample.h"

/* Categories told apart in one column; the rarest share one value beyond. */
#define PGA_MAX_CATEGORIES 4096

typedef struct pga_category
{
	const char *text;
	uint32_t	len;
	uint64_t	hash;			/* pga_text_hash */
	double		value;			/* before centring and scaling */
} pga_category;

typedef struct pga_column
{
	pga_feature feature;
	double		fill;			/* for a missing value, before scaling */
	double		centre,
				scale,			/* > 0 */
				factor;			/* 1 / scale */
	double		q05,
				median,
				q95;			/* of the training values; unused for categories */
	double		share;			/* of the most frequent category, or of true */
	uint32_t	mode;			/* the most frequent category */
	uint32_t	ncategories;	/* 0 unless categorical */
	pga_category *categories;	/* by text */
	double		other;			/* value of every other text */
	uint32_t   *slots;			/* category number + 1 by hash, 0 free */
	size_t		nslots;
} pga_column;

typedef struct pga_prep
{
	pga_column *columns;
	size_t		cols;
} pga_prep;

/* The training part of a sample: row order[i] of s stands for weight[i] rows. */
typedef struct pga_rows
{
	const pga_sampler *sampler;
	const uint32_t *order;
	const uint64_t *weight;
	size_t		n;
} pga_rows;

/*
 * Fits the preprocessing.  used[cols] gets the sampler's feature behind each
 * column: constant and empty features are left out with a warning.
 * items and scratch are room for rows->n.
 */
pga_prep   *pga_prep_fit(pga_ctx *, const pga_rows *, pga_scaling, uint32_t *used,
						 pga_item *items, pga_item *scratch);

/* One row of a sample, as prepared for a detector. */
void		pga_prep_cells(const pga_prep *, const uint32_t *used, const uint64_t *cells, float *x);

/* Raw rows (core.h, "Scoring"), as prepared for a detector. */
void		pga_prep_rows(const pga_prep *, const double *raw, size_t rows, float *x);

/* A category's number, or -1. */
ptrdiff_t	pga_prep_category(const pga_column *, uint64_t hash);

void		pga_prep_save(const pga_prep *, pga_buf *);
pga_prep   *pga_prep_load(pga_reader *);

#endif							/* PGA_PREP_H */
