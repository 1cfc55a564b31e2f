import type { Timer } from '../../clock.js';
import { classify } from '../../core/classify.js';
import { upperCase } from '../../core/command-arguments.js';
import type { FailureKind } from '../../core/command-failure.js';
import { isHedgeable } from '../../core/hedgeable-command.js';
import type { HedgingSettings } from '../../core/hedging-settings.js';
import { LatencyPercentile } from '../../core/latency-percentile.js';
import { selectBest } from '../../core/selection.js';
import { TrafficBudget } from '../../core/traffic-budget.js';
import { isError } from '../../is-error.js';
import type { Database } from '../database.js';
import { limitMs } from './admission.js';
import type { ClientContext, Hedges } from './client-context.js';
import type { Command } from './command.js';
import type { DataConnection } from './data-connection.js';
import type { DataConnections } from './data-connections.js';
import { HedgeAttempt, type HedgeListener, MeasuredAttempt } from './hedge-attempt.js';
import { type AttemptQueue, SentAttempt } from './sent-attempt.js';

/** Length of the window of `maxShare`: a frozen second is a small share of a minute. */
const WINDOW_SECONDS = 60;
/** Shortest time after which a read is hedged by `p99`, in milliseconds. */
const SHORTEST_MS = 5;

/** The error of a command whose last attempt failed while its hedge was in flight. */
interface Deferred {
  readonly error: unknown;
  readonly kind: FailureKind;
}

/**
 * Sends a client's reads that wait for too long to the best standby as well; the first reply counts.
 *
 * At each tick of the loop clock the pending commands are looked at, the oldest first, up to the
 * first that has not waited for long enough: there is no timer and no record per command. As replies
 * may lie in the socket after a stall of the process, a hedge is sent a full turn of the event loop
 * later.
 */
export class Hedging implements Hedges, HedgeListener {
  /** Reads that the client has accepted since hedging began. */
  reads = 0;
  readonly #latency = new LatencyPercentile(0.99);
  readonly #budget: TrafficBudget;
  /** The hedges in flight. */
  readonly #underWay = new Map<Command, HedgeAttempt>();
  readonly #deferred = new Map<Command, Deferred>();
  readonly #turns = new Set<Timer>();
  /** The last attempt of each queue that was looked at. */
  readonly #reached = new WeakMap<AttemptQueue, SentAttempt>();
  /** Commands up to this sequence number have waited for the shortest time and were looked at. */
  #seen = 0;
  /** Commands that were looked at, and that their own options leave more time. */
  #later: Command[] = [];
  /** The shortest `afterMs` in milliseconds of all that were given, also to views. */
  #shortestMs = Number.POSITIVE_INFINITY;
  #usesP99 = false;
  #measured: SentAttempt | undefined;

  constructor(
    private readonly client: ClientContext,
    private readonly connections: DataConnections,
    private readonly byDefault: HedgingSettings | undefined,
  ) {
    const { clock } = client.coordinator.runtime;
    this.#budget = new TrafficBudget({ share: 0, minPerSecond: 0 }, clock.now(), WINDOW_SECONDS);
    if (byDefault !== undefined) this.#note(byDefault);
  }

  /** A read was accepted, with these options of its own. */
  onRead(own: HedgingSettings | false | undefined): void {
    this.reads += 1;
    if (own) this.#note(own);
  }

  #note({ afterMs }: HedgingSettings): void {
    if (afterMs === 'p99') this.#usesP99 = true;
    else if (afterMs < this.#shortestMs) this.#shortestMs = afterMs;
  }

