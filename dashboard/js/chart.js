// One ECharts instance in one element: drawn, resized, brushed.

import * as echarts from '../vendor/echarts.mjs';

// a finger's drag scrolls the page, it does not select
const coarse = matchMedia('(pointer: coarse)');

export class Chart {
	constructor(element, { onClick, onBrush } = {}) {
		this.element = element;
		this.chart = echarts.init(element, null, { renderer: 'canvas' });
		this.brushed = Boolean(onBrush);
		if (onClick) this.chart.on('click', onClick);
		if (onBrush) this.listenToBrush(onBrush);
		new ResizeObserver(() => this.chart.resize()).observe(element);
	}

	listenToBrush(onBrush) {
		this.chart.on('brushEnd', ({ areas }) => {
			if (!areas.length) return;
			const [first, last] = areas[0].coordRange;
			this.chart.dispatchAction({ type: 'brush', areas: [] });
			onBrush(first, last);
		});
	}

	draw(option, label) {
		this.element.setAttribute('aria-label', label);
		this.chart.setOption(option, { notMerge: true });
		if (this.brushed && !coarse.matches) {
			this.chart.dispatchAction({
				type: 'takeGlobalCursor', key: 'brush', brushOption: { brushType: 'lineX', brushMode: 'single' },
			});
		}
	}
}
