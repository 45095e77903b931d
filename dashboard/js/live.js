// Polls the one-row status view and says when its token changes: only then is
// anything else asked again.

import { get } from './api.js';

const EVERY = 5000;

// onStatus(status, changed) after each answer, onLost(error) without one.
export class Live {
	constructor(onStatus, onLost) {
		this.onStatus = onStatus;
		this.onLost = onLost;
		this.token = null;
		this.paused = false;
		document.addEventListener('visibilitychange', () => document.hidden || this.poll());
	}

	start() {
		return this.poll();
	}

	toggle() {
		this.paused = !this.paused;
		if (!this.paused) this.poll();
	}

	// anew: whatever the token says, something has changed
	async poll(anew = false) {
		clearTimeout(this.timer);
		try {
			const [status] = await get('status');
			if (!status) throw new Error('the store has no status');
			const changed = anew || status.token !== this.token;
			this.token = status.token;
			this.onStatus(status, changed);
		} catch (error) {
			this.onLost(error);
		}
		clearTimeout(this.timer);
		if (!this.paused && !document.hidden) this.timer = setTimeout(() => this.poll(), EVERY);
	}
}
