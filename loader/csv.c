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

static void
put_time(FILE *to, int64_t time)
{
	time_t		seconds = (time_t) (time / 1000000);
	struct tm	utc;
	char		day[40];

	strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &utc));
	fprintf(to, "%s.%06d+00", day, (int) (time % 1000000));
}

/* Of the windows: what is negative is not known. */
static void
put_count(FILE *to, int32_t count)
{
	if (count >= 0)
		fprintf(to, ",%d", count);
	else
		fputc(',', to);
}

static void
put_rate(FILE *to, float rate)
{
	if (rate >= 0)
		fprintf(to, ",%.9g", (double) rate);
	else
		fputc(',', to);
}

static void
put_window(FILE *to, const window_features *w)
{
	const float rate[] = {w->serror_rate, w->srv_serror_rate, w->rerror_rate, w->srv_rerror_rate,
	w->same_srv_rate, w->diff_srv_rate, w->srv_diff_host_rate};
	const float dst_host_rate[] = {w->dst_host_same_srv_rate, w->dst_host_diff_srv_rate,
		w->dst_host_same_src_port_rate, w->dst_host_srv_diff_host_rate, w->dst_host_serror_rate,
	w->dst_host_srv_serror_rate, w->dst_host_rerror_rate, w->dst_host_srv_rerror_rate};

	put_count(to, w->count);
	put_count(to, w->srv_count);
	for (size_t i = 0; i < sizeof(rate) / sizeof(rate[0]); i++)
		put_rate(to, rate[i]);
	put_count(to, w->dst_host_count);
	put_count(to, w->dst_host_srv_count);
	for (size_t i = 0; i < sizeof(dst_host_rate) / sizeof(dst_host_rate[0]); i++)
		put_rate(to, dst_host_rate[i]);
	put_count(to, w->src_distinct_dsts);
	put_count(to, w->src_distinct_ports);
	put_count(to, w->src_failed);
	fputc('\n', to);
}

void
csv_row(void *arg, const flow_row *row)
{
	const csv  *out = arg;
	char		src[INET6_ADDRSTRLEN],
				dst[INET6_ADDRSTRLEN];

	put_time(out->to, row->start_time);
	fprintf(out->to, ",%lld,%lld,%lld,%lld,%lld,%d,%d,%u,%u,",
			(long long) row->duration,
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
	fprintf(out->to, ",%u,%u,%s,%s,", row->ttl, row->tunnel, address_text(row, SRC, src), address_text(row, DST, dst));
	put_time(out->to, row->ended_at);
	put_window(out->to, &row->window);
}
