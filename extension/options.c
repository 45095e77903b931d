/*
 * options.c - a training's options from JSON, and back.
 *
 * The JSON type decides which setter of the core gets a value; the core says
 * whether the option wants that type, and what its range is.
 *
 * Members of an ensemble are an array.  A text names a detector, trained with
 * its defaults, or else a model, taken in its active version; an object says
 * more: {"algorithm": "kmeans", "options": {"k": 3}, "weight": 2} or
 * {"model": "office", "weight": 0.5}.
 */
#include "host.h"

#include "utils/builtins.h"

#include "registry.h"

/* ---- from JSON ------------------------------------------------------------ */

static double
numeric_value(const JsonbValue *v)
{
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
											  NumericGetDatum(v->val.numeric)));
}

static char *
string_value(const JsonbValue *v)
{
	return pnstrdup(v->val.string.val, v->val.string.len);
}

static void __attribute__((noreturn))
fail_member(const char *what)
{
	ereport(ERROR,
			(errcode(PGA_OPTION_VALUE),
			 errmsg("a member of an ensemble %s", what),
			 errhint("Members are names of detectors or models, or objects such as {\"algorithm\": \"kmeans\", \"options\": {\"k\": 3}, \"weight\": 2} or {\"model\": \"office\"}.")));
}

static bool
is_detector(const char *name)
{
	for (int i = 0; pga_detectors[i] != NULL; i++)
		if (strcmp(pga_detectors[i]->name, name) == 0)
			return true;
	return false;
}

static void
take_detector(pga_host *host, pga_member *member, const char *algorithm, Jsonb *options)
{
	pga_params *params = palloc0(sizeof(pga_params));

	pga_params_from_json(host, params, algorithm, options);
	if (params->detector->flags & PGA_COMPOSITE)
		fail_member("cannot be an ensemble itself");
	member->name = pstrdup(algorithm);
	member->params = params;
}

static void
take_model(pga_member *member, const char *name)
{
	bytea	   *body = pga_fetch_body(pga_find_version(name));

	member->name = pstrdup(name);
	member->bytes = VARDATA_ANY(body);
	member->len = VARSIZE_ANY_EXHDR(body);
}

static Jsonb *
empty_object(void)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

static void
read_member_object(pga_host *host, JsonbContainer *object, pga_member *member)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue	v;
	char	   *algorithm = NULL;
	char	   *model = NULL;
	Jsonb	   *options = empty_object();
	char	   *key = NULL;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			key = string_value(&v);
		if (token != WJB_VALUE)
			continue;
		if (strcmp(key, "algorithm") == 0 && v.type == jbvString)
			algorithm = string_value(&v);
		else if (strcmp(key, "model") == 0 && v.type == jbvString)
			model = string_value(&v);
		else if (strcmp(key, "weight") == 0 && v.type == jbvNumeric)
			member->weight = numeric_value(&v);
		else if (strcmp(key, "options") == 0 && v.type == jbvBinary)
			options = JsonbValueToJsonb(&v);
		else
			fail_member(psprintf("has an unknown or wrong field \"%s\"", key));
	}
	if ((algorithm == NULL) == (model == NULL))
		fail_member("must have either an algorithm or a model");
	if (algorithm)
		take_detector(host, member, algorithm, options);
	else
		take_model(member, model);
}

static void
set_members(pga_host *host, pga_params *params, const char *name, JsonbContainer *array)
{
	pga_member *members = palloc0((JsonContainerSize(array) + 1) * sizeof(pga_member));
	JsonbIterator *it = JsonbIteratorInit(array);
	JsonbIteratorToken token;
	JsonbValue	v;
	size_t		n = 0;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		members[n].weight = 1;
		if (v.type == jbvBinary && JsonContainerIsObject(v.val.binary.data))
			read_member_object(host, v.val.binary.data, &members[n]);
		else if (v.type != jbvString)
			fail_member("is neither a text nor an object");
		else if (is_detector(string_value(&v)))
			take_detector(host, &members[n], string_value(&v), empty_object());
		else
			take_model(&members[n], string_value(&v));
		n++;
	}
	pga_params_set_members(&host->ctx, params, name, members, n);
}

static void __attribute__((noreturn))
fail_type(const char *name)
{
	ereport(ERROR,
			(errcode(PGA_OPTION_VALUE),
			 errmsg("option \"%s\" must be a number, a text, true, false or an array", name)));
}

static void
set_sizes(pga_host *host, pga_params *params, const char *name, JsonbContainer *array)
{
	double	   *value = palloc((JsonContainerSize(array) + 1) * sizeof(double));
	JsonbIterator *it = JsonbIteratorInit(array);
	JsonbIteratorToken token;
	JsonbValue	v;
	size_t		n = 0;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (v.type != jbvNumeric)
			fail_type(name);
		value[n++] = numeric_value(&v);
	}
	pga_params_set_sizes(&host->ctx, params, name, value, n);
}

