import type { CommandArgument } from '../core/command-argument.js';
import { commandTraits } from '../core/command-category.js';
import type { FailureKind } from '../core/command-failure.js';
import { ConnectionSettings } from '../drivers/connection-settings.js';
import type { Attempt, Connection } from '../drivers/driver.js';
import { TemporarilyUnavailableError } from '../errors.js';
import { LoopClock } from '../loop-clock.js';
import type { ClientContext, GroupContext } from '../runtime/command/client-context.js';
import { Command } from '../runtime/command/command.js';
import type { CommandOptions } from '../runtime/command/command-options.js';
import { DataConnection } from '../runtime/command/data-connection.js';
import { RetryQueue } from '../runtime/command/retry-queue.js';
import { ScanCursors } from '../runtime/command/scan-cursors.js';
import { type AttemptListener, SentAttempt } from '../runtime/command/sent-attempt.js';
import { WaitingCommands } from '../runtime/command/waiting-commands.js';
import type { ReconnectingConnection } from '../runtime/connection/reconnecting-connection.js';
import { DatabaseCounters } from '../runtime/counters.js';
import type { Database } from '../runtime/database.js';
import { DeferredRejections } from '../runtime/deferred-rejections.js';
import type { Route } from '../runtime/route.js';
import { ScriptSources } from '../runtime/script-sources.js';
import { VirtualClock } from './virtual-clock.js';

/** A connection that only records the attempts that it is given. */
export class NotedConnection implements Connection {
  ready = true;
  bytesReceived = 0;
  destroyed: Error | undefined;
  readonly sent: Attempt[] = [];

  send(attempt: Attempt): void {
    this.sent.push(attempt);
  }

  withdraw(attempt: Attempt): boolean {
    return !attempt.written;
  }

  identify(): Promise<string> {
    return Promise.resolve('7');
  }

  destroy(error: Error): void {
    this.destroyed = error;
  }

  ref(): void {}
  unref(): void {}
}

/** How a command was settled. */
export interface Settled {
  readonly command: Command;
  readonly reply?: unknown;
  readonly error?: Error & { readonly code?: string; readonly maybeExecuted?: boolean };
  readonly kind?: FailureKind | undefined;
}

/**
 * A client on virtual time, for tests of one of its parts alone: it records the calls that it
 * receives.
 */
export class FakeClientContext implements ClientContext {
  readonly clock = new VirtualClock();
  readonly loop = new LoopClock(this.clock, 10);
  readonly rejections = new DeferredRejections(this.clock);
  readonly waiting = new WaitingCommands(
    new RetryQueue(
      this.clock,
      () => 500,
      () => {},
    ),
  );
  readonly cursors = new ScanCursors();
  readonly outcomes: AttemptListener = {
    onAttemptReply: () => {},
    onAttemptError: (attempt, error) => {
      if (attempt.end()) this.reject(attempt.command, error);
    },
    onAttemptLane: () => {},
  };
  readonly settings = new ConnectionSettings();
  readonly scripts = new ScriptSources();
  readonly cacheValidity = undefined;
  hedging: ClientContext['hedging'];
  readonly onServing = undefined;
  isOpen = true;
  isAlive = true;
  lazy = false;
  active: DataConnection | undefined;
  lastWrite: ClientContext['lastWrite'];
  readonly settled: Settled[] = [];
  readonly resent: Command[] = [];
  readonly suspected: [id: string, why: object][] = [];
  readonly options = {
    suspectAfterMs: 1000,
    commandTimeoutMs: 5000,
    commandDeadlineMs: 10_000,
    maxTransactionConnections: 1,
    fastFailover: false,
    retryOnFailover: false,
    fallbackErrors: undefined as ((error: Error) => boolean) | undefined,
    commandRetry: { maxAttempts: 3, safety: 'read', includedErrors: undefined },
    preloadFunctions: [],
  };
  readonly east = fakeDatabase('east');
  readonly west = fakeDatabase('west');
  route: Route = { generation: 1, database: this.east, lastResort: false, state: 'serving' };
  readonly coordinator: GroupContext;
  /** Repeats that the retry budget still allows. */
  repeatsLeft = Number.POSITIVE_INFINITY;
  #sequence = 0;
  #pending = 0;

