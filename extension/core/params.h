/* params.h - options as the core's other files see them. */
#ifndef PGA_PARAMS_H
#define PGA_PARAMS_H

#include "core.h"

/* Values of the common option "missing". */
enum
{
	PGA_MISSING_IMPUTE, PGA_MISSING_SKIP, PGA_MISSING_ERROR
};

/* Range of the common option "max_rows". */
#define PGA_LEAST_MAX_ROWS 1024
#define PGA_MOST_MAX_ROWS 16777216

/* The i-th option, common ones first; NULL past the last. */
const pga_param_spec *pga_param_spec_at(const pga_detector *, size_t i);

/* Is value in range, and whole where it has to be? */
bool		pga_param_accepts(const pga_param_spec *, double value);

#endif							/* PGA_PARAMS_H */
