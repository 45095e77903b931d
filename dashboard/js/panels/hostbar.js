// Which host the page is about: an address by hand, or one of the busiest.

import { get, scope } from '../api.js';
import { h } from '../dom.js';
import { compact } from '../format.js';
import { stateLink } from '../table.js';

const ADDRESS = '[0-9a-fA-F.:]{2,45}';

export const hostBar = {
	title: 'Host',
	note: 'The sources with most flows in these days',
	isEmpty: () => false,
	key: ({ range }) => [range.t0, range.t1].join('|'),

	load: ({ range }, signal) => get('rpc/top', { ...scope(range, {}), kind: 'talkers', size: 12 }, signal),

	render: (rows, ctx) => h('div', { class: 'hostbar' }, chooser(ctx),
		h('ul', { class: 'choices' }, rows.filter((row) => row.address).map((row) => h('li', {},
			stateLink({ host: row.address }, ctx, { class: 'choice', 'aria-current': row.address === ctx.state.host ? 'true' : null },
				row.address, h('span', { class: 'hint' }, compact(row.flows))))))),
};

function chooser(ctx) {
	const input = h('input', { id: 'host-address', type: 'text', name: 'host', value: ctx.state.host, pattern: ADDRESS, required: true,
		autocomplete: 'off', spellcheck: 'false', title: 'An IPv4 or IPv6 address' });
	const submit = (event) => {
		event.preventDefault();
		ctx.go({ host: input.value.trim() });
	};
	return h('form', { class: 'inline', on: { submit } }, h('label', { class: 'sr-only', for: 'host-address' }, 'Address of the host'),
		input, h('button', { type: 'submit' }, 'Show'));
}
