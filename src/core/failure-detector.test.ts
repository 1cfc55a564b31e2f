import { expect, it } from 'vitest';
import { thresholdsReached } from './failure-detector.js';

const options = { minNumOfFailures: 10, failureRateThreshold: 20 };

it.each([
  { failures: 10, total: 50, reached: true, why: 'both exactly' },
  { failures: 9, total: 9, reached: false, why: 'the rate alone' },
  { failures: 10, total: 51, reached: false, why: 'the number alone' },
  { failures: 1000, total: 1000, reached: true, why: 'both by far' },
  { failures: 0, total: 0, reached: false, why: 'nothing recorded' },
])('$why: $failures of $total -> $reached', ({ failures, total, reached }) => {
  expect(thresholdsReached(failures, total, options)).toBe(reached);
});

it('a threshold of 0 leaves the decision to the other one', () => {
  const byRate = { minNumOfFailures: 0, failureRateThreshold: 50 };
  expect(thresholdsReached(1, 2, byRate)).toBe(true);
  expect(thresholdsReached(1, 3, byRate)).toBe(false);
  const byNumber = { minNumOfFailures: 5, failureRateThreshold: 0 };
  expect(thresholdsReached(5, 1_000_000, byNumber)).toBe(true);
  expect(thresholdsReached(4, 4, byNumber)).toBe(false);
});

it('never without a failure, even when both thresholds are 0', () => {
  const none = { minNumOfFailures: 0, failureRateThreshold: 0 };
  expect(thresholdsReached(0, 10, none)).toBe(false);
});
