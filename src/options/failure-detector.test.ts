import { expect, it } from 'vitest';
import { InvalidOptionError } from '../errors.js';
import { resolveFailureDetector } from './failure-detector.js';

const AT = 'failureDetector';
const DEFAULT = {
  slidingWindowType: 'time',
  slidingWindowSizeMs: 2000,
  slidingWindowSize: 100,
  minNumOfFailures: 1000,
  failureRateThreshold: 10,
  slowCallMs: undefined,
  slowCallRateThreshold: 50,
  minNumOfSlowCalls: 3,
  includedErrors: undefined,
  ignoredErrors: undefined,
};

it('is the default without settings', () => {
  expect(resolveFailureDetector(undefined, AT)).toEqual(DEFAULT);
  expect(resolveFailureDetector({ minNumOfFailures: undefined }, AT)).toEqual(DEFAULT);
});

it('lays the own parts over the shared ones', () => {
  const shared = { minNumOfFailures: 5, failureRateThreshold: 20 };
  const own = { failureRateThreshold: 30, slidingWindowSizeMs: undefined };
  expect(resolveFailureDetector(own, AT, shared)).toEqual({
    ...DEFAULT,
    minNumOfFailures: 5,
    failureRateThreshold: 30,
  });
});

it('a count window has a number of failures that it can reach', () => {
  const failuresOf = (own: object, shared?: Record<string, unknown>) =>
    resolveFailureDetector({ slidingWindowType: 'count', ...own }, AT, shared).minNumOfFailures;
  expect(failuresOf({})).toBe(10);
  expect(failuresOf({ slidingWindowSize: 30, failureRateThreshold: 50 })).toBe(15);
  expect(failuresOf({ slidingWindowSize: 15 })).toBe(2);
  expect(failuresOf({ minNumOfFailures: 100 })).toBe(100);
  expect(() => failuresOf({ minNumOfFailures: 101 })).toThrow('at most slidingWindowSize (100)');
  expect(() => failuresOf({}, { minNumOfFailures: 1000 })).toThrow(InvalidOptionError);
});

it('compiles selectors', () => {
  const own = { includedErrors: [TypeError], ignoredErrors: () => true };
  const { includedErrors, ignoredErrors } = resolveFailureDetector(own, AT);
  expect(includedErrors?.(new TypeError())).toBe(true);
  expect(includedErrors?.(new RangeError())).toBe(false);
  expect(ignoredErrors?.(new RangeError())).toBe(true);
});

it.each([
  [null, 'failureDetector: expected an object'],
  [{ slidingWindowType: 'TIME' }, "failureDetector.slidingWindowType: expected 'time', 'count'"],
  [{ slidingWindowSize: 0 }, 'failureDetector.slidingWindowSize'],
  [{ failureRateThreshold: 101 }, 'percent from 0 to 100'],
  [{ slowCallMs: 0 }, 'failureDetector.slowCallMs: expected'],
  [{ slowCallRateThreshold: -1 }, 'percent from 0 to 100'],
  [{ minNumOfSlowCalls: 1.5 }, 'failureDetector.minNumOfSlowCalls'],
  [{ failureThreshold: 1 }, 'failureDetector.failureThreshold: expected a known option'],
  [{ ignoredErrors: 'x' }, 'failureDetector.ignoredErrors'],
])('rejects %j', (own, message) => {
  expect(() => resolveFailureDetector(own, AT)).toThrow(InvalidOptionError);
  expect(() => resolveFailureDetector(own, AT)).toThrow(message);
});
