// A CSV file on its way into the store: what its columns are, and its lines in
// as many calls as their size needs.

import { call } from './api.js';
import { delimiterOf, fields, lines } from './csv.js';

// what a column can be; the server knows more names, these are the common ones
export const COLUMNS = ['start_time', 'end_time', 'duration_s', 'duration_ms', 'duration_us', 'src_addr', 'src_port', 'dst_addr', 'dst_port', 'protocol',
	'state', 'src_bytes', 'dst_bytes', 'src_payload', 'dst_payload', 'src_packets', 'dst_packets', 'bytes', 'packets'];
const BODY = 2 ** 20;	// bytes of lines a call: a second or two of work, of the 4 MB that the server takes
const PREVIEW = 5;
const MOST = 256 * 2 ** 20;

export async function open(file) {
	if (file.size > MOST) throw new Error(`the file has ${Math.ceil(file.size / 2 ** 20)} MiB, more than the ${MOST / 2 ** 20} that a page should read: use pcap2pg --csv`);
	const buffer = await file.arrayBuffer();
	const all = lines(new TextDecoder().decode(buffer));
	if (all.length < 2) throw new Error('the file has no line below its header');
	const delimiter = delimiterOf(all[0]);
	const header = fields(all[0], delimiter).map((name) => name.trim());
	const guess = await call('import_columns', { header });
	return {
		name: file.name, all, delimiter, header, columns: guess,
		preview: all.slice(1, 1 + PREVIEW).map((text) => fields(text, delimiter)),
		sha256: `\\x${hex(await crypto.subtle.digest('SHA-256', buffer))}`,
	};
}

const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, '0')).join('');

// [[first line's number, lines], …]: each within the size, one line at least
export function batches(all, size = BODY) {
	const encoder = new TextEncoder();
	const found = [];
	let room = 0;
	all.slice(1).forEach((text, i) => {
		const bytes = encoder.encode(JSON.stringify(text)).length + 1;
		if (bytes > room || found.at(-1)[1].length === 5000) {
			found.push([i + 2, []]);
			room = size;
		}
		found.at(-1)[1].push(text);
		room -= bytes;
	});
	return found;
}

// What is wrong with a mapping, or null.
export function problemOf(columns) {
	const named = columns.filter(Boolean);
	const twice = named.find((name, i) => named.indexOf(name) !== i);
	if (twice) return `“${twice}” is chosen twice.`;
	const missing = ['src_addr', 'dst_addr'].filter((name) => !named.includes(name));
	if (missing.length) return `No column is ${missing.join(' or ')}.`;
	return null;
}

// One call after the other; the first says what the import is, the last ends it.
export async function send({ name, all, delimiter, columns, sha256 }, onProgress) {
	const parts = batches(all);
	const done = { flows: 0, rejected: 0, lines: 0, capture: null };
	for (const [i, [first, some]] of parts.entries()) {
		const [answer] = [await call('import_flows', {
			columns, lines: some, source: name, first_line: first, delimiter, last: i === parts.length - 1,
			...(done.capture === null ? { sha256 } : { capture: done.capture, sha256 }),
		})].flat();
		done.capture = answer.import;
		done.flows += answer.flows;
		done.rejected += answer.rejected;
		done.lines += some.length;
		onProgress(done);
	}
	return done;
}
