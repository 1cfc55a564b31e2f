import { expect, it } from 'vitest';
import { LATENCY_BUCKETS_MS, LatencyHistogram } from './latency-histogram.js';

it('has ascending bounds', () => {
  expect([...LATENCY_BUCKETS_MS].sort((a, b) => a - b)).toEqual([...LATENCY_BUCKETS_MS]);
});

it('counts each duration in the buckets that hold it', () => {
  const histogram = new LatencyHistogram();
  for (const ms of [0, 0.5, 0.6, 3, 10_000, 10_001]) histogram.add(ms);
  const { buckets, count, sumMs } = histogram.snapshot();
  expect(buckets).toHaveLength(LATENCY_BUCKETS_MS.length);
  expect(buckets[0]).toBe(2);
  expect(buckets[1]).toBe(3);
  expect(buckets[LATENCY_BUCKETS_MS.indexOf(5)]).toBe(4);
  expect(buckets.at(-1)).toBe(5);
  expect(count).toBe(6);
  expect(sumMs).toBeCloseTo(20_005.1);
});

it('does not change what it has told', () => {
  const histogram = new LatencyHistogram();
  const before = histogram.snapshot();
  histogram.add(1);
  expect(before).toMatchObject({ count: 0, sumMs: 0 });
  expect(Math.max(...before.buckets)).toBe(0);
});
