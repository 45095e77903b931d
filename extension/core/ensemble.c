/*
 * ensemble.c - several models as one.
 *
 * Scores of different detectors cannot be compared, p-values can: each member
 * is calibrated on held-out rows of its own, and what is combined is its
 * surprise, -log10 p (Kriegel et al., "Interpreting and Unifying Outlier
 * Scores", SDM 2011; the mean of surprises is Fisher's method, 1932).  Mean and
 * maximum of surprises are Aggarwal & Sathe's averaging and maximisation (2017).
 * k votes of n are the k-th largest surprise: it exceeds a threshold exactly
 * when k members do.  What comes out is calibrated again, on rows that no
 * member has seen.
 *
 * A member is trained here on the ensemble's training rows, or is a model that
 * exists; either way the payload holds the whole member.  Raw rows come with
 * the ensemble's features; columns and categories are mapped to each member's
 * by name and by text.
 *
 * Payload: u8 way of combining, u16 votes, u16 members; each f64 weight, u32
 * length, envelope of the member without its checksum.
 */
#include <math.h>

#include "model.h"

enum
{
	COMBINE_MEAN, COMBINE_MAX, COMBINE_ANY, COMBINE_VOTES
};

static const char *const combine_choices[] = {"mean", "max", "any", "votes", NULL};

static const pga_param_spec ensemble_params[] = {
	{"members", PGA_PARAM_MEMBERS, 0, 0, 0, NULL,
	"Names of detectors or models, or objects with algorithm and options, or model, and weight; by default kmeans, dbscan and autoencoder."},
	{"combine", PGA_PARAM_CHOICE, COMBINE_MEAN, 0, 3, combine_choices,
	"What becomes of the members' surprises, -log10 p: their weighted mean, the largest one times its weight, the largest as it is, or the one that enough members reach."},
	{"votes", PGA_PARAM_INT, 2, 1, PGA_MAX_MEMBERS, NULL,
	"Members that have to agree when combine is votes; at most all of them."},
	{NULL, PGA_PARAM_INT, 0, 0, 0, NULL, NULL}
};

static const char *const default_members[] = {"kmeans", "dbscan", "autoencoder"};

#define DEFAULT_MEMBERS (sizeof(default_members) / sizeof(default_members[0]))

/* One member, and how the ensemble's raw rows become its own. */
typedef struct part
{
	const pga_model *model;
	double		weight;
	uint32_t   *feature;		/* [its features] the ensemble's feature */
	double	  **code;			/* [its features] by the ensemble's category, or NULL */
} part;

typedef struct ensemble
{
	part		parts[PGA_MAX_MEMBERS];
	size_t		n;
	int			combine;
	size_t		votes;
	size_t		nfeatures,		/* of the ensemble */
				most_features,	/* of any member */
				most_scratch;
	const pga_prep *prep;
} ensemble;

/* ---- mapping ------------------------------------------------------------------ */

static const pga_column *
find_feature(const pga_prep *prep, const pga_feature *f, uint32_t *place)
{
	for (*place = 0; *place < prep->nfeatures; (*place)++)
		if (prep->features[*place].feature.kind == f->kind &&
			strcmp(prep->features[*place].feature.name, f->name) == 0)
			return &prep->features[*place];
	return NULL;
}

/* The member's number of each of the ensemble's categories. */
static double *
map_categories(pga_ctx *ctx, const pga_column *from, const pga_model *to, size_t feature)
{
	double	   *code;

	if (from->feature.kind != PGA_CATEGORICAL)
		return NULL;
	code = ctx->alloc(ctx, (from->ncategories + 1) * sizeof(double));
	for (uint32_t k = 0; k < from->ncategories; k++)
		code[k] = pga_model_category(to, feature, from->categories[k].text, from->categories[k].len);
	return code;
}

/* Adds a member; the name of a feature that the ensemble lacks, or NULL. */
static const char *
add_part(pga_ctx *ctx, ensemble *e, const pga_model *model, double weight)
{
	part	   *p = &e->parts[e->n];
	size_t		nf = model->prep->nfeatures;
	size_t		scratch = pga_model_scratch_bytes(model);

	*p = (part) {.model = model, .weight = weight};
	p->feature = ctx->alloc(ctx, nf * sizeof(uint32_t));
	p->code = ctx->alloc(ctx, nf * sizeof(double *));
	for (size_t j = 0; j < nf; j++)
	{
		const pga_column *from = find_feature(e->prep, &model->features[j], &p->feature[j]);

		if (from == NULL)
			return model->features[j].name;
		p->code[j] = map_categories(ctx, from, model, j);
	}
	e->most_features = nf > e->most_features ? nf : e->most_features;
	e->most_scratch = scratch > e->most_scratch ? scratch : e->most_scratch;
	e->n++;
	return NULL;
}

