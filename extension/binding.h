/*
 * binding.h - rows to numbers, bound by column name.
 *
 * A binding is made once per row type and says which column feeds which
 * feature.  Reading a row through it then costs no lookups.
 */
#ifndef PGA_BINDING_H
#define PGA_BINDING_H

#include "host.h"

#include "access/htup.h"
#include "access/tupdesc.h"
#include "executor/tuptable.h"

/* How a value of a column is read. */
typedef enum pga_conversion
{
	PGA_FROM_FLOAT8, PGA_FROM_FLOAT4, PGA_FROM_INT2, PGA_FROM_INT4, PGA_FROM_INT8,
	PGA_FROM_NUMERIC, PGA_FROM_BOOL, PGA_FROM_INTERVAL,
	PGA_FROM_TIMESTAMP, PGA_FROM_DATE,	/* seconds since 2000-01-01 00:00 */
	PGA_FROM_TEXT, PGA_FROM_BPCHAR, PGA_FROM_ENUM,	/* texts, from here on */
	PGA_FROM_OUTPUT,			/* any type, as it is printed */
	PGA_FROM_LABEL				/* a class, which label.c reads */
} pga_conversion;

/* One feature's column. */
typedef struct pga_bound
{
	int			column;			/* from 0 */
	pga_conversion conversion;
	Oid			type;			/* as declared, for output */
} pga_bound;

typedef struct pga_binding
{
	int			nfeatures;
	const pga_feature *features;
	pga_bound  *bound;			/* [nfeatures] */
	int			ncolumns;		/* columns up to the last one needed */

	/* For rows that come as composite values or arrays; else NULL. */
	Datum	   *values;			/* [ncolumns] of the row being read */
	bool	   *isnull;
	TupleTableSlot *slot;		/* composite values: deforms no further than needed */
	HeapTupleData tuple;
} pga_binding;

/* A column's kind, or 0 when no detector can use its type. */
pga_kind	pga_column_kind(Oid type, pga_conversion *);

/*
 * Finds the features of a model in a row; fails naming the first that is
 * missing or of another kind.
 */
pga_binding *pga_bind_features(const pga_feature *, size_t nfeatures, TupleDesc);

/* The same for an array of names, whose values come as an array of float8. */
pga_binding *pga_bind_names(const pga_feature *, size_t nfeatures, ArrayType *names);

/*
 * The columns to train on: those of `features`, or all usable ones, without
 * `exclude` (either may be NULL) and without the params' label, partition and
 * order.  These three follow the features, each with its role, where the
 * detector has a use for them.  What is left out is told through the host's
 * warnings.
 */
pga_binding *pga_bind_training(pga_host *, TupleDesc, ArrayType *features,
							   ArrayType *exclude, const pga_params *);

/* How a partition's or order's column is read; fails when it cannot be. */
pga_conversion pga_key_conversion(TupleDesc, int column, pga_role, pga_kind *);

/* The column that gives a model's rows this role, by name; NULL when none does
 * or the model does not say. */
const char *pga_series_column(const pga_model *, pga_role);

/* The same in a row: -1 without a partition; the order has to be there. */
void		pga_find_series(const pga_model *, TupleDesc, int *partition, int *place);

/* Refuses a row made by ROW(...), which has no column names. */
void		pga_check_named(TupleDesc);

/* A column's number from 0; fails with a hint that lists the columns. */
int			pga_find_column(TupleDesc, const char *name, const char *role);

/* Makes a binding ready for composite values of this type. */
void		pga_expect_composites(pga_binding *, TupleDesc);

/* Deforms a composite value into binding->values and isnull. */
void		pga_deform(pga_binding *, HeapTupleHeader);

/*
 * Reads a row.  -1, or the first feature that is NaN or infinite.  Texts may
 * point into palloc'd copies.
 */
int			pga_read_raw(const pga_binding *, const pga_model *, const Datum *values,
						 const bool *isnull, double *raw);
int			pga_read_cells(const pga_binding *, const Datum *values, const bool *isnull,
						   pga_cell *cells);

/* A single number or text, for labels; NULLs are the caller's. */
double		pga_read_number(pga_conversion, Datum);
const char *pga_read_text(pga_conversion, Datum, uint32_t *len);

/* A value as its type prints it, palloc'd. */
char	   *pga_output_text(Oid type, Datum);

/* The error for what pga_read_raw() found. */
void		pga_fail_not_finite(const char *column) __attribute__((noreturn));

/* NULL, or what a list of names holds, checked to be without NULLs. */
char	  **pga_name_list(ArrayType *, const char *argument, int *n);

#endif							/* PGA_BINDING_H */
