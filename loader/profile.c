/*
 * profile.c - profiles and mappings (see profile.h).
 */
#include "profile.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "source.h"
#include "util.h"

/* ---- profiles ----------------------------------------------------------- */

typedef struct column
{
	const char *theirs;			/* regardless of case; space, dot and hyphen are as "_" */
	const char *ours;			/* NULL: known, but a flow has no place for it */
} column;

struct profile
{
	const char *name;
	const char *what;
	bool		unset;			/* a field may be empty, or "-" */
	bool		no_header;		/* files without one have these columns in this order */
	size_t		needed;			/* a header without the first so many columns is another's */
	const column *columns;
};

static const column flow_columns[] = {
	{"start_time", "start_time"},
	{"src_addr", "src_addr"},
	{"dst_addr", "dst_addr"},
	{NULL, NULL}						/* targets have their own names anyway */
};

static const column zeek_columns[] = {
	{"ts", "start_time"},
	{"id.orig_h", "src_addr"}, {"id.orig_p", "src_port"},
	{"id.resp_h", "dst_addr"}, {"id.resp_p", "dst_port"},
	{"proto", "protocol"}, {"ip_proto", "protocol"},
	{"duration", "duration_s"},
	{"orig_bytes", "src_payload"}, {"resp_bytes", "dst_payload"},
	{"conn_state", "state"}, {"history", "history"},
	{"orig_pkts", "src_packets"}, {"orig_ip_bytes", "src_bytes"},
	{"resp_pkts", "dst_packets"}, {"resp_ip_bytes", "dst_bytes"},
	{"vlan", "vlan"},
	{"service", NULL},			/* found in the payload, not KDD-99's */
	{NULL, NULL}
};

static const column nfdump_columns[] = {
	{"ts", "start_time"}, {"te", "end_time"}, {"td", "duration_s"},
	{"sa", "src_addr"}, {"da", "dst_addr"}, {"sp", "src_port"}, {"dp", "nfdump_port"},
	{"pr", "protocol"}, {"flg", "src_tcp_flags"},
	{"ipkt", "src_packets"}, {"ibyt", "src_bytes"}, {"opkt", "dst_packets"}, {"obyt", "dst_bytes"},
	{NULL, NULL}
};

static const column nfdump17_columns[] = {
	{"firstSeen", "start_time"}, {"duration", "duration_s"}, {"proto", "protocol"},
	{"srcAddr", "src_addr"}, {"srcPort", "src_port"},
	{"dstAddr", "dst_addr"}, {"dstPort", "nfdump_port"},
	{"flags", "src_tcp_flags"}, {"packets", "src_packets"}, {"bytes", "src_bytes"},
	{NULL, NULL}
};

/* ra -c, */
static const column argus_columns[] = {
	{"StartTime", "start_time"}, {"Proto", "protocol"}, {"SrcAddr", "src_addr"}, {"DstAddr", "dst_addr"},
	{"LastTime", "end_time"}, {"Dur", "duration_s"}, {"Sport", "src_port"}, {"Dport", "dst_port"},
	{"SrcPkts", "src_packets"}, {"DstPkts", "dst_packets"}, {"TotPkts", "packets"},
	{"SrcBytes", "src_bytes"}, {"DstBytes", "dst_bytes"}, {"TotBytes", "bytes"},
	{"State", "argus_state"},
	{NULL, NULL}
};

