/*
 * feed.c - rows of a query or of an aggregate into the core's training sample.
 *
 * With a label, a detector that learns classes gets every row with its class,
 * any other the normal rows alone.
 */
#include "feed.h"

pga_feed *
pga_feed_create(pga_host *host, TupleDesc desc, const pga_params *params,
				ArrayType *features, ArrayType *exclude)
{
	pga_feed   *feed = palloc0(sizeof(pga_feed));
	pga_binding *b = pga_bind_training(host, desc, features, exclude, params);

	feed->binding = b;
	feed->label_name = pga_param_text(params, "label");
	feed->with_classes = (params->detector->flags & (PGA_SUPERVISED | PGA_COMPOSITE)) != 0;
	if (feed->label_name)
	{
		feed->label = pga_bind_label(desc, feed->label_name);
		b->ncolumns = Max(b->ncolumns, feed->label.column + 1);
	}
	feed->cells = palloc0(b->nfeatures * sizeof(pga_cell));
	feed->sampler = pga_sampler_create(&host->ctx, b->features, (size_t) b->nfeatures, params);
	return feed;
}

/* Is this a row to learn from?  Counts those that are not. */
static bool
is_wanted(pga_feed *feed, const Datum *values, const bool *isnull)
{
	switch (pga_read_label(&feed->label, values, isnull))
	{
		case PGA_NORMAL:
			return true;
		case PGA_ANOMALOUS:
			feed->anomalous++;
			return feed->with_classes;
		default:
			feed->unlabelled++;
			pga_sampler_skip(feed->sampler);
			return false;
	}
}

void
pga_feed_row(pga_feed *feed, const Datum *values, const bool *isnull)
{
	pga_binding *b = feed->binding;
	int			bad;

	if (feed->label_name && !is_wanted(feed, values, isnull))
		return;
	bad = pga_read_cells(b, values, isnull, feed->cells);
	if (bad >= 0)
	{
		feed->bad_feature = bad;
		feed->not_finite++;
		pga_sampler_skip(feed->sampler);
		return;
	}
	for (int i = 0; i < b->nfeatures && feed->label_name; i++)
		if (b->features[i].role == PGA_TARGET)
		{
			feed->cells[i].text = pga_label_class(&feed->label, values, isnull, &feed->cells[i].len);
			feed->cells[i].missing = false;
		}
	pga_sampler_add(feed->sampler, feed->cells);
}

void
pga_feed_warn(const pga_feed *feed, pga_host *host)
{
	pga_ctx    *ctx = &host->ctx;

	if (feed->not_finite > 0)
		ctx->warn(ctx, "%llu rows skipped: NaN or infinity, among others in column \"%s\"",
				  (unsigned long long) feed->not_finite,
				  feed->binding->features[feed->bad_feature].name);
	if (feed->unlabelled > 0)
		ctx->warn(ctx, "%llu rows skipped: label \"%s\" is null",
				  (unsigned long long) feed->unlabelled, feed->label_name);
	if (feed->label_name && feed->anomalous == 0)
		ctx->warn(ctx, "no row is labelled anomalous: the areas under the curves are unknown");
}
