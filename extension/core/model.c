/*
 * model.c - the envelope of a model, and scoring through it.
 *
 *	bytes	what
 *	4		"pgam"
 *	2		format of the envelope, 2
 *	2, 2	detector's tag, version of its payload
 *	...		options that are numbers: count, then name and value of each
 *	...		options that are texts, the same (since format 2)
 *	...		features and preprocessing (prep.c)
 *	...		calibration (calibrate.c)
 *	...		classes: count, their names, u32 the normal one (since format 2)
 *	4, ...	length of the detector's payload, payload
 *	4		CRC-32C of all before
 *
 * The checksum finds accidents, not malice: everything else is checked as if
 * it were not there.
 */
#include "model.h"

#include <math.h>
#include <stdio.h>

#include "params.h"

#define MAGIC UINT32_C(0x6d616770)	/* "pgam" */
#define FORMAT 2

/* ---- saving ----------------------------------------------------------------- */

/* Members are models, and these are in the payload. */
static bool
is_number(const pga_param_spec *spec)
{
	return !pga_param_is_text(spec) && spec->type != PGA_PARAM_MEMBERS;
}

static void
save_params(const pga_params *params, pga_buf *buf)
{
	const pga_param_spec *spec;
	uint16_t	numbers = 0;
	uint16_t	texts = 0;

	for (size_t i = 0; (spec = pga_param_spec_at(params->detector, i)) != NULL; i++)
	{
		if (is_number(spec))
			numbers++;
		if (params->text[i] != NULL)
			texts++;
	}
	pga_put_u16(buf, numbers);
	for (size_t i = 0; (spec = pga_param_spec_at(params->detector, i)) != NULL; i++)
	{
		if (!is_number(spec))
			continue;
		pga_put_text(buf, spec->name, strlen(spec->name));
		pga_put_f64(buf, params->value[i]);
	}
	pga_put_u16(buf, texts);
	for (size_t i = 0; (spec = pga_param_spec_at(params->detector, i)) != NULL; i++)
	{
		if (params->text[i] == NULL)
			continue;
		pga_put_text(buf, spec->name, strlen(spec->name));
		pga_put_text(buf, params->text[i], strlen(params->text[i]));
	}
}

static void
save_classes(const pga_model *model, pga_buf *buf)
{
	pga_put_u32(buf, (uint32_t) model->nclasses);
	for (size_t i = 0; i < model->nclasses; i++)
		pga_put_text(buf, model->classes[i], strlen(model->classes[i]));
	if (model->nclasses > 0)
		pga_put_u32(buf, (uint32_t) model->normal);
}

void
pga_model_put(const pga_model *model, pga_buf *buf)
{
	pga_buf		payload = {.ctx = buf->ctx};

	model->detector->save(model->fitted, &payload);
	pga_put_u32(buf, MAGIC);
	pga_put_u16(buf, FORMAT);
	pga_put_u16(buf, model->detector->tag);
	pga_put_u16(buf, model->detector->version);
	save_params(&model->params, buf);
	pga_prep_save(model->prep, buf);
	pga_calibration_save(model->calibration, buf);
	save_classes(model, buf);
	pga_put_u32(buf, (uint32_t) payload.len);
	pga_put(buf, payload.data, payload.len);
}

void
pga_model_save(const pga_model *model, pga_buf *buf)
{
	size_t		start = buf->len;

	pga_model_put(model, buf);
	pga_put_u32(buf, pga_crc32c(buf->data + start, buf->len - start));
}

/* ---- loading ----------------------------------------------------------------- */

/* The place of an option by name. */
static size_t
find_option(pga_reader *r, const pga_params *params, const pga_param_spec **spec)
{
	uint32_t	len;
	const char *name = pga_get_text(r, 63, &len);
	size_t		i = 0;

	while ((*spec = pga_param_spec_at(params->detector, i)) != NULL &&
		   strcmp((*spec)->name, name) != 0)
		i++;
	if (*spec == NULL)
		pga_corrupt(r, "an option is unknown");
	return i;
}

