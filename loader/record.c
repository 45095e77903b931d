/*
 * record.c - lines and fields (see record.h).
 */
#include "record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util.h"

enum
{
	SPAN_LINES = 4,			/* of one record, by line ends in quotes */
	SPAN_BYTES = SPAN_LINES * (LINE_BYTES + 2),	/* with line ends */
	BUFFER_BYTES = 2 * SPAN_BYTES
};

struct records
{
	FILE	   *in;
	char	   *buffer;
	size_t		start,			/* of the next record */
				end;			/* of what was read */
	int64_t		line;			/* number of lines before "start" */
	bool		begun;
	bool		ended;
	int			error;
	size_t		last_start;		/* the last record's, for records_again() */
	int64_t		last_line;
	char	   *unquoted;		/* fields with doubled quotes, made single */
	size_t		unquoted_bytes;
};

records *
records_new(FILE *in)
{
	records    *r = must_calloc(1, sizeof(*r));

	r->in = in;
	r->buffer = must_realloc(NULL, BUFFER_BYTES);
	r->unquoted = must_realloc(NULL, SPAN_BYTES);
	return r;
}

void
records_free(records *r)
{
	free(r->buffer);
	free(r->unquoted);
	free(r);
}

int
records_error(const records *r)
{
	return r->error;
}

text
text_trim(text t)
{
	while (t.length > 0 && (t.at[0] == ' ' || t.at[0] == '\t'))
	{
		t.at++;
		t.length--;
	}
	while (t.length > 0 && (t.at[t.length - 1] == ' ' || t.at[t.length - 1] == '\t'))
		t.length--;
	return t;
}

bool
text_is(text t, const char *word)
{
	return strlen(word) == t.length && strncasecmp(t.at, word, t.length) == 0;
}

static char
folded(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char) (c - 'A' + 'a');
	return c == ' ' || c == '.' || c == '-' ? '_' : c;
}

bool
text_names(text a, const char *b)
{
	if (strlen(b) != a.length)
		return false;
	for (size_t i = 0; i < a.length; i++)
		if (folded(a.at[i]) != folded(b[i]))
			return false;
	return true;
}

/* ---- lines -------------------------------------------------------------- */

/* Reads on behind what is there; false if there is no more. */
static bool
fill(records *r)
{
	size_t		n;

	if (r->ended || r->end == BUFFER_BYTES)
		return false;
	errno = 0;
	n = fread(r->buffer + r->end, 1, BUFFER_BYTES - r->end, r->in);
	r->end += n;
	if (n == 0)
	{
		r->ended = true;
		if (ferror(r->in))
			r->error = errno ? errno : EIO;
	}
	return n > 0;
}

/* Makes room for a record of the greatest size at "start". */
static void
make_room(records *r)
{
	if (r->start <= SPAN_BYTES)
		return;
	memmove(r->buffer, r->buffer + r->start, r->end - r->start);
	r->end -= r->start;
	r->start = 0;
}

/*
 * The line at "from", without its end; *next is where the following begins.
 * False if there is none, or if it is longer than a line may be.
 */
static bool
line_at(records *r, size_t from, text *line, size_t *next)
{
	char	   *end;
	size_t		seen = 0;

	do
	{
		end = memchr(r->buffer + from + seen, '\n', r->end - from - seen);
		seen = r->end - from;
	} while (!end && seen <= LINE_BYTES && fill(r));
	if (!end && seen == 0)
		return false;
	line->at = r->buffer + from;
	line->length = end ? (size_t) (end - line->at) : seen;
	*next = from + line->length + (end != NULL);
	if (line->length > LINE_BYTES)
		return false;
	if (line->length > 0 && line->at[line->length - 1] == '\r')
		line->length--;
	return true;
}

/* Passes over a line that is too long; its beginning stays at "start". */
static void
skip_long_line(records *r, record *to)
{
	size_t		from = r->start + LINE_BYTES;
	char	   *end;

	to->raw = (text) {r->buffer + r->start, LINE_BYTES};
	to->problem = "the line is longer than 65536 bytes";
	while (!(end = memchr(r->buffer + from, '\n', r->end - from)))
	{
		r->end = from;			/* what was looked through is not needed */
		if (!fill(r))
			break;
	}
	r->start = end ? (size_t) (end - r->buffer) + 1 : r->end;
	r->line++;
}

/* ---- fields ------------------------------------------------------------- */

/*
 * A quoted field that begins at "at", behind its quote.  Returns where its
 * closing quote is, or NULL without one before "end".  Doubled quotes are made
 * single in a copy.
 */
