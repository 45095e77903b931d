/*
 * meter.c - frames in, rows out (see meter.h).
 */
#include "meter.h"

#include <string.h>

#define LAST_TIME (INT64_C(253402300800) * 1000000)	/* the year 10000 */

/* The table's flow_emit. */
static void
add_row(void *arg, flow_row *row)
{
	meter	   *m = arg;

	m->sum.flows++;
	m->sum.evicted += m->table && row->end_reason == FLOW_END_LACK;
	if (m->window)
		window_add(m->window, row);
	if (m->emit)
		m->emit(m->arg, row);
}

void
meter_open(meter *m, const flow_options *options, bool tunnels, flow_emit emit, void *arg)
{
	memset(m, 0, sizeof(*m));
	m->sum.drops = m->sum.interface_drops = -1;
	m->table = flow_table_new(options, add_row, m);
	m->window = window_new(options->max_flows, options->hash_key);
	m->tunnels = tunnels;
	m->emit = emit;
	m->arg = arg;
}

void
meter_open_rows(meter *m, const flow_options *options, bool windows, flow_emit emit, void *arg)
{
	memset(m, 0, sizeof(*m));
	m->window = windows ? window_new(options->max_flows, options->hash_key) : NULL;
	m->sum.drops = -1;
	m->emit = emit;
	m->arg = arg;
}

void
meter_close(meter *m)
{
	if (m->table)
		flow_table_free(m->table);
	if (m->window)
		window_free(m->window);
}

void
meter_row(meter *m, flow_row *row)
{
	int64_t		packets = (int64_t) row->packets[SRC] + row->packets[DST];
	int64_t		last = row->start_time + row->duration;

	if (m->sum.flows == 0 || row->start_time < m->sum.first_packet)
		m->sum.first_packet = row->start_time;
	if (m->sum.flows == 0 || last > m->sum.last_packet)
		m->sum.last_packet = last;
	m->sum.packets += packets;
	m->sum.ip_packets += packets;
	add_row(m, row);
}

void
meter_frame(meter *m, const frame *f)
{
	packet		p;

	m->sum.packets++;
	if (!decode_knows_link(f->link))
	{
		m->unread++;
		m->unread_link = f->link;
		return;
	}
	if (f->time < 0 || f->time >= LAST_TIME || !decode_frame(f, m->tunnels, &p))
		return;
	if (m->sum.ip_packets == 0 || p.time < m->sum.first_packet)
		m->sum.first_packet = p.time;
	if (m->sum.ip_packets == 0 || p.time > m->sum.last_packet)
		m->sum.last_packet = p.time;
	m->sum.ip_packets++;
	flow_add(m->table, &p);
}
