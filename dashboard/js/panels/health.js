// What needs a look, and the figures of a store that is fed, judged and not full.

import { BANDS, mark } from '../bands.js';
import { get } from '../api.js';
import { h, svg } from '../dom.js';
import { bytes, compact, count, duration, interval, moment, some, threat as words } from '../format.js';

const MINUTE = 60000;

export const alarms = {
	title: 'What needs a look',
	isEmpty: () => false,
	key: () => '',
	every: MINUTE,

	load: (_, signal) => get('alarms', { order: 'since.desc.nullslast,alarm,subject' }, signal),

	render: (rows, ctx) => (rows.length ? h('ul', { class: 'alarms' }, rows.map((row) => h('li', { 'data-alarm': row.alarm },
		mark(BANDS[1]),
		h('strong', {}, [words(row.alarm), row.subject].filter(Boolean).join(': ')),
		h('span', { class: 'said-plain' }, row.message),
		row.since && h('span', { class: 'time' }, `since ${moment(Date.parse(row.since), ctx.zone)}`))))
		: h('p', { class: 'well' }, tick(), 'Nothing: no failure, no loss and no shortage is known.')),
};

const tick = () => svg('svg', { class: 'tick', viewBox: '0 0 16 16', 'aria-hidden': 'true' }, svg('path', { d: 'M3 8.5 6.5 12 13 4.5' }));

// label, the alarms that are about it, and text: [value, line below] of a health row
const TILES = [
	{ name: 'feed', label: 'Last flows', alarms: ['missing_data'], text: (row, zone) => {
		const last = row.last_arrival ?? row.arrived_at;
		if (!last) return ['none yet', 'nothing has been loaded'];
		return [`${duration(Date.parse(row.at) - Date.parse(last))} ago`, `${row.live ? 'live' : 'not live'}, ${moment(Date.parse(last), zone)}`];
	} },
	{ name: 'lag', label: 'Behind', alarms: [], text: (row) => [
		row.lag === null ? '–' : duration(interval(row.lag)), 'from a flow\'s start to its arrival, the newest'] },
	{ name: 'drops', label: 'Packets lost', alarms: ['packets_dropped', 'load_failed'], text: (row) => [
		compact(row.drops ?? 0), `of ${compact(Number(row.packets ?? 0) + Number(row.drops ?? 0))} in a day; ${some(row.rejected ?? 0, 'line')} set aside, ${some(row.failed_captures, 'file')} failed`] },
	{ name: 'detection', label: 'Last detection', alarms: ['rules_failed', 'watch_failed'], text: (row, zone) => [
		row.last_detection ? moment(Date.parse(row.last_detection), zone) : 'none yet', `${some(row.detections, 'detection')}; ${some(row.watches, 'model')} on guard`] },
	{ name: 'chunks', label: 'Partitions', alarms: ['chunk_due'], text: (row, zone) => [
		count(row.chunks), row.chunks_until ? `until ${moment(Date.parse(row.chunks_until), zone)}, ${row.coming_chunks} to come` : 'none'] },
	{ name: 'disk', label: 'On disk', alarms: [], text: (row) => [
		bytes(row.bytes), row.bytes_per_day === null ? 'growth not known yet' : `${bytes(row.bytes_per_day)} more a day`] },
	{ name: 'full', label: 'Days to full', alarms: ['disk_filling'], text: (row) => [
		row.days_to_full === null ? '–' : compact(Math.floor(row.days_to_full)),
		row.capacity === null ? row.disk_forecast : `${row.disk_forecast}; ${bytes(row.capacity)} at most`] },
	{ name: 'retrained', label: 'Last retraining', alarms: ['retraining_failed', 'stale_model'], text: (row, zone) => [
		row.retrained_at ? moment(Date.parse(row.retrained_at), zone) : 'never',
		row.retrained_at ? `${row.retrained_model}: ${row.retrained_verdict ?? (row.retrained_activated ? 'took over' : 'kept the old one')}` : 'of a model on guard'] },
];

export const health = {
	title: 'Health',
	emptyText: 'The store says nothing of its health.',
	isEmpty: ({ row }) => !row,
	key: () => '',
	every: MINUTE,

	async load(_, signal) {
		const [[row], bad] = await Promise.all([get('health', {}, signal), get('alarms', { select: 'alarm' }, signal)]);
		return { row, bad: new Set(bad.map(({ alarm }) => alarm)) };
	},

	render: ({ row, bad }, ctx) => TILES.map(({ name, label, alarms: about, text }) => {
		const [value, line] = text(row, ctx.zone);
		const look = about.some((alarm) => bad.has(alarm));
		return h('div', { class: look ? 'tile look' : 'tile', 'data-health': name },
			h('h3', {}, label, look && [mark(BANDS[1]), h('span', { class: 'look-word' }, 'needs a look')]),
			h('p', { class: 'tile-value tile-words' }, value),
			h('p', { class: 'tile-line' }, line));
	}),
};
