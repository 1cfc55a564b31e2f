/** `continue`: send the next probe; the others end the round. */
export type ProbingVerdict = 'continue' | 'success' | 'fail';

/** The probes of a round so far. */
export interface ProbingProgress {
  /** Probes that found the database healthy. */
  readonly successes: number;
  /** Probes that found the database unhealthy. */
  readonly failures: number;
  /** Probes in a full round, 1 or more; `successes + failures` never exceeds it. */
  readonly numProbes: number;
}

/**
 * Decides whether a round of probes succeeds. Called after every probe; pure.
 *
 * A policy that throws fails the round, as does one without a decision after the last probe.
 */
export type ProbingPolicy = (progress: ProbingProgress) => ProbingVerdict;

/** Every probe must succeed; the first failure decides. */
export const ALL_SUCCESS: ProbingPolicy = ({ successes, failures, numProbes }) => {
  if (failures > 0) return 'fail';
  return successes >= numProbes ? 'success' : 'continue';
};

/** One success is enough and decides. */
export const ANY_SUCCESS: ProbingPolicy = ({ successes, failures, numProbes }) => {
  if (successes > 0) return 'success';
  return failures >= numProbes ? 'fail' : 'continue';
};

/** More than half must succeed; decides as soon as the remaining probes can't change it. */
export const MAJORITY_SUCCESS: ProbingPolicy = ({ successes, failures, numProbes }) => {
  if (successes * 2 > numProbes) return 'success';
  return failures * 2 >= numProbes ? 'fail' : 'continue';
};

/** The built-in policies by the names that options accept. */
export const probingPolicies = Object.freeze({ ALL_SUCCESS, ANY_SUCCESS, MAJORITY_SUCCESS });

export interface ProbingEvaluation {
  readonly verdict: ProbingVerdict;
  /** The problem of the policy; the verdict is valid nevertheless. */
  readonly error?: Error;
}

/** Calls the policy, and handles one that throws, returns an invalid value or never decides. */
export function evaluateProbingPolicy(
  policy: ProbingPolicy,
  progress: ProbingProgress,
): ProbingEvaluation {
  const done = progress.successes + progress.failures >= progress.numProbes;
  return evaluateGuarded(() => policy(progress), done, 'the probing policy');
}

/** Shared with the initialization policy, which has the same three results. */
export function evaluateGuarded(
  ask: () => unknown,
  done: boolean,
  what: string,
): ProbingEvaluation {
  let answer: unknown;
  try {
    answer = ask();
  } catch (cause) {
    return { verdict: 'fail', error: new Error(`${what} threw`, { cause }) };
  }
  if (answer === 'success' || answer === 'fail') return { verdict: answer };
  if (answer === 'continue' && !done) return { verdict: 'continue' };
  const error =
    answer === 'continue'
      ? new Error(`${what} answered 'continue' although nothing was left to wait for`)
      : new Error(`${what} answered neither 'continue' nor 'success' nor 'fail'`);
  return { verdict: done ? 'fail' : 'continue', error };
}
