// The range on paper.

import { bandNamed, mark } from '../bands.js';
import { get, scope } from '../api.js';
import { h } from '../dom.js';
import { featureWord } from '../features.js';
import { bytes, change, count, duration, moment, severity, span, threat, zoneName } from '../format.js';
import { makeTable } from '../table.js';
import { bandCell } from './common.js';
import { nameOf } from './top.js';

const FIGURES = { flows: ['Flows', count], bytes: ['Traffic', bytes], packets: ['Packets', count], detections: ['Detections', count], alerts: ['Alerts', count],
	sources: ['Sources detected', count] };

export const report = {
	title: 'Report',
	note: 'This range on paper',
	isEmpty: () => false,
	key: ({ range }) => [range.t0, range.t1].join('|'),

	load({ range }, signal) {
		const { t0, t1 } = scope(range, {});
		return get('rpc/report', { t0, t1 }, signal);
	},

	tools: () => [h('button', { type: 'button', id: 'print', on: { click: () => print() } }, 'Print, or save as PDF')],

	render: (data, ctx) =>
		h('div', { class: 'report' }, head(data, ctx), figures(data, ctx), bands(data), threats(data, ctx), worst(data, ctx), days(data, ctx),
			h('div', { class: 'halves' }, busiest('Top talkers', data.talkers, ctx), busiest('Services', data.services, ctx)), decisions(data, ctx), models(data, ctx)),
};

const section = (title, ...content) => h('section', {}, h('h3', {}, title), content);
const plain = (title, columns, rows, ctx, none) => section(title, rows.length
	? h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title }, makeTable({ caption: title, columns, rows }, ctx))
	: h('p', { class: 'nothing' }, none));
const numeric = (...labels) => labels.map((label) => ({ label, numeric: true }));
const texts = (...labels) => labels.map((label) => ({ label }));

function head({ store, t0, t1, made_at: made }, { zone }) {
	return h('header', {}, h('p', { class: 'report-title' }, `${store}: ${span(Date.parse(t0), Date.parse(t1), zone)} ${zoneName(zone)}`),
		h('p', { class: 'hint' }, `Made ${moment(Date.parse(made), zone)}`));
}

function figures({ numbers }, ctx) {
	return h('dl', { class: 'figures' }, numbers.map(({ name, value, previous }) => {
		const [label, show] = FIGURES[name];
		const delta = change(value, previous);
		return h('div', {}, h('dt', {}, label), h('dd', {}, h('strong', {}, show(value)), ' ',
			delta && h('span', { class: 'hint' }, `${delta.text} against the ${duration(ctx.range.t1 - ctx.range.t0)} before`)));
	}));
}

function bands({ alerts }) {
	const some = (object, word) => Object.entries(object).map(([name, n]) => h('li', {}, word(name), ` ${count(n)}`));
	return section('Alerts by band and state', h('ul', { class: 'chips' },
		some(alerts.by_band, (name) => [mark(bandNamed(name)), ` ${bandNamed(name).label}`]), some(alerts.by_state, threat)));
}

function threats({ threats: rows }, ctx) {
	return plain('Threats', [...texts('Threat'), ...numeric('Alerts', 'Detections', 'Worst')],
		rows.map((row) => [threat(row.threat), count(row.alerts), count(row.detections), severity(row.severity)]), ctx, 'None.');
}

// the features of "feature value, expected …; feature …" by their words
const worded = (reasons) => reasons.replace(/(^|; )(\w+)(?= )/g, (_, before, name) => before + featureWord(name));

function worst({ alerts }, ctx) {
	return plain('Worst alerts', texts('Severity', 'Alert', 'Source', 'State', 'First seen', 'Why'),
		alerts.worst.map((row) => [h('span', { class: 'severity' }, bandCell(bandNamed(row.band), row.severity)), h('span', { class: 'wrap' }, row.title), row.source,
			threat(row.resolution ?? row.state), moment(Date.parse(row.first_seen), ctx.zone), h('span', { class: 'wrap' }, worded(row.reasons ?? '–'))]), ctx, 'None.');
}

function days({ days: rows }, ctx) {
	return plain('Days', [...texts('Day (UTC)'), ...numeric('Flows', 'Traffic', 'Alerts')],
		rows.map((row) => [row.day, count(row.flows), bytes(row.bytes), count(row.alerts)]), ctx, 'No whole day is in this range.');
}

function named({ address = null, protocol = null, port = null }) {
	return address === null && protocol === null ? 'others' : nameOf({ address, protocol, port });
}

function busiest(title, rows, ctx) {
	return plain(title, [...texts('Name'), ...numeric('Flows', 'Failed', 'Payload')],
		rows.map((row) => [named(row), count(row.flows), count(row.failed), bytes(row.bytes)]), ctx, 'None.');
}

function decisions({ decisions: rows }, ctx) {
	return plain('Decisions', [...texts('Who', 'What'), ...numeric('Times')],
		rows.map((row) => [row.who, threat(row.resolution ? `${row.action}, ${row.resolution}` : row.action), count(row.times)]), ctx, 'Nobody decided about an alert.');
}

function models({ watches: rows }, ctx) {
	return plain('Models on guard', [...texts('Model', 'Detector', 'Trained'), ...numeric('On rows')],
		rows.map((row) => [row.model_version === null ? row.model : `${row.model} v${row.model_version}`, row.algorithm ?? '–',
			row.trained_at ? moment(Date.parse(row.trained_at), ctx.zone) : '–', count(row.rows_used)]), ctx, 'No model is on guard.');
}
