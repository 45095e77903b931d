// One ECharts instance in one element: drawn, resized, and a range selected on
// it: with a mouse by dragging across, by touch (where that scrolls the page)
// with the handles of the slider below.

import * as echarts from '../vendor/echarts.mjs';

export class Chart {
	constructor(element, { onClick, onBrush } = {}) {
		this.element = element;
		this.chart = echarts.init(element, null, { renderer: 'canvas' });
		this.brushed = Boolean(onBrush);
		if (onClick) this.chart.on('click', onClick);
		if (onBrush) {
			this.listenToBrush(onBrush);
			this.listenToSlider(onBrush);
		}
		this.observer = new ResizeObserver(() => this.fit());
		this.observer.observe(element);
	}

	dispose() {
		this.observer.disconnect();
		this.chart.dispose();
	}

	// To the size of its element.  ECharts draws all of it again for every resize,
	// and the observer calls for each panel that comes out of hiding.
	fit() {
		const { clientWidth: width, clientHeight: height } = this.element;
		if (width && height && (width !== this.chart.getWidth() || height !== this.chart.getHeight())) this.chart.resize();
	}

	listenToBrush(onBrush) {
		this.chart.on('brushEnd', ({ areas }) => {
			if (!areas.length) return;
			const [first, last] = areas[0].coordRange;
			this.chart.dispatchAction({ type: 'brush', areas: [] });
			onBrush(first, last);
		});
	}

	// a range is set when the finger lets go, not while it moves
	listenToSlider(onBrush) {
		let moved = false;
		this.chart.on('datazoom', () => { moved = true; });
		this.element.addEventListener('touchend', () => {
			if (!moved) return;
			moved = false;
			const [{ startValue, endValue }] = this.chart.getOption().dataZoom;
			onBrush(startValue, endValue);
		});
	}

	draw(option, label) {
		this.element.setAttribute('aria-label', label);
		this.chart.setOption(option, { notMerge: true });
		if (this.brushed && !option.dataZoom) {
			this.chart.dispatchAction({
				type: 'takeGlobalCursor', key: 'brush', brushOption: { brushType: option.brush.brushType ?? 'lineX', brushMode: 'single' },
			});
		}
	}
}
