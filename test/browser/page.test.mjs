// The Overview page in a real browser, over the store that seed.sql fills.
// Numbers are compared with SQL on the store's own tables, traffic with the
// raw flows: not with the rollups and functions that the page reads.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SHOTS, chartOption, kpis, launch, panelState, period, pointOf, settled, sql, sqlNumber, visitor } from './support.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const between = (column, { t0, t1 }) => `${column} >= '${t0}' AND ${column} < '${t1}'`;
const total = (rows) => rows.reduce((sum, value) => sum + Number(value ?? 0), 0);
const PORTSCAN = 't0=2026-03-03T10:00:00Z&t1=2026-03-03T11:00:00Z';

const visit = visitor(() => browser);

test('the page loads under its policy without a complaint, every panel with data', () => visit('', {}, async (page) => {
	for (const name of ['kpi', 'timeline', 'heatmap', 'threats', 'scores', 'alerts', 'detections']) {
		assert.equal(await panelState(page, name), 'ready', name);
	}
	assert.match(await page.title(), /alerts · netflow/);
}));

test('no string becomes markup or script', () => visit('', {}, async (page) => {
	const attempt = (body) => page.evaluate((run) => {
		try {
			Object.assign(document.createElement('div'), { innerHTML: run });
			return 'let in';
		} catch {
			return 'refused';
		}
	}, body);
	assert.equal(await attempt('<img src=x>'), 'refused');
	page.complaints.length = 0;	// the refusal itself
	assert.equal(await attempt(''), 'let in');
}));

test('the tiles equal SQL over raw flows, detections and alerts', () => visit(`?${PORTSCAN}`, {}, async (page) => {
	const range = await period(page);
	const [flows, bytes, packets] = sql(`SELECT count(*), sum(src_bytes + dst_bytes), sum(src_packets + dst_packets)
		FROM netflow.flow WHERE ${between('start_time', range)}`)[0].map(Number);
	const [detections, sources] = sql(`SELECT count(*), count(DISTINCT src_addr)
		FROM netflow.detection WHERE ${between('start_time', range)}`)[0].map(Number);
	const alerts = sqlNumber(`SELECT count(*) FROM netflow.alert WHERE last_seen >= '${range.t0}' AND first_seen < '${range.t1}'`);
	assert.deepEqual(await kpis(page), { alerts, sources, detections, flows, packets, bytes });
	assert.ok(flows > 600 && detections > 0 && alerts > 0);
}));

test('a tile leads to what it counts, and back', () => visit(`?${PORTSCAN}`, {}, async (page) => {
	const tile = (name) => page.locator(`[data-kpi="${name}"]`);
	await tile('bytes').click({ position: { x: 40, y: 40 } });	// anywhere on it
	await page.waitForURL(/metric=bytes/);
	assert.match(await page.getAttribute('[data-panel="timeline"] .chart', 'aria-label'), /bytes|traffic/i);
	assert.equal(await tile('bytes').locator('[aria-current="true"]').count(), 1);
	for (const [name, panel] of [['detections', 'detections'], ['sources', 'heatmap']]) {
		await tile(name).scrollIntoViewIfNeeded();
		await tile(name).click();
		await page.waitForFunction((p) => document.activeElement.closest('[data-panel]')?.dataset.panel === p, panel);
		const { y } = await page.locator(`[data-panel="${panel}"] h2`).boundingBox();
		assert.ok(y > 90 && y < 600, `in sight and not behind the bar: ${y}`);
	}
	await tile('alerts').click();
	await page.waitForURL(/page=alerts/);
	await settled(page);
	const params = new URL(page.url()).searchParams;
	assert.deepEqual([params.get('show'), params.get('t0')], ['all', '2026-03-03T10:00:00Z']);
	assert.deepEqual((await page.$$eval('[data-panel="inbox"] [data-alert]', (rows) => rows.map((r) => r.dataset.alert))).sort(),
		sql("SELECT id FROM netflow.alert WHERE last_seen >= '2026-03-03 10:00+00' AND first_seen < '2026-03-03 11:00+00'").flat().sort());
	await page.goBack();
	await settled(page);
	assert.equal(await tile('alerts').isVisible(), true);
}));

