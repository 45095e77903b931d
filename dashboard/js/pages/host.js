// Host: what one host does, with whom, and whether that is usual.

import { columns, slot } from '../layout.js';
import { alerts } from '../panels/alerts.js';
import { detections } from '../panels/detections.js';
import { flows } from '../panels/flows.js';
import { hostBar } from '../panels/hostbar.js';
import { hostLine, ofHost } from '../panels/hostline.js';
import { peers } from '../panels/peers.js';
import { services } from '../panels/top.js';
import { oneOf } from '../readers.js';

export const host = {
	name: 'host',
	title: 'Host',
	ranged: true,
	keys: { metric: oneOf('packets', 'bytes'), services: oneOf('protocols'), topby: oneOf('bytes') },
	panels: { hostbar: hostBar, hostline: ofHost(hostLine), peers: ofHost(peers), services: ofHost({ ...services, note: 'Whole days (UTC)', emptyText: 'It opened no flow in these days.' }), alerts, detections, flows: ofHost(flows) },
	layout: () => [
		slot('hostbar'),
		slot('hostline'),
		columns(slot('peers'), slot('services')),
		slot('alerts'),
		slot('detections'),
		slot('flows'),
	],
};
