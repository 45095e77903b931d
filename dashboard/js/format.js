// Numbers and times as text.  A bigint beyond 2^53 arrives as a string of
// digits (see api.js) and keeps every one of them here.

const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });
const ACRONYMS = { syn: 'SYN', ssh: 'SSH', dns: 'DNS', icmp: 'ICMP', udp: 'UDP', tcp: 'TCP', ddos: 'DDoS', c2: 'C2' };
const MINUTE = 60000;

export function count(value) {
	if (value === null || value === undefined) return '–';
	return number.format(typeof value === 'string' ? BigInt(value) : value);
}

// For axes and tiles; below 10,000 every digit is shown.
export function compact(value) {
	return Math.abs(Number(value)) < 10000 ? count(value) : short.format(Number(value));
}

// "1 alert", "3 alerts"
export const some = (n, word) => `${compact(n)} ${word}${Number(n) === 1 ? '' : 's'}`;

export function bytes(value) {
	let rest = Number(value);
	let unit = 0;
	const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];
	while (rest >= 1000 && unit < units.length - 1) {
		rest /= 1000;
		unit++;
	}
	return `${rest < 10 && unit > 0 ? rest.toFixed(1) : Math.round(rest)} ${units[unit]}`;
}

export function percent(share) {
	const value = share * 100;
	return `${value > 0 && value < 1 ? '<1' : Math.round(value)}%`;
}

// A measured number between 0 and 1, or a score; – where nothing was measured.
export function metric(value) {
	return value === null || value === undefined ? '–' : value.toFixed(3);
}

// Rounded down, so that the number never leaves its band.
export function severity(value) {
	return String(Math.floor(value));
}

// A p-value as people say it: one in so many.
export function oneIn(p) {
	return p > 0 ? `1 in ${short.format(1 / p)}` : 'never seen in training';
}

// a rule's limit, "< 30", or a usual value and the range around it, "4 (2 to 6)"
const NUMBERS = /-?\d+(?:\.\d+)?(?:e[+-]\d+)?/g;
const EXPECTED = /^(?:[<>]=? N|N \(N to N\))$/;

// A feature's value, which comes as text: numbers grouped, the rest as it is.
export function featureValue(text) {
	if (text === null || text === undefined) return '–';
	const value = Number(text);
	if (String(text).trim() === '' || !Number.isFinite(value)) {
		return EXPECTED.test(String(text).replace(NUMBERS, 'N')) ? text.replace(NUMBERS, (number) => featureValue(number)) : String(text);
	}
	if (/^-?\d+$/.test(text)) return count(text);
	return value.toLocaleString('en-US', { maximumSignificantDigits: 4 });
}

// Change against the period before; null when there was nothing to compare.
export function change(value, previous) {
	if (!previous) return null;
	const ratio = Number(value) / Number(previous);
	const direction = ratio > 1 ? 'up' : ratio < 1 ? 'down' : 'same';
	if (ratio >= 10) return { text: `×${short.format(ratio)}`, direction };
	return { text: `${ratio > 1 ? '+' : ratio < 1 ? '−' : '±'}${percent(Math.abs(ratio - 1))}`, direction };
}

// those that have no name of their own in a list
export const others = (n) => `${count(n)} other${Number(n) === 1 ? '' : 's'}`;

// names of threats and rules, as words
export function threat(name) {
	const words = name.split('_').map((word) => ACRONYMS[word] ?? word).join(' ');
	return words.charAt(0).toUpperCase() + words.slice(1);
}

const PROTOCOLS = { 1: 'ICMP', 2: 'IGMP', 6: 'TCP', 17: 'UDP', 47: 'GRE', 50: 'ESP', 58: 'ICMPv6', 89: 'OSPF', 132: 'SCTP' };

export function protocol(number) {
	if (number === null) return '–';
	return PROTOCOLS[number] ?? `IP ${number}`;
}

// a window of many flows has no single port or destination
export function endpoint(address, port, number) {
	if (address === null) return 'several';
	if (port === null || ![6, 17].includes(number)) return address;
	return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

// ---- time: every function takes the zone, 'utc' or 'local'

const formats = new Map();

function parts(time, zone) {
	if (!formats.has(zone)) {
		formats.set(zone, new Intl.DateTimeFormat('en-GB', {
			timeZone: zone === 'utc' ? 'UTC' : undefined, hourCycle: 'h23', weekday: 'short', year: 'numeric',
			month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit',
		}));
	}
	return Object.fromEntries(formats.get(zone).formatToParts(new Date(time)).map((p) => [p.type, p.value]));
}

export function clock(time, zone) {
	const p = parts(time, zone);
	return `${p.hour}:${p.minute}`;
}

export function day(time, zone) {
	const p = parts(time, zone);
	return `${p.weekday} ${p.day} ${p.month}`;
}

export function moment(time, zone, seconds = false) {
	const p = parts(time, zone);
	return `${p.day} ${p.month} ${p.year}, ${p.hour}:${p.minute}${seconds ? `:${p.second}` : ''}`;
}

// "2 Mar 2026, 09:00 – 12:00", the date once when it is one day
export function span(t0, t1, zone) {
	const same = day(t0, zone) === day(t1, zone) && t1 - t0 < 24 * 60 * MINUTE;
	return `${moment(t0, zone)} – ${same ? clock(t1, zone) : moment(t1, zone)}`;
}

export function zoneName(zone, time = Date.now()) {
	if (zone === 'utc') return 'UTC';
	const part = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' })
		.formatToParts(new Date(time)).find((p) => p.type === 'timeZoneName');
	return part ? part.value : 'local';
}

// PostgreSQL's text of an interval in ms, a month as 30 days
export function interval(text) {
	const units = { year: 365 * 1440, mon: 30 * 1440, day: 1440 };
	const [, sign, ...clocked] = /(-?)(\d+):(\d+):([\d.]+)$/.exec(text) ?? [null, '', 0, 0, 0];
	const [hours, minutes, seconds] = clocked.map(Number);
	const days = [...text.matchAll(/(-?\d+) (year|mon|day)/g)].reduce((sum, [, n, unit]) => sum + n * units[unit] * MINUTE, 0);
	return days + (sign ? -1 : 1) * (hours * 60 * MINUTE + minutes * MINUTE + seconds * 1000);
}

export function duration(ms) {
	const seconds = Math.round(ms / 1000);
	if (seconds < 60) return `${seconds} s`;
	const minutes = Math.round(seconds / 60);
	if (minutes < 60) return `${minutes} min`;
	const hours = Math.floor(minutes / 60);
	if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
	return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

// Where a time axis gets its labels: the coarsest round step that gives at
// most `most` of them.  Returns a predicate over times.
export function ticks(t0, t1, most, zone) {
	const steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7 * 1440, 14 * 1440, 28 * 1440, 84 * 1440];
	const step = MINUTE * (steps.find((s) => (t1 - t0) / (s * MINUTE) <= most) ?? steps.at(-1));
	const offset = (time) => (zone === 'utc' ? 0 : -new Date(time).getTimezoneOffset() * MINUTE);
	return (time) => (time + offset(time)) % step === 0;
}

// A label on a time axis of some length: the clock, and the day at midnight;
// over weeks the day; over years the month.
export function axisTime(time, zone, length) {
	const p = parts(time, zone);
	const days = length / (1440 * MINUTE);
	if (days > 300) return `${p.month} ${p.year}`;
	if (days > 8) return `${p.day} ${p.month}`;
	const at = clock(time, zone);
	return at === '00:00' ? day(time, zone) : at;
}
