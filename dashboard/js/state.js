// What the page shows lives in the URL and nowhere else, so that a link, a
// reload and the back button all bring the same picture.

import { BANDS } from './bands.js';
import { PAGES } from './pages.js';
import { PRESETS } from './range.js';
import { digits, oneOf, word } from './readers.js';

const instant = (text) => (Number.isNaN(Date.parse(text)) ? null : Date.parse(text));

// key → how its text is read; text that makes no sense counts as absent
const SHARED = {
	page: oneOf(...PAGES.slice(1).map((page) => page.name)),	// absent: the first
	range: oneOf(...PRESETS.map((p) => p.name)),
	t0: instant,
	t1: instant,
	host: (text) => (/^[0-9a-f.:]{2,45}(\/\d{1,3})?$/i.test(text) ? text : null),
	threat: word,
	band: oneOf(...BANDS.map((b) => b.name)),
	alert: digits,
	theme: oneOf('light', 'dark'),
	tz: oneOf('local'),
};
const KEYS = PAGES.reduce((keys, page) => ({ ...keys, ...page.keys }), SHARED);
const OWN = Object.keys(KEYS).filter((key) => !(key in SHARED));

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

// A state after a change.  Another page drops what belongs to the one before,
// and the alert that lay open.
export function changed(state, patch) {
	return parse(format(merged(state, patch)));
}

function merged(state, patch) {
	const leaves = patch.page !== undefined && patch.page !== state.page;
	const dropped = leaves ? Object.fromEntries([...OWN, 'alert'].map((key) => [key, null])) : {};
	return { ...state, ...dropped, ...patch };
}

// The store: `get`, `set` (a new history entry), `link` (the address a change
// would lead to) and one listener that is told which keys changed.
export function makeState(onChange) {
	let current = parse(location.search);

	function apply(next) {
		const keys = Object.keys(KEYS).filter((key) => next[key] !== current[key]);
		current = next;
		if (keys.length) onChange(keys);
	}
	addEventListener('popstate', () => apply(parse(location.search)));

	const address = (state) => location.pathname + format(state);
	return {
		get: () => current,
		set(patch) {
			const next = changed(current, patch);
			if (format(next) === format(current)) return;
			history.pushState(null, '', address(next));
			apply(next);
		},
		link: (patch) => address(merged(current, patch)),	// hundreds a table: read when it is followed
	};
}
