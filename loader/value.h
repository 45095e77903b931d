/*
 * value.h - what a field of text says: numbers, times, addresses, protocols.
 *
 * Each returns NULL and the value, or why there is none, to be put behind the
 * column's name.
 */
#ifndef VALUE_H
#define VALUE_H

#include "decode.h"
#include "record.h"

typedef struct ip_address
{
	address		byte;			/* as decode.h keeps them */
	uint8_t		version;
} ip_address;

/* Decimal, with exponent, or hexadecimal (0x...); finite. */
const char *value_number(text, double *);

/*
 * Microseconds since 1970.  Seconds since then, milli-, micro- or nanoseconds
 * told by their size, or ISO 8601: date, time, fraction and zone, "T" or a
 * space between; the date with "-" or "/".  Without a zone it is UTC.
 */
const char *value_time(text, int64_t *);

/* IPv4 or IPv6, without mask or zone. */
const char *value_address(text, ip_address *);

/* IANA's number, or a name; -1: the name says that it is not known. */
const char *value_protocol(text, int *);

/* Zeek's conn_state; KDD-99's flag is the same. */
const char *value_conn_state(text, uint8_t *);

/* argus's state of a TCP connection; 0 for any that has no likeness. */
uint8_t		value_argus_state(text);

/* Letters among FSRPAUEC and dots, as nfdump writes them. */
const char *value_tcp_flags(text, uint8_t *);

/* Zeek's history: the flags that each end sent. */
void		value_history(text, uint8_t flags[2]);

/* The server port of a service of KDD-99; -1: it has none. */
int			value_service_port(text);

/* The ICMP type of those that name one; -1: another. */
int			value_service_icmp(text);

#endif
