/*
 * window.h - what a flow looks like beside those that ended shortly before.
 *
 * KDD-99's traffic features, and three per source.  For each flow the flows of
 * the same input up to and including itself are looked at, in the order of
 * their ended_at:
 *
 *   host      those to its dst_addr
 *   service   those to its service: protocol and dst_port, of ICMP the type
 *
 *   count, srv_count            host, service; ended at most 2 s before it
 *   serror_rate, rerror_rate    shares of count with a SYN error, with a reset;
 *   srv_serror_rate, ...        the same of srv_count
 *   same_srv_rate               share of count to its service
 *   diff_srv_rate               services in count, by count; 0 if only its own
 *   srv_diff_host_rate          hosts in srv_count, by srv_count; 0 if only its own
 *   dst_host_count              host, the last 100, however long ago
 *   dst_host_srv_count          service, the last 100
 *   dst_host_*                  as above, of these
 *   dst_host_same_src_port_rate share of dst_host_count from its src_port
 *   src_distinct_dsts           hosts that its source went to in the last 60 s
 *   src_distinct_ports          services likewise
 *   src_failed                  how many of those flows failed
 *
 * SYN error: TCP in state S0, S1, S2, S3 or SH.  Reset: REJ, RSTO, RSTR, RSTOS0
 * or RSTRH.  A slice of a flow that went on is neither.  Failed: as in the view
 * flow_feature.  So it is in the data of KDD-99, where for example two
 * connections to two services have a diff_srv_rate of 1, not of 0.5.
 *
 * Lee & Stolfo, "A Framework for Constructing Features and Models for
 * Intrusion Detection Systems", ACM TISSEC 3(4), 2000, section 4.
 *
 * Memory is bounded: at most "most" flows are in the windows of 2 and 60
 * seconds, and the last 100 are remembered for the 65536 hosts and services
 * heard of last (party.h); beyond that the past is forgotten early.
 */
#ifndef WINDOW_H
#define WINDOW_H

#include "flow.h"

typedef struct window window;

window	   *window_new(uint32_t most, const uint64_t hash_key[2]);
void		window_free(window *);

/* Takes the next row and fills in its features. */
void		window_add(window *, flow_row *);

#endif
