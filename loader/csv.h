/*
 * csv.h - flows as text, for people and tests.
 *
 * Columns, order and units are those of the table "flow"; capture_id is the
 * ordinal number of the input.  NULL is empty.  `\copy netflow.flow FROM ...`
 * reads it back.
 */
#ifndef CSV_H
#define CSV_H

#include <stdio.h>

#include "flow.h"

typedef struct csv
{
	FILE	   *to;
	int			capture_id;
} csv;

void		csv_header(FILE *);

/* A flow_emit; its argument is a csv. */
void		csv_row(void *arg, const flow_row *);

#endif
