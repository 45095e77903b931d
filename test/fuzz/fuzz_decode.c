/*
 * fuzz_decode.c - any bytes as packets: no read past an end, no packet lost.
 *
 * The first byte chooses the link type, the second the options; frames follow,
 * each with a byte of time before it and two of length.  All IP packets go
 * through a small flow table.  Whatever they are, the rows that
 * come out must hold exactly the packets and bytes that went in.  (But of a
 * tunnel's fragments only the bytes of the packet inside count.)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "copy.h"
#include "csv.h"
#include "flow.h"
#include "fuzz.h"
#include "window.h"

enum
{
	SEED_BYTES = 2048,
	SEED_FRAMES = 16
};

static const int links[] = {
	LINK_ETHERNET, LINK_NULL, LINK_LOOP, LINK_RAW, LINK_IPV4, LINK_IPV6, LINK_LINUX_SLL, LINK_LINUX_SLL2,
	LINK_PPP, LINK_PPP_HDLC, LINK_PPP_ETHER, LINK_PPP_PPPD, LINK_PPP_WITH_DIR, LINK_C_HDLC, LINK_C_HDLC_WITH_DIR,
	LINK_WIFI, LINK_WIFI_RADIOTAP, LINK_WIFI_PRISM, LINK_WIFI_AVS, LINK_PPI, LINK_FDDI, LINK_ATM_RFC1483,
	LINK_FRAME_RELAY, LINK_ENC, LINK_PFLOG, LINK_IP_OVER_1394, LINK_NFLOG, LINK_IPOIB,
	LINK_SLIP, LINK_SUNATM, LINK_IPNET, LINK_PKTAP, LINK_DSA_BRCM, LINK_EDSA
};

typedef struct tally
{
	int64_t		packets;
	int64_t		bytes;
	window	   *window;
	csv			text;
	bool		tunnels;
	bool		pieces;			/* fragments, perhaps of tunnels */
} tally;

static void
count_row(void *arg, flow_row *row)
{
	tally	   *out = arg;
	uint8_t		encoded[COPY_ROW_BYTES];

	out->packets += (int64_t) row->packets[SRC] + row->packets[DST];
	out->bytes += row->bytes[SRC] + row->bytes[DST];
	require(row->packets[SRC] + row->packets[DST] > 0, "a flow has packets");
	require(row->protocol == PROTO_TCP || row->payload[SRC] + row->payload[DST] <= row->bytes[SRC] + row->bytes[DST],
			"the payload is part of the bytes");
	require(row->duration >= 0, "a flow does not end before it begins");
	require(row->state >= 1 && row->state <= 13, "the state is one of thirteen");
	require(row->end_reason >= 1 && row->end_reason <= 5, "a flow ends for a reason");
	require(row->length_min <= row->length_max, "lengths are in order");
	require(row->length_stddev >= 0 && row->length_mean > 0, "statistics are numbers");
	window_add(out->window, row);
	require(row->window.count >= 1 && row->window.src_distinct_dsts >= 1, "a flow is in its windows");
	require(row->window.dst_host_count <= 100 && row->window.dst_host_srv_count <= 100, "the last 100 are no more");
	require(copy_row(encoded, row, 1) <= COPY_ROW_BYTES, "a row has room");
	csv_row(&out->text, row);
}

static void
add_frame(flow_table *table, tally *in, const frame *f)
{
	packet		p;

	if (f->time < 0 || f->time > INT64_C(253402300800000000) || !decode_frame(f, in->tunnels, &p))
		return;
	require(p.payload <= p.length, "the payload is part of the packet");
	in->packets++;
	in->bytes += p.length;
	in->pieces |= in->tunnels && p.fragmented;
	flow_add(table, &p);
}

static void
add_frames(flow_table *table, tally *in, int64_t time, int link, const uint8_t *data, size_t size)
{
	frame		f = {.time = time + 1000000, .link = link};

	while (size >= 3)
	{
		size_t		length = (size_t) (data[1] << 8 | data[2]);

		f.time += ((int64_t) data[0] - 64) * 500000;	/* mostly on, sometimes back */
		data += 3;
		size -= 3;
		if (length > size)
			length = size;
		f.data = data;
		f.captured = (uint32_t) length;
		f.wire = (uint32_t) length + data[-3];
		add_frame(table, in, &f);
		data += length;
		size -= length;
	}
}

/* ---- seeds --------------------------------------------------------------- */

