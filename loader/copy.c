/*
 * copy.c - binary COPY rows (see copy.h).
 *
 * PostgreSQL documentation, COPY, "Binary Format": a header, then per row a
 * 16-bit count of fields, and per field a 32-bit length (-1 for NULL) and the
 * value as the type's send function writes it, all in network order.
 */
#include "copy.h"

#include <endian.h>
#include <string.h>

/* In the order in which copy_row() puts them. */
const char	copy_columns[] =
"start_time,duration_us,src_bytes,dst_bytes,src_payload,dst_payload,"
"src_packets,dst_packets,src_port,dst_port,rtt_us,length_min,length_max,capture_id,"
"length_mean,length_stddev,iat_mean_us,iat_stddev_us,protocol,"
"src_tcp_flags,dst_tcp_flags,state,end_reason,retransmits,fragments,bad_fragments,urgent,"
"vlan,ttl,tunnel,src_addr,dst_addr,ended_at,"
"count,srv_count,serror_rate,srv_serror_rate,rerror_rate,srv_rerror_rate,"
"same_srv_rate,diff_srv_rate,srv_diff_host_rate,dst_host_count,dst_host_srv_count,"
"dst_host_same_srv_rate,dst_host_diff_srv_rate,dst_host_same_src_port_rate,"
"dst_host_srv_diff_host_rate,dst_host_serror_rate,dst_host_srv_serror_rate,"
"dst_host_rerror_rate,dst_host_srv_rerror_rate,"
"src_distinct_dsts,src_distinct_ports,src_failed";

enum
{
	COLUMNS = 55,
	REJECT_COLUMNS = 4,
	REJECT_REASON = 1000,		/* bytes; both fit COPY_REJECT_BYTES */
	REJECT_RAW = 2000,
	CAPTURE_ID = 13,			/* its place among them, from 0 */
	INET_FAMILY_4 = 2,			/* of inet's send format, on every system */
	INET_FAMILY_6 = 3
};

const char	copy_reject_columns[] = "capture_id,line,reason,raw";

#define EPOCH_2000 INT64_C(946684800000000)

int64_t
copy_timestamp(int64_t unix_microseconds)
{
	return unix_microseconds - EPOCH_2000;
}

static inline uint8_t *
put_bytes(uint8_t *at, const void *bytes, size_t n)
{
	memcpy(at, bytes, n);
	return at + n;
}

static inline uint8_t *
put_length(uint8_t *at, int32_t length)
{
	uint32_t	v = htobe32((uint32_t) length);

	return put_bytes(at, &v, sizeof(v));
}

static inline uint8_t *
put16(uint8_t *at, int16_t value)
{
	uint16_t	v = htobe16((uint16_t) value);

	return put_bytes(put_length(at, sizeof(v)), &v, sizeof(v));
}

static inline uint8_t *
put32(uint8_t *at, int32_t value)
{
	uint32_t	v = htobe32((uint32_t) value);

	return put_bytes(put_length(at, sizeof(v)), &v, sizeof(v));
}

static inline uint8_t *
put64(uint8_t *at, int64_t value)
{
	uint64_t	v = htobe64((uint64_t) value);

	return put_bytes(put_length(at, sizeof(v)), &v, sizeof(v));
}

static inline uint8_t *
put_real(uint8_t *at, float value)
{
	int32_t		bits;

	memcpy(&bits, &value, sizeof(bits));
	return put32(at, bits);
}

static inline uint8_t *
put_null(uint8_t *at)
{
	return put_length(at, -1);
}

/* family, prefix length, is_cidr, bytes of address, address */
static uint8_t *
put_inet(uint8_t *at, int version, const address *a)
{
	uint8_t		head[4] = {INET_FAMILY_4, 32, 0, 4};
	size_t		skip = 12;

	if (version == 6)
	{
		head[0] = INET_FAMILY_6;
		head[1] = 128;
		head[3] = 16;
		skip = 0;
	}
	at = put_length(at, (int32_t) (sizeof(head) + 16 - skip));
	at = put_bytes(at, head, sizeof(head));
	return put_bytes(at, a->byte + skip, 16 - skip);
}

size_t
copy_header(uint8_t *to)
{
	static const uint8_t header[COPY_HEADER_BYTES] = "PGCOPY\n\377\r\n";	/* then flags and extension: 0 */

	memcpy(to, header, sizeof(header));
	return sizeof(header);
}

/* Of the windows: what is negative is not known. */
static inline uint8_t *
put_count(uint8_t *at, int32_t count)
{
	return count >= 0 ? put32(at, count) : put_null(at);
}

static inline uint8_t *
put_rate(uint8_t *at, float rate)
{
	return rate >= 0 ? put_real(at, rate) : put_null(at);
}

