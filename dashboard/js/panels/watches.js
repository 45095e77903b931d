// The models on guard, and whether they fail.

import { get } from '../api.js';
import { h } from '../dom.js';
import { count, moment } from '../format.js';
import { makeTable } from '../table.js';

export const watchList = {
	title: 'Models on guard',
	emptyText: 'No model is on guard.',
	isEmpty: (rows) => rows.length === 0,
	key: () => '',

	load: (_, signal) => get('watches', { order: 'id' }, signal),

	render: (rows, ctx) => h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'List of models on guard' }, makeTable({
		caption: 'Models on guard',
		columns: [{ label: 'Model' }, { label: 'Detector' }, { label: 'State' }, { label: 'Trained' }, { label: 'On rows', numeric: true },
			{ label: 'Score threshold', numeric: true }],
		rows: rows.map((row) => [
			row.model_version === null ? row.model : `${row.model} v${row.model_version}`, row.algorithm ?? '–',
			row.error ?? (row.enabled ? 'On guard' : 'Off'),
			row.trained_at ? moment(Date.parse(row.trained_at), ctx.zone) : '–', count(row.rows_used),
			row.threshold?.toFixed(4) ?? '–']),
	}, ctx)),
};
