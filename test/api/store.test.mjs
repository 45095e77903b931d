// A store as a client feeds it, reads its reports and sees how it is doing:
// through nginx, a real PostgREST and a real login, with SQL as the second
// opinion.  Imports go into a day of their own, which is taken out at the end:
// other tests count the flows of the days they know.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call, login, post, sql, sqlNumber } from '../browser/support.mjs';

const RANGE = 't0=2026-03-02T00:00:00Z&t1=2026-03-04T00:00:00Z';
const COLUMNS = ['start_time', 'src_addr', 'dst_addr', 'src_port', 'dst_port', 'protocol', 'packets', 'bytes', 'duration_s'];
// what can be wrong with a line, and a word of the reason it is told
const DIRTY = {
	'no time': ',10.0.0.10,10.0.1.1,40000,443,tcp,10,4000,1.5',
	'no such time': '2026-02-30 10:00:00Z,10.0.0.10,10.0.1.1,40000,443,tcp,10,4000,1.5',
	'no address': '2026-03-01 10:00:00Z,nobody,10.0.1.1,40000,443,tcp,10,4000,1.5',
	'a port too high': '2026-03-01 10:00:00Z,10.0.0.10,10.0.1.1,40000,70000,tcp,10,4000,1.5',
	'a negative count': '2026-03-01 10:00:00Z,10.0.0.10,10.0.1.1,40000,443,tcp,-10,4000,1.5',
	'a word for a number': '2026-03-01 10:00:00Z,10.0.0.10,10.0.1.1,40000,443,tcp,ten,4000,1.5',
	'no number': '2026-03-01 10:00:00Z,10.0.0.10,10.0.1.1,40000,443,tcp,10,NaN,1.5',
	'no such protocol': '2026-03-01 10:00:00Z,10.0.0.10,10.0.1.1,40000,443,nothing,10,4000,1.5',
	'an open quote': '2026-03-01 10:00:00Z,"10.0.0.10,10.0.1.1,40000,443,tcp,10,4000,1.5',
	'too few fields': '2026-03-01 10:00:00Z,10.0.0.10,10.0.1.1',
};
// a thousand lines of one day, every hundredth of them dirty
const LINES = Array.from({ length: 1000 }, (_, i) => (i % 100 === 50 ? Object.values(DIRTY)[(i - 50) / 100]
	: `${new Date(Date.UTC(2026, 2, 1, 8) + i * 1000).toISOString()},10.0.0.${10 + i % 8},10.0.1.${1 + i % 3},${30000 + i},443,tcp,${10 + i % 5},${4000 + i},1.5`));
const NUMBERS = LINES.flatMap((_, i) => (i % 100 === 50 ? [i + 2] : []));		// the header is line 1

const rows = async (path, options) => {
	const answer = await call(path, options);
	assert.equal(answer.status, 200, answer.text);
	return answer.data;
};
let admin;
let analyst;

before(async () => {
	[admin, analyst] = [await login('admin'), await login('analyst')];
	sql("SELECT anomaly_ensure_chunks('netflow', '2026-03-01', '2026-03-01')");
});

after(() => sql(`
	DELETE FROM netflow.flow WHERE start_time < '2026-03-02';
	DELETE FROM netflow.detection WHERE start_time < '2026-03-02';
	DELETE FROM netflow.alert WHERE last_seen < '2026-03-02';
	DELETE FROM netflow.flow_hour WHERE hour < '2026-03-02';
	SELECT anomaly.trim_rollups('netflow', '2026-03-02');
	DELETE FROM netflow.capture WHERE source LIKE 'store.test%'`));

