// What several charts have in common: text, axes over time, tooltips.

import { BANDS, mark } from '../bands.js';
import { h } from '../dom.js';
import { axisTime, count, ticks } from '../format.js';

// the plot's left edge, shared by the charts over time so that they line up
export const LEFT = { wide: 128, narrow: 104 };

export function base(ctx) {
	return {
		animation: false,
		textStyle: { fontFamily: ctx.palette.font, fontSize: 12, color: ctx.palette.muted },
	};
}

export function label(ctx) {
	return { color: ctx.palette.muted, fontSize: 12, fontFamily: ctx.palette.font };
}

export function valueAxis(ctx, format, extra = {}) {
	return {
		type: 'value', splitNumber: 3,
		axisLabel: { ...label(ctx), formatter: format, showMinLabel: true },
		splitLine: { lineStyle: { color: ctx.palette.grid } },
		axisLine: { show: false }, axisTick: { show: false },
		...extra,
	};
}

// Buckets of time as categories: bars and cells fill theirs exactly.
export function timeAxis(times, ctx, extra = {}) {
	const width = ctx.width - (ctx.narrow ? LEFT.narrow : LEFT.wide);
	const isTick = ticks(times[0], times.at(-1), Math.max(2, Math.floor(width / 84)), ctx.zone);
	return {
		type: 'category', data: times,
		axisLabel: {
			...label(ctx), formatter: (time) => axisTime(Number(time), ctx.zone), hideOverlap: true,
			interval: (i) => isTick(times[i]),
		},
		axisTick: { interval: (i) => isTick(times[i]), lineStyle: { color: ctx.palette.line }, length: 4 },
		axisLine: { lineStyle: { color: ctx.palette.line } },
		...extra,
	};
}

// A tooltip's content as nodes: a strict policy lets no markup through.
export function tip(title, lines) {
	return h('div', { class: 'tip' },
		h('p', { class: 'tip-title' }, title),
		h('dl', {}, lines.map(([name, value, band]) => [
			h('dt', {}, band ? mark(band) : null, name), h('dd', {}, value)]).flat()));
}

export function tooltip(ctx, formatter, extra = {}) {
	return {
		confine: true, transitionDuration: 0, className: 'tip-box',
		backgroundColor: ctx.palette.panel, borderColor: ctx.palette.line, borderWidth: 1, padding: 0,
		textStyle: { color: ctx.palette.text, fontSize: 12, fontFamily: ctx.palette.font },
		extraCssText: 'box-shadow:none;',
		formatter,
		...extra,
	};
}

// The bands that have anything, worst first: [band, how many].
export function byBand(row) {
	return BANDS.map((band) => [band, row[band.name]]).filter(([, n]) => Number(n) > 0);
}

export function bandLines(row) {
	return byBand(row).map(([band, n]) => [band.label, count(n), band]);
}
