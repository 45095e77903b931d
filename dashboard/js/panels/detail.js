// One alert beside the page: what it is, why it is one, and what to do.

import { bandNamed, mark } from '../bands.js';
import { ApiError, get } from '../api.js';
import { h } from '../dom.js';
import { count, duration, featureValue, moment, oneIn, percent, severity, threat as threatLabel } from '../format.js';
import { stateLink } from '../table.js';

export async function loadAlert(id, signal) {
	const rows = await get('alerts', { id: `eq.${id}` }, signal);
	if (!rows.length) throw new ApiError(`there is no alert ${id}`, 'It may have been dropped with its data.', 404);
	return rows[0];
}

export function drawAlert(alert, ctx) {
	return [
		heading(alert),
		facts(alert, ctx),
		section('Why', reasons(alert), evidence(alert)),
		alert.indicators?.length
			? section('Indicators', h('ul', {}, alert.indicators.map((name) => h('li', {}, threatLabel(name))))) : null,
		section(`Targets (${count(alert.target_count)})`, targets(alert)),
		alert.playbook?.length
			? section('What to do', h('ol', { class: 'steps' }, alert.playbook.map((text) => h('li', {}, text)))) : null,
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
		h('h2', { id: 'detail-title', tabindex: '-1' }, alert.title));
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
		fact('State', alert.state),
		h('dt', { class: 'sr-only' }, 'Look closer'),
		h('dd', { class: 'wide' }, stateLink({ host: alert.source, threat: null, range: null, t0: from, t1: to + 1 }, ctx,
			{ class: 'button' }, 'Show this source and time')));
}

// Which features set the worst flow apart: the share of each in its score.
function reasons(alert) {
	if (!alert.reasons?.length) return h('p', { class: 'hint' }, 'No reasons were recorded.');
	return h('table', { class: 'data reasons' },
		h('caption', { class: 'sr-only' }, 'Features that set the worst flow apart'),
		h('thead', {}, h('tr', {}, ['Feature', 'Share', 'Value', 'Expected'].map((text) => h('th', { scope: 'col' }, text)))),
		h('tbody', {}, alert.reasons.map((reason) => h('tr', {},
			h('th', { scope: 'row' }, reason.feature),
			h('td', { class: 'share' }, bar(reason.share), percent(reason.share)),
			h('td', {}, featureValue(reason.value)),
			h('td', {}, featureValue(reason.expected))))));
}

function bar(share) {
	const fill = h('span', { class: 'bar-fill' });
	fill.style.width = `${Math.min(Math.max(share, 0), 1) * 100}%`;
	return h('span', { class: 'bar', 'aria-hidden': 'true' }, fill);
}

function evidence(alert) {
	if (alert.score === null || alert.p_value === null) {
		return h('p', { class: 'hint' }, 'Found by a threat rule: what is expected is the limit of the rule.');
	}
	return h('p', { class: 'hint' }, `Score ${alert.score.toFixed(3)}: ${oneIn(alert.p_value)} normal flows score as high. `,
		alert.model ? `Model ${alert.model}, version ${alert.model_version}.` : '');
}

function targets(alert) {
	const more = alert.target_count - alert.targets.length;
	return [
		h('ul', { class: 'chips' }, alert.targets.map((address) => h('li', {}, address)),
			more > 0 ? h('li', { class: 'more' }, `and ${count(more)} more`) : null),
		alert.ports?.length ? h('p', { class: 'hint' }, `Ports: ${alert.ports.join(', ')}${alert.ports.length === 20 ? ', …' : ''}`) : null,
	];
}
