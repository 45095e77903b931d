/*
 * import.h - flows out of text: CSV of many makers, Zeek's conn.log.
 *
 * The first line tells what the file is: Zeek's log by its "#", Zeek's JSON by
 * its "{", else a header that a profile knows (profile.h), or a first row of a
 * file without header.  The delimiter is the comma, semicolon, tab or bar that
 * the line has most of.
 *
 * What a row does not say is made up so that sums stay true:
 *
 *   start_time   a second after the row before, from --start on
 *   src_addr     0.0.0.0, dst_addr 0.0.0.1 (of IPv6 likewise)
 *   protocol     255, IANA's "reserved"
 *   a total      packets of both directions go to each in proportion to its
 *                bytes, or evenly, the odd one to the originator; bytes in
 *                proportion to packets
 *   packets      without any count: one from each end that sent
 *   src_payload  bytes without IP and transport headers of the smallest size;
 *                the bytes themselves if the protocol is not known
 *   src_bytes    the payload
 *   state        UDP: by who sent; else OTH
 *   ended_at     start and duration, but later than the row before, as the
 *                meter's are; times that jump back begin anew
 *   end_reason   end of flow if the state is final, else end of input
 */
#ifndef IMPORT_H
#define IMPORT_H

#include "flow.h"
#include "record.h"

typedef struct import_options
{
	const char *profile;		/* NULL: what the header fits */
	const char *map;			/* NULL: none */
	int64_t		start;			/* of files without times; -1: not given */
} import_options;

typedef enum import_result
{
	IMPORT_END,
	IMPORT_FLOW,
	IMPORT_REJECT,
	IMPORT_ERROR				/* the file cannot be read further */
} import_result;

/* A row that is no flow.  The texts hold until the next call. */
typedef struct import_reject
{
	int64_t		line;			/* from 1 */
	const char *reason;
	text		raw;
} import_reject;

typedef struct import import;

/*
 * Reads the header.  NULL and a message if there is no column to go by.
 * "start" is when rows begin where neither the file nor the options say.
 */
import	   *import_open(FILE *, const import_options *, int64_t start, char *message);
void		import_close(import *);

/* Fills in the row, the reject or, on IMPORT_ERROR, the message. */
import_result import_next(import *, flow_row *, import_reject *, char *message);

/*
 * Are rows to be put into windows?  So they are if the file says whose flows
 * they are, and brings no feature of its own.
 */
bool		import_wants_windows(const import *);

/* A time as files have them, too. */
bool		import_parse_time(const char *, int64_t *microseconds);

/* Are the options good?  Else a message. */
bool		import_check(const import_options *, char *message);

#endif
