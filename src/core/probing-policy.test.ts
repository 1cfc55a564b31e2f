import { describe, expect, it } from 'vitest';
import {
  ALL_SUCCESS,
  ANY_SUCCESS,
  evaluateProbingPolicy,
  MAJORITY_SUCCESS,
  type ProbingPolicy,
  probingPolicies,
} from './probing-policy.js';

/** Answers after each probe of a round, `+` for a success and `-` for a failure. */
function answers(policy: ProbingPolicy, probes: string, numProbes: number): string[] {
  const outcomes = [...probes];
  return outcomes.map((_, index) => {
    const successes = outcomes.slice(0, index + 1).filter((outcome) => outcome === '+').length;
    return policy({ successes, failures: index + 1 - successes, numProbes });
  });
}

it.each([
  ['ALL_SUCCESS', '+++', 3, ['continue', 'continue', 'success']],
  ['ALL_SUCCESS', '+-', 3, ['continue', 'fail']],
  ['ANY_SUCCESS', '-+', 3, ['continue', 'success']],
  ['ANY_SUCCESS', '---', 3, ['continue', 'continue', 'fail']],
  ['MAJORITY_SUCCESS', '++', 3, ['continue', 'success']],
  ['MAJORITY_SUCCESS', '-+-', 3, ['continue', 'continue', 'fail']],
  ['MAJORITY_SUCCESS', '--', 3, ['continue', 'fail']],
  ['MAJORITY_SUCCESS', '-', 2, ['fail']],
  ['MAJORITY_SUCCESS', '++', 2, ['continue', 'success']],
  ['MAJORITY_SUCCESS', '+', 1, ['success']],
] as const)('%s: %s of %i -> %j', (name, probes, numProbes, expected) => {
  expect(answers(probingPolicies[name], probes, numProbes)).toEqual(expected);
});

it('names are those of the exports', () => {
  expect(probingPolicies).toEqual({ ALL_SUCCESS, ANY_SUCCESS, MAJORITY_SUCCESS });
  expect(Object.isFrozen(probingPolicies)).toBe(true);
});

describe('evaluateProbingPolicy', () => {
  const half = { successes: 1, failures: 0, numProbes: 2 };
  const done = { successes: 1, failures: 1, numProbes: 2 };

  it.each(['success', 'fail', 'continue'] as const)('passes %s through', (verdict) => {
    expect(evaluateProbingPolicy(() => verdict, half)).toEqual({ verdict });
  });

  it('gives the policy the progress', () => {
    const policy: ProbingPolicy = ({ successes }) => (successes === 1 ? 'success' : 'fail');
    expect(evaluateProbingPolicy(policy, half).verdict).toBe('success');
  });

  it('fails at once when the policy throws, with the cause', () => {
    const cause = new Error('boom');
    const evaluation = evaluateProbingPolicy(() => {
      throw cause;
    }, half);
    expect(evaluation.verdict).toBe('fail');
    expect(evaluation.error?.cause).toBe(cause);
  });

  it('goes on after nonsense while probes are left, and fails after the last', () => {
    const nonsense = (() => true) as unknown as ProbingPolicy;
    expect(evaluateProbingPolicy(nonsense, half)).toMatchObject({ verdict: 'continue' });
    expect(evaluateProbingPolicy(nonsense, done)).toMatchObject({ verdict: 'fail' });
    expect(evaluateProbingPolicy(nonsense, done).error?.message).toContain('neither');
  });

  it('fails when the policy would go on for ever', () => {
    const evaluation = evaluateProbingPolicy(() => 'continue', done);
    expect(evaluation.verdict).toBe('fail');
    expect(evaluation.error?.message).toContain('nothing was left');
  });
});
