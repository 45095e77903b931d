/*
 * params.c - options: typed, ranged, documented by their specification.
 *
 * A pga_params holds one number per option: the common ones first, then the
 * detector's, in the order of their lists.  The lists feed the errors here,
 * the envelope of a model and the SQL function that shows them.
 */
#include "core.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "params.h"

static const char *const missing_choices[] = {"impute", "skip", "error", NULL};

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
	}
}

double
pga_param(const pga_params *params, const char *name)
{
	int			i = find(params->detector, name);

	return i < 0 ? NAN : params->value[i];
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

void
pga_params_set_number(pga_ctx *ctx, pga_params *params, const char *name, double value)
{
	int			i = find_or_fail(ctx, params->detector, name);
	const pga_param_spec *spec = pga_param_spec_at(params->detector, (size_t) i);

	if (spec->type == PGA_PARAM_BOOL || spec->type == PGA_PARAM_CHOICE)
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
	wrong_type(ctx, spec);
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
