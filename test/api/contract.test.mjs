// The API as a client meets it: through nginx and a real PostgREST.  Columns
// are those the page and others build on; limits are those that protect the
// database; errors are ones a client can read.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { URL_BASE, call, sql, sqlNumber } from '../browser/support.mjs';

const RANGE = 't0=2026-03-02T00:00:00Z&t1=2026-03-04T00:00:00Z';

async function rows(path) {
	const answer = await call(path);
	assert.equal(answer.status, 200, answer.text);
	return answer.data;
}

const COLUMNS = {
	status: 'store server_time last_flow first_flow flows detections open_alerts models watch_error token',
	alerts: 'id source threat title severity band risk confidence state resolution assignee first_seen last_seen flow_count detection_count target_count targets ports model model_version score p_value reasons indicators playbook watch_id',
	watches: 'id model model_version algorithm threshold min_severity threshold_kind threshold_value enabled error trained_at rows_used features',
	[`rpc/kpi?${RANGE}`]: 'name value previous',
	[`rpc/timeline?${RANGE}`]: 't flows packets bytes critical major minor warning',
	[`rpc/swimlane?${RANGE}`]: 'host t detections severity',
	[`rpc/score_histogram?${RANGE}`]: 'lo hi flows anomalous',
	[`rpc/threat_types?${RANGE}`]: 'threat alerts detections severity',
};

// more than these it may have: the page's list of single findings
test('rpc/found: what a list of findings needs', async () => {
	const needs = 'id start_time alert_id flow_count src_addr src_port dst_addr dst_port protocol threat severity score reasons indicators';
	const found = await rows(`rpc/found?${RANGE}&select=${needs.replaceAll(' ', ',')}&order=severity.desc,id&limit=5`);
	assert.equal(found.length, 5);
	assert.deepEqual(Object.keys(found[0]).sort(), needs.split(' ').sort());
});

for (const [path, columns] of Object.entries(COLUMNS)) {
	test(`${path.split('?')[0]}: its columns`, async () => {
		const [first] = await rows(path);
		assert.deepEqual(Object.keys(first).sort(), columns.split(' ').sort());
	});
}

test('kpi: its six names, and the period before is really the one before', async () => {
	const figures = Object.fromEntries((await rows('rpc/kpi?t0=2026-03-03T00:00:00Z&t1=2026-03-04T00:00:00Z')).map((r) => [r.name, r]));
	assert.deepEqual(Object.keys(figures).sort(), ['alerts', 'bytes', 'detections', 'flows', 'packets', 'sources']);
	const day = (d) => sqlNumber(`SELECT count(*) FROM netflow.flow WHERE start_time >= '${d}' AND start_time < date '${d}' + 1`);
	assert.equal(figures.flows.value, day('2026-03-03'));
	assert.equal(figures.flows.previous, day('2026-03-02'));
});

test('periods are half-open: two halves add up to the whole, nothing counted twice', async () => {
	const flows = async (t0, t1) => (await rows(`rpc/kpi?t0=${t0}&t1=${t1}`)).find((r) => r.name === 'detections').value;
	// a cut exactly at a detection's own instant
	const [[cut]] = sql(`SELECT to_char(start_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') FROM netflow.detection ORDER BY start_time
		OFFSET (SELECT count(*) / 2 FROM netflow.detection) LIMIT 1`);
	const whole = await flows('2026-03-02T00:00:00Z', '2026-03-04T00:00:00Z');
	assert.equal(whole, sqlNumber('SELECT count(*) FROM netflow.detection'));
	assert.equal(await flows('2026-03-02T00:00:00Z', cut) + await flows(cut, '2026-03-04T00:00:00Z'), whole);
	assert.equal(await flows(cut, cut), 0);
});

test('timeline: every bucket present, in order, sums as SQL', async () => {
	const buckets = await rows(`rpc/timeline?${RANGE}&buckets=48`);
	assert.equal(buckets.length, 48);
	buckets.forEach((b, i) => assert.equal(Date.parse(b.t), Date.parse('2026-03-02T00:00:00Z') + i * 3600e3));
	assert.equal(buckets.reduce((sum, b) => sum + b.flows, 0), sqlNumber('SELECT count(*) FROM netflow.flow'));
});

test('filters: a host and a threat narrow the findings', async () => {
	const [[host, n]] = sql('SELECT src_addr, count(*) FROM netflow.detection GROUP BY 1 ORDER BY 2 DESC LIMIT 1');
	const lanes = await rows(`rpc/swimlane?${RANGE}&host=${host}`);
	assert.ok(lanes.every((row) => row.host === host));
	assert.equal(lanes.reduce((sum, row) => sum + row.detections, 0), Number(n));
	const types = await rows(`rpc/threat_types?${RANGE}&threat=nothing_of_the_kind`);
	assert.deepEqual(types, []);
});

test('arguments out of bounds are clamped, not obeyed', async () => {
	assert.ok((await rows(`rpc/timeline?${RANGE}&buckets=1000000000`)).length <= 5000);
	assert.ok((await rows(`rpc/timeline?${RANGE}&buckets=-5`)).length >= 1);
	assert.ok((await rows(`rpc/score_histogram?${RANGE}&bins=1000000`)).length <= 1000);
	assert.ok(new Set((await rows(`rpc/swimlane?${RANGE}&hosts=1000000`)).map((r) => r.host)).size <= 100);
	assert.deepEqual(await rows('rpc/timeline?t0=2026-03-04T00:00:00Z&t1=2026-03-02T00:00:00Z'), []);
});

