// Pages by key.  An OFFSET reads what it skips, and shifts when rows come in;
// "after this row" does neither.  order: [{ column, descending }], the last of
// them unique, none of them ever null.

export function orderBy(order) {
	return order.map(({ column, descending }) => `${column}.${descending ? 'desc' : 'asc'}`).join();
}

// The filter for what comes after a row: its first column further on, or equal
// and the second further on, and so forth.
export function after(order, row) {
	const value = ({ column }) => `"${String(row[column]).replace(/["\\]/g, '\\$&')}"`;
	const further = (key) => `${key.column}.${key.descending ? 'lt' : 'gt'}.${value(key)}`;
	const equal = (key) => `${key.column}.eq.${value(key)}`;
	const steps = order.map((key, i) => {
		const terms = [...order.slice(0, i).map(equal), further(key)];
		return terms.length > 1 ? `and(${terms.join()})` : terms[0];
	});
	return `(${steps.join()})`;
}

// A page: its rows, and whether more follow.  from: the last row of the page
// before.
export async function page(get, path, params, { order, size, from }, signal) {
	const rows = await get(path, {
		...params, order: orderBy(order), limit: size + 1, or: from ? after(order, from) : null,
	}, signal);
	return { rows: rows.slice(0, size), more: rows.length > size };
}
