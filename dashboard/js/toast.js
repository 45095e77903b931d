// A line that says what was done, for a while, with a way back.

import { h } from './dom.js';

const LASTS = 10000;

// undo: () → promise of the line that says it was undone
export function toast(text, undo = null) {
	const box = document.getElementById('toasts');
	const away = () => line.remove();
	const back = async () => {
		away();
		try {
			toast(await undo());
		} catch (error) {
			toast(`Not undone: ${error.message}`);
		}
	};
	const line = h('div', { class: 'toast' }, h('span', {}, text),
		undo && h('button', { type: 'button', on: { click: back } }, 'Undo'),
		h('button', { type: 'button', class: 'quiet', 'aria-label': 'Close the message', on: { click: away } }, '×'));
	box.replaceChildren(line);	// one at a time: the last thing done
	setTimeout(() => line.matches(':hover, :focus-within') || away(), LASTS);
}
