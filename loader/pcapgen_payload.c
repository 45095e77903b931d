/*
 * pcapgen_payload.c - what conversations say.
 *
 * Just enough of each protocol to be read without complaint by a dissector:
 * HTTP/1.1 (RFC 9112), TLS 1.3 (RFC 8446), SMTP (RFC 5321), SSH (RFC 4253),
 * DNS (RFC 1035), NTP (RFC 5905), PostgreSQL (protocol 3.0).  Nothing is really encrypted: where cipher
 * text would stand, there are random bytes of the right length.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pcapgen.h"

/* A message under construction. */
typedef struct message
{
	uint8_t		bytes[2048];
	size_t		length;
} message;

static void
add_bytes(message *m, const void *bytes, size_t length)
{
	memcpy(m->bytes + m->length, bytes, length);
	m->length += length;
}

static void
add8(message *m, unsigned v)
{
	m->bytes[m->length++] = (uint8_t) v;
}

static void
add16(message *m, unsigned v)
{
	put16(m->bytes + m->length, (uint16_t) v);
	m->length += 2;
}

static void
add32(message *m, uint32_t v)
{
	put32(m->bytes + m->length, v);
	m->length += 4;
}

static void
add_random(message *m, rng *r, size_t length)
{
	rng_fill(r, m->bytes + m->length, length);
	m->length += length;
}

/* Sends one line of text, or several. */
static void
say(tcp *t, enum side from, const char *text)
{
	tcp_send(t, from, text, strlen(text));
}

/* A buffer of the length asked for, holding readable text. */
static uint8_t *
text_of(rng *r, size_t length)
{
	static const char *const words[] = {
		"the", "report", "of", "invoice", "meeting", "and", "quarter", "draft",
		"table", "with", "office", "number", "for", "printer", "monday", "order",
	};
	uint8_t    *text = allocate(length + 1);
	size_t		line = 0;

	for (size_t at = 0; at < length; line++)
	{
		const char *word = words[rng_next(r) % 16];
		size_t		n = strlen(word);

		for (size_t i = 0; i < n && at < length; i++)
			text[at++] = (uint8_t) word[i];
		if (at < length)
			text[at++] = line % 12 == 11 ? '\n' : ' ';
	}
	return text;
}

/* ---- HTTP ------------------------------------------------------------------ */

void
http_fetch(tcp *t, const char *site, size_t response)
{
	uint8_t    *body = text_of(t->rng, response);
	char	   *reply = allocate(response + 256);
	char		request[512];
	int			head;

	snprintf(request, sizeof(request),
			 "GET /%08" PRIx64 ".html HTTP/1.1\r\nHost: %s\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
			 "Accept: text/html,*/*\r\nAccept-Language: en\r\nConnection: close\r\n\r\n",
			 rng_next(t->rng) >> 32, site);
	say(t, CLIENT, request);
	tcp_pause(t, (int64_t) rng_exponential(t->rng, 15 * MSEC));
	head = snprintf(reply, 256,
					"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/plain\r\n"
					"Content-Length: %zu\r\nConnection: close\r\n\r\n", response);
	memcpy(reply + head, body, response);
	tcp_send(t, SERVER, reply, (size_t) head + response);
	free(reply);
	free(body);
}

/* ---- TLS ------------------------------------------------------------------- */

enum
{
	TLS_CHANGE_CIPHER_SPEC = 20, TLS_HANDSHAKE = 22, TLS_APPLICATION_DATA = 23
};

#define TLS_RECORD_LIMIT 16384
#define TLS_OVERHEAD 17			/* content type and authentication tag */

/* Lengths are known when the content is: reserve one, fill it in later. */
static size_t
open_length16(message *m)
{
	add16(m, 0);
	return m->length;
}

static void
close_length16(message *m, size_t mark)
{
	put16(m->bytes + mark - 2, (uint16_t) (m->length - mark));
}

static void
add_extension(message *m, unsigned type, const void *body, size_t length)
{
	add16(m, type);
	add16(m, (unsigned) length);
	add_bytes(m, body, length);
}

static void
add_key_share(message *m, rng *r, bool client)
{
	add16(m, 51);
	add16(m, client ? 38 : 36);
	if (client)
		add16(m, 36);			/* length of the list of shares */
	add16(m, 29);				/* x25519 */
	add16(m, 32);
	add_random(m, r, 32);
}

