// Bytes by kind of table, and how fast they grow.

import { get } from '../api.js';
import { bytes, count, threat as words } from '../format.js';
import { base, label, tip, tooltip } from './common.js';

const ROW = 32;
const KINDS = { flow: 'Flows', detection: 'Detections', rollup: 'Sums by time', other: 'Everything else' };
const nameOf = (kind) => KINDS[kind] ?? words(kind);
const grows = (row) => row.bytes_per_day !== null;
const perDay = (row) => (grows(row) ? `${bytes(row.bytes_per_day)} more a day` : 'growth not known yet');

export const disk = {
	title: 'Disk',
	note: 'Indexes included',
	emptyText: 'The store takes no room yet.',
	isEmpty: (rows) => rows.length === 0,
	key: () => '',
	every: 60000,

	load: (_, signal) => get('disk', { order: 'bytes.desc,kind' }, signal),

	size: (rows) => ({ height: rows.length * ROW + 8 }),

	option: (rows, ctx) => ({
		...base(ctx),
		grid: { left: 124, right: rows.some(grows) && !ctx.narrow ? 168 : 72, top: 4, bottom: 4 },
		xAxis: { type: 'value', show: false, min: 0 },
		yAxis: {
			type: 'category', inverse: true, data: rows.map((row) => nameOf(row.kind)),
			axisLabel: { ...label(ctx), color: ctx.palette.text }, axisLine: { lineStyle: { color: ctx.palette.line } }, axisTick: { show: false },
		},
		tooltip: tooltip(ctx, ({ dataIndex }) => tip(nameOf(rows[dataIndex].kind), [
			['Tables', count(rows[dataIndex].relations)], ['Bytes', count(rows[dataIndex].bytes)], ['Growth', perDay(rows[dataIndex])]])),
		series: [{
			type: 'bar', name: 'bytes', barMaxWidth: 14, barMinHeight: 2, itemStyle: { color: ctx.palette.accent, borderRadius: [0, 2, 2, 0] },
			label: { ...label(ctx), show: true, position: 'right', formatter: ({ dataIndex: i }) => bytes(rows[i].bytes) + (grows(rows[i]) && !ctx.narrow ? `, ${perDay(rows[i])}` : '') },
			data: rows.map((row) => Number(row.bytes)),
		}],
	}),

	summary: (rows) => `Bytes on disk: ${rows.map((row) => `${nameOf(row.kind)} ${bytes(row.bytes)}`).join(', ')}.`,

	table: (rows) => ({
		caption: 'Bytes on disk',
		columns: [{ label: 'Kind' }, { label: 'Tables', numeric: true }, { label: 'Bytes', numeric: true }, { label: 'Growth' }],
		rows: rows.map((row) => [nameOf(row.kind), count(row.relations), count(row.bytes), perDay(row)]),
	}),
};
