/*
 * json.c - members of a JSON object (see json.h; RFC 8259).
 */
#include "json.h"

#include <string.h>

static void
skip_space(json *j)
{
	while (j->at < j->end && (*j->at == ' ' || *j->at == '\t' || *j->at == '\r'))
		j->at++;
}

static bool
taken(json *j, char c)
{
	skip_space(j);
	if (j->at == j->end || *j->at != c)
		return false;
	j->at++;
	return true;
}

bool
json_begin(json *j, text line)
{
	j->at = line.at;
	j->end = line.at + line.length;
	return taken(j, '{');
}

/* Four hexadecimal digits; "?" stands for all beyond ASCII: no value of ours has them. */
static bool
escaped_code(json *j, char *c)
{
	unsigned	code = 0;

	if (j->end - j->at < 4)
		return false;
	for (int i = 0; i < 4; i++)
	{
		static const char digits[] = "0123456789abcdef";
		const char *digit = memchr(digits, *j->at | 0x20, 16);

		if (!digit)
			return false;
		code = code << 4 | (unsigned) (digit - digits);
		j->at++;
	}
	*c = code > 0 && code < 128 ? (char) code : '?';
	return true;
}

static bool
escaped(json *j, char *c)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	const char *letter;

	if (j->at == j->end)
		return false;
	*c = *j->at++;
	if (*c == 'u')
		return escaped_code(j, c);
	letter = memchr(letters, *c, sizeof(letters) - 1);
	if (letter)
		*c = meanings[letter - letters];
	return letter != NULL;
}

/* Behind the opening quote; to room for JSON_TEXT bytes. */
static bool
string(json *j, char *to, text *value)
{
	size_t		n = 0;

	while (j->at < j->end && *j->at != '"')
	{
		char		c = *j->at++;

		if (c == '\\' && !escaped(j, &c))
			return false;
		if (n < JSON_TEXT)
			to[n++] = c;
	}
	*value = (text) {to, n};
	return taken(j, '"');
}

/* Passes over an array or object whose first bracket is taken. */
static bool
skip_nested(json *j, char *room)
{
	int			depth = 1;
	text		ignored;

	while (depth > 0 && j->at < j->end)
	{
		char		c = *j->at++;

		if (c == '"' && !string(j, room, &ignored))
			return false;
		if (c == '[' || c == '{')
			depth++;
		if (c == ']' || c == '}')
			depth--;
	}
	return depth == 0;
}

static bool
value_of(json *j, text *value)
{
	const char *begin;

	if (taken(j, '"'))
		return string(j, j->value, value);
	*value = (text) {j->at, 0};
	if (taken(j, '[') || taken(j, '{'))
		return skip_nested(j, j->value);
	begin = j->at;
	while (j->at < j->end && !strchr(",} \t\r\"", *j->at))
		j->at++;
	*value = (text) {begin, (size_t) (j->at - begin)};
	if (value->length == 0)
		return false;
	if (text_is(*value, "null"))
		value->length = 0;
	return true;
}

int
json_next(json *j, text *name, text *value)
{
	if (taken(j, '}'))
	{
		skip_space(j);
		return j->at == j->end ? 0 : -1;
	}
	if (!taken(j, '"') || !string(j, j->name, name) || !taken(j, ':') || !value_of(j, value))
		return -1;
	skip_space(j);
	if (j->at < j->end && *j->at == '}')
		return 1;
	return taken(j, ',') ? 1 : -1;
}
