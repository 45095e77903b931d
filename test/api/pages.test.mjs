// The API behind the pages Host, Explore and Models: its columns, its limits,
// and that only admins change models.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, login, post, sql, sqlNumber } from '../browser/support.mjs';

const RANGE = 't0=2026-03-02T00:00:00Z&t1=2026-03-04T00:00:00Z';
const HOST = 'host=10.0.0.12';

async function rows(path) {
	const answer = await call(path);
	assert.equal(answer.status, 200, answer.text);
	return answer.data;
}

const COLUMNS = {
	[`rpc/host_timeline?${RANGE}&${HOST}`]: 't flows packets bytes critical major minor warning history flows_low flows_usual flows_high packets_low packets_usual packets_high bytes_low bytes_usual bytes_high',
	[`rpc/host_peers?${RANGE}&${HOST}`]: 'peer outbound peers flows failed bytes',
	[`rpc/top?${RANGE}&kind=talkers`]: 'address protocol port members flows failed bytes',
	[`rpc/calendar?${RANGE}`]: 'dow hour hours flows bytes detections severity',
	models: 'model version active on_watch algorithm labelled features options rows_used rows_skipped threshold warnings parent_version trained_by trained_at',
	evaluations: 'model version measured_on rows positives roc_auc pr_auc accuracy precision recall f1 confusion classes curve tp fp importance',
	retrainings: 'id model champion challenger activated measure champion_value challenger_value reason failed run_by started_at finished_at',
};
for (const [path, columns] of Object.entries(COLUMNS)) {
	test(`${path.split('?')[0]}: its columns`, async () => {
		assert.deepEqual(Object.keys((await rows(path))[0]).sort(), columns.split(' ').sort());
	});
}

test('arguments out of bounds are clamped, answers stay below what PostgREST would cut off', async () => {
	assert.ok((await rows(`rpc/host_flows?${RANGE}&${HOST}&size=1000000`)).length <= 1000);
	assert.equal((await rows(`rpc/host_flows?${RANGE}&${HOST}&size=-1`)).length, 1);
	assert.ok((await rows(`rpc/host_timeline?${RANGE}&${HOST}&buckets=1000000`)).length <= 500);
	assert.ok((await rows(`rpc/host_peers?${RANGE}&${HOST}&nodes=1000000`)).length < 100);
	assert.ok((await rows(`rpc/top?${RANGE}&size=1000000`)).length <= 101);
	assert.ok((await rows(`rpc/scatter?${RANGE}&points=1000000`)).length <= 3000);
	assert.equal((await rows(`rpc/calendar?t0=0001-01-01T00:00:00Z&t1=2026-03-04T00:00:00Z`)).length, 168);
});

test('flows of a host by key: every one once', async () => {
	const seen = [];
	for (let from = ''; ;) {
		const page = await rows(`rpc/host_flows?${RANGE}&${HOST}&size=97${from}`);
		seen.push(...page.map((row) => `${row.start_time} ${row.row_id}`));
		if (page.length < 97) break;
		from = `&after_time=${encodeURIComponent(page.at(-1).start_time)}&after_row=${encodeURIComponent(page.at(-1).row_id)}`;
	}
	assert.equal(seen.length, sqlNumber("SELECT count(*) FROM netflow.flow WHERE '10.0.0.12' IN (src_addr, dst_addr)"));
	assert.equal(new Set(seen).size, seen.length);
});

test('bad arguments are errors of the client', async () => {
	for (const path of [`rpc/host_flows?${RANGE}&host=nobody`, `rpc/host_flows?${RANGE}&${HOST}&after_row=here`, `rpc/calendar?${RANGE}&zone=nowhere`, 'rpc/scatter']) {
		const answer = await call(path);
		assert.ok(answer.status >= 400 && answer.status < 500 && answer.data?.message, `${path}: ${answer.status}`);
	}
});

test('models: viewers and analysts read, admins change, another store\'s model nobody', async () => {
	const analyst = { cookie: await login('analyst') };
	const admin = { cookie: await login('admin') };
	for (const [name, args] of [['activate', { model: 'measured', version: 1 }], ['rollback', { model: 'measured' }], ['retrain', { model: 'measured' }],
		['drift', { model: 'baseline', t0: '2026-03-02', t1: '2026-03-04' }], ['sample', { profile: 'basic' }]]) {
		assert.ok([401, 403].includes((await post(name, args)).status), name);
		assert.equal((await post(name, args, analyst)).status, 403, name);
	}
	assert.equal((await post('activate', { model: 'measured', version: 1 }, admin)).status, 200);
	assert.equal((await post('sample', { profile: 'basic', n: 100000 }, admin)).data.length, 5000);
	sql("SELECT anomaly_train('foreign', 'SELECT i, i % 7 AS b FROM generate_series(1, 100) i')");
	try {
		assert.ok(!(await rows('models')).some((row) => row.model === 'foreign'));
		const refused = await post('activate', { model: 'foreign', version: 1 }, admin);
		assert.equal(refused.data.code, 'PA001');
	} finally {
		sql("SELECT anomaly_drop('foreign')");
	}
});
