import type { CommandArgument } from '../../core/command-argument.js';
import { commandTraits } from '../../core/command-category.js';
import type { FailureKind } from '../../core/command-failure.js';
import type { CommandTraits } from '../../core/command-risk.js';
import { retryWaitMs } from '../../core/retry.js';
import { TrafficBudget } from '../../core/traffic-budget.js';
import { ConnectionSettings } from '../../drivers/connection-settings.js';
import type { Batch } from '../../drivers/driver.js';
import { ClientClosedError } from '../../errors.js';
import { abort, listenForAbort } from '../command/abort-signal.js';
import { deadlineOf, refusalOf } from '../command/admission.js';
import { AwaitedCommand } from '../command/awaited-command.js';
import { BlockingCommands } from '../command/blocking-commands.js';
import type { CacheValidity } from '../command/cache-validity.js';
import type { ClientContext } from '../command/client-context.js';
import { Command } from '../command/command.js';
import type { CommandOptions } from '../command/command-options.js';
import { countFailure, countMoved, countSuppressed } from '../command/counting.js';
import type { DataConnection } from '../command/data-connection.js';
import { DataConnections } from '../command/data-connections.js';
import { boundElsewhere } from '../command/database-binding.js';
import { Deadlines } from '../command/deadlines.js';
import { Hedging } from '../command/hedging.js';
import { openPromise } from '../command/open-promise.js';
import { endOutageWaits, restartDeadlines, waitInBacklog } from '../command/outage-waits.js';
import { Outcomes } from '../command/outcomes.js';
import { keepWrite } from '../command/read-only.js';
import { prepare } from '../command/remembered-commands.js';
import { RetryQueue } from '../command/retry-queue.js';
import { resume } from '../command/retrying.js';
import { ScanCursors } from '../command/scan-cursors.js';
import { type InFlightConnection, SentAttempt } from '../command/sent-attempt.js';
import { takeOver } from '../command/takeover.js';
import { WaitingCommands } from '../command/waiting-commands.js';
import type { Coordinator } from '../failover/coordinator.js';
import type { RouteChange } from '../route.js';
import { LeasedCommand } from '../transaction/lease.js';
import { TransactionConnections } from '../transaction/transaction-connections.js';

const BATCH_TRAITS: CommandTraits = Object.freeze({
  category: 'never',
  blockMs: undefined,
  concerns: undefined,
});

/**
 * One client's commands. Every accepted command waits in the backlog, is in progress on a channel,
 * or waits for a retry, until it settles. Commands follow the route; when it changes they move
 * (`takeover.ts`). `outcomes.ts` judges how attempts end, `deadlines.ts` what is overdue.
 */
export class Executor implements ClientContext {
  /** Number of pending commands. */
  pending = 0;
  readonly waiting: WaitingCommands;
  readonly blocking: BlockingCommands = new BlockingCommands(this, (lane, error) =>
    this.connections.leave(lane, error),
  );
  readonly connections: DataConnections = new DataConnections(this, this.blocking);
  readonly outcomes: Outcomes = new Outcomes(this, this.connections, this.blocking);
  readonly cursors = new ScanCursors();
  readonly transactionConnections: TransactionConnections = new TransactionConnections(
    this,
    this.connections,
  );
  /** The connection of the latest write whose outcome the caller knows. */
  lastWrite: InFlightConnection | undefined;
  /** Set once reads may be hedged. */
  hedging: Hedging | undefined;
  /** Set only with a client-side cache. */
  cacheValidity: CacheValidity | undefined;
  /** Converts an error of the engine, or of one of its commands, into that of the client's API. */
  toClientError: (error: unknown, command?: Command) => unknown = (error) => error;
  /** Called when the active database or the connection to it changes. */
  onServing: (() => void) | undefined;
  /** Whether the client can serve or could once; false while it is still joining its group. */
  entered = false;
  #sequence = 0;
  #open = false;
  #ended = false;
  #onIdle: (() => void) | undefined;
  #finishing: Promise<void> | undefined;
  readonly #deadlines: Deadlines;
  readonly #budget: TrafficBudget | undefined;
  readonly #stopListening: () => void;

