// Asking PostgREST.  Errors carry what a person needs: the status, the
// server's message and its hint, or that there was no answer at all.

import { API } from '../config.js';

const TO_READ = 20000;
const TO_CHANGE = 70000;	// nginx gives up before

export class ApiError extends Error {
	constructor(message, hint = null, status = 0) {
		super(message);
		this.hint = hint;
		this.status = status;
	}
}

// Whom to tell when a token was not let in.
let refused = () => {};
export const onRefused = (listener) => { refused = listener; };

// JSON.parse rounds integers beyond 2^53: those are kept as strings of digits.
export function parseJson(text) {
	const tokens = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
	const safe = (token) => (/^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token);
	return JSON.parse(text.replace(tokens, safe));
}

// params: PostgREST arguments and filters; absent ones (null) are left out.
export function get(path, params = {}, signal = undefined) {
	const url = new URL(path, API);
	for (const [name, value] of Object.entries(params)) {
		if (value !== null && value !== undefined) url.searchParams.append(name, value);
	}
	return request(url, {}, TO_READ, signal);
}

// Calls a function that changes something.  Its arguments go as JSON; the
// header is one that no other site can have sent for us.
export function call(name, args = {}, signal = undefined) {
	return request(new URL(`rpc/${name}`, API), {
		method: 'POST', body: JSON.stringify(args),
		headers: { 'content-type': 'application/json', 'x-requested-with': 'pg_anomaly' },
	}, TO_CHANGE, signal);
}

async function request(url, options, time, signal = undefined) {
	const limit = AbortSignal.timeout(time);
	let response;
	let text;
	try {
		response = await fetch(url, { ...options, credentials: 'include', signal: signal ? AbortSignal.any([signal, limit]) : limit });
		text = await response.text();
	} catch (error) {
		if (signal?.aborted) throw error;
		if (limit.aborted) throw new ApiError(`no answer within ${time / 1000} s`);
		throw new ApiError('the API cannot be reached', `Is ${API.href} running, and does it allow this page?`);
	}
	return body(response, text);
}

// A proxy's own error page is HTML; only what says it is JSON is parsed.
function body(response, text) {
	if (response.status === 204) return null;
	const json = (response.headers.get('content-type') ?? '').includes('json');
	let data = null;
	try {
		data = json ? parseJson(text) : null;
	} catch {
		throw new ApiError('the answer is not JSON', null, response.status);
	}
	if (response.status === 401 && !response.url.endsWith('/login')) refused();
	const hint = json ? data?.hint : `${API.href} may be no API: config.js says where it is.`;
	if (!response.ok) {
		throw new ApiError(data?.message ?? response.statusText ?? 'error', hint, response.status);
	}
	if (!json) throw new ApiError('the answer is not JSON', hint, response.status);
	return data;
}

// The arguments that every rpc takes.
export function scope(range, state) {
	return {
		t0: new Date(range.t0).toISOString(),
		t1: new Date(range.t1).toISOString(),
		host: state.host,
		threat: state.threat,
	};
}
