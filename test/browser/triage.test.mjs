// The inbox and the alert in it: found, opened, decided about and taken back,
// with the keyboard alone and in bulk; what the page says is what SQL then has.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SHOTS, USERS, audit, ill, launch, settled, sql, sqlNumber, visitor } from './support.mjs';

let browser;
const visit = visitor(() => browser);
const HOSTILE = ['<img src=x onerror="document.title=1">', '=HYPERLINK("http://x")', '"><script>document.title=1</script>', '\u202egnp.exe', `'; DROP TABLE netflow.alert; --`];

// alerts beside those of the seed: enough for three pages, with names that mean harm
before(async () => {
	browser = await launch();
	sql(`SELECT setseed(0.5); INSERT INTO netflow.alert (id, source, threat, title, severity, confidence, first_seen, last_seen, flow_count, detection_count,
			target_count, targets, ports, model, model_version, score, p_value, reasons, indicators)
		SELECT 100 + i, inet '10.9.0.0' + i, (ARRAY['port_scan', 'exfiltration', 'beacon', 'anomaly'])[1 + i % 4],
			(ARRAY['Port scan of one host', 'Upload to one host', 'Regular contact', 'Unusual traffic'])[1 + i % 4], 25 + (i * 37) % 75, 0.9,
			timestamptz '2026-03-02 06:00+00' + i * interval '7 minutes', timestamptz '2026-03-02 06:30+00' + i * interval '7 minutes',
			10 * i, i, 1, ARRAY[inet '10.0.1.1'], '{443}', 'baseline', 1, 0.7, 0.0001,
			'[{"feature": "dst_ports_60s", "value": "600", "expected": "2", "share": 0.7}, {"feature": "duration", "value": "0.1", "expected": "4 (2 to 6)", "share": 0.2}, {"feature": "state", "value": "REJ", "expected": "SF", "share": 0.1}]', '{}'
		FROM generate_series(1, 120) i`);
	HOSTILE.forEach((name, i) => sql(`INSERT INTO netflow.alert (id, source, threat, title, severity, confidence, first_seen, last_seen, flow_count, detection_count,
			target_count, targets, ports, reasons, indicators)
		VALUES (${300 + i}, '10.8.0.${i + 1}', 'hostile', $x$${name}$x$, 99.5, 1, '2026-03-03 09:00+00', '2026-03-03 09:01+00', 1, 1, 1, '{10.0.1.1}', '{}',
			jsonb_build_array(jsonb_build_object('feature', $x$${name}$x$, 'value', $x$${name}$x$, 'expected', null, 'share', 0.5)), ARRAY[$x$${name}$x$])`));
});
after(async () => {
	sql('DELETE FROM netflow.alert WHERE id BETWEEN 100 AND 400');
	await browser.close();
});
const readable = (name) => name.replace('\u202e', '\ufffd');	// what turns text around is shown as such

const shown = (page) => page.$$eval('[data-panel="inbox"] [data-alert]', (rows) => rows.map((r) => r.dataset.alert));
const ids = (where, order = 'severity DESC, id DESC') => sql(`SELECT id FROM netflow.alert WHERE ${where} ORDER BY ${order}`).flat();
const said = async (page, pattern) => {
	await page.waitForFunction((source) => new RegExp(source).test(document.querySelector('.toast')?.textContent ?? ''), pattern.source);
};
const stateOf = (id) => sql(`SELECT state, coalesce(resolution, '-'), coalesce(assignee, '-') FROM netflow.alert WHERE id = ${id}`)[0].join();
const focused = (page) => page.evaluate(() => document.activeElement.closest('[data-panel="inbox"] [data-alert]')?.dataset.alert ?? null);
// the inbox has been asked again, and drawn
const renewed = async (page, act) => {
	const answer = page.waitForResponse((r) => r.url().includes('/api/alerts?') && r.url().includes('limit'));
	await act();
	await answer;
	await settled(page);
};

