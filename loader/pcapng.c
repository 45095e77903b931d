/*
 * pcapng.c - blocks, sections, interfaces, packets (see pcapng.h).
 *
 * A file is a sequence of blocks: type, total length, body, total length once
 * more.  A section header gives the byte order of all that follows and forgets
 * the interfaces; an interface description adds one; packets name theirs by
 * number.  Blocks of other types are skipped by their length.  Every field is
 * read from a body whose length is known, and nothing in it is trusted.
 */
#include "pcapng.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "source.h"
#include "util.h"

enum
{
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET_OLD = 2,
	BLOCK_PACKET_SIMPLE = 3,
	BLOCK_STATISTICS = 5,
	BLOCK_PACKET = 6
};

#define BLOCK_SECTION UINT32_C(0x0a0d0d0a)	/* a palindrome */
#define ORDER_MAGIC UINT32_C(0x1a2b3c4d)

enum
{
	OPTION_END = 0,
	OPTION_IFDROP = 5,			/* of statistics */
	OPTION_TSRESOL = 9,			/* of interfaces */
	OPTION_TSOFFSET = 14,
	HEAD_BYTES = 8,				/* type and length */
	TAIL_BYTES = 4,				/* length again */
	MOST_INTERFACES = 65536,
	MOST_BLOCK_BYTES = 64 * 1024 * 1024
};

typedef struct interface
{
	int			link;
	uint32_t	snaplen;		/* 0: unlimited */
	uint64_t	ticks;			/* per second */
	int64_t		offset;			/* seconds */
	int64_t		drops;			/* -1: not reported */
} interface;

struct pcapng
{
	FILE	   *in;
	bool		swapped;		/* the section's byte order is not ours */
	uint8_t    *body;
	size_t		body_room;
	uint32_t	body_bytes;
	interface  *interfaces;
	uint32_t	interface_count,
				interface_room;
	int64_t		time;			/* last packet's, for those without */
	int64_t		earlier_drops;	/* of finished sections; -1: none reported */
	int64_t		position;
};

static uint16_t
get16(const pcapng *r, const uint8_t *b)
{
	uint16_t	v;

	memcpy(&v, b, sizeof(v));
	return r->swapped ? __builtin_bswap16(v) : v;
}

static uint32_t
get32(const pcapng *r, const uint8_t *b)
{
	uint32_t	v;

	memcpy(&v, b, sizeof(v));
	return r->swapped ? __builtin_bswap32(v) : v;
}

static uint64_t
get64(const pcapng *r, const uint8_t *b)
{
	uint64_t	v;

	memcpy(&v, b, sizeof(v));
	return r->swapped ? __builtin_bswap64(v) : v;
}

static int damaged(const pcapng *, char *message, const char *format,...) __attribute__((format(printf, 3, 4)));

static int
damaged(const pcapng *r, char *message, const char *format,...)
{
	va_list		args;
	int			n = snprintf(message, MESSAGE_BYTES, "block at byte %lld: ", (long long) r->position);

	va_start(args, format);
	vsnprintf(message + n, (size_t) (MESSAGE_BYTES - n), format, args);
	va_end(args);
	return -1;
}

/* ---- sections and interfaces -------------------------------------------- */

static void
add_drops(int64_t *sum, int64_t drops)
{
	if (drops >= 0)
		*sum = (*sum > 0 ? *sum : 0) + drops;
}

int64_t
pcapng_drops(const pcapng *r)
{
	int64_t		sum = r->earlier_drops;

	for (uint32_t i = 0; i < r->interface_count; i++)
		add_drops(&sum, r->interfaces[i].drops);
	return sum;
}

static int
section(pcapng *r, char *message)
{
	if (r->body_bytes < 16)
		return damaged(r, message, "section header of %u bytes", r->body_bytes);
	if (get16(r, r->body + 4) != 1)
		return damaged(r, message, "version %u of pcapng", get16(r, r->body + 4));
	r->earlier_drops = pcapng_drops(r);
	r->interface_count = 0;
	return 0;
}

