import type { Observable } from '@opentelemetry/api';
import { expect, it } from 'vitest';
import { Vanished } from './vanished.js';

const gauge = {} as Observable;

it('knows what was there and is not any more', () => {
  const vanished = new Vanished();
  vanished.note(gauge, 'active', { id: 'a' });
  vanished.note(gauge, 'active', { id: 'b' });
  expect(vanished.finish()).toEqual([]);
  vanished.note(gauge, 'active', { id: 'b' });
  expect(vanished.finish()).toEqual([[gauge, { id: 'a' }]]);
  // Another reader collects: it has to hear of it as well.
  vanished.note(gauge, 'active', { id: 'b' });
  expect(vanished.finish()).toEqual([[gauge, { id: 'a' }]]);
  vanished.note(gauge, 'active', { id: 'a' });
  expect(vanished.finish()).toEqual([[gauge, { id: 'b' }]]);
});

it('does not grow for ever', () => {
  const vanished = new Vanished();
  for (let n = 0; n < 2500; n += 1) {
    vanished.note(gauge, 'active', { id: String(n) });
    vanished.finish();
  }
  expect(vanished.finish().length).toBeLessThanOrEqual(2001);
});
