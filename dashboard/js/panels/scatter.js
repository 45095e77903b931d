// Flows as points: by two features of choice, and by the two directions that
// tell most of all features (see pca.js).  What models found has the colour and
// shape of its band.

import { BANDS, bandNamed, bandOf } from '../bands.js';
import { count, moment, percent, protocol, severity } from '../format.js';
import { h } from '../dom.js';
import { project } from '../pca.js';
import { FEATURES, axes, boxOf, decades, loadSample, place, sampleKey, valueAt } from '../sample.js';
import { base, label, tip, tooltip, valueAxis } from './common.js';

const shared = {
	emptyText: 'No flows in this range.',
	isEmpty: (rows) => rows.length === 0,
	key: sampleKey,
	load: loadSample,
};

// [x, y, index of the row] by band, ordinary ones first
function groups(rows, points, ctx) {
	const band = (row) => (row.detection_id === null ? null : bandOf(row.severity).name);
	const of = (name) => rows.map((row, i) => [...points[i], i]).filter(([x, y, i]) => x !== null && y !== null && band(rows[i]) === name);
	const series = (name, data, extra) => ({ name, type: 'scatter', data, large: false, emphasis: { disabled: true }, ...extra });
	return [
		series('ordinary', of(null), { symbolSize: 4, itemStyle: { color: ctx.palette.normal, opacity: 0.6 } }),
		...[...BANDS].reverse().map(({ name, symbol }) => series(name, of(name), { symbol, symbolSize: 9, itemStyle: { color: ctx.palette[name] } })),
	];
}

function axis(ctx, feature, extra) {
	const format = (at) => feature.show(Number(valueAt(feature, at).toPrecision(2)));
	return valueAxis(ctx, format, {
		name: feature.label, nameLocation: 'middle', nameTextStyle: label(ctx), scale: true, splitNumber: ctx.narrow ? 3 : 5,
		axisLine: { show: true, onZero: false, lineStyle: { color: ctx.palette.line } },
		...(feature.log ? {
			min: 0, axisTick: { show: false, customValues: DECADES },
			axisLabel: { ...label(ctx), formatter: format, customValues: DECADES, hideOverlap: true },
		} : {}),
		...extra,
	});
}

// by the shapes as well as the colours; only what is there
function legend(series, ctx) {
	return { bottom: 0, selectedMode: false, itemWidth: 12, itemHeight: 12, textStyle: label(ctx), data: series.filter(({ data }) => data.length).map(({ name }) => name),
		formatter: (name) => (name === 'ordinary' ? 'Ordinary, a sample' : bandNamed(name).label) };
}

const grid = (ctx) => ({ left: ctx.narrow ? 64 : 84, right: 16, top: 12, bottom: 76 });
const DECADES = decades(12);

function describe(row, ctx, features) {
	const band = row.detection_id === null ? null : bandOf(row.severity);
	return tip(`${row.src_addr} → ${row.dst_addr}`, [
		['Time', moment(Date.parse(row.start_time), ctx.zone, true)], ['Service', `${row.service}, ${protocol(row.protocol)} ${row.dst_port}`],
		...features.map((feature) => [feature.label, row[feature.name] === null ? '–' : feature.show(Number(row[feature.name]))]),
		...(band ? [[band.label, severity(row.severity), band]] : []),
	]);
}

const found = (rows) => rows.filter((row) => row.detection_id !== null).length;

const LISTED = 200;	// more is nothing to read

function asTable(caption, all, ctx) {
	const features = axes(ctx.state);
	const rows = [...all].sort((a, b) => (b.severity ?? -1) - (a.severity ?? -1)).slice(0, LISTED);
	return {
		caption,
		note: rows.length < all.length ? `The ${LISTED} most severe of ${count(all.length)} flows; drag a box for the flows of a region.` : null,
		columns: [{ label: 'Time' }, { label: 'From' }, { label: 'To' }, ...features.map((f) => ({ label: f.label, numeric: true })), { label: 'Severity', numeric: true }],
		rows: rows.map((row) => [moment(Date.parse(row.start_time), ctx.zone, true), { text: row.src_addr, patch: { host: row.src_addr } }, row.dst_addr,
			...features.map((f) => (row[f.name] === null ? '–' : f.show(Number(row[f.name])))), row.severity === null ? '–' : severity(row.severity)]),
	};
}