/* The value of an option from "at" on, NULL if it is missing or shorter. */
static const uint8_t *
option(const pcapng *r, uint32_t at, uint16_t wanted, uint16_t bytes)
{
	while (at + 4 <= r->body_bytes)
	{
		uint16_t	code = get16(r, r->body + at);
		uint16_t	length = get16(r, r->body + at + 2);

		at += 4;
		if (code == OPTION_END || length > r->body_bytes - at)
			return NULL;
		if (code == wanted)
			return length >= bytes ? r->body + at : NULL;
		at += (length + 3u) & ~3u;
	}
	return NULL;
}

/* Powers of ten, or of two with the highest bit set; 0 if out of range. */
static uint64_t
resolution(uint8_t code)
{
	uint64_t	ticks = 1;
	int			exponent = code & 0x7f;

	if (code & 0x80)
		return exponent < 64 ? UINT64_C(1) << exponent : 0;
	if (exponent > 19)
		return 0;
	while (exponent-- > 0)
		ticks *= 10;
	return ticks;
}

static int
add_interface(pcapng *r, char *message)
{
	const uint8_t *value;
	interface  *i;

	if (r->body_bytes < 8)
		return damaged(r, message, "interface description of %u bytes", r->body_bytes);
	if (r->interface_count == MOST_INTERFACES)
		return damaged(r, message, "more than %d interfaces", MOST_INTERFACES);
	if (r->interface_count == r->interface_room)
	{
		r->interface_room = r->interface_room ? r->interface_room * 2 : 4;
		r->interfaces = must_realloc(r->interfaces, r->interface_room * sizeof(interface));
	}
	i = &r->interfaces[r->interface_count];
	i->link = get16(r, r->body);
	i->snaplen = get32(r, r->body + 4);
	value = option(r, 8, OPTION_TSRESOL, 1);
	i->ticks = value ? resolution(*value) : 1000000;
	if (i->ticks == 0)
		return damaged(r, message, "time resolution 0x%02x", *value);
	value = option(r, 8, OPTION_TSOFFSET, 8);
	i->offset = value ? (int64_t) get64(r, value) : 0;
	i->drops = -1;
	r->interface_count++;
	return 0;
}

/* Statistics may come several times; the last count holds. */
static int
statistics(pcapng *r)
{
	uint32_t	id;
	const uint8_t *drops;

	if (r->body_bytes < 12)
		return 0;
	id = get32(r, r->body);
	drops = option(r, 12, OPTION_IFDROP, 8);
	if (id < r->interface_count && drops)
		r->interfaces[id].drops = (int64_t) (get64(r, drops) & INT32_MAX);
	return 0;
}

/* ---- packets ------------------------------------------------------------ */

/* Microseconds; what does not fit becomes -1, a time no packet has. */
static int64_t
to_time(const interface *i, uint64_t ticks)
{
	__int128	seconds = (__int128) (ticks / i->ticks) + i->offset;
	__int128	fraction = (__int128) (ticks % i->ticks) * 1000000 / (__int128) i->ticks;
	__int128	time = seconds * 1000000 + fraction;

	return time >= 0 && time <= INT64_MAX ? (int64_t) time : -1;
}

/* A packet whose data begin "at" bytes into the body. */
static int
packet_frame(pcapng *r, uint32_t id, uint32_t at, uint32_t captured, uint32_t wire, frame *f, char *message)
{
	if (id >= r->interface_count)
		return damaged(r, message, "packet of interface %u, of %u", id, r->interface_count);
	if (captured > r->body_bytes - at)
		return damaged(r, message, "packet of %u bytes in a block with %u", captured, r->body_bytes - at);
	f->time = r->time;
	f->data = r->body + at;
	f->captured = captured;
	f->wire = wire;
	f->link = r->interfaces[id].link;
	return 1;
}

/* Enhanced packet, or the obsolete packet block with its 16-bit interface. */
static int
timed_packet(pcapng *r, bool enhanced, frame *f, char *message)
{
	const uint8_t *b = r->body;
	uint32_t	id;

	if (r->body_bytes < 20)
		return damaged(r, message, "packet block of %u bytes", r->body_bytes);
	id = enhanced ? get32(r, b) : get16(r, b);
	if (id < r->interface_count)
		r->time = to_time(&r->interfaces[id], (uint64_t) get32(r, b + 4) << 32 | get32(r, b + 8));
	return packet_frame(r, id, 20, get32(r, b + 12), get32(r, b + 16), f, message);
}

