// Overview: what was found in the range, when, where, and of what kind.

import { column, columns, slot } from '../layout.js';
import { alerts } from '../panels/alerts.js';
import { detections } from '../panels/detections.js';
import { heatmap } from '../panels/heatmap.js';
import { kpi } from '../panels/kpi.js';
import { scores } from '../panels/scores.js';
import { threats } from '../panels/threats.js';
import { timeline } from '../panels/timeline.js';
import { oneOf } from '../readers.js';

export const overview = {
	name: 'overview',
	title: 'Overview',
	ranged: true,
	keys: { metric: oneOf('packets', 'bytes') },
	panels: { kpi, timeline, heatmap, threats, scores, alerts, detections },
	layout: () => [
		slot('kpi', 'tiles'),
		columns(
			column('column wide', slot('timeline'), slot('heatmap')),
			column('column', slot('threats'), slot('scores', 'panel grow'))),
		slot('alerts'),
		slot('detections'),
	],
};
