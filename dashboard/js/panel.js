// The frame around every panel and the five states it can be in: loading,
// ready, empty, error (with retry) and stale (old numbers, marked as such,
// when a refresh fails).
//
// A definition says what is inside:
//   title, note          heading and the line beside it
//   load(query, signal)  → rows, query = { range, state }
//   or for rows that come in pages (keyset.js): pageSize, and
//   page(query, signal, { size, from }) → { rows, more }
//   every                ms: asked again by the clock, not when the store has news
//   isEmpty(rows), emptyText
//   key(query)           what the answer depends on (default: range, host and threat)
// and one of
//   option(rows, ctx), summary(rows, ctx), table(rows, ctx)
//     [, size(rows) → { height }]
//     [, click(event, rows, ctx) → patch] [, brush(first, last, rows, ctx) → patch]
//     [, control(chart) → { element, update(rows, ctx) }, kept below the chart]
//   render(rows, ctx)    → nodes, for what is no chart
//     [, drawn() once they are on the page]
// and for both, tools(ctx, rows) → nodes at the right of the head.
// The builders are pure: rows in, ECharts option or table out.  ctx is what
// view.js says, and redraw(), for what a panel keeps beside its rows.

import { ApiError } from './api.js';
import { Chart } from './chart.js';
import { h, replaceKeeping } from './dom.js';
import { clock } from './format.js';
import { makeTable } from './table.js';

const MOST = 1000;	// rows that a refresh brings again

export class Panel {
	constructor(root, definition) {
		this.root = root;
		this.definition = definition;
		this.rows = null;
		this.loadedAt = null;
		this.build();
		this.show('loading');
		if (definition.every) this.clocked = setInterval(() => document.hidden || !this.query || this.refresh(this.query, this.ctx), definition.every);
	}

	build() {
		const { title, note, option } = this.definition;
		const id = `${this.root.dataset.panel}-title`;
		this.stale = h('p', { class: 'stale', role: 'status' });
		this.note = h('p', { class: 'panel-note' }, note ?? '');
		this.tools = h('div', { class: 'panel-tools' });
		this.view = h('div', { class: 'panel-view' });
		this.message = h('div', { class: 'panel-message' });
		this.foot = h('div', { class: 'panel-foot' });
		this.root.setAttribute('aria-labelledby', id);
		this.root.append(
			h('header', { class: 'panel-head' },
				h('h2', { id }, title), this.note, this.stale, this.tools),
			h('div', { class: 'panel-body' }, this.view, this.message, this.foot));
		if (option) this.buildChart();
	}

	buildChart() {
		const { click, brush } = this.definition;
		const go = (patch) => patch && this.ctx.go(patch);
		this.canvas = h('div', { class: 'chart', role: 'img' });
		this.tableView = h('div', { class: 'scroll table-view', tabindex: '0', role: 'region',
			'aria-label': `${this.definition.title}, as a table`, hidden: true });
		this.frame = h('div', { class: 'chart-frame' }, this.canvas);
		this.view.append(this.frame, this.tableView);
		this.toggle = h('button', { type: 'button', class: 'quiet', 'aria-pressed': 'false',
			on: { click: () => this.switchView() } }, 'Table');
		this.toggle.setAttribute('aria-label', `Show ${this.definition.title.toLowerCase()} as a table`);
		this.tools.append(this.toggle);
		this.chart = new Chart(this.canvas, {
			onClick: click && ((event) => go(click(event, this.rows, this.ctx))),
			onBrush: brush && ((first, last) => go(brush(first, last, this.rows, this.ctx))),
		});
		this.control = this.definition.control?.(this.chart);
		if (this.control) this.view.append(this.control.element);
	}

	switchView() {
		const asTable = this.toggle.getAttribute('aria-pressed') === 'false';
		this.toggle.setAttribute('aria-pressed', String(asTable));
		this.tableView.hidden = !asTable;
		this.frame.hidden = asTable;
		this.draw(this.ctx);
	}

	show(state) {
		this.root.dataset.state = state;
	}

	// Draws, and loads first when what it depends on has changed or must be fresh.
	update(query, ctx, fresh) {
		if (fresh && !this.clocked || this.asked !== this.keyOf(query)) this.refresh(query, ctx);
		else this.draw(ctx);
	}

	keyOf(query) {
		return (this.definition.key ?? defaultKey)(query);
	}

	dispose() {
		this.request?.abort();
		clearInterval(this.clocked);
		this.chart?.dispose();
	}

