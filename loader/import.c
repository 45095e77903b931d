/*
 * import.c - rows of text files, one by one (see import.h).
 */
#include "import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "complete.h"
#include "json.h"
#include "profile.h"
#include "source.h"
#include "util.h"
#include "value.h"

#define ROW_STEP INT64_C(1000000)	/* between rows without a time */
#define MOST_DISORDER (300 * INT64_C(1000000))	/* of a file's rows; beyond it another stretch of time begins */

typedef enum format
{
	FORMAT_DELIMITED,
	FORMAT_ZEEK,				/* delimited by tabs, with lines of "#" about itself */
	FORMAT_JSON
} format;

struct import
{
	records    *in;
	const import_options *options;
	const profile *profile;		/* as asked for, or NULL */
	format		format;
	char		delimiter;
	size_t		expected;		/* fields of a row */
	mapping		mapping;
	int64_t		next_start;		/* of a row without a time */
	int64_t		last_end;		/* ended_at of the row before */
	record		row;
	json		json;
	char		reason[MESSAGE_BYTES];
};

bool
import_check(const import_options *o, char *message)
{
	if (o->profile && !profile_find(o->profile))
	{
		snprintf(message, MESSAGE_BYTES, "unknown profile \"%.100s\"", o->profile);
		return false;
	}
	return !o->map || profile_check_map(o->map, message);
}

bool
import_parse_time(const char *time, int64_t *microseconds)
{
	return value_time((text) {time, strlen(time)}, microseconds) == NULL;
}

/* ---- the first lines ---------------------------------------------------- */

/* What the line has most of, outside quotes. */
static char
guess_delimiter(text line)
{
	static const char candidates[] = ",;\t|";
	size_t		count[4] = {0};
	size_t		best = 0;
	bool		inside = false;

	for (size_t i = 0; i < line.length; i++)
	{
		const char *c = line.at[i] ? strchr(candidates, line.at[i]) : NULL;

		if (line.at[i] == '"')
			inside = !inside;
		else if (c && !inside)
			count[c - candidates]++;
	}
	for (size_t i = 1; i < 4; i++)
		if (count[i] > count[best])
			best = i;
	return candidates[best];
}

/* A header has names alone; a row has a number, a time or an address. */
static bool
is_header(const record *r)
{
	double		number;
	int64_t		time;
	ip_address	ip;

	for (size_t i = 0; i < r->count; i++)
		if (!value_number(r->field[i], &number) || !value_time(r->field[i], &time) || !value_address(r->field[i], &ip))
			return false;
	return true;
}

static bool
begin_delimited(import *im, text first, char *message)
{
	bool		header;

	im->format = FORMAT_DELIMITED;
	im->delimiter = guess_delimiter(first);
	records_again(im->in);
	records_next(im->in, im->delimiter, true, 0, &im->row);
	if (im->row.problem)
	{
		snprintf(message, MESSAGE_BYTES, "line %lld: %s", (long long) im->row.line, im->row.problem);
		return false;
	}
	im->expected = im->row.count;
	header = is_header(&im->row);
	if (!header)
		records_again(im->in);
	return (header ? mapping_bind : mapping_bind_headless) (&im->mapping, &im->row, im->profile,
															im->options->map, message);
}

/* "#fields" of a Zeek log: a header of its own, of all rows until the next. */
static bool
bind_zeek(import *im, char *message)
{
	record	   *r = &im->row;

	mapping_clear(&im->mapping);
	r->count--;
	memmove(r->field, r->field + 1, r->count * sizeof(*r->field));
	im->expected = r->count;
	return mapping_bind(&im->mapping, r, im->profile ? im->profile : &profile_zeek, im->options->map, message);
}

static bool
begin_zeek(import *im, char *message)
{
	im->format = FORMAT_ZEEK;
	im->delimiter = '\t';
	records_again(im->in);
	while (records_next(im->in, im->delimiter, false, 0, &im->row) && !im->row.problem &&
		   im->row.raw.length > 0 && im->row.raw.at[0] == '#')
		if (text_is(im->row.field[0], "#fields"))
			return bind_zeek(im, message);
	snprintf(message, MESSAGE_BYTES, "it begins with \"#\" but has no line #fields");
	return false;
}

static bool
begin_json(import *im, char *message)
{
	static const record nothing = {.count = 0};

	im->format = FORMAT_JSON;
	records_again(im->in);
	mapping_bind(&im->mapping, &nothing, im->profile ? im->profile : &profile_zeek, NULL, message);
	if (im->options->map)
		snprintf(message, MESSAGE_BYTES, "--map is not for JSON");
	return !im->options->map;
}