static void
add_server_name(message *m, const char *site)
{
	unsigned	n = (unsigned) strlen(site);

	add16(m, 0);
	add16(m, n + 5);
	add16(m, n + 3);
	add8(m, 0);					/* host_name */
	add16(m, n);
	add_bytes(m, site, n);
}

/* A record with a hello in it; site is NULL for the server's. */
static void
build_hello(message *m, rng *r, const char *site, const uint8_t *session)
{
	bool		client = site != NULL;
	size_t		record,
				body,
				extensions;

	add8(m, TLS_HANDSHAKE);
	add16(m, client ? 0x0301 : 0x0303);
	record = open_length16(m);
	add8(m, client ? 1 : 2);
	add8(m, 0);					/* the length has 24 bits */
	body = open_length16(m);
	add16(m, 0x0303);
	add_random(m, r, 32);
	add8(m, 32);
	add_bytes(m, session, 32);
	if (client)
		add_bytes(m, "\0\6\x13\1\x13\2\x13\3\1", 9);	/* three suites, one compression */
	else
		add_bytes(m, "\x13\1", 2);
	add8(m, 0);					/* no compression */
	extensions = open_length16(m);
	if (client)
	{
		add_server_name(m, site);
		add_extension(m, 10, "\0\4\0\x1d\0\x17", 6);	/* groups x25519, secp256r1 */
		add_extension(m, 13, "\0\6\4\3\x08\4\4\1", 8);	/* signature algorithms */
		add_extension(m, 16, "\0\x0c\2h2\x08http/1.1", 14);
		add_extension(m, 43, "\2\3\4", 3);	/* TLS 1.3 */
		add_extension(m, 45, "\1\1", 2);
	}
	else
		add_extension(m, 43, "\3\4", 2);
	add_key_share(m, r, client);
	close_length16(m, extensions);
	close_length16(m, body);
	close_length16(m, record);
}

/* Records of application data that carry `length` bytes, in one go. */
void
tls_send(tcp *t, enum side from, size_t length)
{
	size_t		records = length / TLS_RECORD_LIMIT + 1;
	uint8_t    *bytes = allocate(length + records * (5 + TLS_OVERHEAD));
	size_t		at = 0;

	while (length > 0)
	{
		size_t		n = length < TLS_RECORD_LIMIT ? length : TLS_RECORD_LIMIT;

		bytes[at] = TLS_APPLICATION_DATA;
		put16(bytes + at + 1, 0x0303);
		put16(bytes + at + 3, (uint16_t) (n + TLS_OVERHEAD));
		rng_fill(t->rng, bytes + at + 5, n + TLS_OVERHEAD);
		at += 5 + n + TLS_OVERHEAD;
		length -= n;
	}
	tcp_send(t, from, bytes, at);
	free(bytes);
}

void
tls_greet(tcp *t, const char *site)
{
	static const uint8_t change_cipher_spec[6] = {TLS_CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 1};
	message		client = {.length = 0},
				server = {.length = 0};
	uint8_t		session[32];
	size_t		encrypted = (size_t) rng_range(t->rng, 900, 1300);

	rng_fill(t->rng, session, sizeof(session));
	build_hello(&client, t->rng, site, session);
	tcp_send(t, CLIENT, client.bytes, client.length);

	/* hello, change of cipher, and certificate and all as one sealed record */
	build_hello(&server, t->rng, NULL, session);
	add_bytes(&server, change_cipher_spec, sizeof(change_cipher_spec));
	add8(&server, TLS_APPLICATION_DATA);
	add16(&server, 0x0303);
	add16(&server, (unsigned) encrypted);
	add_random(&server, t->rng, encrypted);
	tcp_send(t, SERVER, server.bytes, server.length);

	client.length = 0;
	add_bytes(&client, change_cipher_spec, sizeof(change_cipher_spec));
	add8(&client, TLS_APPLICATION_DATA);
	add16(&client, 0x0303);
	add16(&client, 53);			/* Finished with SHA-256 */
	add_random(&client, t->rng, 53);
	tcp_send(t, CLIENT, client.bytes, client.length);
}

