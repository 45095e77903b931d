/*
 * target.c - values into drafts (see target.h).
 */
#include "target.h"

#include <math.h>
#include <string.h>

#include "source.h"
#include "value.h"

typedef enum kind
{
	KIND_INT64,					/* whole numbers are rounded */
	KIND_INT32,
	KIND_INT16,					/* saturates, as the meter's counters do */
	KIND_UINT16,
	KIND_UINT8,
	KIND_FLOAT,
	KIND_DOUBLE,
	KIND_BOOL,
	KIND_TIME,
	KIND_SRC_ADDR,
	KIND_DST_ADDR,
	KIND_PROTOCOL,
	KIND_CONN_STATE,
	KIND_ARGUS_STATE,
	KIND_TCP_FLAGS,
	KIND_HISTORY,
	KIND_SERVICE,
	KIND_NFDUMP_PORT			/* of ICMP: type times 256 and code, or type.code */
} kind;

struct target
{
	const char *name;
	kind		kind;
	size_t		offset;			/* in a draft */
	uint32_t	facts;
	double		most;			/* a number's range begins with 0; scaled */
	double		scale;
	bool		nullable;		/* in the table "flow" */
};

#define ROW(member) offsetof(draft, row.member)
#define MOST_COUNT 9007199254740992.0	/* 2^53 */
#define MOST_INT4 2147483647.0

