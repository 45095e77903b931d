// Single keys, when no field has the focus and no dialog is open.  `?` shows
// those of the page.

import { h } from './dom.js';
import { tell } from './dialog.js';
import { PAGES } from './pages.js';
import { triageKeys } from './triage.js';

const busy = (event) => event.ctrlKey || event.metaKey || event.altKey
	|| event.target.closest('input, select, textarea, dialog, [contenteditable]');

// page(): the page on display; context(): its ctx, nothing before there is one
export function wireKeys(page, context) {
	document.addEventListener('keydown', (event) => {
		const ctx = context();
		if (!ctx || busy(event)) return;
		if (event.key === '?') {
			event.preventDefault();
			help(page(), ctx);
			return;
		}
		const shortcut = all(page(), ctx).find(({ key }) => key === event.key);
		if (!shortcut || shortcut.run(ctx, event) === false) return;
		event.preventDefault();
	});
}

// the digits go to the pages, in their order
const toPages = PAGES.map((page, i) => ({
	key: String(i + 1), text: `Page ${page.title}`, run: (ctx) => ctx.go({ page: i ? page.name : null }),
}));

// on every page, while the line about it is there
const undo = { key: 'u', text: 'Undo what was just done', needs: 'triage', run: () => document.querySelector('.toast .act')?.click() };

// the page's, else those of the alert that lies open
const alertKeys = triageKeys((ctx) => [ctx.alert]);
const all = (page, ctx) => [...(page.shortcuts ?? (ctx.alert ? alertKeys : [])), undo, ...toPages]
	.filter(({ needs }) => !needs || ctx.may(needs));

function help(page, ctx) {
	const row = (key, text) => [h('dt', {}, h('kbd', {}, key)), h('dd', {}, text)];
	tell('Keys', h('dl', { class: 'keys' }, all(page, ctx).map(({ key, text }) => row(key, text)),
		row('Esc', 'Close what is open'), row('?', 'These keys')));
}
