import type { Timer } from '../../clock.js';
import { backoffMs, withJitter } from '../../core/backoff.js';
import type { SubscriptionAction } from '../../core/held-subscriptions.js';
import type { SubscriptionKind } from '../../core/subscription-kind.js';
import type { WantedSubscriptions } from '../../core/wanted-subscriptions.js';
import type { ConnectionSettings } from '../../drivers/connection-settings.js';
import type { Subscriber } from '../../drivers/subscriber.js';
import { afterLoad } from '../connection/driver-load.js';
import type { Database } from '../database.js';
import type { Coordinator } from '../failover/coordinator.js';
import { Heartbeat } from './heartbeat.js';
import { SubscriptionSync } from './reconciler.js';

export interface SubscriberConnectionListener {
  readonly settings?: ConnectionSettings | undefined;
  /** The connection is ready; everything that is wanted is being subscribed. */
  onLineUp(line: SubscriberConnection): void;
  /** A ready connection was lost with all its subscriptions; another one is being opened. */
  onLineDown(line: SubscriberConnection): void;
  onConfirmed(
    line: SubscriberConnection,
    kind: SubscriptionKind,
    names: readonly string[],
    action: SubscriptionAction,
  ): void;
  onRefused(
    line: SubscriberConnection,
    kind: SubscriptionKind,
    name: string,
    action: SubscriptionAction,
    error: Error,
    isState: boolean,
  ): void;
  onMessage(
    line: SubscriberConnection,
    kind: SubscriptionKind,
    name: string,
    message: Buffer | Buffer[] | null,
    channel: Buffer,
  ): void;
}

type State =
  | { readonly kind: 'opening'; readonly subscriber: Subscriber; readonly timer: Timer }
  | {
      readonly kind: 'ready';
      readonly subscriber: Subscriber;
      readonly sync: SubscriptionSync;
      readonly heartbeat: Heartbeat;
      readonly since: number;
    }
  | { readonly kind: 'waiting'; readonly timer: Timer }
  | { readonly kind: 'closed' };

/** Delay before a reconnect, in milliseconds: none the first time, then it doubles each time. */
const BACKOFF = { firstMs: 50, longestMs: 2000 };
/**
 * A connection that lived this long, in milliseconds, counts as stable: the first reconnect after
 * it has no delay.
 */
const STABLE_MS = 1000;
const DEFAULT_PULSE_MS = 5000;

/**
 * One client's connection for subscriptions to one database. It is opened again whenever it is
 * lost, and never gives up. States: opening -> ready -> waiting -> opening ...; any -> closed.
 */
export class SubscriberConnection {
  #state: State = { kind: 'closed' };
  #retries = 0;
  /** Number of messages; only compared. */
  #delivered = 0;

  constructor(
    readonly database: Database,
    private readonly coordinator: Coordinator,
    private readonly wanted: WantedSubscriptions,
    private readonly listener: SubscriberConnectionListener,
    private keepsAlive: boolean,
  ) {
    this.#connect();
  }

  /** The subscriptions of the current connection; undefined if there is none. */
  get sync(): SubscriptionSync | undefined {
    return this.#state.kind === 'ready' ? this.#state.sync : undefined;
  }

