// What is known and raises no alerts, how much that silences, and until when.

import { call, get } from '../api.js';
import { h } from '../dom.js';
import { count, moment, threat as threatLabel } from '../format.js';
import { page } from '../keyset.js';
import { recordTable } from '../table.js';
import { toast } from '../toast.js';

const ORDER = [{ column: 'id', descending: true }];
const NAMED = [['source', 'from'], ['target', 'to'], ['ports', 'ports'], ['protocol', 'protocol'], ['threat', 'threat'], ['rule', 'rule'], ['model', 'model']];

export const suppressions = {
	title: 'Suppressions in force',
	note: 'Detections that get no alert; they are kept and counted',
	emptyText: 'Nothing is suppressed.',
	isEmpty: (rows) => rows.length === 0,
	key: () => '',
	pageSize: 20,

	page: (_, signal, { size, from }) => page(get, 'suppressions', { in_force: 'is.true' }, { order: ORDER, size, from }, signal),

	render(rows, ctx) {
		const may = ctx.may('unsuppress');
		const head = [{ label: 'What', kind: 'lead' }, { label: 'Reason', kind: 'why' }, { label: 'By' },
			{ label: 'Until', kind: 'time' }, { label: 'Silenced', kind: 'numeric' }, may && { label: h('span', { class: 'sr-only' }, 'End it') }].filter(Boolean);
		return h('div', { class: 'scroll' }, recordTable('Suppressions in force', head, rows.map((row) => ({
			props: { 'data-suppression': row.id },
			cells: [
				described(row), row.reason, row.created_by, row.expires_at === 'infinity' ? 'for ever' : moment(Date.parse(row.expires_at), ctx.zone),
				count(row.hits), may && h('button', { type: 'button', id: `end-${row.id}`, on: { click: () => end(row, ctx) } }, 'End'),
			].filter((cell) => cell !== false),
		}))));
	},
};

function described(row) {
	const value = { ports: row.ports?.join(', '), threat: row.threat && threatLabel(row.threat) };
	return NAMED.filter(([name]) => row[name] !== null).map(([name, word]) => `${word} ${value[name] ?? row[name]}`).join(' · ');
}

async function end(row, ctx) {
	try {
		await call('unsuppress', { id: row.id });
		toast(`Suppression ${row.id} has ended.`);
		ctx.reload();
	} catch (error) {
		toast(`Nothing changed: ${error.message}`);
	}
}
