/*
 * params.c - options: typed, ranged, documented by their specification.
 *
 * A pga_params holds one number or text per option: the common ones first,
 * then the detector's, in the order of their lists.  The lists feed the errors
 * here, the envelope of a model and the SQL function that shows them.
 *
 * Widths of layers are kept as text, "128, 64", in one canonical form.
 */
#include "core.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "params.h"

static const char *const missing_choices[] = {"impute", "skip", "error", NULL};
static const char *const scaling_choices[] = {"auto", "none", "standard", "robust", "minmax", NULL};
static const char *const encoding_choices[] = {"auto", "frequency", "one_hot", "ordinal", NULL};
static const char *const log1p_choices[] = {"auto", "none", "all", NULL};

const pga_param_spec pga_common_params[] = {
	{"seed", PGA_PARAM_INT, 42, 0, 9007199254740991.0, NULL,
	"Seed of every random choice; the same rows, options and seed give the same model."},
	{"contamination", PGA_PARAM_REAL, 0.01, 1e-6, 0.5, NULL,
	"Share of rows like the training rows that may exceed the threshold."},
	{"holdout", PGA_PARAM_REAL, 0.25, 0.1, 0.5, NULL,
	"Share of the training rows kept aside to calibrate p-values on."},
	{"max_rows", PGA_PARAM_INT, 65536, PGA_LEAST_MAX_ROWS, PGA_MOST_MAX_ROWS, NULL,
	"Most distinct training rows held in memory; beyond it a random sample is kept."},
	{"missing", PGA_PARAM_CHOICE, PGA_MISSING_IMPUTE, 0, 2, missing_choices,
	"What training does with a row that has a NULL: fill it in, skip the row, or fail."},
	{"scaling", PGA_PARAM_CHOICE, PGA_AUTO, 0, 4, scaling_choices,
	"How numbers are centred and scaled: mean and deviation, median and quartiles, range; auto is as the detector wants it."},
	{"encoding", PGA_PARAM_CHOICE, PGA_AUTO, 0, 3, encoding_choices,
	"How texts become numbers: logarithm of their share, a column each, or their place in the alphabet."},
	{"log1p", PGA_PARAM_CHOICE, PGA_AUTO, 0, 2, log1p_choices,
	"Which columns are taken as ln(1 + x): as the detector wants it, none, or all that are never negative."},
	{"label", PGA_PARAM_COLUMN, 0, 0, 0, NULL,
	"Column that tells normal rows from others; anomaly_train has an argument for it."},
	{NULL, PGA_PARAM_INT, 0, 0, 0, NULL, NULL}
};

const pga_param_spec *
pga_param_spec_at(const pga_detector *detector, size_t i)
{
	const pga_param_spec *spec = pga_common_params;

	while (spec->name != NULL && i > 0)
	{
		spec++;
		i--;
	}
	if (spec->name != NULL)
		return spec;
	for (spec = detector->params; spec->name != NULL && i > 0; i--)
		spec++;
	return spec->name != NULL ? spec : NULL;
}

/* The option's place in value[], or -1. */
static int
find(const pga_detector *detector, const char *name)
{
	const pga_param_spec *spec;

	for (int i = 0; (spec = pga_param_spec_at(detector, (size_t) i)) != NULL; i++)
		if (strcmp(spec->name, name) == 0)
			return i;
	return -1;
}

bool
pga_param_accepts(const pga_param_spec *spec, double value)
{
	if (!(value >= spec->min && value <= spec->max))
		return false;
	return spec->type == PGA_PARAM_REAL || value == floor(value);
}

void
pga_params_init(pga_ctx *ctx, pga_params *params, const pga_detector *detector)
{
	const pga_param_spec *spec;

	params->detector = detector;
	for (size_t i = 0; (spec = pga_param_spec_at(detector, i)) != NULL; i++)
	{
		if (i >= PGA_MAX_PARAMS)
			ctx->fail(ctx, PGA_ERR_OPTION_VALUE, NULL,
					  "detector \"%s\" has more than %d options",
					  detector->name, PGA_MAX_PARAMS);
		params->value[i] = spec->def;
		params->text[i] = spec->type == PGA_PARAM_SIZES ? spec->choices[0] : NULL;
	}
	params->members = NULL;
	params->nmembers = 0;
}