test('the sums of every chart equal SQL', () => visit('', {}, async (page) => {
	const line = await chartOption(page, 'timeline');
	const series = Object.fromEntries(line.series.map((s) => [s.name, total(s.data)]));
	assert.equal(series.traffic, sqlNumber('SELECT count(*) FROM netflow.flow'));
	for (const [band, n] of sql('SELECT anomaly_band(severity), count(*) FROM netflow.detection GROUP BY 1')) {
		assert.equal(series[band], Number(n), band);
	}
	const threats = await chartOption(page, 'threats');
	assert.equal(total(threats.series[0].data.map((d) => d.value)), sqlNumber('SELECT count(*) FROM netflow.alert'));
	const scores = await chartOption(page, 'scores');
	assert.equal(total(scores.series[0].data.map((d) => d[3])), sqlNumber('SELECT sum(flows) FROM netflow.score_hour'));
	assert.equal(total(scores.series[0].data.map((d) => d[3])), sqlNumber('SELECT count(*) FROM netflow.flow'));
	await page.click('[data-panel="heatmap"] button[aria-pressed]');
	const counts = await page.$$eval('[data-panel="heatmap"] td:nth-child(3)', (cells) => cells.map((c) => Number(c.textContent.replace(/,/g, ''))));
	assert.equal(total(counts), sqlNumber(`SELECT sum(n) FROM (SELECT count(*) n FROM netflow.detection
		GROUP BY src_addr ORDER BY max(severity) DESC, 1 DESC, src_addr LIMIT 20) lane`));
}));

// the ids of all rows of the list, whose pages are asked for one by one
async function allDetections(page) {
	const ids = () => page.$$eval('[data-detection]', (rows) => rows.map((r) => r.dataset.detection));
	while (await page.locator('#detections-more').count()) {
		const shown = (await ids()).length;
		await page.click('#detections-more');
		await page.waitForFunction((n) => document.querySelectorAll('[data-detection]').length > n, shown);
	}
	return ids();
}

test('detections come page by page, the worst first, each once', () => visit('', {}, async (page) => {
	assert.equal(await page.locator('[data-detection]').count(), 100);
	assert.deepEqual(await allDetections(page), sql('SELECT id FROM netflow.detection ORDER BY severity DESC, start_time DESC, id').flat());
	assert.match(await page.textContent('[data-panel="detections"] .panel-foot'), /all shown/);
}));

test('a clicked heatmap cell shows exactly its rows; back brings the picture before', () => visit('', {}, async (page) => {
	const before = await kpis(page);
	const map = await chartOption(page, 'heatmap');
	const [column, row] = map.series.find((s) => s.name === 'critical' || s.data.length).data[0];
	const point = await pointOf(page, 'heatmap', [column, row]);
	await page.mouse.click(point.x, point.y);
	await page.waitForURL(/host=/);
	await settled(page);
	const cell = await period(page);
	assert.equal(cell.host, map.y[row]);
	assert.equal(Date.parse(cell.t0), Number(map.x[column]));
	assert.equal(Date.parse(cell.t1) - Date.parse(cell.t0), Number(map.x[1]) - Number(map.x[0]));
	const expected = sql(`SELECT id FROM netflow.detection WHERE ${between('start_time', cell)} AND src_addr = '${cell.host}'`).flat();
	assert.equal((await kpis(page)).detections, expected.length);
	const listed = await allDetections(page);
	assert.deepEqual(listed.sort(), expected.sort());
	const alerts = await page.$$eval('[data-alert]', (rows) => rows.map((r) => r.dataset.alert));
	assert.deepEqual(alerts.sort(), sql(`SELECT id FROM netflow.alert WHERE source = '${cell.host}'
		AND last_seen >= '${cell.t0}' AND first_seen < '${cell.t1}'`).flat().sort());
	await page.goBack();
	await settled(page);
	assert.deepEqual(await kpis(page), before);
}));

test('a drag across the timeline sets the range, a reload keeps it', () => visit('', {}, async (page) => {
	const { x } = await chartOption(page, 'timeline');
	const from = await pointOf(page, 'timeline', [40, 0]);
	const to = await pointOf(page, 'timeline', [90, 0]);
	await page.mouse.move(from.x, from.y - 40);
	await page.mouse.down();
	await page.mouse.move((from.x + to.x) / 2, from.y - 40, { steps: 5 });
	await page.mouse.move(to.x, to.y - 40, { steps: 5 });
	await page.mouse.up();
	await page.waitForURL(/t0=/);
	await settled(page);
	const range = await period(page);
	assert.ok(Math.abs(Date.parse(range.t0) - Number(x[40])) <= 3600e3, range.t0);
	const shown = await kpis(page);
	const drawn = await chartOption(page, 'timeline');
	assert.equal(shown.flows, total(drawn.series[0].data));
	const [first, last] = [drawn.x[0], drawn.x.at(-1)].map(Number);
	assert.equal(shown.flows, sqlNumber(`SELECT count(*) FROM netflow.flow WHERE start_time >= to_timestamp(${first / 1000})
		AND start_time < to_timestamp(${(2 * last - Number(drawn.x.at(-2))) / 1000})`));
	await page.reload();
	await settled(page);
	assert.deepEqual(await kpis(page), shown);
}));

