// The single findings behind the figures: what a heatmap cell counts is what
// is listed here.

import { bandOf } from '../bands.js';
import { get, scope } from '../api.js';
import { h } from '../dom.js';
import { featureWord } from '../features.js';
import { count, endpoint, featureValue, moment, protocol, threat as threatLabel } from '../format.js';
import { page } from '../keyset.js';
import { recordTable, stateLink } from '../table.js';
import { bandCell } from './common.js';

const ORDER = [{ column: 'severity', descending: true }, { column: 'start_time', descending: true }, { column: 'id' }];
const COLUMNS = ['id', 'start_time', 'alert_id', 'flow_count', 'src_addr', 'src_port', 'dst_addr', 'dst_port', 'protocol',
	'threat', 'severity', 'score', 'reasons', 'indicators'];

export const detections = {
	title: 'Detections',
	note: 'Single findings, worst first',
	emptyText: 'No detections in this range.',
	isEmpty: (rows) => rows.length === 0,

	pageSize: 100,
	page: ({ range, state }, signal, { size, from }) =>
		page(get, 'rpc/found', { ...scope(range, state), select: COLUMNS.join() }, { order: ORDER, size, from }, signal),

	render: (rows, ctx) =>
		h('div', { class: 'scroll findings', tabindex: '0', role: 'region', 'aria-label': 'List of detections' },
			recordTable('Detections, worst first', HEAD, rows.map((row) => record(row, ctx)))),
};

const HEAD = [
	{ label: 'Severity', kind: 'severity' }, { label: 'Time', kind: 'time' }, { label: 'From' }, { label: 'To' },
	{ label: 'Protocol', kind: 'more' }, { label: 'Threat' }, { label: 'Flows', kind: 'numeric more' },
	{ label: 'Why', kind: 'why' }, { label: 'Alert', kind: 'numeric' },
];

function record(row, ctx) {
	const alert = row.alert_id === null ? null : String(row.alert_id);
	return {
		props: { 'data-detection': row.id },
		cells: [
			bandCell(bandOf(row.severity), row.severity),
			moment(Date.parse(row.start_time), ctx.zone, true),
			endpoint(row.src_addr, row.src_port, row.protocol),
			endpoint(row.dst_addr, row.dst_port, row.protocol),
			protocol(row.protocol),
			threatLabel(row.threat),
			count(row.flow_count),
			why(row),
			alert ? stateLink({ alert }, ctx, {}, alert) : '–',
		],
	};
}

// the rules that fired, and the value that weighed most
function why(row) {
	const [reason] = row.reasons ?? [];
	const rules = (row.indicators ?? []).map(threatLabel).join(', ');
	if (!reason) return rules || '–';
	const value = `${featureWord(reason.feature)} ${featureValue(reason.value)}, expected ${featureValue(reason.expected)}`;
	return rules ? `${rules}: ${value}` : value;
}