static const target targets[] = {
	{"start_time", KIND_TIME, ROW(start_time), FACT_START, 0, 1, false},
	{"end_time", KIND_TIME, offsetof(draft, end_time), FACT_END, 0, 1, false},
	{"ended_at", KIND_TIME, ROW(ended_at), FACT_ENDED_AT, 0, 1, true},
	{"duration_us", KIND_INT64, ROW(duration), FACT_DURATION, MOST_COUNT, 1, false},
	{"duration_ms", KIND_INT64, ROW(duration), FACT_DURATION, MOST_COUNT, 1e3, false},
	{"duration_s", KIND_INT64, ROW(duration), FACT_DURATION, MOST_COUNT, 1e6, false},
	{"src_addr", KIND_SRC_ADDR, 0, FACT_SRC_ADDR, 0, 1, false},
	{"dst_addr", KIND_DST_ADDR, 0, FACT_DST_ADDR, 0, 1, false},
	{"src_port", KIND_UINT16, ROW(port[SRC]), FACT_OTHER, 65535, 1, false},
	{"dst_port", KIND_UINT16, ROW(port[DST]), FACT_DST_PORT, 65535, 1, false},
	{"nfdump_port", KIND_NFDUMP_PORT, 0, FACT_DST_PORT | FACT_TYPE_AND_CODE, 0, 1, false},
	{"service", KIND_SERVICE, 0, FACT_OTHER, 0, 1, false},
	{"protocol", KIND_PROTOCOL, 0, FACT_PROTOCOL, 0, 1, false},
	{"state", KIND_CONN_STATE, ROW(state), FACT_STATE, 0, 1, false},
	{"argus_state", KIND_ARGUS_STATE, ROW(state), FACT_STATE, 0, 1, false},
	{"end_reason", KIND_UINT8, ROW(end_reason), FACT_END_REASON, 5, 1, false},
	{"src_bytes", KIND_INT64, ROW(bytes[SRC]), FACT_SRC_BYTES, MOST_COUNT, 1, false},
	{"dst_bytes", KIND_INT64, ROW(bytes[DST]), FACT_DST_BYTES, MOST_COUNT, 1, false},
	{"bytes", KIND_INT64, offsetof(draft, bytes), FACT_BYTES, MOST_COUNT, 1, false},
	{"src_payload", KIND_INT64, ROW(payload[SRC]), FACT_SRC_PAYLOAD, MOST_COUNT, 1, false},
	{"dst_payload", KIND_INT64, ROW(payload[DST]), FACT_DST_PAYLOAD, MOST_COUNT, 1, false},
	{"src_packets", KIND_INT32, ROW(packets[SRC]), FACT_SRC_PACKETS, MOST_INT4, 1, false},
	{"dst_packets", KIND_INT32, ROW(packets[DST]), FACT_DST_PACKETS, MOST_INT4, 1, false},
	{"packets", KIND_INT64, offsetof(draft, packets), FACT_PACKETS, MOST_INT4, 1, false},
	{"packets_per_s", KIND_DOUBLE, offsetof(draft, packets_per_s), FACT_PACKET_RATE, 1e12, 1, false},
	{"rtt_us", KIND_INT32, ROW(rtt), FACT_OTHER, MOST_INT4, 1, true},
	{"length_min", KIND_INT32, ROW(length_min), FACT_LENGTH_MIN, MOST_INT4, 1, false},
	{"length_max", KIND_INT32, ROW(length_max), FACT_LENGTH_MAX, MOST_INT4, 1, false},
	{"length_mean", KIND_FLOAT, ROW(length_mean), FACT_LENGTH_MEAN, MOST_INT4, 1, false},
	{"length_stddev", KIND_FLOAT, ROW(length_stddev), FACT_OTHER, MOST_INT4, 1, false},
	{"iat_mean_us", KIND_FLOAT, ROW(iat_mean), FACT_OTHER, MOST_COUNT, 1, true},
	{"iat_stddev_us", KIND_FLOAT, ROW(iat_stddev), FACT_OTHER, MOST_COUNT, 1, true},
	{"src_tcp_flags", KIND_TCP_FLAGS, ROW(tcp_flags[SRC]), FACT_OTHER, 0, 1, false},
	{"dst_tcp_flags", KIND_TCP_FLAGS, ROW(tcp_flags[DST]), FACT_OTHER, 0, 1, false},
	{"history", KIND_HISTORY, ROW(tcp_flags), FACT_OTHER, 0, 1, false},
	{"retransmits", KIND_INT16, ROW(retransmits), FACT_OTHER, MOST_COUNT, 1, false},
	{"retransmission_rate", KIND_DOUBLE, offsetof(draft, retransmission_rate), FACT_RETRANSMISSION_RATE, 1, 1, false},
	{"fragments", KIND_INT16, ROW(fragments), FACT_OTHER, MOST_COUNT, 1, false},
	{"bad_fragments", KIND_INT16, ROW(bad_fragments), FACT_OTHER, MOST_COUNT, 1, false},
	{"urgent", KIND_INT16, ROW(urgent), FACT_OTHER, MOST_COUNT, 1, false},
	{"vlan", KIND_INT16, ROW(vlan), FACT_OTHER, 4095, 1, true},
	{"tunnel", KIND_UINT8, ROW(tunnel), FACT_OTHER, 255, 1, false},
	{"ttl", KIND_UINT8, ROW(ttl), FACT_OTHER, 255, 1, false},
	{"land", KIND_BOOL, offsetof(draft, land), FACT_OTHER, 1, 1, false},
	{"count", KIND_INT32, ROW(window.count), FACT_WINDOW, MOST_INT4, 1, true},
	{"srv_count", KIND_INT32, ROW(window.srv_count), FACT_WINDOW, MOST_INT4, 1, true},
	{"serror_rate", KIND_FLOAT, ROW(window.serror_rate), FACT_WINDOW, 1, 1, true},
	{"srv_serror_rate", KIND_FLOAT, ROW(window.srv_serror_rate), FACT_WINDOW, 1, 1, true},
	{"rerror_rate", KIND_FLOAT, ROW(window.rerror_rate), FACT_WINDOW, 1, 1, true},
	{"srv_rerror_rate", KIND_FLOAT, ROW(window.srv_rerror_rate), FACT_WINDOW, 1, 1, true},
	{"same_srv_rate", KIND_FLOAT, ROW(window.same_srv_rate), FACT_WINDOW, 1, 1, true},
	{"diff_srv_rate", KIND_FLOAT, ROW(window.diff_srv_rate), FACT_WINDOW, 1, 1, true},
	{"srv_diff_host_rate", KIND_FLOAT, ROW(window.srv_diff_host_rate), FACT_WINDOW, 1, 1, true},
	{"dst_host_count", KIND_INT32, ROW(window.dst_host_count), FACT_WINDOW, MOST_INT4, 1, true},
	{"dst_host_srv_count", KIND_INT32, ROW(window.dst_host_srv_count), FACT_WINDOW, MOST_INT4, 1, true},
	{"dst_host_same_srv_rate", KIND_FLOAT, ROW(window.dst_host_same_srv_rate), FACT_WINDOW, 1, 1, true},
	{"dst_host_diff_srv_rate", KIND_FLOAT, ROW(window.dst_host_diff_srv_rate), FACT_WINDOW, 1, 1, true},
	{"dst_host_same_src_port_rate", KIND_FLOAT, ROW(window.dst_host_same_src_port_rate), FACT_WINDOW, 1, 1, true},
	{"dst_host_srv_diff_host_rate", KIND_FLOAT, ROW(window.dst_host_srv_diff_host_rate), FACT_WINDOW, 1, 1, true},
	{"dst_host_serror_rate", KIND_FLOAT, ROW(window.dst_host_serror_rate), FACT_WINDOW, 1, 1, true},
	{"dst_host_srv_serror_rate", KIND_FLOAT, ROW(window.dst_host_srv_serror_rate), FACT_WINDOW, 1, 1, true},
	{"dst_host_rerror_rate", KIND_FLOAT, ROW(window.dst_host_rerror_rate), FACT_WINDOW, 1, 1, true},
	{"dst_host_srv_rerror_rate", KIND_FLOAT, ROW(window.dst_host_srv_rerror_rate), FACT_WINDOW, 1, 1, true},
	{"src_distinct_dsts", KIND_INT32, ROW(window.src_distinct_dsts), FACT_WINDOW, MOST_INT4, 1, true},
	{"src_distinct_ports", KIND_INT32, ROW(window.src_distinct_ports), FACT_WINDOW, MOST_INT4, 1, true},
	{"src_failed", KIND_INT32, ROW(window.src_failed), FACT_WINDOW, MOST_INT4, 1, true},
	{NULL, KIND_INT64, 0, FACT_OTHER, 0, 1, false}
};

