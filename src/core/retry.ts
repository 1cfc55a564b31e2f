import { MAX_TIMER_MS } from '../validation/rules.js';
import type { Classification } from './classify.js';
import { type CommandCategory, mayRepeat, type RetrySafety } from './command-risk.js';

export interface RetryWaitOptions {
  /** Before the second attempt, 0 to 2^31-1 ms. */
  readonly waitDurationMs: number;
  /** 1 or more. */
  readonly exponentialBackoffMultiplier: number;
  /** Share of the wait that is random, 0 to 1. */
  readonly jitter: number;
}

/**
 * The wait before an attempt; `attempt` 2 is the first retry. Jitter only shortens: the wait is
 * between `(1 - jitter)` of the nominal wait and the nominal wait, at most 2^31-1 ms.
 *
 * `random01` is uniform in [0, 1). The same number for a whole batch keeps its order.
 */
export function retryWaitMs(attempt: number, options: RetryWaitOptions, random01: number): number {
  if (attempt < 2 || options.waitDurationMs === 0) return 0;
  const backoff = options.exponentialBackoffMultiplier ** (attempt - 2);
  const nominal = Math.min(options.waitDurationMs * backoff, MAX_TIMER_MS);
  return nominal * (1 - options.jitter) + nominal * options.jitter * random01;
}

export interface RetryQuestion {
  /** Of the error with which the attempt ended. */
  readonly classification: Pick<Classification, 'kind' | 'executed'>;
  readonly category: CommandCategory;
  readonly safety: RetrySafety;
  /** Number of the attempt that has just failed, from 1. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** Result of the user's `includedErrors`; `undefined` without one. */
  readonly included: boolean | undefined;
  /** Result of the user's `ignoredErrors`; false without one. */
  readonly ignored: boolean;
}

/** Kinds that are retried when the user's `includedErrors` does not say otherwise. */
const RETRIED_KINDS: ReadonlySet<Classification['kind']> = new Set([
  'never-sent',
  'unknown-outcome',
  'state-reply',
  'state-word-inside',
] as const);

/**
 * Whether a failed command is sent again. The user chooses which errors are retried, but not which
 * commands may be repeated: beyond `safety`, a command is sent again only if it is proven that it
 * was not executed.
 *
 * Errors of the caller are never retried, nor is a `database-bound` command, because the next
 * attempt might reach another database.
 */
export function decideRetry(question: RetryQuestion): 'retry' | 'fail' {
  const { classification, category, included } = question;
  if (question.attempt >= question.maxAttempts || question.ignored) return 'fail';
  if (classification.kind === 'caller' || category === 'database-bound') return 'fail';
  if (!(included ?? RETRIED_KINDS.has(classification.kind))) return 'fail';

  switch (classification.executed) {
    case 'no':
      return 'retry';
    case 'perhaps':
      return mayRepeat(category, question.safety) ? 'retry' : 'fail';
    case 'yes':
      return included === true && mayRepeat(category, question.safety) ? 'retry' : 'fail';
  }
}
