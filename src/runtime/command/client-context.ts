import type { CommandArgument } from '../../core/command-argument.js';
import type { FailureKind } from '../../core/command-failure.js';
import type { LoopClock } from '../../loop-clock.js';
import type { Coordinator } from '../failover/coordinator.js';
import type { Command } from './command.js';
import type { DataConnection } from './data-connection.js';
import type { DeferredRejections } from './deferred-rejections.js';
import type { ScanCursors } from './scan-cursors.js';
import type { AttemptListener, InFlightConnection } from './sent-attempt.js';
import type { WaitingCommands } from './waiting-commands.js';

/** The group of a client, as far as its commands ask and tell it. */
export type GroupContext = Pick<
  Coordinator,
  'route' | 'runtime' | 'health' | 'search' | 'databases' | 'now'
>;

/** Told when what was read before may not hold any more. */
export interface ReadObserver {
  /** The active database, or the connection to it, may be another one. */
  refresh(): void;
  /** The server says over `channel` that a key has changed; `null`: any may have. */
  onInvalidate(channel: DataConnection, key: CommandArgument | null): void;
}

/**
 * One client, as the parts see it that look after its commands: takeover, outcomes, deadlines,
 * blocking commands, connections, transactions, aborts. Each gets this and the parts that it works
 * on, so each can be tested alone.
 */
export interface ClientContext {
  readonly coordinator: GroupContext;
  readonly loop: LoopClock;
  readonly rejections: DeferredRejections;
  readonly waiting: WaitingCommands;
  readonly cursors: ScanCursors;
  /** Told how attempts end. */
  readonly outcomes: AttemptListener;
  /** Only where what was read is kept. */
  readonly cacheValidity: ReadObserver | undefined;
  /** Told when the active database, or the connection to it, is another one. */
  readonly onServing: (() => void) | undefined;
  /** Accepts commands. */
  readonly isOpen: boolean;
  /** Open, or finishing what it accepted. */
  readonly isAlive: boolean;
  /** Standbys have no data connection. */
  readonly lazy: boolean;
  /** Commands accepted and not settled. */
  readonly pending: number;
  /** The ready connection to the active database. */
  readonly active: DataConnection | undefined;
  /** Over which the latest write went of which the caller heard anything. */
  lastWrite: InFlightConnection | undefined;

  nextSequence(): number;
  send(args: readonly CommandArgument[]): Promise<unknown>;
  /** From here on `command` is pending. */
  admit(command: Command): void;
  /** Makes one attempt over `channel`. */
  transmit(command: Command, channel: DataConnection): void;
  /**
   * Dispatches what may come from several places, together with the backlog and in order of
   * acceptance; without a connection it joins the backlog.
   */
  resend(commands: readonly Command[]): void;
  resolve(command: Command, reply: unknown): void;
  /** `kind`: what the error was classified as; undefined: the engine made it. */
  reject(command: Command, error: unknown, kind?: FailureKind): void;
  rejectClosed(command: Command): void;
}
