import type { CommandArgument } from '../core/command-argument.js';

/** One database as a strategy sees it: a narrow handle with nothing to break. */
export interface ProbeTarget {
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
   * Subscribes to a channel over a connection of its own, opened when it is first needed and
   * reused. Resolves when the server has confirmed. The subscription ends with the probe.
   */
  subscribe(channel: string, onMessage: (message: string) => void): Promise<void>;
  /** On a cluster: one hash tag per master, so that a key or channel with it lies there. */
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
}

/**
 * One probe. `true` (or a promise of it) means healthy; anything else, a throw, a rejection or
 * the timeout do not. A rejection's message becomes the reason that `explain()` shows.
 */
export type HealthCheckFunction = (probe: Probe) => boolean | Promise<boolean>;

/**
 * - `full`: a failing check makes the database unhealthy, and the active one is left.
 * - `gate`: a failing check keeps a standby from being failed back to; it evicts nobody.
 */
export type HealthCheckRole = 'full' | 'gate';

export interface HealthCheckStrategy {
  readonly check: HealthCheckFunction;
  /** Shown in `explain()` and errors. Default: the class's or function's name. */
  readonly name?: string;
  /** Default: `full`. */
  readonly role?: HealthCheckRole;
  /** Called once when the group that uses the strategy ends. */
  close?(): void | Promise<void>;
}