test('by touch the slider sets the range', () => visit('', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, async (page) => {
	const { x } = await chartOption(page, 'timeline');
	const left = await pointOf(page, 'timeline', [0, 0]);
	const middle = await pointOf(page, 'timeline', [Math.floor(x.length / 2), 0]);
	const box = await page.locator('[data-panel="timeline"] .chart').boundingBox();
	const client = await page.context().newCDPSession(page);
	const touch = (type, at) => client.send('Input.dispatchTouchEvent', { type, touchPoints: at === null ? [] : [{ x: at, y: box.y + box.height - 20 }] });
	await touch('touchStart', left.x);
	for (let i = 1; i <= 5; i++) await touch('touchMove', left.x + (i / 5) * (middle.x - left.x));
	await touch('touchEnd', null);
	await page.waitForURL(/t0=/);
	await settled(page);
	const range = await period(page);
	assert.ok(Date.parse(range.t0) > Number(x[0]) && Date.parse(range.t1) >= Number(x.at(-1)), JSON.stringify(range));
}));

test('tooltips come up under the policy, with the bucket\'s numbers', () => visit('', {}, async (page) => {
	const map = await chartOption(page, 'heatmap');
	const [column, row] = map.series.find((s) => s.data.length).data[0];
	for (const [name, value, text] of [['timeline', [100, 0], /Flows\d/], ['heatmap', [column, row], /Detections\d/]]) {
		const { x, y } = await pointOf(page, name, value);
		await page.mouse.move(x, name === 'timeline' ? y - 20 : y);
		await page.waitForSelector(`[data-panel="${name}"] .tip`);
		assert.match(await page.textContent(`[data-panel="${name}"] .tip`), text);
	}
}));

test('a threat filters the page, its chip lifts the filter', () => visit('', {}, async (page) => {
	const all = (await kpis(page)).detections;
	await page.click('[data-panel="threats"] button[aria-pressed]');
	await page.click('[data-panel="threats"] td a >> nth=0');
	await settled(page);
	const { threat } = await period(page);
	assert.equal((await kpis(page)).detections, sqlNumber(`SELECT count(*) FROM netflow.detection WHERE threat = '${threat}'`));
	await page.click('[data-filter="threat"]');
	await settled(page);
	assert.equal((await kpis(page)).detections, all);
}));

test('an alert opens with reasons, indicators and steps as SQL has them; Escape gives the focus back', () => visit('', {}, async (page) => {
	const [[id, reasons, steps]] = sql(`SELECT id, reasons, (SELECT count(*) FROM netflow.playbook p WHERE p.threat = a.threat)
		FROM netflow.alert a WHERE reasons IS NOT NULL ORDER BY severity DESC, last_seen DESC, id LIMIT 1`);
	const link = page.locator(`[data-alert="${id}"] a`).first();
	await link.focus();
	await page.keyboard.press('Enter');
	await page.waitForSelector('#detail h2');
	const shown = await page.$$eval('.reasons tbody th', (cells) => cells.map((c) => c.title));
	assert.deepEqual(shown, JSON.parse(reasons).map((r) => r.feature));
	assert.equal(await page.locator('#detail .steps li').count(), Number(steps));
	assert.ok(Number(steps) > 0);
	await page.waitForFunction(() => document.activeElement.closest('#detail'));
	await page.keyboard.press('Escape');
	assert.equal(await page.locator('#detail').isHidden(), true);
	assert.equal(await page.evaluate(() => document.activeElement.closest('[data-alert]')?.dataset.alert), id);
}));

test('an alert by its address, and one that does not exist', async () => {
	const id = sql('SELECT min(id) FROM netflow.alert')[0][0];
	await visit(`?alert=${id}`, {}, async (page) => {
		await page.waitForSelector('#detail h2');
		assert.match(await page.textContent('#detail-title'), /\w/);
	});
	await visit('?alert=999999', {}, async (page) => {
		await page.waitForSelector('#detail [role="alert"]');
		assert.match(await page.textContent('#detail'), /there is no alert 999999/);
	});
});

test('bands: the filter shows exactly that band', () => visit('?band=critical', {}, async (page) => {
	const shown = await page.$$eval('[data-alert]', (rows) => rows.map((r) => r.dataset.alert));
	assert.deepEqual(shown.sort(), sql("SELECT id FROM netflow.alert WHERE anomaly_band(severity) = 'critical'").flat().sort());
}));

