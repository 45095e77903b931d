// What was decided about an alert, by whom, in order; and the alerts like it.

import { bandNamed, mark } from '../bands.js';
import { h } from '../dom.js';
import { moment, severity, threat as words } from '../format.js';
import { stateLink } from '../table.js';
import { stateWord } from '../triage.js';

export function history(entries, ctx) {
	if (!entries.length) return h('p', { class: 'hint' }, 'Nobody has decided about it yet.');
	return h('ol', { class: 'history' }, entries.map((entry) => h('li', {},
		h('p', {}, h('strong', {}, deed(entry)), ` by ${entry.who}`, h('span', { class: 'time' }, moment(Date.parse(entry.at), ctx.zone, true))),
		entry.note && h('p', { class: 'said' }, entry.note))));
}

function deed({ action, resolution, assignee, state }) {
	switch (action) {
		case 'close': return `Closed, ${words(resolution).toLowerCase()}`;
		case 'assign': return assignee ? `Assigned to ${assignee}` : 'Assigned to nobody';
		case 'undo': return `Taken back: ${state}`;
		case 'recur': return 'Open again, seen again';
		case 'escalate': return 'Open again, worse';
		case 'acknowledge': return 'Acknowledged';
		case 'reopen': return 'Reopened';
		default: return words(action);
	}
}

export function similar(alerts, alert, ctx) {
	if (!alerts.length) return h('p', { class: 'hint' }, 'No other alert has its source or its threat.');
	return h('ul', { class: 'similar' }, alerts.map((other) => h('li', {},
		mark(bandNamed(other.band)), h('span', { class: 'score' }, severity(other.severity), h('span', { class: 'sr-only' }, ` ${other.band}`)),
		stateLink({ alert: String(other.id) }, ctx, { class: 'line' }, other.title),
		h('span', { class: 'hint' }, [other.source === alert.source ? 'same source' : other.source, stateWord(other).toLowerCase(),
			moment(Date.parse(other.last_seen), ctx.zone)].join(' · ')))));
}
