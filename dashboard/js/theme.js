// Light, dark, or what the system says; and the stylesheet's colours as the
// charts need them.

import { BANDS } from './bands.js';

const SERIES = ['series1', 'series2', 'series3', 'series4', 'series5'];
const system = matchMedia('(prefers-color-scheme: dark)');

export function applyTheme(choice) {
	document.documentElement.dataset.theme = choice ?? (system.matches ? 'dark' : 'light');
}

export function onSystemTheme(listener) {
	system.addEventListener('change', listener);
}

// Canvas cannot read custom properties: a probe lets the browser resolve them.
export function palette() {
	const probe = document.createElement('span');
	document.body.append(probe);
	const read = (name) => {
		probe.style.color = `var(--${name})`;
		return getComputedStyle(probe).color;
	};
	const names = ['text', 'muted', 'line', 'grid', 'panel', 'accent', 'accent-soft', 'normal', ...SERIES];
	const colours = Object.fromEntries([...names, ...BANDS.map((b) => b.name)].map((n) => [n, read(n)]));
	colours.font = getComputedStyle(document.body).fontFamily;
	probe.remove();
	return colours;
}
