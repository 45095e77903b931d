// The Overview page: state (URL) → range → panels.  Every change, by hand, by
// the back button or by new data, comes through render().

import './trusted.js';
import { drawHeader, wireHeader } from './header.js';
import { get } from './api.js';
import { Drawer } from './drawer.js';
import { Live } from './live.js';
import { Panel } from './panel.js';
import { resolve } from './range.js';
import { makeState } from './state.js';
import { applyTheme, onSystemTheme, palette } from './theme.js';
import { alerts } from './panels/alerts.js';
import { detections } from './panels/detections.js';
import { heatmap } from './panels/heatmap.js';
import { kpi } from './panels/kpi.js';
import { scores } from './panels/scores.js';
import { threats } from './panels/threats.js';
import { timeline } from './panels/timeline.js';

const DEFINITIONS = { kpi, timeline, heatmap, threats, scores, alerts, detections };
const narrow = matchMedia('(max-width: 719px)');
const touch = matchMedia('(pointer: coarse)');

// keys of the state that change what is asked of the server, and of whom
const ASKS_ALL = ['range', 't0', 't1', 'host', 'threat'];
const ASKS = { alerts: ['band'] };

const panels = Object.fromEntries(Object.entries(DEFINITIONS).map(([name, definition]) =>
	[name, new Panel(document.querySelector(`[data-panel="${name}"]`), definition)]));
const state = makeState((changed) => render(changed));
const drawer = new Drawer(document.getElementById('detail'), () => state.set({ alert: null }));
const live = new Live(onStatus, onLost);

let status = null;
let watches = [];
let lost = null;

function context() {
	return {
		state: state.get(), status, watches,
		range: resolve(state.get(), status),
		zone: state.get().tz ?? 'utc',
		palette: palette(),
		narrow: narrow.matches,
		touch: touch.matches,
		go: state.set,
		link: state.link,
	};
}

// changed: the keys that did, or 'data' when the server has something new.
function render(changed) {
	applyTheme(state.get().theme);
	if (!status) return;
	const ctx = context();
	const query = { range: ctx.range, state: ctx.state };
	drawHeader(ctx, live, lost);
	for (const [name, panel] of Object.entries(panels)) {
		const asks = ['data', ...ASKS_ALL, ...(ASKS[name] ?? [])];
		if (changed.some((key) => asks.includes(key))) panel.refresh(query, ctx);
		else panel.draw(ctx);
	}
	drawer.show(ctx.state.alert, ctx, changed.includes('data'));
}

async function onStatus(next, changed) {
	const recovered = lost !== null;
	status = next;
	lost = null;
	if (changed || recovered) {
		watches = await get('watches').catch(() => watches);
		render(['data']);
	} else {
		drawHeader(context(), live, lost);
	}
}

function onLost(error) {
	lost = error;
	if (status) {
		drawHeader(context(), live, lost);
		return;
	}
	const query = { range: null, state: state.get() };
	for (const panel of Object.values(panels)) panel.refuse(error, query, () => live.poll());
}

applyTheme(state.get().theme);
wireHeader(state, live, () => status && drawHeader(context(), live, lost));
onSystemTheme(() => render([]));
narrow.addEventListener('change', () => render([]));
live.start();