test('import: of a thousand lines ten dirty ones are set aside with line and reason, the others are flows', async () => {
	const send = (from, to, more) => post('import_flows',
		{ columns: COLUMNS, lines: LINES.slice(from, to), source: 'store.test.csv', first_line: from + 2, ...more }, { cookie: admin });
	const first = await send(0, 600, { last: false });
	assert.equal(first.status, 200, first.text);
	const capture = first.data.import;
	const second = await send(600, 1000, { capture, last: true });
	assert.equal(second.status, 200, second.text);
	assert.equal(second.data.import, capture);
	assert.equal(first.data.flows + second.data.flows, 990);
	assert.equal(first.data.rejected + second.data.rejected, 10);

	const [[flows, packets, bytes]] = sql(`SELECT count(*), sum(src_packets + dst_packets), sum(src_bytes + dst_bytes) FROM netflow.flow WHERE capture_id = ${capture}`);
	const good = LINES.map((_, i) => i).filter((i) => i % 100 !== 50);
	assert.deepEqual([flows, packets, bytes].map(Number),
		[990, good.reduce((sum, i) => sum + 10 + i % 5, 0), good.reduce((sum, i) => sum + 4000 + i, 0)]);
	const aside = await rows(`rejects?capture_id=eq.${capture}&order=line`, { headers: { cookie: admin } });
	assert.deepEqual(aside.map((r) => r.line), NUMBERS);
	aside.forEach((r, i) => {
		assert.equal(r.raw, Object.values(DIRTY)[i]);
		assert.ok(r.reason.length > 5, `${Object.keys(DIRTY)[i]}: ${r.reason}`);
	});
	const [shown] = await rows(`captures?id=eq.${capture}`);
	assert.deepEqual([shown.source, shown.state, shown.flows, shown.rejected], ['store.test.csv', 'loaded', 990, 10]);
	// an import that has ended takes no more
	const late = await send(0, 1, { capture, last: true });
	assert.ok(late.status >= 400 && late.data.hint, late.text);
	assert.equal(sqlNumber(`SELECT count(*) FROM netflow.flow WHERE capture_id = ${capture}`), 990);
});

test('import: ten thousand lines of four hundred bytes are one call', async () => {
	const line = (i) => `${LINES[i % 50]},${'x'.repeat(400)}`.slice(0, 398);	// and quotes and comma in JSON
	const before = sqlNumber('SELECT count(*) FROM netflow.flow');
	const whole = await post('import_flows', { columns: [...COLUMNS, null], lines: Array.from({ length: 10000 }, (_, i) => line(i)), source: 'store.test whole' }, { cookie: admin });
	assert.equal(whole.status, 200, whole.text);
	assert.equal([whole.data].flat()[0].flows, 10000);
	assert.equal(sqlNumber('SELECT count(*) FROM netflow.flow') - before, 10000);
});

test('import: a file is taken once, a call takes ten thousand lines, a refused call leaves nothing', async () => {
	const counts = () => sql('SELECT (SELECT count(*) FROM netflow.flow), (SELECT count(*) FROM netflow.capture), (SELECT count(*) FROM netflow.reject)')[0];
	const sha256 = `\\x${'5e'.repeat(32)}`;
	const once = { columns: COLUMNS, lines: LINES.slice(0, 5), source: 'store.test once', sha256 };
	assert.equal((await post('import_flows', once, { cookie: admin })).status, 200);
	const held = counts();
	const again = await post('import_flows', once, { cookie: admin });
	assert.equal(again.status, 409, again.text);
	const many = await post('import_flows', { columns: COLUMNS, lines: Array(10001).fill('x'), source: 'store.test many' }, { cookie: admin });
	assert.ok(many.status >= 400 && /10000/.test(many.data.message) && /10001/.test(many.data.message), many.text);
	const large = await post('import_flows', { columns: COLUMNS, lines: Array(10000).fill('x'.repeat(2000)), source: 'store.test large' }, { cookie: admin });
	assert.deepEqual([large.status, typeof large.data.message], [413, 'string'], large.text);
	const other = await post('import_columns', { header: Array(1000).fill('x'.repeat(100)) }, { cookie: admin });
	assert.equal(other.status, 413, other.text);	// room for a file's lines only
	const anonymous = await post('import_flows', { columns: COLUMNS, lines: Array(1000).fill('x'.repeat(400)), source: 'store.test anonymous' });
	assert.deepEqual([anonymous.status, typeof anonymous.data.message], [401, 'string'], anonymous.text);
	const unknown = await post('import_flows', { columns: ['start_time', 'colour'], lines: ['2026-03-01,red'], source: 'store.test odd' }, { cookie: admin });
	assert.ok(unknown.status >= 400 && unknown.data.message.includes('colour') && unknown.data.hint, unknown.text);
	assert.deepEqual(counts(), held);
});

