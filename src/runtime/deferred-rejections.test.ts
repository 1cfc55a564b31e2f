import { expect, it } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.js';
import { DeferredRejections } from './deferred-rejections.js';

it('come after a turn of the loop, together and in order', async () => {
  const clock = new VirtualClock();
  const rejections = new DeferredRejections(clock);
  const story: string[] = [];
  for (const name of ['first', 'second']) {
    rejections.reject(new Error(name)).catch((error) => story.push(error.message));
  }
  clock.deliver(0, () => story.push('what arrived'));
  rejections.delivered.then(() => story.push('delivered'));
  await Promise.resolve();
  expect(story).toEqual([]);
  await clock.advance(0);
  expect(story).toEqual(['what arrived', 'first', 'second', 'delivered']);
  expect(clock.now()).toBe(0);
  expect(clock.pendingTimers).toBe(0);
});

it('a caller that tries again at once leaves a turn to everything else each time', async () => {
  const clock = new VirtualClock();
  const rejections = new DeferredRejections(clock);
  let refused = 0;
  let delivered = 0;
  const deliver = () => {
    delivered += 1;
    if (delivered < 100) clock.deliver(0, deliver);
  };
  clock.deliver(0, deliver);
  const call = async () => {
    while (delivered < 100) await rejections.reject(new Error()).catch(() => (refused += 1));
  };
  const callers = Promise.all(Array.from({ length: 10 }, call));
  await clock.advance(1);
  await callers;
  expect(refused).toBeLessThanOrEqual(10 * 100);
});

it('wraps a method: its result at once, its failure after a turn', async () => {
  const clock = new VirtualClock();
  const rejections = new DeferredRejections(clock);
  const object = {
    limit: 1,
    method: rejections.wrap(async function (this: { limit: number }, value: number) {
      if (value > this.limit) throw new RangeError();
      return value;
    }),
  };
  expect(await object.method(1)).toBe(1);
  let failed: unknown;
  const failing = object.method(2).catch((error) => {
    failed = error;
  });
  await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
  expect(failed).toBeUndefined();
  await clock.advance(0);
  await failing;
  expect(failed).toBeInstanceOf(RangeError);
});

it('a rejection that can not be scheduled keeps no later one from being delivered', async () => {
  const clock = new VirtualClock();
  let isFull = true;
  const rejections = new DeferredRejections({
    ...clock,
    afterTurn: (callback: () => void) => {
      if (isFull) throw new RangeError('the stack is full');
      return clock.afterTurn(callback);
    },
  } as never);
  await expect(rejections.reject(new Error('first'))).rejects.toThrow('the stack is full');
  isFull = false;
  const second = rejections.reject(new Error('second'));
  second.catch(() => {});
  await clock.advance(1);
  await expect(second).rejects.toThrow('second');
  await rejections.delivered;
});
