// Plain tables.  columns: [{ label, numeric }]; a cell is text, a node, or
// { text, patch }: a link that changes the page's state by `patch`.  note: a line
// above it, when it does not hold all.

import { h } from './dom.js';

export function makeTable({ caption, columns, rows, note }, ctx) {
	const align = (column) => (column.numeric ? 'numeric' : null);
	const table = h('table', { class: 'data' },
		h('caption', { class: 'sr-only' }, caption),
		h('thead', {}, h('tr', {},
			columns.map((column) => h('th', { scope: 'col', class: align(column) }, column.label)))),
		h('tbody', {}, rows.map((row) => h('tr', {},
			row.map((cell, i) => h('td', { class: align(columns[i]) }, content(cell, ctx)))))));
	return note ? [h('p', { class: 'hint' }, note), table] : [table];
}

// A table of records whose rows turn into cards on a narrow screen (there the
// labels stand beside the values).  columns: [{ label, kind }] with kind a class
// of the column's cells and label text or a node; rows: [{ props, cells }].  The roles keep it a table
// for those who cannot see it, whatever the stylesheet makes of its boxes.
export function recordTable(caption, columns, rows) {
	const shared = ({ kind }) => kind?.split(' ').filter((word) => ['numeric', 'more', 'pick'].includes(word)).join(' ') || null;
	return h('table', { class: 'data cards', role: 'table' },
		h('caption', { class: 'sr-only' }, caption),
		h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, columns.map((column) =>
			h('th', { scope: 'col', role: 'columnheader', class: shared(column) }, column.label)))),
		h('tbody', { role: 'rowgroup' }, rows.map(({ props, cells }) => h('tr', { role: 'row', ...props },
			cells.map((cell, i) => h('td', { role: 'cell', class: columns[i].kind, 'data-label': typeof columns[i].label === 'string' ? columns[i].label : null }, cell))))));
}

function content(cell, ctx) {
	if (!cell?.patch) return cell;
	return stateLink(cell.patch, ctx, {}, cell.text);
}

// A real link (it can be copied, opened elsewhere) that does not reload the page.
export function stateLink(patch, ctx, props, ...children) {
	const follow = (event) => {
		if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
		event.preventDefault();
		ctx.go(patch);
	};
	return h('a', { ...props, href: ctx.link(patch), on: { click: follow } }, ...children);
}
