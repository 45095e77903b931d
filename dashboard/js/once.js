// An answer that several panels ask for at the same moment is fetched once.
// Who gives up does not take it from the others; the last one to do so ends it.

const underWay = new Map();

// ask(signal) → promise
export function once(key, ask, signal) {
	const shared = underWay.get(key) ?? begin(key, ask);
	shared.waiting += 1;
	return Promise.race([shared.answer, new Promise((_, reject) => {
		signal?.addEventListener('abort', () => {
			reject(signal.reason);
			shared.waiting -= 1;
			if (shared.waiting === 0) shared.end();
		}, { once: true });
	})]);
}

function begin(key, ask) {
	const controller = new AbortController();
	const forget = () => underWay.get(key) === shared && underWay.delete(key);
	const shared = {
		waiting: 0,
		answer: ask(controller.signal).finally(forget),
		end: () => forget() && controller.abort(),
	};
	underWay.set(key, shared);
	return shared;
}
