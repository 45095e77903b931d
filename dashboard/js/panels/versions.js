// All versions of the store's models, side by side on what was measured; and
// for those who may, which of them scores.

import { call } from '../api.js';
import { ask } from '../dialog.js';
import { h } from '../dom.js';
import { count, metric, moment } from '../format.js';
import { METRICS, choose, chosen, loadVersions, title } from '../models.js';
import { recordTable, stateLink } from '../table.js';
import { toast } from '../toast.js';

export const versions = {
	title: 'Models',
	note: 'All versions; – is what was not measured',
	emptyText: 'No model is on watch here or was trained on this store.',
	isEmpty: (rows) => rows.length === 0,
	key: () => '',
	load: loadVersions,

	tools: (ctx, rows) => tools(rows, ctx),

	render: (rows, ctx) =>
		h('div', { class: 'scroll findings', tabindex: '0', role: 'region', 'aria-label': 'List of versions' },
			recordTable('Versions of the models', HEAD, rows.map((row) => record(row, rows, ctx)))),
};

const HEAD = [
	{ label: 'Version', kind: 'lead short' }, { label: 'State' }, { label: 'Detector' }, ...METRICS.map(({ label }) => ({ label, kind: 'numeric' })),
	{ label: 'Measured on', kind: 'short' }, { label: 'Rows', kind: 'numeric more' }, { label: 'Trained', kind: 'time' },
];

function record(row, rows, ctx) {
	const current = row === chosen(rows, ctx.state);
	return {
		props: { 'data-version': title(row), 'aria-current': current ? 'true' : null, on: { click: (event) => event.target.closest('a') || ctx.go(choose(row)) } },
		cells: [
			stateLink(choose(row), ctx, {}, title(row)),
			row.active ? (row.on_watch ? 'On watch' : 'Active') : '–',
			row.algorithm, ...METRICS.map(({ name }) => metric(row[name])),
			row.measured_on ? `${row.measured_on} (${count(row.rows)})` : '–',
			count(row.rows_used), moment(Date.parse(row.trained_at), ctx.zone),
		],
	};
}

// Buttons for the version that is chosen, of those that would do something.
function tools(rows, ctx) {
	const row = chosen(rows, ctx.state);
	const active = rows.find((r) => r.model === row.model && r.active);
	const button = (id, text, run) => h('button', { type: 'button', id, on: { click: () => run(row, active, ctx) } }, text);
	return [
		ctx.may('activate') && !row.active ? button('activate', `Activate ${title(row)}…`, activate) : null,
		ctx.may('rollback') && row.active && row.parent_version ? button('rollback', `Roll ${row.model} back…`, rollback) : null,
		ctx.may('retrain') ? button('retrain', `Retrain ${row.model}…`, retrain) : null,
	].filter(Boolean);
}

const SCORES = 'From the next batch of flows on, it scores what arrives. What was found before stays.';

async function activate(row, active, ctx) {
	const done = await ask({
		title: `Activate ${title(row)}?`, text: `${active ? `${title(active)} is active now. ` : ''}${SCORES}`, action: 'Activate',
		submit: () => call('activate', { model: row.model, version: row.version }),
	});
	if (done === undefined) return;
	toast(`${title(row)} is active.`, active && {
		word: 'Undo',
		run: async () => {
			await call('activate', { model: row.model, version: active.version });
			toast(`${title(active)} is active again.`);
			ctx.reload();
		},
	});
	ctx.reload();
}

async function rollback(row, active, ctx) {
	const version = await ask({
		title: `Roll ${row.model} back?`, text: `Version ${row.parent_version} was active before version ${row.version}. ${SCORES}`, action: 'Roll back',
		submit: () => call('rollback', { model: row.model }),
	});
	if (version === undefined) return;
	toast(`${row.model} v${version} is active.`);
	ctx.reload();
}

async function retrain(row, active, ctx) {
	const result = await ask({
		title: `Retrain ${row.model}?`, action: 'Retrain',
		text: 'A challenger is trained as the active version was, on the rows that its query gives now. It takes over unless it is worse on rows kept aside. This may take a while.',
		submit: async () => {
			const [run] = [await call('retrain', { model: row.model })].flat();
			return run;
		},
	});
	if (result === undefined) return;
	toast(result.failed ? `Not retrained: ${result.reason}` : `Version ${result.challenger} was trained. ${result.reason}.`);
	ctx.reload();
}