void
tls_exchange(tcp *t, size_t request, size_t response)
{
	tls_send(t, CLIENT, request);
	tcp_pause(t, (int64_t) rng_exponential(t->rng, 20 * MSEC));
	tls_send(t, SERVER, response);
}

/* close_notify, as long as a sealed alert is, and the connection's end */
void
tls_end(tcp *t)
{
	tls_send(t, CLIENT, 2);
	tcp_close(t, CLIENT);
}

/* ---- SMTP ------------------------------------------------------------------ */

void
smtp_deliver(tcp *t, const char *from, const char *to, size_t body)
{
	uint8_t    *text = text_of(t->rng, body);
	char	   *mail = allocate(body + 512);
	char		line[256];
	int			head;

	say(t, SERVER, "220 mail.office.example ESMTP\r\n");
	say(t, CLIENT, "EHLO client.example\r\n");
	say(t, SERVER, "250-mail.office.example\r\n250-SIZE 52428800\r\n250 8BITMIME\r\n");
	snprintf(line, sizeof(line), "MAIL FROM:<%s>\r\n", from);
	say(t, CLIENT, line);
	say(t, SERVER, "250 2.1.0 Ok\r\n");
	snprintf(line, sizeof(line), "RCPT TO:<%s>\r\n", to);
	say(t, CLIENT, line);
	say(t, SERVER, "250 2.1.5 Ok\r\n");
	say(t, CLIENT, "DATA\r\n");
	say(t, SERVER, "354 End data with <CR><LF>.<CR><LF>\r\n");

	head = snprintf(mail, 512, "From: %s\r\nTo: %s\r\nSubject: report\r\n"
					"Content-Type: text/plain\r\n\r\n", from, to);
	memcpy(mail + head, text, body);
	memcpy(mail + (size_t) head + body, "\r\n.\r\n", 5);
	tcp_send(t, CLIENT, mail, (size_t) head + body + 5);
	tcp_pause(t, rng_range(t->rng, 5 * MSEC, 80 * MSEC));
	say(t, SERVER, "250 2.0.0 Ok: queued\r\n");
	say(t, CLIENT, "QUIT\r\n");
	say(t, SERVER, "221 2.0.0 Bye\r\n");
	tcp_close(t, SERVER);
	free(mail);
	free(text);
}

/* ---- SSH ------------------------------------------------------------------- */

static void
add_string(message *m, const void *bytes, size_t length)
{
	add32(m, (uint32_t) length);
	add_bytes(m, bytes, length);
}

/* Binary packet protocol before keys: padded to a multiple of eight bytes. */
static void
add_ssh_packet(message *m, const message *payload)
{
	size_t		padding = 8 - (payload->length + 5) % 8;

	if (padding < 4)
		padding += 8;
	add32(m, (uint32_t) (1 + payload->length + padding));
	add8(m, (unsigned) padding);
	add_bytes(m, payload->bytes, payload->length);
	memset(m->bytes + m->length, 0, padding);
	m->length += padding;
}

static void
ssh_key_exchange_init(tcp *t, enum side from)
{
	static const char *const lists[10] = {
		"curve25519-sha256", "ssh-ed25519",
		"chacha20-poly1305@openssh.com", "chacha20-poly1305@openssh.com",
		"hmac-sha2-256", "hmac-sha2-256", "none", "none", "", "",
	};
	message		payload = {.length = 0},
				packet = {.length = 0};

	add8(&payload, 20);			/* SSH_MSG_KEXINIT */
	add_random(&payload, t->rng, 16);
	for (int i = 0; i < 10; i++)
		add_string(&payload, lists[i], strlen(lists[i]));
	add8(&payload, 0);			/* no guessed packet follows */
	add32(&payload, 0);
	add_ssh_packet(&packet, &payload);
	tcp_send(t, from, packet.bytes, packet.length);
}

