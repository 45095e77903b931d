// Where flows came from: files and live sessions, the newest first.

import { get } from '../api.js';
import { h } from '../dom.js';
import { compact, moment, threat as words } from '../format.js';
import { page } from '../keyset.js';
import { recordTable } from '../table.js';

const ORDER = [{ column: 'id', descending: true }];
const HEAD = [
	{ label: 'From', kind: 'lead' }, { label: 'State' }, { label: 'Begun', kind: 'time' }, { label: 'Packets', kind: 'numeric' },
	{ label: 'Lost', kind: 'numeric' }, { label: 'Flows', kind: 'numeric' }, { label: 'Set aside', kind: 'numeric more' },
];

export const captures = {
	title: 'Captures',
	note: 'Files and live sessions',
	emptyText: 'Nothing has been loaded yet.',
	isEmpty: (rows) => rows.length === 0,
	key: () => '',
	every: 60000,
	pageSize: 20,

	page: (_, signal, { size, from }) => page(get, 'captures', {}, { order: ORDER, size, from }, signal),

	render: (rows, ctx) => h('div', { class: 'scroll' }, recordTable('Captures', HEAD, rows.map((row) => ({
		props: { 'data-capture': row.id },
		cells: [
			row.source,
			[words(row.state), row.truncated ? ', cut off' : '', row.error ? `: ${row.error}` : ''].join(''),
			row.started_at ? moment(Date.parse(row.started_at), ctx.zone) : '–',
			compact(row.packets ?? 0), compact(Number(row.drops ?? 0) + Number(row.interface_drops ?? 0)),
			compact(row.flows ?? 0), compact(row.rejected ?? 0),
		],
	})))),
};
