// Plain tables.  columns: [{ label, numeric }]; a cell is text, a node, or
// { text, patch }: a link that changes the page's state by `patch`.

import { h } from './dom.js';

export function makeTable({ caption, columns, rows }, ctx) {
	const align = (column) => (column.numeric ? 'numeric' : null);
	return h('table', { class: 'data' },
		h('caption', { class: 'sr-only' }, caption),
		h('thead', {}, h('tr', {},
			columns.map((column) => h('th', { scope: 'col', class: align(column) }, column.label)))),
		h('tbody', {}, rows.map((row) => h('tr', {},
			row.map((cell, i) => h('td', { class: align(columns[i]) }, content(cell, ctx)))))));
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
