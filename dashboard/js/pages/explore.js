// Explore: flows as points, and the week as a calendar.

import { halves, slot } from '../layout.js';
import { calendar } from '../panels/calendar.js';
import { allFlows } from '../panels/flows.js';
import { projection, scatter } from '../panels/scatter.js';
import { selection } from '../panels/selection.js';
import { box, oneOf, portNumber } from '../readers.js';
import { FEATURES } from '../sample.js';

const feature = oneOf(...FEATURES.map(({ name }) => name));

export const explore = {
	name: 'explore',
	title: 'Explore',
	ranged: true,
	keys: { x: feature, y: feature, box, week: oneOf('detections'), port: portNumber },
	panels: { scatter, projection, selection, calendar, flows: allFlows },
	layout: () => [halves(slot('scatter'), slot('projection')), slot('selection'), slot('flows'), slot('calendar')],
};
