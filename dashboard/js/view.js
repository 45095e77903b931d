// The page on display: its slots and the panels in them.  Another page takes
// them away and builds its own.

import { pageNamed } from './pages.js';
import { Panel } from './panel.js';

export class View {
	constructor(root) {
		this.root = root;
		this.page = null;
		this.panels = [];
	}

	open(name) {
		const page = pageNamed(name);
		if (page === this.page) return;
		const first = this.page === null;
		this.page = page;
		this.panels.forEach((panel) => panel.dispose());
		this.root.dataset.page = page.name;
		this.root.replaceChildren(...page.layout());
		this.panels = Object.entries(page.panels).map(([slot, definition]) =>
			new Panel(this.root.querySelector(`[data-panel="${slot}"]`), definition));
		if (!first) scrollTo(0, 0);
	}

	// fresh: what the server has may have changed, all is asked again
	update(query, ctx, fresh) {
		for (const panel of this.panels) panel.update(query, ctx, fresh);
	}

	refuse(error, query, retry) {
		for (const panel of this.panels) panel.refuse(error, query, retry);
	}
}
