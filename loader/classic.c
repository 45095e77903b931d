/*
 * classic.c - one header, then packets (see classic.h).
 *
 * A file header of 24 bytes gives byte order, unit of the times and link type.
 * Each packet has a header of 16 bytes: seconds, microseconds or nanoseconds,
 * bytes captured, bytes on the wire; Kuznetzov's patch added 8 more.
 * draft-ietf-opsawg-pcap; files older than version 2.4 as in libpcap.
 *
 * Packets are handed out where they were read.  What is left of a buffer when
 * more must be read goes to the space before it, so that the kernel always
 * copies to the same aligned place:
 *
 *   | room for what is left | read here, aligned to pages |
 */
#include "classic.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

enum
{
	FILE_HEADER = 24,
	PACKET_HEADER = 16,
	KUZNETZOV_HEADER = 24,
	MOST_CAPTURED = 262144,		/* libpcap's limit */
	PAGE = 4096,
	LEFT_BYTES = MOST_CAPTURED + PAGE,	/* more than any packet with its header */
	READ_BYTES = MOST_CAPTURED + PAGE
};

#define MAGIC_MICROSECONDS UINT32_C(0xa1b2c3d4)
#define MAGIC_NANOSECONDS UINT32_C(0xa1b23c4d)
#define MAGIC_KUZNETZOV UINT32_C(0xa1b2cd34)

/* In files before version 2.4 some systems wrote the two lengths in the wrong order. */
typedef enum length_order
{
	CAPTURED_FIRST,
	WIRE_FIRST,
	SMALLER_IS_CAPTURED
} length_order;

struct classic
{
	source	   *source;
	uint8_t    *buffer;			/* LEFT_BYTES, then READ_BYTES */
	uint8_t    *at,				/* of it, what was read and not handed out */
			   *end;
	bool		ended;			/* the source has */
	bool		swapped;		/* the file's byte order is not ours */
	bool		nanoseconds;
	length_order lengths;
	uint32_t	packet_header;
	int			link;
	int64_t		packets;		/* read so far, for messages */
};

static inline uint32_t
get32(const classic *r, const uint8_t *b)
{
	uint32_t	v;

	memcpy(&v, b, sizeof(v));
	return r->swapped ? __builtin_bswap32(v) : v;
}

/* ---- bytes -------------------------------------------------------------- */

/* Reads until "n" bytes are there, or the source ends. */
static void
fill(classic *r, size_t n)
{
	uint8_t    *place = r->buffer + LEFT_BYTES;
	size_t		left = (size_t) (r->end - r->at);

	memcpy(place - left, r->at, left);	/* n, and so "left", is at most LEFT_BYTES */
	r->at = place - left;
	r->end = place;
	while (!r->ended && (size_t) (r->end - r->at) < n)
	{
		ssize_t		got = source_read(r->source, r->end, (size_t) (place + READ_BYTES - r->end));

		if (got <= 0)
			r->ended = true;
		else
			r->end += got;
	}
}

/* Are "n" bytes there? */
static inline bool
have(classic *r, size_t n)
{
	if ((size_t) (r->end - r->at) < n && !r->ended)
		fill(r, n);
	return (size_t) (r->end - r->at) >= n;
}

/* ---- the file's header -------------------------------------------------- */

static bool
known_magic(uint32_t magic)
{
	return magic == MAGIC_MICROSECONDS || magic == MAGIC_NANOSECONDS || magic == MAGIC_KUZNETZOV;
}

bool
classic_magic(const uint8_t magic[4])
{
	uint32_t	word;

	memcpy(&word, magic, sizeof(word));
	return known_magic(word) || known_magic(__builtin_bswap32(word));
}

static bool
read_header(classic *r, char *message)
{
	uint32_t	magic;
	uint16_t	version[2];

	if (!have(r, FILE_HEADER))
	{
		snprintf(message, MESSAGE_BYTES, "the file ends inside its header");
		return false;
	}
	memcpy(&magic, r->at, sizeof(magic));
	r->swapped = !known_magic(magic);
	magic = get32(r, r->at);
	memcpy(version, r->at + 4, sizeof(version));
	for (int i = 0; i < 2; i++)
		version[i] = r->swapped ? __builtin_bswap16(version[i]) : version[i];
	if (version[0] != 543 && (version[0] != 2 || version[1] > 4))
	{
		snprintf(message, MESSAGE_BYTES, "version %u.%u of pcap is not supported", version[0], version[1]);
		return false;
	}
	r->lengths = version[0] == 543 || version[1] < 3 ? WIRE_FIRST :
		version[1] == 3 ? SMALLER_IS_CAPTURED : CAPTURED_FIRST;
	r->nanoseconds = magic == MAGIC_NANOSECONDS;
	r->packet_header = magic == MAGIC_KUZNETZOV ? KUZNETZOV_HEADER : PACKET_HEADER;
	r->link = (int) (get32(r, r->at + 20) & 0x03ffffff);	/* above it: the frame check sequence */
	r->at += FILE_HEADER;
	return true;
}

classic *
classic_open(source *s, char *message)
{
	classic    *r = must_calloc(1, sizeof(*r));

	r->source = s;
	r->buffer = aligned_alloc(PAGE, LEFT_BYTES + READ_BYTES);
	if (!r->buffer)
	{
		complain("out of memory");
		exit(1);
	}
	r->at = r->end = r->buffer + LEFT_BYTES;
	if (read_header(r, message))
		return r;
	classic_close(r);
	return NULL;
}

void
classic_close(classic *r)
{
	free(r->buffer);
	free(r);
}

int
classic_link(const classic *r)
{
	return r->link;
}

/* ---- packets ------------------------------------------------------------ */

static int
ends_early(const classic *r, const char *where, char *message)
{
	snprintf(message, MESSAGE_BYTES, "the file ends inside %s packet %lld", where, (long long) r->packets + 1);
	return -1;
}

int
classic_next(classic *r, frame *f, char *message)
{
	uint32_t	captured,
				wire,
				fraction;

	if (!have(r, r->packet_header))
		return r->at == r->end ? 0 : ends_early(r, "the header of", message);
	captured = get32(r, r->at + 8);
	wire = get32(r, r->at + 12);
	if (r->lengths == WIRE_FIRST || (r->lengths == SMALLER_IS_CAPTURED && captured > wire))
	{
		uint32_t	first = captured;

		captured = wire;
		wire = first;
	}
	if (captured > MOST_CAPTURED)
	{
		snprintf(message, MESSAGE_BYTES, "packet %lld has %u bytes, more than %d",
				 (long long) r->packets + 1, captured, MOST_CAPTURED);
		return -1;
	}
	if (!have(r, r->packet_header + captured))
		return ends_early(r, "", message);
	fraction = get32(r, r->at + 4);
	f->time = (int64_t) get32(r, r->at) * 1000000 + (r->nanoseconds ? fraction / 1000 : fraction);
	f->data = r->at + r->packet_header;
	f->captured = captured;
	f->wire = wire;
	r->at += r->packet_header + captured;
	r->packets++;
	return 1;
}
