// How the scores of all flows are spread, and where the threshold cuts.  The
// count axis is logarithmic: anomalies are few by nature.

import { get, scope } from '../api.js';
import { compact, count } from '../format.js';
import { ThresholdControl } from '../threshold.js';
import { base, label, tip, tooltip, valueAxis } from './common.js';

const BINS = 50;
const LEFT = 44;	// the slider below ends where the axis does: see css/panel.css
const RIGHT = 16;
const REACH = 8;	// px from the line that still take hold of it
const LINE = 14;	// of text
const FLOOR = -1;	// log10 of the axis' foot, so that a single flow has a height

export const scores = {
	title: 'Score distribution',
	note: 'All flows of these hours',
	emptyText: 'No flow has been scored in this range.',
	isEmpty: (rows) => rows.every((row) => !Number(row.flows)),

	load: ({ range, state }, signal) =>
		get('rpc/score_histogram', { ...scope(range, state), bins: BINS }, signal),

	option(rows, ctx) {
		const filled = rows.filter((row) => Number(row.flows));
		const thresholds = guards(ctx);
		const top = Math.ceil(Math.log10(Math.max(...filled.map((row) => Number(row.flows)), 10)));
		const [min, max] = extent(rows, ctx);
		return {
			...base(ctx),
			grid: { left: LEFT, right: RIGHT, top: LINE * (1 + Math.max(thresholds.length, 1)), bottom: 44 },
			xAxis: valueAxis(ctx, (v) => v.toFixed(2), {
				min, max, splitNumber: 5, splitLine: { show: false },
				axisLine: { show: true, lineStyle: { color: ctx.palette.line } }, name: 'Score',
				nameLocation: 'middle', nameGap: 28, nameTextStyle: label(ctx),
				axisLabel: { ...label(ctx), formatter: (v) => v.toFixed(2), showMinLabel: false, showMaxLabel: false },
			}),
			yAxis: valueAxis(ctx, (v) => (v >= 0 ? compact(10 ** v) : ''), { min: FLOOR, max: top, interval: 1 }),
			tooltip: tooltip(ctx, ({ dataIndex }) => describe(filled[dataIndex])),
			series: [
				bars('flows', filled, (row) => Number(row.flows), ctx.palette.normal),
				{ ...bars('anomalous', filled, (row) => Number(row.anomalous), ctx.palette.major),
					markLine: thresholdLine(thresholds, [min, max], ctx) },
				{ name: 'tried', type: 'line', data: [] },
			],
		};
	},

	control: (chart) => {
		const control = new ThresholdControl(extent, (score) => chart.chart.setOption({ series: [{ name: 'tried', markLine: tried(score, control.ctx) }] }));
		dragLine(chart, control);
		return control;
	},

	summary(rows) {
		const sum = (name) => rows.reduce((total, row) => total + Number(row[name]), 0);
		return `Distribution of scores: ${count(sum('flows'))} flows scored, ${count(sum('anomalous'))} anomalous.`;
	},

	table: (rows) => ({
		caption: 'Scores of all flows',
		columns: [{ label: 'Score from' }, { label: 'to' }, { label: 'Flows', numeric: true }, { label: 'Anomalous', numeric: true }],
		rows: rows.filter((row) => Number(row.flows))
			.map((row) => [row.lo.toFixed(3), row.hi.toFixed(3), count(row.flows), count(row.anomalous)]),
	}),
};

const guards = ({ watches }) => watches.filter((watch) => watch.enabled && watch.threshold !== null);

// from the lowest to the highest score or threshold
function extent(rows, ctx) {
	const edges = [...rows.filter((row) => Number(row.flows)).flatMap((row) => [row.lo, row.hi]), ...guards(ctx).map((w) => w.threshold)];
	return [Math.min(...edges), Math.max(...edges)];
}

// the threshold under the hand
const tried = (score, ctx) => ({
	silent: true, symbol: 'none', lineStyle: { color: ctx.palette.accent, type: 'solid', width: 2 },
	label: { show: false }, data: score === null ? [] : [{ xAxis: score }],
});

// The line is moved as the slider below it is.
function dragLine({ chart }, control) {
	const scale = { xAxisIndex: 0 };
	const near = ({ offsetX: x, offsetY: y }) => !control.element.hidden && chart.containPixel({ gridIndex: 0 }, [x, y])
		&& Math.abs(x - chart.convertToPixel(scale, control.at())) <= REACH;
	let held = false;
	const canvas = chart.getZr();
	canvas.on('mousedown', (event) => { held = near(event); });
	canvas.on('mouseup', () => { held = false; });
	canvas.on('mousemove', (event) => {
		if (held) control.to(chart.convertFromPixel(scale, event.offsetX));
		if (held || near(event)) canvas.setCursorStyle('ew-resize');
	});
}

function bars(name, rows, value, colour) {
	return {
		name, type: 'custom', itemStyle: { color: colour },
		data: rows.map((row) => [row.lo, row.hi, value(row) ? Math.log10(value(row)) : null, value(row)]),
		encode: { x: [0, 1], y: 2 },
		renderItem: (_, api) => bar(api, colour),
	};
}

function bar(api, colour) {
	if (!(api.value(3) > 0)) return null;
	const [x0, y0] = api.coord([api.value(0), FLOOR]);
	const [x1, y1] = api.coord([api.value(1), api.value(2)]);
	return { type: 'rect', shape: { x: x0 + 0.5, y: y1, width: Math.max(x1 - x0 - 1, 1), height: y0 - y1 }, style: { fill: colour } };
}

// several are named, one above the other; near an edge the text turns inwards
function thresholdLine(watches, [min, max], ctx) {
	const place = (score) => (score - min) / (max - min || 1);
	const align = (share) => (share > 0.75 ? 'right' : share < 0.25 ? 'left' : 'center');
	return {
		silent: true, symbol: 'none',
		lineStyle: { color: ctx.palette.text, type: 'dashed', width: 1 },
		label: { ...label(ctx), color: ctx.palette.text },
		data: watches.map((watch, i) => ({ xAxis: watch.threshold, label: {
			formatter: `${watches.length > 1 ? watch.model : 'threshold'} ${watch.threshold.toFixed(3)}`, distance: 4 + LINE * i, align: align(place(watch.threshold)) } })),
	};
}

function describe(row) {
	return tip(`Score ${row.lo.toFixed(3)} – ${row.hi.toFixed(3)}`, [
		['Flows', count(row.flows)], ['Anomalous', count(row.anomalous)]]);
}