test('bad arguments are errors of the client, in JSON', async () => {
	for (const path of ['rpc/kpi?t0=yesterday-ish&t1=now', `rpc/kpi?${RANGE}&host=no-address`, 'rpc/kpi', 'rpc/nothing', 'nothing', 'alerts?nonsense=eq.1']) {
		const answer = await call(path);
		assert.ok(answer.status >= 400 && answer.status < 500, `${path}: ${answer.status}`);
		assert.ok(answer.data?.message, path);
	}
});

test('the viewer can read the api and nothing else', async () => {
	for (const path of ['flow', 'netflow.flow', 'model']) assert.equal((await call(path)).status, 404, path);
	const profile = await call('flow', { headers: { 'accept-profile': 'netflow' } });
	assert.equal(profile.status, 406);
	const attempt = (statement) => {
		try {
			sql(statement, 'anomaly_web');
			return 'allowed';
		} catch (error) {
			return String(error.stderr);
		}
	};
	assert.match(attempt('SELECT * FROM netflow_api.status'), /permission denied/, 'the login itself may read nothing');
	assert.equal(attempt('SET ROLE anomaly_viewer; SELECT * FROM netflow_api.status'), 'allowed');
	for (const statement of ['SELECT * FROM netflow.flow LIMIT 1', 'SELECT * FROM netflow.detection LIMIT 1', 'DELETE FROM netflow_api.alerts',
		'SELECT * FROM anomaly.model LIMIT 1', 'CREATE TABLE netflow_api.x ()', 'CREATE TABLE public.x ()', 'SET ROLE postgres']) {
		assert.match(attempt(`SET ROLE anomaly_viewer; SET default_transaction_read_only = off; ${statement}`), /permission denied/, statement);
	}
	assert.equal(sqlNumber("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'anomaly\\_%' AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolinherit)"), 0);
});

test('nothing can be written, with the header or without', async () => {
	const header = { 'x-requested-with': 'pg_anomaly', 'content-type': 'application/json' };
	const form = { 'content-type': 'application/x-www-form-urlencoded' };
	const plain = await call('rpc/kpi', { method: 'POST', headers: form, body: RANGE });
	assert.equal(plain.status, 403);
	assert.match(plain.data.message, /X-Requested-With/);
	const asked = await call('rpc/kpi', { method: 'POST', headers: header, body: JSON.stringify({ t0: '2026-03-02', t1: '2026-03-04' }) });
	assert.equal(asked.status, 200, asked.text);
	const insert = await call('alerts', { method: 'POST', headers: header, body: '{"title":"x"}' });
	assert.ok([400, 401, 403, 405].includes(insert.status), insert.text);
	for (const method of ['PUT', 'PATCH', 'DELETE']) {
		const answer = await call('alerts?id=eq.1', { method, headers: header, body: method === 'DELETE' ? undefined : '{}' });
		assert.equal(answer.status, 405, method);
		assert.ok(answer.data.message, method);
	}
});

test('a statement that takes too long is ended by the viewer\'s timeout', async () => {
	sql(`CREATE FUNCTION netflow_api.slow() RETURNS text LANGUAGE sql STABLE AS 'SELECT pg_sleep(20)::text';
		GRANT EXECUTE ON FUNCTION netflow_api.slow() TO anomaly_viewer;
		NOTIFY pgrst, 'reload schema'`);
	try {
		let answer;
		for (let i = 0; i < 50; i++) {	// the reload takes a moment
			answer = await call('rpc/slow');
			if (answer.status !== 404) break;
			await new Promise((wake) => { setTimeout(wake, 100); });
		}
		assert.equal(answer.data?.code, '57014', answer.text);
	} finally {
		sql("DROP FUNCTION netflow_api.slow(); NOTIFY pgrst, 'reload schema'");
	}
});

test('another origin gets no leave to read', async () => {
	const foreign = await call('status', { headers: { origin: 'https://elsewhere.example' } });
	assert.ok(![foreign.headers.get('access-control-allow-origin')].some((v) => v === '*' || v === 'https://elsewhere.example'));
	const bearer = await call('status', { headers: { authorization: 'Bearer x.y.z' } });
	assert.equal(bearer.status, 200, 'tokens come from the cookie alone');
});

test('the page\'s headers: a strict policy, no sniffing, no referrer, right types', async () => {
	const page = await fetch(`${URL_BASE}/`);
	const policy = page.headers.get('content-security-policy').split('; ');
	for (const directive of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:", "frame-ancestors 'none'",
		"require-trusted-types-for 'script'"]) {
		assert.ok(policy.includes(directive), directive);
	}
	assert.ok(!/unsafe|\*/.test(policy.join()));
	assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
	assert.equal(page.headers.get('referrer-policy'), 'no-referrer');
	for (const [path, type] of [['vendor/echarts.mjs', 'text/javascript'], ['js/main.js', 'javascript'], ['style.css', 'text/css'], ['favicon.svg', 'image/svg+xml']]) {
		const file = await fetch(`${URL_BASE}/${path}`);
		assert.equal(file.status, 200, path);
		assert.ok(file.headers.get('content-type').includes(type), path);
		assert.equal(file.headers.get('x-content-type-options'), 'nosniff', path);
		await file.arrayBuffer();
	}
	assert.equal((await call('status')).headers.get('cache-control'), 'no-store');
});

test('what is not the page is not served', async () => {
	for (const path of ['.npmrc', 'package.json', 'conf/postgrest.conf.in', 'node_modules/echarts/package.json', '../postgrest.conf', '%2e%2e/postgrest.conf']) {
		assert.ok([400, 404].includes((await fetch(`${URL_BASE}/${path}`)).status), path);
	}
});

test('a name that is not ours is refused', async () => {
	const { request } = await import('node:http');
	const status = await new Promise((resolve, reject) => {
		request(URL_BASE, { headers: { host: 'rebound.example' } }, (answer) => resolve(answer.resume().statusCode)).on('error', reject).end();
	});
	assert.equal(status, 421);
});