test('filters and order are in the address, the rows are SQL\'s', () => visit('?page=alerts', {}, async (page) => {
	assert.deepEqual(await shown(page), ids("state = 'open'").slice(0, 50));
	await page.click('text=Newest first');
	await settled(page);
	assert.deepEqual(await shown(page), ids("state = 'open'", 'last_seen DESC, id DESC').slice(0, 50));
	await page.click('[aria-label="Alerts by band"] >> text=Minor');
	await settled(page);
	assert.deepEqual(await shown(page), ids("state = 'open' AND severity >= 25 AND severity < 50", 'last_seen DESC, id DESC').slice(0, 50));
	assert.equal(new URL(page.url()).search, '?page=alerts&band=minor&sort=newest');
	await page.click('[aria-label="Alerts by state"] >> text=Closed');
	await settled(page);
	assert.deepEqual(await shown(page), ids("state = 'closed' AND severity >= 25 AND severity < 50"));
	await page.goBack();
	await page.reload();
	await settled(page);
	assert.deepEqual(await shown(page), ids("state = 'open' AND severity >= 25 AND severity < 50", 'last_seen DESC, id DESC').slice(0, 50));
}));

test('pages by key: all rows, each once, in order; a refresh keeps them', () => visit('?page=alerts&sort=newest', { as: 'analyst' }, async (page) => {
	const expected = ids("state = 'open'", 'last_seen DESC, id DESC');
	for (let n = 50; n < expected.length; n += 50) {
		assert.equal((await shown(page)).length, n);
		await page.click('#inbox-more');
		await page.waitForFunction((before) => document.querySelectorAll('[data-panel="inbox"] [data-alert]').length > before, n);
	}
	assert.deepEqual(await shown(page), expected);
	assert.equal(await page.locator('#inbox-more').count(), 0);
	await renewed(page, async () => { sql(`SELECT anomaly_triage('netflow', '{${expected.at(-1)}}', 'acknowledge')`); });
	assert.deepEqual(await shown(page), expected.slice(0, -1));
	sql(`SELECT anomaly_triage('netflow', '{${expected.at(-1)}}', 'undo')`);
}));

test('a viewer decides about nothing: no button, no box, no key', () => visit('?page=alerts', {}, async (page) => {
	assert.equal(await page.locator('[data-panel="inbox"] :is(button, input)').count(), 1, 'show more');
	await page.keyboard.press('j');
	const before = sqlNumber('SELECT count(*) FROM netflow.triage_log');
	for (const key of ['e', 'f', 'c', 'a', 'n', 's', 'x', 'r', 'u']) await page.keyboard.press(key);
	assert.equal(await page.locator('dialog, .toast').count(), 0);
	await page.keyboard.press('Enter');
	await page.waitForSelector('#detail h2');
	assert.equal(await page.locator('#detail .actions').count(), 0);
	await page.keyboard.press('?');
	assert.ok(!(await page.textContent('dialog')).includes('Acknowledge'));
	assert.equal(sqlNumber('SELECT count(*) FROM netflow.triage_log'), before);
}));

test('by keyboard alone: along the rows, acknowledge, close, take back', () => visit('?page=alerts&threat=port_scan', { as: 'analyst' }, async (page) => {
	const [first, second, third] = await shown(page);
	await page.keyboard.press('j');
	assert.equal(await focused(page), first);
	await page.keyboard.press('j');
	await page.keyboard.press('j');
	await page.keyboard.press('k');
	assert.equal(await focused(page), second);

	await renewed(page, () => page.keyboard.press('e'));
	await said(page, /1 alert acknowledged/);
	assert.equal(stateOf(second), 'acknowledged,-,-');
	await page.waitForFunction((id) => document.activeElement.closest('[data-alert]')?.dataset.alert === id, third);	// the next takes its place

	await renewed(page, () => page.keyboard.press('f'));
	assert.equal(stateOf(third), 'closed,false_positive,-');
	assert.deepEqual(sql(`SELECT api_user, acting_role FROM netflow.triage_log WHERE alert_id = ${third} ORDER BY id DESC LIMIT 1`), [[USERS.analyst[0], 'netflow_analyst']]);
	await renewed(page, () => page.keyboard.press('u'));
	await said(page, /Taken back/);
	assert.equal(stateOf(third), 'open,-,-');
	assert.ok((await shown(page)).includes(third));

	sql(`SELECT anomaly_triage('netflow', '{${second}}', 'undo')`);
	await renewed(page, async () => {});
}));

