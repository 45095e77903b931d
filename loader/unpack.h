/*
 * unpack.h - compressed bytes in, plain bytes out: gzip (RFC 1952), zstd
 * (RFC 8878) and xz, recognised by how they begin.
 *
 * Several compressed streams one after another are read as one, as gzip, zstd
 * and xz do themselves.  Data that end early, or are followed by something
 * else, are an error that says so.
 */
#ifndef UNPACK_H
#define UNPACK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum
{
	UNPACK_MAGIC_BYTES = 4
};

typedef struct unpacker unpacker;

/* Reads compressed bytes as read(2) does. */
typedef ssize_t (*unpack_fetch) (void *arg, void *to, size_t size);

/* NULL if it is no format known here. */
unpacker   *unpack_open(const uint8_t magic[UNPACK_MAGIC_BYTES], unpack_fetch, void *arg);
void		unpack_close(unpacker *);

/* Plain bytes, at least one; 0 at the end; -1 with a message of MESSAGE_BYTES. */
ssize_t		unpack_read(unpacker *, void *to, size_t size, char *message);

#endif
