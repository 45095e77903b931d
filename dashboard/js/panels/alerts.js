// The alerts whose time overlaps the range, worst first.  A row opens the
// alert beside the table.

import { BANDS, bandNamed, mark } from '../bands.js';
import { get } from '../api.js';
import { h } from '../dom.js';
import { count, duration, moment, threat as threatLabel } from '../format.js';
import { recordTable, stateLink } from '../table.js';
import { bandCell } from './common.js';

const PAGE = 200;
export const ALERT_COLUMNS = ['id', 'source', 'threat', 'title', 'severity', 'band', 'risk', 'first_seen', 'last_seen', 'flow_count',
	'target_count', 'state', 'resolution', 'assignee'].join();

// alerts whose time overlaps the range, with the filters in force
export const alertFilters = ({ range, state }) => ({
	first_seen: `lt.${new Date(range.t1).toISOString()}`,
	last_seen: `gte.${new Date(range.t0).toISOString()}`,
	source: state.host && `eq.${state.host}`,
	threat: state.threat && `eq.${state.threat}`,
	band: state.band && `eq.${state.band}`,
});

export const alerts = {
	title: 'Alerts',
	emptyText: 'No alerts in this range.',
	isEmpty: () => false,	// the band filter above the table must stay at hand
	key: ({ range, state }) => [range.t0, range.t1, state.host, state.threat, state.band].join('|'),

	load: (query, signal) => get('alerts', {
		select: ALERT_COLUMNS, ...alertFilters(query), order: 'severity.desc,last_seen.desc,id', limit: PAGE + 1,
	}, signal),

	render(rows, ctx) {
		return [
			bandFilter(ctx),
			alertTable(rows.slice(0, PAGE), ctx),
			rows.length > PAGE
				? h('p', { class: 'nothing' }, `The ${PAGE} most severe are shown: narrow the range to see the others.`) : null,
		].filter(Boolean);
	},
};

export function alertTable(rows, ctx) {
	if (!rows.length) return h('p', { class: 'nothing' }, alerts.emptyText);
	return h('div', { class: 'scroll' }, recordTable('Alerts, worst first', HEAD, rows.map((row) => record(row, ctx))));
}

export function bandFilter(ctx) {
	const choice = (name, label, shape) => stateLink({ band: name }, ctx,
		{ class: 'choice', 'aria-current': ctx.state.band === name ? 'true' : null }, shape, label);
	return h('nav', { class: 'choices', 'aria-label': 'Alerts by band' },
		choice(null, 'All bands', null), BANDS.map((band) => choice(band.name, band.label, mark(band))));
}

const HEAD = [
	{ label: 'Severity', kind: 'severity' }, { label: 'Alert', kind: 'lead' }, { label: 'Threat', kind: 'more' },
	{ label: 'Source' }, { label: 'Targets', kind: 'numeric more' }, { label: 'Flows', kind: 'numeric' },
	{ label: 'First seen', kind: 'time' }, { label: 'Last seen', kind: 'time' }, { label: 'Lasted', kind: 'numeric more' },
];

// The whole row opens the alert; the title is the link that keyboards reach.
function record(row, ctx) {
	const from = Date.parse(row.first_seen);
	const to = Date.parse(row.last_seen);
	const patch = { alert: String(row.id) };
	return {
		props: {
			'data-alert': row.id, 'aria-current': patch.alert === ctx.state.alert ? 'true' : null,
			on: { click: (event) => event.target.closest('a') || ctx.go(patch) },
		},
		cells: [
			bandCell(bandNamed(row.band), row.severity),
			stateLink(patch, ctx, {}, row.title),
			threatLabel(row.threat),
			stateLink({ host: row.source }, ctx, { title: `Only ${row.source}` }, row.source),
			count(row.target_count),
			count(row.flow_count),
			moment(from, ctx.zone),
			moment(to, ctx.zone),
			duration(to - from),
		],
	};
}
