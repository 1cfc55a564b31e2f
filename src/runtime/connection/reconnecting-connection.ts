import type { Clock, Random, Timer } from '../../clock.js';
import { backoffMs, withJitter } from '../../core/backoff.js';
import type { CommandArgument } from '../../core/command-argument.js';
import type { ConnectionSettings } from '../../drivers/connection-settings.js';
import type {
  Connection,
  ConnectionListener,
  Connector,
  DatabaseAddress,
  Lane,
} from '../../drivers/driver.js';
import type { LoopClock } from '../../loop-clock.js';
import { afterLoad } from './driver-load.js';
import type { Preload } from './function-preload.js';

export interface ReconnectingConnectionListener {
  /** What the client tells servers about itself on every connection. */
  readonly settings?: ConnectionSettings | undefined;
  onLinkUp(link: ReconnectingConnection): void;
  /** A connection was lost or could not be established; another one is being opened. */
  onLinkDown(link: ReconnectingConnection, error: Error, wasReady: boolean): void;
  /** One lane of its connection was lost, or could not be opened; the connection lives. */
  onLinkLaneLost(link: ReconnectingConnection, lane: Lane | undefined, error: Error): void;
  /**
   * The connection that `renew` opened is ready and takes the commands from now on. The owner must
   * finish and destroy `previous`.
   */
  onLinkRenewed?(link: ReconnectingConnection, previous: Connection): void;
  /**
   * Whether a blocking command is in flight on the connection: later commands are answered only
   * when it has ended.
   */
  isBlocked?(link: ReconnectingConnection): boolean;
  /**
   * Longest delay before a reconnect, in milliseconds; the user's own strategy is not limited by
   * it.
   */
  longestReconnectDelayMs(link: ReconnectingConnection): number;
  /**
   * Whether `hurry` is called when a connection can be made: the link's own attempts are rare
   * meanwhile.
   */
  isCalled?(link: ReconnectingConnection): boolean;
  /** The server announced maintenance for `forMs` milliseconds; 0: it has ended. */
  onLinkMaintenance(link: ReconnectingConnection, forMs: number): void;
  /** A key read over its connection has changed; `null`: any may have. */
  onLinkInvalidate?(link: ReconnectingConnection, key: CommandArgument | null): void;
}

/** Delay before the second reconnect, in milliseconds; the first one has none. */
const FIRST_WAIT_MS = 50;
/**
 * A connection that lived this long, in milliseconds, counts as stable: the first reconnect after
 * it has no delay.
 */
const STABLE_MS = 1000;

/** A connection that is being opened. */
interface Opening {
  readonly connection: Connection;
  readonly timer: Timer;
}

type State =
  | { readonly kind: 'idle' }
  | ({ readonly kind: 'opening' } & Opening)
  | {
      readonly kind: 'ready';
      readonly connection: Connection;
      /** Opened beside `connection`, to take its place. */
      successor: Opening | undefined;
    }
  | { readonly kind: 'waiting'; readonly timer: Timer }
  | { readonly kind: 'closed' };

/**
 * One client's data connection to one database, opened again whenever it is lost: at once the
 * first time, then with growing delays. It never gives up.
 *
 * idle -> opening -> ready -> waiting -> opening ...; any -> idle, closed. A ready connection can
 * be renewed: another one is opened beside it and takes its place once it is ready.
 */
export class ReconnectingConnection {
  #state: State = { kind: 'idle' };
  #retries = 0;
  #readyAt = 0;
  #openedAt = 0;
  /**
   * Monotonic time at which the connection last answered: it became ready, or replied to a
   * question.
   */
  answeredAt = Number.NEGATIVE_INFINITY;
  #ref = true;
  /**
   * Whether a database can't serve without this link. The link of a client that joins a running
   * group counts once it was ready: joining must not disturb the other clients.
   */
  requiredForAvailability = false;
  /** Runs on a new connection before it is ready, within its connect timeout. */
  prepare: Preload | undefined;

  constructor(
    readonly driver: Connector & DatabaseAddress,
    private readonly listener: ReconnectingConnectionListener,
    private readonly time: { clock: Clock; loop: LoopClock; random: Random },
    private readonly opens: Connector['openConnection'] = (listener, time) =>
      driver.openConnection(listener, time),
  ) {}