const open = ({ data, componentType }, rows) => {
	const row = componentType === 'series' ? rows[data[2]] : null;
	return row?.alert_id ? { alert: String(row.alert_id) } : null;
};

export const scatter = {
	...shared,
	title: 'Flows by two features',
	note: 'Drag a box to list its flows',

	option(rows, ctx) {
		const [x, y] = axes(ctx.state);
		const box = boxOf(ctx.state);
		const all = groups(rows, rows.map((row) => [place(x, row), place(y, row)]), ctx);
		return {
			...base(ctx),
			legend: legend(all, ctx),
			grid: grid(ctx),
			xAxis: axis(ctx, x, { nameGap: 28 }),
			yAxis: axis(ctx, y, { nameGap: ctx.narrow ? 48 : 66 }),
			tooltip: tooltip(ctx, ({ data }) => describe(rows[data[2]], ctx, [x, y])),
			toolbox: { show: false },
			brush: { toolbox: [], brushType: 'rect', xAxisIndex: 0, yAxisIndex: 0, transformable: false, outOfBrush: { colorAlpha: 1 },
				brushStyle: { color: ctx.palette['accent-soft'], borderColor: ctx.palette.accent, borderWidth: 1, opacity: 0.4 } },
			series: all.map((series, i) => (i || !box ? series : {
				...series,
				markArea: { silent: true, itemStyle: { color: ctx.palette.accent, opacity: 0.12, borderColor: ctx.palette.accent, borderWidth: 1 },
					data: [[{ coord: [box[0], box[2]] }, { coord: [box[1], box[3]] }]] },
			})),
		};
	},

	tools: (ctx) => ['x', 'y'].map((key, i) => chooser(key, axes(ctx.state)[i], ctx)),

	summary(rows) {
		return `Flows by two features: ${count(rows.length)} of a sample, ${count(found(rows))} of them found by a model.`;
	},
	table: (rows, ctx) => asTable('Flows by two features', rows, ctx),
	click: open,
	brush: ([x0, x1], [y0, y1]) => ({ box: [x0, x1, y0, y1].map((at) => Number(at.toFixed(4))).join() }),
};

function chooser(key, current, ctx) {
	return h('select', { id: `axis-${key}`, 'aria-label': `Feature on the ${key} axis`, title: key === 'x' ? 'Across' : 'Upwards', class: 'small',
		on: { change: (event) => ctx.go({ [key]: event.target.value, box: null }) } },
	FEATURES.map(({ name, label: text }) => h('option', { value: name, selected: name === current.name }, text)));
}

// ---- all features, from where they differ most

export const matrixOf = (rows) => rows.map((row) => FEATURES.map((feature) => place(feature, row)));

function strongest(loading) {
	return FEATURES.map((feature, j) => [feature.label.toLowerCase(), loading[j]]).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, 3)
		.map(([text, weight]) => `${weight < 0 ? '−' : '+'} ${text}`).join(', ');
}

export const projection = {
	...shared,
	title: 'All features at once',
	note: 'The same flows by principal components: near is alike',

	option(rows, ctx) {
		const { points, share, loadings } = project(matrixOf(rows));
		const component = (i, extra) => axis(ctx, { label: `${percent(share[i])}${ctx.narrow ? ' of the variance' : `: ${strongest(loadings[i])}`}`, show: (v) => String(Number(v.toFixed(1))) }, extra);
		const all = groups(rows, points, ctx);
		return {
			...base(ctx),
			legend: legend(all, ctx),
			grid: { ...grid(ctx), left: ctx.narrow ? 52 : 60 },
			xAxis: component(0, { nameGap: 28 }),
			yAxis: component(1, { nameGap: 36 }),
			tooltip: tooltip(ctx, ({ data }) => describe(rows[data[2]], ctx, FEATURES.slice(0, 6))),
			series: all,
		};
	},

	summary(rows) {
		const { share } = project(matrixOf(rows));
		return `All features of ${count(rows.length)} flows in two components, which tell ${percent(share[0] + share[1])} of their variance; ${count(found(rows))} found by a model.`;
	},
	table: (rows, ctx) => asTable('All features at once', rows, ctx),
	click: open,
};
