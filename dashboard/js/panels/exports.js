// Files to take along: findings of the range as CSV, made-up rows to try things on.

import { call, get, scope } from '../api.js';
import { everyPage, save, toCsv } from '../csv.js';
import { h } from '../dom.js';
import { count } from '../format.js';
import { toast } from '../toast.js';

const PAGE = 1000;
const PROFILES = [['connection', 'Connections of hosts'], ['basic', 'Flows, plain'], ['transfer', 'TCP transfers'], ['kdd', 'As KDD-99'],
	['minute', 'Traffic a minute'], ['host', 'Counters of hosts']];

// Pages by key: a row tells where the next page begins.
const EXPORTS = {
	alerts: {
		label: 'Alerts',
		next: ({ t0, t1 }) => (from) => get('alerts_export', {
			first_seen: `lt.${t1}`, last_seen: `gte.${t0}`, id: from && `gt.${from.id}`, order: 'id', limit: PAGE }),
	},
	detections: {
		label: 'Detections',
		next: ({ t0, t1 }) => (from) => get('detections_export', {
			and: `(start_time.gte."${from?.start_time ?? t0}",start_time.lt."${t1}")`,
			or: from && `(start_time.gt."${from.start_time}",id.gt.${from.id})`, order: 'start_time,id', limit: PAGE }),
	},
};

export const exports = {
	title: 'Files',
	note: 'CSV that spreadsheets take for text, not for formulas',
	isEmpty: () => false,
	key: () => '',
	load: async () => [],

	render: (_, ctx) => [
		h('div', { class: 'row-tools start' }, Object.entries(EXPORTS).map(([name, { label }]) =>
			h('button', { type: 'button', id: `export-${name}`, on: { click: (event) => exportAll(name, event.currentTarget, ctx) } }, `${label} of this range`))),
		h('p', { class: 'hint' }, 'Single flows are on the pages Explore and Host.'),
		ctx.may('sample') ? sampler() : null,
	].filter(Boolean),
};

async function exportAll(name, button, ctx) {
	const { label, next } = EXPORTS[name];
	const word = button.textContent;
	button.disabled = true;
	try {
		const { rows, cut } = await everyPage(next(scope(ctx.range, {})), PAGE, (n) => { button.textContent = `${count(n)} rows …`; });
		if (rows.length) save(`${name}.csv`, toCsv(Object.keys(rows[0]), rows));
		toast(rows.length ? `${count(rows.length)} rows saved${cut ? ': the first ones; narrow the range for the others' : ''}.` : `No ${label.toLowerCase()} in this range.`);
	} catch (error) {
		toast(`Not saved: ${error.message}`);
	} finally {
		button.disabled = false;
		button.textContent = word;
	}
}

function sampler() {
	const submit = async (event) => {
		event.preventDefault();
		const { profile, rows, seed } = event.target.elements;
		try {
			const answer = await call('sample', { profile: profile.value, n: Number(rows.value), seed: Number(seed.value) });
			save(`sample-${profile.value}.csv`, toCsv(Object.keys(answer[0]), answer));
		} catch (error) {
			toast(`Not made: ${error.message}`);
		}
	};
	const number = (name, label, value, extra) => h('div', { class: 'field' }, h('label', { for: `sample-${name}` }, label),
		h('input', { id: `sample-${name}`, name, type: 'number', value, required: true, min: 1, ...extra }));
	return h('form', { class: 'form sampler', on: { submit } },
		h('h3', {}, 'Sample data: made-up labelled rows'),
		h('div', { class: 'field' }, h('label', { for: 'sample-profile' }, 'Of'),
			h('select', { id: 'sample-profile', name: 'profile' }, PROFILES.map(([value, text]) => h('option', { value }, text)))),
		number('rows', 'Rows', 1000, { max: 5000 }), number('seed', 'Seed', 42, { min: 0 }),
		h('div', { class: 'buttons' }, h('button', { type: 'submit', id: 'sample-go' }, 'Make and save')));
}
