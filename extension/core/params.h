/* params.h - options as the core's other files see them. */
#ifndef PGA_PARAMS_H
#define PGA_PARAMS_H

#include "core.h"

/* Values of the common option "missing". */
enum
{
	PGA_MISSING_IMPUTE, PGA_MISSING_SKIP, PGA_MISSING_ERROR
};

/* Of the common options "scaling", "encoding" and "log1p": as the detector
 * wants it; the others follow in the order of pga_scaling and pga_encoding. */
#define PGA_AUTO 0

/* Values of the common option "log1p" beside PGA_AUTO. */
enum
{
	PGA_LOG1P_NONE = 1, PGA_LOG1P_ALL
};

/* Range of the common option "max_rows". */
#define PGA_LEAST_MAX_ROWS 1024
#define PGA_MOST_MAX_ROWS 16777216

/* The i-th option, common ones first; NULL past the last. */
const pga_param_spec *pga_param_spec_at(const pga_detector *, size_t i);

/* Is value in range, and whole where it has to be? */
bool		pga_param_accepts(const pga_param_spec *, double value);

/* Is it kept as a text, and would it take this one? */
bool		pga_param_is_text(const pga_param_spec *);
bool		pga_param_accepts_text(const pga_param_spec *, const char *text);

#endif							/* PGA_PARAMS_H */