/* What an array is for depends on the option. */
static void
set_array(pga_host *host, pga_params *params, const char *name, JsonbContainer *array)
{
	for (const pga_param_spec *spec = params->detector->params; spec->name != NULL; spec++)
		if (spec->type == PGA_PARAM_MEMBERS && strcmp(spec->name, name) == 0)
		{
			set_members(host, params, name, array);
			return;
		}
	set_sizes(host, params, name, array);
}

static void
set_option(pga_host *host, pga_params *params, const char *name, const JsonbValue *value)
{
	pga_ctx    *ctx = &host->ctx;

	switch (value->type)
	{
		case jbvNumeric:
			pga_params_set_number(ctx, params, name, numeric_value(value));
			break;
		case jbvString:
			pga_params_set_text(ctx, params, name, string_value(value));
			break;
		case jbvBool:
			pga_params_set_bool(ctx, params, name, value->val.boolean);
			break;
		case jbvBinary:
			if (!JsonContainerIsArray(value->val.binary.data))
				fail_type(name);
			set_array(host, params, name, value->val.binary.data);
			break;
		default:
			fail_type(name);
	}
}

void
pga_params_from_json(pga_host *host, pga_params *params, const char *algorithm, Jsonb *options)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	char	   *name = NULL;

	pga_params_init(&host->ctx, params, pga_detector_by_name(&host->ctx, algorithm));
	if (!JB_ROOT_IS_OBJECT(options))
		ereport(ERROR,
				(errcode(PGA_OPTION_VALUE),
				 errmsg("options must be a JSON object"),
				 errhint("Write them as '{\"option\": value}'; anomaly_detectors() lists all.")));
	it = JsonbIteratorInit(&options->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = string_value(&v);
		else if (token == WJB_VALUE)
			set_option(host, params, name, &v);
	}
}

/* ---- to JSON -------------------------------------------------------------- */

static void
push_sizes(JsonbParseState **state, const pga_params *params, const char *name)
{
	uint32_t	sizes[PGA_MAX_SIZES];
	size_t		n = pga_param_sizes(params, name, sizes);

	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (size_t i = 0; i < n; i++)
		pga_json_element(state, sizes[i]);
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

static JsonbValue *push_options(JsonbParseState **state, const pga_params *params);

static void
push_members(JsonbParseState **state, const pga_params *params)
{
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (size_t i = 0; i < params->nmembers; i++)
	{
		const pga_member *member = &params->members[i];

		pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
		pga_json_text(state, WJB_KEY, member->params ? "algorithm" : "model");
		pga_json_text(state, WJB_VALUE, member->name);
		if (member->params)
		{
			pga_json_text(state, WJB_KEY, "options");
			push_options(state, member->params);
		}
		pga_json_text(state, WJB_KEY, "weight");
		pga_json_number(state, member->weight);
		pushJsonbValue(state, WJB_END_OBJECT, NULL);
	}
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

/* A column that was not named, and members that are defaults, are left out. */
static void
push_option(JsonbParseState **state, const pga_params *params, const pga_param_spec *spec)
{
	double		value = pga_param(params, spec->name);

	if ((spec->type == PGA_PARAM_COLUMN && pga_param_text(params, spec->name) == NULL) ||
		(spec->type == PGA_PARAM_MEMBERS && params->nmembers == 0))
		return;
	pga_json_text(state, WJB_KEY, spec->name);
	switch (spec->type)
	{
		case PGA_PARAM_CHOICE:
			pga_json_text(state, WJB_VALUE, spec->choices[(int) value]);
			break;
		case PGA_PARAM_COLUMN:
			pga_json_text(state, WJB_VALUE, pga_param_text(params, spec->name));
			break;
		case PGA_PARAM_SIZES:
			push_sizes(state, params, spec->name);
			break;
		case PGA_PARAM_MEMBERS:
			push_members(state, params);
			break;
		case PGA_PARAM_BOOL:
			{
				JsonbValue	v;

				v.type = jbvBool;
				v.val.boolean = value != 0;
				pushJsonbValue(state, WJB_VALUE, &v);
				break;
			}
		default:
			pga_json_number(state, value);
	}
}

static JsonbValue *
push_options(JsonbParseState **state, const pga_params *params)
{
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	for (const pga_param_spec *spec = pga_common_params; spec->name != NULL; spec++)
		push_option(state, params, spec);
	for (const pga_param_spec *spec = params->detector->params; spec->name != NULL; spec++)
		push_option(state, params, spec);
	return pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

Jsonb *
pga_params_to_json(const pga_params *params)
{
	JsonbParseState *state = NULL;

	return JsonbValueToJsonb(push_options(&state, params));
}
