// Why an alert is one: the features that set it apart, each with its share of
// the score and its value against the one expected.

import { h, svg } from '../dom.js';
import { featureWord } from '../features.js';
import { featureValue, oneIn, percent } from '../format.js';

export function why(alert) {
	return [reasons(alert), evidence(alert)];
}

function reasons(alert) {
	if (!alert.reasons?.length) return h('p', { class: 'hint' }, 'No reasons were recorded.');
	return h('table', { class: 'data reasons', role: 'table' },
		h('caption', { class: 'sr-only' }, 'Features that set it apart'),
		h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, ['Feature', 'Share', 'Value', 'Expected', 'Apart'].map((text) => h('th', { scope: 'col', role: 'columnheader' }, text)))),
		h('tbody', { role: 'rowgroup' }, alert.reasons.map((reason) => h('tr', { role: 'row' },
			h('th', { scope: 'row', role: 'rowheader', title: reason.feature }, featureWord(reason.feature).split(/(?<=_)/).flatMap((part) => [part, h('wbr')])),
			h('td', { class: 'share', role: 'cell' }, bar(reason.share), percent(reason.share)),
			h('td', { role: 'cell' }, featureValue(reason.value)),
			h('td', { role: 'cell' }, featureValue(reason.expected)),
			h('td', { class: 'apart', role: 'cell' }, distance(reason))))));
}

function bar(share) {
	const fill = h('span', { class: 'bar-fill' });
	fill.style.width = `${Math.min(Math.max(share, 0), 1) * 100}%`;
	return h('span', { class: 'bar', 'aria-hidden': 'true' }, fill);
}

// The value (filled) and the expected one (hollow) on a scale of ln(1 + |x|) that
// begins at zero, and in words how many times apart they are.
export function distance({ value, expected }) {
	const [v, e] = [value, expected].map(numberIn);
	if (!Number.isFinite(v) || !Number.isFinite(e)) return '–';
	const top = Math.max(Math.log1p(Math.abs(v)), Math.log1p(Math.abs(e))) || 1;
	const x = (number) => (5 + (70 * Math.log1p(Math.abs(number))) / top).toFixed(1);
	return [
		svg('svg', { class: 'scale', viewBox: '0 0 80 12', 'aria-hidden': 'true' },
			svg('path', { class: 'scale-line', d: 'M5 6H75' }),
			svg('path', { class: 'scale-gap', d: `M${x(e)} 6H${x(v)}` }),
			svg('circle', { class: 'scale-expected', cx: x(e), cy: 6, r: 3.5 }),
			svg('circle', { class: 'scale-value', cx: x(v), cy: 6, r: 4 })),
		h('span', { class: 'times' }, times(v, e)),
	];
}

// also of a rule's limit, "< 30", and of a model's usual value, "4 (2 to 6)"
function numberIn(text) {
	const [, digits] = /^\s*(?:[<>]=?|=)?\s*([^\s(]+)\s*(?:\(.*\))?\s*$/.exec(text ?? '') ?? [null, NaN];
	return Number(digits);
}

function times(value, expected) {
	if (value === expected) return 'the same';
	if (value * expected <= 0) return value > expected ? 'above' : 'below';
	const ratio = Math.abs(value / expected);
	const shown = (r) => `×${r < 10 ? r.toFixed(1) : Math.round(r).toLocaleString('en-US')}`;
	return ratio >= 1 ? shown(ratio) : `${shown(1 / ratio)} less`;
}

function evidence(alert) {
	if (alert.score === null || alert.p_value === null) {
		return h('p', { class: 'hint' }, 'Found by a threat rule: what is expected is the limit of the rule.');
	}
	return h('p', { class: 'hint' }, `Score ${alert.score.toFixed(3)}: ${oneIn(alert.p_value)} normal flows score as high. `,
		alert.model ? `Model ${alert.model}, version ${alert.model_version}.` : '');
}
