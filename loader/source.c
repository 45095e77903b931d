/*
 * source.c - input bytes, and their fingerprint (see source.h).
 */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "signals.h"
#include "unpack.h"
#include "util.h"

enum
{
	BUFFER_BYTES = 256 * 1024,
	BUFFER_ALIGNMENT = 4096		/* to pages: elsewhere the kernel copies at a third of the speed */
};

/* Bytes read before they were wanted. */
typedef struct ahead
{
	uint8_t		byte[4];
	size_t		count,
				used;
} ahead;

_Static_assert(UNPACK_MAGIC_BYTES == sizeof(((ahead *) 0)->byte), "enough to tell formats apart");

struct source
{
	int			fd;
	char	   *buffer;			/* the stream's */
	ahead		head;			/* to see what it is */
	bool		begun;			/* that was seen */
	unpacker   *unpacker;		/* if it is compressed */
	ahead		magic;			/* by source_magic() */
	char		error[MESSAGE_BYTES];	/* "" if there was none */
	int64_t		position;
	bool		regular;
	struct stat before;			/* when it was opened */
	fingerprint *taking;		/* of what was read so far */
	uint8_t		print[FINGERPRINT_BYTES];
	bool		print_known;
};

/* All bytes pass here.  Of signals only those that ask to stop end the wait for them. */
static ssize_t
fetch(source *s, void *to, size_t size)
{
	ssize_t		n;

	do
		n = read(s->fd, to, size);
	while (n < 0 && errno == EINTR && !stop_asked);
	if (n > 0)
	{
		s->position += n;
		if (s->taking)
			fingerprint_add(s->taking, to, (size_t) n);
	}
	return n;
}

static ssize_t
take_ahead(ahead *a, void *to, size_t size)
{
	size_t		n = a->count - a->used < size ? a->count - a->used : size;

	memcpy(to, a->byte + a->used, n);
	a->used += n;
	return (ssize_t) n;
}

/* What was read ahead, then what follows.  (An unpack_fetch.) */
static ssize_t
fetch_all(void *arg, void *to, size_t size)
{
	source	   *s = arg;

	return s->head.used < s->head.count ? take_ahead(&s->head, to, size) : fetch(s, to, size);
}

/* Looks whether it is compressed; false on a read error. */
static bool
begin(source *s)
{
	ssize_t		n = 1;

	while (s->head.count < sizeof(s->head.byte) && n > 0)
	{
		n = fetch(s, s->head.byte + s->head.count, sizeof(s->head.byte) - s->head.count);
		if (n > 0)
			s->head.count += (size_t) n;
	}
	if (s->head.count == sizeof(s->head.byte))
		s->unpacker = unpack_open(s->head.byte, fetch_all, s);
	s->begun = true;
	return n >= 0;
}

/* Plain bytes. */
static ssize_t
unpacked(source *s, void *to, size_t size)
{
	ssize_t		n = s->begun || begin(s) ? 0 : -1;

	if (n == 0 && s->unpacker)
		return unpack_read(s->unpacker, to, size, s->error);
	if (n == 0)
		n = fetch_all(s, to, size);
	if (n < 0)
		snprintf(s->error, sizeof(s->error), "%s", strerror(errno));
	return n;
}

ssize_t
source_read(source *s, void *to, size_t size)
{
	return s->magic.used < s->magic.count ? take_ahead(&s->magic, to, size) : unpacked(s, to, size);
}

/* The stream's read function (fopencookie). */
static ssize_t
stream_read(void *cookie, char *to, size_t size)
{
	return source_read(cookie, to, size);
}

static void
end_fingerprint(source *s)
{
	fingerprint_get(s->taking, s->print);
	fingerprint_free(s->taking);
	s->taking = NULL;
	s->print_known = true;
}

/* Reads to the end; false on a read error. */
static bool
drain(source *s)
{
	ssize_t		n;

	while ((n = fetch(s, s->buffer, BUFFER_BYTES)) > 0)
		;
	return n == 0;
}

static bool
prepare(source *s)
{
	if (s->fd < 0 || fstat(s->fd, &s->before) != 0)
		return false;
	if (S_ISDIR(s->before.st_mode))
	{
		errno = EISDIR;
		return false;
	}
	s->regular = S_ISREG(s->before.st_mode) && lseek(s->fd, 0, SEEK_CUR) == 0;
	s->buffer = aligned_alloc(BUFFER_ALIGNMENT, BUFFER_BYTES);
	if (!s->buffer)
		return false;
	return true;
}

source *
source_open(const char *path, char *message)
{
	source	   *s = must_calloc(1, sizeof(*s));

	s->fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	if (prepare(s))
		return s;
	snprintf(message, MESSAGE_BYTES, "%s", strerror(errno));
	source_close(s);
	return NULL;
}

void
source_fingerprint_along(source *s, const uint8_t key[FINGERPRINT_KEY_BYTES])
{
	s->taking = fingerprint_new(key);
}

bool
source_fingerprint_first(source *s, const uint8_t key[FINGERPRINT_KEY_BYTES], char *message)
{
	s->taking = fingerprint_new(key);
	if (!drain(s) || lseek(s->fd, 0, SEEK_SET) != 0)
	{
		snprintf(message, MESSAGE_BYTES, "%s", strerror(errno));
		return false;
	}
	end_fingerprint(s);
	s->position = 0;
	return true;
}

void
source_close(source *s)
{
	if (s->unpacker)
		unpack_close(s->unpacker);
	if (s->fd >= 0)
		close(s->fd);
	fingerprint_free(s->taking);
	free(s->buffer);
	free(s);
}

FILE *
source_stream(source *s)
{
	static const cookie_io_functions_t functions = {.read = stream_read};
	FILE	   *stream = fopencookie(s, "r", functions);

	if (!stream || setvbuf(stream, s->buffer, _IOFBF, BUFFER_BYTES) != 0)
	{
		complain("out of memory");
		exit(1);
	}
	return stream;
}

bool
source_magic(source *s, uint8_t magic[4])
{
	while (s->magic.count < sizeof(s->magic.byte))
	{
		ssize_t		n = unpacked(s, s->magic.byte + s->magic.count, sizeof(s->magic.byte) - s->magic.count);

		if (n <= 0)
			return false;
		s->magic.count += (size_t) n;
	}
	memcpy(magic, s->magic.byte, sizeof(s->magic.byte));
	return true;
}

const char *
source_error(const source *s)
{
	return s->error[0] ? s->error : NULL;
}

const uint8_t *
source_fingerprint(const source *s)
{
	return s->print_known ? s->print : NULL;
}

int64_t
source_position(const source *s)
{
	return s->position;
}

int64_t
source_size(const source *s)
{
	return s->regular ? s->before.st_size : -1;
}

int64_t
source_time(const source *s)
{
	struct timespec t = s->before.st_mtim;

	if (!s->regular)
		clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t) t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* A regular file is what it was when it was opened. */
static bool
unchanged(const source *s)
{
	struct stat now;

	return fstat(s->fd, &now) == 0 && now.st_size == s->before.st_size &&
		now.st_mtim.tv_sec == s->before.st_mtim.tv_sec &&
		now.st_mtim.tv_nsec == s->before.st_mtim.tv_nsec;
}

bool
source_finish(source *s, char *message)
{
	if ((s->taking || !s->regular) && !drain(s))
	{
		snprintf(message, MESSAGE_BYTES, "%s", strerror(errno));
		return false;
	}
	if (s->regular && !unchanged(s))
	{
		snprintf(message, MESSAGE_BYTES, "the file was changed while it was read");
		return false;
	}
	if (s->taking)
		end_fingerprint(s);
	return true;
}