/* Options by name: ones added since keep their defaults. */
static void
load_params(pga_reader *r, unsigned format, pga_params *params)
{
	const pga_param_spec *spec;
	uint16_t	n = pga_get_u16(r);

	for (uint16_t k = 0; k < n; k++)
	{
		size_t		i = find_option(r, params, &spec);

		params->value[i] = pga_get_f64(r);
		if (!is_number(spec) || !pga_param_accepts(spec, params->value[i]))
			pga_corrupt(r, "an option is out of range");
	}
	n = format >= 2 ? pga_get_u16(r) : 0;
	for (uint16_t k = 0; k < n; k++)
	{
		size_t		i = find_option(r, params, &spec);
		uint32_t	len;

		params->text[i] = pga_get_text(r, PGA_MAX_TEXT, &len);
		if (!pga_param_is_text(spec) || !pga_param_accepts_text(spec, params->text[i]))
			pga_corrupt(r, "an option is out of range");
	}
}

static void
load_classes(pga_reader *r, unsigned format, pga_model *model)
{
	bool		supervised = (model->detector->flags & PGA_SUPERVISED) != 0;

	if (format >= 2)
		model->nclasses = pga_get_count(r, 4);
	if (supervised ? model->nclasses < 2 : model->nclasses > 0 && !(model->detector->flags & PGA_COMPOSITE))
		pga_corrupt(r, "a number of classes is out of range");
	if (model->nclasses == 0)
		return;
	model->classes = r->ctx->alloc(r->ctx, model->nclasses * sizeof(char *));
	for (size_t i = 0; i < model->nclasses; i++)
	{
		uint32_t	len;

		model->classes[i] = pga_get_text(r, PGA_MAX_TEXT, &len);
	}
	model->normal = pga_get_u32(r);
	if (model->nclasses > PGA_MAX_CLASSES || model->normal >= model->nclasses)
		pga_corrupt(r, "a class is out of range");
}

static const pga_detector *
load_detector(pga_reader *r, uint16_t *version)
{
	const pga_detector *detector = pga_detector_by_tag(pga_get_u16(r));

	*version = pga_get_u16(r);
	if (detector == NULL)
		pga_corrupt(r, "its detector is unknown to this version");
	if (*version < 1 || *version > detector->version)
		pga_corrupt(r, "its detector is of a version unknown to this one");
	return detector;
}

/* Checks magic and format. */
static unsigned
open_envelope(pga_reader *r)
{
	unsigned	format;

	if (r->end - r->p < 4 || pga_get_u32(r) != MAGIC)
		pga_corrupt(r, "not a model");
	format = pga_get_u16(r);
	if (format < 1 || format > FORMAT)
		pga_corrupt(r, "its format is unknown to this version");
	return format;
}

pga_model *
pga_model_get(pga_ctx *ctx, const void *bytes, size_t n)
{
	pga_reader	r = {ctx, bytes, (const uint8_t *) bytes + n};
	pga_reader	payload = {.ctx = ctx};
	pga_model  *model = ctx->alloc(ctx, sizeof(pga_model));
	pga_matrix	shape = {0};
	unsigned	format = open_envelope(&r);
	uint16_t	version;
	uint32_t	len;

	model->detector = load_detector(&r, &version);
	pga_params_init(ctx, &model->params, model->detector);
	load_params(&r, format, &model->params);
	model->prep = pga_prep_load(&r, format);
	model->calibration = pga_calibration_load(&r);
	load_classes(&r, format, model);
	len = pga_get_count(&r, 1);
	payload.p = pga_get(&r, len);
	payload.end = payload.p + len;
	if (r.p != r.end)
		pga_corrupt(&r, "bytes follow its end");
	shape.cols = model->prep->cols;
	shape.prep = model->prep;
	shape.classes = model->nclasses;
	shape.normal = model->normal;
	model->fitted = model->detector->load(&payload, version, &shape);
	if (payload.p != payload.end)
		pga_corrupt(&payload, "bytes follow its payload");
	pga_model_name_features(ctx, model);
	return model;
}

