// The pages Host, Explore, Models and Data in a real browser.  Their numbers are
// compared with SQL on the store's own tables.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import * as format from '../../dashboard/js/format.js';
import { SHOTS, chartOption, launch, open, panelState, pointOf, settled, sql, sqlNumber, visitor } from './support.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());
const visit = visitor(() => browser);

const total = (rows) => rows.reduce((sum, value) => sum + Number(value ?? 0), 0);
const digits = (text) => Number(text.replace(/[^\d.-]/g, ''));
const HOST = '10.0.0.12';
const DAY = 't0=2026-03-03T00:00:00Z&t1=2026-03-04T00:00:00Z';
const params = (page) => new URL(page.url()).searchParams;

async function download(page, selector) {
	const [file] = await Promise.all([page.waitForEvent('download'), page.click(selector)]);
	return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') };
}

// ---- host

test('host: line, peers and services equal SQL over the raw flows', () => visit(`?page=host&host=${HOST}`, {}, async (page) => {
	const line = await chartOption(page, 'hostline');
	assert.equal(total(line.series.find((s) => s.name === 'traffic').data), sqlNumber(`SELECT count(*) FROM netflow.flow WHERE src_addr = '${HOST}'`));
	await page.click('[data-panel="peers"] button[aria-pressed]');
	const shown = await page.$$eval('[data-panel="peers"] tbody tr', (rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
	assert.deepEqual(shown.map(([, peer, flows]) => [peer, flows]).sort(), sql(`SELECT dst_addr, count(*) FROM netflow.flow WHERE src_addr = '${HOST}' GROUP BY 1`).sort());
	const top = await chartOption(page, 'services');
	assert.equal(total(top.series[0].data.map((d) => d.value)), sqlNumber(`SELECT count(*) FROM netflow.flow WHERE src_addr = '${HOST}'`));
}));

test('host: the band of the second day is what the first was, at that hour', () => visit(`?page=host&host=${HOST}&${DAY}`, {}, async (page) => {
	const { series, x } = await chartOption(page, 'hostline');
	const of = (name) => series.find((s) => s.name === name).data;
	const i = x.findIndex((t) => Number(t) === Date.parse('2026-03-03T12:00:00Z'));
	const step = (Number(x[1]) - Number(x[0])) / 1000;
	const around = Math.min(4, Math.floor(3600 / step));
	const [low, usual, high] = sql(`SELECT unnest(percentile_cont('{0.05,0.5,0.95}'::float8[]) WITHIN GROUP (ORDER BY n)) FROM (
		SELECT (SELECT count(*) FROM netflow.flow WHERE src_addr = '${HOST}' AND start_time >= b AND start_time < b + ${step} * interval '1 s') AS n
		FROM generate_series(-${around}, ${around}) o, LATERAL (SELECT timestamptz '2026-03-02 12:00+00' + o * ${step} * interval '1 s' AS b) x) h`).flat().map(Number);
	assert.ok(Math.abs(of('low')[i] - low) < 1e-6 && Math.abs(of('usual')[i] - usual) < 1e-6 && Math.abs(of('low')[i] + of('high')[i] - high) < 1e-6,
		`${of('low')[i]} ${of('usual')[i]} ${of('high')[i]} is not ${low} ${usual} ${high}`);
}));

test('host: flows come page by page, each once, newest first; the file has them all', () => visit(`?page=host&host=${HOST}&${DAY}`, {}, async (page) => {
	const names = () => page.$$eval('[data-flow]', (rows) => rows.map((row) => row.dataset.flow));
	const expected = sqlNumber(`SELECT count(*) FROM netflow.flow WHERE '${HOST}' IN (src_addr, dst_addr) AND start_time >= '2026-03-03'`);
	assert.equal((await names()).length, 50);
	while (await page.locator('#flows-more').count()) {
		const before = (await names()).length;
		await page.click('#flows-more');
		await page.waitForFunction((n) => document.querySelectorAll('[data-flow]').length > n, before);
	}
	const all = await names();
	assert.equal(all.length, expected);
	assert.equal(new Set(all).size, expected);
	const times = all.map((name) => Date.parse(name.split(' ')[0]));
	assert.deepEqual(times, [...times].sort((a, b) => b - a));
	const { name, text } = await download(page, '#flows-csv');
	assert.equal(name, `flows-${HOST}.csv`);
	const rows = text.trim().split('\r\n');
	assert.equal(rows.length, expected + 1);
	assert.equal(total(rows.slice(1).map((row) => row.split(',')[9])), sqlNumber(`SELECT sum(src_bytes) FROM netflow.flow WHERE '${HOST}' IN (src_addr, dst_addr) AND start_time >= '2026-03-03'`));
}));

test('host: an address by hand, a peer by its link, and back', () => visit('?page=host', {}, async (page) => {
	assert.equal(await panelState(page, 'hostline'), 'empty');
	await page.fill('#host-address', '10.0.1.1');
	await page.keyboard.press('Enter');
	await page.waitForURL(/host=10\.0\.1\.1/);
	await settled(page);
	await page.click('[data-panel="peers"] button[aria-pressed]');
	await page.click('[data-panel="peers"] td a >> nth=0');
	await settled(page);
	assert.notEqual(params(page).get('host'), '10.0.1.1');
	await page.goBack();
	await settled(page);
	assert.equal(params(page).get('host'), '10.0.1.1');
	assert.equal(await page.inputValue('#host-address'), '10.0.1.1');
}));

// ---- overview

test('overview: services and talkers equal SQL, a talker filters', () => visit('', {}, async (page) => {
	for (const name of ['services', 'talkers']) {
		const option = await chartOption(page, name);
		assert.equal(total(option.series[0].data.map((d) => d.value)), sqlNumber('SELECT count(*) FROM netflow.flow'), name);
	}
	await page.click('[data-panel="talkers"] button[aria-pressed]');
	const [[address, flows]] = sql('SELECT src_addr, count(*) FROM netflow.flow GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1');
	const first = page.locator('[data-panel="talkers"] tbody tr').first();
	assert.deepEqual((await first.locator('td').allTextContents()).slice(0, 2), [address, Number(flows).toLocaleString('en-US')]);
	await first.locator('a').click();
	await page.waitForURL(/host=/);
	assert.equal(params(page).get('host'), address);
}));

// ---- explore

test('explore: what models found is all there, the calendar sums to all flows', () => visit('?page=explore', {}, async (page) => {
	const found = Math.min(1000, sqlNumber('SELECT count(*) FROM netflow.detection WHERE watch_id IS NOT NULL'));
	for (const name of ['scatter', 'projection']) {
		const { series } = await chartOption(page, name);
		assert.equal(total(series.filter((s) => s.name !== 'ordinary').map((s) => s.data.length)), found, name);
	}
	const week = await chartOption(page, 'calendar');
	assert.equal(total(week.series[0].data.map((cell) => cell[3])), sqlNumber('SELECT count(*) FROM netflow.flow'));
	await page.click('[data-panel="calendar"] button[aria-pressed]');
	const detections = await page.$$eval('[data-panel="calendar"] td:nth-child(5)', (cells) => cells.map((cell) => cell.textContent));
	assert.equal(total(detections.map(digits)), sqlNumber('SELECT count(*) FROM netflow.detection'));
}));

test('overview: a service leads to its flows, page by page, each once; the chip leads to those of all', () => visit(`?${DAY}`, {}, async (page) => {
	await page.click('[data-panel="services"] button[aria-pressed]');
	await page.click('[data-panel="services"] tbody a:has-text("TCP 80")');
	await page.waitForURL(/page=explore.*port=80|port=80.*page=explore/);
	await settled(page);
	const shown = () => page.locator('[data-panel="flows"] [data-flow]').count();
	const total = (where) => sqlNumber(`SELECT count(*) FROM netflow.flow WHERE start_time >= '2026-03-03' AND start_time < '2026-03-04' AND ${where}`);
	assert.equal(await shown(), 50);
	await page.click('#flows-more');
	await page.waitForFunction(() => document.querySelectorAll('[data-panel="flows"] [data-flow]').length > 50);
	const keys = await page.$$eval('[data-panel="flows"] [data-flow]', (rows) => rows.map((r) => r.dataset.flow));
	assert.equal(new Set(keys).size, 100);
	assert.deepEqual(keys, [...keys].sort((a, b) => (a.slice(0, 19) < b.slice(0, 19) ? 1 : a.slice(0, 19) > b.slice(0, 19) ? -1 : 0)), 'newest first');
	const { name, text } = await download(page, '#flows-csv');
	const lines = text.trim().split('\r\n');
	assert.equal(name, 'flows-port-80.csv');
	assert.equal(lines.length - 1, total('dst_port = 80'));
	const port = lines[0].split(',').indexOf('dst_port');
	assert.ok(lines.slice(1).every((line) => line.split(',')[port] === '80'));
	await page.click('[data-filter="port"]');
	await page.waitForURL((url) => !url.searchParams.has('port'));
	await settled(page);
	assert.equal((await download(page, '#flows-csv')).text.trim().split('\r\n').length - 1, total('true'));
	await page.locator('[data-panel="flows"] [data-flow] a').first().click();
	await page.waitForURL(/page=host/);
}));

test('explore: a box dragged on the scatter lists exactly the flows in it; back takes it away', () => visit('?page=explore', {}, async (page) => {
	const { series } = await chartOption(page, 'scatter');
	const from = await pointOf(page, 'scatter', [2.5, 3], { xAxisIndex: 0, yAxisIndex: 0 });
	const to = await pointOf(page, 'scatter', [3.2, 4.5], { xAxisIndex: 0, yAxisIndex: 0 });
	await page.mouse.move(from.x, from.y);
	await page.mouse.down();
	await page.mouse.move((from.x + to.x) / 2, (from.y + to.y) / 2, { steps: 4 });
	await page.mouse.move(to.x, to.y, { steps: 4 });
	await page.mouse.up();
	await page.waitForURL(/box=/);
	await settled(page);
	const [x0, x1, y0, y1] = params(page).get('box').split(',').map(Number);
	const inside = series.flatMap((s) => s.data).filter(([x, y]) => x >= x0 && x <= x1 && y >= y0 && y <= y1).length;
	assert.ok(inside > 10, String(inside));
	assert.equal(digits((await page.textContent('[data-panel="selection"] .panel-tools [role="status"]')).split(' flows')[0]), inside);
	assert.equal(await page.locator('[data-panel="selection"] [data-flow]').count(), Math.min(inside, 200));
	const { text } = await download(page, '#selection-csv');
	assert.equal(text.trim().split('\r\n').length, inside + 1);
	await page.goBack();
	await page.waitForFunction(() => !document.querySelector('[data-panel="selection"] [data-flow]'));
}));

test('explore: axes are chosen and stay in the address', () => visit('?page=explore', {}, async (page) => {
	await page.selectOption('#axis-x', 'bytes_per_s');
	await page.waitForURL(/x=bytes_per_s/);
	await page.reload();
	await settled(page);
	assert.equal(await page.inputValue('#axis-x'), 'bytes_per_s');
	assert.match(await page.textContent('[data-panel="scatter"] .panel-note'), /Drag a box/);
}));

// ---- models

test('models: every number is what the registry holds, what was not measured is absent', () => visit('?page=models', {}, async (page) => {
	const shown = await page.$$eval('[data-version]', (rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
	const expected = sql(`SELECT model || ' v' || version, metrics ->> 'roc_auc', metrics ->> 'recall' FROM anomaly.model_version WHERE metrics ? 'roc_auc' OR NOT metrics ? 'classes' ORDER BY 1`);
	for (const [name, auc, recall] of expected) {
		const cells = shown.find(([title]) => title === name);
		assert.equal(cells[3], auc ? Number(auc).toFixed(3) : '–', name);
		assert.equal(cells[7], recall ? Number(recall).toFixed(3) : '–', name);
	}
	assert.equal(await panelState(page, 'confusion'), 'empty', 'the one on watch was not measured');
	assert.equal(shown.length, sqlNumber('SELECT count(*) FROM anomaly.model_version'));
}));

test('models: curve and confusion matrix of a version equal SQL', () => visit('?page=models&version=measured~1', {}, async (page) => {
	await page.click('[data-panel="confusion"] button[aria-pressed]');
	const cells = await page.$$eval('[data-panel="confusion"] tbody tr', (rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
	const [[tp, fp, tn, fn]] = sql("SELECT metrics -> 'tp', metrics -> 'fp', metrics -> 'tn', metrics -> 'fn' FROM anomaly.model_version WHERE model = 'measured' AND version = 1");
	assert.deepEqual(Object.fromEntries(cells.map(([are, as, n]) => [`${are} ${as}`, digits(n)])),
		{ 'normal normal': Number(tn), 'normal anomalous': Number(fp), 'anomalous normal': Number(fn), 'anomalous anomalous': Number(tp) });
	// at the score of each point of the curve: what the flows' own scores say
	const { series } = await chartOption(page, 'roc');
	const points = series[0].data.slice(1);
	for (const [fpr, tpr, score] of [points[0], points[Math.floor(points.length / 2)], points.at(-1)]) {
		const [[p, q]] = sql(`SELECT avg((s >= ${score})::int) FILTER (WHERE class = 'normal'), avg((s >= ${score})::int) FILTER (WHERE class <> 'normal')
			FROM netflow.labelled l, LATERAL (SELECT anomaly_score((SELECT body FROM anomaly.model_version WHERE model = 'measured' AND version = 1), l) AS s) x`);
		assert.ok(Math.abs(fpr - p) < 1e-9 && Math.abs(tpr - q) < 1e-9, `${fpr} ${tpr} at ${score}, not ${p} ${q}`);
	}
}));

test('models: one that tells classes has curves too, of whatever is not normal', () => visit('?page=models&version=classes~1', {}, async (page) => {
	const [[rows, positives]] = sql(`SELECT sum(n::int), sum(n::int) FILTER (WHERE class <> 'normal') FROM anomaly.model_version,
		jsonb_each(metrics #> '{classes,confusion}') a (class, row), jsonb_each_text(a.row) p (predicted, n) WHERE model = 'classes'`);
	for (const name of ['roc', 'pr']) {
		const [{ name: label, data }] = (await chartOption(page, name)).series;
		assert.equal(label, 'classes v1');
		assert.deepEqual(data.at(-1).slice(0, 2), name === 'roc' ? [1, 1] : [1, Number(positives) / Number(rows)], 'all rows are above the lowest score');
	}
}));

test('models: a viewer sees no button that would fail', () => visit('?page=models&version=measured~2', {}, async (page) => {
	for (const id of ['activate', 'rollback', 'retrain', 'measure-drift']) assert.equal(await page.locator(`#${id}`).count(), 0, id);
	assert.doesNotMatch(await page.evaluate(() => document.body.innerText), /\b(null|undefined|NaN)\b/);
}));

test('models: the curve of precision and recall begins where something is found first', () => visit('?page=models&version=measured~1', {}, async (page) => {
	const { series } = await chartOption(page, 'pr');
	const [[recall, precision]] = sql(`SELECT tp::float8 / p, tp::float8 / (tp + fp)
		FROM (SELECT n, (k ->> 1)::int AS tp, (k ->> 2)::int AS fp, (metrics ->> 'tp')::int + (metrics ->> 'fn')::int AS p
			FROM anomaly.model_version, jsonb_array_elements(metrics -> 'curve') WITH ORDINALITY AS c(k, n) WHERE model = 'measured' AND version = 1) x
		WHERE tp > 0 ORDER BY n LIMIT 1`);
	assert.deepEqual(series[0].data[0].slice(0, 2), [Number(recall), Number(precision)]);
}));

test('models: an admin activates by keyboard, undoes it, rolls nothing back that has no past', () => visit('?page=models&version=measured~2', { as: 'admin' }, async (page) => {
	const active = () => sqlNumber("SELECT active_version FROM anomaly.model WHERE name = 'measured'");
	await page.waitForSelector('#activate');
	assert.equal(await page.locator('#rollback').count(), 0);
	await page.focus('#activate');
	await page.keyboard.press('Enter');
	await page.waitForSelector('dialog');
	assert.match(await page.textContent('dialog'), /measured v1 is active now/);
	await page.keyboard.press('Escape');
	await page.waitForSelector('dialog', { state: 'detached' });
	assert.equal(active(), 1, 'nothing without the confirmation');
	await page.click('#activate');
	await page.click('dialog button[type="submit"]');
	await page.waitForSelector('.toast:has-text("measured v2 is active")');
	assert.equal(active(), 2);
	await page.click('.toast button:has-text("Undo")');
	await page.waitForSelector('.toast:has-text("measured v1 is active again")');
	assert.equal(active(), 1);
}));

test('models: an admin retrains, sees the verdict, and rolls back', () => visit('?page=models&version=measured~1', { as: 'admin' }, async (page) => {
	const before = sqlNumber("SELECT last_version FROM anomaly.model WHERE name = 'measured'");
	await page.click('#retrain');
	await page.click('dialog button[type="submit"]');
	await page.waitForSelector(`.toast:has-text("Version ${before + 1} was trained")`, { timeout: 60000 });
	await settled(page);
	await page.waitForSelector(`[data-version="measured v${before + 1}"]`);
	assert.match(await page.textContent('[data-panel="retrainings"] tbody tr'), new RegExp(`measuredv${before + 1}`));
	sql(`SELECT anomaly_activate('measured', ${before + 1})`);
	await page.goto(page.url().replace(/version=[^&]*/, `version=measured~${before + 1}`));
	await page.waitForSelector('#rollback');
	await page.click('#rollback');
	await page.click('dialog button[type="submit"]');
	await page.waitForSelector('.toast:has-text("measured v1 is active")');
	assert.equal(sqlNumber("SELECT active_version FROM anomaly.model WHERE name = 'measured'"), 1);
}));

test('models: drift as SQL has it', () => visit(`?page=models&${DAY}`, { as: 'admin' }, async (page) => {
	await page.click('#measure-drift');
	await page.waitForSelector('[data-panel="drift"] tbody tr');
	const shown = await page.$$eval('[data-panel="drift"] tbody tr', (rows) => rows.map((row) => [row.cells[0].firstElementChild.title, row.cells[2].textContent]));
	const [[feature, psi]] = sql(`SELECT feature, psi FROM anomaly_drift('baseline', 'SELECT * FROM netflow.flow_feature WHERE start_time >= ''2026-03-03'' AND start_time < ''2026-03-04''') ORDER BY psi DESC NULLS LAST, feature LIMIT 1`);
	assert.deepEqual(shown[0], [feature, Number(psi).toFixed(3)]);
	await page.setViewportSize({ width: 390, height: 900 });
	assert.deepEqual(await page.$$eval('.scroll, .cards td', (boxes) => boxes.filter((e) => e.offsetParent && e.scrollWidth > e.clientWidth + 1)
		.map((e) => e.outerHTML.slice(0, 80))), [], 'all of it is read without scrolling aside');
	await page.screenshot({ path: `${SHOTS}models-drift-390.png`, fullPage: true });
}));

// ---- data

test('data: a dirty file: its good lines in, its bad ones aside with reasons, once only', () => visit('?page=data', { as: 'admin' }, async (page) => {
	const good = Array.from({ length: 990 }, (_, i) => `2026-03-03 20:${String(i % 60).padStart(2, '0')}:00,10.9.0.${i % 250},10.9.1.1,${40000 + i},443,tcp,${i},2,1.5`);
	const bad = ['yesterday,10.9.0.1,10.9.1.1,1,443,tcp,1,1,1', '2026-03-03 20:00:00,=cmd(),10.9.1.1,1,443,tcp,1,1,1', '2026-03-03 20:00:00,10.9.0.1,10.9.1.1,99999999,443,tcp,1,1,1',
		'2026-03-03 20:00:00,10.9.0.1,<img src=x onerror=alert(1)>,1,443,tcp,1,1,1', '2026-03-03 20:00:00,10.9.0.1,10.9.1.1,1,443,tcp,-5,1,1',
		'2026-03-03 20:00:00,10.9.0.1,10.9.1.1,1,443,carrier pigeon,1,1,1', 'a,b', '"open', '2026-13-45 20:00:00,10.9.0.1,10.9.1.1,1,443,tcp,1,1,1', ',,,,,,,,'];
	const body = ['ts,client,id.resp_h,sport,dport,proto,bytes,packets,duration', ...good.slice(0, 500), ...bad, ...good.slice(500)].join('\n');
	const file = { name: '=dirty.csv', mimeType: 'text/csv', buffer: Buffer.from(body) };
	const before = sqlNumber('SELECT count(*) FROM netflow.flow');
	await page.setInputFiles('#upload-file', file);
	await page.waitForSelector('#column-0');
	assert.equal(await page.inputValue('#column-2'), 'dst_addr', 'guessed');
	assert.equal(await page.locator('#upload-go').isDisabled(), true, 'no column is the source yet');
	await page.selectOption('#column-1', 'src_addr');
	await page.click('#upload-go');
	await page.waitForSelector('.done', { timeout: 60000 });
	assert.match(await page.textContent('.done'), /990 flows in, 10 lines set aside/);
	assert.equal(sqlNumber('SELECT count(*) FROM netflow.flow') - before, 990);
	assert.equal(sqlNumber('SELECT count(*) FROM netflow.reject'), 10);
	await page.waitForFunction(() => document.querySelectorAll('[data-panel="rejects"] tbody tr').length === 10);
	const lines = await page.$$eval('[data-panel="rejects"] td:nth-child(2)', (cells) => cells.map((cell) => Number(cell.textContent)));
	assert.deepEqual(lines, Array.from({ length: 10 }, (_, i) => 502 + i));
	assert.equal(await page.locator('main img').count(), 0);
	const { text } = await download(page, '#rejects-csv');
	assert.ok(text.split('\r\n').slice(1, -1).every((line) => line.startsWith("'=dirty.csv")), 'no formula leaves the page');
	// the same file again
	await page.setInputFiles('#upload-file', file);
	await page.waitForSelector('#column-0');
	await page.selectOption('#column-1', 'src_addr');
	await page.click('#upload-go');
	await page.waitForSelector('.problem');
	page.complaints.length = 0;	// the refusal itself
	assert.equal(sqlNumber('SELECT count(*) FROM netflow.flow') - before, 990);
	sql(`DELETE FROM netflow.flow WHERE src_addr << '10.9.0.0/16'; SELECT anomaly_backfill('netflow', NULL, '2026-03-03', '2026-03-04');
		DELETE FROM netflow.capture WHERE source = '=dirty.csv'; UPDATE netflow.tally SET last_flow = (SELECT max(start_time) FROM netflow.flow)`);
}));

test('data: a viewer can look, not load', () => visit('?page=data', {}, async (page) => {
	assert.equal(await page.locator('#upload-file').count(), 0);
	assert.equal(await page.locator('#sample-go').count(), 0);
	assert.match(await page.textContent('[data-panel="upload"]'), /log in/);
}));

test('data: files hold what SQL holds, page by page', () => visit('?page=data', {}, async (page) => {
	for (const [name, query] of [['alerts', 'SELECT count(*) FROM netflow.alert'], ['detections', 'SELECT count(*) FROM netflow.detection WHERE suppression_id IS NULL']]) {
		const { text } = await download(page, `#export-${name}`);
		assert.equal(text.trim().split('\r\n').length - 1, sqlNumber(query), name);
	}
}));

test('data: sample data is the server\'s, the same for the same seed', () => visit('?page=data', { as: 'admin' }, async (page) => {
	await page.waitForSelector('#sample-go');
	await page.fill('#sample-rows', '50');
	const first = await download(page, '#sample-go');
	assert.equal(first.name, 'sample-connection.csv');
	assert.equal(first.text.trim().split('\r\n').length, 51);
	assert.equal((await download(page, '#sample-go')).text, first.text);
}));

test('data: the report says what SQL says, and prints alone', () => visit('?page=data', {}, async (page) => {
	const figures = Object.fromEntries(await page.$$eval('.figures > div', (all) => all.map((d) => [d.querySelector('dt').textContent, d.querySelector('strong').textContent])));
	assert.equal(digits(figures.Flows), sqlNumber('SELECT count(*) FROM netflow.flow'));
	assert.equal(digits(figures.Alerts), sqlNumber('SELECT count(*) FROM netflow.alert'));
	const table = (title) => page.$$eval('.report section', (all, wanted) => [...all.find((s) => s.querySelector('h3').textContent === wanted).querySelectorAll('tbody tr')]
		.map((row) => [...row.cells].map((cell) => cell.textContent)), title);
	assert.deepEqual((await table('Threats')).map((cells) => [cells[0], ...cells.slice(1).map(digits)]).sort(),
		sql(`SELECT threat, (SELECT count(*) FROM netflow.alert a WHERE a.threat = d.threat), count(*), floor(max(severity)) FROM netflow.detection d GROUP BY 1`)
			.map(([threat, ...numbers]) => [format.threat(threat), ...numbers.map(Number)]).sort());
	assert.deepEqual((await table('Worst alerts')).map((cells) => cells[2]), sql('SELECT host(source) FROM netflow.alert ORDER BY severity DESC, last_seen DESC LIMIT 20').flat());
	assert.deepEqual((await table('Top talkers'))[0].slice(0, 2), sql('SELECT host(src_addr), to_char(count(*), $$FM999,999$$) FROM netflow.flow GROUP BY src_addr ORDER BY count(*) DESC LIMIT 1')[0]);
	await page.emulateMedia({ media: 'print' });
	for (const name of ['upload', 'exports', 'rejects']) assert.equal(await page.locator(`[data-panel="${name}"]`).isVisible(), false, name);
	assert.equal(await page.locator('.report').isVisible(), true);
	assert.equal(await page.locator('#print').isVisible(), false);
	await page.setViewportSize({ width: 794, height: 1123 });
	assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, 'fits on the paper');
	await page.screenshot({ path: `${SHOTS}report-print.png`, fullPage: true });
}));

// ---- all of them

test('names from the network are text everywhere', async () => {
	const evil = '<img src=x onerror="document.title=1">';
	const page = await open(browser, '?page=models&version=evil~1', {
		before: async (fresh) => {
			const model = { model: evil, version: 1, active: true, on_watch: true, algorithm: evil, rows_used: 1, trained_at: '2026-03-02T00:00:00Z' };
			const metrics = { model: evil, version: 1, measured_on: evil, rows: 4, positives: 2, roc_auc: 0.5, pr_auc: null, accuracy: 0.5, precision: 0.5, recall: 0.5, f1: 0.5,
				confusion: { [evil]: { [evil]: 2 } }, curve: [[1, 2, 2]], importance: { [evil]: 1 } };
			await fresh.route('**/api/models*', (route) => route.fulfill({ json: [model] }));
			await fresh.route('**/api/evaluations*', (route) => route.fulfill({ json: [metrics] }));
		},
	});
	await settled(page);
	assert.match(await page.textContent('[data-panel="versions"]'), /<img src=x/);
	for (const name of ['radar', 'roc', 'confusion', 'importance']) await page.click(`[data-panel="${name}"] button[aria-pressed]`);
	assert.equal(await page.locator('main img').count(), 0);
	assert.deepEqual(page.complaints, []);
	await page.context().close();
});
