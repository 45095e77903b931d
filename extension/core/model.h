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
	void	   *fitted;
};

/* Fills features from prep. */
void		pga_model_name_features(pga_ctx *, pga_model *);

#endif							/* PGA_MODEL_H */
