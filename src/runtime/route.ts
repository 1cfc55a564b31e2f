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

/** A route was replaced by another. */
export interface RouteChange {
  readonly from: Route;
  readonly to: Route;
  /** `from.database` was left because it failed; what it does from now on is not to be trusted. */
  readonly failed: boolean;
}

export type RouteListener = (change: RouteChange) => void;

/** Where the route stands, for those who follow it. */
export interface RouteSource {
  readonly route: Route;
  /** Returns what ends it. */
  listen(listener: RouteListener): () => void;
}
