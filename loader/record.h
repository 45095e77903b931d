/*
 * record.h - lines of text and their fields, however dirty the file is.
 *
 * RFC 4180 with what files in the wild do to it: any delimiter, lines that end
 * with CR LF or LF, a byte order mark, blank lines, spaces around fields.  A
 * quoted field may hold delimiters, doubled quotes and line ends.
 *
 * One bad line spoils no other: a quote that is never closed, or that makes a
 * record of the wrong number of fields out of several lines, belongs to its
 * line alone, and reading goes on with the next.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum
{
	MOST_FIELDS = 512,
	LINE_BYTES = 65536			/* a longer line is a bad one */
};

/* Some bytes, not ended by a zero. */
typedef struct text
{
	const char *at;
	size_t		length;
} text;

typedef struct record
{
	int64_t		line;			/* number of its first line, from 1 */
	text		raw;			/* its first line, without the line end */
	const char *problem;		/* why it cannot be split; NULL if it can */
	size_t		count;
	text		field[MOST_FIELDS];
} record;

typedef struct records records;

records    *records_new(FILE *);
void		records_free(records *);

/*
 * The next record, split at "delimiter"; 0 takes the line as one field.  With
 * "quotes" double quotes enclose fields.  "expected" fields make a record (0:
 * any number); another number is its problem.  The texts hold until the next
 * call.  False at the end of the file, or when it cannot be read further.
 */
bool		records_next(records *, char delimiter, bool quotes, size_t expected, record *);

/* Gives the last record again, to be split another way. */
void		records_again(records *);

/* errno of a read that failed, else 0. */
int			records_error(const records *);

bool		text_is(text, const char *);	/* regardless of case */

/* The same for names: space, dot and hyphen are as "_". */
bool		text_names(text, const char *name);
text		text_trim(text);

#endif
