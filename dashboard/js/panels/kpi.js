// The tiles: six numbers of the range, each against the same length of time
// before it, the measured ones with their course.  A click leads to what a tile
// counts: another page, a panel below, or the traffic in its unit.

import { BANDS } from '../bands.js';
import { get, scope } from '../api.js';
import { h, svg } from '../dom.js';
import { bytes, change, compact, count, duration } from '../format.js';
import { stateLink } from '../table.js';
import { loadTimeline } from './timeline.js';

const TILES = [
	{ name: 'alerts', label: 'Alerts', show: compact, exact: count, patch: { page: 'alerts', show: 'all' } },
	{ name: 'sources', label: 'Sources detected', show: compact, exact: count, panel: 'heatmap' },
	{ name: 'detections', label: 'Detections', show: compact, exact: count, panel: 'detections',
		course: (row) => BANDS.reduce((sum, band) => sum + Number(row[band.name]), 0) },
	{ name: 'flows', label: 'Flows', show: compact, exact: count, patch: { metric: null }, course: (row) => Number(row.flows) },
	{ name: 'packets', label: 'Packets', show: compact, exact: count, patch: { metric: 'packets' }, course: (row) => Number(row.packets) },
	{ name: 'bytes', label: 'Traffic', show: bytes, exact: (v) => `${count(v)} bytes`, patch: { metric: 'bytes' }, course: (row) => Number(row.bytes) },
];
const ARROWS = { up: '↑', down: '↓', same: '' };

export const kpi = {
	title: 'Key figures',
	isEmpty: () => false,

	async load({ range, state }, signal) {
		const [figures, course] = await Promise.all([
			get('rpc/kpi', scope(range, state), signal),
			loadTimeline({ range, state }, signal),
		]);
		return { figures: Object.fromEntries(figures.map((row) => [row.name, row])), course, step: range.buckets / range.cells };
	},

	render(rows, ctx) {
		return TILES.map((tile) => drawTile(tile, rows.figures[tile.name], rows, ctx));
	},
};

function drawTile(tile, figure, { course, step }, ctx) {
	const before = duration(ctx.range.t1 - ctx.range.t0);
	const delta = change(figure.value, figure.previous);
	return h('div', { class: 'tile', 'data-kpi': tile.name },
		h('h3', {}, leads(tile, ctx)),
		h('p', { class: 'tile-value', title: tile.exact(figure.value) }, tile.show(figure.value)),
		h('p', { class: 'tile-change', title: `the ${before} before: ${tile.exact(figure.previous)}` },
			delta && [`${ARROWS[delta.direction]} ${delta.text}`, h('span', { class: 'sr-only' }, ` against the ${before} before`)]),
		tile.course ? sparkline(inCells(course.map(tile.course), step)) : null);
}

// The timeline's buckets summed to columns of the heatmap, of which there are few.
export function inCells(values, step) {
	const cells = [];
	values.forEach((value, i) => { cells[Math.floor(i / step)] = (cells[Math.floor(i / step)] ?? 0) + value; });
	return cells;
}

function leads({ name, label, patch, panel }, ctx) {
	if (patch) {
		const current = patch.metric !== undefined && patch.metric === ctx.state.metric;
		return stateLink(patch, ctx, { class: 'tile-link', 'aria-current': current ? 'true' : null }, label);
	}
	const show = () => {
		const target = document.querySelector(`[data-panel="${panel}"]`);
		target.scrollIntoView({ block: 'start' });
		target.querySelector('button, [tabindex="0"]')?.focus({ preventScroll: true });
	};
	return h('button', { type: 'button', id: `tile-${name}`, class: 'tile-link', on: { click: show } }, label);
}

// A line without axes: the shape only, the numbers are in the panel below.
export function sparkline(values) {
	const top = Math.max(...values, 1);
	const x = (i) => (values.length > 1 ? (100 * i) / (values.length - 1) : 50).toFixed(2);
	const y = (value) => (23 - (22 * value) / top).toFixed(2);
	const line = values.map((value, i) => `${x(i)} ${y(value)}`).join('L');
	return svg('svg', { class: 'spark', viewBox: '0 0 100 24', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
		svg('path', { class: 'spark-area', d: `M0 24L${line}L100 24Z` }),
		svg('path', { class: 'spark-line', d: `M${line}` }));
}
