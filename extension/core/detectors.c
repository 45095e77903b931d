/*
 * detectors.c - THE table.  A new detector is one file and one line here;
 * the registry, SQL, contract tests, fuzzing and documentation follow from it.
 */
#include "core.h"

#include <stdio.h>
#include <string.h>

extern const pga_detector pga_dbscan;
extern const pga_detector pga_isolation_forest;
extern const pga_detector pga_kmeans;
extern const pga_detector pga_lof;
extern const pga_detector pga_random_forest;
extern const pga_detector pga_dnn;
extern const pga_detector pga_autoencoder;
extern const pga_detector pga_lstm;
extern const pga_detector pga_seasonal;
extern const pga_detector pga_ensemble;

const pga_detector *const pga_detectors[] = {
	&pga_isolation_forest,
	&pga_dbscan,
	&pga_kmeans,
	&pga_lof,
	&pga_random_forest,
	&pga_dnn,
	&pga_autoencoder,
	&pga_lstm,
	&pga_seasonal,
	&pga_ensemble,
	NULL
};

const pga_detector *
pga_detector_by_name(pga_ctx *ctx, const char *name)
{
	char		hint[1024] = "The detectors are: ";
	size_t		len = strlen(hint);

	for (size_t i = 0; pga_detectors[i] != NULL; i++)
	{
		if (strcmp(pga_detectors[i]->name, name) == 0)
			return pga_detectors[i];
		if (len < sizeof(hint))
			len += (size_t) snprintf(hint + len, sizeof(hint) - len, "%s%s",
									 i > 0 ? ", " : "", pga_detectors[i]->name);
	}
	if (len < sizeof(hint))
		snprintf(hint + len, sizeof(hint) - len, ".");
	ctx->fail(ctx, PGA_ERR_UNKNOWN_DETECTOR, hint, "unknown detector \"%s\"", name);
}

const pga_detector *
pga_detector_by_tag(uint16_t tag)
{
	for (size_t i = 0; pga_detectors[i] != NULL; i++)
		if (pga_detectors[i]->tag == tag)
			return pga_detectors[i];
	return NULL;
}
