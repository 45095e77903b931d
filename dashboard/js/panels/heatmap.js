// Hosts × time: each cell's worst severity, as colour and as shape.  A click
// sets host and time to the cell's.

import { BANDS, bandOf } from '../bands.js';
import { get, scope } from '../api.js';
import { count, moment, severity, span } from '../format.js';
import { base, label, leftEdge, timeAxis, tip, tooltip } from './common.js';

const HOSTS = 20;
const ROW = 24;
const LEAST_CELL = 14;	// narrower cells scroll instead: a shape needs room

export const heatmap = {
	title: 'Hosts by severity',
	note: 'The most severe sources; click a cell to look at it',
	emptyText: 'No detections in this range.',
	isEmpty: (rows) => rows.length === 0,

	load: ({ range, state }, signal) =>
		get('rpc/swimlane', { ...scope(range, state), buckets: range.cells, hosts: HOSTS }, signal),

	size: (rows, ctx) => ({
		height: hostsOf(rows).length * ROW + 36,
		minWidth: ctx.range.cells * LEAST_CELL + leftEdge(ctx, true) + 12,
	}),

	option(rows, ctx) {
		const { range } = ctx;
		const times = Array.from({ length: range.cells }, (_, i) => range.t0 + i * range.cell);
		const hosts = hostsOf(rows);
		const cells = rows.map((row) => [
			Math.floor((Date.parse(row.t) - range.t0) / range.cell), hosts.indexOf(row.host), row.severity]);
		return {
			...base(ctx),
			grid: { left: leftEdge(ctx, true), right: 12, top: 4, bottom: 28 },
			xAxis: timeAxis(times, ctx),
			yAxis: {
				type: 'category', data: hosts, inverse: true, axisLine: { show: false }, axisTick: { show: false },
				axisLabel: {
					...label(ctx), color: ctx.palette.text, width: leftEdge(ctx, true) - 14, overflow: 'truncate', interval: 0,
				},
				splitLine: { show: true, lineStyle: { color: ctx.palette.grid } },
			},
			tooltip: tooltip(ctx, ({ dataIndex, seriesName }) => describe(rowOf(rows, cells, seriesName, dataIndex), ctx)),
			series: BANDS.flatMap((band) => bandSeries(band, cells.filter(([, , s]) => bandOf(s) === band), ctx)),
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
			{ text: row.host, patch: cellOf(row, ctx) }, moment(Date.parse(row.t), ctx.zone),
			count(row.detections), severity(row.severity), bandOf(row.severity).label]),
	}),

	click({ data, componentType }, rows, ctx) {
		if (componentType !== 'series') return null;
		const [column, host] = data;
		const t0 = ctx.range.t0 + column * ctx.range.cell;
		return { host: hostsOf(rows)[host], range: null, t0, t1: t0 + ctx.range.cell };
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

function cellOf(row, ctx) {
	const column = Math.floor((Date.parse(row.t) - ctx.range.t0) / ctx.range.cell);
	const t0 = ctx.range.t0 + column * ctx.range.cell;
	return { host: row.host, range: null, t0, t1: t0 + ctx.range.cell };
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

function rowOf(rows, cells, bandName, index) {
	const ofBand = rows.filter((_, i) => bandOf(cells[i][2]).name === bandName);
	return ofBand[index];
}

function describe(row, ctx) {
	const { t0, t1 } = cellOf(row, ctx);
	const band = bandOf(row.severity);
	return tip(row.host, [
		['Time', span(t0, t1, ctx.zone)], ['Detections', count(row.detections)],
		[`${band.label}, worst`, severity(row.severity), band]]);
}