test('every chart has a table, every table as many rows as its chart has points', () => visit('', {}, async (page) => {
	for (const name of ['timeline', 'heatmap', 'threats', 'scores']) {
		const option = await chartOption(page, name);
		const points = name === 'heatmap' ? option.series.filter((s) => s.type === 'custom').flatMap((s) => s.data) : option.series[0].data;
		await page.click(`[data-panel="${name}"] button[aria-pressed]`);
		assert.equal(await page.locator(`[data-panel="${name}"] tbody tr`).count(), points.length, name);
		assert.equal(await page.locator(`[data-panel="${name}"] .chart`).isHidden(), true);
	}
}));

test('themes: dark by system or by choice, kept in the address', () => visit('', { colorScheme: 'dark' }, async (page) => {
	const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
	const dark = await back();
	await page.click('#theme');	// light
	await page.waitForURL(/theme=light/);
	assert.notEqual(await back(), dark);
	await page.click('#theme');	// dark
	await page.reload();
	await settled(page);
	assert.equal(await back(), dark);
}));

test('local time shifts what is shown, not what is asked', () => visit(`?${PORTSCAN}&tz=local`, { timezoneId: 'Asia/Kathmandu' }, async (page) => {
	assert.match(await page.textContent('#range'), /15:45 – 16:45/);
	assert.equal((await kpis(page)).flows, sqlNumber(`SELECT count(*) FROM netflow.flow
		WHERE start_time >= '2026-03-03 10:00+00' AND start_time < '2026-03-03 11:00+00'`));
	assert.equal(await page.inputValue('[name="from"]'), '2026-03-03T15:45');
}));

test('a range by hand: applied, and refused when it ends before it begins', () => visit('', {}, async (page) => {
	await page.click('#range');
	await page.fill('[name="from"]', '2026-03-03T14:00');
	await page.fill('[name="to"]', '2026-03-03T13:00');
	await page.click('#range-form button');
	assert.equal((await period(page)).t0, null);
	await page.fill('[name="to"]', '2026-03-03T15:00');
	await page.click('#range-form button');
	await page.waitForURL(/t0=2026-03-03T14:00:00Z/);
	await settled(page);
}));

test('screenshot for the README: down to the alerts', () => visit('', {}, async (page) => {
	const { y, height } = await page.locator('[data-panel="alerts"]').boundingBox();
	await page.screenshot({ path: `${SHOTS}overview.png`, fullPage: true, clip: { x: 0, y: 0, width: 1440, height: y + height + 16 } });
}));

test('screenshot for the README: an alert beside the inbox', () => visit('?page=alerts&show=all&alert=1', { as: 'analyst' }, async (page) => {
	await page.waitForSelector('#detail .reasons');
	await page.screenshot({ path: `${SHOTS}alerts.png` });
}));

test('a rule\'s limit is what is expected: how far the value is past it', () => visit('?page=alerts&show=all&alert=1', {}, async (page) => {
	await page.waitForSelector('#detail .reasons');
	const [[reasons]] = sql('SELECT reasons FROM netflow.alert WHERE id = 1');
	const [{ value, expected }] = JSON.parse(reasons);
	const limit = Number(expected.replace(/^[<>]=? /, ''));
	assert.ok(limit > 0 && /^[<>]/.test(expected), expected);
	assert.equal(await page.textContent('#detail .times >> nth=0'), `×${(value / limit).toFixed(1)}`);
	await page.click('#detail >> text=Open the host');
	await settled(page);
	const params = new URL(page.url()).searchParams;
	assert.deepEqual([params.get('page'), params.get('host'), params.get('alert')],
		['host', sql('SELECT host(source) FROM netflow.alert WHERE id = 1')[0][0], null]);
}));

test('a new flow shows without a reload, under the reader\'s hands', () => visit('', {}, async (page) => {
	const { flows } = await kpis(page);
	const id = await page.getAttribute('[data-alert]', 'data-alert');
	await page.locator(`[data-alert="${id}"] a`).first().focus();
	await page.locator('.findings').evaluate((box) => box.scrollTo(0, 50));
	sql('INSERT INTO netflow.flow SELECT * FROM netflow.flow ORDER BY start_time LIMIT 1');
	await page.waitForFunction((before) => document.querySelector('[data-kpi="flows"] .tile-value').title !== before,
		flows.toLocaleString('en-US'), { timeout: 15000 });
	await settled(page);
	assert.equal((await kpis(page)).flows, flows + 1);
	assert.equal(await page.evaluate(() => document.activeElement.closest('[data-alert]')?.dataset.alert), id);
	assert.equal(await page.locator('.findings').evaluate((box) => box.scrollTop), 50);
}));
