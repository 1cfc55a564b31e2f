import type { EventEmitter } from 'node:events';
import type { Timer } from '../../clock.js';
import { ConnectionSettings } from '../../drivers/connection-settings.js';
import { ClientClosedError } from '../../errors.js';
import { MAX_TIMER_MS } from '../../validation/rules.js';
import type { CacheValidity } from '../command/cache-validity.js';
import { Subscriptions } from '../pubsub/subscriptions.js';
import type { Executor } from './executor.js';
import type { Group } from './group.js';
import type { EventRecipient, SharedGroup } from './shared-group.js';

type State =
  | { readonly kind: 'closed' }
  | { readonly kind: 'connecting'; readonly executor: Executor; readonly done: Promise<void> }
  | { readonly kind: 'open'; readonly executor: Executor }
  | { readonly kind: 'closing'; readonly executor: Executor; readonly done: Promise<void> };

/**
 * The lifecycle of one client: closed -> connecting -> open -> closing -> closed, and again.
 * `destroy` leads to closed from every state.
 */
export class Session implements EventRecipient {
  readonly subscriptions: Subscriptions;
  /** Kept over `close()` and the next `connect()`. */
  readonly settings = new ConnectionSettings();
  #state: State = { kind: 'closed' };
  #unref = false;
  /** Whether `ready` was the last of `ready`, `reconnecting` and `end` that was emitted. */
  #isReady = false;
  #stopObserving = () => {};
  /** Keeps the process alive as long as the client is open, whatever its connections do. */
  #keepAlive: Timer | undefined;

  constructor(
    readonly shared: SharedGroup,
    readonly emitter: EventEmitter,
    /** Set only if the values that this client reads are cached. */
    private readonly cacheValidity?: CacheValidity,
    private readonly toClientError: Executor['toClientError'] = (error) => error,
  ) {
    this.subscriptions = new Subscriptions(
      () => this.group.coordinator.runtime,
      (name, ...event) => shared.tell(this, name, ...event),
    );
  }

  get group(): Group {
    return this.shared.current;
  }

  /**
   * The executor that takes commands now, also while the client connects, as in node-redis;
   * undefined: closed.
   */
  get executor(): Executor | undefined {
    return this.#state.kind === 'closed' ? undefined : this.#state.executor;
  }

  get isOpen(): boolean {
    return this.#state.kind === 'connecting' || this.#state.kind === 'open';
  }

  /**
   * Whether the client serves: from the first connection to the active database until no database
   * serves any more, and so on. A switch between two databases does not end it.
   */
  get isReady(): boolean {
    return this.#isReady;
  }

  /**
   * Connects the client. Idempotent. Rejects with `InitializationFailedError`; everything is then
   * closed again.
   */
  async connect(): Promise<void> {
    if (this.#state.kind === 'open') return;
    if (this.#state.kind === 'connecting') return this.#state.done;
    if (this.#state.kind === 'closing') throw new ClientClosedError();
    const group = this.shared.living;
    this.shared.join(this);
    const { executor, entered } = group.enter(this.settings);
    executor.cacheValidity = this.cacheValidity;
    executor.toClientError = this.toClientError;
    this.subscriptions.begin(executor);
    if (this.#unref) executor.connections.unref();
    const done = this.#connect(executor, entered);
    this.#state = { kind: 'connecting', executor, done };
    this.#stayAlive();
    this.shared.tell(this, 'connect');
    return done;
  }

  /** Accepts no more commands and resolves when the pending ones have settled. Idempotent. */
  async close(): Promise<void> {
    if (this.#state.kind === 'closing') return this.#state.done;
    const { executor } = this;
    if (executor === undefined) return;
    if (this.#state.kind === 'connecting') {
      this.destroy();
      return;
    }
    const group = this.group;
    if (executor.pending === 0) {
      // Ends at once, as in node-redis: the caller sees a client that is neither open nor ready.
      this.#end(group, executor);
      return executor.rejections.delivered;
    }
    const done = executor.finish().then(() => this.#end(group, executor));
    this.#state = { kind: 'closing', executor, done };
    return done;
  }

  /** Rejects pending commands and closes every connection. Idempotent. */
  destroy(): void {
    const { executor } = this;
    if (executor !== undefined) this.#end(this.group, executor);
  }

  ref(): void {
    this.#unref = false;
    this.#stayAlive();
    this.executor?.connections.ref();
    this.subscriptions.ref();
  }

  unref(): void {
    this.#unref = true;
    this.#keepAlive?.cancel();
    this.executor?.connections.unref();
    this.subscriptions.unref();
  }

  #stayAlive(): void {
    this.#keepAlive?.cancel();
    if (this.#unref || this.#state.kind === 'closed') return;
    const { clock } = this.shared.dependencies;
    this.#keepAlive = clock.after(MAX_TIMER_MS, () => this.#stayAlive(), { keepAlive: true });
  }

  async #connect(executor: Executor, entered: Promise<void>): Promise<void> {
    const isCurrent = () => this.#state.kind === 'connecting' && this.executor === executor;
    try {
      await entered;
      if (!isCurrent()) throw new ClientClosedError();
      this.#state = { kind: 'open', executor };
      const look = () => this.#lookAtService(executor);
      executor.onServing = look;
      this.#stopObserving = this.group.coordinator.router.observe(look);
    } catch (error) {
      if (isCurrent()) {
        this.#state = { kind: 'closed' };
        this.#keepAlive?.cancel();
        this.subscriptions.end(new ClientClosedError(undefined, { cause: error }));
        this.shared.leave(this);
      }
      throw error;
    }
    this.#lookAtService(executor);
  }

  /** Emits `ready` and `reconnecting` when service begins and ends. */
  #lookAtService(executor: Executor): void {
    const { route, router, now } = executor.coordinator;
    // While the route is changing, nobody may act on it; the observers of the router are called then.
    if (this.executor !== executor || router.changing) return;
    const { serves } = executor;
    const { options, maintenanceEndsAt = 0, unchecked = false } = route.database ?? {};
    // Otherwise a database without a connection is left within moments, and commands wait for that.
    const isRiddenOut =
      (options?.unhealthyAfterMs ?? 0) > 0 || maintenanceEndsAt > now || unchecked;
    const hasEnded = route.state !== 'serving' || (isRiddenOut && !serves);
    // The connection of this client may be ready later than that of another one.
    if (this.#isReady ? !hasEnded : hasEnded || !serves) return;
    this.#isReady = serves && !hasEnded;
    this.shared.tell(this, this.#isReady ? 'ready' : 'reconnecting');
  }

  #end(group: Group, executor: Executor): void {
    if (!group.members.has(executor)) return;
    this.#state = { kind: 'closed' };
    this.#isReady = false;
    this.#stopObserving();
    this.#keepAlive?.cancel();
    this.subscriptions.end(ClientClosedError.disconnected());
    group.leave(executor);
    this.shared.leave(this);
    this.shared.tell(this, 'end');
  }
}
