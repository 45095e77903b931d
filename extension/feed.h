/* feed.h - rows of a query or of an aggregate into the core's training sample. */
#ifndef PGA_FEED_H
#define PGA_FEED_H

#include "binding.h"
#include "label.h"

typedef struct pga_feed
{
	const char *label_name;		/* NULL without a label */
	bool		with_classes;	/* the label goes into the sample; else normal rows alone do */
	pga_binding *binding;		/* features, then the columns of other roles */
	pga_label	label;
	pga_cell   *cells;			/* the row being read */
	pga_sampler *sampler;
	uint64		unlabelled,		/* rows whose label is NULL */
				anomalous,		/* rows labelled so */
				not_finite;
	int			bad_feature;	/* one that was not finite */
} pga_feed;

/*
 * For rows of this type, under the params' label, partition and order;
 * features and exclude as of anomaly_train, NULL for all and none.
 */
pga_feed   *pga_feed_create(pga_host *, TupleDesc, const pga_params *,
							ArrayType *features, ArrayType *exclude);

/* binding->ncolumns values of a row. */
void		pga_feed_row(pga_feed *, const Datum *values, const bool *isnull);

/* Warns of the rows that were not learnt from. */
void		pga_feed_warn(const pga_feed *, pga_host *);

#endif							/* PGA_FEED_H */
