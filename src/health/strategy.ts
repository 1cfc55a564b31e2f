import type { CommandArgument } from '../drivers/driver.js';

/** What a strategy sees of the database that it probes: nothing else, and nothing to break. */
export interface Probe {
  readonly databaseId: string;
  /**
   * Sends a command over the probe connection (never the data connection). Rejects with the
   * server's error reply, or when the connection can't be made or breaks.
   */
  sendCommand(args: readonly CommandArgument[]): Promise<unknown>;
  /** Aborts when the probe's `timeoutMs` has passed, or its verdict is no longer wanted. */
  readonly signal: AbortSignal;
}

/**
 * One probe. `true` (or a promise of it) means healthy; anything else, a throw, a rejection or
 * the timeout do not. A rejection's message becomes the reason that `explain()` shows.
 */
export type HealthCheckFunction = (probe: Probe) => boolean | Promise<boolean>;

export interface HealthCheckStrategy {
  readonly check: HealthCheckFunction;
  /** Shown in `explain()` and errors. Default: the class's or function's name. */
  readonly name?: string;
  /** Called once when the group that uses the strategy ends. */
  close?(): void | Promise<void>;
}
