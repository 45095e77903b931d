// The page's pure parts, without a browser: option builders drawn by ECharts'
// own SVG renderer, time ranges, the URL, numbers, and the severity palette.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseJson } from '../../dashboard/js/api.js';
import { BANDS, bandOf } from '../../dashboard/js/bands.js';
import * as format from '../../dashboard/js/format.js';
import { heatmap, hostsOf } from '../../dashboard/js/panels/heatmap.js';
import { scores } from '../../dashboard/js/panels/scores.js';
import { threats } from '../../dashboard/js/panels/threats.js';
import { timeline } from '../../dashboard/js/panels/timeline.js';
import { resolve, snap } from '../../dashboard/js/range.js';
import { format as toSearch, parse } from '../../dashboard/js/state.js';
import { MINUTE, T0, context, draw } from './drawing.mjs';

const css = readFileSync(new URL('../../dashboard/style.css', import.meta.url), 'utf8');

const traffic = (ctx) => Array.from({ length: ctx.range.buckets }, (_, i) => ({
	t: new Date(ctx.range.t0 + i * ctx.range.step).toISOString(),
	flows: i, packets: 10 * i, bytes: 1000 * i, critical: i % 7 === 0 ? 2 : 0, major: 0, minor: i === 5 ? 1 : 0, warning: 0,
}));

test('timeline: every row is drawn once, in its metric, bands apart', () => {
	const ctx = context();
	const rows = traffic(ctx);
	const option = timeline.option(rows, ctx);
	const sum = (name) => option.series.find((s) => s.name === name).data.reduce((a, b) => a + (b ?? 0), 0);
	assert.equal(sum('traffic'), rows.reduce((a, r) => a + r.flows, 0));
	assert.equal(sum('critical'), rows.reduce((a, r) => a + r.critical, 0));
	assert.equal(sum('minor'), 1);
	const packets = timeline.option(rows, context({ state: { metric: 'packets' } }));
	assert.equal(packets.series[0].data.at(-1), 10 * (rows.length - 1));
	assert.match(draw(option), /Mon 2 Mar/);
});

test('timeline: a brush gives whole buckets and stays inside', () => {
	const ctx = context();
	const rows = traffic(ctx);
	const { t0, t1 } = timeline.brush(10, 20, rows, ctx);
	assert.equal(t0, ctx.range.t0 + 10 * ctx.range.step);
	assert.equal(t1, ctx.range.t0 + 21 * ctx.range.step);
	const wide = timeline.brush(-3, 9999, rows, ctx);
	assert.deepEqual([wide.t0, wide.t1], [ctx.range.t0, ctx.range.t1]);
});

test('heatmap: hosts by worst severity, cells in their band, a click is the cell', () => {
	const ctx = context();
	const at = (cell) => new Date(ctx.range.t0 + cell * ctx.range.cell).toISOString();
	const rows = [
		{ host: '10.0.0.1', t: at(0), detections: 3, severity: 30 },
		{ host: '10.0.0.2', t: at(2), detections: 1, severity: 90 },
		{ host: '10.0.0.1', t: at(2), detections: 9, severity: 10 },
	];
	assert.deepEqual(hostsOf(rows), ['10.0.0.2', '10.0.0.1']);
	const option = heatmap.option(rows, ctx);
	const cells = Object.fromEntries(option.series.filter((s) => s.type === 'custom').map((s) => [s.name, s.data]));
	assert.deepEqual(cells.critical, [[2, 0, 90]]);
	assert.deepEqual(cells.minor, [[0, 1, 30]]);
	assert.deepEqual(cells.warning, [[2, 1, 10]]);
	assert.match(draw(option), /10\.0\.0\.2/);
	assert.deepEqual(heatmap.click({ componentType: 'series', data: [2, 0, 90] }, rows, ctx),
		{ host: '10.0.0.2', range: null, t0: ctx.range.t0 + 2 * ctx.range.cell, t1: ctx.range.t0 + 3 * ctx.range.cell });
});

