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
  /** `from.database` was left because it failed; its later replies are not trusted. */
  readonly failed: boolean;
}

export type RouteListener = (change: RouteChange) => void;

/** The current route, with a way to follow its changes. */
export interface RouteSource {
  readonly route: Route;
  /** Calls `listener` for each change; the returned function ends that. */
  listen(listener: RouteListener): () => void;
}
