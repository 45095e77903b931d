// What the page shows lives in the URL and nowhere else, so that a link, a
// reload and the back button all bring the same picture.

import { BANDS } from './bands.js';
import { PRESETS } from './range.js';

const oneOf = (...allowed) => (text) => (allowed.includes(text) ? text : null);
const instant = (text) => (Number.isNaN(Date.parse(text)) ? null : Date.parse(text));

// key → how its text is read; text that makes no sense counts as absent
const KEYS = {
	range: oneOf(...PRESETS.map((p) => p.name)),
	t0: instant,
	t1: instant,
	host: (text) => (/^[0-9a-f.:]{2,45}(\/\d{1,3})?$/i.test(text) ? text : null),
	threat: (text) => (/^[\w .-]{1,63}$/.test(text) ? text : null),
	band: oneOf(...BANDS.map((b) => b.name)),
	metric: oneOf('packets', 'bytes'),
	alert: (text) => (/^\d{1,19}$/.test(text) ? text : null),
	theme: oneOf('light', 'dark'),
	tz: oneOf('local'),
};

export function parse(search) {
	const params = new URLSearchParams(search);
	const state = {};
	for (const [key, read] of Object.entries(KEYS)) {
		state[key] = params.has(key) ? read(params.get(key)) : null;
	}
	if (state.t0 === null || state.t1 === null || state.t0 >= state.t1) state.t0 = state.t1 = null;
	return state;
}

export function format(state) {
	const params = [];
	for (const key of Object.keys(KEYS)) {
		const value = state[key];
		if (value === null || value === undefined) continue;
		const text = key === 't0' || key === 't1' ? new Date(value).toISOString().replace('.000Z', 'Z') : String(value);
		// colons are legal in a query and make times and addresses readable
		params.push(`${key}=${encodeURIComponent(text).replaceAll('%3A', ':').replaceAll('%2F', '/')}`);
	}
	return params.length ? `?${params.join('&')}` : '';
}

// The store: `get`, `set` (a new history entry), `link` (the address a change
// would lead to) and one listener that is told which keys changed.
export function makeState(onChange) {
	let current = parse(location.search);

	function apply(next) {
		const changed = Object.keys(KEYS).filter((key) => next[key] !== current[key]);
		current = next;
		if (changed.length) onChange(changed);
	}
	addEventListener('popstate', () => apply(parse(location.search)));

	const merged = (patch) => parse(format({ ...current, ...patch }));
	const address = (state) => location.pathname + format(state);
	return {
		get: () => current,
		set(patch) {
			const next = merged(patch);
			if (format(next) === format(current)) return;
			history.pushState(null, '', address(next));
			apply(next);
		},
		link: (patch) => address(merged(patch)),
	};
}
