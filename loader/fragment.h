/*
 * fragment.h - puts fragments into the flow of their datagram.
 *
 * Only the first fragment of a datagram carries ports.  A table keyed by the
 * datagram (source, destination, protocol, identification) remembers them, and
 * which bytes of the datagram were seen, so that overlaps show.  A later
 * fragment that comes before the first one waits for it.
 *
 * Both are bounded: a newer datagram takes the place of an older one in its
 * slot, the oldest that waits makes room, and all is forgotten after the
 * reassembly time of RFC 791.  What waited in vain belongs to the flow without
 * ports.
 */
#ifndef FRAGMENT_H
#define FRAGMENT_H

#include "decode.h"

typedef struct fragment_table fragment_table;

/* Takes the fragments whose flow is known, or will never be. */
typedef void (*fragment_ready) (void *arg, packet *);

fragment_table *fragment_table_new(const uint64_t hash_key[2], fragment_ready, void *arg);
void		fragment_table_free(fragment_table *);

/*
 * Hands over the fragment and those that waited for it, or lets it wait.  Each
 * comes with its protocol and ports, and marked if it is bad: it overlaps
 * another, is too long or too short, or hides the transport header (RFC 1858).
 */
void		fragment_add(fragment_table *, packet *);

/* Hands over what has waited too long at this time. */
void		fragment_expire(fragment_table *, int64_t now);

/* Hands over all that waits, and forgets everything. */
void		fragment_flush(fragment_table *);

#endif
