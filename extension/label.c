/*
 * label.c - what a query knows about its rows: anomalous or normal.
 *
 * A label is a boolean (true is anomalous), a number (0 is normal) or a text
 * ('normal', in any case, is normal).  Any other encoding is one expression
 * in the query away.
 */
#include "label.h"

#include <math.h>

#include "utils/builtins.h"

pga_label
pga_bind_label(TupleDesc desc, const char *name)
{
	pga_label	label;
	Oid			type;

	label.column = pga_find_column(desc, name, "label");
	type = label.type = TupleDescAttr(desc, label.column)->atttypid;
	label.kind = pga_column_kind(type, &label.conversion);
	if (label.kind == 0 || label.kind == PGA_INTERVAL)
		ereport(ERROR,
				(errcode(PGA_BAD_LABEL),
				 errmsg("label \"%s\" of type %s does not tell normal rows from anomalous ones",
						name, format_type_be(type)),
				 errhint("A label is a boolean, a number (0 is normal) or a text ('normal' is normal).")));
	return label;
}

pga_verdict
pga_read_label(const pga_label *label, const Datum *values, const bool *isnull)
{
	Datum		value = values[label->column];
	bool		normal;

	if (isnull[label->column])
		return PGA_UNKNOWN;
	if (label->kind == PGA_CATEGORICAL)
	{
		uint32_t	len;
		const char *text = pga_read_text(label->conversion, value, &len);

		normal = len == strlen("normal") && pg_strncasecmp(text, "normal", len) == 0;
	}
	else
		normal = pga_read_number(label->conversion, value) == 0;
	return normal ? PGA_NORMAL : PGA_ANOMALOUS;
}

const char *
pga_label_class(const pga_label *label, const Datum *values, const bool *isnull, uint32_t *len)
{
	const char *class = "normal";

	if (pga_read_label(label, values, isnull) == PGA_ANOMALOUS)
	{
		if (label->kind == PGA_CATEGORICAL)
			return pga_read_text(label->conversion, values[label->column], len);
		class = label->kind == PGA_BOOLEAN ? "anomalous"
			: pga_output_text(label->type, values[label->column]);
	}
	*len = (uint32_t) strlen(class);
	return class;
}
