// Who and what is at the top, and the others together: protocols and services,
// talkers.  Known by whole days.

import { get, scope } from '../api.js';
import { bytes, compact, count, others, protocol } from '../format.js';
import { stateLink } from '../table.js';
import { base, label, tip, tooltip } from './common.js';

const ROW = 26;
const SIZE = 10;
const METRICS = { flows: { label: 'Flows', show: compact }, bytes: { label: 'Payload', show: bytes } };

// key: the part of the address that holds the choice; kinds: [[kind, word], …]
function top(title, kind, choices = []) {
	const kindOf = (state) => (choices.length && state.services === 'protocols' ? 'protocols' : kind);
	return {
		title,
		note: `Whole days (UTC); click ${kind === 'talkers' ? 'to filter' : 'for flows'}`,
		emptyText: 'No traffic in these days.',
		isEmpty: (rows) => rows.length === 0,
		key: ({ range, state }) => [range.t0, range.t1, state.host, kindOf(state)].join('|'),

		load: ({ range, state }, signal) => get('rpc/top', { ...scope(range, { host: state.host }), kind: kindOf(state), size: SIZE }, signal),

		size: (rows) => ({ height: rows.length * ROW + 12 }),

		option(rows, ctx) {
			const metric = METRICS[ctx.state.topby ?? 'flows'];
			const value = (row) => Number(row[ctx.state.topby ?? 'flows']);
			return {
				...base(ctx),
				grid: { left: ctx.narrow ? 104 : 128, right: 72, top: 4, bottom: 4 },
				xAxis: { type: 'value', show: false, min: 0 },
				yAxis: {
					type: 'category', inverse: true, data: rows.map(nameOf), triggerEvent: true,
					axisLabel: { ...label(ctx), color: ctx.palette.text, width: ctx.narrow ? 92 : 116, overflow: 'truncate', interval: 0 },
					axisLine: { lineStyle: { color: ctx.palette.line } }, axisTick: { show: false },
				},
				tooltip: tooltip(ctx, ({ dataIndex }) => describe(rows[dataIndex])),
				series: [{
					type: 'bar', name: metric.label, barMaxWidth: 14, barMinHeight: 2, cursor: 'pointer',
					itemStyle: { borderRadius: [0, 2, 2, 0] },
					label: { ...label(ctx), show: true, position: 'right', formatter: ({ dataIndex }) => metric.show(value(rows[dataIndex])) },
					data: rows.map((row) => ({ value: value(row), itemStyle: { color: ctx.palette[isRest(row) ? 'normal' : 'accent'] } })),
				}],
			};
		},

		tools: (ctx) => [
			...choices.map(([name, text]) => choice({ services: name === kind ? null : name }, text, name === kindOf(ctx.state), ctx)),
			...Object.entries(METRICS).map(([name, { label: text }]) =>
				choice({ topby: name === 'flows' ? null : name }, text, name === (ctx.state.topby ?? 'flows'), ctx)),
		],

		summary: (rows) => `${title}: ${rows.map((row) => `${nameOf(row)}, ${count(row.flows)} flows`).join('; ')}.`,

		table: (rows, ctx) => ({
			caption: title,
			columns: [{ label: 'Name' }, ...['Flows', 'Failed', 'Payload'].map((text) => ({ label: text, numeric: true }))],
			rows: rows.map((row) => [leads(row, ctx) ? { text: nameOf(row), patch: leads(row, ctx) } : nameOf(row), count(row.flows), count(row.failed), bytes(row.bytes)]),
		}),

		click: ({ dataIndex, value }, rows, ctx) => {
			const row = dataIndex === undefined ? rows.find((r) => nameOf(r) === value) : rows[dataIndex];
			return row ? leads(row, ctx) : null;
		},
	};
}

export const services = top('Services', 'services', [['services', 'Services'], ['protocols', 'Protocols']]);
export const talkers = top('Top talkers', 'talkers');

const isRest = (row) => row.address === null && row.protocol === null;

// A talker filters the page, or no longer does; a service leads to its flows.
function leads(row, ctx) {
	if (row.address) return { host: ctx.state.host === row.address ? null : row.address };
	return row.port === null || isRest(row) || ctx.state.page === 'host' ? null : { page: 'explore', port: row.port };
}

export function nameOf(row) {
	if (isRest(row)) return others(row.members);
	if (row.address) return row.address;
	return row.port === null ? protocol(row.protocol) : `${protocol(row.protocol)} ${row.port}`;
}

function choice(patch, text, current, ctx) {
	return stateLink(patch, ctx, { class: 'choice', 'aria-current': current ? 'true' : null }, text);
}

function describe(row) {
	return tip(nameOf(row), [['Flows', count(row.flows)], ['Failed', count(row.failed)], ['Payload', bytes(row.bytes)]]);
}
