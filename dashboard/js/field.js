// Fields of a form.  A field is
//   label, hint
//   kind       'text' (default), 'password', 'number', 'datetime-local', 'lines' (several), 'select', 'checkbox'
//   value      what it holds at first
//   options    of a select: [[value, word], …]
//   required, min, max, step, maxlength, pattern, autocomplete, autofocus: as in HTML

import { h } from './dom.js';

const PASSED = ['required', 'min', 'max', 'step', 'maxlength', 'pattern', 'autocomplete', 'autofocus'];

export function fill(name, field) {
	const kind = field.kind ?? 'text';
	const id = `field-${name}`;
	const props = { id, name, 'aria-describedby': field.hint ? `${id}-hint` : null,
		...Object.fromEntries(PASSED.map((key) => [key, field[key]])) };
	const hint = field.hint && h('small', { id: `${id}-hint`, class: 'hint' }, field.hint);
	return h('div', { class: `field field-${kind}` },
		h('label', { for: id }, field.label), control(kind, props, field), hint);
}

function control(kind, props, field) {
	if (kind === 'select') {
		return h('select', props, field.options.map(([value, text]) =>
			h('option', { value, selected: value === field.value }, text)));
	}
	if (kind === 'lines') return h('textarea', { rows: 3, ...props }, field.value ?? '');
	if (kind === 'checkbox') return h('input', { type: kind, ...props, checked: Boolean(field.value) });
	return h('input', { type: kind, ...props, value: field.value ?? null });
}

// What the fields hold: text, null where nothing is, numbers and truth as such.
export function read(form, fields) {
	return Object.fromEntries(Object.entries(fields).map(([name, { kind }]) => {
		const element = form.elements[name];
		if (kind === 'checkbox') return [name, element.checked];
		const text = kind === 'password' ? element.value : element.value.trim();
		if (text === '') return [name, null];
		return [name, kind === 'number' ? Number(text) : text];
	}));
}
