import { evaluateGuarded } from './probing-policy.js';

/** `continue`: wait for further verdicts; `success` resolves `connect()`, `fail` rejects it. */
export type InitializationVerdict = 'continue' | 'success' | 'fail';

/** What is known of the databases while `connect()` waits. */
export interface InitializationProgress {
  /** Databases with a first verdict that they can serve. */
  readonly available: number;
  /** Databases with a first verdict that they can't. */
  readonly unavailable: number;
  /** All databases, 1 or more. */
  readonly total: number;
}

/**
 * Decides when `connect()` resolves. Called after the first verdict about each database; pure.
 *
 * A policy that throws fails the initialization, as does one without a decision after the last
 * verdict.
 */
export type InitializationPolicy = (progress: InitializationProgress) => InitializationVerdict;

/** One database is enough. */
export const ONE_AVAILABLE: InitializationPolicy = ({ available, unavailable, total }) => {
  if (available > 0) return 'success';
  return unavailable >= total ? 'fail' : 'continue';
};

/** More than half; of two databases both. */
export const MAJORITY_AVAILABLE: InitializationPolicy = ({ available, unavailable, total }) => {
  if (available * 2 > total) return 'success';
  return unavailable * 2 >= total ? 'fail' : 'continue';
};

/** Every database; the first that is not available decides. */
export const ALL_AVAILABLE: InitializationPolicy = ({ available, unavailable, total }) => {
  if (unavailable > 0) return 'fail';
  return available >= total ? 'success' : 'continue';
};

/** The built-in policies by the names that options accept. */
export const initializationPolicies = Object.freeze({
  ONE_AVAILABLE,
  MAJORITY_AVAILABLE,
  ALL_AVAILABLE,
});

export interface InitializationEvaluation {
  readonly verdict: InitializationVerdict;
  /** The problem of the policy; the verdict is valid nevertheless. */
  readonly error?: Error;
}

/** Calls the policy, and handles one that throws, returns an invalid value or never decides. */
export function evaluateInitializationPolicy(
  policy: InitializationPolicy,
  progress: InitializationProgress,
): InitializationEvaluation {
  const done = progress.available + progress.unavailable >= progress.total;
  return evaluateGuarded(() => policy(progress), done, 'the initialization policy');
}