	// Loads, then draws.  A newer refresh cancels an older one.
	async refresh(query, ctx) {
		this.request?.abort();
		const request = new AbortController();
		const key = this.keyOf(query);
		this.request = request;
		this.asked = key;
		this.query = query;
		this.ctx = ctx;
		this.retry = () => this.refresh(query, ctx);
		this.root.setAttribute('aria-busy', 'true');
		if (this.rows === null) this.show('loading');
		try {
			const rows = await this.load(query, key, request.signal);
			this.rows = rows;
			this.key = key;
			this.loadedAt = Date.now();
			this.stale.replaceChildren();
			this.draw(this.ctx);	// a newer one, if the theme changed meanwhile
		} catch (error) {
			if (!request.signal.aborted) this.fail(readable(error), key, this.ctx);
		} finally {
			if (this.request === request) this.root.removeAttribute('aria-busy');
		}
	}

	// As many pages as were there, so that nothing vanishes under the reader.
	async load(query, key, signal) {
		const { pageSize, page, load } = this.definition;
		if (!page) return load(query, signal);
		const size = this.rows && this.key === key ? Math.min(Math.max(this.rows.length, pageSize), MOST) : pageSize;
		const { rows, more } = await page(query, signal, { size, from: null });
		this.hasMore = more;
		return rows;
	}

	async loadMore() {
		const button = this.foot.querySelector('button');
		const { signal } = this.request;
		button.disabled = true;
		try {
			const { rows, more } = await this.definition.page(this.query, signal, { size: this.definition.pageSize, from: this.rows.at(-1) });
			this.rows = [...this.rows, ...rows];
			this.hasMore = more;
			this.draw(this.ctx);
		} catch (error) {
			if (signal.aborted) return;
			this.foot.prepend(h('p', { role: 'alert' }, error.message));
			button.disabled = false;
		}
	}

	drawFoot() {
		if (!this.definition.page) return;
		const more = () => this.loadMore();
		const count = `${this.rows.length}${this.hasMore ? '' : ', all'} shown`;
		replaceKeeping(this.foot, h('p', { class: 'hint', role: 'status' }, count), this.hasMore
			? h('button', { type: 'button', id: `${this.root.dataset.panel}-more`, on: { click: more } }, 'Show more') : '');
	}

	fail(error, key, ctx) {
		const retry = h('button', { type: 'button', class: 'quiet', on: { click: this.retry } }, 'Retry');
		if (this.rows !== null && this.key === key) {
			this.show('stale');
			this.stale.replaceChildren(`Not updated since ${clock(this.loadedAt, ctx.zone)}: ${error.message} `, retry);
			return;
		}
		this.rows = null;
		this.show('error');
		const status = error.status ? `Error ${error.status}: ` : '';
		this.message.replaceChildren(h('p', { role: 'alert' }, `${status}${error.message}`),
			h('p', { class: 'hint' }, error.hint ?? ''), retry);
	}

	// Nothing can be asked yet: the server did not even say what it holds.
	refuse(error, query, retry) {
		this.retry = retry;
		this.fail(error, null, { zone: query.state.tz ?? 'utc' });
	}

	// Draws the rows at hand, as after a change of theme or time zone.
	draw(given) {
		const ctx = { ...given, redraw: () => this.draw(this.ctx) };
		this.ctx = ctx;
		if (this.rows === null) return;
		const { definition, rows } = this;
		this.drawFoot();
		if (definition.isEmpty(rows)) {
			this.foot.replaceChildren();
			if (!definition.option) this.tools.replaceChildren();
			this.show('empty');
			this.message.replaceChildren(h('p', {}, definition.emptyText));
			return;
		}
		this.show('ready');
		if (definition.tools) replaceKeeping(this.tools, ...[definition.tools(ctx, rows), this.toggle ?? []].flat());
		if (definition.render) {
			replaceKeeping(this.view, ...[definition.render(rows, ctx)].flat());
			definition.drawn?.();
		} else if (this.tableView.hidden) {
			this.drawChart();
		} else {
			replaceKeeping(this.tableView, ...makeTable(definition.table(rows, ctx), ctx));
		}
		this.control?.update(rows, ctx);
	}

	drawChart() {
		const { definition, rows, ctx } = this;
		const height = definition.size?.(rows).height;
		this.canvas.style.height = height ? `${height}px` : '';
		this.chart.fit();
		this.ctx = { ...ctx, width: this.canvas.clientWidth };
		this.chart.draw(definition.option(rows, this.ctx), definition.summary(rows, ctx));
	}
}

// An answer that could not be drawn: what the program stumbled over tells a
// reader nothing.
function readable(error) {
	if (error instanceof ApiError) return error;
	console.warn(error);
	return new ApiError('the answer is not what this page expects', 'The API may be of another version than the page.');
}

function defaultKey({ range, state }) {
	return [range.t0, range.t1, state.host, state.threat].join('|');
}
