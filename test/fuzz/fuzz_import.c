/*
 * fuzz_import.c - any bytes as a text file of flows.  No read past an end, an
 * end to everything; a flow's numbers are within their ranges, a line that is
 * none has a reason; and what a flow is printed as is read as the same flow.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "csv.h"
#include "fuzz.h"
#include "import.h"
#include "source.h"

enum
{
	MOST_RELOADED = 2			/* rows that are read a second time: it is slow */
};

static void
check_row(const flow_row *r)
{
	require(r->start_time >= 0 && r->duration >= 0, "times are times");
	for (int side = SRC; side <= DST; side++)
		require(r->bytes[side] >= 0 && r->payload[side] >= 0 && r->packets[side] >= 0, "counts are counts");
	require(r->version == 4 || r->version == 6, "IP has two versions");
	require(r->state >= CONN_S0 && r->state <= CONN_OTH, "the state is Zeek's");
	require(r->rtt >= -1 && r->vlan >= -1 && r->retransmits >= 0, "only -1 is not known");
	require(isfinite(r->length_mean) && isfinite(r->length_stddev) && isfinite(r->iat_mean), "numbers are finite");
	require(r->length_min >= 0 && r->length_max >= 0, "lengths are lengths");
}

/* The row as text with a header; free() it. */
static char *
print(const flow_row *row, size_t *size)
{
	char	   *text = NULL;
	FILE	   *to = open_memstream(&text, size);
	csv			out = {to, 1};

	csv_header(to);
	csv_row(&out, row);
	fclose(to);
	return text;
}

static void
reload(const flow_row *row)
{
	static const import_options options = {.start = 0};
	char		message[MESSAGE_BYTES];
	size_t		size,
				again_size;
	char	   *text = print(row, &size);
	char	   *again;
	FILE	   *in = fmemopen(text, size, "r");
	import	   *im = import_open(in, &options, 0, message);
	import_reject reject;
	flow_row	back;

	require(im != NULL, "our own header is known");
	if (import_next(im, &back, &reject, message) != IMPORT_FLOW)
	{
		fprintf(stderr, "%s%s\n", text, reject.reason);
		abort();
	}
	again = print(&back, &again_size);
	if (strcmp(text, again) != 0)
		fprintf(stderr, "%s%s", text, again);
	require(strcmp(text, again) == 0, "a printed flow is read as itself");
	import_close(im);
	fclose(in);
	free(again);
	free(text);
}

static void
import_all(const uint8_t *data, size_t size, const import_options *options)
{
	char		message[MESSAGE_BYTES] = "";
	FILE	   *in = fmemopen((void *) data, size, "r");
	import	   *im = import_open(in, options, 1700000000000000, message);
	import_reject reject;
	import_result result;
	flow_row	row;
	int64_t		line = 0;
	int			flows = 0;

	require(im || message[0], "there is a reason");
	while (im && (result = import_next(im, &row, &reject, message)) != IMPORT_END)
	{
		if (result == IMPORT_ERROR)
		{
			require(message[0], "there is a reason");
			break;
		}
		if (result == IMPORT_REJECT)
		{
			require(reject.line > line && reject.reason[0], "a line is set aside once, with its reason");
			line = reject.line;
			continue;
		}
		check_row(&row);
		if (flows++ < MOST_RELOADED)
			reload(&row);
	}
	if (im)
		import_close(im);
	fclose(in);
}

static const char *const seeds[] = {
	"start_time,duration_s,src_addr,dst_addr,src_port,dst_port,protocol,src_bytes,dst_bytes\r\n"
	"2024-03-01 12:00:00.25+00,1.5,10.0.0.1,10.0.0.2,40000,443,tcp,1000,\"2000\"\r\n\"a\nb\",\n",
	"#separator \\x09\n#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\torig_bytes\tconn_state\thistory\n"
	"1700000000.123456\t10.0.0.1\t1\t10.0.0.2\t2\tudp\t-\t-\tSF\tShAD\n#close\n",
	"{\"ts\":1700000000.5,\"id.orig_h\":\"::1\",\"id.orig_p\":1,\"id.resp_h\":\"::2\",\"id.resp_p\":2,\"proto\":\"icmp\",\"tags\":[{}],\"x\":\"\\u0041\\n\"}\n",
	"ts,te,td,sa,da,sp,dp,pr,flg,ipkt,ibyt,opkt,obyt\n2024-03-01 12:00:00,2024-03-01 12:00:01,1.0,10.0.0.1,10.0.0.2,0,8.0,ICMP ,.AP.SF,1,84,0,0\nSummary\n",
	"StartTime;Proto;SrcAddr;DstAddr;Dur;TotPkts;TotBytes;SrcBytes;State\n2011/08/10 09:46:53.04;udp;1.2.3.4;5.6.7.8;3550.18;12;875;413;CON\n",
	"0,tcp,http,SF,181,5450,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,8,8,0.00,0.00,0.00,0.00,1.00,0.00,0.00,9,9,1.00,0.00,0.11,0.00,0.00,0.00,0.00,0.00,normal.\n",
	"packet_size|connection_duration|bytes_sent|bytes_received|packets_per_second|unique_destinations\n500.5|30|1000|2000.4|2.5|3\n",
	"bytes_transferred\tpacket_count\tconnection_duration\tretransmission_rate\n1e6\t0x20\t2\t.1\n",
};

int			LLVMFuzzerInitialize(int *argc, char ***argv);
int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *directory = getenv("SEED_DIR");

	if (!directory)
		return 0;
	for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
	{
		char		path[4096];
		FILE	   *to;

		snprintf(path, sizeof(path), "%s/%zu", directory, i);
		to = fopen(path, "wb");
		if (!to || fputs(seeds[i], to) < 0 || fclose(to) != 0)
			exit(1);
	}
	exit(0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const import_options plain = {.start = -1};
	static const import_options mapped = {.profile = "flow", .map = "bytes=1,packets=2,duration_ms=3,end_time=4,service=5", .start = 0};

	if (size == 0)
		return 0;
	import_all(data, size, &plain);
	if (data[size - 1] == '\n')
		import_all(data, size, &mapped);
	return 0;
}
