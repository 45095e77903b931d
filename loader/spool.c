/*
 * spool.c - batches on disk (see spool.h).
 *
 *   DIRECTORY/lock               held by the program that uses it
 *   DIRECTORY/BEGIN-KEY/session  the session's identity (identity.h)
 *   DIRECTORY/BEGIN-KEY/NUMBER   a batch: struct header, then its data
 *   DIRECTORY/BEGIN-KEY/new      one that was being written
 *
 * BEGIN, in hexadecimal, has the sessions in the order of their time.  The
 * files are in this machine's byte order: they are not made to travel.
 */
#include "spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "siphash.h"
#include "util.h"

#define MAGIC UINT64_C(0x31305f6c6f6f7073)	/* "spool_01" */

enum
{
	NAME_BYTES = 64,
	MOST_BATCH = 1 << 30
};

typedef struct header
{
	uint64_t	magic;
	uint64_t	checksum;		/* of all behind it */
	uint64_t	bytes;
	int64_t		rows;
	int64_t		first;
	int64_t		ended_at;
	uint64_t	final;
	capture_summary sum;
	uint64_t	day_count;
	day			days[BATCH_DAYS];
} header;

/* A batch's file, or the end of a session that was left. */
typedef struct item
{
	struct item *next;
	struct folder *folder;
	int64_t		number;			/* -1: the end */
	int64_t		rows,
				bytes;
} item;

typedef struct folder
{
	char		name[NAME_BYTES];
	identity	identity;
	char	   *text;			/* that it points into */
	size_t		items;
} folder;

struct spool
{
	int			directory;
	int			lock;
	int64_t		limit;
	folder	   *own;
	int64_t		next;			/* number of its next batch */

	pthread_mutex_t mutex;		/* over the rest */
	pthread_cond_t changed;
	item	   *head,
			  **tail;
	int64_t		used;			/* bytes */
	int64_t		waiting;		/* flows */
	bool		ended;
};

/* ---- files -------------------------------------------------------------- */

