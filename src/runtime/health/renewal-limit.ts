import type { Clock } from '../../clock.js';
import type { Database } from '../database.js';

/** Between two renewals: twice as long each time, in milliseconds. */
const FIRST_PAUSE_MS = 1000;
/** After so long without one the pauses begin anew. */
const LONGEST_PAUSE_MS = 60_000;

/**
 * How often what was seen on a database's connections may lead to their renewal. A complaint that
 * comes back on new connections is not about the connections, so that renewing them again and
 * again would only cost.
 */
export class RenewalLimit {
  readonly #latest = new WeakMap<Database, { readonly at: number; readonly pauseMs: number }>();

  constructor(private readonly clock: Clock) {}

  /** Whether one may begin now, which is counted as begun. */
  allows(database: Database): boolean {
    const now = this.clock.now();
    const latest = this.#latest.get(database);
    const agoMs = latest === undefined ? Number.POSITIVE_INFINITY : now - latest.at;
    if (latest !== undefined && agoMs < latest.pauseMs) return false;
    const isRecent = latest !== undefined && agoMs < LONGEST_PAUSE_MS;
    const pauseMs = isRecent ? Math.min(2 * latest.pauseMs, LONGEST_PAUSE_MS) : FIRST_PAUSE_MS;
    this.#latest.set(database, { at: now, pauseMs });
    return true;
  }
}
