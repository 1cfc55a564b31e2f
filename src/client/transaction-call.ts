import { WatchError } from '@redis/client';
import type { CommandArgument } from '../core/command-argument.js';
import { ConnectionLostError, InvalidOptionError } from '../errors.js';
import type { Lease } from '../runtime/transaction/lease.js';
import { MAX_TIMER_MS } from '../validation/rules.js';

const MAX_ATTEMPTS = 10;
const NAMES: readonly string[] = ['maxAttempts', 'timeoutMs'];

/** Options of `transaction()`. */
export interface TransactionOptions {
  /** Maximum number of calls of `fn` when watched keys change; 1 or more. Default: 10. */
  readonly maxAttempts?: number;
  /** Timeout of the whole transaction, 1 to 2^31-1 ms. Default: `commandDeadlineMs`. */
  readonly timeoutMs?: number;
}

/** The keys that a transaction watches. Throws `InvalidOptionError`. */
export function keysOf(keys: unknown): CommandArgument[] {
  const all: unknown[] = Array.isArray(keys) ? keys : [keys];
  for (const key of all) {
    if (typeof key === 'string' || Buffer.isBuffer(key)) continue;
    throw new InvalidOptionError('keys', 'a key (string or Buffer), or an array of keys', key);
  }
  return all as CommandArgument[];
}

/** Throws `InvalidOptionError`. */
export function settingOf(options: unknown): {
  maxAttempts: number;
  timeoutMs: number | undefined;
} {
  const given = (options ?? {}) as Record<string, unknown>;
  for (const name of Object.keys(given)) {
    if (!NAMES.includes(name)) throw new InvalidOptionError(name, `one of ${NAMES}`, given[name]);
  }
  const { maxAttempts = MAX_ATTEMPTS, timeoutMs } = given as TransactionOptions;
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1) {
    throw new InvalidOptionError('maxAttempts', 'an integer of 1 or more', maxAttempts);
  }
  if (timeoutMs !== undefined && !(timeoutMs >= 1 && timeoutMs <= MAX_TIMER_MS)) {
    throw new InvalidOptionError('timeoutMs', '1 to 2^31-1', timeoutMs);
  }
  return { maxAttempts, timeoutMs };
}

export function prefixed(prefix: CommandArgument, key: CommandArgument): CommandArgument {
  if (typeof prefix === 'string' && typeof key === 'string') return prefix + key;
  return Buffer.concat([Buffer.from(prefix as string), Buffer.from(key as string)]);
}

/** The error for a refused command of a lease: another node serves the keys, or none at the moment. */
export function conflictOf({ maybeExecuted, database }: Lease, cause: Error): Error {
  if (maybeExecuted) {
    // A repetition would execute the earlier commands again.
    const message = `the connection to ${database?.id} no longer leads to the keys: ${cause.message}`;
    const databaseId = database?.id;
    return new ConnectionLostError(message, { cause, maybeExecuted, databaseId });
  }
  return Object.assign(new WatchError(`The watched keys are no longer watched: ${cause.message}`), {
    cause,
  });
}
