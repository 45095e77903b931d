// The threshold of a watch, dragged along the scores, on their histogram or below
// it: what it would raise is asked while it moves, and it is set once that is confirmed.

import { call } from './api.js';
import { ask } from './dialog.js';
import { h } from './dom.js';
import { count, some } from './format.js';
import { toast } from './toast.js';

const PAUSE = 300;	// ms without a move before anything is asked

const told = ({ threshold_kind: kind, threshold_value: value }) => ({
	severity: `severity from ${value}`, score: `score from ${Number(value).toFixed(3)}`, p_value: `p-value up to ${value}`,
	contamination: `the most severe ${100 * value}% of flows`, budget: `${value} alerts a day`,
}[kind]);

export class ThresholdControl {
	// extent(rows, ctx) → [lo, hi] of the axis above; onMove(score) draws it there
	constructor(extent, onMove) {
		this.extent = extent;
		this.onMove = onMove;
		this.score = null;	// as it was dragged, before it is set or left
		this.choice = h('select', { 'aria-label': 'Watch', on: { change: () => this.leave() } });
		this.slider = h('input', { type: 'range', class: 'threshold-slider', 'aria-label': 'Score from which detections raise alerts',
			'aria-describedby': 'threshold-outcome', step: 'any', on: { input: () => this.move() } });
		this.outcome = h('p', { id: 'threshold-outcome', class: 'threshold-outcome', role: 'status' });
		this.apply = h('button', { type: 'button', disabled: true, on: { click: () => this.confirm() } }, 'Set…');
		this.reset = h('button', { type: 'button', class: 'quiet', on: { click: () => this.leave() } }, 'Leave it');
		this.element = h('div', { class: 'threshold', hidden: true }, this.slider,
			h('div', { class: 'threshold-row' }, this.choice, this.outcome, this.reset, this.apply));
	}

	update(rows, ctx) {
		this.ctx = ctx;
		this.rows = rows;
		const watches = ctx.watches.filter((watch) => watch.enabled && watch.threshold !== null);
		this.element.hidden = !ctx.may('set_threshold') || watches.length === 0;
		if (this.element.hidden) return;
		const before = this.choice.value;
		this.choice.replaceChildren(...watches.map((watch) => h('option', { value: watch.id, selected: String(watch.id) === before }, watch.model)));
		this.choice.hidden = watches.length === 1;
		this.watch = watches.find(({ id }) => String(id) === this.choice.value);
		[this.slider.min, this.slider.max] = this.extent(rows, ctx);
		if (this.score === null) this.rest();
		this.onMove(this.score ?? (this.watch.threshold_kind === 'score' ? this.watch.threshold_value : null));
	}

	// Where the line is that a hand takes hold of, and where it is put.
	at() {
		return Number(this.slider.value);
	}

	to(score) {
		this.slider.value = score;
		this.move();
	}

	// Back where the watch is.
	leave() {
		this.score = null;
		this.request?.abort();
		clearTimeout(this.timer);
		this.update(this.rows, this.ctx);
	}

	rest() {
		const { threshold_kind: kind, threshold_value: value, threshold } = this.watch;
		this.slider.value = kind === 'score' ? value : threshold;
		this.outcome.textContent = `Alerts of ${this.watch.model} count ${told(this.watch)}. Drag the line to try another.`;
		this.apply.disabled = true;
		this.reset.hidden = true;
	}

	move() {
		this.score = Number(this.slider.value);
		this.onMove(this.score);
		this.apply.disabled = true;
		this.reset.hidden = false;
		this.outcome.textContent = `Score from ${this.score.toFixed(3)}: …`;
		clearTimeout(this.timer);
		this.request?.abort();
		this.timer = setTimeout(() => this.preview(), PAUSE);
	}

	arguments() {
		const { t0, t1 } = this.ctx.range;
		return { watch_id: this.watch.id, kind: 'score', value: this.score, t0: new Date(t0).toISOString(), t1: new Date(t1).toISOString() };
	}

	async preview() {
		this.request = new AbortController();
		const { signal } = this.request;
		try {
			this.result = await call('preview_threshold', this.arguments(), signal);
			const { flows, alerts, alerts_before: before } = this.result;
			this.outcome.textContent = `Score from ${this.score.toFixed(3)}: ${some(flows, 'flow')}, ${some(alerts, 'alert')} of this watch in this range, now ${count(before)}.`;
			this.apply.disabled = false;
		} catch (error) {
			if (!signal.aborted) this.outcome.textContent = `No preview: ${error.message}`;
		}
	}

	async confirm() {
		const { watch, ctx, result } = this;
		const args = this.arguments();
		const back = { ...args, kind: watch.threshold_kind, value: watch.threshold_value };
		const done = await ask({
			title: `Alerts of ${watch.model}: score from ${this.score.toFixed(3)}`,
			text: `Instead of ${told(watch)}. In this range its alerts go from ${count(result.alerts_before)} to ${count(result.alerts)}; those that somebody decided about stay.`,
			action: 'Set the threshold',
			submit: () => call('set_threshold', args),
		});
		if (!done) return;
		this.score = null;
		ctx.reload();
		toast(`Threshold set: ${count(done.alerts)} alerts of ${watch.model} in this range, before ${count(done.alerts_before)}.`, { word: 'Undo', run: async () => {
			await call('set_threshold', back);
			ctx.reload();
			toast(`Taken back: ${told(watch)}.`);
		} });
	}
}