/* In the order of the files, which have no header; then NSL-KDD's difficulty. */
static const column kdd_columns[] = {
	{"duration", "duration_s"}, {"protocol_type", "protocol"}, {"service", "service"},
	{"flag", "state"}, {"src_bytes", "src_payload"}, {"dst_bytes", "dst_payload"},
	{"land", "land"}, {"wrong_fragment", "bad_fragments"}, {"urgent", "urgent"},
	{"hot", NULL}, {"num_failed_logins", NULL}, {"logged_in", NULL}, {"num_compromised", NULL},
	{"root_shell", NULL}, {"su_attempted", NULL}, {"num_root", NULL}, {"num_file_creations", NULL},
	{"num_shells", NULL}, {"num_access_files", NULL}, {"num_outbound_cmds", NULL},
	{"is_host_login", NULL}, {"is_guest_login", NULL},
	{"count", "count"}, {"srv_count", "srv_count"}, {"serror_rate", "serror_rate"},
	{"srv_serror_rate", "srv_serror_rate"}, {"rerror_rate", "rerror_rate"},
	{"srv_rerror_rate", "srv_rerror_rate"}, {"same_srv_rate", "same_srv_rate"},
	{"diff_srv_rate", "diff_srv_rate"}, {"srv_diff_host_rate", "srv_diff_host_rate"},
	{"dst_host_count", "dst_host_count"}, {"dst_host_srv_count", "dst_host_srv_count"},
	{"dst_host_same_srv_rate", "dst_host_same_srv_rate"}, {"dst_host_diff_srv_rate", "dst_host_diff_srv_rate"},
	{"dst_host_same_src_port_rate", "dst_host_same_src_port_rate"},
	{"dst_host_srv_diff_host_rate", "dst_host_srv_diff_host_rate"},
	{"dst_host_serror_rate", "dst_host_serror_rate"}, {"dst_host_srv_serror_rate", "dst_host_srv_serror_rate"},
	{"dst_host_rerror_rate", "dst_host_rerror_rate"}, {"dst_host_srv_rerror_rate", "dst_host_srv_rerror_rate"},
	{"label", NULL}, {"difficulty", NULL},
	{NULL, NULL}
};

static const column connection_columns[] = {
	{"packet_size", "length_mean"}, {"connection_duration", "duration_s"},
	{"bytes_sent", "src_bytes"}, {"bytes_received", "dst_bytes"},
	{"packets_per_second", "packets_per_s"}, {"unique_destinations", "src_distinct_dsts"},
	{"failed_connections", "src_failed"}, {"port_scan_indicators", "src_distinct_ports"},
	{"timestamp", "start_time"}, {"is_anomaly", NULL},
	{NULL, NULL}
};

static const column basic_columns[] = {
	{"Duration", "duration_s"}, {"PacketCount", "packets"}, {"ByteCount", "bytes"},
	{"SourcePort", "src_port"}, {"DestinationPort", "dst_port"}, {"Protocol", "protocol"},
	{"SourceIP", "src_addr"}, {"DestinationIP", "dst_addr"}, {"Timestamp", "start_time"},
	{"Label", NULL},
	{NULL, NULL}
};

static const column transfer_columns[] = {
	{"bytes_transferred", "bytes"}, {"packet_count", "packets"},
	{"connection_duration", "duration_s"}, {"retransmission_rate", "retransmission_rate"},
	{"bytes_per_packet", "length_mean"}, {"packets_per_second", "packets_per_s"},
	{"timestamp", "start_time"}, {"protocol", "protocol"},
	{"src_ip", "src_addr"}, {"source_ip", "src_addr"}, {"dst_ip", "dst_addr"}, {"destination_ip", "dst_addr"},
	{"source_port", "src_port"}, {"destination_port", "dst_port"},
	{"label", NULL},
	{NULL, NULL}
};

const profile profile_zeek = {"zeek", "Zeek's conn.log, TSV or JSON", true, false, 5, zeek_columns};
static const profile profile_flow = {"flow", "columns named as those of the table flow, as --print writes them", false, false, 3, flow_columns};
static const profile profile_nfdump = {"nfdump", "nfdump -o csv, up to 1.7.1", true, false, 8, nfdump_columns};
static const profile profile_nfdump17 = {"nfdump17", "nfdump -o csv, later ones", true, false, 7, nfdump17_columns};
static const profile profile_argus = {"argus", "argus: ra -c, with field names", true, false, 4, argus_columns};
static const profile profile_kdd = {"kdd", "KDD-99 and NSL-KDD, with or without header", false, true, 6, kdd_columns};
static const profile profile_connection = {"connection", "packet_size, connection_duration, bytes_sent, bytes_received, ...", false, false, 4, connection_columns};
static const profile profile_basic = {"basic", "Duration, PacketCount, ByteCount, SourcePort, ...", false, false, 3, basic_columns};
static const profile profile_transfer = {"transfer", "bytes_transferred, packet_count, connection_duration, ...", false, false, 3, transfer_columns};

