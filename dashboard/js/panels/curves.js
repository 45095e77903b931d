// The comparison on measured metrics: a radar, and both curves with the point
// that the threshold is at.

import { count, metric } from '../format.js';
import { METRICS, compared, line, loadVersions, title } from '../models.js';
import { base, label, tip, tooltip, valueAxis } from './common.js';

const NOTHING = 'None of these versions was measured: train with a label.';
const shared = { key: ({ state }) => state.version ?? '', load: async (query, signal) => compared(await loadVersions(query, signal), query.state) };

// ---- points: the curve's counts as shares

export function rocPoints({ curve, positives, rows }) {
	return [[0, 0, null], ...curve.map(([score, tp, fp]) => [fp / (rows - positives), tp / positives, score])];
}

// From the first threshold that finds anything: before it precision is 0 at
// recall 0, and no straight line leads on from there (Davis and Goadrich 2006).
export function prPoints({ curve, positives }) {
	return curve.filter(([, tp]) => tp > 0).map(([score, tp, fp]) => [tp / positives, tp / (tp + fp), score]);
}

// where the threshold stands
function operating({ tp, fp, positives, rows }) {
	return { roc: [fp / (rows - positives), tp / positives], pr: tp + fp ? [tp / positives, tp / (tp + fp)] : null };
}

// ---- radar

export const radar = {
	title: 'Comparison',
	note: 'Measured when they were trained',
	emptyText: NOTHING,
	isEmpty: (rows) => rows.length === 0,
	...shared,

	option(rows, ctx) {
		const axes = METRICS.filter(({ name }) => rows.some((row) => row[name] !== null));
		return {
			...base(ctx),
			legend: legend(rows, ctx),
			radar: {
				indicator: axes.map((axis) => ({ name: axis.label, min: 0, max: 1 })), radius: ctx.narrow ? '52%' : '62%', center: ['50%', '46%'], splitNumber: 4,
				axisName: { ...label(ctx), color: ctx.palette.text }, axisLine: { lineStyle: { color: ctx.palette.line } },
				splitLine: { lineStyle: { color: ctx.palette.grid } }, splitArea: { show: false },
			},
			tooltip: tooltip(ctx, ({ dataIndex, seriesIndex }) => numbers(rows[seriesIndex ?? dataIndex])),
			series: rows.map((row, i) => ({
				type: 'radar', name: title(row), symbolSize: 6, lineStyle: line(i, ctx), itemStyle: { color: line(i, ctx).color },
				data: [{ name: title(row), value: axes.map(({ name }) => row[name] ?? '-') }],
			})),
		};
	},

	summary: (rows) => `Comparison: ${rows.map((row) => `${title(row)}: ${METRICS.map(({ name, label: text }) => `${text} ${metric(row[name])}`).join(', ')}`).join('; ')}.`,

	table: (rows) => ({
		caption: 'Comparison on measured metrics',
		columns: [{ label: 'Version' }, ...METRICS.map(({ label: text }) => ({ label: text, numeric: true }))],
		rows: rows.map((row) => [title(row), ...METRICS.map(({ name }) => metric(row[name]))]),
	}),
};

function legend(rows, ctx) {
	return { bottom: 0, type: 'scroll', data: rows.map(title), textStyle: label(ctx), itemWidth: 28, selectedMode: false, pageTextStyle: label(ctx) };
}

function numbers(row) {
	return tip(title(row), METRICS.map(({ name, label: text }) => [text, metric(row[name])]));
}

// ---- curves

function curve({ title: name, note, x, y, points, at, diagonal }) {
	return {
		title: name,
		note,
		emptyText: 'None of these versions has a curve: it takes labelled rows of both kinds.',
		isEmpty: (rows) => rows.length === 0,
		key: shared.key,
		load: async (query, signal) => (await shared.load(query, signal)).filter((row) => row.curve),

		option(rows, ctx) {
			const axis = (text, extra) => valueAxis(ctx, (v) => v.toFixed(1), {
				min: 0, max: 1, interval: 0.2, name: text, nameLocation: 'middle', nameTextStyle: label(ctx), ...extra });
			return {
				...base(ctx),
				legend: { ...legend(rows, ctx), itemStyle: { opacity: 0 } },	// the line alone
				grid: { left: 52, right: 20, top: 12, bottom: 72 },
				xAxis: axis(x, { nameGap: 28, splitLine: { show: false }, axisLine: { show: true, onZero: false, lineStyle: { color: ctx.palette.line } } }),
				yAxis: axis(y, { nameGap: 36 }),
				tooltip: tooltip(ctx, (near) => nearest(near, x, y), { trigger: 'axis', axisPointer: { type: 'line', lineStyle: { color: ctx.palette.muted } } }),
				series: rows.map((row, i) => ({
					type: 'line', name: title(row), data: points(row), lineStyle: line(i, ctx), itemStyle: { color: line(i, ctx).color },
					symbolSize: 6, showSymbol: false,
					markPoint: at(row) ? {
						symbol: 'diamond', symbolSize: 14, itemStyle: { color: ctx.palette.panel, borderColor: line(i, ctx).color, borderWidth: 2 },
						label: { show: false }, data: [{ name: 'threshold', coord: at(row) }],
					} : undefined,
					...(i === 0 && diagonal ? { markLine: { silent: true, symbol: 'none', label: { show: false },
						lineStyle: { color: ctx.palette.line, type: 'dashed' }, data: [[{ coord: [0, 0] }, { coord: [1, 1] }]] } } : {}),
				})),
			};
		},

		summary: (rows) => `${name}: ${rows.map((row) => `${title(row)}, ${count(row.curve.length)} thresholds`).join('; ')}.`,

		table: (rows) => ({
			caption: name,
			columns: [{ label: 'Version' }, ...['Score from', x, y].map((text) => ({ label: text, numeric: true }))],
			rows: rows.flatMap((row) => points(row).map(([a, b, score]) => [title(row), score === null ? 'none' : metric(score), metric(a), metric(b)])),
		}),
	};
}

function nearest(near, x, y) {
	const [{ data }] = near;
	return tip(`${x} ${metric(data[0])}`, near.map(({ seriesName, data: [, b, score] }) =>
		[seriesName, `${y} ${metric(b)}, ${score === null ? 'nothing' : `scores from ${metric(score)}`}`]));
}

export const roc = curve({
	title: 'ROC curve', note: 'The diamond is the threshold', x: 'False positive rate', y: 'True positive rate',
	points: rocPoints, at: (row) => operating(row).roc, diagonal: true,
});
export const pr = curve({
	title: 'Precision and recall', note: 'The diamond is the threshold', x: 'Recall', y: 'Precision',
	points: prPoints, at: (row) => operating(row).pr,
});