pga_model *
pga_model_load(pga_ctx *ctx, const void *bytes, size_t n)
{
	pga_reader	r = {ctx, bytes, (const uint8_t *) bytes + n};

	(void) open_envelope(&r);
	if (r.end - r.p < 4)
		pga_corrupt(&r, "it ends too early");
	r.p = r.end - 4;
	if (pga_get_u32(&r) != pga_crc32c(bytes, n - 4))
		pga_corrupt(&r, "its checksum does not match");
	return pga_model_get(ctx, bytes, n - 4);
}

/* The tag stands behind magic and format. */
unsigned
pga_model_flags(const uint8_t *bytes, size_t n)
{
	const pga_detector *detector =
		n < 8 ? NULL : pga_detector_by_tag((uint16_t) (bytes[6] | bytes[7] << 8));

	return detector != NULL ? detector->flags : 0;
}

void
pga_model_name_features(pga_ctx *ctx, pga_model *model)
{
	size_t		n = model->prep->nfeatures;

	model->features = ctx->alloc(ctx, pga_mul(ctx, n, sizeof(pga_feature)));
	for (size_t j = 0; j < n; j++)
		model->features[j] = model->prep->features[j].feature;
}

/* ---- what it is ---------------------------------------------------------------- */

size_t
pga_model_nfeatures(const pga_model *model)
{
	return model->prep->nfeatures;
}

const pga_feature *
pga_model_features(const pga_model *model)
{
	return model->features;
}

double
pga_model_threshold(const pga_model *model)
{
	return model->calibration->threshold;
}

const pga_detector *
pga_model_detector(const pga_model *model)
{
	return model->detector;
}

const pga_params *
pga_model_params(const pga_model *model)
{
	return &model->params;
}

size_t
pga_model_classes(const pga_model *model, const char *const **names)
{
	*names = model->classes;
	return model->nclasses;
}

size_t
pga_model_normal(const pga_model *model)
{
	return model->normal;
}

size_t
pga_model_history(const pga_model *model)
{
	return model->detector->history != NULL ? model->detector->history(model->fitted) : 0;
}

/* Room for quantiles of any double; cut to cap by snprintf. */
size_t
pga_model_expected(const pga_model *model, size_t feature, char *out, size_t cap)
{
	const pga_column *c = &model->prep->features[feature];
	int			len;

	switch (c->feature.kind)
	{
		case PGA_CATEGORICAL:
			{
				const pga_category *mode = &c->categories[c->mode];
				uint32_t	fits = pga_clip(mode->text, mode->len, cap > 16 ? cap - 16 : 0);

				len = snprintf(out, cap, "%.*s (%.0f %%)", (int) fits, mode->text, 100 * c->share);
				break;
			}
		case PGA_BOOLEAN:
			len = snprintf(out, cap, "%s (%.0f %%)", c->share >= 0.5 ? "true" : "false",
						   100 * fmax(c->share, 1 - c->share));
			break;
		case PGA_INTERVAL:
			len = snprintf(out, cap, "%.6g s (%.6g to %.6g)", c->median, c->q05, c->q95);
			break;
		default:
			len = snprintf(out, cap, "%.6g (%.6g to %.6g)", c->median, c->q05, c->q95);
	}
	return (size_t) len < cap ? (size_t) len : cap - 1;
}

/* ---- scoring --------------------------------------------------------------------- */

double
pga_model_category(const pga_model *model, size_t feature, const char *text, size_t len)
{
	const pga_column *c = &model->prep->features[feature];
	uint32_t	n = pga_clip(text, len, PGA_MAX_TEXT);
	ptrdiff_t	k;

	if (c->feature.kind != PGA_CATEGORICAL)
		return NAN;
	k = pga_prep_category(c, pga_text_hash(text, n));
	if (k < 0 || c->categories[k].len != n || memcmp(c->categories[k].text, text, n) != 0)
		return -1;
	return (double) k;
}