static const profile *const profiles[] = {
	&profile_flow, &profile_zeek, &profile_nfdump, &profile_nfdump17, &profile_argus,
	&profile_kdd, &profile_connection, &profile_basic, &profile_transfer, NULL
};

const profile *
profile_find(const char *name)
{
	for (int i = 0; profiles[i]; i++)
		if (strcmp(profiles[i]->name, name) == 0)
			return profiles[i];
	return NULL;
}

void
profile_list(FILE *to)
{
	for (int i = 0; profiles[i]; i++)
		fprintf(to, "    %-12s %s\n", profiles[i]->name, profiles[i]->what);
}

/* ---- names -------------------------------------------------------------- */

static text
text_of(const char *string)
{
	return (text) {string, strlen(string)};
}

static const column *
find_column(const profile *p, text name)
{
	for (const column *c = p->columns; c->theirs; c++)
		if (text_names(name, c->theirs))
			return c;
	return NULL;
}

const target *
profile_target(const profile *p, text name)
{
	const column *c = find_column(p, name);

	if (c)
		return c->ours ? target_find(text_of(c->ours)) : NULL;
	return p == &profile_flow ? target_find(name) : NULL;
}

/* ---- binding a header --------------------------------------------------- */

/* The next "ours=theirs" of a map; false at its end. */
static bool
next_pair(const char **map, text *ours, text *theirs)
{
	const char *end = strchrnul(*map, ',');
	const char *equals = memchr(*map, '=', (size_t) (end - *map));

	if (**map == 0)
		return false;
	*ours = text_trim((text) {*map, (size_t) ((equals ? equals : end) - *map)});
	*theirs = equals ? text_trim((text) {equals + 1, (size_t) (end - equals - 1)}) : (text) {end, 0};
	*map = *end ? end + 1 : end;
	return true;
}

bool
profile_check_map(const char *map, char *message)
{
	text		ours,
				theirs;

	while (next_pair(&map, &ours, &theirs))
	{
		if (theirs.length == 0)
		{
			snprintf(message, MESSAGE_BYTES, "\"%.*s\" in the map is no name=column", (int) ours.length, ours.at);
			return false;
		}
		if (!target_find(ours))
		{
			snprintf(message, MESSAGE_BYTES, "the map's \"%.*s\" is no column of a flow", (int) ours.length, ours.at);
			return false;
		}
	}
	return true;
}

static void
bind(mapping *m, size_t i, const target *t)
{
	m->target[i] = t;
	if (t)
		m->facts |= target_facts(t);
}

/* Puts the map on top; false if it names a column that the file lacks. */
static bool
bind_map(mapping *m, const char *map, char *message)
{
	text		ours,
				theirs;

	while (map && next_pair(&map, &ours, &theirs))
	{
		char	   *end;
		unsigned long number = strtoul(theirs.at, &end, 10);
		bool		numbered = end == theirs.at + theirs.length && number >= 1 && number <= m->count;
		bool		found = false;

		for (size_t i = 0; i < m->count; i++)
			if (numbered ? i == number - 1 : text_names(theirs, m->name[i]))
			{
				bind(m, i, target_find(ours));
				found = true;
			}
		if (!found)
		{
			snprintf(message, MESSAGE_BYTES, "there is no column \"%.*s\"", (int) theirs.length, theirs.at);
			return false;
		}
	}
	return true;
}

/* How many columns of a header a profile knows; 0 if one that it needs is missing. */
static size_t
fit(const profile *p, const record *header)
{
	size_t		known = 0;

	for (const column *c = p->columns; c->theirs; c++)
	{
		bool		found = false;

		for (size_t i = 0; i < header->count && !found; i++)
			found = text_names(header->field[i], c->theirs);
		if (!found && (size_t) (c - p->columns) < p->needed)
			return 0;
		known += found;
	}
	return known;
}

