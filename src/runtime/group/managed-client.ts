import type { MultiDbEvents } from '../../events.js';
import type { Explanation } from '../report/explain.js';
import type { DatabaseSnapshot } from '../report/snapshot.js';
import type { MultiDbStats } from '../report/stats.js';

/** Options of `drainDatabase()`. */
export interface DrainOptions {
  /** How long the database is kept away from traffic, 0 to 2^31-1 ms. Default: until told otherwise. */
  readonly durationMs?: number;
}

/** Options of `forceActiveDatabase()`. */
export interface ForceOptions {
  /** How long failback and weights are ignored, 0 to 2^31-1 ms. Default: until told otherwise. */
  readonly durationMs?: number;
}

/** A listener of one event. */
type Listener<E extends keyof MultiDbEvents> = (...event: MultiDbEvents[E]) => unknown;

/** What every client of several databases has, whichever library's API its commands have. */
export interface ManagedClient {
  /** From `connect()` until `close()` or `destroy()`. */
  readonly isOpen: boolean;
  /** True exactly while a database can serve. */
  readonly isReady: boolean;
  /** Accepts no more commands, waits for those that are pending, closes everything. Idempotent. */
  close(): Promise<void>;
  /** Rejects what is pending with `ClientClosedError` and closes everything at once. Idempotent. */
  destroy(): void;
  /** Calls `close()` at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void>;

  /** Every database at this moment, in order of configuration. */
  readonly databases: readonly DatabaseSnapshot[];
  /** Id of the active database; undefined while there is none. */
  readonly activeDatabase: string | undefined;
  /**
   * Verifies the database by a probe and makes it active; a later failback may leave it again.
   * Rejects with `DatabaseUnavailableError` if it can't serve, `UnknownDatabaseError`.
   */
  setActiveDatabase(id: string): Promise<void>;
  /**
   * As `setActiveDatabase`, and stays there against failback and weights for `durationMs`. It
   * still fails over when the database fails.
   */
  forceActiveDatabase(id: string, options?: ForceOptions | number): Promise<void>;
  /**
   * Keeps a database away from traffic, before maintenance for instance: it is not eligible, and
   * serves only when no other one can. If it is active, the best of the others becomes active
   * first; what is in flight finishes where it is. Rejects with `DatabaseUnavailableError` if none
   * of the others can serve, `UnknownDatabaseError`. `setActiveDatabase` ends a drain as well.
   */
  drainDatabase(id: string, options?: DrainOptions | number): Promise<void>;
  /**
   * Ends a drain; the database is returned to at the next look for a better one. False when it was
   * not drained. Throws `UnknownDatabaseError`.
   */
  resumeDatabase(id: string): boolean;
  /**
   * Removes a database; never the last. The active one is left first; what is pending there
   * settles. Rejects with `DatabaseUnavailableError` when no other one can serve.
   */
  removeDatabase(id: string): Promise<void>;
  /** Returns the weight of a database. Throws `UnknownDatabaseError`. */
  getWeight(id: string): number;
  /** Takes effect at once. False when nothing changed. */
  setWeight(id: string, weight: number): boolean;
  /** Its checks pass and its connection is ready. */
  isHealthy(id: string): boolean;
  /** Which database is active and why, and what the others lack. */
  explain(): Explanation;
  /** What has been counted so far; read it as often as metrics are collected. */
  stats(): MultiDbStats;

  /**
   * Calls `listener` for each event of this name. A listener that throws stops nothing.
   *
   * @example
   * ```ts
   * client.on('switch', ({ from, to, reason }) => console.warn(`${from} -> ${to}: ${reason}`));
   * ```
   */
  on<E extends keyof MultiDbEvents>(event: E, listener: Listener<E>): this;
  /** Calls `listener` for the next event of this name only. */
  once<E extends keyof MultiDbEvents>(event: E, listener: Listener<E>): this;
  /** Removes a listener. */
  off<E extends keyof MultiDbEvents>(event: E, listener: Listener<E>): this;
  /** The same as `on()`. */
  addListener<E extends keyof MultiDbEvents>(event: E, listener: Listener<E>): this;
  /** The same as `off()`. */
  removeListener<E extends keyof MultiDbEvents>(event: E, listener: Listener<E>): this;
}
