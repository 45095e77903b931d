/*
 * json.h - one line of JSON: an object with a value for each name.
 */
#ifndef JSON_H
#define JSON_H

#include "record.h"

enum
{
	JSON_TEXT = 4096			/* a longer string is cut off */
};

/* Where in the line reading is, and room for the strings of one member. */
typedef struct json
{
	const char *at;
	const char *end;
	char		name[JSON_TEXT];
	char		value[JSON_TEXT];
} json;

/* Enters the object; false if the line is none. */
bool		json_begin(json *, text line);

/*
 * The next member.  Values are as text: a string without quotes and escapes, a
 * number or word as it stands; null, arrays and objects are empty.  The texts
 * hold until the next call.  1: there is one; 0: the object is over; -1: this
 * is no JSON.
 */
int			json_next(json *, text *name, text *value);

#endif
