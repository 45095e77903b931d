// What pages are laid out with: places for their panels, by name.

import { h } from './dom.js';

export const slot = (name, kind = 'panel') => h('section', { class: kind, 'data-panel': name });
export const columns = (...parts) => h('div', { class: 'columns' }, parts);
export const column = (kind, ...parts) => h('div', { class: kind }, parts);
export const halves = (...parts) => h('div', { class: 'halves' }, parts);
export const thirds = (...parts) => h('div', { class: 'thirds' }, parts);
