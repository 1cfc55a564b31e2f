import type { CommandArgument } from '../core/command-argument.js';
import type { SwitchReason } from '../events.js';
import { invalid, type Values } from '../validation/check.js';
import { DEFAULTS } from './defaults.js';

/** A database that is about to become active again, as `beforeFailback` sees it. */
export interface FailbackContext {
  /** The id of the database. */
  readonly id: string;
  /** Why it was left. */
  readonly reason: SwitchReason;
  /** The same in words. */
  readonly cause: string;
  /** How long ago it was left, in milliseconds. */
  readonly awayMs: number;
  /** Aborts when `beforeFailbackTimeoutMs` has passed, or when the answer is no longer wanted. */
  readonly signal: AbortSignal;
  /**
   * Sends a command to this database over a connection that serves no other commands of the client.
   * Rejects with the error reply, when the connection can't be made or breaks, and when `signal`
   * aborts.
   */
  sendCommand(args: readonly CommandArgument[]): Promise<unknown>;
}

/**
 * Called before a database that was left becomes active again. The database is taken when the
 * promise resolves, and not taken when it rejects or takes too long.
 */
export type BeforeFailback = (context: FailbackContext) => unknown;

/** Validates `beforeFailback` in `values`, which are at `at`. */
export function resolveBeforeFailback(values: Values, at: string): BeforeFailback | undefined {
  const { beforeFailback } = values;
  if (beforeFailback === undefined || typeof beforeFailback === 'function') {
    return beforeFailback as BeforeFailback | undefined;
  }
  const path = at === '' ? 'beforeFailback' : `${at}.beforeFailback`;
  throw invalid(path, DEFAULTS.beforeFailback.range, beforeFailback);
}
