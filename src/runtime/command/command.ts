import type { CommandArgument } from '../../core/command-argument.js';
import type { CommandTraits } from '../../core/command-risk.js';
import type { Batch } from '../../drivers/driver.js';
import type { Database } from '../database.js';
import type { CommandOptions } from './command-options.js';

/** The latest attempt as its command sees it. */
export interface LatestAttempt {
  /** Whether it was, or may have been, encoded for the socket. */
  readonly written: boolean;
  /** Whether a newer connection has replaced that of the attempt. */
  readonly isSuperseded: boolean;
  /** Returns true if it was not written and never will be. */
  takeBack(): boolean;
}

/**
 * One command of a caller, from the call until it settles.
 *
 * - `backlog`: accepted, waits for a connection
 * - `sent`: at least one attempt is in flight
 * - `waiting`: waits before its next attempt
 * - `settled`
 */
export class Command {
  state: 'backlog' | 'sent' | 'waiting' | 'settled' = 'backlog';
  /** Number of attempts; those that were taken back unwritten do not count. */
  attempts = 0;
  /** Attempts in flight: more than one after a takeover, when the first reply counts. */
  outstanding = 0;
  /** Whether any attempt may have been executed. */
  maybeExecuted = false;
  latest: LatestAttempt | undefined;
  lastError: unknown;
  /** The database of the latest attempt. */
  database: Database | undefined;
  /** Loop time at which its block time is over; `undefined`: it has not begun. */
  blockEndsAt: number | undefined;
  removeAbortListener: (() => void) | undefined;

  constructor(
    /** Sequence number in order of acceptance; keeps the order through every takeover. */
    readonly sequence: number,
    public args: readonly CommandArgument[],
    readonly options: CommandOptions | undefined,
    readonly batch: Batch | undefined,
    readonly traits: CommandTraits,
    /** Loop time by which the command settles. Later after an outage that it has waited for. */
    public deadline: number,
    public resolve: (reply: unknown) => void,
    public reject: (error: unknown) => void,
  ) {}

  get databaseId(): string | undefined {
    return this.database?.id;
  }
}
