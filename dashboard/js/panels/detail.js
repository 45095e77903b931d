// One alert beside the page: what it is, why it is one, what to do, what was
// done, and what is like it.

import { bandNamed, mark } from '../bands.js';
import { ApiError, get } from '../api.js';
import { h } from '../dom.js';
import { count, duration, moment, percent, severity, threat as threatLabel } from '../format.js';
import { suppressLike } from '../suppress.js';
import { stateLink } from '../table.js';
import { decide, fits, stateWord, wordOf } from '../triage.js';
import { history, similar } from './history.js';
import { why } from './why.js';

const LIKE_IT = 5;

// The alert, with its history and those like it.
export async function loadAlert(id, signal) {
	const [rows, entries] = await Promise.all([
		get('alerts', { id: `eq.${id}` }, signal),
		get('history', { alert_id: `eq.${id}`, order: 'id' }, signal),
	]);
	if (!rows.length) throw new ApiError(`there is no alert ${id}`, 'It may have been dropped with its data.', 404);
	const [alert] = rows;
	const others = await get('alerts', {
		select: 'id,title,source,severity,band,state,resolution,last_seen', id: `neq.${id}`,
		or: `(source.eq."${alert.source}",threat.eq."${String(alert.threat).replace(/["\\]/g, '\\$&')}")`, order: 'last_seen.desc,id.desc', limit: LIKE_IT,
	}, signal);
	return { ...alert, entries, others };
}

export function drawAlert(alert, ctx) {
	return [
		heading(alert),
		ctx.may('triage') ? actions(alert, ctx) : null,
		facts(alert, ctx),
		section('Why', why(alert)),
		alert.indicators?.length
			? section('Indicators', h('ul', {}, alert.indicators.map((name) => h('li', {}, threatLabel(name))))) : null,
		section(`Targets (${count(alert.target_count)})`, targets(alert)),
		alert.playbook?.length
			? section('What to do', h('ol', { class: 'steps' }, alert.playbook.map((text) => h('li', {}, text)))) : null,
		section('What was done', history(alert.entries, ctx)),
		section('Alerts like it', similar(alert.others, alert, ctx)),
	].filter(Boolean);
}

function section(title, ...content) {
	return h('section', {}, h('h3', {}, title), content);
}

function heading(alert) {
	const band = bandNamed(alert.band);
	return h('div', { class: 'detail-head' },
		h('p', { class: 'detail-band' }, mark(band), h('strong', {}, `${band.label} ${severity(alert.severity)}`),
			h('span', {}, `${alert.risk} risk`), h('span', {}, `${percent(alert.confidence)} confidence`)),
		h('h2', { id: 'detail-title', tabindex: '-1' }, alert.title),
		h('p', { class: 'detail-state' }, h('span', { class: `state state-${alert.state}` }, stateWord(alert)),
			alert.assignee && h('span', { class: 'hint' }, `with ${alert.assignee}`)));
}

function actions(alert, ctx) {
	const button = (text, id, run) => h('button', { type: 'button', id: `do-${id}`, on: { click: run } }, text);
	return h('div', { class: 'actions', role: 'group', 'aria-label': 'Decide about the alert' },
		['acknowledge', 'close', 'reopen', 'assign', 'note'].filter((name) => fits(name, [alert]))
			.map((name) => button(wordOf(name), name, () => decide(name, [alert], ctx))),
		ctx.may('suppress') ? button('Suppress like this…', 'suppress', () => suppressLike(alert, ctx)) : null);
}

function facts(alert, ctx) {
	const from = Date.parse(alert.first_seen);
	const to = Date.parse(alert.last_seen);
	const fact = (name, ...value) => [h('dt', {}, name), h('dd', {}, ...value)];
	return h('dl', { class: 'facts' },
		fact('Source', stateLink({ host: alert.source }, ctx, { title: `Only ${alert.source}` }, alert.source)),
		fact('Threat', threatLabel(alert.threat)),
		fact('First seen', moment(from, ctx.zone, true)),
		fact('Last seen', moment(to, ctx.zone, true)),
		fact('Lasted', duration(to - from)),
		fact('Flows', count(alert.flow_count)),
		fact('Detections', count(alert.detection_count)),
		h('dt', { class: 'sr-only' }, 'Look closer'),
		h('dd', { class: 'wide buttons' }, [['Show this source and time', null, String(alert.id)], ['Open the host', 'host', null]].map(([text, page, open]) =>
			stateLink({ page, host: alert.source, threat: null, range: null, t0: from, t1: to + 1, alert: open }, ctx, { class: 'button' }, text))));
}

function targets(alert) {
	const more = alert.target_count - alert.targets.length;
	return [
		h('ul', { class: 'chips' }, alert.targets.map((address) => h('li', {}, address)),
			more > 0 ? h('li', { class: 'more' }, `and ${count(more)} more`) : null),
		alert.ports?.length ? h('p', { class: 'hint' }, `Ports: ${alert.ports.join(', ')}${alert.ports.length === 20 ? ', …' : ''}`) : null,
	];
}
