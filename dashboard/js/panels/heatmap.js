// Hosts × time: each cell's worst severity, as colour and as shape.  A click
// sets host and time to the cell's.

import { BANDS, bandNamed, bandOf, legend } from '../bands.js';
import { get, scope } from '../api.js';
import { count, moment, severity, span } from '../format.js';
import { base, label, leftEdge, timeAxis, tip, tooltip } from './common.js';

const HOSTS = 20;
const ROW = 24;
const LEAST_CELL = 14;	// a shape needs room

export const heatmap = {
	title: 'Hosts by severity',
	note: 'The most severe sources; click a cell to look at it',
	emptyText: 'No detections in this range.',
	isEmpty: (rows) => rows.length === 0,

	load: ({ range, state }, signal) =>
		get('rpc/swimlane', { ...scope(range, state), buckets: range.cells, hosts: HOSTS }, signal),

	tools: () => [legend()],

	size: (rows) => ({ height: hostsOf(rows).length * ROW + 36 }),

	option(rows, ctx) {
		const { columns, cell, cells } = merge(rows, ctx);
		const times = Array.from({ length: columns }, (_, i) => ctx.range.t0 + i * cell);
		const hosts = hostsOf(rows);
		const left = leftEdge(ctx, true);
		const ofBand = (band) => cells.filter((c) => bandOf(c.severity) === band);
		return {
			...base(ctx),
			grid: { left, right: 12, top: 4, bottom: 28 },
			xAxis: timeAxis(times, ctx),
			yAxis: {
				type: 'category', data: hosts, inverse: true, axisLine: { show: false }, axisTick: { show: false },
				axisLabel: { ...label(ctx), color: ctx.palette.text, width: left - 14, overflow: 'truncate', interval: 0 },
				splitLine: { show: true, lineStyle: { color: ctx.palette.grid } },
			},
			tooltip: tooltip(ctx, ({ dataIndex, seriesName }) => describe(ofBand(bandNamed(seriesName))[dataIndex], cell, ctx)),
			series: BANDS.flatMap((band) => bandSeries(band, ofBand(band).map((c) => [c.column, hosts.indexOf(c.host), c.severity]), ctx)),
		};
	},

	summary(rows) {
		const hosts = hostsOf(rows);
		return `${hosts.length} hosts with detections, worst first: ${hosts.slice(0, 5).join(', ')}.`;
	},

	table: (rows, ctx) => ({
		caption: 'Detections by host and time',
		columns: [{ label: 'Host' }, { label: 'From' }, { label: 'Detections', numeric: true },
			{ label: 'Severity', numeric: true }, { label: 'Band' }],
		rows: [...rows].sort((a, b) => b.severity - a.severity).map((row) => [
			{ text: row.host, patch: { host: row.host, range: null, ...spanOf(columnOf(row, ctx), ctx.range.cell, ctx) } }, moment(Date.parse(row.t), ctx.zone),
			count(row.detections), severity(row.severity), bandOf(row.severity).label]),
	}),

	click({ data, componentType }, rows, ctx) {
		if (componentType !== 'series') return null;
		const [column, host] = data;
		return { host: hostsOf(rows)[host], range: null, ...spanOf(column, merge(rows, ctx).cell, ctx) };
	},
};

// Hosts as they come when sorted by their worst cell, then by detections.
export function hostsOf(rows) {
	const hosts = new Map();
	for (const row of rows) {
		const known = hosts.get(row.host) ?? { worst: 0, detections: 0 };
		hosts.set(row.host, {
			worst: Math.max(known.worst, row.severity), detections: known.detections + Number(row.detections) });
	}
	return [...hosts].sort(([, a], [, b]) => b.worst - a.worst || b.detections - a.detections).map(([host]) => host);
}

const columnOf = (row, ctx) => Math.floor((Date.parse(row.t) - ctx.range.t0) / ctx.range.cell);

function spanOf(column, cell, ctx) {
	const t0 = ctx.range.t0 + column * cell;
	return { t0, t1: Math.min(t0 + cell, ctx.range.t1) };
}

// As many columns as the width has room for shapes: on a narrow screen several
// of the range's columns become one, which has their worst severity.
function merge(rows, ctx) {
	const room = Math.max(Math.floor((ctx.width - leftEdge(ctx, true) - 12) / LEAST_CELL), 1);
	const each = Math.ceil(ctx.range.cells / room);
	const cells = new Map();
	for (const row of rows) {
		const column = Math.floor(columnOf(row, ctx) / each);
		const cell = cells.get(`${row.host} ${column}`) ?? { host: row.host, column, detections: 0, severity: 0 };
		cell.detections += Number(row.detections);
		cell.severity = Math.max(cell.severity, row.severity);
		cells.set(`${row.host} ${column}`, cell);
	}
	return { columns: Math.ceil(ctx.range.cells / each), cell: each * ctx.range.cell, cells: [...cells.values()] };
}

// The coloured cells of a band and the shapes on them.
function bandSeries(band, cells, ctx) {
	const colour = ctx.palette[band.name];
	return [
		{
			name: band.name, type: 'custom', data: cells, cursor: 'pointer',
			itemStyle: { color: colour }, encode: { x: 0, y: 1 },
			renderItem: (_, api) => cellShape(api, colour),
		},
		{
			name: `${band.name} shape`, type: 'scatter', data: cells, silent: true,
			symbol: band.symbol, symbolSize: band.symbol === 'emptyCircle' ? 6 : 8,
			itemStyle: { color: ctx.palette.panel }, tooltip: { show: false },
		},
	];
}

function cellShape(api, colour) {
	const [x, y] = api.coord([api.value(0), api.value(1)]);
	const [width, height] = api.size([1, 1]);
	return {
		type: 'rect', style: { fill: colour },
		shape: { x: x - width / 2 + 0.5, y: y - height / 2 + 1.5, width: width - 1, height: height - 3, r: 2 },
	};
}

function describe({ host, column, detections, severity: worst }, cell, ctx) {
	const { t0, t1 } = spanOf(column, cell, ctx);
	const band = bandOf(worst);
	return tip(host, [
		['Time', span(t0, t1, ctx.zone)], ['Detections', count(detections)], [`${band.label}, worst`, severity(worst), band]]);
}
