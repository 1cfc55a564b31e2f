import type { Timer } from '../../clock.js';
import type { SubscriptionAction } from '../../core/held-subscriptions.js';
import type { SubscriptionKind } from '../../core/subscription-kind.js';
import {
  type MessageMode,
  type PubSubListener,
  type SubscribingCall,
  WantedSubscriptions,
} from '../../core/wanted-subscriptions.js';
import type { ConnectionSettings } from '../../drivers/connection-settings.js';
import { ClientClosedError, CommandTimeoutError, OverloadedError } from '../../errors.js';
import type { DataConnections } from '../command/data-connections.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { Coordinator } from '../failover/coordinator.js';
import type { RouteChange } from '../route.js';
import type { Emit } from '../safe-emitter.js';
import { deliver } from './message-delivery.js';
import { type Waiter, WaitingCalls } from './pending-calls.js';
import { SubscriptionReport } from './restored-report.js';
import {
  SubscriberConnection,
  type SubscriberConnectionListener,
} from './subscriber-connection.js';
import { SubscriberConnections } from './subscriber-connections.js';

/**
 * How long a subscriber connection without subscriptions is kept for the next one, in milliseconds.
 */
const LINGER_MS = 1000;

interface Settling {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Subscribing extends SubscribingCall, Waiter, Settling {
  readonly names: readonly string[];
  /** The state reply with which the server refuses to subscribe. */
  lastError: unknown;
}

interface Unsubscribing extends Waiter, Settling {}

/** The client whose databases the subscriptions follow. */
export interface SubscribingClient {
  readonly coordinator: Coordinator;
  readonly connections: DataConnections;
  readonly settings: ConnectionSettings;
}

/**
 * The subscriptions of one client. The wanted names are recorded once (`wanted`), and every
 * subscriber connection is synchronised with them, so that no event of a connection or database can
 * lose a subscription. Messages are delivered from one connection only, the current one to the
 * active database, so that none is delivered twice.
 *
 * `wanted` outlives `end`: the next `begin` subscribes again, as in node-redis.
 */
export class Subscriptions implements SubscriberConnectionListener {
  readonly wanted = new WantedSubscriptions();
  readonly #lines: SubscriberConnections;
  readonly #subscribing: WaitingCalls<Subscribing>;
  readonly #unsubscribing: WaitingCalls<Unsubscribing>;
  readonly #report: SubscriptionReport;
  #client: SubscribingClient | undefined;
  /** The active database, or the latest one while there is none. */
  #current: Database | undefined;
  #keepsAlive = true;
  #stopListening = () => {};
  #linger: Timer | undefined;
  #hasEnded = false;

