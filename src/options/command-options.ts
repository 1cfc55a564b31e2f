import { RETRY_SAFETIES } from '../core/command-risk.js';
import type { InvalidOptionError } from '../errors.js';
import { anyObject, invalid, join } from '../validation/check.js';
import { durationOrNone, oneOf, type Rule } from '../validation/rules.js';

/** Options of commands, as the caller gave them. */
export interface GivenCommandOptions {
  readonly timeout?: unknown;
  readonly retrySafety?: unknown;
  readonly outage?: unknown;
  readonly iterators?: unknown;
}

const SAFETY = oneOf(RETRY_SAFETIES);
const OUTAGE: Rule<string> = { ...oneOf(['reject', 'wait']), range: "'reject' or 'wait'" };
const ITERATORS: Rule<string> = { ...oneOf(['throw', 'restart']), range: "'throw' or 'restart'" };

/**
 * The problem with the options of a command; `undefined` if there is none. Every command asks, so that
 * absent options cost a comparison each.
 */
export function commandOptionFlaw(
  { timeout, retrySafety, outage, iterators }: GivenCommandOptions,
  at = '',
): InvalidOptionError | undefined {
  if (outage !== undefined && !OUTAGE.accepts(outage)) {
    return invalid(join(at, 'outage'), OUTAGE.range, outage);
  }
  if (retrySafety !== undefined && !SAFETY.accepts(retrySafety)) {
    return invalid(join(at, 'retrySafety'), SAFETY.range, retrySafety);
  }
  if (iterators !== undefined && !ITERATORS.accepts(iterators)) {
    return invalid(join(at, 'iterators'), ITERATORS.range, iterators);
  }
  if ((timeout ?? 0) !== 0 && !durationOrNone.accepts(timeout)) {
    return invalid(join(at, 'timeout'), '0 to 2^31-1', timeout);
  }
  return undefined;
}

/** Validates options that all commands have. Throws `InvalidOptionError`. */
export function checkCommandOptions(value: unknown, at: string): void {
  if (value === undefined) return;
  const flaw = commandOptionFlaw(anyObject(value, at), at);
  if (flaw !== undefined) throw flaw;
}

/** Returns the argument of `withRetrySafety()`. Throws `InvalidOptionError`. */
export function checkedRetrySafety<T>(value: T): T {
  if (!SAFETY.accepts(value)) throw invalid('withRetrySafety', SAFETY.range, value);
  return value;
}

/** Returns the argument of `withOutage()`. Throws `InvalidOptionError`. */
export function checkedOutage<T>(value: T): T {
  if (!OUTAGE.accepts(value)) throw invalid('withOutage', OUTAGE.range, value);
  return value;
}