/* Key exchange of RFC 8731 with an Ed25519 host key, then NEWKEYS. */
static void
ssh_key_exchange(tcp *t)
{
	uint8_t		key[64];
	message		host_key = {.length = 0},
				signature = {.length = 0},
				payload = {.length = 0},
				packet = {.length = 0};
	const message new_keys = {.bytes = {21},.length = 1};

	rng_fill(t->rng, key, sizeof(key));
	add8(&payload, 30);			/* SSH_MSG_KEX_ECDH_INIT */
	add_string(&payload, key, 32);
	add_ssh_packet(&packet, &payload);
	tcp_send(t, CLIENT, packet.bytes, packet.length);

	rng_fill(t->rng, key, sizeof(key));
	add_string(&host_key, "ssh-ed25519", 11);
	add_string(&host_key, key, 32);
	add_string(&signature, "ssh-ed25519", 11);
	add_string(&signature, key, 64);
	payload.length = packet.length = 0;
	add8(&payload, 31);			/* SSH_MSG_KEX_ECDH_REPLY */
	add_string(&payload, host_key.bytes, host_key.length);
	add_string(&payload, key + 16, 32);
	add_string(&payload, signature.bytes, signature.length);
	add_ssh_packet(&packet, &payload);
	add_ssh_packet(&packet, &new_keys);
	tcp_send(t, SERVER, packet.bytes, packet.length);

	packet.length = 0;
	add_ssh_packet(&packet, &new_keys);
	tcp_send(t, CLIENT, packet.bytes, packet.length);
}

void
ssh_greet(tcp *t)
{
	say(t, SERVER, "SSH-2.0-OpenSSH_9.2p1\r\n");
	say(t, CLIENT, "SSH-2.0-OpenSSH_9.2p1\r\n");
	ssh_key_exchange_init(t, SERVER);
	ssh_key_exchange_init(t, CLIENT);
	ssh_key_exchange(t);
}

/* A sealed packet: length, content and tag all look random. */
void
ssh_send(tcp *t, enum side from, size_t length)
{
	size_t		sealed = 4 + (length + 7) / 8 * 8 + 16;
	uint8_t    *bytes = allocate(sealed);

	rng_fill(t->rng, bytes, sealed);
	tcp_send(t, from, bytes, sealed);
	free(bytes);
}

/* ---- DNS ------------------------------------------------------------------- */

enum
{
	DNS_A = 1, DNS_AAAA = 28, DNS_SOA = 6, DNS_IN = 1
};

static void
add_dns_name(message *m, const char *name)
{
	while (*name != '\0')
	{
		size_t		n = strcspn(name, ".");

		add8(m, (unsigned) n);
		add_bytes(m, name, n);
		name += n + (name[n] == '.');
	}
	add8(m, 0);
}

static void
add_dns_record(message *m, unsigned type, uint32_t ttl, const void *data, size_t length)
{
	add16(m, 0xc00c);			/* the name of the question */
	add16(m, type);
	add16(m, DNS_IN);
	add32(m, ttl);
	add16(m, (unsigned) length);
	add_bytes(m, data, length);
}

static message
dns_message(uint16_t id, unsigned flags, unsigned answers, unsigned authorities,
			const char *name, unsigned type)
{
	message		m = {.length = 0};

	add16(&m, id);
	add16(&m, flags);
	add16(&m, 1);
	add16(&m, answers);
	add16(&m, authorities);
	add16(&m, 0);
	add_dns_name(&m, name);
	add16(&m, type);
	add16(&m, DNS_IN);
	return m;
}

/* The start of authority that says how long "no" may be remembered. */
static void
add_soa(message *m)
{
	message		soa = {.length = 0};

	add_dns_name(&soa, "ns.example");
	add_dns_name(&soa, "hostmaster.example");
	add32(&soa, 2026010501);
	add32(&soa, 7200);
	add32(&soa, 3600);
	add32(&soa, 1209600);
	add32(&soa, 300);
	add_dns_record(m, DNS_SOA, 300, soa.bytes, soa.length);
}

