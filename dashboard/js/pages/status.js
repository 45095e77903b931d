// Status: is everything running that should be.

import { slot } from '../layout.js';
import { watchList } from '../panels/watches.js';

export const status = {
	name: 'status',
	title: 'Status',
	ranged: false,
	panels: { watches: watchList },
	layout: () => [slot('watches')],
};
