/*
 * unpack.c - zlib, libzstd and liblzma behind one interface (see unpack.h).
 *
 * Each format is a row of a table: how it begins, and functions to begin, go a
 * step, and end.  A step takes what it can of the input and gives what it can
 * of the output; it also says whether the data may end after it.
 */
#include "unpack.h"

#include <errno.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "source.h"
#include "util.h"

enum
{
	INPUT_BYTES = 256 * 1024,
	GZIP_HEADERS = 16			/* for inflateInit2(): gzip's header, not zlib's */
};

#define XZ_MEMORY UINT64_C(268435456)	/* dictionaries beyond this are refused */

/* Input and output of a step, which moves both on. */
typedef struct step_data
{
	const uint8_t *in;
	size_t		in_bytes;
	uint8_t    *out;
	size_t		out_bytes;
	bool		last;			/* no input follows */
	bool		may_end;		/* set by the step: it ended at an end */
} step_data;

typedef struct format
{
	const char *name;
	uint8_t		magic[UNPACK_MAGIC_BYTES];
	size_t		magic_bytes;
	void	   *(*begin) (void);	/* NULL: no memory */
	const char *(*step) (void *, step_data *);	/* NULL, or what is wrong */
	void		(*end) (void *);
} format;

struct unpacker
{
	const format *format;
	void	   *state;
	unpack_fetch fetch;
	void	   *arg;
	step_data	data;
	uint8_t		input[INPUT_BYTES];
};

/* ---- gzip --------------------------------------------------------------- */

typedef struct gzip
{
	z_stream	stream;
	bool		ended;			/* the next byte begins another member */
} gzip;

static void *
gzip_begin(void)
{
	gzip	   *g = must_calloc(1, sizeof(*g));

	if (inflateInit2(&g->stream, GZIP_HEADERS + MAX_WBITS) == Z_OK)
		return g;
	free(g);
	return NULL;
}

static const char *
gzip_step(void *state, step_data *d)
{
	gzip	   *g = state;
	z_stream   *z = &g->stream;
	int			result;

	if (g->ended)
	{
		if (d->in_bytes == 0)
			return NULL;
		inflateReset(z);
		g->ended = false;
	}
	z->next_in = (Bytef *) (uintptr_t) d->in;
	z->avail_in = (uInt) d->in_bytes;
	z->next_out = d->out;
	z->avail_out = d->out_bytes > UINT32_MAX ? UINT32_MAX : (uInt) d->out_bytes;
	result = inflate(z, Z_NO_FLUSH);
	d->out_bytes -= (size_t) (z->next_out - d->out);
	d->out = z->next_out;
	d->in = z->next_in;
	d->in_bytes = z->avail_in;
	d->may_end = g->ended = result == Z_STREAM_END;
	if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR)
		return NULL;
	return z->msg ? z->msg : "damaged data";
}

static void
gzip_end(void *state)
{
	gzip	   *g = state;

	inflateEnd(&g->stream);
	free(g);
}

/* ---- zstd --------------------------------------------------------------- */

static void *
zstd_begin(void)
{
	return ZSTD_createDStream();
}

static const char *
zstd_step(void *state, step_data *d)
{
	ZSTD_inBuffer in = {d->in, d->in_bytes, 0};
	ZSTD_outBuffer out = {d->out, d->out_bytes, 0};
	size_t		result = ZSTD_decompressStream(state, &out, &in);

	d->in += in.pos;
	d->in_bytes -= in.pos;
	d->out += out.pos;
	d->out_bytes -= out.pos;
	if (in.pos > 0 || out.pos > 0)	/* else nothing was done, and it ends where it ended before */
		d->may_end = result == 0;
	return ZSTD_isError(result) ? ZSTD_getErrorName(result) : NULL;
}

static void
zstd_end(void *state)
{
	ZSTD_freeDStream(state);
}

/* ---- xz ----------------------------------------------------------------- */

static void *
xz_begin(void)
{
	lzma_stream *x = must_calloc(1, sizeof(*x));

	if (lzma_stream_decoder(x, XZ_MEMORY, LZMA_CONCATENATED) == LZMA_OK)
		return x;
	free(x);
	return NULL;
}

static const char *
xz_step(void *state, step_data *d)
{
	lzma_stream *x = state;
	lzma_ret	result;

	x->next_in = d->in;
	x->avail_in = d->in_bytes;
	x->next_out = d->out;
	x->avail_out = d->out_bytes;
	result = lzma_code(x, d->last ? LZMA_FINISH : LZMA_RUN);
	d->in = x->next_in;
	d->in_bytes = x->avail_in;
	d->out = x->next_out;
	d->out_bytes = x->avail_out;
	d->may_end = result == LZMA_STREAM_END;
	switch (result)
	{
		case LZMA_OK:
		case LZMA_STREAM_END:
		case LZMA_BUF_ERROR:
			return NULL;
		case LZMA_MEMLIMIT_ERROR:
			return "its dictionary needs more than 256 MB of memory";
		case LZMA_MEM_ERROR:
			return "out of memory";
		case LZMA_FORMAT_ERROR:
			return "something else follows the data";
		case LZMA_OPTIONS_ERROR:
			return "compressed with options that are not known here";
		default:
			return "damaged data";
	}
}

static void
xz_end(void *state)
{
	lzma_end(state);
	free(state);
}

/* ---- any ---------------------------------------------------------------- */

static const format formats[] = {
	{"gzip", {0x1f, 0x8b}, 2, gzip_begin, gzip_step, gzip_end},
	{"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, zstd_begin, zstd_step, zstd_end},
	{"xz", {0xfd, '7', 'z', 'X'}, 4, xz_begin, xz_step, xz_end},
};

unpacker *
unpack_open(const uint8_t magic[UNPACK_MAGIC_BYTES], unpack_fetch fetch, void *arg)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (memcmp(magic, formats[i].magic, formats[i].magic_bytes) == 0)
		{
			unpacker   *u = must_calloc(1, sizeof(*u));

			u->format = &formats[i];
			u->fetch = fetch;
			u->arg = arg;
			u->state = u->format->begin();
			if (!u->state)
			{
				complain("out of memory");
				exit(1);
			}
			return u;
		}
	return NULL;
}

void
unpack_close(unpacker *u)
{
	u->format->end(u->state);
	free(u);
}

/* More input, if there is none; false on a read error. */
static bool
refill(unpacker *u)
{
	ssize_t		n;

	if (u->data.in_bytes > 0 || u->data.last)
		return true;
	n = u->fetch(u->arg, u->input, sizeof(u->input));
	if (n < 0)
		return false;
	u->data.in = u->input;
	u->data.in_bytes = (size_t) n;
	u->data.last = n == 0;
	return true;
}

ssize_t
unpack_read(unpacker *u, void *to, size_t size, char *message)
{
	u->data.out = to;
	u->data.out_bytes = size;
	for (;;)
	{
		const char *problem;

		if (!refill(u))
		{
			snprintf(message, MESSAGE_BYTES, "%s", strerror(errno));
			return -1;
		}
		problem = u->format->step(u->state, &u->data);
		if (u->data.out_bytes < size)	/* first what came before the problem */
			return (ssize_t) (size - u->data.out_bytes);
		if (problem)
		{
			snprintf(message, MESSAGE_BYTES, "%s: %s", u->format->name, problem);
			return -1;
		}
		if (u->data.last)
			break;
	}
	if (u->data.may_end)
		return 0;
	snprintf(message, MESSAGE_BYTES, "%s: the compressed data end early", u->format->name);
	return -1;
}
