// Models: which there are, how good they were measured to be, which one scores.

import { halves, slot, thirds } from '../layout.js';
import { confusion, importance } from '../panels/confusion.js';
import { pr, radar, roc } from '../panels/curves.js';
import { drift, retrainings } from '../panels/drift.js';
import { versions } from '../panels/versions.js';
import { versionName } from '../readers.js';

export const models = {
	name: 'models',
	title: 'Models',
	ranged: true,
	keys: { version: versionName },
	panels: { versions, radar, roc, pr, confusion, importance, drift, retrainings },
	layout: () => [
		slot('versions'),
		thirds(slot('radar'), slot('roc'), slot('pr')),
		halves(slot('confusion'), slot('importance')),
		halves(slot('drift'), slot('retrainings')),
	],
};
