/*
 * csv.c - flows as text (see csv.h).
 */
#include "csv.h"

#include <arpa/inet.h>
#include <time.h>

#include "copy.h"

void
csv_header(FILE *to)
{
	fprintf(to, "%s\n", copy_columns);
}

static const char *
address_text(const flow_row *row, int side, char *text)
{
	const uint8_t *bytes = row->addr[side].byte;

	if (row->version == 4)
		return inet_ntop(AF_INET, bytes + 12, text, INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, bytes, text, INET6_ADDRSTRLEN);
}

void
csv_row(void *arg, const flow_row *row)
{
	const csv  *out = arg;
	time_t		seconds = (time_t) (row->start_time / 1000000);
	struct tm	utc;
	char		day[40];
	char		src[INET6_ADDRSTRLEN],
				dst[INET6_ADDRSTRLEN];

	strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &utc));
	fprintf(out->to, "%s.%06d+00,%lld,%lld,%lld,%lld,%lld,%d,%d,%u,%u,",
			day, (int) (row->start_time % 1000000), (long long) row->duration,
			(long long) row->bytes[SRC], (long long) row->bytes[DST],
			(long long) row->payload[SRC], (long long) row->payload[DST],
			row->packets[SRC], row->packets[DST], row->port[SRC], row->port[DST]);
	if (row->rtt >= 0)
		fprintf(out->to, "%d", row->rtt);
	fprintf(out->to, ",%d,%d,%d,%.9g,%.9g,", row->length_min, row->length_max, out->capture_id,
			(double) row->length_mean, (double) row->length_stddev);
	if (row->iat_mean >= 0)
		fprintf(out->to, "%.9g,%.9g", (double) row->iat_mean, (double) row->iat_stddev);
	else
		fputc(',', out->to);
	fprintf(out->to, ",%u,%u,%u,%u,%u,%d,%d,%d,%d,", row->protocol,
			row->tcp_flags[SRC], row->tcp_flags[DST], row->state, row->end_reason,
			row->retransmits, row->fragments, row->bad_fragments, row->urgent);
	if (row->vlan >= 0)
		fprintf(out->to, "%d", row->vlan);
	fprintf(out->to, ",%u,0,%s,%s\n", row->ttl, address_text(row, SRC, src), address_text(row, DST, dst));
}
