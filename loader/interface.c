/*
 * interface.c - frames from a network interface (see interface.h).
 *
 * libpcap's own timeout does not end a wait in which nothing comes, so we wait
 * ourselves, for its descriptor.
 */
#include "interface.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "util.h"

enum
{
	AT_ONCE = 4096,				/* frames handed over in one go */
	BLOCK_TIMEOUT = 100			/* milliseconds until the kernel hands over what it has */
};

struct interface
{
	pcap_t	   *pcap;
	int			link;
	interface_frame take;
	void	   *arg;
	unsigned	last_kernel,
				last_hardware;	/* libpcap counts in 32 bits */
	int64_t		kernel,
				hardware;
};

static bool
set_filter(interface *i, const char *expression, char *message)
{
	struct bpf_program program;
	bool		good;

	if (!expression)
		return true;
	good = pcap_compile(i->pcap, &program, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (good)
	{
		good = pcap_setfilter(i->pcap, &program) == 0;
		pcap_freecode(&program);
	}
	if (!good)
		snprintf(message, MESSAGE_BYTES, "filter \"%s\": %s", expression, pcap_geterr(i->pcap));
	return good;
}

static bool
activate(interface *i, const interface_options *o, char *message)
{
	char		error[PCAP_ERRBUF_SIZE] = "";
	int			result;

	if (pcap_set_snaplen(i->pcap, o->snap_length) != 0 || pcap_set_promisc(i->pcap, o->promiscuous) != 0 ||
		pcap_set_timeout(i->pcap, BLOCK_TIMEOUT) != 0 || pcap_set_buffer_size(i->pcap, o->buffer) != 0)
	{
		snprintf(message, MESSAGE_BYTES, "%s", pcap_geterr(i->pcap));
		return false;
	}
	result = pcap_activate(i->pcap);
	if (result != 0)
		snprintf(message, MESSAGE_BYTES, "%s%s%s", pcap_statustostr(result),
				 *pcap_geterr(i->pcap) ? ": " : "", pcap_geterr(i->pcap));
	if (result < 0)
		return false;
	i->link = capture_link(pcap_datalink(i->pcap));
	if (!decode_knows_link(i->link))
	{
		snprintf(message, MESSAGE_BYTES, "link type %d is not supported", i->link);
		return false;
	}
	if (pcap_setnonblock(i->pcap, 1, error) == 0)
		return true;
	snprintf(message, MESSAGE_BYTES, "%s", error);
	return false;
}

interface *
interface_open(const interface_options *o, char *message)
{
	char		error[PCAP_ERRBUF_SIZE] = "";
	interface  *i = must_calloc(1, sizeof(*i));

	*message = '\0';
	i->pcap = pcap_create(o->name, error);
	if (!i->pcap)
		snprintf(message, MESSAGE_BYTES, "%s", error);
	else if (activate(i, o, message) && set_filter(i, o->filter, message))
		return i;
	interface_close(i);
	return NULL;
}

void
interface_close(interface *i)
{
	if (i->pcap)
		pcap_close(i->pcap);
	free(i);
}

static void
take_frame(u_char *arg, const struct pcap_pkthdr *header, const u_char *data)
{
	interface  *i = (interface *) (void *) arg;
	frame		f = {
		.time = (int64_t) header->ts.tv_sec * 1000000 + header->ts.tv_usec,
		.data = data,
		.captured = header->caplen,
		.wire = header->len,
		.link = i->link,
	};

	i->take(i->arg, &f);
}

bool
interface_read(interface *i, int wait, interface_frame take, void *arg, char *message)
{
	struct pollfd ready = {.fd = pcap_get_selectable_fd(i->pcap), .events = POLLIN};

	i->take = take;
	i->arg = arg;
	if (poll(&ready, 1, wait) < 0 && errno != EINTR)
	{
		snprintf(message, MESSAGE_BYTES, "%s", strerror(errno));
		return false;
	}
	if (pcap_dispatch(i->pcap, AT_ONCE, take_frame, (u_char *) i) >= 0)
		return true;
	snprintf(message, MESSAGE_BYTES, "%s", pcap_geterr(i->pcap));
	return false;
}

void
interface_drops(interface *i, int64_t *kernel, int64_t *hardware)
{
	struct pcap_stat now;

	if (pcap_stats(i->pcap, &now) == 0)
	{
		i->kernel += now.ps_drop - i->last_kernel;
		i->hardware += now.ps_ifdrop - i->last_hardware;
		i->last_kernel = now.ps_drop;
		i->last_hardware = now.ps_ifdrop;
	}
	*kernel = i->kernel;
	*hardware = i->hardware;
}
