/* model_type.h - models as values: varlena of the core's bytes. */
#ifndef PGA_MODEL_TYPE_H
#define PGA_MODEL_TYPE_H

#include "host.h"

/*
 * Most bytes of a value of our types.  As text it is a third longer and still
 * has to fit into a row that COPY writes, or it could not be dumped.
 */
#define PGA_MAX_BYTES (500 * 1024 * 1024)

/* A model's bytes as a value of type anomaly_model. */
bytea	   *pga_model_flatten(pga_host *, const pga_model *);

/* The columns a row needs to be scored. */
ArrayType  *pga_feature_names(const pga_model *);

/* Fails when that is exceeded by len bytes of a value from outside. */
void		pga_check_size(size_t len, size_t limit, const char *type);

/* Bytes as text and back; `what` names the type in errors. */
char	   *pga_bytes_to_text(const char *bytes, int len);
bytea	   *pga_text_to_bytes(const char *text, const char *what);

#endif							/* PGA_MODEL_TYPE_H */
