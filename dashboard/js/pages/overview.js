// Overview: what was found in the range, when, where, and of what kind.

import { column, columns, halves, slot } from '../layout.js';
import { alerts } from '../panels/alerts.js';
import { detections } from '../panels/detections.js';
import { heatmap } from '../panels/heatmap.js';
import { kpi } from '../panels/kpi.js';
import { scores } from '../panels/scores.js';
import { threats } from '../panels/threats.js';
import { timeline } from '../panels/timeline.js';
import { services, talkers } from '../panels/top.js';
import { oneOf } from '../readers.js';

export const overview = {
	name: 'overview',
	title: 'Overview',
	ranged: true,
	keys: { metric: oneOf('packets', 'bytes'), services: oneOf('protocols'), topby: oneOf('bytes') },
	panels: { kpi, timeline, heatmap, threats, scores, services, talkers, alerts, detections },
	layout: () => [
		slot('kpi', 'tiles'),
		columns(
			column('column wide', slot('timeline'), slot('heatmap')),
			column('column', slot('threats'), slot('scores', 'panel grow'))),
		halves(slot('services'), slot('talkers')),
		slot('alerts'),
		slot('detections'),
	],
};