/* No time and no captured length: interface 0, cut at its snap length. */
static int
simple_packet(pcapng *r, frame *f, char *message)
{
	uint32_t	wire,
				captured;

	if (r->body_bytes < 4)
		return damaged(r, message, "packet block of %u bytes", r->body_bytes);
	wire = captured = get32(r, r->body);
	if (r->interface_count > 0 && r->interfaces[0].snaplen && captured > r->interfaces[0].snaplen)
		captured = r->interfaces[0].snaplen;
	return packet_frame(r, 0, 4, captured, wire, f, message);
}

/* ---- blocks ------------------------------------------------------------- */

/*
 * Reads a block's type and body.  1: read; 0: the file ends here; -1: damaged.
 * A section header's length is in its own byte order, which comes after it.
 */
static int
read_block(pcapng *r, uint32_t *type, char *message)
{
	uint8_t		head[HEAD_BYTES + 4];
	size_t		head_bytes = HEAD_BYTES;
	size_t		n = fread(head, 1, HEAD_BYTES, r->in);
	uint32_t	total,
				rest;

	if (n == 0 && !ferror(r->in))
		return 0;
	if (n < HEAD_BYTES)
		return damaged(r, message, "the file ends inside it");
	*type = get32(r, head);
	if (*type == BLOCK_SECTION)
	{
		uint32_t	magic;

		if (fread(head + HEAD_BYTES, 1, 4, r->in) < 4)
			return damaged(r, message, "the file ends inside it");
		head_bytes += 4;
		memcpy(&magic, head + HEAD_BYTES, 4);
		r->swapped = magic == __builtin_bswap32(ORDER_MAGIC);
		if (!r->swapped && magic != ORDER_MAGIC)
			return damaged(r, message, "byte-order magic 0x%08x", magic);
	}
	total = get32(r, head + 4);
	if (total < head_bytes + TAIL_BYTES || total % 4 != 0 || total > MOST_BLOCK_BYTES)
		return damaged(r, message, "length %u", total);
	if (total > r->body_room)
	{
		r->body = must_realloc(r->body, total);
		r->body_room = total;
	}
	memcpy(r->body, head + HEAD_BYTES, head_bytes - HEAD_BYTES);
	rest = total - (uint32_t) head_bytes;
	if (fread(r->body + head_bytes - HEAD_BYTES, 1, rest, r->in) < rest)
		return damaged(r, message, "the file ends inside it");
	r->body_bytes = total - HEAD_BYTES - TAIL_BYTES;
	if (get32(r, r->body + r->body_bytes) != total)
		return damaged(r, message, "lengths %u and %u", total, get32(r, r->body + r->body_bytes));
	return 1;
}

int
pcapng_next(pcapng *r, frame *f, char *message)
{
	for (;;)
	{
		uint32_t	type;
		int			result = read_block(r, &type, message);

		if (result <= 0)
			return result;
		result = 0;
		switch (type)
		{
			case BLOCK_SECTION:
				result = section(r, message);
				break;
			case BLOCK_INTERFACE:
				result = add_interface(r, message);
				break;
			case BLOCK_STATISTICS:
				result = statistics(r);
				break;
			case BLOCK_PACKET:
			case BLOCK_PACKET_OLD:
				result = timed_packet(r, type == BLOCK_PACKET, f, message);
				break;
			case BLOCK_PACKET_SIMPLE:
				result = simple_packet(r, f, message);
				break;
			default:
				break;
		}
		if (result < 0)
			return result;
		r->position += r->body_bytes + HEAD_BYTES + TAIL_BYTES;
		if (result == 1)
			return 1;
	}
}

pcapng *
pcapng_open(FILE *in, char *message)
{
	pcapng	   *r = must_calloc(1, sizeof(*r));
	uint32_t	type = 0;
	int			result;

	r->in = in;
	r->earlier_drops = -1;
	result = read_block(r, &type, message);
	if (result == 1)
		result = type == BLOCK_SECTION ? section(r, message) : damaged(r, message, "no section header");
	else if (result == 0)
		result = damaged(r, message, "the file is empty");
	if (result < 0)
	{
		pcapng_close(r);
		return NULL;
	}
	r->position += r->body_bytes + HEAD_BYTES + TAIL_BYTES;
	return r;
}

void
pcapng_close(pcapng *r)
{
	free(r->interfaces);
	free(r->body);
	free(r);
}