  constructor(
    readonly coordinator: Coordinator,
    readonly settings = new ConnectionSettings(),
  ) {
    const { clock, random, options } = coordinator.runtime;
    const { budget } = options.commandRetry;
    this.#budget = budget === undefined ? undefined : new TrafficBudget(budget, clock.now());
    const retries = new RetryQueue(
      clock,
      (attempt) => retryWaitMs(attempt, options.commandRetry, random()),
      (commands) => resume(this, commands),
    );
    this.waiting = new WaitingCommands(retries);
    if (options.hedging !== undefined) {
      this.hedging = new Hedging(this, this.connections, options.hedging);
    }
    this.#deadlines = new Deadlines(this, this.connections);
    const stops = [
      coordinator.router.listen((change) => this.#onRouteChange(change)),
      coordinator.health.renewal.listen((database, why) => {
        this.connections.renew(database);
        this.transactionConnections.renew(database, why);
      }),
      coordinator.health.writability.listen((database) => {
        if (coordinator.route.database !== database) return;
        this.resend(restartDeadlines(this, this.blocking, this.waiting.takeWrites()));
        this.transactionConnections.onWritable();
      }),
    ];
    this.#stopListening = () => {
      for (const stop of stops) stop();
    };
  }

  get loop() {
    return this.coordinator.runtime.loop;
  }

  get scripts() {
    return this.coordinator.runtime.scripts;
  }

  get rejections() {
    return this.coordinator.runtime.rejections;
  }

  /** Whether standbys have no data connection. */
  get lazy(): boolean {
    return this.coordinator.runtime.options.standbyConnections === 'lazy';
  }

