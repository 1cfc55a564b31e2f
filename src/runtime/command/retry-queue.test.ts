import { beforeEach, expect, it } from 'vitest';
import { VirtualClock } from '../../testing/virtual-clock.js';
import type { Command } from './command.js';
import { RetryQueue } from './retry-queue.js';

let clock: VirtualClock;
let queue: RetryQueue;
/** Waits handed out, one per timer. */
let waits: number[];
let woken: { at: number; names: string[] }[];

beforeEach(() => {
  clock = new VirtualClock();
  waits = [];
  woken = [];
  queue = new RetryQueue(
    clock,
    (attempt) => {
      waits.push(attempt);
      return (attempt - 1) * 100 + waits.length;
    },
    (commands) => woken.push({ at: clock.now(), names: commands.map(nameOf) }),
  );
});

const command = (name: string, attempts = 1) => ({ name, attempts }) as unknown as Command;
const nameOf = (each: Command) => (each as unknown as { name: string }).name;

it('wakes those that failed in one turn at the same attempt together, in order', async () => {
  for (const name of ['a', 'b', 'c']) queue.add(command(name), 7);
  expect(queue.size).toBe(3);
  await clock.advance(1000);
  expect(waits).toEqual([2]);
  expect(woken).toEqual([{ at: 101, names: ['a', 'b', 'c'] }]);
  expect(queue.size).toBe(0);
});

it('draws anew for another turn and for another attempt', async () => {
  queue.add(command('a'), 1);
  queue.add(command('second attempt', 2), 1);
  queue.add(command('b'), 2);
  queue.add(command('c'), 2);
  expect(waits).toEqual([2, 3, 2]);
  await clock.advance(1000);
  expect(woken).toEqual([
    { at: 101, names: ['a'] },
    { at: 103, names: ['b', 'c'] },
    { at: 202, names: ['second attempt'] },
  ]);
});

it('does not add to a group that was woken in the same turn', async () => {
  queue.add(command('a'), 1);
  await clock.advance(150);
  queue.add(command('b'), 1);
  await clock.advance(1000);
  expect(woken.map(({ names }) => names)).toEqual([['a'], ['b']]);
});

it('forgets what is removed', async () => {
  const [a, b] = [command('a'), command('b')];
  queue.add(a, 1);
  queue.add(b, 1);
  expect(queue.remove(a)).toBe(true);
  expect(queue.remove(a)).toBe(false);
  expect([...queue]).toEqual([b]);
  await clock.advance(1000);
  expect(woken.map(({ names }) => names)).toEqual([['b']]);
});

it('hands out all that wait, in order, and wakes none of them afterwards', async () => {
  queue.add(command('a'), 1);
  queue.add(command('b', 2), 1);
  queue.add(command('c'), 1);
  expect(queue.takeAll().map(nameOf)).toEqual(['a', 'b', 'c']);
  expect(queue.takeAll()).toEqual([]);
  expect(clock.pendingTimers).toBe(0);
  await clock.advance(1000);
  expect(woken).toEqual([]);
  queue.add(command('d'), 1);
  await clock.advance(1000);
  expect(woken.map(({ names }) => names)).toEqual([['d']]);
});

it('holds what is over until it is released, with whatever joins meanwhile', async () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => command(name)) as [Command, Command, Command];
  const group = queue.hold([a, b]);
  expect(group).toBeDefined();
  expect(queue.hold([c])).toBeUndefined();
  expect([queue.size, [...queue].map(nameOf)]).toEqual([3, ['a', 'b', 'c']]);
  expect(queue.remove(b)).toBe(true);
  await clock.advance(60_000);
  expect(woken).toEqual([]);
  if (group === undefined) return;
  expect(queue.release(group).map(nameOf)).toEqual(['a', 'c']);
  expect(queue.release(group)).toEqual([]);
  expect(queue.size).toBe(0);
});

it('a group whose waits were all ended is released no more', () => {
  const first = queue.hold([command('a')]);
  let cancelled = 0;
  if (first !== undefined) first.timer = { cancel: () => (cancelled += 1) };
  expect(queue.takeAll().map(nameOf)).toEqual(['a']);
  expect(cancelled).toBeGreaterThan(0);
  const second = queue.hold([command('b')]);
  expect(second).toBeDefined();
  if (first !== undefined) expect(queue.release(first)).toEqual([]);
  expect([...queue].map(nameOf)).toEqual(['b']);
});
