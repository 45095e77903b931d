/*
 * registry.c - models by name.
 *
 * anomaly.model has one row per name with its active version, and
 * anomaly.model_version one row per version, never changed.  Both are ordinary
 * tables: who may train, activate or score is a matter of GRANT, a training
 * that fails or is rolled back leaves nothing, and a query scores with the
 * version that its own snapshot shows.
 */
#include "registry.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "model_cache.h"
#include "model_type.h"

#define MAX_ARGS 16
#define MAX_LISTED "20"			/* names a hint lists */

/*
 * ---- SQL with parameters ---------------------------------------------------------
 *
 * Names and operators are written out with their schema, so that no
 * search_path can slip in others.
 */

typedef struct arguments
{
	int			n;
	Oid			type[MAX_ARGS];
	Datum		value[MAX_ARGS];
	char		null[MAX_ARGS];
} arguments;

static void
add(arguments *args, Oid type, Datum value, bool isnull)
{
	Assert(args->n < MAX_ARGS);
	args->type[args->n] = type;
	args->value[args->n] = value;
	args->null[args->n] = isnull ? 'n' : ' ';
	args->n++;
}

static void
add_text(arguments *args, const char *text)
{
	add(args, TEXTOID, text ? CStringGetTextDatum(text) : (Datum) 0, text == NULL);
}

/* Inside an SPI connection; the number of rows. */
static uint64
run(const char *sql, const arguments *args, bool read_only)
{
	int			rc = SPI_execute_with_args(sql, args->n, (Oid *) args->type,
										   (Datum *) args->value, args->null, read_only, 0);

	if (rc < 0)
		elog(ERROR, "registry query failed: %s", SPI_result_code_string(rc));
	return SPI_processed;
}

static Datum
result(int row, int column, bool *isnull)
{
	bool		null;

	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column,
						 isnull ? isnull : &null);
}

