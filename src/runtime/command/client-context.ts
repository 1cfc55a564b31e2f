import type { CommandArgument } from '../../core/command-argument.js';
import type { FailureKind } from '../../core/command-failure.js';
import type { ConnectionSettings } from '../../drivers/connection-settings.js';
import type { LoopClock } from '../../loop-clock.js';
import type { Database } from '../database.js';
import type { DeferredRejections } from '../deferred-rejections.js';
import type { Coordinator } from '../failover/coordinator.js';
import type { ScriptSources } from '../script-sources.js';
import type { Command } from './command.js';
import type { DataConnection } from './data-connection.js';
import type { ScanCursors } from './scan-cursors.js';
import type { AttemptListener, InFlightConnection } from './sent-attempt.js';
import type { WaitingCommands } from './waiting-commands.js';

/** The view that commands have of their group. */
export type GroupContext = Pick<
  Coordinator,
  'route' | 'runtime' | 'health' | 'search' | 'databases' | 'now' | 'preparation'
>;

/** Called when earlier values may be invalid. */
export interface ReadObserver {
  /** The active database, or the connection to it, may have changed. */
  refresh(): void;
  /** The server announced over `channel` that a key has changed; `null`: any may have. */
  onInvalidate(channel: DataConnection, key: CommandArgument | null): void;
}

/** The reads of a client that were sent to a standby as well. */
export interface Hedges {
  /** Sends reads that wait for too long to a standby as well. `time` is loop time. */
  look(time: number): void;
  /**
   * The hedges on `database`, which is active now, become attempts like all others. Takes back those
   * that are not written, and adds their commands to `moving`.
   */
  adopt(database: Database, moving: Set<Command>): void;
  /** The command has settled: an unwritten hedge is never written. */
  forget(command: Command): void;
  /**
   * Whether a hedge of the command is in flight, whose reply may still settle it. If it fails, the
   * command is rejected with `error`.
   */
  defers(command: Command, error: unknown, kind: FailureKind): boolean;
  /** The command is about to be rejected: its written hedge may have been executed. */
  doubt(command: Command, error: unknown): void;
  /** The commands whose hedges are in flight. */
  readonly commands: readonly Command[];
}

/**
 * The narrow view of one client for the parts that handle its commands: takeover, outcomes,
 * deadlines, blocking commands, connections, transactions, aborts. Each part gets this view and the
 * parts that it uses, so that it can be tested alone.
 */
export interface ClientContext {
  readonly coordinator: GroupContext;
  readonly loop: LoopClock;
  readonly rejections: DeferredRejections;
  /** What the client tells servers about itself on every connection. */
  readonly settings: ConnectionSettings;
  /** The scripts that the clients of the group have loaded. */
  readonly scripts: ScriptSources;
  readonly waiting: WaitingCommands;
  readonly cursors: ScanCursors;
  /** Called when attempts end. */
  readonly outcomes: AttemptListener;
  /** Set only while reads may be hedged. */
  readonly hedging: Hedges | undefined;
  /** Set only with a client-side cache. */
  readonly cacheValidity: ReadObserver | undefined;
  /** Called when the active database or the connection to it changes. */
  readonly onServing: (() => void) | undefined;
  /** Whether the client accepts commands. */
  readonly isOpen: boolean;
  /** Whether the client is open, or finishing accepted commands. */
  readonly isAlive: boolean;
  /** Whether standbys have no data connection. */
  readonly lazy: boolean;
  /** Number of pending commands. */
  readonly pending: number;
  /** The ready connection to the active database. */
  readonly active: DataConnection | undefined;
  /** The connection of the latest write whose outcome the caller knows. */
  lastWrite: InFlightConnection | undefined;

  nextSequence(): number;
  /**
   * Whether `commandRetry.budget` allows another repeat of the command. Takes it from the budget, or
   * counts it as suppressed.
   */
  takeFromBudget(command: Command): boolean;
  send(args: readonly CommandArgument[]): Promise<unknown>;
  /** `command` is pending from now on. */
  admit(command: Command): void;
  /** Makes one attempt over `channel`. */
  transmit(command: Command, channel: DataConnection): void;
  /**
   * Dispatches commands from several sources together with the backlog, in order of acceptance;
   * without a connection they join the backlog.
   */
  resend(commands: readonly Command[]): void;
  resolve(command: Command, reply: unknown): void;
  /** `kind` is the classification of the error; undefined for an error of the engine. */
  reject(command: Command, error: unknown, kind?: FailureKind): void;
  rejectClosed(command: Command): void;
}