/* A and AAAA of a site asked from one socket; returns when both are answered. */
int64_t
dns_lookup(sim *s, actor *a, int64_t at, host *client, host *server, const host *site, bool exists)
{
	static const unsigned types[2] = {DNS_A, DNS_AAAA};
	route		way = {client, server, false, (uint16_t) rng_range(&a->rng, 1024, 32767), 53};
	int64_t		done = at;

	for (int i = 0; i < 2; i++)
	{
		bool		v6 = types[i] == DNS_AAAA;
		bool		found = exists && (!v6 || site->has_v6);
		uint16_t	id = (uint16_t) rng_next(&a->rng);
		message		query = dns_message(id, 0x0100, 0, 0, site->name, types[i]);
		message		answer = dns_message(id, exists ? 0x8180 : 0x8183, found, !found, site->name,
										 types[i]);
		datagram	reply = {answer.bytes, 0};
		int64_t		answered;

		if (!found)
			add_soa(&answer);
		else
			add_dns_record(&answer, types[i], 300, v6 ? site->v6 : site->v4, v6 ? 16 : 4);
		reply.length = answer.length;
		answered = udp_exchange(s, a, at + i * 40, &way,
								(datagram) {query.bytes, query.length}, &reply);
		done = answered > done ? answered : done;
	}
	return done;
}

/* ---- PostgreSQL ------------------------------------------------------------ */

#define PROTOCOL_3_0 196608u
#define ASK_FOR_MD5 5u

static void
send_message(tcp *t, enum side from, const message *m)
{
	tcp_send(t, from, m->bytes, m->length);
}

static void
add_terminated(message *m, const char *text)
{
	add_bytes(m, text, strlen(text) + 1);
}

/* A type, and the length of what follows, itself included. */
static void
begin_message(message *m, char type, size_t length)
{
	m->length = 0;
	add8(m, (unsigned) type);
	add32(m, (uint32_t) (4 + length));
}

/*
 * Start-up, a salt, a password's digest and the refusal: PostgreSQL's manual,
 * "Message Formats".
 */
void
postgres_refused(tcp *t, const char *user)
{
	message		m = {.length = 0};
	char		reason[80];
	int			length = snprintf(reason, sizeof(reason), "Mpassword authentication failed for user \"%s\"", user);

	add32(&m, (uint32_t) (8 + sizeof("user") + strlen(user) + 1 + 1));
	add32(&m, PROTOCOL_3_0);
	add_terminated(&m, "user");
	add_terminated(&m, user);
	add8(&m, 0);
	send_message(t, CLIENT, &m);

	begin_message(&m, 'R', 8);
	add32(&m, ASK_FOR_MD5);
	add_random(&m, t->rng, 4);
	send_message(t, SERVER, &m);

	begin_message(&m, 'p', 36);
	add_bytes(&m, "md5", 3);
	for (int i = 0; i < 32; i++)
		add8(&m, (unsigned) "0123456789abcdef"[rng_range(t->rng, 0, 15)]);
	add8(&m, 0);
	send_message(t, CLIENT, &m);

	begin_message(&m, 'E', sizeof("SFATAL") + sizeof("VFATAL") + sizeof("C28P01") + (size_t) length + 1 + 1);
	add_terminated(&m, "SFATAL");
	add_terminated(&m, "VFATAL");
	add_terminated(&m, "C28P01");
	add_terminated(&m, reason);
	add8(&m, 0);
	send_message(t, SERVER, &m);
}

/* ---- NTP ------------------------------------------------------------------- */

#define NTP_EPOCH UINT64_C(2208988800)	/* 1900 to 1970, seconds */

static void
put_ntp_time(uint8_t *p, int64_t at)
{
	put32(p, (uint32_t) ((uint64_t) (at / SEC) + NTP_EPOCH));
	put32(p + 4, (uint32_t) (((uint64_t) (at % SEC) << 32) / (uint64_t) SEC));
}

int64_t
ntp_poll(sim *s, actor *a, int64_t at, host *client, host *server)
{
	route		way = {client, server, false, 123, 123};
	uint8_t		query[48] = {0x23, 0, 10, 0xe9};	/* version 4, client */
	uint8_t		answer[48] = {0x24, 2, 10, 0xe9};	/* server, stratum 2 */
	int64_t		served = at + server->turnaround / 2;

	put_ntp_time(query + 40, at);
	put32(answer + 4, 0x00000120);	/* root delay and dispersion */
	put32(answer + 8, 0x00000080);
	memcpy(answer + 12, server->v4, 4);
	put_ntp_time(answer + 16, served - 37 * SEC);
	memcpy(answer + 24, query + 40, 8);
	put_ntp_time(answer + 32, served);
	put_ntp_time(answer + 40, served + 30);
	return udp_exchange(s, a, at, &way, (datagram) {query, sizeof(query)},
						&(datagram) {answer, sizeof(answer)});
}
