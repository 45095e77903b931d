/*
 * identity.h - what a live session or a replay is known by, whichever program
 * takes it up.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source.h"

enum
{
	SESSION_KEY_BYTES = 16
};

typedef struct identity
{
	uint8_t		key[SESSION_KEY_BYTES];
	bool		replay;			/* of a file, whose fingerprint is: */
	uint8_t		fingerprint[FINGERPRINT_BYTES];
	int64_t		started;		/* microseconds since 1970 */
	const char *source;			/* file, or interface */
	const char *filter;			/* NULL: none */
	const char *settings;
} identity;

/* As text, of fields that each end with a zero byte; free() it. */
char	   *identity_text(const identity *, size_t *size);

/* The identity points into the text; false if it is none. */
bool		identity_read(char *text, size_t size, identity *);

#endif
