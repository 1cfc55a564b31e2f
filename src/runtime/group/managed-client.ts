import type { MultiDbEvents } from '../../events.js';
import type { OneHealthCheck } from '../../options/database-options.js';
import type { Explanation } from '../report/explain.js';
import type { DatabaseSnapshot } from '../report/snapshot.js';
import type { MultiDbStats } from '../report/stats.js';

/** Options of `drainDatabase()`. */
export interface DrainOptions {
  /** Duration of the drain, 0 to 2^31-1 ms. Default: until `resumeDatabase()`. */
  readonly durationMs?: number;
}

/** Options of `forceActiveDatabase()`. */
export interface ForceOptions {
  /**
   * How long failback and weights are ignored, 0 to 2^31-1 ms, or `Infinity`. Default: indefinitely.
   * Required, and at least 1 ms, with `unchecked`.
   */
  readonly durationMs?: number;
  /**
   * Makes the database active at once although its health checks fail or were never run, and does not
   * leave it for failed health checks, an open circuit breaker, slowness or a lost connection until
   * the time is over. Default: `false`.
   */
  readonly unchecked?: boolean;
}

/** Options of `addDatabase()`. */
export interface AddOptions {
  /**
   * Resolves at once instead of when the health of the database is known. The database becomes eligible
   * when its health checks pass, as it does otherwise. Default: `false`.
   */
  readonly skipInitialHealthCheck?: boolean;
}

/** A listener of one event. */
type Listener<E extends keyof MultiDbEvents> = (...event: MultiDbEvents[E]) => unknown;

/** The members of every client of several databases, whichever library's API its commands have. */
export interface ManagedClient {
  /** True from `connect()` until `close()` or `destroy()`. */
  readonly isOpen: boolean;
  /** True exactly while a database can serve. */
  readonly isReady: boolean;
  /**
   * Stops accepting commands, waits until the pending ones have settled, and closes all connections.
   * Idempotent.
   */
  close(): Promise<void>;
  /** Rejects pending commands with `ClientClosedError` and closes all connections at once. Idempotent. */
  destroy(): void;
  /** Calls `close()` at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void>;

  /** A snapshot of every database, in order of configuration. */
  readonly databases: readonly DatabaseSnapshot[];
  /** Id of the active database; undefined while there is none. */
  readonly activeDatabase: string | undefined;
  /**
   * Probes the database and makes it active. Ends its grace period and its drain. A later failback may
   * leave it again. Rejects with `DatabaseUnavailableError` if the database cannot serve, and with
   * `UnknownDatabaseError`.
   */
  setActiveDatabase(id: string): Promise<void>;
  /**
   * Like `setActiveDatabase()`, and ignores failback, weights and steering for `durationMs`. A failure of the
   * database ends that time, and the client fails over if another database can serve. An `unchecked` one is
   * not probed first, and stays active whatever happens. Commands fail with the errors that they meet.
   */
  forceActiveDatabase(id: string, options?: ForceOptions | number): Promise<void>;
  /**
   * Ends `forceActiveDatabase()` before its time. Failures count again at once, and the next failback check
   * can leave the database. Returns false if no database was forced.
   */
  releaseActiveDatabase(): boolean;
  /**
   * Makes a database ineligible, for example before maintenance: it serves only when no other database
   * can. If the database is active, the best other one becomes active first, and commands in flight finish
   * where they are. `resumeDatabase()` and `setActiveDatabase()` end the drain. Rejects with
   * `DatabaseUnavailableError` if no other database can serve, and with `UnknownDatabaseError`.
   */
  drainDatabase(id: string, options?: DrainOptions | number): Promise<void>;
  /**
   * Ends a drain. The client can return to the database at its next failback check. Returns false if the
   * database was not drained. Throws `UnknownDatabaseError`.
   */
  resumeDatabase(id: string): boolean;
  /**
   * Removes a database, except the last one. If the database is active, it is left first and its pending
   * commands settle. Rejects with `DatabaseUnavailableError` if no other database can serve, and with
   * `UnknownDatabaseError`.
   */
  removeDatabase(id: string): Promise<void>;
  /** Returns the weight of a database. Throws `UnknownDatabaseError`. */
  getWeight(id: string): number;
  /**
   * Changes the weight of a database; takes effect at once. Returns false if it had this weight already.
   * Throws `UnknownDatabaseError`.
   */
  setWeight(id: string, weight: number): boolean;
  /**
   * Adds a health check to a database while commands are running, and returns its name. Its first round
   * begins at once; until its verdict the database stays as healthy as it was. Applies to all duplicates.
   * Throws `UnknownDatabaseError`, and `InvalidOptionError` for a name that a check of the database has.
   */
  addHealthCheck(id: string, healthCheck: OneHealthCheck): string;
  /**
   * Removes a health check by its name, which `client.databases` lists. Throws
   * `UnknownDatabaseError`, and `InvalidOptionError` for an unknown name and for the last full check.
   */
  removeHealthCheck(id: string, name: string): void;
  /** Whether the client returns to a database of higher weight by itself, as steering or the setting says. */
  readonly failbackSupported: boolean;
  /**
   * Turns automatic failback on or off, as the option `failbackSupported` does when the client is created.
   * After it was turned on, the next failback check can return. Applies to all duplicates. Returns false if
   * nothing changed. Throws `InvalidOptionError`.
   */
  setFailbackSupported(supported: boolean): boolean;
  /**
   * Returns whether the health checks of the database pass and its connection is ready. Throws
   * `UnknownDatabaseError`.
   */
  isHealthy(id: string): boolean;
  /** Explains which database is active and why, and what the others lack to become active. */
  explain(): Explanation;
  /** Returns the counters of the client and its databases. Cheap enough for each collection of metrics. */
  stats(): MultiDbStats;

  /**
   * Calls `listener` for each event of this name. An exception in a listener does not affect the client.
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
