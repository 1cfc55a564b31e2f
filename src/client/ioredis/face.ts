import type { EventEmitter } from 'node:events';
import type { Timer } from '../../clock.js';
import { ClientClosedError, InitializationFailedError } from '../../errors.js';
import { initializationFailure } from '../../runtime/failover/initialization.js';
import { Session } from '../../runtime/group/session.js';
import type { SharedGroup } from '../../runtime/group/shared-group.js';
import type { CreatedGroup } from '../create-group.js';
import type { TraceSource } from '../traced-call.js';
import { activePlace } from '../tracing.js';
import { ConnectionStatus } from './connection-status.js';
import { type Decoding, decodingFor } from './decoding.js';
import { CONNECTION_CLOSED, IoredisErrors, withText } from './errors.js';
import { EventRelay } from './event-relay.js';
import type { IoredisClass, IoredisInstance } from './library.js';
import { IoredisPubSub } from './pubsub.js';
import { ScriptCalls } from './script-calls.js';

/**
 * The engine behind one ioredis client: its session in the group, its status, and what its commands
 * share.
 */
export class Face {
  readonly shared: SharedGroup;
  readonly session: Session;
  readonly status: ConnectionStatus;
  readonly decoding: Decoding;
  readonly errors: IoredisErrors;
  readonly pubsub: IoredisPubSub;
  readonly scripts: ScriptCalls;
  /** Who the commands belong to in traces. */
  readonly source: TraceSource;
  /** What waits for the end of `isBetween`, in the order of the calls. */
  #waiting: (() => void)[] = [];
  /** Calls of `connect()` that wait for a database. */
  readonly #connecting = new Set<(error?: Error) => void>();
  #reconnecting: Timer | undefined;
  /** Number of the life that the last `connect()` has begun. */
  #life = 0;
  /** The life that `quit()` ends. */
  #quitLife: number | undefined;

  constructor(
    Redis: IoredisClass,
    readonly redis: IoredisInstance,
    { shared, name }: CreatedGroup,
  ) {
    this.shared = shared;
    const relay = new EventRelay(redis, {
      ready: () => this.#onServed(),
      recovered: () => this.#onServed(),
      reconnecting: () => this.status.lost(),
      'all-databases-down': () => this.status.lost(),
      switch: () => this.scripts.onSwitch(),
    });
    this.status = new ConnectionStatus(redis);
    this.errors = new IoredisErrors(Redis);
    this.decoding = decodingFor(Redis, redis.options, this.errors);
    const session = new Session(shared, relay as EventEmitter, undefined, this.errors.ofEngine);
    this.session = session;
    this.scripts = new ScriptCalls(() => session.group.coordinator.runtime.scripts);
    this.source = {
      client: name,
      get group() {
        return session.group.counters.group;
      },
      place: () => activePlace(session.group.coordinator),
    };
    this.pubsub = new IoredisPubSub(redis, this.session.subscriptions);
  }

  /**
   * Connects, as `redis.connect()`. Rejects when the client is connected already, when it is closed
   * meanwhile, and when no database serves within `commandDeadlineMs`; in the last case the client
   * keeps trying.
   */
  connect(): Promise<void> {
    if (this.status.isConnected) {
      return Promise.reject(new Error('Redis is already connecting/connected'));
    }
    this.#reconnecting?.cancel();
    this.#reconnecting = undefined;
    const served = this.#untilServed();
    this.status.set('connecting');
    if (this.session.isOpen) return served;
    this.#life += 1;
    const life = this.#life;
    this.session.connect().catch((error: Error) => this.#onFailed(error, life));
    this.#onDecided();
    return served;
  }

  /** Ends the client at once, or reconnects it. Pending commands reject. */
  disconnect(reconnect: boolean): void {
    this.#reconnecting?.cancel();
    this.#reconnecting = undefined;
    if (this.status.current === 'end') return;
    this.session.destroy();
    if (!reconnect) {
      this.#ended(closed());
      return;
    }
    this.status.lost();
    this.#reconnecting = this.shared.dependencies.clock.after(0, () => {
      this.connect().catch(() => {});
    });
  }

  /** Finishes pending commands, also those that wait for the first database, then ends the client. */
  async close(): Promise<void> {
    this.#reconnecting?.cancel();
    const life = this.#life;
    if (!this.session.isReady) await this.#finishConnecting();
    if (life !== this.#life) return;
    await this.session.close();
    // `disconnect()` has ended it first, and `connect()` has begun another life.
    if (life !== this.#life) return;
    this.#ended(closed());
  }

  /** As `redis.quit()`: rejects where ioredis does, after an earlier call. */
  async quit(): Promise<void> {
    if (this.status.current === 'end' || this.#quitLife === this.#life) throw closed();
    this.#quitLife = this.#life;
    await this.close();
  }

  /** Whether `disconnect(true)` was called, and neither a connect nor the end has followed yet. */
  get isBetween(): boolean {
    return this.status.current === 'reconnecting' && this.session.executor === undefined;
  }

  /** Whether `whenDecided` was called during `isBetween`. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Calls `action` when the client accepts commands again, and when it has ended. */
  whenDecided(action: () => void): void {
    this.#waiting.push(action);
  }

  #onDecided(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const action of waiting) action();
  }

  /** Lets the commands of a client that is still connecting finish, if a database serves in time. */
  async #finishConnecting(): Promise<void> {
    const { dependencies, options } = this.shared;
    const timer = dependencies.clock.after(options.commandDeadlineMs, () => {
      // A blocking command would wait for a database without end.
      if (!this.session.isReady) this.session.destroy();
    });
    await this.session.executor?.finish();
    timer.cancel();
  }

  #untilServed(): Promise<void> {
    const { dependencies, options } = this.shared;
    return new Promise((resolve, reject) => {
      const settle = (error?: Error) => {
        timer.cancel();
        this.#connecting.delete(settle);
        if (error === undefined) resolve();
        else reject(error);
      };
      const timer = dependencies.clock.after(options.commandDeadlineMs, () => {
        const error = this.#unavailable();
        this.redis.silentEmit('error', error);
        this.status.lost();
        settle(error);
      });
      this.#connecting.add(settle);
    });
  }

  #unavailable(): Error {
    const failures = this.session.group.coordinator.all().map(initializationFailure);
    const list = failures.map(({ databaseId, reason }) => `${databaseId}: ${reason}`).join('; ');
    return new InitializationFailedError(`no database serves yet, still trying: ${list}`, failures);
  }

  #onServed(): void {
    this.status.served();
    this.#settleConnecting();
  }

  /** The session of this life has ended before a database served. */
  #onFailed(error: Error, life: number): void {
    const isOver = life !== this.#life || this.status.current === 'end';
    // `disconnect(true)` has ended the session, and another one follows.
    if (isOver || this.#reconnecting !== undefined) return;
    this.redis.silentEmit('error', error);
    this.#ended(withText(error));
  }

  #ended(error: Error): void {
    // Of a `disconnect(true)` during `close()`.
    this.#reconnecting?.cancel();
    this.status.ended();
    this.#settleConnecting(error);
    this.#onDecided();
  }

  /** After the events of the status, as in ioredis. */
  #settleConnecting(error?: Error): void {
    const settled = [...this.#connecting];
    this.#connecting.clear();
    process.nextTick(() => {
      for (const settle of settled) settle(error);
    });
  }
}

/** For calls on a client that was closed. */
export function closed(): Error {
  return new ClientClosedError(CONNECTION_CLOSED);
}
