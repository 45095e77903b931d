// Deciding about alerts, one or many: what is asked, what is sent, what is said,
// and how it is taken back.

import { call } from './api.js';
import { ask } from './dialog.js';
import { some, threat } from './format.js';
import { suppressLike } from './suppress.js';
import { toast } from './toast.js';

const RESOLUTIONS = {
	true_positive: 'True positive: an attack, or what looks the same',
	false_positive: 'False positive: nothing of the kind',
	benign_positive: 'Benign positive: real, and known to be harmless',
	duplicate: 'Duplicate: another alert tells it',
};
const note = { label: 'Note', kind: 'lines', maxlength: 2000 };

// from: states it leads out of; fields(alerts, ctx): what is asked first
const ACTIONS = {
	acknowledge: { word: 'Acknowledge', done: 'acknowledged', from: ['open'] },
	close: {
		word: 'Close', done: 'closed', from: ['open', 'acknowledged'],
		fields: () => ({
			resolution: { label: 'As', kind: 'select', options: Object.entries(RESOLUTIONS), value: 'true_positive', autofocus: true }, note,
		}),
	},
	reopen: { word: 'Reopen', done: 'open again', from: ['acknowledged', 'closed'] },
	assign: {
		word: 'Assign', done: 'assigned', from: ['open', 'acknowledged', 'closed'],
		fields: (alerts, { session }) => ({
			assignee: { label: 'To', value: alerts[0].assignee ?? session.is.username, hint: 'Empty takes the name away.', maxlength: 63, autofocus: true }, note,
		}),
	},
	note: {
		word: 'Add a note', done: 'noted', from: ['open', 'acknowledged', 'closed'], final: true,
		fields: () => ({ note: { ...note, required: true, autofocus: true } }),
	},
};

export const wordOf = (name) => `${ACTIONS[name].word}${ACTIONS[name].fields ? '…' : ''}`;
export const fits = (name, alerts) => alerts.some(({ state }) => ACTIONS[name].from.includes(state));

// "Closed, false positive"
export function stateWord({ state, resolution }) {
	return threat(resolution ? `${state}, ${resolution}` : state);
}

// All of them that the action leads anywhere from, in one call: all or none.
// given: arguments, where nothing needs to be asked.
export async function decide(name, alerts, ctx, given = null) {
	const action = ACTIONS[name];
	const fitting = alerts.filter(({ state }) => action.from.includes(state));
	const rest = alerts.length - fitting.length;
	if (!fitting.length) {
		toast(`Nothing changed: ${alerts.length === 1 ? 'the alert is' : 'they are'} ${alerts[0]?.state ?? 'gone'}.`);
		return;
	}
	const ids = fitting.map(({ id }) => id);
	const send = (values) => call('triage', { alerts: ids, action: name, ...values });
	let changed;
	try {
		changed = action.fields && !given
			? await ask({ title: `${action.word}: ${some(fitting.length, 'alert')}`, fields: action.fields(fitting, ctx), action: action.word, submit: send })
			: await send(given ?? {});
	} catch (error) {
		toast(`Nothing changed: ${error.message}`);
		return;
	}
	if (changed === undefined) return;
	toast(`${some(changed, 'alert')} ${action.done}${rest ? `, ${rest} not: ${rest === 1 ? 'it was' : 'they were'} so already` : ''}.`,
		action.final ? null : { word: 'Undo', run: () => undo(ids, ctx) });
	ctx.reload();
}

export async function undo(ids, ctx) {
	const changed = await call('triage', { alerts: ids, action: 'undo' });
	ctx.reload();
	toast(`Taken back for ${some(changed, 'alert')}.`);
}

// Keys for the alerts that targets(ctx) gives.
export function triageKeys(targets) {
	const key = (letter, text, needs, run) => ({ key: letter, text, needs, run(ctx) {
		const alerts = targets(ctx);
		return alerts.length ? run(alerts, ctx) : false;
	} });
	return [
		key('e', 'Acknowledge', 'triage', (alerts, ctx) => { decide('acknowledge', alerts, ctx); }),
		key('c', 'Close, with a reason', 'triage', (alerts, ctx) => { decide('close', alerts, ctx); }),
		key('f', 'Close as false positive', 'triage', (alerts, ctx) => { decide('close', alerts, ctx, { resolution: 'false_positive' }); }),
		key('r', 'Reopen', 'triage', (alerts, ctx) => { decide('reopen', alerts, ctx); }),
		key('a', 'Assign', 'triage', (alerts, ctx) => { decide('assign', alerts, ctx); }),
		key('n', 'Add a note', 'triage', (alerts, ctx) => { decide('note', alerts, ctx); }),
		key('s', 'Suppress what is like it', 'suppress', (alerts, ctx) => { suppressLike(alerts[0], ctx); }),
	];
}
