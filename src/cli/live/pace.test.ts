import { expect, it } from 'vitest';
import { VirtualClock } from '../../testing/virtual-clock.js';
import { Pace } from './pace.js';

it('takes a burst at once and then so many a second', async () => {
  const clock = new VirtualClock();
  const pace = new Pace(10, 5, new AbortController().signal, clock);
  let taken = 0;
  const take = async () => {
    for (;;) {
      await pace.take(1);
      taken += 1;
    }
  };
  take();
  await clock.advance(0);
  expect(taken).toBe(10);
  await clock.advance(10_000);
  expect(taken).toBe(60);
});

it('waits no longer than its signal', async () => {
  const abort = new AbortController();
  const pace = new Pace(1, 1, abort.signal, new VirtualClock());
  const waiting = pace.take(1000);
  abort.abort();
  await waiting;
});
