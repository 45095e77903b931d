/* report.c - what a detector wants to be known of a training (core.h). */
#include "core.h"

#include <string.h>

static pga_note *
find_note(pga_ctx *ctx, pga_report *report, const char *name, bool is_series)
{
	size_t		n = report->nnotes;

	for (size_t i = 0; i < n; i++)
		if (strcmp(report->notes[i].name, name) == 0)
			return &report->notes[i];
	report->notes = ctx->resize(ctx, report->notes, n * sizeof(pga_note),
								(n + 1) * sizeof(pga_note));
	report->notes[n] = (pga_note) {name, is_series, NULL, 0};
	report->nnotes++;
	return &report->notes[n];
}

void
pga_report_append(pga_ctx *ctx, pga_report *report, const char *series, double value)
{
	pga_note   *note = find_note(ctx, report, series, true);

	note->value = ctx->resize(ctx, note->value, note->n * sizeof(double),
							  (note->n + 1) * sizeof(double));
	note->value[note->n++] = value;
}

void
pga_report_number(pga_ctx *ctx, pga_report *report, const char *name, double value)
{
	pga_note   *note = find_note(ctx, report, name, false);

	if (note->value == NULL)
		note->value = ctx->alloc(ctx, sizeof(double));
	note->value[0] = value;
	note->n = 1;
}
