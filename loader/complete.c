/*
 * complete.c - what a row does not say of its flow (see complete.h).
 */
#include "complete.h"

#include <math.h>
#include <string.h>

#include "conn.h"

enum
{
	UNKNOWN_PROTOCOL = 255		/* IANA: reserved */
};

#define LAST_TIME (INT64_C(253402300800) * 1000000)	/* the year 10000 */

static const window_features unknown_window = {
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1
};

void
draft_begin(draft *d)
{
	memset(d, 0, sizeof(*d));
	d->row.protocol = UNKNOWN_PROTOCOL;
	d->row.version = 4;
	d->row.rtt = -1;
	d->row.iat_mean = -1;
	d->row.vlan = -1;
	d->row.window = unknown_window;
}

static bool
has(const draft *d, uint32_t facts)
{
	return (d->facts & facts) == facts;
}

static const char *
complete_times(draft *d, int64_t start)
{
	flow_row   *row = &d->row;

	if (has(d, FACT_START | FACT_END) && !has(d, FACT_DURATION))
		row->duration = d->end_time - row->start_time;
	else if (has(d, FACT_END) && !has(d, FACT_START))
		row->start_time = d->end_time - row->duration;
	else if (!has(d, FACT_START))
		row->start_time = start;
	if (row->duration < 0)
		return "it ends before it begins";
	if (row->start_time < 0 || row->start_time >= LAST_TIME)
		return "its time is not from 1970 to 9999";
	return NULL;
}

/* An end without address: 0.0.0.0 or ::, the responder one higher, so that they differ. */
static void
complete_address(draft *d, int side)
{
	uint8_t    *byte = d->row.addr[side].byte;

	memset(byte, 0, sizeof(address));
	if (d->row.version == 4)
		memset(byte + 10, 0xff, 2);
	byte[15] = (uint8_t) side;
}

static void
complete_ends(draft *d)
{
	flow_row   *row = &d->row;

	if (!has(d, FACT_SRC_ADDR))
		complete_address(d, SRC);
	if (!has(d, FACT_DST_ADDR))
		complete_address(d, DST);
	if (row->protocol == PROTO_ICMP && row->version == 6)
		row->protocol = PROTO_ICMPV6;
	if (has(d, FACT_TYPE_AND_CODE) && (row->protocol == PROTO_ICMP || row->protocol == PROTO_ICMPV6))
	{
		row->port[SRC] = row->port[DST] >> 8;
		row->port[DST] &= 0xff;
	}
	if (d->land)
	{
		row->addr[DST] = row->addr[SRC];
		row->port[SRC] = row->port[DST];
	}
}

/* ---- bytes and packets -------------------------------------------------- */

/* The side that a total leaves over, if one is known; false if that is less than none. */
static bool
rest_of(const draft *d, int64_t total, uint32_t src, uint32_t dst, int64_t *of_src, int64_t *of_dst)
{
	if (has(d, src) && !has(d, dst))
		*of_dst = total - *of_src;
	else if (has(d, dst) && !has(d, src))
		*of_src = total - *of_dst;
	return *of_src >= 0 && *of_dst >= 0;
}

/* Divides a total in the proportion of two weights, or evenly. */
static void
divide(int64_t total, int64_t weight_src, int64_t weight_dst, int64_t *src, int64_t *dst)
{
	__int128	weights = (__int128) weight_src + weight_dst;

	if (weights == 0)
	{
		weight_src = 1;
		weights = 2;
	}
	*src = (int64_t) (((__int128) total * weight_src + weights - 1) / weights);
	if (*src == total && weight_dst > 0 && total > 1)
		(*src)--;
	if (*src == 0 && weight_src > 0 && total > 0)
		(*src)++;
	*dst = total - *src;
}

/* Did the responder answer, as far as the state tells? */
static bool
answered(const draft *d)
{
	if (has(d, FACT_STATE) && d->row.protocol == PROTO_TCP)
		return d->row.state != CONN_S0 && d->row.state != CONN_RSTOS0 && d->row.state != CONN_SH;
	return d->row.bytes[DST] > 0;
}

static void
complete_packets(draft *d, int64_t packets[2])
{
	flow_row   *row = &d->row;
	double		seconds = (double) row->duration / 1e6;

	if (!has(d, FACT_PACKETS) && has(d, FACT_PACKET_RATE))
	{
		double		total = d->packets_per_s * (seconds > 0.001 ? seconds : 0.001);

		d->packets = total < INT32_MAX ? llround(total) : INT32_MAX;
		if (d->packets > 0)
			d->facts |= FACT_PACKETS;
	}
	if (has(d, FACT_SRC_PACKETS) || has(d, FACT_DST_PACKETS))
		return;
	if (has(d, FACT_PACKETS))
		divide(d->packets, row->bytes[SRC], row->bytes[DST], &packets[SRC], &packets[DST]);
	else
	{
		packets[SRC] = 1;
		packets[DST] = answered(d);
	}
}

