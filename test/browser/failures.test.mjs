// The page when things go wrong: answers that fail, hang, are empty, hostile
// or absurd are put in front of it, panel by panel.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, panelState, settled } from './support.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const json = (body, status = 200) => ({ status, contentType: 'application/json', body: JSON.stringify(body) });
const HTML = { status: 502, contentType: 'text/html', body: '<html><h1>502 Bad Gateway</h1></html>' };
const messageOf = (page, name) => page.textContent(`[data-panel="${name}"] .panel-message`);

// opens the page with some answers replaced, from the first request on
async function withAnswers(answers, body, path = '') {
	const page = await open(browser, path, {
		before: async (fresh) => {
			for (const [pattern, answer] of Object.entries(answers)) {
				await fresh.route(pattern, typeof answer === 'function' ? answer : (route) => route.fulfill(answer));
			}
		},
	});
	try {
		await settled(page);
		await body(page);
	} finally {
		await page.context().close();
	}
}

test('500: the panel says so, the others work, retry mends it', () => withAnswers({
	'**/api/rpc/threat_types*': json({ message: 'canceling statement due to statement timeout', hint: 'Narrow the range.' }, 500),
}, async (page) => {
	assert.equal(await panelState(page, 'threats'), 'error');
	assert.match(await messageOf(page, 'threats'), /Error 500: canceling statement.*Narrow the range/);
	assert.equal(await panelState(page, 'timeline'), 'ready');
	await page.unroute('**/api/rpc/threat_types*');
	await page.click('[data-panel="threats"] .panel-message button');
	await settled(page);
	assert.equal(await panelState(page, 'threats'), 'ready');
}));

test('502 with a proxy\'s HTML is an error, not a crash', () => withAnswers({ '**/api/rpc/timeline*': HTML }, async (page) => {
	assert.equal(await panelState(page, 'timeline'), 'error');
	assert.match(await messageOf(page, 'timeline'), /502/);
	assert.equal(await panelState(page, 'kpi'), 'error');	// its lines need the timeline
	assert.equal(await panelState(page, 'alerts'), 'ready');
}));

test('JSON that is none is an error', () => withAnswers({
	'**/api/rpc/swimlane*': { status: 200, contentType: 'application/json', body: '[{"host":' },
}, async (page) => {
	assert.match(await messageOf(page, 'heatmap'), /not JSON/);
}));

test('no connection at all', () => withAnswers({ '**/api/**': (route) => route.abort() }, async (page) => {
	for (const name of ['kpi', 'timeline', 'alerts']) assert.equal(await panelState(page, name), 'error', name);
	assert.match(await messageOf(page, 'alerts'), /cannot be reached/);
	await page.unroute('**/api/**');
	await page.click('[data-panel="alerts"] .panel-message button');
	await page.waitForSelector('[data-panel="alerts"][data-state="ready"]');
	await settled(page);
	assert.equal(await panelState(page, 'timeline'), 'ready');
}));

test('empty answers are said to be empty', () => withAnswers({
	'**/api/rpc/swimlane*': json([]), '**/api/rpc/threat_types*': json([]), '**/api/rpc/found*': json([]), '**/api/alerts*': json([]),
}, async (page) => {
	for (const name of ['heatmap', 'threats', 'detections']) assert.equal(await panelState(page, name), 'empty', name);
	assert.match(await messageOf(page, 'heatmap'), /No detections/);
	assert.match(await page.textContent('[data-panel="alerts"]'), /No alerts in this range/);
}));

test('a store without a single flow', () => withAnswers({
	'**/api/status': json([{ store: 'netflow', server_time: '2030-01-01T12:00:30Z', first_flow: null, last_flow: null, flows: 0, detections: 0,
		open_alerts: 0, models: null, watch_error: null, token: '0' }]),
	'**/api/watches': json([]),
}, async (page) => {
	for (const name of ['timeline', 'heatmap', 'threats', 'scores', 'detections']) assert.equal(await panelState(page, name), 'empty', name);
	assert.equal(await page.textContent('[data-kpi="flows"] .tile-value'), '0');
	assert.equal(await page.textContent('#models'), 'no model on watch');
	assert.deepEqual(page.complaints, []);
}));

test('a slow panel shows that it is loading while the others are there', async () => {
	let release;
	const held = new Promise((resolve) => { release = resolve; });
	const page = await open(browser, '', {
		before: (fresh) => fresh.route('**/api/rpc/swimlane*', async (route) => { await held; await route.continue(); }),
	});
	await page.waitForSelector('[data-panel="timeline"][data-state="ready"]');
	assert.equal(await panelState(page, 'heatmap'), 'loading');
	assert.equal(await page.getAttribute('[data-panel="heatmap"]', 'aria-busy'), 'true');
	release();
	await page.waitForSelector('[data-panel="heatmap"][data-state="ready"]');
	await page.context().close();
});

