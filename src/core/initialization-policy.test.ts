import { expect, it } from 'vitest';
import {
  ALL_AVAILABLE,
  evaluateInitializationPolicy,
  type InitializationPolicy,
  initializationPolicies,
  MAJORITY_AVAILABLE,
  ONE_AVAILABLE,
} from './initialization-policy.js';

it.each([
  ['ONE_AVAILABLE', 0, 0, 2, 'continue'],
  ['ONE_AVAILABLE', 1, 0, 2, 'success'],
  ['ONE_AVAILABLE', 0, 1, 2, 'continue'],
  ['ONE_AVAILABLE', 0, 2, 2, 'fail'],
  ['MAJORITY_AVAILABLE', 1, 0, 2, 'continue'],
  ['MAJORITY_AVAILABLE', 2, 0, 2, 'success'],
  ['MAJORITY_AVAILABLE', 1, 1, 2, 'fail'],
  ['MAJORITY_AVAILABLE', 2, 0, 3, 'success'],
  ['MAJORITY_AVAILABLE', 1, 1, 3, 'continue'],
  ['MAJORITY_AVAILABLE', 0, 2, 3, 'fail'],
  ['ALL_AVAILABLE', 1, 0, 2, 'continue'],
  ['ALL_AVAILABLE', 2, 0, 2, 'success'],
  ['ALL_AVAILABLE', 0, 1, 2, 'fail'],
] as const)('%s: %i up, %i down of %i -> %s', (name, available, unavailable, total, verdict) => {
  expect(initializationPolicies[name]({ available, unavailable, total })).toBe(verdict);
});

it('names are those of the exports', () => {
  expect(initializationPolicies).toEqual({ ONE_AVAILABLE, MAJORITY_AVAILABLE, ALL_AVAILABLE });
});

it('guards against a policy that throws, talks nonsense or never decides', () => {
  const undecided = { available: 1, unavailable: 0, total: 2 };
  const decided = { available: 1, unavailable: 1, total: 2 };
  const throws: InitializationPolicy = () => {
    throw new Error('boom');
  };
  expect(evaluateInitializationPolicy(throws, undecided)).toMatchObject({
    verdict: 'fail',
    error: { message: 'the initialization policy threw' },
  });
  const nonsense = (() => 'SUCCESS') as unknown as InitializationPolicy;
  expect(evaluateInitializationPolicy(nonsense, undecided).verdict).toBe('continue');
  expect(evaluateInitializationPolicy(nonsense, decided).verdict).toBe('fail');
  expect(evaluateInitializationPolicy(() => 'continue', decided).verdict).toBe('fail');
  expect(evaluateInitializationPolicy(ONE_AVAILABLE, decided)).toEqual({ verdict: 'success' });
});
