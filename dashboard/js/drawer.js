// The drawer that holds one alert.  It opens beside the page, takes the focus
// and gives it back; Escape closes it.

import { drawAlert, loadAlert } from './panels/detail.js';
import { h, replaceKeeping } from './dom.js';

export class Drawer {
	constructor(root, onClose) {
		this.root = root;
		this.onClose = onClose;
		this.id = null;
		this.alert = null;
		this.content = root.querySelector('.detail-content');
		root.querySelector('.close').addEventListener('click', onClose);
		document.addEventListener('keydown', (event) => {
			if (event.key === 'Escape' && this.id !== null && !document.querySelector('dialog')) onClose();
		});
	}

	// id null closes; the same id again redraws, or reloads when data changed.
	async show(id, ctx, reload) {
		if (id === null) {
			this.close();
			return;
		}
		const opened = this.id !== id;
		if (opened) {
			this.open(id);
		} else if (!reload) {
			if (this.alert) this.draw(ctx);
			return;
		}
		this.request?.abort();
		this.request = new AbortController();
		const { signal } = this.request;
		try {
			this.alert = await loadAlert(id, signal);
			this.draw(ctx);
			if (opened) this.root.querySelector('h2').focus();
		} catch (error) {
			if (!signal.aborted) this.fail(error, id, ctx);
		}
	}

	open(id) {
		if (this.id === null) this.opener = document.activeElement;
		this.id = id;
		this.alert = null;
		this.root.hidden = false;
		this.root.scrollTop = 0;
		this.content.replaceChildren(h('div', { class: 'skeleton', role: 'status' }, h('span', { class: 'sr-only' }, 'Loading')));
	}

	draw(ctx) {
		replaceKeeping(this.content, ...drawAlert(this.alert, ctx));
	}

	fail(error, id, ctx) {
		const again = () => {
			this.id = null;
			this.show(id, ctx, true);
		};
		this.content.replaceChildren(
			h('h2', { id: 'detail-title', tabindex: '-1' }, `Alert ${id}`),
			h('p', { role: 'alert' }, error.message),
			h('p', { class: 'hint' }, error.hint ?? ''),
			h('button', { type: 'button', class: 'quiet', on: { click: again } }, 'Retry'));
	}

	close() {
		if (this.id === null) return;
		this.request?.abort();
		const row = document.querySelector(`[data-alert="${CSS.escape(this.id)}"] a`);
		this.id = null;
		this.alert = null;
		this.root.hidden = true;
		// the table may have been redrawn meanwhile: then the alert's new row
		(this.opener?.isConnected && this.opener !== document.body ? this.opener : row)?.focus();
	}
}
