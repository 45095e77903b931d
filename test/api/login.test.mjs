// Login: what the cookie holds, which tokens are let in, how sessions end, and
// that nothing is written for a page of somebody else.  Tokens are signed and
// verified with Node's own HMAC.

import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { USERS, call, login, post, sql, sqlNumber } from '../browser/support.mjs';

const base64url = (text) => Buffer.from(text).toString('base64url');
const key = () => sql('SELECT key FROM netflow_login.signing')[0][0];
const now = () => Math.floor(Date.now() / 1000);

function sign(claims, secret = key(), header = { alg: 'HS256', typ: 'JWT' }) {
	const body = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
	return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}

const asks = async (token) => {
	const { status, data } = await call('rpc/session', { headers: { cookie: `pg_anomaly=${token}` } });
	return status === 200 ? data.username ?? 'a viewer' : status;
};
const log = () => sqlNumber('SELECT count(*) FROM netflow.triage_log');
const alert = () => sqlNumber('SELECT min(id) FROM netflow.alert');

test('the cookie holds a token with its user, role, audience and end, signed by HMAC-SHA256', async () => {
	await login('analyst');
	const [username, password] = USERS.analyst;
	const answer = await post('login', { username, password });
	assert.equal(answer.status, 200);
	const [cookie, ...attributes] = answer.headers.get('set-cookie').split('; ');
	assert.deepEqual(attributes.sort(), ['HttpOnly', `Max-Age=${answer.data.seconds}`, 'Path=/api/', 'SameSite=Strict']);
	assert.ok(!answer.text.includes(cookie.split('=')[1]), 'the token is where no script can read it');
	const [header, payload, signature] = cookie.replace('pg_anomaly=', '').split('.');
	assert.equal(signature, createHmac('sha256', key()).update(`${header}.${payload}`).digest('base64url'));
	assert.equal(JSON.parse(Buffer.from(header, 'base64url')).alg, 'HS256');
	const claims = JSON.parse(Buffer.from(payload, 'base64url'));
	assert.match(claims.jti, /^[0-9a-f-]{36}$/);
	assert.deepEqual({ ...claims, iat: 0, exp: 0, jti: '' }, { role: 'netflow_analyst', sub: username, aud: 'netflow', iat: 0, exp: 0, jti: '' });
	assert.ok(Math.abs(claims.iat - now()) < 60);
	assert.equal(claims.exp - claims.iat, answer.data.seconds);
	const secure = await post('login', { username, password }, { 'x-forwarded-proto': 'https' });
	assert.match(secure.headers.get('set-cookie'), /; Secure$/);
});

test('a wrong password or name: 401, the same words; logout takes the cookie away', async () => {
	const wrong = await post('login', { username: USERS.analyst[0], password: 'nonsense' });
	const nobody = await post('login', { username: 'nobody', password: 'nonsense' });
	assert.equal(wrong.status, 401);
	assert.deepEqual([nobody.status, nobody.data], [wrong.status, wrong.data]);
	assert.equal(wrong.headers.get('set-cookie'), null);
	const out = await post('logout', {}, { cookie: await login('analyst') });
	assert.match(out.headers.get('set-cookie'), /^pg_anomaly=; .*Max-Age=0/);
});

test('logging in and out works whatever cookie lies there', async () => {
	for (const cookie of ['pg_anomaly=a.b.c', 'pg_anomaly=x', `pg_anomaly=${sign({ role: 'netflow_admin', exp: 1 })}`]) {
		assert.equal((await post('logout', {}, { cookie })).status, 204, cookie);
	}
	assert.equal(await asks('no token at all'), 'a viewer');
});

