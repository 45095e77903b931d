// What all pages share: the way from one to another, keys, and rows that come in
// pages.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { after as beyond, orderBy } from '../../dashboard/js/keyset.js';
import { PAGES } from '../../dashboard/js/pages.js';
import { URL_BASE, launch, settled, sql, visitor } from './support.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());
const visit = visitor(() => browser);

const here = (page) => page.evaluate(() => document.querySelector('#pages [aria-current]').firstChild.textContent);

test('links lead to every page, with the range; back leads back', () => visit('?t0=2026-03-03T10:00:00Z&t1=2026-03-03T11:00:00Z&metric=bytes', {}, async (page) => {
	for (const { name, title } of PAGES.slice(1)) {
		await page.click(`#pages a:has-text("${title}")`);
		await settled(page);
		assert.equal(await here(page), title);
		const params = new URL(page.url()).searchParams;
		assert.equal(params.get('page'), name);
		assert.equal(params.get('t0'), '2026-03-03T10:00:00Z');
		assert.equal(params.get('metric'), null, 'state of another page is left behind');
	}
	for (let i = PAGES.length - 2; i >= 0; i--) {
		await page.goBack();
		await settled(page);
		assert.equal(await here(page), PAGES[i].title);
	}
	assert.equal(new URL(page.url()).searchParams.get('metric'), 'bytes');
}));

test('digits lead to pages, ? shows the keys, a field takes its letters for itself', () => visit('', {}, async (page) => {
	await page.keyboard.press('2');
	await settled(page);
	assert.equal(await here(page), PAGES[1].title);
	await page.keyboard.press('?');
	assert.match(await page.textContent('dialog'), new RegExp(`Page ${PAGES[0].title}`));
	await page.keyboard.press('1');
	assert.equal(await here(page), PAGES[1].title, 'not behind a dialog');
	await page.keyboard.press('Escape');
	await page.waitForSelector('dialog', { state: 'detached' });
	await page.click('#range');
	await page.keyboard.press('1');
	assert.equal(await here(page), PAGES[1].title, 'not in a field');
}));

test('a reader without a mouse reaches every page by Tab', () => visit('', {}, async (page) => {
	const reached = new Set();
	for (let i = 0; i < 30; i++) {
		await page.keyboard.press('Tab');
		const link = await page.evaluate(() => document.activeElement.closest('#pages') && document.activeElement.firstChild.textContent);
		if (link) reached.add(link);
	}
	assert.deepEqual([...reached], PAGES.map((p) => p.title));
}));

test('pages by key give every row once, in order, ties included', async () => {
	const order = [{ column: 'threat', descending: true }, { column: 'severity' }, { column: 'id' }];
	const ids = [];
	for (let from = null, rows; ; from = rows.at(-1)) {
		const url = new URL(`${URL_BASE}/api/detection?select=id,threat,severity&limit=97&order=${orderBy(order)}`);
		if (from) url.searchParams.set('or', beyond(order, from));
		rows = await (await fetch(url)).json();
		ids.push(...rows.map((r) => String(r.id)));
		if (rows.length < 97 || ids.length > 20000) break;
	}
	assert.deepEqual(ids, sql('SELECT id FROM netflow.detection ORDER BY threat COLLATE "C" DESC, severity, id').flat());
});
