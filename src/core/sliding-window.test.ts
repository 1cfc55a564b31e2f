import { describe, expect, it } from 'vitest';
import { CountWindow, createSlidingWindow, TimeWindow } from './sliding-window.js';

const HOUR = 3_600_000;

describe('TimeWindow', () => {
  it('counts failures and successes of the last period', () => {
    const window = new TimeWindow(1000);
    window.record(true, 0);
    window.record(false, 150);
    window.record(true, 899);
    expect([window.failures(899), window.total(899)]).toEqual([2, 3]);
  });

  it('lets go of an outcome when its bucket leaves the window, not before', () => {
    const window = new TimeWindow(1000);
    window.record(true, 0);
    window.record(true, 100);
    expect(window.failures(999)).toBe(2);
    expect(window.failures(1000)).toBe(1);
    expect(window.failures(1100)).toBe(0);
  });

  it('remembers nothing after an idle hour, also when recording goes on', () => {
    const window = new TimeWindow(2000);
    for (let now = 0; now < 2000; now += 10) window.record(true, now);
    expect(window.failures(HOUR)).toBe(0);
    window.record(false, HOUR);
    expect([window.failures(HOUR), window.total(HOUR)]).toEqual([0, 1]);
  });

  it('is not changed by a query, even one about the far future', () => {
    const window = new TimeWindow(1000);
    window.record(true, 50);
    expect(window.failures(HOUR)).toBe(0);
    expect(window.total(HOUR)).toBe(0);
    expect([window.failures(60), window.total(60)]).toEqual([1, 1]);
  });

  it('takes an earlier time for the present one', () => {
    const window = new TimeWindow(1000);
    window.record(true, 5000);
    window.record(true, 10);
    expect(window.failures(10)).toBe(2);
    expect(window.failures(5000)).toBe(2);
  });

  it('works from any origin, with fractions, and with a window shorter than its buckets', () => {
    const window = new TimeWindow(1);
    window.record(true, -3.25);
    expect(window.failures(-3.25)).toBe(1);
    expect(window.failures(-2.4)).toBe(1);
    expect(window.failures(-2.2)).toBe(0);
  });

  it('is empty after a reset and counts from there', () => {
    const window = new TimeWindow(1000);
    window.record(true, 0);
    window.record(false, 550);
    window.reset(560);
    expect([window.failures(560), window.total(560)]).toEqual([0, 0]);
    window.record(true, 570);
    expect([window.failures(1500), window.total(1500)]).toEqual([1, 1]);
  });
});

describe('CountWindow', () => {
  it('counts the last outcomes, whenever they were', () => {
    const window = new CountWindow(3);
    window.record(true, 0);
    window.record(false, HOUR);
    expect([window.failures(2 * HOUR), window.total(2 * HOUR)]).toEqual([1, 2]);
    window.record(true, 0);
    expect([window.failures(0), window.total(0)]).toEqual([2, 3]);
    window.record(false, 0);
    expect([window.failures(0), window.total(0)]).toEqual([1, 3]);
  });

  it('is empty after a reset', () => {
    const window = new CountWindow(2);
    for (let i = 0; i < 5; i++) window.record(true, 0);
    window.reset(0);
    expect([window.failures(0), window.total(0)]).toEqual([0, 0]);
    window.record(false, 0);
    window.record(false, 0);
    expect([window.failures(0), window.total(0)]).toEqual([0, 2]);
  });
});

it('createSlidingWindow makes the window of the type', () => {
  const sizes = { slidingWindowSizeMs: 1000, slidingWindowSize: 2 };
  const time = createSlidingWindow({ slidingWindowType: 'time', ...sizes });
  const count = createSlidingWindow({ slidingWindowType: 'count', ...sizes });
  for (const window of [time, count]) for (let i = 0; i < 3; i++) window.record(true, 0);
  expect([time.total(0), count.total(0)]).toEqual([3, 2]);
  expect([time.total(HOUR), count.total(HOUR)]).toEqual([0, 2]);
});
