import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LatencyPercentile } from './latency-percentile.js';

function of(durations: readonly number[]): number | undefined {
  const p99 = new LatencyPercentile(0.99);
  for (const ms of durations) p99.add(ms);
  return p99.ms;
}

it('has no estimate before 100 durations', () => {
  expect(of(Array(99).fill(1))).toBeUndefined();
  expect(of(Array(100).fill(1))).toBe(1);
});

it('is at least the percentile, and at most a fifth more', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.25, max: 60_000, noNaN: true }), {
        minLength: 100,
        maxLength: 900,
      }),
      (durations) => {
        const sorted = [...durations].sort((a, b) => a - b);
        const exact = sorted[Math.ceil(sorted.length * 0.99) - 1] as number;
        const estimate = of(durations) as number;
        expect(estimate).toBeGreaterThanOrEqual(exact * 0.9999);
        expect(estimate).toBeLessThan(exact * 1.2);
      },
    ),
    { numRuns: 50 },
  );
});

it('holds for the shortest and the longest durations', () => {
  expect(of(Array(200).fill(0))).toBe(0.25);
  expect(of(Array(200).fill(1e12))).toBeGreaterThan(3_500_000);
});

it('forgets what lies more than 2000 durations back', () => {
  const p99 = new LatencyPercentile(0.99);
  for (let n = 0; n < 1500; n += 1) p99.add(500);
  for (let n = 0; n < 1000; n += 1) p99.add(1);
  expect(p99.ms).toBeGreaterThan(499);
  for (let n = 0; n < 1501; n += 1) p99.add(1);
  expect(p99.ms).toBe(1);
});
