// Rows as CSV (RFC 4180), safe to open in a spreadsheet: text that would be
// taken for a formula gets an apostrophe before it.  Numbers stay numbers.

const FORMULA = /^[=+\-@\t\r\n]/;
const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;
const MOST = 200000;

export function field(value) {
	if (value === null || value === undefined) return '';
	const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
	const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
	return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const line = (values) => `${values.map(field).join()}\r\n`;

export function toCsv(columns, rows) {
	return line(columns) + rows.map((row) => line(columns.map((name) => row[name]))).join('');
}

// All rows of what comes in pages.  next(last row of the page before, or null) →
// promise of a page; size: that of a full one.  Stops at the most that a page
// should hold: `cut` says so.
export async function everyPage(next, size, onRows = () => {}) {
	const rows = [];
	for (let from = null; ;) {
		const page = await next(from);
		rows.push(...page);
		onRows(rows.length);
		if (page.length < size) return { rows, cut: false };
		if (rows.length >= MOST) return { rows, cut: true };
		from = page.at(-1);
	}
}

export function save(name, text, type = 'text/csv') {
	const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
	const link = Object.assign(document.createElement('a'), { href: url, download: name });
	link.click();
	setTimeout(() => URL.revokeObjectURL(url), 1000);
}

// Lines of a text, the fields of one, as the server reads them: no line break
// inside a field.
export function lines(text) {
	const all = text.replace(/^\ufeff/, '').split(/\r?\n/);
	if (all.at(-1) === '') all.pop();
	return all;
}

export function fields(text, delimiter = ',') {
	const found = [];
	let at = 0;
	while (at <= text.length) {
		if (text[at] === '"') {
			const end = closing(text, at + 1);
			found.push(text.slice(at + 1, end).replaceAll('""', '"'));
			at = text.indexOf(delimiter, end);
		} else {
			const end = text.indexOf(delimiter, at);
			found.push(text.slice(at, end < 0 ? undefined : end));
			at = end;
		}
		if (at < 0) break;
		at += 1;
	}
	return found;
}

function closing(text, from) {
	for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 2)) {
		if (text[at + 1] !== '"') return at;
	}
	return text.length;
}

// The delimiter that a header has most of.
export function delimiterOf(header) {
	return [',', ';', '\t', '|'].map((d) => [d, header.split(d).length]).sort((a, b) => b[1] - a[1])[0][0];
}
