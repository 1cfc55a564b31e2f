import { expect, it } from 'vitest';
import type { SwitchEvent } from '../../events.js';
import { SwitchHistory } from './switch-history.js';

const event = (generation: number) => ({ generation }) as SwitchEvent;

it('keeps the last switches, oldest first', () => {
  const history = new SwitchHistory(3);
  expect(history.switches).toEqual([]);
  for (const generation of [1, 2, 3, 4, 5]) history.add(event(generation));
  expect(history.switches.map(({ generation }) => generation)).toEqual([3, 4, 5]);
});

it('hands out copies', () => {
  const history = new SwitchHistory();
  history.add(event(1));
  const before = history.switches;
  history.add(event(2));
  expect(before).toHaveLength(1);
  (history.switches as SwitchEvent[]).pop();
  expect(history.switches).toHaveLength(2);
});