  /** Ends the connection, as if it had been lost. */
  drop(error: Error): void {
    if (!('subscriber' in this.#state)) return;
    const { subscriber } = this.#state;
    this.#lost();
    subscriber.destroy(error);
  }

  close(error: Error): void {
    const before = this.#state;
    this.#state = { kind: 'closed' };
    this.#release(before);
    if ('subscriber' in before) before.subscriber.destroy(error);
  }

  ref(): void {
    this.keepsAlive = true;
    if ('subscriber' in this.#state) this.#state.subscriber.ref();
  }

  unref(): void {
    this.keepsAlive = false;
    if ('subscriber' in this.#state) this.#state.subscriber.unref();
  }

  #connect(): void {
    const loading = this.database.driver.load?.();
    if (loading === undefined) {
      this.#open();
      return;
    }
    const timer = afterLoad(
      loading,
      () => this.#connect(),
      () => this.#lost(),
    );
    this.#state = { kind: 'waiting', timer };
  }

  #open(): void {
    const { driver } = this.database;
    const isCurrent = () => 'subscriber' in this.#state && this.#state.subscriber === subscriber;
    const subscriber: Subscriber = driver.openSubscriber({
      settings: this.listener.settings,
      onReady: () => {
        if (isCurrent() && this.#state.kind === 'opening') this.#ready(subscriber);
      },
      onLost: () => {
        if (isCurrent()) this.#lost();
      },
      onMessage: (kind, name, message, channel) => {
        if (!isCurrent()) return;
        this.#delivered += 1;
        this.listener.onMessage(this, kind, name, message, channel);
      },
      onRevoked: (kind, name) => {
        if (isCurrent()) this.sync?.revoked(kind, name);
      },
    });
    if (!this.keepsAlive) subscriber.unref();
    const timer = this.coordinator.runtime.loop.after(driver.connectTimeoutMs, () => {
      if (isCurrent()) this.drop(new Error(`no connection to ${driver.address} in time`));
    });
    this.#state = { kind: 'opening', subscriber, timer };
  }

  #ready(subscriber: Subscriber): void {
    if (this.#state.kind === 'opening') this.#state.timer.cancel();
    const { clock } = this.coordinator.runtime;
    const sync = new SubscriptionSync(subscriber, this.database.driver, this.wanted, clock, {
      onConfirmed: (...told) => this.listener.onConfirmed(this, ...told),
      onRefused: (...told) => this.listener.onRefused(this, ...told),
      onBroken: (error) => this.drop(error),
    });
    const heartbeat = this.#heartbeat(subscriber);
    this.#state = { kind: 'ready', subscriber, sync, heartbeat, since: clock.now() };
    sync.begin();
    this.listener.onLineUp(this);
  }

  #heartbeat(subscriber: Subscriber): Heartbeat {
    const { database, coordinator } = this;
    const { runtime } = coordinator;
    const { suspectAfterMs, commandTimeoutMs } = runtime.options;
    const intervals = database.healthChecks.map((check) => check.intervalMs);
    const settings = {
      intervalMs: Math.min(...intervals, DEFAULT_PULSE_MS),
      suspectAfterMs,
      giveUpAfterMs: commandTimeoutMs,
    };
    let probeBefore: unknown;
    return new Heartbeat(subscriber, settings, runtime, {
      onSilent: () => {
        probeBefore = database.lastProbe;
        coordinator.health.suspect(database, { fresh: true });
      },
      provenWell: () => database.lastProbe !== probeBefore && database.lastProbe?.healthy === true,
      onDead: (error) => this.drop(error),
      delivered: () => this.#delivered,
    });
  }

  #lost(): void {
    const before = this.#state;
    const { clock, random } = this.coordinator.runtime;
    if (before.kind === 'ready' && clock.now() - before.since >= STABLE_MS) this.#retries = 0;
    const isFirst = this.#retries === 0;
    const delayMs = isFirst ? 0 : withJitter(backoffMs(BACKOFF, this.#retries - 1), random);
    this.#retries = Math.min(this.#retries + 1, 10);
    const timer = clock.after(
      delayMs,
      () => {
        if (this.#state.kind === 'waiting') this.#connect();
      },
      { keepAlive: this.keepsAlive },
    );
    this.#state = { kind: 'waiting', timer };
    this.#release(before);
    // A sign of failure, like the loss of a data connection, but not for every refused attempt.
    if (before.kind === 'ready' || isFirst)
      this.coordinator.health.suspect(this.database, { fresh: true });
    if (before.kind === 'ready') this.listener.onLineDown(this);
  }

  #release(state: State): void {
    if ('timer' in state) state.timer.cancel();
    if (state.kind !== 'ready') return;
    state.sync.close();
    state.heartbeat.close();
  }
}