test('import: an admin makes no chunks: lines whose time has none are set aside, unless that is all of them', async () => {
	const stray = LINES[0].replace('2026-03-01', '1999-12-31');
	const some = await post('import_flows', { columns: COLUMNS, lines: [LINES[0], stray, LINES[1]], source: 'store.test stray', first_line: 10 }, { cookie: admin });
	assert.equal(some.status, 200, some.text);
	assert.deepEqual([some.data.flows, some.data.rejected], [2, 1]);
	assert.deepEqual(sql(`SELECT line, raw, reason FROM netflow.reject WHERE capture_id = ${some.data.import}`), [['11', stray, 'no chunk holds its time']]);
	assert.equal(sqlNumber(`SELECT count(*) FROM netflow.flow WHERE capture_id = ${some.data.import}`), 2);
	const none = await post('import_flows', { columns: COLUMNS, lines: [stray], source: 'store.test none' }, { cookie: admin });
	assert.equal(none.status, 403, none.text);
	assert.match(none.data.message, /no chunk for 1999-12-31/);
	assert.match(none.data.hint, /anomaly_ensure_chunks/);
	assert.equal(sqlNumber("SELECT count(*) FROM netflow.capture WHERE source = 'store.test none'"), 0);
});

test('import: not for a viewer, nor an analyst, nor another site\'s page', async () => {
	const flows = () => sqlNumber('SELECT count(*) FROM netflow.flow');
	const held = flows();
	const args = { columns: COLUMNS, lines: LINES.slice(0, 2), source: 'store.test no' };
	assert.ok([401, 403].includes((await post('import_flows', args)).status));
	const refused = await post('import_flows', args, { cookie: analyst });
	assert.equal(refused.status, 403, refused.text);
	assert.equal(refused.data.code, '42501');
	const foreign = await call('rpc/import_flows', { method: 'POST', body: JSON.stringify(args), headers: { 'content-type': 'application/json', cookie: admin } });
	assert.equal(foreign.status, 403);
	assert.equal(flows(), held);
});

test('report: its numbers are those of SQL', async () => {
	const report = await rows(`rpc/report?${RANGE}`);
	const inside = "start_time >= '2026-03-02' AND start_time < '2026-03-04'";
	const number = Object.fromEntries(report.numbers.map((n) => [n.name, n.value]));
	assert.equal(number.flows, sqlNumber(`SELECT count(*) FROM netflow.flow WHERE ${inside}`));
	assert.equal(number.bytes, sqlNumber(`SELECT sum(src_bytes + dst_bytes) FROM netflow.flow WHERE ${inside}`));
	const raised = "last_seen >= '2026-03-02' AND first_seen < '2026-03-04'";
	assert.equal(report.alerts.total, sqlNumber(`SELECT count(*) FROM netflow.alert WHERE ${raised}`));
	const sum = (counts) => Object.values(counts).reduce((a, b) => a + b, 0);
	assert.equal(sum(report.alerts.by_band), report.alerts.total);
	assert.equal(sum(report.alerts.by_state), report.alerts.total);
	assert.equal(report.days.reduce((total, day) => total + day.flows, 0), number.flows);
	assert.equal(report.alerts.worst[0].severity, sqlNumber(`SELECT max(severity) FROM netflow.alert WHERE ${raised}`));
	assert.ok(report.alerts.worst.every((a) => a.playbook.length > 0 && a.reasons.length > 0));
	// a period without end is cut, not worked off
	const long = await rows('rpc/report?t0=1970-01-01T00:00:00Z&t1=2026-03-04T00:00:00Z');
	assert.equal(Date.parse(long.t1) - Date.parse(long.t0), 400 * 86400e3);
});