test('by keyboard alone: open, read why, go on to the next, close with reason and note, see it in the history', () => visit('?page=alerts&threat=beacon', { as: 'analyst' }, async (page) => {
	const [first, second] = await shown(page);
	await page.keyboard.press('j');
	await page.keyboard.press('Enter');
	await page.waitForSelector('#detail .reasons');
	assert.deepEqual(await page.$$eval('#detail .reasons tbody tr', (rows) => rows.map((r) => [...r.cells].map((c) => c.textContent))),
		[['dst_ports_60s', '70%', '600', '2', '×300'], ['duration', '20%', '0.1', '4 (2 to 6)', '×40 less'], ['state', '10%', 'REJ', 'SF', '–']]);
	await page.keyboard.press('j');
	await page.waitForURL(new RegExp(`alert=${second}`));
	await page.waitForFunction((id) => document.querySelector('#detail .similar') && location.search.includes(id), second);
	await page.keyboard.press('c');
	await page.waitForSelector('dialog');
	await page.keyboard.press('ArrowDown');	// the list of reasons has the focus
	await page.keyboard.press('ArrowDown');
	await page.keyboard.press('Tab');
	await page.keyboard.type('the backup, each night');
	await page.keyboard.press('Tab');
	await page.keyboard.press('Tab');
	await renewed(page, () => page.keyboard.press('Enter'));
	await said(page, /1 alert closed/);
	assert.equal(stateOf(second), 'closed,benign_positive,-');
	await page.waitForSelector('#detail .history');
	assert.match(await page.textContent('#detail .history'), new RegExp(`Closed, benign positive by ${USERS.analyst[0]}.*the backup, each night`));
	assert.match(await page.textContent('#detail .state'), /Closed, benign positive/);
	assert.equal(await page.locator('#do-acknowledge').count(), 0);
	await page.keyboard.press('Escape');
	assert.equal(await page.locator('#detail').isHidden(), true);
	assert.ok(!(await shown(page)).includes(second) && (await shown(page)).includes(first));
	sql(`SELECT anomaly_triage('netflow', '{${second}}', 'undo')`);
	await renewed(page, async () => {});
}));

test('in bulk: says how many changed and how many not; undo takes back those', () => visit('?page=alerts&threat=exfiltration&show=all', { as: 'analyst' }, async (page) => {
	const [a, b, c] = await shown(page);
	sql(`SELECT anomaly_triage('netflow', '{${b}}', 'acknowledge')`);
	await renewed(page, async () => {});
	for (const id of [a, b, c]) await page.check(`#pick-${id}`);
	assert.match(await page.textContent('.bulk'), /3 selected/);
	await renewed(page, () => page.click('.bulk >> text=Acknowledge'));
	await said(page, /2 alerts acknowledged, 1 not: it was so already/);
	assert.deepEqual([a, b, c].map(stateOf), Array(3).fill('acknowledged,-,-'));
	await renewed(page, () => page.click('.toast .act'));
	assert.deepEqual([a, b, c].map(stateOf), ['open,-,-', 'acknowledged,-,-', 'open,-,-']);

	await page.click('.bulk >> text=Assign…');
	await page.fill('dialog [name="assignee"]', 'Robert"); DROP TABLE--');
	await renewed(page, () => page.click('dialog .primary'));
	await said(page, /3 alerts assigned/);
	assert.equal(stateOf(a), 'open,-,Robert"); DROP TABLE--');
	await renewed(page, () => page.click('.toast .act'));
	assert.equal(stateOf(a), 'open,-,-');
	sql(`SELECT anomaly_triage('netflow', '{${b}}', 'undo')`);
	await renewed(page, async () => {});
	await page.check('#pick-all');
	assert.match(await page.textContent('.bulk'), new RegExp(`${(await shown(page)).length} selected`));
	await page.click('.bulk >> text=Clear');
	assert.equal(await page.locator('.picked').count(), 0);
}));

test('a decision that fails says why, changes nothing and keeps what was typed', () => visit('?page=alerts&threat=beacon', { as: 'analyst' }, async (page) => {
	await page.route('**/api/rpc/triage', (route) => route.fulfill({ status: 500, contentType: 'application/json',
		body: JSON.stringify({ message: 'canceling statement due to lock timeout', hint: 'Try again.' }) }));
	await page.keyboard.press('j');
	await page.keyboard.press('e');
	await said(page, /Nothing changed: canceling statement/);
	await page.keyboard.press('n');
	await page.fill('dialog [name="note"]', 'a long note');
	await page.click('dialog .primary');
	await page.waitForSelector('dialog .problem:visible');
	assert.match(await page.textContent('dialog .problem'), /lock timeout\. Try again/);
	assert.equal(await page.inputValue('dialog [name="note"]'), 'a long note');
	await page.keyboard.press('Escape');
	page.complaints.length = 0;	// the browser's own lines about the 500s
}));

