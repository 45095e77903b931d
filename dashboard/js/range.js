// Time ranges.  All panels share one half-open interval [t0, t1), widened to
// whole heatmap columns; a column holds a whole number of timeline buckets.
// So every bucket and cell begins on a round time, a brushed or clicked range
// is again a whole number of buckets, and sums over panels agree exactly.

const MINUTE = 60000;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 7 * 1440, 28 * 1440, 364 * 1440]
	.map((minutes) => minutes * MINUTE);
const MAX_CELLS = 60;
const LEAST_CELLS = 10;
const MAX_BUCKETS = 300;

// data older than this when the page looks at it is history, not live
const STALE = 15 * MINUTE;

export const PRESETS = [
	{ name: 'all', label: 'All data' },
	{ name: '1h', label: 'Last hour', length: 60 * MINUTE },
	{ name: '6h', label: 'Last 6 hours', length: 360 * MINUTE },
	{ name: '24h', label: 'Last 24 hours', length: 1440 * MINUTE },
	{ name: '7d', label: 'Last 7 days', length: 7 * 1440 * MINUTE },
	{ name: '30d', label: 'Last 30 days', length: 30 * 1440 * MINUTE },
];

// The finest columns that fit; slightly coarser ones where these leave the range
// as it was asked for.
export function snap(from, to) {
	const end = Math.max(to, from + MINUTE);
	const widened = (cell) => ({ t0: Math.floor(from / cell) * cell, t1: Math.ceil(end / cell) * cell });
	const columns = (cell) => (widened(cell).t1 - widened(cell).t0) / cell;
	const fitting = STEPS.filter((cell) => columns(cell) <= MAX_CELLS);
	const exact = fitting.find((cell) => from % cell === 0 && end % cell === 0 && columns(cell) >= LEAST_CELLS);
	const cell = exact ?? fitting[0] ?? STEPS.at(-1);
	const { t0, t1 } = widened(cell);
	const step = STEPS.find((s) => cell % s === 0 && (t1 - t0) / s <= MAX_BUCKETS) ?? cell;
	return { t0, t1, cell, cells: columns(cell), step, buckets: (t1 - t0) / step };
}

export function isHistoric(status) {
	return !status.last_flow || Date.parse(status.server_time) - Date.parse(status.last_flow) > STALE;
}

// What the URL's state means now.  A preset ends at the newest flow when the
// data is history, else at the server's present.
export function resolve(state, status) {
	if (state.t0 !== null && state.t1 !== null) return snap(state.t0, state.t1);
	const historic = isHistoric(status);
	const first = Date.parse(status.first_flow ?? status.server_time);
	const last = Date.parse((historic ? status.last_flow : null) ?? status.server_time);
	const preset = PRESETS.find((p) => p.name === presetName(state, status));
	// last_flow itself must lie inside a half-open range
	return snap(preset.length ? last - preset.length : first, last + 1);
}

export function presetName(state, status) {
	if (state.t0 !== null) return null;
	return state.range ?? (isHistoric(status) ? 'all' : '24h');
}
