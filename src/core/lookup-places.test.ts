import { expect, test } from 'vitest';
import { mayStart, nextToStart } from './lookup-places.js';

const first = { id: 'first', hasLastKnown: false, wasSilent: false, isWanted: true };
const known = { id: 'known', hasLastKnown: true, wasSilent: false, isWanted: true };
const silent = { id: 'silent', hasLastKnown: true, wasSilent: true, isWanted: true };
const silentFirst = { ...first, id: 'silent and never known', wasSilent: true };
const refresh = { id: 'refresh', hasLastKnown: true, wasSilent: false, isWanted: false };

test('a name that can be served, or was silent, never takes the last place', () => {
  for (const name of [known, silent, silentFirst, refresh]) {
    expect(mayStart(name, 0), name.id).toBe(true);
    expect(mayStart(name, 1), name.id).toBe(false);
  }
  expect(mayStart(first, 1)).toBe(true);
  expect(mayStart(first, 2)).toBe(false);
});

test('what nothing else can serve comes first, what was silent last', () => {
  const waiting = [silent, refresh, silentFirst, known, first];
  const order: string[] = [];
  while (waiting.length > 0) {
    const next = nextToStart(waiting, 0);
    if (next === undefined) break;
    order.push(next.id);
    waiting.splice(waiting.indexOf(next), 1);
  }
  expect(order).toEqual(['first', 'known', 'refresh', 'silent', 'silent and never known']);
});

test('among equals the one that has waited longest', () => {
  expect(nextToStart([known, { ...known, id: 'later' }], 0)).toBe(known);
  expect(nextToStart([known, refresh, silent], 1)).toBeUndefined();
});
