/*
 * calibrate.h - from a score to the share of normal rows that score as high.
 */
#ifndef PGA_CALIBRATE_H
#define PGA_CALIBRATE_H

#include "bytes.h"

typedef struct pga_calibration
{
	uint64_t	rows;			/* held-out rows behind it */
	uint32_t	n;				/* knots, >= 1 */
	double	   *score,			/* [n] ascending */
			   *p;				/* [n] descending, in (0, 1] */
	double		tail_scale,		/* generalized Pareto beyond the last knot */
				tail_shape;		/* in [0, 1) */
	double		threshold;		/* p(threshold) = contamination */
} pga_calibration;

/* scores: key pga_ordered(score), payload the number of rows; gets sorted, with
 * scratch of the same length. */
pga_calibration *pga_calibrate(pga_ctx *, pga_item *scores, pga_item *scratch, size_t n,
							   double contamination);

double		pga_calibration_p(const pga_calibration *, double score);

/* Scale and shape of n ascending excesses >= 0 (value, weight). */
void		pga_gpd_fit(const double *excess, const uint64_t *weight, size_t n,
						double *scale, double *shape);

void		pga_calibration_save(const pga_calibration *, pga_buf *);
pga_calibration *pga_calibration_load(pga_reader *);

#endif							/* PGA_CALIBRATE_H */
