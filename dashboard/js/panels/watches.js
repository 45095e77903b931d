// The models on guard, and whether they fail.

import { get } from '../api.js';
import { h } from '../dom.js';
import { count, moment } from '../format.js';
import { recordTable } from '../table.js';

export const watchList = {
	title: 'Models on guard',
	emptyText: 'No model is on guard.',
	isEmpty: (rows) => rows.length === 0,
	key: () => '',

	load: (_, signal) => get('watches', { order: 'id' }, signal),

	render: (rows, ctx) => h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'List of models on guard' }, recordTable('Models on guard',
		[{ label: 'Model', kind: 'lead short' }, { label: 'Detector' }, { label: 'State' }, { label: 'Trained', kind: 'time' }, { label: 'On rows', kind: 'numeric' },
			{ label: 'Score threshold', kind: 'numeric' }],
		rows.map((row) => ({ cells: [
			row.model_version === null ? row.model : `${row.model} v${row.model_version}`, row.algorithm ?? '–',
			row.error ? h('span', { class: 'wrap' }, row.error) : (row.enabled ? 'On guard' : 'Off'),
			row.trained_at ? moment(Date.parse(row.trained_at), ctx.zone) : '–', count(row.rows_used),
			row.threshold?.toFixed(4) ?? '–'] })))),
};
