// A line that says what was done, for a while, and what can be done about it.

import { h } from './dom.js';

const LASTS = 10000;

// action: { word, run } with run() → promise
export function toast(text, action = null) {
	const away = () => line.remove();
	const run = async () => {
		away();
		try {
			await action.run();
		} catch (error) {
			toast(`${action.word} failed: ${error.message}`);
		}
	};
	const line = h('div', { class: 'toast' }, h('span', {}, text),
		action && h('button', { type: 'button', class: 'act', on: { click: run } }, action.word),
		h('button', { type: 'button', class: 'quiet', 'aria-label': 'Close the message', on: { click: away } }, '×'));
	document.getElementById('toasts').replaceChildren(line);	// one at a time: the last thing done
	setTimeout(() => line.matches(':hover, :focus-within') || away(), LASTS);
	return line;
}
