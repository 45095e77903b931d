// Logging in and out on the page, sessions that end, other people's pages, a
// schema that is too old, and the page on another server than the API.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SHOTS, URL_BASE, USERS, audit, call, launch, login, open, panelState, settled, sql, sqlNumber, visitor } from './support.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());
const visit = visitor(() => browser);

const fillIn = async (page, [username, password]) => {
	await page.click('#who');
	await page.fill('dialog [name="username"]', username);
	await page.fill('dialog [name="password"]', password);
	await page.keyboard.press('Enter');
};
const who = (page, text) => page.waitForFunction((name) => document.querySelector('#who').textContent === name, text);
const toast = (page) => page.waitForSelector('.toast').then((line) => line.textContent());

test('logging in and out; the token is out of reach of scripts', () => visit('', {}, async (page) => {
	await login('analyst');
	await page.waitForSelector('#who:visible');
	await fillIn(page, [USERS.analyst[0], 'nonsense']);
	await page.waitForSelector('dialog .problem:visible');
	assert.match(await page.textContent('dialog .problem'), /wrong name or password/);
	assert.equal(await page.inputValue('dialog [name="username"]'), USERS.analyst[0]);
	assert.deepEqual(await audit(page), []);
	await page.screenshot({ path: `${SHOTS}login.png` });
	await page.fill('dialog [name="password"]', USERS.analyst[1]);
	await page.keyboard.press('Enter');
	await who(page, USERS.analyst[0]);
	assert.equal(await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })), '{}');
	await page.reload();
	await who(page, USERS.analyst[0]);
	const [{ value: token }] = await page.context().cookies(`${URL_BASE}/api/`);
	await page.click('#who');
	assert.match(await page.textContent('dialog'), /Analyst; this session ends/);
	await page.click('dialog .primary');
	await who(page, 'Log in');
	assert.deepEqual(await page.context().cookies(), []);
	assert.equal((await call('rpc/session', { headers: { cookie: `pg_anomaly=${token}` } })).status, 401, 'the token is ended, not only forgotten');
	page.complaints.length = 0;	// the browser's own line about the wrong password
}));

const withCookie = (cookie) => ({ storageState: { cookies: [{ name: 'pg_anomaly', value: cookie.split('=')[1], domain: '127.0.0.1', path: '/api/',
	expires: Date.now() / 1000 + 3600, httpOnly: true, secure: false, sameSite: 'Strict' }], origins: [] } });

test('a session that ends: it is said, and looking goes on', async () => {
	sql("SELECT anomaly_set_login('netflow', 'gone', 'analyst', 'a password of gone')");
	await visit('', {}, async (page) => {
		await fillIn(page, ['gone', 'a password of gone']);
		await who(page, 'gone');
		sql("SELECT anomaly_drop_login('netflow', 'gone')");
		assert.match(await toast(page), /session has ended/);
		await who(page, 'Log in');
		await settled(page);
		assert.equal(await panelState(page, 'timeline'), 'ready');
		assert.deepEqual(await page.context().cookies(), []);
		page.complaints.length = 0;
	});
});

test('the cookie of another store is put away, the page is there', () => visit('', withCookie('pg_anomaly=eyJhbGciOiJIUzI1NiJ9.e30.x'), async (page) => {
	await page.waitForSelector('[data-panel="timeline"][data-state="ready"]');
	await settled(page);
	assert.deepEqual(await page.context().cookies(), []);
	page.complaints.length = 0;
}));

test('a page of somebody else can neither post as the user nor read', async () => {
	const cookie = await login('admin');
	const before = sqlNumber('SELECT count(*) FROM netflow.triage_log');
	const context = await browser.newContext(withCookie(cookie));
	const page = await context.newPage();
	const body = `<form id="f" method="post" action="${URL_BASE}/api/rpc/triage"><input name="alerts" value="{1}"><input name="action" value="note"><input name="note" value="x"></form>`;
	await page.route('http://elsewhere.example/', (route) => route.fulfill({ contentType: 'text/html', body }));
	await page.goto('http://elsewhere.example/');
	const read = await page.evaluate((url) => fetch(`${url}/api/status`, { credentials: 'include' }).then(() => 'read', () => 'refused'), URL_BASE);
	assert.equal(read, 'refused');
	const written = await page.evaluate((url) => fetch(`${url}/api/rpc/triage`, { method: 'POST', credentials: 'include',
		headers: { 'x-requested-with': 'pg_anomaly', 'content-type': 'application/json' }, body: '{"alerts":[1],"action":"note","note":"x"}' }).then(() => 'sent', () => 'refused'), URL_BASE);
	assert.equal(written, 'refused', 'the preflight is not granted');
	const [answer] = await Promise.all([page.waitForResponse('**/rpc/triage'), page.evaluate(() => document.querySelector('#f').submit())]);
	assert.equal(answer.status(), 403);
	assert.equal((await answer.request().allHeaders()).cookie, undefined, 'nor does the cookie go along');
	assert.equal(sqlNumber('SELECT count(*) FROM netflow.triage_log'), before);
	await context.close();
});

test('an API without sessions is too old: the page says so', async () => {
	const page = await open(browser, '', { before: (fresh) => fresh.route('**/api/rpc/session', (route) =>
		route.fulfill({ status: 404, contentType: 'application/json', body: '{"code":"PGRST202","message":"no function"}' })) });
	await page.waitForSelector('#trouble:visible');
	assert.match(await page.textContent('#trouble'), /older than this page/);
	assert.equal(await page.locator('#who').isVisible(), false);
	await page.context().close();
});

// a file server and nothing else; its config.js names the API
async function elsewhere(config, body) {
	const root = fileURLToPath(new URL('../../dashboard/', import.meta.url));
	const types = { html: 'text/html', js: 'text/javascript', mjs: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };
	const server = createServer((request, response) => {
		const path = new URL(request.url, 'http://x').pathname.replace(/\/$/, '/index.html');
		const file = path === '/vendor/echarts.mjs' ? 'node_modules/echarts/dist/echarts.esm.min.mjs' : path.slice(1);
		try {
			const content = path === '/config.js' ? config : readFileSync(root + file);
			response.writeHead(200, { 'content-type': types[file.split('.').pop()] }).end(content);
		} catch {
			response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>not found</h1>');
		}
	});
	const port = Number(new URL(URL_BASE).port) + 1;
	await new Promise((ready) => { server.listen(port, '127.0.0.1', ready); });
	const page = await (await browser.newContext()).newPage();
	try {
		await page.goto(`http://127.0.0.1:${port}/`);
		await settled(page);
		await body(page);
	} finally {
		await page.context().close();
		server.close();
	}
}

test('on a plain file server: config.js names the API', async () => {
	await elsewhere(`export const API = new URL('${URL_BASE}/api/');`, async (page) => {
		assert.equal(await panelState(page, 'timeline'), 'ready');
		await fillIn(page, USERS.analyst);
		await who(page, USERS.analyst[0]);
	});
	await elsewhere("export const API = new URL('api/', import.meta.url);", async (page) => {
		assert.equal(await panelState(page, 'timeline'), 'error');
		assert.match(await page.textContent('[data-panel="timeline"] .panel-message'), /Error 404.*config\.js/);
	});
	await elsewhere("export const API = new URL('http://127.0.0.1:1/');", async (page) => {
		assert.match(await page.textContent('[data-panel="timeline"] .panel-message'), /cannot be reached.*127\.0\.0\.1:1/);
	});
});