test('heatmap: a narrow screen merges columns and loses nothing', () => {
	const ctx = context({ width: 342, narrow: true });
	const rows = Array.from({ length: ctx.range.cells }, (_, i) => (
		{ host: '10.0.0.1', t: new Date(ctx.range.t0 + i * ctx.range.cell).toISOString(), detections: 1, severity: i }));
	const { xAxis, series } = heatmap.option(rows, ctx);
	assert.ok(xAxis.data.length <= 16, `${xAxis.data.length} columns`);
	assert.equal(series.filter((s) => s.type === 'custom').flatMap((s) => s.data).length, xAxis.data.length);
	const spans = xAxis.data.map((_, column) => heatmap.click({ componentType: 'series', data: [column, 0] }, rows, ctx));
	assert.deepEqual([spans[0].t0, spans.at(-1).t1], [ctx.range.t0, ctx.range.t1]);
	spans.slice(1).forEach((s, i) => assert.equal(s.t0, spans[i].t1));
});

test('ranges: eight quarters of an hour stay what they are', () => {
	for (let i = 0; i < 96; i++) {
		const t0 = T0 + i * 15 * MINUTE;
		const range = snap(t0, t0 + 120 * MINUTE);
		assert.deepEqual([range.t0, range.t1], [t0, t0 + 120 * MINUTE]);
	}
});

test('scores: bars on a logarithmic axis, the threshold where it is', () => {
	const rows = [{ lo: 0.4, hi: 0.42, flows: 1000, anomalous: 0 }, { lo: 0.6, hi: 0.62, flows: 10, anomalous: 4 },
		{ lo: 0.9, hi: 0.92, flows: 0, anomalous: 0 }];
	const option = scores.option(rows, context());
	assert.deepEqual(option.series[0].data.map((d) => d[2]), [3, 1]);
	assert.deepEqual(option.series[1].markLine.data.map((line) => line.xAxis), [0.61]);
	assert.match(draw(option), /threshold 0\.610/);
	const two = context({ watches: [{ model: 'a', enabled: true, threshold: 0.6 }, { model: 'b', enabled: true, threshold: 0.601 }, { model: 'c', enabled: false, threshold: 0.5 }] });
	const heights = ['a 0.600', 'b 0.601'].map((text) => Number(new RegExp(`translate\\([\\d.]+ ([\\d.-]+)\\)[^>]*>${text}`).exec(draw(scores.option(rows, two)))[1]));
	assert.ok(heights[0] - heights[1] >= 12, `names one above the other: ${heights}`);
});

test('threats: ranked by alerts, a second click lifts the filter', () => {
	const rows = [{ threat: 'beacon', alerts: 1, detections: 5, severity: 30 }, { threat: 'port_scan', alerts: 4, detections: 9, severity: 80 }];
	const ctx = context();
	const option = threats.option(rows, ctx);
	assert.deepEqual(option.yAxis.data, ['Port scan', 'Beacon']);
	assert.match(draw(option), /4 alerts, 9 detections/);
	assert.deepEqual(threats.click({ dataIndex: 0 }, rows, ctx), { threat: 'port_scan' });
	assert.deepEqual(threats.click({ dataIndex: 0 }, rows, context({ state: { threat: 'port_scan' } })), { threat: null });
});

test('ranges: whole cells of whole buckets, within the budget, unchanged by a second snap', () => {
	for (let i = 0; i < 2000; i++) {
		const from = T0 + ((i * 7919) % 100000) * 37111;
		const to = from + 1 + Math.floor(1.013 ** i * 1000);
		const range = snap(from, to);
		assert.ok(range.t0 <= from && range.t1 >= to);
		assert.ok(Number.isInteger(range.cells) && Number.isInteger(range.buckets));
		assert.equal(range.cell % range.step, 0);
		assert.equal(range.t0 % range.cell, 0);
		if (to - from < 50 * 364 * 1440 * MINUTE) assert.ok(range.cells <= 60 && range.buckets <= 300, `${to - from}`);
		assert.deepEqual(snap(range.t0, range.t1), range);
	}
});

test('ranges: history shows all of it, live data the last day, the newest flow included', () => {
	const none = { range: null, t0: null, t1: null };
	const old = { server_time: '2026-06-01T00:00:00Z', first_flow: '2026-03-02T00:10:00Z', last_flow: '2026-03-03T12:00:00Z' };
	const range = resolve(none, old);
	assert.ok(range.t0 <= Date.parse(old.first_flow) && range.t1 > Date.parse(old.last_flow));
	const live = resolve(none, { ...old, server_time: '2026-03-03T12:01:00Z' });
	assert.ok(live.t1 - live.t0 >= 1440 * MINUTE && live.t1 - live.t0 <= 1500 * MINUTE);
	const empty = resolve(none, { server_time: '2026-03-03T12:01:00Z', first_flow: null, last_flow: null });
	assert.ok(empty.t1 > empty.t0);
});

