import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { initializationPolicies } from '../../src/core/initialization-policy.js';
import { probingPolicies } from '../../src/core/probing-policy.js';

type Verdict = 'continue' | 'success' | 'fail';
type Policy = (good: number, bad: number, total: number) => Verdict;

const probing =
  (name: keyof typeof probingPolicies): Policy =>
  (successes, failures, numProbes) =>
    probingPolicies[name]({ successes, failures, numProbes });

const initialization =
  (name: keyof typeof initializationPolicies): Policy =>
  (available, unavailable, total) =>
    initializationPolicies[name]({ available, unavailable, total });

/** What a full count means. */
const all = (good: number, total: number) => good === total;
const any = (good: number) => good > 0;
const majority = (good: number, total: number) => good > total / 2;

describe.each([
  { name: 'ALL_SUCCESS', policy: probing('ALL_SUCCESS'), passes: all },
  { name: 'ANY_SUCCESS', policy: probing('ANY_SUCCESS'), passes: any },
  { name: 'MAJORITY_SUCCESS', policy: probing('MAJORITY_SUCCESS'), passes: majority },
  { name: 'ALL_AVAILABLE', policy: initialization('ALL_AVAILABLE'), passes: all },
  { name: 'ONE_AVAILABLE', policy: initialization('ONE_AVAILABLE'), passes: any },
  { name: 'MAJORITY_AVAILABLE', policy: initialization('MAJORITY_AVAILABLE'), passes: majority },
])('$name', ({ policy, passes }) => {
  it('decides exactly when what is left can no longer change the full count', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 15 }), (outcomes) => {
        const total = outcomes.length;
        for (let seen = 0; seen <= total; seen++) {
          const good = outcomes.slice(0, seen).filter((outcome) => outcome).length;
          const worst = passes(good, total);
          const best = passes(good + total - seen, total);
          const expected = worst === best ? (worst ? 'success' : 'fail') : 'continue';
          expect(policy(good, seen - good, total)).toBe(expected);
        }
      }),
    );
  });
});
