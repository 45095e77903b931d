// The flows inside the box on the scatter.

import { bandOf } from '../bands.js';
import { save, toCsv } from '../csv.js';
import { h } from '../dom.js';
import { count, endpoint, moment } from '../format.js';
import { FEATURES, axes, loadSample, nameOf, sampleKey, within } from '../sample.js';
import { recordTable, stateLink } from '../table.js';
import { bandCell } from './common.js';

const MOST = 200;
const COLUMNS = ['start_time', 'src_addr', 'src_port', 'dst_addr', 'dst_port', 'protocol', 'service', 'detection_id', 'alert_id', 'severity',
	...FEATURES.map((feature) => feature.name)];

const selected = (rows, ctx) => within(rows, ctx.state).sort((a, b) => (b.severity ?? -1) - (a.severity ?? -1));

export const selection = {
	title: 'Flows in the box',
	note: 'Of the sample, the most severe first',
	emptyText: 'No flows in this range.',
	isEmpty: (rows) => rows.length === 0,
	key: sampleKey,
	load: loadSample,

	tools(ctx, rows) {
		if (!ctx.state.box) return [];
		const inside = selected(rows, ctx);
		return [
			h('span', { class: 'hint', role: 'status' }, `${count(inside.length)} flows${inside.length > MOST ? `, ${MOST} shown` : ''}`),
			stateLink({ box: null }, ctx, { class: 'button' }, 'Clear the box'),
			h('button', { type: 'button', id: 'selection-csv', on: { click: () => save('flows-in-the-box.csv', toCsv(COLUMNS, inside)) } }, 'CSV'),
		];
	},

	render(rows, ctx) {
		if (!ctx.state.box) return h('p', { class: 'nothing' }, 'Drag a box around points of the first chart to list their flows.');
		const features = axes(ctx.state);
		return [
			h('div', { class: 'scroll findings', tabindex: '0', role: 'region', 'aria-label': 'List of flows in the box' },
				recordTable('Flows in the box', head(features), selected(rows, ctx).slice(0, MOST).map((row) => record(row, features, ctx)))),
		];
	},
};

const head = (features) => [{ label: 'Severity', kind: 'severity' }, { label: 'Time', kind: 'time' }, { label: 'From' }, { label: 'To' }, { label: 'Service' },
	...features.map((feature) => ({ label: feature.label, kind: 'numeric' })), { label: 'Alert', kind: 'numeric' }];

function record(row, features, ctx) {
	const alert = row.alert_id === null ? null : String(row.alert_id);
	return {
		props: { 'data-flow': nameOf(row) },
		cells: [
			row.severity === null ? '–' : bandCell(bandOf(row.severity), row.severity), moment(Date.parse(row.start_time), ctx.zone, true),
			stateLink({ page: 'host', host: row.src_addr }, ctx, {}, endpoint(row.src_addr, row.src_port, row.protocol)),
			endpoint(row.dst_addr, row.dst_port, row.protocol), row.service,
			...features.map((feature) => (row[feature.name] === null ? '–' : feature.show(Number(row[feature.name])))),
			alert ? stateLink({ alert }, ctx, {}, alert) : '–',
		],
	};
}
