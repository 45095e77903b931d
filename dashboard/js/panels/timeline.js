// Traffic above, detections stacked by band below, over one time axis.
// Dragging across the chart, or by touch the slider's handles, sets the range.

import { BANDS } from '../bands.js';
import { get, scope } from '../api.js';
import { bytes, compact, count, moment, span } from '../format.js';
import { once } from '../once.js';
import { stateLink } from '../table.js';
import { bandLines, base, label, leftEdge, timeAxis, tip, tooltip, valueAxis } from './common.js';

const METRICS = {
	flows: { label: 'Flows', short: compact },
	packets: { label: 'Packets', short: compact },
	bytes: { label: 'Bytes', short: bytes },
};

export function loadTimeline({ range, state }, signal) {
	const args = { ...scope(range, state), buckets: range.buckets };
	return once(`timeline ${Object.values(args).join()}`, (ask) => get('rpc/timeline', args, ask), signal);
}

export const timeline = {
	title: 'Traffic and detections',
	note: 'Drag across to zoom in',
	emptyText: 'No traffic and no detections in this range.',
	isEmpty: (rows) => rows.every((row) => !Number(row.flows) && !BANDS.some((b) => Number(row[b.name]))),

	load: loadTimeline,

	option(rows, ctx) {
		const times = rows.map((row) => Date.parse(row.t));
		const metric = METRICS[ctx.state.metric ?? 'flows'];
		const left = leftEdge(ctx);
		const name = (text, gridIndex, extra) => valueAxis(ctx, extra.format, {
			gridIndex, name: ctx.narrow ? '' : text, nameLocation: 'middle', nameGap: left - 24, minInterval: 1,
			nameTextStyle: { ...label(ctx), align: 'center' }, splitNumber: extra.splits,
		});
		return {
			...base(ctx),
			grid: [{ left, right: 12, top: 12, height: ctx.touch ? '40%' : '50%' }, { left, right: 12, bottom: ctx.touch ? 64 : 28, height: '24%' }],
			xAxis: [
				timeAxis(times, ctx, { gridIndex: 0, axisLabel: { show: false }, axisTick: { show: false } }),
				timeAxis(times, ctx, { gridIndex: 1 }),
			],
			yAxis: [
				name(metric.label, 0, { format: metric.short, splits: 3 }),
				name('Detections', 1, { format: compact, splits: 2 }),
			],
			axisPointer: { link: [{ xAxisIndex: 'all' }], lineStyle: { color: ctx.palette.muted } },
			tooltip: tooltip(ctx, (params) => describe(rows[params[0].dataIndex], ctx),
				{ trigger: 'axis', axisPointer: { type: 'line', label: { show: false } } }),
			dataZoom: ctx.touch ? slider(left, ctx) : undefined,
			toolbox: { show: false },
			brush: {
				xAxisIndex: 'all', toolbox: [], throttleType: 'debounce', transformable: false,
				brushStyle: { color: ctx.palette['accent-soft'], borderColor: ctx.palette.accent, borderWidth: 1 },
				outOfBrush: { colorAlpha: 1 },
			},
			series: [traffic(rows, ctx), ...BANDS.map((band) => stack(rows, band, ctx))],
		};
	},

	tools: (ctx) => Object.entries(METRICS).map(([name, { label: text }]) => {
		const current = name === (ctx.state.metric ?? 'flows');
		return stateLink({ metric: name === 'flows' ? null : name }, ctx,
			{ class: 'choice', 'aria-current': current ? 'true' : null }, text);
	}),

	summary(rows) {
		const sum = (name) => rows.reduce((total, row) => total + Number(row[name]), 0);
		const bands = BANDS.map((band) => `${count(sum(band.name))} ${band.name}`).join(', ');
		return `Traffic and detections over time: ${count(sum('flows'))} flows; detections: ${bands}.`;
	},

	table: (rows, ctx) => ({
		caption: 'Traffic and detections over time',
		columns: [{ label: 'From' }, ...['Flows', 'Packets', 'Bytes', ...BANDS.map((b) => b.label)]
			.map((text) => ({ label: text, numeric: true }))],
		rows: rows.map((row) => [
			{ text: moment(Date.parse(row.t), ctx.zone), patch: bucket(row, ctx) },
			...['flows', 'packets', 'bytes', ...BANDS.map((b) => b.name)].map((name) => count(row[name]))]),
	}),

	brush(first, last, rows, ctx) {
		const clamp = (i) => Math.min(Math.max(i, 0), rows.length - 1);
		return { range: null, t0: Date.parse(rows[clamp(first)].t), t1: Date.parse(rows[clamp(last)].t) + ctx.range.step };
	},
};

function bucket(row, ctx) {
	const t0 = Date.parse(row.t);
	return { range: null, t0, t1: t0 + ctx.range.step };
}

function traffic(rows, ctx) {
	return {
		name: 'traffic', type: 'line', step: 'middle', symbol: 'none', sampling: 'none',
		data: rows.map((row) => Number(row[ctx.state.metric ?? 'flows'])),
		lineStyle: { color: ctx.palette.accent, width: 1.5 },
		areaStyle: { color: ctx.palette['accent-soft'] },
		itemStyle: { color: ctx.palette.accent },
	};
}

// Empty buckets hold null, so that the least height shows only real detections.
function stack(rows, band, ctx) {
	return {
		name: band.name, type: 'bar', stack: 'detections', xAxisIndex: 1, yAxisIndex: 1,
		barCategoryGap: '10%', barMinHeight: 2, itemStyle: { color: ctx.palette[band.name] },
		data: rows.map((row) => Number(row[band.name]) || null),
	};
}

function slider(left, ctx) {
	return [{
		type: 'slider', xAxisIndex: [0, 1], left, right: 12, bottom: 8, height: 24, brushSelect: false, showDetail: false,
		borderColor: ctx.palette.line, fillerColor: ctx.palette['accent-soft'], handleSize: '120%',
		handleStyle: { color: ctx.palette.panel, borderColor: ctx.palette.accent },
		moveHandleStyle: { color: ctx.palette.accent }, dataBackground: { lineStyle: { opacity: 0 }, areaStyle: { opacity: 0 } },
		selectedDataBackground: { lineStyle: { opacity: 0 }, areaStyle: { opacity: 0 } },
	}];
}

export function describe(row, ctx, more = []) {
	const t0 = Date.parse(row.t);
	return tip(span(t0, t0 + ctx.range.step, ctx.zone), [
		['Flows', count(row.flows)], ['Packets', count(row.packets)], ['Traffic', bytes(row.bytes)], ...more, ...bandLines(row)]);
}
