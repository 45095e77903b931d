// The inbox: alerts of the range a page at a time, with a cursor (the row whose
// link has the focus) and a selection; what is decided goes for the selection,
// else for the alert that lies open, else for the cursor's.

import { bandNamed } from '../bands.js';
import { get } from '../api.js';
import { h } from '../dom.js';
import { count, moment, threat as threatLabel } from '../format.js';
import { page } from '../keyset.js';
import { suppressLike } from '../suppress.js';
import { recordTable, stateLink } from '../table.js';
import { decide, fits, stateWord, triageKeys, wordOf } from '../triage.js';
import { ALERT_COLUMNS, alertFilters, bandFilter } from './alerts.js';
import { bandCell } from './common.js';

const SHOWN = { open: 'Open', acknowledged: 'Acknowledged', closed: 'Closed', all: 'All' };
const ORDERS = {
	worst: { label: 'Worst first', order: [{ column: 'severity', descending: true }, { column: 'id', descending: true }] },
	newest: { label: 'Newest first', order: [{ column: 'last_seen', descending: true }, { column: 'id', descending: true }] },
};
const picked = new Set();	// ids
let rows = [];
let cursor = 0;	// where the focus is, or was before its row went
let held = false;	// a row has the focus while the table is drawn anew

export const inbox = {
	title: 'Inbox',
	isEmpty: () => false,	// the filters above the table must stay at hand
	key: ({ range, state }) => [range.t0, range.t1, state.host, state.threat, state.band, state.show, state.sort, state.assignee].join('|'),
	pageSize: 50,

	page(query, signal, { size, from }) {
		const { show, sort, assignee } = query.state;
		return page(get, 'alerts', {
			select: ALERT_COLUMNS, ...alertFilters(query),
			state: show === 'all' ? null : `eq.${show ?? 'open'}`,
			assignee: assignee && `eq.${assignee}`,
		}, { order: ORDERS[sort ?? 'worst'].order, size, from }, signal);
	},

	render(loaded, ctx) {
		rows = loaded;
		held = lines().some(hasFocus);
		const there = new Set(rows.map(({ id }) => id));
		for (const id of picked) if (!there.has(id)) picked.delete(id);
		return [filters(ctx), ctx.may('triage') ? bar(ctx) : null, table(ctx)].filter(Boolean);
	},

	// The row with the focus is gone when it was decided about: on to the next.
	drawn() {
		if (held && document.activeElement === document.body) lineAt(cursor)?.focus();
	},
};

function filters(ctx) {
	const { state, session } = ctx;
	const choice = (patch, current, text) => stateLink(patch, ctx, { class: 'choice', 'aria-current': current ? 'true' : null }, text);
	const me = session.is.username;
	return h('div', { class: 'choice-rows' },
		h('nav', { class: 'choices', 'aria-label': 'Alerts by state' }, Object.entries(SHOWN).map(([name, text]) =>
			choice({ show: name === 'open' ? null : name }, (state.show ?? 'open') === name, text)),
		me && choice({ assignee: state.assignee === me ? null : me }, state.assignee === me, 'Mine')),
		bandFilter(ctx),
		h('nav', { class: 'choices', 'aria-label': 'Order' }, Object.entries(ORDERS).map(([name, { label }]) =>
			choice({ sort: name === 'worst' ? null : name }, (state.sort ?? 'worst') === name, label))));
}

// What can be done with the selection.
function bar(ctx) {
	const chosen = rows.filter(({ id }) => picked.has(id));
	const button = (text, run, disabled) => h('button', { type: 'button', disabled, on: { click: run } }, text);
	if (!chosen.length) {
		return h('p', { class: 'bulk hint' }, 'Tick alerts to decide about several at once, or press ', h('kbd', {}, '?'), ' for the keys.');
	}
	return h('div', { class: 'bulk', role: 'group', 'aria-label': 'Decide about the selection' },
		h('strong', { role: 'status' }, `${chosen.length} selected`),
		['acknowledge', 'close', 'assign', 'note', 'reopen'].map((name) =>
			button(wordOf(name), () => decide(name, chosen, ctx), !fits(name, chosen))),
		ctx.may('suppress') && chosen.length === 1 ? button('Suppress…', () => suppressLike(chosen[0], ctx)) : null,
		h('button', { type: 'button', class: 'quiet', on: { click: () => pick(rows, false, ctx) } }, 'Clear'));
}

