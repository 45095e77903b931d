// What the panels' queries and a poll of status cost the server, and how long the
// first draw of each page takes.  See page.sh.

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { PAGES } from '../../dashboard/js/pages.js';
import { launch, open, settled, sql } from '../browser/support.mjs';

const MONTH = 't0=2026-03-01T00:00:00Z&t1=2026-03-31T00:00:00Z';
const HOST = 'host=10.0.0.77';

const QUERIES = [
	'kpi(P)', 'timeline(P, buckets => 240)', 'swimlane(P)', 'threat_types(P)', 'score_histogram(P)', "top(P, kind => 'services')", "top(P, kind => 'talkers')",
	"host_timeline('10.0.0.77', P, buckets => 240)", "host_peers('10.0.0.77', P)", "host_flows('10.0.0.77', P, size => 51)", 'period_flows(P, size => 51)', 'scatter(P)', 'calendar(P)', 'report(P)',
];
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const ms = (value) => `${Math.round(value)} ms`;

// The server's own CPU time, from /proc, of a statement run many times in one
// connection, once before to warm up; without parallel workers, which have their own.
const used = [14, 15].map((i) => `split_part(pg_read_file('/proc/self/stat'), ' ', ${i})::int`).join(' + ');
const clock = `RESET ROLE; SELECT 'cpu ' || ${used}; SET ROLE anomaly_viewer;\n`;
const hertz = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

function cpu(statement, times) {
	const out = execFileSync('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1'], { encoding: 'utf8', maxBuffer: 2 ** 28,
		input: `SET max_parallel_workers_per_gather = 0; SET jit = off; SET ROLE anomaly_viewer; ${statement};\n${clock}${`${statement};\n`.repeat(times)}${clock}` });
	const [before, after] = out.match(/^cpu \d+$/gm).map((line) => Number(line.split(' ')[1]));
	return (1000 * (after - before)) / hertz / times;
}

console.log('\n== CPU time of each panel\'s query: 30 days, and the last of them');
for (const query of QUERIES) {
	const at = (period) => ms(cpu(`SELECT count(*) FROM netflow_api.${query.replace('P', period)}`, 3));
	console.log(`${query.padEnd(48)}\t${at("'2026-03-01', '2026-03-31'")}\t${at("'2026-03-30', '2026-03-31'")}`);
}
const POLLS = 2000;
console.log(`\n== CPU time of a poll of status: ${cpu('SELECT * FROM netflow_api.status', POLLS).toFixed(2)} ms (${POLLS} polls)`);

// CPU time so far of a process's children and theirs: of the browser, which is
// ours, and of the server, whose sessions PostgREST keeps.
function spent(root) {
	const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
		try {
			const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /s, '').split(' ');
			return [[pid, fields[1], Number(fields[11]) + Number(fields[12])]];
		} catch {
			return [];	// gone meanwhile
		}
	});
	const below = (parent) => processes.filter(([, of]) => of === parent).flatMap(([pid, , ticks]) => [[pid, ticks], ...below(pid)]);
	return new Map(below(String(root)));
}
const since = (earlier, later) => (1000 / hertz) * [...later].reduce((sum, [pid, ticks]) => sum + ticks - (earlier.get(pid) ?? 0), 0);

console.log('\n== first full draw: from the request for the page until every panel is drawn, over 30 days; medians of five');
const server = readFileSync(`${process.env.PGDATA_DIR}/postmaster.pid`, 'utf8').split('\n')[0];
const browser = await launch();
const addresses = [...PAGES.map(({ name }) => [name, name === 'host' ? `page=host&${HOST}` : `page=${name}`]), ['an alert', 'page=alerts&alert=4999']];
for (const [name, address] of addresses) {
	const draws = [];
	for (let i = 0; i < 5; i++) {
		const [ours, theirs, begin] = [spent(process.pid), spent(server), performance.now()];
		const page = await open(browser, `?${address}&${MONTH}`);
		await settled(page);
		if (name === 'an alert') await page.waitForSelector('#detail h2');
		draws.push([performance.now() - begin, since(theirs, spent(server)), since(ours, spent(process.pid))]);
		await page.context().close();
	}
	const [draw, sessions, chromium] = [0, 1, 2].map((i) => ms(median(draws.map((values) => values[i]))));
	console.log(`${name.padEnd(22)}\t${draw}\tCPU: server ${sessions}, browser ${chromium}\tload ${readFileSync('/proc/loadavg', 'utf8').split(' ')[0]}`);
}
await browser.close();
console.log(`store: ${sql('SELECT flows, detections FROM netflow.tally')[0].join(' flows, ')} detections`);
