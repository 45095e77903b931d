// What several charts have in common: text, axes over time, tooltips.

import { BANDS, mark } from '../bands.js';
import { h } from '../dom.js';
import { axisTime, count, severity, ticks } from '../format.js';

// The plot's left edge: the charts over time share it, so that they line up;
// on a narrow screen only hosts get the room.
export function leftEdge(ctx, hosts = false) {
	if (!ctx.narrow) return 128;
	return hosts ? 104 : 52;
}

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
	const most = Math.floor((ctx.width - leftEdge(ctx)) / 72);
	const round = ticks(times[0], times.at(-1), Math.max(2, most), ctx.zone);
	const isTick = times.some(round) ? round : (time) => times.indexOf(time) % Math.ceil(times.length / most) === 0;
	return {
		type: 'category', data: times,
		axisLabel: {
			...label(ctx), formatter: (time) => axisTime(Number(time), ctx.zone, times.at(-1) - times[0]),
			hideOverlap: true,
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

// a severity in a table: shape, number, word
export function bandCell(band, value) {
	return [mark(band), h('span', { class: 'score' }, severity(value)), ` ${band.label}`];
}

// The bands that have anything, worst first: [band, how many].
export function byBand(row) {
	return BANDS.map((band) => [band, row[band.name]]).filter(([, n]) => Number(n) > 0);
}

export function bandLines(row) {
	return byBand(row).map(([band, n]) => [band.label, count(n), band]);
}