const target *
target_find(text name)
{
	for (const target *t = targets; t->name; t++)
		if (text_names(name, t->name))
			return t;
	return NULL;
}

uint32_t
target_facts(const target *t)
{
	return t->facts;
}

bool
target_nullable(const target *t)
{
	return t->nullable;
}

/* ---- values ------------------------------------------------------------- */

/* Stores a number as the target keeps it; its range was checked. */
static void
store(const target *t, double number, void *to)
{
	switch (t->kind)
	{
		case KIND_INT64:
			*(int64_t *) to = llround(number);
			break;
		case KIND_INT32:
			*(int32_t *) to = (int32_t) lround(number);
			break;
		case KIND_INT16:
			*(int16_t *) to = (int16_t) (number < INT16_MAX ? lround(number) : INT16_MAX);
			break;
		case KIND_UINT16:
			*(uint16_t *) to = (uint16_t) lround(number);
			break;
		case KIND_UINT8:
			*(uint8_t *) to = (uint8_t) lround(number);
			break;
		case KIND_FLOAT:
			*(float *) to = (float) number;
			break;
		case KIND_DOUBLE:
			*(double *) to = number;
			break;
		default:
			*(bool *) to = number != 0;
	}
}

static const char *
read_number(const target *t, text value, void *to, char *room)
{
	double		number;
	const char *problem = value_number(value, &number);

	if (problem)
		return problem;
	if (!(number >= 0 && number * t->scale <= t->most))
	{
		snprintf(room, MESSAGE_BYTES / 2, "is out of range, 0 to %.15g", t->most / t->scale);
		return room;
	}
	store(t, number * t->scale, to);
	return NULL;
}

static const char *
read_address(text value, draft *d, int side)
{
	ip_address	ip;
	const char *problem = value_address(value, &ip);
	fact		other = side == SRC ? FACT_DST_ADDR : FACT_SRC_ADDR;

	if (problem)
		return problem;
	if ((d->facts & other) && d->row.version != ip.version)
		return "is of another IP version than the flow's other address";
	d->row.addr[side] = ip.byte;
	d->row.version = ip.version;
	return NULL;
}

static const char *
read_service(text value, draft *d)
{
	int			port = value_service_port(value);
	int			type = value_service_icmp(value);

	if (port >= 0 && !(d->facts & FACT_DST_PORT))
		d->row.port[DST] = (uint16_t) port;
	if (type >= 0)
		d->row.port[SRC] = (uint16_t) type;
	return NULL;
}

/* Of ICMP, type and code come as "8.0" or as 2048; which protocol it is comes out later. */
static const char *
read_nfdump_port(text value, draft *d, char *room)
{
	static const target plain = {"", KIND_UINT16, 0, FACT_OTHER, 65535, 1, false};
	const char *dot = memchr(value.at, '.', value.length);
	text		type = {value.at, dot ? (size_t) (dot - value.at) : value.length};
	text		code = {dot ? dot + 1 : value.at, dot ? value.length - type.length - 1 : 0};
	uint16_t	high,
				low;
	const char *problem = read_number(&plain, type, &high, room);

	if (!problem && dot)
	{
		problem = read_number(&plain, code, &low, room);
		high = (uint16_t) (high << 8 | (low & 0xff));
	}
	if (!problem)
		d->row.port[DST] = high;
	return problem;
}

const char *
target_read(const target *t, text value, draft *d, char *room)
{
	void	   *to = (char *) d + t->offset;
	int			protocol;
	const char *problem;

	switch (t->kind)
	{
		case KIND_TIME:
			return value_time(value, to);
		case KIND_SRC_ADDR:
			return read_address(value, d, SRC);
		case KIND_DST_ADDR:
			return read_address(value, d, DST);
		case KIND_PROTOCOL:
			problem = value_protocol(value, &protocol);
			if (!problem && protocol >= 0)
				d->row.protocol = (uint8_t) protocol;
			return problem;
		case KIND_CONN_STATE:
			return value_conn_state(value, to);
		case KIND_ARGUS_STATE:
			*(uint8_t *) to = value_argus_state(value);
			return NULL;
		case KIND_TCP_FLAGS:
			return value_tcp_flags(value, to);
		case KIND_HISTORY:
			value_history(value, to);
			return NULL;
		case KIND_SERVICE:
			return read_service(value, d);
		case KIND_NFDUMP_PORT:
			return read_nfdump_port(value, d, room);
		default:
			return read_number(t, value, to, room);
	}
}
