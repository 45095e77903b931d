/* model.h - the inside of a model, for training and explaining. */
#ifndef PGA_MODEL_H
#define PGA_MODEL_H

#include "calibrate.h"
#include "core.h"
#include "prep.h"

struct pga_model
{
	const pga_detector *detector;
	pga_params	params;
	pga_feature *features;		/* [prep->cols] */
	pga_prep   *prep;
	pga_calibration *calibration;
	const char **classes;		/* [nclasses] by text, supervised */
	size_t		nclasses,
				normal;			/* the class of normal rows */
	void	   *fitted;
};

/* A model inside another: save and load without the checksum. */
void		pga_model_put(const pga_model *, pga_buf *);
pga_model  *pga_model_get(pga_ctx *, const void *bytes, size_t n);

/* The flags of the detector of these bytes, before anything is checked; 0 when
 * there is none. */
unsigned	pga_model_flags(const uint8_t *bytes, size_t n);

/* Fills features from prep. */
void		pga_model_name_features(pga_ctx *, pga_model *);

/* The whole of training on part of a sample (train.c). */
pga_model  *pga_train_rows(pga_ctx *, const pga_rows *, const pga_params *, pga_report *);

/* Per feature, what accuracy on held-out rows loses when it is shuffled (importance.c). */
double	   *pga_importance(pga_ctx *, const pga_model *, double *raw, const uint32_t *target,
						   size_t rows);

#endif							/* PGA_MODEL_H */