test('a refresh that fails leaves the old numbers, marked stale; the next one clears the mark', async () => {
	const status = { store: 'netflow', server_time: '2026-03-04T00:00:00Z', first_flow: '2026-03-02T00:00:00Z',
		last_flow: '2026-03-03T23:59:00Z', flows: 1, detections: 1, open_alerts: 1, models: null, watch_error: 'baseline: no such column' };
	let token = 1;
	let broken = false;
	await withAnswers({
		'**/api/status': (route) => route.fulfill(json([{ ...status, token: String(token) }])),
		'**/api/rpc/threat_types*': (route) => (broken ? route.fulfill(HTML) : route.continue()),
	}, async (page) => {
		assert.match(await page.textContent('#trouble'), /Detection is failing: baseline: no such column/);
		broken = true;
		token = 2;
		await page.waitForSelector('[data-panel="threats"][data-state="stale"]', { timeout: 15000 });
		assert.match(await page.textContent('[data-panel="threats"] .stale'), /Not updated since/);
		assert.equal(await page.locator('[data-panel="threats"] .chart').isVisible(), true);
		broken = false;
		await page.click('[data-panel="threats"] .stale button');
		await page.waitForSelector('[data-panel="threats"][data-state="ready"]');
		assert.equal(await page.textContent('[data-panel="threats"] .stale'), '');
	});
});

test('polling asks for the rest only when the token changes', async () => {
	const asked = [];
	await withAnswers({
		'**/api/**': (route) => {
			asked.push(new URL(route.request().url()).pathname);
			return route.continue();
		},
	}, async (page) => {
		const before = asked.filter((path) => path !== '/api/status').length;
		await page.waitForRequest('**/api/status', { timeout: 15000 });
		await page.waitForRequest('**/api/status', { timeout: 15000 });
		assert.equal(asked.filter((path) => path !== '/api/status').length, before);
	});
});

// a number as the server writes it, beyond what JavaScript's own can hold
const big = (answer) => ({ ...answer, body: answer.body.replace('"BIG"', '9007199254740993') });

test('markup from the network is text, a bigint keeps its digits', () => withAnswers({
	'**/api/alerts*': big(json([{ id: 1, source: '10.0.0.1', threat: '<b>x</b>', title: '<img src=x onerror="document.title=1">', severity: 80,
		band: 'critical', risk: 'high', confidence: 1, state: 'open', first_seen: '2026-03-02T00:00:00Z', last_seen: '2026-03-02T01:00:00Z',
		flow_count: 'BIG', detection_count: 1, target_count: 1, targets: ['10.0.0.2'], ports: [], model: 'm', model_version: 1,
		score: 0.7, p_value: 0, reasons: [{ feature: '<i>f</i>', value: '<u>1</u>', expected: null, share: 0.5 }], indicators: ['<s>i</s>'],
		playbook: ['<script>1</script>'] }])),
}, async (page) => {
	await page.waitForSelector('#detail h2');
	assert.equal(await page.textContent('#detail-title'), '<img src=x onerror="document.title=1">');
	assert.equal(await page.locator('main img, #detail img, #detail b, #detail i, #detail s, #detail script').count(), 0);
	assert.match(await page.textContent('[data-alert="1"]'), /9,007,199,254,740,993/);
}, '?alert=1'));

test('the inbox: a page that fails leaves the rows before it', async () => {
	const rows = Array.from({ length: 51 }, (_, i) => ({ id: i + 1, source: '10.0.0.1', threat: 'x', title: `alert ${i}`, severity: 80, band: 'critical', state: 'open',
		resolution: null, assignee: null, first_seen: '2026-03-02T00:00:00Z', last_seen: '2026-03-02T01:00:00Z', flow_count: 1, target_count: 1 }));
	await withAnswers({ '**/api/alerts*': (route) => (route.request().url().includes('or=') ? route.fulfill(HTML) : route.fulfill(json(rows))) }, async (page) => {
		assert.equal(await page.locator('[data-panel="inbox"] [data-alert]').count(), 50);
		await page.click('#inbox-more');
		await page.waitForSelector('[data-panel="inbox"] .panel-foot [role="alert"]');
		assert.equal(await page.locator('[data-panel="inbox"] [data-alert]').count(), 50);
		assert.equal(await page.locator('#inbox-more').isEnabled(), true);
	}, '?page=alerts');
});

