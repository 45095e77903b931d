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
	element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
	return element;
}