// every row of a view as CSV, a page of `size` at a time, by key
async function exported(view, size, key, next) {
	const all = [];
	for (let where = ''; ;) {
		const { status, type, text } = await call(`${view}?order=${key.join(',')}&limit=${size}${where}&select=${key.join(',')}`, { headers: { accept: 'text/csv' } });
		assert.equal(status, 200, text);
		assert.match(type, /^text\/csv/);
		const [header, ...lines] = text.trim().split('\n');
		if (!lines.length) return all;
		assert.equal(header, key.join(','));
		all.push(...lines.map((line) => line.replaceAll('"', '').split(',')));
		where = next(all.at(-1).map(encodeURIComponent));
	}
}

test('exports: pages by key hold every row once', async () => {
	const alerts = await exported('alerts_export', 2, ['id'], ([id]) => `&id=gt.${id}`);
	assert.deepEqual(alerts, sql('SELECT id FROM netflow.alert ORDER BY id'));
	const shown = 'FROM netflow.detection WHERE suppression_id IS NULL';
	const size = Math.ceil(sqlNumber(`SELECT count(*) ${shown}`) / 4) || 1;
	const found = await exported('detections_export', size, ['start_time', 'id'],
		([t, id]) => `&start_time=gte.${t}&or=(start_time.gt.${t},id.gt.${id})`);
	assert.deepEqual(found.map(([, id]) => [id]), sql(`SELECT id ${shown} ORDER BY start_time, id`));
});

test('exports: a row in raw units, as the table has it', async () => {
	const [[id, severity, flows, source]] = sql('SELECT id, severity, flow_count, source FROM netflow.alert ORDER BY severity DESC, id LIMIT 1');
	const [row] = await rows(`alerts_export?id=eq.${id}`);
	assert.deepEqual([row.severity, row.flow_count, row.source], [Number(severity), Number(flows), source]);
	assert.ok(Object.values(row).every((v) => v === null || typeof v !== 'object'), 'flat: nothing in it is a list or an object');
});

test('how the store is doing: read by anybody, the numbers of SQL', async () => {
	const [health] = await rows('health');
	const [[flows, detections]] = sql('SELECT flows, detections FROM netflow.tally');
	assert.deepEqual([health.store, health.flows, health.detections], ['netflow', Number(flows), Number(detections)]);
	const disk = await rows('disk');
	assert.deepEqual(disk.map((d) => d.kind).sort(), ['detection', 'flow', 'other', 'rollup']);
	const held = sqlNumber("SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = 'netflow'::regnamespace AND relkind = 'r'");
	assert.equal(disk.reduce((sum, d) => sum + d.bytes, 0), held);
	assert.equal(health.bytes, held);
	assert.equal(health.days_to_full, null, 'nobody said what it may take');
	assert.equal((await rows('captures?select=id')).length, sqlNumber('SELECT count(*) FROM netflow.capture'));
	assert.equal((await rows('feed')).length, 1);
});

test('alarms: one comes when a watch fails and goes when it is well', async () => {
	const failed = async () => (await rows('alarms')).filter((a) => a.alarm === 'watch_failed');
	assert.deepEqual(await failed(), []);
	sql("UPDATE netflow.watch SET error = 'column gone', error_at = now() WHERE model = 'baseline'");
	try {
		const [alarm, ...others] = await failed();
		assert.deepEqual(others, []);
		assert.deepEqual([alarm.subject, alarm.message], ['baseline', 'column gone']);
	} finally {
		sql("UPDATE netflow.watch SET error = NULL, error_at = NULL WHERE model = 'baseline'");
	}
	assert.deepEqual(await failed(), []);
});

test('none of it can be written past the functions', async () => {
	const headers = { 'content-type': 'application/json', 'x-requested-with': 'pg_anomaly', cookie: admin };
	for (const view of ['health', 'alarms', 'disk', 'captures', 'rejects', 'alerts_export', 'detections_export', 'summary_day']) {
		for (const method of ['POST', 'PATCH', 'DELETE']) {
			const { status } = await call(`${view}`, { method, headers, body: method === 'DELETE' ? undefined : '{}' });
			assert.ok(status >= 400, `${method} ${view}: ${status}`);
		}
	}
});
