// The sample of flows that the Explore page looks at, and its features.

import { get, scope } from './api.js';
import { featureWord } from './features.js';
import { bytes, compact } from './format.js';
import { once } from './once.js';

const ratio = (value) => (value < 10 ? String(Number(value.toPrecision(2))) : compact(Math.round(value)));
const seconds = (value) => `${ratio(value)} s`;

// log: seen as log10(1 + value): sizes and rates have long tails
export const FEATURES = [
	{ name: 'src_payload', log: true, show: bytes },
	{ name: 'dst_payload', log: true, show: bytes },
	{ name: 'payload_ratio', log: true, show: ratio },
	{ name: 'duration_s', log: true, show: seconds },
	{ name: 'bytes', log: true, show: bytes },
	{ name: 'packets', log: true, show: compact },
	{ name: 'bytes_per_packet', show: ratio },
	{ name: 'bytes_per_s', log: true, show: (v) => `${bytes(v)}/s` },
	{ name: 'packets_per_s', log: true, show: ratio },
	{ name: 'retransmission_rate', show: ratio },
	{ name: 'src_distinct_dsts', log: true, show: ratio },
	{ name: 'src_distinct_ports', log: true, show: ratio },
	{ name: 'src_failed', log: true, show: ratio },
].map((feature) => ({ ...feature, label: featureWord(feature.name) }));
export const featureNamed = (name) => FEATURES.find((feature) => feature.name === name);
export const axes = (state) => [featureNamed(state.x) ?? FEATURES[0], featureNamed(state.y) ?? FEATURES[1]];

// A value on its axis, and back; null where a flow has none.
export const place = ({ name, log }, row) => (row[name] === null ? null : log ? Math.log10(1 + Number(row[name])) : Number(row[name]));
// Where 0, 10, 100, … stand on an axis with a long tail.
export const decades = (n) => [0, ...Array.from({ length: n }, (_, i) => Math.log10(1 + 10 ** (i + 1)))];
export const valueAt = ({ log }, at) => (log ? Math.max(10 ** at - 1, 0) : at);

export const sampleKey = ({ range, state }) => [range.t0, range.t1, state.host, state.threat].join('|');
export const loadSample = (query, signal) =>
	once(`scatter ${sampleKey(query)}`, (ask) => get('rpc/scatter', scope(query.range, query.state), ask), signal);

// A box on the scatter, as in the address: x from, x to, y from, y to.
export function boxOf(state) {
	return state.box ? state.box.split(',').map(Number) : null;
}

export function within(rows, state) {
	const box = boxOf(state);
	if (!box) return [];
	const [x, y] = axes(state);
	const inside = (at, lo, hi) => at !== null && at >= lo && at <= hi;
	return rows.filter((row) => inside(place(x, row), box[0], box[1]) && inside(place(y, row), box[2], box[3]));
}

export const nameOf = (row) => `${row.start_time} ${row.row_id}`;
