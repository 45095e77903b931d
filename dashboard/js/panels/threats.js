// Threat types by number of alerts, coloured by their worst severity.  A click
// filters the page, a second one on the same type lifts the filter.

import { BANDS, bandOf } from '../bands.js';
import { get, scope } from '../api.js';
import { count, severity, some, threat as threatLabel } from '../format.js';
import { base, label, tip, tooltip } from './common.js';

const ROW = 30;

export const threats = {
	title: 'Threat types',
	note: 'By alerts; click to filter',
	emptyText: 'No detections in this range.',
	isEmpty: (rows) => rows.length === 0,

	load: ({ range, state }, signal) => get('rpc/threat_types', scope(range, state), signal),

	size: (rows) => ({ height: Math.max(rows.length * ROW + 8, 120) }),

	option(rows, ctx) {
		const sorted = ranked(rows);
		return {
			...base(ctx),
			grid: { left: 124, right: 168, top: 4, bottom: 4 },
			xAxis: { type: 'value', show: false, min: 0 },
			yAxis: {
				type: 'category', inverse: true, data: sorted.map((row) => threatLabel(row.threat)), triggerEvent: true,
				axisLabel: { ...label(ctx), color: ctx.palette.text, width: 112, overflow: 'truncate' },
				axisLine: { lineStyle: { color: ctx.palette.line } }, axisTick: { show: false },
			},
			tooltip: tooltip(ctx, ({ dataIndex }) => describe(sorted[dataIndex])),
			series: [
				{
					type: 'bar', name: 'alerts', cursor: 'pointer', barMaxWidth: 14, barMinHeight: 2,
					itemStyle: { borderRadius: [0, 2, 2, 0] },
					label: { ...label(ctx), show: true, position: 'right', distance: 16,
						formatter: ({ dataIndex }) => amount(sorted[dataIndex]) },
					data: sorted.map((row) => ({
						value: Number(row.alerts), itemStyle: { color: ctx.palette[bandOf(row.severity).name] } })),
				},
				...BANDS.map((band) => shapes(sorted, band, ctx)),
			],
		};
	},

	summary: (rows) => `Threat types: ${ranked(rows)
		.map((row) => `${threatLabel(row.threat)}, ${count(row.alerts)} alerts`).join('; ')}.`,

	table: (rows, ctx) => ({
		caption: 'Threat types',
		columns: [{ label: 'Threat' }, { label: 'Alerts', numeric: true }, { label: 'Detections', numeric: true },
			{ label: 'Worst severity', numeric: true }, { label: 'Band' }],
		rows: ranked(rows).map((row) => [
			{ text: threatLabel(row.threat), patch: toggle(row.threat, ctx) }, count(row.alerts), count(row.detections),
			severity(row.severity), bandOf(row.severity).label]),
	}),

	click: ({ dataIndex }, rows, ctx) => toggle(ranked(rows)[dataIndex].threat, ctx),
};

export function ranked(rows) {
	return [...rows].sort((a, b) => Number(b.alerts) - Number(a.alerts) || b.severity - a.severity);
}

function toggle(name, ctx) {
	return { threat: ctx.state.threat === name ? null : name };
}

// the band's shape at the end of each bar
function shapes(rows, band, ctx) {
	return {
		type: 'scatter', name: `${band.name} shape`, silent: true, tooltip: { show: false }, symbolOffset: [9, 0],
		symbol: band.symbol, symbolSize: 9, itemStyle: { color: ctx.palette[band.name] },
		data: rows.map((row, i) => [Number(row.alerts), i]).filter(([, i]) => bandOf(rows[i].severity) === band),
	};
}

function amount(row) {
	return `${some(row.alerts, 'alert')}, ${some(row.detections, 'detection')}`;
}

function describe(row) {
	const band = bandOf(row.severity);
	return tip(threatLabel(row.threat), [
		['Alerts', count(row.alerts)], ['Detections', count(row.detections)],
		[`${band.label}, worst`, severity(row.severity), band]]);
}
