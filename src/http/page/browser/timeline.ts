import type { SwitchStatus } from '../../status.js';
import { el, find, icon, setChildren } from './dom.js';
import { clockTime } from './format.js';
import { causeOf, reason } from './words.js';

/** The switches, the latest first. */
export function showTimeline(switches: readonly SwitchStatus[]): void {
  const key = switches.map(({ generation }) => generation).join(' ');
  setChildren(find('timeline'), `${key} ${new Date().toDateString()}`, () => {
    if (switches.length === 0) return [el('li', {}, el('p', { class: 'cause' }, 'None yet.'))];
    return [...switches].reverse().map(entry);
  });
}

function entry(event: SwitchStatus): HTMLElement {
  const { from, to, at } = event;
  const { text, tone, icon: name } = reason(event);
  const ends = [
    ...(from === null ? [] : [hidden('from '), from, icon('right')]),
    hidden(' to '),
    to ?? 'none',
    hidden(': '),
  ];
  const when = new Date(at);
  return el(
    'li',
    {},
    el('time', { datetime: at, title: when.toLocaleString() }, clockTime(when, new Date())),
    el(
      'p',
      { class: 'move' },
      ...ends,
      el('span', { class: 'tag', 'data-tone': tone }, icon(name), text),
    ),
    ...(event.cause === text ? [] : [el('p', { class: 'cause' }, causeOf(event))]),
  );
}

function hidden(text: string): HTMLElement {
  return el('span', { class: 'vh' }, text);
}
