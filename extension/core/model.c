/*
 * model.c - the envelope of a model, and scoring through it.
 *
 *	bytes	what
 *	4		"pgam"
 *	2		format of the envelope, 1
 *	2, 2	detector's tag, version of its payload
 *	...		options: count, then name and value of each
 *	...		features and preprocessing (prep.c)
 *	...		calibration (calibrate.c)
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
#define FORMAT 1

/* ---- saving ----------------------------------------------------------------- */

static void
save_params(const pga_params *params, pga_buf *buf)
{
	const pga_param_spec *spec;
	uint16_t	n = 0;

	while (pga_param_spec_at(params->detector, n) != NULL)
		n++;
	pga_put_u16(buf, n);
	for (size_t i = 0; i < n; i++)
	{
		spec = pga_param_spec_at(params->detector, i);
		pga_put_text(buf, spec->name, strlen(spec->name));
		pga_put_f64(buf, params->value[i]);
	}
}

void
pga_model_save(const pga_model *model, pga_buf *buf)
{
	pga_buf		payload = {.ctx = buf->ctx};
	size_t		start = buf->len;

	model->detector->save(model->fitted, &payload);
	pga_put_u32(buf, MAGIC);
	pga_put_u16(buf, FORMAT);
	pga_put_u16(buf, model->detector->tag);
	pga_put_u16(buf, model->detector->version);
	save_params(&model->params, buf);
	pga_prep_save(model->prep, buf);
	pga_calibration_save(model->calibration, buf);
	pga_put_u32(buf, (uint32_t) payload.len);
	pga_put(buf, payload.data, payload.len);
	pga_put_u32(buf, pga_crc32c(buf->data + start, buf->len - start));
}

/* ---- loading ----------------------------------------------------------------- */

/* Options by name: ones added since keep their defaults. */
static void
load_params(pga_reader *r, pga_params *params)
{
	uint16_t	n = pga_get_u16(r);

	for (uint16_t i = 0; i < n; i++)
	{
		uint32_t	len;
		const char *name = pga_get_text(r, 63, &len);
		double		value = pga_get_f64(r);
		const pga_param_spec *spec;
		size_t		j = 0;

		while ((spec = pga_param_spec_at(params->detector, j)) != NULL &&
			   strcmp(spec->name, name) != 0)
			j++;
		if (spec == NULL || !pga_param_accepts(spec, value))
			pga_corrupt(r, "an option is unknown or out of range");
		params->value[j] = value;
	}
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

/* Checks magic, format and checksum; leaves the reader between them. */
static void
open_envelope(pga_reader *r)
{
	const uint8_t *start = r->p;
	pga_reader	tail;

	if (r->end - r->p < 4 || pga_get_u32(r) != MAGIC)
		pga_corrupt(r, "not a model");
	if (pga_get_u16(r) != FORMAT)
		pga_corrupt(r, "its format is unknown to this version");
	if (r->end - r->p < 4)
		pga_corrupt(r, "it ends too early");
	r->end -= 4;
	tail = (pga_reader) {r->ctx, r->end, r->end + 4};
	if (pga_get_u32(&tail) != pga_crc32c(start, (size_t) (r->end - start)))
		pga_corrupt(r, "its checksum does not match");
}

pga_model *
pga_model_load(pga_ctx *ctx, const void *bytes, size_t n)
{
	pga_reader	r = {ctx, bytes, (const uint8_t *) bytes + n};
	pga_reader	payload = {.ctx = ctx};
	pga_model  *model = ctx->alloc(ctx, sizeof(pga_model));
	uint16_t	version;
	uint32_t	len;

	open_envelope(&r);
	model->detector = load_detector(&r, &version);
	pga_params_init(ctx, &model->params, model->detector);
	load_params(&r, &model->params);
	model->prep = pga_prep_load(&r);
	model->calibration = pga_calibration_load(&r);
	len = pga_get_count(&r, 1);
	payload.p = pga_get(&r, len);
	payload.end = payload.p + len;
	if (r.p != r.end)
		pga_corrupt(&r, "bytes follow its end");
	model->fitted = model->detector->load(&payload, version, model->prep->cols);
	if (payload.p != payload.end)
		pga_corrupt(&payload, "bytes follow its payload");
	pga_model_name_features(ctx, model);
	return model;
}

void
pga_model_name_features(pga_ctx *ctx, pga_model *model)
{
	size_t		n = model->prep->cols;

	model->features = ctx->alloc(ctx, pga_mul(ctx, n, sizeof(pga_feature)));
	for (size_t j = 0; j < n; j++)
		model->features[j] = model->prep->columns[j].feature;
}

/* ---- what it is ---------------------------------------------------------------- */

size_t
pga_model_nfeatures(const pga_model *model)
{
	return model->prep->cols;
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

/* Room for quantiles of any double; cut to cap by snprintf. */
size_t
pga_model_expected(const pga_model *model, size_t feature, char *out, size_t cap)
{
	const pga_column *c = &model->prep->columns[feature];
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
	const pga_column *c = &model->prep->columns[feature];
	uint32_t	n = pga_clip(text, len, PGA_MAX_TEXT);
	ptrdiff_t	k;

	if (c->feature.kind != PGA_CATEGORICAL)
		return NAN;
	k = pga_prep_category(c, pga_text_hash(text, n));
	if (k < 0 || c->categories[k].len != n || memcmp(c->categories[k].text, text, n) != 0)
		return -1;
	return (double) k;
}

/* The prepared rows come first, padded to keep what follows aligned. */
static size_t
prepared_bytes(const pga_model *model)
{
	return PGA_BLOCK * model->prep->cols * sizeof(float);
}

size_t
pga_model_scratch_bytes(const pga_model *model)
{
	return prepared_bytes(model) + model->detector->scratch_bytes(model->fitted, PGA_BLOCK);
}

void
pga_model_score(const pga_model *model, const double *raw, size_t rows,
				double *score, void *scratch)
{
	float	   *x = scratch;
	void	   *rest = (char *) scratch + prepared_bytes(model);

	while (rows > 0)
	{
		size_t		n = rows < PGA_BLOCK ? rows : PGA_BLOCK;

		pga_prep_rows(model->prep, raw, n, x);
		model->detector->score(model->fitted, x, n, score, rest);
		raw += n * model->prep->cols;
		score += n;
		rows -= n;
	}
}

double
pga_model_p_value(const pga_model *model, double score)
{
	return pga_calibration_p(model->calibration, score);
}
