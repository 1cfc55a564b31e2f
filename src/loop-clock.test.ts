import { beforeEach, describe, expect, it } from 'vitest';
import { LoopClock } from './loop-clock.js';
import { VirtualClock } from './testing/virtual-clock.js';

const TICK_MS = 10;

let clock: VirtualClock;
let loop: LoopClock;

beforeEach(() => {
  clock = new VirtualClock();
  loop = new LoopClock(clock, TICK_MS);
});

describe('after', () => {
  it.each([1, 9, 10, 11, 250])('calls back once, %i ms later or a millisecond more', async (ms) => {
    let firedAt: number[] = [];
    loop.after(ms, () => {
      firedAt = [...firedAt, clock.now()];
    });
    await clock.advance(ms - 0.5);
    expect(firedAt).toEqual([]);
    await clock.advance(1000);
    expect(firedAt).toHaveLength(1);
    expect(firedAt[0]).toBeGreaterThanOrEqual(ms);
    expect(firedAt[0]).toBeLessThanOrEqual(ms + 1);
  });

  it('never calls back with Infinity, and looks at nothing', async () => {
    const timer = loop.after(Number.POSITIVE_INFINITY, () => {
      throw new Error('called back');
    });
    expect(clock.pendingTimers).toBe(0);
    await clock.advance(100_000);
    timer.cancel();
  });

  it('counts from now, not from the last look', async () => {
    loop.watch(() => {});
    await clock.advance(25);
    let firedAt = 0;
    loop.after(20, () => {
      firedAt = clock.now();
    });
    await clock.advance(100);
    expect(firedAt).toBeGreaterThanOrEqual(45);
  });

  it('does not count a stall', async () => {
    let firedAt = 0;
    loop.after(100, () => {
      firedAt = clock.now();
    });
    await clock.advance(50);
    await clock.stall(5000);
    expect(firedAt).toBe(0);
    await clock.advance(10);
    expect(firedAt).toBe(0);
    await clock.advance(100);
    expect(firedAt).toBeGreaterThan(5000);
  });

  it('lets what has arrived be delivered first', async () => {
    const story: string[] = [];
    loop.after(20, () => story.push('late'));
    clock.deliver(20, () => story.push('delivered'));
    clock.block(2000);
    await clock.advance(100);
    expect(story).toEqual(['delivered', 'late']);
  });

  it.each([0, 15, 25])('is silent when it is cancelled after %i ms', async (ms) => {
    let fired = false;
    const timer = loop.after(30, () => {
      fired = true;
    });
    await clock.advance(ms);
    timer.cancel();
    timer.cancel();
    await clock.advance(200);
    expect(fired).toBe(false);
  });
});

describe('watch', () => {
  it('looks every tick with growing time, and stops when nobody watches', async () => {
    const seen: number[] = [];
    const watcher = (time: number) => seen.push(time);
    loop.watch(watcher);
    loop.watch(watcher);
    await clock.advance(35);
    expect(seen).toEqual([10, 20, 30]);
    loop.unwatch(watcher);
    await clock.advance(100);
    expect(seen).toHaveLength(3);
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not count the time in which nobody watched', async () => {
    const watcher = () => {};
    loop.watch(watcher);
    await clock.advance(20);
    loop.unwatch(watcher);
    await clock.advance(10_000);
    loop.watch(watcher);
    await clock.advance(20);
    expect(loop.time).toBeLessThanOrEqual(50);
  });

  it('counts at most three ticks of a stall', async () => {
    loop.watch(() => {});
    await clock.advance(10);
    await clock.stall(60_000);
    expect(loop.time).toBeLessThanOrEqual(10 + 3 * TICK_MS);
    expect(loop.now).toBe(clock.now());
  });

  it('allows watchers to come and go while it looks', async () => {
    const seen: string[] = [];
    const second = () => seen.push('second');
    const first = () => {
      seen.push('first');
      loop.unwatch(second);
      loop.unwatch(first);
      loop.watch(third);
    };
    const third = () => {
      seen.push('third');
      loop.unwatch(third);
    };
    loop.watch(first);
    loop.watch(second);
    await clock.advance(50);
    expect(seen).toEqual(['first', 'third']);
  });
});

describe('lookAt', () => {
  it('looks in time for what is due, and goes on with its ticks', async () => {
    const seen: number[] = [];
    loop.watch((time) => {
      seen.push(time);
      loop.lookAt(23);
    });
    await clock.advance(45);
    expect(seen).toEqual([10, 20, 23, 33, 43]);
  });

  it('between two looks, from outside of them', async () => {
    const seen: number[] = [];
    loop.watch((time) => seen.push(time));
    await clock.advance(12);
    loop.lookAt(15);
    loop.lookAt(17);
    await clock.advance(20);
    expect(seen).toEqual([10, 15, 25]);
  });

  it('what starts to watch during a look makes no second series of looks', async () => {
    const seen: number[] = [];
    const late = (time: number) => seen.push(time);
    const first = () => {
      loop.unwatch(first);
      loop.watch(late);
    };
    loop.watch(first);
    await clock.advance(45);
    expect(seen).toEqual([20, 30, 40]);
    expect(clock.pendingTimers).toBe(1);
  });

  it('goes on after a look that could not be planned because the stack was full', async () => {
    let isFull = false;
    const after: VirtualClock['after'] = (...args) => {
      if (isFull) throw new RangeError('the stack is full');
      return clock.after(...args);
    };
    loop = new LoopClock({ now: () => clock.now(), after } as never, TICK_MS);
    const seen: number[] = [];
    loop.watch((time) => seen.push(time));
    await clock.advance(12);
    isFull = true;
    expect(() => loop.lookAt(15)).toThrow('the stack is full');
    isFull = false;
    await clock.advance(30);
    expect(seen).toEqual([10, 20, 30, 40]);
    expect(clock.pendingTimers).toBe(1);
  });
});