/*
 * Scratch: prepared rows, probabilities of a supervised model, then what the
 * detector wants; each part begins at a cache line of the scratch.
 */
static size_t
aligned(size_t bytes)
{
	return (bytes + 63) & ~(size_t) 63;
}

static size_t
prepared_bytes(const pga_model *model)
{
	return aligned((PGA_BLOCK + pga_model_history(model)) * model->prep->cols * sizeof(float));
}

static size_t
probability_bytes(const pga_model *model)
{
	return model->detector->score != NULL ? 0 : aligned(PGA_BLOCK * model->nclasses * sizeof(double));
}

size_t
pga_model_scratch_bytes(const pga_model *model)
{
	return prepared_bytes(model) + probability_bytes(model) +
		model->detector->scratch_bytes(model->fitted, PGA_BLOCK);
}

/* At most PGA_BLOCK rows. */
static void
score_block(const pga_model *model, const double *raw, size_t rows, double *score, char *scratch)
{
	const pga_detector *d = model->detector;
	float	   *x = (float *) scratch;
	double	   *p = (double *) (scratch + prepared_bytes(model));
	void	   *rest = scratch + prepared_bytes(model) + probability_bytes(model);

	if (d->score_raw != NULL)
	{
		d->score_raw(model->fitted, raw, rows, score, rest);
		return;
	}
	pga_prep_rows(model->prep, raw, rows, x);
	if (d->score != NULL)
	{
		d->score(model->fitted, x, rows, score, rest);
		return;
	}
	d->classify(model->fitted, x, rows, p, rest);
	for (size_t i = 0; i < rows; i++)
		score[i] = 1 - p[i * model->nclasses + model->normal];
}

void
pga_model_score(const pga_model *model, const double *raw, size_t rows,
				double *score, void *scratch)
{
	while (rows > 0)
	{
		size_t		n = rows < PGA_BLOCK ? rows : PGA_BLOCK;

		score_block(model, raw, n, score, scratch);
		raw += n * model->prep->nfeatures;
		score += n;
		rows -= n;
	}
}

void
pga_model_score_series(const pga_model *model, const double *raw, size_t rows,
					   size_t context, double *score, void *scratch)
{
	size_t		nf = model->prep->nfeatures;
	size_t		history = pga_model_history(model);
	float	   *x = scratch;
	void	   *rest = (char *) scratch + prepared_bytes(model) + probability_bytes(model);

	if (model->detector->score_series == NULL)
	{
		pga_model_score(model, raw + context * nf, rows - context, score, scratch);
		return;
	}
	while (context < rows)
	{
		size_t		back = context < history ? context : history;
		size_t		n = rows - context < PGA_BLOCK ? rows - context : PGA_BLOCK;

		pga_prep_rows(model->prep, raw + (context - back) * nf, back + n, x);
		model->detector->score_series(model->fitted, x, back + n, back, score, rest);
		context += n;
		score += n;
	}
}

void
pga_model_classify(const pga_model *model, const double *raw, size_t rows,
				   double *probability, void *scratch)
{
	float	   *x = scratch;
	void	   *rest = (char *) scratch + prepared_bytes(model) + probability_bytes(model);

	while (rows > 0)
	{
		size_t		n = rows < PGA_BLOCK ? rows : PGA_BLOCK;

		pga_prep_rows(model->prep, raw, n, x);
		model->detector->classify(model->fitted, x, n, probability, rest);
		raw += n * model->prep->nfeatures;
		probability += n * model->nclasses;
		rows -= n;
	}
}

size_t
pga_most_likely(const double *probability, size_t classes)
{
	size_t		best = 0;

	for (size_t c = 1; c < classes; c++)
		if (probability[c] > probability[best])
			best = c;
	return best;
}

double
pga_model_p_value(const pga_model *model, double score)
{
	return pga_calibration_p(model->calibration, score);
}