double
pga_param(const pga_params *params, const char *name)
{
	int			i = find(params->detector, name);

	return i < 0 ? NAN : params->value[i];
}

const char *
pga_param_text(const pga_params *params, const char *name)
{
	int			i = find(params->detector, name);

	return i < 0 ? NULL : params->text[i];
}

size_t
pga_param_sizes(const pga_params *params, const char *name, uint32_t out[PGA_MAX_SIZES])
{
	const char *p = pga_param_text(params, name);
	size_t		n = 0;

	while (p != NULL && *p != '\0' && n < PGA_MAX_SIZES)
	{
		char	   *end;

		out[n++] = (uint32_t) strtoul(p, &end, 10);
		p = *end == ',' ? end + 1 : end;
	}
	return n;
}

/* Is text what pga_params_set_sizes would have written? */
static bool
accepts_sizes(const pga_param_spec *spec, const char *text)
{
	const char *p = text;

	for (int n = 0; n < PGA_MAX_SIZES; n++)
	{
		unsigned long value;
		char	   *end;

		if (*p < '1' || *p > '9')
			return false;
		value = strtoul(p, &end, 10);
		if (end - p > 9 || (double) value < spec->min || (double) value > spec->max)
			return false;
		if (*end == '\0')
			return true;
		if (end[0] != ',' || end[1] != ' ')
			return false;
		p = end + 2;
	}
	return false;
}

bool
pga_param_accepts_text(const pga_param_spec *spec, const char *text)
{
	if (spec->type == PGA_PARAM_SIZES)
		return accepts_sizes(spec, text);
	return spec->type == PGA_PARAM_COLUMN && text[0] != '\0';
}

bool
pga_param_is_text(const pga_param_spec *spec)
{
	return spec->type == PGA_PARAM_SIZES || spec->type == PGA_PARAM_COLUMN;
}

/* ---- setting, with errors that say what would be right ------------------- */

/* Appends to a fixed buffer; what does not fit is cut. */
static void
append(char *out, size_t cap, const char *sep, const char *item)
{
	size_t		len = strlen(out);

	snprintf(out + len, cap - len, "%s%s", len > 0 ? sep : "", item);
}

static int
find_or_fail(pga_ctx *ctx, const pga_detector *detector, const char *name)
{
	int			i = find(detector, name);

	if (i < 0)
	{
		char		list[1024] = "";
		char		hint[1100];
		const pga_param_spec *spec;

		for (size_t j = 0; (spec = pga_param_spec_at(detector, j)) != NULL; j++)
			append(list, sizeof(list), ", ", spec->name);
		snprintf(hint, sizeof(hint), "The options are: %s.", list);
		ctx->fail(ctx, PGA_ERR_UNKNOWN_OPTION, hint,
				  "detector \"%s\" has no option \"%s\"", detector->name, name);
	}
	return i;
}

static void __attribute__((noreturn))
wrong_type(pga_ctx *ctx, const pga_param_spec *spec)
{
	static const char *const names[] = {
		[PGA_PARAM_INT] = "an integer",
		[PGA_PARAM_REAL] = "a number",
		[PGA_PARAM_BOOL] = "true or false",
		[PGA_PARAM_SIZES] = "an array of a few whole numbers",
		[PGA_PARAM_COLUMN] = "the name of a column",
		[PGA_PARAM_MEMBERS] = "an array of detectors and models",
	};
	char		list[256] = "";
	const char *what = list;

	if (spec->type == PGA_PARAM_CHOICE)
		for (size_t i = 0; spec->choices[i] != NULL; i++)
			append(list, sizeof(list), spec->choices[i + 1] ? ", " : " or ",
				   spec->choices[i]);
	else
		what = names[spec->type];
	ctx->fail(ctx, PGA_ERR_OPTION_VALUE, spec->doc,
			  "option \"%s\" must be %s", spec->name, what);
}

static const char *
copy_text(pga_ctx *ctx, const char *text)
{
	size_t		size = strlen(text) + 1;

	return memcpy(ctx->alloc(ctx, size), text, size);
}

