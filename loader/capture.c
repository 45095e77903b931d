/*
 * capture.c - capture files of either format, filtered (see capture.h).
 *
 * Both formats have a reader of their own; libpcap compiles the filters, and
 * runs them.  A filter is compiled for a link type, so there is one program per
 * link type met.
 */
#include "capture.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "classic.h"
#include "pcapng.h"
#include "util.h"

enum
{
	SNAPLEN = 262144,			/* libpcap's own limit */
	RAW_OPENBSD = 14,			/* DLT_RAW there, 12 elsewhere */
	RAW_OTHERS = 12
};

typedef struct filter
{
	int			link;
	struct bpf_program program;
} filter;

struct capture
{
	classic    *classic;		/* one of the two */
	pcapng	   *ng;
	FILE	   *stream;			/* of the latter */
	int			link;			/* of classic */
	const char *expression;		/* NULL: no filter */
	filter	   *filters;
	size_t		filter_count;
};

/* ---- filters ------------------------------------------------------------ */

/* libpcap's numbers are ours but for two; that of raw IP differs by system. */
static int
link_to_dlt(int link)
{
	return link == LINK_RAW ? DLT_RAW : link == LINK_ATM_RFC1483 ? DLT_ATM_RFC1483 : link;
}

int
capture_link(int dlt)
{
	if (dlt == RAW_OTHERS || dlt == RAW_OPENBSD)
		return LINK_RAW;
	return dlt == DLT_ATM_RFC1483 ? LINK_ATM_RFC1483 : dlt;
}

static bool
compile(const char *expression, int link, struct bpf_program *program, char *message)
{
	pcap_t	   *dead = pcap_open_dead(link_to_dlt(link), SNAPLEN);
	bool		good;

	if (!dead)
	{
		snprintf(message, MESSAGE_BYTES, "out of memory");
		return false;
	}
	good = pcap_compile(dead, program, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (!good)
		snprintf(message, MESSAGE_BYTES, "filter \"%s\": %s", expression, pcap_geterr(dead));
	pcap_close(dead);
	return good;
}

bool
capture_check_filter(const char *expression, char *message)
{
	struct bpf_program program;

	if (!compile(expression, LINK_ETHERNET, &program, message))
		return false;
	pcap_freecode(&program);
	return true;
}

/* 1: passes; 0: does not; -2: there is no program for its link type. */
static int
passes(capture *c, const frame *f, char *message)
{
	struct pcap_pkthdr header = {.caplen = f->captured, .len = f->wire};
	size_t		i = 0;

	if (!c->expression || !decode_knows_link(f->link))
		return 1;
	while (i < c->filter_count && c->filters[i].link != f->link)
		i++;
	if (i == c->filter_count)
	{
		c->filters = must_realloc(c->filters, (i + 1) * sizeof(filter));
		if (!compile(c->expression, f->link, &c->filters[i].program, message))
			return -2;
		c->filters[i].link = f->link;
		c->filter_count++;
	}
	return pcap_offline_filter(&c->filters[i].program, &header, f->data) ? 1 : 0;
}

/* ---- classic files ------------------------------------------------------ */

static bool
open_classic(capture *c, source *s, char *message)
{
	const char *name;

	c->classic = classic_open(s, message);
	if (!c->classic)
		return false;
	c->link = capture_link(classic_link(c->classic));
	if (decode_knows_link(c->link))
		return true;
	name = pcap_datalink_val_to_name(c->link);
	snprintf(message, MESSAGE_BYTES, "link type %s (%d) is not supported", name ? name : "unknown", c->link);
	return false;
}

static bool
open_ng(capture *c, source *s, char *message)
{
	c->stream = source_stream(s);
	c->ng = pcapng_open(c->stream, message);
	return c->ng != NULL;
}

/* ---- either ------------------------------------------------------------- */

capture *
capture_open(source *s, const char *expression, char *message)
{
	static const uint8_t ng_magic[4] = {0x0a, 0x0d, 0x0d, 0x0a};
	capture    *c;
	uint8_t		magic[4];
	bool		ng;

	if (!source_magic(s, magic) || (!classic_magic(magic) && memcmp(magic, ng_magic, sizeof(magic)) != 0))
	{
		snprintf(message, MESSAGE_BYTES, "%s", source_error(s) ? source_error(s) : "not a capture file (pcap or pcapng)");
		return NULL;
	}
	c = must_calloc(1, sizeof(*c));
	c->expression = expression;
	ng = !classic_magic(magic);
	if (ng ? open_ng(c, s, message) : open_classic(c, s, message))
		return c;
	capture_close(c);
	return NULL;
}

void
capture_close(capture *c)
{
	for (size_t i = 0; i < c->filter_count; i++)
		pcap_freecode(&c->filters[i].program);
	free(c->filters);
	if (c->classic)
		classic_close(c->classic);
	if (c->ng)
		pcapng_close(c->ng);
	if (c->stream)
		fclose(c->stream);
	free(c);
}

int
capture_next(capture *c, frame *f, char *message)
{
	int			result;

	do
	{
		result = c->ng ? pcapng_next(c->ng, f, message) : classic_next(c->classic, f, message);
		if (result != 1)
			return result;
		f->link = c->ng ? capture_link(f->link) : c->link;	/* pcapng has been seen with either number */
		result = passes(c, f, message);
	} while (result == 0);
	return result;
}

int64_t
capture_drops(const capture *c)
{
	return c->ng ? pcapng_drops(c->ng) : -1;
}