static const profile *
best_profile(const record *header)
{
	const profile *best = NULL;
	size_t		most = 0;

	for (int i = 0; profiles[i]; i++)
	{
		size_t		known = fit(profiles[i], header);

		if (known > most)
		{
			most = known;
			best = profiles[i];
		}
	}
	return best;
}

static bool
any_bound(const mapping *m, char *message)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->target[i])
			return true;
	snprintf(message, MESSAGE_BYTES, "its columns are not known; name them with --map");
	return false;
}

bool
mapping_bind(mapping *m, const record *header, const profile *p, const char *map, char *message)
{
	*m = (mapping) {.profile = p ? p : best_profile(header), .count = header->count};
	if (!m->profile)
		m->profile = &profile_flow;
	for (size_t i = 0; i < m->count; i++)
	{
		m->name[i] = must_format("%.*s", (int) header->field[i].length, header->field[i].at);
		bind(m, i, profile_target(m->profile, header->field[i]));
	}
	return bind_map(m, map, message) && any_bound(m, message);
}

/* Is a line without header one of KDD-99's? */
static bool
kdd_line(const record *first)
{
	return first->count >= 41 && first->count <= 43 &&
		(text_is(first->field[1], "tcp") || text_is(first->field[1], "udp") || text_is(first->field[1], "icmp"));
}

bool
mapping_bind_headless(mapping *m, const record *first, const profile *p, const char *map, char *message)
{
	const column *c = NULL;

	if (!p && kdd_line(first))
		p = &profile_kdd;
	*m = (mapping) {.profile = p ? p : &profile_flow, .count = first->count};
	if (m->profile->no_header)
		c = m->profile->columns;
	for (size_t i = 0; i < m->count; i++)
	{
		m->name[i] = c && c->theirs ? must_format("%s", c->theirs) : must_format("column %zu", i + 1);
		if (c && c->theirs)
		{
			bind(m, i, c->ours ? target_find(text_of(c->ours)) : NULL);
			c++;
		}
	}
	return bind_map(m, map, message) && any_bound(m, message);
}

void
mapping_clear(mapping *m)
{
	for (size_t i = 0; i < m->count; i++)
		free(m->name[i]);
	m->count = 0;
}

/* ---- reading a row ------------------------------------------------------ */

static bool
missing(text t)
{
	return t.length == 0 || text_is(t, "-") || text_is(t, "(empty)") || text_is(t, "NULL") || text_is(t, "\\N");
}

const char *
mapping_value(const mapping *m, const target *t, text name, text value, draft *d, char *message)
{
	char		room[MESSAGE_BYTES / 2];
	const char *problem;

	if (name.length > 100)
		name.length = 100;
	if (missing(value))
	{
		if (target_nullable(t) || (m->profile->unset && !(target_facts(t) & (FACT_START | FACT_SRC_ADDR | FACT_DST_ADDR))))
			return NULL;
		snprintf(message, MESSAGE_BYTES, "\"%.*s\" is empty", (int) name.length, name.at);
		return message;
	}
	problem = target_read(t, value, d, room);
	if (problem)
	{
		snprintf(message, MESSAGE_BYTES, "\"%.*s\": \"%.*s\" %s", (int) name.length, name.at,
				 (int) (value.length < 100 ? value.length : 100), value.at, problem);
		for (char *c = message; *c; c++)	/* it may be shown on a terminal */
			if (*c < ' ' || *c == 0x7f)
				*c = '?';
		return message;
	}
	d->facts |= target_facts(t);
	d->known = true;
	return NULL;
}

const char *
mapping_read(const mapping *m, const record *r, draft *d, char *message)
{
	for (size_t i = 0; i < r->count; i++)
		if (m->target[i] && mapping_value(m, m->target[i], text_of(m->name[i]), r->field[i], d, message))
			return message;
	return NULL;
}