static uint8_t *
put_window(uint8_t *at, const window_features *w)
{
	at = put_count(at, w->count);
	at = put_count(at, w->srv_count);
	at = put_rate(at, w->serror_rate);
	at = put_rate(at, w->srv_serror_rate);
	at = put_rate(at, w->rerror_rate);
	at = put_rate(at, w->srv_rerror_rate);
	at = put_rate(at, w->same_srv_rate);
	at = put_rate(at, w->diff_srv_rate);
	at = put_rate(at, w->srv_diff_host_rate);
	at = put_count(at, w->dst_host_count);
	at = put_count(at, w->dst_host_srv_count);
	at = put_rate(at, w->dst_host_same_srv_rate);
	at = put_rate(at, w->dst_host_diff_srv_rate);
	at = put_rate(at, w->dst_host_same_src_port_rate);
	at = put_rate(at, w->dst_host_srv_diff_host_rate);
	at = put_rate(at, w->dst_host_serror_rate);
	at = put_rate(at, w->dst_host_srv_serror_rate);
	at = put_rate(at, w->dst_host_rerror_rate);
	at = put_rate(at, w->dst_host_srv_rerror_rate);
	at = put_count(at, w->src_distinct_dsts);
	at = put_count(at, w->src_distinct_ports);
	return put_count(at, w->src_failed);
}

size_t
copy_row(uint8_t *to, const flow_row *row, int32_t capture_id)
{
	static const uint8_t columns[2] = {0, COLUMNS};
	uint8_t    *at = put_bytes(to, columns, sizeof(columns));

	at = put64(at, copy_timestamp(row->start_time));
	at = put64(at, row->duration);
	at = put64(at, row->bytes[SRC]);
	at = put64(at, row->bytes[DST]);
	at = put64(at, row->payload[SRC]);
	at = put64(at, row->payload[DST]);
	at = put32(at, row->packets[SRC]);
	at = put32(at, row->packets[DST]);
	at = put32(at, row->port[SRC]);
	at = put32(at, row->port[DST]);
	at = row->rtt >= 0 ? put32(at, row->rtt) : put_null(at);
	at = put32(at, row->length_min);
	at = put32(at, row->length_max);
	at = put32(at, capture_id);
	at = put_real(at, row->length_mean);
	at = put_real(at, row->length_stddev);
	at = row->iat_mean >= 0 ? put_real(at, row->iat_mean) : put_null(at);
	at = row->iat_mean >= 0 ? put_real(at, row->iat_stddev) : put_null(at);
	at = put16(at, row->protocol);
	at = put16(at, row->tcp_flags[SRC]);
	at = put16(at, row->tcp_flags[DST]);
	at = put16(at, row->state);
	at = put16(at, row->end_reason);
	at = put16(at, row->retransmits);
	at = put16(at, row->fragments);
	at = put16(at, row->bad_fragments);
	at = put16(at, row->urgent);
	at = row->vlan >= 0 ? put16(at, row->vlan) : put_null(at);
	at = put16(at, row->ttl);
	at = put16(at, row->tunnel);
	at = put_inet(at, row->version, &row->addr[SRC]);
	at = put_inet(at, row->version, &row->addr[DST]);
	at = put64(at, copy_timestamp(row->ended_at));
	at = put_window(at, &row->window);
	return (size_t) (at - to);
}

/* Text of at most "most" bytes, escaped. */
static uint8_t *
put_text(uint8_t *at, const char *text, size_t length, size_t most)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t    *begin = at + sizeof(int32_t);
	uint8_t    *to = begin;

	for (size_t i = 0; i < length && (size_t) (to - begin) + 4 <= most; i++)
	{
		uint8_t		c = (uint8_t) text[i];

		if ((c >= ' ' && c < 0x7f) || c == '\t')
			*to++ = c;
		else
		{
			to = put_bytes(to, "\\x", 2);
			*to++ = (uint8_t) digits[c >> 4];
			*to++ = (uint8_t) digits[c & 15];
		}
	}
	put_length(at, (int32_t) (to - begin));
	return to;
}

size_t
copy_reject(uint8_t *to, int32_t capture_id, int64_t line, const char *reason, const char *raw, size_t length)
{
	static const uint8_t columns[2] = {0, REJECT_COLUMNS};
	uint8_t    *at = put_bytes(to, columns, sizeof(columns));

	at = put32(at, capture_id);
	at = put64(at, line);
	at = put_text(at, reason, strlen(reason), REJECT_REASON);
	at = put_text(at, raw, length, REJECT_RAW);
	return (size_t) (at - to);
}

size_t
copy_set_capture(uint8_t *row, int32_t capture_id)
{
	uint8_t    *at = row + 2;

	for (int column = 0; column < COLUMNS; column++)
	{
		uint32_t	length;

		memcpy(&length, at, sizeof(length));
		length = be32toh(length);
		if (column == CAPTURE_ID)
			put32(at, capture_id);
		at += sizeof(length) + (length == UINT32_MAX ? 0 : length);
	}
	return (size_t) (at - row);
}
