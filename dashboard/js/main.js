// The page: state (URL) → page and range → panels.  Every change, by hand, by
// the back button or by new data, comes through render().

import './trusted.js';
import { drawHeader, drawTrouble, wireHeader } from './header.js';
import { get } from './api.js';
import { Drawer } from './drawer.js';
import { wireKeys } from './keyboard.js';
import { Live } from './live.js';
import { resolve } from './range.js';
import { Session } from './session.js';
import { makeState } from './state.js';
import { applyTheme, onSystemTheme, palette } from './theme.js';
import { View } from './view.js';

const narrow = matchMedia('(max-width: 719px)');
const touch = matchMedia('(pointer: coarse)');

const state = makeState((changed) => render(changed));
const view = new View(document.getElementById('main'));
const drawer = new Drawer(document.getElementById('detail'), () => state.set({ alert: null }));
const live = new Live(onStatus, onLost);
const session = new Session(onSession);

let status = null;
let watches = [];
let lost = null;

function context() {
	return {
		state: state.get(), status, watches, session,
		alert: drawer.alert,	// the one that lies open
		may: (name) => session.may(name),
		range: resolve(state.get(), status),
		zone: state.get().tz ?? 'utc',
		palette: palette(),
		narrow: narrow.matches,
		touch: touch.matches,
		go: state.set,
		link: state.link,
		reload: () => live.poll(true),
	};
}

// changed: the keys that did, or 'data' when the server has something new.
function render(changed) {
	applyTheme(state.get().theme);
	view.open(state.get().page);
	drawTrouble(session, status);
	if (!status) return;
	const ctx = context();
	const fresh = changed.includes('data');
	drawHeader(ctx, live, lost);
	view.update({ range: ctx.range, state: ctx.state }, ctx, fresh);
	drawer.show(ctx.state.alert, ctx, fresh);
}

// The first time, who looks and the watches are asked beside: nothing is drawn,
// and no panel asks, until all three are there.
async function onStatus(next, changed) {
	const recovered = lost !== null;
	lost = null;
	if (changed || recovered) {
		[watches] = await Promise.all([ahead ?? get('watches').catch(() => watches), known]);
		ahead = null;
		status = next;
		render(['data']);
	} else {
		status = next;
		drawHeader(context(), live, lost);
		drawTrouble(session, status);
	}
}

function onSession() {
	if (lost) live.poll();
	render(['data']);
}

function onLost(error) {
	lost = error;
	ahead = null;
	if (status) drawHeader(context(), live, lost);
	else view.refuse(error, { range: null, state: state.get() }, () => live.poll());
}

applyTheme(state.get().theme);
view.open(state.get().page);
wireHeader(state, live, session, () => status && drawHeader(context(), live, lost));
wireKeys(() => view.page, () => status && context());
onSystemTheme(() => render([]));
narrow.addEventListener('change', () => render([]));
const known = session.load();
let ahead = get('watches').catch(() => []);	// not after the status, the first time
live.start();