static bool
write_all(int fd, const void *bytes, size_t size)
{
	while (size > 0)
	{
		ssize_t		n = write(fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes = (const char *) bytes + n;
		size -= (size_t) n;
	}
	return true;
}

static bool
read_all(int fd, void *bytes, size_t size)
{
	while (size > 0)
	{
		ssize_t		n = read(fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes = (char *) bytes + n;
		size -= (size_t) n;
	}
	return true;
}

static int
open_folder(const spool *s, const folder *f)
{
	return openat(s->directory, f->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A file appears under its name when all of it is on disk. */
static bool
put_file(int directory, const char *name, const void *head, size_t head_bytes, const void *body, size_t body_bytes)
{
	int			fd = openat(directory, "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool		good = fd >= 0 && write_all(fd, head, head_bytes) && write_all(fd, body, body_bytes) && fsync(fd) == 0;
	int			problem = errno;

	if (fd >= 0)
		close(fd);
	if (good && renameat(directory, "new", directory, name) == 0 && fsync(directory) == 0)
		return true;
	if (good)
		problem = errno;
	unlinkat(directory, "new", 0);
	errno = problem;
	return false;
}

static void
batch_name(char *name, int64_t number)
{
	snprintf(name, NAME_BYTES, "%020" PRId64, number);
}

static uint64_t
checksum(const header *h, const batch *b)
{
	static const uint64_t key[2] = {0, 0};
	uint64_t	word[3] = {0, 0, b->bytes};
	size_t		begin = offsetof(header, bytes);

	word[0] = siphash13(key, (const uint64_t *) (const void *) ((const char *) h + begin), (sizeof(*h) - begin) / 8);
	word[1] = siphash13(key, (const uint64_t *) (const void *) b->data, b->bytes / 8);
	memcpy(&word[2], b->data + b->bytes / 8 * 8, b->bytes % 8);
	return siphash13(key, word, 3);
}

/* ---- what was left ------------------------------------------------------ */

static bool
load_identity(int directory, folder *f)
{
	int			fd = openat(directory, "session", O_RDONLY | O_CLOEXEC);
	struct stat status;
	bool		good = fd >= 0 && fstat(fd, &status) == 0 && status.st_size < 1 << 20;

	if (good)
	{
		f->text = must_calloc(1, (size_t) status.st_size + 1);
		good = read_all(fd, f->text, (size_t) status.st_size) && identity_read(f->text, (size_t) status.st_size, &f->identity);
	}
	if (fd >= 0)
		close(fd);
	return good;
}

static void
append(spool *s, folder *f, int64_t number, int64_t rows, int64_t bytes)
{
	item	   *i = must_calloc(1, sizeof(*i));

	*i = (item) {.folder = f, .number = number, .rows = rows, .bytes = bytes};
	*s->tail = i;
	s->tail = &i->next;
	f->items++;
	s->used += bytes;
	s->waiting += rows;
}

static int
is_batch(const struct dirent *entry)
{
	return strspn(entry->d_name, "0123456789") == 20 && entry->d_name[20] == '\0';
}

static int
is_folder(const struct dirent *entry)
{
	return strspn(entry->d_name, "0123456789abcdef-") >= 16 && strlen(entry->d_name) < NAME_BYTES;
}

/* Its header, if it is a batch. */
static bool
read_header(int directory, const char *name, header *h, int *fd)
{
	*fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	return *fd >= 0 && read_all(*fd, h, sizeof(*h)) && h->magic == MAGIC && h->bytes <= MOST_BATCH &&
		h->day_count <= BATCH_DAYS;
}

static void
scan_batch(spool *s, int directory, folder *f, const char *name)
{
	header		h;
	int			fd;
	struct stat status = {0};

	if (read_header(directory, name, &h, &fd) && fstat(fd, &status) == 0)
		append(s, f, strtoll(name, NULL, 10), h.rows, status.st_size);
	else
		append(s, f, strtoll(name, NULL, 10), 0, 0);	/* spool_next() will say so */
	if (fd >= 0)
		close(fd);
}

static void
scan_folder(spool *s, const char *name)
{
	folder	   *f = must_calloc(1, sizeof(*f));
	struct dirent **found = NULL;
	int			directory,
				n;

	snprintf(f->name, sizeof(f->name), "%.*s", NAME_BYTES - 1, name);
	directory = open_folder(s, f);
	if (directory < 0 || !load_identity(directory, f))
	{
		if (directory >= 0)		/* cut off when it began */
		{
			unlinkat(directory, "new", 0);
			close(directory);
			unlinkat(s->directory, name, AT_REMOVEDIR);
		}
		free(f->text);
		free(f);
		return;
	}
	unlinkat(directory, "new", 0);
	n = scandirat(directory, ".", &found, is_batch, alphasort);
	for (int i = 0; i < n; i++)
	{
		scan_batch(s, directory, f, found[i]->d_name);
		free(found[i]);
	}
	free(found);
	append(s, f, -1, 0, 0);
	close(directory);
}

static void
scan(spool *s)
{
	struct dirent **found = NULL;
	int			n = scandirat(s->directory, ".", &found, is_folder, alphasort);

	for (int i = 0; i < n; i++)
	{
		scan_folder(s, found[i]->d_name);
		free(found[i]);
	}
	free(found);
}

spool *
spool_open(const char *directory, int64_t limit, char *message)
{
	spool	   *s = must_calloc(1, sizeof(*s));

	s->limit = limit;
	s->tail = &s->head;
	s->lock = -1;
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->changed, NULL);
	if (mkdir(directory, 0700) != 0 && errno != EEXIST)
		s->directory = -1;
	else
		s->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->directory >= 0)
		s->lock = openat(s->directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock >= 0 && flock(s->lock, LOCK_EX | LOCK_NB) == 0)
	{
		scan(s);
		return s;
	}
	snprintf(message, MESSAGE_BYTES, "spool %s: %s", directory,
			 s->lock >= 0 && errno == EWOULDBLOCK ? "another program uses it" : strerror(errno));
	spool_close(s);
	return NULL;
}

void
spool_close(spool *s)
{
	while (s->head)
	{
		item	   *i = s->head;

		s->head = i->next;
		if (--i->folder->items == 0 && i->folder != s->own)
		{
			free(i->folder->text);
			free(i->folder);
		}
		free(i);
	}
	if (s->own)
		free(s->own->text);
	free(s->own);
	if (s->lock >= 0)
		close(s->lock);
	if (s->directory >= 0)
		close(s->directory);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

/* ---- putting ------------------------------------------------------------ */

bool
spool_begin(spool *s, const identity *i, char *message)
{
	folder	   *f = must_calloc(1, sizeof(*f));
	size_t		size;
	int			directory = -1;

	f->text = identity_text(i, &size);
	identity_read(f->text, size, &f->identity);
	snprintf(f->name, sizeof(f->name), "%016" PRIx64 "-%.32s", (uint64_t) i->started, f->text);
	s->own = f;
	if (mkdirat(s->directory, f->name, 0700) == 0)
		directory = open_folder(s, f);
	if (directory >= 0 && put_file(directory, "session", f->text, size, "", 0) && fsync(s->directory) == 0)
	{
		close(directory);
		return true;
	}
	snprintf(message, MESSAGE_BYTES, "spool: %s", strerror(errno));
	if (directory >= 0)
		close(directory);
	return false;
}

static void
fill_header(header *h, const batch *b)
{
	memset(h, 0, sizeof(*h));
	h->magic = MAGIC;
	h->bytes = b->bytes;
	h->rows = b->rows;
	h->first = b->first;
	h->ended_at = b->ended_at;
	h->final = b->final;
	h->sum = b->sum;
	h->sum.truncated = false;	/* with a pointer to why */
	h->sum.damage = NULL;
	h->day_count = b->day_count;
	memcpy(h->days, b->days, b->day_count * sizeof(day));
	h->checksum = checksum(h, b);
}

bool
spool_put(spool *s, const batch *b, char *message)
{
	header		h;
	char		name[NAME_BYTES];
	int64_t		size = (int64_t) (sizeof(h) + b->bytes);
	int			directory;
	bool		full;

	pthread_mutex_lock(&s->mutex);
	full = s->used + size > s->limit;
	if (full)
		snprintf(message, MESSAGE_BYTES, "spool: %lld of %lld bytes are taken by %lld flows that wait for the database",
				 (long long) s->used, (long long) s->limit, (long long) s->waiting);
	pthread_mutex_unlock(&s->mutex);
	if (full)
		return false;
	fill_header(&h, b);
	batch_name(name, s->next);
	directory = open_folder(s, s->own);
	if (directory < 0 || !put_file(directory, name, &h, sizeof(h), b->data, b->bytes))
	{
		snprintf(message, MESSAGE_BYTES, "spool: cannot keep %lld flows: %s", (long long) b->rows, strerror(errno));
		if (directory >= 0)
			close(directory);
		return false;
	}
	close(directory);
	pthread_mutex_lock(&s->mutex);
	append(s, s->own, s->next++, b->rows, size);
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->mutex);
	return true;
}

void
spool_end(spool *s)
{
	pthread_mutex_lock(&s->mutex);
	s->ended = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->mutex);
}

/* ---- taking ------------------------------------------------------------- */

static bool
load_batch(const spool *s, const item *i, batch *b)
{
	int			directory = open_folder(s, i->folder),
				fd = -1;
	char		name[NAME_BYTES];
	header		h;
	bool		good;

	batch_name(name, i->number);
	good = directory >= 0 && read_header(directory, name, &h, &fd);
	if (good)
	{
		batch_reserve(b, h.bytes);
		b->bytes = h.bytes;
		good = read_all(fd, b->data, h.bytes) && h.checksum == checksum(&h, b);
	}
	if (good)
	{
		b->rows = h.rows;
		b->first = h.first;
		b->ended_at = h.ended_at;
		b->final = h.final;
		b->sum = h.sum;
		b->day_count = h.day_count;
		memcpy(b->days, h.days, h.day_count * sizeof(day));
	}
	else if (directory >= 0)
	{
		char		aside[NAME_BYTES + 4];

		snprintf(aside, sizeof(aside), "%s.bad", name);
		renameat(directory, name, directory, aside);
		complain("spool: %s/%s is damaged, and put aside as %s", i->folder->name, name, aside);
	}
	if (fd >= 0)
		close(fd);
	if (directory >= 0)
		close(directory);
	return good;
}

spool_item
spool_next(spool *s, batch *b, const identity **whose)
{
	for (;;)
	{
		item	   *i;

		pthread_mutex_lock(&s->mutex);
		while (!s->head && !s->ended)
			pthread_cond_wait(&s->changed, &s->mutex);
		i = s->head;
		pthread_mutex_unlock(&s->mutex);
		if (!i)
			return SPOOL_EMPTY;
		*whose = &i->folder->identity;
		if (i->number < 0)
			return SPOOL_CUT_OFF;
		if (load_batch(s, i, b))
			return SPOOL_BATCH;
		spool_remove(s);
	}
}

/* The folder of a session that has nothing more to come. */
static void
remove_folder(spool *s, folder *f)
{
	int			directory = open_folder(s, f);

	if (directory >= 0)
	{
		unlinkat(directory, "session", 0);
		close(directory);
	}
	unlinkat(s->directory, f->name, AT_REMOVEDIR);
}

void
spool_remove(spool *s)
{
	item	   *i = s->head;
	folder	   *f = i->folder;
	char		name[NAME_BYTES];
	int			directory;
	bool		last;

	if (i->number >= 0 && (directory = open_folder(s, f)) >= 0)
	{
		batch_name(name, i->number);
		unlinkat(directory, name, 0);
		close(directory);
	}
	pthread_mutex_lock(&s->mutex);
	s->head = i->next;
	if (!s->head)
		s->tail = &s->head;
	s->used -= i->bytes;
	s->waiting -= i->rows;
	last = --f->items == 0 && (f != s->own || s->ended);
	pthread_mutex_unlock(&s->mutex);
	free(i);
	if (!last)
		return;
	remove_folder(s, f);
	if (f == s->own)
		return;
	free(f->text);
	free(f);
}

int64_t
spool_waiting(spool *s)
{
	int64_t		waiting;

	pthread_mutex_lock(&s->mutex);
	waiting = s->waiting;
	pthread_mutex_unlock(&s->mutex);
	return waiting;
}
