// The threshold below the scores: what it promises is what SQL counts, what is
// set is what was promised, and it can be taken back.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SHOTS, launch, pointOf, settled, sql, visitor } from './support.mjs';

const AS_IT_WAS = "SELECT anomaly_set_threshold('netflow', 1, 'severity', 50, '2026-03-02', '2026-03-04')";
let browser;
const visit = visitor(() => browser);
before(async () => {
	browser = await launch();
	sql(`UPDATE netflow.watch SET alert_flows = 1; ${AS_IT_WAS}`);	// or the model alone would raise nothing here
});
after(async () => {
	sql(`UPDATE netflow.watch SET alert_flows = 10; ${AS_IT_WAS}`);
	await browser.close();
});

const RANGE = 't0=2026-03-02T00:00:00Z&t1=2026-03-04T00:00:00Z';
const SLIDER = '.threshold-slider';
const watch = () => sql('SELECT threshold_kind, threshold_value, alert_score FROM netflow.watch')[0].join();
const alertsOfWatch = () => sql('SELECT count(*) FROM netflow.alert WHERE watch_id = 1')[0][0];

// moves the thumb to a score, by keys, and waits for what it would do
async function tryScore(page, score) {
	await page.locator(SLIDER).fill(String(score));
	await page.waitForFunction(() => /now \d/.test(document.querySelector('#threshold-outcome').textContent));
	return { score: Number(await page.inputValue(SLIDER)), text: await page.textContent('#threshold-outcome') };
}

test('only who may set it has the slider', async () => {
	for (const as of [undefined, 'analyst']) {
		await visit(`?${RANGE}`, { as }, async (page) => {
			assert.equal(await page.locator(SLIDER).isVisible(), false);
			assert.equal(await page.locator('[data-panel="scores"] .chart').isVisible(), true);
		});
	}
});

test('preview, confirm, apply, undo', () => visit(`?${RANGE}`, { as: 'admin' }, async (page) => {
	const before = [watch(), alertsOfWatch()];
	for (const wanted of [0.62, 0.64, 0.7]) {
		const { score, text } = await tryScore(page, wanted);
		assert.ok(Math.abs(score - wanted) < 0.002);
		const [[flows, alerts, now]] = sql(`SELECT flows, alerts, alerts_before FROM anomaly_preview_threshold('netflow', 1, 'score', ${score}, '2026-03-02', '2026-03-04')`);
		const words = (n, word) => `${Number(n).toLocaleString('en-US')} ${word}${n === '1' ? '' : 's'}`;
		assert.equal(text, `Score from ${score.toFixed(3)}: ${words(flows, 'flow')}, ${words(alerts, 'alert')} of this watch in this range, now ${now}.`);
	}
	assert.deepEqual([watch(), alertsOfWatch()], before, 'a preview changes nothing');

	// under the axis above: the thumb is where the line is
	const thumb = await page.evaluate(async () => {
		const { getInstanceByDom } = await import('/vendor/echarts.mjs');
		const slider = document.querySelector('.threshold-slider');
		const chart = document.querySelector('[data-panel="scores"] .chart');
		const box = slider.getBoundingClientRect();
		const share = (slider.value - slider.min) / (slider.max - slider.min);
		const [line] = getInstanceByDom(chart).convertToPixel({ gridIndex: 0 }, [Number(slider.value), 0]);
		return [box.left + 8 + share * (box.width - 16), chart.getBoundingClientRect().left + line];
	});
	assert.ok(Math.abs(thumb[0] - thumb[1]) < 2, thumb.join());
	await page.locator('[data-panel="scores"]').screenshot({ path: `${SHOTS}threshold.png` });

	const { score } = await tryScore(page, 0.62);
	const [[alerts]] = sql(`SELECT alerts FROM anomaly_preview_threshold('netflow', 1, 'score', ${score}, '2026-03-02', '2026-03-04')`);
	assert.ok(alerts !== before[1]);
	await page.click('text=Set…');
	assert.match(await page.textContent('dialog'), /Instead of severity from 50.*from \d+ to/s);
	await page.keyboard.press('Escape');
	assert.equal(watch(), before[0], 'nothing without a yes');
	await page.click('text=Set…');
	await page.click('dialog .primary');
	await page.waitForSelector('.toast .act');
	assert.equal(watch(), `score,${score},${score}`);
	assert.equal(alertsOfWatch(), alerts);
	await settled(page);
	await page.waitForFunction(() => document.querySelector('#threshold-outcome').textContent.includes('count score from'));
	await page.click('.toast .act');
	await page.waitForFunction(() => document.querySelector('.toast')?.textContent.includes('Taken back'));
	assert.deepEqual([watch(), alertsOfWatch()], before);
}));

test('the line itself is dragged, and nothing beside it', () => visit(`?${RANGE}`, { as: 'admin' }, async (page) => {
	const rests = Number(await page.inputValue(SLIDER));
	const { max } = await page.$eval(SLIDER, (slider) => ({ max: Number(slider.max) }));
	const wanted = (rests + max) / 2;
	const drag = async (from, to) => {
		const [start, end] = [await pointOf(page, 'scores', [from, 1]), await pointOf(page, 'scores', [to, 1])];
		await page.mouse.move(start.x, start.y);
		await page.mouse.down();
		await page.mouse.move(end.x, end.y, { steps: 4 });
		await page.mouse.up();
		await page.mouse.move(end.x - 40, end.y);
	};
	await drag(wanted, rests);
	assert.equal(Number(await page.inputValue(SLIDER)), rests, 'no hold but at the line');
	await drag(rests, wanted);
	await page.waitForFunction(() => /now \d/.test(document.querySelector('#threshold-outcome').textContent));
	assert.ok(Math.abs(Number(await page.inputValue(SLIDER)) - wanted) < 0.004);
	const [tried] = await page.evaluate(async () => {
		const { getInstanceByDom } = await import('/vendor/echarts.mjs');
		return getInstanceByDom(document.querySelector('[data-panel="scores"] .chart')).getOption().series.find((s) => s.name === 'tried').markLine.data.map((d) => d.xAxis);
	});
	assert.equal(tried, Number(await page.inputValue(SLIDER)));
	await page.click('text=Leave it');
	assert.equal(Number(await page.inputValue(SLIDER)), rests);
}));

test('a preview that fails says so; leaving it puts the thumb back', () => visit(`?${RANGE}`, { as: 'admin' }, async (page) => {
	await page.route('**/api/rpc/preview_threshold', (route) => route.fulfill({ status: 500, contentType: 'application/json', body: '{"message":"out of time"}' }));
	const rests = await page.inputValue(SLIDER);
	await page.focus(SLIDER);
	await page.keyboard.press('ArrowRight');
	await page.waitForFunction(() => /No preview: out of time/.test(document.querySelector('#threshold-outcome').textContent));
	assert.equal(await page.locator('text=Set…').isDisabled(), true);
	await page.click('text=Leave it');
	assert.equal(await page.inputValue(SLIDER), rests);
	page.complaints.length = 0;	// the browser's own line about the 500
}));
