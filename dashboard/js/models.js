// The models of the store: their versions, and what was measured of each.

import { get } from './api.js';
import { once } from './once.js';

// What every measured version has; higher is better for all of them.
export const METRICS = [
	{ name: 'roc_auc', label: 'ROC AUC' }, { name: 'pr_auc', label: 'PR AUC' }, { name: 'accuracy', label: 'Accuracy' },
	{ name: 'precision', label: 'Precision' }, { name: 'recall', label: 'Recall' }, { name: 'f1', label: 'F1' },
];
export const DASHES = ['solid', 'dashed', 'dotted', [8, 3, 2, 3], [2, 6]];
const MOST = 5;	// lines in one chart that can be told apart

export const title = ({ model, version }) => `${model} v${version}`;
export const measured = (row) => METRICS.some(({ name }) => row[name] !== null);

// versions with their metrics, those of a model together, the newest first
export async function loadVersions(_, signal) {
	const [models, evaluations] = await once('models', () => Promise.all([
		get('models', { order: 'model,version.desc' }), get('evaluations', {})]), signal);
	const numbers = new Map(evaluations.map((row) => [title(row), row]));
	return models.map((row) => ({ ...row, ...numbers.get(title(row)) }));
}

// The version that the page is about: the one chosen, else an active one, on
// watch before others.
export function chosen(rows, state) {
	const [model, version] = (state.version ?? '').split('~');
	return rows.find((row) => row.model === model && String(row.version) === version)
		?? rows.find((row) => row.active && row.on_watch) ?? rows.find((row) => row.active) ?? rows[0];
}

export const choose = (row) => ({ version: `${row.model}~${row.version}` });

// What is compared: the version chosen and the active ones, those measured.
export function compared(rows, state) {
	const one = chosen(rows, state);
	const others = rows.filter((row) => row.active && row !== one);
	return [one, ...others].filter((row) => row && measured(row)).slice(0, MOST);
}

// The same model has the same line in every chart: by its place.
export const line = (i, ctx) => ({ color: ctx.palette[`series${i + 1}`], type: DASHES[i], width: 2 });
