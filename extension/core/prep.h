/*
 * prep.h - preprocessing: how features become float32 columns.
 *
 * A numeric value is filled in when missing, taken as ln(1 + x) where the
 * column is wide or heavy-tailed and the detector wants it, centred, scaled
 * and softly clipped.  A category becomes the logarithm of its share of the
 * training rows, so that "rare" is a direction a detector can see; or its
 * place among the texts in order; or one of several columns of zeros and
 * ones.  All of it is fitted once, on the training side of the split, and
 * travels inside the model.
 */
#ifndef PGA_PREP_H
#define PGA_PREP_H

#include <float.h>

#include "bytes.h"
#include "fmath.h"
#include "sample.h"

/* Categories told apart in one column; the rarest share one value beyond. */
#define PGA_MAX_CATEGORIES 4096

/* One-hot columns of one feature: the rarer categories and unseen ones share the last. */
#define PGA_MAX_ONE_HOT 128

typedef struct pga_category
{
	const char *text;
	uint32_t	len;
	uint64_t	hash;			/* pga_text_hash */
	double		value;			/* before centring and scaling; unused by one-hot */
	uint32_t	place;			/* its one-hot column */
	double		share;			/* of the training rows */
} pga_category;

/* A point of the training values' distribution, for drift. */
typedef struct pga_knot
{
	double		value,
				below;			/* share of the values at most that large */
} pga_knot;

#define PGA_MAX_KNOTS 72

/* Centre and scale of a one-hot column. */
typedef struct pga_hot
{
	double		centre,
				scale;			/* > 0 */
} pga_hot;

typedef struct pga_column
{
	pga_feature feature;
	size_t		first,			/* its columns: first ... first + width - 1 */
				width;
	size_t		plain;			/* how many features from here on are plain (prep.c) */
	bool		log1p;
	pga_encoding encoding;		/* of a category */
	double		fill;			/* for a missing value, before log1p and scaling */
	double		centre,
				scale,			/* > 0 */
				factor;			/* 1 / scale */
	double		q05,
				median,
				q95;			/* of the training values; unused for categories */
	double		share;			/* of the most frequent category, or of true */
	double		missing;		/* share of the training rows that had no value */
	pga_knot   *knots;			/* [nknots] ascending, of numbers; from format 2 on */
	uint32_t	nknots;
	uint32_t	mode;			/* the most frequent category */
	uint32_t	ncategories;	/* 0 unless categorical */
	pga_category *categories;	/* by text */
	double		other;			/* value of every other text */
	pga_hot    *hot;			/* [width], one-hot */
	uint32_t   *slots;			/* category number + 1 by hash, 0 free */
	size_t		nslots;
} pga_column;

struct pga_prep
{
	pga_column *features;		/* [nfeatures] in binding order */
	size_t		nfeatures,
				cols;			/* of a prepared row */
	double		clip;			/* 0: none */
	double	   *fill,			/* [nfeatures] again, as plain features want them */
			   *centre,
			   *factor;
};

/* The training part of a sample: row order[i] of s stands for weight[i] rows. */
struct pga_rows
{
	const pga_sampler *sampler;
	const uint32_t *order;
	const uint64_t *weight;
	size_t		n;
};

/*
 * Fits the preprocessing as the params' detector and options want it.
 * used[nfeatures] gets the sampler's column behind each feature: constant and
 * empty ones are left out with a warning, but for a composite detector, whose
 * members may know them.  items and scratch are room for rows->n.
 */
pga_prep   *pga_prep_fit(pga_ctx *, const pga_rows *, const pga_params *, uint32_t *used,
						 pga_item *items, pga_item *scratch);

/* One row of a sample as a raw row. */
void		pga_prep_raw(const pga_prep *, const uint32_t *used, const uint64_t *cells, double *raw);

/* Raw rows (core.h, "Scoring"), as prepared for a detector. */
void		pga_prep_rows(const pga_prep *, const double *raw, size_t rows, float *x);

/* The raw value behind a feature's columns of a prepared row; NaN for a text. */
double		pga_prep_value(const pga_prep *, const pga_column *, const double *x);

/* A category's number, or -1. */
ptrdiff_t	pga_prep_category(const pga_column *, uint64_t hash);

void		pga_prep_save(const pga_prep *, pga_buf *);
pga_prep   *pga_prep_load(pga_reader *, unsigned format);	/* of the envelope */

/* ---- between prep.c and prep_fit.c ------------------------------------------ */

/* ln(1 + x), continued through zero for a negative value met after training. */
static inline double
pga_prep_log1p(double value)
{
	return copysign(pga_log(1 + fmin(fabs(value), DBL_MAX / 2)), value);
}

static inline bool
pga_prep_is_code(const pga_column *c, double code)
{
	return code >= 0 && code < (double) c->ncategories;
}

static inline double
pga_prep_category_value(const pga_column *c, double code)
{
	return pga_prep_is_code(c, code) ? c->categories[(size_t) code].value : c->other;
}

/* Can one divide by it? */
static inline bool
pga_prep_usable(double scale)
{
	return isfinite(scale) && scale >= DBL_MIN;
}

void		pga_prep_index(pga_ctx *, pga_column *);	/* the dictionary's slots */
void		pga_prep_place(pga_ctx *, pga_prep *);	/* the columns, when the features are set */
int			pga_prep_compare_text(const void *, const void *);	/* categories */

#endif							/* PGA_PREP_H */
