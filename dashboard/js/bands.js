// The four severity bands.  Each has a shape as well as a colour, so that no
// reader depends on hue: the same shapes in charts, tables and legends.

import { h, svg } from './dom.js';

export const BANDS = [
	{ name: 'critical', label: 'Critical', from: 75, symbol: 'diamond', path: 'M6 0 12 6 6 12 0 6Z' },
	{ name: 'major', label: 'Major', from: 50, symbol: 'triangle', path: 'M6 1 12 11.5 0 11.5Z' },
	{ name: 'minor', label: 'Minor', from: 25, symbol: 'circle', path: 'M6 1a5 5 0 1 1 0 10a5 5 0 1 1 0-10Z' },
	{ name: 'warning', label: 'Warning', from: 0, symbol: 'emptyCircle', path: 'M6 2a4 4 0 1 1 0 8a4 4 0 1 1 0-8Z' },
];

export function bandOf(severity) {
	return BANDS.find((band) => severity >= band.from) ?? BANDS.at(-1);
}

export function bandNamed(name) {
	return BANDS.find((band) => band.name === name);
}

// The band's shape as a small picture; the word beside it is what is read out.
export function mark(band) {
	return svg('svg', { class: `mark mark-${band.name}`, viewBox: '0 0 12 12', 'aria-hidden': 'true' },
		svg('path', { d: band.path }));
}

// What the shapes and colours of a chart mean.
export const legend = () => h('ul', { class: 'legend', 'aria-label': 'Severity' }, BANDS.map((band) => h('li', {}, mark(band), band.label)));
