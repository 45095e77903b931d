/*
 * identity.c - what a session is known by (see identity.h).
 */
#include "identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

enum
{
	FIELDS = 7					/* of its text */
};

static void
put_hex(char *to, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sprintf(to + 2 * i, "%02x", bytes[i]);
}

static bool
get_hex(const char *from, uint8_t *bytes, size_t n)
{
	unsigned	value;

	if (strlen(from) != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++)
	{
		if (sscanf(from + 2 * i, "%2x", &value) != 1)
			return false;
		bytes[i] = (uint8_t) value;
	}
	return true;
}

/* Fields: key, fingerprint, begin, source, has a filter?, filter, settings. */
char *
identity_text(const identity *i, size_t *size)
{
	char		key[2 * SESSION_KEY_BYTES + 1],
				print[2 * FINGERPRINT_BYTES + 1] = "";
	char	   *text = NULL;
	FILE	   *to = open_memstream(&text, size);

	put_hex(key, i->key, SESSION_KEY_BYTES);
	if (i->replay)
		put_hex(print, i->fingerprint, FINGERPRINT_BYTES);
	if (!to || fprintf(to, "%s%c%s%c%" PRId64 "%c%s%c%s%c%s%c%s%c", key, 0, print, 0, i->started, 0, i->source, 0,
					   i->filter ? "yes" : "no", 0, i->filter ? i->filter : "", 0, i->settings, 0) < 0 || fclose(to) != 0)
	{
		complain("out of memory");
		exit(1);
	}
	return text;
}

bool
identity_read(char *text, size_t size, identity *i)
{
	const char *field[FIELDS];
	size_t		n = 0,
				at = 0;

	for (; n < FIELDS && at < size && memchr(text + at, 0, size - at); n++)
	{
		field[n] = text + at;
		at += strlen(text + at) + 1;
	}
	if (n < FIELDS || at != size || !get_hex(field[0], i->key, SESSION_KEY_BYTES))
		return false;
	i->replay = *field[1] != '\0';
	i->started = strtoll(field[2], NULL, 10);
	i->source = field[3];
	i->filter = strcmp(field[4], "yes") == 0 ? field[5] : NULL;
	i->settings = field[6];
	return !i->replay || get_hex(field[1], i->fingerprint, FINGERPRINT_BYTES);
}
