// Flows from a CSV file: choose it, say what its columns are, send it.  Lines
// that are no flow are set aside with the reason.

import { get } from '../api.js';
import { everyPage, save, toCsv } from '../csv.js';
import { h } from '../dom.js';
import { count } from '../format.js';
import { makeTable } from '../table.js';
import { toast } from '../toast.js';
import { COLUMNS, open, problemOf, send } from '../upload.js';

let draft = null;	// the file at hand: { name, header, columns, … } with busy, done, error

export const upload = {
	title: 'Upload flows',
	note: 'CSV with a header; every field on its line',
	isEmpty: () => false,
	key: () => '',
	load: async () => [],

	render: (_, ctx) => (ctx.may('import_flows') ? [chooser(ctx), ...(draft ? sheet(ctx) : [])]
		: h('p', { class: 'nothing' }, 'Administrators can upload a CSV file here: log in to do so. pcap2pg --csv takes files of any size.')),
};

function chooser(ctx) {
	const input = h('input', { id: 'upload-file', type: 'file', accept: '.csv,.tsv,.txt,text/csv', on: { change: (event) => take(event.target.files[0], ctx) } });
	return h('div', { class: 'field' }, h('label', { for: 'upload-file' }, 'File'), input);
}

async function take(file, ctx) {
	if (!file) return;
	draft = await open(file).catch((error) => ({ name: file.name, error }));
	ctx.redraw();
}

function sheet(ctx) {
	const { error, done, header } = draft;
	return [
		error ? h('p', { class: 'problem', role: 'alert' }, `${draft.name}: ${[error.message, error.hint].filter(Boolean).join('. ')}`) : null,
		header && !done ? mapping(ctx) : null,
		done ? h('p', { class: 'done', role: 'status' }, `${draft.name}: ${count(done.flows)} flows in, ${count(done.rejected)} lines set aside.`) : null,
	].filter(Boolean);
}

function mapping(ctx) {
	const { all, columns, header, preview, busy } = draft;
	const problem = problemOf(columns);
	const choose = (i) => (event) => {
		draft.columns = columns.map((name, k) => (k === i ? event.target.value || null : name));
		ctx.redraw();
	};
	const options = (i) => [...new Set(['', ...COLUMNS, ...(columns[i] ? [columns[i]] : [])])];
	return h('div', { class: 'form' },
		h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Columns of the file' },
			h('table', { class: 'data' },
				h('caption', { class: 'sr-only' }, `Columns of ${draft.name} and its first lines`),
				h('thead', {}, h('tr', {}, ['In the file', 'Is', ...preview.map((_, i) => `Line ${i + 2}`)].map((text) => h('th', { scope: 'col' }, text)))),
				h('tbody', {}, header.map((name, i) => h('tr', {},
					h('th', { scope: 'row' }, name || `column ${i + 1}`),
					h('td', {}, h('select', { id: `column-${i}`, class: 'small', disabled: Boolean(busy), 'aria-label': `What ${name || `column ${i + 1}`} is`, on: { change: choose(i) } },
						options(i).map((value) => h('option', { value, selected: value === (columns[i] ?? '') }, value || 'leave out')))),
					preview.map((line) => h('td', {}, h('span', { class: 'cut' }, line[i] ?? '')))))))),
		h('div', { class: 'row-tools' },
			h('span', { class: 'hint', role: 'status' }, problem ?? busy ?? `${count(all.length - 1)} lines`),
			h('button', { type: 'button', id: 'upload-go', class: 'primary', disabled: Boolean(problem || busy), on: { click: () => go(ctx) } }, 'Import')));
}

async function go(ctx) {
	const file = draft;
	const tell = (busy) => {
		file.busy = busy;
		ctx.redraw();
	};
	file.error = null;
	tell('Importing…');
	try {
		file.done = await send(file, ({ lines }) => tell(`${count(lines)} of ${count(file.all.length - 1)} lines`));
		toast(`${count(file.done.flows)} flows imported, ${count(file.done.rejected)} lines set aside.`);
	} catch (error) {
		file.error = error;
	}
	tell(null);
	ctx.reload();
}

// ---- what was set aside

const PAGE = 1000;
const REJECT_COLUMNS = ['source', 'line', 'reason', 'raw'];

export const rejects = {
	title: 'Lines set aside',
	note: 'Of imported files, the last file first',
	emptyText: 'No line was set aside.',
	isEmpty: (rows) => rows.length === 0,
	key: () => '',

	load: (_, signal) => get('rejects', { order: 'capture_id.desc,line', limit: 200 }, signal),

	render: (rows, ctx) => [
		h('div', { class: 'row-tools' }, h('button', { type: 'button', id: 'rejects-csv', on: { click: () => saveAll(rows[0].capture_id) } }, `Those of ${rows[0].source} as CSV`)),
		h('div', { class: 'scroll findings', tabindex: '0', role: 'region', 'aria-label': 'List of lines set aside' }, makeTable({
			caption: 'Lines set aside',
			columns: [{ label: 'File' }, { label: 'Line', numeric: true }, { label: 'Reason' }, { label: 'Text' }],
			rows: rows.map((row) => [h('span', { class: 'cut' }, row.source), count(row.line), h('span', { class: 'wrap' }, row.reason), h('span', { class: 'cut' }, row.raw)]),
		}, ctx)),
	],
};

async function saveAll(capture) {
	try {
		const { rows } = await everyPage((from) => get('rejects', { capture_id: `eq.${capture}`, line: from && `gt.${from.line}`, order: 'line', limit: PAGE }), PAGE);
		save(`set-aside-${capture}.csv`, toCsv(REJECT_COLUMNS, rows));
	} catch (error) {
		toast(`Not saved: ${error.message}`);
	}
}
