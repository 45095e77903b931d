// An answer that several panels ask for at the same moment is fetched once.
// Who gives up does not take it from the others.

const underWay = new Map();

export function once(key, ask, signal) {
	if (!underWay.has(key)) {
		underWay.set(key, ask().finally(() => underWay.delete(key)));
	}
	return Promise.race([underWay.get(key), new Promise((_, reject) => {
		signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
	})]);
}
