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

test('the inbox: 500 and 502 with retry, slow, empty; a page that fails leaves the rows before it', async () => {
	for (const answer of [json({ message: 'deadlock detected' }, 500), HTML]) {
		await withAnswers({ '**/api/alerts*': answer }, async (page) => {
			assert.equal(await panelState(page, 'inbox'), 'error');
			assert.match(await messageOf(page, 'inbox'), /Error 50[02]/);
			await page.unroute('**/api/alerts*');
			await page.click('[data-panel="inbox"] .panel-message button');
			await page.waitForSelector('[data-panel="inbox"][data-state="ready"]');
		}, '?page=alerts');
	}
	await withAnswers({ '**/api/alerts*': json([]) }, async (page) => {
		assert.match(await page.textContent('[data-panel="inbox"]'), /No alerts here/);
		assert.equal(await page.locator('[aria-label="Alerts by state"]').isVisible(), true);
	}, '?page=alerts');
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
