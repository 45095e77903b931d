// The pages, in the order of their links; the first is where one arrives.
// A page is an object of pages/<name>.js:
//   name, title        as in the address, as in the link
//   ranged             true: its panels depend on the range, which can be chosen
//   keys               state of its own in the address: key → how its text is read
//                      (see state.js); dropped when another page is gone to
//   panels             definitions by name (see panel.js)
//   badge(ctx)         a number beside its link
//   layout()           nodes, with a slot (layout.js) for each panel
//   shortcuts          keys on the keyboard: [{ key, text, needs, run(ctx) }]; needs: the
//                      function of the API without which there is none; run gives
//                      false where the key means nothing now

import { alerts } from './pages/alerts.js';
import { data } from './pages/data.js';
import { explore } from './pages/explore.js';
import { host } from './pages/host.js';
import { models } from './pages/models.js';
import { overview } from './pages/overview.js';
import { status } from './pages/status.js';

export const PAGES = [
	overview,
	alerts,
	host,
	explore,
	models,
	data,
	status,
];

export const pageNamed = (name) => PAGES.find((page) => page.name === name) ?? PAGES[0];