  constructor() {
    const { clock, loop, rejections, options } = this;
    const routeOf = () => this.route;
    const suspect = ({ id }: Database, why: object) => this.suspected.push([id, why]);
    const unavailable = (details: { cause: unknown; maybeExecuted: boolean }) =>
      new TemporarilyUnavailableError('every database is down', details);
    this.coordinator = {
      get route() {
        return routeOf();
      },
      runtime: { clock, loop, rejections, options, random: () => 0.5, emit: () => {} },
      databases: new Map([this.east, this.west].map((each) => [each.id, each])),
      get now() {
        return clock.now();
      },
      search: { error: unavailable },
      preparation: { isOwed: () => false },
      health: {
        suspect,
        onBreakerOpened: () => {},
        connections: { onResting: () => {} },
        connectivity: { await: () => {} },
        verification: { isSilent: () => false },
        conditions: { whenSettled: () => new Promise(() => {}) },
        monitors: new Map(),
      },
    } as unknown as GroupContext;
  }

  get pending(): number {
    return this.#pending;
  }

  /** A ready connection to `database`. */
  connect(database: Database, listener: AttemptListener = this.outcomes): DataConnection {
    const connection = new NotedConnection();
    const link = { drop: (error: Error) => connection.destroy(error), rest: () => {} };
    return new DataConnection(
      connection,
      database,
      link as unknown as ReconnectingConnection,
      listener,
      this.loop.time,
    );
  }

  command(args: readonly CommandArgument[], options?: CommandOptions): Command {
    const traits = commandTraits(args);
    const deadline = this.loop.time + this.options.commandDeadlineMs + (traits.blockMs ?? 0);
    const command = new Command(
      this.nextSequence(),
      args,
      options,
      undefined,
      traits,
      deadline,
      () => {},
      () => {},
    );
    this.#pending += 1;
    return command;
  }

  /** A command that is in flight over `channel`; written by default. */
  sent(
    args: readonly CommandArgument[],
    channel: DataConnection,
    { written = true, options }: { written?: boolean; options?: CommandOptions } = {},
  ): SentAttempt {
    const command = this.command(args, options);
    this.transmit(command, channel);
    const attempt = channel.attempts().find((each) => each.command === command) as SentAttempt;
    attempt.written = written;
    return attempt;
  }

  takeFromBudget(): boolean {
    this.repeatsLeft -= 1;
    return this.repeatsLeft >= 0;
  }

  nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

  send(): Promise<unknown> {
    return Promise.resolve();
  }

  admit(command: Command): void {
    this.#pending += 1;
    if ('lease' in command)
      (command as { lease: { dispatch(of: unknown): void } }).lease.dispatch(command);
  }

  transmit(command: Command, channel: DataConnection): void {
    const { time } = this.loop;
    const due = Math.min(time + this.options.commandTimeoutMs, command.deadline);
    const attempt = new SentAttempt(command, channel, time, due, this.route.generation);
    command.state = 'sent';
    command.attempts += 1;
    command.outstanding += 1;
    command.database = channel.database;
    command.latest = attempt;
    channel.add(attempt);
    channel.connection.send(attempt);
  }

  resend(commands: readonly Command[]): void {
    this.resent.push(...commands);
  }

  resolve(command: Command, reply: unknown): void {
    if (!this.#settle(command)) return;
    this.settled.push({ command, reply });
    command.resolve(reply);
  }

  reject(command: Command, error: unknown, kind?: FailureKind): void {
    if (!this.#settle(command)) return;
    this.settled.push({ command, error: error as Error, kind });
    command.reject(error);
  }

  rejectClosed(command: Command): void {
    this.reject(command, new Error('the client is closed'));
  }

  #settle(command: Command): boolean {
    if (command.state === 'settled') return false;
    command.state = 'settled';
    this.#pending -= 1;
    return true;
  }
}

/** A healthy database whose breaker only counts. */
function fakeDatabase(id: string): Database {
  const circuit = { successes: 0, failures: 0, recordSuccess() {}, recordFailure() {} };
  circuit.recordSuccess = () => {
    circuit.successes += 1;
  };
  circuit.recordFailure = () => {
    circuit.failures += 1;
  };
  return {
    id,
    circuit,
    counters: new DatabaseCounters(),
    health: 'healthy',
    driver: {
      classify: () => undefined,
      abortError: () => new Error('aborted'),
      connectTimeoutMs: 1000,
    },
    options: { failureDetector: {}, unhealthyAfterMs: 0 },
  } as unknown as Database;
}
