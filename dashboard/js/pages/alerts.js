// Alerts: the inbox of whoever is on shift.

import { slot } from '../layout.js';
import { inbox } from '../panels/inbox.js';

export const alerts = {
	name: 'alerts',
	title: 'Alerts',
	ranged: true,
	badge: ({ status }) => status.open_alerts,
	panels: { inbox },
	layout: () => [slot('inbox')],
};
