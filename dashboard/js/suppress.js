// "Suppress what is like this": a suppression filled in from an alert, as narrow
// as it can be; clearing a field widens it.

import { call, get } from './api.js';
import { ask } from './dialog.js';
import { toast } from './toast.js';

const DAY = 86400000;
const LENGTHS = [['1', 'A day'], ['7', 'A week'], ['30', '30 days'], ['90', '90 days'], ['365', 'A year'], ['0', 'For ever']];
const MOST = 20;	// longer lists of ports and targets are cut off there

function fieldsFor(alert) {
	const ports = alert.ports?.length && alert.ports.length < MOST ? alert.ports.join(', ') : null;
	return {
		reason: { label: 'Reason', required: true, maxlength: 500, autofocus: true, hint: 'What makes it known and harmless?' },
		source: { label: 'Source', value: alert.source, hint: 'An address or a network; empty: any.' },
		target: { label: 'Target', value: alert.target_count === 1 ? alert.targets[0] : null, hint: 'All targets are in it; empty: any.' },
		ports: { label: 'Ports', value: ports, hint: 'No other port is asked for; empty: any.' },
		threat: { label: 'Threat', value: alert.threat, hint: 'Empty: any.' },
		days: { label: 'For', kind: 'select', options: LENGTHS, value: '30' },
		close: { label: 'Close this alert as benign positive', kind: 'checkbox', value: alert.state !== 'closed' },
	};
}

// given: the alert, or what a list shows of it
export async function suppressLike(given, ctx) {
	const [alert = null] = await get('alerts', { id: `eq.${given.id}` }).catch(() => []);
	if (!alert) {
		toast(`Alert ${given.id} cannot be read now.`);
		return;
	}
	const made = await ask({
		title: 'Suppress what is like this', fields: fieldsFor(alert), action: 'Suppress',
		text: 'Detections that agree with everything named here get no alert until it ends. They are kept and counted.',
		async submit({ reason, source, target, ports, threat, days, close }) {
			const id = await call('suppress', {
				reason, source, target, threat, ports: ports?.split(/[\s,]+/).filter(Boolean) ?? null,
				expires_at: days === '0' ? 'infinity' : new Date(Date.now() + days * DAY).toISOString(),
			});
			if (close) await call('triage', { alerts: [alert.id], action: 'close', resolution: 'benign_positive', note: `suppression ${id}: ${reason}` });
			return { id, close };
		},
	});
	if (!made) return;
	ctx.reload();
	toast(`Suppression ${made.id} is in force${made.close ? ', the alert closed' : ''}.`, { word: 'Undo', run: async () => {
		await call('unsuppress', { id: made.id });
		if (made.close) await call('triage', { alerts: [alert.id], action: 'undo' });
		ctx.reload();
		toast('Taken back.');
	} });
}
