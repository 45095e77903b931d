/*
 * fragment.h - gives later fragments the ports of their first one.
 *
 * Only the first fragment of a datagram carries ports.  A small table keyed by
 * the datagram (source, destination, protocol, identification) remembers them,
 * and which bytes of the datagram were seen, so that overlaps show.  It is
 * bounded: a newer datagram takes the place of an older one in its slot, and
 * an entry is forgotten after the reassembly time of RFC 791.  A fragment whose
 * first one is not known belongs to the flow without ports.
 */
#ifndef FRAGMENT_H
#define FRAGMENT_H

#include "decode.h"

typedef struct fragment_table fragment_table;

fragment_table *fragment_table_new(const uint64_t hash_key[2]);
void		fragment_table_free(fragment_table *);

/*
 * Completes a fragment's protocol and ports.  Returns whether the fragment is
 * bad: it overlaps another, is too long or too short, or hides the transport
 * header (RFC 1858).
 */
bool		fragment_resolve(fragment_table *, packet *);

#endif
