// The bar at the top: what store, what time, live or not, zone and theme; below
// it the pages, and the filters in force, each with a way out.

import { bandNamed, mark } from './bands.js';
import { h, replaceKeeping } from './dom.js';
import { moment, span, threat as threatLabel, zoneName } from './format.js';
import { PAGES, pageNamed } from './pages.js';
import { PRESETS, isHistoric, presetName } from './range.js';
import { stateLink } from './table.js';

const byId = (id) => document.getElementById(id);

export function wireHeader(state, live, session, repaint) {
	const preset = byId('preset');
	preset.append(...PRESETS.map((p) => h('option', { value: p.name }, p.label)),
		h('option', { value: '', hidden: true }, 'Custom range'));
	preset.addEventListener('change', () => state.set({ range: preset.value, t0: null, t1: null }));

	byId('theme').addEventListener('click', () => {
		const order = [null, 'light', 'dark'];
		state.set({ theme: order[(order.indexOf(state.get().theme) + 1) % order.length] });
	});
	byId('zone').addEventListener('click', () => state.set({ tz: state.get().tz ? null : 'local' }));
	byId('live').addEventListener('click', () => {
		live.toggle();
		repaint();
	});
	byId('who').addEventListener('click', () => (session.is.username ? session.show(state.get().tz ?? 'utc') : session.logIn()));
	wireRangeForm(state);
}

// Exact times by hand; the fields read and write the zone on display.
function wireRangeForm(state) {
	const form = byId('range-form');
	byId('range').addEventListener('click', () => {
		form.hidden = !form.hidden;
		byId('range').setAttribute('aria-expanded', String(!form.hidden));
		if (!form.hidden) form.elements.from.focus();
	});
	form.addEventListener('submit', (event) => {
		event.preventDefault();
		const read = (name) => Date.parse(form.elements[name].value + (state.get().tz ? '' : 'Z'));
		const [t0, t1] = [read('from'), read('to')];
		const valid = t0 < t1;
		form.elements.to.setCustomValidity(valid ? '' : 'The end must be after the beginning.');
		if (!form.reportValidity()) return;
		closeRangeForm();
		state.set({ range: null, t0, t1 });
	});
	form.addEventListener('input', () => form.elements.to.setCustomValidity(''));
	form.addEventListener('keydown', (event) => {
		if (event.key !== 'Escape') return;
		event.stopPropagation();
		closeRangeForm();
		byId('range').focus();
	});
}

function closeRangeForm() {
	byId('range-form').hidden = true;
	byId('range').setAttribute('aria-expanded', 'false');
}

export function drawHeader(ctx, live, lost) {
	const { state, status, range, zone } = ctx;
	document.title = `${pageNamed(state.page).title} · ${status.open_alerts} alerts · ${status.store} · pg_anomaly`;
	byId('store').textContent = status.store;
	byId('models').textContent = status.models ?? 'no model on watch';
	byId('preset').value = presetName(state, status) ?? '';
	byId('range').textContent = `${span(range.t0, range.t1, zone)} ${zoneName(zone, range.t0)}`;
	fillRangeForm(range, zone);
	byId('zone').textContent = zone === 'utc' ? 'UTC' : 'Local';
	byId('theme').textContent = { light: 'Light', dark: 'Dark' }[state.theme] ?? 'Auto';
	document.querySelector('.when').hidden = !pageNamed(state.page).ranged;
	drawPages(ctx);
	drawZoom(ctx);
	drawLive(ctx, live, lost);
	drawFilters(ctx);
	drawWho(ctx);
}

// What is wrong with the whole of it, however little is known of the rest.
export function drawTrouble(session, status) {
	const lines = [session.trouble(), status?.watch_error && `Detection is failing: ${status.watch_error}`].filter(Boolean);
	byId('trouble').hidden = lines.length === 0;
	byId('trouble').replaceChildren(...lines.map((line) => h('span', {}, line)));
}

function drawWho({ session }) {
	const { username, has_login: login } = session.is;
	byId('who').hidden = !login && !username;
	byId('who').textContent = username ?? 'Log in';
	byId('who').title = username ? 'Session, and the way out' : 'For analysts and administrators';
}

// Links to the pages; the range and its filters go along.
function drawPages(ctx) {
	const current = pageNamed(ctx.state.page);
	const link = (page) => stateLink({ page: page === PAGES[0] ? null : page.name }, ctx,
		{ 'aria-current': page === current ? 'page' : null }, page.title,
		page.badge ? h('span', { class: 'badge' }, page.badge(ctx)) : null);
	replaceKeeping(byId('pages'), ...PAGES.map(link));
}

function fillRangeForm(range, zone) {
	const shift = (time) => (zone === 'utc' ? 0 : new Date(time).getTimezoneOffset() * 60000);
	for (const [name, time] of [['from', range.t0], ['to', range.t1]]) {
		byId('range-form').elements[name].value = new Date(time - shift(time)).toISOString().slice(0, 16);
	}
	byId('range-zone').textContent = zoneName(zone, range.t0);
}

// The same middle, twice the length.
function drawZoom(ctx) {
	const { t0, t1 } = ctx.range;
	const half = (t1 - t0) / 2;
	byId('zoom').replaceChildren(stateLink({ range: null, t0: t0 - half, t1: t1 + half }, ctx,
		{ class: 'button', title: 'Twice the range' }, 'Zoom out'));
}

function drawLive({ status, zone }, live, lost) {
	const button = byId('live');
	const last = status.last_flow ? moment(Date.parse(status.last_flow), zone) : 'never';
	const mode = lost ? 'lost' : live.paused ? 'paused' : isHistoric(status) ? 'historic' : 'live';
	button.dataset.mode = mode;
	button.querySelector('.live-word').textContent = { lost: 'No answer', paused: 'Paused', historic: 'Watching', live: 'Live' }[mode];
	button.title = lost ? lost.message : `Last flow: ${last}. Looks for new data every 5 seconds; click to ${live.paused ? 'go on' : 'pause'}.`;
	button.setAttribute('aria-pressed', String(!live.paused));
}

function drawFilters(ctx) {
	const { state } = ctx;
	const chip = (key, name, text, shape) => stateLink({ [key]: null }, ctx,
		{ class: 'filter', 'data-filter': key },
		h('span', { class: 'sr-only' }, 'Remove the filter '), h('span', { class: 'filter-name' }, `${name} `), shape, text, h('span', { class: 'cross', 'aria-hidden': 'true' }, '×'));
	const chips = !pageNamed(state.page).ranged ? [] : [
		state.host && chip('host', 'Host', state.host, null),
		state.port && chip('port', 'Flows to port', state.port, null),
		state.threat && chip('threat', 'Threat', threatLabel(state.threat), null),
		state.band && chip('band', 'Alerts', bandNamed(state.band).label, mark(bandNamed(state.band))),
	].filter(Boolean);
	const bar = byId('filters');
	bar.hidden = chips.length === 0;
	bar.replaceChildren(...chips, chips.length > 1
		? stateLink({ host: null, threat: null, band: null }, ctx, { class: 'clear' }, 'Clear all') : '');
}