  /** Starts to accept commands. */
  open(): void {
    this.#open = true;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Whether the client is open, or finishing accepted commands. */
  get isAlive(): boolean {
    return !this.#ended;
  }

  /** The ready connection to the active database. */
  get active(): DataConnection | undefined {
    return this.connections.active;
  }

  /** Whether a connection to the active database takes commands now. */
  get ready(): boolean {
    return this.connections.active !== undefined;
  }

  /** Like `ready`, but also true while a ready connection replaces another one. */
  get serves(): boolean {
    return this.ready || this.connections.isHandingOver;
  }

  /** Accepts a command; the promise settles within `commandDeadlineMs` plus its block time. */
  send(
    args: readonly CommandArgument[],
    options?: CommandOptions,
    batch?: Batch,
  ): Promise<unknown> {
    const refused = this.#refused(options);
    if (refused !== undefined) return refused;
    const { promise, resolve, reject } = openPromise();
    try {
      this.#accept(args, options, batch, resolve, reject);
    } catch (error) {
      reject(error);
    }
    return promise;
  }

  /** Like `send`, for a single command that settles by calls of `resolve` or `reject`. */
  call(
    args: readonly CommandArgument[],
    options: CommandOptions | undefined,
    resolve: (reply: unknown) => void,
    reject: (error: unknown) => void,
  ): void {
    const refused = this.#refused(options);
    if (refused !== undefined) {
      refused.catch(reject);
      return;
    }
    try {
      this.#accept(args, options, undefined, resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  /** Throws only if the error of the caller can't be handled: it is hostile, or the stack is full. */
  #accept(
    args: readonly CommandArgument[],
    options: CommandOptions | undefined,
    batch: Batch | undefined,
    resolve: (reply: unknown) => void,
    reject: (error: unknown) => void,
  ): void {
    try {
      const traits = batch === undefined ? commandTraits(args) : BATCH_TRAITS;
      const deadline = deadlineOf(this, this.blocking, traits, options);
      const sequence = this.nextSequence();
      let sent = batch;
      let settle = resolve;
      if (batch !== undefined || traits.concerns !== undefined) {
        const prepared = prepare(this, args, traits, batch);
        sent = prepared.batch;
        const { note } = prepared;
        if (note !== undefined) {
          settle = (reply) => {
            note(reply);
            resolve(reply);
          };
        }
      }
      this.admit(new Command(sequence, args, options, sent, traits, deadline, settle, reject));
    } catch (error) {
      this.#refuse(error, 'caller').catch(reject);
    }
  }

  /** Like `send`, for a single `await` in an `async` function. */
  answer(args: readonly CommandArgument[], options?: CommandOptions): PromiseLike<unknown> {
    const refused = this.#refused(options);
    if (refused !== undefined) return refused;
    try {
      const traits = commandTraits(args);
      const { concerns } = traits;
      if (concerns !== undefined && concerns !== 'script') return this.send(args, options);
      const batch = concerns === undefined ? undefined : this.scripts.callOf(args);
      const deadline = deadlineOf(this, this.blocking, traits, options);
      const command = new AwaitedCommand(
        this.nextSequence(),
        args,
        options,
        traits,
        deadline,
        batch,
      );
      this.admit(command);
      return command as unknown as PromiseLike<unknown>;
    } catch (error) {
      return this.#refuse(error, 'caller');
    }
  }

  #refused(options: CommandOptions | undefined): Promise<never> | undefined {
    const refusal = refusalOf(this, options);
    return refusal && this.#refuse(refusal.error, refusal.kind);
  }

  /** The command is pending from now on. */
  admit(command: Command): void {
    const { options } = command;
    if (options !== undefined) {
      // Comes first, because it throws for invalid arguments of the caller.
      if (options.abortSignal) listenForAbort(this, command, options.abortSignal);
      if (options.hedging) this.hedging ??= new Hedging(this, this.connections, undefined);
    }
    if (this.hedging !== undefined && command.traits.category === 'read') {
      this.hedging.onRead(options?.hedging);
    }
    const { blockMs } = command.traits;
    if (blockMs !== undefined) this.blocking.began(blockMs);
    this.pending += 1;
    try {
      this.#deadlines.watch();
      this.dispatch(command);
    } catch (error) {
      // The stack is full: nothing can be called here that needs more of it than what was called before.
      if (command.state !== 'settled') {
        command.state = 'settled';
        this.pending -= 1;
        if (blockMs !== undefined) this.blocking.ended(blockMs);
      }
      throw error;
    }
  }

  nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

  takeFromBudget(command: Command): boolean {
    if (this.#budget?.take(this.coordinator.now, this.#sequence) ?? true) return true;
    countSuppressed(command);
    return false;
  }

  /**
   * Counts an operation of several commands as pending, under the limits of a command. Throws if it
   * is refused. The returned function ends it.
   */
  begin(): () => void {
    const refusal = refusalOf(this, undefined);
    if (refusal !== undefined) throw refusal.error;
    this.pending += 1;
    return () => {
      this.pending -= 1;
      if (this.pending === 0) this.#onIdle?.();
    };
  }

  /** Sends a command to the active database, or keeps it until there is a connection. */
  dispatch(command: Command): void {
    try {
      this.#dispatch(command);
    } catch (error) {
      // An invalid argument must not affect the other commands that are dispatched together.
      this.reject(command, error, 'caller');
    }
  }

  #dispatch(command: Command): void {
    if (this.#ended) {
      this.rejectClosed(command);
      return;
    }
    const channel = this.connections.active;
    if (command.traits.category === 'database-bound') {
      if (command instanceof LeasedCommand) {
        command.lease.dispatch(command);
        return;
      }
      const flaw = boundElsewhere(this, command);
      if (flaw !== undefined) {
        this.reject(command, flaw);
        return;
      }
    }
    if (channel === undefined) {
      waitInBacklog(this, command);
      return;
    }
    if (channel.database.readOnly && keepWrite(this, command)) return;
    this.transmit(command, channel);
  }

  /** Makes one attempt over `channel`. */
  transmit(command: Command, channel: DataConnection): void {
    const { time, tickMs } = this.loop;
    const { commandTimeoutMs } = this.coordinator.runtime.options;
    const timeoutMs =
      (command.options?.timeout || commandTimeoutMs) + this.blocking.prepare(command, channel);
    const deadline = Math.min(time + tickMs + timeoutMs, command.deadline);
    const { generation } = this.coordinator.route;
    const attempt =
      this.hedging === undefined
        ? new SentAttempt(command, channel, time, deadline, generation)
        : this.hedging.attempt(command, channel, deadline, generation);
    command.state = 'sent';
    command.attempts += 1;
    command.outstanding += 1;
    command.database = channel.database;
    command.latest = attempt;
    channel.add(attempt);
    if (command.traits.category === 'database-bound') this.cursors.prepare(attempt);
    command.options?.trace?.began(attempt);
    try {
      channel.connection.send(attempt);
    } catch (error) {
      // The stack is full: `Deadlines` removes the attempt from its queue.
      attempt.state = 'taken-back';
      throw error;
    }
  }

  /**
   * Dispatches commands from several sources together with the backlog, in order of acceptance;
   * without a connection they join the backlog.
   */
  resend(commands: readonly Command[]): void {
    let all = commands;
    if (this.ready) {
      all = [...commands, ...this.waiting.takeBacklog()].sort((a, b) => a.sequence - b.sequence);
      countMoved(this.coordinator, all);
    }
    for (const command of all) {
      if (command.state === 'settled') continue;
      if (command.options?.abortSignal?.aborted) abort(this, command);
      else this.dispatch(command);
    }
  }

  resolve(command: Command, reply: unknown): void {
    if (this.#settle(command)) command.resolve(reply);
  }

  /** `kind` is the classification of the error; undefined for an error of the engine. */
  reject(command: Command, error: unknown, kind?: FailureKind): void {
    this.hedging?.doubt(command, error);
    if (!this.#settle(command)) return;
    countFailure(this.coordinator, error, kind, command);
    const told = this.toClientError(error, command);
    // A lease must know at once. A reply has already taken a turn of the loop.
    if (command instanceof LeasedCommand || kind === 'application-reply') command.reject(told);
    else this.rejections.add(command, told);
  }

  rejectClosed(command: Command): void {
    const { maybeExecuted, databaseId } = command;
    this.reject(command, ClientClosedError.disconnected({ maybeExecuted, databaseId }));
  }

  /** Stops accepting commands; resolves when every accepted command has settled. Idempotent. */
  finish(): Promise<void> {
    this.#finishing ??= this.#finish();
    return this.#finishing;
  }

  async #finish(): Promise<void> {
    this.#open = false;
    endOutageWaits(this, this.blocking);
    if (this.pending > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    await this.rejections.delivered;
  }

  /** Rejects pending commands and closes every connection. Idempotent. */
  end(): void {
    this.#open = false;
    this.#ended = true;
    this.#stopListening();
    this.transactionConnections.end();
    const channels = [...this.connections.channels.values(), ...this.connections.draining];
    const under = channels.flatMap((channel) => channel.attempts());
    for (const attempt of under) {
      if (!attempt.takeBack()) attempt.abandon();
    }
    for (const command of [...this.waiting.takeAll(), ...under.map((attempt) => attempt.command)]) {
      this.rejectClosed(command);
    }
    this.connections.end(new ClientClosedError());
    this.hedging?.end();
    this.cacheValidity?.close();
    this.#deadlines.end();
    this.onServing?.();
  }

  #refuse(error: unknown, kind?: FailureKind): Promise<never> {
    countFailure(this.coordinator, error, kind);
    return this.rejections.reject(this.toClientError(error));
  }

  #onRouteChange(change: RouteChange): void {
    const { database } = change.to;
    const link = database === undefined ? undefined : this.connections.links.get(database);
    if (link !== undefined) {
      if (this.entered) link.requiredForAvailability = true;
      link.open();
    }
    this.cacheValidity?.refresh();
    takeOver(this, this.connections, this.blocking, change);
    this.transactionConnections.onRouteChange(change);
    if (change.from.generation === 0) this.connections.restOthers();
    this.onServing?.();
  }

  #settle(command: Command): boolean {
    if (command.state === 'settled') return false;
    command.state = 'settled';
    this.pending -= 1;
    command.removeAbortListener?.();
    const { blockMs } = command.traits;
    if (blockMs !== undefined) this.blocking.ended(blockMs);
    if (command.outstanding > 0) this.#forgetAttempts(command);
    this.hedging?.forget(command);
    if (this.pending === 0) this.#onIdle?.();
    return true;
  }

  /**
   * A command settled while its attempts are in flight: those that are unwritten are never written.
   */
  #forgetAttempts(command: Command): void {
    const { latest } = command;
    if (latest?.written === false) latest.takeBack();
    const { draining } = this.connections;
    for (const channel of [...draining]) this.connections.finishDraining(channel);
  }
}
