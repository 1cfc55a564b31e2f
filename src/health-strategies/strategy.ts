import type { CommandArgument } from '../core/command-argument.js';

/** The narrow handle through which a strategy sees one database. */
export interface ProbeTarget {
  /** The id of the database. */
  readonly databaseId: string;
  /** As configured; the path when it is a Unix socket, the first of several otherwise. */
  readonly host: string;
  /** `undefined` for a Unix socket. */
  readonly port: number | undefined;
  /** Whether its data connections are ready at this moment. A lazy standby counts as ready if it was reached last time. */
  readonly connected: boolean;
  /**
   * Sends a command over the probe connection (never the data connection). Rejects with the
   * server's error reply, or when the connection can't be made or breaks.
   */
  sendCommand(args: readonly CommandArgument[]): Promise<unknown>;
  /**
   * Subscribes to a channel over a separate connection, which is opened when it is first needed and
   * reused. Resolves when the server has confirmed. The subscription ends with the probe.
   */
  subscribe(channel: string, onMessage: (message: string) => void): Promise<void>;
  /**
   * On a cluster: one hash tag per master; keys and channels with the tag belong to that master.
   */
  readonly shardTags?: readonly string[] | undefined;
}

/** One probe of one database. */
export interface Probe extends ProbeTarget {
  /** The other databases of the group at this moment, in order of configuration. */
  readonly peers: readonly ProbeTarget[];
  /** Aborts when the probe's `timeoutMs` has passed, or its verdict is no longer wanted. */
  readonly signal: AbortSignal;
  /** Resolves after `ms` milliseconds on the group's clock; rejects when `signal` aborts. */
  wait(ms: number): Promise<void>;
  /**
   * Returns a function that returns the milliseconds since this call, without those during which the
   * event loop was blocked.
   */
  stopwatch(): () => number;
}

/**
 * Runs one probe. Only `true`, or a promise of it, means healthy; another value, an error or the
 * timeout does not. The message of an error becomes the reason in `explain()`.
 */
export type HealthCheckFunction = (probe: Probe) => boolean | Promise<boolean>;

/**
 * - `full`: a failing check makes the database unhealthy, and the active one is left.
 * - `gate`: a failing check keeps a standby from becoming active by failback; the active one is not
 *   left.
 */
export type HealthCheckRole = 'full' | 'gate';

/** A health check: what one probe does. Implement it for a check of your own. */
export interface HealthCheckStrategy {
  /**
   * Resolves to true when the database is healthy. False, an error and a timeout mean unhealthy.
   */
  readonly check: HealthCheckFunction;
  /** Name in `explain()` and errors. Default: the name of the class or function. */
  readonly name?: string;
  /** Default: `full`. */
  readonly role?: HealthCheckRole;
  /** Called once when the group that uses the strategy ends. */
  close?(): void | Promise<void>;
}
