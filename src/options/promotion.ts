import type { CommandArgument } from '../core/command-argument.js';
import { invalid, type Values } from '../validation/check.js';
import { DEFAULTS } from './defaults.js';

/** A database that serves reads only, as `onPromotionNeeded` sees it. */
export interface PromotionContext {
  /** The id of the database. */
  readonly id: string;
  /** Why it became active, in words. */
  readonly cause: string;
  /** Aborts when writes are possible again, here or elsewhere, and when the client is closed. */
  readonly signal: AbortSignal;
  /**
   * Sends a command, such as `REPLICAOF NO ONE`, to this database over a connection that serves no
   * other commands of the client. Rejects with the error reply, when the connection can't be made or
   * breaks, and when `signal` aborts.
   */
  sendCommand(args: readonly CommandArgument[]): Promise<unknown>;
}

/** Called once for each time in which only reads are served. */
export type OnPromotionNeeded = (context: PromotionContext) => unknown;

/** Validates `onPromotionNeeded` in `values`. */
export function resolveOnPromotionNeeded(values: Values): OnPromotionNeeded | undefined {
  const { onPromotionNeeded } = values;
  if (onPromotionNeeded === undefined || typeof onPromotionNeeded === 'function') {
    return onPromotionNeeded as OnPromotionNeeded | undefined;
  }
  throw invalid('onPromotionNeeded', DEFAULTS.onPromotionNeeded.range, onPromotionNeeded);
}
