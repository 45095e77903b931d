/*
 * value.c - values of fields (see value.h).
 */
#include "value.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conn.h"

enum
{
	WORD_BYTES = 64				/* no value of ours is longer */
};

/* A copy that ends with a zero; false if it is empty or too long. */
static bool
word(text t, char to[WORD_BYTES])
{
	if (t.length == 0 || t.length >= WORD_BYTES)
		return false;
	memcpy(to, t.at, t.length);
	to[t.length] = 0;
	return true;
}

const char *
value_number(text t, double *number)
{
	char		copy[WORD_BYTES];
	char	   *end;

	if (!word(t, copy))
		return "is not a number";
	*number = strtod(copy, &end);
	if (*end || end == copy)
		return "is not a number";
	return isfinite(*number) ? NULL : "is not a finite number";
}

/* ---- times -------------------------------------------------------------- */

/* Takes "least" to "most" digits. */
static bool
digits(const char **at, int least, int most, int *number)
{
	int			n = 0;

	for (*number = 0; n < most && (*at)[n] >= '0' && (*at)[n] <= '9'; n++)
		*number = *number * 10 + ((*at)[n] - '0');
	*at += n;
	return n >= least;
}

static bool
taken(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

/* Digits behind a dot or comma, as microseconds; further ones are cut off. */
static int
fraction(const char **at)
{
	int			scale = 100000,
				microseconds = 0;

	if (**at != '.' && **at != ',')
		return 0;
	for ((*at)++; **at >= '0' && **at <= '9'; (*at)++, scale /= 10)
		microseconds += (**at - '0') * scale;
	return microseconds;
}

/* "Z", "+hh", "+hhmm", "+hh:mm" or nothing: seconds east of Greenwich. */
static bool
zone(const char **at, int *seconds)
{
	int			sign = **at == '-' ? -1 : 1;
	int			hours,
				minutes = 0;

	*seconds = 0;
	if (taken(at, 'Z') || **at == 0)
		return true;
	if (**at != '+' && **at != '-')
		return false;
	(*at)++;
	if (!digits(at, 2, 2, &hours))
		return false;
	taken(at, ':');
	if (**at != 0 && !digits(at, 2, 2, &minutes))
		return false;
	*seconds = sign * (hours * 3600 + minutes * 60);
	return hours < 24 && minutes < 60;
}

static bool
calendar_time(const char *at, int64_t *microseconds)
{
	struct tm	t = {0},
				back;
	time_t		seconds;
	int			year,
				month,
				east,
				rest;
	char		mark;

	if (!digits(&at, 4, 4, &year) || ((mark = *at) != '-' && mark != '/'))
		return false;
	at++;
	if (!digits(&at, 1, 2, &month) || !taken(&at, mark) || !digits(&at, 1, 2, &t.tm_mday))
		return false;
	if (taken(&at, 'T') || taken(&at, ' '))
	{
		if (!digits(&at, 1, 2, &t.tm_hour) || !taken(&at, ':') || !digits(&at, 2, 2, &t.tm_min))
			return false;
		if (taken(&at, ':') && !digits(&at, 2, 2, &t.tm_sec))
			return false;
	}
	rest = fraction(&at);
	while (taken(&at, ' '))
		;
	if (!zone(&at, &east) || *at || t.tm_hour > 23 || t.tm_min > 59 || t.tm_sec > 60)
		return false;
	t.tm_year = year - 1900;
	t.tm_mon = month - 1;
	back = t;
	seconds = timegm(&back);
	if (back.tm_mon != t.tm_mon || t.tm_mday < 1)	/* the 31st of April */
		return false;
	*microseconds = ((int64_t) seconds - east) * 1000000 + rest;
	return true;
}

/* Seconds with a fraction, exact to the microsecond. */
static bool
decimal_seconds(const char *at, int64_t *microseconds)
{
	int64_t		whole = 0;
	int			n = 0;

	for (; *at >= '0' && *at <= '9' && n < 11; n++, at++)
		whole = whole * 10 + (*at - '0');
	*microseconds = whole * 1000000;
	if (*at == '.')
		*microseconds += fraction(&at);
	return n > 0 && *at == 0;
}

const char *
value_time(text t, int64_t *microseconds)
{
	char		copy[WORD_BYTES];
	double		number;

	if (!word(t, copy))
		return "is not a time";
	if (decimal_seconds(copy, microseconds) || calendar_time(copy, microseconds))
		return NULL;
	if (value_number(t, &number) || number < 0 || number >= 1e19)
		return "is not a time";
	if (number < 1e11)
		number *= 1e6;
	else if (number < 1e14)
		number *= 1e3;
	else if (number >= 1e17)
		number /= 1e3;
	*microseconds = (int64_t) number;
	return NULL;
}

/* ---- addresses and protocols -------------------------------------------- */

const char *
value_address(text t, ip_address *to)
{
	char		copy[WORD_BYTES];

	if (!word(t, copy))
		return "is not an IP address";
	if (inet_pton(AF_INET, copy, to->byte.byte + 12) == 1)
	{
		memset(to->byte.byte, 0, 10);
		memset(to->byte.byte + 10, 0xff, 2);
		to->version = 4;
		return NULL;
	}
	to->version = 6;
	return inet_pton(AF_INET6, copy, to->byte.byte) == 1 ? NULL : "is not an IP address";
}

const char *
value_protocol(text t, int *protocol)
{
	static const struct
	{
		const char *name;
		int			number;
	}			names[] = {
		{"tcp", 6}, {"udp", 17}, {"icmp", 1}, {"icmp6", 58}, {"ipv6-icmp", 58}, {"icmpv6", 58},
		{"sctp", 132}, {"igmp", 2}, {"gre", 47}, {"esp", 50}, {"ah", 51}, {"ospf", 89}, {"ospfigp", 89},
		{"pim", 103}, {"ipv6", 41}, {"ipip", 4}, {"ipnip", 4}, {"eigrp", 88}, {"rsvp", 46}, {"vrrp", 112},
		{"l2tp", 115}, {"udplite", 136}, {"dccp", 33}, {"rtp", 17}, {"rtcp", 17},
		{"unknown", -1}, {"unknown_transport", -1}, {"other", -1}
	};
	double		number;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (text_is(t, names[i].name))
		{
			*protocol = names[i].number;
			return NULL;
		}
	if (value_number(t, &number) || number < 0 || number > 255 || number != floor(number))
		return "is not a protocol of IP";
	*protocol = (int) number;
	return NULL;
}

/* ---- states and flags --------------------------------------------------- */

const char *
value_conn_state(text t, uint8_t *state)
{
	static const char *const names[] = {
		[CONN_S0] = "S0", [CONN_S1] = "S1", [CONN_SF] = "SF", [CONN_REJ] = "REJ", [CONN_S2] = "S2",
		[CONN_S3] = "S3", [CONN_RSTO] = "RSTO", [CONN_RSTR] = "RSTR", [CONN_RSTOS0] = "RSTOS0",
		[CONN_RSTRH] = "RSTRH", [CONN_SH] = "SH", [CONN_SHR] = "SHR", [CONN_OTH] = "OTH"
	};
	double		number;

	for (uint8_t i = CONN_S0; i <= CONN_OTH; i++)
		if (text_is(t, names[i]))
		{
			*state = i;
			return NULL;
		}
	if (value_number(t, &number) || number < CONN_S0 || number > CONN_OTH || number != floor(number))
		return "is not a connection state";
	*state = (uint8_t) number;
	return NULL;
}

uint8_t
value_argus_state(text t)
{
	if (text_is(t, "REQ") || text_is(t, "INT"))
		return CONN_S0;
	if (text_is(t, "ACC") || text_is(t, "EST") || text_is(t, "CON"))
		return CONN_S1;
	if (text_is(t, "FIN") || text_is(t, "CLO"))
		return CONN_SF;
	if (text_is(t, "RST"))
		return CONN_RSTR;
	return 0;
}

const char *
value_tcp_flags(text t, uint8_t *flags)
{
	static const char letters[] = "FSRPAUEC";	/* from the lowest bit */
	double		number;

	*flags = 0;
	if (value_number(t, &number) == NULL && number >= 0 && number <= 255)
	{
		*flags = (uint8_t) number;
		return NULL;
	}
	for (size_t i = 0; i < t.length; i++)
	{
		const char *letter = strchr(letters, t.at[i]);

		if (letter && t.at[i])
			*flags |= (uint8_t) (1 << (letter - letters));
		else if (t.at[i] != '.')
			return "has letters that are no TCP flags";
	}
	return NULL;
}

void
value_history(text t, uint8_t flags[2])
{
	for (size_t i = 0; i < t.length; i++)
	{
		uint8_t    *end = &flags[t.at[i] >= 'a'];

		switch (t.at[i] & ~0x20)
		{
			case 'S':
				*end |= TCP_SYN;
				break;
			case 'H':
				*end |= TCP_SYN | TCP_ACK;
				break;
			case 'A':
			case 'D':
				*end |= TCP_ACK;
				break;
			case 'F':
				*end |= TCP_FIN;
				break;
			case 'R':
				*end |= TCP_RST;
				break;
		}
	}
}

/* ---- KDD-99's services -------------------------------------------------- */

int
value_service_port(text t)
{
	static const struct
	{
		const char *name;
		int			port;
	}			ports[] = {
		{"http", 80}, {"smtp", 25}, {"domain_u", 53}, {"ftp_data", 20}, {"ftp", 21}, {"telnet", 23},
		{"finger", 79}, {"ntp_u", 123}, {"auth", 113}, {"pop_3", 110}, {"pop_2", 109}, {"time", 37},
		{"csnet_ns", 105}, {"remote_job", 71}, {"imap4", 143}, {"gopher", 70}, {"domain", 53}, {"discard", 9},
		{"systat", 11}, {"iso_tsap", 102}, {"shell", 514}, {"echo", 7}, {"rje", 77}, {"whois", 43},
		{"sql_net", 150}, {"printer", 515}, {"nntp", 119}, {"courier", 530}, {"sunrpc", 111},
		{"netbios_ssn", 139}, {"netbios_ns", 137}, {"netbios_dgm", 138}, {"mtp", 57}, {"vmnet", 175},
		{"uucp", 540}, {"uucp_path", 117}, {"klogin", 543}, {"kshell", 544}, {"bgp", 179}, {"supdup", 95},
		{"ssh", 22}, {"nnsp", 433}, {"login", 513}, {"exec", 512}, {"hostnames", 101}, {"efs", 520},
		{"daytime", 13}, {"link", 245}, {"ldap", 389}, {"http_443", 443}, {"http_2784", 2784},
		{"http_8001", 8001}, {"name", 42}, {"ctf", 84}, {"netstat", 15}, {"Z39_50", 210}, {"IRC", 6667},
		{"X11", 6000}, {"tftp_u", 69}, {"aol", 5190}, {"harvest", 8282}, {"pm_dump", 1020}
	};

	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++)
		if (text_is(t, ports[i].name))
			return ports[i].port;
	return -1;
}

int
value_service_icmp(text t)
{
	if (text_is(t, "eco_i"))
		return 8;
	if (text_is(t, "ecr_i"))
		return 0;
	if (text_is(t, "urp_i") || text_is(t, "urh_i"))
		return 3;
	if (text_is(t, "tim_i"))
		return 11;
	return text_is(t, "red_i") ? 5 : -1;
}
