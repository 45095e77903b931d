// One host over time, above what is usual for it at that time of day: the
// timeline of the Overview with a band behind the line.

import { get, scope } from '../api.js';
import { count } from '../format.js';
import { describe, timeline } from './timeline.js';

const usual = (row, metric) => ['low', 'usual', 'high'].map((name) => row[`${metric}_${name}`]);
const metricOf = (ctx) => ctx.state.metric ?? 'flows';
export const unusual = (row, metric) => row[`${metric}_high`] !== null
	&& (Number(row[metric]) > row[`${metric}_high`] || Number(row[metric]) < row[`${metric}_low`]);

export const hostLine = {
	...timeline,
	title: 'What it does, and what is usual',
	note: 'Shaded: nine in ten of earlier days of the same kind at this hour',
	emptyText: 'Nothing of this host in this range.',

	load: ({ range, state }, signal) => get('rpc/host_timeline', { ...scope(range, state), buckets: range.buckets }, signal),

	option(rows, ctx) {
		const option = timeline.option(rows, ctx);
		const values = rows.map((row) => usual(row, metricOf(ctx)));
		const line = (name, data, extra) => ({ name, type: 'line', step: 'middle', symbol: 'none', silent: true, data, lineStyle: { opacity: 0 }, z: 1, ...extra });
		const [first, ...others] = option.series;
		return {
			...option,
			tooltip: { ...option.tooltip, formatter: (params) => describe(rows[params[0].dataIndex], ctx, band(rows[params[0].dataIndex], ctx)) },
			series: [
				line('low', values.map(([low]) => low), { stack: 'usual' }),
				line('high', values.map(([low, , high]) => (high === null ? null : high - low)), { stack: 'usual', areaStyle: { color: ctx.palette.normal, opacity: 0.35 } }),
				line('usual', values.map(([, middle]) => middle), { lineStyle: { color: ctx.palette.muted, type: 'dashed', width: 1 } }),
				{ ...first, areaStyle: undefined, z: 3 }, ...others,
			],
		};
	},

	summary(rows) {
		const known = rows.filter((row) => row.flows_high !== null);
		const outside = known.filter((row) => unusual(row, 'flows')).length;
		return `${timeline.summary(rows)} ${known.length ? `${count(outside)} of ${count(known.length)} buckets with a past are outside of what is usual.`
			: 'There is too little past to say what is usual.'}`;
	},

	table(rows, ctx) {
		const { columns, rows: cells, caption } = timeline.table(rows, ctx);
		const metric = metricOf(ctx);
		const number = (value) => (value === null ? '–' : count(Math.round(value)));
		return {
			caption,
			columns: [...columns, ...['Low', 'Usual', 'High'].map((text) => ({ label: `${text} (${metric})`, numeric: true }))],
			rows: cells.map((row, i) => [...row, ...usual(rows[i], metric).map(number)]),
		};
	},
};

function band(row, ctx) {
	const [low, middle, high] = usual(row, metricOf(ctx)).map((value) => value && Math.round(value));
	return high === null ? [['Usual', 'too little past']] : [['Usual', `${count(middle)}, from ${count(low)} to ${count(high)}`]];
}

// Panels about one host, which ask for nothing while there is none.
export const ofHost = (definition) => ({
	...definition,
	emptyText: `${definition.emptyText} The host is chosen at the top.`,
	...(definition.page
		? { page: (query, ...rest) => (query.state.host ? definition.page(query, ...rest) : { rows: [], more: false }) }
		: { load: (query, signal) => (query.state.host ? definition.load(query, signal) : []) }),
});