static bool
begin(import *im, char *message)
{
	record	   *r = &im->row;

	if (!records_next(im->in, 0, false, 0, r))
	{
		snprintf(message, MESSAGE_BYTES, "%s", records_error(im->in) ? strerror(records_error(im->in)) : "it is empty");
		return false;
	}
	if (r->problem)
	{
		snprintf(message, MESSAGE_BYTES, "it is no text: line %lld: %s", (long long) r->line, r->problem);
		return false;
	}
	if (r->raw.at[0] == '#')
		return begin_zeek(im, message);
	if (r->raw.at[0] == '{')
		return begin_json(im, message);
	return begin_delimited(im, r->raw, message);
}

import *
import_open(FILE *in, const import_options *options, int64_t start, char *message)
{
	import	   *im = must_calloc(1, sizeof(*im));

	im->in = records_new(in);
	im->options = options;
	im->profile = options->profile ? profile_find(options->profile) : NULL;
	im->next_start = options->start >= 0 ? options->start : start;
	if (begin(im, message))
		return im;
	import_close(im);
	return NULL;
}

void
import_close(import *im)
{
	mapping_clear(&im->mapping);
	records_free(im->in);
	free(im);
}

bool
import_wants_windows(const import *im)
{
	const uint32_t ends = FACT_SRC_ADDR | FACT_DST_ADDR;

	return im->format == FORMAT_JSON || ((im->mapping.facts & ends) == ends && !(im->mapping.facts & FACT_WINDOW));
}

/* ---- rows --------------------------------------------------------------- */

static const char *
read_json(import *im, draft *d)
{
	const uint32_t needed = FACT_START | FACT_SRC_ADDR | FACT_DST_ADDR;
	text		name,
				value;
	int			more;

	if (!json_begin(&im->json, im->row.raw))
		return "it is no JSON object";
	while ((more = json_next(&im->json, &name, &value)) == 1)
	{
		const target *t = profile_target(im->mapping.profile, name);

		if (t && mapping_value(&im->mapping, t, name, value, d, im->reason))
			return im->reason;
	}
	if (more != 0)
		return "it is no JSON object";
	if ((d->facts & needed) != needed)
		return "it has no time, or no addresses";
	return NULL;
}

/* Lines that are about the file: Zeek's "#", and what nfdump says at the end. */
static bool
is_remark(import *im, bool *end)
{
	const record *r = &im->row;

	*end = im->format == FORMAT_DELIMITED && text_is(r->raw, "Summary");
	return im->format == FORMAT_ZEEK && r->raw.length > 0 && r->raw.at[0] == '#';
}

/* Why the record is no flow, or NULL. */
static const char *
read_row(import *im, draft *d)
{
	const char *problem = im->row.problem;

	draft_begin(d);
	if (!problem && im->format == FORMAT_JSON)
		problem = read_json(im, d);
	else if (!problem)
		problem = mapping_read(&im->mapping, &im->row, d, im->reason);
	return problem ? problem : draft_complete(d, im->next_start);
}

/* When the flow was known to be over, see flow.h. */
static int64_t
end_of(import *im, const draft *d)
{
	int64_t		end = d->facts & FACT_ENDED_AT ? d->row.ended_at : d->row.start_time + d->row.duration;

	if (end <= im->last_end && end > im->last_end - MOST_DISORDER)
		end = im->last_end + 1;
	return im->last_end = end;
}

import_result
import_next(import *im, flow_row *row, import_reject *reject, char *message)
{
	draft		d;
	bool		end;
	const char *problem;

	for (;;)
	{
		char		delimiter = im->format == FORMAT_JSON ? 0 : im->delimiter;

		if (!records_next(im->in, delimiter, im->format == FORMAT_DELIMITED, im->expected, &im->row))
			break;
		if (is_remark(im, &end))
		{
			if (im->row.count > 0 && text_is(im->row.field[0], "#fields") && !bind_zeek(im, message))
				return IMPORT_ERROR;
			continue;
		}
		if (end)
			return IMPORT_END;
		problem = read_row(im, &d);
		if (problem)
		{
			*reject = (import_reject) {im->row.line, problem, im->row.raw};
			return IMPORT_REJECT;
		}
		im->next_start += ROW_STEP;
		d.row.ended_at = end_of(im, &d);
		*row = d.row;
		return IMPORT_FLOW;
	}
	if (!records_error(im->in))
		return IMPORT_END;
	snprintf(message, MESSAGE_BYTES, "%s", strerror(records_error(im->in)));
	return IMPORT_ERROR;
}
