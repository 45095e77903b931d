// What keeps the first draw short: nothing is asked for twice, and nothing waits
// that could go along.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { once } from '../../dashboard/js/once.js';
import { PAGES } from '../../dashboard/js/pages.js';
import { inCells } from '../../dashboard/js/panels/kpi.js';
import { launch, visitor } from './support.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());
const visit = visitor(() => browser);

// what the page asked of the API, in the order of asking
const asked = (page) => page.evaluate(() => performance.getEntriesByType('resource')
	.filter(({ name }) => new URL(name).pathname.startsWith('/api/')).map(({ name }) => name.slice(location.origin.length + 5)));

// Answers of the API to these come when all of them are asked for: a page that
// waits for one before it asks for the next waits for ever.
async function atOnce(page, paths) {
	const missing = new Set(paths);
	let go;
	const all = new Promise((resolve) => { go = resolve; });
	for (const path of paths) {
		await page.route(`**/api/${path}`, async (route) => {
			missing.delete(path);
			if (missing.size === 0) go();
			await all;
			return route.continue();
		});
	}
}

for (const { name } of PAGES) {
	const together = (page) => atOnce(page, ['rpc/session', 'status', 'watches']);
	test(`${name}: no address is asked twice, what every page needs at once`, () => visit(`?page=${name}&host=10.0.0.10`, { before: together }, async (page) => {
		const names = (await asked(page)).filter((path, i, all) => path !== 'status' || i === all.indexOf(path));	// it is polled
		assert.deepEqual(names.filter((path, i) => names.indexOf(path) !== i), []);
		assert.ok(names.filter((path) => path.startsWith('rpc/timeline')).length <= 1, 'the tiles draw the timeline\'s rows');
	}));
}

test('charts are as large as their frames, after a resize too', () => visit('', {}, async (page) => {
	const unfit = () => page.evaluate(async () => {
		const { getInstanceByDom } = await import('/vendor/echarts.mjs');
		return [...document.querySelectorAll('.chart')].map((element) => [element, getInstanceByDom(element)])
			.filter(([element, chart]) => chart.getWidth() !== element.clientWidth || chart.getHeight() !== element.clientHeight)
			.map(([element]) => element.closest('[data-panel]').dataset.panel);
	});
	assert.deepEqual(await unfit(), []);
	await page.setViewportSize({ width: 1000, height: 900 });
	for (let i = 0; i < 50 && (await unfit()).length; i++) await page.waitForTimeout(100);
	assert.deepEqual(await unfit(), []);
}));

test('once: two who ask share an answer; it ends when nobody waits for it any more', async () => {
	const signals = [];
	const ask = (signal) => {
		signals.push(signal);
		return new Promise((resolve, reject) => {
			signal.addEventListener('abort', () => reject(signal.reason));
			setTimeout(() => resolve('answer'), 20);
		});
	};
	const [one, two] = [new AbortController(), new AbortController()];
	const first = once('x', ask, one.signal);
	const second = once('x', ask, two.signal);
	one.abort();
	await assert.rejects(first, { name: 'AbortError' });
	assert.equal(await second, 'answer');
	assert.deepEqual(signals.map((signal) => signal.aborted), [false]);
	two.abort();	// too late to matter

	const three = new AbortController();
	const third = once('x', ask, three.signal);
	three.abort();
	await assert.rejects(third, { name: 'AbortError' });
	assert.deepEqual(signals.map((signal) => signal.aborted), [false, true]);
	assert.equal(await once('x', ask), 'answer');
	assert.equal(signals.length, 3);
});

test('tiles: buckets summed to cells', () => {
	assert.deepEqual(inCells([1, 2, 3, 4, 5, 6], 2), [3, 7, 11]);
	assert.deepEqual(inCells([1, 2, 3], 1), [1, 2, 3]);
	assert.deepEqual(inCells([], 3), []);
});