test('state: URL → state → URL, and nonsense counts as absent', () => {
	const search = '?t0=2026-03-02T00:00:00Z&t1=2026-03-02T01:00:00Z&host=2001:db8::1&threat=port_scan&band=major&alert=12&theme=dark&tz=local&metric=bytes';
	assert.equal(toSearch(parse(search)), search);
	const hostile = parse('?t0=tomorrow&t1=never&host=<script>&threat=a%00b&band=purple&alert=1;drop&range=99y&theme=../x');
	assert.deepEqual(Object.values(hostile).filter((v) => v !== null), []);
	assert.equal(parse('?t0=2026-03-02T01:00:00Z&t1=2026-03-02T00:00:00Z').t0, null);
});

test('numbers: no digit of a bigint is lost, decimals and text are left alone', () => {
	const data = parseJson('{"a":9223372036854775807,"b":0.12345678901234567,"c":"id 9223372036854775807 \\" 1","d":-12,"e":1e3}');
	assert.deepEqual(data, { a: '9223372036854775807', b: 0.12345678901234567, c: 'id 9223372036854775807 " 1', d: -12, e: 1000 });
	assert.equal(format.count(data.a), '9,223,372,036,854,775,807');
	assert.equal(format.bytes(1234567), '1.2 MB');
	assert.equal(format.severity(74.99), '74');
	assert.equal(bandOf(74.99).name, 'major');
	assert.equal(format.featureValue('5.9e-7'), '0.00000059');
	assert.equal(format.featureValue('REJ'), 'REJ');
	assert.deepEqual(format.change(150, 100), { text: '+50%', direction: 'up' });
	assert.deepEqual(format.change(5, 0), null);
	assert.deepEqual([1, 20, 2000].map((days) => format.axisTime(T0, 'utc', days * 1440 * MINUTE)), ['Mon 2 Mar', '2 Mar', 'Mar 2026']);
	assert.equal(format.threat('ssh_brute_force'), 'SSH brute force');
});

// Sight is simulated with the matrices of Machado, Oliveira & Fernandes
// (2009), severity 1.0; distance is CIE76 in Lab.  A difference of 2.3 is just
// noticeable side by side; bands far apart on a page need several times that.
const SIGHT = {
	normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
	protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
	deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
	tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};
const times = (matrix, v) => matrix.map((row) => row.reduce((sum, x, i) => sum + x * v[i], 0));
const linear = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
	.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));

function lab(rgb) {
	const xyz = times([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]],
		rgb.map((c) => Math.min(Math.max(c, 0), 1)));
	const [x, y, z] = xyz.map((v, i) => v / [0.95047, 1, 1.08883][i])
		.map((t) => (t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 * t + 16) / 116));
	return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

test('values: numbers grouped and rounded, in what was expected too; other text as it is', () => {
	for (const [text, shown] of [['31777278', '31,777,278'], ['135.50417', '135.5'], ['< 20000000', '< 20,000,000'], ['>= 0.3', '>= 0.3'],
		['0.470588 (0.084572 to 3.03125)', '0.4706 (0.08457 to 3.031)'], ['10.0.0.1', '10.0.0.1'], ['tcp 8080', 'tcp 8080'], ['< x', '< x'], ['N', 'N'], [null, '–']]) {
		assert.equal(format.featureValue(text), shown);
	}
});

test('palette: bands stay apart for every kind of sight, in both themes', () => {
	const colours = BANDS.map(({ name }) => css.match(new RegExp(`--${name}: light-dark\\((#\\w{6}), (#\\w{6})\\)`)).slice(1));
	for (const theme of [0, 1]) {
		for (const [sight, matrix] of Object.entries(SIGHT)) {
			const seen = colours.map((pair) => lab(times(matrix, linear(pair[theme]))));
			seen.forEach((a, i) => seen.slice(0, i).forEach((b, j) => {
				const distance = Math.hypot(...a.map((v, k) => v - b[k]));
				assert.ok(distance >= 15, `${BANDS[j].name} and ${BANDS[i].name}, ${sight}, theme ${theme}: ${distance.toFixed(1)}`);
			}));
		}
	}
});

test('palette: each band has a shape of its own', () => {
	assert.equal(new Set(BANDS.map((b) => b.symbol)).size, BANDS.length);
	assert.equal(new Set(BANDS.map((b) => b.path)).size, BANDS.length);
});
