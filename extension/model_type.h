/* model_type.h - models as values: varlena of the core's bytes. */
#ifndef PGA_MODEL_TYPE_H
#define PGA_MODEL_TYPE_H

#include "host.h"

/* A model's bytes as a value of type anomaly_model. */
bytea	   *pga_model_flatten(pga_host *, const pga_model *);

/* Bytes as text and back; `what` names the type in errors. */
char	   *pga_bytes_to_text(const char *bytes, int len);
bytea	   *pga_text_to_bytes(const char *text, const char *what);

#endif							/* PGA_MODEL_TYPE_H */
