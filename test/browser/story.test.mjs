// One shift of an administrator who has no mouse: an alert arrives, is read and
// decided about, what is like it is suppressed, the model is trained anew and
// its version chosen.  Only keys are pressed; each step is checked against SQL.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { USERS, launch, settled, sql, sqlNumber, visitor } from './support.mjs';

const SOURCE = '2001:db8:85a3::bad';
const MODEL = 'baseline';
let browser;
const visit = visitor(() => browser);
before(async () => { browser = await launch(); });
after(async () => {
	sql(`SELECT anomaly_activate('${MODEL}', 1)`);
	sql("SELECT anomaly_unsuppress('netflow', id) FROM netflow.suppression WHERE expires_at > now()");
	await browser.close();
});

// the password guesser of the seed again, from another address and hours later
const attack = (hours) => sql(`INSERT INTO netflow.flow
	SELECT (jsonb_populate_record(f, jsonb_build_object('src_addr', '${SOURCE}', 'start_time', f.start_time + interval '${hours} hours'))).*
	FROM netflow.flow f WHERE src_addr = '2001:db8:85a3::8a2e:370:7334'`);

// Tab, or with Shift, until the focus is on what the selector names; it must be seen there.
async function tabTo(page, selector, key = 'Tab', most = 80) {
	for (let i = 0; i < most; i++) {
		await page.keyboard.press(key);
		if (await page.evaluate((s) => document.activeElement.matches(s), selector)) {
			const { style, width } = await page.evaluate(() => {
				const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
				return { style: outlineStyle, width: parseFloat(outlineWidth) };
			});
			assert.ok(style !== 'none' && width >= 1, `the focus on ${selector} is seen`);
			return;
		}
	}
	assert.fail(`${selector} is not reached by ${most} × ${key}`);
}

const focused = (page, selector) => page.waitForFunction((s) => document.activeElement.matches(s), selector);
const said = async (page, pattern, options) => {
	await page.waitForFunction((source) => new RegExp(source).test(document.querySelector('.toast')?.textContent ?? ''), pattern.source, options);
	await settled(page);
};
const gone = (page) => page.waitForSelector('dialog', { state: 'detached' });
const badge = (page) => page.$eval('#pages .badge', (element) => Number(element.textContent));

// down the inbox by j until the cursor is on the alert
async function goTo(page, id) {
	for (let i = 0; i < 60; i++) {
		await page.keyboard.press('j');
		if (await page.evaluate((alert) => document.activeElement.closest('[data-alert]')?.dataset.alert === alert, id)) return;
	}
	assert.fail(`alert ${id} is not in the inbox`);
}

async function arrives(page) {
	const before = sqlNumber("SELECT count(*) FROM netflow.alert WHERE state = 'open'");
	assert.equal(await badge(page), before);
	attack(18);
	const [[id, title]] = sql(`SELECT id, title FROM netflow.alert WHERE source = '${SOURCE}' AND state = 'open'`);
	await page.waitForFunction((n) => document.querySelector('#pages .badge').textContent === String(n), before + 1);
	await page.keyboard.press('2');
	const line = page.locator(`[data-panel="inbox"] [data-alert="${id}"]`);
	await line.waitFor();
	assert.match(await line.textContent(), new RegExp(`${title}.*${SOURCE}`));
	return id;
}

async function acknowledges(page, id) {
	await goTo(page, id);
	await page.keyboard.press('e');
	await said(page, /1 alert acknowledged/);
	assert.deepEqual(sql(`SELECT action, old_state, state, api_user, acting_role FROM netflow.triage_log WHERE alert_id = ${id}`),
		[['acknowledge', 'open', 'acknowledged', USERS.admin[0], 'netflow_admin']]);
	assert.equal(await page.locator(`[data-panel="inbox"] [data-alert="${id}"]`).count(), 0, 'no longer among the open ones');
}

// what is shown of the explanation is what SQL has: all of it, in its order
async function readsWhy(page, id) {
	await tabTo(page, '[aria-label="Alerts by state"] a[href*="show=acknowledged"]', 'Shift+Tab');
	await page.keyboard.press('Enter');
	await page.waitForSelector(`[data-panel="inbox"] [data-alert="${id}"][data-state="acknowledged"]`);
	await goTo(page, id);
	await page.keyboard.press('Enter');
	await focused(page, '#detail-title');
	const shown = await page.$$eval('#detail .reasons tbody tr', (rows) => rows.map(({ cells: [name, ...cells] }) => [name.title, ...cells.slice(0, 3).map((cell) => cell.textContent)]));
	const reasons = sql(`SELECT r ->> 'feature', round(100 * (r ->> 'share')::numeric) || '%', to_char((r ->> 'value')::numeric, 'FM999,999,999'), regexp_replace(r ->> 'expected', '([0-9])(?=([0-9]{3})+$)', '\\1,', 'g')
		FROM netflow.alert, jsonb_array_elements(reasons) WITH ORDINALITY AS x(r, n) WHERE id = ${id} ORDER BY n`);
	assert.ok(reasons.length > 1);
	assert.deepEqual(shown, reasons);
}