/* ---- scoring ------------------------------------------------------------------ */

static size_t
aligned(size_t bytes)
{
	return (bytes + 63) & ~(size_t) 63;
}

/* Surprises of all members, a member's rows and scores, its scratch. */
static size_t
ensemble_scratch_bytes(const void *fitted, size_t rows)
{
	const ensemble *e = fitted;

	return aligned((e->n + 1) * rows * sizeof(double)) +
		aligned(rows * e->most_features * sizeof(double)) + e->most_scratch;
}

static void
take_columns(const ensemble *e, const part *p, const double *raw, size_t rows, double *own)
{
	size_t		nf = p->model->prep->nfeatures;

	for (size_t i = 0; i < rows; i++)
		for (size_t j = 0; j < nf; j++)
		{
			double		v = raw[i * e->nfeatures + p->feature[j]];

			if (p->code[j] != NULL && v >= 0)
				v = v < e->prep->features[p->feature[j]].ncategories ? p->code[j][(size_t) v] : -1;
			own[i * nf + j] = v;
		}
}

static double
weighted_mean(const ensemble *e, const double *surprise, size_t stride)
{
	double		sum = 0;
	double		weights = 0;

	for (size_t k = 0; k < e->n; k++)
	{
		sum += e->parts[k].weight * surprise[k * stride];
		weights += e->parts[k].weight;
	}
	return sum / weights;
}

static double
weighted_max(const ensemble *e, const double *surprise, size_t stride)
{
	double		max = 0;

	for (size_t k = 0; k < e->n; k++)
		max = fmax(max, e->parts[k].weight * surprise[k * stride]);
	return max;
}

/* The largest number that `votes` members reach. */
static double
kth_largest(const ensemble *e, const double *surprise, size_t stride, size_t votes)
{
	double		sorted[PGA_MAX_MEMBERS];

	for (size_t k = 0; k < e->n; k++)
	{
		size_t		i = k;

		for (; i > 0 && sorted[i - 1] < surprise[k * stride]; i--)
			sorted[i] = sorted[i - 1];
		sorted[i] = surprise[k * stride];
	}
	return sorted[(votes < e->n ? votes : e->n) - 1];
}

static void
ensemble_score(const void *fitted, const double *raw, size_t rows, double *out, void *scratch)
{
	const ensemble *e = fitted;
	double	   *surprise = scratch;
	double	   *score = surprise + e->n * rows;
	double	   *own = (double *) ((char *) scratch + aligned((e->n + 1) * rows * sizeof(double)));
	void	   *rest = (char *) own + aligned(rows * e->most_features * sizeof(double));

	for (size_t k = 0; k < e->n; k++)
	{
		take_columns(e, &e->parts[k], raw, rows, own);
		pga_model_score(e->parts[k].model, own, rows, score, rest);
		for (size_t i = 0; i < rows; i++)
			surprise[k * rows + i] = -pga_log(pga_model_p_value(e->parts[k].model, score[i]))
				/ 2.30258509299404568402;
	}
	for (size_t i = 0; i < rows; i++)
		switch (e->combine)
		{
			case COMBINE_MEAN:
				out[i] = weighted_mean(e, surprise + i, rows);
				break;
			case COMBINE_MAX:
				out[i] = weighted_max(e, surprise + i, rows);
				break;
			default:
				out[i] = kth_largest(e, surprise + i, rows, e->votes);
		}
}

/* ---- fitting ------------------------------------------------------------------- */

/* The members that were asked for, or the default ones under the ensemble's
 * common options; how many. */
static size_t
list_members(pga_ctx *ctx, const pga_params *params, pga_member *members)
{
	if (params->nmembers > 0)
	{
		memcpy(members, params->members, params->nmembers * sizeof(pga_member));
		return params->nmembers;
	}
	for (size_t k = 0; k < DEFAULT_MEMBERS; k++)
	{
		pga_params *own = ctx->alloc(ctx, sizeof(pga_params));

		pga_params_init(ctx, own, pga_detector_by_name(ctx, default_members[k]));
		for (size_t i = 0; pga_common_params[i].name != NULL; i++)
			own->value[i] = params->value[i];
		members[k] = (pga_member) {default_members[k], 1, own, NULL, 0};
	}
	return DEFAULT_MEMBERS;
}

/* All members' rows and work space stay until the end of the training. */
static size_t
ensemble_fit_bytes(pga_ctx *ctx, const pga_matrix *shape, const pga_params *params)
{
	pga_member	members[PGA_MAX_MEMBERS];
	size_t		n = list_members(ctx, params, members);
	size_t		bytes = 0;

	for (size_t k = 0; k < n; k++)
	{
		if (members[k].params == NULL)
			bytes = pga_add(ctx, bytes, pga_mul(ctx, members[k].len, 4));
		else
			bytes = pga_add(ctx, bytes,
							pga_add(ctx, pga_mul(ctx, shape->rows, (shape->cols + 16) * sizeof(float)),
									members[k].params->detector->fit_bytes(ctx, shape, members[k].params)));
	}
	return bytes;
}