test('only tokens that are ours, for us, not over and of a user are let in', async () => {
	await login('analyst');
	await login('admin');
	const good = { role: 'netflow_analyst', sub: USERS.analyst[0], aud: 'netflow', jti: randomUUID(), iat: now(), exp: now() + 600 };
	const without = (name) => Object.fromEntries(Object.entries(good).filter(([n]) => n !== name));
	assert.equal(await asks(sign(good)), USERS.analyst[0]);
	const refused = {
		'another key': sign(good, 'x'.repeat(64)), 'no signature': `${base64url('{"alg":"none"}')}.${base64url(JSON.stringify(good))}.x`,
		expired: sign({ ...good, exp: now() - 120 }), 'no end': sign(without('exp')),
		'another audience': sign({ ...good, aud: 'acme' }), 'no audience': sign(without('aud')),
		'no such user': sign({ ...good, sub: 'eve' }), 'no user': sign(without('sub')), 'more than the user is': sign({ ...good, role: 'netflow_admin' }),
		'no time': sign(without('iat')), 'no id': sign(without('jti')), 'a superuser': sign({ ...good, role: 'postgres' }), 'the login': sign({ ...good, role: 'netflow_login' }),
		garbled: `${sign(good).slice(0, -4)}AAAA`,
	};
	for (const [what, token] of Object.entries(refused)) {
		assert.ok([401, 403].includes(await asks(token)), `${what}: ${await asks(token)}`);
	}
	// as a header of the client's own it counts for nothing
	const { data } = await call('rpc/session', { headers: { authorization: `Bearer ${sign(good)}` } });
	assert.equal(data.username, null);
});

test('logging out ends the session, a copy of its cookie too, and no other one', async () => {
	const [mine, other] = [await login('analyst'), await login('analyst')].map((cookie) => cookie.split('=')[1]);
	const end = () => post('end_session', {}, { cookie: `pg_anomaly=${mine}` });
	const ended = await end();
	assert.equal(ended.status, 204, ended.text);
	assert.match(ended.headers.get('set-cookie'), /^pg_anomaly=; .*Max-Age=0/);
	assert.equal(await asks(mine), 401);
	assert.equal((await end()).status, 401, 'once is enough');
	assert.equal((await post('triage', { alerts: [alert()], action: 'note', note: 'x' }, { cookie: `pg_anomaly=${mine}` })).status, 401);
	assert.equal(await asks(other), USERS.analyst[0]);
	assert.ok([401, 403].includes((await post('end_session', {})).status), 'a viewer has none to end');
	// what is over by itself needs no row any more
	sql("UPDATE netflow_login.ended_session SET ends_at = now() - interval '2 hours'");
	await login('analyst');
	assert.equal(sqlNumber('SELECT count(*) FROM netflow_login.ended_session'), 0);
});

test('a new password, the end of a user and a new key end sessions', async () => {
	const set = (word) => sql(`SELECT anomaly_set_login('netflow', 'tess', 'analyst', '${word}')`);
	const enter = async (password) => (await post('login', { username: 'tess', password })).headers.get('set-cookie').match(/=([^;]+)/)[1];
	set('the first password');
	const first = await enter('the first password');
	assert.equal(await asks(first), 'tess');
	sql("UPDATE netflow_login.api_user SET sessions_from = now() + interval '2 seconds' WHERE name = 'tess'");	// as a new password in two seconds
	assert.equal(await asks(first), 401);
	set('the second password');
	const second = await enter('the second password');
	assert.equal(await asks(second), 'tess');
	sql("SELECT anomaly_drop_login('netflow', 'tess')");
	assert.equal(await asks(second), 401);
	const cookie = (await login('admin')).split('=')[1];
	assert.equal(await asks(cookie), USERS.admin[0]);
	sql("SELECT anomaly_end_sessions('netflow')");
	let answer;
	for (let i = 0; i < 50 && answer !== 401; i++) {	// the reload takes a moment
		await new Promise((wake) => { setTimeout(wake, 100); });
		answer = await asks(cookie);
	}
	assert.equal(answer, 401);
	assert.equal(await asks((await login('admin')).split('=')[1]), USERS.admin[0]);
});

