// Single keys, when no field has the focus and no dialog is open.  `?` shows
// those of the page.

import { h } from './dom.js';
import { tell } from './dialog.js';
import { PAGES } from './pages.js';

const busy = (event) => event.ctrlKey || event.metaKey || event.altKey
	|| event.target.closest('input, select, textarea, dialog, [contenteditable]');

// page(): the page on display; context(): its ctx, nothing before there is one
export function wireKeys(page, context) {
	document.addEventListener('keydown', (event) => {
		const ctx = context();
		if (!ctx || busy(event)) return;
		if (event.key === '?') {
			event.preventDefault();
			help(page());
			return;
		}
		const shortcut = all(page()).find(({ key }) => key === event.key);
		if (!shortcut || shortcut.run(ctx, event) === false) return;
		event.preventDefault();
	});
}

// the digits go to the pages, in their order
const toPages = PAGES.map((page, i) => ({
	key: String(i + 1), text: `Page ${page.title}`, run: (ctx) => ctx.go({ page: i ? page.name : null }),
}));

const all = (page) => [...(page.shortcuts ?? []), ...toPages];

function help(page) {
	const row = (key, text) => [h('dt', {}, h('kbd', {}, key)), h('dd', {}, text)];
	tell('Keys', h('dl', { class: 'keys' }, all(page).filter(({ text }) => text).map(({ key, shown, text }) => row(shown ?? key, text)),
		row('Esc', 'Close what is open'), row('?', 'These keys')));
}