test('an alert that cannot be had: the drawer says so, retry brings it', () => withAnswers({
	'**/api/history*': json({ message: 'deadlock detected' }, 500),
}, async (page) => {
	await page.waitForSelector('#detail [role="alert"]');
	assert.match(await page.textContent('#detail [role="alert"]'), /deadlock detected/);
	await page.unroute('**/api/history*');
	await page.click('#detail button.quiet:has-text("Retry")');
	await page.waitForSelector('#detail .reasons');
}, '?page=alerts&show=all&alert=1'));

// ---- every panel of every page

const PAGES = ['', '?page=alerts', '?page=host&host=10.0.0.12', '?page=explore', '?page=models', '?page=data', '?page=status'];
const LOCAL = ['exports', 'upload'];	// they ask nothing until a person does
const CLOCKED = ['alarms', 'health', 'disk', 'captures'];	// asked again by the clock alone
const ALWAYS = /\/api\/(status|rpc\/session|watches)$/;	// what the frame around the panels asks

const states = (page) => page.$$eval('[data-panel]', (panels, local) => Object.fromEntries(panels.filter((p) => !local.includes(p.dataset.panel))
	.map((p) => [p.dataset.panel, p.dataset.state])), LOCAL);
const those = (shown, ...wanted) => Object.keys(shown).filter((name) => wanted.includes(shown[name]));
const text = (page, name) => page.evaluate((panel) => document.querySelector(`[data-panel="${panel}"]`).innerText, name);

// answers as `mode` says; news() has the page ask for everything again
async function puppet(page) {
	const hold = {};
	const control = { mode: 'hold', token: 0, released: new Promise((resolve) => { hold.release = resolve; }), release: hold.release };
	await page.route('**/api/**', async (route) => {
		const url = route.request().url();
		if (url.endsWith('/api/status')) {
			const answer = await route.fetch();
			const [status] = await answer.json();
			return route.fulfill({ response: answer, json: [{ ...status, token: `${status.token}+${control.token}` }] });
		}
		if (ALWAYS.test(url)) return route.continue();
		if (control.mode === 'hold') await control.released;
		if (control.mode === 500) return route.fulfill(json({ message: 'canceling statement due to statement timeout', hint: 'Narrow the range.' }, 500));
		if (control.mode === 502) return route.fulfill(HTML);
		if (control.mode === 'empty') return route.fulfill(json([]));
		return route.continue();
	});
	control.news = async () => {
		control.token += 1;
		const asked = page.waitForRequest((request) => request.url().includes('/api/') && !ALWAYS.test(request.url()));
		await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
		await asked;
		await settled(page);
	};
	return control;
}

for (const path of PAGES) {
	test(`slow, 500, 502 and nothing at all, on every panel of ${path || 'the overview'}`, async () => {
		let control;
		const page = await open(browser, path, { before: async (fresh) => { control = await puppet(fresh); } });
		await page.waitForSelector('[data-panel][aria-busy]');
		const all = Object.keys(await states(page));
		assert.deepEqual(those(await states(page), 'loading'), all, 'slow: each is loading');
		assert.equal(await page.locator('[data-panel][aria-busy="true"]').count(), all.length);

		control.mode = 500;
		control.release();
		await settled(page);
		assert.deepEqual(those(await states(page), 'error'), all, '500: each says so');
		for (const name of all) {
			assert.match(await messageOf(page, name), /Error 500: canceling statement due to statement timeout.*Narrow the range/, name);
		}
		control.mode = 'fine';
		for (const name of all) await page.click(`[data-panel="${name}"] .panel-message button`);
		await settled(page);
		const before = await states(page);
		assert.deepEqual(those(before, 'ready', 'empty'), all, 'retry mends each');
		const shown = await Promise.all(all.map((name) => text(page, name)));

		control.mode = 502;
		await control.news();
		const again = all.filter((name) => !CLOCKED.includes(name));
		assert.deepEqual(those(await states(page), 'stale'), again, '502 on a refresh: each is marked as old');
		for (const name of again) {
			assert.match(await page.textContent(`[data-panel="${name}"] .stale`), /Not updated since .*Bad Gateway/, name);
			if (before[name] === 'ready') assert.equal(await page.locator(`[data-panel="${name}"] .panel-view`).isVisible(), true, name);
		}
		control.mode = 'fine';
		await control.news();
		assert.deepEqual(await states(page), before, 'the next one clears the marks');
		assert.deepEqual(await Promise.all(all.map((name) => text(page, name))), shown);

		control.mode = 'empty';
		await control.news();
		for (const name of again) {
			const said = await text(page, name);
			assert.doesNotMatch(said, /undefined|null|NaN|Cannot read|not iterable|not a function/, name);
			assert.ok(['empty', 'ready', 'stale'].includes(await panelState(page, name)), `${name} is ${await panelState(page, name)}`);
		}
		assert.deepEqual(page.complaints.filter((line) => !line.startsWith('Failed to load resource')), []);
		await page.context().close();
	});
}