test('each may what session() says, and nothing more', async () => {
	const changes = { triage: { alerts: [], action: 'note', note: 'x' }, suppress: { reason: 'x', threat: 'x' }, unsuppress: { id: 999999 },
		set_threshold: { watch_id: 999999, kind: 'severity', value: 50 } };
	for (const [kind, headers] of [['viewer', {}], ['analyst', { cookie: await login('analyst') }], ['admin', { cookie: await login('admin') }]]) {
		const { may } = (await call('rpc/session', { headers })).data;
		for (const [name, args] of Object.entries(changes)) {
			const { status, data } = await post(name, args, headers);
			const denied = [401, 403].includes(status) && data.code === '42501';
			assert.equal(denied, !may.includes(name), `${kind}, ${name}: ${status}`);
		}
	}
	sql("UPDATE netflow.suppression SET expires_at = now() WHERE reason = 'x' AND expires_at > now()");
});

test('nothing is written without our header, nor by another method, session or not', async () => {
	const cookie = await login('admin');
	const before = log();
	const args = { alerts: [alert()], action: 'note', note: 'forged' };
	const form = 'application/x-www-form-urlencoded';
	for (const type of [form, 'text/plain', 'application/json', 'multipart/form-data; boundary=x']) {
		const body = type === form ? `alerts={${alert()}}&action=note&note=forged` : JSON.stringify(args);
		const answer = await call('rpc/triage', { method: 'POST', headers: { cookie, 'content-type': type }, body });
		assert.equal(answer.status, 403, type);
		assert.match(answer.data.message, /X-Requested-With/);
	}
	for (const method of ['PUT', 'PATCH', 'DELETE']) {
		for (const extra of [{}, { 'x-requested-with': 'pg_anomaly' }]) {
			const answer = await call('alerts?id=gte.0', { method, headers: { cookie, 'content-type': 'application/json', ...extra },
				body: method === 'DELETE' ? undefined : '{"state":"closed"}' });
			assert.equal(answer.status, 405, method);
		}
	}
	for (const method of ['GET', 'HEAD']) {
		const answer = await call(`rpc/triage?alerts={${alert()}}&action=note&note=forged`, { method, headers: { cookie } });
		assert.ok(answer.status >= 400, `${method}: ${answer.status}`);
	}
	const row = await call('alerts', { method: 'POST', headers: { cookie, 'content-type': 'application/json', 'x-requested-with': 'pg_anomaly' }, body: '{"title":"x"}' });
	assert.ok(row.status >= 400);
	assert.equal(log(), before);
	assert.equal((await post('triage', args, { cookie })).data, 1);
	assert.equal(log(), before + 1);
	assert.deepEqual(sql('SELECT session_role, acting_role, api_user, note FROM netflow.triage_log ORDER BY id DESC LIMIT 1')[0],
		['anomaly_web', 'netflow_admin', USERS.admin[0], 'forged']);
});

test('after five wrong passwords even the right one has to wait', async () => {
	sql("SELECT anomaly_set_login('netflow', 'slow', 'analyst', 'a password of slow')");
	for (let i = 0; i < 5; i++) assert.equal((await post('login', { username: 'slow', password: 'x' })).status, 401);
	sql("UPDATE netflow_login.api_user SET waits_until = now() + interval '1 minute' WHERE name = 'slow' AND waits_until IS NOT NULL");
	const answer = await post('login', { username: 'slow', password: 'a password of slow' });
	assert.equal(answer.status, 429);
	assert.match(answer.data.hint, /in \d+ s/);
	sql("SELECT anomaly_drop_login('netflow', 'slow')");
});

test('many attempts at once are turned away before the database', async () => {
	const answers = await Promise.all(Array.from({ length: 40 }, () => post('login', { username: 'nobody', password: 'x' })));
	const away = answers.filter(({ data }) => data.code === 'NGX429');
	assert.ok(away.length >= 15, `${away.length} of 40`);
	assert.equal(away[0].status, 429);
	await new Promise((wake) => { setTimeout(wake, 1500); });	// until there is room again
});
