/** A million outcomes and a million commands leave nothing behind, and cost what they cost at first. */
import { describe, expect, it } from 'vitest';
import { CountWindow, TimeWindow } from '../../src/core/sliding-window.js';
import { InFlightQueue } from '../../src/runtime/command/in-flight-queue.js';
import type { SentAttempt } from '../../src/runtime/command/sent-attempt.js';
import { heapUsedAfterGc } from '../kit/index.js';

const MANY = 1_000_000;
/** Noise of the heap; two bytes for each would be more. */
const ALLOWED_BYTES = 1_000_000;

async function growth(act: () => void): Promise<number> {
  act();
  const before = await heapUsedAfterGc();
  act();
  return (await heapUsedAfterGc()) - before;
}

describe.each([
  ['time window', new TimeWindow(2000)],
  ['count window', new CountWindow(100)],
])('%s', (_name, window) => {
  it('holds a million outcomes a second in the memory that it began with', async () => {
    let now = 0;
    const second = () => {
      for (let index = 0; index < MANY; index += 1) window.record(index % 4 === 0, now++ / 1000);
    };
    expect(await growth(second)).toBeLessThan(ALLOWED_BYTES);
    expect(window.failures(now / 1000) / window.total(now / 1000)).toBeCloseTo(0.25, 2);
  });
});

class Lane extends InFlightQueue<SentAttempt, never> {
  readonly channel = undefined as never;
  readonly isWaitingRoom = false;
  drop(): void {}
}

const path = { bytesReceived: 0, identify: () => Promise.resolve('1') };
const attempt = (deadline: number) =>
  ({ deadline, listed: false, previous: undefined, next: undefined }) as SentAttempt;

describe('what is under way on a connection', () => {
  it('is forgotten when it is answered', async () => {
    const lane = new Lane(path, 0);
    const under = Array.from({ length: 1000 }, (_, index) => attempt(index));
    for (const each of under) lane.add(each);
    const replies = () => {
      for (let index = 0; index < MANY; index += 1) {
        lane.remove(lane.oldest as SentAttempt);
        lane.add(attempt(index));
      }
    };
    expect(await growth(replies)).toBeLessThan(ALLOWED_BYTES);
    expect(lane.size).toBe(1000);
    expect(lane.listed()).toHaveLength(1000);
  });

  it('is added and removed in as many steps among a hundred thousand as among ten', () => {
    expect(steps(100_000)).toBe(steps(10));
  });
});

/** Reads and writes of links of attempts while one in the middle is removed and one is added. */
function steps(size: number): number {
  let count = 0;
  const counted = (deadline: number) =>
    new Proxy(attempt(deadline), {
      get: (target, key) => {
        count += 1;
        return Reflect.get(target, key);
      },
      set: (target, key, value) => {
        count += 1;
        return Reflect.set(target, key, value);
      },
    });
  const lane = new Lane(path, 0);
  const all = Array.from({ length: size }, (_, index) => counted(index));
  for (const each of all) lane.add(each);
  count = 0;
  lane.remove(all[size / 2] as SentAttempt);
  lane.add(counted(size));
  return count;
}