/* The one-column result, as a list for a hint. */
static char *
result_list(uint64 rows)
{
	StringInfoData list;

	initStringInfo(&list);
	for (uint64 i = 0; i < rows; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? ", " : "",
						 SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
	return list.data;
}

static void __attribute__((noreturn))
fail_unknown_model(const char *model)
{
	arguments	none = {0};
	uint64		rows = run("SELECT pg_catalog.quote_ident(name) FROM anomaly.model "
						   "ORDER BY 1 LIMIT " MAX_LISTED, &none, true);

	ereport(ERROR,
			(errcode(PGA_UNKNOWN_MODEL),
			 errmsg("model \"%s\" does not exist", model),
			 rows > 0 ? errhint("There are %s.", result_list(rows))
			 : errhint("There is no model yet; anomaly_train() makes one.")));
}

static void __attribute__((noreturn))
fail_unknown_version(const char *model, int version)
{
	arguments	args = {0};
	uint64		rows;

	add_text(&args, model);
	rows = run("SELECT version FROM anomaly.model_version "
			   "WHERE model OPERATOR(pg_catalog.=) $1 ORDER BY 1 DESC LIMIT " MAX_LISTED,
			   &args, true);
	if (rows == 0)
		fail_unknown_model(model);
	ereport(ERROR,
			(errcode(PGA_UNKNOWN_MODEL),
			 errmsg("model \"%s\" has no version %d", model, version),
			 errhint("It has the versions %s.", result_list(rows))));
}

/* ---- finding ---------------------------------------------------------------------- */

/* Prepared once per session: a scoring query looks its model up with it. */
static SPIPlanPtr
find_plan(void)
{
	static SPIPlanPtr plan = NULL;
	Oid			type = TEXTOID;

	if (plan == NULL)
	{
		SPIPlanPtr	fresh =
			SPI_prepare("SELECT v.id, v.tableoid FROM anomaly.model m "
						"JOIN anomaly.model_version v ON v.model OPERATOR(pg_catalog.=) m.name "
						"AND v.version OPERATOR(pg_catalog.=) m.active_version "
						"WHERE m.name OPERATOR(pg_catalog.=) $1", 1, &type);

		if (fresh == NULL)
			elog(ERROR, "registry query failed: %s", SPI_result_code_string(SPI_result));
		SPI_keepplan(fresh);
		plan = fresh;
	}
	return plan;
}

pga_version_id
pga_find_version(const char *model)
{
	pga_version_id found;
	Datum		name;

	SPI_connect();
	name = CStringGetTextDatum(model);
	if (SPI_execute_plan(find_plan(), &name, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "registry query failed");
	if (SPI_processed != 1)
		fail_unknown_model(model);
	found.id = DatumGetInt64(result(0, 1, NULL));
	found.table = DatumGetObjectId(result(0, 2, NULL));
	SPI_finish();
	return found;
}

/* Read apart from the id: most queries find the model in the cache already. */
bytea *
pga_fetch_body(pga_version_id version)
{
	MemoryContext caller = CurrentMemoryContext;
	arguments	args = {0};
	bytea	   *body;

	SPI_connect();
	add(&args, INT8OID, Int64GetDatum(version.id), false);
	if (run("SELECT body FROM anomaly.model_version WHERE id OPERATOR(pg_catalog.=) $1",
			&args, true) != 1)
		elog(ERROR, "model version " INT64_FORMAT " disappeared", version.id);
	MemoryContextSwitchTo(caller);
	body = DatumGetByteaPCopy(result(0, 1, NULL));
	SPI_finish();
	return body;
}

/* ---- storing ---------------------------------------------------------------------- */

/* The oid of anomaly_model, wherever the extension was installed. */
static Oid
body_type(void)
{
	Oid			table = get_relname_relid("model_version", get_namespace_oid("anomaly", false));

	return get_atttype(table, get_attnum(table, "body"));
}

/* The next version's number and the one active so far; locks the model. */
static int
next_version(const char *model, Datum *active, bool *none)
{
	arguments	args = {0};

	add_text(&args, model);
	run("INSERT INTO anomaly.model AS m (name, last_version) VALUES ($1, 1) "
		"ON CONFLICT (name) DO UPDATE SET last_version = m.last_version OPERATOR(pg_catalog.+) 1 "
		"RETURNING last_version, active_version", &args, false);
	*active = result(0, 2, none);
	return DatumGetInt32(result(0, 1, NULL));
}

/* The row lock makes an activation wait for a training, and the other way round. */
static void
activate(const char *model, int version)
{
	arguments	args = {0};

	add_text(&args, model);
	add(&args, INT4OID, Int32GetDatum(version), false);
	if (run("UPDATE anomaly.model SET active_version = $2 "
			"WHERE name OPERATOR(pg_catalog.=) $1 AND EXISTS (SELECT FROM anomaly.model_version v "
			"WHERE v.model OPERATOR(pg_catalog.=) $1 AND v.version OPERATOR(pg_catalog.=) $2)",
			&args, false) == 0)
		fail_unknown_version(model, version);
}

/*
 * The model's row is locked by next_version() and stays so to the end of the
 * transaction: numbers are given in the order of commits.
 */
int
pga_store_version(const pga_new_version *new)
{
	arguments	args = {0};
	int			version;
	Datum		parent;
	bool		no_parent;

	SPI_connect();
	version = next_version(new->model, &parent, &no_parent);
	add_text(&args, new->model);
	add(&args, INT4OID, Int32GetDatum(version), false);
	add(&args, body_type(), PointerGetDatum(new->body), false);
	add_text(&args, new->algorithm);
	add_text(&args, new->query);
	add_text(&args, new->label);
	add(&args, TEXTARRAYOID, PointerGetDatum(new->features), false);
	add(&args, JSONBOID, JsonbPGetDatum(new->options), false);
	add(&args, INT8OID, Int64GetDatum((int64) new->report.rows_used), false);
	add(&args, INT8OID, Int64GetDatum((int64) new->report.rows_skipped), false);
	add(&args, FLOAT8OID, Float8GetDatum(new->report.threshold), false);
	add(&args, JSONBOID, JsonbPGetDatum(new->metrics), false);
	add(&args, TEXTARRAYOID, PointerGetDatum(new->warnings), false);
	add(&args, INT4OID, parent, no_parent);
	run("INSERT INTO anomaly.model_version (model, version, body, algorithm, query, label, "
		"features, options, rows_used, rows_skipped, threshold, metrics, warnings, parent_version) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)", &args, false);
	activate(new->model, version);
	SPI_finish();
	return version;
}

/* ---- SQL functions ---------------------------------------------------------------- */

PGA_FUNCTION(pga_activate);
Datum
pga_activate(PG_FUNCTION_ARGS)
{
	char	   *model = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int			version = PG_GETARG_INT32(1);

	SPI_connect();
	activate(model, version);
	SPI_finish();
	PG_RETURN_INT32(version);
}

/* Back to the version that was active when the active one was trained. */
PGA_FUNCTION(pga_rollback);
Datum
pga_rollback(PG_FUNCTION_ARGS)
{
	char	   *model = text_to_cstring(PG_GETARG_TEXT_PP(0));
	arguments	args = {0};
	Datum		parent;
	bool		none;

	SPI_connect();
	add_text(&args, model);
	if (run("SELECT v.parent_version, v.version FROM anomaly.model m "
			"JOIN anomaly.model_version v ON v.model OPERATOR(pg_catalog.=) m.name "
			"AND v.version OPERATOR(pg_catalog.=) m.active_version "
			"WHERE m.name OPERATOR(pg_catalog.=) $1 FOR NO KEY UPDATE OF m", &args, false) == 0)
		fail_unknown_model(model);
	parent = result(0, 1, &none);
	if (none)
		ereport(ERROR,
				(errcode(PGA_UNKNOWN_MODEL),
				 errmsg("model \"%s\" has no version before version %d",
						model, DatumGetInt32(result(0, 2, NULL))),
				 errhint("anomaly_activate() makes any other version active.")));
	activate(model, DatumGetInt32(parent));
	SPI_finish();
	PG_RETURN_DATUM(parent);
}

PGA_FUNCTION(pga_drop);
Datum
pga_drop(PG_FUNCTION_ARGS)
{
	char	   *model = text_to_cstring(PG_GETARG_TEXT_PP(0));
	arguments	args = {0};

	SPI_connect();
	add_text(&args, model);
	if (run("DELETE FROM anomaly.model WHERE name OPERATOR(pg_catalog.=) $1", &args, false) == 0)
		fail_unknown_model(model);
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * (model, body, query, label, options, rows_used, rows_skipped, metrics,
 * warnings) -> version.  What the body knows itself is taken from there.
 */
PGA_FUNCTION(pga_store_imported);
Datum
pga_store_imported(PG_FUNCTION_ARGS)
{
	pga_hold   *hold = pga_hold_create(CurrentMemoryContext);
	pga_new_version new = {
		.model = text_to_cstring(PG_GETARG_TEXT_PP(0)),
		.body = PG_GETARG_BYTEA_P(1),
		.query = text_to_cstring(PG_GETARG_TEXT_PP(2)),
		.label = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3)),
		.options = PG_GETARG_JSONB_P(4),
		.metrics = PG_GETARG_JSONB_P(7),
		.warnings = PG_GETARG_ARRAYTYPE_P(8),
	};

	pga_hold_value(hold, PG_GETARG_DATUM(1));
	new.algorithm = pga_model_detector(hold->cached.model)->name;
	new.features = pga_feature_names(hold->cached.model);
	new.report.threshold = pga_model_threshold(hold->cached.model);
	new.report.rows_used = (uint64_t) PG_GETARG_INT64(5);
	new.report.rows_skipped = (uint64_t) PG_GETARG_INT64(6);
	PG_RETURN_INT32(pga_store_version(&new));
}
