/*
 * profile.h - which column of a text file says what of a flow.
 *
 * A profile gives the columns of one kind of file their targets (target.h).  A
 * mapping binds a file's header to a profile, and to what the user says.
 */
#ifndef PROFILE_H
#define PROFILE_H

#include "target.h"

typedef struct profile profile;

typedef struct mapping
{
	const profile *profile;
	size_t		count;			/* of the file's columns */
	const target *target[MOST_FIELDS];	/* NULL: the column is not used */
	char	   *name[MOST_FIELDS];	/* the file's, or "column 3" */
	uint32_t	facts;			/* that some column is there for */
} mapping;

/* NULL if there is none of that name. */
const profile *profile_find(const char *name);

/* Zeek's logs say themselves what they are. */
extern const profile profile_zeek;

/* For --help: a line for each. */
void		profile_list(FILE *);

/* "ours=theirs,..." is well formed and names targets; else a message. */
bool		profile_check_map(const char *map, char *message);

/*
 * Binds a header to "profile", or, where that is NULL, to the one it fits;
 * "map" ("ours=theirs,...", or NULL) comes on top, "theirs" a name or a number
 * from 1.  False and a message if no column is known.
 */
bool		mapping_bind(mapping *, const record *header, const profile *, const char *map, char *message);

/*
 * The same for a first line that is no header: KDD-99's files have none, and
 * columns may be mapped by number.
 */
bool		mapping_bind_headless(mapping *, const record *first, const profile *, const char *map, char *message);
void		mapping_clear(mapping *);

/*
 * Puts a record's fields into an empty draft; NULL, or why the row is bad, in
 * "message".
 */
const char *mapping_read(const mapping *, const record *, draft *, char *message);

/* Puts one value in; "name" is its column's. */
const char *mapping_value(const mapping *, const target *, text name, text value, draft *, char *message);

/* The target of a column by its name, NULL if it is not used. */
const target *profile_target(const profile *, text name);

#endif
