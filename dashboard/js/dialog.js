// A question in front of the page.  The browser's own dialog keeps the focus,
// closes on Escape and gives the focus back.

import { focusAgain, h } from './dom.js';
import { fill, read } from './field.js';

// The page behind may be drawn anew meanwhile: then the focus goes to what took
// the place of the element that had it.
function show(dialog) {
	const opener = document.activeElement;
	dialog.addEventListener('close', () => {
		dialog.remove();
		if (!opener.isConnected) focusAgain(opener);
	});
	document.body.append(dialog);
	dialog.showModal();
}

// title, text; fields (see field.js) by name; action: the button's word;
// danger: what it does is hard to undo; submit(values) → promise: its error
// stays in the dialog with what was filled in, its value is the dialog's.
// Resolves with it, or with undefined when nothing was done.
export function ask({ title, text = null, fields = {}, action, danger = false, submit = async (values) => values }) {
	const problem = h('p', { class: 'problem', role: 'alert', hidden: true });
	const go = h('button', { type: 'submit', class: danger ? 'primary danger' : 'primary' }, action);
	const cancel = h('button', { type: 'button', on: { click: () => dialog.close() } }, 'Cancel');
	const form = h('form', { class: 'form', method: 'dialog' },
		h('h2', { id: 'dialog-title' }, title),
		text && h('p', { class: 'hint' }, text),
		Object.entries(fields).map(([name, field]) => fill(name, field)),
		problem, h('div', { class: 'buttons' }, cancel, go));
	const dialog = h('dialog', { class: 'dialog', 'aria-labelledby': 'dialog-title' }, form);
	return new Promise((resolve) => {
		let result;
		dialog.addEventListener('close', () => resolve(result));
		form.addEventListener('submit', async (event) => {
			event.preventDefault();
			go.disabled = true;
			problem.hidden = true;
			try {
				result = await submit(read(form, fields));
				dialog.close();
			} catch (error) {
				problem.textContent = [error.message, error.hint].filter(Boolean).join('. ');
				problem.hidden = false;
			} finally {
				go.disabled = false;
			}
		});
		show(dialog);
	});
}

// Something to read in front of the page.
export function tell(title, ...content) {
	const dialog = h('dialog', { class: 'dialog', 'aria-labelledby': 'dialog-title' },
		h('form', { class: 'form', method: 'dialog' }, h('h2', { id: 'dialog-title' }, title), content,
			h('div', { class: 'buttons' }, h('button', { class: 'primary' }, 'Close'))));
	show(dialog);
}
