// Alerts: the inbox of whoever is on shift, and what is suppressed.

import { slot } from '../layout.js';
import { inbox, inboxKeys } from '../panels/inbox.js';
import { suppressions } from '../panels/suppressions.js';
import { name, oneOf } from '../readers.js';

export const alerts = {
	name: 'alerts',
	title: 'Alerts',
	ranged: true,
	badge: ({ status }) => status.open_alerts,
	keys: { show: oneOf('acknowledged', 'closed', 'all'), sort: oneOf('newest'), assignee: name },
	panels: { inbox, suppressions },
	layout: () => [slot('inbox'), slot('suppressions', 'panel slim')],
	shortcuts: inboxKeys,
};
