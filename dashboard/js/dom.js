// Elements without innerHTML: text stays text, whatever a packet carried.

const SVG = 'http://www.w3.org/2000/svg';

// h('button', { class: 'x', on: { click } }, 'text', node, …): props are
// attributes, except `on` (listeners) and boolean values (present or absent).
export function h(tag, props = {}, ...children) {
	return fill(document.createElement(tag), props, children);
}

export function svg(tag, props = {}, ...children) {
	return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(element, props, children) {
	for (const [name, value] of Object.entries(props)) {
		if (name === 'on') {
			for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
		} else if (value === true) {
			element.setAttribute(name, '');
		} else if (value !== false && value !== null && value !== undefined) {
			element.setAttribute(name, value);
		}
	}
	element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false).map(visible));
	return element;
}

// Characters that turn the direction of text around, or show as nothing, let a
// name look like another one: they are shown as what they are, unreadable.
function visible(child) {
	return typeof child === 'string' ? child.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, '\ufffd') : child;
}

// Replaces an element's content under the reader's hands: the focus stays on
// what has the same id or address, scrolled boxes stay where they were.
export function replaceKeeping(element, ...nodes) {
	const active = element.contains(document.activeElement) ? document.activeElement : null;
	const places = [...element.querySelectorAll('.scroll')].map((box) => [box.scrollLeft, box.scrollTop]);
	element.replaceChildren(...nodes);
	element.querySelectorAll('.scroll').forEach((box, i) => places[i] && box.scrollTo(...places[i]));
	if (active) focusAgain(active, element);
}

// The focus to what has the id or address of an element that was replaced.
export function focusAgain(active, within = document) {
	const href = active.getAttribute('href');
	const again = active.id ? `#${CSS.escape(active.id)}` : href && `[href="${CSS.escape(href)}"]`;
	if (again) within.querySelector(again)?.focus({ preventScroll: true });
}
