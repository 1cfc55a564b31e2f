import type { Clock, Random, Timer } from '../clock.js';
import type {
  CommandArgument,
  Connection,
  ConnectionListener,
  Driver,
  Lane,
} from '../drivers/driver.js';
import type { LoopClock } from './loop-clock.js';
import type { Preload } from './preload.js';

export interface LinkListener {
  onLinkUp(link: Link): void;
  /** A connection was lost or could not be made; another one is on its way. */
  onLinkDown(link: Link, error: Error, wasReady: boolean): void;
  /** One lane of its connection was lost, or could not be opened; the connection lives. */
  onLinkLaneLost(link: Link, lane: Lane | undefined, error: Error): void;
  /** In milliseconds; the user's own strategy is not bound by it. */
  longestReconnectDelayMs(link: Link): number;
  /** Its server announced maintenance for so long; 0: it has ended. */
  onLinkMaintenance(link: Link, forMs: number): void;
  /** A key read over its connection has changed; `null`: any may have. */
  onLinkInvalidate?(link: Link, key: CommandArgument | null): void;
}

/** A connection that lived this long proved itself: after it, the first reconnect is at once. */
const STABLE_MS = 1000;

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'opening'; readonly connection: Connection; readonly timer: Timer }
  | { readonly kind: 'ready'; readonly connection: Connection }
  | { readonly kind: 'waiting'; readonly timer: Timer }
  | { readonly kind: 'closed' };

/**
 * One client's data connection to one database, opened again whenever it is lost: at once the
 * first time, then with growing delays. It never gives up.
 *
 * idle -> opening -> ready -> waiting -> opening ...; any -> idle, closed.
 */
export class Link {
  #state: State = { kind: 'idle' };
  #retries = 0;
  #readyAt = 0;
  #ref = true;
  /**
   * Whether a database without it can't serve. That of a client that joins a running group counts
   * once it was ready: joining must not disturb those that are served.
   */
  counts = false;
  /** What a new connection does before it is ready, within its connect timeout. */
  prepare: Preload | undefined;

  constructor(
    readonly driver: Driver,
    private readonly listener: LinkListener,
    private readonly time: { clock: Clock; loop: LoopClock; random: Random },
    private readonly opens: Driver['openConnection'] = (listener, time) =>
      driver.openConnection(listener, time),
  ) {}

  /** The connection that takes commands at present. */
  get connection(): Connection | undefined {
    return this.#state.kind === 'ready' ? this.#state.connection : undefined;
  }

  get idle(): boolean {
    return this.#state.kind === 'idle';
  }

  /** Starts to open a connection, unless there is one or one is on its way. */
  open(): void {
    if (this.#state.kind === 'waiting') {
      this.#state.timer.cancel();
      this.#connect();
    } else if (this.#state.kind === 'idle') this.#connect();
  }

  /**
   * Gives the ready connection away, for its owner to finish and destroy. With `reopen` another
   * one is on its way then. `undefined`: there was none.
   */
  detach(reopen: boolean): Connection | undefined {
    if (this.#state.kind !== 'ready') return undefined;
    const { connection } = this.#state;
    if (reopen) {
      this.#retries = 1;
      this.#wait(new Error('the connection was given up'));
    } else this.#state = { kind: 'idle' };
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
    if ('connection' in this.#state) this.#state.connection.ref();
  }

  unref(): void {
    this.#ref = false;
    if ('connection' in this.#state) this.#state.connection.unref();
  }

  #connect(): void {
    const isCurrent = () =>
      (this.#state.kind === 'opening' || this.#state.kind === 'ready') &&
      this.#state.connection === connection;
    const onUp = () => {
      if (!isCurrent() || this.#state.kind !== 'opening') return;
      this.#state.timer.cancel();
      this.#state = { kind: 'ready', connection };
      this.#readyAt = this.time.clock.now();
      this.listener.onLinkUp(this);
    };
    const listener: ConnectionListener = {
      onReady: () => {
        if (!isCurrent()) return;
        if (this.prepare === undefined) onUp();
        else this.prepare(connection).then(onUp, onUp);
      },
      onLost: (error) => {
        if (isCurrent()) this.#lost(error);
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
    const connection = this.opens(listener, this.time);
    if (!this.#ref) connection.unref();
    const timer = this.time.loop.after(this.driver.connectTimeoutMs, () => {
      if (isCurrent()) this.drop(new Error(`no connection to ${this.driver.address} in time`));
    });
    this.#state = { kind: 'opening', connection, timer };
  }

  #lost(error: Error): void {
    const wasReady = this.#state.kind === 'ready';
    if (wasReady && this.time.clock.now() - this.#readyAt >= STABLE_MS) this.#retries = 0;
    if (this.#state.kind === 'opening') this.#state.timer.cancel();
    if (this.#wait(error)) this.listener.onLinkDown(this, error, wasReady);
  }

  /** False: the application's own reconnect strategy, which was asked, has ended the link. */
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
    const nominal = Math.min(50 * 2 ** Math.min(this.#retries - 1, 6), longest);
    return nominal * (1 - 0.2 * this.time.random());
  }

  #end(state: State, error: Error): void {
    if (this.#state.kind === 'closed') return;
    const before = this.#state;
    this.#state = state;
    if ('timer' in before) before.timer.cancel();
    if ('connection' in before) before.connection.destroy(error);
    this.#retries = 0;
  }
}
