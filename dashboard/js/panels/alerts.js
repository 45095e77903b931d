// The alerts whose time overlaps the range, worst first.  A row opens the
// alert beside the table.

import { BANDS, bandNamed, mark } from '../bands.js';
import { get } from '../api.js';
import { h } from '../dom.js';
import { count, duration, moment, severity, threat as threatLabel } from '../format.js';
import { stateLink } from '../table.js';

const PAGE = 200;
const COLUMNS = ['id', 'source', 'threat', 'title', 'severity', 'band', 'risk', 'first_seen', 'last_seen', 'flow_count',
	'target_count'];

export const alerts = {
	title: 'Alerts',
	emptyText: 'No alerts in this range.',
	isEmpty: () => false,	// the band filter above the table must stay at hand
	key: ({ range, state }) => [range.t0, range.t1, state.host, state.threat, state.band].join('|'),

	load: ({ range, state }, signal) => get('alerts', {
		select: COLUMNS.join(),
		first_seen: `lt.${new Date(range.t1).toISOString()}`,
		last_seen: `gte.${new Date(range.t0).toISOString()}`,
		source: state.host && `eq.${state.host}`,
		threat: state.threat && `eq.${state.threat}`,
		band: state.band && `eq.${state.band}`,
		order: 'severity.desc,last_seen.desc,id',
		limit: PAGE + 1,
	}, signal),

	render(rows, ctx) {
		const shown = rows.slice(0, PAGE);
		return [
			bandFilter(ctx),
			shown.length ? h('div', { class: 'scroll' }, list(shown, ctx)) : h('p', { class: 'nothing' }, alerts.emptyText),
			rows.length > PAGE
				? h('p', { class: 'nothing' }, `The ${PAGE} most severe are shown: narrow the range to see the others.`) : null,
		].filter(Boolean);
	},
};

function bandFilter(ctx) {
	const choice = (name, label, shape) => stateLink({ band: name }, ctx,
		{ class: 'choice', 'aria-current': ctx.state.band === name ? 'true' : null }, shape, label);
	return h('nav', { class: 'choices', 'aria-label': 'Alerts by band' },
		choice(null, 'All bands', null), BANDS.map((band) => choice(band.name, band.label, mark(band))));
}

function list(rows, ctx) {
	const head = [['Severity'], ['Alert'], ['Threat'], ['Source'], ['Targets', true], ['Flows', true], ['First seen'],
		['Last seen'], ['Lasted', true]];
	return h('table', { class: 'data alerts', role: 'table' },
		h('caption', { class: 'sr-only' }, 'Alerts, worst first'),
		h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, head.map(([text, numeric]) =>
			h('th', { scope: 'col', role: 'columnheader', class: numeric ? 'numeric' : null }, text)))),
		h('tbody', { role: 'rowgroup' }, rows.map((row) => line(row, ctx))));
}

// The labels repeat the head on narrow screens, where a row becomes a card.
function line(row, ctx) {
	const band = bandNamed(row.band);
	const from = Date.parse(row.first_seen);
	const to = Date.parse(row.last_seen);
	const cell = (name, label, ...content) => h('td', { role: 'cell', class: name, 'data-label': label }, ...content);
	return h('tr', {
		role: 'row', 'data-alert': row.id, 'aria-current': String(row.id) === ctx.state.alert ? 'true' : null,
		on: { click: (event) => event.target.closest('a') || ctx.go({ alert: String(row.id) }) },
	},
	cell('severity', 'Severity', mark(band), h('span', { class: 'score' }, severity(row.severity)), ` ${band.label}`),
	cell('title', 'Alert', stateLink({ alert: String(row.id) }, ctx, {}, row.title)),
	cell('threat', 'Threat', threatLabel(row.threat)),
	cell('source', 'Source', stateLink({ host: row.source }, ctx, { title: `Only ${row.source}` }, row.source)),
	cell('numeric', 'Targets', count(row.target_count)),
	cell('numeric', 'Flows', count(row.flow_count)),
	cell('time', 'First seen', moment(from, ctx.zone)),
	cell('time', 'Last seen', moment(to, ctx.zone)),
	cell('numeric', 'Lasted', duration(to - from)));
}
