// How far the flows of the range have moved from what a model learnt from, and
// how its retrainings went.

import { call, get, scope } from '../api.js';
import { h } from '../dom.js';
import { featureWord } from '../features.js';
import { count, metric, moment } from '../format.js';
import { chosen, loadVersions } from '../models.js';
import { recordTable } from '../table.js';

const SHAPES = { shifted: '▲ shifted', moderate: '● moderate', stable: '○ stable' };
let last = { key: null };	// what was measured last: it costs, so only when asked for

export const drift = {
	title: 'Drift',
	note: 'Flows of this range against the rows that the active version learnt from',
	emptyText: 'There is no model.',
	isEmpty: (rows) => rows.length === 0,
	key: ({ state }) => state.version ?? '',
	load: loadVersions,

	tools(ctx, rows) {
		if (!ctx.may('drift')) return [];
		const { model, key, busy } = question(rows, ctx);
		return [h('button', { type: 'button', id: 'measure-drift', title: `Measure the drift of ${model}`, disabled: busy, on: { click: () => measure(model, key, ctx) } },
			busy ? 'Measuring…' : 'Measure now')];
	},

	render(rows, ctx) {
		if (!ctx.may('drift')) return h('p', { class: 'nothing' }, 'Administrators can measure it: log in to do so.');
		const { model, busy, answer } = question(rows, ctx);
		if (answer?.rows) return result(answer.rows, model);
		if (answer?.error) return h('p', { role: 'alert' }, [answer.error.message, answer.error.hint].filter(Boolean).join('. '));
		return h('p', { class: 'nothing' }, busy ? 'The flows of this range are read …' : `That of ${model} was not measured in this range.`);
	},
};

// what could be measured here, and what was
function question(rows, ctx) {
	const { model } = chosen(rows, ctx.state);
	const key = [model, ctx.range.t0, ctx.range.t1].join('|');
	const answer = last.key === key ? last : null;
	return { model, key, answer, busy: answer?.busy ?? false };
}

async function measure(model, key, ctx) {
	last = { key, busy: true };
	ctx.redraw();
	const { t0, t1 } = scope(ctx.range, {});
	const answer = await call('drift', { model, t0, t1 }).then((rows) => ({ rows }), (error) => ({ error }));
	if (last.key !== key) return;
	last = { key, ...answer };
	ctx.redraw();
}

function result(rows, model) {
	const share = (value) => (value === null ? '–' : `${(100 * value).toFixed(1)}%`);
	return h('div', { class: 'scroll findings', tabindex: '0', role: 'region', 'aria-label': 'Drift by feature' }, recordTable(`Drift of ${model} by feature`,
		[{ label: 'Feature', kind: 'lead short' }, { label: 'Verdict' }, ...['PSI', 'KS', 'Missing', 'In training', 'Unknown', 'Rows'].map((text) => ({ label: text, kind: 'numeric' }))],
		rows.map((row) => ({ cells: [h('span', { title: row.feature }, featureWord(row.feature)), SHAPES[row.verdict] ?? '–', metric(row.psi), metric(row.ks), share(row.missing), share(row.missing_trained),
			share(row.unknown), count(row.rows)] }))));
}

export const retrainings = {
	title: 'Retrainings',
	note: 'Champion against challenger',
	emptyText: 'No model was retrained yet.',
	isEmpty: (rows) => rows.length === 0,
	key: () => '',

	load: (_, signal) => get('retrainings', { order: 'id.desc', limit: 100 }, signal),

	render: (rows, ctx) => h('div', { class: 'scroll findings', tabindex: '0', role: 'region', 'aria-label': 'List of retrainings' }, recordTable('Retrainings, the last one first',
		[{ label: 'When', kind: 'time' }, { label: 'Model' }, { label: 'Challenger', kind: 'numeric' }, { label: 'Result' }, { label: 'Why', kind: 'why' }],
		rows.map((row) => ({ cells: [moment(Date.parse(row.finished_at), ctx.zone), row.model, row.challenger === null ? '–' : `v${row.challenger}`,
			row.failed ? 'failed' : row.activated ? 'activated' : 'kept aside', h('span', { class: 'wrap' }, row.reason)] })))),
};
