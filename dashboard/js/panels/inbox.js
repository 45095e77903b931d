// The inbox: all alerts of the range, a page at a time.

import { get } from '../api.js';
import { page } from '../keyset.js';
import { ALERT_COLUMNS, alertFilters, alertTable, bandFilter } from './alerts.js';

const ORDER = [{ column: 'severity', descending: true }, { column: 'id', descending: true }];

export const inbox = {
	title: 'Alerts',
	note: 'Worst first',
	emptyText: 'No alerts in this range.',
	isEmpty: () => false,	// the filters above the table must stay at hand
	key: ({ range, state }) => [range.t0, range.t1, state.host, state.threat, state.band].join('|'),
	pageSize: 50,

	page: (query, signal, { size, from }) =>
		page(get, 'alerts', { select: ALERT_COLUMNS, ...alertFilters(query) }, { order: ORDER, size, from }, signal),

	render: (rows, ctx) => [bandFilter(ctx), alertTable(rows, ctx)],
};
