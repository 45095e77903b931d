/* registry.h - models by name: anomaly.model and anomaly.model_version. */
#ifndef PGA_REGISTRY_H
#define PGA_REGISTRY_H

#include "host.h"

/* What identifies a version for good: ids are never used twice in a table. */
typedef struct pga_version_id
{
	int64		id;
	Oid			table;
} pga_version_id;

/* The active version of a model under the active snapshot; fails with PA001. */
pga_version_id pga_find_version(const char *model);

/* Its body, detoasted, in the caller's memory context. */
bytea	   *pga_fetch_body(pga_version_id);

/* A new version, as anomaly.model_version holds it. */
typedef struct pga_new_version
{
	const char *model,
			   *algorithm,
			   *query,
			   *label;			/* NULL without */
	bytea	   *body;
	ArrayType  *features,
			   *warnings;
	Jsonb	   *options,
			   *metrics;
	pga_report	report;
} pga_new_version;

/* Stores and activates it; concurrent trainers of one model queue here. */
int			pga_store_version(const pga_new_version *);

#endif							/* PGA_REGISTRY_H */
