import type { Clock } from '../../clock.js';
import { backoffMs } from '../../core/backoff.js';
import type { Database } from '../database.js';

/** Between two renewals. After the longest pause without one the pauses begin again. */
const BACKOFF = { firstMs: 1000, longestMs: 60_000 };

/**
 * How often what was seen on a database's connections may lead to their renewal. A complaint that
 * comes back on new connections is not about the connections, so that renewing them again and
 * again would only cost.
 */
export class RenewalLimit {
  readonly #latest = new WeakMap<Database, { readonly at: number; readonly pauses: number }>();

  constructor(private readonly clock: Clock) {}

  /** Whether one may begin now, which is counted as begun. */
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
