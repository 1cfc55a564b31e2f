import type { Clock } from '../../clock.js';
import { backoffMs } from '../../core/backoff.js';
import type { Database } from '../database.js';

/** Pauses between two renewals. After the longest pause without a renewal they start again. */
const BACKOFF = { firstMs: 1000, longestMs: 60_000 };

/**
 * Limits how often complaints on a database's connections lead to their renewal. A complaint that
 * returns on new connections is not caused by the connections, so repeated renewals would be
 * useless.
 */
export class RenewalLimit {
  readonly #latest = new WeakMap<Database, { readonly at: number; readonly pauses: number }>();

  constructor(private readonly clock: Clock) {}

  /** Whether a renewal may start now; if so, it counts as started. */
  allows(database: Database): boolean {
    const now = this.clock.now();
    const latest = this.#latest.get(database);
    const agoMs = latest === undefined ? Number.POSITIVE_INFINITY : now - latest.at;
    if (latest !== undefined && agoMs < backoffMs(BACKOFF, latest.pauses)) return false;
    const isRecent = latest !== undefined && agoMs < BACKOFF.longestMs;
    this.#latest.set(database, { at: now, pauses: isRecent ? latest.pauses + 1 : 0 });
    return true;
  }
}
