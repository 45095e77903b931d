// The pure parts of the pages Host, Explore, Models and Data: rows in, options,
// text and numbers out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everyPage, field, fields, lines, toCsv } from '../../dashboard/js/csv.js';
import { chosen, compared } from '../../dashboard/js/models.js';
import { calendar, mean } from '../../dashboard/js/panels/calendar.js';
import { cellsOf, confusion } from '../../dashboard/js/panels/confusion.js';
import { pr, prPoints, radar, roc, rocPoints } from '../../dashboard/js/panels/curves.js';
import { hostLine, unusual } from '../../dashboard/js/panels/hostline.js';
import { peers } from '../../dashboard/js/panels/peers.js';
import { matrixOf, projection, scatter } from '../../dashboard/js/panels/scatter.js';
import { nameOf, services, talkers } from '../../dashboard/js/panels/top.js';
import { eigen, project } from '../../dashboard/js/pca.js';
import { FEATURES, place, valueAt, within } from '../../dashboard/js/sample.js';
import { format as toSearch, parse } from '../../dashboard/js/state.js';
import { batches, problemOf } from '../../dashboard/js/upload.js';
import { context, draw } from './drawing.mjs';

const near = (a, b, tolerance = 1e-9) => assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}`);

// ---- CSV

test('csv: text that a spreadsheet would run is text, numbers stay numbers', () => {
	for (const text of ['=1+1', '+x', '-x', '@SUM(A1)', '\tx', '\r=1', '=HYPERLINK("http://x")', '-2+3']) assert.equal(field(text).replace(/^"/, '')[0], "'", text);
	for (const [value, text] of [[-5, '-5'], ['-1.5e-7', '-1.5e-7'], [0, '0'], [null, ''], [true, 'true'], ['a', 'a']]) assert.equal(field(value), text);
	assert.equal(field('a,"b"\nc'), '"a,""b""\nc"');
	assert.equal(toCsv(['a', 'b'], [{ a: 1, b: '=x' }]), "a,b\r\n1,'=x\r\n");
});

test('csv: what is written is read again', () => {
	const row = ['plain', 'a,b', 'say "hi"', '', '"', ',"', 'ünï'];
	assert.deepEqual(fields(row.map(field).join()), row);
	assert.deepEqual(fields('a;b;"c;d"', ';'), ['a', 'b', 'c;d']);
	assert.deepEqual(lines('\ufeffa,b\r\n1,2\n'), ['a,b', '1,2']);
});

test('csv: pages until one is not full, each row once', async () => {
	const all = Array.from({ length: 25 }, (_, i) => ({ id: i }));
	const { rows, cut } = await everyPage(async (from) => all.filter((r) => r.id > (from?.id ?? -1)).slice(0, 10), 10);
	assert.deepEqual([rows, cut], [all, false]);
});

// ---- upload

test('upload: batches keep order and number of lines, and their size', () => {
	const all = ['header', ...Array.from({ length: 7000 }, (_, i) => `${i},${'é'.repeat(i % 60)}`)];
	const parts = batches(all, 10000);
	assert.deepEqual(parts.flatMap(([, some]) => some), all.slice(1));
	for (const [first, some] of parts) {
		assert.equal(all[first - 1], some[0]);
		assert.ok(new TextEncoder().encode(JSON.stringify(some)).length <= 10002);
	}
	assert.deepEqual(batches(['h', 'x'.repeat(100000)]).map(([first, some]) => [first, some.length]), [[2, 1]], 'a line of its own, however long');
});

test('upload: a mapping needs both addresses, each name once', () => {
	assert.equal(problemOf(['src_addr', null, 'dst_addr']), null);
	assert.match(problemOf(['src_addr', 'src_addr', 'dst_addr']), /twice/);
	assert.match(problemOf(['src_addr', null]), /dst_addr/);
});

// ---- principal components, against values known from outside

test('pca: eigenvalues and vectors of a matrix known by hand', () => {
	// [[2,1],[1,2]]: 3 with (1,1)/√2, 1 with (1,-1)/√2
	const { values, vectors } = eigen([[2, 1], [1, 2]]);
	const at = values[0] > values[1] ? 0 : 1;
	near(values[at], 3);
	near(values[1 - at], 1);
	near(Math.abs(vectors[0][at]), Math.SQRT1_2);
	near(vectors[0][at], vectors[1][at]);
});

test('pca: points on a line are told by one component; constants and gaps count for nothing', () => {
	const rows = Array.from({ length: 50 }, (_, i) => [i, 3 * i + 1, 7, i % 10 ? -2 * i : null]);
	const { share, points, loadings } = project(rows.map(([a, b, c]) => [a, b, c]));
	near(share[0], 1);
	near(loadings[0][0], Math.SQRT1_2);
	near(loadings[0][1], Math.SQRT1_2);
	near(loadings[0][2], 0);
	// z-scores of 0…49 have the standard deviation √(50·51/12); the sum of two of them over √2
	near(points[49][0], Math.SQRT2 * 24.5 / Math.sqrt(50 * 51 / 12), 1e-9);
	assert.ok(project(rows).points.flat().every(Number.isFinite));
	assert.deepEqual(project([[1, 2]]).points, [[0, 0]]);
});

test('pca: every component is as far apart as its eigenvalue says, and they do not go together', () => {
	const rows = Array.from({ length: 400 }, (_, i) => [Math.sin(i), Math.cos(3 * i) + Math.sin(i), (i * 7919) % 101, i % 3]);
	const { points, share } = project(rows);
	const sum = (f) => points.reduce((total, point) => total + f(point), 0) / (points.length - 1);
	near(sum(([a]) => a * a) / 4, share[0], 1e-9);
	near(sum(([, b]) => b * b) / 4, share[1], 1e-9);
	near(sum(([a, b]) => a * b), 0, 1e-9);
});

// ---- flows as points

const flow = (extra) => ({ start_time: '2026-03-02T01:00:00Z', row_id: '(0,1)', src_addr: '10.0.0.1', dst_addr: '10.0.0.2', src_port: 1, dst_port: 443, protocol: 6,
	service: 'https', detection_id: null, alert_id: null, severity: null, ...Object.fromEntries(FEATURES.map(({ name }, i) => [name, i])), ...extra });
const sample = [flow({ src_payload: 0, dst_payload: 99 }), flow({ src_payload: 999, dst_payload: 9, detection_id: 1, alert_id: 5, severity: 80 }),
	flow({ src_payload: null }), flow({ src_payload: 99, dst_payload: 99, detection_id: 2, severity: 30 })];

test('scatter: every flow with both values once, what models found by band', () => {
	const option = scatter.option(sample, context());
	const data = Object.fromEntries(option.series.map((s) => [s.name, s.data]));
	assert.deepEqual(data.ordinary, [[0, 2, 0]]);
	assert.deepEqual(data.critical, [[3, 1, 1]]);
	assert.deepEqual(data.minor, [[2, 2, 3]]);
	assert.match(draw(option), /Payload sent/);
	assert.deepEqual(scatter.click({ componentType: 'series', data: [3, 1, 1] }, sample), { alert: '5' });
	assert.equal(scatter.click({ componentType: 'series', data: [0, 2, 0] }, sample), null);
});

test('scatter: of many flows the table lists the most severe, and says so', () => {
	const one = { start_time: '2026-03-02T00:00:00Z', src_addr: '10.0.0.1', dst_addr: '10.0.0.2', src_payload: 1, dst_payload: 1, severity: null };
	const many = Array.from({ length: 300 }, (_, i) => ({ ...one, severity: i % 3 ? null : i / 4 }));
	const { rows, note } = scatter.table(many, context());
	assert.equal(rows.length, 200);
	assert.deepEqual([rows[0].at(-1), rows[99].at(-1), rows[100].at(-1)], ['74', '0', '–']);
	assert.match(note, /200 .* of 300/);
	assert.equal(scatter.table(many.slice(0, 200), context()).note, null);
});

test('scatter: a box is in the address, and holds what lies in it', () => {
	const { box } = scatter.brush([1.5, 3.00004], [0.5, 2.5], sample);
	const state = parse(toSearch(parse(`?page=explore&box=${box}`)));
	assert.equal(state.box, '1.5,3,0.5,2.5');
	assert.deepEqual(within(sample, state), [sample[1], sample[3]]);
	assert.deepEqual(within(sample, parse('')), []);
	for (const nonsense of ['1,2,3', 'a,b,c,d', '1,2,3,4,5', '1e5,2,3,4', "1,2,3,'4"]) assert.equal(parse(`?page=explore&box=${nonsense}`).box, null);
});

test('features: an axis and back', () => {
	for (const feature of FEATURES) near(valueAt(feature, place(feature, { [feature.name]: 123.5 })), 123.5, 1e-9);
	assert.equal(place(FEATURES[0], { src_payload: null }), null);
});

test('projection: all flows, with the share of each axis on it', () => {
	const rows = Array.from({ length: 30 }, (_, i) => flow({ src_payload: 10 ** (i % 6), dst_payload: i * 100, bytes: i, detection_id: i === 7 ? 1 : null, severity: i === 7 ? 60 : null }));
	const option = projection.option(rows, context());
	assert.equal(option.series.flatMap((s) => s.data).length, 30);
	assert.equal(option.series.find((s) => s.name === 'major').data[0][2], 7);
	assert.match(option.xAxis.name, /^\d+%: /);
	assert.equal(matrixOf(rows)[0].length, FEATURES.length);
	draw(option);
});

test('calendar: 168 hours, means over how often there was one, no hour that was not', () => {
	const rows = Array.from({ length: 168 }, (_, i) => ({ dow: 1 + Math.floor(i / 24), hour: i % 24, hours: i < 48 ? 2 : 0, flows: i < 48 ? i : 0, bytes: 0,
		detections: i === 5 ? 3 : 0, severity: i === 5 ? 90 : null }));
	const [heat, marks] = calendar.option(rows, context()).series;
	assert.equal(heat.data.length, 48);
	assert.equal(heat.data.reduce((sum, cell) => sum + cell[3], 0), 47 * 48 / 2);
	near(10 ** heat.data[47][2] - 1, 23.5);
	assert.deepEqual(marks.data.map((d) => [d.value, d.symbol]), [[[5, 0], 'diamond']]);
	assert.equal(mean(rows[167], 'flows'), null);
	assert.match(draw(calendar.option(rows, context())), /Monday/);
});

// ---- models

const version = (model, number, extra = {}) => ({ model, version: number, active: false, on_watch: false, roc_auc: null, pr_auc: null, accuracy: null, precision: null,
	recall: null, f1: null, curve: null, ...extra });
const good = { roc_auc: 0.9, pr_auc: 0.8, accuracy: 0.7, precision: 0.6, recall: 0.5, f1: 0.4, rows: 10, positives: 4, tp: 3, fp: 1,
	confusion: { normal: { normal: 5, anomalous: 1 }, anomalous: { normal: 1, anomalous: 3 } }, curve: [[0.9, 2, 0], [0.5, 3, 1], [0.1, 4, 6]] };
const versions = [version('a', 1, { active: true, on_watch: true }), version('b', 2, { active: true, ...good }), version('b', 1, { ...good, roc_auc: 0.1 })];

test('models: the one on watch unless another is chosen; only what was measured is compared', () => {
	assert.equal(chosen(versions, {}), versions[0]);
	assert.equal(chosen([...versions].reverse(), {}), versions[0]);
	assert.equal(chosen(versions, { version: 'b~1' }), versions[2]);
	assert.equal(chosen(versions, { version: 'gone~1' }), versions[0]);
	assert.deepEqual(compared(versions, {}), [versions[1]]);
	assert.deepEqual(compared(versions, { version: 'b~1' }), [versions[2], versions[1]]);
});

test('radar: measured metrics only; one that a version lacks has no point, never a made-up one', () => {
	const without = { ...versions[1], pr_auc: null };
	const option = radar.option([without, versions[2]], context());
	assert.equal(option.radar.indicator.length, 6);
	assert.deepEqual(option.series[0].data[0].value, [0.9, '-', 0.7, 0.6, 0.5, 0.4]);
	const only = radar.option([{ ...version('c', 1), accuracy: 0.5, f1: 0.5, recall: 0.5 }], context());
	assert.deepEqual(only.radar.indicator.map((i) => i.name), ['Accuracy', 'Recall', 'F1']);
	assert.match(draw(option), /ROC AUC/);
});

test('curves: counts as shares, the threshold by what is above it', () => {
	assert.deepEqual(rocPoints(versions[1]), [[0, 0, null], [0, 0.5, 0.9], [1 / 6, 0.75, 0.5], [1, 1, 0.1]]);
	assert.deepEqual(prPoints(versions[1]), [[0.5, 1, 0.9], [0.75, 0.75, 0.5], [1, 0.4, 0.1]]);
	assert.deepEqual(prPoints({ ...good, curve: [[0.95, 0, 1], [0.5, 3, 1]] }), [[0.75, 0.75, 0.5]], 'not from (0, 0), where nothing is found');
	assert.deepEqual(roc.option([versions[1]], context()).series[0].markPoint.data[0].coord, [1 / 6, 0.75]);
	assert.deepEqual(pr.option([versions[1]], context()).series[0].markPoint.data[0].coord, [0.75, 0.75]);
	assert.match(draw(roc.option([versions[1]], context())), /b v2/);
});

test('confusion: every pair of classes, also those that never occurred', () => {
	const cells = cellsOf({ normal: { normal: 5 }, scan: { normal: 1, scan: 3 }, odd: { scan: 1 } });
	assert.equal(cells.length, 9);
	assert.equal(cells.reduce((sum, c) => sum + c.rows, 0), 10);
	assert.deepEqual(cells.find((c) => c.actual === 'scan' && c.predicted === 'normal'), { actual: 'scan', predicted: 'normal', rows: 1, sum: 4 });
	assert.deepEqual(cellsOf(null), []);
	assert.match(draw(confusion.option(cells, context())), /odd/);
});

// ---- hosts

test('host: the band lies between low and high, and has gaps where there is no past', () => {
	const ctx = context({ state: { metric: null, host: '10.0.0.1' } });
	const rows = Array.from({ length: ctx.range.buckets }, (_, i) => ({ t: new Date(ctx.range.t0 + i * ctx.range.step).toISOString(), flows: i, packets: 0, bytes: 0,
		critical: 0, major: 0, minor: 0, warning: 0, flows_low: i < 9 ? null : 1, flows_usual: i < 9 ? null : 2, flows_high: i < 9 ? null : 20 }));
	const option = hostLine.option(rows, ctx);
	const data = Object.fromEntries(option.series.map((s) => [s.name, s.data]));
	assert.equal(data.high[8], null);
	assert.equal(data.low[9] + data.high[9], 20);
	assert.equal(data.traffic.reduce((a, b) => a + b, 0), rows.reduce((a, r) => a + r.flows, 0));
	assert.deepEqual([rows[0], rows[9], rows[21]].map((row) => unusual(row, 'flows')), [false, false, true]);
	assert.match(hostLine.summary(rows), /outside of what is usual/);
	draw(option);
});

test('peers: a host on both sides is two nodes, the others one each side; sums stay', () => {
	const rows = [{ peer: '10.0.0.2', outbound: true, peers: 1, flows: 5, failed: 4, bytes: 9 }, { peer: '10.0.0.2', outbound: false, peers: 1, flows: 3, failed: 0, bytes: 1 },
		{ peer: null, outbound: true, peers: 7, flows: 2, failed: 0, bytes: 1 }];
	const ctx = context({ state: { host: '10.0.0.1' } });
	const [{ data, links }] = peers.option(rows, ctx).series;
	assert.equal(new Set(data.map((n) => n.name)).size, 4);
	assert.equal(links.reduce((sum, l) => sum + l.value, 0), 10);
	assert.deepEqual(peers.click({ dataType: 'node', name: 'from 10.0.0.2' }, rows), { host: '10.0.0.2' });
	assert.equal(peers.click({ dataType: 'node', name: 'to others' }, rows), null);
	assert.match(draw(peers.option(rows, ctx)), /7 others/);
});

test('top: services by name and port, the others last and grey, talkers filter, services lead to their flows', () => {
	const row = (extra) => ({ address: null, protocol: null, port: null, members: 1, flows: 1, failed: 0, bytes: 10, ...extra });
	const rows = [row({ protocol: 6, port: 443, flows: 9 }), row({ protocol: 17, port: 53 }), row({ members: 12 })];
	assert.deepEqual(rows.map(nameOf), ['TCP 443', 'UDP 53', '12 others']);
	assert.equal(nameOf(row({ protocol: 47 })), 'GRE');
	assert.deepEqual(services.option(rows, context()).series[0].data.map((d) => d.value), [9, 1, 1]);
	assert.deepEqual(services.option(rows, context({ state: { topby: 'bytes' } })).series[0].data.map((d) => d.value), [10, 10, 10]);
	assert.deepEqual(talkers.click({ dataIndex: 0 }, [row({ address: '10.0.0.9' })], context()), { host: '10.0.0.9' });
	assert.deepEqual(talkers.click({ dataIndex: 0 }, [row({ address: '10.0.0.9' })], context({ state: { host: '10.0.0.9' } })), { host: null });
	assert.deepEqual(services.click({ dataIndex: 0 }, rows, context()), { page: 'explore', port: 443 });
	assert.equal(services.click({ dataIndex: 2 }, rows, context()), null, 'the others are no service');
	assert.equal(services.click({ dataIndex: 0 }, rows, context({ state: { page: 'host' } })), null, 'a host has its flows below');
});