async function suppresses(page, id) {
	await page.keyboard.press('s');
	await focused(page, 'dialog [name="reason"]');
	await page.keyboard.type('the new backup host, known to IT');
	await tabTo(page, 'dialog [name="days"]');
	await page.keyboard.type('A week');
	assert.equal(await page.inputValue('dialog [name="days"]'), '7');
	await tabTo(page, 'dialog button[type="submit"]');
	await page.keyboard.press('Enter');
	await said(page, /Suppression \d+ is in force, the alert closed/);
	await gone(page);
	const [[suppression, ...row]] = sql(`SELECT id, source, target, ports, threat, reason, round(extract(epoch FROM expires_at - now()) / 86400)
		FROM netflow.suppression ORDER BY id DESC LIMIT 1`);
	assert.deepEqual(row, [`${SOURCE}/128`, '10.0.1.3/32', '{22}', 'brute_force', 'the new backup host, known to IT', '7']);
	assert.deepEqual(sql(`SELECT action, api_user, acting_role FROM netflow.triage_log WHERE suppression_id = ${suppression}`),
		[['suppress', USERS.admin[0], 'netflow_admin']]);
	assert.deepEqual(sql(`SELECT action, old_state, state, resolution, note, api_user FROM netflow.triage_log WHERE alert_id = ${id} ORDER BY id DESC LIMIT 1`),
		[['close', 'acknowledged', 'closed', 'benign_positive', `suppression ${suppression}: the new backup host, known to IT`, USERS.admin[0]]]);
	assert.deepEqual(sql(`SELECT state, resolution FROM netflow.alert WHERE id = ${id}`), [['closed', 'benign_positive']]);
	await page.waitForSelector('[data-panel="suppressions"][data-state="ready"]:has-text("the new backup host")');
}

const active = () => sqlNumber(`SELECT active_version FROM anomaly.model WHERE name = '${MODEL}'`);

async function retrains(page) {
	await page.keyboard.press('Escape');
	assert.equal(await page.locator('#detail').isHidden(), true);
	await page.keyboard.press('5');
	await page.waitForSelector('[data-panel="versions"][data-state="ready"]');
	await settled(page);
	await page.keyboard.press('?');
	assert.match(await page.textContent('dialog .keys'), /uUndo what was just done/);
	await page.keyboard.press('Escape');
	await gone(page);
	const champion = active();
	await tabTo(page, '#retrain');
	await page.keyboard.press('Enter');
	await page.waitForSelector('dialog');
	assert.equal(sqlNumber(`SELECT last_version FROM anomaly.model WHERE name = '${MODEL}'`), champion, 'nothing without the confirmation');
	await tabTo(page, 'dialog button[type="submit"]', 'Tab', 3);
	await page.keyboard.press('Enter');
	await said(page, new RegExp(`Version ${champion + 1} was trained`), { timeout: 60000 });
	await focused(page, '#retrain');	// where the reader was
	const [[challenger, activated, reason]] = sql(`SELECT challenger, activated, reason FROM anomaly.retraining WHERE model = '${MODEL}' AND champion = ${champion} AND NOT failed`);
	await page.waitForSelector(`[data-version="${MODEL} v${challenger}"]`);
	assert.deepEqual((await page.$$eval('[data-panel="retrainings"] tbody tr:first-child td', (cells) => cells.map((c) => c.textContent))).slice(1),
		[MODEL, `v${challenger}`, activated === 't' ? 'activated' : 'kept aside', reason]);
	assert.equal(active(), activated === 't' ? Number(challenger) : champion);
	return { champion, challenger: Number(challenger) };
}

// the registry has it, and the table shows it
async function isActive(page, version) {
	assert.equal(active(), version);
	await page.waitForFunction((name) => document.querySelector(`[data-version="${name}"]`).cells[1].textContent === 'On watch', `${MODEL} v${version}`);
	assert.equal(await page.locator('[data-version]:has-text("On watch")').count(), 1);
}

// back to the champion, if the challenger has taken over; then the challenger chosen by hand, and taken back
async function choosesVersion(page, { champion, challenger }) {
	if (active() === challenger) {
		await tabTo(page, '#rollback', 'Shift+Tab', 3);
		await page.keyboard.press('Enter');
		await tabTo(page, 'dialog button[type="submit"]', 'Tab', 3);
		await page.keyboard.press('Enter');
		await said(page, new RegExp(`${MODEL} v${champion} is active`));
		await isActive(page, champion);
	}
	await tabTo(page, `[data-version="${MODEL} v${challenger}"] a`);
	await page.keyboard.press('Enter');
	await page.waitForSelector('#activate');
	await tabTo(page, '#activate', 'Shift+Tab');
	await page.keyboard.press('Enter');
	await page.waitForSelector(`dialog:has-text("${MODEL} v${champion} is active now")`);
	// while it asks, what is suppressed comes again: no alert, but the page behind is drawn anew
	const renewed = page.waitForResponse((response) => response.url().includes('/api/models'));
	attack(20);
	await renewed;
	await settled(page);
	assert.equal(sqlNumber(`SELECT count(*) FROM netflow.alert WHERE source = '${SOURCE}' AND state <> 'closed'`), 0);
	await page.keyboard.press('Escape');
	await gone(page);
	assert.equal(active(), champion, 'nothing without the confirmation');
	await focused(page, '#activate');
	await page.keyboard.press('Enter');
	await tabTo(page, 'dialog button[type="submit"]', 'Tab', 3);
	await page.keyboard.press('Enter');
	await said(page, new RegExp(`${MODEL} v${challenger} is active`));
	await isActive(page, challenger);

	await page.keyboard.press('u');
	await said(page, new RegExp(`${MODEL} v${champion} is active again`));
	await isActive(page, champion);
}

test('by keyboard alone: an alert arrives and is handled, the model trained anew and its version chosen', () => visit('', { as: 'admin' }, async (page) => {
	page.on('load', () => assert.fail('nothing is loaded anew'));
	const id = await arrives(page);
	await acknowledges(page, id);
	await readsWhy(page, id);
	await suppresses(page, id);
	await choosesVersion(page, await retrains(page));
}));