function pick(alerts, on, ctx) {
	for (const { id } of alerts) {
		if (on) picked.add(id);
		else picked.delete(id);
	}
	ctx.redraw();
}

function table(ctx) {
	if (!rows.length) return h('p', { class: 'nothing' }, 'No alerts here: nothing in this range and with these filters.');
	const tick = (id, label, checked, set) => h('input', { type: 'checkbox', id, 'aria-label': label, checked, on: { change: set } });
	const ticks = ctx.may('triage');
	const all = rows.every(({ id }) => picked.has(id));
	const head = [
		ticks && { label: tick('pick-all', 'Select all that are shown', all, () => pick(rows, !all, ctx)), kind: 'pick' },
		{ label: 'Severity', kind: 'severity' }, { label: 'Alert', kind: 'lead' }, { label: 'State' }, { label: 'Assignee' },
		{ label: 'Source' }, { label: 'Threat', kind: 'more' }, { label: 'Targets', kind: 'numeric more' }, { label: 'Flows', kind: 'numeric more' },
		{ label: 'First seen', kind: 'time more' }, { label: 'Last seen', kind: 'time' },
	].filter(Boolean);
	return h('div', { class: 'scroll' }, recordTable('Alerts', head, rows.map((row, i) => record(row, i, ticks, tick, ctx))));
}

function record(row, i, ticks, tick, ctx) {
	const id = String(row.id);
	const open = () => ctx.go({ alert: id });
	const on = picked.has(row.id);
	return {
		props: {
			'data-alert': id, 'data-state': row.state, 'aria-current': id === ctx.state.alert ? 'true' : null, class: on ? 'picked' : null,
			on: { click: (event) => event.target.closest('a, input') || open(), focusin: () => { cursor = i; } },
		},
		cells: [
			ticks && tick(`pick-${id}`, `Select alert ${id}`, on, () => pick([row], !on, ctx)),
			bandCell(bandNamed(row.band), row.severity),
			stateLink({ alert: id }, ctx, { class: 'line' }, row.title),
			stateWord(row),
			row.assignee ?? '–',
			stateLink({ host: row.source }, ctx, { title: `Only ${row.source}` }, row.source),
			threatLabel(row.threat), count(row.target_count), count(row.flow_count),
			moment(Date.parse(row.first_seen), ctx.zone), moment(Date.parse(row.last_seen), ctx.zone),
		].filter((cell) => cell !== false),
	};
}

// ---- keys

const hasFocus = (line) => line.closest('tr').contains(document.activeElement);
const lines = () => [...document.querySelectorAll('[data-panel="inbox"] .line')];
const lineAt = (i) => lines()[Math.min(i, lines().length - 1)];

function move(step, ctx) {
	if (!rows.length) return false;
	const focused = lines().findIndex(hasFocus);
	const open = rows.findIndex(({ id }) => String(id) === ctx.state.alert);
	const from = open >= 0 ? open : focused;
	const to = from < 0 ? Math.min(cursor, rows.length - 1) : Math.min(Math.max(from + step, 0), rows.length - 1);
	if (ctx.state.alert) ctx.go({ alert: String(rows[to].id) });
	else lineAt(to).focus();
	return undefined;
}

function targets(ctx) {
	const chosen = rows.filter(({ id }) => picked.has(id));
	if (chosen.length) return chosen;
	if (ctx.alert) return [ctx.alert];
	const id = document.activeElement.closest('[data-panel="inbox"] [data-alert]')?.dataset.alert;
	return rows.filter((row) => String(row.id) === id);
}

function toggle(ctx) {
	const id = document.activeElement.closest('[data-alert]')?.dataset.alert ?? ctx.state.alert;
	document.getElementById(`pick-${id}`)?.click();
}

export const inboxKeys = [
	{ key: 'j', text: 'Next alert', run: (ctx) => move(1, ctx) },
	{ key: 'k', text: 'Alert before', run: (ctx) => move(-1, ctx) },
	{ key: 'Enter', text: 'Open it', run: () => false },	// as a link does by itself
	{ key: 'x', text: 'Select it, or not', needs: 'triage', run: toggle },
	...triageKeys(targets),
];