static void
write_seed(const char *directory, const char *name, const uint8_t *bytes, size_t size)
{
	char		path[4096];
	FILE	   *to;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	to = fopen(path, "wb");
	if (!to || fwrite(bytes, 1, size, to) != size || fclose(to) != 0)
		exit(1);
}

/* The frame in the form of add_frames(); 0 if there is no room. */
static size_t
encode_frame(uint8_t *to, size_t room, const frame *f)
{
	if (f->captured > UINT16_MAX || room < f->captured + 3)
		return 0;
	to[0] = 65;
	to[1] = (uint8_t) (f->captured >> 8);
	to[2] = (uint8_t) f->captured;
	memcpy(to + 3, f->data, f->captured);
	return f->captured + 3;
}

/* What fits of a capture's first frames, by its first link type. */
static void
write_capture_seed(const char *directory, const char *name, const char *path)
{
	uint8_t		seed[SEED_BYTES];
	size_t		n,
				size = 2;
	char		message[MESSAGE_BYTES];
	source	   *s = source_open(path, message);
	capture    *c = s ? capture_open(s, NULL, message) : NULL;
	frame		f;
	int			link = -1;

	for (int i = 0; c && i < SEED_FRAMES && capture_next(c, &f, message) == 1; i++)
	{
		if (link < 0)
			link = f.link;
		if (f.link != link || (n = encode_frame(seed + size, sizeof(seed) - size, &f)) == 0)
			break;
		size += n;
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]) && size > 2; i++)
		if (links[i] == link)
		{
			seed[0] = (uint8_t) i;
			seed[1] = 0;
			write_seed(directory, name, seed, size);
		}
	if (c)
		capture_close(c);
	if (s)
		source_close(s);
}

/* Two packets, and the beginnings of the captures named. */
static void
write_seeds(const char *directory, char *captures)
{
	static const uint8_t tcp4[] =
		"\4\0\x41\0\x28\x45\0\0\x28\0\1\x20\0\x40\6\0\0\x0a\0\0\1\x0a\0\0\2\3\xe8\0\x50\0\0\0\1\0\0\0\0\x50\2\x20\0\0\0\0\0";
	static const uint8_t udp6[] =
		"\5\0\x41\0\x48\x60\0\0\0\0\x20\0\x40\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2"
		"\x2c\0\0\0\0\0\0\0\x3c\0\0\1\0\0\0\x09\x11\0\0\0\0\0\0\0\3\xe8\0\x35\0\x08\0\0";
	char		name[32],
			   *rest;
	int			i = 0;

	write_seed(directory, "tcp4", tcp4, sizeof(tcp4) - 1);
	write_seed(directory, "udp6", udp6, sizeof(udp6) - 1);
	for (char *path = strtok_r(captures, " ", &rest); path; path = strtok_r(NULL, " ", &rest))
	{
		snprintf(name, sizeof(name), "capture%d", i++);
		write_capture_seed(directory, name, path);
	}
}

int			LLVMFuzzerInitialize(int *argc, char ***argv);
int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *seeds = getenv("SEED_DIR");
	char	   *captures = getenv("CAPTURES"),
				none[] = "";

	if (seeds)
	{
		write_seeds(seeds, captures ? captures : none);
		exit(0);
	}
	return 0;
}

/*
 * The tables stay from input to input, making them would take most of the time.
 * Each input finds them empty, and on a day of its own.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	static flow_table *tables[2];	/* the second with --key-vlan */
	static window *windows[2];
	static tally out;
	static int64_t day;
	tally		in = {0};
	flow_table *table;
	bool		key_vlan;

	if (size < 2)
		return 0;
	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	in.tunnels = !(data[1] & 1);
	key_vlan = data[1] & 2;
	if (!tables[key_vlan])
	{
		flow_options options = flow_defaults;

		options.max_flows = 4;
		options.key_vlan = key_vlan;
		tables[key_vlan] = flow_table_new(&options, count_row, &out);
		windows[key_vlan] = window_new(options.max_flows, options.hash_key);
	}
	out = (tally) {.text.to = nowhere, .window = windows[key_vlan]};
	table = tables[key_vlan];
	day = (day + 1) % 10000;
	add_frames(table, &in, day * INT64_C(86400000000), links[data[0] % (sizeof(links) / sizeof(links[0]))], data + 2, size - 2);
	flow_end_all(table);
	require(in.packets == out.packets, "every packet is in a flow");
	require(in.pieces ? in.bytes >= out.bytes : in.bytes == out.bytes, "every byte is in a flow");
	return 0;
}