  /** The connection that takes commands now. */
  get connection(): Connection | undefined {
    return this.#state.kind === 'ready' ? this.#state.connection : undefined;
  }

  /** Whether a blocking command is in flight, so that a missing reply proves nothing. */
  get isBlocked(): boolean {
    return this.listener.isBlocked?.(this) ?? false;
  }

  get idle(): boolean {
    return this.#state.kind === 'idle';
  }

  /** Opens a connection, unless there is one or one is being opened. */
  open(): void {
    if (this.#state.kind === 'waiting') {
      this.#state.timer.cancel();
      this.#connect();
    } else if (this.#state.kind === 'idle') this.#connect();
  }

  /**
   * Opens another connection beside the ready one, which it replaces once it is ready. If it can't
   * be opened, the current connection stays. A link that waits for its next attempt makes it now.
   */
  renew(): void {
    const state = this.#state;
    if (state.kind === 'waiting') this.open();
    else if (state.kind === 'ready') state.successor ??= this.#open();
  }

  /**
   * A new connection can be made: a link that waits for its next attempt makes it now. An attempt
   * that began before `since` (monotonic) is replaced by another one, because its packets may be
   * lost.
   */
  hurry(since: number): void {
    if (this.#state.kind === 'waiting') this.open();
    else if (this.#state.kind === 'opening' && this.#openedAt < since) {
      const { connection, timer } = this.#state;
      timer.cancel();
      this.#connect();
      connection.destroy(new Error('another connection was opened'));
    }
  }

  /**
   * Returns the ready connection, for the caller to finish and destroy; `undefined` if there is
   * none. With `reopen` the link opens another one.
   */
  detach(reopen: boolean): Connection | undefined {
    if (this.#state.kind !== 'ready') return undefined;
    const { connection, successor } = this.#state;
    const error = new Error('the connection was abandoned');
    if (!reopen) {
      this.#state = { kind: 'idle' };
      abandon(successor, error);
    } else if (successor !== undefined) this.#state = { kind: 'opening', ...successor };
    else {
      this.#retries = 1;
      this.#wait(error);
    }
    return connection;
  }

  /** Ends the ready connection, as if it had been lost. */
  drop(error: Error): void {
    if (this.#state.kind !== 'ready' && this.#state.kind !== 'opening') return;
    const { connection } = this.#state;
    this.#lost(error);
    connection.destroy(error);
  }

  /** Back to no connection; `open` starts again. */
  rest(error: Error): void {
    this.#end({ kind: 'idle' }, error);
  }

  close(error: Error): void {
    this.#end({ kind: 'closed' }, error);
  }

  ref(): void {
    this.#ref = true;
    for (const connection of this.#connections) connection.ref();
  }

  unref(): void {
    this.#ref = false;
    for (const connection of this.#connections) connection.unref();
  }

  get #connections(): Connection[] {
    const state = this.#state;
    if (!('connection' in state)) return [];
    const successor = state.kind === 'ready' ? state.successor?.connection : undefined;
    return successor === undefined ? [state.connection] : [state.connection, successor];
  }

  #connect(): void {
    const loading = this.driver.load?.();
    if (loading === undefined) {
      this.#state = { kind: 'opening', ...this.#open() };
      return;
    }
    const timer = afterLoad(
      loading,
      () => this.#connect(),
      (error) => this.#lost(error),
    );
    this.#state = { kind: 'waiting', timer };
  }

  #open(): Opening {
    const isCurrent = () => 'connection' in this.#state && this.#state.connection === connection;
    const isSuccessor = () =>
      this.#state.kind === 'ready' && this.#state.successor?.connection === connection;
    const onUp = () => {
      if (isSuccessor()) this.#succeed();
      else if (isCurrent() && this.#state.kind === 'opening') this.#up(this.#state);
    };
    const listener: ConnectionListener = {
      settings: this.listener.settings,
      onReady: () => {
        if (!isCurrent() && !isSuccessor()) return;
        if (this.prepare === undefined) onUp();
        else this.prepare(connection).then(onUp, onUp);
      },
      onLost: (error) => {
        if (isSuccessor()) this.#stay();
        else if (isCurrent()) this.#lost(error);
      },
      onLaneLost: (lane, error) => {
        if (isCurrent()) this.listener.onLinkLaneLost(this, lane, error);
      },
      onMaintenance: (forMs) => {
        if (isCurrent()) this.listener.onLinkMaintenance(this, forMs);
      },
      onInvalidate: (key) => {
        if (isCurrent()) this.listener.onLinkInvalidate?.(this, key);
      },
    };
    this.#openedAt = this.time.clock.now();
    const connection = this.opens(listener, this.time);
    if (!this.#ref) connection.unref();
    const timer = this.time.loop.after(this.driver.connectTimeoutMs, () => {
      const error = new Error(`no connection to ${this.driver.address} in time`);
      if (isCurrent()) this.drop(error);
      else if (isSuccessor()) abandon(this.#stay(), error);
    });
    return { connection, timer };
  }

  #up({ connection, timer }: Opening): void {
    timer.cancel();
    this.#state = { kind: 'ready', connection, successor: undefined };
    this.#readyAt = this.time.clock.now();
    this.answeredAt = this.#readyAt;
    this.listener.onLinkUp(this);
  }

  /** The successor is ready. */
  #succeed(): void {
    if (this.#state.kind !== 'ready' || this.#state.successor === undefined) return;
    const { connection: previous, successor } = this.#state;
    successor.timer.cancel();
    this.#state = { kind: 'ready', connection: successor.connection, successor: undefined };
    this.#readyAt = this.time.clock.now();
    this.answeredAt = this.#readyAt;
    this.listener.onLinkRenewed?.(this, previous);
  }

  /** The successor could not be opened: the current connection stays. */
  #stay(): Opening | undefined {
    if (this.#state.kind !== 'ready') return undefined;
    const { successor } = this.#state;
    successor?.timer.cancel();
    this.#state.successor = undefined;
    return successor;
  }

  #lost(error: Error): void {
    const before = this.#state;
    const wasReady = before.kind === 'ready';
    if (wasReady && this.time.clock.now() - this.#readyAt >= STABLE_MS) this.#retries = 0;
    if (before.kind === 'opening') before.timer.cancel();
    if (wasReady && before.successor !== undefined) {
      // The next connection is already being opened.
      this.#state = { kind: 'opening', ...before.successor };
      this.#retries += 1;
      this.listener.onLinkDown(this, error, true);
    } else if (this.#wait(error)) this.listener.onLinkDown(this, error, wasReady);
  }

  /**
   * Waits for the next attempt. Returns false if the application's reconnect strategy, which was
   * called, has ended the link.
   */
  #wait(cause: Error): boolean {
    const before = this.#state;
    const delayMs = this.#retries === 0 ? 0 : this.#delay(cause);
    if (this.#state !== before) return false;
    this.#retries += 1;
    const timer = this.time.clock.after(
      delayMs,
      () => {
        if (this.#state.kind === 'waiting') this.#connect();
      },
      { keepAlive: this.#ref },
    );
    this.#state = { kind: 'waiting', timer };
    return true;
  }

  #delay(cause: Error): number {
    const own = this.driver.reconnectDelay?.(this.#retries, cause);
    if (own !== undefined) return own;
    const longest = this.listener.longestReconnectDelayMs(this);
    const nominal = this.listener.isCalled?.(this)
      ? longest
      : backoffMs({ firstMs: FIRST_WAIT_MS, longestMs: longest }, this.#retries - 1);
    return withJitter(nominal, this.time.random);
  }

  #end(state: State, error: Error): void {
    if (this.#state.kind === 'closed') return;
    const before = this.#state;
    this.#state = state;
    if ('timer' in before) before.timer.cancel();
    if ('connection' in before) before.connection.destroy(error);
    if (before.kind === 'ready') abandon(before.successor, error);
    this.#retries = 0;
  }
}

function abandon(opening: Opening | undefined, error: Error): void {
  opening?.timer.cancel();
  opening?.connection.destroy(error);
}