static const char *
quoted(records *r, const char *at, const char *end, text *field)
{
	const char *begin = at;
	char	   *copy = r->unquoted + r->unquoted_bytes;
	size_t		copied = 0;
	bool		doubled = false;

	for (; at < end; at++)
	{
		if (*at == '"')
		{
			if (at + 1 == end || at[1] != '"')
				break;
			doubled = true;
			at++;
		}
		copy[copied++] = *at;
	}
	if (at == end)
		return NULL;
	*field = doubled ? (text) {copy, copied} : (text) {begin, (size_t) (at - begin)};
	if (doubled)
		r->unquoted_bytes += copied;
	return at;
}

typedef enum split_result
{
	SPLIT_DONE,
	SPLIT_OPEN,					/* ends inside quotes */
	SPLIT_BAD
} split_result;

/* Splits what is between "at" and "end". */
static split_result
split(records *r, const char *at, const char *end, char delimiter, bool quotes, record *to)
{
	const char *stop;

	to->count = 0;
	r->unquoted_bytes = 0;
	for (;;)
	{
		text	   *field = &to->field[to->count];

		if (to->count == MOST_FIELDS)
		{
			to->problem = "the line has more than 512 fields";
			return SPLIT_BAD;
		}
		to->count++;
		while (at < end && *at == ' ' && delimiter != ' ')
			at++;
		if (quotes && at < end && *at == '"')
		{
			at = quoted(r, at + 1, end, field);
			if (!at)
				return SPLIT_OPEN;
			for (at++; at < end && *at == ' ' && delimiter != ' ';)
				at++;
			if (at < end && *at != delimiter)
			{
				to->problem = "text behind a closing quote";
				return SPLIT_BAD;
			}
			stop = at;
		}
		else
		{
			stop = delimiter ? memchr(at, delimiter, (size_t) (end - at)) : NULL;
			if (!stop)
				stop = end;
			*field = text_trim((text) {at, (size_t) (stop - at)});
		}
		if (stop == end)
			return SPLIT_DONE;
		at = stop + 1;
	}
}

/*
 * Splits the line, and with it the lines after it as long as a quote is open.
 * *next is moved behind the lines taken, *lines is their number.
 */
static void
split_lines(records *r, text line, char delimiter, bool quotes, size_t expected,
			record *to, size_t *next, int *lines)
{
	split_result result = split(r, line.at, line.at + line.length, delimiter, quotes, to);
	size_t		behind = *next;
	text		more;
	int			span = 1;

	while (result == SPLIT_OPEN && span < SPAN_LINES && line_at(r, behind, &more, &behind))
	{
		span++;
		result = split(r, line.at, more.at + more.length, delimiter, quotes, to);
	}
	if (result == SPLIT_OPEN || (span > 1 && (result == SPLIT_BAD || (expected > 0 && to->count != expected))))
	{
		to->problem = "a quote that is not closed";
		return;
	}
	if (result == SPLIT_DONE && expected > 0 && to->count != expected)
		to->problem = to->count < expected ? "too few fields" : "too many fields";
	*next = behind;
	*lines = span;
}

static void
skip_byte_order_mark(records *r)
{
	while (r->end < 3 && fill(r))
		;
	if (r->end >= 3 && memcmp(r->buffer, "\xef\xbb\xbf", 3) == 0)
		r->start = 3;
	r->begun = true;
}

bool
records_next(records *r, char delimiter, bool quotes, size_t expected, record *to)
{
	text		line;
	size_t		next;
	int			lines = 1;

	if (!r->begun)
		skip_byte_order_mark(r);
	for (;;)
	{
		make_room(r);
		r->last_start = r->start;
		r->last_line = r->line;
		to->line = r->line + 1;
		to->problem = NULL;
		to->count = 0;
		if (!line_at(r, r->start, &line, &next))
		{
			if (r->end - r->start <= LINE_BYTES)
				return false;
			skip_long_line(r, to);
			return true;
		}
		if (text_trim(line).length > 0)
			break;
		r->start = next;
		r->line++;
	}
	to->raw = line;
	if (memchr(line.at, 0, line.length))
		to->problem = "a zero byte";
	else
		split_lines(r, line, delimiter, quotes, expected, to, &next, &lines);
	r->start = next;
	r->line += lines;
	return true;
}

void
records_again(records *r)
{
	r->start = r->last_start;
	r->line = r->last_line;
}
