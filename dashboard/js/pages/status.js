// Status: is everything running that should be, and for how long will it.

import { column, columns, slot } from '../layout.js';
import { captures } from '../panels/captures.js';
import { disk } from '../panels/disk.js';
import { alarms, health } from '../panels/health.js';
import { timeline } from '../panels/timeline.js';
import { watchList } from '../panels/watches.js';

export const status = {
	name: 'status',
	title: 'Status',
	ranged: true,
	panels: { alarms, health, timeline, disk, watches: watchList, captures },
	layout: () => [
		slot('alarms'),
		slot('health', 'tiles four'),
		columns(column('column wide', slot('timeline')), column('column', slot('disk', 'panel grow'))),
		slot('watches'),
		slot('captures'),
	],
};
