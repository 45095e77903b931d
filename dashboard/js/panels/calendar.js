// The week, hour by hour: what an hour has on average, and where models and
// rules found something.

import { bandOf } from '../bands.js';
import { get, scope } from '../api.js';
import { compact, count, severity } from '../format.js';
import { stateLink } from '../table.js';
import { base, label, tip, tooltip } from './common.js';

const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const HOURS = Array.from({ length: 24 }, (_, hour) => `${String(hour).padStart(2, '0')}:00`);
const METRICS = { flows: 'Flows', detections: 'Detections' };

const metricOf = (ctx) => ctx.state.week ?? 'flows';
export const mean = (row, metric) => (row.hours > 0 ? Number(row[metric]) / row.hours : null);
const zoneOf = (state) => (state.tz ? Intl.DateTimeFormat().resolvedOptions().timeZone : 'UTC');

export const calendar = {
	title: 'The week',
	note: 'Mean of an hour; a shape marks hours with detections',
	emptyText: 'Nothing in this range.',
	isEmpty: (rows) => rows.every((row) => !Number(row.flows) && !Number(row.detections)),
	key: ({ range, state }) => [range.t0, range.t1, state.host, state.threat, state.tz].join('|'),

	load: ({ range, state }, signal) => get('rpc/calendar', { ...scope(range, state), zone: zoneOf(state) }, signal),

	option(rows, ctx) {
		const metric = metricOf(ctx);
		// colour by logarithm: one flood must not bleach the week
		const cells = rows.map((row) => [row.hour, row.dow - 1, Math.log10(1 + mean(row, metric)), row[metric]]).filter((_, i) => rows[i].hours > 0);
		const top = Math.max(...cells.map(([, , value]) => value), 1e-9);
		return {
			...base(ctx),
			grid: { left: ctx.narrow ? 40 : 92, right: 12, top: 4, bottom: 60 },
			xAxis: { type: 'category', data: HOURS, axisLine: { show: false }, axisTick: { show: false }, axisLabel: { ...label(ctx), interval: ctx.narrow ? 5 : 2 } },
			yAxis: { type: 'category', data: ctx.narrow ? DAYS.map((day) => day.slice(0, 3)) : DAYS, inverse: true, axisLine: { show: false }, axisTick: { show: false },
				axisLabel: { ...label(ctx), color: ctx.palette.text, interval: 0 } },
			visualMap: {
				min: 0, max: top, calculable: false, orient: 'horizontal', left: 'center', bottom: 0, itemWidth: 10, itemHeight: 120,
				dimension: 2, seriesIndex: 0, text: [compact(Math.round(10 ** top - 1)), '0'], textStyle: label(ctx),
				inRange: { color: [ctx.palette.grid, ctx.palette['accent-soft'], ctx.palette.accent] },
			},
			tooltip: tooltip(ctx, ({ data }) => describe(rows.find((row) => row.hour === data[0] && row.dow - 1 === data[1]))),
			series: [
				{ type: 'heatmap', name: METRICS[metric], data: cells, itemStyle: { borderColor: ctx.palette.panel, borderWidth: 2 }, emphasis: { disabled: true } },
				{ type: 'scatter', name: 'detections', z: 3, symbolSize: 8, silent: true,
					data: rows.filter((row) => Number(row.detections)).map((row) => ({
						value: [row.hour, row.dow - 1], symbol: bandOf(row.severity).symbol,
						itemStyle: { color: ctx.palette[bandOf(row.severity).name], borderColor: ctx.palette.panel, borderWidth: 1 },
					})) },
			],
		};
	},

	tools: (ctx) => Object.entries(METRICS).map(([name, text]) => stateLink({ week: name === 'flows' ? null : name }, ctx,
		{ class: 'choice', 'aria-current': name === metricOf(ctx) ? 'true' : null }, text)),

	summary(rows) {
		const busiest = rows.reduce((best, row) => ((mean(row, 'flows') ?? 0) > (mean(best, 'flows') ?? 0) ? row : best));
		return `The week by hour: busiest is ${DAYS[busiest.dow - 1]} ${HOURS[busiest.hour]} with ${count(Math.round(mean(busiest, 'flows') ?? 0))} flows on average.`;
	},

	table: (rows) => ({
		caption: 'The week by hour',
		columns: [{ label: 'Day' }, { label: 'Hour' }, ...['Times seen', 'Flows', 'Detections', 'Worst severity'].map((text) => ({ label: text, numeric: true }))],
		rows: rows.filter((row) => row.hours > 0).map((row) => [DAYS[row.dow - 1], HOURS[row.hour], count(row.hours), count(row.flows), count(row.detections),
			row.severity === null ? '–' : severity(row.severity)]),
	}),
};

function describe(row) {
	return tip(`${DAYS[row.dow - 1]} ${HOURS[row.hour]}`, [
		['Hours like this', count(row.hours)], ['Flows', count(row.flows)], ['Flows on average', count(Math.round(mean(row, 'flows') ?? 0))],
		['Detections', count(row.detections)], ...(row.severity === null ? [] : [['Worst', severity(row.severity), bandOf(row.severity)]])]);
}
