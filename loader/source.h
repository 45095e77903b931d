/*
 * source.h - the bytes of one input: a file, or standard input.
 *
 * What is compressed with gzip, zstd or xz is unpacked on the way (unpack.h).
 *
 * A source is read once, as a stdio stream with a large buffer (libpcap reads
 * through stdio's 4 KB otherwise, which costs a fifth of its speed).  It can
 * tell the fingerprint of its bytes: before the first is handed out, if it is a
 * regular file and may be one that was loaded earlier, which then costs no more
 * than that; or at the end, which saves reading it twice.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "fingerprint.h"

enum
{
	MESSAGE_BYTES = 512			/* room for an error message */
};

typedef struct source source;

/* "-" is standard input.  NULL and a message on failure. */
source	   *source_open(const char *path, char *message);
void		source_close(source *);

/*
 * Before the first byte is taken: takes the fingerprint of a regular file at
 * once (false and a message on a read error), or of any source while it is read.
 * The key as in fingerprint.h.
 */
bool		source_fingerprint_first(source *, const uint8_t key[FINGERPRINT_KEY_BYTES], char *message);
void		source_fingerprint_along(source *, const uint8_t key[FINGERPRINT_KEY_BYTES]);

/* The bytes, unpacked, as a stream, once; the caller closes it before the source. */
FILE	   *source_stream(source *);

/* Or read as read(2) does it: 0 at the end, -1 on an error. */
ssize_t		source_read(source *, void *to, size_t size);

/* The first four of those bytes, without consuming them; false if there are fewer. */
bool		source_magic(source *, uint8_t magic[4]);

/* Why reading ended in an error; NULL if it did not. */
const char *source_error(const source *);

/* NULL while it is not known. */
const uint8_t *source_fingerprint(const source *);

/* Bytes of the file, packed or not, consumed so far, and in all (-1: not known, a pipe). */
int64_t		source_position(const source *);
int64_t		source_size(const source *);

/* When a file was last written to, in microseconds since 1970; of a pipe, now. */
int64_t		source_time(const source *);

/*
 * Reads a pipe, or what a fingerprint is taken of, to its end, so that it and size are
 * those of all of it.  False and a message if a file was changed since it was
 * opened.
 */
bool		source_finish(source *, char *message);

#endif
