// Single flows, of one host or of all, newest first, and all of them as CSV.

import { get, scope } from '../api.js';
import { everyPage, save, toCsv } from '../csv.js';
import { h } from '../dom.js';
import { bytes, count, duration, endpoint, moment, protocol } from '../format.js';
import { recordTable, stateLink } from '../table.js';
import { toast } from '../toast.js';

const EXPORT_PAGE = 1000;
const COLUMNS = ['start_time', 'duration_s', 'src_addr', 'src_port', 'dst_addr', 'dst_port', 'protocol', 'service', 'conn_state',
	'src_bytes', 'dst_bytes', 'src_packets', 'dst_packets', 'failed'];

// A page after a row.  One more than asked for tells whether others follow.
function ask({ path, which }, { range, state }, size, from, signal) {
	const { t0, t1 } = scope(range, {});
	return get(path, {
		...which(state), t0, t1, size, after_time: from?.start_time, after_row: from?.row_id, select: [...COLUMNS, 'row_id'].join(),
	}, signal);
}

// source: path and which(state), the arguments beside the range; file(state), the name of the CSV
function list(title, note, emptyText, source) {
	return {
		title,
		note,
		emptyText,
		isEmpty: (rows) => rows.length === 0,
		key: ({ range, state }) => [range.t0, range.t1, ...Object.values(source.which(state))].join('|'),
		pageSize: 50,

		async page(query, signal, { size, from }) {
			const rows = await ask(source, query, Math.min(size + 1, EXPORT_PAGE), from, signal);
			return { rows: rows.slice(0, size), more: rows.length > size };
		},

		tools: (ctx) => [h('button', { type: 'button', id: 'flows-csv', on: { click: (event) => exportAll(source, event.currentTarget, ctx) } }, 'All of them as CSV')],

		render: (rows, ctx) =>
			h('div', { class: 'scroll findings', tabindex: '0', role: 'region', 'aria-label': 'List of flows' },
				recordTable('Flows, newest first', HEAD, rows.map((row) => record(row, ctx)))),
	};
}

export const flows = list('Flows', 'From and to this host, newest first', 'No flows of this host in this range.', {
	path: 'rpc/host_flows', which: ({ host }) => ({ host }), file: ({ host }) => `flows-${host.replaceAll(':', '_')}` });

// also those to one port, where a click on a service leads
export const allFlows = list('Flows of all hosts', 'In this range, newest first', 'No such flows in this range.', {
	path: 'rpc/period_flows', which: ({ port }) => ({ port }), file: ({ port }) => (port ? `flows-port-${port}` : 'flows') });

const HEAD = [
	{ label: 'Time', kind: 'time' }, { label: 'From' }, { label: 'To' }, { label: 'Protocol', kind: 'more' }, { label: 'Service', kind: 'more' },
	{ label: 'State' }, { label: 'Lasted', kind: 'numeric more' }, { label: 'Sent', kind: 'numeric' }, { label: 'Answered', kind: 'numeric' },
	{ label: 'Packets', kind: 'numeric more' },
];

function record(row, ctx) {
	const side = (address, port) => {
		const text = endpoint(address, port, row.protocol);
		return address === ctx.state.host ? text : stateLink({ page: 'host', host: address }, ctx, { title: `Look at ${address}` }, text);
	};
	return {
		props: { 'data-flow': `${row.start_time} ${row.row_id}` },
		cells: [
			moment(Date.parse(row.start_time), ctx.zone, true), side(row.src_addr, row.src_port), side(row.dst_addr, row.dst_port),
			protocol(row.protocol), row.service, row.failed ? `${row.conn_state}, failed` : row.conn_state,
			duration(row.duration_s * 1000), bytes(row.src_bytes), bytes(row.dst_bytes), count(Number(row.src_packets) + Number(row.dst_packets)),
		],
	};
}

async function exportAll(source, button, ctx) {
	button.disabled = true;
	const word = button.textContent;
	try {
		const { rows, cut } = await everyPage((from) => ask(source, ctx, EXPORT_PAGE, from), EXPORT_PAGE,
			(n) => { button.textContent = `${count(n)} flows …`; });
		save(`${source.file(ctx.state)}.csv`, toCsv(COLUMNS, rows));
		toast(`${count(rows.length)} flows saved${cut ? ': the newest; narrow the range for the others' : ''}.`);
	} catch (error) {
		toast(`Not saved: ${error.message}`);
	} finally {
		button.disabled = false;
		button.textContent = word;
	}
}
