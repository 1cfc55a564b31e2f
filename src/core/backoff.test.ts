import { expect, it } from 'vitest';
import { backoffMs, withJitter } from './backoff.js';

const BACKOFF = { firstMs: 50, longestMs: 300 };

it('doubles each wait up to the longest', () => {
  const waits = [0, 1, 2, 3, 4, 5000].map((before) => backoffMs(BACKOFF, before));
  expect(waits).toEqual([50, 100, 200, 300, 300, 300]);
});

it('is shorter by up to a fifth', () => {
  expect([0, 0.5, 1].map((share) => withJitter(100, () => share))).toEqual([100, 90, 80]);
});
