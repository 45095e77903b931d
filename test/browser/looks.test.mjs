// How the pages look, filled: nothing overflows, no number is clipped, axe finds
// nothing, from a phone to a wide screen, light and dark, as charts and as
// tables.  The pictures stay in build/screenshots.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SHOTS, audit, ill, launch, visitor } from './support.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());
const visit = visitor(() => browser);

const PAGES = {
	overview: '', alerts: '?page=alerts&show=all', 'host-none': '?page=host', host: '?page=host&host=10.0.0.12', explore: '?page=explore&box=2,3.5,3,5',
	'models-unmeasured': '?page=models', models: '?page=models&version=measured~1', data: '?page=data', status: '?page=status',
};
const WIDTHS = [390, 768, 1440, 2560];

// as wide and as light as asked, and drawn so
async function at(page, width, colorScheme) {
	await page.setViewportSize({ width, height: 900 });
	await page.emulateMedia({ colorScheme });
	await page.evaluate(() => new Promise((drawn) => { requestAnimationFrame(() => requestAnimationFrame(drawn)); }));
}

async function fits(page, what) {
	for (const width of WIDTHS) {
		await at(page, width, 'light');
		assert.deepEqual(await ill(page), [], `${what}, ${width} px`);
	}
}

async function accessible(page, what, ...screens) {
	for (const [width, scheme] of screens) {
		await at(page, width, scheme);
		assert.deepEqual(await audit(page), [], `${what}, ${width} px, ${scheme}`);
	}
}

for (const [name, path] of Object.entries(PAGES)) {
	test(`${name}: from 390 to 2560 px, light and dark, charts and tables, and with an alert open`, () => visit(path, { as: 'admin' }, async (page) => {
		await fits(page, 'charts');
		await accessible(page, 'charts', [390, 'light'], [1440, 'light'], [1440, 'dark']);
		for (const scheme of ['light', 'dark']) {
			for (const width of [390, 1440, 2560]) {
				await at(page, width, scheme);
				await page.screenshot({ path: `${SHOTS}${name}-${width}-${scheme}.png`, fullPage: true });
			}
		}
		await at(page, 1440, 'light');
		const toggles = await page.locator('.panel-tools button[aria-pressed]:visible').all();
		for (const toggle of toggles) await toggle.click();
		if (toggles.length) {
			await accessible(page, 'tables', [1440, 'light'], [1440, 'dark']);
			await fits(page, 'tables');
		}
		if (await page.locator('[data-alert] a').count() === 0) return;
		await at(page, 1440, 'light');
		await page.locator('[data-alert] a').first().click();
		await page.waitForSelector('#detail .reasons');
		await fits(page, 'an alert');
		await accessible(page, 'an alert', [390, 'light'], [1440, 'dark']);
	}));
}