void
pga_params_set_number(pga_ctx *ctx, pga_params *params, const char *name, double value)
{
	int			i = find_or_fail(ctx, params->detector, name);
	const pga_param_spec *spec = pga_param_spec_at(params->detector, (size_t) i);

	if (spec->type != PGA_PARAM_INT && spec->type != PGA_PARAM_REAL)
		wrong_type(ctx, spec);
	if (!(value >= spec->min && value <= spec->max))
		ctx->fail(ctx, PGA_ERR_OPTION_VALUE, spec->doc,
				  "option \"%s\" is %.15g but must be between %.15g and %.15g",
				  name, value, spec->min, spec->max);
	if (!pga_param_accepts(spec, value))
		wrong_type(ctx, spec);
	params->value[i] = value;
}

void
pga_params_set_text(pga_ctx *ctx, pga_params *params, const char *name, const char *value)
{
	int			i = find_or_fail(ctx, params->detector, name);
	const pga_param_spec *spec = pga_param_spec_at(params->detector, (size_t) i);

	if (spec->type == PGA_PARAM_CHOICE)
		for (size_t c = 0; spec->choices[c] != NULL; c++)
			if (strcmp(spec->choices[c], value) == 0)
			{
				params->value[i] = (double) c;
				return;
			}
	if (spec->type != PGA_PARAM_COLUMN || value[0] == '\0')
		wrong_type(ctx, spec);
	params->text[i] = copy_text(ctx, value);
}

void
pga_params_set_bool(pga_ctx *ctx, pga_params *params, const char *name, bool value)
{
	int			i = find_or_fail(ctx, params->detector, name);
	const pga_param_spec *spec = pga_param_spec_at(params->detector, (size_t) i);

	if (spec->type != PGA_PARAM_BOOL)
		wrong_type(ctx, spec);
	params->value[i] = value;
}

void
pga_params_set_sizes(pga_ctx *ctx, pga_params *params, const char *name,
					 const double *value, size_t n)
{
	int			i = find_or_fail(ctx, params->detector, name);
	const pga_param_spec *spec = pga_param_spec_at(params->detector, (size_t) i);
	char		text[16 * PGA_MAX_SIZES] = "";

	if (spec->type != PGA_PARAM_SIZES)
		wrong_type(ctx, spec);
	if (n < 1 || n > PGA_MAX_SIZES)
		ctx->fail(ctx, PGA_ERR_OPTION_VALUE, spec->doc,
				  "option \"%s\" has %zu numbers but must have 1 to %d", name, n, PGA_MAX_SIZES);
	for (size_t k = 0; k < n; k++)
	{
		char		number[16];

		if (!(value[k] >= spec->min && value[k] <= spec->max && value[k] == floor(value[k])))
			ctx->fail(ctx, PGA_ERR_OPTION_VALUE, spec->doc,
					  "option \"%s\" has a %.15g but its numbers must be whole, between %.15g and %.15g",
					  name, value[k], spec->min, spec->max);
		snprintf(number, sizeof(number), "%.0f", value[k]);
		append(text, sizeof(text), ", ", number);
	}
	params->text[i] = copy_text(ctx, text);
}

void
pga_params_set_members(pga_ctx *ctx, pga_params *params, const char *name,
					   const pga_member *members, size_t n)
{
	int			i = find_or_fail(ctx, params->detector, name);
	const pga_param_spec *spec = pga_param_spec_at(params->detector, (size_t) i);

	if (spec->type != PGA_PARAM_MEMBERS)
		wrong_type(ctx, spec);
	if (n < 1 || n > PGA_MAX_MEMBERS)
		ctx->fail(ctx, PGA_ERR_OPTION_VALUE, spec->doc,
				  "option \"%s\" has %zu members but must have 1 to %d", name, n, PGA_MAX_MEMBERS);
	for (size_t k = 0; k < n; k++)
		if (!(members[k].weight > 0 && members[k].weight <= 1e6))
			ctx->fail(ctx, PGA_ERR_OPTION_VALUE, spec->doc,
					  "member \"%s\" has a weight of %.15g but it must be above 0 and at most 1000000",
					  members[k].name, members[k].weight);
	params->members = members;
	params->nmembers = n;
}
