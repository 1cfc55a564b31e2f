import type { Database } from './database.js';

/**
 * Where commands go: an immutable snapshot. A switch replaces it by one assignment, so that no
 * command is split between two databases.
 */
export interface Route {
  /** Grows with every switch; what belongs to an earlier generation changes nothing. */
  readonly generation: number;
  /** The active database; `undefined` while there is none. */
  readonly database: Database | undefined;
  /** Used although it isn't eligible, because no database is. */
  readonly lastResort: boolean;
  /**
   * - `serving`: there is an active database
   * - `searching`: none yet, but the verdict on some database is still out; commands wait
   * - `down`: full rounds found none; commands fail at once
   */
  readonly state: 'serving' | 'searching' | 'down';
}