static const pga_model *
make_member(pga_ctx *ctx, const pga_matrix *m, const pga_member *member)
{
	pga_report	report;
	unsigned	flags = member->params != NULL ? member->params->detector->flags
		: pga_model_flags(member->bytes, member->len);

	if (flags & (PGA_COMPOSITE | PGA_SEQUENCE))
		ctx->fail(ctx, PGA_ERR_OPTION_VALUE,
				  "A member judges each row by itself.",
				  "member \"%s\" cannot be in an ensemble", member->name);
	if (member->params != NULL)
		return pga_train_rows(ctx, m->source, member->params, &report);
	return pga_model_load(ctx, member->bytes, member->len);
}

static void *
ensemble_fit(pga_ctx *ctx, const pga_matrix *m, const pga_params *params, pga_report *report)
{
	ensemble   *e = ctx->alloc(ctx, sizeof(ensemble));
	pga_member	members[PGA_MAX_MEMBERS];
	size_t		n = list_members(ctx, params, members);

	e->prep = m->prep;
	e->nfeatures = m->prep->nfeatures;
	e->combine = (int) pga_param(params, "combine");
	e->votes = e->combine == COMBINE_VOTES ? (size_t) pga_param(params, "votes") : 1;
	for (size_t k = 0; k < n; k++)
	{
		const char *lacking = add_part(ctx, e, make_member(ctx, m, &members[k]), members[k].weight);

		if (lacking != NULL)
			ctx->fail(ctx, PGA_ERR_UNKNOWN_FEATURE,
					  "All columns that members were trained on have to be in the query, with their types.",
					  "member \"%s\" needs the column \"%s\"", members[k].name, lacking);
	}
	if (e->votes > n)
		ctx->warn(ctx, "%zu votes of %zu members: all have to agree", e->votes, n);
	return e;
}

/* ---- saving and loading ----------------------------------------------------------- */

static void
ensemble_save(const void *fitted, pga_buf *buf)
{
	const ensemble *e = fitted;

	pga_put_u8(buf, (uint8_t) e->combine);
	pga_put_u16(buf, (uint16_t) e->votes);
	pga_put_u16(buf, (uint16_t) e->n);
	for (size_t k = 0; k < e->n; k++)
	{
		pga_buf		member = {.ctx = buf->ctx};

		pga_model_put(e->parts[k].model, &member);
		pga_put_f64(buf, e->parts[k].weight);
		pga_put_u32(buf, (uint32_t) member.len);
		pga_put(buf, member.data, member.len);
	}
}

static void *
ensemble_load(pga_reader *r, unsigned version, const pga_matrix *shape)
{
	ensemble   *e = r->ctx->alloc(r->ctx, sizeof(ensemble));
	uint16_t	n;

	e->prep = shape->prep;
	e->nfeatures = shape->prep->nfeatures;
	e->combine = pga_get_u8(r);
	e->votes = pga_get_u16(r);
	n = pga_get_u16(r);
	if (e->combine > COMBINE_VOTES || e->votes < 1 || n < 1 || n > PGA_MAX_MEMBERS)
		pga_corrupt(r, "an ensemble is out of range");
	for (uint16_t k = 0; k < n; k++)
	{
		double		weight = pga_get_f64(r);
		uint32_t	len = pga_get_count(r, 1);
		const uint8_t *bytes = pga_get(r, len);
		const pga_model *model;

		if (!(weight > 0 && weight <= 1e6))
			pga_corrupt(r, "a weight is out of range");
		if (pga_model_flags(bytes, len) & (PGA_COMPOSITE | PGA_SEQUENCE))
			pga_corrupt(r, "a member cannot be in an ensemble");
		model = pga_model_get(r->ctx, bytes, len);
		if (add_part(r->ctx, e, model, weight) != NULL)
			pga_corrupt(r, "a member's feature is unknown");
	}
	return e;
}

const pga_detector pga_ensemble = {
	.name = "ensemble",
	.tag = 10,
	.version = 1,
	.flags = PGA_COMPOSITE,
	.summary = "Several detectors as one, by their p-values.",
	.reference = "Kriegel, Kroeger, Schubert & Zimek 2011; Aggarwal & Sathe 2017",
	.params = ensemble_params,
	.fit_bytes = ensemble_fit_bytes,
	.fit = ensemble_fit,
	.scratch_bytes = ensemble_scratch_bytes,
	.score_raw = ensemble_score,
	.save = ensemble_save,
	.load = ensemble_load,
};