  /** An attempt of a command, which is measured if that is needed. */
  attempt(
    command: Command,
    channel: DataConnection,
    deadline: number,
    generation: number,
  ): SentAttempt {
    const { time } = this.client.loop;
    if (this.#measured?.state === 'under-way' || !this.#isMeasured(command)) {
      return new SentAttempt(command, channel, time, deadline, generation);
    }
    const { clock } = this.client.coordinator.runtime;
    const now = () => clock.now();
    this.#measured = new MeasuredAttempt(
      command,
      channel,
      time,
      deadline,
      generation,
      this.#latency,
      now,
    );
    return this.#measured;
  }

  #isMeasured({ args, traits, batch, options }: Command): boolean {
    const settings = options?.hedging ?? this.byDefault;
    if (settings === false || settings?.afterMs !== 'p99') return false;
    return batch === undefined && isHedgeable(args, traits);
  }

  look(time: number): void {
    const { client } = this;
    const { route } = client.coordinator;
    this.#budget.note(client.loop.now, this.reads);
    if (client.pending === 0 || route.database === undefined || client.cacheValidity !== undefined)
      return;
    const p99Ms = this.#usesP99 ? this.#p99Ms : Number.POSITIVE_INFINITY;
    const shortestMs = Math.min(this.#shortestMs, p99Ms);
    const due: Command[] = [];
    const seen = this.#seen;
    let next = Number.POSITIVE_INFINITY;
    /** Returns false for a command that has not waited for long enough, as all later ones. */
    const consider = (command: Command): boolean => {
      // The deadline of a blocking command does not tell when it was accepted.
      if (command.sequence <= seen || command.traits.blockMs !== undefined) return true;
      const dueAt = this.#acceptedAt(command) + shortestMs;
      if (dueAt > time) {
        next = Math.min(next, dueAt);
        return false;
      }
      this.#seen = Math.max(this.#seen, command.sequence);
      this.#sort(command, time, due);
      return true;
    };
    for (const queue of this.#queues(route.database)) this.#walk(queue, consider);
    for (const command of client.waiting.commands()) consider(command);
    if (this.#later.length > 0) {
      const later = this.#later;
      this.#later = [];
      for (const command of later) this.#sort(command, time, due);
    }
    client.loop.lookAt(next);
    if (due.length === 0) return;
    const turn = client.coordinator.runtime.clock.afterTurn(() => {
      this.#turns.delete(turn);
      this.#hedge(due);
    });
    this.#turns.add(turn);
  }

  /** Puts a command that has waited for the shortest time into `due`, or among the later ones. */
  #sort(command: Command, time: number, due: Command[]): void {
    const { options, batch, args, traits, state } = command;
    const settings = options?.hedging ?? this.byDefault;
    if (!settings || state === 'settled' || batch !== undefined) return;
    if (!isHedgeable(args, traits)) return;
    if (this.#acceptedAt(command) + this.#afterMs(settings) <= time) due.push(command);
    else this.#later.push(command);
  }

  /** Queues of commands that were sent to the active database. */
  *#queues(active: Database): Iterable<AttemptQueue> {
    const { links, channels, draining } = this.connections;
    const link = links.get(active);
    const channel = link && channels.get(link);
    if (channel !== undefined) yield* channel.records();
    for (const old of draining) if (old.database === active) yield* old.records();
  }

  #walk(queue: AttemptQueue, consider: (command: Command) => boolean): void {
    const last = this.#reached.get(queue);
    let at = last?.listed && last.lane === queue ? last.next : queue.oldest;
    for (; at !== undefined; at = at.next) {
      if (!at.isHedge && !consider(at.command)) return;
      this.#reached.set(queue, at);
    }
  }

  /** Loop time. */
  #acceptedAt({ deadline, options }: Command): number {
    return deadline - limitMs(this.client, options);
  }

  #afterMs({ afterMs }: HedgingSettings): number {
    return afterMs === 'p99' ? this.#p99Ms : afterMs;
  }

  get #p99Ms(): number {
    const longest = this.client.coordinator.runtime.options.suspectAfterMs / 2;
    return Math.min(longest, Math.max(SHORTEST_MS, this.#latency.ms ?? longest));
  }

  #hedge(commands: readonly Command[]): void {
    const { client } = this;
    if (!client.isAlive) return;
    const { coordinator } = client;
    const active = coordinator.route.database;
    const target = active && this.#target(active);
    if (active === undefined || target === undefined) return;
    const { maxPendingCommands } = coordinator.runtime.options;
    // Answered reads are pending no longer, but stay in the queues of the silent database.
    let left = maxPendingCommands - client.waiting.size;
    for (const { size } of this.#queues(active)) left -= size;
    for (const command of commands) {
      const settings = command.options?.hedging ?? this.byDefault;
      const isOver = command.state === 'settled' || this.#underWay.has(command);
      if (!settings || isOver || command.database === target.database) continue;
      left -= 1;
      if (left < 0 || !this.#budget.take(client.loop.now, this.reads, settings.maxShare)) {
        active.counters.hedgesSuppressed += 1;
      } else this.#send(command, target);
    }
  }

  /** The connection to the best standby that is eligible and answers. */
  #target(active: Database): DataConnection | undefined {
    const { databases, health, now, preparation } = this.client.coordinator;
    const { links, channels } = this.connections;
    const standbys: Database[] = [];
    for (const each of databases.values()) {
      const link = links.get(each);
      const isThere = link !== undefined && channels.has(link);
      // `beforeFailback` may have to make its data fit for use first.
      if (each !== active && isThere && !preparation.isOwed(each)) standbys.push(each);
    }
    const { isSilent } = health.verification;
    const best = selectBest(standbys, now, { isSilent });
    if (best === undefined || best.lastResort || isSilent(best.view)) return undefined;
    return channels.get(links.get(best.view as Database) as never);
  }

  #send(command: Command, channel: DataConnection): void {
    const { loop, coordinator } = this.client;
    const timeoutMs = command.options?.timeout || coordinator.runtime.options.commandTimeoutMs;
    const deadline = Math.min(loop.time + loop.tickMs + timeoutMs, command.deadline);
    const hedge = new HedgeAttempt(command, channel, loop.time, deadline, this);
    this.#underWay.set(command, hedge);
    channel.database.counters.hedgesSent += 1;
    channel.add(hedge);
    try {
      command.options?.trace?.began(hedge);
      channel.connection.send(hedge);
    } catch (error) {
      this.onHedgeError(hedge, error);
    }
  }

  onHedgeReply(hedge: HedgeAttempt, reply: unknown): void {
    if (!hedge.end()) return;
    const { command, channel } = hedge;
    if (command.state !== 'settled') {
      command.options?.trace?.ended(hedge);
      channel.database.counters.succeeded += 1;
      channel.database.counters.hedgesWon += 1;
      this.client.waiting.remove(command);
      this.client.resolve(command, reply);
    }
    if (channel.draining) this.connections.finishDraining(channel);
  }

  onHedgeError(hedge: HedgeAttempt, error: unknown): void {
    if (!hedge.end()) return;
    const { command, channel } = hedge;
    const { database } = channel;
    const { health, runtime } = this.client.coordinator;
    if (command.state !== 'settled') command.options?.trace?.ended(hedge, { error });
    const { executed, stateWord } = classify(error, {
      driverKind: database.driver.classify(error),
      written: hedge.written,
      proxyErrors: runtime.options.proxyErrors,
      insideResult: false,
      commandName: upperCase(command.args[0]),
    });
    if (executed !== 'no') command.maybeExecuted = true;
    if (stateWord !== undefined) health.suspect(database, { stateWord });
    if (channel.draining) this.connections.finishDraining(channel);
  }

  onHedgeOver({ command }: HedgeAttempt, answered: boolean): void {
    this.#underWay.delete(command);
    const deferred = this.#deferred.get(command);
    this.#deferred.delete(command);
    if (deferred === undefined || answered) return;
    this.client.reject(command, deferred.error, deferred.kind);
  }

  adopt(database: Database, moving: Set<Command>): void {
    for (const [command, hedge] of this.#underWay) {
      // Its command may have been answered already: it is in flight until its own reply.
      if (hedge.channel.database !== database || command.state === 'settled') continue;
      this.#deferred.delete(command);
      // It would be written before older commands that move to the same database.
      const isTakenBack = !hedge.written && hedge.takeBack();
      // A command of the backlog is sent with all others.
      if (command.state === 'backlog') continue;
      this.client.waiting.remove(command);
      if (isTakenBack) {
        command.maybeExecuted ||= command.latest?.written === true;
        moving.add(command);
      } else hedge.adopt();
    }
  }

  forget(command: Command): void {
    const hedge = this.#underWay.get(command);
    this.#deferred.delete(command);
    if (hedge?.written === false) hedge.takeBack();
  }

  doubt(command: Command, error: unknown): void {
    if (this.#underWay.get(command)?.written !== true) return;
    command.maybeExecuted = true;
    if (isError(error) && 'maybeExecuted' in error) error.maybeExecuted = true;
  }

  defers(command: Command, error: unknown, kind: FailureKind): boolean {
    const hedge = this.#underWay.get(command);
    if (hedge === undefined || !hedge.isHedge) return false;
    this.#deferred.set(command, { error, kind });
    return true;
  }

  get commands(): readonly Command[] {
    return [...this.#underWay.keys()];
  }

  end(): void {
    for (const turn of this.#turns) turn.cancel();
    this.#turns.clear();
    this.#later = [];
  }
}
