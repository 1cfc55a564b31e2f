import type { DatabaseFailure } from '../../core/database-failure.js';
import type { Database } from '../database.js';

/** Decides on the basis of the recorded health. */
export interface HealthListener {
  /**
   * There is new information about `database`. `unavailable`: a verdict says that it can't serve
   * for now.
   */
  changed(database?: Database, verdict?: 'unavailable'): void;
  /** The latency of a database has changed, by which databases are chosen. */
  onLatency(): void;
  /**
   * Leaves the active database, which still serves, for the best of `faster`. Returns false if none of
   * them can be taken now, or the active one is held by hand.
   */
  leaveSlow(active: Database, faster: ReadonlySet<Database>, failure: DatabaseFailure): boolean;
}
