// What tests of option builders share: a page's context as data, and ECharts'
// own SVG renderer, no browser needed.

import { BANDS } from '../../dashboard/js/bands.js';
import { snap } from '../../dashboard/js/range.js';
import { echarts } from './support.mjs';

export const MINUTE = 60000;
export const T0 = Date.parse('2026-03-02T00:00:00Z');

export function context(extra = {}) {
	const range = snap(T0, T0 + 24 * 60 * MINUTE);
	const palette = Object.fromEntries(['text', 'muted', 'line', 'grid', 'panel', 'accent', 'accent-soft', 'normal', 'series1', 'series2', 'series3',
		'series4', 'series5', ...BANDS.map((b) => b.name)].map((name) => [name, '#336699']));
	return {
		range, palette: { ...palette, font: 'sans-serif' }, zone: 'utc', narrow: false, width: 900, state: { metric: null, threat: null },
		watches: [{ enabled: true, threshold: 0.61 }], link: () => '', go() {}, ...extra,
	};
}

export function draw(option) {
	const chart = echarts().init(null, null, { renderer: 'svg', ssr: true, width: 900, height: 400 });
	chart.setOption(option);
	const picture = chart.renderToSVGString();
	chart.dispose();
	return picture;
}
