// Who a host deals with: its sources on the left, its targets on the right.

import { get, scope } from '../api.js';
import { bytes, count, others } from '../format.js';
import { base, label, tip, tooltip } from './common.js';

const NODES = 24;	// more could not be told apart
const ROW = 24;
const GAP = 14;	// labels are as high
const REST = 'others';

const sides = (rows) => [rows.filter((row) => !row.outbound), rows.filter((row) => row.outbound)];
const nameOf = (row) => `${row.outbound ? 'to' : 'from'} ${row.peer ?? REST}`;
const labelOf = (row) => row.peer ?? others(row.peers);

export const peers = {
	title: 'Peers',
	note: 'By flows, in these whole days (UTC); red where most failed; click one to go there',
	emptyText: 'No peers in these days.',
	isEmpty: (rows) => rows.length === 0,
	key: ({ range, state }) => [range.t0, range.t1, state.host].join('|'),

	load: ({ range, state }, signal) => get('rpc/host_peers', { ...scope(range, { host: state.host }), nodes: NODES }, signal),

	size: (rows) => ({ height: Math.max(96, Math.max(...sides(rows).map((side) => side.length)) * ROW + 24) }),

	option(rows, ctx) {
		const host = ctx.state.host;
		const middle = rows.some((row) => !row.outbound) ? 1 : 0;
		const node = (row) => ({
			name: nameOf(row), depth: row.outbound ? middle + 1 : 0, value: Number(row.flows),
			itemStyle: { color: ctx.palette[row.peer ? 'accent' : 'normal'] },
			label: { position: row.outbound ? 'left' : 'right', formatter: labelOf(row) },
		});
		return {
			...base(ctx),
			tooltip: tooltip(ctx, ({ dataType, data }) => (dataType === 'edge' ? describe(rows[data.row]) : null)),
			series: [{
				type: 'sankey', left: 4, right: 4, top: 8, bottom: 8, nodeWidth: 8, nodeGap: GAP, draggable: false, layoutIterations: 0,
				emphasis: { disabled: true },
				label: { ...label(ctx), color: ctx.palette.text, overflow: 'truncate', width: ctx.narrow ? 110 : 260 },
				lineStyle: { color: ctx.palette.accent, opacity: 0.18, curveness: 0.5 },
				data: [{ name: host, depth: middle, itemStyle: { color: ctx.palette.text }, label: { show: false } }, ...rows.map(node)],
				links: rows.map((row, i) => ({
					row: i, value: Number(row.flows), ...(row.outbound ? { source: host, target: nameOf(row) } : { source: nameOf(row), target: host }),
					lineStyle: Number(row.failed) * 2 > Number(row.flows) ? { color: ctx.palette.major, opacity: 0.3 } : {},
				})),
			}],
		};
	},

	summary(rows) {
		const [sources, targets] = sides(rows).map((side) => side.reduce((sum, row) => sum + Number(row.peers), 0));
		return `Peers: ${count(sources)} hosts that came here, ${count(targets)} that it went to.`;
	},

	table: (rows) => ({
		caption: 'Peers',
		columns: [{ label: 'Direction' }, { label: 'Peer' }, ...['Flows', 'Failed', 'Payload'].map((text) => ({ label: text, numeric: true }))],
		rows: rows.map((row) => [row.outbound ? 'to' : 'from', row.peer ? { text: row.peer, patch: { host: row.peer } } : labelOf(row),
			count(row.flows), count(row.failed), bytes(row.bytes)]),
	}),

	click({ dataType, data, name }, rows) {
		const row = dataType === 'edge' ? rows[data.row] : rows.find((r) => nameOf(r) === name);
		return row?.peer ? { host: row.peer } : null;
	},
};

function describe(row) {
	return tip(`${row.outbound ? 'To' : 'From'} ${labelOf(row)}`, [
		['Flows', count(row.flows)], ['Failed', count(row.failed)], ['Payload', bytes(row.bytes)]]);
}