  /**
   * `runtime` returns the context of the present or next connect; `emit` emits to this client only.
   */
  constructor(
    private readonly runtime: () => EngineContext,
    private readonly emit: Emit,
  ) {
    const { commandDeadlineMs } = runtime().options;
    this.#subscribing = new WaitingCalls(commandDeadlineMs, (call) => {
      this.#fail(call, this.#timeoutError(call));
    });
    this.#unsubscribing = new WaitingCalls(commandDeadlineMs, (call) => this.#unsubscribed(call));
    this.#report = new SubscriptionReport(runtime, emit, this.wanted);
    this.#lines = new SubscriberConnections((database) => {
      const { coordinator } = this.#client as SubscribingClient;
      return new SubscriberConnection(database, coordinator, this.wanted, this, this.#keepsAlive);
    });
  }

  get settings(): ConnectionSettings | undefined {
    return this.#client?.settings;
  }

  /** Subscribes whenever a database is active, until `end`. */
  begin(client: SubscribingClient): void {
    this.#client = client;
    this.#hasEnded = false;
    const { coordinator } = client;
    const stopRouting = coordinator.router.listen((change) => this.#onRouteChange(change));
    const stopRenewal = coordinator.health.renewal.listen((database) => {
      this.#lines.renew(database);
    });
    client.connections.onDatabases = () => this.#connect();
    this.#stopListening = () => {
      stopRouting();
      stopRenewal();
      client.connections.onDatabases = undefined;
    };
    this.#current = coordinator.route.database;
    this.#subscribing.restart(coordinator.runtime.loop);
    this.#connect();
  }

  /** Closes every connection and rejects the calls in progress. Idempotent. */
  end(error: Error): void {
    this.#stopListening();
    this.#hasEnded = true;
    this.#client = undefined;
    this.#current = undefined;
    this.#linger?.cancel();
    this.#linger = undefined;
    this.#report.end();
    this.#lines.closeAll(error);
    for (const waiter of this.#unsubscribing.all()) this.#unsubscribed(waiter);
    for (const call of this.#subscribing.all()) this.#fail(call, error);
  }

  ref(): void {
    this.#keepsAlive = true;
    for (const line of this.#lines) line.ref();
  }

  unref(): void {
    this.#keepsAlive = false;
    for (const line of this.#lines) line.unref();
  }

  /**
   * Resolves when the server of the active database has confirmed all names; if the active database
   * changes meanwhile, the server of the new one. Rejects with the server's refusal, with
   * `CommandTimeoutError` after `commandDeadlineMs`, with `ClientClosedError`, or with
   * `OverloadedError`; the names of the call are then no longer wanted.
   *
   * Before the first `begin` it waits for that, as node-redis does.
   */
  subscribe(
    kind: SubscriptionKind,
    names: readonly string[],
    listener: PubSubListener,
    mode: MessageMode,
  ): Promise<void> {
    const { loop, options } = this.runtime();
    if (this.#hasEnded) return Promise.reject(new ClientClosedError());
    if (this.#subscribing.size >= options.maxPendingCommands) {
      const message = `${this.#subscribing.size} subscriptions are pending (maxPendingCommands)`;
      return Promise.reject(new OverloadedError(message));
    }
    return new Promise((resolve, reject) => {
      const all = [...new Set(names)];
      const missing = new Set(all.filter((name) => !this.#isInForce(kind, name)));
      const waiting = { missing, deadline: 0, lastError: undefined, resolve, reject };
      const call: Subscribing = { kind, names: all, mode, listener, ...waiting };
      this.wanted.add(call);
      if (call.missing.size === 0) {
        this.wanted.establish(call);
        resolve();
        return;
      }
      this.#subscribing.add(call, loop);
      this.#linger?.cancel();
      this.#linger = undefined;
      this.#connect();
      for (const name of call.missing) this.#activeLine?.sync?.held.retry(kind, name);
      this.#look(kind, call.missing);
    });
  }

  /**
   * Takes effect at once: later messages are not delivered. Resolves when the server of the active
   * database has confirmed, when its connection is lost, or after `commandDeadlineMs`. Rejects only
   * with the server's refusal. Without `names`: everything of the kind.
   */
  unsubscribe(
    kind: SubscriptionKind,
    names?: readonly string[],
    listener?: PubSubListener,
    mode?: MessageMode,
  ): Promise<void> {
    const { unwanted, affected } = this.wanted.remove(kind, names, listener, mode);
    for (const { call, name } of affected) this.#found(call as Subscribing, name);
    this.#closeIfUnused();
    const line = this.#activeLine;
    const held = unwanted.filter((name) => line?.sync?.held.state(kind, name) !== undefined);
    // A name that the same turn subscribes to again is not given up, so that no message is missed.
    queueMicrotask(() => {
      this.#look(kind, unwanted);
      for (const name of held) if (line !== undefined) this.#considerUnsubscribed(line, kind, name);
    });
    if (held.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const waiting = { missing: new Set(held), deadline: 0, resolve, reject };
      this.#unsubscribing.add({ kind, names: held, ...waiting }, this.runtime().loop);
    });
  }

  onLineUp(line: SubscriberConnection): void {
    this.#considerSuccessor(line);
    if (line === this.#activeLine) this.#considerInForce();
  }

  onLineDown(line: SubscriberConnection): void {
    if (line === this.#activeLine) this.#onActiveLost();
    const successor = this.#lines.successor(line.database);
    if (successor !== undefined) this.#considerSuccessor(successor);
  }

  onConfirmed(
    line: SubscriberConnection,
    kind: SubscriptionKind,
    names: readonly string[],
    action: SubscriptionAction,
  ): void {
    if (action === 'subscribe') this.#report.accepted(line, kind, names);
    this.#considerSuccessor(line);
    if (line !== this.#activeLine) return;
    for (const name of names) {
      this.#considerUnsubscribed(line, kind, name);
      if (!this.#isInForce(kind, name)) continue;
      for (const call of this.#subscribing.for(kind, name)) this.#found(call, name);
    }
    this.#considerInForce();
  }

  onRefused(
    line: SubscriberConnection,
    kind: SubscriptionKind,
    name: string,
    action: SubscriptionAction,
    error: Error,
    isState: boolean,
  ): void {
    this.#considerSuccessor(line);
    const isActive = line === this.#activeLine;
    if (action === 'unsubscribe') {
      if (!isActive) return;
      for (const waiter of this.#unsubscribing.for(kind, name)) {
        if (this.#unsubscribing.delete(waiter)) waiter.reject(error);
      }
      return;
    }
    if (isActive) {
      for (const call of this.#subscribing.for(kind, name)) {
        call.lastError = error;
        if (!isState) this.#fail(call, error);
      }
      this.#considerUnsubscribed(line, kind, name);
    }
    if (this.wanted.has(kind, name)) this.#report.refused(line, kind, name, error);
    if (isActive) this.#considerInForce();
  }

  onMessage(
    line: SubscriberConnection,
    kind: SubscriptionKind,
    name: string,
    message: Buffer | Buffer[] | null,
    channel: Buffer,
  ): void {
    if (line !== this.#activeLine) return;
    const entry = this.wanted.get(kind, name);
    if (entry !== undefined) deliver(entry, message, channel, this.emit);
  }

  get #activeLine(): SubscriberConnection | undefined {
    return this.#current === undefined ? undefined : this.#lines.get(this.#current);
  }

  #isInForce(kind: SubscriptionKind, name: string): boolean {
    return this.#activeLine?.sync?.held.state(kind, name) === 'subscribed';
  }

  #onRouteChange({ to }: RouteChange): void {
    const { database } = to;
    if (database === undefined || database === this.#current) return;
    const hadOne = this.#current !== undefined;
    this.#current = database;
    this.#connect();
    const now = this.runtime().clock.now();
    if (hadOne) this.#onActiveLost(now);
    this.#considerInForce(now);
  }

  /** Opens the connections that are needed, and closes the others. */
  #connect(): void {
    const client = this.#client;
    if (client === undefined) return;
    const { coordinator } = client;
    const { subscriptions } = coordinator.runtime.options;
    const places = new Set<Database>();
    if (subscriptions === 'all')
      for (const each of client.connections.links.keys()) places.add(each);
    else if (this.#current !== undefined) places.add(this.#current);

    const isUsed = this.wanted.size > 0;
    for (const database of this.#lines.databases()) {
      if (places.has(database) && (isUsed || this.#linger !== undefined)) continue;
      this.#lines.close(
        database,
        new ClientClosedError('the subscriptions of this database have ended'),
      );
    }
    if (!isUsed) return;
    for (const database of places) this.#lines.open(database);
  }

  #considerSuccessor(line: SubscriberConnection): void {
    if (!this.#lines.considerSuccessor(line) || line !== this.#activeLine) return;
    // The new server may have refused a name, or the previous connection left a call unanswered.
    this.#onActiveLost();
    this.#considerInForce();
  }

  /**
   * Closes unused connections after `LINGER_MS`: they are neither kept without subscriptions nor
   * re-established for every subscription.
   */
  #closeIfUnused(): void {
    if (this.wanted.size > 0 || this.#lines.size === 0) return;
    this.#report.end();
    this.#linger ??= this.runtime().clock.after(LINGER_MS, () => {
      this.#linger = undefined;
      this.#connect();
    });
  }

  /** These names may have become wanted or unwanted. */
  #look(kind: SubscriptionKind, names: Iterable<string>): void {
    for (const line of this.#lines) line.sync?.look(kind, names);
  }

  /** The active database has changed, or its connection was lost. */
  #onActiveLost(now = this.runtime().clock.now()): void {
    this.#report.interrupted(now);
    for (const waiter of this.#unsubscribing.all()) this.#unsubscribed(waiter);
    for (const call of this.#subscribing.all()) {
      for (const name of call.names) {
        if (!this.wanted.wants(call, name)) continue;
        if (!this.#isInForce(call.kind, name)) this.#subscribing.await(call, name);
        else this.#found(call, name);
      }
    }
  }

  #found(call: Subscribing, name: string): void {
    if (!this.#subscribing.found(call, name) || !this.#subscribing.delete(call)) return;
    this.wanted.establish(call);
    call.resolve();
  }

  #fail(call: Subscribing, error: unknown): void {
    if (!this.#subscribing.delete(call)) return;
    this.#look(call.kind, this.wanted.undo(call));
    this.#closeIfUnused();
    call.reject(error);
  }

  #unsubscribed(call: Unsubscribing): void {
    if (this.#unsubscribing.delete(call)) call.resolve();
  }

  /** The server no longer has the subscription, or the name is wanted again. */
  #considerUnsubscribed(line: SubscriberConnection, kind: SubscriptionKind, name: string): void {
    const state = line.sync?.held.state(kind, name);
    const isGone = state === undefined || state === 'refused' || this.wanted.has(kind, name);
    if (!isGone) return;
    for (const call of this.#unsubscribing.for(kind, name)) {
      if (this.#unsubscribing.found(call, name)) this.#unsubscribed(call);
    }
  }

  #considerInForce(now?: number): void {
    const line = this.#activeLine;
    if (this.wanted.size === 0 || line?.sync?.held.subscribing !== 0) return;
    this.#report.inForce(line, now ?? this.runtime().clock.now());
  }

  #timeoutError({ kind, missing, lastError: cause }: Subscribing): CommandTimeoutError {
    const { commandDeadlineMs } = this.runtime().options;
    const held = this.#activeLine?.sync?.held;
    const isSent = (name: string) => held?.state(kind, name) === 'subscribing';
    return new CommandTimeoutError(
      `not subscribed within ${commandDeadlineMs} ms (commandDeadlineMs)`,
      { databaseId: this.#current?.id, maybeExecuted: [...missing].some(isSent), cause },
    );
  }
}
