/*
 * score_series.c - anomaly_score_series, the window function: each row scored
 * after the rows before it in its partition.
 *
 * Whenever a row without a score is reached, the next PGA_BLOCK rows of the
 * partition are read ahead and scored together, after as many rows before
 * them as the model looks back at.  These are read again for every block,
 * which costs little and leaves nothing to be carried over.  The numbers are
 * those of every other way to score a series.
 *
 * Rows that are NULL are no part of the series.
 */
#include "host.h"

#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/memutils.h"
#include "windowapi.h"

#include "callsite.h"

/* What a partition has scored ahead; zeroed when the partition begins. */
typedef struct ahead
{
	int64		first;			/* position of the first row */
	int			rows;
	const void *model;			/* that scored them */
	double		score[PGA_BLOCK];
	bool		isnull[PGA_BLOCK];
} ahead;

typedef struct reader
{
	WindowObject window;
	pga_site   *site;
	MemoryContext memory;		/* for one row */
	double	   *raw;
	size_t		rows,
				cap;			/* rows that raw has room for */
} reader;

typedef enum row_state
{
	ROW_READ, ROW_NULL, ROW_OUTSIDE
} row_state;

/* Reads the row at a position behind those already in r->raw. */
static row_state
read_row(reader *r, int64 position, bool mark)
{
	size_t		nf = pga_model_nfeatures(r->site->cached.model);
	MemoryContext old = MemoryContextSwitchTo(r->memory);
	bool		isnull,
				isout;
	int			distance = (int) (position - WinGetCurrentPosition(r->window));
	Datum		row = WinGetFuncArgInPartition(r->window, 1, distance, WINDOW_SEEK_CURRENT, mark,
											   &isnull, &isout);

	if (!isout && !isnull)
	{
		pga_site_read_row(r->site, row);
		memcpy(r->raw + r->rows++ * nf, r->site->raw, nf * sizeof(double));
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(r->memory);
	return isout ? ROW_OUTSIDE : isnull ? ROW_NULL : ROW_READ;
}

/* Position of the earliest row to look back at from first. */
static int64
find_context(reader *r, int64 first, size_t history)
{
	while (history > 0 && first > 0)
	{
		r->rows = 0;
		if (read_row(r, --first, false) == ROW_READ)
			history--;
	}
	r->rows = 0;
	return first;
}

/* Scores the rows from position first on. */
static void
look_ahead(reader *r, ahead *a, int64 first)
{
	const pga_model *model = r->site->cached.model;
	size_t		history = pga_model_history(model);
	int64		from;
	size_t		context;
	double		score[PGA_BLOCK];

	r->raw = palloc(mul_size(history + PGA_BLOCK, pga_model_nfeatures(model) * sizeof(double)));
	from = find_context(r, first, history);
	for (int64 i = from; i < first; i++)
		read_row(r, i, i == from);
	context = r->rows;
	a->first = first;
	for (a->rows = 0; a->rows < PGA_BLOCK; a->rows++)
	{
		row_state	state = read_row(r, first + a->rows, from == first && a->rows == 0);

		if (state == ROW_OUTSIDE)
			break;
		a->isnull[a->rows] = state == ROW_NULL;
	}
	pga_model_score_series(model, r->raw, r->rows, context, score, r->site->cached.scratch);
	for (int i = 0, k = 0; i < a->rows; i++)
		if (!a->isnull[i])
			a->score[i] = score[k++];
	a->model = model;
	pfree(r->raw);
	CHECK_FOR_INTERRUPTS();
}

static Datum
score_series(FunctionCallInfo fcinfo, bool by_name)
{
	reader		r = {.window = PG_WINDOW_OBJECT()};
	ahead	   *a = WinGetPartitionLocalMemory(r.window, sizeof(ahead));
	int64		position = WinGetCurrentPosition(r.window);
	bool		isnull;
	Datum		model = WinGetFuncArgCurrent(r.window, 0, &isnull);

	if (isnull)
		PG_RETURN_NULL();
	r.site = pga_site_find(fcinfo->flinfo, model, by_name);
	if (a->rows > 0 && a->model != r.site->cached.model)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"model\" differs between rows of a partition"),
				 errhint("Put what the model depends on into PARTITION BY.")));
	if (position >= a->first + a->rows)
	{
		r.memory = AllocSetContextCreate(CurrentMemoryContext, "pg_anomaly row", ALLOCSET_SMALL_SIZES);
		look_ahead(&r, a, position);
		MemoryContextDelete(r.memory);
	}
	if (a->isnull[position - a->first])
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(a->score[position - a->first]);
}

PGA_FUNCTION(pga_score_series_name);
Datum
pga_score_series_name(PG_FUNCTION_ARGS)
{
	return score_series(fcinfo, true);
}

PGA_FUNCTION(pga_score_series_value);
Datum
pga_score_series_value(PG_FUNCTION_ARGS)
{
	return score_series(fcinfo, false);
}
