/*
 * model_type.c - the type anomaly_model.
 *
 * A value is the core's bytes behind a varlena header.  As text it is the
 * base64 of exactly these bytes, so nothing is lost on the way through a dump
 * or a literal.  Every door checks by loading the model: what is stored can be
 * scored with.
 */
#include "model_type.h"

#include "common/base64.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

void
pga_check_size(size_t len, size_t limit, const char *type)
{
	if (len > limit)
		ereport(ERROR,
				(errcode(PGA_CORRUPT_MODEL),
				 errmsg("%zu bytes are more than the %zu that a value of type %s can have",
						len, limit, type)));
}

/* Every text that a model can show is text in the database's encoding. */
static void
check_texts(const pga_model *model)
{
	const pga_feature *features = pga_model_features(model);
	char		expected[PGA_EXPECTED_MAX];

	for (size_t i = 0; i < pga_model_nfeatures(model); i++)
	{
		size_t		n = pga_model_expected(model, i, expected, sizeof(expected));

		if (!pg_verifymbstr(features[i].name, (int) strlen(features[i].name), true) ||
			!pg_verifymbstr(expected, (int) n, true))
			ereport(ERROR,
					(errcode(PGA_CORRUPT_MODEL),
					 errmsg("feature %zu of the model has text that is not valid %s",
							i + 1, GetDatabaseEncodingName())));
	}
}

static void
check_model(const void *bytes, size_t len)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext,
												 "pg_anomaly model check",
												 ALLOCSET_DEFAULT_SIZES);

	check_texts(pga_model_load(&pga_host_create(memory)->ctx, bytes, len));
	MemoryContextDelete(memory);
}

static bytea *
make_bytea(const void *bytes, size_t len)
{
	bytea	   *value = palloc(VARHDRSZ + len);

	SET_VARSIZE(value, VARHDRSZ + len);
	memcpy(VARDATA(value), bytes, len);
	return value;
}

bytea *
pga_model_flatten(pga_host *host, const pga_model *model)
{
	pga_buf		buf = {&host->ctx, NULL, 0, 0};

	check_texts(model);			/* a hand-made fit state may hold anything */
	pga_model_save(model, &buf);
	if (buf.len > PGA_MAX_BYTES)
		ereport(ERROR,
				(errcode(PGA_MEMORY_LIMIT),
				 errmsg("model needs %zu bytes, more than the limit of %d",
						buf.len, PGA_MAX_BYTES),
				 errhint("Lower the options that make the model large; anomaly_detectors() describes them.")));
	return make_bytea(buf.data, buf.len);
}

char *
pga_bytes_to_text(const char *bytes, int len)
{
	int			cap = pg_b64_enc_len(len);
	char	   *text = palloc(cap + 1);
	int			n = pg_b64_encode((const void *) bytes, len, text, cap);

	Assert(n >= 0);
	text[n] = '\0';
	return text;
}

bytea *
pga_text_to_bytes(const char *text, const char *what)
{
	int			len = (int) strlen(text);
	int			cap,
				n;
	bytea	   *value;

	pga_check_size((size_t) len, (size_t) pg_b64_enc_len(PGA_MAX_BYTES), what);
	cap = pg_b64_dec_len(len);
	value = palloc(VARHDRSZ + cap);
	n = pg_b64_decode(text, len, (void *) VARDATA(value), cap);
	if (n < 0)
		ereport(ERROR,
				(errcode(PGA_CORRUPT_MODEL),
				 errmsg("invalid input for type %s: not base64", what)));
	SET_VARSIZE(value, VARHDRSZ + n);
	return value;
}

PGA_FUNCTION(pga_model_in);
Datum
pga_model_in(PG_FUNCTION_ARGS)
{
	bytea	   *value = pga_text_to_bytes(PG_GETARG_CSTRING(0), "anomaly_model");

	check_model(VARDATA(value), VARSIZE(value) - VARHDRSZ);
	PG_RETURN_BYTEA_P(value);
}

PGA_FUNCTION(pga_model_out);
Datum
pga_model_out(PG_FUNCTION_ARGS)
{
	bytea	   *value = PG_GETARG_BYTEA_PP(0);

	PG_RETURN_CSTRING(pga_bytes_to_text(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)));
}

PGA_FUNCTION(pga_model_recv);
Datum
pga_model_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			len = message->len - message->cursor;
	const char *bytes = pq_getmsgbytes(message, len);

	pga_check_size((size_t) len, PGA_MAX_BYTES, "anomaly_model");
	check_model(bytes, (size_t) len);
	PG_RETURN_BYTEA_P(make_bytea(bytes, len));
}

PGA_FUNCTION(pga_model_send);
Datum
pga_model_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(PG_GETARG_BYTEA_P_COPY(0));
}

ArrayType *
pga_feature_names(const pga_model *model)
{
	int			n = (int) pga_model_nfeatures(model);
	const char **names = palloc(Max(n, 1) * sizeof(char *));

	for (int i = 0; i < n; i++)
		names[i] = pga_model_features(model)[i].name;
	return pga_text_array(names, n);
}