test('suppress like this: filled in from the alert, in force until it ends, taken back', () => visit('?page=alerts&threat=exfiltration', { as: 'admin' }, async (page) => {
	const [id] = await shown(page);
	await page.keyboard.press('j');
	await page.keyboard.press('s');
	await page.waitForSelector('dialog');
	const field = (name) => page.inputValue(`dialog [name="${name}"]`);
	const [[source, threat]] = sql(`SELECT host(source), threat FROM netflow.alert WHERE id = ${id}`);
	assert.deepEqual([await field('source'), await field('target'), await field('ports'), await field('threat'), await field('days')],
		[source, '10.0.1.1', '443', threat, '30']);
	await page.screenshot({ path: `${SHOTS}suppress.png` });
	await page.fill('dialog [name="reason"]', 'backup to the cloud');
	await page.fill('dialog [name="source"]', 'not an address');
	await page.click('dialog .primary');
	await page.waitForSelector('dialog .problem:visible');
	assert.match(await page.textContent('dialog .problem'), /cidr/);
	await page.fill('dialog [name="source"]', '10.9.0.0/24');
	await renewed(page, () => page.click('dialog .primary'));
	await said(page, /Suppression \d+ is in force, the alert closed/);
	const [row] = sql(`SELECT source, target, ports, threat, reason, round(extract(epoch FROM expires_at - now()) / 86400) FROM netflow.suppression ORDER BY id DESC LIMIT 1`);
	assert.deepEqual(row, ['10.9.0.0/24', '10.0.1.1/32', '{443}', threat, 'backup to the cloud', '30']);
	assert.equal(stateOf(id), 'closed,benign_positive,-');
	assert.match(await page.textContent('[data-panel="suppressions"]'), /from 10\.9\.0\.0\/24 · to 10\.0\.1\.1\/32 · ports 443 · threat Exfiltration.*backup to the cloud/);
	await renewed(page, () => page.click('.toast .act'));
	await page.waitForSelector('[data-panel="suppressions"][data-state="empty"]');
	assert.equal(stateOf(id), 'open,-,-');
	assert.equal(sqlNumber('SELECT count(*) FROM netflow.suppression WHERE expires_at > now()'), 0);
	page.complaints.length = 0;	// the browser's own line about the 400
}));

test('names that mean harm are text, in the row, the drawer and the dialog', () => visit('?page=alerts&threat=hostile', { as: 'admin' }, async (page) => {
	const title = await page.title();
	assert.deepEqual((await page.$$eval('[data-panel="inbox"] .line', (links) => links.map((l) => l.textContent))).sort(), HOSTILE.map(readable).sort());
	for (const id of await shown(page)) {
		await page.click(`[data-alert="${id}"] .line`);
		await page.waitForFunction((name) => document.querySelector('#detail-title')?.textContent === name, readable(HOSTILE[id - 300]));
	}
	await page.keyboard.press('s');
	await page.waitForSelector('dialog');
	assert.equal(await page.locator('main img, #detail img, dialog img, main script, #detail script').count(), 0);
	assert.equal(await page.title(), title);
}));

test('inbox, selection and drawer, from 390 to 2560 px, light and dark: axe finds nothing, nothing overflows', () => visit('?page=alerts', { as: 'admin' }, async (page) => {
	const [, b, c, , , open] = await shown(page);
	for (const id of [b, c]) await page.check(`#pick-${id}`);
	await page.click(`[data-alert="${open}"] .line`);
	await page.waitForSelector('#detail .history, #detail .similar');
	for (const colorScheme of ['light', 'dark']) {
		for (const width of [390, 1440, 2560]) {
			await page.emulateMedia({ colorScheme });
			await page.setViewportSize({ width, height: 900 });
			assert.deepEqual(await ill(page), [], `${width} px`);
			if (width !== 2560) assert.deepEqual(await audit(page), [], `${width} px, ${colorScheme}`);
			await page.screenshot({ path: `${SHOTS}inbox-${width}-${colorScheme}.png` });
		}
	}
}));
