// What the tests share: SQL as the second opinion, and a browser that notes
// every complaint the page makes.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const require = createRequire(new URL('../../dashboard/package.json', import.meta.url));
const { chromium } = require('playwright-core');

export const URL_BASE = process.env.WEB_URL;
export const SHOTS = fileURLToPath(new URL('../../build/screenshots/', import.meta.url));
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
export const echarts = () => require('echarts');

// rows as arrays of text
export function sql(query, user = process.env.PGUSER) {
	const out = execFileSync('psql', ['-XAtq', '-U', user, '-F', '\t', '-v', 'ON_ERROR_STOP=1', '-c', query],
		{ encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
	return out.split('\n').filter(Boolean).map((line) => line.split('\t'));
}

export const sqlNumber = (query) => Number(sql(query)[0][0]);

// Users of the API, and a cookie header of one who is logged in.
export const USERS = { analyst: ['ann', 'an analyst\'s password'], admin: ['adam', 'an admin\'s password'] };

export async function call(path, options = {}) {
	const response = await fetch(`${URL_BASE}/api/${path}`, options);
	const type = response.headers.get('content-type') ?? '';
	const text = await response.text();
	return { status: response.status, headers: response.headers, type, text, data: type.includes('json') && text ? JSON.parse(text) : null };
}

export const post = (name, args, headers = {}) => call(`rpc/${name}`, { method: 'POST', body: JSON.stringify(args),
	headers: { 'content-type': 'application/json', 'x-requested-with': 'pg_anomaly', ...headers } });

export async function login(kind) {
	const [username, password] = USERS[kind];
	const [[known]] = sql(`SELECT count(*) FROM netflow_login.api_user WHERE name = '${username}'`);
	if (known === '0') sql(`SELECT anomaly_set_login('netflow', '${username}', '${kind}', $$${password}$$)`);
	const answer = await post('login', { username, password });
	if (answer.status !== 200) throw new Error(answer.text);
	return answer.headers.get('set-cookie').split(';')[0];
}

export function launch() {
	const root = process.getuid() === 0;
	return chromium.launch({
		executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
		args: [...(root ? ['--no-sandbox'] : []), '--disable-gpu', '--disable-quic', '--no-first-run',
			'--disable-background-networking', '--disable-component-update', '--disable-sync'],
	});
}

// A page of its own context, `as` a viewer, analyst or admin.  `complaints` collects console errors, uncaught
// exceptions and violations of the content security policy.
export async function open(browser, path = '', options = {}) {
	const { before, as, ...contextOptions } = options;
	const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: 'light', ...contextOptions });
	if (as) await context.addCookies([{ name: 'pg_anomaly', value: (await login(as)).split('=')[1], url: `${URL_BASE}/api/`, httpOnly: true, sameSite: 'Strict' }]);
	const page = await context.newPage();
	page.complaints = [];
	page.on('console', (message) => message.type() === 'error' && page.complaints.push(message.text()));
	page.on('pageerror', (error) => page.complaints.push(String(error)));
	if (before) await before(page);
	await page.goto(`${URL_BASE}/${path}`);
	return page;
}

// visit(path, options, body): a page opened, settled, and closed again, about
// which nothing may have complained
export const visitor = (browser) => async (path, options, body) => {
	const page = await open(browser(), path, options);
	try {
		await settled(page);
		await body(page);
		if (page.complaints.length) throw new Error(`console errors or policy violations: ${page.complaints.join('; ')}`);
	} finally {
		await page.context().close();
	}
};

export const settled = (page) => page.waitForFunction(() => {
	const panels = [...document.querySelectorAll('[data-panel]')];
	return panels.length > 0 && panels.every((p) => p.dataset.state !== 'loading' && !p.hasAttribute('aria-busy'));
});

// What axe finds; of a long table the first rows stand for all.  It comes in as
// a debugger does: the page's policy lets no script in.
export async function audit(page) {
	if (!await page.evaluate(() => Boolean(globalThis.axe))) await page.evaluate(AXE);
	return page.evaluate(async () => (await globalThis.axe.run({ exclude: ['tbody tr:nth-child(n+6)'] })).violations
		.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html.slice(0, 120)).join(' | ')}`));
}

// What is wider than its place: the page itself, or a text that is cut off.
export const ill = (page) => page.evaluate(() => [document.documentElement, ...document.querySelectorAll('.tile > *, .bar button, .bar select, .panel h2, .choice, '
	+ '.cards td, .figures dd, .bulk, dialog *, #detail :is(dd, td, th, h2)')]
	.filter((e) => (e.offsetParent || e === document.documentElement) && e.scrollWidth > e.clientWidth + 1).map((e) => e.outerHTML.slice(0, 100)));

export const panelState = (page, name) => page.getAttribute(`[data-panel="${name}"]`, 'data-state');

// the option that a panel's chart really shows
export const chartOption = (page, name) => page.evaluate(async (panel) => {
	const { getInstanceByDom } = await import('/vendor/echarts.mjs');
	const { series, xAxis, yAxis } = getInstanceByDom(document.querySelector(`[data-panel="${panel}"] .chart`)).getOption();
	return JSON.parse(JSON.stringify({
		series: series.map(({ name, type, data }) => ({ name, type, data })),
		x: xAxis[0].data, y: yAxis[0].data,
	}));
}, name);

// where on the page a value of a chart is
export async function pointOf(page, name, value, finder = { gridIndex: 0 }) {
	await page.locator(`[data-panel="${name}"]`).scrollIntoViewIfNeeded();
	return page.evaluate(async ([panel, where, at]) => {
		const { getInstanceByDom } = await import('/vendor/echarts.mjs');
		const element = document.querySelector(`[data-panel="${panel}"] .chart`);
		const [x, y] = getInstanceByDom(element).convertToPixel(at, where);
		const box = element.getBoundingClientRect();
		return { x: box.left + x, y: box.top + y };
	}, [name, value, finder]);
}

export const period = (page) => page.evaluate(() => {
	const params = new URLSearchParams(location.search);
	return { t0: params.get('t0'), t1: params.get('t1'), host: params.get('host'), threat: params.get('threat') };
});

export const kpis = (page) => page.evaluate(() => Object.fromEntries([...document.querySelectorAll('[data-kpi]')].map((tile) =>
	[tile.dataset.kpi, Number(tile.querySelector('.tile-value').title.replace(/\D/g, ''))])));
