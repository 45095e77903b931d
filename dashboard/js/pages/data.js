// Data: flows in from a file, findings out as files and on paper.

import { column, columns, slot } from '../layout.js';
import { exports } from '../panels/exports.js';
import { report } from '../panels/report.js';
import { rejects, upload } from '../panels/upload.js';

export const data = {
	name: 'data',
	title: 'Data',
	ranged: true,
	panels: { upload, exports, rejects, report },
	layout: () => [columns(column('column', slot('upload'), slot('rejects', 'panel slim')), slot('exports')), slot('report')],
};
