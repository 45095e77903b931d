// What a version made of each kind of row, and what it looks at: both as
// measured in training.

import { featureWord } from '../features.js';
import { count, metric, percent } from '../format.js';
import { chosen, loadVersions, title } from '../models.js';
import { base, label, tip, tooltip } from './common.js';

const of = (pick) => ({
	key: ({ state }) => state.version ?? '',
	async load(query, signal) {
		const row = chosen(await loadVersions(query, signal), query.state);
		return row ? pick(row).map((cell) => ({ ...cell, version: title(row) })) : [];
	},
	isEmpty: (rows) => rows.length === 0,
});

// {actual: {predicted: n}} → cells with the row's sum; zeros included
export function cellsOf(confusion) {
	if (!confusion) return [];
	const actual = Object.keys(confusion);
	const predicted = [...new Set([...actual, ...actual.flatMap((name) => Object.keys(confusion[name]))])];
	return actual.flatMap((a) => {
		const sum = Object.values(confusion[a]).reduce((n, m) => n + m, 0);
		return predicted.map((p) => ({ actual: a, predicted: p, rows: confusion[a][p] ?? 0, sum }));
	});
}

const share = (c) => (c.sum ? c.rows / c.sum : 0);

export const confusion = {
	title: 'Confusion matrix',
	note: 'Rows by what they are and what they were taken for',
	emptyText: 'This version was not measured: train with a label.',
	...of((row) => cellsOf(row.confusion)),

	size: (cells) => ({ height: Math.max(240, new Set(cells.map((c) => c.actual)).size * 36 + 90) }),

	option(cells, ctx) {
		const predicted = [...new Set(cells.map((c) => c.predicted))];
		const actual = [...new Set(cells.map((c) => c.actual))];
		const axis = (name, data, extra) => ({
			type: 'category', name, data, nameLocation: 'middle', nameTextStyle: label(ctx), splitArea: { show: false },
			axisLabel: { ...label(ctx), color: ctx.palette.text, interval: 0, overflow: 'truncate', width: 88, rotate: extra.rotate },
			axisLine: { show: false }, axisTick: { show: false }, ...extra,
		});
		return {
			...base(ctx),
			grid: { left: 120, right: 12, top: 8, bottom: predicted.length > 4 ? 96 : 52 },
			xAxis: axis('taken for', predicted, { nameGap: predicted.length > 4 ? 76 : 30, rotate: predicted.length > 4 ? 40 : 0 }),
			yAxis: axis('are', actual, { nameGap: 100, inverse: true }),
			visualMap: { show: false, min: 0, max: 1, dimension: 2, inRange: { color: [ctx.palette.panel, ctx.palette['accent-soft'], ctx.palette.accent] } },
			tooltip: tooltip(ctx, ({ dataIndex }) => describe(cells[dataIndex])),
			series: [{
				type: 'heatmap', itemStyle: { borderColor: ctx.palette.line, borderWidth: 1 }, emphasis: { disabled: true },
				data: cells.map((c) => ({
					value: [predicted.indexOf(c.predicted), actual.indexOf(c.actual), share(c)],
					label: { color: ctx.palette[share(c) > 0.6 ? 'panel' : 'text'] },
				})),
				label: { show: true, fontSize: 12, fontFamily: ctx.palette.font, formatter: ({ dataIndex }) => count(cells[dataIndex].rows) },
			}],
		};
	},

	summary: (cells) => `Confusion matrix of ${cells[0].version}: ${cells.filter((c) => c.rows)
		.map((c) => `${count(c.rows)} ${c.actual} taken for ${c.predicted}`).join('; ')}.`,

	table: (cells) => ({
		caption: `Confusion matrix of ${cells[0].version}`,
		columns: [{ label: 'Are' }, { label: 'Taken for' }, { label: 'Rows', numeric: true }, { label: 'Share', numeric: true }],
		rows: cells.map((c) => [c.actual, c.predicted, count(c.rows), percent(share(c))]),
	}),
};

function describe(c) {
	return tip(`${c.actual}, taken for ${c.predicted}`, [['Rows', count(c.rows)], [`of all ${c.actual}`, percent(share(c))]]);
}

// ---- importance

export const importance = {
	title: 'Importance of features',
	note: 'What shuffling a feature costs on rows kept aside',
	emptyText: 'Training measured none of this version.',
	...of((row) => Object.entries(row.importance ?? {}).map(([feature, value]) => ({ feature, value })).sort((a, b) => b.value - a.value)),

	size: (rows) => ({ height: Math.max(240, rows.length * 24 + 16) }),

	option: (rows, ctx) => ({
		...base(ctx),
		grid: { left: 164, right: 64, top: 4, bottom: 4 },
		xAxis: { type: 'value', show: false, min: 0 },
		yAxis: {
			type: 'category', inverse: true, data: rows.map((row) => featureWord(row.feature)), axisLabel: { ...label(ctx), color: ctx.palette.text, width: 152, overflow: 'truncate', interval: 0 },
			axisLine: { lineStyle: { color: ctx.palette.line } }, axisTick: { show: false },
		},
		tooltip: tooltip(ctx, ({ dataIndex }) => tip(featureWord(rows[dataIndex].feature), [['Importance', metric(rows[dataIndex].value)]])),
		series: [{
			type: 'bar', barMaxWidth: 14, itemStyle: { color: ctx.palette.accent, borderRadius: [0, 2, 2, 0] }, data: rows.map((row) => Math.max(row.value, 0)),
			label: { ...label(ctx), show: true, position: 'right', formatter: ({ dataIndex }) => metric(rows[dataIndex].value) },
		}],
	}),

	summary: (rows) => `Importance of features of ${rows[0].version}: ${rows.map((row) => `${featureWord(row.feature)} ${metric(row.value)}`).join(', ')}.`,

	table: (rows) => ({
		caption: `Importance of features of ${rows[0].version}`,
		columns: [{ label: 'Feature' }, { label: 'Importance', numeric: true }],
		rows: rows.map((row) => [featureWord(row.feature), metric(row.value)]),
	}),
};