/* Bytes above the transport, if IP and transport have their smallest headers. */
static int64_t
payload_of(const flow_row *row, int side)
{
	int64_t		header = row->version == 6 ? 40 : 20;
	int64_t		payload;

	switch (row->protocol)
	{
		case UNKNOWN_PROTOCOL:
			return row->bytes[side];
		case PROTO_TCP:
			header += 20;
			break;
		case PROTO_UDP:
		case PROTO_ICMP:
		case PROTO_ICMPV6:
			header += 8;
			break;
	}
	payload = row->bytes[side] - header * row->packets[side];
	return payload > 0 ? payload : 0;
}

/*
 * First what each side sent, from what is said of it; then totals.  A total of
 * bytes goes by packets, one of packets by bytes.
 */
static const char *
complete_counts(draft *d)
{
	flow_row   *row = &d->row;
	int64_t		packets[2] = {row->packets[SRC], row->packets[DST]};
	bool		bytes_known;

	for (int side = SRC; side <= DST; side++)
	{
		uint32_t	bytes = side == SRC ? FACT_SRC_BYTES : FACT_DST_BYTES;
		uint32_t	payload = side == SRC ? FACT_SRC_PAYLOAD : FACT_DST_PAYLOAD;

		if (!has(d, bytes) && has(d, payload))
		{
			row->bytes[side] = row->payload[side];
			d->facts |= bytes;
		}
	}
	if (has(d, FACT_BYTES) && !rest_of(d, d->bytes, FACT_SRC_BYTES, FACT_DST_BYTES, &row->bytes[SRC], &row->bytes[DST]))
		return "one side's bytes are more than those of both";
	bytes_known = has(d, FACT_SRC_BYTES) || has(d, FACT_DST_BYTES);
	if (has(d, FACT_PACKETS) && !rest_of(d, d->packets, FACT_SRC_PACKETS, FACT_DST_PACKETS, &packets[SRC], &packets[DST]))
		return "one side's packets are more than those of both";
	complete_packets(d, packets);
	row->packets[SRC] = (int32_t) packets[SRC];
	row->packets[DST] = (int32_t) packets[DST];
	if (has(d, FACT_BYTES) && !bytes_known)
		divide(d->bytes, packets[SRC], packets[DST], &row->bytes[SRC], &row->bytes[DST]);
	for (int side = SRC; side <= DST; side++)
		if (!has(d, side == SRC ? FACT_SRC_PAYLOAD : FACT_DST_PAYLOAD))
			row->payload[side] = payload_of(row, side);
	return NULL;
}

static void
complete_lengths(draft *d)
{
	flow_row   *row = &d->row;
	double		packets = (double) row->packets[SRC] + (double) row->packets[DST];
	double		mean = packets > 0 ? (double) (row->bytes[SRC] + row->bytes[DST]) / packets : 0;

	if (!has(d, FACT_LENGTH_MEAN))
		row->length_mean = (float) mean;
	mean = (double) row->length_mean < INT32_MAX ? (double) row->length_mean : INT32_MAX;
	if (!has(d, FACT_LENGTH_MIN))
		row->length_min = (int32_t) floor(mean);
	if (!has(d, FACT_LENGTH_MAX))
		row->length_max = (int32_t) ceil(mean);
	if (has(d, FACT_RETRANSMISSION_RATE))
	{
		double		n = d->retransmission_rate * packets;

		row->retransmits = (int16_t) (n < INT16_MAX ? lround(n) : INT16_MAX);
	}
}

static void
complete_state(draft *d)
{
	flow_row   *row = &d->row;
	bool		final;

	if (!has(d, FACT_STATE) || row->state == 0)
	{
		row->state = CONN_OTH;
		if (row->protocol == PROTO_UDP && row->packets[SRC] > 0)
			row->state = row->packets[DST] > 0 ? CONN_SF : CONN_S0;
	}
	final = row->protocol == PROTO_TCP &&
		(row->state == CONN_SF || row->state == CONN_REJ || (row->state >= CONN_RSTO && row->state <= CONN_RSTRH));
	if (!has(d, FACT_END_REASON))
		row->end_reason = final ? FLOW_END_DETECTED : FLOW_END_FORCED;
}

const char *
draft_complete(draft *d, int64_t start)
{
	const char *problem;

	if (!d->known)
		return "no column has a value";
	problem = complete_times(d, start);
	if (!problem)
	{
		complete_ends(d);
		problem = complete_counts(d);
	}
	if (!problem)
	{
		complete_lengths(d);
		complete_state(d);
	}
	return problem;
}
