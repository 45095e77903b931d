// The Status page: its figures are the store's, what needs a look is said in
// words, and answers that make no sense are errors.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as format from '../../dashboard/js/format.js';
import { SHOTS, chartOption, launch, open, panelState, settled, sql, sqlNumber, visitor } from './support.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());
const visit = visitor(() => browser);

const figure = (page, name) => page.textContent(`[data-health="${name}"] .tile-value`);
const line = (page, name) => page.textContent(`[data-health="${name}"] .tile-line`);

test('intervals as PostgreSQL writes them', () => {
	for (const [text] of sql(`SELECT i::interval FROM unnest('{3 days 04:05:06.5,-00:00:01.25,1 year 2 mons,23:59:59,-1 days +02:00:00,00:00:00}'::text[]) i`)) {
		// a year is 365 days to us
		const ms = 1000 * sqlNumber(`SELECT extract(epoch FROM '${text}'::interval) - extract(year FROM '${text}'::interval) * 0.25 * 86400`);
		assert.equal(format.interval(text), ms, text);
	}
});

test('figures equal SQL', () => visit('?page=status', {}, async (page) => {
	const chunks = sqlNumber("SELECT count(*) FROM pg_inherits WHERE inhparent = 'netflow.flow'::regclass");
	assert.equal(await figure(page, 'chunks'), String(chunks));
	const [[last]] = sql(`SELECT to_char(max(start_time) AT TIME ZONE 'UTC', 'FMDD Mon YYYY, HH24:MI') FROM netflow.detection`);
	assert.equal(await figure(page, 'detection'), last);
	assert.match(await line(page, 'detection'), new RegExp(`^${sqlNumber('SELECT count(*) FROM netflow.detection').toLocaleString('en-US')} detections; 1 model on guard`));
	assert.match(await figure(page, 'feed'), / ago$/);
	assert.equal(await figure(page, 'retrained'), 'never');
	assert.equal(await figure(page, 'full'), '–', 'nothing is made up without a capacity');
	const option = await chartOption(page, 'disk');
	const [[bytes]] = sql(`SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c WHERE relnamespace = 'netflow'::regnamespace AND relkind = 'r'`);
	assert.equal(option.series[0].data.reduce((sum, n) => sum + n, 0), Number(bytes));
	assert.equal(await page.locator('[data-capture]').count(), sqlNumber('SELECT count(*) FROM netflow.capture'));
	const alarms = await page.$$eval('[data-alarm]', (items) => items.map((item) => item.dataset.alarm));
	assert.deepEqual(alarms.sort(), sql('SELECT alarm FROM netflow.alarm').flat().sort());
}));

test('what needs a look: the failing model, in the list, at its figure and in the bar', async () => {
	const hostile = '<b onmouseover=alert(1)>no such column</b>';
	sql(`UPDATE netflow.watch SET error = '${hostile}', error_at = now(); UPDATE anomaly.flow_store SET capacity = 1 WHERE name = 'netflow'; UPDATE netflow.tally SET revision = revision + 1`);
	try {
		await visit('?page=status', {}, async (page) => {
			assert.match(await page.textContent('[data-alarm="watch_failed"]'), /Watch failed: baseline.*no such column/);
			assert.equal(await page.locator('main b, #trouble b').count(), 0);
			assert.match(await page.textContent('[data-health="detection"]'), /needs a look/);
			assert.match(await page.textContent('[data-health="full"]'), /needs a look.*0.*full/s);
			assert.equal(await page.locator('[data-health="chunks"] .look-word').count(), 0);
			assert.match(await page.textContent('#trouble'), /Detection is failing: baseline/);
			await page.screenshot({ path: `${SHOTS}status-alarms.png`, fullPage: true });
		});
	} finally {
		sql("UPDATE netflow.watch SET error = NULL, error_at = NULL; UPDATE anomaly.flow_store SET capacity = NULL WHERE name = 'netflow'; UPDATE netflow.tally SET revision = revision + 1");
	}
});

test('an API without these views: errors that say so, the rest is there', async () => {
	const none = (view) => (route) => route.fulfill({ status: 404, contentType: 'application/json', body: JSON.stringify({ message: `no relation ${view}`, hint: null }) });
	const page = await open(browser, '?page=status', { before: async (fresh) => {
		for (const view of ['health', 'alarms', 'disk']) await fresh.route(`**/api/${view}*`, none(view));
	} });
	await settled(page);
	for (const name of ['alarms', 'health', 'disk']) assert.equal(await panelState(page, name), 'error', name);
	assert.equal(await panelState(page, 'watches'), 'ready');
	await page.context().close();
});
